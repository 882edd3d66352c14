"""Eight planted leaks are found, in forecasters of any origin and in our own; what doesn't leak raises no alarm."""

from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import unrolled as ur
from unrolled.errors import DataError, SettingsError
from unrolled.series.judging.baselines import drift, moving_average, naive, seasonal_naive
from unrolled.series.judging.evaluation import naive_scales
from unrolled.series.leaks import evidence as evidence_module
from unrolled.series.leaks import inside
from unrolled.series.leaks.copies import copied_ahead
from unrolled.series.leaks.evidence import Pipeline, Table, check_pipeline
from unrolled.series.leaks.perturb import KINDS, Order, changed
from unrolled.series.learning.trial import prepared
from unrolled.series.panels import panel as panel_module
from unrolled.series.panels.fill import FILLS
from unrolled.series.panels.panel import filled, prepare
from unrolled.series.panels.roles import Columns
from unrolled.series.windows import examples as examples_module
from unrolled.series.windows.examples import Examples
from unrolled.series.windows.scale import METHODS, Scaler
from unrolled.series.windows.split import Split, observed, origins

START = date(2020, 1, 1)
LOOKBACK = 5


def table(lengths=(100, 100), starts=(0, 0), gaps=False, seed=0) -> pl.DataFrame:
    """Days of several series: y is positive and follows x of two days before."""
    rng = np.random.default_rng(seed)
    parts = []
    for i, (length, start) in enumerate(zip(lengths, starts, strict=True)):
        x = rng.normal(size=length).cumsum() * 0.3 + rng.normal(size=length)
        y = 20 + 2 * i + np.roll(x, 2) + rng.normal(size=length)
        days = [START + timedelta(days=start + day) for day in range(length)]
        parts.append(pl.DataFrame({"s": [f"s{i}"] * length, "t": days, "y": y, "x": x, "z": rng.normal(size=length)}))
    frame = pl.concat(parts)
    if gaps:  # around the usual cut too, at days 70 and 80
        day = (pl.col("t") - START).dt.total_days()
        frame = frame.with_columns(
            pl.when(day.is_in([30, 31, 69, 70, 79, 80, 81, 90])).then(None).otherwise("y").alias("y")
        )
    return frame


class Ridge:
    """A ridge regression on the last five days of y and x of each series, as it is written in a notebook.

    ``leak`` plants a mistake; without one it learns from what lies before the cut alone.
    """

    def __init__(self, leak: str = ""):
        self.leak = leak

    def fit(self, table, cut):
        frame = pl.DataFrame(table).sort("s", "t")
        series, self.centre, self.scale = frame.partition_by("s", maintain_order=True), {}, {}
        pasts, nexts, late = [], [], []
        pool = {}
        for own in series:
            name, early = own["s"][0], (own["t"] < cut).to_numpy()
            y = self._filled(own["y"].to_numpy(), early)
            known = y if self.leak in ("scaler on all data", "per-series statistics over the test") else y[early]
            pool[name] = (y, own["x"].to_numpy(), early, known)
        whole = np.concatenate([known for *_, known in pool.values()])
        for name, (y, x, early, known) in pool.items():
            statistics = known if self.leak != "scaler on all data" else whole
            self.centre[name], self.scale[name] = statistics.mean(), statistics.std()
            rows = np.stack([(y - self.centre[name]) / self.scale[name], self._covariate(x, y)], axis=1)
            pool[name] = rows, early
        if self.leak == "windows across series":
            pool = {"all": tuple(np.concatenate(parts) for parts in zip(*pool.values(), strict=True))}
        if self.leak == "windows across the training rows":
            pool = {"all": (np.concatenate([rows[early] for rows, early in pool.values()]), None)}
        for rows, early in pool.values():
            for t in range(LOOKBACK, len(rows)):
                pasts.append(rows[t - LOOKBACK : t].ravel())
                nexts.append(rows[t, 0])
                late.append(early is not None and not early[t])
        train = ~np.array(late)
        if self.leak == "shuffled split":
            train = np.random.default_rng(0).permutation(train)
        a, b = np.column_stack([np.array(pasts), np.ones(len(pasts))])[train], np.array(nexts)[train]
        self.weights = np.linalg.solve(a.T @ a + np.eye(a.shape[1]), a.T @ b)
        return self

    def predict(self, table):
        frame = pl.DataFrame(table).sort("s", "t")
        names, found, before = [], [], np.zeros((0, 2))
        for own in frame.partition_by("s", maintain_order=True):
            name = own["s"][0]
            y = self._filled(own["y"].to_numpy(), np.ones(len(own), bool))
            rows = np.stack([(y - self.centre[name]) / self.scale[name], own["x"].to_numpy()], axis=1)
            if self.leak == "windows across the training rows":
                rows = before = np.concatenate([before, rows])
            rows = np.concatenate([np.repeat(rows[:1], LOOKBACK, axis=0), rows])[-LOOKBACK:]
            z = np.append(rows.ravel(), 1.0) @ self.weights
            names.append(name)
            found.append(z * self.scale[name] + self.centre[name])
        return pl.DataFrame({"s": names, "y": found})

    def _covariate(self, x, y):
        if self.leak == "future covariate as past":
            return np.append(x[1:], x[-1])
        return np.append(y[1:], y[-1]) if self.leak == "target in the covariates, shifted by one" else x

    def _filled(self, y, early):
        y, at = y.copy(), np.arange(len(y))
        gone = np.isnan(y)
        if self.leak == "centred fill":
            y[gone] = [np.nanmean(y[max(0, i - 4) : i + 5]) for i in at[gone]]
        elif self.leak == "interpolation across the cut":
            y[gone] = np.interp(at[gone], at[~gone], y[~gone])
        else:
            y = y[np.maximum.accumulate(np.where(gone, 0, at))]
        return y


