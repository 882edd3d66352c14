"""Frequencies against pandas' calendars, and the laws of a grid."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.errors import DataError, SettingsError
from unrolled.series.reading.frequency import OFF_GRID, Frequency, infer

CLOCKS = ["1us", "250ms", "1s", "5m", "15m", "1h", "7h", "12h"]
CALENDARS = ["1d", "2d", "1bd", "3bd", "1w", "1mo", "5mo", "1q", "1me", "1y"]
ZONES = [None, "UTC", "Europe/Berlin", "America/New_York", "Etc/GMT-9"]


@pytest.mark.parametrize(
    ("text", "ours", "words", "season"),
    [
        ("1h", "1h", "hourly", 24),
        ("H", "1h", "hourly", 24),
        ("15m", "15m", "every 15 minutes", 96),
        ("15min", "15m", "every 15 minutes", 96),
        ("T", "1m", "every minute", 1440),
        ("7h", "7h", "every 7 hours", 1),
        ("24h", "1d", "daily", 7),
        ("D", "1d", "daily", 7),
        ("B", "1bd", "every business day", 5),
        ("7d", "1w", "weekly", 52),
        ("W-SUN", "1w", "weekly", 52),
        ("M", "1mo", "monthly", 12),
        ("MS", "1mo", "monthly", 12),
        ("ME", "1me", "monthly, at month ends", 12),
        ("1q", "3mo", "quarterly", 4),
        ("QE", "3me", "quarterly, at month ends", 4),
        ("12mo", "1y", "yearly", 1),
        ("yearly", "1y", "yearly", 1),
        ("row", "row", "row by row", 1),
        ("10row", "10row", "every 10 rows", 1),
    ],
)
def test_a_frequency_is_read_said_and_written(text: str, ours: str, words: str, season: int):
    frequency = Frequency.parse(text)
    assert str(frequency) == ours
    assert Frequency.parse(ours) == frequency
    assert frequency.words == words
    assert frequency.season == season


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("1j", r"--frequency '1j' is unknown; .*1h.*say a step like 1h or 1d"),
        ("hour ly", r"--frequency 'hour ly' is unknown"),
        ("", r"--frequency '' is unknown; there are: 15m, 1h"),
        ("0h", r"--frequency 0h: the count has to lie between 1 and 1,000,000"),
        ("9999999d", r"the count has to lie between"),
    ],
)
def test_an_unknown_frequency_says_which_there_are(text: str, says: str):
    with pytest.raises(SettingsError, match=says):
        Frequency.parse(text)


def test_a_made_up_unit_is_refused():
    with pytest.raises(SettingsError, match="unit 'fortnight' of a frequency is unknown"):
        Frequency(1, "fortnight")
    with pytest.raises(SettingsError, match="only months and years can be anchored at month ends, not 'h'"):
        Frequency(1, "h", end=True)


@pytest.mark.parametrize(
    ("ours", "theirs", "origin"),
    [
        ("1h", "h", datetime(1969, 12, 31, 20)),
        ("15m", "15min", datetime(2020, 2, 28, 23)),
        ("1d", "D", datetime(2024, 2, 27)),
        ("1bd", "B", datetime(1969, 12, 29)),
        ("3bd", "3B", datetime(2023, 12, 28)),
        ("1w", "W-WED", datetime(2020, 1, 1)),
        ("MS", "MS", datetime(1968, 1, 1)),
        ("ME", "ME", datetime(2019, 12, 31)),
        ("QE", "QE", datetime(2019, 12, 31)),
        ("YE", "YE", datetime(1960, 12, 31)),
    ],
)
def test_stamps_equal_pandas_ranges(ours: str, theirs: str, origin: datetime):
    frequency = Frequency.parse(ours)
    expected = pd.date_range(origin, periods=60, freq=theirs).to_pydatetime().tolist()
    stamps = frequency.stamps(origin, 0, 60)
    assert stamps.to_list() == expected
    assert frequency.stamps(origin, 17, 5).to_list() == expected[17:22]
    assert infer(stamps) == frequency
    dates = frequency.stamps(origin.date(), 0, 60) if not frequency.subdaily else None
    assert dates is None or dates.dtype == pl.Date
    assert dates is None or dates.to_list() == [stamp.date() for stamp in expected]


@given(
    text=st.sampled_from(CLOCKS + CALENDARS),
    zone=st.sampled_from(ZONES),
    origin=st.datetimes(datetime(1950, 1, 1), datetime(2080, 1, 1)),
    first=st.integers(-300, 300),
)
def test_positions_undo_stamps(text: str, zone: str | None, origin: datetime, first: int):
    frequency = Frequency.parse(text)
    origin = origin.replace(hour=12, minute=0, microsecond=0, tzinfo=None if zone is None else ZoneInfo(zone))
    if frequency.unit == "bd":
        origin = origin.replace(day=1 + (-date(origin.year, origin.month, 1).weekday()) % 7)
    if frequency.end:
        origin = origin.replace(month=1, day=31)
    stamps = frequency.stamps(origin, first, 40)
    assert stamps.is_sorted()
    assert stamps.n_unique() == 40
    np.testing.assert_array_equal(frequency.positions(stamps, origin), np.arange(first, first + 40))


@given(
    text=st.sampled_from(["15m", "1h", "12h", "1d", "1bd", "1w", "MS", "ME", "QE", "1y"]),
    zone=st.sampled_from(ZONES),
    kept=st.sets(st.integers(0, 79), min_size=60),
)
def test_gaps_do_not_change_what_is_inferred(text: str, zone: str | None, kept: set[int]):
    frequency = Frequency.parse(text)
    origin = datetime(2021, 1, 31 if frequency.end else 4, tzinfo=None if zone is None else ZoneInfo(zone))
    stamps = frequency.stamps(origin, 0, 80).gather(sorted(kept))
    steps = np.diff(sorted(kept))
    assert (steps == 1).sum() > len(steps) / 2  # else the gap would be the most common step
    assert infer(stamps) == frequency


def test_a_stamp_between_two_steps_is_off_the_grid():
    hours = pl.Series([datetime(2020, 1, 1, 1), datetime(2020, 1, 1, 1, 30), datetime(2020, 1, 1)])
    np.testing.assert_array_equal(Frequency(1, "h").positions(hours, datetime(2020, 1, 1)), [1, OFF_GRID, 0])
    weekend = pl.Series([date(2020, 1, 3), date(2020, 1, 4), date(2020, 1, 5), date(2020, 1, 6)])
    np.testing.assert_array_equal(Frequency(1, "bd").positions(weekend, date(2020, 1, 3)), [0, OFF_GRID, OFF_GRID, 1])
    months = pl.Series([date(2020, 2, 29), date(2020, 2, 28), date(2020, 3, 31)])
    np.testing.assert_array_equal(Frequency(1, "mo").positions(months, date(2020, 1, 31)), [1, OFF_GRID, 2])
    assert OFF_GRID < 0


def test_a_day_stays_a_day_when_the_clocks_change_and_an_hour_an_hour():
    origin = datetime(2020, 3, 28, tzinfo=ZoneInfo("Europe/Berlin"))
    days = Frequency(1, "d").stamps(origin, 0, 3)
    assert [stamp.hour for stamp in days] == [0, 0, 0]
    hours = Frequency(1, "h").stamps(origin, 0, 49)
    assert np.diff(hours.dt.epoch("s")).tolist() == [3600] * 48
    assert hours[-1].hour == 1


def test_a_midnight_that_the_clock_jumps_over_comes_an_hour_later():
    origin = datetime(2018, 11, 3, tzinfo=ZoneInfo("America/Sao_Paulo"))
    stamps = Frequency(1, "d").stamps(origin, 0, 3)
    assert [(stamp.day, stamp.hour) for stamp in stamps] == [(3, 0), (4, 1), (5, 0)]


@pytest.mark.parametrize(
    "stamps",
    [
        [date(2020, 1, 1)],
        [date(2020, 1, 1), date(2020, 1, 3), date(2020, 1, 6), date(2020, 1, 8)],
        [datetime(2020, 1, 1), datetime(2020, 1, 1, 1), datetime(2020, 1, 1, 2, 30)],
        [1, 3, 6, 8],
    ],
)
def test_irregular_steps_have_no_frequency(stamps: list):
    assert infer(pl.Series(stamps)) is None


def test_holidays_leave_business_days_as_they_are():
    days = Frequency(1, "bd").stamps(date(2020, 1, 1), 0, 260)
    trading = days.filter(~days.is_in([date(2020, 1, 20), date(2020, 5, 25), date(2020, 12, 25)]))
    assert infer(trading) == Frequency(1, "bd")


def test_integers_step_by_their_most_common_difference():
    assert infer(pl.Series([1950, 1960, 1980, 1990, 2000])) == Frequency(10, "row")
    assert Frequency(10, "row").stamps(1950, 5, 2).to_list() == [2000, 2010]


def test_naive_and_zoned_stamps_share_no_grid():
    with pytest.raises(
        DataError, match=r"mixed time zones: the grid begins at 2020-01-01 00:00:00\+00:00.*has no zone"
    ):
        Frequency(1, "h").positions(pl.Series([datetime(2020, 1, 1)]), datetime(2020, 1, 1, tzinfo=ZoneInfo("UTC")))


def test_stamps_end_with_the_calendar():
    with pytest.raises(SettingsError, match="20 steps of 1y from 9990-01-01 run past the year 9999"):
        Frequency(1, "y").stamps(date(9990, 1, 1), 0, 20)
    with pytest.raises(SettingsError, match="leave the years that a calendar can show"):
        Frequency(1_000_000, "d").stamps(date(2000, 1, 1), 0, 10**9)


@given(
    text=st.sampled_from(["15m", "1h", "1d", "3bd", "1mo", "1me", "1y"]),
    zone=st.sampled_from(ZONES),
    month=st.sampled_from([3, 10]),  # before the clocks go forward, and back
    places=st.lists(st.integers(-40, 2000), max_size=30),
)
def test_stamps_at_any_places_are_those_of_a_row_of_them(text: str, zone: str | None, month: int, places: list[int]):
    origin = datetime(2020, month, 20, tzinfo=None if zone is None else ZoneInfo(zone))
    frequency = Frequency.parse(text)
    one_by_one = [frequency.stamps(origin, place, 1)[0] for place in places]
    assert frequency.at(origin, np.array(places, np.int64)).to_list() == one_by_one


def test_places_end_with_the_calendar():
    with pytest.raises(SettingsError, match="2 steps of 1y from 9990-01-01 run past the year 9999"):
        Frequency(1, "y").at(date(9990, 1, 1), np.array([20, 0]))
    with pytest.raises(SettingsError, match="2 steps of 1d from 2000-01-01 leave the years that a calendar can show"):
        Frequency(1, "d").at(date(2000, 1, 1), np.array([0, -(10**9)]))
    assert Frequency(1, "row").at(7, np.array([3, -1])).to_list() == [10, 6]
