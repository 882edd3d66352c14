"""The network's shape as it stands in run.json: its cell, its strategy, its sizes, its loss."""

from dataclasses import dataclass
from typing import Any

from torch import nn

from unrolled.errors import SettingsError, nearest
from unrolled.nn.names import class_named
from unrolled.series.learning.ensemble import Ensemble
from unrolled.series.models import LinearMean, LinearSkip, Lined, Network, Sizes, build
from unrolled.series.models.losses import Criterion, criterion
from unrolled.series.panels.panel import Panel
from unrolled.series.windows.scale import METHODS
from unrolled.series.words import shown


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """The shape of the network; ``cell`` by its name, or the class's name when it isn't one of ours.

    ``quantiles`` are the levels of the loss "quantile", and empty for the others. ``ensemble`` networks, which differ
    by their seeds, forecast their mean. ``skip`` is what the network's changes are added to: the last value, or a line;
    or "mean": to the last value, and the forecast is the mean of network and line.
    """

    cell: str
    strategy: str
    loss: str
    quantiles: tuple[float, ...]
    scaling: str
    targets: int
    past: int
    known: int
    static: int
    lookback: int
    horizon: int
    hidden: int
    layers: int
    dropout: float
    attention: str | None
    teacher_forcing: float | None
    schedule: str | None
    skip: str
    ensemble: int

    def __post_init__(self):
        least = {"targets": 1, "past": 0, "known": 0, "static": 0, "lookback": 1, "horizon": 1, "hidden": 1}
        for name, low in (least | {"layers": 1, "ensemble": 1}).items():
            value = getattr(self, name)
            if type(value) is not int or not low <= value < 2**31:
                raise SettingsError(f"{name} has to be a whole number of at least {low}, got {str(value)[:40]}")
        for name in ("cell", "strategy", "loss", "scaling", "skip"):
            if not isinstance(getattr(self, name), str):
                raise SettingsError(f"the {name} has to be named, got {str(getattr(self, name))[:40]}")
        if self.scaling not in METHODS:
            raise SettingsError(f"there is no scaling {shown(self.scaling)}{nearest(self.scaling, METHODS)}")
        if not isinstance(self.dropout, int | float) or not 0 <= self.dropout < 1:
            raise SettingsError(f"dropout has to be at least 0 and below 1, got {str(self.dropout)[:40]}")
        if self.skip not in SKIPS:
            raise SettingsError(f"there is no skip {shown(self.skip)}{nearest(self.skip, SKIPS)}")
        if self.skip == "linear" and self.strategy != "multi-output":
            raise SettingsError(
                f"a linear skip is for the strategy 'multi-output', got {self.strategy!r}; leave it out"
            )
        self.criterion()

    @classmethod
    def of(cls, panel: Panel, **asked: Any) -> "Architecture":
        """The shape for a panel's channels; what isn't asked for is as in ``USUAL``."""
        counts = {name: len(getattr(panel, name)) for name in ("targets", "past", "known", "static")}
        return cls(**{**USUAL, **asked, **counts})

    @classmethod
    def from_json(cls, saved: dict[str, Any]) -> "Architecture":
        """The architecture as it stands in run.json. Raises TypeError or SettingsError where it is something else."""
        if not isinstance(saved["quantiles"], list):
            raise TypeError(f"quantiles is {str(saved['quantiles'])[:40]!r}")
        return cls(**{**saved, "quantiles": tuple(saved["quantiles"])})

    @property
    def channels(self) -> int:
        """All channels of the look-back."""
        return self.targets + self.past + self.known

    def criterion(self) -> Criterion:
        """What training minimises."""
        return criterion(self.loss, self.quantiles)

    def build(self, cell: type[nn.Module] | None = None) -> Network | Ensemble:
        """A network of this shape with fresh weights; ``cell`` as in :meth:`cell_class`."""
        sizes = Sizes(
            horizon=self.horizon,
            targets=self.targets,
            past=self.past,
            known=self.known,
            static=self.static,
            levels=max(1, len(self.quantiles)),
            changes=self.scaling == "returns",
        )

        def member() -> Network:
            network = build(
                self.strategy,
                self.cell_class(cell),
                sizes,
                self.hidden,
                self.layers,
                self.dropout,
                self.attention,
                self.teacher_forcing,
                self.schedule,
            )
            return LINED[self.skip](network, self.lookback) if self.skip in LINED else network

        return member() if self.ensemble == 1 else Ensemble([member() for _ in range(self.ensemble)])

    def cell_class(self, cell: type[nn.Module] | None = None) -> type[nn.Module]:
        """The class of the cell: ours by its name, one's own as given. Raises RunError when it isn't the one named."""
        return class_named(self.cell, cell)


LINED: dict[str, type[Lined]] = {"linear": LinearSkip, "mean": LinearMean}
SKIPS = ("last", *LINED)

# What a network is when nobody asks for another.
USUAL: dict[str, Any] = {
    "strategy": "multi-output",
    "loss": "mae",
    "quantiles": (),
    "scaling": "standard",
    "hidden": 64,
    "layers": 1,
    "dropout": 0.0,
    "attention": None,
    "teacher_forcing": None,
    "schedule": None,
    "skip": "last",
    "ensemble": 1,
}
