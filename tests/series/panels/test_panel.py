"""Tables on their grid: a plain loop over dictionaries is the oracle, and the order of rows is no part of a table."""

import re
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.errors import DataError
from unrolled.series.panels.fill import fill_gaps
from unrolled.series.panels.panel import Panel, filled, prepare
from unrolled.series.reading.frequency import Frequency

HOUR = timedelta(hours=1)
START = datetime(2020, 2, 28, 20)


def hours(places: list[int], **columns: list) -> pl.DataFrame:
    return pl.DataFrame({"t": [START + place * HOUR for place in places], **columns})


@st.composite
def tables(draw: st.DrawFn) -> tuple[pl.DataFrame, dict]:
    """A shuffled long table of three series with gaps and missing values, and its values by (series, hour)."""
    known = {}
    for name in ("a", "b", "c"):
        first, length = draw(st.integers(0, 5)), draw(st.integers(3, 15))
        for place in range(first, first + length):
            if draw(st.integers(0, 5)):
                known[name, place] = (draw(st.integers(0, 99)) / 4, draw(st.sampled_from([None, 1.0, 2.0, 3.0, 4.0])))
    known |= {
        ("a", 0): (0.5, 1.0),
        ("a", 1): (1.5, 3.0),
        ("b", 1): (2.5, 2.0),
        ("c", 2): (3.5, 2.0),
        ("b", 2): (4.0, 2.0),
    }
    order = draw(st.permutations(sorted(known)))
    rows = {
        "s": [name for name, _ in order],
        "y": [known[key][0] for key in order],
        "x": [known[key][1] for key in order],
    }
    return hours([place for _, place in order], **rows), known


@given(made=tables())
def test_every_value_lies_where_a_plain_loop_puts_it(made: tuple[pl.DataFrame, dict]):
    frame, known = made
    panel = prepare(frame, target="y", series="s", frequency="1h", past=["x"], fill="none")
    assert panel.names == ("a", "b", "c")
    assert panel.channels == ("y", "x")
    earliest = min(place for _, place in known)
    assert panel.origin == START + earliest * HOUR
    for i, name in enumerate(panel.names):
        own = {place: values for (series, place), values in known.items() if series == name}
        seen = min(place for place, (_, x) in own.items() if x is not None)  # before, x has had no value
        values = panel.values[panel.offsets[i] : panel.offsets[i + 1]]
        stamps = panel.stamps(i, 0, len(values)).to_list()
        assert stamps[0] == START + seen * HOUR
        assert stamps[-1] == START + max(own) * HOUR
        assert panel.starts[i] == seen - earliest
        for stamp, (y, x) in zip(stamps, values, strict=True):
            there = own.get(round((stamp - START) / HOUR), (None, None))
            assert (None if np.isnan(y) else y, None if np.isnan(x) else x) == there


@given(made=tables(), seed=st.integers(0, 99))
def test_the_order_of_rows_does_not_matter(made: tuple[pl.DataFrame, dict], seed: int):
    frame, _ = made
    once = prepare(frame, target="y", series="s", frequency="1h", fill="forward", past=["x"])
    again = prepare(
        frame.sample(fraction=1, shuffle=True, seed=seed),
        target="y",
        series="s",
        frequency="1h",
        fill="forward",
        past=["x"],
    )
    np.testing.assert_array_equal(once.values, again.values)
    assert once.fingerprint() == again.fingerprint()


@given(made=tables())
def test_a_panel_read_with_what_it_found_is_the_same(made: tuple[pl.DataFrame, dict]):
    frame, _ = made
    once = prepare(frame, target="y", series="s", frequency="1h", fill="linear")
    again = prepare(
        frame,
        target=once.target,
        time=once.time,
        series=once.series,
        past=once.past,
        frequency=str(once.frequency),
        fill=once.fill,
    )
    assert once.fingerprint() == again.fingerprint()


