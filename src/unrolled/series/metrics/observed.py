"""Which values count in a mean, and what is refused: shared by every metric."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from unrolled.errors import ShapeError

Axis = int | tuple[int, ...] | None


def pair(actual: ArrayLike, forecast: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Both in float64; of one shape, because (n,) beside (n, 1) would broadcast to every pair in silence."""
    actual, forecast = np.asarray(actual, dtype=float), np.asarray(forecast, dtype=float)
    if actual.shape != forecast.shape:
        raise ShapeError(
            f"actual values and forecasts must have one shape, got {actual.shape} and {forecast.shape}; "
            "give one forecast for each actual value"
        )
    return actual, forecast


def beside(values: ArrayLike, actual: np.ndarray, name: str) -> np.ndarray:
    """``values`` broadcast to the shape of ``actual``: one number, or one a series as (series, 1)."""
    values = np.asarray(values, dtype=float)
    try:
        return np.broadcast_to(values, actual.shape)
    except ValueError:
        raise ShapeError(
            f"the {name} must broadcast to the actual values, got {values.shape} beside {actual.shape}; "
            f"give one {name}, or one a series as (series, 1)"
        ) from None


def mean_observed(loss: np.ndarray, actual: np.ndarray, axis: Axis) -> Any:
    """The mean of ``loss`` over ``axis`` where ``actual`` is not NaN; NaN where it is NaN everywhere."""
    observed = ~np.isnan(actual)
    return ratio(np.sum(loss, axis=axis, where=observed), np.sum(observed, axis=axis), axis)


def ratio(total: Any, size: Any, axis: Axis) -> Any:
    """total / size, NaN where the size is zero; a float where no axis stays."""
    total, size = np.asarray(total, dtype=float), np.asarray(size, dtype=float)
    result = np.divide(total, size, out=np.full_like(total, np.nan), where=size != 0)
    return float(result) if axis is None else result
