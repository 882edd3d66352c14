"""Wide tables, one column a series: the same panel as their long form, and what is refused."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unrolled.errors import DataError, SettingsError
from unrolled.series.panels.panel import Panel, prepare
from unrolled.series.reading.table import read

START = date(2020, 1, 1)


def dated(frame: pl.DataFrame) -> pl.DataFrame:
    days = pl.Series("t", [START + timedelta(days=int(day)) for day in frame["day"]])
    return frame.drop("day").insert_column(0, days)


@st.composite
def tables(draw: st.DrawFn) -> tuple[pl.DataFrame, pl.DataFrame]:
    """A shuffled wide table with gaps, ragged at both ends; and its long form, a row for each cell up to the last."""
    rows = draw(st.integers(3, 9))
    places = draw(st.permutations(range(rows)))
    wide: dict[str, list] = {"day": list(places)}
    long = []
    for name in draw(st.permutations(["b", "a", "10", "2"])):
        known = {0: 1.0, 1: 2.0} | {
            place: draw(st.none() | st.integers(0, 9).map(float)) for place in range(draw(st.integers(0, 2)), rows)
        }
        known |= {draw(st.integers(0, rows - 1)): 7.5}
        wide[name] = [known.get(place) for place in places]
        last = max(place for place in range(rows) if known.get(place) is not None)
        long += [{"series": name, "day": place, "value": known.get(place)} for place in range(last + 1)]
    return dated(pl.DataFrame(wide)), dated(pl.DataFrame(draw(st.permutations(long))))


@settings(deadline=None)
@given(made=tables(), fill=st.sampled_from(["forward", "linear", "mask", "none"]), calendar=st.booleans())
def test_a_wide_table_is_its_long_form(made: tuple[pl.DataFrame, pl.DataFrame], fill: str, calendar: bool):
    wide, long = made
    ours = prepare(wide, wide=True, fill=fill, calendar=calendar, frequency="1d", constant=True)
    theirs = prepare(long, target="value", series="series", fill=fill, calendar=calendar, frequency="1d", constant=True)
    assert (ours.names, ours.target, ours.series) == (("10", "2", "a", "b"), "value", "series")
    assert ours.fingerprint() == theirs.fingerprint()
    assert (ours.wide, theirs.wide) == (True, False)


def ragged() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "t": [START + timedelta(days=row) for row in range(5)],
            "north": [None, None, 4, 9, 16],
            "note": list("abcde"),
            "south": [1.5, 2.5, None, 0.5, None],
        }
    )


def rows_of(panel: Panel) -> dict[str, list[float]]:
    parts = zip(panel.offsets[:-1], panel.offsets[1:], strict=True)
    return {name: panel.values[a:b, 0].tolist() for name, (a, b) in zip(panel.names, parts, strict=True)}


def test_columns_begin_and_end_where_they_have_values():
    panel = prepare(ragged(), wide=True, fill="none", target="sales")
    assert (panel.targets, panel.past, panel.time) == (("sales",), (), "t")
    assert panel.starts.tolist() == [2, 0]
    np.testing.assert_equal(rows_of(panel), {"north": [4, 9, 16], "south": [1.5, 2.5, np.nan, 0.5]})
    assert panel.stamps(1, 4, 1)[0] == START + timedelta(days=4)
    assert panel.notes[1:4] == (
        "Not numeric, so no series: 'note'.",
        "Series: 2, one a column: 'north', 'south'.",
        "The only input is 'sales' itself.",
    )


def test_only_picks_columns():
    assert prepare(ragged(), wide=True, only="north").names == ("north",)
    assert prepare(ragged(), wide=True, only=["south", "north"], fill="none").names == ("north", "south")
    text = ragged().with_columns(pl.col("north").cast(pl.String))
    assert prepare(text, wide=True, fill="none").names == ("south",)
    assert rows_of(prepare(text, wide=True, only="north")) == {"north": [4.0, 9.0, 16.0]}


def test_without_stamps_the_rows_of_all_columns_count_together():
    panel = prepare(pl.DataFrame({"a": [1.0, 2.0, 4.0], "b": [None, 3.0, None]}), wide=True, fill="none", constant=True)
    assert (panel.time, panel.starts.tolist(), rows_of(panel)) == (None, [0, 1], {"a": [1, 2, 4], "b": [3]})
    years = pl.DataFrame({"year": [1960, 1950, 1970], "b": [2.0, 1.0, 4.0]})
    counted = prepare(years, wide=True, time="year")
    assert (counted.origin, rows_of(counted)) == (1950, {"b": [1.0, 2.0, 4.0]})


@pytest.mark.parametrize(
    ("wishes", "kind", "says"),
    [
        (
            {"series": "north"},
            SettingsError,
            "--wide makes every column a series, and --series north names one; leave one out",
        ),
        (
            {"past": ["north"]},
            SettingsError,
            "--wide makes every numeric column a series, and 'north' can't be an input too; leave one out, or give a "
            "long table with --series",
        ),
        (
            {"target": "north"},
            SettingsError,
            "--wide makes every numeric column a series, and --target names the forecasts; leave --target north out, "
            "or pick the series with --only north",
        ),
        (
            {"target": ["p", "q"]},
            SettingsError,
            "--wide makes one column of all series, and 'p', 'q' are 2 targets; name one",
        ),
        ({"only": ["nort"]}, DataError, "there is no column 'nort' for --only; nearest: 'north'"),
        ({"only": ["note"]}, DataError, "column 'note' is not numeric: row 1 has 'a' (5 such rows); …"),
        ({"only": []}, DataError, "--wide makes every numeric column a series, and there is none beside the …"),
    ],
)
def test_what_a_wide_table_can_not_have(wishes: dict, kind: type[Exception], says: str):
    with pytest.raises(kind) as caught:
        prepare(ragged(), wide=True, **wishes)
    start, _, cut = says.partition("…")
    assert str(caught.value).startswith(start) if says.endswith("…") else str(caught.value) == says
    assert not cut


def test_a_column_without_a_value_is_named():
    frame = ragged().with_columns(east=pl.lit(None, pl.Float64))
    with pytest.raises(DataError) as caught:
        prepare(frame, wide=True)
    assert str(caught.value) == "column 'east' has no value at all; take it out, or pick others with --only"
    with pytest.raises(DataError, match="the column of time stamps is named 'value', as a column of the long form"):
        prepare(ragged().rename({"t": "value"}), wide=True)


def test_rows_are_named_as_they_stand_in_the_table(tmp_path):
    path = tmp_path / "wide.csv"
    path.write_text("t,b,a\n2020-01-01,,1\n2020-01-02,2,2\n2020-01-03,4,\n2020-01-03,5,\n")
    with pytest.raises(DataError) as caught:
        prepare(read(path), wide=True)
    assert str(caught.value) == (
        "two rows of series 'b' have the time stamp 2020-01-03 in column 't': line 4 and line 5; keep one of them"
    )