class Experiment(Ridge):
    """The same, which builds its test windows from the whole table."""

    def predict(self, table, cut):
        found = {}
        for own in pl.DataFrame(table).sort("s", "t").partition_by("s", maintain_order=True):
            name, early = own["s"][0], (own["t"] < cut).to_numpy()
            y = self._filled(own["y"].to_numpy(), early)
            rows = np.stack(
                [(y - self.centre[name]) / self.scale[name], self._covariate(own["x"].to_numpy(), y)], axis=1
            )
            z = np.append(rows[early][-LOOKBACK:].ravel(), 1.0) @ self.weights
            found[name] = [z * self.scale[name] + self.centre[name]]
        return found


EIGHT = {
    "scaler on all data": ("y",),
    "shuffled split": ("y", "x"),
    "centred fill": ("y",),
    "interpolation across the cut": ("y",),
    "future covariate as past": ("x",),
    "target in the covariates, shifted by one": ("y",),
    "per-series statistics over the test": ("y",),
    "windows across series": ("y", "x"),
}


@pytest.mark.parametrize("leak", EIGHT)
def test_each_planted_leak_is_found_and_its_column_named(leak):
    filling = leak in ("centred fill", "interpolation across the cut")
    found = ur.check_leaks(Experiment(leak), table(gaps=filling), target="y", series="s")
    assert not found.passed
    if leak not in ("future covariate as past", "target in the covariates, shifted by one"):  # training shows it
        assert ur.check_leaks(Ridge(leak), table(gaps=filling), target="y", series="s").columns == EIGHT[leak]
    assert found.columns == EIGHT[leak]
    column = EIGHT[leak][0]
    assert found.sentence.startswith(
        f"Leak check: failed: when column {column!r} is changed from 2020-03-21 on (mixed)"
    )
    with pytest.raises(
        DataError, match=r"the forecast made at the cut changes by up to [\d.e-]+(, and so do(es)? its \w+|\.|, and \d)"
    ):
        found.require()


def test_a_look_back_into_another_series_is_found_where_no_future_is_read():
    frame = table(lengths=(100, 23, 100), starts=(0, 77, 0))  # the second has three days before the cut
    options: dict[str, Any] = {"target": "y", "series": "s"}
    clean = ur.check_leaks(Ridge(), frame, **options)
    assert clean.passed, clean
    across = Ridge("windows across the training rows")
    found = ur.check_leaks(across, frame, **options)
    assert found.columns == ()
    assert found.sentence.startswith(
        "Leak check: failed: when series 's0', 's2' is changed, before the cut too, the for"
    )
    assert ur.check_leaks(across, frame, mixing=True, **options).passed  # no value after the cut is read


class Counted(Ridge):
    fits = 0

    def fit(self, table, cut):
        Counted.fits += 1
        return super().fit(table, cut)


