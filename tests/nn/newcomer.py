"""A cell that is not ours, with a state and gates of its own kinds: no file of the package knows of it."""

from typing import NamedTuple

import torch
from torch import Tensor, nn


class PeepholeState(NamedTuple):
    h: Tensor
    c: Tensor


class PeepholeGates(NamedTuple):
    input: Tensor
    forget: Tensor
    candidate: Tensor
    output: Tensor


class PeepholeCell(nn.Module):
    """An LSTM whose gates see the memory: Gers & Schmidhuber 2000, "Recurrent nets that time and count"."""

    def __init__(self, input_size: int, hidden_size: int):
        super().__init__()
        self.mix = nn.Linear(input_size + hidden_size, 4 * hidden_size)
        self.peephole = nn.Parameter(torch.empty(3, hidden_size).uniform_(-1, 1))

    def initial_state(self, batch: int) -> PeepholeState:
        zeros = self.peephole.new_zeros(batch, self.peephole.shape[1])
        return PeepholeState(h=zeros, c=zeros)

    def gates(self, x: Tensor, state: PeepholeState) -> PeepholeGates:
        i, f, g, o = self.mix(torch.cat([x, state.h], dim=-1)).chunk(4, dim=-1)  # each (batch, hidden)
        p_i, p_f, p_o = self.peephole
        i, f, g = (i + p_i * state.c).sigmoid(), (f + p_f * state.c).sigmoid(), g.tanh()
        c = f * state.c + i * g  # the output gate sees the new memory
        return PeepholeGates(i, f, g, (o + p_o * c).sigmoid())

    def forward(self, x: Tensor, state: PeepholeState) -> tuple[Tensor, PeepholeState]:
        i, f, g, o = self.gates(x, state)
        c = f * state.c + i * g
        h = o * c.tanh()
        return h, PeepholeState(h, c)
