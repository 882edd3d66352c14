"""Prediction intervals of a fitted network: what widens them, what they are said to have held, by counts by hand."""

import math
import re
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import unrolled as ur
from unrolled.errors import DataError, SettingsError
from unrolled.series.judging.adaptive import adaptive_quantile
from unrolled.series.judging.intervals import Intervals, Said, calibrate, measure
from unrolled.series.windows.examples import Examples
from unrolled.series.windows.split import Split
from unrolled.series.windows.window import Rows, Windows

SETTINGS = ur.TrainingSettings(epochs=1, threads=1)


def said(levels: np.ndarray, actual: np.ndarray, first: int = 0) -> Said:
    """Forecasts (windows, horizon, target, level) of windows one step apart, and what came (windows, horizon, target):
    made so that window i reads its future from rows of its own."""
    count, horizon, targets = actual.shape
    rows = torch.from_numpy(actual.reshape(-1, targets)).float()
    none, one = torch.zeros(1, 0), torch.ones(1, targets)
    at = np.arange(count) * horizon
    windows = Windows(Rows(rows[:, :1], rows, 0, none, one, one), at, 0 * at, first + np.arange(count), 1, horizon)
    return Said(windows, levels)


def drawn(seed: int, count: int, levels: int = 1, first: int = 0, gaps: float = 0.0, targets: int = 2) -> Said:
    rng = np.random.default_rng(seed)
    found = np.sort(rng.normal(size=(count, 3, targets, levels)), axis=-1)
    actual = rng.normal(size=(count, 3, targets))
    actual[rng.random(actual.shape) < gaps] = np.nan
    return said(found, actual.astype(np.float32), first)


def by_hand(scores: list[float], level: float) -> float:
    """The ⌈(n + 1) level⌉-th smallest of what was observed."""
    known = sorted(one for one in scores if not math.isnan(one))
    return known[math.ceil((len(known) + 1) * level - 1e-9) - 1]


def scores(one: Said, step: int, target: int) -> list[float]:
    low, high = one.levels[:, step, target, 0], one.levels[:, step, target, -1]
    return np.maximum(low - one.actual[:, step, target], one.actual[:, step, target] - high).tolist()


@given(
    seed=st.integers(0, 999),
    count=st.integers(20, 40),
    after=st.integers(1, 30),
    levels=st.sampled_from([1, 3]),
    level=st.sampled_from([0.5, 0.8, 0.9]),
    gaps=st.sampled_from([0.0, 0.2]),
)
def test_what_widens_is_a_quantile_of_the_scores_that_were_seen(adapted, seed, count, after, levels, level, gaps):
    before, test = drawn(seed, count, levels, gaps=gaps), drawn(seed + 1, after, levels, first=count, gaps=gaps)
    split, _ = calibrate(level, "split", [before, test])
    rolling, _ = calibrate(level, "rolling", [before, test])
    assert split.widening.shape == rolling.widening.shape == (2, 3, 2)
    for step in range(3):
        for target in range(2):
            old = scores(before, step, target)
            assert split.widening[0, step, target] == pytest.approx(by_hand(old, level))
            whole, end = old + scores(test, step, target), count + after + 2  # the last window's last value
            reached = adapted(whole, range(count + after), step, level, count, also=[end])
            assert rolling.widening[0, step, target] == reached[end]
    np.testing.assert_array_equal(split.widening[0], split.widening[1])
    assert (split.level, split.method, rolling.method) == (level, "split", "rolling")


def test_split_intervals_never_look_at_the_test_part():
    before = drawn(0, 30)
    one, other = (calibrate(0.9, "split", [before, drawn(seed, 20, first=30)])[0] for seed in (1, 2))
    np.testing.assert_array_equal(one.widening, other.widening)


@settings(max_examples=50)
@given(seed=st.integers(0, 999), levels=st.integers(1, 4), widening=st.floats(-5, 5))
def test_bounds_hold_the_forecast_however_they_were_widened(seed, levels, widening):
    one = drawn(seed, 5, levels)
    lower, upper = Intervals(0.9, "split", np.full((2, 3, 2), widening)).of(one.levels)
    assert (lower <= one.point).all()
    assert (one.point <= upper).all()
    if widening >= 0:
        np.testing.assert_allclose(lower, one.levels[..., 0] - widening)
        np.testing.assert_allclose(upper, one.levels[..., -1] + widening)


