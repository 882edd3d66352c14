"""One error for each series, of windows that come from many."""

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike

from unrolled.errors import ShapeError


def by_series(
    metric: Callable[..., Any],
    series: Int[np.ndarray, " windows"],
    count: int,
    actual: ArrayLike,
    *others: ArrayLike,
    **options: Any,
) -> Float[np.ndarray, " series"]:
    """``metric`` of each series' windows: element s over the windows where ``series`` is s; NaN where it has none.

    ``others`` are what the metric reads beside ``actual`` (windows, horizon), in its order, each with one row a window
    or a single number; ``options`` go to the metric as they are. Costs one sort, and then one pass.

    >>> from unrolled.series.metrics import mae
    >>> by_series(mae, np.array([1, 0, 1]), 3, [[1.0], [2.0], [3.0]], [[2.0], [2.0], [6.0]])
    array([ 0.,  2., nan])

    Raises ShapeError when an array has not as many rows as there are windows.
    """
    arrays = [np.asarray(one, dtype=float) for one in (actual, *others)]
    for one in arrays:
        if one.ndim and len(one) != len(series):
            raise ShapeError(
                f"every array must have one row a window, {len(series)} in all, got shape {one.shape}; "
                "cut them all at the same windows"
            )
    order = np.argsort(series, kind="stable")
    ends = np.searchsorted(series[order], np.arange(count + 1))
    result = np.full(count, np.nan)
    for s in np.flatnonzero(np.diff(ends)):
        rows = order[ends[s] : ends[s + 1]]
        result[s] = metric(*(one[rows] if one.ndim else one for one in arrays), **options)
    return result
