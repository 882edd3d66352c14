"""Relative clauses: things by what was done with them, people by what they do."""

from unrolled.data.phrasebook.adjectives import fitting
from unrolled.data.phrasebook.doing import state
from unrolled.data.phrasebook.english import be, clause, sentence
from unrolled.data.phrasebook.japanese import Word, finite, potential, progressive, ta
from unrolled.data.phrasebook.nouns import Person, Thing, places, things
from unrolled.data.phrasebook.phrases import Act, Retry, Talk, english, japanese
from unrolled.data.phrasebook.times import past_times
from unrolled.data.phrasebook.told import Pair, deeds_of

HEADS = (
    ("man", "男の人", "he"),
    ("woman", "女の人", "she"),
    ("boy", "男の子", "he"),
    ("girl", "女の子", "she"),
    ("student", "学生", "he"),
    ("teacher", "先生", "she"),
)

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
    head, ja, he = dice.pick(HEADS)
    who = Person("who", "", "3s", "", {"he": "his", "she": "her"}[he], he, "head", head)
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
        talk.tags |= {f"did:{act.key}/who", f"as:relative/{act.key.partition('/')[2]}"}
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