@pytest.mark.parametrize("levels", [1, 3])
def test_the_measured_coverage_equals_a_count(panel_of, adapted, levels):
    """Split by one quantile for all; rolling, at each origin, by what was known by then, at its level."""
    rng = np.random.default_rng(0)
    panel = panel_of(
        [np.stack([rng.normal(size=300), 5 + 10 * rng.normal(size=300)], axis=1)], targets=("y", "z"), past=()
    )
    examples = Examples.build(panel, Split(150, 200, 300), lookback=2, horizon=3)
    parts = {}
    for part in ("validation", "test"):
        windows = examples.windows(part)
        parts[part] = Said(windows, np.sort(rng.normal(0, 0.3, (len(windows), 3, 2, levels)), axis=-1))
    before, test = parts["validation"], parts["test"]
    count, level = len(before.windows), 0.8
    intervals, rolled = calibrate(level, "rolling", [before, test])
    actual = examples.actual(test.windows)
    found = measure(intervals, examples.scaler, before, test, actual, np.full((len(test.windows), 2), 2.0))
    assert measure(intervals, examples.scaler, before, test, actual, np.full((len(actual), 2), 2.0), rolled) == found
    for target, own in enumerate(found):
        assert (own["level"], own["used"]) == (level, "rolling")
        centre, scale = examples.scaler.centre[0, target], examples.scaler.scale[0, target]
        for method in ("split", "rolling"):
            inside = np.zeros((len(test.windows), 3))
            widths = []
            for step in range(3):
                old = scores(before, step, target)
                whole, times = old + scores(test, step, target), [*before.windows.times, *test.windows.times]
                widened = adapted(whole, times, step, level, count)
                for i in range(len(test.windows)):
                    q = by_hand(old, level) if method == "split" else widened[test.windows.times[i]]
                    bands, point = test.levels[i, step, target], test.point[i, step, target]
                    low, high = min(bands[0] - q, point), max(bands[-1] + q, point)
                    inside[i, step] = centre + scale * low <= actual[i, step, target] <= centre + scale * high
                    widths.append(scale * (high - low))
            measured = own["methods"][method]
            assert measured["coverage"] == pytest.approx(inside.mean())
            assert measured["by_step"] == pytest.approx(inside.mean(axis=0).tolist())
            assert measured["width"] == pytest.approx(np.mean(widths), rel=1e-5)
            assert measured["MSIS"] == pytest.approx(measured["interval score"] / 2.0)
            assert measured["windows"] == len(test.windows)


def test_too_few_windows_are_refused_and_the_level_that_is_said_works():
    with pytest.raises(DataError) as refused:
        calibrate(0.9, "split", [drawn(0, 8)])
    assert str(refused.value) == (
        "intervals of 90% need at least 9 validation windows to calibrate on, got 8; give a longer table, or a level "
        "of at most 88%"
    )
    for count in range(1, 30):
        try:
            calibrate(0.999, "split", [drawn(0, count)])
        except DataError as error:
            most = re.search(r"at most (\d+)%$", str(error))
        assert most is not None
        assert np.isfinite(calibrate(int(most[1]) / 100, "split", [drawn(0, count)])[0].widening).all()
    gaps = drawn(0, 20)
    gaps.actual[4:, 1, 1] = np.nan
    with pytest.raises(
        DataError,
        match=r"^intervals of 90% need at least 9 validation windows with an observed value at each step; give a table",
    ):
        calibrate(0.9, "split", [gaps])


def test_methods_and_levels_that_there_are_not_are_refused():
    with pytest.raises(SettingsError, match=r"^there are no intervals 'spilt'; nearest: 'split'$"):
        calibrate(0.9, "spilt", [drawn(0, 30)])
    with pytest.raises(
        SettingsError, match=r"^the level of intervals lies between 0 and 1, such as 0\.9 for 90%, got 90$"
    ):
        calibrate(90, "split", [drawn(0, 30)])


# ---- in a forecaster


def noise(count: int = 300, seed: int = 0) -> pl.DataFrame:
    return pl.DataFrame({"y": 50 + np.random.default_rng(seed).normal(size=count)})


def forecaster(**about) -> ur.Forecaster:
    return ur.Forecaster(**{"horizon": 3, "lookback": 8, "hidden": 4, "training": SETTINGS} | about)


