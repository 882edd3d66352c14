"""check_model: every planted mistake is found by its own name, and no correct model raises an alarm."""

import random
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import unrolled
from unrolled.errors import ShapeError, UnrolledError
from unrolled.lens.checks import NAMES, Checks, Finding
from unrolled.nn import RNN, ElmanCell, GRUCell, LSTMCell
from unrolled.shapes import detach, mask

B, T, F, H = 4, 6, 3, 5
LENGTHS = torch.tensor([4, 6, 2, 5])
TOKENS = torch.tensor([[3, 7, 4, 5, 0, 0], [6, 3, 4, 7, 5, 3], [5, 4, 0, 0, 0, 0], [7, 6, 5, 3, 4, 0]])


@pytest.fixture(autouse=True)
def _weights():
    torch.manual_seed(0)


def batch(b: int = B, t: int = T) -> Tensor:
    return torch.randn(b, t, F, generator=torch.Generator().manual_seed(3))


def padded() -> Tensor:
    return batch() * mask(LENGTHS, T)[..., None]


class Model(nn.Module):
    """A recurrent module, a head, and what is done in between."""

    def __init__(self, rnn: nn.Module, way: Any, width: int = H):
        super().__init__()
        self.rnn, self.head, self.way = rnn, nn.Linear(width, 2), way

    def forward(self, *args: Any, **named: Any) -> Any:
        return self.way(self, *args, **named)


def packed(x: Tensor, lengths: Tensor, **options: Any) -> Any:
    return pack_padded_sequence(x, lengths.cpu(), batch_first=True, enforce_sorted=False, **options)


def lstm(**options: Any) -> nn.LSTM:
    return nn.LSTM(F, H, **{"batch_first": True, **options})


def gru(**options: Any) -> nn.GRU:
    return nn.GRU(F, H, **{"batch_first": True, **options})


def at_ends(output: Tensor, lengths: Tensor) -> Tensor:
    return output[torch.arange(len(output)), lengths - 1]


# ---- correct models: (model, batch, further arguments of check_model)


def last_step(m, x):
    return m.head(m.rnn(x)[0][:, -1])


def time_first(m, x):
    return m.head(m.rnn(x.transpose(0, 1))[0][-1])


def unpacked_gather(m, x, lengths):
    return m.head(at_ends(m.rnn(x)[0], lengths))


def packed_gather(m, x, lengths):
    output, _ = pad_packed_sequence(m.rnn(packed(x, lengths))[0], batch_first=True)
    return m.head(at_ends(output, lengths))


def packed_state(m, x, lengths):
    after = m.rnn(packed(x, lengths))[1]
    return m.head((after[0] if isinstance(after, tuple) else after)[-1])


def both_ends(m, x, lengths):
    h = m.rnn(packed(x, lengths))[1][0]
    return m.head(torch.cat([h[-2], h[-1]], dim=-1))


def both_ends_of_output(m, x):
    output = m.rnn(x)[0]
    return m.head(torch.cat([output[:, -1, :H], output[:, 0, H:]], dim=-1))


def state_by_view(m, x):
    h = m.rnn(x)[1]
    h = h.view(m.rnn.num_layers, 2, len(x), H)[-1].transpose(0, 1)
    return m.head(h.reshape(len(x), 2 * H))


def sorted_and_back(m, x, lengths):
    order = lengths.argsort(descending=True)
    together = pack_padded_sequence(x[order], lengths[order].cpu(), batch_first=True)
    return m.head(m.rnn(together)[1][-1][order.argsort()])


def attention(m, x, real):
    output = m.rnn(x)[0]
    a = m.head(output)[..., :1].masked_fill(~real[..., None], -torch.inf).softmax(dim=1)
    return {"result": (a * output).sum(dim=1), "attention": a[..., 0]}


def mean_of_real(m, x, lengths):
    output, _ = pad_packed_sequence(m.rnn(packed(x, lengths))[0], batch_first=True, total_length=x.shape[1])
    return m.head(output.sum(dim=1) / lengths[:, None])


def maximum_of_real(m, x, lengths):
    output, _ = m.rnn(x, lengths=lengths)
    return m.head(output.masked_fill(~mask(lengths, x.shape[1])[..., None], -9).amax(dim=1))


def tagger(m, x):
    return m.head(m.rnn(x)[0])


def channels_tagger(m, x):
    return m.head(m.rnn(x)[0]).transpose(1, 2)


def packed_tagger(m, x, lengths):
    return m.head(pad_packed_sequence(m.rnn(packed(x, lengths))[0], batch_first=True)[0])


def loops(m, x):
    h = c = x.new_zeros(len(x), H)
    for x_t in x.unbind(dim=1):
        h, c = m.rnn(x_t, (h, c))
    return m.head(h)


def masked_loop(m, x, lengths):
    h = x.new_zeros(len(x), H)
    for t in range(x.shape[1]):
        h = torch.where((t < lengths)[:, None], m.rnn(x[:, t], h), h)
    return m.head(h)


def row_by_row(m, x):
    return torch.stack([m.head(m.rnn(row[None])[0][0, -1]) for row in x])


