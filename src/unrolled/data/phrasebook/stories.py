"""Long sentences: a day in its order, a family, a week of plans, a shopping list."""

from unrolled.data.phrasebook import numbers
from unrolled.data.phrasebook.causes import CAUSES
from unrolled.data.phrasebook.english import Subject, clause, listed, predicate, sentence
from unrolled.data.phrasebook.japanese import Word, finite, progressive, te
from unrolled.data.phrasebook.links import Reason, because_end, but_end, caused, nobody
from unrolled.data.phrasebook.nouns import Person, people, places, things
from unrolled.data.phrasebook.patterns import I, Pair, deeds_of, state
from unrolled.data.phrasebook.phrases import Act, Retry, Talk, english, japanese, mine
from unrolled.data.phrasebook.times import When, at, bare_hour

# the parts of a day in their order; a story takes some of each script, and keeps the order
WORKDAY = (
    ("wake", (5, 7)), ("shower", (6, 8)), ("breakfast", (6, 8)), ("news", (7, 8)), ("leave", (7, 9)), ("ride", (7, 9)), ("work", (9, 17)), ("lunch", (12, 13)),
    ("meet", (17, 18)), ("buy", (17, 18)), ("return", (18, 19)), ("cook", (18, 19)), ("dinner", (19, 20)), ("dishes", (20, 20)), ("evening", (20, 21)), ("bath", (21, 21)), ("bed", (22, 23)),
)  # fmt: skip
HOLIDAY = (
    ("wake", (7, 9)), ("breakfast", (8, 9)), ("laundry", (9, 10)), ("clean", (9, 11)), ("walk", (10, 11)), ("lunch", (12, 13)), ("fun", (13, 15)), ("buy", (15, 16)), ("tea", (15, 16)),
    ("return", (17, 18)), ("cook", (18, 18)), ("dinner", (19, 20)), ("evening", (20, 21)), ("call", (20, 21)), ("bath", (21, 21)), ("bed", (22, 23)),
)  # fmt: skip
TRIP = (
    ("wake", (5, 7)), ("leave", (6, 8)), ("train", (7, 9)), ("sight", (10, 11)), ("photos", (11, 12)), ("lunch", (12, 13)), ("museum", (13, 15)), ("gift", (15, 16)), ("tea", (15, 16)),
    ("dinner", (18, 20)), ("hotel", (20, 21)),
)  # fmt: skip
STUDY = (
    ("library", (9, 10)), ("borrow", (9, 10)), ("studied", (10, 12)), ("lunch", (12, 13)), ("wrote", (13, 15)), ("sent", (15, 16)), ("meet", (16, 17)), ("return", (17, 18)), ("dinner", (19, 20)), ("evening", (20, 21)), ("bed", (22, 23)),
)  # fmt: skip


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


DAYS = {
    "past": (
        ("yesterday", "昨日"),
        ("last Sunday", "先週の日曜日"),
        ("last Saturday", "先週の土曜日"),
        ("the day before yesterday", "おととい"),
        ("on Monday", "月曜日に"),
        ("on Friday", "金曜日に"),
        ("last Thursday", "先週の木曜日"),
    ),
    "future": (
        ("tomorrow", "明日"),
        ("next Sunday", "来週の日曜日"),
        ("next Saturday", "来週の土曜日"),
        ("the day after tomorrow", "あさって"),
    ),
    "daily": (("every day", "毎日"), ("every day", "毎日"), ("on weekdays", "平日は")),
}


