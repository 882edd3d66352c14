"""How many there are, what it costs, how far and how heavy it is, what time, day and weather it is."""

from unrolled.data.phrasebook import numbers
from unrolled.data.phrasebook.asking import ask
from unrolled.data.phrasebook.english import Subject, be, clause, sentence
from unrolled.data.phrasebook.japanese import Word
from unrolled.data.phrasebook.nouns import THINGS, people, places, things
from unrolled.data.phrasebook.phrases import Talk
from unrolled.data.phrasebook.told import Pair

# where things are, and the classes of what may be there
_SPOTS = """
on the desk|机の上|small print paper photo
in the bag|かばんの中|small print paper
on the chair|椅子の上|small clothes print
in the room|部屋|furniture machine print pet
in the kitchen|台所|dishware fruit furniture kitchen
in the box|箱の中|small print fruit
in the garden|庭|animal gift
in the park|公園|animal
in front of the house|家の前|own pet
under the chair|椅子の下|pet small
in the refrigerator|冷蔵庫の中|fruit kitchen sweet colddrink
on the table|テーブルの上|dishware fruit gift sweet
"""
SPOTS = tuple(tuple(line.split("|")) for line in _SPOTS.strip().splitlines())


def exists(talk: Talk) -> Pair:
    """There are three cats in the garden: いる for what lives, ある for the rest."""
    dice = talk.dice
    spot_en, spot_ja, classes = dice.pick(SPOTS)
    thing = dice.pick(things(*classes.split()))
    lives = "animal" in thing.classes
    form = dice.pick("asn" if thing.many and thing.counter else "as" if thing.many else "s")
    if form == "a" and spot_en.startswith("in the g") and not lives:
        form = "s"
    item = talk.phrase(thing, form, place="there")
    word = Word("いる", "1") if lives else Word("ある", "5")
    many = form == "n" or (form == "s" and bool(thing.many))
    past = dice.chance(0.2)
    talk.tags.add(f"is:{thing.en}/{spot_en}/{form}{past}")
    if dice.chance(0.25) and thing.many and not {"kitchen", "shop", "gift"} & set(thing.classes):
        t = talk.phrase(thing, "t", place="subject")
        if dice.chance(0.4):
            en = f"where {be('3s', was=past)} {t.en}"
            return sentence(en, "?"), ask(talk, f"{t.ja}はどこに", word, past=past)
        en = f"{t.en} {be('3s', was=past)} {spot_en}"
        return sentence(en), f"{t.ja}は{spot_ja}に{talk.end(word, past=past)}。"
    there = f"there {be('3p' if many else '3s', was=past)}"
    if dice.chance(0.12) and form != "n":
        noun = f"any {thing.many or thing.en}"
        are = "are" if thing.many else "is"
        en = f"there {are}n't {noun} {spot_en}" if talk.contract else f"there {are} not {noun} {spot_en}"
        return sentence(en), f"{spot_ja}に{thing.ja}は{talk.end(word, negative=True)}。"
    return sentence(
        f"{there} {item.en} {spot_en}"
    ), f"{spot_ja}に{item.ja}が{item.quantity}{talk.end(word, past=past)}。"


def people_there(talk: Talk) -> Pair:
    """There are twenty students in the classroom: people are counted by 人."""
    dice = talk.dice
    who = dice.pick(
        (
            ("student", "students", "学生", "study"),
            ("child", "children", "子供", "outdoor sight swim"),
            ("woman", "women", "女の人", "town"),
            ("man", "men", "男の人", "town"),
            ("customer", "customers", "客", "eat food print goods"),
            ("teacher", "teachers", "先生", "at school"),
        )
    )
    place = dice.pick(
        [p for p in places(*who[3].split()) if p.en != "the sea"]
        if who[3] != "at school"
        else [p for p in places("study") if p.en in {"school", "the university"}]
    )
    n = dice.whole(1, 12) if dice.chance(0.6) else dice.whole(13, 40)
    en, ja = numbers.counted(n, who[0], who[1], "人", digits=n > 12 or talk.digits)
    past = dice.chance(0.3)
    talk.tags.add(f"is:{who[0]}/{place.en}/{n}")
    return sentence(
        f"there {be('3s' if n == 1 else '3p', was=past)} {en} {place.at}"
    ), f"{place.ja}に{who[2]}が{ja}{talk.end(Word('いる', '1'), past=past)}。"