@pytest.mark.parametrize("frame", [table(), table(gaps=True), table(lengths=(100,), starts=(0,))])
@pytest.mark.parametrize("kind", ["polars", "pandas"])
def test_a_correct_forecaster_passes_after_two_fits_and_is_left_alone(frame, kind):
    forecaster, Counted.fits = Counted(), 0
    given = frame if kind == "polars" else pd.DataFrame(frame.to_dict(as_series=False))
    if kind == "pandas":
        given["t"] = pd.to_datetime(given["t"])
    before = given.clone() if kind == "polars" else given.copy()
    found = ur.check_leaks(forecaster, given, target="y", series="s").require()
    assert found.passed
    assert Counted.fits == 2
    assert vars(forecaster) == {"leak": ""}
    assert given.equals(before)
    when = "2020-03-21 00:00:00" if kind == "pandas" else "2020-03-21"
    said = f"Leak check: passed. With every value from {when} on changed, the forecasts made there stay the same."
    assert found.sentence == said


def test_an_experiment_that_has_the_whole_table_passes_too():
    assert ur.check_leaks(Experiment(), table(gaps=True), target="y", series="s").passed
    found = ur.check_leaks(Experiment(), table(), target="y", series="s", thorough=True)
    assert found.notes == ()


def test_thorough_tries_each_kind_of_change():
    Counted.fits = 0
    assert ur.check_leaks(Counted(), table(gaps=True), target="y", series="s", thorough=True).passed
    assert Counted.fits == 1 + len(KINDS)
    Counted.fits = 0
    assert ur.check_leaks(Counted(), table(), target="y", series="s", thorough=True).passed
    assert Counted.fits == len(KINDS)  # nothing is missing, so nothing is taken away


class Whole:
    """Says the mean of a column, over the rows that it is told or all of them."""

    def __init__(self, column="y", make=lambda value: [value], until=None):
        self.column, self.make, self.until = column, make, until

    def fit(self, frame):
        self.mean = float(frame[self.column][: self.until].mean())

    def predict(self, frame):
        return self.make(self.mean)


@pytest.mark.parametrize(
    "make",
    [
        lambda v: v,
        lambda v: [v, v],
        lambda v: np.full((2, 3), v),
        lambda v: torch.full((2,), v),
        lambda v: {"y": [v], "h": {"a": v}},
        lambda v: pl.DataFrame({"name": ["a"], "y": [v]}),
        lambda v: pd.Series([v]),
        lambda v: pd.DataFrame({"y": [v]}),
    ],
)
def test_forecasts_come_in_any_form(make):
    frame = table(lengths=(100,), starts=(0,)).drop("s")
    assert not ur.check_leaks(Whole(make=make), frame, target="y").passed
    assert ur.check_leaks(Whole(make=make, until=80), frame, target="y").passed
    found = ur.check_leaks(Whole("x", make), frame, target="y")
    assert found.columns == ("x",)
    assert ", and so does its mean." in found.sentence


@pytest.mark.parametrize(
    ("cut", "rows"),
    [(None, 80), (0.5, 50), (date(2020, 2, 1), 31), ("2020-02-01", 31), ("2020-01-31T12:00:00", 31)],
)
def test_the_cut_is_a_stamp_or_a_share(cut, rows):
    frame = table(lengths=(100,), starts=(0,)).drop("s")
    if cut == "2020-01-31T12:00:00":
        frame = frame.with_columns(pl.col("t").cast(pl.Datetime("us", "UTC")))
    assert ur.check_leaks(Whole(until=rows), frame, target="y", cut=cut).passed
    assert not ur.check_leaks(Whole(until=rows + 1), frame, target="y", cut=cut).passed


def test_rows_without_stamps_are_cut_by_their_number():
    frame = table(lengths=(100,), starts=(0,)).drop("s", "t")
    assert ur.check_leaks(Whole(until=30), frame, target="y", cut=30).passed
    found = ur.check_leaks(Whole(until=31), frame, target="y", cut=30)
    assert "from row 30 on" in found.sentence


class Ahead:
    """Reads the covariate x of the day that it forecasts, which is known ahead."""

    def fit(self, frame, cut, target):
        assert target == "y"
        early = frame.filter(pl.col("t") < cut)
        self.weights = np.polyfit(early["x"], early["y"], 1)

    def predict(self, frame):
        ahead = frame.filter(pl.col("y").is_null())
        assert ahead["z"].null_count() == len(ahead) > 0
        return np.polyval(self.weights, ahead["x"])


def test_what_is_known_ahead_may_be_read():
    frame = table(lengths=(100,), starts=(0,)).drop("s")
    assert ur.check_leaks(Ahead(), frame, target="y", future="x").passed


class Random(Whole):
    def predict(self, frame):
        return np.random.default_rng().normal(size=2)


