"""Calendar features: a plain loop over Python's own calendar is the oracle, on the wall clock of any zone."""

from datetime import date, datetime, timedelta
from math import cos, pi, sin
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unrolled.errors import SettingsError
from unrolled.series.panels import calendar
from unrolled.series.panels import panel as panels
from unrolled.series.panels.calendar import calendar_at, calendar_features, calendar_names
from unrolled.series.panels.panel import prepare
from unrolled.series.reading.frequency import Frequency

ZONES = [None, "UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]


def expected(stamp: datetime | date, names: tuple[str, ...]) -> list[float]:
    """The features of one stamp, as Python's calendar tells the wall clock."""
    clock = stamp if isinstance(stamp, datetime) else datetime(stamp.year, stamp.month, stamp.day)
    days = (date(clock.year, 12, 31) - date(clock.year, 1, 1)).days + 1
    shares = {
        "hour": (clock.hour * 3600 + clock.minute * 60 + clock.second) / 86400,
        "weekday": clock.weekday() / 7,
        "yearday": (clock.timetuple().tm_yday - 1) / days,
        "month": (clock.month - 1) / 12,
    }
    parts = {"sin": sin, "cos": cos}
    return [parts[part](2 * pi * shares[cycle]) for cycle, part in (name.split("_") for name in names)]


@settings(deadline=None)
@given(
    stamps=st.lists(st.datetimes(datetime(1950, 1, 1), datetime(2050, 1, 1)), min_size=1, max_size=9),
    zone=st.sampled_from(ZONES),
    frequency=st.sampled_from(["15m", "1h", "1d", "1bd", "1w", "1mo", "1q"]),
)
def test_features_are_what_the_wall_clock_says(stamps: list[datetime], zone: str | None, frequency: str):
    step = Frequency.parse(frequency)
    instants = pl.Series([stamp.replace(microsecond=0) for stamp in stamps])
    column = instants if zone is None else instants.dt.replace_time_zone("UTC").dt.convert_time_zone(zone)
    walls = [stamp.replace(tzinfo=None) for stamp in column.to_list()]
    names = calendar_names(step)
    np.testing.assert_allclose(calendar_features(column, step), [expected(wall, names) for wall in walls], atol=1e-12)


@pytest.mark.parametrize(
    ("frequency", "cycles"),
    [
        ("1s", ["hour", "weekday", "yearday"]),
        ("12h", ["hour", "weekday", "yearday"]),
        ("1d", ["weekday", "yearday"]),
        ("1bd", ["weekday", "yearday"]),
        ("2w", ["yearday"]),
        ("1mo", ["month"]),
        ("1q", ["month"]),
        ("1y", []),
        ("row", []),
    ],
)
def test_the_cycles_go_by_the_step(frequency: str, cycles: list[str]):
    names = calendar_names(Frequency.parse(frequency))
    assert names == tuple(f"{cycle}_{part}" for cycle in cycles for part in ("sin", "cos"))


def test_dates_have_features_too():
    days = pl.Series([date(2024, 12, 31), date(2023, 12, 31)])
    step = Frequency.parse("1d")
    np.testing.assert_allclose(
        calendar_features(days, step), [expected(day, calendar_names(step)) for day in days], atol=1e-12
    )


@settings(deadline=None)
@given(positions=st.lists(st.integers(-40, 400), max_size=12), zone=st.sampled_from(["UTC", "Europe/Berlin"]))
def test_positions_have_the_features_of_their_stamps(positions: list[int], zone: str):
    step, origin = Frequency.parse("1h"), datetime(2020, 3, 20, tzinfo=ZoneInfo(zone))
    stamps = [origin.astimezone(ZoneInfo("UTC")) + timedelta(hours=place) for place in positions]
    walls = [stamp.astimezone(ZoneInfo(zone)) for stamp in stamps]
    ours = calendar_at(step, origin, np.array(positions, np.int64))
    assert ours.shape == (len(positions), 6)
    for own, wall in zip(ours, walls, strict=True):
        np.testing.assert_allclose(own, expected(wall.replace(tzinfo=None), calendar_names(step)), atol=1e-12)


def test_nothing_is_computed_for_the_time_between_two_series(monkeypatch: pytest.MonkeyPatch):
    counted: list[int] = []

    def count(stamps: pl.Series, frequency: Frequency) -> np.ndarray:
        counted.append(len(stamps))
        return calendar_features(stamps, frequency)

    monkeypatch.setattr(calendar, "calendar_features", count)
    step, origin = Frequency.parse("1s"), datetime(2020, 1, 1)
    positions = np.array([[0, 1, 2], [10**9, 10**9 + 1, 10**9 + 2], [2, 1, 0]])
    ours = calendar_at(step, origin, positions)
    assert counted == [3, 3]
    assert ours.shape == (3, 3, 6)
    late = pl.Series([origin + timedelta(seconds=10**9 + place) for place in range(3)])
    np.testing.assert_array_equal(ours[1], calendar_features(late, step))
    np.testing.assert_array_equal(ours[2], ours[0][::-1])


def test_a_table_with_a_calendar_and_its_notes():
    hours = [datetime(2020, 2, 28, 20) + timedelta(hours=place) for place in (0, 1, 3)]
    panel = prepare(pl.DataFrame({"t": hours, "y": [1.0, 2.0, 4.0]}), target="y", calendar=True, fill="forward")
    assert panel.known == calendar_names(Frequency.parse("1h"))
    assert (panel.past, panel.inputs.calendar) == ((), True)
    stamps = panel.stamps(0, 0, 4).to_list()
    np.testing.assert_allclose(panel.values[:, 1:], [expected(stamp, panel.known) for stamp in stamps], atol=1e-12)
    assert "From the calendar, as sine and cosine: hour of the day, weekday, day of the year." in panel.notes
    assert not any("only input" in note for note in panel.notes)


def test_the_calendar_of_long_panels_is_computed_in_parts(monkeypatch: pytest.MonkeyPatch):
    hours = [datetime(2020, 2, 28, 20) + timedelta(hours=place) for place in range(7)]
    frame = pl.DataFrame({"t": hours, "y": [1.0, 2.0, 4.0, 1.0, 2.0, 5.0, 0.0]})
    whole = prepare(frame, target="y", calendar=True)
    monkeypatch.setattr(panels, "_CHUNK", 3)
    np.testing.assert_array_equal(prepare(frame, target="y", calendar=True).values, whole.values)


def test_years_have_no_calendar_and_that_is_said():
    frame = pl.DataFrame({"t": [date(year, 1, 1) for year in (2000, 2001, 2002)], "y": [1.0, 2.0, 4.0]})
    panel = prepare(frame, target="y", calendar=True)
    assert panel.known == ()
    assert "The calendar adds nothing to steps that are yearly." in panel.notes


@pytest.mark.parametrize(
    ("wishes", "came"),
    [({}, "the rows are only counted"), ({"time": "n"}, "column 'n' holds whole numbers")],
)
def test_rows_without_dates_have_no_calendar(wishes: dict, came: str):
    frame = pl.DataFrame({"n": [1, 2, 3], "y": [1.0, 2.0, 4.0]})
    with pytest.raises(SettingsError) as caught:
        prepare(frame, target="y", calendar=True, **wishes)
    assert str(caught.value) == (
        f"--calendar needs dates or times, and {came}; name their column with --time, or leave --calendar out"
    )


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2020, 3, 29), 23), (date(2020, 10, 25), 25)], ids=["clocks forward", "clocks back"]
)
def test_hours_of_many_ragged_series_across_a_change_of_clocks(day: date, hours: int):
    """Berlin: the day has 23 or 25 hours, all of them there; each row's hour is the one on the wall."""
    zone = ZoneInfo("Europe/Berlin")
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(ZoneInfo("UTC"))
    spans = {"a": (-5, 30), "b": (1, 40), "c": (-9, 26)}
    rows = [(name, place) for name, (first, last) in spans.items() for place in range(first, last)]
    frame = pl.DataFrame(
        {
            "s": [name for name, _ in rows],
            "t": pl.Series([midnight + timedelta(hours=place) for _, place in rows]).dt.convert_time_zone(zone.key),
            "y": [float(place**2) for _, place in rows],
        }
    )
    panel = prepare(frame.sample(fraction=1, shuffle=True, seed=3), target="y", series="s", calendar=True)
    assert np.diff(panel.offsets).tolist() == [last - first for first, last in spans.values()]
    assert panel.starts.tolist() == [4, 10, 0]
    for i, (first, last) in enumerate(spans.values()):
        walls = [(midnight + timedelta(hours=place)).astimezone(zone) for place in range(first, last)]
        own = panel.values[panel.offsets[i] : panel.offsets[i + 1]]
        assert own[:, 0].tolist() == [place**2 for place in range(first, last)]
        np.testing.assert_allclose(own[:, 1:], [expected(wall, panel.known) for wall in walls], atol=1e-12)
        assert sum(wall.date() == day for wall in walls) == min(hours, last) - max(first, 0)
        ahead = [(midnight + timedelta(hours=last + step)).astimezone(zone) for step in range(30)]
        np.testing.assert_allclose(
            calendar_at(panel.frequency, panel.origin, panel.starts[i] + len(own) + np.arange(30)),
            [expected(wall, panel.known) for wall in ahead],
            atol=1e-12,
        )


@pytest.mark.parametrize("month", [3, 10])
def test_days_of_many_ragged_series_across_a_change_of_clocks(month: int):
    zone = ZoneInfo("Europe/Berlin")
    rows = [(name, day) for name, (first, last) in {"a": (20, 30), "b": (26, 31)}.items() for day in range(first, last)]
    stamps = [datetime(2020, month, day, tzinfo=zone) for _, day in rows]
    frame = pl.DataFrame({"s": [name for name, _ in rows], "t": stamps, "y": [float(day**2) for _, day in rows]})
    frame = frame.with_columns(pl.col("t").dt.convert_time_zone("Europe/Berlin"))
    panel = prepare(frame, target="y", series="s", calendar=True)
    assert (str(panel.frequency), panel.starts.tolist(), np.diff(panel.offsets).tolist()) == ("1d", [0, 6], [10, 5])
    walls = [stamp.replace(tzinfo=None) for stamp in stamps]
    np.testing.assert_allclose(panel.values[:, 1:], [expected(wall, panel.known) for wall in walls], atol=1e-12)
    assert panel.stamps(1, 5, 1).to_list() == [datetime(2020, month, 31, tzinfo=zone)]
