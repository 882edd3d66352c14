"""Sentences of one clause about what people do: told, wanted, owed, and what they can."""

from functools import cache

from unrolled.data.phrasebook.english import be, sentence
from unrolled.data.phrasebook.japanese import Word, desire, negative_stem, others_desire, potential, progressive, ta
from unrolled.data.phrasebook.nouns import PEOPLE, Person
from unrolled.data.phrasebook.phrases import Act, Retry, Talk, english, japanese
from unrolled.data.phrasebook.times import When
from unrolled.data.phrasebook.verbs import DEEDS, Deed, deeds

Pair = tuple[str, str]

YOU = Person("you", "あなた", "2", "you", "your", "you", "you", "you")

I = PEOPLE[0]  # noqa: E741


@cache
def deeds_of(verb: str) -> list[Deed]:
    """The deeds with this English verb."""
    return [deed for deed in DEEDS if deed.verb == verb]


def talk_deeds() -> tuple[Deed, ...]:
    """All deeds that are told of a day."""
    return deeds("D")


def told(
    talk: Talk, act: Act, *, past: bool = False, negative: bool = False, word: Word | None = None, **how: object
) -> Pair:
    """A statement on both sides: orders of time and subject, contractions and dropped subjects are chosen freely."""
    dice, mid = talk.dice, act.when is not None and act.when.mid
    front = dice.chance(0.35)
    en = english(act, past=past, negative=negative, contract=talk.contract, front=front, **how)  # type: ignore[arg-type]
    ja_front = not mid and dice.chance(0.75 if front else 0.4)
    ja = japanese(
        act, lambda w: talk.end(w, past=past, negative=negative), talk.topic(act.who), front=ja_front,
        comma=dice.chance(0.4), word=word, swap=dice.chance(0.3),
    )  # fmt: skip
    return sentence(en), ja + "。"


def told_past(talk: Talk) -> Pair:
    """What somebody did, or didn't do."""
    negative = talk.dice.chance(0.15)
    deed = talk.deed(talk.dice.pick(("D", "D", "D", "W", "Y")))
    act = talk.done(deed, talk.someone(), negative=negative)
    act = talk.timed(act if negative else talk.around(act), "past", clock=0 if negative else 0.2)
    return told(talk, act, past=True, negative=negative)


def told_future(talk: Talk) -> Pair:
    """What somebody will do: will, is going to, or plans to."""
    dice, negative = talk.dice, talk.dice.chance(0.12)
    deed = talk.deed(dice.pick(("D m", "D m", "W m", "Y m")))
    who = talk.someone(first=0.45)
    act = talk.done(deed, who, negative=negative)
    act = talk.timed(act if negative else talk.around(act), "future", clock=0 if negative else 0.2)
    kind = dice.weighted([(6, "will"), (3, "going"), (2, "plan")])
    if kind == "will" or negative:
        return told(talk, act, negative=negative, future=True)
    rest = f"to {act.verb} {act.rest}".strip()
    if kind == "going":
        return told(talk, act, verb="be", rest=f"going {rest}")
    return told(talk, act, verb="plan", rest=rest, word=Word(act.word.text + "つもり", "n"))


def told_daily(talk: Talk) -> Pair:
    """What somebody does again and again."""
    dice = talk.dice
    act = talk.done(talk.deed(dice.pick(("h", "h", "w"))), talk.someone(), forms="bm")
    act = talk.timed(talk.around(act, lasts=0.15), "daily")
    if dice.chance(0.08) and act.hour is None:
        who = talk.topic(act.who)
        en = english(act._replace(when=When("never", "", "h", mid=True), lasts=None))
        ja = japanese(act._replace(lasts=None), lambda w: talk.end(w, negative=True), who + "全然", timed=False)
        return sentence(en), ja + "。"
    return told(talk, act)


def told_now(talk: Talk) -> Pair:
    """What somebody is doing."""
    dice = talk.dice
    past = dice.chance(0.2)
    act = talk.around(talk.done(talk.deed("p"), talk.someone(first=0.2), forms="astdmjp"), lasts=0)
    if past:
        act = talk.timed(act, "past", clock=1)
        if act.hour is None:  # was swimming last week: no
            raise Retry
    if act.when is None and dice.chance(0.6):
        act = act._replace(when=When(*dice.pick((("now", "今"), ("right now", "今"))), "D"))
    talk.tags.add(f"did:{act.key}/{act.when.name if act.when else 'now'}/{act.who.key}")
    word = progressive(act.word)
    return told(talk, act, past=past, word=word, progressive=True)