@pytest.mark.parametrize(
    ("forecaster", "options", "words"),
    [
        (object(), {}, "a forecaster has fit(table) and predict(table), and object has no fit; wrap it"),
        (Whole(), {"cut": "2030-01-01"}, "cut has to lie within the table, with rows before and after it"),
        (Whole(), {"cut": "tomorrow"}, "cut is a date, a time stamp or a share such as 0.8, got 'tomorrow'"),
        (Whole(), {"past": ["x"]}, "past is an option of our own Forecaster"),
        (Whole(), {"target": ["y", "x"]}, "is checked on one target, got ['y', 'x']"),
        (Random(), {}, "two fits on the same table forecast differently"),
        (Whole(make=lambda v: []), {}, "predict(table) gave no forecasts"),
        (Whole(make=lambda v: "high"), {}, "gives forecasts as a frame, an array or numbers, got str"),
        (ur.Forecaster(horizon=3), {"pst": ["x"]}, "there is no option 'pst'; nearest: 'past'"),
        (ur.Forecaster(horizon=3), {"cut": date(2020, 1, 9)}, "training reads what comes before 2020-03-11"),
    ],
)
def test_what_cannot_be_checked_is_refused_in_one_line(forecaster, options, words):
    frame = table(lengths=(100,), starts=(0,)).drop("s")
    with pytest.raises((SettingsError, DataError)) as error:
        ur.check_leaks(forecaster, frame, **{"target": "y", **options})
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_rows_without_stamps_want_a_number():
    with pytest.raises(SettingsError, match=r"cut at a whole number, or a share as 0\.8, got '2020-01-01'"):
        ur.check_leaks(Whole(), pl.DataFrame({"y": range(50)}), target="y", cut="2020-01-01")


# ------------------------------------------------------------------------------------------------------------ our own

ONCE = ur.TrainingSettings(epochs=1, threads=1, device="cpu")
OURS: dict[str, Any] = {"horizon": 3, "lookback": LOOKBACK, "hidden": 4, "training": ONCE}
panels: dict[str, Any] = {"target": "y", "series": "s", "time": "t", "fill": "linear"}


def scaler_on_all_data(patch):
    fit = Scaler.fit.__func__
    patch.setattr(Scaler, "fit", classmethod(lambda cls, panel, until, *a, **k: fit(cls, panel, 10**6, *a, **k)))


def shuffled_split(patch):
    windows = Examples.windows

    def shuffled(self, part, *rest):
        every = np.concatenate([windows(self, name).origins for name in ("train", "validation", "test")])
        mixed = np.random.default_rng(0).permutation(every)
        a, b = int(0.7 * len(mixed)), int(0.8 * len(mixed))
        return self.at({"train": mixed[:a], "validation": mixed[a:b], "test": mixed[b:]}[part])

    patch.setattr(Examples, "windows", shuffled)


def centred_fill(patch):
    def centred(panel, until):
        values = panel.values.copy()
        for row, channel in np.argwhere(np.isnan(values)):
            values[row, channel] = np.nanmean(panel.values[max(0, row - 4) : row + 5, channel])
        return values

    patch.setattr(examples_module, "filled", centred)


def interpolation_across_the_cut(patch):
    patch.setattr(examples_module, "filled", lambda panel, until: filled(panel, 10**6))


def with_placed(change):
    def plant(patch):
        placed = panel_module.placed

        def shifted(*args):
            values = placed(*args)
            values[:-1, 1] = change(values)[1:]
            return values

        patch.setattr(panel_module, "placed", shifted)

    return plant


def windows_across_series(patch):
    def across(panel, span, lookback, horizon, *rest):
        position = np.arange(len(panel.values)) - np.repeat(panel.offsets[:-1] - panel.starts, np.diff(panel.offsets))
        rows = np.arange(lookback, len(position) - horizon)
        return rows[(position[rows] >= span[0]) & (position[rows + horizon - 1] < span[1])]

    patch.setattr(examples_module, "origins", across)


PLANTED = {
    "scaler on all data": (scaler_on_all_data, ("y", "x", "z"), "the scaler's centre of 'y'"),
    "shuffled split": (shuffled_split, ("y", "x", "z"), "what training windows read"),
    "centred fill": (centred_fill, ("y",), "the filled values of 'y' before it"),
    "interpolation across the cut": (interpolation_across_the_cut, ("y",), "the filled values of 'y' before it"),
    "future covariate as past": (with_placed(lambda v: v[:, 1]), ("x",), "the filled values of 'x' before it"),
    "target shifted by one": (with_placed(lambda v: v[:, 0]), ("y",), "the filled values of 'x' before it"),
    "windows across series": (windows_across_series, ("y", "x", "z"), "what training windows read"),
}


