"""Recurrent cells: one step in time each, written as the equations of the papers.

Dimensions: batch; input, the features of one step; hidden, the units of the cell.
W_i* are rows of ``weight_ih``, W_h* rows of ``weight_hh``, b_i* and b_h* of ``bias_ih`` and ``bias_hh``; products of
two vectors are taken element by element. Names, gate order and initialisation of the parameters are torch's, so a state
dict of ``torch.nn.RNNCell``, ``LSTMCell`` or ``GRUCell`` loads as it is, and torch is the oracle of the tests.

A cell of your own is a ``torch.nn.Module`` built by ``cell(input_size, hidden_size)`` with two methods:
``initial_state(batch)`` gives a NamedTuple whose leaves are (batch, ...), and ``forward(x, state)`` gives the output
(batch, hidden) and the state after it. ``RNN`` runs it over time.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from unrolled.errors import SettingsError, ShapeError, nearest


class ElmanState(NamedTuple):
    """What an Elman network carries from one step to the next."""

    h: Float[Tensor, "batch hidden"]


class LSTMState(NamedTuple):
    """What an LSTM carries from one step to the next: what it shows, h, and its memory, c."""

    h: Float[Tensor, "batch hidden"]
    c: Float[Tensor, "batch hidden"]


class GRUState(NamedTuple):
    """What a GRU carries from one step to the next."""

    h: Float[Tensor, "batch hidden"]


class ElmanGates(NamedTuple):
    """An Elman cell has no gates; this is the activation a before the tanh, which shows where the tanh saturates."""

    a: Float[Tensor, "batch hidden"]


class LSTMGates(NamedTuple):
    """The gates of one LSTM step: input i, forget f and output o in (0, 1), candidate g in (-1, 1)."""

    i: Float[Tensor, "batch hidden"]
    f: Float[Tensor, "batch hidden"]
    g: Float[Tensor, "batch hidden"]
    o: Float[Tensor, "batch hidden"]


class GRUGates(NamedTuple):
    """The gates of one GRU step: reset r and update z in (0, 1), candidate n in (-1, 1)."""

    r: Float[Tensor, "batch hidden"]
    z: Float[Tensor, "batch hidden"]
    n: Float[Tensor, "batch hidden"]


class _Cell(nn.Module):
    """The weights that Elman, LSTM and GRU cells have alike, with one block of rows a gate."""

    def __init__(self, input_size: int, hidden_size: int, gates: int):
        super().__init__()
        for name, size in (("input_size", input_size), ("hidden_size", hidden_size)):
            if size < 1:
                raise SettingsError(f"{name} must be at least 1, got {size}")
        self.input_size, self.hidden_size = input_size, hidden_size
        self.weight_ih = nn.Parameter(torch.empty(gates * hidden_size, input_size))
        self.weight_hh = nn.Parameter(torch.empty(gates * hidden_size, hidden_size))
        self.bias_ih = nn.Parameter(torch.empty(gates * hidden_size))
        self.bias_hh = nn.Parameter(torch.empty(gates * hidden_size))
        bound = 1 / math.sqrt(hidden_size)
        for weight in self.parameters():  # torch's bound and order: the same seed gives the same bits
            nn.init.uniform_(weight, -bound, bound)

    def extra_repr(self) -> str:
        return f"{self.input_size}, {self.hidden_size}"

    def _from_input(self, x: Tensor) -> Tensor:
        return nn.functional.linear(x, self.weight_ih, self.bias_ih)  # (batch, gates * hidden)

    def _from_state(self, h: Tensor) -> Tensor:
        return nn.functional.linear(h, self.weight_hh, self.bias_hh)  # (batch, gates * hidden)

    def _check(self, x: Tensor, state: tuple[Tensor, ...]) -> None:
        name = type(self).__name__
        if not x.is_floating_point():
            raise ShapeError(f"{name} reads real numbers, got {x.dtype}; convert the input with .float()")
        if x.ndim != 2:
            raise ShapeError(
                f"{name} reads one step of shape (batch, {self.input_size}), got {tuple(x.shape)}; RNN reads sequences"
            )
        if x.shape[1] != self.input_size:
            raise ShapeError(
                f"this {name} reads {self.input_size} features a step, got {x.shape[1]} (input of shape "
                f"{tuple(x.shape)}); build it with input_size={x.shape[1]}, or select the columns"
            )
        for leaf in state:
            if leaf.shape != (x.shape[0], self.hidden_size):
                raise ShapeError(
                    f"the state of {name} must be (batch, hidden) = ({x.shape[0]}, {self.hidden_size}), "
                    f"got {tuple(leaf.shape)}; initial_state({x.shape[0]}) makes one"
                )


class ElmanCell(_Cell):
    """One step of the simple recurrent network::

        a  = W_ih x + b_ih + W_hh h + b_hh
        h' = tanh(a)

    Source: Elman 1990, "Finding structure in time", with tanh for the logistic function.

    >>> cell = ElmanCell(3, 5)
    >>> output, state = cell(torch.zeros(2, 3), cell.initial_state(2))
    >>> output.shape
    torch.Size([2, 5])
    """

    def __init__(self, input_size: int, hidden_size: int):
        super().__init__(input_size, hidden_size, gates=1)

    def initial_state(self, batch: int) -> ElmanState:
        """Zeros, on the parameters' device and in their dtype."""
        return ElmanState(self.weight_hh.new_zeros(batch, self.hidden_size))

    def gates(self, x: Float[Tensor, "batch input"], state: ElmanState) -> ElmanGates:
        """The activation before the tanh. Raises ShapeError for an input or a state of the wrong size or kind."""
        self._check(x, state)
        return ElmanGates(self._from_input(x) + self._from_state(state.h))

    def forward(
        self, x: Float[Tensor, "batch input"], state: ElmanState
    ) -> tuple[Float[Tensor, "batch hidden"], ElmanState]:
        """The output h' and the state after input x."""
        (a,) = self.gates(x, state)
        h = a.tanh()
        return h, ElmanState(h)


