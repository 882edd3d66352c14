"""Sentences about what is: qualities, likes, skills, jobs, what somebody has and knows."""

from unrolled.data.phrasebook import numbers
from unrolled.data.phrasebook.adjectives import fitting
from unrolled.data.phrasebook.asking import ask
from unrolled.data.phrasebook.english import Subject, article, be, clause, question, sentence
from unrolled.data.phrasebook.japanese import Word
from unrolled.data.phrasebook.nouns import THINGS, people, places, things
from unrolled.data.phrasebook.phrases import Retry, Talk
from unrolled.data.phrasebook.told import YOU, I, Pair

_TRAITS = """
kind|親切 na
busy|忙しい i
tall|背が高い i
young|若い i
strict|厳しい i
tired|疲れている 1
healthy|健康 na
cheerful|明るい i
sick|病気 n
free|暇 na
famous|有名 na
busy|忙しい i
"""
TRAITS = tuple((en, Word(*word.split())) for en, word in (line.split("|") for line in _TRAITS.strip().splitlines()))
PASSING = ("busy", "tired", "sick", "free")

JOBS = (
    ("doctor", "医者"),
    ("nurse", "看護師"),
    ("teacher", "先生"),
    ("lawyer", "弁護士"),
    ("police officer", "警察官"),
    ("student", "学生"),
    ("engineer", "エンジニア"),
    ("singer", "歌手"),
    ("cook", "料理人"),
    ("writer", "作家"),
)


def quality(talk: Talk) -> Pair:
    """This umbrella is expensive."""
    dice = talk.dice
    thing = dice.pick([t for t in THINGS.values() if fitting(t, before=False)])
    adjective = dice.pick(fitting(thing, before=False))
    negative, past = (
        dice.chance(0.25),
        dice.chance(0.15) and bool({"reading", "watching", "dish", "sweet"} & set(thing.classes)),
    )
    if not thing.many and {"language", "subject"} & set(thing.classes):
        item = talk.phrase(thing, "b", place="subject")
        past = False
    else:
        item = talk.phrase(thing, "t" if past else "d", place="subject")
    asks = dice.chance(0.15)
    degree = dice.weighted([(5, ("", "")), (2, ("very ", "とても")), (1, ("too ", "")), (1, ("a little ", "少し"))])
    if (
        degree[0] == "too "
        or (negative and degree[0])
        or asks
        or (
            degree[0] == "a little "
            and adjective.en
            in {
                "delicious",
                "good",
                "beautiful",
                "cute",
                "useful",
                "convenient",
                "interesting",
                "famous",
                "new",
                "easy",
                "quiet",
                "warm",
                "light",
            }
        )
    ):
        degree = ("", "")
    if negative and dice.chance(0.4):
        degree = ("very ", "あまり")
    talk.tags.add(f"is:{adjective.en}/{thing.en}/{degree[0]}{past}{negative}")
    said = f"{degree[0]}{adjective.en}"
    en = clause(Subject(item.en, "3s"), "be", said, past=past, negative=negative, contract=talk.contract)
    if asks and not negative:
        en = f"{be('3s', was=past)} {item.en} {adjective.en}"
        return sentence(en, "?"), ask(talk, item.ja + "は", adjective.word, past=past)
    return sentence(en), f"{item.ja}は{degree[1]}{talk.end(adjective.word, past=past, negative=negative)}。"


def trait(talk: Talk) -> Pair:
    """My father is busy."""
    dice = talk.dice
    who = talk.someone(first=0.15)
    en, word = dice.pick(TRAITS)
    if (who.key in {"I", "we"} and en not in PASSING) or (who.group == "me" and en not in PASSING):
        en, word = "busy", Word("忙しい", "i")
    if (en == "young" and who.group not in {"name", "role"}) or who.key in {"children", "students"}:
        en, word = "cheerful", Word("明るい", "i")
    passing = en in PASSING
    past, negative = passing and dice.chance(0.4), dice.chance(0.15)
    when = ("", "")
    if passing:
        when = (
            dice.pick((("yesterday", "昨日"), ("last week", "先週"), ("this morning", "今朝")))
            if past
            else dice.pick((("today", "今日"), ("now", "今"), ("this week", "今週"), ("", "")))
        )
    if en in {"free", "healthy"} and negative:
        negative = False
    degree = ("very ", "とても") if not negative and dice.chance(0.3) and en not in {"free", "sick"} else ("", "")
    talk.tags.add(f"is:{en}/{who.key}/{when[0]}{degree[0]}")
    text = clause(
        who.subject, "be", f"{degree[0]}{en} {when[0]}".strip(), past=past, negative=negative, contract=talk.contract
    )
    topic = talk.topic(who, drop=0.4)
    ja = when[1] + topic if dice.chance(0.4) or not topic else topic + when[1]
    return sentence(text), f"{ja}{degree[1]}{talk.end(word, past=past, negative=negative)}。"


