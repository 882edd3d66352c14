"""Sentences of one clause about what people do: told, asked, wanted, owed, allowed, asked for.

>>> from unrolled.data.phrasebook.dice import Dice
>>> told_past(Talk(Dice(5)))
('My mother took my brother to the zoo.', '母は弟を動物園に連れて行った。')
"""

from functools import cache

from unrolled.data.phrasebook.english import article, be, question, sentence
from unrolled.data.phrasebook.japanese import (
    Word,
    before_no,
    desire,
    finite,
    negative_stem,
    others_desire,
    potential,
    progressive,
    stem,
    ta,
    te,
    volitional,
)
from unrolled.data.phrasebook.nouns import PEOPLE, THINGS, Person, places, things
from unrolled.data.phrasebook.phrases import Act, Retry, Talk, english, japanese
from unrolled.data.phrasebook.times import When
from unrolled.data.phrasebook.verbs import DEEDS, Deed, deeds

Pair = tuple[str, str]
YOU = Person("you", "あなた", "2", "you", "your", "you", "you", "you")
I = PEOPLE[0]  # noqa: E741
GOOD, ARU = Word("いい", "i"), Word("ある", "5")


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
    act = talk.around(talk.done(talk.deed("p"), talk.someone(first=0.2), forms="abstdmjp"), lasts=0)
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
    how: dict[str, bool] = {"can": True, "past": past, "negative": negative}
    en = english(act, contract=talk.contract, **how)
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


def asked_for(talk: Talk) -> Pair:
    """A request, a refusal of one, or a suggestion."""
    dice = talk.dice
    kind = dice.weighted(
        [(4, "please"), (2, "don't"), (3, "lets"), (2, "shall"), (3, "may"), (2, "mustn't"), (2, "could")]
    )
    we = kind in {"lets", "shall"}
    deed = talk.deed("D g m" if we else "r")
    while kind == "could" and deed.rest.startswith(("{my}", "the flowers")):
        deed = talk.deed("r")
    if kind == "may":
        deed = dice.pick((*deeds_of("use"), *deeds_of("open"), *deeds_of("turn"), *deeds_of("close")))
    if kind in {"don't", "mustn't"}:
        deed = dice.pick([*deeds_of("open"), *deeds_of("close"), *deeds_of("use"), *deeds_of("turn")])
    who = next(p for p in PEOPLE if p.group == "we") if we else YOU
    forms = "" if we else "tdmsb"
    act = talk.done(deed, who if kind != "may" else I, negative=kind in {"don't", "mustn't"}, forms=forms)
    if we:
        act = talk.timed(talk.around(act, where=0.5, company=0, lasts=0), "future", clock=0)
    else:
        talk.tags.add(f"did:{act.key}/{kind}")
    plain = " ".join(
        f"{act.verb} {english(act, verb='', bare=True, future=True).removeprefix('will ').removeprefix(act.verb)}".split()
    )
    body = japanese(act, lambda w: "", "")
    word, polite = act.word, talk.polite
    if kind == "please":
        en = f"please {plain}" if dice.chance(0.6) else f"{plain}, please"
        return sentence(en), body + te(word) + ("ください。" if polite else "。")
    if kind == "don't":
        return sentence(f"please don't {plain}"), body + negative_stem(word) + (
            "ないでください。" if polite else "ないで。"
        )
    if kind == "lets":
        return sentence(f"let's {plain}"), body + volitional(word, polite=polite) + "。"
    if kind == "shall":
        en = dice.pick((f"shall we {plain}", f"why don't we {plain}"))
        return sentence(en, "?"), body + (
            volitional(word, polite=True) + "か。" if polite else volitional(word) + "か。"
        )
    if kind == "may":
        en = dice.pick((f"may I {plain}", f"can I {plain}"))
        return sentence(en, "?"), body + te(word) + ("もいいですか。" if polite else "もいい？")
    if kind == "mustn't":
        return sentence(f"you must not {plain}"), body + te(word) + ("はいけません。" if polite else "はいけない。")
    en = dice.pick((f"could you {plain}", f"would you {plain}"))
    return sentence(en, "?"), body + te(word) + ("くれませんか。" if polite else "くれる？")