def priced(talk: Talk) -> Pair:
    """What something costs."""
    dice = talk.dice
    thing = dice.pick([t for t in things("goods", "clothes", "print", "machine", "dish") if t.en != "sushi"])
    low, high, step = (
        (300, 1500, 50)
        if "dish" in thing.classes
        else (800, 9000, 100)
        if "machine" not in thing.classes
        else (20000, 90000, 1000)
    )
    if "print" in thing.classes or thing.en == "map":
        low, high, step = 400, 2500, 50
    if thing.en in {"pen", "pencil", "notebook"}:
        low, high, step = 100, 900, 10
    price = low + step * dice.whole(0, (high - low) // step)
    en_yen, ja_yen = numbers.yen(price)
    item = talk.phrase(thing, "d", place="subject")
    past = dice.chance(0.3)
    talk.tags.add(f"price:{thing.en}/{price}")
    if dice.chance(0.25):
        asks = f"how much {be('3s', was=past)} {item.en}"
        return sentence(asks, "?"), ask(talk, f"{item.ja}は", Word("いくら", "n"), past=past)
    en = clause(Subject(item.en, "3s"), dice.pick(("be", "cost")), en_yen, past=past)
    return sentence(en), f"{item.ja}は{talk.end(Word(ja_yen, 'n'), past=past)}。"


def measured(talk: Talk) -> Pair:
    """Distances, temperatures, weights, and how long a way takes."""
    dice = talk.dice
    kind = dice.pick(("way", "takes", "takes", "weather", "weight", "tall", "age"))
    if kind in {"way", "takes"}:
        a, b = dice.some(places("town", "study"), 2)
        if kind == "way":
            en, ja = numbers.measured(dice.whole(1, 20), "kilometer")
            talk.tags.add(f"way:{a.en}/{b.en}/{en}")
            return sentence(
                f"it is {en} from {a.en} to {b.en}"
            ), f"{a.ja}から{b.ja}まで{ja}{talk.end(Word('ある', '5'))}。"
        n = dice.pick((5, 10, 15, 20, 25, 30, 40, 45))
        en, ja = numbers.duration(n, "minute", digits=True)
        by_en, by_ja = dice.pick(
            (
                ("by bus", "バスで"),
                ("on foot", "歩いて"),
                ("by bicycle", "自転車で"),
                ("by taxi", "タクシーで"),
                ("by car", "車で"),
            )
        )
        talk.tags.add(f"way:{a.en}/{b.en}/{by_en}")
        if dice.chance(0.2):
            return sentence(f"how long does it take from {a.en} to {b.en} {by_en}", "?"), ask(
                talk, f"{a.ja}から{b.ja}まで{by_ja}どのくらい", Word("かかる", "5")
            )
        about = dice.pick((("", ""), ("about ", "約")))
        return sentence(
            f"it takes {about[0]}{en} from {a.en} to {b.en} {by_en}"
        ), f"{a.ja}から{b.ja}まで{by_ja}{about[1]}{ja}{talk.end(Word('かかる', '5'))}。"
    if kind == "weather":
        place = dice.pick(places("city"))
        n = dice.whole(2, 35)
        en, ja = numbers.measured(n, "degree")
        past = dice.chance(0.5)
        when = ("yesterday", "昨日") if past else ("today", "今日")
        talk.tags.add(f"degrees:{place.en}/{n}")
        en = f"the temperature in {place.en} {be('3s', was=past)} {en} {when[0]}"
        return sentence(en), f"{when[1]}の{place.ja}の気温は{talk.end(Word(ja, 'n'), past=past)}。"
    if kind == "weight":
        thing = dice.pick((*things("machine", "furniture"), THINGS["box"], THINGS["bag"]))
        if "small" in thing.classes:
            thing = THINGS["box"]
        item = talk.phrase(thing, "d", place="subject")
        en, ja = numbers.measured(dice.whole(2, 15), "kilogram")
        talk.tags.add(f"weight:{thing.en}/{en}")
        return sentence(f"{item.en} weighs {en}"), f"{item.ja}の重さは{talk.end(Word(ja, 'n'))}。"
    who = dice.pick([p for p in people("kin", "name") if p.key not in {"grandmother", "grandfather"}])
    talk.tags.add(f"as:subject/{who.key}")
    if kind == "tall":
        n = dice.whole(150, 189)
        en, ja = numbers.measured(n, "centimeter")
        talk.tags.add(f"tall:{who.key}/{n}")
        return sentence(f"{who.en} is {en} tall"), f"{who.ja}の身長は{talk.end(Word(ja, 'n'))}。"
    old = who.key in {"father", "mother", "uncle", "aunt"}
    n = dice.whole(42, 65) if old else dice.whole(18, 40)
    en, ja = numbers.duration(n, "year", digits=True)
    talk.tags.add(f"age:{who.key}/{n}")
    return sentence(f"{who.en} is {en} old"), f"{who.ja}は{talk.end(Word(ja.removesuffix('年') + '歳', 'n'))}。"


def dated(talk: Talk) -> Pair:
    """What time, day or date it is; birthdays, openings and beginnings."""
    dice = talk.dice
    kind = dice.pick(("clock", "day", "birthday", "born", "opens", "begins", "begins"))
    if kind == "clock":
        hour, minute = dice.whole(6, 23), dice.pick((0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55))
        if hour == 12:
            hour = 11
        en, ja = numbers.clock(hour, minute)
        talk.tags.add(f"clock:{hour}/{minute}")
        place = dice.pick(places("city", "abroad"))
        if dice.chance(0.5) and "country" not in place.classes:
            return sentence(f"it is {en} in {place.en} now"), f"{place.ja}は今、{talk.end(Word(ja, 'n'))}。"
        return sentence(f"it is {en} now"), f"今、{talk.end(Word(ja, 'n'))}。"
    if kind == "day":
        day_en, day_ja = numbers.weekday(dice.whole(0, 6))
        date_en, date_ja = numbers.day_of_year(dice.whole(1, 12), dice.whole(1, 28))
        when = dice.pick((("today", "今日", False), ("tomorrow", "明日", False), ("yesterday", "昨日", True)))
        talk.tags.add(f"day:{date_en}/{day_en}")
        en = f"{when[0]} {'was' if when[2] else 'is'} {day_en}, {date_en}"
        return sentence(en), f"{when[1]}は{date_ja}、{talk.end(Word(day_ja, 'n'), past=when[2])}。"
    who = dice.pick(people("kin", "name", "me", "he", "she", "friend"))
    if kind == "birthday":
        en, ja = numbers.day_of_year(dice.whole(1, 12), dice.whole(1, 28))
        whose = who.his if who.group in {"me", "he", "she"} else who.en + "'s"
        talk.tags.add(f"birthday:{who.key}/{en}")
        return sentence(f"{whose} birthday is {en}"), f"{talk.name(who)}の誕生日は{talk.end(Word(ja, 'n'))}。"
    if kind == "born":
        date_en, date_ja = numbers.full_date(dice.whole(1960, 2005), dice.whole(1, 12), dice.whole(1, 28))
        place = dice.pick(places("city"))
        talk.tags |= {f"born:{who.key}/{date_en}", f"as:subject/{who.key}"}
        where = dice.chance(0.4)
        en = clause(who.subject, "be", f"born in {place.en} on {date_en}" if where else f"born on {date_en}", past=True)
        there = place.ja + "で" if where else ""
        ja = f"{talk.topic(who)}{date_ja}に{there}{talk.end(Word('生まれる', '1'), past=True)}。"
        return sentence(en), ja
    if kind == "opens":
        place = dice.pick(
            [
                p
                for p in places("town")
                if p.en
                not in {
                    "school",
                    "the park",
                    "the station",
                    "the hospital",
                    "the convenience store",
                    "the bank",
                    "the post office",
                }
            ]
        )
        shut = dice.chance(0.4)
        hour = dice.whole(17, 21) if shut else dice.whole(8, 10)
        en, ja = numbers.clock(hour, dice.pick((0, 30)))
        day = dice.pick((("", ""), (" on Sundays", "日曜日には"), (" on Saturdays", "土曜日には")))
        verb, word = ("close", Word("閉まる", "5")) if shut else ("open", Word("開く", "5"))
        talk.tags.add(f"opens:{place.en}/{verb}/{en}")
        ja = f"{day[1]}{place.ja}は{ja}に" if not day[1] else f"{place.ja}は{day[1]}{ja}に"
        return sentence(f"{place.en} {verb}s at {en}{day[0]}"), f"{ja}{talk.end(word)}。"
    what = dice.pick(
        (
            ("the movie", "映画"),
            ("the concert", "コンサート"),
            ("the meeting", "会議"),
            ("the class", "授業"),
            ("the game", "試合"),
            ("the party", "パーティー"),
        )
    )
    hour = dice.whole(9, 11) if what[0] in {"the class", "the meeting"} else dice.whole(13, 20)
    en, ja = numbers.clock(hour, dice.pick((0, 15, 30, 45)))
    ends = dice.chance(0.3)
    past = dice.chance(0.3)
    when = (" yesterday", "昨日の") if past else dice.pick((("", ""), (" tomorrow", "明日の")))
    verb, word = ("end", Word("終わる", "5")) if ends else (dice.pick(("start", "begin")), Word("始まる", "5"))
    talk.tags.add(f"begins:{what[0]}/{en}/{when[0]}")
    text = clause(Subject(what[0], "3s"), verb, f"at {en}{when[0]}", past=past)
    return sentence(text), f"{when[1]}{what[1]}は{ja}に{talk.end(word, past=past)}。"


_WEATHER = """
it {be} hot|暑い i|
it {be} cold|寒い i|
it {be} warm|暖かい i|
it {be} cool|涼しい i|
the weather {be} nice|いい i|天気が
the weather {be} bad|悪い i|天気が
it {be} raining|降っている 1|雨が
it {be} snowing|降っている 1|雪が
the wind {be} strong|強い i|風が
"""
WEATHER = tuple(
    (english, Word(*word.split()), front)
    for english, word, front in (line.split("|") for line in _WEATHER.strip().splitlines())
)


def weather(talk: Talk) -> Pair:
    """It was cold in Sapporo yesterday."""
    dice = talk.dice
    en, word, front = dice.pick(WEATHER)
    place = dice.pick(places("city"))
    where = dice.chance(0.7)
    past = dice.chance(0.5)
    when = (
        dice.pick((("yesterday", "昨日"), ("last week", "先週"), ("this morning", "今朝"), ("last night", "昨夜")))
        if past
        else dice.pick((("today", "今日"), ("now", "今")))
    )
    if when[0] == "last night" and "weather" in en:
        when = ("yesterday", "昨日")
    if when[0] in {"last week"} and "ing" in en:
        when = ("last night", "昨夜")
    very = (
        ("very ", "とても") if word.kind == "i" and word.text not in {"いい", "悪い"} and dice.chance(0.4) else ("", "")
    )
    en = en.replace("{be} ", be("3s", was=past) + " " + very[0])
    talk.tags.add(f"weather:{word.text}{front}/{place.en if where else ''}/{when[0]}/{very[0]}")
    text = f"{en} {place.at if where else ''} {when[0]}"
    spot = place.ja + ("は" if where else "") if where else ""
    ja = (
        f"{when[1]}の{place.ja}は"
        if where and dice.chance(0.4) and when[0] != "now"
        else (f"{when[1]}、{spot}" if where else f"{when[1]}は")
    )
    return sentence(
        " ".join(text.split())
    ), f"{ja}{front if very[1] == '' else front + very[1]}{talk.end(word, past=past)}。"
