"""The simple forecasts that every model must stand beside.

Dimensions: rows (all series behind each other), windows (forecasts, from any series), lookback, channel (0 is the
target), horizon. Naive, seasonal naive, drift and moving average read one channel (rows,). A window is given by the
row of its first forecast step, its *origin*, and the first row of its series, its *start*; they read rows start ..
origin - 1 and nothing else. NaN in a row that they read gives NaN.

Source: Hyndman & Athanasopoulos, Forecasting: principles and practice, 3rd edition, section 5.2 "Some simple
forecasting methods".
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Self

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike

from unrolled.errors import DataError, SettingsError, ShapeError

Batches = Callable[[], Iterator[tuple[ArrayLike, ...]]]

STRENGTHS = (1e-7, 1e-3, 1e-2, 1e-1, 1.0, 1e1, 1e2, 1e4)  # the last leaves next to nothing of the weights
LARGE = 4000  # inputs, from which on the cost is worth a word

logger = logging.getLogger(__name__)


def naive(
    values: Float[np.ndarray, " rows"], origins: Int[np.ndarray, " windows"], horizon: int
) -> Float[np.ndarray, "windows horizon"]:
    """The last value, for every step: ŷ_{T+h} = y_T.

    An origin must lie behind the start of its series; without ``starts`` only the first row can be told.

    >>> naive(np.array([1.0, 4.0, 9.0]), np.array([2]), horizon=3)
    array([[4., 4., 4.]])

    Raises DataError when a window has no value before it.
    """
    check_windows(values, origins, np.zeros_like(origins), horizon)
    return np.repeat(values[origins - 1][:, None], horizon, axis=1)


def seasonal_naive(
    values: Float[np.ndarray, " rows"],
    origins: Int[np.ndarray, " windows"],
    horizon: int,
    season: int,
    starts: Int[np.ndarray, " windows"],
) -> Float[np.ndarray, "windows horizon"]:
    """The value one season of m steps earlier, or as many as it takes: ŷ_{T+h} = y_{T+h-m(k+1)}, k = ⌊(h - 1) / m⌋.

    Where the series has less than a season before the origin, it is :func:`naive`.

    >>> seasonal_naive(np.array([1.0, 2.0, 3.0, 1.0, 2.0]), np.array([5]), horizon=4, season=3, starts=np.array([0]))
    array([[3., 1., 2., 3.]])

    Raises DataError when a window has no value before it, SettingsError when the season is not at least 1.
    """
    check_windows(values, origins, starts, horizon)
    if season < 1:
        raise SettingsError(f"the season must be at least 1 step, got {season}; 1 is the naive forecast")
    rows = (origins - season)[:, None] + np.arange(horizon) % season  # (windows, horizon)
    short = (origins - starts < season)[:, None]
    return values[np.where(short, (origins - 1)[:, None], rows)]


def drift(
    values: Float[np.ndarray, " rows"],
    origins: Int[np.ndarray, " windows"],
    horizon: int,
    starts: Int[np.ndarray, " windows"],
) -> Float[np.ndarray, "windows horizon"]:
    """The line through the first and the last value, continued: ŷ_{T+h} = y_T + h (y_T - y_1) / (T - 1).

    With a single value before the origin there is no line, and it is :func:`naive`.

    >>> drift(np.array([1.0, 4.0, 5.0]), np.array([3]), horizon=2, starts=np.array([0]))
    array([[7., 9.]])

    Raises DataError when a window has no value before it.
    """
    check_windows(values, origins, starts, horizon)
    last = values[origins - 1]
    slope = (last - values[starts]) / np.maximum(origins - starts - 1, 1)
    return last[:, None] + slope[:, None] * np.arange(1, horizon + 1)


def moving_average(
    values: Float[np.ndarray, " rows"],
    origins: Int[np.ndarray, " windows"],
    horizon: int,
    window: int,
    starts: Int[np.ndarray, " windows"],
) -> Float[np.ndarray, "windows horizon"]:
    """The mean of the last w values, or of as many as there are, for every step: ŷ_{T+h} = (y_T + … + y_{T-w+1}) / w.

    :func:`usual_window` names w where nobody did.

    >>> moving_average(np.array([9.0, 1.0, 4.0]), np.array([3, 1]), horizon=2, window=2, starts=np.array([0, 0]))
    array([[2.5, 2.5],
           [9. , 9. ]])

    Raises DataError when a window has no value before it, SettingsError when the mean is not over at least 1 value.
    """
    check_windows(values, origins, starts, horizon)
    if window < 1:
        raise SettingsError(f"a moving average is taken over at least 1 value, got {window}; 1 is the naive forecast")
    first = np.maximum(origins - window, starts)
    # Each window's sum is its own: a running sum would carry one NaN, or one huge value, into all that follow.
    sums = np.add.reduceat(np.append(values, 0.0), np.column_stack([first, origins]).ravel())[::2]
    return np.repeat((sums / (origins - first))[:, None], horizon, axis=1)


def usual_window(season: int) -> int:
    """How many values a moving average takes when nobody said: one season, or 10 where there is none.

    >>> usual_window(24), usual_window(1)
    (24, 10)
    """
    return season if season > 1 else 10


class LinearAutoregression:
    """Ridge regression from the look-back of all channels to the change from the last target value, all steps at once::

        ŷ_h = y_T + b_h + Σ_j w_jh (x_j - x̄_j) / s_j          j over lookback × channel, and what stands beside
        W   = argmin  mean over training windows ‖y - ŷ‖² + strength ‖W‖²

    x̄ and s are the training windows' means and standard deviations, b the mean change: the intercept is not shrunk. So
    the forecast does not depend on the units of the channels, and infinite shrinkage is the naive forecast plus the
    mean change. An input that never varies in training gets no weight. The strength is the one of ``strengths`` with
    the smallest mean absolute error on the validation windows, in the units of the batches.

    With p = lookback × channel inputs and n windows, ``fit`` costs O(n p²) for the Gram matrix, once, and O(p³) for its
    eigendecomposition, which serves all strengths; it holds about six p × p matrices in float64. Measured on one core:
    500 inputs and 8,000 windows 0.2 s; 4,200 inputs 19 s and 0.9 GB; twice the inputs take four times the memory and up
    to eight times the time. Nothing is cut off or replaced by something cheaper: from 4,000 inputs on it logs a warning
    and does the work. Shorten the look-back, or leave channels out, when that is too long.

    After ``fit``: ``strength``, ``errors`` (validation error of each strength), ``weights`` (p, horizon) for inputs as
    they come, ``centre`` (p,) their means, ``change`` (horizon,) the mean change b.

    >>> ramp = np.arange(8.0)
    >>> windows = np.lib.stride_tricks.sliding_window_view(ramp, 5)  # three steps to look back on, two ahead
    >>> batches = lambda: iter([(windows[:, :3, None], windows[:, 3:])])
    >>> LinearAutoregression().fit(batches, batches).predict([[[10.0], [11.0], [12.0]]]).round(6)
    array([[13., 14.]])

    Source: Hoerl & Kennard 1970, "Ridge regression"; the change from the last value as in NLinear, Zeng et al. 2023.
    """

    def __init__(self, strengths: Sequence[float] = STRENGTHS):
        if not len(strengths) or min(strengths) <= 0:
            raise SettingsError(f"ridge strengths must be positive, got {tuple(strengths)}; the default is {STRENGTHS}")
        self.strengths = tuple(strengths)
        self.shape: tuple[int, int, int] | None = None  # (lookback, channel, inputs beside), once fitted

    def fit(self, train: Batches, validation: Batches) -> Self:
        """Learn the weights from the training windows, choose the strength on the validation windows; returns itself.

        Each is a function that starts over and yields batches ``(past (n, lookback, channel), future (n, horizon))``,
        or with a third array (n, inputs) of what is known beside the look-back, of anything that numpy reads; channel 0
        is the target. Training windows with a NaN anywhere are left out; of validation windows, those with a NaN in
        what is read, and single unobserved future values. Where every training window lacks some future value, each
        step is learned from the windows that have it.

        Raises DataError when no window is left, ShapeError when batches don't fit together.
        """
        shape, moments, shares = _learned(train)
        p = shape[0] * shape[1] + shape[2]
        mean, covariance = moments.mean, moments.scatter
        covariance /= moments.count  # in place, here and below: it may be large
        covariance[:, p:] /= shares
        spread = np.sqrt(np.diag(covariance)[:p])
        # What rounding leaves of a constant is no variation.
        inverse = np.divide(1, spread, out=np.zeros(p), where=spread > 1e-12 * np.abs(mean[:p]))

        covariance[:p] *= inverse[:, None]
        eigenvalues, basis = np.linalg.eigh(covariance[:p, :p] * inverse)
        eigenvalues = np.maximum(eigenvalues, 0)  # rounding leaves some just below
        cross = basis.T @ covariance[:p, p:]  # (p, horizon)
        candidates = [
            inverse[:, None] * (basis @ (cross / (eigenvalues + strength)[:, None])) for strength in self.strengths
        ]

        errors = _validation_errors(validation(), shape, mean[:p], mean[p:], candidates)
        best = int(np.argmin(errors))
        self.strength, self.errors, self.weights = self.strengths[best], errors, candidates[best]
        self.shape, self.centre, self.change = shape, mean[:p], mean[p:]
        return self

    def predict(self, past: ArrayLike, beside: ArrayLike | None = None) -> Float[np.ndarray, "batch horizon"]:
        """The forecasts (batch, horizon) in float64 for ``past`` (batch, lookback, channel), and what stands ``beside``
        (batch, inputs) where the batches of ``fit`` had it.

        A NaN in what a window reads gives NaN for that window.

        Raises ShapeError when the windows are not of the fitted shape, SettingsError before ``fit``.
        """
        if self.shape is None:
            raise SettingsError("this LinearAutoregression has no weights yet; call fit(train, validation) first")
        past = np.asarray(past)
        inputs = _inputs(past, self.shape, beside)
        return _last(past) + self.change + (inputs - self.centre) @ self.weights


class _Moments:
    """The mean and the scatter Σ (z - z̄)(z - z̄)ᵀ of rows that come in batches.

    Batches are centred before they are multiplied and merged by Chan, Golub & LeVeque 1983, eq. 2.1: summing z zᵀ and
    subtracting the means at the end would lose every digit of a series far from zero.
    """

    def __init__(self, size: int):
        self.count, self.mean, self.scatter = 0, np.zeros(size), np.zeros((size, size))

    def add(self, rows: Float[np.ndarray, "n size"]) -> None:
        n = len(rows)
        if not n:
            return
        mean = rows.mean(axis=0)
        rows = rows - mean
        delta = mean - self.mean
        self.scatter += rows.T @ rows
        self.scatter += np.outer(delta, delta * (self.count * n / (self.count + n)))
        self.mean = self.mean + delta * (n / (self.count + n))
        self.count += n


def _learned(train: Batches) -> tuple[tuple[int, int, int], _Moments, np.ndarray | float]:
    """(lookback, channel, inputs beside), the moments of the windows without NaN, and 1.

    Where there is no such window, unobserved changes count as the mean of their step, so that they move no covariance;
    then the third is the share of the windows (horizon,) in which each step was observed.
    """
    shape, moments = _accumulate(train())
    if moments.count:
        return shape, moments, 1.0
    horizon = len(moments.mean) - shape[0] * shape[1] - shape[2]
    total, observed = np.zeros(horizon), np.zeros(horizon)
    for past, future, *beside in train():
        past, future = np.asarray(past), np.asarray(future, dtype=np.float64)
        change = (future - _last(past))[~np.isnan(_inputs(past, shape, *beside)).any(axis=1)]
        total, observed = total + np.nansum(change, axis=0), observed + (~np.isnan(change)).sum(axis=0)
    if not np.all(observed):
        raise _no_windows()
    logger.info(
        "Every training window lacks a value of the target: the linear autoregression learns each step from the "
        "windows that have it."
    )
    shape, moments = _accumulate(train(), total / observed)
    return shape, moments, observed / moments.count


def _no_windows() -> DataError:
    return DataError(
        "the linear autoregression needs training windows, got none without missing values; "
        "give a longer table, a shorter look-back or horizon, or fill the gaps"
    )


def _accumulate(
    batches: Iterator[tuple[ArrayLike, ...]], instead: np.ndarray | None = None
) -> tuple[tuple[int, int, int], _Moments]:
    """(lookback, channel, inputs beside), and the moments of what is read and the change side by side, over the windows
    without NaN; with ``instead`` (horizon,) for changes that are.
    """
    shape, moments = None, None
    for past, future, *beside in batches:
        past, future = np.asarray(past), np.asarray(future, dtype=np.float64)
        if shape is None or moments is None:
            _check_past(past, past.shape[1:])
            shape = (past.shape[1], past.shape[2], np.shape(beside[0])[1] if beside else 0)
            inputs = shape[0] * shape[1] + shape[2]
            moments = _Moments(inputs + future.shape[1])
            if inputs > LARGE:
                logger.warning(
                    "the linear autoregression reads %d inputs (%d steps × %d columns): its matrices take about "
                    "%.1f GB and its solution %.0f s or more; a shorter look-back or fewer columns would be faster",
                    *(inputs, *shape[:2], 6 * 8 * inputs**2 / 1e9, 10 * (inputs / 4200) ** 3),
                )
        change = future - _last(past)
        if instead is not None:
            change = np.where(np.isnan(change), instead, change)
        rows = np.concatenate([_inputs(past, shape, *beside), change], axis=1)  # (n, inputs + horizon)
        moments.add(rows[~np.isnan(rows).any(axis=1)])
    if shape is None or moments is None:
        raise _no_windows()
    return shape, moments


def _validation_errors(
    batches: Iterator[tuple[ArrayLike, ...]],
    shape: tuple[int, int, int],
    centre: np.ndarray,
    change: np.ndarray,
    candidates: list[np.ndarray],
) -> np.ndarray:
    """The mean absolute error of each candidate's weights, in one pass."""
    together = np.concatenate(candidates, axis=1)  # (p, candidates · horizon)
    total, count = np.zeros(len(candidates)), 0
    for past, future, *beside in batches:
        past, future = np.asarray(past), np.asarray(future, dtype=np.float64)
        inputs = _inputs(past, shape, *beside)
        known = ~np.isnan(inputs).any(axis=1)
        past, future = past[known], future[known]
        from_inputs = ((inputs[known] - centre) @ together).reshape(len(past), len(candidates), len(change))
        error = np.abs(from_inputs + (_last(past) + change - future)[:, None])  # (n, candidates, horizon)
        observed = ~np.isnan(future)
        total += np.sum(error, axis=(0, 2), where=observed[:, None])
        count += int(observed.sum())
    if not count:
        raise DataError(
            "the linear autoregression needs validation windows to choose its strength, "
            "got none with an observed value; give a longer table, or a shorter look-back or horizon"
        )
    return total / count