def cells_row_by_row(m, x):
    results = []
    for row in x:
        h = x.new_zeros(1, H)
        for x_t in row:
            h = m.rnn(x_t[None], h)
        results.append(m.head(h[0]))
    return torch.stack(results)


def similarity(m, x):
    z = m.rnn(x)[1][-1]
    return z @ z.T


def with_state(m, x, state):
    output, after = m.rnn(x, state)
    return m.head(output[:, -1]), after


def relu_cell(feature, hidden):
    return ElmanCell(feature, hidden, "relu")


def from_zeros(m, x):
    output, _ = m.rnn(
        torch.zeros_like(x), x.mean(dim=(1, 2), keepdim=True).expand(-1, 1, H).transpose(0, 1).contiguous()
    )
    return m.head(output)


def ours(m, x, lengths):
    output, state = m.rnn(x, lengths=lengths)
    return m.head(state[-1].h), output


def ours_both(m, x, lengths):
    forward, backward = m.rnn(x, lengths=lengths)[1][-1]
    return m.head(torch.cat([forward.h, backward.h], dim=-1))


class Result(NamedTuple):
    logits: Tensor
    nothing: None


class Decoder(nn.Module):
    """Reads by a GRU, then writes four steps by a cell that reads what it wrote."""

    def __init__(self):
        super().__init__()
        self.encoder, self.cell, self.head = gru(), nn.LSTMCell(2, H), nn.Linear(H, 2)

    def forward(self, x):
        h = self.encoder(x)[1][-1]
        c, y, written = torch.zeros_like(h), x.new_zeros(len(x), 2), []
        for _ in range(4):
            h, c = self.cell(y, (h, c))
            y = self.head(h)
            written.append(y)
        return torch.stack(written, dim=1)


class Carrying(nn.Module):
    """Goes on from the state of the last call."""

    def __init__(self, cut: bool, rnn: nn.Module | None = None):
        super().__init__()
        self.rnn, self.head, self.cut, self.state = rnn or lstm(), nn.Linear(H, 2), cut, None

    def forward(self, x):
        output, state = self.rnn(x, self.state)
        self.state = detach(state) if self.cut else state
        return self.head(output[:, -1])


class Words(nn.Module):
    """Tokens, of which 0 is padding: the lengths are told, or read off the tokens."""

    def __init__(self, read: bool):
        super().__init__()
        self.embedding, self.rnn, self.head = nn.Embedding(8, F, padding_idx=0), gru(), nn.Linear(H, 2)
        self.read = read

    def forward(self, tokens, lengths=None):
        lengths = (tokens != 0).sum(dim=1) if self.read else lengths
        return Result(self.head(self.rnn(packed(self.embedding(tokens), lengths))[1][-1]), None)


