"""Numbers, counters, times, dates and units on both sides, by the CLDR data that comes with Babel.

>>> counted(3, "cat", "cats", "匹", digits=False)
('three cats', '三匹')
>>> clock(19, 30)
('7:30 PM', '午後7時30分')
>>> measured(12, "kilometer")
('12 kilometers', '12キロメートル')

What is written in digits on one side is written in digits on the other; CLDR has no numbers in words for Babel, so
those are here.
"""

from datetime import date, time
from functools import cache

from babel.dates import format_date, format_skeleton, format_time, get_day_names, get_month_names
from babel.numbers import format_currency, format_decimal
from babel.units import format_unit

_WORDS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
)  # fmt: skip
_KANJI = "〇一二三四五六七八九十"
MOST_IN_WORDS = len(_WORDS) - 1
_UNITS = {
    "kilometer": "length-kilometer", "meter": "length-meter", "centimeter": "length-centimeter",
    "kilogram": "mass-kilogram", "gram": "mass-gram", "liter": "volume-liter", "degree": "temperature-celsius",
    "minute": "duration-minute", "hour": "duration-hour", "week": "duration-week",
    "month": "duration-month", "year": "duration-year",
}  # fmt: skip


def words(n: int) -> tuple[str, str]:
    """A number from 1 to 12 in words: ("twelve", "十二")."""
    return _WORDS[n], _KANJI[n] if n <= 10 else "十" + _KANJI[n - 10]


def digits(n: int) -> str:
    """A number in digits, in groups as CLDR has them: both locales agree."""
    return format_decimal(n, locale="ja")


def counted(n: int, one: str, many: str, counter: str, *, digits: bool) -> tuple[str, str]:
    """So many things with their counter: 三匹, 3本, 五つ. つ counts to nine, and 個 takes its place above."""
    en, ja = (format_decimal(n, locale="en"), format_decimal(n, locale="ja")) if digits else words(n)
    return f"{en} {one if n == 1 else many}", ja + ("個" if counter == "つ" and n > 9 else counter)


@cache
def clock(hour: int, minute: int) -> tuple[str, str]:
    """A time of day by CLDR: its short form in English, hour and minute with their counters in Japanese."""
    at = time(hour, minute)
    english = _spaced(format_time(at, "short", locale="en"))
    return english, format_time(at, "ah時mm分" if minute else "ah時", locale="ja")


@cache
def day_of_year(month: int, day: int) -> tuple[str, str]:
    """A day of the year: ("March 3", "3月3日")."""
    at = date(2024, month, day)
    return _spaced(format_skeleton("MMMMd", at, locale="en")), format_skeleton("MMMMd", at, locale="ja")


@cache
def full_date(year: int, month: int, day: int) -> tuple[str, str]:
    """A date: ("March 3, 2024", "2024年3月3日")."""
    at = date(year, month, day)
    return _spaced(format_date(at, "long", locale="en")), format_date(at, "long", locale="ja")


def weekday(n: int) -> tuple[str, str]:
    """A day of the week, 0 for Monday."""
    return str(get_day_names("wide", locale="en")[n]), str(get_day_names("wide", locale="ja")[n])


def month(n: int) -> tuple[str, str]:
    """A month from 1 to 12."""
    return str(get_month_names("wide", locale="en")[n]), str(get_month_names("wide", locale="ja")[n])


@cache
def measured(n: int, unit: str) -> tuple[str, str]:
    """A number with its unit, in digits; degrees are Celsius."""
    length = "short" if _UNITS[unit].startswith("duration") else "long"
    english = _spaced(format_unit(n, _UNITS[unit], locale="en"))
    japanese = format_unit(n, _UNITS[unit], length=length, locale="ja")
    return english, _spaced(japanese).replace(" ", "")


@cache
def yen(n: int) -> tuple[str, str]:
    """A price: ("1,200 yen", "1,200円")."""
    english = format_currency(n, "JPY", locale="en", format_type="name")
    return _spaced(english).replace("Japanese ", ""), format_currency(n, "JPY", locale="ja", format_type="name")


def duration(n: int, unit: str, *, digits: bool) -> tuple[str, str]:
    """How long: ("two hours", "二時間"), ("20 minutes", "20分")."""
    if digits or n > MOST_IN_WORDS:
        return measured(n, unit)
    en, ja = words(n)
    counter = {"minute": "分", "hour": "時間", "week": "週間", "month": "か月", "year": "年"}[unit]
    return f"{en} {unit}{'' if n == 1 else 's'}", ja + counter


def _spaced(text: str) -> str:
    """CLDR's narrow no-break spaces as plain ones, so that both old and new versions of it say the same."""
    return text.replace("\u202f", " ").replace("\xa0", " ")
