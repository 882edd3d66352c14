"""A linear autoregression beside the network: below it, so that it says what a line can't, or averaged with it."""

import torch
from torch import Tensor

from unrolled.errors import SettingsError
from unrolled.series.models.losses import Criterion
from unrolled.series.models.network import Network, middle
from unrolled.series.windows.batch import Batch, as_changes


class Lined(Network):
    """A network and a line that read the same; one's own says in ``forward`` how they forecast together.

    The line's weights are those of the ridge regression that stands among the baselines
    (:class:`unrolled.series.judging.baselines.LinearAutoregression`), set once and not trained, since a gradient would
    fit them worse than the closed form. Network and line read the same, or both the changes of x from step to step.
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

    def line(self, past: Tensor, known: Tensor, static: Tensor) -> Tensor:
        """The change from the last value that the line says, (batch, horizon, target)."""
        seen = as_changes(past, self.sizes.known) if self.sizes.changes else past
        read = torch.cat([seen.flatten(1), known.flatten(1), static], dim=1)  # (batch, inputs)
        if read.shape[1] != len(self.weight):
            lookback = (len(self.weight) - known[0].numel() - static.shape[1]) // past.shape[2]
            raise SettingsError(f"this line reads a look-back of {lookback} steps, got {past.shape[1]}")
        return self.bias + torch.tensordot(read, self.weight, dims=1)

    def progress(self, fraction: float) -> None:
        self.network.progress(fraction)


class LinearSkip(Lined):
    """The forecasts of a line, and the change that a network adds to it::

        ŷ_{T+k} = y_T + b_k + w_k · [x_{T-lookback+1} … x_T, known_{T+1} … known_{T+horizon}, static]
                      + (network's ŷ_{T+k} - y_T)

    A network whose head starts at zero begins as the line. Sources: Zhang 2003, "Time series forecasting using a hybrid
    ARIMA and neural network model"; the skip of LSTNet, Lai et al. 2018, section 3.6.
    """

    def forward(self, past: Tensor, known: Tensor | None = None, static: Tensor | None = None) -> Tensor:
        past, known, static = self.inputs(past, known, static)
        return self.network(past, known, static) + self.line(past, known, static)[..., None]

    def loss(self, batch: Batch, criterion: Criterion) -> Tensor:
        return criterion(self(batch.past, batch.known, batch.static), batch)


class LinearMean(Lined):
    """The mean of what a line and a network forecast, each trained as if alone::

        ŷ_{T+k} = (line's ŷ_{T+k} + network's ŷ_{T+k}) / 2

    The squared error of the mean is the mean of the two squared errors less a quarter of their squared difference, so
    two that err differently gain by it, while a network that is trained on what the line leaves (:class:`LinearSkip`)
    shares all of the line's errors. The weights are equal: estimated ones seldom do better. Of several levels all move
    alike, so that the middle one is the mean. Sources: Bates & Granger 1969, "The combination of forecasts"; Smith &
    Wallis 2009, "A simple explanation of the forecast combination puzzle".
    """

    def forward(self, past: Tensor, known: Tensor | None = None, static: Tensor | None = None) -> Tensor:
        past, known, static = self.inputs(past, known, static)
        levels = self.network(past, known, static)  # (batch, horizon, target, level)
        line = past[:, -1:, : self.sizes.targets] + self.line(past, known, static)
        return levels + (line - middle(levels))[..., None] / 2

    def loss(self, batch: Batch, criterion: Criterion) -> Tensor:
        return self.network.loss(batch, criterion)
