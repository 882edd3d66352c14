"""When something is done: yesterday, at 7:30 PM, every morning, for two hours, on both sides.

>>> past_times("D")[0].en, past_times("D")[0].ja
('yesterday', '昨日')

A time has the scale of what may be told of it: D, of a day; W, of a week or month; Y, of a year.
"""

from functools import cache
from typing import NamedTuple

from unrolled.data.phrasebook import numbers
from unrolled.data.phrasebook.dice import Dice


class When(NamedTuple):
    """A time: the hours that it covers, and ``mid``, whether it stands by the English verb, as often does."""

    en: str
    ja: str
    scales: str
    hours: tuple[int, int] = (0, 24)
    mid: bool = False
    key: str = ""

    @property
    def name(self) -> str:
        """What the time is called where combinations are counted; all clock times are one."""
        return self.key or self.en


_PAST = """
yesterday|昨日|D|0-24
the day before yesterday|おととい|D|0-24
this morning|今朝|D|5-11
last night|昨夜|D|18-24
yesterday morning|昨日の朝|D|5-11
yesterday afternoon|昨日の午後|D|12-17
yesterday evening|昨日の夕方|D|16-19
last week|先週|W|0-24
last weekend|先週末|DW|0-24
last Saturday|先週の土曜日に|DW|0-24
last Sunday|先週の日曜日に|DW|0-24
last month|先月|WY|0-24
last year|去年|Y|0-24
last summer|去年の夏|Y|0-24
two days ago|二日前に|DW|0-24
three days ago|三日前に|DW|0-24
a week ago|一週間前に|W|0-24
two weeks ago|二週間前に|WY|0-24
a month ago|一か月前に|WY|0-24
three months ago|三か月前に|Y|0-24
two years ago|二年前に|Y|0-24
five years ago|五年前に|Y|0-24
"""

_FUTURE = """
tomorrow|明日|D|0-24
the day after tomorrow|あさって|DW|0-24
tonight|今夜|D|18-24
this evening|今日の夕方|D|16-19
this afternoon|今日の午後|D|12-17
tomorrow morning|明日の朝|D|5-11
tomorrow afternoon|明日の午後|D|12-17
tomorrow night|明日の夜|D|18-24
this weekend|今週末|DW|0-24
next week|来週|W|0-24
next Saturday|来週の土曜日に|DW|0-24
next Sunday|来週の日曜日に|DW|0-24
next month|来月|WY|0-24
next year|来年|Y|0-24
next summer|来年の夏|Y|0-24
"""

_DAILY = """
every day|毎日|h|0-24
every morning|毎朝|h|5-11
every evening|毎晩|h|17-24
every night|毎晩|h|18-24
always|いつも|h|0-24
usually|たいてい|hw|0-24
usually|普段|h|0-24
often|よく|hw|0-24
sometimes|時々|hw|0-24
every week|毎週|w|0-24
every Saturday|毎週土曜日に|w|0-24
every Sunday|毎週日曜日に|w|0-24
on Sundays|日曜日に|w|0-24
on weekends|週末に|w|0-24
once a week|週に一回|w|0-24
twice a week|週に二回|w|0-24
three times a week|週に三回|w|0-24
twice a month|月に二回|w|0-24
"""

_MID = ("always", "usually", "often", "sometimes")


@cache
def _table(name: str) -> tuple[When, ...]:
    rows = [line.split("|") for line in {"past": _PAST, "future": _FUTURE, "daily": _DAILY}[name].strip().splitlines()]
    return tuple(
        When(en, ja, scales, (int(hours.split("-")[0]), int(hours.split("-")[1])), en in _MID)
        for en, ja, scales, hours in rows
    )


@cache
def past_times(scales: str, hours: tuple[int, int] = (0, 24)) -> tuple[When, ...]:
    """The past times for any of these scales that share an hour with the deed."""
    return _fitting("past", scales, hours)


@cache
def future_times(scales: str, hours: tuple[int, int] = (0, 24)) -> tuple[When, ...]:
    """The future times for any of these scales that share an hour with the deed."""
    return _fitting("future", scales, hours)


