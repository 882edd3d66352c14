"""From a panel to what a model trains on: cuts, filled gaps, scaled inputs, windows of each part."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from unrolled.series.panels.panel import Panel, filled
from unrolled.series.windows.scale import Scaler
from unrolled.series.windows.split import Part, Split, Usable, observed, origins
from unrolled.series.windows.window import Rows, Windows


@dataclass(frozen=True)
class Examples:
    """A panel made ready for a look-back and a horizon; statistics come from before ``cuts.train`` and nowhere else."""

    panel: Panel
    cuts: Split
    lookback: int
    horizon: int
    scaler: Scaler
    filled: np.ndarray  # (rows, channel) on the original scale, gaps filled: what the baselines read
    rows: Rows  # float32, scaled, gaps filled

    @classmethod
    def build(
        cls,
        panel: Panel,
        cuts: Split,
        lookback: int,
        horizon: int,
        scaling: str = "standard",
        device: torch.device | str = "cpu",
        scaler: Scaler | None = None,
    ) -> "Examples":
        """Fill, scale and place the data; the panel stays untouched. ``scaler`` is one that was fitted before."""
        if scaler is None:
            # A series with nothing before the cut is forecast, never scored: only it is scaled by what comes later.
            until = np.where(observed(panel, cuts.part("train")), cuts.train, cuts.test)
            scaler = Scaler.fit(panel, until, scaling, since=cuts.begin)
        values = filled(panel, until=cuts.train)
        inputs = scaler.apply(values, np.diff(panel.offsets), panel.targets)
        return cls(panel, cuts, lookback, horizon, scaler, values, rows_of(panel, inputs, scaler, device))

    def windows(self, part: Part, stride: int = 1, phase: int | np.ndarray | None = None) -> Windows:
        """The windows whose horizon lies in ``part``, but for those that read a missing value or have none to score;
        ``stride`` and ``phase`` as in :func:`origins`.
        """
        rows = origins(self.panel, self.cuts.part(part), self.lookback, self.horizon, stride, phase)
        return self.at(self._usable.of(rows, self.lookback, self.horizon))

    def at(self, rows: np.ndarray) -> Windows:
        """The windows that begin their forecasts at these rows of the panel."""
        series = np.searchsorted(self.panel.offsets, rows, side="right") - 1
        times = self.panel.starts[series] + rows - self.panel.offsets[series]
        return Windows(self.rows, rows, series, times, self.lookback, self.horizon)

    @cached_property
    def _usable(self) -> Usable:
        return Usable.count(self.panel, self.cuts, self.rows.inputs.cpu().numpy())

    def actual(self, windows: Windows) -> np.ndarray:
        """The observed targets on their own scale, (windows, horizon, target), NaN where nothing was observed."""
        return self.panel.values[windows.origins[:, None] + np.arange(self.horizon), : len(self.panel.targets)]


def rows_of(panel: Panel, inputs: np.ndarray, scaler: Scaler, device: torch.device | str = "cpu") -> Rows:
    """The panel's rows for a network: ``inputs`` (rows, channel) are its values, filled and scaled."""
    targets = len(panel.targets)
    observed = ~np.isnan(panel.values[:, :targets])
    future, static = np.where(observed, inputs[:, :targets], np.float32(np.nan)), scaler.static(panel.static_values)
    centre, scale = (part[:, :targets].astype(np.float32) for part in (scaler.centre, scaler.scale))
    inputs_, *others = (torch.from_numpy(part).to(device) for part in (inputs, future, static, centre, scale))
    return Rows(inputs_, others[0], len(panel.known), *others[1:])