class Normalised(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm, self.rnn = nn.BatchNorm1d(F), lstm(num_layers=2, dropout=0.5)
        self.drop, self.head = nn.Dropout(0.5), nn.Linear(H, 2)

    def forward(self, x):
        x = self.norm(x.transpose(1, 2)).transpose(1, 2)
        return self.head(self.drop(self.rnn(x)[0][:, -1]))


class Hierarchy(nn.Module):
    """Steps of steps: (batch, sentences, words, feature)."""

    def __init__(self):
        super().__init__()
        self.words, self.sentences = gru(), nn.GRU(H, H, batch_first=True)

    def forward(self, x):
        of_words = self.words(x.flatten(0, 1))[1][-1]
        return self.sentences(of_words.unflatten(0, x.shape[:2]))[1][-1]


CORRECT = {
    "last step": lambda: (Model(lstm(), last_step), batch(), {}),
    "last step, all rows full": lambda: (Model(lstm(), last_step), batch(), {"lengths": [T] * B}),
    "time first": lambda: (Model(gru(batch_first=False), time_first), batch(), {}),
    "batch and time alike": lambda: (Model(gru(batch_first=False), time_first), batch(5, 5), {}),
    "unpacked, gathered": lambda: (Model(lstm(), unpacked_gather), (padded(), LENGTHS), {}),
    "packed, gathered": lambda: (Model(lstm(), packed_gather), (batch(), LENGTHS), {}),
    "packed, h_n": lambda: (Model(lstm(num_layers=2), packed_state), (padded(), LENGTHS), {"lengths": LENGTHS}),
    "packed elman, h_n": lambda: (
        Model(nn.RNN(F, H, batch_first=True), packed_state),
        (padded(), LENGTHS),
        {"loss": torch.sum},
    ),
    "both ends": lambda: (Model(lstm(bidirectional=True, num_layers=2), both_ends, 2 * H), (batch(), LENGTHS), {}),
    "both ends, two rows": lambda: (
        Model(lstm(bidirectional=True), both_ends, 2 * H),
        (batch()[:2], LENGTHS[:2]),
        {},
    ),
    "both ends of the output": lambda: (Model(lstm(bidirectional=True), both_ends_of_output, 2 * H), batch(), {}),
    "state by view": lambda: (Model(gru(bidirectional=True, num_layers=2), state_by_view, 2 * H), batch(), {}),
    "sorted and put back": lambda: (Model(gru(), sorted_and_back), (batch(), LENGTHS), {}),
    "attention with a mask": lambda: (Model(lstm(), attention), (padded(), mask(LENGTHS, T)), {}),
    "attention, lengths given": lambda: (
        Model(gru(bidirectional=False), attention),
        {"x": padded(), "real": mask(LENGTHS, T)},
        {"lengths": LENGTHS},
    ),
    "mean of real steps": lambda: (Model(gru(), mean_of_real), (padded(), LENGTHS), {}),
    "maximum of real steps": lambda: (Model(RNN(GRUCell, F, H), maximum_of_real), (padded(), LENGTHS), {}),
    "tagger": lambda: (Model(lstm(), tagger), padded(), {"lengths": LENGTHS}),
    "tagger, channels first": lambda: (Model(gru(), channels_tagger), padded(), {"lengths": LENGTHS}),
    "tagger of both directions": lambda: (
        Model(lstm(bidirectional=True), packed_tagger, 2 * H),
        (padded(), LENGTHS),
        {},
    ),
    "cells": lambda: (Model(nn.LSTMCell(F, H), loops), batch(), {}),
    "cells with a mask": lambda: (Model(nn.GRUCell(F, H), masked_loop), (padded(), LENGTHS), {}),
    "decoder": lambda: (Decoder(), batch(), {}),
    "row by row": lambda: (Model(gru(), row_by_row), batch(), {}),
    "cells, row by row": lambda: (Model(nn.GRUCell(F, H), cells_row_by_row), batch(), {}),
    "rows compared on purpose": lambda: (Model(gru(), similarity), batch(), {}),
    "state given": lambda: (Model(gru(num_layers=B), with_state), (batch(), torch.randn(B, B, H)), {}),
    "state kept, cut off": lambda: (Carrying(True), batch(), {}),
    "state kept, cut off, ours": lambda: (Carrying(True, RNN(LSTMCell, F, H)), batch(), {}),
    "tokens, lengths told": lambda: (Words(False), (TOKENS, LENGTHS), {}),
    "tokens, lengths as a list": lambda: (Words(False), {"tokens": TOKENS, "lengths": LENGTHS}, {}),
    "tokens, lengths read": lambda: (Words(True), TOKENS, {"lengths": LENGTHS}),
    "dropout and batch norm": lambda: (Normalised(), batch(), {}),
    "projected": lambda: (Model(lstm(proj_size=2), packed_state, 2), (batch(), LENGTHS), {}),
    "ours": lambda: (Model(RNN(LSTMCell, F, H, layers=2), ours), (batch(), LENGTHS), {}),
    "ours in a loop, both directions": lambda: (
        Model(RNN(GRUCell, F, H, bidirectional=True, fused=False), ours_both, 2 * H),
        (batch(), LENGTHS),
        {},
    ),
    "a bare module": lambda: (lstm(bidirectional=True), batch(), {}),
    "a bare module, two rows": lambda: (lstm(bidirectional=True), batch(2), {}),
    "relu": lambda: (Model(RNN(relu_cell, F, H), tagger), batch(), {}),
    "decoder that reads zeros": lambda: (Model(gru(), from_zeros), batch(), {}),
    "steps of steps": lambda: (Hierarchy(), torch.randn(3, 4, 5, F), {}),
}  # fmt: skip


@pytest.mark.parametrize("name", CORRECT)
def test_a_correct_model_raises_no_alarm(name):
    model, given, more = CORRECT[name]()
    checks = unrolled.check_model(model, given, **more)
    assert checks.ok, str(checks)
    # Nor is it passed for want of looking.
    assert {"batch-first", "state-layout", "dead-gradient", "no-detach"} <= set(checks.passed), str(checks)
    told = "lengths" in str(checks.notes) or more.get("lengths") is LENGTHS
    assert ("padding" in checks.passed) == bool(told), str(checks)


# ---- planted mistakes: name -> (the finding, its module, model, batch, further arguments)


def mean_over_padding(m, x, lengths):
    return m.head(m.rnn(x)[0].mean(dim=1))


def mean_and_loss(m, x, lengths):
    return m.head(m.rnn(x)[0])


def axes_not_swapped(m, x):
    return m.head(m.rnn(x)[1][-1])


def axes_swapped_twice(m, x):
    return m.head(m.rnn(x.transpose(0, 1))[0].transpose(0, 1)[:, -1])


def reshaped_to_time_first(m, x):
    return m.head(m.rnn(x.reshape(x.shape[1], x.shape[0], -1))[0][-1])


def last_row(m, x):
    return m.head(m.rnn(x)[0][-1])


def last_row_time_first(m, x):
    return m.head(m.rnn(x.transpose(0, 1))[0][:, -1])


def no_batch_axis(m, x):
    return m.head(m.rnn(x[..., 0])[0])


def loop_over_rows(m, x):
    h = x.new_zeros(x.shape[1], H)
    for x_t in x:
        h = m.rnn(x_t, h)
    return m.head(h)


def packed_last(m, x, lengths):
    output, _ = pad_packed_sequence(m.rnn(packed(x, lengths))[0], batch_first=True, total_length=x.shape[1])
    return m.head(output[:, -1])


def ours_last(m, x, lengths):
    return m.head(m.rnn(x, lengths=lengths)[0][:, -1])


def masked_last(m, x, lengths):
    output, _ = m.rnn(x)
    return {"result": m.head((output * mask(lengths, x.shape[1])[..., None])[:, -1])}


def viewed_state(m, x):
    h = m.rnn(x)[1]
    return m.head((h[0] if isinstance(h, tuple) else h).view(len(x), -1))


def viewed_output(m, x):
    output = m.rnn(x.transpose(0, 1))[0]
    return m.head(output.reshape(len(x), x.shape[1], -1)[:, -1])


def sorted_for_good(m, x, lengths):
    order = lengths.argsort(descending=True)
    return m.head(m.rnn(pack_padded_sequence(x[order], lengths[order].cpu(), batch_first=True))[1][-1])


def one_direction(m, x):
    return m.head(m.rnn(x)[1][0][-1])


def only_forward(m, x):
    return m.head(m.rnn(x)[0][:, -1, :H])


def gathered_both(m, x, lengths):
    output = pad_packed_sequence(m.rnn(packed(x, lengths))[0], batch_first=True)[0]
    return m.head(at_ends(output, lengths))


def ours_both_last(m, x, lengths):
    return m.head(at_ends(m.rnn(x, lengths=lengths)[0], lengths))


def first_step(m, x):
    return m.head(m.rnn(x)[0][:, 0])


def detached(m, x):
    return m.head(m.rnn(x)[0][:, -1].detach()) + x.sum() * m.head.weight.sum()


def used_past_the_end_only(m, x):
    y = m.head(m.rnn(x)[0])
    return y.where(~mask(LENGTHS, x.shape[1])[..., None], x.sum(dim=-1, keepdim=True))


def without_gradient(m, x):
    with torch.no_grad():
        output, _ = m.rnn(x)
    return m.head(output[:, -1])


def with_last_state(m, x):
    output, state = m.rnn(x)
    return m.head(output[:, -1]), state


def drowned(kind: Any) -> nn.Module:
    module = kind
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if "bias_ih" in name:
                parameter.fill_(-50.0)
    return module


def shrinking() -> nn.Module:
    module = nn.RNN(F, H, batch_first=True)
    with torch.no_grad():
        module.weight_hh_l0.mul_(0.05)
    return module


class CarriedCell(nn.Module):
    """Keeps h of a cell on itself."""

    def __init__(self):
        super().__init__()
        self.cell, self.head, self.h = nn.GRUCell(F, H), nn.Linear(H, 2), torch.zeros(B, H)

    def forward(self, x):
        for x_t in x.unbind(dim=1):
            self.h = self.cell(x_t, self.h)
        return self.head(self.h)


PLANTED = {
    "padding, last": lambda: ("padding", "rnn", Model(lstm(), last_step), padded(), {"lengths": LENGTHS}),
    "padding, mean": lambda: ("padding", "rnn", Model(gru(), mean_over_padding), (padded(), LENGTHS), {}),
    "padding, read backwards": lambda: (
        "padding",
        "rnn",
        Model(lstm(bidirectional=True), tagger, 2 * H),
        padded(),
        {"lengths": LENGTHS},
    ),
    "padding, ours": lambda: ("padding", "rnn", Model(RNN(LSTMCell, F, H), last_step), batch(), {"lengths": LENGTHS}),
    "padding, cells": lambda: ("padding", "rnn", Model(nn.LSTMCell(F, H), loops), padded(), {"lengths": LENGTHS}),
    "padding, loss": lambda: (
        "padding",
        "rnn",
        Model(lstm(), tagger),
        padded(),
        {"lengths": LENGTHS, "loss": torch.sum},
    ),
    "padding, not a number": lambda: (
        "padding",
        "rnn",
        Model(gru(), last_step),
        batch().masked_fill(~mask(LENGTHS, T)[..., None], torch.nan),
        {"lengths": LENGTHS},
    ),
    "not swapped": lambda: ("batch-first", "rnn", Model(gru(batch_first=False), axes_not_swapped), batch(), {}),
    "not swapped, alike": lambda: ("batch-first", "rnn", Model(gru(batch_first=False), last_step), batch(5, 5), {}),
    "not swapped, lengths": lambda: (
        "batch-first",
        "rnn",
        Model(lstm(batch_first=False), tagger),
        padded(),
        {"lengths": LENGTHS},
    ),
    "swapped twice": lambda: ("batch-first", "rnn", Model(lstm(), axes_swapped_twice), batch(), {}),
    "ours, swapped": lambda: ("batch-first", "rnn", Model(RNN(GRUCell, F, H), axes_swapped_twice), batch(), {}),
    "reshaped": lambda: ("batch-first", "rnn", Model(lstm(batch_first=False), reshaped_to_time_first), batch(), {}),
    "last row": lambda: ("batch-first", "rnn", Model(lstm(), last_row), batch(), {}),
    "last row, time first": lambda: (
        "batch-first",
        "rnn",
        Model(gru(batch_first=False), last_row_time_first),
        batch(),
        {},
    ),
    "last row, alike": lambda: ("batch-first", "rnn", Model(lstm(), last_row), batch(5, 5), {}),
    "no batch axis": lambda: ("batch-first", "rnn", Model(nn.GRU(T, H), no_batch_axis), batch(), {}),
    "cell over rows": lambda: ("batch-first", "rnn", Model(nn.GRUCell(F, H), loop_over_rows), batch(), {}),
    "a bare module": lambda: ("batch-first", "lstm", nn.LSTM(F, H), batch(), {}),
    "packed, last": lambda: ("last-from-padding", "rnn", Model(lstm(), packed_last), (batch(), LENGTHS), {}),
    "ours, last": lambda: ("last-from-padding", "rnn", Model(RNN(GRUCell, F, H), ours_last), (padded(), LENGTHS), {}),
    "masked, last": lambda: ("last-from-padding", "rnn", Model(gru(), masked_last), (padded(), LENGTHS), {}),
    "viewed h_n": lambda: ("state-layout", "rnn", Model(gru(bidirectional=True), viewed_state, 2 * H), batch(), {}),
    "viewed h_n of an LSTM": lambda: (
        "state-layout",
        "rnn",
        Model(lstm(num_layers=2, bidirectional=True), viewed_state, 4 * H),
        batch(6),
        {},
    ),
    "viewed h_n, two rows": lambda: (
        "state-layout",
        "rnn",
        Model(gru(bidirectional=True), viewed_state, 2 * H),
        batch(2),
        {},
    ),
    "viewed output": lambda: ("state-layout", "rnn", Model(gru(batch_first=False), viewed_output), batch(), {}),
    "sorted for good": lambda: ("state-layout", "rnn", Model(gru(), sorted_for_good), (batch(), LENGTHS), {}),
    "last step of both": lambda: ("directions", "rnn", Model(lstm(bidirectional=True), last_step, 2 * H), batch(), {}),
    "last step of both, state returned": lambda: (
        "directions",
        "rnn",
        Model(gru(bidirectional=True), with_last_state, 2 * H),
        batch(),
        {},
    ),
    "first step of both": lambda: ("directions", "rnn", Model(gru(bidirectional=True), first_step, 2 * H), batch(), {}),
    "gathered ends of both": lambda: (
        "directions",
        "rnn",
        Model(lstm(bidirectional=True), gathered_both, 2 * H),
        (batch(), LENGTHS),
        {},
    ),
    "ours, ends of both": lambda: (
        "directions",
        "rnn",
        Model(RNN(LSTMCell, F, H, layers=2, bidirectional=True), ours_both_last, 2 * H),
        (batch(), LENGTHS),
        {},
    ),
    "one direction": lambda: (
        "directions",
        "rnn",
        Model(lstm(bidirectional=True, num_layers=2), one_direction),
        batch(),
        {},
    ),
    "only forward, ours": lambda: (
        "directions",
        "rnn",
        Model(RNN(GRUCell, F, H, bidirectional=True, fused=False), only_forward),
        batch(),
        {},
    ),
    "detached": lambda: ("dead-gradient", "rnn", Model(lstm(), detached), batch(), {}),
    "no gradient": lambda: ("dead-gradient", "rnn", Model(nn.GRUCell(F, H), without_gradient_loop), batch(), {}),
    "no gradient, torch": lambda: ("dead-gradient", "rnn", Model(lstm(), without_gradient), batch(), {}),
    "used past the end only": lambda: (
        "dead-gradient",
        "rnn",
        Model(lstm(), used_past_the_end_only),
        padded(),
        {"lengths": LENGTHS},
    ),
    "first step only": lambda: ("dead-gradient", "rnn", Model(lstm(), first_step), batch(), {}),
    "vanished": lambda: ("dead-gradient", "rnn", Model(shrinking(), last_step), batch(2, 20), {}),
    "relu at zero": lambda: (
        "dead-gradient",
        "rnn",
        Model(drowned(nn.RNN(F, H, nonlinearity="relu", batch_first=True)), last_step),
        batch(),
        {},
    ),
    "not cut": lambda: ("no-detach", "rnn", Carrying(False), batch(), {}),
    "not cut, ours": lambda: ("no-detach", "rnn", Carrying(False, RNN(LSTMCell, F, H)), batch(), {}),
    "not cut, cell": lambda: ("no-detach", "cell", CarriedCell(), batch(), {}),
}  # fmt: skip


def without_gradient_loop(m, x):
    with torch.no_grad():
        h = x.new_zeros(len(x), H)
        for x_t in x.unbind(dim=1):
            h = m.rnn(x_t, h)
    return m.head(h)


@pytest.mark.parametrize("case", PLANTED)
def test_a_planted_mistake_is_found_by_its_name_and_nothing_else(case):
    name, module, model, given, more = PLANTED[case]()
    checks = unrolled.check_model(model, given, **more)
    assert [(finding.name, finding.module) for finding in checks.findings] == [(name, module)], str(checks)
    assert not checks.ok


# ---- what is said


TEXTS = {
    "padding, mean": (
        "other values past the rows' ends change result at real steps by up to 0.",
        "pack the batch by pack_padded_sequence",
    ),
    "padding, last": ("3 more steps of padding change result at real steps", "at lengths - 1"),
    "padding, ours": ("the gradient of the loss at padded steps of 'rnn' has norm 0.", "rnn(x, lengths=lengths)"),
    "padding, cells": ("of padding change", "torch.where((t < lengths)[:, None], after, before)"),
    "padding, loss": ("and change the loss from ", "by a mask"),
    "not swapped": (
        "it reads dimension 0 of the batch as time: a change of row 0 came in at step 1 alone, in 6 of what it takes "
        "for 6 rows of 4 steps",
        "build it with batch_first=True, or hand it x.transpose(0, 1)",
    ),
    "swapped twice": ("for 6 rows of 4 steps", "without a transpose, for it has batch_first=True"),
    "ours, swapped": ("for 6 rows of 4 steps", "hand it (batch, time, feature), without a transpose"),
    "reshaped": ("a change of one row came in at 4 of its 4 rows", "by transpose(0, 1), not by view or reshape"),
    "last row": ("every row of result is a step of row 3 of its output alone", "by output[:, -1]"),
    "last row, time first": ("which is (time, batch, hidden)", "by output[-1]"),
    "no batch axis": ("takes for 1 row of 4 steps", "hand it three axes"),
    "cell over rows": ("a change of row 0 came in at step 1", "step through x[:, t], not x[t]"),
    "packed, last": (
        "nothing that 3 of the 4 rows hold changes their part of result, such as row 0 of length 4; only rows of "
        "length 6 have one of their own",
        "lengths - 1], or h_n[-1], not output[:, -1]",
    ),
    "masked, last": ("their part of result['result'],", "not output[:, -1]"),
    "viewed h_n": (
        "row 0 of result is computed from what the module holds for rows 0, 1: a change of row 0 of the batch changed "
        "rows 0, 2, though the module keeps rows apart",
        "torch.cat([h_n[-2], h_n[-1]], dim=-1)",
    ),
    "viewed output": ("from what the module holds for row 3:", "transpose(0, 1) before reshape"),
    "sorted for good": ("row 2 of result is computed from row 0 of the batch", "enforce_sorted=False"),
    "last step of both": ("its backward direction is used only where it has read one step", "output[:, 0, hidden:]"),
    "first step of both": ("its forward direction is used only where it", "output[:, -1, :hidden]"),
    "one direction": ("no gradient reaches the forward direction of its last layer", "or leave out bidirectional"),
    "only forward, ours": ("no gradient reaches the backward direction", "torch.cat"),
    "detached": (
        "no gradient reaches 4 of its 4 parameters: weight_ih_l0 (none), weight_hh_l0 (none), ",
        "look for detach(), no_grad()",
    ),
    "first step only": ("no gradient reaches 1 of its 4 parameters: weight_hh_l0 (exactly 0)", "no use of it"),
    "vanished": ("at that of the last one, 19 steps later", "take an LSTM or a GRU"),
    "relu at zero": ("5 of its 5 relu units (100%) are 0 at every step of every row", "or take tanh"),
    "not cut": (
        "its backward() fails: “Trying to backward through the graph a second time”",
        "state = unrolled.shapes.detach(state)",
    ),
}


@pytest.mark.parametrize("case", TEXTS)
def test_a_finding_says_what_was_seen_and_how_to_mend_it(case):
    _, _, model, given, more = PLANTED[case]()
    (finding,) = unrolled.check_model(model, given, **more).findings
    seen, mend = TEXTS[case]
    assert seen in finding.seen
    assert mend in finding.mend
    assert str(finding) == f"{finding.name} in '{finding.module}': {finding.seen}. To mend: {finding.mend}."


def test_the_norms_that_are_told_are_those_of_autograd():
    _, _, model, x, _ = PLANTED["vanished"]()
    (finding,) = unrolled.check_model(model, x, loss=torch.sum).findings
    x.requires_grad_()
    model(x).sum().backward()
    first, last = (float(x.grad[:, t].double().norm()) for t in (0, -1))
    assert f"its norm is {first:.3g} at the input of the first step and {last:.3g} at" in finding.seen


def test_print_says_findings_passed_skipped_and_notes():
    checks = Checks("Net", [Finding("padding", "rnn", "seen", "do")], {"directions": "one way"}, ["taken"])
    passed = "batch-first, state-layout, last-from-padding, dead-gradient, no-detach"
    assert str(checks) == (
        "Net: 1 mistake found\n  padding in 'rnn': seen. To mend: do.\n"
        f"  passed: {passed}\n  skipped: directions, one way\n  note: taken"
    )
    assert not checks.ok
    assert Checks("Net").ok
    assert str(Checks("Net")) == f"Net: no mistakes found\n  passed: {', '.join(NAMES)}"


def raising_when_changed(x):
    def way(m, given):
        if not torch.equal(given, x):
            raise ValueError("I know this batch only")
        return last_step(m, given)

    return way


def counting():
    calls = []

    def way(m, x):
        calls.append(1)
        return m.head(m.rnn(x)[1][-1]) * len(calls)

    return way


SKIPPED = {
    "no lengths": (lambda: (Model(lstm(), last_step), batch(), {}), "padding", "no lengths are given"),
    "no padding": (
        lambda: (Model(lstm(), last_step), batch(), {"lengths": [T] * B}),
        "last-from-padding",
        "no row is shorter than the time axis",
    ),
    "equally long": (
        lambda: (Model(lstm(), unpacked_gather), (batch(), torch.full((B,), 3)), {}),
        "last-from-padding",
        "all rows are equally long",
    ),
    "a result a step": (
        lambda: (Model(lstm(), tagger), padded(), {"lengths": LENGTHS}),
        "last-from-padding",
        "the model gives nothing that is one result a row",
    ),
    "one row": (
        lambda: (Model(lstm(), last_step), batch(1), {}),
        "batch-first",
        "the batch has 1 rows of 6 steps, and it takes two of each",
    ),
    "one step": (lambda: (Model(lstm(), last_step), batch(4, 1), {}), "dead-gradient", "'rnn' ran a single step"),
    "whole numbers": (
        lambda: (Model(lstm(), lambda m, x: last_step(m, x).argmax(dim=1)), batch(), {}),
        "dead-gradient",
        "not differentiable",
    ),
    "loss not finite": (
        lambda: (Model(lstm(), last_step), batch(), {"loss": lambda y: y.sum() / 0}),
        "no-detach",
        "the loss is ",
    ),
    "frozen": (lambda: (Model(lstm(), last_step).requires_grad_(False), batch(), {}), "dead-gradient", "frozen"),
    "one direction": (lambda: (Model(lstm(), last_step), batch(), {}), "directions", "no module reads both directions"),
    "does not run": (
        lambda: (Model(lstm(), lambda m, x: m.head(x.repeat(1, 1, 2)[..., :H])), batch(), {}),
        "padding",
        "none of its recurrent modules ran",
    ),
    "other values fail": (
        lambda: (Model(lstm(), raising_when_changed(batch())), batch(), {}),
        "batch-first",
        "with other values of the same kind, Model can't run on this batch: ValueError: I know this batch only",
    ),
    "two results": (lambda: (Model(gru(), counting()), batch(), {}), "padding", "two results for the same batch"),
    "nothing to change": (
        lambda: (Words(False), (torch.full((2, 3), 4), torch.tensor([3, 2])), {}),
        "padding",
        "no change of the batch changes anything",
    ),
    "no axis of the batch": (
        lambda: (Model(lstm(), lambda m, x: tagger(m, x).flatten(0, 1)), batch(), {}),
        "state-layout",
        "nothing that the model gives has an axis of the size of the batch",
    ),
    "after batch-first": (
        lambda: PLANTED["not swapped, lengths"]()[2:],
        "padding",
        "rows and steps are mixed up; mend batch-first first",
    ),
    "after state-layout": (
        lambda: PLANTED["sorted for good"]()[2:],
        "last-from-padding",
        "rows are mixed up; mend state-layout first",
    ),
}


@pytest.mark.parametrize("case", SKIPPED)
def test_what_could_not_be_checked_is_listed_with_the_reason(case):
    make, name, reason = SKIPPED[case]
    model, given, more = make()
    checks = unrolled.check_model(model, given, **more)
    assert reason in checks.skipped[name], str(checks)
    assert name not in checks.passed
    assert f"skipped: {name}, {checks.skipped[name]}" in str(checks)


def test_a_model_of_which_nothing_could_be_checked_is_not_ok():
    make, _, _ = SKIPPED["does not run"]
    model, given, _ = make()
    checks = unrolled.check_model(model, given)
    assert (checks.passed, checks.findings, checks.ok) == ([], [], False)
    assert str(checks).startswith("Model: nothing could be checked\n  skipped: ")


def test_a_result_of_one_number_a_row_can_be_checked():
    model = Model(lstm(), lambda m, x: m.head(m.rnn(x)[0][:, -1])[:, 0])
    checks = unrolled.check_model(model, batch(), LENGTHS)
    assert [finding.name for finding in checks.findings] == ["padding"], str(checks)


def test_what_is_taken_for_the_lengths_is_said():
    def notes(given):
        return unrolled.check_model(Words(False), given).notes

    assert notes((TOKENS, LENGTHS)) == ["the lengths of the rows are taken from argument 2 of the batch"]
    assert notes({"tokens": TOKENS, "lengths": LENGTHS}) == [
        "the lengths of the rows are taken from 'lengths' of the batch"
    ]
    real = (padded(), mask(LENGTHS, T))
    assert unrolled.check_model(Model(lstm(), attention), real).notes == [
        "the lengths of the rows are taken from the mask in argument 2 of the batch"
    ]
    hidden = Model(lstm(), attention)
    assert unrolled.check_model(hidden, (padded(), mask(LENGTHS, T)), LENGTHS).notes == []
    hidden.spare = gru()
    assert unrolled.check_model(hidden, (padded(), mask(LENGTHS, T)), LENGTHS).notes == ["'spare' did not run"]
    similar = unrolled.check_model(Model(gru(), similarity), torch.cat([batch(), batch()])[:3])
    assert similar.ok


# ---- the model stays as it was, and errors


def _snapshot(model: nn.Module) -> Any:
    tensors = [t.clone() for t in (*model.parameters(), *model.buffers())]
    return tensors, [p.grad for p in model.parameters()], [m.training for m in model.modules()]


@pytest.mark.parametrize("make", [Normalised, lambda: Carrying(True), lambda: Carrying(False)])
def test_the_model_and_the_random_state_stay_as_they_were(make):
    model, x = make(), batch()
    model(x).sum().backward()  # a state with a graph, running means, gradients
    state = getattr(model, "state", None)
    before, given = _snapshot(model), x.clone()
    grads = [g.clone() for g in before[1]]
    np.random.seed(7)  # noqa: NPY002
    random.seed(7)
    drawn = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].copy()  # noqa: NPY002
    unrolled.check_model(model, x)
    after = _snapshot(model)
    assert all(map(torch.equal, before[0], after[0]))
    assert all(a is b and torch.equal(a, g) for a, b, g in zip(before[1], after[1], grads, strict=True))
    assert before[2] == after[2]
    assert getattr(model, "state", None) is state
    assert torch.equal(x, given)
    assert not x.requires_grad
    assert torch.equal(torch.get_rng_state(), drawn[0])
    assert random.getstate() == drawn[1]
    assert np.array_equal(np.random.get_state()[1], drawn[2])  # noqa: NPY002
    assert all(not m._forward_hooks and not m._forward_pre_hooks for m in model.modules())


