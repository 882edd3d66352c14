"""Windows cut out of arrays as views: a look-back, and the horizon after it."""

from typing import overload

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from unrolled.errors import SettingsError, ShapeError
from unrolled.series.panels.panel import Panel
from unrolled.series.windows.split import check_phase

Pair = tuple[np.ndarray, np.ndarray]


@overload
def windows(
    values: np.ndarray,
    lookback: int,
    horizon: int,
    *,
    stride: int = 1,
    phase: int | None = None,
    season: int | None = None,
) -> Pair: ...


@overload
def windows(
    values: Panel, lookback: int, horizon: int, *, stride: int = 1, phase: int | None = None, season: int | None = None
) -> list[Pair]: ...


def windows(
    values: np.ndarray | Panel,
    lookback: int,
    horizon: int,
    *,
    stride: int = 1,
    phase: int | None = None,
    season: int | None = None,
) -> Pair | list[Pair]:
    """Every window of an array, or of each series of a panel, as views that take no memory::

        past_i = x_{t-L} … x_{t-1},   future_i = x_t … x_{t+H-1},   t = L, L + stride, …, n - H

    ``values`` are (rows,) or (rows, channel); past becomes (windows, lookback, …) and future (windows, horizon, …).
    With ``phase`` only the origins t with t mod ``season`` = phase count, such as those of one hour of the day, and of
    these every ``stride``-th; t is the row, and in a panel the position on its grid, from the earliest stamp of all
    series. A panel brings its season (24 for hours), and gives a pair for each series: none crosses from one into
    another. Write into a copy: what is written into a view changes every window that reads it.

    >>> past, future = windows(np.arange(6.0), lookback=3, horizon=2)
    >>> past.tolist(), future.tolist()
    ([[0.0, 1.0, 2.0], [1.0, 2.0, 3.0]], [[3.0, 4.0], [4.0, 5.0]])
    >>> windows(np.arange(9.0), 2, 1, phase=0, season=4)[1].tolist()
    [[4.0], [8.0]]

    Raises SettingsError for sizes below 1 and for a phase that is none of the season's, ShapeError for other arrays.
    """
    for name, size in {"lookback": lookback, "horizon": horizon, "stride": stride}.items():
        if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 1:
            raise SettingsError(f"{name} has to be a whole number of at least 1, got {size!r}")
    if isinstance(values, Panel):
        season = values.frequency.season if season is None else season
        series = zip(values.offsets[:-1], values.offsets[1:], values.starts.tolist(), strict=True)
        return [_cut(values.values[a:b], lookback, horizon, stride, phase, season, start) for a, b, start in series]
    values = np.asarray(values)
    if values.ndim not in (1, 2):
        raise ShapeError(f"windows are cut out of (rows,) or (rows, channel), got {values.shape}; cut series by series")
    return _cut(values, lookback, horizon, stride, phase, season, 0)


def _cut(
    values: np.ndarray, lookback: int, horizon: int, stride: int, phase: int | None, season: int | None, start: int
) -> Pair:
    first, step = lookback, stride
    if phase is not None:
        check_phase(phase, season)
        assert season is not None
        first, step = lookback + (phase - start - lookback) % season, stride * season
    last = len(values) - horizon
    if first > last:
        return tuple(np.empty((0, size, *values.shape[1:]), values.dtype) for size in (lookback, horizon))  # type: ignore
    order = (0, 2, 1)[: values.ndim + 1] if values.ndim == 2 else (0, 1)
    pair = (sliding_window_view(values, size, axis=0).transpose(order) for size in (lookback, horizon))
    past, future = pair
    return past[first - lookback : last - lookback + 1 : step], future[first : last + 1 : step]
