"""Scaling with statistics of the training part alone, one centre and one scale for each series and channel."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from unrolled.errors import DataError, SettingsError, nearest
from unrolled.series.panels.panel import Panel
from unrolled.series.words import shown

METHODS = ("standard", "min-max", "robust", "log")
NORMAL_IQR = 1.349  # of a normal distribution, in standard deviations: robust and standard scores agree there


@dataclass(frozen=True)
class Scaler:
    """Scores z = (x - c) / s, with c and s of each (series, channel) from what was observed before the cut::

        standard   c the mean, s the standard deviation
        min-max    c the least value, s the range
        robust     c the median, s the interquartile range / 1.349
        log        of the targets log x in place of x, then as standard; the other channels as standard

    A channel that doesn't vary there, or has no value there, is only centred (s = 1). Static covariates get standard
    scores over the series.
    """

    centre: np.ndarray
    scale: np.ndarray
    static_centre: np.ndarray
    static_scale: np.ndarray
    method: str = "standard"

    @classmethod
    def fit(cls, panel: Panel, until: int | np.ndarray, method: str = "standard", since: int = 0) -> "Scaler":
        """The statistics of the observed values at grid positions from ``since`` on and before ``until``, for each
        series its own where there are several.

        Raises SettingsError for an unknown method, DataError for a logarithm of values that have none.
        """
        if method not in METHODS:
            raise SettingsError(f"there is no scaling {shown(method)}{nearest(str(method), METHODS)}")
        lengths = np.diff(panel.offsets)
        position = np.arange(len(panel.values)) - np.repeat(panel.offsets[:-1] - panel.starts, lengths)
        until = np.repeat(np.broadcast_to(until, lengths.shape), lengths)
        before = (position >= since) & (position < until)
        shape = (len(panel.names), panel.values.shape[1])
        centre, scale = np.zeros(shape), np.ones(shape)
        statistics = {"min-max": _range, "robust": _quartiles}.get(method, _moments)
        for channel, name in enumerate(panel.channels):  # one at a time: the table is in memory once
            column = panel.values[:, channel]
            if method == "log" and name in panel.targets:
                column = _logarithm(column, name)
            centre[:, channel], spread = statistics(np.where(before, column, np.nan), panel.offsets)
            varies = spread > 1e-12 * np.maximum(1.0, np.abs(centre[:, channel]))
            scale[:, channel] = np.where(varies, spread, 1.0)
        static = panel.static_values.std(axis=0)
        static_scale = np.where(static > 1e-12, static, 1.0)
        return cls(centre, scale, panel.static_values.mean(axis=0), static_scale, method)

    def apply(self, values: np.ndarray, lengths: np.ndarray, targets: Sequence[str]) -> np.ndarray:
        """Scores (rows, channel) in float32; ``lengths`` are the rows of each series, in the scaler's order, and
        ``targets`` the names of the first channels.
        """
        scaled = np.empty(values.shape, np.float32)
        for channel in range(values.shape[1]):
            column = values[:, channel]
            if self.method == "log" and channel < len(targets):
                column = _logarithm(column, targets[channel])
            centre, scale = (np.repeat(part[:, channel], lengths) for part in (self.centre, self.scale))
            scaled[:, channel] = (column - centre) / scale
        return scaled

    def ahead(self, known: np.ndarray) -> np.ndarray:
        """Scores of what is known ahead (series, horizon, known), in float32: the last channels, a series each row."""
        last = slice(self.centre.shape[1] - known.shape[2], None)
        return ((known - self.centre[:, None, last]) / self.scale[:, None, last]).astype(np.float32)

    def static(self, values: np.ndarray) -> np.ndarray:
        """Scores of static covariates (series, static), in float32."""
        return ((values - self.static_centre) / self.static_scale).astype(np.float32)

    def restore(self, scaled: np.ndarray, series: np.ndarray) -> np.ndarray:
        """Target values (windows, horizon, target, …) on the original scale, in float64; ``series`` (windows,) is
        whose.
        """
        shape = (len(scaled), 1, scaled.shape[2], *[1] * (scaled.ndim - 3))
        centre, scale = (part[series, : scaled.shape[2]].reshape(shape) for part in (self.centre, self.scale))
        restored = scaled.astype(np.float64) * scale + centre
        return np.exp(restored) if self.method == "log" else restored

    def of(self, series: np.ndarray) -> "Scaler":
        """The statistics of some of the series, in this order."""
        return replace(self, centre=self.centre[series], scale=self.scale[series])

    def only(self, target: int) -> "Scaler":
        """The statistics of one target."""
        at = slice(target, target + 1)
        return replace(self, centre=self.centre[:, at], scale=self.scale[:, at])


def _logarithm(column: np.ndarray, name: str) -> np.ndarray:
    if (low := np.nanmin(column, initial=np.inf)) <= 0:
        raise DataError(
            f"log scaling needs values above 0, and {shown(name)} has {low:g}; take standard, min-max or robust scaling"
        )
    return np.log(column)


def _moments(column: np.ndarray, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each series; 0 and 0 where it has no value."""
    observed = ~np.isnan(column)
    count = np.maximum(_sums(observed, offsets), 1)
    mean = _sums(np.where(observed, column, 0.0), offsets) / count
    centred = np.where(observed, column - np.repeat(mean, np.diff(offsets)), 0.0)
    return mean, np.sqrt(_sums(centred * centred, offsets) / count)


def _range(column: np.ndarray, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    low = np.fmin.reduceat(column, offsets[:-1])
    high = np.fmax.reduceat(column, offsets[:-1])
    return np.nan_to_num(low), np.nan_to_num(high - low)


def _quartiles(column: np.ndarray, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    parts = [own[~np.isnan(own)] for own in np.split(column, offsets[1:-1])]
    found = np.array([np.quantile(own, (0.25, 0.5, 0.75)) if len(own) else (0.0, 0.0, 0.0) for own in parts])
    return found[:, 1], (found[:, 2] - found[:, 0]) / NORMAL_IQR


def _sums(column: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    return np.add.reduceat(column, offsets[:-1], dtype=np.float64)
