"""How good quantile forecasts and prediction intervals are: are they true, are they narrow, and both in one number.

``level`` is the share of actual values that an interval is meant to hold, its nominal coverage, between 0 and 1; for a
single quantile, the share meant to lie below it.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from unrolled.errors import DataError, SettingsError
from unrolled.series.metrics.observed import Axis, beside, mean_observed, pair
from unrolled.series.metrics.scaled import divisor


def pinball(actual: ArrayLike, forecast: ArrayLike, level: ArrayLike, axis: Axis = None) -> Any:
    """Quantile loss, mean max(τ (y - q), (τ - 1) (y - q)), in the unit of the data; smallest for the true τ-quantile.

    ``forecast`` is the quantile q at ``level`` τ; τ is one number, or an array that broadcasts to the shape of
    ``actual``. At τ = 0.5 it is half the mean absolute error.

    >>> pinball([10.0, 10.0], [8.0, 12.0], level=0.9)
    1.0

    Raises ShapeError when the shapes of actual and forecast differ, SettingsError when a level is not between 0 and 1.

    Source: Koenker & Bassett 1978, "Regression quantiles".
    """
    actual, forecast = pair(actual, forecast)
    level = beside(_checked(level), actual, "level")
    error = actual - forecast
    return mean_observed(np.maximum(level * error, (level - 1) * error), actual, axis)


def coverage(actual: ArrayLike, lower: ArrayLike, upper: ArrayLike, axis: Axis = None) -> Any:
    """Share of the actual values inside their interval, mean of l ≤ y ≤ u, from 0 to 1: to compare with the nominal.

    >>> coverage([1.0, 2.0, 3.0, 9.0], [0.0, 0.0, 3.0, 0.0], [4.0, 4.0, 4.0, 4.0])
    0.75

    Raises ShapeError when the shapes differ, DataError when a lower bound lies above its upper bound.
    """
    actual, lower, upper = _band(actual, lower, upper)
    inside = np.where(np.isnan(lower) | np.isnan(upper), np.nan, (lower <= actual) & (actual <= upper))
    return mean_observed(inside, actual, axis)


def interval_width(actual: ArrayLike, lower: ArrayLike, upper: ArrayLike, axis: Axis = None) -> Any:
    """Mean width u - l where there is an actual value, in the unit of the data: narrow is good if the coverage holds.

    >>> interval_width([1.0, float("nan"), 3.0], [0.0, 0.0, 1.0], [2.0, 90.0, 5.0])
    3.0

    Raises ShapeError when the shapes differ, DataError when a lower bound lies above its upper bound.
    """
    actual, lower, upper = _band(actual, lower, upper)
    return mean_observed(upper - lower, actual, axis)


def interval_score(actual: ArrayLike, lower: ArrayLike, upper: ArrayLike, level: float, axis: Axis = None) -> Any:
    """Mean of (u - l) + 2/α max(l - y, 0) + 2/α max(y - u, 0), in the unit of the data, with α = 1 - level.

    The width, and a penalty for what lies outside; smallest in the mean for the true α/2 and 1 - α/2 quantiles.

    >>> interval_score([5.0, 11.0], [0.0, 0.0], [10.0, 10.0], level=0.9)
    20.0

    Raises ShapeError when the shapes differ, DataError when a lower bound lies above its upper bound, SettingsError
    when the level is not between 0 and 1.

    Source: Gneiting & Raftery 2007, "Strictly proper scoring rules, prediction, and estimation", equation 43.
    """
    actual, lower, upper = _band(actual, lower, upper)
    return mean_observed(_score(actual, lower, upper, level), actual, axis)


def msis(
    actual: ArrayLike, lower: ArrayLike, upper: ArrayLike, scale: ArrayLike, level: float = 0.95, axis: Axis = None
) -> Any:
    """Mean scaled interval score: :func:`interval_score` / scale, without a unit; M4 takes level 0.95.

    ``scale`` is :func:`naive_scale` of the training part, as for :func:`mase`.

    >>> msis([5.0, 11.0], [0.0, 0.0], [10.0, 10.0], scale=4.0, level=0.9)
    5.0

    Raises what :func:`interval_score` raises, and ShapeError when the scale doesn't broadcast to the actual values.

    Source: Makridakis, Spiliotis & Assimakopoulos 2020, "The M4 Competition: 100,000 time series and 61 forecasting
    methods".
    """
    actual, lower, upper = _band(actual, lower, upper)
    return mean_observed(_score(actual, lower, upper, level) / divisor(scale, actual), actual, axis)


def _score(actual: np.ndarray, lower: np.ndarray, upper: np.ndarray, level: float) -> np.ndarray:
    penalty = 2 / (1 - float(_checked(level)))
    return (upper - lower) + penalty * (np.maximum(lower - actual, 0) + np.maximum(actual - upper, 0))


def _band(actual: ArrayLike, lower: ArrayLike, upper: ArrayLike) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    actual, lower = pair(actual, lower)
    _, upper = pair(actual, upper)
    crossed = int(np.sum(lower > upper))
    if crossed:
        raise DataError(
            f"the lower bound must not lie above the upper bound, got {crossed} of {lower.size} intervals the wrong "
            "way round; sort the two bounds"
        )
    return actual, lower, upper


def _checked(level: ArrayLike) -> np.ndarray:
    level = np.asarray(level, dtype=float)
    if not np.all((level > 0) & (level < 1)):
        raise SettingsError(f"a level lies between 0 and 1, such as 0.9 for 90%, got {level}")
    return level
