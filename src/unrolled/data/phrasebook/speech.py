"""What is said, thought, heard, asked and not known: clauses within clauses, and direct speech."""

from unrolled.data.phrasebook.adjectives import fitting
from unrolled.data.phrasebook.asking import asked_for
from unrolled.data.phrasebook.causes import CAUSES
from unrolled.data.phrasebook.doing import state
from unrolled.data.phrasebook.english import clause, sentence
from unrolled.data.phrasebook.japanese import Word, desire, finite
from unrolled.data.phrasebook.nouns import THINGS, Person, things
from unrolled.data.phrasebook.phrases import Act, Retry, Talk, english, japanese
from unrolled.data.phrasebook.qualities import TRAITS
from unrolled.data.phrasebook.reasons import Reason, because_end, caused
from unrolled.data.phrasebook.relative import plain_end
from unrolled.data.phrasebook.times import When
from unrolled.data.phrasebook.told import Pair, deeds_of, owed, told_future, told_past, wanted


def said_clause(talk: Talk, who: Person, *, reported: bool = True) -> tuple[str, str]:
    """What somebody said, as a clause with its tenses moved back, and the plain Japanese before と."""
    dice = talk.dice
    kind = dice.weighted([(3, "state"), (4, "did"), (3, "will"), (2, "want"), (2, "reason"), (1.5, "other")])
    again = who.again
    if kind == "state":
        cause = CAUSES[dice.pick(("tired", "busy", "sick", "free", "headache", "sleepy", "hungry", "exam", "poor"))]
        act = caused(talk, cause, who)
        talk.tags.add(f"said:{act.rest}/{who.key}")
        return english(act, again, past=True, contract=talk.contract), japanese(act, plain_end, "")
    if kind == "other":
        other = talk.someone(but=(who,), first=0)
        cause = CAUSES[dice.pick(("tired", "busy", "sick"))]
        act = caused(talk, cause, other)
        talk.tags.add(f"said:{act.rest}/{who.key}/{other.key}")
        return english(act, past=True), talk.topic(other, "が") + japanese(act, plain_end, "")
    if kind == "reason":
        r = Reason(
            talk, who, ("tired", "sick", "headache", "busy", "rain", "snow", "hot", "cold", "exam", "hungry", "late")
        )
        own = r.state.who is who
        text = english(r.main, again, past=True, perfect=not r.negative, negative=r.negative)
        if r.negative:
            text = english(r.main, again, past=True, perfect=True, negative=True, contract=talk.contract)
        because = english(r.state, again if own else None, past=True)
        end, link = because_end(talk, True)
        ja = (
            japanese(r.state, end, "")
            + link
            + japanese(r.main, lambda w: finite(w, past=True, negative=r.negative), "")
        )
        return f"{text} because {because}", ja
    negative = dice.chance(0.15)
    if kind == "want":
        act = talk.done(talk.deed("m g"), who, negative=negative)
        talk.tags.add(f"did:{act.key}/said want/{who.key}")
        rest = f"to {act.verb} {act.rest}".strip()
        wish = Act(who, "want", rest, act.front, act.word)
        return english(wish, again, past=True, negative=negative, contract=talk.contract), japanese(
            wish, lambda w: finite(desire(w), negative=negative), ""
        )
    if kind == "did":
        act = talk.done(talk.deed(dice.pick(("D g", "W", "D"))), who, negative=negative)
        act = talk.around(act, lasts=0) if not negative else act
        when = None
        talk.tags.add(f"did:{act.key}/said did/{who.key}")
        act = act._replace(when=when)
        en = english(act, again, past=True, perfect=True, negative=negative, contract=talk.contract)
        return en, japanese(act, lambda w: finite(w, past=True, negative=negative), "")
    act = talk.done(talk.deed(dice.pick(("D m g", "W m", "Y m"))), who, negative=negative)
    when = dice.pick((When("the next day", "次の日", "D"), When("the next week", "次の週", "W"), None, None))
    talk.tags.add(f"did:{act.key}/said will/{when.en if when else who.key}")
    act = act._replace(when=when)
    en = english(act, again, past=True, future=True, negative=negative)
    return en, japanese(act, lambda w: finite(w, negative=negative), "")