@cache
def daily_times(scales: str, hours: tuple[int, int] = (0, 24)) -> tuple[When, ...]:
    """Times of what is done again and again: "h" daily, "w" weekly."""
    return _fitting("daily", scales, hours)


@cache
def _fitting(name: str, scales: str, hours: tuple[int, int]) -> tuple[When, ...]:
    low, high = hours
    return tuple(
        t for t in _table(name) if set(t.scales) & set(scales) and t.hours[0] <= low and high <= t.hours[1]
    ) or tuple(t for t in _table(name) if set(t.scales) & set(scales) and t.hours == (0, 24))


def at(dice: Dice, hours: tuple[int, int], *, digits: bool) -> When:
    """A time of day within these hours: at 7:30 PM, or in words, at seven in the evening."""
    hour = dice.whole(hours[0], min(hours[1], 23))
    if hour == 12:
        return When("at noon", "正午に", "D")
    half = dice.chance(0.4) and hour < hours[1]
    if digits:
        minute = dice.pick((15, 30, 45, 20, 10, 50)) if half else 0
        en, ja = numbers.clock(hour, minute)
        return When(f"at {en}", f"{ja}に", "D", key="clock")
    en, ja = numbers.words((hour - 1) % 12 + 1)
    part_en, part_ja = part_of_day(hour)
    if half:
        return When(f"at half past {en}{part_en}", f"{part_ja}{ja}時半に", "D", key="o'clock")
    return When(f"at {en}{part_en}", f"{part_ja}{ja}時に", "D", key="o'clock")


def bare_hour(dice: Dice, hours: tuple[int, int], *, digits: bool) -> When:
    """The hour alone, where the day already says which half of it is meant: at seven, 七時に."""
    hour = dice.whole(hours[0], min(hours[1], 23))
    if hour == 12:
        return When("at noon", "正午に", "D")
    half = dice.chance(0.35) and hour < hours[1]
    twelve = (hour - 1) % 12 + 1
    if digits:
        return When(f"at {twelve}:{30 if half else 0:02}", f"{twelve}時{'30分' if half else ''}に", "D", key="clock")
    en, ja = numbers.words(twelve)
    english = f"at half past {en}" if half else f"at {en}" + (" o'clock" if dice.chance(0.3) else "")
    return When(english, f"{ja}時{'半' if half else ''}に", "D", key="o'clock")


def part_of_day(hour: int) -> tuple[str, str]:
    """In the morning, in the afternoon …; noon itself has no part."""
    if hour == 12:
        return "", ""
    if hour < 12:
        return " in the morning", "朝" if hour < 10 else "午前"
    if hour < 17:
        return " in the afternoon", "午後"
    return (" in the evening", "夕方" if hour < 18 else "夜") if hour < 21 else (" at night", "夜")


def dated(dice: Dice, scales: str) -> When:
    """A day of the year, a month, a weekday or, of a year's scale, a year."""
    if scales == "Y":
        year = dice.whole(2005, 2023)
        return When(f"in {year}", f"{year}年に", "Y", key="in a year")
    kind = dice.whole(0, 2)
    if kind == 0:
        en, ja = numbers.weekday(dice.whole(0, 6))
        return When(f"on {en}", f"{ja}に", "DW")
    if kind == 1 or "Y" not in scales:
        en, ja = numbers.day_of_year(dice.whole(1, 12), dice.whole(1, 28))
        return When(f"on {en}", f"{ja}に", "DW", key="on a date")
    en, ja = numbers.month(dice.whole(1, 12))
    return When(f"in {en}", f"{ja}に", "WY")


def lasting(dice: Dice, *, digits: bool) -> tuple[str, str]:
    """For how long, by the hour or minute: ("for two hours", "二時間")."""
    if dice.chance(0.3):
        en, ja = numbers.duration(dice.pick((10, 15, 20, 30, 40, 45)), "minute", digits=True)
    else:
        en, ja = numbers.duration(dice.whole(1, 4), "hour", digits=digits)
        en = en.replace("one hour", dice.pick(("an hour", "one hour")))
    return f"for {en}", ja
