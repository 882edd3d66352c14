"""The parts of a day in their order, as deeds, and what is bought in it."""

from unrolled.data.phrasebook import numbers
from unrolled.data.phrasebook.english import listed
from unrolled.data.phrasebook.japanese import Word
from unrolled.data.phrasebook.nouns import Person, people, places, things
from unrolled.data.phrasebook.phrases import Act, Talk
from unrolled.data.phrasebook.times import at, bare_hour
from unrolled.data.phrasebook.told import deeds_of


def _script(text: str) -> tuple[tuple[str, tuple[int, int]], ...]:
    """Parts of a day with the hours in which they begin: "wake 5-7, shower 6-8"."""
    parts = [part.replace("-", " ").split() for part in text.split(",")]
    return tuple((name, (int(low), int(high))) for name, low, high in parts)


# the parts of a day in their order; a story takes some of each script, and keeps the order
WORKDAY = _script(
    "wake 5-7, shower 6-8, breakfast 6-8, news 7-8, leave 7-9, ride 7-9, work 9-17, lunch 12-13, meet "
    "17-18, buy 17-18, return 18-19, cook 18-19, dinner 19-20, dishes 20-20, evening 20-21, bath 21-21, "
    "bed 22-23"
)
HOLIDAY = _script(
    "wake 7-9, breakfast 8-9, laundry 9-10, clean 9-11, walk 10-11, lunch 12-13, fun 13-15, buy 15-16, "
    "tea 15-16, return 17-18, cook 18-18, dinner 19-20, evening 20-21, call 20-21, bath 21-21, bed 22-23"
)
TRIP = _script(
    "wake 5-7, leave 6-8, train 7-9, sight 10-11, photos 11-12, lunch 12-13, museum 13-15, gift 15-16, "
    "tea 15-16, dinner 18-20, hotel 20-21"
)
STUDY = _script(
    "library 9-10, borrow 9-10, studied 10-12, lunch 12-13, wrote 13-15, sent 15-16, meet 16-17, return "
    "17-18, dinner 19-20, evening 20-21, bed 22-23"
)