@cache
def deeds_of(verb: str) -> list[Deed]:
    """The deeds with this English verb."""
    return [deed for deed in DEEDS if deed.verb == verb]


def ask(talk: Talk, body: str, word: Word, *, past: bool = False, negative: bool = False) -> str:
    """A Japanese question: ますか, or plain の？."""
    if talk.polite:
        return body + finite(word, polite=True, past=past, negative=negative) + "か。"
    return body + before_no(word, past=past, negative=negative) + "の？"


def asked(talk: Talk) -> Pair:
    """A question to be answered by yes or no."""
    dice = talk.dice
    who = YOU if dice.chance(0.65) else talk.asked_about()
    tense = dice.weighted([(5, "past"), (3, "future"), (3, "daily")])
    marks = {"past": ("D", "W"), "future": ("D m", "W m"), "daily": ("h", "w")}[tense]
    act = talk.done(talk.deed(dice.pick(marks)), who, forms="bmp" if tense == "daily" else "abstmdp")
    act = talk.timed(talk.around(act, lasts=0.05), tense, clock=0.1)
    how = {"past": {"past": True}, "future": {"future": True}, "daily": {}}[tense]
    topic = "" if who is YOU else talk.topic(who)
    return _question(talk, act, topic, **how)  # type: ignore[arg-type]


def _question(talk: Talk, act: Act, topic: str, *, asks: Pair = ("", ""), past: bool = False, **how: object) -> Pair:
    when = act.when
    tail = [
        act.rest,
        act.company[0] if act.company else "",
        act.where[0] if act.where else "",
        act.lasts[0] if act.lasts else "",
    ]
    adverb = when.en if when is not None and when.mid else ""
    tail += [act.hour.en if act.hour is not None else "", when.en if when is not None and not when.mid else ""]
    words = " ".join(part for part in tail if part).replace("{my}", act.who.his)
    en = question(act.who.subject, act.verb, words, adverb=adverb, past=past, **how)
    front = talk.dice.chance(0.6) and not (when is not None and when.mid)
    body = japanese(act, lambda w: "", topic, front=front, swap=talk.dice.chance(0.2))
    return sentence(f"{asks[0]} {en}".strip(), "?"), ask(talk, body, act.word, past=past)


def asked_what(talk: Talk) -> Pair:
    """A question with what, where, who, when or why."""
    dice = talk.dice
    who = YOU if dice.chance(0.65) else talk.asked_about()
    topic = "" if who is YOU else talk.topic(who)
    past = dice.chance(0.65)
    how = {"past": True} if past else {"future": True}
    tense = "past" if past else "future"
    kind = dice.pick(("what", "what", "where", "who", "when", "why", "many"))
    if kind == "what":
        deed = dice.pick(
            [
                d
                for v in ("eat", "drink", "read", "watch", "buy", "study", "borrow", "make")
                for d in deeds_of(v)
                if "D" in d.marks and "{p}" not in d.rest
            ]
        )
        act = talk.done(deed, who)._replace(rest="", front="何を")
        act = talk.timed(talk.around(act, lasts=0, company=0.1), tense, clock=0)
        return _question(talk, act, topic, asks=("what", ""), **how)
    if kind == "where":
        deed = dice.pick(
            [d for d in talk_deeds() if d.places and "g" in d.marks and not {"home", "quiet", "swim"} & set(d.places)]
        )
        act = talk.timed(talk.done(deed, who, forms="btad"), tense, clock=0)
        return _question(talk, act._replace(where=("", "どこで")), topic, asks=("where", ""), **how)
    if kind == "who":
        deed = dice.pick([d for d in talk_deeds() if "c" in d.marks and "D" in d.marks and "g" in d.marks])
        act = talk.timed(talk.done(deed, who, forms="btsd"), tense, clock=0)
        return _question(talk, act._replace(company=("with", "誰と")), topic, asks=("who", ""), **how)
    if kind == "when":
        deed = talk.deed("D m e")
        while deed.slots and not set("btd") & set(deed.forms):
            deed = talk.deed("D m e")
        act = talk.done(deed, who, forms="btd")
        talk.tags.add(f"did:{act.key}/when/{who.key}")
        return _question(talk, act._replace(when=When("", "いつ", "")), topic, asks=("when", ""), **how)
    if kind == "why":
        deed = dice.pick(("sell", "lose", "move", "open", "learn", "buy", "turn"))
        act = talk.done(dice.pick(deeds_of(deed)), who, forms="tmd")
        talk.tags.add(f"did:{act.key}/why/{who.key}")
        why = dice.pick(("どうして", "なぜ"))
        en, _ = _question(talk, act, "", asks=("why", ""), past=True)
        body = topic + why + japanese(act, lambda w: "", "")
        ending = ta(act.word) + ("んですか。" if talk.polite else "の？")
        return en, body + ending
    thing = dice.pick([t for t in things("fruit", "goods", "print", "postal") if t.counter and t.many])
    act = talk.timed(
        Act(who, "buy", "", "", Word("買う", "5"), f"buy/{thing.en}", deed=deeds_of("buy")[2]), tense, clock=0
    )
    count = "いくつ" if thing.counter == "つ" else "何" + thing.counter
    act = act._replace(front=f"{thing.ja}を{count}")
    return _question(talk, act, topic, asks=(f"how many {thing.many}", ""), **how)


