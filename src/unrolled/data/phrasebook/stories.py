"""Long sentences: a day in its order, a family, a week of plans, a shopping list."""

from unrolled.data.phrasebook import numbers
from unrolled.data.phrasebook.causes import CAUSES
from unrolled.data.phrasebook.day import HOLIDAY, STUDY, TRIP, WORKDAY, _whole, goods_list, parts_of_day
from unrolled.data.phrasebook.doing import state
from unrolled.data.phrasebook.english import listed, sentence
from unrolled.data.phrasebook.japanese import Word, te
from unrolled.data.phrasebook.nouns import Person, people, places
from unrolled.data.phrasebook.phrases import Act, Retry, Talk, english, japanese
from unrolled.data.phrasebook.reasons import because_end, but_end, caused
from unrolled.data.phrasebook.times import When
from unrolled.data.phrasebook.told import I, Pair

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
                or (parts[0][0].rest.startswith("the ") and parts[0][0].verb == "play")
            )
        )
    ):
        parts = parts[1:]
    if len(parts) < 2 or (len(parts) < 4 and parts[-1][0].rest == "to bed"):
        raise Retry
    when = dice.pick((("yesterday", "昨日"), ("last Sunday", "先週の日曜日"), ("last Saturday", "先週の土曜日")))
    en_parts, ja_parts = [], []
    for i, (one, hour_en, hour_ja) in enumerate(parts):
        en_parts.append(f"{english(one, who.again if own else None, past=True, bare=i > 0)} {hour_en}".strip())
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
        acts.append(state(talk, person))
    if len({act.front for act in acts}) < count:
        raise Retry
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
        deed = talk.deed(dice.pick(("D w", "W g m", "D g m")))
        while deed.verb in used or deed.rest in {"lunch", "dinner"} or "{my}" in deed.rest or "Y" in deed.marks:
            deed = talk.deed(dice.pick(("D w", "W g m", "D g m")))
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
