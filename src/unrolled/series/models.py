"""Forecasting networks: from a look-back of all channels to the target over the horizon."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from unrolled.nn.rnn import RNN


class StepForecaster(nn.Module):
    """A recurrent network reads the look-back step by step; a linear head says all steps ahead at once::

        h_t = cell(x_t - x_T, h_{t-1}),    t = 1 … T (the look-back)
        ŷ_{T+k} = y_T + (W h_T + b)_k,     k = 1 … horizon

    Every channel is read as its difference from the last value, and the head speaks of the change since it: the
    network learns shapes, and a level that the training part never saw, such as the next season's, is no harder than
    one that it did. The head starts at zero: the untrained network *is* the naive forecast. Sources: direct
    multi-output forecasting, Ben Taieb et al. 2012, section 2.4; subtracting the last value, NLinear of Zeng et al.
    2023 and SegRNN of Lin et al. 2023.
    """

    def __init__(
        self,
        cell: type[nn.Module],
        channels: int,
        horizon: int,
        hidden: int = 64,
        layers: int = 1,
        dropout: float = 0.0,
    ):
        super().__init__()
        self.rnn = RNN(cell, channels, hidden, layers=layers, dropout=dropout if layers > 1 else 0.0)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(hidden, horizon)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, past: Float[Tensor, "batch lookback channel"]) -> Float[Tensor, "batch horizon"]:
        """The scaled target over the horizon; channel 0 of ``past`` is the scaled target."""
        last = past[:, -1:]  # (batch, 1, channel)
        output, _ = self.rnn(past - last)
        return last[:, 0, :1] + self.head(self.dropout(output[:, -1]))


@torch.inference_mode()
def forecast(model: nn.Module, batches) -> Tensor:
    """The model's forecasts for batches of look-backs, (windows, horizon), on the CPU; leaves its mode as it was."""
    training = model.training
    model.eval()
    outputs = [model(past).float().cpu() for past in batches]
    model.train(training)
    return torch.cat(outputs)
