"""What every forecasting network has alike: its sizes, what its cell reads, its loss, and how it is run.

Dimensions: batch (windows); lookback, the steps read; horizon, the steps ahead; channel, in the order targets, past
covariates, known covariates; level, one for each quantile, or a single one.
"""

from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from unrolled.errors import SettingsError, ShapeError
from unrolled.series.models.losses import Criterion
from unrolled.series.windows.batch import Batch


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """What a network reads and says: steps ahead, channels of each kind, levels. With ``changes`` it reads each value
    as its change since the one before, such as a price's return, and else since the last. Raises SettingsError where
    it can't be.

    >>> Sizes(horizon=24, past=3, known=2).channels
    6
    """

    horizon: int
    targets: int = 1
    past: int = 0
    known: int = 0
    static: int = 0
    levels: int = 1
    changes: bool = False

    def __post_init__(self):
        for name, least in (("horizon", 1), ("targets", 1), ("past", 0), ("known", 0), ("static", 0), ("levels", 1)):
            if getattr(self, name) < least:
                raise SettingsError(f"{name} must be at least {least}, got {getattr(self, name)}")

    @property
    def unknown(self) -> int:
        """Channels of which nothing is known ahead: the targets and the past covariates."""
        return self.targets + self.past

    @property
    def channels(self) -> int:
        """All channels of the look-back."""
        return self.unknown + self.known

    @property
    def features(self) -> int:
        """What the cell reads at one step: all channels, and the static covariates beside them."""
        return self.channels + self.static


class Network(nn.Module):
    """A forecasting network; one's own says in ``forward`` how."""

    def __init__(self, sizes: Sizes):
        super().__init__()
        self.sizes = sizes

    @abstractmethod
    def forward(
        self,
        past: Float[Tensor, "batch lookback channel"],
        known: Float[Tensor, "batch horizon known"] | None = None,
        static: Float[Tensor, "batch static"] | None = None,
    ) -> Float[Tensor, "batch horizon target level"]:
        """The scaled targets over the horizon, at every level; levels ascend. None stands for no columns.

        Raises ShapeError for inputs of other shapes than the network was built for.
        """
        raise NotImplementedError

    def loss(self, batch: Batch, criterion: Criterion) -> Tensor:
        """What training minimises: ``criterion`` of the forecasts, unless the strategy is trained by something else."""
        return criterion(self(batch.past, batch.known, batch.static), batch)

    def progress(self, fraction: float) -> None:
        """Told before each training step how much of the budget is spent, 0 … 1; for networks with a schedule."""

    def inputs(self, past: Tensor, known: Tensor | None, static: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        """The three inputs, None replaced by no columns. Raises ShapeError where one doesn't fit."""
        s = self.sizes
        if past.ndim != 3 or past.shape[2] != s.channels:
            raise ShapeError(
                f"this network reads look-backs of (batch, lookback, channel) with {s.channels} channels (targets "
                f"{s.targets}, past {s.past}, known {s.known}), got {tuple(past.shape)}; select the columns it was "
                "built for"
            )
        batch = past.shape[0]
        known = past.new_zeros(batch, s.horizon, 0) if known is None else known
        static = past.new_zeros(batch, 0) if static is None else static
        if known.shape != (batch, s.horizon, s.known):
            raise ShapeError(
                f"this network reads what is known ahead as (batch, horizon, known) = {(batch, s.horizon, s.known)}, "
                f"got {tuple(known.shape)}; give the covariates known ahead for each step of the horizon"
            )
        if static.shape != (batch, s.static):
            raise ShapeError(
                f"this network reads static covariates as (batch, static) = {(batch, s.static)}, "
                f"got {tuple(static.shape)}; give one row of them a window"
            )
        return past, known, static

    def features(
        self, past: Tensor, reference: Tensor, static: Tensor, before: Tensor | None = None
    ) -> Float[Tensor, "batch time feature"]:
        """What the cell reads of each step: changes since ``reference`` of what isn't known ahead, what is as it is,
        and the static covariates. Where the sizes say ``changes``, those since the step before take the place of the
        first: the one at the first step is since ``before`` (batch, 1, unknown), or 0 where nothing is.

        Static values stand beside every step, and not in the first state: a cell can forget a state, and need not have
        one that a sum makes sense of.
        """
        unknown = self.sizes.unknown
        x = past[..., :unknown]
        beside = static[:, None].expand(-1, past.shape[1], -1)
        if self.sizes.changes:
            change = torch.diff(x, dim=1, prepend=x[:, :1] if before is None else before)
        else:
            change = x - reference
        return torch.cat([change, past[..., unknown:], beside], dim=-1)


class KnownEffect(nn.Module):
    """What the covariates known for a step add to its forecast, by one network for all steps::

        V tanh(A h + B known_{T+k} + a)

    V starts at zero. Source: the local network of Wen et al. 2017, "A multi-horizon quantile recurrent forecaster".
    """

    def __init__(self, hidden: int, known: int, outputs: int):
        super().__init__()
        self.from_state = nn.Linear(hidden, hidden)
        self.from_known = nn.Linear(known, hidden, bias=False)
        self.out = nn.Linear(hidden, outputs, bias=False)
        nn.init.zeros_(self.out.weight)

    def forward(self, h: Tensor, known: Float[Tensor, "batch time known"]) -> Float[Tensor, "batch time output"]:
        """The addends; ``h`` is (batch, time, hidden), or (batch, 1, hidden), one state for all steps."""
        return self.out((self.from_state(h) + self.from_known(known)).tanh())


def zero_linear(inputs: int, outputs: int) -> nn.Linear:
    """A linear layer that says 0 until it is trained."""
    linear = nn.Linear(inputs, outputs)
    nn.init.zeros_(linear.weight)
    nn.init.zeros_(linear.bias)
    return linear


def ascending(levels: Tensor) -> Tensor:
    """(…, level) sorted, so that quantiles never cross.

    Sorting and not a sum of positive increments: levels can start equal, at the naive forecast, and sorting never
    raises the pinball loss. Source: Chernozhukov, Fernández-Val & Galichon 2010, "Quantile and probability curves
    without crossing".
    """
    return levels if levels.shape[-1] == 1 else levels.sort(dim=-1, stable=True).values


def middle(levels: Tensor) -> Tensor:
    """The point forecast among ascending levels (…, level), which strategies feed back: the middle one, or the mean
    of the two middle ones.
    """
    n = levels.shape[-1]
    return levels[..., n // 2] if n % 2 else (levels[..., n // 2 - 1] + levels[..., n // 2]) / 2


@torch.inference_mode()
def forecast(model: nn.Module, batches: Iterable[Batch]) -> Float[Tensor, "windows horizon target level"]:
    """The model's forecasts for batches of windows, on the CPU; ``future`` is not read, the mode stays."""
    training = model.training
    model.eval()
    outputs = [model(batch.past, batch.known, batch.static).float().cpu() for batch in batches]
    model.train(training)
    return torch.cat(outputs)
