"""Scaling with statistics of the training part alone, one mean and one scale for each series and channel."""

from dataclasses import dataclass

import numpy as np

from unrolled.series.panel import Panel


@dataclass(frozen=True)
class Scaler:
    """Standard scores, z = (x − μ) / σ; μ and σ of each (series, channel) from what was observed before the cut."""

    mean: np.ndarray
    scale: np.ndarray

    @classmethod
    def fit(cls, panel: Panel, until: int) -> "Scaler":
        """Means and standard deviations of the observed values at grid positions before ``until``.

        A channel that doesn't vary there, or has no value there, is only centred (σ = 1).
        """
        lengths = np.diff(panel.offsets)
        known = np.clip(until - panel.starts, 0, lengths)  # rows of each series before the cut
        row = np.arange(len(panel.values)) - np.repeat(panel.offsets[:-1], lengths)
        before = row < np.repeat(known, lengths)
        shape = (len(panel.names), panel.values.shape[1])
        mean, scale = np.zeros(shape), np.ones(shape)
        for channel in range(
            shape[1]
        ):  # a channel at a time, to hold one column in memory and not the whole table again
            column = panel.values[:, channel]
            use = before & ~np.isnan(column)
            count = np.maximum(_sums(use, panel), 1)
            mean[:, channel] = _sums(np.where(use, column, 0.0), panel) / count
            centred = np.where(use, column - np.repeat(mean[:, channel], lengths), 0.0)
            deviation = np.sqrt(_sums(centred * centred, panel) / count)
            scale[:, channel] = np.where(deviation > 1e-12 * np.maximum(1.0, np.abs(mean[:, channel])), deviation, 1.0)
        return cls(mean, scale)

    def apply(self, values: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """Scaled values (rows, channel) in float32; ``lengths`` are the rows of each series, in the scaler's order."""
        scaled = np.empty(values.shape, np.float32)
        for channel in range(values.shape[1]):
            mean, scale = (np.repeat(part[:, channel], lengths) for part in (self.mean, self.scale))
            scaled[:, channel] = (values[:, channel] - mean) / scale
        return scaled

    def restore(self, scaled: np.ndarray, series: np.ndarray) -> np.ndarray:
        """Target values (windows, horizon) on the original scale, in float64; ``series`` (windows,) is whose."""
        return scaled.astype(np.float64) * self.scale[series, :1] + self.mean[series, :1]


def _sums(column: np.ndarray, panel: Panel) -> np.ndarray:
    return np.add.reduceat(column, panel.offsets[:-1], dtype=np.float64)
