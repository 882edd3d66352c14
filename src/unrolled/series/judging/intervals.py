"""Prediction intervals of a fitted network: by how much its forecasts were off before, and what that held on the test
part.

Everything is computed on the network's scale, so that series of different sizes teach each other, and brought back.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from unrolled.errors import DataError, SettingsError, nearest
from unrolled.series import metrics
from unrolled.series.judging.adaptive import adaptive_quantile
from unrolled.series.judging.conformal import conformal_quantile, needed, split_interval
from unrolled.series.windows.scale import Scaler
from unrolled.series.windows.window import Windows
from unrolled.series.words import percent

METHODS = ("rolling", "split")
MOST = 20_000  # windows to measure the coverage of rolling intervals on; more take long and change nothing


@dataclass(frozen=True)
class Said:
    """What a network said of some windows, on its own scale: ``levels`` (windows, horizon, target, level)."""

    windows: Windows
    levels: np.ndarray

    @cached_property
    def actual(self) -> np.ndarray:
        """What came, (windows, horizon, target), scaled; NaN where nothing was observed."""
        actual = [batch.future.cpu().numpy() for batch in self.windows.batches()]
        return np.concatenate(actual) if actual else np.empty(self.levels.shape[:3], np.float32)

    @property
    def point(self) -> np.ndarray:
        """The point forecasts (windows, horizon, target): the middle level."""
        return middle(self.levels)

    def band(self, target: int) -> tuple[np.ndarray, np.ndarray]:
        """The lowest and the highest level of a target, (windows, horizon) each; the same one of a point forecast."""
        return self.levels[:, :, target, 0].astype(float), self.levels[:, :, target, -1].astype(float)

    def scores(self, target: int) -> np.ndarray:
        """How far the actual values of a target lie outside its band, (windows, horizon)."""
        low, high = self.band(target)
        return np.maximum(low - self.actual[:, :, target], self.actual[:, :, target] - high)


def middle(levels: np.ndarray) -> np.ndarray:
    """The middle of ascending levels (…, level), or the mean of the two middle ones."""
    n = levels.shape[-1]
    return levels[..., n // 2] if n % 2 else (levels[..., n // 2 - 1] + levels[..., n // 2]) / 2


def around(point: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bounds that hold the point forecast: a band of quantiles far too wide is narrowed until it would turn over."""
    return np.minimum(lower, point), np.maximum(upper, point)