def talk_deeds() -> tuple[Deed, ...]:
    """All deeds that are told of a day."""
    return deeds("D")


def given(talk: Talk) -> Pair:
    """Giving, seen from the giver (あげる), towards the speaker (くれる), or from who gets it (もらう)."""
    dice = talk.dice
    thing = dice.pick(
        things("small", "bag", "print", "gift", "clothes")
        + tuple(THINGS[t] for t in ("cake", "chocolate", "picture", "plate"))
    )
    if thing.en in {"skirt", "kimono", "coat", "cell phone", "key"}:
        thing = THINGS["book"]
    form = "s" if "gift" in thing.classes or not thing.many else dice.pick("aaj")
    item = talk.phrase(thing, form)
    obj = f"{item.ja}を{item.quantity}"
    other = talk.other()
    kind = dice.weighted([(3, "give"), (3, "me"), (3, "get"), (2, "third")])
    if kind == "give":
        act = Act(
            I,
            "give",
            dice.pick((f"{other.en} {item.en}", f"{item.en} to {other.en}")),
            f"{other.ja}に{obj}",
            Word("あげる", "1"),
        )
    elif kind == "me":
        who = talk.someone(first=0)
        while who.group == "we" or who.key == "they":
            who = talk.someone(first=0)
        act = Act(who, "give", f"me {item.en}", dice.pick(("", talk.me + "に")) + obj, Word("くれる", "1"))
    elif kind == "get":
        act = Act(
            I,
            dice.pick(("get", "receive")),
            f"{item.en} from {other.en}",
            other.ja + dice.pick(("に", "から")) + obj,
            Word("もらう", "5"),
        )
    else:
        who = talk.someone(first=0)
        while who.group in {"we"} or who.ja == other.ja:
            who = talk.someone(first=0)
        act = Act(who, "give", f"{other.en} {item.en}", f"{other.ja}に{obj}", Word("あげる", "1"))
    act = act._replace(key=f"{act.verb}/{thing.en}", deed=deeds_of("send")[0])
    act = talk.timed(act, "past", clock=0)
    return told(talk, act, past=True)


def went(talk: Talk) -> Pair:
    """Where somebody goes or went, how, with whom, and what for."""
    dice = talk.dice
    who = talk.someone()
    tense = dice.weighted([(5, "past"), (3, "future"), (3, "daily")])
    place = dice.pick(places("quiet", "outdoor") if tense == "daily" else places("town", "sight", "city"))
    scale = deeds_of("buy")[2] if "city" not in place.classes else deeds_of("move")[0]
    if tense == "daily":
        scale = deeds_of("study")[0]
    act = Act(
        who, "go", place.to, place.ja + dice.pick(("に", "に", "へ")), Word("行く", "5"), f"go/{place.en}", deed=scale
    )
    act = talk.timed(act, tense, clock=0.15)
    if dice.chance(0.4):
        by = dice.pick(
            [
                t
                for t in things("vehicle", "car", "bicycle")
                if t.en not in {"bicycle", "the subway", "taxi"} or "city" not in place.classes
            ]
        )
        act = act._replace(rest=f"{act.rest} by {by.en.removeprefix('the ')}", front=f"{by.ja}で{act.front}")
    if dice.chance(0.35):
        other = talk.friend(who)
        act = act._replace(company=(f"with {other.en}", other.ja + dice.pick(("と", "と一緒に"))))
    return told(talk, act, past=tense == "past", future=tense == "future")


