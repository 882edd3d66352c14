"""Multi-output forecasting: one network, one head for all steps ahead at once."""

from torch import Tensor, nn

from unrolled.nn.rnn import RNN
from unrolled.series.models.network import KnownEffect, Network, Sizes, ascending, zero_linear


class StepForecaster(Network):
    """A recurrent network reads the look-back step by step; a linear head says all steps ahead at once::

        h_t = cell([x_t - x_T, known_t, static], h_{t-1}),                     t = 1 … T (the look-back)
        ŷ_{T+k} = y_T + (W h_T + b)_k + V tanh(A h_T + B known_{T+k} + a),     k = 1 … horizon

    Targets and past covariates, x, are read as their difference from the last value, and the head speaks of the change
    since it: the network learns shapes, and a level that the training part never saw, such as the next season's, is no
    harder than one that it did. What is known ahead is read as it is: an hour or a holiday means something by itself.
    Without it the last addend is left out; with several levels the head says each, in ascending order. Head and V start
    at zero: the untrained network *is* the naive forecast. Sources: direct multi-output forecasting, Ben Taieb et al.
    2012, section 2.4; subtracting the last value, NLinear of Zeng et al. 2023 and SegRNN of Lin et al. 2023.

    >>> import torch
    >>> from unrolled.nn import GRUCell
    >>> ramp = torch.arange(5.0).view(1, 5, 1)
    >>> StepForecaster(GRUCell, Sizes(horizon=3))(ramp).flatten()
    tensor([4., 4., 4.], grad_fn=<ViewBackward0>)
    """

    def __init__(self, cell: type[nn.Module], sizes: Sizes, hidden: int = 64, layers: int = 1, dropout: float = 0.0):
        super().__init__(sizes)
        self.rnn = RNN(cell, sizes.features, hidden, layers=layers, dropout=dropout if layers > 1 else 0.0)
        self.dropout = nn.Dropout(dropout)
        each = sizes.targets * sizes.levels
        self.head = zero_linear(hidden, sizes.horizon * each)
        self.known = KnownEffect(hidden, sizes.known, each) if sizes.known else None

    def forward(self, past: Tensor, known: Tensor | None = None, static: Tensor | None = None) -> Tensor:
        s = self.sizes
        past, known, static = self.inputs(past, known, static)
        last = past[:, -1:, : s.unknown]  # (batch, 1, unknown)
        output, _ = self.rnn(self.features(past, last, static))
        h = self.dropout(output[:, -1])
        change = self.head(h).unflatten(1, (s.horizon, -1))  # (batch, horizon, target * level)
        if self.known is not None:
            change = change + self.known(h[:, None], known)
        return last[..., : s.targets, None] + ascending(change.unflatten(2, (s.targets, s.levels)))
