"""Roles of columns: several targets, declared covariates, masks; and columns that are found are found again."""

import json
from dataclasses import asdict, replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unrolled.errors import DataError, SettingsError
from unrolled.series.panels.panel import filled, prepare
from unrolled.series.panels.roles import Columns
from unrolled.series.panels.shares import SHARES

START = date(2020, 1, 1)


def table(rows: int = 10, **columns: list) -> pl.DataFrame:
    days = [START + timedelta(days=row) for row in range(rows)]
    random = np.random.default_rng(rows)
    numbers = {name: random.normal(size=rows) for name in ("y", "x", "z")}
    return pl.DataFrame({"t": days} | numbers | columns, strict=False)


def test_several_targets_come_first_in_the_order_named():
    panel = prepare(table(), target=["z", "y"])
    assert (panel.targets, panel.target, panel.past) == (("z", "y"), "z", ("x",))
    np.testing.assert_array_equal(panel.values, table().select("z", "y", "x").to_numpy())
    assert "Inputs beside 'z', 'y': 'x'." in panel.notes
    alone = prepare(table(), target=["z", "y"], target_only=True)
    assert "The only inputs are 'z', 'y' themselves." in alone.notes
    assert prepare(table(), target=("y",)).fingerprint() == prepare(table(), target="y").fingerprint()


def test_a_series_begins_where_all_targets_have_had_a_value_and_one_has_one():
    frame = table(6, y=[None, 1, None, None, 5, 6], z=[2, None, None, 8, None, 3])
    panel = prepare(frame, target=["y", "z"], past=[], fill="none")
    assert panel.starts.tolist() == [1]
    np.testing.assert_array_equal(panel.values, [[1, 2], [np.nan, np.nan], [np.nan, 8], [5, np.nan], [6, 3]])
    later = prepare(
        frame.with_columns(x=pl.Series([None, None, 7.0, 8, 9, 9])), target=["y", "z"], past="x", fill="none"
    )
    assert later.starts.tolist() == [3]
    np.testing.assert_array_equal(later.values[0], [1, 8, 8])
    assert "Forecasts are never scored where a target itself was missing." in later.notes


def test_declaring_an_input_turns_the_automatic_choice_off():
    assert prepare(table(), target="y").past == ("x", "z")
    assert prepare(table(), target="y", past="z").past == ("z",)
    panel = prepare(table(), target="y", future="x")
    assert (panel.past, panel.known, panel.channels) == ((), ("x",), ("y", "x"))
    assert prepare(table(s=["a"] * 10, k=[1] * 10), target="y", series="s", static="k").past == ()
    both = prepare(table(), target="y", past="z", future="x")
    assert both.channels == ("y", "z", "x")
    np.testing.assert_array_equal(both.values, table().select("y", "z", "x").to_numpy())


@pytest.mark.parametrize(
    ("wishes", "kind", "says"),
    [
        ({"target": None}, SettingsError, "no target is named; give the column to forecast with --target"),
        ({"target": ["y", "q"]}, DataError, "there is no column 'q' for the target; there are: t, y, x, z"),
        ({"target": ["y", "y"]}, DataError, "column 'y' is named twice for the target; name it once"),
        ({"past": ["x", "x"]}, DataError, "column 'x' is named twice for --past; name it once"),
        ({"future": "xx"}, DataError, "there is no column 'xx' for --future; nearest: 'x'"),
        ({"static": "xx", "series": "z"}, DataError, "there is no column 'xx' for --static; nearest: 'x'"),
        (
            {"past": "x", "future": "x"},
            DataError,
            "column 'x' can't be --past and --future at once; each column has one role",
        ),
        ({"future": "y"}, DataError, "column 'y' can't be the target and --future at once; each column has one role"),
        (
            {"target_only": True, "future": "x", "static": "z"},
            SettingsError,
            "--only-target takes no inputs, and 'x', 'z' are named as inputs; leave one of the two out",
        ),
        (
            {"masks": ["q"]},
            SettingsError,
            "a mask is of a target or a past covariate, got 'q'; name one of 'y', 'x', 'z'",
        ),
    ],
)
def test_roles_that_can_not_be(wishes: dict, kind: type[Exception], says: str):
    with pytest.raises(kind) as caught:
        prepare(table(), **({"target": "y"} | wishes))
    assert str(caught.value) == says


def test_a_target_that_is_constant_is_named_among_several():
    with pytest.raises(DataError, match="the target 'x' is constant: it is 2 in every row"):
        prepare(table(x=[2.0] * 10), target=["y", "x"])


@pytest.mark.parametrize("role", ["target", "past", "future"])
def test_a_column_without_a_value_is_refused_by_name(role: str):
    with pytest.raises(DataError, match="column 'x' has no value at all in the table; choose another"):
        prepare(table(x=[None] * 10), fill="forward", **({"target": "y"} | {role: "x"}))