@pytest.mark.parametrize("leak", PLANTED)
def test_each_leak_planted_in_our_own_is_found_and_a_fit_refused(leak, monkeypatch):
    plant, columns, moved = PLANTED[leak]
    frame = table(gaps="fill" in leak or "interpolation" in leak)
    plant(monkeypatch)
    found = ur.check_leaks(ur.Forecaster(**OURS), frame, **panels)
    assert set(columns) <= set(found.columns) if leak != "future covariate as past" else found.columns == columns
    assert moved in str(found)
    with pytest.raises(DataError) as error:
        ur.Forecaster(**OURS).fit(frame, **panels)
    assert str(error.value).startswith("leak check: training knows values of the test part, from 2020-03-21 on: when ")
    assert repr(columns[0]) in str(error.value)
    assert "\n" not in str(error.value)


def test_weights_chosen_on_test_windows_are_found(monkeypatch):
    windows = Examples.windows
    monkeypatch.setattr(Examples, "windows", lambda self, part: windows(self, "train" if part == "train" else "test"))
    with pytest.raises(DataError, match="when 'y', 'x', 'z' change there, what validation windows read changes"):
        cheap(table(), Columns("y", series="s"))


def test_statistics_that_reach_into_other_series_are_found(monkeypatch):
    fit = Scaler.fit.__func__

    def pooled(cls, panel, *rest, **more):
        own = fit(cls, panel, *rest, **more)
        return Scaler(np.tile(own.centre.mean(axis=0), (2, 1)), own.scale, own.static_centre, own.static_scale)

    monkeypatch.setattr(Scaler, "fit", classmethod(pooled))
    found = ur.check_leaks(ur.Forecaster(**OURS), table(gaps=True), **panels)
    assert found.columns == ()
    assert "when series 's0' is changed, of other series the scaler's centre of 'y'" in found.sentence
    assert [leak.what for leak in found.findings] == ["statistic"]


def configurations():
    rng, n = np.random.default_rng(1), 120
    known = table(lengths=(n, n)).with_columns(
        wind=pl.Series(rng.uniform(0, 360, 2 * n)), holiday=pl.Series(rng.integers(0, 2, 2 * n)), size="s"
    )
    last = pl.col("t") > START + timedelta(days=n - 5)
    ahead = known.with_columns(pl.when(last).then(None).otherwise(c).alias(c) for c in ("y", "x", "z", "wind"))
    one = table(lengths=(n,), starts=(0,)).drop("s")
    gappy = table(lengths=(100, 90, 40), starts=(0, 10, 60), gaps=True)
    holes = gappy.filter((pl.col("t") - START).dt.total_days() % 17 != 3)
    wide = known.pivot(on="s", index="t", values="y")
    base = {"series": "s", "target": "y"}
    for fill in FILLS:
        yield f"gaps {fill}", holes, base | {"fill": fill}, {"lookback": 3}
    for scaling in METHODS:
        yield f"scaling {scaling}", gappy, base | {"fill": "forward"}, {"scaling": scaling}
    yield "one series", one, {"target": "y"}, {}
    yield "rows", one.drop("t"), {"target": "y"}, {}
    yield "rows by stamps", one.sample(fraction=1, shuffle=True, seed=0), {"target": "y", "frequency": "row"}, {}
    yield (
        "months",
        one.with_columns(t=pl.date_range(date(2000, 1, 31), date(2009, 12, 31), "1mo", eager=True)),
        {"target": "y"},
        {},
    )
    zone = pl.datetime_range(pl.datetime(2020, 10, 20), pl.datetime(2020, 11, 1), "1h", eager=True)[:n]
    yield (
        "daylight saving",
        one.with_columns(t=zone.dt.replace_time_zone("UTC").dt.convert_time_zone("Europe/Berlin")),
        {
            "target": "y",
            "calendar": True,
        },
        {},
    )
    yield "text stamps", one.with_columns(pl.col("t").cast(pl.String)), {"target": "y"}, {}
    yield "several targets", known, base | {"target": ["y", "z"], "past": ["x"]}, {"strategy": "recursive"}
    yield "angles, static, calendar", known, base | {"angles": ["wind"], "static": ["size"], "calendar": True}, {}
    yield "known ahead", ahead, base | {"future": ["holiday"], "past": ["x"], "fill": "forward"}, {"model": "seq2seq"}
    yield "wide", wide, {"target": "y", "wide": True}, {}
    yield "only", known, base | {"only": ["s1"]}, {"loss": "quantile", "ensemble": 2}


