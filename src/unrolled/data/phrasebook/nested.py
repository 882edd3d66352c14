"""Clauses within clauses: relative clauses, reported and direct speech, thoughts and indirect questions."""

from unrolled.data.phrasebook.adjectives import fitting
from unrolled.data.phrasebook.causes import CAUSES
from unrolled.data.phrasebook.english import Subject, be, clause, sentence
from unrolled.data.phrasebook.japanese import Word, before_noun, finite, negative_stem, potential, progressive, ta, te
from unrolled.data.phrasebook.links import Reason, because_end, caused, english_reason, nobody
from unrolled.data.phrasebook.nouns import THINGS, Person, Thing, people, places, things
from unrolled.data.phrasebook.patterns import I, Pair, deeds_of, state
from unrolled.data.phrasebook.phrases import Act, Retry, Talk, english, japanese
from unrolled.data.phrasebook.times import When, past_times

HEADS = (
    ("man", "男の人", "he", "3s"), ("woman", "女の人", "she", "3s"), ("boy", "男の子", "he", "3s"), ("girl", "女の子", "she", "3s"),
    ("student", "学生", "he", "3s"), ("teacher", "先生", "she", "3s"),
)  # fmt: skip
# how a thing of these classes comes to somebody: verb, Japanese particle and word
GOT = {
    "reading": (("buy", "買う 5"), ("borrow", "借りる 1"), ("read", "読む 5")),
    "goods": (("buy", "買う 5"), ("find", "見つける 1")),
    "tool": (("buy", "買う 5"), ("use", "使う 5")),
    "clothes": (("buy", "買う 5"), ("wear", "")),
    "dish": (("make", "作る 5"), ("eat", "食べる 1")),
    "watching": (("watch", "見る 1"),),
    "art": (("draw", "描く 5"), ("buy", "買う 5")),
    "gift": (("buy", "買う 5"),),
    "machine": (("buy", "買う 5"), ("use", "使う 5")),
    "print": (("buy", "買う 5"), ("borrow", "借りる 1")),
    "sweet": (("buy", "買う 5"), ("eat", "食べる 1")),
    "photo": (("take", "撮る 5"),),
}


def described(
    talk: Talk, *, thing: Thing | None = None, by: Person | None = None, giver: bool = True, kept: bool = False
) -> tuple[str, str, Thing, str]:
    """A thing by what was done with it: "the book that my father bought yesterday", 父が昨日買った本."""
    dice = talk.dice
    kind = dice.pick(tuple(GOT))
    pool = [t for t in things(kind) if t.many or kind == "dish" or kind == "sweet"]
    thing = thing or dice.pick(pool)
    ways = [way for cls in thing.classes if cls in GOT for way in GOT[cls]] or [("buy", "買う 5")]
    verb, word = dice.pick(ways)
    if verb == "wear":
        word = "着る 1" if "kiru" in thing.classes else "履く 5" if "haku" in thing.classes else "かぶる 5"
    who = by or talk.someone(first=0.3)
    if thing.en in {"skirt", "kimono"} and who.he in {"he", "they"} and verb == "wear":
        verb, word = "buy", "買う 5"
    talk.tags |= {f"as:relative/{thing.en}", "depth:1"}
    fresh = verb in {"eat", "wear", "use"} or {"dish", "sweet"} & set(thing.classes)
    when = (
        dice.pick([t for t in past_times("D" if fresh else "DW") if t.hours == (0, 24)]) if dice.chance(0.55) else None
    )
    if (
        dice.chance(0.25)
        and giver
        and who.group not in {"me", "we"}
        and who.key != "they"
        and "dish" not in thing.classes
        and verb in {"buy", "find"}
    ):
        verb, phrase, text = "give", "me ", Word("くれる", "1")
    else:
        phrase, text = "", Word(*word.split())
    place = None
    if when is None and verb == "buy" and dice.chance(0.5):
        city = dice.pick(places("city", "abroad"))
        place = (city.at, city.ja + "で")
    if when is None and verb == "take":
        city = dice.pick(places("city"))
        place = (city.at, city.ja + "で")
    talk.tags.add(f"did:{verb}/{thing.en}/{when.en if when else who.key}")
    that = "that " if by is not None and by.group == "deep" else dice.weighted([(6, "that "), (4, "")])
    late = f" {when.en}" if when else ""
    where = f" {place[0]}" if place else ""
    en = f"the {thing.en} {that}{clause(who.subject, verb, phrase.strip(), past=True)}{where}{late}"
    ga = talk.topic(who, "が", drop=0.6 if when and not kept else 0)
    time = when.ja if when else ""
    ja = (
        (time + ga if dice.chance(0.4) and by is None else ga + time)
        + (place[1] if place else "")
        + ta(text)
        + thing.ja
    )
    return en, ja, thing, verb


