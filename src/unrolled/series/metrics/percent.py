"""Errors as a share of the values, in percent, and what stands against them."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from unrolled.series.metrics.observed import Axis, mean_observed, pair, ratio

NEAR_ZERO = 0.01  # of the typical size; there, an error of a tenth of the typical size already counts as 1,000%


def mape(actual: ArrayLike, forecast: ArrayLike, axis: Axis = None) -> Any:
    """Mean absolute percentage error, 100 mean |y - ŷ| / |y|, in percent.

    NaN where an observed actual value is zero: it is not defined there. :func:`mape_caveat` says how many there are.

    >>> mape([10.0, 20.0], [11.0, 18.0])
    10.0

    Raises ShapeError when the two shapes differ.
    """
    actual, forecast = pair(actual, forecast)
    size = np.where(actual == 0, np.nan, np.abs(actual))
    return mean_observed(100 * np.abs(actual - forecast) / size, actual, axis)


def smape(actual: ArrayLike, forecast: ArrayLike, axis: Axis = None) -> Any:
    """Symmetric mean absolute percentage error, 200 mean |y - ŷ| / (|y| + |ŷ|), in percent from 0 to 200.

    As in the M4 competition; a zero that was forecast as zero counts as no error.

    >>> smape([1.0, 0.0], [3.0, 0.0])
    50.0

    Raises ShapeError when the two shapes differ.
    """
    actual, forecast = pair(actual, forecast)
    size = np.abs(actual) + np.abs(forecast)
    return mean_observed(200 * (np.abs(actual - forecast) / np.where(size == 0, 1, size)), actual, axis)


def wape(actual: ArrayLike, forecast: ArrayLike, axis: Axis = None) -> Any:
    """Weighted absolute percentage error, 100 Σ |y - ŷ| / Σ |y|, in percent: MAE as a share of the mean size.

    Single zeros do no harm; large series outweigh small ones. NaN where all observed actual values are zero.

    >>> wape([10.0, 0.0, 30.0], [12.0, 1.0, 31.0])
    10.0

    Raises ShapeError when the two shapes differ.
    """
    actual, forecast = pair(actual, forecast)
    observed = ~np.isnan(actual)
    error = np.sum(np.abs(actual - forecast), axis=axis, where=observed)
    return 100 * ratio(error, np.sum(np.abs(actual), axis=axis, where=observed), axis)


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


def _be(count: int) -> str:
    return "is" if count == 1 else "are"