@given(made=tables(), until=st.integers(-1, 25), fill=st.sampled_from(["forward", "linear"]))
def test_gaps_are_filled_as_a_plain_loop_fills_them(made: tuple[pl.DataFrame, dict], until: int, fill: str):
    panel = prepare(made[0], target="y", series="s", frequency="1h", past=["x"], fill=fill)
    whole = filled(panel, until)
    for i in range(3):
        values = panel.values[panel.offsets[i] : panel.offsets[i + 1]]
        for channel in range(2):
            column = values[:, channel]
            present = [row for row in range(len(column)) if not np.isnan(column[row])]
            for row in range(len(column)):
                before = max(place for place in present if place <= row)
                after = min((place for place in present if place >= row), default=None)
                expected = column[before]
                if fill == "linear" and after is not None and after > before and panel.starts[i] + after < until:
                    expected = np.interp(row, [before, after], [column[before], column[after]])
                assert whole[panel.offsets[i] + row, channel] == pytest.approx(expected, rel=1e-12)


@given(made=tables(), until=st.integers(0, 20), fill=st.sampled_from(["forward", "linear"]))
def test_values_from_the_cut_on_never_reach_back(made: tuple[pl.DataFrame, dict], until: int, fill: str):
    panel = prepare(made[0], target="y", series="s", frequency="1h", past=["x"], fill=fill)
    positions = np.concatenate(
        [start + np.arange(n) for start, n in zip(panel.starts, np.diff(panel.offsets), strict=True)]
    )
    late = positions >= until
    moved = np.where(late[:, None], panel.values + 1000, panel.values)
    once = filled(panel, until)
    again = fill_gaps(moved, panel.offsets, panel.starts, fill, until)
    np.testing.assert_array_equal(once[~late], again[~late])


def test_nothing_to_fill_costs_no_copy():
    panel = prepare(hours([0, 1, 2], y=[1.0, 2.0, 4.0]), target="y")
    assert panel.fill == "none"
    assert filled(panel, 3) is panel.values
    gap = prepare(hours([0, 1, 3, 4], y=[1.0, 2.0, 4.0, 5.0]), target="y", fill="none")
    assert np.isnan(filled(gap, 9)).sum() == 1


def test_a_clean_table_and_its_notes():
    frame = hours(list(range(6)), y=[1, 2, 3, 4, 5, 7], x=[3.5, 1, 4, 1, 5, 9], word=list("abcdef"))
    panel = prepare(frame, target="y")
    assert (panel.time, panel.series, panel.past, panel.names) == ("t", None, ("x",), ("",))
    assert panel.frequency == Frequency(1, "h")
    np.testing.assert_array_equal(panel.values, [[1, 3.5], [2, 1], [3, 4], [4, 1], [5, 5], [7, 9]])
    assert panel.values.flags.c_contiguous
    assert panel.notes == (
        "Time stamps: column 't', hourly, no time zone, from 2020-02-28 20:00 to 2020-02-29 01:00.",
        "Not numeric, so not an input: 'word'.",
        "Inputs beside 'y': 'x'.",
    )


def test_what_is_done_to_a_messy_table_is_said():
    places = [3, 1, 2, 0, *range(6, 24)]
    rows = len(places)
    frame = hours(
        places,
        y=[float(place % 5) if place != 9 else None for place in places],
        x=[float(place % 7) if place != 0 else None for place in places],
        same=[2.0] * rows,
        rare=[1.0, 2.0, *[None] * (rows - 2)],
    )
    panel = prepare(frame, target="y", fill="forward")
    share = re.compile(r"\d+% missing")  # of the rows that inputs are chosen by
    assert tuple(share.sub("so much missing", note) for note in panel.notes[1:]) == (
        "Sorted by time: 3 rows stood after a later one.",
        "Left out as inputs: 'same' (always 2), 'rare' (so much missing).",
        "Inputs beside 'y': 'x'.",
        "1 row cut off at the start, where a column has no value yet.",
        "Gaps: 2 of 23 time steps have no row, at most 2 in a row; filled with the last value before.",
        "Missing values: 'y' in 1 row; filled with the last value before.",
        "Forecasts are never scored where 'y' itself was missing.",
    )