def relative_quality(talk: Talk) -> Pair:
    """The book that my father bought yesterday was interesting."""
    dice = talk.dice
    en, ja, thing, verb = described(talk)
    choices = [
        a
        for a in fitting(thing, before=False)
        if not (verb in {"find", "use"} and a.en in {"expensive", "cheap"})
        and not (verb in {"give", "draw"} and a.en in {"expensive", "cheap", "boring"})
        and not (verb in {"make", "borrow", "wear", "eat", "read"} and a.en in {"expensive", "cheap", "new"})
    ]
    choices = [a for a in choices if not (verb in {"buy", "give"} and a.en in {"new", "old"})]
    if not choices:
        raise Retry
    adjective = dice.pick(choices)
    past = verb in {"eat", "watch", "read", "make"} or adjective.en == "delicious" or dice.chance(0.4)
    past = past and adjective.en not in {"big", "small", "new", "old", "red", "useful", "convenient"}
    negative = dice.chance(0.15)
    degree = ("very ", "とても") if not negative and adjective.en != "delicious" and dice.chance(0.3) else ("", "")
    talk.tags.add(f"is:{adjective.en}/{thing.en}/rel")
    en = f"{en} {be('3s', was=past)}{' not' if negative else ''} {degree[0]}{adjective.en}"
    return sentence(en), f"{ja}は{degree[1]}{talk.end(adjective.word, past=past, negative=negative)}。"


def relative_this(talk: Talk) -> Pair:
    """This is the camera that my father gave me."""
    en, ja, thing, _ = described(talk)
    if "dish" in thing.classes or "watching" in thing.classes:
        raise Retry
    negative = talk.dice.chance(0.12)
    this = talk.dice.pick((("this", "これ"), ("that", "それ")))
    text = f"{this[0]} is{' not' if negative else ''} {en}"
    return sentence(text), f"{this[1]}は{ja}{finite(Word('', 'n'), polite=talk.polite, negative=negative)}。"


def relative_where(talk: Talk) -> Pair:
    """Where is the key that I bought? The umbrella my aunt gave me is on the chair."""
    dice = talk.dice
    en, ja, thing, verb = described(talk)
    if not {"small", "print", "clothes", "photo"} & set(thing.classes) or verb == "find":
        raise Retry
    if dice.chance(0.35):
        question = f"where is {en}"
        end = "ありますか。" if talk.polite else dice.pick(("あるの？", "ある？"))
        return sentence(question, "?"), f"{ja}はどこに{end}"
    spot = dice.pick(
        (
            ("on the desk", "机の上"),
            ("in the bag", "かばんの中"),
            ("on the chair", "椅子の上"),
            ("in the living room", "居間"),
            ("in the box", "箱の中"),
        )
    )
    talk.tags.add(f"is:{thing.en}/{spot[0]}/rel")
    if spot[1].startswith(thing.ja):
        spot = ("in the living room", "居間")
    return sentence(f"{en} is {spot[0]}"), f"{ja}は{spot[1]}に{talk.end(Word('ある', '5'))}。"


USED = {
    "reading": (("read", "読む 5"), ("lose", "なくす 5"), ("return", "返す 5")),
    "goods": (("lose", "なくす 5"), ("use", "使う 5")),
    "clothes": (("wear", ""),),
    "print": (("read", "読む 5"), ("lose", "なくす 5")),
    "sweet": (("eat", "食べる 1"),),
    "dish": (("eat", "食べる 1"),),
}


def relative_object(talk: Talk) -> Pair:
    """I lost the book that I borrowed from …: what was done with a thing so described."""
    dice = talk.dice
    kind = dice.pick(tuple(USED))
    pool = [t for t in things(kind) if t.many or kind in {"sweet", "dish"}]
    thing = dice.pick(pool)
    who = talk.someone(first=0.55)
    while who.group == "we":
        who = talk.someone(first=0.55)
    other = talk.someone(but=(who,), first=0 if who.group == "me" else 0.3)
    en, ja, _, got = described(talk, thing=thing, by=other, giver=who.group == "me", kept=True)
    verb, word = dice.pick(USED[kind])
    if verb == "wear":
        word = "着る 1" if "kiru" in thing.classes else "履く 5" if "haku" in thing.classes else "かぶる 5"
        if thing.en in {"skirt", "kimono"}:
            raise Retry
    if verb == got or got in {"eat", "find", "wear", "read"} or (verb == "read" and thing.en == "dictionary"):
        raise Retry
    if got == "use" or (verb == "return" and got != "borrow"):
        raise Retry
    negative = dice.chance(0.15)
    talk.tags.add(f"did:{verb}/{thing.en}/rel")
    act = Act(who, verb, en, ja + "を", Word(*word.split()), "")
    text = english(act, past=True, negative=negative, contract=talk.contract)
    topic = talk.topic(who, drop=0.5 if other.group != "me" else 0.3)
    return sentence(text), topic + japanese(act, lambda w: talk.end(w, past=True, negative=negative), "") + "。"


