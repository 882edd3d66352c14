"""Scaling with statistics of the training part alone, one centre and one scale for each series and channel."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from unrolled.errors import DataError, SettingsError, nearest
from unrolled.series.panels.panel import Panel
from unrolled.series.panels.splits import priced
from unrolled.series.words import shown

METHODS = ("standard", "min-max", "robust", "log", "returns")
NORMAL_IQR = 1.349  # of a normal distribution, in standard deviations: robust and standard scores agree there


@dataclass(frozen=True)
class Scaler:
    """Scores z = (x - c) / s, with c and s of each (series, channel) from what was observed before the cut::

        standard   c the mean, s the standard deviation
        min-max    c the least value, s the range
        robust     c the median, s the interquartile range / 1.349
        log        of the targets log x in place of x, then as standard; the other channels as standard
        returns    of the targets log x in place of x, and of those past covariates that are above 0 all through the
                   training part, too; c the mean, s the root mean square of the changes from one value to the next; of
                   what is known ahead as standard

    With "returns" a network reads no z at all, but the changes of z from step to step, which of a price are returns,
    r_t = (log p_t - log p_{t-1}) / s, and says the return since the last value, log(p_{T+k} / p_T) / s. Angles and
    masks are read as changes, and never in logarithms.

    A channel that doesn't vary there, or has no value there, is only centred (s = 1). Static covariates get standard
    scores over the series. ``logged`` (channel,) says which channels are in logarithms; ``unit`` (series, channel) is
    what restored values are divided by, where they are to be in another unit than those that were scaled (see
    :attr:`unrolled.series.panels.panel.Panel.units`).
    """

    centre: np.ndarray
    scale: np.ndarray
    static_centre: np.ndarray
    static_scale: np.ndarray
    method: str = "standard"
    logged: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))
    unit: np.ndarray | None = None

    def __post_init__(self):
        if not self.logged.size:
            object.__setattr__(self, "logged", np.zeros(self.centre.shape[1], bool))

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
        usual = {"min-max": _range, "robust": _quartiles}.get(method, _moments)
        logged = in_logarithms(panel, before, method)
        unknown = len(panel.channels) - len(panel.known)
        for channel, name in enumerate(panel.channels):  # one at a time: the table is in memory once
            column = panel.values[:, channel]
            if logged[channel]:
                column = _logarithm(column, name, method, name in panel.targets)
            statistics = _changes if method == "returns" and channel < unknown else usual
            centre[:, channel], spread = statistics(np.where(before, column, np.nan), panel.offsets)
            varies = spread > 1e-12 * np.maximum(1.0, np.abs(centre[:, channel]))
            scale[:, channel] = np.where(varies, spread, 1.0)
        static = panel.static_values.std(axis=0)
        static_scale = np.where(static > 1e-12, static, 1.0)
        return cls(centre, scale, panel.static_values.mean(axis=0), static_scale, method, logged)

    def apply(self, values: np.ndarray, lengths: np.ndarray, names: Sequence[str]) -> np.ndarray:
        """Scores (rows, channel) in float32; ``lengths`` are the rows of each series, in the scaler's order, and
        ``names`` those of the channels, or of the first of them.
        """
        scaled = np.empty(values.shape, np.float32)
        for channel in range(values.shape[1]):
            column = values[:, channel]
            if self.logged[channel]:
                column = _logarithm(column, names[channel], self.method)
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
        if self.logged[: scaled.shape[2]].any():  # of the targets all, or none
            restored = np.exp(restored)
        return restored if self.unit is None else restored / self.unit[series, : scaled.shape[2]].reshape(shape)

    def of(self, series: np.ndarray) -> "Scaler":
        """The statistics of some of the series, in this order."""
        unit = None if self.unit is None else self.unit[series]
        return replace(self, centre=self.centre[series], scale=self.scale[series], unit=unit)

    def only(self, target: int) -> "Scaler":
        """The statistics of one target."""
        at = slice(target, target + 1)
        unit = None if self.unit is None else self.unit[:, at]
        return replace(self, centre=self.centre[:, at], scale=self.scale[:, at], logged=self.logged[at], unit=unit)

    def in_unit(self, unit: np.ndarray) -> "Scaler":
        """The same, whose restored values are divided by ``unit`` (series, channel)."""
        return self if (unit == 1).all() else replace(self, unit=unit)


def in_logarithms(panel: Panel, before: np.ndarray, method: str) -> np.ndarray:
    """Which channels a method reads in logarithms, bool (channel,); ``before`` (rows,) are the rows to decide by."""
    logged = np.zeros(len(panel.channels), bool)
    if method in ("log", "returns"):
        logged[: len(panel.targets)] = True
    if method == "returns":
        for channel in np.flatnonzero(priced(panel) & ~logged):
            seen = panel.values[before, channel]
            logged[channel] = bool(np.nanmin(seen, initial=np.inf) > 0) and not np.isnan(seen).all()
    return logged


def _logarithm(column: np.ndarray, name: str, method: str, target: bool = True) -> np.ndarray:
    if (low := np.nanmin(column, initial=np.inf)) <= 0:
        if method == "returns" and not target:
            raise DataError(
                f"{shown(name)} is read as returns, since the training part has it above 0, and elsewhere it has "
                f"{low:g}; leave it out of the inputs, or take --scaling standard"
            )
        raise DataError(
            f"{'returns need' if method == 'returns' else 'log scaling needs'} values above 0, and {shown(name)} has "
            f"{low:g}; take standard, min-max or robust scaling"
        )
    return np.log(column)


def _changes(column: np.ndarray, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean of each series, and the root mean square of the changes between values that follow each other, gaps left
    out. About zero, not about their mean: a price that grows evenly has returns of a size, too.
    """
    there = np.flatnonzero(~np.isnan(column))
    whose = np.searchsorted(offsets, there, side="right") - 1
    squares = np.diff(column[there]) ** 2
    within = np.diff(whose) == 0
    series = whose[1:][within]
    count = np.bincount(series, minlength=len(offsets) - 1)
    total = np.bincount(series, weights=squares[within], minlength=len(offsets) - 1)
    return _moments(column, offsets)[0], np.sqrt(total / np.maximum(count, 1))


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
