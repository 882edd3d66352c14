"""Several networks that differ by their seeds, and forecast together."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from unrolled.series.models import Network


class Ensemble(nn.Module):
    """The mean of its members' forecasts, at every level.

    The squared error of a mean is never above the members' mean squared error: what they err in differently cancels.
    Source: Hansen & Salamon 1990, "Neural network ensembles".
    """

    def __init__(self, members: Iterable[Network]):
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, past: Tensor, known: Tensor | None = None, static: Tensor | None = None) -> Tensor:
        """The scaled targets over the horizon, (batch, horizon, target, level)."""
        return torch.stack([member(past, known, static) for member in self.members]).mean(dim=0)