def somebody(talk: Talk, *, deep: bool = False) -> tuple[str, str, str, str]:
    """A person by what they do: ("the woman who lives in Tokyo", 東京に住んでいる女の人), the head, and its pronoun."""
    dice = talk.dice
    head, ja, he, agrees = dice.pick(HEADS)
    who = Person("who", "", agrees, "", {"he": "his", "she": "her"}[he], he, "head", head)
    kind = dice.weighted([(4, "lives"), (2, "speaks"), (3, "wears"), (3, "with"), (3, "did")])
    if head in {"boy", "girl"} and kind in {"lives", "did"}:
        kind = "wears"
    talk.tags.add("depth:1")
    if kind == "lives":
        act = state(talk, who)
        if (head == "student" and act.verb in {"teach", "work"}) or (
            head == "teacher" and act.verb in {"study", "work"}
        ):
            raise Retry
        return f"{head} {english(act)}", japanese(act, plain_end, "") + ja, head, he
    if kind == "speaks":
        thing = dice.pick(things("language", "played"))
        verb = "speak" if "language" in thing.classes else "play"
        word = potential(Word("話す", "5") if verb == "speak" else Word("弾く", "5"))
        talk.tags.add(f"did:{verb}/{thing.en}/who")
        return f"{head} {'who can ' + verb} {thing.en}", f"{thing.ja}が{word.text}{ja}", head, he
    if kind == "wears":
        thing = dice.pick([t for t in things("clothes") if t.en not in {"skirt", "kimono"}])
        word = "着ている" if "kiru" in thing.classes else "かぶっている"
        item = talk.phrase(thing, "j")
        talk.tags.add(f"did:wear/{thing.en}/who")
        return f"{head} who is wearing {item.en}", f"{item.ja}を{word}{ja}", head, he
    if kind == "with":
        deed = dice.pick(
            [
                d
                for v in ("read", "drink", "eat", "listen", "play", "wait", "talk", "take")
                for d in deeds_of(v)
                if "p" in d.marks
            ]
        )
        act = talk.done(deed, who, forms="ab", counts=False)
        if act.rest == "breakfast":
            raise Retry
        where = (
            dice.pick(((" in the park", "公園で"), (" at the cafe", "喫茶店で"), ("", "")))
            if deed.verb in {"read", "drink", "wait", "talk"}
            else ("", "")
        )
        talk.tags.add(f"did:{act.key}/who")
        en = english(act, progressive=True)
        return f"{head} {en}{where[0]}", where[1] + japanese(act, lambda w: progressive(w).text, "") + ja, head, he
    thing = dice.pick(things("reading", "goods"))
    verb, word = (
        dice.pick((("buy", Word("買う", "5")), ("write", Word("書く", "5"))))
        if thing.en in {"book", "novel"}
        else ("find", Word("見つける", "1"))
    )
    item = talk.phrase(thing, dice.pick("dt"), place="relative")
    talk.tags.add(f"did:{verb}/{thing.en}/who")
    return f"{head} {clause(who.subject, verb, item.en, past=True)}", f"{item.ja}を{ta(word)}{ja}", head, he


def plain_end(word: Word) -> str:
    """The plain present."""
    return finite(word)


WHAT = (
    ("a doctor", "医者"),
    ("a nurse", "看護師"),
    ("a lawyer", "弁護士"),
    ("an engineer", "エンジニア"),
    ("a singer", "歌手"),
    ("a writer", "作家"),
    ("my cousin", "いとこ"),
    ("my uncle", "おじ"),
    ("my aunt", "おば"),
    ("Ken's friend", "ケンの友達"),
    ("Yumi's friend", "ユミの友達"),
    ("my friend", "友達"),
)