def told_day(talk: Talk, count: int, *, who: Person | None = None) -> Pair:
    """A day told in its order: got up, had breakfast, went …, and went to bed."""
    dice = talk.dice
    who = who or talk.someone(first=0.45)
    if who.key in {"children", "students"}:
        who = I
    tense = dice.weighted([(6, "past"), (2, "future"), (2, "daily")])
    script = dice.pick((WORKDAY, HOLIDAY, STUDY, TRIP)) if tense != "daily" else WORKDAY
    parts = parts_of_day(talk, who, script, count, daily=tense == "daily")
    if len(parts) < max(2, count - 1):
        raise Retry
    when = dice.pick(DAYS[tense])
    if script is WORKDAY and tense != "daily":
        when = (
            dice.pick(
                (
                    ("on Monday", "月曜日に"),
                    ("on Friday", "金曜日に"),
                    ("yesterday", "昨日"),
                    ("last Thursday", "先週の木曜日"),
                )
            )
            if tense == "past"
            else ("tomorrow", "明日")
        )
    past, future = tense == "past", tense == "future"
    en_parts, ja_parts = [], []
    for i, (act, hour_en, hour_ja) in enumerate(parts):
        whole = (
            english(act, past=past, future=future, contract=talk.contract)
            if i == 0
            else english(act, bare=True, past=past, future=future)
        )
        whole = whole.removeprefix("will ") if i else whole
        en_parts.append(f"{whole} {hour_en}".strip())
        ja_parts.append(hour_ja + japanese(act, te if i < len(parts) - 1 else (lambda w: talk.end(w, past=past)), ""))
        talk.tags.add(f"did:{act.key}/{when[0]}/day")
    talk.tags.add(f"chain:{len(parts)}")
    topic = talk.topic(who, drop=0.7)
    time = when[1]
    marked = (
        time
        if time.endswith(("は", "に")) or tense == "daily"
        else time + dice.pick(("は", "", "、"))
        if not topic
        else time
    )
    comma = "、" if time.endswith("曜日") and not marked.endswith(("は", "、")) else ""
    pause = "、" if time.endswith("曜日") else ""
    late = time == "平日は" or dice.chance(0.4)
    start = topic + time + pause if topic and late else marked + comma + topic
    then = dice.chance(0.35) and len(parts) > 2
    if len(en_parts) == 1:
        en = en_parts[0]
    elif then:
        en = ", ".join(en_parts[:-1]) + f", and then {en_parts[-1]}"
        ja_parts[-1] = dice.pick(("それから", "その後")) + ja_parts[-1]
    else:
        en = listed(en_parts)
    return sentence(f"{when[0]}, {en}"), start + "、".join(ja_parts) + "。"


def short_day(talk: Talk) -> Pair:
    """Two or three deeds of a day."""
    return told_day(talk, talk.dice.whole(2, 3))


def day(talk: Talk) -> Pair:
    """Four or five deeds of a day."""
    return told_day(talk, talk.dice.whole(4, 5))


def long_day(talk: Talk) -> Pair:
    """Six to eight deeds of a day."""
    return told_day(talk, talk.dice.whole(6, 8))


def reasoned_day(talk: Talk) -> Pair:
    """Why, and then what was done: because the weather was nice, I …, and …."""
    dice = talk.dice
    who = talk.someone(first=0.4)
    if who.key in {"children", "students"}:
        who = I
    name = dice.pick(("fine", "free"))
    cause = CAUSES[name]
    act = caused(talk, cause, who)
    own = act.who is who
    parts = [
        p for p in parts_of_day(talk, who, HOLIDAY, dice.whole(3, 6)) if p[0].verb not in {"get"} or p[0].rest != "up"
    ]
    out = {"do", "walk", "take", "play", "swim"}  # what a fine day is for
    while parts and (
        parts[0][0].verb == "have"
        or (
            name == "fine"
            and (
                parts[0][0].verb not in out
                or parts[0][0].rest == "a bath"
                or (parts[0][0].rest.startswith("the ")
                and parts[0][0].verb == "play")
            )
        )
    ):
        parts = parts[1:]
    if len(parts) < 2 or (len(parts) < 4 and parts[-1][0].rest == "to bed"):
        raise Retry
    when = dice.pick((("yesterday", "昨日"), ("last Sunday", "先週の日曜日"), ("last Saturday", "先週の土曜日")))
    en_parts, ja_parts = [], []
    for i, (one, hour_en, hour_ja) in enumerate(parts):
        en_parts.append(
            f"{english(one, who.again if own else None, past=True) if i == 0 else english(one, bare=True, past=True)} {hour_en}".strip()
        )
        ja_parts.append(hour_ja + japanese(one, te if i < len(parts) - 1 else (lambda w: talk.end(w, past=True)), ""))
        talk.tags.add(f"did:{one.key}/{name}/{when[0]}")
    talk.tags.add(f"chain:{len(parts)}")
    end, link = because_end(talk, True)
    topic = talk.topic(who)
    en = f"{english(act, past=True)} {when[0]}, "
    en = f"because {en}{listed(en_parts)}" if dice.chance(0.6) else f"{en}so {listed(en_parts)}"
    ja = f"{topic}{when[1]}" if own and topic else f"{when[1]}は"
    ja += japanese(act, end, "") + link + "、" + ("" if own else topic) + "、".join(ja_parts) + "。"
    return sentence(en), ja


