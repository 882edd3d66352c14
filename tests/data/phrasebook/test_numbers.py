"""Numbers, times and units: what CLDR says, and counters by hand."""

import pytest

from unrolled.data.phrasebook import numbers
from unrolled.data.phrasebook.dice import Dice
from unrolled.data.phrasebook.times import at, bare_hour


@pytest.mark.parametrize(
    ("got", "expected"),
    [
        (numbers.counted(3, "cat", "cats", "匹", digits=False), ("three cats", "三匹")),
        (numbers.counted(3, "cat", "cats", "匹", digits=True), ("3 cats", "3匹")),
        (numbers.counted(1, "book", "books", "冊", digits=False), ("one book", "一冊")),
        (numbers.counted(12, "egg", "eggs", "つ", digits=False), ("twelve eggs", "十二個")),
        (numbers.counted(9, "egg", "eggs", "つ", digits=True), ("9 eggs", "9つ")),
        (numbers.clock(19, 30), ("7:30 PM", "午後7時30分")),
        (numbers.clock(9, 0), ("9:00 AM", "午前9時")),
        (numbers.day_of_year(3, 3), ("March 3", "3月3日")),
        (numbers.full_date(1999, 12, 7), ("December 7, 1999", "1999年12月7日")),
        (numbers.weekday(0), ("Monday", "月曜日")),
        (numbers.month(8), ("August", "8月")),
        (numbers.measured(12, "kilometer"), ("12 kilometers", "12キロメートル")),
        (numbers.measured(1, "kilogram"), ("1 kilogram", "1キログラム")),
        (numbers.measured(25, "degree"), ("25 degrees Celsius", "摂氏25度")),
        (numbers.yen(1200), ("1,200 yen", "1,200円")),
        (numbers.duration(2, "hour", digits=False), ("two hours", "二時間")),
        (numbers.duration(20, "minute", digits=True), ("20 minutes", "20分")),
        (numbers.duration(3, "month", digits=True), ("3 months", "3か月")),
    ],
)
def test_both_sides(got, expected):
    assert got == expected


@pytest.mark.parametrize("hour", range(5, 24))
def test_times_of_day_say_the_same_on_both_sides(hour):
    parts = {
        "in the morning": ("朝", "午前"),
        "in the afternoon": ("午後",),
        "in the evening": ("夕方", "夜"),
        "at night": ("夜",),
    }
    when = at(Dice(hour), (hour, hour), digits=False)
    if hour == 12:
        assert (when.en, when.ja) == ("at noon", "正午に")
        return
    english, japanese = numbers.words((hour - 1) % 12 + 1)
    assert when.en.startswith(f"at {english} ")
    assert when.ja.endswith(f"{japanese}時に")
    assert when.ja.startswith(next(ja for en, ja in parts.items() if when.en.endswith(en)))
    assert bare_hour(Dice(hour), (hour, hour), digits=True).ja == f"{(hour - 1) % 12 + 1}時に"