def _one(talk: Talk, who: Person, what: str, *, daily: bool = False) -> Act:
    """One part of a day as an act."""
    dice = talk.dice

    def act(verb: str, rest: str, front: str, text: str, kind: str) -> Act:
        return Act(who, verb, rest, front, Word(text, kind), f"{verb}/{rest}")

    def drawn(verb: str, pick: int = 0, forms: str = "") -> Act:
        return talk.done(deeds_of(verb)[pick], who, forms=forms)

    if what == "wake":
        return act("get", "up", "", "起きる", "1")
    if what == "shower":
        return act("take", "a shower", "シャワーを", "浴びる", "1")
    if what in {"breakfast", "lunch", "dinner"}:
        ja = {"breakfast": "朝ご飯", "lunch": "昼ご飯", "dinner": "晩ご飯"}[what]
        one = act("have", what, f"{ja}を", "食べる", "1")
        if what == "lunch" and dice.chance(0.5):
            spot = dice.pick(
                (("at a restaurant", "レストランで"), ("in the park", "公園で"), ("at the cafe", "喫茶店で"))
            )
            one = one._replace(where=spot)
        if what != "breakfast" and dice.chance(0.35):
            other = talk.friend(who)
            one = one._replace(company=(f"with {other.en}", f"{other.ja}と"))
        return one
    if what == "news":
        return dice.pick(
            (act("read", "the newspaper", "新聞を", "読む", "5"), act("watch", "the news", "ニュースを", "見る", "1"))
        )
    if what == "leave":
        return act("leave", "home", "家を", "出る", "1")
    if what == "ride":
        by = dice.pick((("the bus", "バス"), ("the train", "電車"), ("the subway", "地下鉄")))
        return act("take", f"{by[0]} to the office", f"{by[1]}で会社に", "行く", "5")
    if what == "work":
        n = dice.whole(4, 9)
        en, ja = numbers.duration(n, "hour", digits=talk.digits)
        return act("work", f"for {en}", ja, "働く", "5")
    if what == "meet":
        other = talk.friend(who) if daily else talk.other(who)
        place = dice.pick((("at the station", "駅"), ("at the cafe", "喫茶店"), ("in front of the station", "駅の前")))
        return act("meet", f"{other.en} {place[0]}", f"{place[1]}で{other.ja}に", "会う", "5")
    if what == "buy":
        en, ja = goods_list(talk, dice.weighted([(5, 1), (3, 2), (1, 3)]))
        place = dice.pick(places("food"))
        return act("buy", f"{en} {place.at}", f"{place.ja}で{ja}", "買う", "5")
    if what == "return":
        return act("come", "home", "家に", "帰る", "5")
    if what == "cook" and daily:  # not curry every day
        return act("make", "soup", "スープを", "作る", "5")
    if what == "cook":
        return dice.pick(
            (
                act("make", "soup", "スープを", "作る", "5"),
                act("make", "curry", "カレーを", "作る", "5"),
                act("make", "a salad", "サラダを", "作る", "5"),
            )
        )
    if what == "dishes":
        return act("wash", "the dishes", "お皿を", "洗う", "5")
    if what == "evening":
        kind = dice.pick(("TV", "music") if daily else ("TV", "music", "read", "watch", "e-mail"))
        if kind in {"read", "watch"}:
            return drawn(kind, 0, "a")
        if kind == "TV":
            return act("watch", "TV", "テレビを", "見る", "1")
        if kind == "music":
            return act("listen", "to music", "音楽を", "聞く", "5")
        return act("write", "an e-mail", "メールを", "書く", "5")
    if what == "bath":
        return act("take", "a bath", "お風呂に", "入る", "5")
    if what == "bed":
        return act("go", "to bed", "", "寝る", "1")
    if what == "laundry":
        return act("do", "the laundry", "洗濯を", "する", "s")
    if what == "clean":
        return dice.pick(
            (
                act("clean", "{my} room", "部屋を", "掃除する", "s"),
                act("clean", "the kitchen", "台所を", "掃除する", "s"),
            )
        )
    if what == "walk":
        return dice.pick(
            (
                act("take", "a walk in the park", "公園を", "散歩する", "s"),
                act("walk", "the dog", "犬を散歩に", "連れて行く", "5"),
            )
        )
    if what == "fun":
        kind = dice.pick(("sport", "movie", "music", "swim", "sport"))
        if kind == "movie":
            one = act("watch", "a movie", "映画を", "見る", "1")
        elif kind == "swim":
            one = act("swim", "at the pool", "プールで", "泳ぐ", "5")
        else:
            one = drawn("play", 1 if kind == "sport" else 0)
        if dice.chance(0.4):
            other = talk.friend(who)
            one = one._replace(company=(f"with {other.en}", f"{other.ja}と"))
        return one
    if what == "tea":
        thing = dice.pick(things("hotdrink"))
        return act("drink", f"{thing.en} at the cafe", f"喫茶店で{thing.ja}を", "飲む", "5")
    if what == "call":
        other = talk.friend(who)
        return act("call", other.en, f"{other.ja}に", "電話する", "s")
    if what == "train":
        city = dice.pick(places("city"))
        by = dice.pick((("the train", "電車"), ("the bus", "バス"), ("a plane", "飛行機")))
        return act("take", f"{by[0]} to {city.en}", f"{by[1]}で{city.ja}に", "行く", "5")
    if what == "sight":
        return act("visit", dice.pick(("a temple", "an old temple")), dice.pick(("お寺を",)), "訪れる", "1")
    if what == "photos":
        return act("take", dice.pick(("photos", "some photos", "many photos")), "写真を", "撮る", "5")
    if what == "museum":
        return act("go", dice.pick(("to the museum", "to a museum")), "美術館に", "行く", "5")
    if what == "gift":
        other = talk.friend(who)
        return act("buy", f"a present for {other.en}", f"{other.ja}にプレゼントを", "買う", "5")
    if what == "hotel":
        return act("stay", "at a hotel", "ホテルに", "泊まる", "5")
    if what == "library":
        return act("go", "to the library", "図書館に", "行く", "5")
    if what == "borrow":
        return drawn("borrow", 1, "na")
    if what == "studied":
        subject = dice.pick(things("language", "subject"))
        en, ja = numbers.duration(dice.whole(1, 4), "hour", digits=talk.digits)
        return act("study", f"{subject.en} for {en}", f"{subject.ja}を{ja}", "勉強する", "s")
    if what == "wrote":
        return act("write", "a report", "レポートを", "書く", "5")
    other = talk.dice.pick(people("teacher", "manager", "friend"))
    return act("send", f"it to {other.en}", f"それを{other.ja}に", "送る", "5")