def job(talk: Talk) -> Pair:
    """My mother is a nurse."""
    dice = talk.dice
    who = dice.pick(
        [p for p in people("kin", "name", "he", "she", "me") if p.key not in {"grandfather", "grandmother"}]
    )
    en, ja = dice.pick(JOBS)
    talk.tags |= {f"as:subject/{who.key}", f"is:{en}/{who.key}"}
    negative = dice.chance(0.15)
    city, place_ja = dice.pick([(p.en, p.ja) for p in places("city")])
    rest = article(en)
    if dice.chance(0.25) and en != "student" and not negative:
        rest, ja = f"{rest} in {city}", f"{place_ja}の{ja}"
    text = clause(who.subject, "be", rest, negative=negative, contract=talk.contract)
    return sentence(text), f"{talk.topic(who, drop=0.3)}{talk.end(Word(ja, 'n'), negative=negative)}。"


def liked(talk: Talk) -> Pair:
    """Likes, dislikes and skills, whose object takes が."""
    dice = talk.dice
    kind = dice.weighted([(5, "like"), (2, "love"), (2, "hate"), (2, "good"), (2, "poor"), (2, "favor")])
    who = talk.someone(first=0.35)
    pool = (
        things("sport", "language", "subject", "played")
        if kind in {"good", "poor"}
        else things("food", "drink", "sport", "pet", "listening", "subject", "watching", "gift")
    )
    thing = dice.pick([t for t in pool if t.en not in {"the radio", "egg", "water"}])
    item = talk.phrase(thing, "b")
    negative = kind == "like" and dice.chance(0.25)
    en_rest = item.en
    if kind in {"good", "poor"} and "played" in thing.classes:
        en_rest = f"playing {item.en}"
    talk.tags.add(f"like:{kind}/{thing.en}/{who.key}")
    word = {
        "like": Word("好き", "na"),
        "love": Word("大好き", "na"),
        "hate": Word("嫌い", "na"),
        "good": Word("上手", "na"),
        "poor": Word("苦手", "na"),
        "favor": Word("好き", "na"),
    }[kind]
    if kind == "good" and (who.group in {"me", "we"} or "subject" in thing.classes):
        word = Word("得意", "na")
    topic = talk.topic(who)
    if who is I and kind == "favor":
        kind = "like"
    if kind == "favor":
        word = Word("好き", "na")
        en = question(YOU.subject, "like", en_rest)
        return sentence(en, "?"), ask(talk, f"{item.ja}が", word) if talk.dice.chance(0.6) else ask(
            talk, f"{item.ja}は", word
        )
    if kind in {"good", "poor"}:
        en = clause(who.subject, "be", f"{kind if kind == 'good' else 'bad'} at {en_rest}", contract=talk.contract)
    else:
        verb = {"like": "like", "love": "love", "hate": dice.pick(("dislike", "hate"))}[kind]
        very = " very much" if kind == "like" and not negative and dice.chance(0.2) else ""
        if very:
            word = Word("大好き", "na")
        en = clause(who.subject, verb, en_rest + very, negative=negative, contract=talk.contract)
    return sentence(en), f"{topic}{item.ja}が{talk.end(word, negative=negative)}。"


def owned(talk: Talk) -> Pair:
    """What somebody has: 持っている for things, 飼っている for pets, いる for family."""
    dice = talk.dice
    who = talk.someone(first=0.3)
    kind = dice.weighted([(4, "thing"), (3, "pet"), (3, "kin")])
    negative = dice.chance(0.2)
    topic = talk.topic(who)
    if kind == "kin":
        one, many, ja = dice.pick(
            (
                ("brother", "brothers", "兄弟"),
                ("sister", "sisters", "姉妹"),
                ("child", "children", "子供"),
                ("daughter", "daughters", "娘"),
                ("son", "sons", "息子"),
            )
        )
        if who.key in {"brother", "sister", "cousin", "children", "students"} or who.group == "we":
            who, topic = I, talk.topic(I)
        n = dice.whole(1, 4) if one != "brother" and one != "sister" else dice.whole(2, 4)
        en, count = numbers.counted(n, one, many, "人", digits=talk.digits)
        talk.tags.add(f"have:{one}/{who.key}/{n}")
        if negative:
            return sentence(
                clause(who.subject, "have", f"any {many}", negative=True, contract=talk.contract)
            ), f"{topic}{ja}が{talk.end(Word('いる', '1'), negative=True)}。"
        return sentence(
            clause(who.subject, "have", en if n > 1 or talk.digits else article(one))
        ), f"{topic}{ja}が{count}{talk.end(Word('いる', '1'))}。"
    thing = dice.pick(things("pet") if kind == "pet" else things("machine", "own", "goods", "print"))
    talk.tags.add(f"have:{thing.en}/{who.key}")
    word = Word("飼っている" if kind == "pet" else "持っている", "1")
    if negative:
        noun = f"any {thing.many}" if kind == "pet" else article(thing.en)
        return sentence(
            clause(who.subject, "have", noun, negative=True, contract=talk.contract)
        ), f"{topic}{thing.ja}を{talk.end(word, negative=True)}。"
    item = talk.phrase(thing, dice.pick("an"))
    return sentence(clause(who.subject, "have", item.en)), f"{topic}{item.ja}を{item.quantity}{talk.end(word)}。"