def test_targets_that_end_early_are_filled_and_said():
    frame = hours(
        list(range(9)), y=[1.0, 2.0, 3.0, 4.0, 5.5, 6.0, None, None, None], x=[float(i % 4) for i in range(9)]
    )
    panel = prepare(frame, target="y", fill="forward")
    assert (
        "No value of 'y' in the last 3 rows: forecasts begin after them. If other columns are known ahead there, name "
        "these by --future, and forecasts begin before."
    ) in panel.notes
    assert len(panel.values) == 9
    declared = prepare(frame, target="y", future=["x"], fill="forward")
    assert not any("in the last" in note for note in declared.notes)
    assert len(declared.values) == 6


def test_rows_before_the_first_values_are_cut_and_a_covariate_keeps_its_last_value():
    frame = hours(
        list(range(5)), y=[1.0, 2.0, None, 4.0, 5.5], x=[None, 7.0, 8.0, None, 9.0], z=[None, None, 1.0, 2.0, 3.0]
    )
    panel = prepare(frame, target="y", past=["x", "z"], fill="forward")
    assert panel.starts.tolist() == [3]
    np.testing.assert_array_equal(panel.values, [[4, 8, 2], [5.5, 9, 3]])
    assert "3 rows cut off at the start, where a column has no value yet." in panel.notes
    assert panel.stamps(0, 0, 1)[0] == START + 3 * HOUR


def test_covariates_that_can_not_help_are_left_out():
    rows = 40
    frame = hours(
        list(range(rows)),
        y=np.sin(np.arange(rows)).tolist(),
        index=list(range(rows)),
        epoch=[1_577_836_800 + 3600 * i for i in range(rows)],
        late=[None] * 10 + list(np.cos(np.arange(30))),
        truth=[True, False] * 20,
        empty=[None] * rows,
        when=[date(2020, 1, 1)] * rows,
    )
    panel = prepare(frame.with_columns(pl.col("empty").cast(pl.Float64)), target="y")
    assert panel.past == ("truth",)
    said = " ".join(panel.notes)
    assert "'index' (only counts the rows), 'epoch' (only counts the rows), 'late' (begins only 10 steps after" in said
    assert "'empty' (empty)" in said
    assert "('when' could be it too: --time)" in said
    assert prepare(frame, target="y", target_only=True).past == ()
    assert prepare(frame, target="y", past=["index"]).past == ("index",)


def test_a_covariate_that_one_series_lacks_is_left_out():
    frame = hours([0, 1, 2] * 2, s=list("aaabbb"), y=[1.0, 2, 4] * 2, x=[1.0, 3.0, 2.0, None, None, None])
    panel = prepare(frame, target="y", series="s")
    assert panel.past == ()
    assert "Left out as inputs: 'x' (missing in a whole series)." in panel.notes


def test_some_series_of_many_by_words_and_by_numbers():
    frame = hours([0, 1, 2] * 3, s=[10] * 3 + [9] * 3 + [8] * 3, y=[float(i * i) for i in range(9)])
    panel = prepare(frame, target="y", series="s")
    assert panel.names == ("8", "9", "10")
    some = prepare(frame, target="y", series="s", only=["10", "9"])
    assert some.names == ("9", "10")
    np.testing.assert_array_equal(some.values[:, 0], [9, 16, 25, 0, 1, 4])
    words = frame.with_columns(pl.col("s").cast(pl.String).cast(pl.Categorical))
    assert prepare(words, target="y", series="s", only="9").names == ("9",)
    reals = frame.with_columns(pl.col("s").cast(pl.Float64))
    assert prepare(reals, target="y", series="s").names == panel.names


def test_without_stamps_rows_count():
    panel = prepare(pl.DataFrame({"y": [1.0, 2.0, 4.0]}), target="y")
    assert (panel.time, panel.origin, str(panel.frequency)) == (None, 0, "row")
    assert panel.stamps(0, 3, 2).to_list() == [3, 4]
    assert panel.notes[0] == "No column of time stamps: the rows count as steps, in their order."
    many = prepare(pl.DataFrame({"y": [1.0, 10.0, 2.0, 30.0], "s": list("abab")}), target="y", series="s")
    np.testing.assert_array_equal(many.values[:, 0], [1, 2, 10, 30])