def test_a_mask_says_where_a_column_with_gaps_in_training_was_observed():
    frame = table(10, x=[1.0, None, 3, 4, 5, 6, 7, 8, 9, 8], z=[1.0, 2, 1, 2, 1, 2, 1, 2, None, 2])
    panel = prepare(frame, target="y", fill="mask")
    assert panel.past == ("x", "z", "x_observed")
    assert panel.values[:, 3].tolist() == [1, 0] + [1] * 8
    assert filled(panel, 10)[1, 1] == 1.0
    assert not np.isnan(filled(panel, 10)).any()
    said = "Channels that are 1 where a column with gaps in the training part was observed, else 0: 'x_observed'."
    assert said in panel.notes
    assert "Missing values: 'x' in 1 row, 'z' in 1 row; filled with the last value before." in panel.notes
    again = prepare(frame.tail(4), target="y", past=["x", "z"], masks=panel.inputs.masks, fill="linear")
    assert again.past == panel.past
    assert again.values[:, 3].tolist() == [1.0] * 4


def test_missing_rows_mask_every_column_but_those_known_ahead():
    frame = table(10).filter(pl.int_range(10) != 3)
    panel = prepare(frame, target=["y", "z"], future="x", fill="mask")
    assert panel.channels == ("y", "z", "y_observed", "z_observed", "x")
    assert panel.values[:, 2].tolist() == panel.values[:, 3].tolist() == [1, 1, 1, 0] + [1] * 6
    none = prepare(table(), target="y", fill="mask")
    assert (none.past, none.inputs.masks) == (("x", "z"), ())
    said = "No column has gaps in the training part, so none has a channel that says where it was observed."
    assert said in none.notes


def test_a_value_carried_into_the_first_row_was_not_observed_there():
    frame = table(10, x=[1.0, None, 3, 4, 5, 6, 7, 8, 9, 8], y=[None, *range(9)])
    panel = prepare(frame, target="y", past="x", fill="mask")
    assert panel.starts.tolist() == [1]
    assert panel.values[0].tolist() == [0, 1, 0]


@st.composite
def panels(draw: st.DrawFn) -> pl.DataFrame:
    """A shuffled long table of two or three ragged series with gaps, whose last rows are whole."""
    random = np.random.default_rng(draw(st.integers(0, 10_000)))
    rows = []
    for name in "abc"[: draw(st.integers(2, 3))]:
        first, length, gaps = draw(st.integers(0, 8)), draw(st.integers(4, 20)), draw(st.sampled_from([0.0, 0.1, 0.5]))
        for day in range(first, first + length):
            values = [None if random.random() < gaps else one for one in random.normal(size=3)]
            if day in (first, first + length - 1):
                values = random.normal(size=3).tolist()
            if random.random() >= gaps / 2 or day in (first, first + length - 1):
                rows.append({"s": name, "day": day} | dict(zip(("y", "x", "z"), values, strict=True)))
    schema = {"s": pl.String, "day": pl.Int64, "y": pl.Float64, "x": pl.Float64, "z": pl.Float64}
    return pl.DataFrame(draw(st.permutations(rows)), schema=schema)