def said(talk: Talk, *, deep: bool = False) -> Pair:
    """Ken said that he would buy a new car: the Japanese keeps the tense of what was said."""
    dice = talk.dice
    who = talk.someone(first=0)
    while who.group == "we":
        who = talk.someone(first=0)
    en, ja = said_clause(talk, who)
    that = dice.weighted([(6, "that "), (4, "")])
    when = dice.pick(
        (
            When("yesterday", "昨日", "D"),
            When("this morning", "今朝", "D"),
            When("last night", "昨夜", "D"),
            None,
            None,
            None,
        )
    )
    when = None if "次の" in ja else when
    head = f"{when.en}, " if when else ""
    verb = dice.weighted([(6, ("say", "言う")), (2, ("tell", "言う"))])
    told = f"told me {that}" if verb[0] == "tell" else f"said {that}"
    topic = talk.topic(who, drop=0)
    to_me = dice.pick(("", talk.me + "に、")) if verb[0] == "tell" else ""
    time = when.ja if when else ""
    start = time + topic if dice.chance(0.5) else topic + time
    said_word = Word("言う", "5") if dice.chance(0.5) else Word("言っている", "1")
    talk.tags.add("depth:1")
    if deep:  # somebody said that somebody said
        named = ("name", "kin", "friend", "role")
        other = talk.someone(but=(who,), first=0)
        while other.group not in named:
            other = talk.someone(but=(who,), first=0)
        if who.group not in named or "、" in ja or "ので" in ja or "から、" in ja:
            raise Retry
        talk.tags.add("depth:2")
        en = f"{other.en} said that {who.en} had said that {en}"
        ja = f"{talk.topic(other, drop=0)}{who.ja}が{ja}と言ったと{talk.end(said_word, past=True)}。"
        return sentence(en), ja
    return sentence(f"{head}{who.en} {told}{en}"), f"{start}{to_me}{ja}と{talk.end(said_word, past=True)}。"


def said_deep(talk: Talk) -> Pair:
    """Somebody said that somebody had said something."""
    return said(talk, deep=True)


def thought(talk: Talk) -> Pair:
    """I think that …, と思う; I heard that …, そうだ."""
    dice = talk.dice
    who = talk.someone(first=0)
    kind = dice.weighted([(4, "think"), (3, "hear")])
    inner = (
        dice.pick(("is", "will", "state", "did")) if kind == "hear" else dice.pick(("is", "will", "thing", "weather"))
    )
    negative = dice.chance(0.15)
    # が only beside a deed: 田中さんは忙しいと思う
    while who.group == "we":
        who = talk.someone(first=0)
    topic = talk.topic(who, dice.pick(("は", "が")) if kind == "think" and inner == "will" else "は", drop=0)
    if inner in {"is", "thing"}:
        if inner == "is":
            en, word = dice.pick([t for t in TRAITS if t[0] not in {"free", "young"}])
            text, ja = (
                clause(who.subject, "be", en, negative=negative, contract=talk.contract),
                topic + finite(word, negative=negative),
            )
            talk.tags.add(f"{kind}:{en}/{who.key}")
        else:
            thing = dice.pick([t for t in THINGS.values() if fitting(t, before=False) and t.many])
            adjective = dice.pick(fitting(thing, before=False))
            item = talk.phrase(thing, "d", place="subject")
            text = f"{item.en} is{' not' if negative else ''} {adjective.en}"
            ja = f"{item.ja}は{finite(adjective.word, negative=negative)}"
            talk.tags.add(f"{kind}:{adjective.en}/{thing.en}")
    elif inner == "state":
        act = state(talk, who)
        text, ja = english(act), topic + japanese(act, plain_end, "")
    elif inner == "weather":
        name, front, word = dice.pick(
            (
                ("rain", "雨が", Word("降る", "5")),
                ("snow", "雪が", Word("降る", "5")),
                ("be cold", "", Word("寒い", "i")),
                ("be hot", "", Word("暑い", "i")),
            )
        )
        time = dice.pick((("tomorrow", "明日"), ("this weekend", "今週末"), ("next Sunday", "来週の日曜日")))
        talk.tags.add(f"think:{name}/{time[0]}")
        text, ja = f"it will {name} {time[0]}", f"{time[1]}は{front}{word.text}"
    else:
        past = inner == "did"
        act = talk.done(talk.deed(dice.pick(("W m g", "Y m", "W m"))), who, negative=negative)
        act = talk.timed(act, "past" if past else "future", clock=0)
        text = english(act, past=past, future=not past, negative=negative)
        ja = japanese(act, lambda w: finite(w, past=past, negative=negative), topic, front=dice.chance(0.4))
    that = dice.weighted([(5, "that "), (5, "")])
    if kind == "think":
        mine = "" if "は" in ja else dice.pick(("", talk.me + "は"))
        return sentence(f"I think {that}{text}"), f"{mine}{ja}と{talk.end(Word('思う', '5'))}。"
    end = talk.end(Word("そう", "n")) if dice.chance(0.7) else "と" + talk.end(Word("聞く", "5"), past=True)
    return sentence(f"I heard {that}{text}"), f"{ja}{end}。"