def test_years_count_when_they_are_named():
    frame = pl.DataFrame({"year": [1960, 1950, 1980], "y": [2.0, 1.0, 4.0]})
    panel = prepare(frame, target="y", time="year", fill="linear")
    assert (panel.origin, str(panel.frequency)) == (1950, "10row")
    np.testing.assert_array_equal(filled(panel, 9)[:, 0], [1, 2, 3, 4])
    assert panel.stamps(0, 4, 1).to_list() == [1990]
    assert panel.notes[0] == "Integer index: column 'year', from 1950 to 1980, in steps of 10."
    assert prepare(frame, target="y").time is None


def test_eight_digits_are_dates_when_they_are_named():
    panel = prepare(pl.DataFrame({"d": [20200228, 20200229, 20200301], "y": [1.0, 2.0, 4.0]}), target="y", time="d")
    assert panel.origin == date(2020, 2, 28)
    assert panel.stamps(0, 3, 1).to_list() == [date(2020, 3, 2)]


@pytest.mark.parametrize(
    ("stamps", "frequency", "following"),
    [
        ([date(1969, 11, 30), date(1969, 12, 31), date(1970, 1, 31), date(1970, 2, 28)], "1me", date(1970, 3, 31)),
        ([date(2020, 1, 15), date(2020, 2, 15), date(2020, 3, 15)], "1mo", date(2020, 4, 15)),
        ([date(2020, 3, 31), date(2020, 6, 30), date(2020, 9, 30)], "3me", date(2020, 12, 31)),
        ([date(2020, 1, 2), date(2020, 1, 3), date(2020, 1, 6), date(2020, 1, 7)], "1bd", date(2020, 1, 8)),
        ([date(2020, 1, 1), date(2020, 1, 8), date(2020, 1, 15)], "1w", date(2020, 1, 22)),
        ([date(2018, 1, 1), date(2019, 1, 1), date(2020, 1, 1)], "1y", date(2021, 1, 1)),
    ],
)
def test_calendars(stamps: list[date], frequency: str, following: date):
    frame = pl.DataFrame({"d": stamps, "y": [float(i * i) for i in range(len(stamps))]})
    panel = prepare(frame, target="y")
    assert str(panel.frequency) == frequency
    assert panel.stamps(0, len(stamps), 1).to_list() == [following]
    assert panel.stamps(0, 0, 1).dtype == pl.Date
    again = prepare(frame, target="y", frequency=frequency)
    assert again.fingerprint() == panel.fingerprint()


def test_month_ends_are_found_under_a_wanted_month():
    frame = pl.DataFrame({"d": [date(2020, 2, 29), date(2020, 3, 31), date(2020, 4, 30)], "y": [1.0, 2.0, 4.0]})
    assert str(prepare(frame, target="y", frequency="1mo").frequency) == "1me"


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Etc/GMT-9"])
@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_stamps_come_back_in_their_own_zone_and_unit(zone: str, unit: str):
    first = datetime(2020, 3, 28, 23, tzinfo=ZoneInfo(zone))
    stamps = Frequency(1, "h").stamps(first, 0, 30).cast(pl.Datetime(unit, zone))  # type: ignore[arg-type]
    panel = prepare(pl.DataFrame({"t": stamps, "y": np.arange(30.0) ** 2}), target="y")
    assert len(panel.values) == 30  # the hour that the clock leaves out is no gap
    future = panel.stamps(0, 30, 2)
    assert future.dtype == pl.Datetime(unit, zone)  # type: ignore[arg-type]
    assert (future.dt.epoch("s")[0] - stamps.dt.epoch("s")[0]) == 30 * 3600


def test_local_days_are_days_across_the_change_of_clocks():
    days = Frequency(1, "d").stamps(datetime(2020, 3, 20, tzinfo=ZoneInfo("Europe/Berlin")), 0, 20)
    panel = prepare(pl.DataFrame({"t": days, "y": np.arange(20.0) ** 2}), target="y")
    assert str(panel.frequency) == "1d"
    assert len(panel.values) == 20


def test_a_wanted_grid_moves_rows_forward_in_time_and_never_back():
    minutes = [7, 55, 61, 130, 180]
    frame = pl.DataFrame({"t": [START + timedelta(minutes=m) for m in minutes], "y": [1.0, 2.0, 3.0, 4.0, 5.0]})
    panel = prepare(frame, target="y", frequency="1h", fill="forward")
    assert panel.stamps(0, 0, 3).to_list() == [START + i * HOUR for i in (1, 2, 3)]
    np.testing.assert_array_equal(panel.values[:, 0], [2, 3, 5])
    said = " ".join(panel.notes)
    assert "4 rows between the steps (hourly): each counts at the next step; where several fall into one step, " in said
    assert "only the last is used (2 rows left aside)" in said