def dated(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(t=pl.lit(START) + pl.duration(days=pl.col("day"))).drop("day")


WISHES = st.fixed_dictionaries(
    {
        "target": st.sampled_from(["y", ["y", "z"]]),
        "fill": st.sampled_from(["forward", "linear", "mask", "none"]),
        "calendar": st.booleans(),
    },
    optional={"past": st.sampled_from([[], ["x"]]), "future": st.just(["x"])},
).filter(lambda wishes: not (wishes.get("past") and wishes.get("future")))


@settings(deadline=None)
@given(frame=panels(), wishes=WISHES, seed=st.integers(0, 99))
def test_what_comes_later_changes_no_channel_no_mask_and_no_earlier_start(frame: pl.DataFrame, wishes: dict, seed: int):
    cut = round((frame["day"].max() - frame["day"].min() + 1) * SHARES[0]) + frame["day"].min()
    random = np.random.default_rng(seed)
    rows = np.arange(frame.height)
    last = frame.select(pl.col("day") == pl.col("day").max().over("s")).to_series().to_numpy()
    late = (frame["day"].to_numpy() >= cut) & ~last
    other = frame.with_columns(
        pl.Series(name, np.where(late, np.where(random.random(len(rows)) < 0.5, np.nan, 1e6 * rows), frame[name]))
        for name in ("y", "x", "z")
    ).with_columns(pl.col("y", "x", "z").fill_nan(None))
    ours, theirs = (prepare(dated(one), series="s", frequency="1d", **wishes) for one in (frame, other))
    assert ours.channels == theirs.channels
    assert ours.inputs == theirs.inputs
    begun = cut - frame["day"].min()
    assert np.minimum(ours.starts, begun).tolist() == np.minimum(theirs.starts, begun).tolist()
    for i in range(len(ours.names)):
        count = max(0, begun - int(ours.starts[i]))
        a, b = ours.offsets[i], theirs.offsets[i]
        end = min(count, int(np.diff(ours.offsets)[i]))
        np.testing.assert_array_equal(ours.values[a : a + end], theirs.values[b : b + end])


@settings(deadline=None)
@given(frame=panels(), wishes=WISHES, angle=st.booleans(), seed=st.integers(0, 99))
def test_columns_that_were_found_give_the_same_panel_again(frame: pl.DataFrame, wishes: dict, angle: bool, seed: int):
    frame = dated(frame).with_columns(kind=pl.col("s").replace_strict({"a": "u", "b": "v", "c": "u"}))
    wishes = wishes | ({"angles": ["x"]} if angle else {}) | ({"static": ["kind"]} if "future" in wishes else {})
    columns = Columns(series="s", frequency="1d", **wishes)
    once = columns.read(frame)
    found = Columns.found(once, None)
    assert found.masks == once.inputs.masks
    saved = Columns.from_json(json.loads(json.dumps(asdict(found))))
    assert saved == found
    again = saved.read(frame.sample(fraction=1, shuffle=True, seed=seed))
    assert again.fingerprint() == once.fingerprint()
    assert again.inputs == once.inputs
    assert Columns.found(again, None) == found


@settings(deadline=None)
@given(frame=panels(), wishes=WISHES)
def test_the_channels_of_a_panel_written_as_a_table_are_read_as_they_are(frame: pl.DataFrame, wishes: dict):
    """With the rows ahead below, as a run keeps the end of its data."""
    frame = dated(frame).with_columns(kind=pl.col("s").replace_strict({"a": "u", "b": "v", "c": "u"}))
    more: dict = {"static": ["kind"], "angles": ["x"]} if "future" in wishes else {}
    panel = Columns(series="s", frequency="1d", **wishes, **more).read(frame)
    ahead = np.nan_to_num(panel.ahead, nan=0.5) if panel.known else np.empty((len(panel.names), 0, 0))
    tables = []
    for i, name in enumerate(panel.names):
        rows = panel.values[panel.offsets[i] : panel.offsets[i + 1]]
        unknown = np.full((ahead.shape[1], len(panel.targets) + len(panel.past)), np.nan)
        rows = np.concatenate([rows, np.concatenate([unknown, ahead[i]], axis=1)]) if len(unknown) else rows
        own = pl.DataFrame(rows, schema=list(panel.channels), orient="row")
        stamps = panel.stamps(i, 0, len(rows))
        static = {column: pl.lit(value) for column, value in zip(panel.static, panel.static_values[i], strict=True)}
        tables.append(own.with_columns(stamps.alias("t"), s=pl.lit(name), **static))
    again = Columns.found(panel, None).channels().read(pl.concat(tables), constant=True)
    assert again.channels == panel.channels
    assert (again.targets, again.past, again.known, again.static) == (
        panel.targets,
        panel.past,
        panel.known,
        panel.static,
    )
    np.testing.assert_array_equal(again.values, panel.values)
    np.testing.assert_array_equal(again.static_values, panel.static_values)
    if panel.known:
        np.testing.assert_array_equal(again.ahead, ahead)


def test_the_columns_of_a_run_are_what_was_asked_for():
    columns = Columns(["y"], future=["x"], calendar=True, masks=(), categories={"k": ("a",)})
    assert columns.target == "y"
    assert columns.targets == ("y",)
    assert columns.arguments() == {"target": "y", "future": ["x"], "calendar": True}
    wide = prepare(table(), wide=True, only=["x", "y"])
    found = Columns.found(wide, ["x", "y"])
    assert (found.series, found.past, found.wide, found.target) == (None, None, True, "value")
    assert found.read(table()).fingerprint() == wide.fingerprint()
    assert found.channels().series == "series"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("target", []),
        ("target", [1]),
        ("target", None),
        ("future", "x"),
        ("calendar", 1),
        ("wide", None),
        ("fill", 3),
        ("categories", {"k": [1]}),
        ("categories", ["k"]),
    ],
)
def test_columns_of_a_damaged_run_are_refused(field: str, value: object):
    saved = asdict(Columns("y")) | {field: value}
    with pytest.raises(TypeError):
        Columns.from_json(saved)


def test_the_fingerprint_knows_the_new_parts():
    frame = table(12, s=["a"] * 6 + ["b"] * 6, k=[1.0] * 6 + [2.0] * 6, y=[1.0, 2, 4, 3, 5, None] * 2)
    wishes: dict = {"target": "y", "series": "s", "fill": "forward"}
    panels = [
        prepare(frame, **wishes, past=["x", "z"]),
        prepare(frame, **wishes, past="x", future="z"),
        prepare(frame, **wishes, past="z", future="x"),
        prepare(frame, **wishes, past=["x", "z"], static="k"),
        prepare(frame, **wishes, past=["x", "z"], calendar=True),
        prepare(frame, **wishes, future=["x", "z"]),
        prepare(frame.with_columns(k=pl.col("k") * 2), **wishes, past=["x", "z"], static="k"),
        prepare(frame.with_columns(z=pl.col("z") + pl.col("y").is_null()), **wishes, future=["x", "z"]),
    ]
    kinds = {panel.fingerprint() for panel in panels}
    assert len(kinds) == len(panels)
    shuffled = replace(panels[3], static_values=panels[3].static_values[::-1])
    assert shuffled.fingerprint() not in kinds
