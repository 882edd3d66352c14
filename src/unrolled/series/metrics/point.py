"""Errors of point forecasts in the unit of the data, and against the mean and the last value."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from unrolled.series.metrics.observed import Axis, beside, mean_observed, pair, ratio


def mae(actual: ArrayLike, forecast: ArrayLike, axis: Axis = None) -> Any:
    """Mean absolute error, mean |y - ŷ|, in the unit of the data.

    >>> mae([1.0, 2.0, float("nan")], [1.0, 4.0, 9.0])
    1.0

    Raises ShapeError when the two shapes differ.
    """
    actual, forecast = pair(actual, forecast)
    return mean_observed(np.abs(actual - forecast), actual, axis)


def rmse(actual: ArrayLike, forecast: ArrayLike, axis: Axis = None) -> Any:
    """Root mean squared error, √ mean (y - ŷ)², in the unit of the data.

    >>> rmse([0.0, 0.0], [3.0, -3.0])
    3.0

    Raises ShapeError when the two shapes differ.
    """
    actual, forecast = pair(actual, forecast)
    mean = np.sqrt(mean_observed(np.square(actual - forecast), actual, axis))
    return float(mean) if axis is None else mean


def r2(actual: ArrayLike, forecast: ArrayLike, axis: Axis = None) -> Any:
    """Coefficient of determination, 1 - Σ (y - ŷ)² / Σ (y - ȳ)²: 1 is perfect, 0 no better than the mean ȳ.

    ȳ is the mean of the observed actual values over ``axis``, which no forecaster knew: a series with a trend makes
    R² high for any forecast that follows it. NaN where the actual values are all the same.

    >>> r2([1.0, 2.0, 3.0], [1.0, 2.0, 4.0])
    0.5

    Raises ShapeError when the two shapes differ.
    """
    actual, forecast = pair(actual, forecast)
    observed = ~np.isnan(actual)
    count = np.maximum(np.sum(observed, axis=axis, keepdims=True), 1)
    mean = np.sum(actual, axis=axis, keepdims=True, where=observed) / count
    around = np.sum(np.square(actual - mean), axis=axis, where=observed)
    # What rounding leaves of a constant is no variation.
    size = np.sum(np.square(actual), axis=axis, where=observed)
    around = np.where(around > 1e-24 * size, around, 0)
    left = ratio(np.sum(np.square(actual - forecast), axis=axis, where=observed), around, axis)
    return 1 - left


def directional_accuracy(actual: ArrayLike, forecast: ArrayLike, last: ArrayLike, axis: Axis = None) -> Any:
    """Share of the steps whose direction is right: sign(ŷ - y_T) = sign(y - y_T), from 0 to 1; a coin has 0.5.

    ``last`` is y_T, the last value known when forecasting, one number or an array that broadcasts to the shape of
    ``actual`` (``(windows, 1)`` beside ``(windows, horizon)``). Steps where the actual value equals it, or where it is
    NaN, have no direction and are left out. A forecast that equals it names none, and is wrong: the naive forecast
    has 0.

    >>> directional_accuracy([[3.0, 1.0, 2.0]], [[2.5, 2.5, 7.0]], last=[[2.0]])
    0.5

    Raises ShapeError when the shapes of actual and forecast differ, or the last values don't broadcast to them.
    """
    actual, forecast = pair(actual, forecast)
    last = beside(last, actual, "last value")
    up = np.sign(actual - last)
    right = np.where(np.isnan(forecast), np.nan, np.sign(forecast - last) == up)
    return mean_observed(right, np.where(up == 0, np.nan, up), axis)
