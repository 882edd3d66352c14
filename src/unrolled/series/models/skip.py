"""A linear autoregression beside the network, which then has to say only what a line can't."""

import torch
from torch import Tensor

from unrolled.errors import SettingsError
from unrolled.series.models.losses import Criterion
from unrolled.series.models.network import Network
from unrolled.series.windows.batch import Batch, as_changes


class LinearSkip(Network):
    """The forecasts of a line, and the change that a network adds to it::

        ŷ_{T+k} = y_T + b_k + w_k · [x_{T-lookback+1} … x_T, known_{T+1} … known_{T+horizon}, static]
                      + (network's ŷ_{T+k} - y_T)

    Line and network read the same, or both the changes of x from step to step; the line's weights are those of the
    ridge regression that stands among the baselines (:class:`unrolled.series.judging.baselines.LinearAutoregression`),
    set once and not trained, since a gradient would fit them worse than the closed form. A network whose head starts at
    zero begins as that baseline. Sources: Zhang 2003, "Time series forecasting using a hybrid ARIMA and neural network
    model"; the skip of LSTNet, Lai et al. 2018, section 3.6.
    """

    weight: Tensor
    bias: Tensor

    def __init__(self, network: Network, lookback: int):
        super().__init__(network.sizes)
        s = network.sizes
        self.network = network
        inputs = lookback * s.channels + s.horizon * s.known + s.static
        self.register_buffer("weight", torch.zeros(inputs, s.horizon, s.targets))
        self.register_buffer("bias", torch.zeros(s.horizon, s.targets))

    def forward(self, past: Tensor, known: Tensor | None = None, static: Tensor | None = None) -> Tensor:
        past, known, static = self.inputs(past, known, static)
        seen = as_changes(past, self.sizes.known) if self.sizes.changes else past
        read = torch.cat([seen.flatten(1), known.flatten(1), static], dim=1)  # (batch, inputs)
        if read.shape[1] != len(self.weight):
            lookback = (len(self.weight) - known[0].numel() - static.shape[1]) // past.shape[2]
            raise SettingsError(f"this line reads a look-back of {lookback} steps, got {past.shape[1]}")
        change = self.bias + torch.tensordot(read, self.weight, dims=1)  # (batch, horizon, target)
        return self.network(past, known, static) + change[..., None]

    def loss(self, batch: Batch, criterion: Criterion) -> Tensor:
        return criterion(self(batch.past, batch.known, batch.static), batch)

    def progress(self, fraction: float) -> None:
        self.network.progress(fraction)
