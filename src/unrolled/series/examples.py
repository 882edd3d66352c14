"""From a panel to what a model trains on: cuts, filled gaps, scaled inputs, windows of each part."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from unrolled.series.panel import Panel, filled
from unrolled.series.scale import Scaler
from unrolled.series.split import Part, Split, Usable, origins
from unrolled.series.window import Windows


@dataclass(frozen=True)
class Examples:
    """A panel made ready for a look-back and a horizon; statistics come from before ``cuts.train`` and nowhere else."""

    panel: Panel
    cuts: Split
    lookback: int
    horizon: int
    scaler: Scaler
    known: np.ndarray  # (rows,) the target on its own scale, gaps filled: what the baselines read
    inputs: Tensor  # (rows, channel) float32, scaled, gaps filled
    targets: Tensor  # (rows,) float32, scaled, NaN where nothing was observed

    @classmethod
    def build(
        cls, panel: Panel, cuts: Split, lookback: int, horizon: int, device: torch.device | str = "cpu"
    ) -> "Examples":
        """Fill, scale and place the data; the panel itself stays untouched."""
        scaler = Scaler.fit(panel, until=cuts.train)
        lengths = np.diff(panel.offsets)
        values = filled(panel, until=cuts.train)
        inputs = scaler.apply(values, lengths)
        targets = np.where(np.isnan(panel.values[:, 0]), np.float32(np.nan), inputs[:, 0])
        return cls(
            panel=panel,
            cuts=cuts,
            lookback=lookback,
            horizon=horizon,
            scaler=scaler,
            known=values[:, 0].copy(),
            inputs=torch.from_numpy(inputs).to(device),
            targets=torch.from_numpy(targets).to(device),
        )

    def windows(self, part: Part, stride: int = 1) -> Windows:
        """The windows whose horizon lies in ``part``, but for those that read a missing value or have none to score."""
        rows = origins(self.panel, self.cuts.part(part), self.lookback, self.horizon, stride)
        rows = self._usable.of(rows, self.lookback, self.horizon)
        return Windows(self.inputs, self.targets, rows, self.lookback, self.horizon)

    @cached_property
    def _usable(self) -> Usable:
        return Usable.count(self.panel, self.inputs.cpu().numpy())

    def series_of(self, windows: Windows) -> np.ndarray:
        """The number of the series that each window lies in."""
        return np.searchsorted(self.panel.offsets, windows.origins, side="right") - 1

    def actual(self, windows: Windows) -> np.ndarray:
        """The observed target on its own scale, (windows, horizon), NaN where nothing was observed."""
        return self.panel.values[windows.origins[:, None] + np.arange(self.horizon), 0]