def compared(talk: Talk) -> Pair:
    """A is bigger than B; which is the bigger."""
    dice = talk.dice
    if dice.chance(0.5):
        who = talk.someone(first=0.15)
        other = talk.other(who)
        if who.agrees == "3p" or who.group == "we":
            raise Retry
        aged = who.key in {"father", "mother", "uncle", "aunt", "grandfather", "grandmother"}
        if aged or other.group != "name":
            who, other = talk.dice.some(people("name"), 2)
            if other.ja == who.ja:
                raise Retry
            talk.tags.add(f"as:subject/{who.key}")
        more, word = dice.pick(
            (
                ("taller", Word("背が高い", "i")),
                ("older", Word("年上", "n")),
                ("younger", Word("年下", "n")),
                ("busier", Word("忙しい", "i")),
                ("stricter", Word("厳しい", "i")),
            )
        )
        talk.tags.add(f"than:{more}/{who.key}/{other.key}")
        en = clause(who.subject, "be", f"{more} than {other.en}", contract=talk.contract)
        return sentence(en), f"{talk.topic(who, drop=0.2)}{other.ja}より{talk.end(word)}。"
    thing = dice.pick(things("goods", "clothes", "furniture", "print"))
    weighed = thing.en in {"box", "bag", "desk", "chair", "computer", "camera", "book", "dictionary"}
    more, word = dice.pick(
        (
            ("bigger", Word("大きい", "i")),
            ("smaller", Word("小さい", "i")),
            ("newer", Word("新しい", "i")),
            ("cheaper", Word("安い", "i")),
            ("more expensive", Word("高い", "i")),
            ("heavier", Word("重い", "i")),
            ("lighter", Word("軽い", "i")),
        )[: 7 if weighed else 5]
    )
    a, b = dice.pick((("this", "that"), ("that", "this")))
    far = {"this": "この", "that": "あの"}
    talk.phrase(thing, "d", place="subject")
    talk.tags.add(f"than:{more}/{thing.en}/{a}")
    much = dice.weighted([(4, ("", "")), (1, ("much ", "ずっと")), (1, ("a little ", "少し"))])
    en = f"{a} {thing.en} is {much[0]}{more} than {b} one"
    second = far[b] + thing.ja
    return sentence(en), f"{far[a]}{thing.ja}は{second}より{much[1]}{talk.end(word)}。"


def knows(talk: Talk) -> Pair:
    """Knowing (知っている, but 知らない), understanding (が分かる), and needing."""
    dice = talk.dice
    who = talk.someone(first=0.5)
    kind = dice.pick(("know", "understand", "number"))
    negative = dice.chance(0.45)
    if who.group == "we":
        who = I
    topic = talk.topic(who)
    if kind == "understand":
        thing = dice.pick(things("language"))
        little = not negative and dice.chance(0.4)
        talk.tags.add(f"knows:{thing.en}/{who.key}/{negative}{little}")
        en = clause(
            who.subject,
            "understand",
            thing.en + (" a little" if little else ""),
            negative=negative,
            contract=talk.contract,
        )
        return sentence(
            en
        ), f"{topic}{thing.ja}が{'少し' if little else ''}{talk.end(Word('分かる', '5'), negative=negative)}。"
    other = talk.other(who)
    what = dice.pick(
        (
            ("'s address", "の住所"),
            ("'s phone number", "の電話番号"),
            ("'s e-mail address", "のメールアドレス"),
            ("'s birthday", "の誕生日"),
            ("", ""),
        )
    )
    talk.tags.add(f"knows:{what[0]}/{other.key}/{who.key}")
    word = Word("知る", "5") if negative else Word("知っている", "1")
    if dice.chance(0.25):
        return sentence(question(YOU.subject, "know", other.en + what[0]), "?"), ask(
            talk, f"{other.ja}{what[1]}を", Word("知っている", "1")
        )
    en = clause(who.subject, "know", other.en + what[0], negative=negative, contract=talk.contract)
    if negative and who.key not in {"I", "we"}:
        return sentence(en), f"{topic}{other.ja}{what[1]}を{talk.end(word, negative=True)}。"
    return sentence(en), f"{topic}{other.ja}{what[1]}を{talk.end(word, negative=negative)}。"
