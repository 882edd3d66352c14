"""RNN against torch.nn.LSTM, forward and backward: the fast path, rows of different lengths, a cell without a kernel.

What is compared takes turns (A B A B …), so that a machine that slows down slows both.
"""

import os
from collections.abc import Callable
from statistics import median
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from benchmarks._measure import Clock, Figure, Result, Target
from unrolled.nn import RNN, LSTMCell

SIZES = [(64, 32, 256), (32, 168, 128), (256, 96, 64)]  # batch, time, hidden
QUICK = [(4, 9, 8)]


class PeepholeState(NamedTuple):
    h: Tensor
    c: Tensor


class PeepholeCell(nn.Module):
    """An LSTM whose gates see the memory (Gers & Schmidhuber 2000): a cell that torch has no kernel for."""

    def __init__(self, input_size: int, hidden_size: int):
        super().__init__()
        self.hidden_size = hidden_size
        self.mix = nn.Linear(input_size + hidden_size, 4 * hidden_size)
        self.peephole = nn.Parameter(torch.zeros(3, hidden_size))

    def initial_state(self, batch: int) -> PeepholeState:
        zeros = self.peephole.new_zeros(batch, self.hidden_size)
        return PeepholeState(zeros, zeros)

    def forward(self, x: Tensor, state: PeepholeState) -> tuple[Tensor, PeepholeState]:
        i, f, g, o = self.mix(torch.cat([x, state.h], dim=-1)).chunk(4, dim=-1)
        p_i, p_f, p_o = self.peephole
        c = (f + p_f * state.c).sigmoid() * state.c + (i + p_i * state.c).sigmoid() * g.tanh()
        h = (o + p_o * c).sigmoid() * c.tanh()
        return h, PeepholeState(h, c)


def run(quick: bool = False) -> Result:
    repeats = 3 if quick else 21
    figures = []
    for batch, time, hidden in QUICK if quick else SIZES:
        size = f"({batch}, {time}, {hidden})"
        x = torch.randn(batch, time, hidden, generator=torch.Generator().manual_seed(0))
        ours, theirs = RNN(LSTMCell, hidden, hidden), nn.LSTM(hidden, hidden, batch_first=True)
        a, b = turns(repeats, step(ours, lambda m=ours, x=x: m(x)[0]), step(theirs, lambda m=theirs, x=x: m(x)[0]))
        figures.append(ratio(f"torch.nn.LSTM / RNN, seconds, {size}", b, a, Target("at least", 0.95)))

        lengths = torch.randint(time // 2, time + 1, (batch,), generator=torch.Generator().manual_seed(0))
        ragged = step(ours, lambda m=ours, x=x, n=lengths: m(x, lengths=n)[0])
        packed = step(
            theirs,
            lambda m=theirs, x=x, n=lengths: (
                m(pack_padded_sequence(x, n, batch_first=True, enforce_sorted=False))[0].data
            ),
        )
        a, b = turns(max(3, repeats // 3), ragged, packed)
        figures.append(ratio(f"packed torch.nn.LSTM / RNN with lengths, seconds, {size}", b, a))

    batch, time, hidden = QUICK[0] if quick else SIZES[1]
    x = torch.randn(batch, time, hidden, generator=torch.Generator().manual_seed(0))
    compiled, looped = RNN(PeepholeCell, hidden, hidden, fused=True), RNN(PeepholeCell, hidden, hidden)
    theirs = nn.LSTM(hidden, hidden, batch_first=True)
    compiling = Clock()
    step(compiled, lambda: compiled(x)[0])()
    seconds = compiling.wall
    a, b, c = turns(
        max(3, repeats // 3),
        step(compiled, lambda: compiled(x)[0]),
        step(theirs, lambda: theirs(x)[0]),
        step(looped, lambda: looped(x)[0]),
    )
    size = f"({batch}, {time}, {hidden})"
    figures += [
        ratio(f"a cell without a kernel, compiled / torch.nn.LSTM, seconds, {size}", a, b, Target("at most", 3)),
        ratio(f"the same, looped / torch.nn.LSTM, seconds, {size}", c, b),
        Figure("compiling it, once", "s", [seconds]),
    ]
    return Result(
        figures,
        seeds=[0],
        settings={
            "repeats": repeats,
            "threads": torch.get_num_threads(),
            "cores": os.cpu_count(),
            "cell": "peephole LSTM",
        },
    )


def step(model: nn.Module, output: Callable[[], Tensor]) -> Callable[[], None]:
    """A forward and a backward pass."""

    def once() -> None:
        model.zero_grad(set_to_none=True)
        output().sum().backward()

    return once


def turns(repeats: int, *jobs: Callable[[], None]) -> list[list[float]]:
    """Seconds of each job, which take turns; a first turn warms up."""
    taken: list[list[float]] = [[] for _ in jobs]
    for repeat in range(repeats + 1):
        for job, seconds in zip(jobs, taken, strict=True):
            clock = Clock()
            job()
            if repeat:
                seconds.append(clock.wall)
    return taken


def ratio(name: str, above: list[float], below: list[float], target: Target | None = None) -> Figure:
    """The ratio of medians; its spread is that of the pairs."""
    pairs = [a / b for a, b in zip(above, below, strict=True)]
    return Figure(name, "times", pairs, target, "ratio of medians", given=median(above) / median(below))