CONFIGURATIONS = {name: rest for name, *rest in configurations()}


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_our_own_passes_whatever_the_table(name):
    frame, columns, shape = CONFIGURATIONS[name]
    found = ur.check_leaks(ur.Forecaster(**OURS | shape), frame, **columns)
    assert found.passed, found
    assert "what was read, scaled, chosen and forecast before stays the same to the bit" in found.sentence


def cheap(frame, columns: Columns, scaling="standard") -> str:
    pipeline = Pipeline(columns, LOOKBACK, 3, scaling)
    return check_pipeline(pipeline, frame, *pipeline.read(frame))


def test_a_fit_says_that_it_passed():
    said = (
        "Leak check: passed. With every value from 2020-03-21 on changed, what training reads, scales and chooses by "
    )
    fitted = ur.Forecaster(**OURS).fit(table(gaps=True), **panels)
    assert any(note.startswith(said) for note in fitted._result.plan.notes)


@settings(max_examples=25)
@given(
    lengths=st.lists(st.integers(12, 60), min_size=1, max_size=3),
    starts=st.tuples(*[st.integers(0, 85)] * 3),
    fill=st.sampled_from(FILLS),
    scaling=st.sampled_from(METHODS),
    hole=st.integers(2, 60),
)
def test_no_ragged_panel_raises_an_alarm(lengths, starts, fill, scaling, hole):
    frame = table([100, *lengths], [0, *starts[: len(lengths)]])
    day = (pl.col("t") - START).dt.total_days()
    frame = frame.with_columns(
        pl.when(day.is_between(hole, hole + 2)).then(None).otherwise(c).alias(c) for c in ("y", "x")
    )
    assert cheap(frame, Columns("y", series="s", fill=fill), scaling).startswith("Leak check: passed.")


@pytest.mark.parametrize(
    ("frame", "columns", "part"),
    [
        (table(lengths=(300,), starts=(0,)).drop("s"), Columns("y"), "the last 200 steps"),
        (table(lengths=[60] * 10, starts=[0] * 10), Columns("y", series="s"), "3 of 10 series"),
        (table(lengths=[400] * 4, starts=[0] * 4), Columns("y", series="s"), "the last 100 steps of 2 of 4 series"),
        (
            table(lengths=[60] * 10, starts=[0] * 10).pivot(on="s", index="t", values="y"),
            Columns("value", wide=True),
            "3 of 10 series",
        ),
    ],
)
def test_a_large_table_is_checked_in_part(frame, columns, part, monkeypatch):
    monkeypatch.setattr(evidence_module, "MOST_ROWS", 200)
    assert cheap(frame, columns).startswith(f"Leak check: passed ({part}).")
    scaler_on_all_data(monkeypatch)
    with pytest.raises(DataError, match="leak check: training knows values of the test part"):
        cheap(frame, columns)


# ------------------------------------------------------------------------------------------------- what is changed, how


def plain(frame: pl.DataFrame) -> Order:
    return Order.of(frame, frame["t"] if "t" in frame.columns else None, "s" if "s" in frame.columns else None)


@given(seed=st.integers(0, 99), kind=st.sampled_from(KINDS), whole=st.booleans())
def test_only_the_named_cells_change_and_all_of_them(seed, kind, whole):
    rng = np.random.default_rng(seed)
    frame = table(lengths=(30, 20), starts=(0, 5), gaps=True, seed=seed).sample(fraction=1, shuffle=True, seed=seed)
    frame = frame.with_columns(n=pl.Series(rng.integers(1, 1000, 50)), w=pl.Series(rng.choice(["a", "b"], 50)))
    late = rng.random(50) < 0.4
    columns = ["y", "n", "w"] if whole else ["y", "n"]
    other = changed(frame, columns, late, plain(frame), kind, gaps=["y"], whole=whole)
    assert other.filter(pl.Series(~late)).equals(frame.filter(pl.Series(~late)).cast(dict(other.schema)))
    for name in frame.columns:
        if name not in columns:
            assert other[name].equals(frame[name])
    assert (other["y"].is_not_null() & frame["y"].is_null()).sum() == 0
    if kind in ("mixed", "scale", "shift") and late.any():
        y, before = (one["y"].to_numpy()[late] for one in (other, frame))
        there = ~np.isnan(y)
        assert (y[there] != before[there]).all()
        assert (other["n"].to_numpy()[late] > 0).all()
    if whole:
        assert other.schema["n"] == pl.Int64
    assert other.equals(changed(frame, columns, late, plain(frame), kind, gaps=["y"], whole=whole))


