"""From a panel to what a model trains on: cuts, filled gaps, scaled inputs, windows of each part."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
import torch

from unrolled.series.panels.panel import Panel, filled
from unrolled.series.panels.roles import Columns
from unrolled.series.panels.splits import without_splits
from unrolled.series.windows.scale import Scaler, in_logarithms
from unrolled.series.windows.split import Part, Split, Usable, observed, origins
from unrolled.series.windows.window import Rows, Windows
from unrolled.series.words import listed


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
        inputs = scaler.apply(values, np.diff(panel.offsets), panel.channels)
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

    @property
    def traded(self) -> Scaler:
        """The scaler, whose restored values are in the unit of each series' last row: the one to report in."""
        return self.scaler.in_unit(self.panel.units)

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
    return Rows(inputs_, others[0], len(panel.known), *others[1:], changes=scaler.method == "returns")


def read_for(scaling: str, columns: Columns, frame: pl.DataFrame) -> Panel:
    """The panel that ``columns`` make of a table; to be read as returns, share splits are taken out of it."""
    panel = columns.read(frame)
    return without_splits(panel) if scaling == "returns" else panel


def scaling_notes(panel: Panel, cuts: Split, scaling: str) -> list[str]:
    """What is said of a scaling that reads something else than what stands in the table."""
    if scaling != "returns":
        return []
    position = np.arange(len(panel.values)) - np.repeat(panel.offsets[:-1] - panel.starts, np.diff(panel.offsets))
    logged = in_logarithms(panel, position < cuts.train, scaling)
    unknown = len(panel.channels) - len(panel.known)
    names = [name for name, own in zip(panel.channels, logged, strict=True) if own]
    rest = [name for name, own in zip(panel.channels[:unknown], logged[:unknown], strict=True) if not own]
    others = f"; as changes from step to step: {listed(rest, most=20)}" if rest else ""
    return [
        f"Read as returns, the changes of the logarithm from step to step: {listed(names, most=20)}{others}. Forecasts "
        "and errors are in the unit of the table."
    ]
