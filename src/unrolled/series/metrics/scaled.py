"""Errors in multiples of what the naive forecast gets wrong on the training part, and against a reference."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from unrolled.errors import SettingsError, ShapeError
from unrolled.series.metrics.observed import Axis, beside, mean_observed, pair


def mase(actual: ArrayLike, forecast: ArrayLike, scale: ArrayLike, axis: Axis = None) -> Any:
    """Mean absolute scaled error, mean |y - ŷ| / scale, without a unit; below 1 beats the naive on the training part.

    ``scale`` is :func:`naive_scale` of the training part, one number or an array that broadcasts to the shape of
    ``actual`` (``(series, 1)`` beside ``(series, horizon)``). Where it is zero or NaN the result is NaN: a series that
    never changed while training has no scale.

    >>> mase([5.0, 6.0], [5.0, 8.0], scale=naive_scale(np.array([1.0, 3.0, 5.0]), season=1))
    0.5

    Raises ShapeError when the shapes of actual and forecast differ, or the scale doesn't broadcast to them.
    """
    actual, forecast = pair(actual, forecast)
    return mean_observed(np.abs(actual - forecast) / divisor(scale, actual), actual, axis)


def rmsse(actual: ArrayLike, forecast: ArrayLike, scale: ArrayLike, axis: Axis = None) -> Any:
    """Root mean squared scaled error, √ mean ((y - ŷ) / scale)², without a unit; as in the M5 competition.

    ``scale`` is :func:`naive_scale` of the training part with ``power=2``, as for :func:`mase`. M5 takes the root for
    each series and then the mean of these; here that is ``rmsse(..., axis=1).mean()``.

    >>> rmsse([5.0, 6.0], [3.0, 8.0], scale=naive_scale(np.array([1.0, 3.0, 5.0]), season=1, power=2))
    1.0

    Raises ShapeError when the shapes of actual and forecast differ, or the scale doesn't broadcast to them.

    Source: Makridakis, Spiliotis & Assimakopoulos 2022, "M5 accuracy competition: Results, findings, and
    conclusions".
    """
    actual, forecast = pair(actual, forecast)
    mean = np.sqrt(mean_observed(np.square((actual - forecast) / divisor(scale, actual)), actual, axis))
    return float(mean) if axis is None else mean


def naive_scale(train: np.ndarray, season: int, power: int = 1) -> float:
    """What scaled errors divide by: (mean |y_t - y_{t - season}|^p)^(1/p), over the observed pairs in training.

    Power 1 for :func:`mase` and :func:`msis`, 2 for :func:`rmsse`. ``train`` is one series (time,), in order, NaN where
    unobserved. NaN when there is no pair with both values.

    >>> naive_scale(np.array([1.0, 10.0, 2.0, 10.0]), season=2)
    0.5

    Raises SettingsError when the season is not at least 1 or the power not 1 or 2, ShapeError when ``train`` is not one
    series.
    """
    train = np.asarray(train, dtype=float)
    if season < 1:
        raise SettingsError(f"the season must be at least 1 step, got {season}; 1 compares with the value before")
    if power not in (1, 2):
        raise SettingsError(f"the power of a scale is 1 (for MASE and MSIS) or 2 (for RMSSE), got {power}")
    if train.ndim != 1:
        raise ShapeError(f"naive_scale reads one series, (time,), got shape {train.shape}; call it for each series")
    change = np.abs(train[season:] - train[:-season])
    change = change[~np.isnan(change)]
    return float(np.mean(change**power) ** (1 / power)) if change.size else float("nan")


def skill(error: ArrayLike, reference: ArrayLike) -> Any:
    """By how much an error is below a reference's, 1 - error / reference: 1 is perfect, 0 no better, negative worse.

    NaN where the reference makes no error: then nothing can be better.

    >>> skill(3.0, 4.0)
    0.25
    """
    error, reference = np.asarray(error, dtype=float), np.asarray(reference, dtype=float)
    result = 1 - error / np.where(reference == 0, np.nan, reference)
    return float(result) if result.ndim == 0 else result


def owa(smape: ArrayLike, mase: ArrayLike, reference_smape: ArrayLike, reference_mase: ArrayLike) -> Any:
    """Overall weighted average of M4, (sMAPE / sMAPE of the reference + MASE / MASE of the reference) / 2.

    The reference of the competition is :func:`unrolled.series.judging.seasonality.naive2`; below 1 beats it. M4
    averages sMAPE and MASE over all series first, and divides then: give these means, not each series' own. NaN where
    the reference makes no error.

    >>> round(owa(13.912, 1.193, reference_smape=18.383, reference_mase=2.395), 3)  # seasonal naive, M4 Hourly
    0.627

    Source: Makridakis, Spiliotis & Assimakopoulos 2020, "The M4 Competition: 100,000 time series and 61 forecasting
    methods".
    """
    parts = np.asarray(skill(smape, reference_smape)), np.asarray(skill(mase, reference_mase))
    result = 1 - (parts[0] + parts[1]) / 2
    return float(result) if result.ndim == 0 else result


def divisor(scale: ArrayLike, actual: np.ndarray) -> np.ndarray:
    """The scale as what divides: NaN where it is zero."""
    scale = beside(scale, actual, "scale")
    return np.where(scale == 0, np.nan, scale)
