"""Intervals against loops, exact formulas, and simulations whose true coverage is known."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unrolled.errors import DataError, SettingsError, ShapeError
from unrolled.series import metrics
from unrolled.series.judging.conformal import (
    Interval,
    conformal_quantile,
    measure_coverage,
    needed,
    rolling_interval,
    split_interval,
)

NAN = float("nan")
LEVELS = st.sampled_from([0.5, 0.8, 0.9, 0.95])


@pytest.mark.parametrize(
    ("level", "both", "each"), [(0.5, 1, 3), (0.8, 4, 9), (0.9, 9, 19), (0.95, 19, 39), (0.99, 99, 199)]
)
def test_how_many_scores_are_needed(level, both, each):
    assert (needed(level), needed(level, asymmetric=True)) == (both, each)
    scores = np.arange(float(both))[:, None]
    assert conformal_quantile(scores, level) == both - 1  # the largest
    assert conformal_quantile(scores[1:], level) == np.inf


@settings(deadline=None)
@given(n=st.integers(1, 60), tenths=st.integers(1, 999), seed=st.integers(0, 99))
def test_the_quantile_is_the_exact_order_statistic(n, tenths, seed):
    scores = np.random.default_rng(seed).normal(size=n)
    k = -(-(n + 1) * tenths // 1000)  # ⌈(n + 1) level⌉ in whole numbers
    expected = sorted(scores)[k - 1] if k <= n else np.inf
    holes = np.insert(scores, n // 2, NAN)
    assert conformal_quantile(scores[:, None], tenths / 1000) == expected
    assert conformal_quantile(holes[:, None], tenths / 1000) == expected


@pytest.mark.parametrize(("asymmetric", "cqr"), [(False, False), (True, False), (False, True), (True, True)])
def test_coverage_is_nominal_where_scores_are_exchangeable(asymmetric, cqr):
    """Steps serve as 20,000 independent experiments of 39 scores and one new value each, from a skewed distribution."""
    generator = np.random.default_rng(0)
    scale = generator.uniform(0.5, 3, size=(40, 20_000))  # a model's quantiles know it, but are too narrow
    y = scale * (generator.exponential(size=scale.shape) - 1)
    band = (-0.5 * scale, 0.2 * scale) if cqr else (0 * scale, 0 * scale)
    before, new = tuple(b[:39] for b in band), tuple(b[39:] for b in band)
    for level in (0.5, 0.8, 0.9):
        interval = split_interval(new, before, y[:39], level, asymmetric)
        side = (1 + level) / 2 if asymmetric else level
        missed = 1 - math.ceil(40 * side - 1e-9) / 40
        exact = 1 - 2 * missed if asymmetric else 1 - missed
        held = metrics.coverage(y[39:], *interval)
        assert held == pytest.approx(exact, abs=4 * (exact * (1 - exact) / 20_000) ** 0.5)
        if asymmetric:
            assert np.mean(y[39:] < interval.lower) == pytest.approx(missed, abs=0.007)


def test_conformalised_quantiles_are_narrow_where_the_noise_is_small():
    generator = np.random.default_rng(1)
    scale = np.repeat([[0.5], [5.0]], 500, axis=0)[generator.permutation(1000)]
    y = scale * generator.normal(size=(1000, 1))
    band = (-1.2 * scale, 1.2 * scale)
    before, new = tuple(b[:500] for b in band), tuple(b[500:] for b in band)
    interval = split_interval(new, before, y[:500], 0.9)
    width = interval.upper - interval.lower
    assert width[scale[500:] == 0.5].mean() < 0.5 * width[scale[500:] == 5.0].mean()
    plain = split_interval(np.zeros((500, 1)), np.zeros((500, 1)), y[:500], 0.9)
    assert np.ptp(plain.upper - plain.lower) == 0


@settings(deadline=None)
@given(seed=st.integers(0, 99), level=LEVELS, asymmetric=st.booleans(), cqr=st.booleans())
def test_split_intervals_equal_a_loop(seed, level, asymmetric, cqr):
    generator = np.random.default_rng(seed)
    y, before, forecast = generator.normal(size=(45, 3)), generator.normal(size=(45, 3)), generator.normal(size=(4, 3))
    wide = generator.uniform(0, 1) * cqr
    interval = split_interval(
        (forecast - wide, forecast + wide) if cqr else forecast,
        (before - wide, before + wide) if cqr else before,
        *(y, level, asymmetric),
    )
    for h in range(3):
        if asymmetric:
            k = math.ceil(46 * (1 + level) / 2 - 1e-9)
            low, up = sorted(before[:, h] - wide - y[:, h])[k - 1], sorted(y[:, h] - before[:, h] - wide)[k - 1]
        else:
            low = up = sorted(np.abs(y[:, h] - before[:, h]) - wide)[math.ceil(46 * level - 1e-9) - 1]
        np.testing.assert_allclose(interval.lower[:, h], forecast[:, h] - wide - low, rtol=1e-9)
        np.testing.assert_allclose(interval.upper[:, h], forecast[:, h] + wide + up, rtol=1e-9)


def test_an_interval_that_would_turn_over_is_its_middle():
    y, band = np.full((9, 1), 5.0), (np.zeros((9, 1)), np.full((9, 1), 10.0))
    interval = split_interval((np.array([[0.0]]), np.array([[4.0]])), band, y, 0.9)  # Q is -5
    assert interval == Interval(np.array([[2.0]]), np.array([[2.0]]))


# Rolling


@settings(deadline=None)
@given(
    seed=st.integers(0, 999),
    windows=st.integers(1, 40),
    latest=st.sampled_from([None, 9, 15]),
    adapt=st.sampled_from([0.0, 0.05]),
    level=st.sampled_from([0.5, 0.8]),
)
def test_rolling_intervals_equal_a_loop(adapted, seed, windows, latest, adapt, level):
    generator = np.random.default_rng(seed)
    times = generator.integers(0, 30, size=windows)
    forecast, actual = generator.normal(size=(2, windows, 3))
    actual[generator.random(actual.shape) < 0.1] = NAN
    interval = rolling_interval(forecast, actual, times, level, latest, adapt=adapt)
    scores = np.abs(actual - forecast).T.tolist()
    by_step = [adapted(own, times.tolist(), h, level, latest, adapt) for h, own in enumerate(scores)]
    expected = np.array([[own[time] for own in by_step] for time in times.tolist()])
    np.testing.assert_allclose(interval.upper - forecast, expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(forecast - interval.lower, expected, rtol=1e-9, atol=1e-12)


@settings(deadline=None)
@given(
    seed=st.integers(0, 999),
    now=st.integers(0, 29),
    asymmetric=st.booleans(),
    adapt=st.sampled_from([0.0, 0.05]),
    latest=st.sampled_from([None, 4]),
)
def test_what_is_not_yet_known_reaches_nothing(seed, now, asymmetric, adapt, latest):
    generator = np.random.default_rng(seed)
    times, h = generator.permutation(30), np.arange(4)
    forecast, actual = generator.normal(size=(2, 30, 4))
    options = {"level": 0.5, "latest": latest, "asymmetric": asymmetric, "adapt": adapt}
    interval = rolling_interval(forecast, actual, times, **options)
    unknown = times[:, None] + h >= now  # the stamp of each actual value; at `now` it is only being forecast
    changed = rolling_interval(
        forecast, np.where(unknown, 1e6 * generator.normal(size=(30, 4)), actual), times, **options
    )
    for before, after in zip(interval, changed, strict=True):
        np.testing.assert_array_equal(before[times <= now], after[times <= now])


@settings(deadline=None)
@given(seed=st.integers(0, 99), factor=st.floats(0.01, 100), shift=st.floats(-100, 100), asymmetric=st.booleans())
def test_laws_of_scale_and_level(seed, factor, shift, asymmetric):
    generator = np.random.default_rng(seed)
    forecast, actual = generator.normal(size=(2, 60, 2))
    times, new = np.arange(60), generator.normal(size=(3, 2))

    def both(unit, zero, level):
        f, y = unit * forecast + zero, unit * actual + zero
        split = split_interval(unit * new + zero, f, y, level, asymmetric)
        return *split, *rolling_interval(f, y, times, level, asymmetric=asymmetric)

    plain = both(1.0, 0.0, 0.8)
    for ours, scaled in zip(plain, both(factor, shift, 0.8), strict=True):
        np.testing.assert_allclose(scaled, factor * ours + shift, rtol=1e-6, atol=1e-6)
    wider = both(1.0, 0.0, 0.9)
    assert all((wider[i] <= plain[i]).all() for i in (0, 2))
    assert all((wider[i] >= plain[i]).all() for i in (1, 3))


def test_rolling_coverage_holds_in_a_drift_that_split_intervals_do_not_survive():
    generator = np.random.default_rng(2)
    growing = np.linspace(1, 4, 2000)[:, None]
    y, times = growing * generator.normal(size=(2000, 3)), np.arange(2000)
    zero = np.zeros_like(y)
    fixed = split_interval(zero[400:], zero[:400], y[:400], 0.9)
    rolling = rolling_interval(zero, y, times, 0.9, latest=400, adapt=0)
    adaptive = rolling_interval(zero, y, times, 0.9, latest=400)
    assert metrics.coverage(y[400:], *fixed) < 0.75
    recent, followed = (Interval(own.lower[400:], own.upper[400:]) for own in (rolling, adaptive))
    assert all(0.84 < share < 0.89 for share in measure_coverage(y[400:], recent, 0.9).by_step)
    assert all(0.89 < share < 0.91 for share in measure_coverage(y[400:], followed, 0.9).by_step)


def test_the_first_intervals_are_infinite_and_nothing_is_nan():
    actual = np.random.default_rng(3).normal(size=(30, 2))
    interval = rolling_interval(np.zeros((30, 2)), actual, np.arange(30), 0.9)
    assert np.isinf(interval.upper).sum(axis=0).tolist() == [9, 10]  # step 2 is known one step later
    assert not np.isnan(interval).any()


def test_measured_coverage():
    y = np.array([[1.0, 5.0], [2.0, NAN], [3.0, 0.5], [9.0, 0.0]])
    found = measure_coverage(y, Interval(np.zeros((4, 2)), np.full((4, 2), 4.0)), 0.9)
    assert (found.overall, found.by_step, found.n) == (5 / 7, (0.75, 2 / 3), 7)
    assert found.sentence == (
        "Intervals of 90% held 71.4% of 7 actual values, from 66.7% at step 2 to 75.0% at step 1."
    )
    alone = measure_coverage(y[:, :1], Interval(np.zeros((4, 1)), np.full((4, 1), 4.0)), 0.8)
    assert alone.sentence == "Intervals of 80% held 75.0% of 4 actual values."


def test_errors():
    y = np.ones((8, 2))
    with pytest.raises(
        DataError, match=r"^intervals of 90% need at least 9 windows .* got 8 for step 1; .* below 88.9%"
    ):
        split_interval(y, y, y, 0.9)
    holes = np.where(np.arange(2) == 1, NAN, y)
    with pytest.raises(
        DataError, match=r"asymmetric intervals of 80% need at least 9 .* got 8 for step 1; .* below 77.8%"
    ):
        split_interval(y, y, y, 0.8, asymmetric=True)
    with pytest.raises(DataError, match=r"at least 1 windows .* got 0 for step 2; .* below 0.0%"):
        split_interval(y, y, holes, 0.5)
    with pytest.raises(ShapeError, match=r"\(windows, horizon\) alike, got \(8, 2\), \(8, 2\) and \(8, 1\)"):
        split_interval(y, y, y[:, :1], 0.5)
    with pytest.raises(ShapeError, match=r"must be \(windows, 2\), .* got \(8, 1\) and \(8, 1\); calibrate"):
        split_interval(y[:, :1], y, y, 0.5)
    with pytest.raises(DataError, match=r"8 of 16 forecasts to calibrate on are NaN where there is an actual value"):
        split_interval(y, holes, y, 0.5)
    for level in (0, 1, 90):
        with pytest.raises(SettingsError, match=f"between 0 and 1, such as 0.9 for 90%, got {level}"):
            split_interval(y, y, y, level)
    with pytest.raises(
        ShapeError, match=r"forecasts \(8, 2\) need one time a window, got \(7,\); it is that of the first"
    ):
        rolling_interval(y, y, np.arange(7), 0.5)
    with pytest.raises(SettingsError, match=r"90% need the latest 9 scores or more, got 5; .* below 83.3%"):
        rolling_interval(y, y, np.arange(8), 0.9, latest=5)
    with pytest.raises(SettingsError, match=r"adaptation goes from 0 \(none\) up, usually to 0.05, got -1"):
        rolling_interval(y, y, np.arange(8), 0.5, adapt=-1)
    with pytest.raises(DataError, match="coverage needs actual values, got none that was observed"):
        measure_coverage(holes[:, 1:], Interval(y[:, 1:], y[:, 1:]), 0.9)
