"""Conformal intervals where the true quantiles are known: the bounds go to them, and each step holds its share."""

import numpy as np
import pytest
from scipy.stats import expon, norm

from unrolled.series import metrics
from unrolled.series.judging.conformal import rolling_interval, split_interval

SPREAD = np.array([0.5, 1.0, 2.0, 4.0])  # of each step ahead
N = 40_000


def near(shares: np.ndarray, level: float) -> bool:
    """Four standard errors of a share: of the new values, and of as many scores that the bounds come from."""
    return bool((np.abs(shares - level) < 4 * (2 * level * (1 - level) / N) ** 0.5).all())


@pytest.mark.parametrize("level", [0.5, 0.8, 0.95])
def test_the_bounds_of_a_point_forecast_are_the_true_quantiles(level):
    y = np.random.default_rng(0).normal(size=(2, N, 4)) * SPREAD
    zero = np.zeros((N, 4))
    interval = split_interval(zero, zero, y[0], level)
    true = norm.ppf((1 + level) / 2) * SPREAD
    np.testing.assert_allclose(interval.upper[0], true, rtol=0.03)
    np.testing.assert_allclose(interval.lower[0], -true, rtol=0.03)
    assert near(metrics.coverage(y[1], *interval, axis=0), level)


@pytest.mark.parametrize("level", [0.5, 0.8, 0.95])
def test_each_side_of_a_skewed_distribution_has_its_own_true_quantile(level):
    y = np.random.default_rng(1).exponential(size=(2, N, 4)) * SPREAD
    zero = np.zeros((N, 4))
    interval = split_interval(zero, zero, y[0], level, asymmetric=True)
    np.testing.assert_allclose(interval.lower[0], expon.ppf((1 - level) / 2) * SPREAD, rtol=0.1)
    np.testing.assert_allclose(interval.upper[0], expon.ppf((1 + level) / 2) * SPREAD, rtol=0.05)
    assert near(metrics.coverage(y[1], *interval, axis=0), level)


@pytest.mark.parametrize("level", [0.5, 0.8, 0.95])
def test_the_true_quantiles_are_left_as_they_are(level):
    """A model whose quantiles are those of each value's own distribution has nothing to be corrected."""
    random = np.random.default_rng(2)
    scale = random.uniform(0.2, 3, size=(2, N, 4)) * SPREAD
    y, true = random.normal(size=scale.shape) * scale, norm.ppf((1 + level) / 2) * scale
    interval = split_interval((-true[1], true[1]), (-true[0], true[0]), y[0], level)
    np.testing.assert_allclose(interval.upper - true[1], np.zeros_like(true[1]), atol=0.05 * SPREAD.max())
    assert near(metrics.coverage(y[1], *interval, axis=0), level)


def test_rolling_intervals_find_the_true_quantiles_of_what_came_last():
    """The spread triples half-way: afterwards the latest scores are all of the new distribution."""
    spread = np.repeat([1.0, 3.0], 3000)[:, None]
    y = np.random.default_rng(3).normal(size=(6000, 2)) * spread
    interval = rolling_interval(np.zeros_like(y), y, np.arange(6000), 0.9, latest=1000)
    for part, scale in ((slice(2000, 3000), 1.0), (slice(5000, 6000), 3.0)):
        assert np.mean(interval.upper[part]) == pytest.approx(norm.ppf(0.95) * scale, rel=0.05)
        assert metrics.coverage(y[part], interval.lower[part], interval.upper[part]) == pytest.approx(0.9, abs=0.03)