def _inputs(past: np.ndarray, shape: tuple[int, int, int], beside: ArrayLike | None = None) -> np.ndarray:
    """What is read of each window, side by side: (n, lookback · channel + inputs beside)."""
    _check_past(past, shape[:2])
    flat = past.reshape(len(past), -1)
    beside = np.empty((len(past), 0)) if beside is None else np.asarray(beside)
    if beside.shape != (len(past), shape[2]):
        raise ShapeError(
            f"the linear autoregression reads {shape[2]} inputs beside the look-back, (batch, {shape[2]}), got "
            f"{beside.shape}; give what it was fitted with"
        )
    return np.concatenate([flat, beside], axis=1) if shape[2] else flat


def _last(past: np.ndarray) -> np.ndarray:
    return past[:, -1, :1]  # (n, 1)


def _check_past(past: np.ndarray, shape: tuple[int, ...] | None) -> None:
    if past.ndim != 3 or past.shape[1:] != shape:
        expected = (
            f"(batch, {', '.join(map(str, shape))})" if shape and past.ndim == 3 else "(batch, lookback, channel)"
        )
        raise ShapeError(
            f"the linear autoregression reads windows of shape {expected}, got {past.shape}; cut all of them alike"
        )


def check_windows(values: np.ndarray, origins: np.ndarray, starts: np.ndarray, horizon: int) -> None:
    """A row before the start would be another series' value, or by Python's negative index the future."""
    if horizon < 1:
        raise SettingsError(f"the horizon must be at least 1 step, got {horizon}")
    wrong = (origins <= starts) | (origins > len(values)) | (starts < 0)
    if wrong.any():
        window = int(np.argmax(wrong))
        raise DataError(
            "a forecast begins behind the first row of its series and not behind the table: expected an origin from "
            f"{starts[window] + 1} to {len(values)}, got {origins[window]} (window {window}); "
            "cut the windows inside one series"
        )
