"""What is known ahead: rows after the last value of history, series by series, and what is refused when they lack."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unrolled.errors import DataError, SettingsError
from unrolled.series.panels.ahead import check_ahead, known_ahead
from unrolled.series.panels.calendar import calendar_features
from unrolled.series.panels.panel import Panel, prepare

START = date(2020, 1, 1)


def days(rows: list[dict]) -> pl.DataFrame:
    """Rows with ``day`` as a date ``t``."""
    return pl.DataFrame([{"t": START + timedelta(days=row["day"])} | row for row in rows]).drop("day")


@st.composite
def futures(draw: st.DrawFn) -> tuple[pl.DataFrame, dict[str, tuple[int, dict[int, float]]]]:
    """A shuffled table of three series that end at different days, and of each its last day of history and what
    ``promo`` is on the days after.
    """
    rows, told = [], {}
    for name in ("a", "b", "c"):
        first, length, ahead = draw(st.integers(0, 4)), draw(st.integers(2, 6)), draw(st.integers(0, 5))
        last = first + length - 1
        rows += [
            {"s": name, "day": day, "y": float(day**2), "x": float(day), "promo": float(day % 3)}
            for day in range(first, last + 1)
        ]
        rows[-1] |= draw(st.sampled_from([{}, {"y": None}, {"x": None}]))  # one value is enough to be history
        known = {}
        for day in range(last + 1, last + 1 + ahead):
            promo = draw(st.none() | st.integers(0, 9).map(float))
            if promo is not None or draw(st.booleans()):
                rows.append({"s": name, "day": day, "y": None, "x": None, "promo": promo})
            if promo is not None:
                known[day] = promo
        told[name] = last, known
    return days(draw(st.permutations(rows))), told


@settings(deadline=None)
@given(made=futures(), horizon=st.integers(1, 7), calendar=st.booleans())
def test_rows_ahead_lie_where_a_plain_loop_puts_them(made: tuple[pl.DataFrame, dict], horizon: int, calendar: bool):
    frame, told = made
    panel = prepare(
        frame, target="y", series="s", past="x", future="promo", calendar=calendar, fill="forward", frequency="1d"
    )
    assert panel.known[0] == "promo"
    ahead = known_ahead(panel, horizon)
    assert ahead.shape == (3, horizon, 5 if calendar else 1)
    for i, (last, known) in enumerate(told.values()):
        assert panel.stamps(i, int(np.diff(panel.offsets)[i]) - 1, 1)[0] == START + timedelta(days=last)
        for step in range(horizon):
            assert ahead[i, step, 0] == pytest.approx(known.get(last + 1 + step, np.nan), nan_ok=True)
        if calendar:
            stamps = panel.stamps(i, int(np.diff(panel.offsets)[i]), horizon)
            np.testing.assert_allclose(ahead[i, :, 1:], calendar_features(stamps, panel.frequency), atol=1e-12)
    most = max([max(known) - last for last, known in told.values() if known], default=0)
    np.testing.assert_array_equal(panel.ahead, known_ahead(panel, most))
    complete = all(last + 1 + step in known for last, known in told.values() for step in range(horizon))
    if complete:
        check_ahead(panel, horizon)
    else:
        with pytest.raises(DataError, match="column 'promo' is to be known ahead and is missing"):
            check_ahead(panel, horizon)


@settings(deadline=None)
@given(made=futures(), keep=st.tuples(st.booleans(), st.booleans(), st.booleans()).filter(any))
def test_some_series_of_a_panel_are_the_panel_of_some_series(made: tuple[pl.DataFrame, dict], keep: tuple):
    frame, _ = made
    frame = frame.with_columns(size=pl.col("s").replace_strict({"a": 1.0, "b": 5.0, "c": 3.0}))
    wishes: dict = {"target": "y", "series": "s", "past": "x", "future": "promo", "static": "size", "fill": "forward"}
    whole = prepare(frame, frequency="1d", **wishes)
    names = [name for name, kept in zip("abc", keep, strict=True) if kept]
    some = prepare(frame, frequency="1d", only=names, constant=True, **wishes)
    ours = whole.keep(np.array(keep), "out")
    assert ours.names == some.names
    for part in ("values", "ahead", "static_values"):
        theirs = getattr(some, part)
        own = getattr(ours, part)[:, : theirs.shape[1]] if part == "ahead" else getattr(ours, part)
        np.testing.assert_array_equal(own, theirs)
    assert [str(ours.stamps(i, 0, 1)[0]) for i in range(len(names))] == [
        str(some.stamps(i, 0, 1)[0]) for i in range(len(names))
    ]
    left = [name for name in "abc" if name not in names]
    said = f"Left out {len(left)} series out: {', '.join(map(repr, left))}."
    assert ours.notes == (whole.notes if not left else (*whole.notes, said))


def shop(ahead: list[float | None], **more: list) -> Panel:
    rows = 4 + len(ahead)
    frame = pl.DataFrame(
        {
            "t": [START + timedelta(days=row) for row in range(rows)],
            "y": [1.0, 3.0, 2.0, 5.0] + [None] * len(ahead),
            "promo": [0.0, 1.0, 0.0, 1.0, *ahead],
        }
        | more
    )
    return prepare(frame, target="y", future=["promo", *more])


@pytest.mark.parametrize(
    ("ahead", "horizon", "says"),
    [
        ([], 2, "from 2020-01-05 on, and a forecast of 2 steps reads it up to 2020-01-06"),
        ([1.0], 3, "from 2020-01-06 on, and a forecast of 3 steps reads it up to 2020-01-07"),
        ([1.0, None, 1.0], 3, "at 2020-01-06, and a forecast of 3 steps reads it up to 2020-01-07"),
        ([1.0, None, 1.0], 2, "from 2020-01-06 on, and a forecast of 2 steps reads it up to 2020-01-06"),
        ([None], 1, "from 2020-01-05 on, and a forecast of 1 step reads it up to 2020-01-05"),
    ],
)
def test_a_future_covariate_that_is_missing_ahead_is_refused(ahead: list, horizon: int, says: str):
    with pytest.raises(DataError) as caught:
        check_ahead(shop(ahead), horizon)
    until = says.rsplit(" ", 1)[1]
    assert str(caught.value) == (
        f"column 'promo' is to be known ahead and is missing {says}; give rows up to {until} with it filled in"
    )


def test_the_column_and_the_series_that_lack_are_named():
    frame = pl.DataFrame(
        {
            "t": [START + timedelta(days=row) for row in range(6)],
            "y": [1.0, 3.0, 2.0, 5.0, None, None],
            "promo": [0.0, 1.0, 0.0, 1.0, 0.0, 1.0],
            "dir": [90.0, 80.0, 70.0, 60.0, 50.0, None],
        }
    )
    panel = prepare(frame, target="y", future=["promo", "dir"], angles="dir")
    check_ahead(panel, 1)
    with pytest.raises(DataError, match="column 'dir' is to be known ahead and is missing from 2020-01-06 on, and"):
        check_ahead(panel, 2)
    rows = [{"s": s, "day": day, "y": float(day**2), "promo": 1.0} for s in "abcd" for day in range(3)]
    rows += [{"s": "b", "day": 3, "y": None, "promo": 0.0}]
    panel = prepare(days(rows), target="y", series="s", future="promo")
    with pytest.raises(DataError) as caught:
        check_ahead(panel, 1)
    assert "is missing from 2020-01-04 on in series 'a' and 2 more series, and a forecast of 1 step" in str(
        caught.value
    )
    counted = prepare(pl.DataFrame({"y": [1.0, 2.0, 4.0, None], "p": [1.0, 0.0, 1.0, 1.0]}), target="y", future="p")
    check_ahead(counted, 1)
    with pytest.raises(DataError, match="missing from row 5 on, and a forecast of 2 steps reads it up to row 5; give"):
        check_ahead(counted, 2)


def test_without_anything_known_ahead_nothing_is_asked():
    panel = prepare(pl.DataFrame({"y": [1.0, 2.0, 4.0]}), target="y")
    assert known_ahead(panel, 5).shape == (1, 5, 0)
    check_ahead(panel, 5)
    days_alone = pl.DataFrame({"t": [START + timedelta(days=row) for row in range(3)], "y": [1.0, 2.0, 4.0]})
    check_ahead(prepare(days_alone, target="y", calendar=True), 50)


def test_what_is_said_of_rows_ahead():
    assert "Rows ahead: 'promo' for 2 steps after the last row." in shop([1.0, 0.0, None]).notes
    assert "Rows ahead: 'promo' for 1 step after the last row." in shop([1.0]).notes
    none = "No rows ahead: nothing says 'promo' after the last row, which a forecast of what comes then needs."
    assert none in shop([]).notes
    rows = [{"s": s, "day": day, "y": float(day**2), "promo": 1.0} for s in "ab" for day in range(3)]
    rows += [{"s": "b", "day": 3, "y": None, "promo": 0.0}]
    panel = prepare(days(rows), target="y", series="s", future="promo")
    assert "Rows ahead: 'promo' for 0 to 1 steps after the last row of each series." in panel.notes
    assert "Known ahead: 'promo'." in panel.notes
    assert not any("only input" in note for note in panel.notes)


def test_missing_values_of_history_are_filled_and_those_ahead_are_not():
    frame = pl.DataFrame(
        {
            "t": [START + timedelta(days=row) for row in (0, 1, 2, 4, 5, 7)],
            "y": [1.0, 2.0, 4.0, None, None, None],
            "promo": [0.0, None, 1.0, 1.0, None, 0.0],
        }
    )
    panel = prepare(frame, target="y", future="promo", fill="forward", frequency="1d")
    assert len(panel.values) == 3
    assert "Missing values: 'promo' in 1 row; filled with the last value before." in panel.notes
    np.testing.assert_array_equal(panel.ahead[0, :, 0], [np.nan, 1, np.nan, np.nan, 0])


def test_automatic_inputs_leave_rows_without_a_target_in_history():
    frame = pl.DataFrame({"t": [START + timedelta(days=row) for row in range(4)], "y": [1.0, 2.0, 4.0, None]})
    panel = prepare(frame, target="y", calendar=True, fill="none")
    assert len(panel.values) == 4


def test_a_table_of_rows_ahead_alone_is_read_for_prediction():
    rows = [{"s": "a", "day": day, "y": None, "promo": float(day)} for day in (5, 6)]
    rows += [{"s": "b", "day": day, "y": float(day) if day < 5 else None, "promo": 0.5} for day in (3, 4, 5)]
    frame = days(rows).with_columns(pl.col("y").cast(pl.Float64))
    with pytest.raises(DataError, match="column 'y' has no value at all in series 'a'"):
        prepare(frame, target="y", series="s", future="promo")
    panel = prepare(frame, target="y", series="s", future="promo", constant=True)
    assert np.diff(panel.offsets).tolist() == [0, 2]
    assert panel.stamps(0, 0, 1)[0] == START + timedelta(days=5)
    np.testing.assert_array_equal(panel.ahead[:, :, 0], [[5, 6], [0.5, np.nan]])
    alone = prepare(frame.filter(pl.col("s") == "a").drop("s"), target="y", future="promo", constant=True)
    assert (alone.values.shape, alone.starts.tolist()) == ((0, 2), [0])
    np.testing.assert_array_equal(alone.ahead[0, :, 0], [5, 6])


def test_steps_past_the_end_of_time_are_refused_as_settings():
    frame = pl.DataFrame({"t": [date(9995, month, 1) for month in range(1, 5)], "y": [1.0, 2.0, 4.0, 3.0]})
    panel = prepare(frame, target="y", calendar=True)
    assert known_ahead(panel, 56).shape == (1, 56, 2)
    with pytest.raises(SettingsError, match="run past the year 9999"):
        known_ahead(panel, 57)