def test_row_by_row_goes_by_time_and_not_by_distance():
    frame = pl.DataFrame({"t": [date(2020, 1, 9), date(2020, 1, 1), date(2020, 1, 2)], "y": [3.0, 1.0, 2.0]})
    panel = prepare(frame, target="y", frequency="row")
    np.testing.assert_array_equal(panel.values[:, 0], [1, 2, 3])
    assert (panel.time, panel.origin) == (None, 0)


def test_text_numbers_with_spaces_are_numbers_when_they_are_named():
    frame = hours([0, 1, 2, 3], y=[" 1", "2.5 ", "NA", "-4e1"])
    panel = prepare(frame, target="y", fill="none")
    np.testing.assert_array_equal(panel.values[:, 0], [1, 2.5, np.nan, -40])


def test_empty_rows_of_a_spreadsheet_are_left_out():
    frame = pl.DataFrame({"t": [date(2020, 1, 1), date(2020, 1, 2), None, None], "y": [1.0, 2.0, None, None]})
    panel = prepare(frame, target="y")
    assert len(panel.values) == 2
    assert "2 empty rows left out." in panel.notes


def test_the_fingerprint_knows_every_part():
    frame = hours([0, 1, 2], y=[1.0, 2.0, 4.0], x=[1.0, 3.0, 2.0])
    first = prepare(frame, target="y").fingerprint()
    assert first.startswith("sha256:")
    assert len(first) == 7 + 64
    others = [
        prepare(frame, target="x"),
        prepare(frame, target="y", past=[]),
        prepare(frame.with_columns(pl.col("y") + 1e-12), target="y"),
        prepare(frame.with_columns(pl.col("t") + HOUR), target="y"),
        prepare(frame.rename({"x": "z"}), target="y"),
    ]
    assert len({first, *(panel.fingerprint() for panel in others)}) == 6


def test_the_last_rows_of_a_table_may_be_constant():
    frame = hours([0, 1, 2], y=[0.0, 0.0, 0.0])
    with pytest.raises(
        DataError, match="the target 'y' is constant: it is 0 in every row; choose a column that changes"
    ):
        prepare(frame, target="y")
    assert isinstance(prepare(frame, target="y", constant=True), Panel)


def test_a_gap_at_the_start_of_a_series_takes_nothing_from_the_series_before():
    values = np.array([[1.0], [2.0], [np.nan], [4.0], [np.nan], [6.0]])
    for fill in ("forward", "linear"):
        whole = fill_gaps(values, np.array([0, 2, 6]), np.array([0, 0]), fill, until=3)
        np.testing.assert_array_equal(whole[:, 0], [1, 2, np.nan, 4, 4, 6])


@given(
    data=st.lists(st.tuples(st.integers(0, 60), st.integers(-3, 9), st.integers(0, 30)), min_size=1, max_size=5),
    month=st.sampled_from([3, 10]),
    text=st.sampled_from(["1h", "1d"]),
)
def test_the_stamps_of_all_series_are_those_of_each(panel_of, data, month, text):
    """Starts, first rows and counts that cross both changes of the clocks."""
    starts, first, counts = map(np.array, zip(*data, strict=True))
    origin = datetime(2020, month, 28 if month == 3 else 24, tzinfo=ZoneInfo("Europe/Berlin"))
    zoned = pl.Datetime("ms", "Europe/Berlin")
    about = {"frequency": Frequency.parse(text), "origin": origin, "dtype": zoned}
    panel = panel_of([np.arange(3.0)] * len(data), starts, **about)
    together = panel.stamps_of(first, counts)
    each = [panel.stamps(i, int(a), int(n)) for i, (a, n) in enumerate(zip(first, counts, strict=True))]
    assert together.dtype == zoned
    assert together.name == "t"
    assert together.to_list() == pl.concat(each).to_list()
