"""Sequence to sequence: an encoder reads the look-back, a decoder writes the horizon step by step."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from unrolled.errors import SettingsError, nearest
from unrolled.nn.attention import attention_named
from unrolled.nn.rnn import RNN
from unrolled.series.models.losses import Criterion
from unrolled.series.models.network import KnownEffect, Network, Sizes, ascending, middle, zero_linear
from unrolled.series.windows.batch import Batch

# How much of the teacher forcing is left when a fraction of the training is over.
SCHEDULES: dict[str, Callable[[float], float]] = {"constant": lambda _: 1.0, "linear": lambda fraction: 1.0 - fraction}


class Seq2SeqForecaster(Network):
    """An encoder reads the look-back, and a decoder goes on from its state, reading what was said last::

        h_t = encoder([x_t - x_T, known_t, static], h_{t-1}),                     t = 1 … T
        d_1 = h_T
        d_k = decoder([y_{T+k-1} - y_T, known_{T+k}, static], d_{k-1}),           k = 2 … horizon
        ŷ_{T+k} = y_T + W d_k + b + V tanh(A d_k + B known_{T+k} + a),            k = 1 … horizon

    y_{T+k-1} is the forecast, its middle level where there are several; in training it is the truth with probability
    ``ratio``, times 1 - (how much of the training is over) with the schedule "linear", times 1 with "constant". With
    ``attention`` ("dot", "scaled-dot"), tanh(C [c_k, d_k]) takes the place of d_k in the last line, c_k the context
    that d_k finds among h_1 … h_T. Where every truth is read, training is one pass; else it steps through the horizon,
    and gradients flow through what is fed back. A truth that wasn't observed is read as the last one that was.

    Sources: Sutskever, Vinyals & Le 2014, "Sequence to sequence learning with neural networks"; Luong, Pham & Manning
    2015, "Effective approaches to attention-based neural machine translation", eq. 5, without input feeding; Bengio
    et al. 2015, "Scheduled sampling for sequence prediction with recurrent neural networks".

    Raises SettingsError for a ratio outside 0 … 1, and for an unknown schedule or attention.
    """

    def __init__(
        self,
        cell: type[nn.Module],
        sizes: Sizes,
        hidden: int = 64,
        layers: int = 1,
        dropout: float = 0.0,
        attention: str | None = None,
        ratio: float = 1.0,
        schedule: str = "linear",
    ):
        super().__init__(sizes)
        if not 0 <= ratio <= 1:
            raise SettingsError(f"ratio, the probability of teacher forcing, must be from 0 to 1, got {ratio}")
        if schedule not in SCHEDULES:
            raise SettingsError(f"unknown schedule {schedule!r}{nearest(schedule, SCHEDULES)}")
        self.ratio, self.schedule, self.fraction = ratio, schedule, 0.0
        between = dropout if layers > 1 else 0.0
        self.encoder = RNN(cell, sizes.features, hidden, layers=layers, dropout=between)
        self.dropout = nn.Dropout(dropout)
        each = sizes.targets * sizes.levels
        self.head = zero_linear(hidden, each)
        self.known = KnownEffect(hidden, sizes.known, each) if sizes.known else None
        read = sizes.targets + sizes.known + sizes.static
        self.decoder = RNN(cell, read, hidden, layers=layers, dropout=between) if sizes.horizon > 1 else None
        self.attention = attention_named(attention, hidden, hidden) if attention else None
        self.combine = nn.Linear(2 * hidden, hidden) if attention else None

    @property
    def teacher_forcing(self) -> float:
        """The probability, now, that training reads the truth of a step and not the forecast."""
        return self.ratio * SCHEDULES[self.schedule](self.fraction)

    def progress(self, fraction: float) -> None:
        self.fraction = min(1.0, max(0.0, fraction))

    def forward(self, past: Tensor, known: Tensor | None = None, static: Tensor | None = None) -> Tensor:
        return self._run(past, known, static)

    def loss(self, batch: Batch, criterion: Criterion) -> Tensor:
        """``criterion`` of the forecasts under teacher forcing; which truths are read is drawn a row and a step."""
        return criterion(self._run(batch.past, batch.known, batch.static, batch.future), batch)

    def _run(self, past: Tensor, known: Tensor | None, static: Tensor | None, future: Tensor | None = None) -> Tensor:
        past, known, static = self.inputs(past, known, static)
        last = past[:, -1:, : self.sizes.unknown]  # (batch, 1, unknown)
        memory, state = self.encoder(self.features(past, last, static))  # (batch, lookback, hidden)
        level, h = last[..., : self.sizes.targets], memory[:, -1:]
        beside = torch.cat([known, static[:, None].expand(-1, known.shape[1], -1)], dim=-1)
        p = 0.0 if future is None else self.teacher_forcing
        if self.decoder is None:
            return level[..., None] + self._change(h, memory, known)
        # Teacher forcing: step k reads the change up to the step before it; nowhere else are truths shifted.
        truth = None if future is None or p == 0 else _carried(level, future)[:, :-1] - level
        if truth is not None and p == 1:
            d, _ = self.decoder(torch.cat([self._read(truth), beside[:, 1:]], dim=-1), state)
            return level[..., None] + self._change(torch.cat([h, d], dim=1), memory, known)
        teach = None if truth is None else torch.rand(truth.shape[:2], device=truth.device) < p  # (batch, horizon - 1)
        changes, before = [self._change(h, memory, known[:, :1])], None
        for k in range(1, self.sizes.horizon):
            said = middle(changes[-1])  # (batch, 1, target)
            if truth is not None and teach is not None:
                said = torch.where(teach[:, k - 1 : k, None], truth[:, k - 1 : k], said)
            d, state = self.decoder(torch.cat([self._read(said, before), beside[:, k : k + 1]], dim=-1), state)
            before = said
            changes.append(self._change(d, memory, known[:, k : k + 1]))
        return level[..., None] + torch.cat(changes, dim=1)

    def _read(self, change: Tensor, before: Tensor | None = None) -> Tensor:
        """How the decoder reads changes since the look-back's end (batch, time, target): as they are, or, where the
        sizes say so, each less the one before it; the first less ``before``, or less nothing.
        """
        if not self.sizes.changes:
            return change
        return torch.diff(change, dim=1, prepend=torch.zeros_like(change[:, :1]) if before is None else before)

    def _change(self, d: Tensor, memory: Tensor, known: Tensor) -> Tensor:
        """The targets' change since the look-back's end, (batch, time, target, level), from the decoder's outputs."""
        if self.attention is not None and self.combine is not None:
            context, _ = self.attention(d, memory)
            d = self.combine(torch.cat([context, d], dim=-1)).tanh()
        d = self.dropout(d)
        change = self.head(d)
        if self.known is not None:
            change = change + self.known(d, known)
        return ascending(change.unflatten(2, (self.sizes.targets, self.sizes.levels)))


def _carried(level: Tensor, future: Tensor) -> Tensor:
    """``future`` (batch, horizon, target), each NaN replaced by the last value before it, at first by ``level``."""
    k = torch.arange(1, future.shape[1] + 1, device=future.device)[None, :, None]
    latest = torch.where(future.isnan(), 0, k).cummax(dim=1).values
    return torch.cat([level, future], dim=1).gather(1, latest)
