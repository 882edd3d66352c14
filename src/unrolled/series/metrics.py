"""Forecast errors, on the scale of the data.

Every function takes the actual values and the forecasts as arrays of one shape, averages over ``axis`` as numpy does
(all axes by default), and returns a float, or an array over the axes that stay. NaN in ``actual`` means that the value
was not observed: it is left out. NaN in ``forecast`` where there is an actual value makes the result NaN: a forecast
that is missing is not forgiven. Where nothing was observed the result is NaN.

Source: Hyndman & Koehler 2006, "Another look at measures of forecast accuracy", which introduces MASE.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from unrolled.errors import SettingsError, ShapeError

Axis = int | tuple[int, ...] | None

NEAR_ZERO = 0.01  # of the typical size; there, an error of a tenth of the typical size already counts as 1,000%


def mae(actual: ArrayLike, forecast: ArrayLike, axis: Axis = None) -> Any:
    """Mean absolute error, mean |y - ŷ|, in the unit of the data.

    >>> mae([1.0, 2.0, float("nan")], [1.0, 4.0, 9.0])
    1.0

    Raises ShapeError when the two shapes differ.
    """
    actual, forecast = _pair(actual, forecast)
    return _mean_observed(np.abs(actual - forecast), actual, axis)


def rmse(actual: ArrayLike, forecast: ArrayLike, axis: Axis = None) -> Any:
    """Root mean squared error, √ mean (y - ŷ)², in the unit of the data.

    >>> rmse([0.0, 0.0], [3.0, -3.0])
    3.0

    Raises ShapeError when the two shapes differ.
    """
    actual, forecast = _pair(actual, forecast)
    mean = np.sqrt(_mean_observed(np.square(actual - forecast), actual, axis))
    return float(mean) if axis is None else mean


def mape(actual: ArrayLike, forecast: ArrayLike, axis: Axis = None) -> Any:
    """Mean absolute percentage error, 100 mean |y - ŷ| / |y|, in percent.

    NaN where an observed actual value is zero: it is not defined there. :func:`mape_caveat` says how many there are.

    >>> mape([10.0, 20.0], [11.0, 18.0])
    10.0

    Raises ShapeError when the two shapes differ.
    """
    actual, forecast = _pair(actual, forecast)
    size = np.where(actual == 0, np.nan, np.abs(actual))
    return _mean_observed(100 * np.abs(actual - forecast) / size, actual, axis)


def smape(actual: ArrayLike, forecast: ArrayLike, axis: Axis = None) -> Any:
    """Symmetric mean absolute percentage error, 200 mean |y - ŷ| / (|y| + |ŷ|), in percent from 0 to 200.

    As in the M4 competition; a zero that was forecast as zero counts as no error.

    >>> smape([1.0, 0.0], [3.0, 0.0])
    50.0

    Raises ShapeError when the two shapes differ.
    """
    actual, forecast = _pair(actual, forecast)
    size = np.abs(actual) + np.abs(forecast)
    return _mean_observed(200 * (np.abs(actual - forecast) / np.where(size == 0, 1, size)), actual, axis)


def mase(actual: ArrayLike, forecast: ArrayLike, scale: ArrayLike, axis: Axis = None) -> Any:
    """Mean absolute scaled error, mean |y - ŷ| / scale, without a unit; below 1 beats the naive on the training part.

    ``scale`` is :func:`naive_scale` of the training part, one number or an array that broadcasts to the shape of
    ``actual`` (``(series, 1)`` beside ``(series, horizon)``). Where it is zero or NaN the result is NaN: a series that
    never changed while training has no scale.

    >>> mase([5.0, 6.0], [5.0, 8.0], scale=naive_scale(np.array([1.0, 3.0, 5.0]), season=1))
    0.5

    Raises ShapeError when the shapes of actual and forecast differ, or the scale doesn't broadcast to them.
    """
    actual, forecast = _pair(actual, forecast)
    scale = np.asarray(scale, dtype=float)
    try:
        scale = np.broadcast_to(scale, actual.shape)
    except ValueError:
        raise ShapeError(
            f"the scale must broadcast to the actual values, got {scale.shape} beside {actual.shape}; "
            "give one scale, or one a series as (series, 1)"
        ) from None
    return _mean_observed(np.abs(actual - forecast) / np.where(scale == 0, np.nan, scale), actual, axis)


def naive_scale(train: np.ndarray, season: int) -> float:
    """What MASE divides by: mean |y_t - y_{t - season}| over the observed pairs of one series' training part.

    ``train`` is (time,), in order, NaN where unobserved. NaN when there is no pair with both values.

    >>> naive_scale(np.array([1.0, 10.0, 2.0, 10.0]), season=2)
    0.5

    Raises SettingsError when the season is not at least 1, ShapeError when ``train`` is not one series.
    """
    train = np.asarray(train, dtype=float)
    if season < 1:
        raise SettingsError(f"the season must be at least 1 step, got {season}; 1 compares with the value before")
    if train.ndim != 1:
        raise ShapeError(f"naive_scale reads one series, (time,), got shape {train.shape}; call it for each series")
    change = np.abs(train[season:] - train[:-season])
    change = change[~np.isnan(change)]
    return float(change.mean()) if change.size else float("nan")


def mape_caveat(actual: ArrayLike, typical: ArrayLike | None = None) -> str | None:
    """What stands against MAPE on these actual values: how many are zero or near zero; None if nothing does.

    Near zero is below 1% of ``typical``: by default the median size of the values that are not zero. For series of
    different sizes give each one's, as an array that broadcasts to the shape of ``actual``.

    >>> mape_caveat([0.0, 0.0, 5.0, 6.0])
    '2 of 4 actual values are zero, where MAPE is undefined; read MASE or sMAPE instead'
    >>> mape_caveat([4.0, 0.001, 5.0, 6.0])
    '1 of 4 actual values is near zero (below 1% of the typical size), which rules MAPE; read MASE or sMAPE instead'
    """
    actual = np.asarray(actual, dtype=float)
    size = np.abs(actual)
    if typical is None:
        there = size[size > 0]
        typical = np.median(there) if there.size else 0.0
    zero = int(np.sum(size == 0))
    near = int(np.sum((size > 0) & (size < NEAR_ZERO * np.asarray(typical, dtype=float))))
    observed = int(np.sum(~np.isnan(actual)))
    reasons = []
    if zero:
        reasons.append(f"{zero} of {observed} actual values {_be(zero)} zero, where MAPE is undefined")
    if near:
        count = f"{near} {_be(near)}" if zero else f"{near} of {observed} actual values {_be(near)}"
        reasons.append(f"{count} near zero (below {NEAR_ZERO:.0%} of the typical size), which rules MAPE")
    return "; ".join([*reasons, "read MASE or sMAPE instead"]) if reasons else None


def skill(error: ArrayLike, reference: ArrayLike) -> Any:
    """By how much an error is below a reference's, 1 - error / reference: 1 is perfect, 0 no better, negative worse.

    NaN where the reference makes no error: then nothing can be better.

    >>> skill(3.0, 4.0)
    0.25
    """
    error, reference = np.asarray(error, dtype=float), np.asarray(reference, dtype=float)
    result = 1 - error / np.where(reference == 0, np.nan, reference)
    return float(result) if result.ndim == 0 else result


def _pair(actual: ArrayLike, forecast: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Both in float64; of one shape, because (n,) beside (n, 1) would broadcast to every pair in silence."""
    actual, forecast = np.asarray(actual, dtype=float), np.asarray(forecast, dtype=float)
    if actual.shape != forecast.shape:
        raise ShapeError(
            f"actual values and forecasts must have one shape, got {actual.shape} and {forecast.shape}; "
            "give one forecast for each actual value"
        )
    return actual, forecast


def _mean_observed(loss: np.ndarray, actual: np.ndarray, axis: Axis) -> Any:
    observed = ~np.isnan(actual)
    total = np.sum(loss, axis=axis, where=observed)
    count = np.sum(observed, axis=axis)
    mean = np.divide(total, count, out=np.full_like(total, np.nan, dtype=float), where=count > 0)
    return float(mean) if axis is None else mean


def _be(count: int) -> str:
    return "is" if count == 1 else "are"
