"""Prediction intervals that hold what they promise: forecasts, widened by the errors that they made before.

Dimensions: windows, horizon; every step ahead is calibrated by itself. A *band* is what a model says of each value: one
forecast (windows, horizon), or a pair of them, its lower and upper quantile. Its *score* is how far the actual value
lies outside, max(l - y, y - u), negative inside; of a single forecast that is |y - ŷ|. An interval is the band, widened
on both sides by a quantile of scores seen before, so split conformal and conformalised quantile regression are one and
the same. With ``asymmetric`` each side has its own quantile, of l - y and of y - u, at half of α = 1 - level.

The promise: if old and new scores are exchangeable, an interval holds the actual value with probability at least
``level``, and at most 1 / (n + 1) more, whatever the model; each step by itself, in the mean over everything, not in
every state of the world. Time breaks exchangeability, which is why :func:`rolling_interval` forgets and adapts, and why
:func:`measure_coverage` looks.

Scores of different series are alike only on one scale: divide actual values and forecasts by each series' scale first
(as the model's own scaler does), and multiply the bounds with it afterwards.

Source: Lei et al. 2018, "Distribution-free predictive inference for regression", algorithm 2; Romano, Patterson &
Candès 2019, "Conformalized quantile regression", equations 6 to 8 and theorem 2.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from unrolled.errors import DataError, SettingsError, ShapeError
from unrolled.series.judging.adaptive import GAMMA, adaptive_quantile
from unrolled.series.metrics import coverage

Band = np.ndarray | tuple[np.ndarray, np.ndarray]


class Interval(NamedTuple):
    """Bounds (windows, horizon)."""

    lower: np.ndarray
    upper: np.ndarray


def needed(level: float, asymmetric: bool = False) -> int:
    """The fewest scores from which a finite interval of this level can be made: ⌈level / (1 - level)⌉.

    >>> needed(0.9), needed(0.9, asymmetric=True), needed(0.95)
    (9, 19, 19)

    Raises SettingsError when the level is not between 0 and 1.
    """
    level = _side(level, asymmetric)
    return math.ceil(level / (1 - level) - 1e-9)


def conformal_quantile(scores: Float[np.ndarray, "n ..."], level: float) -> Float[np.ndarray, "..."]:
    """The ⌈(n + 1) level⌉-th smallest of n scores, along the first axis; infinite where there are too few.

    The + 1 counts the score to come: among n + 1 exchangeable ones each is equally likely to be the k-th. NaN are left
    out, and n is what is left.

    >>> scores = np.arange(1.0, 10.0)[:, None]
    >>> conformal_quantile(scores, 0.9), conformal_quantile(scores, 0.91)
    (array([9.]), array([inf]))

    Raises SettingsError when the level is not between 0 and 1.
    """
    level = _side(level, asymmetric=False)
    n = np.sum(~np.isnan(scores), axis=0)
    k = np.ceil((n + 1) * level - 1e-9).astype(int)  # less a hair: (9 + 1) · 0.9 must not become 10
    padded = np.concatenate([np.sort(scores, axis=0), np.full((1, *scores.shape[1:]), np.inf)])  # NaN sort last
    return np.take_along_axis(padded, np.where(k > n, len(scores), k - 1)[None], axis=0)[0]


def split_interval(
    forecast: Band, before: Band, actual: Float[np.ndarray, "n horizon"], level: float, asymmetric: bool = False
) -> Interval:
    """The intervals of ``forecast`` (windows, horizon), by the scores of the bands ``before`` (n, horizon)::

        [l - Q, u + Q]       Q the conformal quantile at ``level`` of max(l - y, y - u) of the same step

    ``before`` and ``actual`` are windows that the model has not learnt from, such as those of the validation part;
    unobserved values (NaN) are left out. Q is negative where a model's quantiles are too far apart; an interval that
    would turn over becomes its middle.

    >>> errors = np.array([[3.0], [-1.0], [4.0], [1.0]])
    >>> split_interval(np.array([[10.0]]), np.zeros((4, 1)), errors, level=0.8)
    Interval(lower=array([[6.]]), upper=array([[14.]]))
    >>> split_interval(np.array([[10.0]]), np.zeros((4, 1)), errors, level=0.6, asymmetric=True)
    Interval(lower=array([[9.]]), upper=array([[14.]]))

    Raises ShapeError when shapes don't fit together, SettingsError when the level is not between 0 and 1, DataError
    when a step has fewer scores than the level needs.
    """
    low, high = _scores(before, actual, asymmetric)
    least, observed = needed(level, asymmetric), np.sum(~np.isnan(high), axis=0)
    if (observed < least).any():
        step = int(np.argmin(observed))
        raise DataError(
            f"{'asymmetric ' if asymmetric else ''}intervals of {level:.0%} need at least {least} windows with an "
            f"actual value to calibrate on, got {observed[step]} for step {step + 1}; give a longer validation part, "
            f"or ask for a level below {_reach(int(observed[step]), asymmetric)}"
        )
    lower, upper = _pair(forecast)
    if lower.shape != upper.shape or lower.shape[1:] != high.shape[1:]:
        raise ShapeError(
            f"the forecasts must be (windows, {high.shape[1]}), with as many steps as those before, got "
            f"{lower.shape} and {upper.shape}; calibrate on the same horizon"
        )
    side = _side(level, asymmetric)
    return _widened(forecast, conformal_quantile(low, side), conformal_quantile(high, side))


def rolling_interval(
    forecast: Band,
    actual: Float[np.ndarray, "windows horizon"],
    times: Int[np.ndarray, " windows"],
    level: float,
    latest: int | None = None,
    asymmetric: bool = False,
    adapt: float = GAMMA,
) -> Interval:
    """The intervals of a rolling origin, each by the scores that were known when its forecast was made, and no other.

    ``times`` is when each window's first step ahead is, in steps on one clock; windows come in any order. The score of
    step h of a forecast for ``time`` is known from time + h on: an interval at ``times[i]`` reads those with time + h ≤
    times[i], for each step the ``latest`` ones (all by default). Windows of one time don't read each other. So the
    first intervals, for which fewer scores are known than the level needs, are infinite: put windows to calibrate on in
    front, and cut them off the result.

    The level follows what happened, with the step ``adapt``, γ, of :func:`.adaptive_quantile`: where more was missed
    than α = 1 - level, intervals grow wider, and where less, narrower, for each step by itself (and each side). With
    γ = 0 it stays. However much was missed, an interval is never wider than by the largest score that was known.

    >>> actual = np.array([[1.0], [-2.0], [3.0], [0.0]])
    >>> rolling_interval(np.zeros((4, 1)), actual, np.array([0, 1, 2, 3]), level=0.5).upper.T
    array([[inf,  1.,  2.,  3.]])

    Raises ShapeError when shapes don't fit together, SettingsError when the level is not between 0 and 1, ``latest`` is
    too few for it, or γ is negative.

    Source: Gibbs & Candès 2021, "Adaptive conformal inference under distribution shift", section 2.
    """
    low, high = _scores(forecast, actual, asymmetric)
    if times.shape != high.shape[:1]:
        raise ShapeError(
            f"forecasts {high.shape} need one time a window, got {times.shape}; it is that of the first step ahead"
        )
    if latest is not None and latest < needed(level, asymmetric):
        raise SettingsError(
            f"intervals of {level:.0%} need the latest {needed(level, asymmetric)} scores or more, got {latest}; "
            f"take more of them, or ask for a level below {_reach(max(latest, 0), asymmetric)}"
        )
    if adapt < 0:
        raise SettingsError(f"adaptation goes from 0 (none) up, usually to 0.05, got {adapt}")
    above = adaptive_quantile(high, times, _side(level, asymmetric), latest, adapt)
    below = adaptive_quantile(low, times, _side(level, asymmetric), latest, adapt) if asymmetric else above
    return _widened(forecast, below, above)


@dataclass(frozen=True)
class Coverage:
    """Measured coverage beside the nominal ``level``: over all n observed values, and by step ahead."""

    level: float
    overall: float
    by_step: tuple[float, ...]
    n: int

    @property
    def sentence(self) -> str:
        """What was promised and what was held, in one plain sentence."""
        low, high = int(np.nanargmin(self.by_step)), int(np.nanargmax(self.by_step))
        steps = (
            ""
            if low == high
            else (f", from {self.by_step[low]:.1%} at step {low + 1} to {self.by_step[high]:.1%} at step {high + 1}")
        )
        return f"Intervals of {self.level:.0%} held {self.overall:.1%} of {self.n:,} actual values{steps}."


def measure_coverage(actual: Float[np.ndarray, "windows horizon"], interval: Interval, level: float) -> Coverage:
    """The share of actual values inside their interval, to stand beside the nominal level.

    >>> y = np.array([[1.0, 2.0], [3.0, float("nan")]])
    >>> measure_coverage(y, Interval(np.zeros((2, 2)), np.full((2, 2), 2.0)), 0.9).sentence
    'Intervals of 90% held 66.7% of 3 actual values, from 50.0% at step 1 to 100.0% at step 2.'

    Raises ShapeError when the shapes differ, DataError when nothing was observed.
    """
    n = int(np.sum(~np.isnan(actual)))
    if not n:
        raise DataError("coverage needs actual values, got none that was observed; measure it on another part")
    by_step = coverage(actual, *interval, axis=0)
    return Coverage(level, coverage(actual, *interval), tuple(by_step.tolist()), n)


def _scores(band: Band, actual: np.ndarray, asymmetric: bool) -> tuple[np.ndarray, np.ndarray]:
    """How far the actual values lie below and above; both are the greater of the two unless each side counts alone."""
    lower, upper = _pair(band)
    if not lower.shape == upper.shape == actual.shape or actual.ndim != 2:
        raise ShapeError(
            "forecasts and actual values must be (windows, horizon) alike, got "
            f"{lower.shape}, {upper.shape} and {actual.shape}; give one forecast, or one pair, for each actual value"
        )
    missing = (np.isnan(lower) | np.isnan(upper)) & ~np.isnan(actual)
    if missing.any():
        raise DataError(
            f"{int(missing.sum())} of {missing.size} forecasts to calibrate on are NaN where there is an actual value; "
            "leave these windows out"
        )
    below, above = lower - actual, actual - upper
    return (below, above) if asymmetric else (both := np.maximum(below, above), both)


def _pair(band: Band) -> tuple[np.ndarray, np.ndarray]:
    return band if isinstance(band, tuple) else (band, band)


def _widened(band: Band, below: np.ndarray, above: np.ndarray) -> Interval:
    """[l - below, u + above]; the middle of it, or of the band, where that would be the wrong way round."""
    low, high = _pair(band)
    lower, upper = low - below, high + above
    crossed = lower > upper
    with np.errstate(invalid="ignore"):  # inf - inf
        middle = (lower + upper) / 2
    middle = np.where(np.isfinite(middle), middle, (low + high) / 2)
    return Interval(np.where(crossed, middle, lower), np.where(crossed, middle, upper))


def _side(level: float, asymmetric: bool) -> float:
    """The level of each side: all of it, or all but half of α."""
    if not 0 < level < 1:
        raise SettingsError(f"a level lies between 0 and 1, such as 0.9 for 90%, got {level}")
    return (1 + level) / 2 if asymmetric else level


def _reach(n: int, asymmetric: bool) -> str:
    """The level that n scores are enough for."""
    level = n / (n + 1)
    return f"{max(2 * level - 1, 0) if asymmetric else level:.1%}"