def errand(talk: Talk) -> Pair:
    """Going somewhere to do something: 本を借りに図書館へ行く."""
    dice = talk.dice
    who = talk.someone()
    deed = talk.deed("D e")
    inner = talk.done(deed, who)
    place = dice.pick(places(*deed.places)) if deed.places else None
    past = dice.chance(0.6)
    purpose = inner.front + stem(inner.word) + "に"
    rest = f"to {inner.verb} {inner.rest}".strip()
    if place is None or place.en == "home" or "inside" in place.classes:
        raise Retry
    front = purpose + place.ja + "へ" if dice.chance(0.4) else place.ja + "に" + purpose
    act = Act(who, "go", f"{place.to} {rest}", front, Word("行く", "5"), inner.key, deed=deed)
    act = talk.timed(act, "past" if past else "future", clock=0)
    return told(talk, act, past=past, future=not past)


def experienced(talk: Talk) -> Pair:
    """What somebody has, or has never, done: 〜たことがある."""
    dice = talk.dice
    who = YOU if dice.chance(0.3) else talk.someone(first=0.5)
    negative = dice.chance(0.4) and who is not YOU
    if dice.chance(0.5):
        place = dice.pick(places("city", "abroad"))
        act = Act(who, "be", f"to {place.en}", place.ja + "に", Word("行く", "5"), f"go/{place.en}")
    else:
        act = talk.done(dice.pick([d for d in talk_deeds() if d.verb in {"climb", "play", "drive", "go", "visit", "travel"}
                                   and d.rest not in {"shopping", "for a run", "to work", "to bed", "to the doctor", "to the dentist"} and "{p}" not in d.rest] + deeds_of("climb") + deeds_of("travel")), who, forms="ba")  # fmt: skip
    talk.tags.add(f"did:{act.key}/ever/{who.key}")
    word = Word(ta(act.word) + "ことがある", "5")
    if who is YOU:
        en = question(who.subject, act.verb, act.rest, adverb="ever", perfect=True)
        return sentence(en, "?"), ask(talk, japanese(act, lambda w: "", ""), word)
    en = english(act, perfect=True, contract=talk.contract).replace("{my}", who.his)
    if negative:
        aux = "has" if who.agrees == "3s" else "have"
        en = english(act, perfect=True).replace(f"{who.en} {aux} ", f"{who.en} {aux} never ", 1)
    often = (
        ("", "")
        if negative or dice.chance(0.5)
        else dice.pick(((" once", "一度"), (" twice", "二度"), (" many times", "何度も")))
    )
    ja = (
        talk.topic(who)
        + ("一度も" if negative and dice.chance(0.5) else often[1])
        + japanese(act, lambda w: "", "")
        + talk.end(word, negative=negative)
    )
    return sentence(en + often[0]), ja + "。"


