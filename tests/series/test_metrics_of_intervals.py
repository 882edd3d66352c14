"""Quantile and interval metrics against values by hand, scikit-learn, scoringrules, utilsforecast, and their laws."""

import numpy as np
import polars as pl
import pytest
import utilsforecast.losses
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import mean_pinball_loss

from unrolled.errors import DataError, SettingsError, ShapeError
from unrolled.series import metrics

NAN = float("nan")
SHAPE = (3, 4)
values = arrays(float, SHAPE, elements=st.integers(-(10**6), 10**6).map(lambda n: n / 1000))
widths = arrays(float, SHAPE, elements=st.integers(0, 10**6).map(lambda n: n / 1000))
levels = st.sampled_from([0.05, 0.5, 0.8, 0.95])

Y = np.array([5.0, 11.0, -2.0, 7.5])
LOWER, UPPER = np.array([0.0, 1.0, 0.0, 7.0]), np.array([10.0, 10.0, 3.0, 9.0])


def test_equal_scoringrules():
    # interval_score and quantile_score of scoringrules 0.10.0, at α = 0.1 and levels 0.1, 0.5 and 0.9.
    theirs = [metrics.interval_score(Y[[i]], LOWER[[i]], UPPER[[i]], level=0.9) for i in range(4)]
    np.testing.assert_allclose(theirs, [10.0, 29.0, 43.0, 2.0], rtol=1e-12)
    assert metrics.interval_score(Y, LOWER, UPPER, level=0.9) == pytest.approx(21.0, rel=1e-12)
    quantiles = [metrics.pinball(Y, LOWER, level) for level in (0.1, 0.5, 0.9)]
    np.testing.assert_allclose(quantiles, [0.8375, 2.1875, 3.5375], rtol=1e-12)


def test_values_by_hand():
    assert metrics.coverage(Y, LOWER, UPPER) == 0.5
    assert metrics.coverage([0.0, 10.0], [0.0, 0.0], [10.0, 10.0]) == 1  # bounds belong to the interval
    assert metrics.interval_width(Y, LOWER, UPPER) == 6
    assert metrics.msis(Y, LOWER, UPPER, scale=3.0, level=0.9) == pytest.approx(7.0)
    # M4's level is 95%, so a miss costs 40 times its size: widths 10, 9, 3, 2, misses 1 and 2.
    assert metrics.msis(Y, LOWER, UPPER, scale=2.0) == pytest.approx((24 + 40 * 3) / 4 / 2)


@settings(deadline=None)
@given(actual=values, forecast=values, level=levels)
def test_pinball_equals_scikit_learn(actual, forecast, level):
    expected = mean_pinball_loss(actual.ravel(), forecast.ravel(), alpha=level)
    assert metrics.pinball(actual, forecast, level) == pytest.approx(expected, rel=1e-9, abs=1e-12)
    half = metrics.mae(actual, forecast, axis=0) / 2
    np.testing.assert_allclose(metrics.pinball(actual, forecast, 0.5, axis=0), half, rtol=1e-12)


def test_equal_utilsforecast():
    generator = np.random.default_rng(0)
    actual = generator.normal(size=(3, 8))
    lower, upper = actual - generator.normal(size=(3, 8)) - 1, actual + generator.exponential(size=(3, 8))
    lower, upper = np.minimum(lower, upper), np.maximum(lower, upper)
    series, steps = np.indices(actual.shape)
    columns = {"unique_id": series, "ds": steps, "y": actual, "model-lo-80": lower, "model-hi-80": upper}
    frame = pl.DataFrame({name: column.ravel() for name, column in columns.items()})
    theirs = utilsforecast.losses.coverage(frame, ["model"], level=80).sort("unique_id")["model"].to_numpy()
    np.testing.assert_allclose(metrics.coverage(actual, lower, upper, axis=1), theirs, rtol=1e-12)
    theirs = utilsforecast.losses.quantile_loss(frame, {"model-lo-80": "model-lo-80"}, q=0.1).sort("unique_id")
    ours = metrics.pinball(actual, lower, 0.1, axis=1)
    np.testing.assert_allclose(ours, theirs["model-lo-80"].to_numpy(), rtol=1e-12)


@settings(deadline=None)
@given(actual=values, lower=values, width=widths, level=levels)
def test_the_interval_score_is_the_sum_of_two_pinball_losses(actual, lower, width, level):
    upper, alpha = lower + width, 1 - level
    both = metrics.pinball(actual, lower, alpha / 2) + metrics.pinball(actual, upper, 1 - alpha / 2)
    assert metrics.interval_score(actual, lower, upper, level) == pytest.approx(both * 2 / alpha, rel=1e-9, abs=1e-9)