def relative_person(talk: Talk) -> Pair:
    """The woman who lives in Tokyo is a doctor. I met a man who speaks French."""
    dice = talk.dice
    en, ja, head, he = somebody(talk)
    kind = dice.weighted([(3, "is"), (3, "met"), (2, "know"), (2, "trait")])
    if kind == "is":
        options = [
            w for w in WHAT if not (he == "he" and w[0] in {"my aunt"}) and not (he == "she" and w[0] == "my uncle")
        ]
        if head in {"boy", "girl", "student", "teacher"} or "work" in en or "teach" in en or "stud" in en:
            options = [w for w in options if not w[0].startswith("a") or "'s" in w[0]]
        if head in {"boy", "girl", "student"}:
            options = [w for w in options if w[0] not in {"my uncle", "my aunt"}]
        what = dice.pick(options)
        talk.tags.add(f"is:{what[0]}/{en[:40]}")
        return sentence(f"the {en} is {what[0]}"), f"{ja}は{talk.end(Word(what[1], 'n'))}。"
    if kind == "trait":
        trait = dice.pick(
            (
                ("kind", Word("親切", "na")),
                ("tall", Word("背が高い", "i")),
                ("famous", Word("有名", "na")),
                ("cheerful", Word("明るい", "i")),
            )
        )
        talk.tags.add(f"is:{trait[0]}/{en[:40]}")
        very = ("very ", "とても") if dice.chance(0.4) else ("", "")
        return sentence(f"the {en} is {very[0]}{trait[0]}"), f"{ja}は{very[1]}{talk.end(trait[1])}。"
    who = talk.someone(first=0.6)
    if kind == "know":
        act = Act(who, "know", f"{'an' if en[0] in 'aeiou' else 'a'} {en}", f"{ja}を", Word("知っている", "1"))
        if who.key != "I":
            act = Act(
                who, "look", f"for {'an' if en[0] in 'aeiou' else 'a'} {en}", f"{ja}を", progressive(Word("探す", "5"))
            )
            if " is " in f" {en} " or "this" in en or "that " in en or "the " in en.split("who")[1]:
                raise Retry
            text = english(act, progressive=True, contract=talk.contract)
        else:
            text = english(act)
        return sentence(text), talk.topic(who) + japanese(act, lambda w: talk.end(w), "") + "。"
    if " is " in en:
        en = en.replace("who is", "who was")
    en = en.replace("who lives", "who lives")
    where = dice.pick([p for p in places("town") if "the" in p.at and p.en != "the sea"])
    when = dice.pick(past_times("DW"))
    act = Act(
        who, "meet", f"{'an' if en[0] in 'aeiou' else 'a'} {en} {where.at}", f"{where.ja}で{ja}に", Word("会う", "5")
    )
    if " at " in en or " in " in en or ("ing" in en.split("who")[1] and "wearing" not in en):
        act = act._replace(rest=f"{'an' if en[0] in 'aeiou' else 'a'} {en}", front=f"{ja}に")
    talk.tags.add(f"did:meet/{en[:30]}/{when.en}")
    act = act._replace(when=when)
    text = english(act, past=True, front=True)
    front = dice.chance(0.5)
    return sentence(text), japanese(
        act, lambda w: talk.end(w, past=True), talk.topic(who), front=front, comma=True
    ) + "。"


def relative_deep(talk: Talk) -> Pair:
    """The book that the man who lives in Tokyo wrote: a relative clause within another."""
    dice = talk.dice
    en, ja, _, he = somebody(talk)
    who = Person(f"the {en}", ja, "3s", "", {"he": "his", "she": "her"}[he], he, "deep", "somebody")
    text, japan, thing, verb = described(talk, by=who)
    choices = [a for a in fitting(thing, before=False) if a.en not in {"cheap", "new", "old"}]
    if not choices or verb in {"wear", "eat"}:
        raise Retry
    adjective = dice.pick(choices)
    talk.tags |= {"depth:2", f"is:{adjective.en}/{thing.en}/deep"}
    past = verb in {"watch", "read", "make"}
    return sentence(f"{text} {be('3s', was=past)} {adjective.en}"), f"{japan}は{talk.end(adjective.word, past=past)}。"


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
        from unrolled.data.phrasebook.japanese import desire

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
        from unrolled.data.phrasebook.states import TRAITS

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
    while who.group == "we":
        who = talk.someone(first=0)
    polite = who.key in {"manager", "doctor", "nurse", "officer", "lawyer"} or (
        who.group == "name" and "さん" in who.ja
    )
    outer = talk.polite
    talk.polite, talk.quiet = polite, True
    from unrolled.data.phrasebook import patterns

    kind = dice.pick((patterns.asked_for, patterns.wanted, patterns.told_future, patterns.owed, patterns.told_past))
    saved = set(talk.tags)
    for _ in range(40):
        talk.tags = set(saved)
        en, ja = kind(talk)
        if (
            (en.startswith(("I ", "I'", "Please", "Let's", "Shall", "Could", "May", "Can", "Would", "Why", "We "))
            and talk.me == "私")
            or (en.startswith(("I ", "Please", "Let's", "Could"))
            and "僕" not in ja)
        ):
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


__all__ = ["I", "Subject", "before_noun", "english_reason", "negative_stem", "nobody", "people", "te"]