@pytest.mark.parametrize("off", [torch.no_grad, torch.inference_mode])
def test_it_finds_the_same_where_gradients_are_off(off):
    with off():
        _, _, model, x, more = PLANTED["last step of both"]()
        assert [f.name for f in unrolled.check_model(model, x, **more).findings] == ["directions"]


def test_noise_is_the_same_in_all_runs():
    def noisy(m, x):
        drawn = random.random() + np.random.rand()  # noqa: NPY002
        return m.head(m.rnn(x + torch.randn_like(x))[0][:, -1]) * drawn

    checks = unrolled.check_model(Model(lstm(), noisy), batch())
    assert checks.ok
    assert "batch-first" in checks.passed


def test_it_runs_in_eval_mode_without_dropout():
    model, x, results = Normalised().train(), batch(), []
    assert unrolled.check_model(model, x, loss=lambda y: results.append(y) or y.sum()).ok
    assert torch.allclose(results[0], model.eval()(x), atol=1e-6)


ERRORS = [
    (
        lambda: (nn.Linear(3, 2), batch(), {}),
        UnrolledError,
        "Linear has no recurrent module to record; it has Linear",
    ),
    (
        lambda: (lstm(), torch.randn(B, T, F + 1), {}),
        UnrolledError,
        r"LSTM can't run on this batch: RuntimeError: input.size\(-1\) must be equal to input_size. Expected 3, got 4; "
        "give what the model is called with",
    ),
    (
        lambda: (lstm(), batch(), {"lengths": [1, 2, 7, 3]}),
        ShapeError,
        "a length can't exceed the 6 steps .* got 7 in row 2",
    ),
    (lambda: (lstm(), batch(), {"lengths": [1, 2]}), ShapeError, "lengths must be 4 whole numbers, one a row, got"),
    (
        lambda: (Model(lstm(), last_step), batch(), {"loss": lambda y: y}),
        ShapeError,
        r"loss must give a scalar tensor, got \(4, 2\); take its mean or its sum",
    ),
    (
        lambda: (Model(lstm(), last_step), batch(), {"loss": lambda y: 0.5}),
        ShapeError,
        "loss must give a scalar tensor, got float",
    ),
    (
        lambda: (lstm(), packed(batch(), LENGTHS), {}),
        ShapeError,
        "needs the padded batch .*, got a PackedSequence; give the padded tensor to a model that packs it",
    ),
    (
        lambda: (lstm(), (torch.zeros(4), "words"), {}),
        ShapeError,
        r"needs a tensor \(batch, time, feature\).* in the batch, got torch.float32 \(4,\), str",
    ),
    (lambda: (Uncopied(), batch(), {}), UnrolledError, "Uncopied can't be copied: TypeError: one of a kind"),
]  # fmt: skip


class Uncopied(Model):
    def __init__(self):
        super().__init__(lstm(), last_step)

    def __deepcopy__(self, memo):
        raise TypeError("one of a kind")


@pytest.mark.parametrize(("make", "error", "text"), ERRORS)
def test_errors_are_one_line(make, error, text):
    model, given, more = make()
    with pytest.raises(error, match=text) as caught:
        unrolled.check_model(model, given, **more)
    assert "\n" not in str(caught.value)