def wanted(talk: Talk) -> Pair:
    """What somebody wants to do: one's own wish is たい, another's is たがっている."""
    dice = talk.dice
    who = talk.someone(first=0.7)
    negative = dice.chance(0.2)
    act = talk.done(talk.deed("m g"), who, negative=negative)
    if not negative and dice.chance(0.5):
        act = talk.timed(talk.around(act, lasts=0.1), "future", clock=0)
    else:
        talk.tags.add(f"did:{act.key}/want/{who.key}")
    mine = who.group in {"me", "we"}
    word = desire(act.word) if mine else others_desire(act.word)
    rest = f"to {act.verb} {act.rest}".strip()
    return told(talk, act, negative=negative, verb="want", rest=rest, word=word)


def owed(talk: Talk) -> Pair:
    """What somebody must, need not or should do."""
    dice = talk.dice
    who = talk.someone(first=0.6)
    kind = dice.weighted([(5, "must"), (2, "needn't"), (3, "should")])
    act = talk.done(talk.deed(dice.pick(("D m", "W m")), "g"), who, negative=kind == "needn't")
    if dice.chance(0.6):
        act = talk.timed(act, "future", clock=0 if kind == "needn't" else 0.15)
    else:
        talk.tags.add(f"did:{act.key}/{kind}/{who.key}")
    plain = f"{act.verb} {act.rest}".strip()
    no = negative_stem(act.word)
    if kind == "must":
        word = Word(no + dice.pick(("なければなる", "なくてはいける")), "5")
        word = word if word.text.endswith("なる") else Word(word.text, "1")
        verb, rest = ("have", f"to {plain}") if dice.chance(0.6) else ("must", plain)
        pair = told_by(talk, act, word, negative=True, verb=verb, rest=rest)
    elif kind == "needn't":
        word = Word(no + "なくてもいい", "i")
        pair = told_by(talk, act, word, en_negative=True, verb="have", rest=f"to {plain}")
    else:
        word = Word(ta(act.word) + "ほうがいい", "i")
        pair = told_by(talk, act, word, verb="should", rest=plain)
    return pair


def told_by(
    talk: Talk, act: Act, word: Word, *, negative: bool = False, en_negative: bool = False, past: bool = False,
    verb: str = "", rest: str = "",
) -> Pair:  # fmt: skip
    """A statement whose Japanese word has a polarity of its own: 食べなければならない is no denial in English."""
    dice = talk.dice
    if verb in {"must", "should", "can"}:
        when = act.when.en if act.when is not None else ""
        hour = act.hour.en if act.hour is not None else ""
        en = f"{act.who.en} {verb} {rest} {hour} {when}".replace("{my}", act.who.his)
        en = " ".join(en.split())
    else:
        en = english(act, negative=en_negative, past=past, contract=talk.contract, verb=verb, rest=rest)
    front = dice.chance(0.45)
    ja = japanese(
        act, lambda w: talk.end(w, negative=negative, past=past), talk.topic(act.who), front=front,
        comma=dice.chance(0.3), word=word,
    )  # fmt: skip
    return sentence(en), ja + "。"


def skilled(talk: Talk) -> Pair:
    """What somebody can or can't do."""
    dice = talk.dice
    who, negative, past = talk.someone(), dice.chance(0.35), dice.chance(0.2)
    deed = talk.deed("k")
    act = talk.done(deed, who, negative=negative, forms="bt")
    past = past and deed.verb != "answer" and deed.verb != "drive" and who.key not in {"I", "children"}
    talk.tags.add(f"did:{act.key}/can/{who.key}")
    front = act.front[:-1] + "が" if act.front.endswith("を") else act.front
    en = english(act, contract=talk.contract, can=True, past=past, negative=negative)
    ja = japanese(
        act,
        lambda w: talk.end(w, past=past, negative=negative),
        talk.topic(who),
        word=potential(act.word),
        object_=front,
    )
    if past:  # an ability of long ago
        child = "children" if who.agrees in {"3p", "1p"} else "a child"
        en, ja = f"{en} when {who.he} {be(who.agrees, was=True)} {child}", "子供の時、" + ja
    return sentence(en), ja + "。"