@settings(deadline=None)
@given(actual=values, lower=values, width=widths, factor=st.floats(0.01, 100), more=st.floats(0, 10))
def test_laws(actual, lower, width, factor, more):
    upper = lower + width
    ours = metrics.interval_score(actual, lower, upper, 0.9)
    scaled = metrics.interval_score(factor * actual, factor * lower, factor * upper, 0.9)
    assert scaled == pytest.approx(factor * ours, rel=1e-6, abs=1e-9)
    assert metrics.msis(actual, lower, upper, factor, 0.9) == pytest.approx(ours / factor, rel=1e-9)
    assert metrics.coverage(actual, lower - more, upper + more) >= metrics.coverage(actual, lower, upper)
    assert ours >= metrics.interval_width(actual, lower, upper) >= 0
    assert metrics.pinball(actual, actual, 0.3) == 0


def test_the_true_quantiles_have_the_best_scores():
    y = np.sort(np.random.default_rng(1).normal(size=4001))
    at = np.linspace(-3, 3, 121)
    pinball = [metrics.pinball(y, np.full_like(y, q), 0.9) for q in at]
    assert at[np.argmin(pinball)] == pytest.approx(1.2816, abs=0.1)
    score = [metrics.interval_score(y, np.full_like(y, -q), np.full_like(y, q), 0.8) for q in at[at >= 0]]
    assert at[at >= 0][np.argmin(score)] == pytest.approx(1.2816, abs=0.1)


FUNCTIONS = {
    "pinball": lambda y, low, up, axis=None: metrics.pinball(y, up, 0.9, axis=axis),
    "coverage": metrics.coverage,
    "width": metrics.interval_width,
    "score": lambda y, low, up, axis=None: metrics.interval_score(y, low, up, 0.9, axis=axis),
    "msis": lambda y, low, up, axis=None: metrics.msis(y, low, up, 2.0, axis=axis),
}


@pytest.mark.parametrize("metric", FUNCTIONS.values(), ids=FUNCTIONS.keys())
@pytest.mark.filterwarnings("error")
def test_the_unobserved_count_for_nothing_and_a_missing_bound_is_not_forgiven(metric):
    gone = np.array([False, True, False, False])
    alone = metric(Y[~gone], LOWER[~gone], UPPER[~gone])
    assert metric(np.where(gone, NAN, Y), LOWER, UPPER) == pytest.approx(alone)
    assert metric(np.where(gone, NAN, Y), np.where(gone, NAN, LOWER), np.where(gone, NAN, UPPER)) == pytest.approx(
        alone
    )
    assert np.isnan(metric(Y, LOWER, np.where(gone, NAN, UPPER)))
    assert np.isnan(metric(np.array([[NAN], [1.0]]), np.zeros((2, 1)), np.ones((2, 1)), axis=1)).tolist() == [
        True,
        False,
    ]


def test_infinite_intervals_hold_everything_and_cost_everything():
    infinite = np.full(4, np.inf)
    assert metrics.coverage(Y, -infinite, infinite) == 1
    assert metrics.interval_score(Y, -infinite, infinite, 0.9) == np.inf


def test_errors():
    with pytest.raises(
        DataError, match=r"must not lie above the upper bound, got 2 of 4 intervals the wrong way round"
    ):
        metrics.coverage(Y, [0.0, 1.0, 9.0, 9.5], UPPER)
    with pytest.raises(SettingsError, match=r"between 0 and 1, such as 0.9 for 90%, got 90"):
        metrics.interval_score(Y, LOWER, UPPER, level=90)
    with pytest.raises(SettingsError, match=r"between 0 and 1, such as 0.9 for 90%, got \[0.1 1. \]"):
        metrics.pinball(Y, LOWER, level=[0.1, 1.0])
    with pytest.raises(ShapeError, match=r"the level must broadcast .* got \(2,\) beside \(4,\)"):
        metrics.pinball(Y, LOWER, level=[0.1, 0.9])
    with pytest.raises(ShapeError, match=r"must have one shape, got \(4,\) and \(1, 4\)"):
        metrics.interval_width(Y, LOWER, UPPER[None])
    with pytest.raises(ShapeError, match=r"the scale must broadcast"):
        metrics.msis(Y, LOWER, UPPER, scale=[1.0, 2.0])