def wondered(talk: Talk) -> Pair:
    """I don't know where Ken bought the camera: indirect questions."""
    dice = talk.dice
    who = talk.asked_about()
    kind = dice.pick(("where", "when", "what", "why", "whether", "whether"))
    deed = dice.pick(
        [
            d
            for d in (
                *deeds_of("buy"),
                *deeds_of("eat"),
                *deeds_of("read"),
                *deeds_of("borrow"),
                *deeds_of("meet"),
                *deeds_of("sell"),
                *deeds_of("move"),
                *deeds_of("learn"),
                *deeds_of("travel"),
            )
            if (("W" in d.marks or "Y" in d.marks) and "{p}" not in d.rest) or (kind in {"when"} and "Y" in d.marks)
        ]
    )
    if kind in {"where", "what"}:
        deed = dice.pick([d for d in deeds_of("buy") if "g" in d.marks])
    act = talk.done(deed, who, forms="tabm")
    if (
        (kind in {"where", "when", "why"} or deed.verb in {"read", "eat", "borrow"})
        and "{o}" in deed.rest
        and kind != "what"
    ):  # what is asked about is known
        thing = dice.pick([t for slot in deed.slots for t in things(slot)] or list(things("small")))
        item = talk.phrase(thing, "d" if thing.many else "b")
        act = act._replace(
            rest=deed.rest.format(o=item.en), front=deed.front.format(o=item.ja, q=""), key=f"{deed.verb}/{thing.en}"
        )
    past = kind in {"where", "why", "what"} or dice.chance(0.5)
    talk.tags.add(f"did:{act.key}/wonder {kind}/{who.key}")
    q, ja_q = {
        "where": ("where", "どこで"),
        "when": ("when", "いつ"),
        "what": ("what", "何を"),
        "why": ("why", "どうして"),
        "whether": ("if", ""),
    }[kind]
    if kind == "what":
        act = act._replace(rest="", front="")
    text = english(act, past=past, future=not past)
    ga = talk.topic(who, "が", drop=0)
    ja = ga + ja_q + japanese(act, lambda w: finite(w, past=past), "") + ("かどうか" if kind == "whether" else "か")
    ask_me = dice.chance(0.3)
    word = Word("知る", "5") if dice.chance(0.6) else Word("分かる", "5")
    if ask_me:
        end = "知っていますか。" if talk.polite else "知ってる？"
        return sentence(f"do you know {q} {text}", "?"), ja + end
    do = "don't" if talk.contract else "do not"
    return sentence(f"I {do} know {q} {text}"), ja + talk.end(word, negative=True) + "。"


def quoted(talk: Talk) -> Pair:
    """Direct speech, whose register is of its own: to friends plain, to customers polite."""
    dice = talk.dice
    who = talk.someone(first=0)
    while who.agrees in {"1p", "3p"}:
        who = talk.someone(first=0)
    polite = who.key in {"manager", "doctor", "nurse", "officer", "lawyer"} or (
        who.group == "name" and "さん" in who.ja
    )
    outer = talk.polite
    talk.polite, talk.quiet = polite, True
    kind = dice.pick((asked_for, wanted, told_future, owed, told_past))
    saved = set(talk.tags)
    for _ in range(40):
        talk.tags = set(saved)
        en, ja = kind(talk)
        if (
            en.startswith(("I ", "I'", "Please", "Let's", "Shall", "Could", "May", "Can", "Would", "Why", "We "))
            and talk.me == "私"
        ) or (en.startswith(("I ", "Please", "Let's", "Could")) and "僕" not in ja):
            break
    else:
        talk.polite, talk.quiet = outer, False
        raise Retry
    talk.polite, talk.quiet = outer, False
    talk.tags.add(f"quote:{who.key}")
    asks = en.endswith("?")
    verb = ("asked", "と") if asks else ("said", "と")
    inner = en if asks else en[:-1] + ","
    quote = "「" + ja.removesuffix("。") + "」"
    said_ = talk.end(Word("聞く", "5") if asks else Word("言う", "5"), past=True)
    text = f'"{inner}" {who.en} {verb[0]}.' if dice.chance(0.5) else f'{sentence(who.en, "")} {verb[0]}, "{en}"'
    return text, f"{talk.topic(who, drop=0)}{quote}と{said_}。"
