"""Direct forecasting: a network of its own for each step ahead."""

from dataclasses import replace

import torch
from torch import Tensor, nn

from unrolled.series.models.network import Network, Sizes
from unrolled.series.models.step import StepForecaster


class DirectForecaster(Network):
    """One network for each step ahead, no weight shared between them::

        ŷ_{T+k} = f_k(x_1 … x_T, known_{T+k}, static),    k = 1 … horizon

    Each f_k is a `StepForecaster` of one step. Nothing that one says depends on another's error, and nothing that one
    learns helps another. They train together, in one loop, on the mean of their losses; memory and time are those of
    one network times the horizon. Source: Ben Taieb et al. 2012, section 2.2.
    """

    def __init__(self, cell: type[nn.Module], sizes: Sizes, hidden: int = 64, layers: int = 1, dropout: float = 0.0):
        super().__init__(sizes)
        one = replace(sizes, horizon=1)
        self.networks = nn.ModuleList(StepForecaster(cell, one, hidden, layers, dropout) for _ in range(sizes.horizon))

    def forward(self, past: Tensor, known: Tensor | None = None, static: Tensor | None = None) -> Tensor:
        past, known, static = self.inputs(past, known, static)
        steps = [network(past, known[:, k : k + 1], static) for k, network in enumerate(self.networks)]
        return torch.cat(steps, dim=1)