_ONCE = ("喫茶店", *sorted({p.ja for p in people("name", "kin", "friend", "role")}))


def _whole(act: Act) -> str:
    return act.front + (act.company[1] if act.company else "") + (act.where[1] if act.where else "")


def goods_list(talk: Talk, count: int) -> tuple[str, str]:
    """What is bought, as a list: りんごを三つと卵を五つ, りんごと卵."""
    dice = talk.dice
    chosen = dice.some([t for t in things("shop", "kitchen", "drink") if "alcohol" not in t.classes], count)
    talk.tags |= {f"list:{count}", *(f"bought:{t.en}" for t in chosen)}
    if dice.chance(0.5) and count <= 3:
        names = [f"some {chosen[0].many or chosen[0].en}", *((t.many or t.en) for t in chosen[1:])]
        return listed(names), "と".join(t.ja for t in chosen) + "を"
    en, ja = [], []
    for thing in chosen:
        if thing.many and thing.counter:
            words, quantity = numbers.counted(dice.whole(2, 6), thing.en, thing.many, thing.counter, digits=talk.digits)
        elif "drink" in thing.classes:
            words, quantity = numbers.counted(dice.whole(2, 4), "bottle", "bottles", "本", digits=talk.digits)
            words += f" of {thing.en}"
        else:
            words, quantity = f"some {thing.many or thing.en}", ""
        en.append(words)
        ja.append(f"{thing.ja}を{quantity or '少し'}")
    return listed(en), "、".join(ja)


def parts_of_day(
    talk: Talk, who: Person, script: tuple, count: int, *, daily: bool = False
) -> list[tuple[Act, str, str]]:
    """Some parts of a day in order, each with its hour or "", no part of a kind twice."""
    dice = talk.dice
    if count <= 3:  # what is told in a few words is of one part of the day
        start = dice.whole(0, len(script) - 5)
        script = script[start : start + 5]
    names = [name for name, _ in script]
    chosen = {*dice.some(names, count)}
    needs = {
        "dishes": "dinner",
        "borrow": "library",
        "sent": "wrote",
        "ride": "leave",
        "photos": "sight",
        "hotel": "train",
        "sight": "train",
    }
    for name, need in needs.items():
        if name in chosen and need not in chosen and (need in names or name == "sent"):
            chosen.discard(name)
    if "cook" in chosen and "dinner" not in chosen and "dinner" in names:
        chosen.add("dinner")
    if not chosen & {"leave", "ride", "work", "library", "train", "buy", "meet"}:
        chosen.discard("return")
    chosen |= {"library", "train"} & set(names)
    if "bath" in chosen and "shower" in chosen:
        chosen.discard("shower")
    parts: list[tuple[Act, str, str]] = []
    seen: set[str] = set()
    hour_before = 0
    for name, hours in script:
        if name not in chosen:
            continue
        act = _one(talk, who, name, daily=daily)
        for _ in range(8):  # nobody is met twice, and no cafe visited
            once = {ja for ja in _ONCE if ja in _whole(act)}
            if not once & seen:
                break
            act = _one(talk, who, name, daily=daily)
        else:
            continue
        seen |= once
        en = ja = ""
        timely = name in {"wake", "leave", "return", "bed", "breakfast", "dinner"}
        if dice.chance(1 if name in {"wake", "bed"} else 0.55 if timely else 0.1) and name not in {"work", "studied"}:
            low = max(hours[0], hour_before)
            if low <= hours[1]:
                hour = low + dice.whole(0, hours[1] - low)
                same_half = hour_before > 0 and (hour < 12) == (hour_before <= 12)
                clock = bare_hour if same_half and dice.chance(0.8) else at
                when = clock(dice, (hour, hour), digits=talk.digits)
                en, ja = when.en, when.ja
                hour_before = hour + 1
        parts.append((act, en, ja))
    return parts