@dataclass(frozen=True)
class Intervals:
    """Conformal intervals of one level: a band, widened below and above by (2, horizon, target) scores seen before."""

    level: float
    method: str
    widening: np.ndarray

    def of(self, levels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper bounds (windows, horizon, target), scaled, of levels (windows, horizon, target, level)."""
        return around(middle(levels), levels[..., 0] - self.widening[0], levels[..., -1] + self.widening[1])


def calibrate(level: float, method: str, seen: list[Said]) -> tuple[Intervals, np.ndarray | None]:
    """The intervals of the forecasts to come, by the scores of what was ``seen``: for "split" the validation part, for
    "rolling" the latest windows of it and of what came after, as many as it has, at the level that was reached by the
    end of them all, as :func:`.adaptive_quantile` has it. Beside them for "rolling" by how much the windows of the last
    part were widened (windows, horizon, target), which :func:`measure` need not compute again.

    Raises SettingsError for an unknown method or level, DataError for too few windows.
    """
    if method not in METHODS:
        raise SettingsError(f"there are no intervals {method!r}{nearest(str(method), METHODS)}")
    if not 0 < level < 1:
        raise SettingsError(f"the level of intervals lies between 0 and 1, such as 0.9 for 90%, got {level}")
    validation = seen[0]
    count = len(validation.windows)
    if count < needed(level):
        raise DataError(
            f"intervals of {percent(level)} need at least {needed(level)} validation windows to calibrate on, got "
            f"{count}; give a longer table, or a level of at most {math.floor(100 * count / (count + 1))}%"
        )
    targets = range(validation.actual.shape[2])
    rolled = [_rolled(level, seen, target) for target in targets] if method == "rolling" else None
    widening = np.empty((2, *validation.actual.shape[1:]))
    for target in targets:
        split = rolled is None
        widening[:, :, target] = conformal_quantile(validation.scores(target), level) if split else rolled[target][1]
    if not np.isfinite(widening).all():
        raise DataError(
            f"intervals of {percent(level)} need at least {needed(level)} validation windows with an observed value at "
            "each step; give a table with fewer gaps, or a lower level"
        )
    return Intervals(level, method, widening), None if rolled is None else np.stack([own for own, _ in rolled], axis=2)


def measure(
    intervals: Intervals,
    scaler: Scaler,
    validation: Said,
    test: Said,
    actual: np.ndarray,
    scale: np.ndarray,
    rolled: np.ndarray | None = None,
) -> list[dict[str, Any]]:
    """What both methods hold on the test part, a dictionary a target: coverage overall and by step, width, scores.

    ``actual`` (windows, horizon, target) are on the original scale, ``scale`` (windows, target) is what MASE divides
    by. Rolling intervals read at each origin the errors that were known by then, and no other, and so does their level:
    ``rolled`` is what :func:`calibrate` found for them, None to compute it.
    """
    found = []
    for target in range(actual.shape[2]):
        own = _rolled(intervals.level, [validation, test], target)[0] if rolled is None else rolled[:, :, target]
        low, high = test.band(target)
        bounds = {
            "split": split_interval(
                test.band(target), validation.band(target), validation.actual[:, :, target], intervals.level
            ),
            "rolling": (low - own, high + own),
        }
        methods = {}
        for name, scaled in bounds.items():
            held = around(test.point[:, :, target], *scaled)
            low, high = (_restored(scaler, test, target, part) for part in held)
            y = actual[:, :, target]
            keep = np.isfinite(low).all(axis=1)  # windows that were left out, when there are too many
            y, low, high = y[keep], low[keep], high[keep]
            methods[name] = {
                "coverage": metrics.coverage(y, low, high),
                "by_step": metrics.coverage(y, low, high, axis=0).tolist(),
                "width": metrics.interval_width(y, low, high),
                "interval score": metrics.interval_score(y, low, high, intervals.level),
                "MSIS": metrics.msis(y, low, high, scale[keep, target, None], intervals.level),
                "windows": int(keep.sum()),
            }
        found.append({"level": intervals.level, "used": intervals.method, "methods": methods})
    return found


def _rolled(level: float, seen: list[Said], target: int) -> tuple[np.ndarray, np.ndarray]:
    """By how much to widen the windows of the last part (windows, horizon), NaN for those that are not among the most
    that are read, and the forecasts to come (horizon,): by one rule, each by what is known at its time.
    """
    chosen = [np.unique(np.linspace(0, n - 1, min(n, MOST)).astype(int)) for n in (len(said.windows) for said in seen)]
    scores = np.concatenate([said.scores(target)[own] for said, own in zip(seen, chosen, strict=True)])
    times = np.concatenate([said.windows.times[own] for said, own in zip(seen, chosen, strict=True)])
    horizon = scores.shape[1]
    # A window after them all, when every score is known, stands for the forecasts to come.
    scores, times = np.concatenate([scores, np.full((1, horizon), np.nan)]), np.append(times, times.max() + horizon)
    found = adaptive_quantile(scores, times, level, latest=max(len(chosen[0]), needed(level)))
    last = np.full((len(seen[-1].windows), horizon), np.nan)
    last[chosen[-1]] = found[-1 - len(chosen[-1]) : -1]
    return last, found[-1]


def _restored(scaler: Scaler, said: Said, target: int, scaled: np.ndarray) -> np.ndarray:
    return scaler.only(target).restore(scaled[:, :, None], said.windows.series)[:, :, 0]