def test_each_kind_of_change_is_what_it_is_said_to_be():
    frame = pl.DataFrame({"y": np.random.default_rng(0).normal(size=40)})
    late, y = np.arange(40) >= 20, frame["y"].to_numpy()

    def other(kind):
        return changed(frame, ["y"], late, plain(frame), kind, gaps=["y"])["y"].to_numpy()[20:]

    most = np.abs(y[20:]).max()
    np.testing.assert_array_equal(other("scale"), 1000 * y[20:])
    np.testing.assert_array_equal(other("shift"), y[20:] + 10 * (1 + most))
    np.testing.assert_array_equal(other("constant"), np.full(20, 3 * (1 + most)))
    assert sorted(other("shuffle")) == sorted(y[20:])
    assert (other("shuffle") != y[20:]).any()
    gone = np.isnan(other("missing"))
    assert 0 < gone.sum() < 20
    np.testing.assert_array_equal(other("missing")[~gone], y[20:][~gone])
    assert 0 < np.isnan(other("mixed")).sum() < 20


def test_series_begin_and_end_where_they_did():
    frame = table(lengths=(30, 20), starts=(0, 5))
    other = changed(frame, ["y"], np.ones(50, bool), plain(frame), "missing", gaps=["y"])
    gone = other["y"].is_null().to_numpy()
    assert gone.any()
    assert not gone[[0, 29, 30, 49]].any()


@given(ahead=st.integers(1, 6), slope=st.floats(-5, 5).filter(lambda a: abs(a) > 0.01), seed=st.integers(0, 50))
def test_a_column_that_holds_a_later_target_is_found(ahead, slope, seed):
    rng = np.random.default_rng(seed)
    y = [rng.normal(size=60).cumsum(), rng.normal(size=40)]
    copy = [3 + slope * np.append(own[ahead:], np.full(ahead, np.nan)) for own in y]
    assert copied_ahead(y, copy) == ahead
    assert copied_ahead(y, copy, most=ahead - 1) is None
    assert copied_ahead(copy, y) is None
    assert copied_ahead(y, [own + 0.01 * rng.normal(size=len(own)) for own in copy]) is None


def test_what_repeats_itself_is_no_copy():
    t = np.arange(200.0)
    assert copied_ahead([t], [t]) is None
    season = np.sin(2 * np.pi * t / 12)
    assert copied_ahead([season], [np.sin(2 * np.pi * (t + 3) / 12)]) is None


def test_a_copy_of_the_next_target_in_the_table_is_named():
    frame = table(lengths=(120,), starts=(0,)).drop("s").with_columns(z=2 * pl.col("y").shift(-1))[:-1]
    for forecaster in (Whole(until=95), ur.Forecaster(**OURS)):
        found = ur.check_leaks(forecaster, frame, target="y")
        assert found.columns == ("z",)
        assert found.sentence == "Leak check: failed: column 'z' holds the 'y' of 1 row later."
    notes = ur.Forecaster(**OURS).fit(frame, target="y")._result.plan.notes
    assert notes[-1] == "Column 'z' holds the 'y' of 1 row later: leave it out, unless that is really known by then."


def test_the_forecasts_are_compared_too(monkeypatch):
    """A leak that no tensor shows: the test windows are what they were, and their forecasts aren't."""
    forecast = inside.forecast

    def informed(model, batches):
        batches = list(batches)
        return forecast(model, batches) + float(model_mean[0])

    model_mean = [0.0]
    build = Pipeline.examples

    def remember(self, panel, cuts):
        model_mean[0] = float(np.nanmean(panel.values[-5:, 0]))
        return build(self, panel, cuts)

    monkeypatch.setattr(Pipeline, "examples", remember)
    monkeypatch.setattr(inside, "forecast", informed)
    found = ur.check_leaks(ur.Forecaster(**OURS), table(), **panels)
    assert found.columns == ("y",) or "y" in found.columns
    assert "the forecast made before it by the network" in str(found)
    assert {leak.what for leak in found.findings} == {"forecast"}


def test_the_table_itself_stays_as_it_is():
    frame = table(gaps=True)
    before = frame.clone()
    panel, cuts, lookback = prepared(Columns("y", series="s", fill="linear"), frame, 3, LOOKBACK)
    values = panel.values.copy()
    one = Table.of(Pipeline(Columns("y", series="s", fill="linear"), lookback, 3, "standard"), frame, panel, cuts)
    one.with_future(cuts.validation, one.changing)
    assert frame.equals(before)
    np.testing.assert_array_equal(panel.values, values)