@pytest.mark.parametrize("intervals", ["rolling", "split"])
@pytest.mark.parametrize("loss", ["mae", "quantile"])
def test_the_bounds_stand_beside_the_forecast_in_every_run(loss, intervals, tmp_path):
    f = forecaster(loss=loss, intervals=intervals, level=0.8).fit(noise(), target="y")
    ahead = f.predict()
    assert ahead.columns == ["row", "step", "y", "y_lower", "y_upper"]
    assert (ahead["y_lower"] < ahead["y"]).all()
    assert (ahead["y"] < ahead["y_upper"]).all()
    assert 2.5 < (ahead["y_upper"] - ahead["y_lower"]).mean() < 6.0  # the normal's own 80% are 2.6 wide
    held = f.evaluation.intervals
    assert held is not None
    assert (held["level"], held["used"], set(held["methods"])) == (0.8, intervals, {"split", "rolling"})
    assert len(held["methods"]["split"]["by_step"]) == 3
    g = ur.load(f.save(tmp_path / "run"))
    assert_frame_equal(g.predict(), ahead, check_exact=True)
    assert g.evaluation == f.evaluation
    assert_frame_equal(g.predict(noise(40, 1)), f.predict(noise(40, 1)), check_exact=True)


@pytest.mark.parametrize("intervals", ["rolling", "split"])
def test_rolling_intervals_are_computed_once(intervals, monkeypatch):
    asked = []

    def counting(scores, times, level, latest=None):
        asked.append(len(scores))
        return adaptive_quantile(scores, times, level, latest)

    monkeypatch.setattr("unrolled.series.judging.intervals.adaptive_quantile", counting)
    forecaster(level=0.8, intervals=intervals).fit(noise(), target="y")
    assert len(asked) == 1


def test_without_intervals_there_are_no_columns(tmp_path):
    f = forecaster(level=None).fit(noise(), target="y", run=tmp_path / "run")
    assert f.predict().columns == ["row", "step", "y"]
    assert f.evaluation.intervals is None
    assert_frame_equal(ur.load(tmp_path / "run").predict(), f.predict(), check_exact=True)
    assert ur.load(tmp_path / "run").evaluation == f.evaluation


def test_where_there_are_too_few_windows_a_note_says_so_once(tmp_path):
    f = forecaster(level=0.9).fit(noise(100), target="y", run=tmp_path / "run")
    assert f.predict().columns == ["row", "step", "y"]
    note = (
        "No prediction intervals: intervals of 90% need at least 9 validation windows to calibrate on, got 8; give a "
        "longer table, or a level of at most 88%."
    )
    assert f._fitted().plan.notes[-1] == note
    again = ur.Forecaster.resume(tmp_path / "run", noise(100))
    assert again._fitted().plan.notes.count(note) == 1
    assert forecaster(level=0.88).fit(noise(100), target="y").predict().width == 5


def test_gaps_in_the_validation_part_are_no_reason_to_fail_after_training():
    """The latest windows have enough values for rolling intervals, the validation part alone too few."""
    table = noise(200).with_columns(y=pl.when(pl.int_range(200).is_between(142, 158)).then(None).otherwise("y"))
    f = forecaster().fit(table, target="y", fill="forward")
    assert f.predict().columns == ["row", "step", "y"]
    assert any(note.startswith("No prediction intervals: intervals of 90% need") for note in f._fitted().plan.notes)


def test_a_tail_that_grew_calmer_has_narrower_rolling_intervals():
    rng = np.random.default_rng(0)
    table = pl.DataFrame({"y": np.concatenate([rng.normal(0, 5, 240), rng.normal(0, 0.5, 60)])})
    width = {}
    for method in ("rolling", "split"):
        ahead = forecaster(intervals=method).fit(table, target="y").predict()
        width[method] = (ahead["y_upper"] - ahead["y_lower"]).mean()
    assert width["rolling"] < 0.3 * width["split"]


@pytest.mark.parametrize("intervals", ["rolling", "split"])
def test_conformal_quantiles_cover_what_they_promise(intervals):
    """Noise whose size follows a weekly wave, so that a band of one width would be wrong on most days."""
    rng = np.random.default_rng(0)
    t = np.arange(6000)
    y = (1.5 + np.sin(2 * np.pi * t / 7)) * rng.normal(size=6000)
    training = replace(SETTINGS, epochs=8, learning_rate=5e-3)
    f = forecaster(loss="quantile", intervals=intervals, hidden=16, training=training)
    f.fit(pl.DataFrame({"y": y}), target="y")
    held = f.evaluation.intervals
    assert held is not None
    assert 0.87 < held["methods"][intervals]["coverage"] < 0.93
