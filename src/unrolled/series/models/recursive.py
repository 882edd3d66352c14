"""Recursive forecasting: one step ahead, again and again, each forecast read as if it had been observed."""

import torch
from torch import Tensor, nn

from unrolled.nn.rnn import RNN
from unrolled.series.models.losses import Criterion, huber
from unrolled.series.models.network import KnownEffect, Network, Sizes, ascending, middle, zero_linear
from unrolled.series.windows.batch import Batch


class RecursiveForecaster(Network):
    """A network says the next step of every channel that isn't known ahead, and reads what it said::

        h_t     = cell([x_t - x_T, known_t, static], h_{t-1})
        x̂_{t+1} = x_t + W h_t + b + V tanh(A h_t + B known_{t+1} + a),    x_t = x̂_t beyond T

    Past covariates have to be forecast too, since nothing is known of them ahead. The state goes on from step to step,
    so that the look-back is read once. With several levels the middle one is fed back, and those of a step are the
    levels of a single step from there: they don't widen with the horizon.

    Training is one step ahead with the true values read (teacher forcing), in one pass: at the end of the look-back and
    at the m steps before it, where x_{T-m} takes the place of x_T, since a network that reads the difference from a
    later value would read its own answer. m is horizon - 1, at most half the look-back. Values that a rule for gaps
    filled in there count as observed. Source: Ben Taieb et al. 2012, section 2.1.
    """

    def __init__(self, cell: type[nn.Module], sizes: Sizes, hidden: int = 64, layers: int = 1, dropout: float = 0.0):
        super().__init__(sizes)
        self.rnn = RNN(cell, sizes.features, hidden, layers=layers, dropout=dropout if layers > 1 else 0.0)
        self.dropout = nn.Dropout(dropout)
        outputs = sizes.targets * sizes.levels + sizes.past
        self.head = zero_linear(hidden, outputs)
        self.known = KnownEffect(hidden, sizes.known, outputs) if sizes.known else None

    def forward(self, past: Tensor, known: Tensor | None = None, static: Tensor | None = None) -> Tensor:
        past, known, static = self.inputs(past, known, static)
        last = past[:, -1:, : self.sizes.unknown]  # (batch, 1, unknown)
        output, state = self.rnn(self.features(past, last, static))
        step, covariates = self._next(last, output[:, -1:], known[:, :1])
        steps, before = [step], last
        for k in range(1, self.sizes.horizon):
            x = torch.cat([middle(step), covariates], dim=-1)
            read = torch.cat([x, known[:, k - 1 : k]], dim=-1)  # what is known of the step that x is of
            h, state = self.rnn(self.features(read, last, static, before), state)
            before = x
            step, covariates = self._next(x, h, known[:, k : k + 1])
            steps.append(step)
        return torch.cat(steps, dim=1)

    def loss(self, batch: Batch, criterion: Criterion) -> Tensor:
        past, known, static = self.inputs(batch.past, batch.known, batch.static)
        targets, unknown, lookback = self.sizes.targets, self.sizes.unknown, past.shape[1]
        m = min(self.sizes.horizon - 1, lookback // 2)
        x, later = past[:, lookback - m - 1 :, :unknown], past[:, lookback - m :]  # m + 1 steps to read, m to say
        output, _ = self.rnn(self.features(past, x[:, :1], static))
        known = torch.cat([later[..., unknown:], known[:, :1]], dim=1)
        forecast, covariates = self._next(x, output[:, -m - 1 :], known)
        future = torch.cat([later[..., :targets], batch.future[:, :1]], dim=1)  # (batch, m + 1, target)
        loss = criterion(forecast, batch._replace(future=future))
        if m and self.sizes.past:
            actual = later[..., targets:unknown]
            loss = loss + huber(covariates[:, :m, :, None], batch._replace(future=actual))
        return loss

    def _next(self, x: Tensor, h: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
        """From each step's values (batch, time, unknown) and state the targets (batch, time, target, level) and the
        past covariates (batch, time, past) of the step after it, of which ``known`` is known.
        """
        s = self.sizes
        h = self.dropout(h)
        change = self.head(h)  # (batch, time, target * level + past)
        if self.known is not None:
            change = change + self.known(h, known)
        levels, covariates = change.split([s.targets * s.levels, s.past], dim=-1)
        levels = ascending(levels.unflatten(2, (s.targets, s.levels)))
        return x[..., : s.targets, None] + levels, x[..., s.targets :] + covariates