# ------------------------------------------------------- the same by another way: every value wild, other gaps, any cut


def bits(values) -> bytes:
    return np.asarray(values).tobytes()


@st.composite
def worlds(draw):
    """Tables that differ from a day on, wildly and in their gaps; a fill rule, the end of training, and that day."""
    shape = [(draw(st.integers(15, 40)), 0)]
    shape += [(draw(st.integers(3, 40)), draw(st.integers(0, 25))) for _ in range(draw(st.integers(0, 2)))]
    rng, gaps = np.random.default_rng(draw(st.integers(0, 999))), draw(st.sampled_from([0.0, 0.2, 0.5]))
    end = max(length + start for length, start in shape)
    train = draw(st.integers(LOOKBACK + 3, end))
    cut = draw(st.integers(train, end))
    rows = []
    for name, (length, start) in enumerate(shape):
        for day in range(start, start + length):
            edge = day in (start, start + length - 1)
            if edge or rng.random() >= gaps:
                y, x, other_y, other_x = (
                    None if not edge and rng.random() < gaps else float(v) for v in rng.normal(size=4)
                )
                wild = [None if v is None else 1e9 + 1e8 * v for v in (other_y, other_x)]
                rows.append((f"s{name}", START + timedelta(days=day), y, x, *((y, x) if day < cut else wild)))
    frame = pl.DataFrame(rows, schema=["s", "t", "y", "x", "y_", "x_"], orient="row")
    frame = frame.cast(dict.fromkeys(["y", "x", "y_", "x_"], pl.Float64))
    tables = frame.select("s", "t", "y", "x"), frame.select("s", "t", y="y_", x="x_")
    return tables, draw(st.sampled_from(FILLS)), train, cut, end


@settings(max_examples=60)
@given(world=worlds())
def test_nothing_before_a_cut_knows_a_value_after_it(world):
    tables, fill, train, cut, end = world
    columns = Columns("y", time="t", series="s", past=["x"], frequency="1d", fill=fill, masks=())
    results = []
    for frame in tables:
        panel = columns.read(frame)
        position = np.concatenate([a + np.arange(n) for a, n in zip(panel.starts, np.diff(panel.offsets), strict=True)])
        examples = Examples.build(panel, Split(train, cut, end), LOOKBACK, 3)
        seen = observed(panel, (0, train))
        rows = origins(panel, (0, end), LOOKBACK, 3)
        rows = rows[(position[rows] <= cut)]
        first = panel.offsets[np.searchsorted(panel.offsets, rows, side="right") - 1]
        y = np.ascontiguousarray(examples.filled[:, 0])
        own = [panel.names, bits(position), bits(examples.filled[position < cut]), bits(rows)]
        own += [bits(part[seen]) for part in (examples.scaler.centre, examples.scaler.scale)]
        own += [bits(naive_scales(examples, 0)[seen]), bits(naive(y, rows, 3)), bits(drift(y, rows, 3, first))]
        own += [bits(seasonal_naive(y, rows, 3, 7, first)), bits(moving_average(y, rows, 3, 7, first))]
        for part in ("train", "validation"):
            windows = examples.windows(part)
            own += [bits(windows.origins), *(bits(tensor) for batch in windows.batches(7) for tensor in batch)]
        results.append(own)
    assert results[0] == results[1]


def test_a_line_is_never_drawn_to_a_value_after_the_cut(panel_of):
    values = np.array([0.0, np.nan, np.nan, 3.0, np.nan, np.nan, 60.0, np.nan, 90.0])
    panel = panel_of([values], fill="linear")
    np.testing.assert_array_equal(filled(panel, until=5)[:, 0], [0, 1, 2, 3, 3, 3, 60, 60, 90])
    np.testing.assert_array_equal(filled(panel, until=7)[:, 0], [0, 1, 2, 3, 22, 41, 60, 60, 90])


def test_what_comes_after_the_cut_does_not_choose_the_inputs():
    rows = 100
    frame = pl.DataFrame({"y": np.arange(rows) % 7 + 0.5, "flat": [3.0] * rows, "there": np.sin(np.arange(rows))})
    late = pl.int_range(rows) >= 70
    changes = frame.with_columns(
        flat=pl.when(late).then(pl.int_range(rows) * 1.7).otherwise("flat"),
        there=pl.when(late).then(None).otherwise("there"),
    )
    assert prepare(frame, target="y", fill="forward").past == ("there",)
    assert prepare(changes, target="y", fill="forward").past == ("there",)