def family(talk: Talk, count: int) -> Pair:
    """Where each of a family lives or works: a list of clauses, 〜ていて."""
    dice = talk.dice
    kin: list[Person] = []
    for person in dice.some(people("kin", "friend"), 30):
        if all(person.ja != k.ja and person.en.split()[-1] != k.en.split()[-1] for k in kin) and person.key not in {
            "grandfather",
            "grandmother",
        }:
            kin.append(person)
        if len(kin) == count:
            break
    acts = []
    for person in kin:
        talk.tags.add(f"as:subject/{person.key}")
        for _ in range(30):
            act = state(talk, person)
            if all(a.front != act.front for a in acts):
                break
        acts.append(act)
    contrasting = len(acts) == 2 and dice.chance(0.4)
    en = [english(act) for act in acts]
    text = f"{en[0]}, but {en[1]}" if contrasting else listed(en) if len(en) > 2 else ", and ".join(en)
    ja = []
    for i, act in enumerate(acts):
        last = i == len(acts) - 1
        if contrasting and not last:
            end, link = but_end(talk)
        else:
            end, link = (talk.end if last else te), ""
        ja.append(talk.topic(act.who, drop=0) + japanese(act, end, "") + link)
    talk.tags.add(f"chain:{len(acts)}")
    return sentence(text), "、".join(ja) + "。"


def two_of_family(talk: Talk) -> Pair:
    """My father works at a bank, but my mother teaches English at a school."""
    return family(talk, 2)


def whole_family(talk: Talk) -> Pair:
    """Three to five of a family."""
    return family(talk, talk.dice.whole(3, 5))


def week(talk: Talk, count: int | None = None) -> Pair:
    """What is planned for each day of a week."""
    dice = talk.dice
    who = talk.someone(first=0.6)
    count = count or dice.whole(3, 5)
    start = dice.whole(0, 7 - count)
    plan = dice.chance(0.6)
    en, ja = [], []
    used: list[str] = []
    for i in range(count):
        day_en, day_ja = numbers.weekday(start + i)
        for _ in range(40):
            deed = talk.deed(dice.pick(("D w", "W g m", "D g m")))
            if (
                deed.verb not in used
                and "{my}" not in deed.rest
                and deed.rest not in {"lunch", "dinner"}
                and "e-mail" not in deed.rest
                and "Y" not in deed.marks
            ):
                break
        act = talk.around(talk.done(deed, who, forms="absm"), lasts=0, where=0.3, company=0.3)
        used += [act.verb, *({"bake": ["make"], "make": ["bake"]}.get(act.verb, []))]
        body = (
            english(act, past=not plan, future=plan, contract=talk.contract)
            if i == 0
            else english(act, bare=True, past=not plan, future=plan).removeprefix("will ")
        )
        last = i == count - 1
        en.append(f"{body} on {day_en}")
        ja.append(f"{day_ja}に" + japanese(act, (lambda w: talk.end(w, past=not plan)) if last else te, ""))
        talk.tags.add(f"did:{act.key}/{day_en}/week")
    talk.tags.add(f"chain:{count}")
    head = ("next week", "来週") if plan else ("last week", "先週")
    text = f"{head[0]}, {listed(en)}"
    topic = talk.topic(who)
    japan = f"{head[1]}、{topic}" if dice.chance(0.5) or not topic else f"{topic}{head[1]}、"
    return sentence(text), japan + "、".join(ja) + "。"