class LSTMCell(_Cell):
    """One step of the long short-term memory::

        i  = σ(W_ii x + b_ii + W_hi h + b_hi)        input gate: how much of the candidate to write
        f  = σ(W_if x + b_if + W_hf h + b_hf)        forget gate: how much of the memory to keep
        g  = tanh(W_ig x + b_ig + W_hg h + b_hg)     candidate
        o  = σ(W_io x + b_io + W_ho h + b_ho)        output gate: how much of the memory to show
        c' = f c + i g
        h' = o tanh(c')

    Source: Hochreiter & Schmidhuber 1997, "Long short-term memory", with the forget gate of Gers, Schmidhuber &
    Cummins 2000, "Learning to forget".

    >>> cell = LSTMCell(3, 5)
    >>> output, state = cell(torch.zeros(2, 3), cell.initial_state(2))
    >>> output.shape, state.c.shape
    (torch.Size([2, 5]), torch.Size([2, 5]))
    """

    def __init__(self, input_size: int, hidden_size: int):
        super().__init__(input_size, hidden_size, gates=4)

    def initial_state(self, batch: int) -> LSTMState:
        """An empty memory, on the parameters' device and in their dtype."""
        zeros = self.weight_hh.new_zeros(batch, self.hidden_size)
        return LSTMState(h=zeros, c=zeros)

    def gates(self, x: Float[Tensor, "batch input"], state: LSTMState) -> LSTMGates:
        """The four gates. Raises ShapeError for an input or a state of the wrong size or kind."""
        self._check(x, state)
        i, f, g, o = (self._from_input(x) + self._from_state(state.h)).chunk(4, dim=-1)  # each (batch, hidden)
        return LSTMGates(i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid())

    def forward(
        self, x: Float[Tensor, "batch input"], state: LSTMState
    ) -> tuple[Float[Tensor, "batch hidden"], LSTMState]:
        """The output h' and the state after input x."""
        i, f, g, o = self.gates(x, state)
        c = f * state.c + i * g
        h = o * c.tanh()
        return h, LSTMState(h, c)


class GRUCell(_Cell):
    """One step of the gated recurrent unit::

        r  = σ(W_ir x + b_ir + W_hr h + b_hr)            reset gate: how much of the past the candidate sees
        z  = σ(W_iz x + b_iz + W_hz h + b_hz)            update gate: how much of the past to keep
        n  = tanh(W_in x + b_in + r (W_hn h + b_hn))     candidate
        h' = (1 - z) n + z h

    Source: Cho et al. 2014, "Learning phrase representations using RNN encoder-decoder" (eqs. 5-8 there). As in torch
    and cuDNN, r multiplies W_hn h + b_hn, where the paper has W_hn (r h).

    >>> cell = GRUCell(3, 5)
    >>> output, state = cell(torch.zeros(2, 3), cell.initial_state(2))
    >>> output.shape
    torch.Size([2, 5])
    """

    def __init__(self, input_size: int, hidden_size: int):
        super().__init__(input_size, hidden_size, gates=3)

    def initial_state(self, batch: int) -> GRUState:
        """Zeros, on the parameters' device and in their dtype."""
        return GRUState(self.weight_hh.new_zeros(batch, self.hidden_size))

    def gates(self, x: Float[Tensor, "batch input"], state: GRUState) -> GRUGates:
        """The gates and the candidate. Raises ShapeError for an input or a state of the wrong size or kind."""
        self._check(x, state)
        r_x, z_x, n_x = self._from_input(x).chunk(3, dim=-1)  # each (batch, hidden)
        r_h, z_h, n_h = self._from_state(state.h).chunk(3, dim=-1)
        r = (r_x + r_h).sigmoid()
        z = (z_x + z_h).sigmoid()
        n = (n_x + r * n_h).tanh()
        return GRUGates(r, z, n)

    def forward(
        self, x: Float[Tensor, "batch input"], state: GRUState
    ) -> tuple[Float[Tensor, "batch hidden"], GRUState]:
        """The output h' and the state after input x."""
        _, z, n = self.gates(x, state)
        h = (1 - z) * n + z * state.h
        return h, GRUState(h)


CELLS: dict[str, type[ElmanCell] | type[LSTMCell] | type[GRUCell]] = {
    "rnn": ElmanCell,
    "lstm": LSTMCell,
    "gru": GRUCell,
}


def cell_named(name: str) -> type[ElmanCell] | type[LSTMCell] | type[GRUCell]:
    """The cell class that goes by this name; raises SettingsError, with the nearest names, where there is none.

    >>> cell_named("lstm").__name__
    'LSTMCell'
    """
    if name not in CELLS:
        raise SettingsError(f"unknown cell {name!r}{nearest(name, CELLS)}")
    return CELLS[name]