def already(talk: Talk) -> Pair:
    """What has been done already, もう, or not yet, まだ〜ていない."""
    dice = talk.dice
    who, yet = (YOU if dice.chance(0.25) else talk.someone(first=0.5)), dice.chance(0.5)
    deed = dice.pick(
        [
            d
            for d in talk_deeds()
            if d.verb in {"have", "read", "write", "buy", "do", "clean", "wash", "watch", "return", "brush", "answer"}
            and not {"postal", "gift"} & set(d.slots)
        ]
    )
    act = talk.done(deed, who, negative=True, forms="tm")
    talk.tags.add(f"did:{act.key}/already/{who.key}")
    topic = "" if who is YOU else talk.topic(who)
    body = japanese(act, lambda w: "", "")
    if who is YOU:
        en = question(who.subject, act.verb, f"{act.rest} yet".replace("{my}", "your"), perfect=True)
        return sentence(en, "?"), ask(talk, "もう" + body, act.word, past=True)
    if yet:
        en = english(act, perfect=True, negative=True, contract=talk.contract) + " yet"
        return sentence(en), topic + "まだ" + body + talk.end(progressive(act.word), negative=True) + "。"
    aux = "has" if who.agrees == "3s" else "have"
    en = english(act, perfect=True).replace(f"{who.en} {aux} ", f"{who.en} {aux} already ", 1)
    return sentence(en), topic + "もう" + body + talk.end(act.word, past=True) + "。"


def wearing(talk: Talk) -> Pair:
    """What somebody wears: the verb is 着る, 履く or かぶる, as the garment says."""
    dice = talk.dice
    thing = dice.pick(things("clothes"))
    who = talk.someone(first=0.1)
    word = (
        Word("着る", "1")
        if "kiru" in thing.classes
        else Word("履く", "5")
        if "haku" in thing.classes
        else Word("かぶる", "5")
    )
    if thing.en == "skirt" or thing.en == "kimono":
        who = dice.pick([p for p in PEOPLE if p.he == "she" and p.group in {"kin", "name", "she"}])
        talk.tags.add(f"as:subject/{who.key}")
    if who.agrees in {"3p", "1p"}:
        who = I
    item = talk.phrase(thing, "j")
    past = dice.chance(0.4)
    act = Act(who, "wear", item.en, f"{item.ja}を", progressive(word), f"wear/{thing.en}")
    if past:
        act = act._replace(when=When(*dice.pick((("yesterday", "昨日"), ("that day", "その日"))), "D"))
    elif dice.chance(0.4):
        act = act._replace(when=When("today", "今日", "D"))
    talk.tags.add(f"did:{act.key}/{act.when.name if act.when else who.key}")
    return told(talk, act, past=past, progressive=True)


def lives(talk: Talk) -> Pair:
    """Where somebody lives or works, in the state that ている describes."""
    who = talk.someone(first=0.2)
    act = state(talk, who)
    return told(talk, act, negative=talk.dice.chance(0.15) and act.verb in {"live", "work"})


def state(talk: Talk, who: Person) -> Act:
    """Where somebody lives, works or studies, or what they teach."""
    dice = talk.dice
    city = dice.pick(places("city", "abroad"))
    kind = dice.weighted([(4, "live"), (3, "work"), (2, "study"), (2, "teach")])
    if kind == "live":
        act = Act(who, "live", f"in {city.en}", f"{city.ja}に", progressive(Word("住む", "5")), f"live/{city.en}")
    elif kind == "work":
        at = dice.pick(
            [
                ("a bank", "銀行"),
                ("a hospital", "病院"),
                ("a post office", "郵便局"),
                ("a library", "図書館"),
                ("a restaurant", "レストラン"),
                ("a hotel", "ホテル"),
                ("a bookstore", "本屋"),
                ("a supermarket", "スーパー"),
            ]
        )
        near = dice.chance(0.4)
        rest, front = f"at {at[0]}", f"{at[1]}で"
        if near:
            rest, front = f"{rest} in {city.en}", f"{city.ja}の{front}"
        act = Act(who, "work", rest, front, progressive(Word("働く", "5")), f"work/{at[0]}")
    else:
        subject = dice.pick(things("language", "subject"))
        verb, word = ("study", Word("勉強する", "s")) if kind == "study" else ("teach", Word("教える", "1"))
        school = (
            dice.pick((("at a university", "大学で"), ("at a school", "学校で")))
            if kind == "teach"
            else ("at a university", "大学で")
        )
        act = Act(
            who,
            verb,
            f"{subject.en} {school[0]}",
            f"{school[1]}{subject.ja}を",
            progressive(word),
            f"{verb}/{subject.en}",
        )
    talk.tags.add(f"did:{act.key}/lives/{who.key}")
    return act


__all__ = ["THINGS", "YOU", "I", "article"]