def shopping(talk: Talk, most: int = 3) -> Pair:
    """A list of what was bought, where, and for what reason."""
    dice = talk.dice
    who = talk.someone(first=0.45)
    count = dice.whole(2, most)
    en, ja = goods_list(talk, count)
    place = dice.pick(places("food"))
    near = dice.pick(
        (
            ("", ""),
            (" near the station", "駅の近くの"),
            (" near the park", "公園の近くの"),
            (" near the library", "図書館の近くの"),
        )
    )
    when = dice.pick(
        (
            ("yesterday", "昨日"),
            ("this morning", "今朝"),
            ("last Saturday", "先週の土曜日に"),
            ("last Sunday", "先週の日曜日に"),
            ("on Friday", "金曜日に"),
        )
    )
    act = Act(
        who,
        "buy",
        f"{en} {place.at}{near[0]}",
        f"{near[1]}{place.ja}で{ja}",
        Word("買う", "5"),
        when=When(when[0], when[1], "D"),
    )
    talk.tags.add(f"did:buy/{place.en}{near[0]}/{when[0]}")
    front = dice.chance(0.4)
    text = english(act, past=True, front=front)
    return sentence(text), japanese(
        act, lambda w: talk.end(w, past=True), talk.topic(who), front=dice.chance(0.5), comma=True
    ) + "。"


def long_shopping(talk: Talk) -> Pair:
    """The same with four or five things."""
    for _ in range(50):
        tags = set(talk.tags)
        pair = shopping(talk, 5)
        if "list:4" in talk.tags or "list:5" in talk.tags:
            return pair
        talk.tags = tags
    return shopping(talk, 5)


def two_days(talk: Talk) -> Pair:
    """What two people did on the same day, each in order, joined by but or and: the longest sentences."""
    dice = talk.dice
    who = talk.someone(first=0.4)
    other = talk.someone(but=(who,), first=0.2)
    if {who.key, other.key} & {"children", "students"}:
        raise Retry
    when = dice.pick((("yesterday", "昨日"), ("last Sunday", "先週の日曜日"), ("last Saturday", "先週の土曜日")))
    sides_en, sides_ja = [], []
    end, join = but_end(talk, True)
    seen: set[tuple[str, str]] = set()
    for number, person in enumerate((who, other)):
        script = dice.pick((HOLIDAY, STUDY, TRIP)) if number == 0 else HOLIDAY
        parts = [p for p in parts_of_day(talk, person, script, dice.whole(3, 5)) if (p[0].verb, p[0].front) not in seen]
        if len(parts) < 2:
            raise Retry
        seen |= {(act.verb, act.front) for act, _, _ in parts}
        if other.ja in "".join(_whole(act) for act, _, _ in parts):
            raise Retry
        en = [
            f"{english(a, past=True) if i == 0 else english(a, bare=True, past=True)} {h}".strip()
            for i, (a, h, _) in enumerate(parts)
        ]
        last_end = end if number == 0 else (lambda w: talk.end(w, past=True))
        ja = [h + japanese(a, te if i < len(parts) - 1 else last_end, "") for i, (a, _, h) in enumerate(parts)]
        sides_en.append(listed(en))
        sides_ja.append("、".join(ja))
        talk.tags |= {f"did:{a.key}/{when[0]}/{number}" for a, _, _ in parts}
    talk.tags.add(f"chain:{5}")
    text = f"{when[0]}, {sides_en[0]}, but {sides_en[1]}"
    ja = f"{when[1]}、{talk.topic(who, drop=0)}{sides_ja[0]}{join}、{talk.topic(other, drop=0)}{sides_ja[1]}。"
    return sentence(text), ja


__all__ = ["Reason", "Subject", "clause", "finite", "mine", "nobody", "predicate", "progressive"]
