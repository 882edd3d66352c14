"""Windows: a look-back and the horizon after it, cut out of flat data without copying it."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from unrolled.series.windows.batch import Batch


@dataclass(frozen=True)
class Rows:
    """Rows of all series behind each other, as a network reads them.

    ``targets`` are NaN where nothing was observed, so that a filled gap is read but never scored. ``known`` are the
    last channels of ``inputs``: what is known ahead. ``changes`` says that of the other channels the changes from step
    to step are to be read, as with the scaling "returns".
    """

    inputs: Float[Tensor, "rows channel"]
    targets: Float[Tensor, "rows target"]
    known: int
    static: Float[Tensor, "series static"]
    centre: Float[Tensor, "series target"]
    scale: Float[Tensor, "series target"]
    changes: bool = False


class Windows:
    """The windows that begin their forecasts at the given rows, each of one series, at ``times`` on the grid.

    The rows stay as they are: windows are strided views of them, and only the windows of one batch are ever copied.

    >>> ramp = torch.arange(6.0)[:, None]
    >>> one, none = torch.ones(1, 1), torch.zeros(1, 0)
    >>> rows = Rows(ramp, ramp, known=0, static=none, centre=0 * one, scale=one)
    >>> windows = Windows(rows, np.array([3, 4]), np.array([0, 0]), np.array([3, 4]), lookback=3, horizon=2)
    >>> batch = windows.batch(torch.tensor([1]))
    >>> batch.past.flatten().tolist(), batch.future.flatten().tolist()
    ([1.0, 2.0, 3.0], [4.0, 5.0])
    """

    def __init__(
        self, rows: Rows, origins: np.ndarray, series: np.ndarray, times: np.ndarray, lookback: int, horizon: int
    ):
        self.rows, self.origins, self.series, self.times = rows, origins, series, times
        self.lookback, self.horizon = lookback, horizon
        # Unfolded over rows: entry i is the window of rows i, i + 1, …
        channels = rows.inputs.shape[1]
        self._past = rows.inputs.unfold(0, lookback, 1).transpose(1, 2)  # (rows - lookback + 1, lookback, channel)
        self._known = rows.inputs[:, channels - rows.known :].unfold(0, horizon, 1).transpose(1, 2)
        self._future = rows.targets.unfold(0, horizon, 1).transpose(1, 2)  # (rows - horizon + 1, horizon, target)
        device = rows.inputs.device
        self._at, self._series = torch.from_numpy(origins).to(device), torch.from_numpy(series).to(device)

    def __len__(self) -> int:
        return len(self.origins)

    def batch(self, index: Int[Tensor, " batch"]) -> Batch:
        """The windows numbered ``index``."""
        at, whose = self._at[index], self._series[index]
        return Batch(
            past=self._past[at - self.lookback],
            known=self._known[at],
            static=self.rows.static[whose],
            future=self._future[at],
            centre=self.rows.centre[whose],
            scale=self.rows.scale[whose],
        )

    def some(self, which: np.ndarray) -> "Windows":
        """The windows of ``which`` (windows,) bool."""
        at = (self.origins[which], self.series[which], self.times[which])
        return Windows(self.rows, *at, self.lookback, self.horizon)

    def batches(self, size: int = 1024) -> Iterator[Batch]:
        """All windows in order, ``size`` at a time."""
        for index in torch.arange(len(self), device=self._at.device).split(size):
            yield self.batch(index)
