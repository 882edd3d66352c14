"""Recurrent cells: one step in time each, written as the equations of the papers.

Dimensions: batch; input, the features of one step; hidden, the units of the cell.
W_i* are rows of ``weight_ih``, W_h* rows of ``weight_hh``, b_i* and b_h* of ``bias_ih`` and ``bias_hh``; products of
two vectors are taken element by element. Names, gate order and initialisation of the parameters are torch's, so a state
dict of ``torch.nn.RNNCell``, ``LSTMCell`` or ``GRUCell`` loads as it is, and torch is the oracle of the tests.

A cell of your own is a ``torch.nn.Module`` built by ``cell(input_size, hidden_size)`` with

- ``initial_state(batch)``: a NamedTuple whose leaves are (batch, ...);
- ``forward(x, state)``: the output (batch, hidden) and the state after it;
- ``gates(x, state)``, if it has gates: a NamedTuple of them, which ``forward`` uses, and ``record`` shows by name;
- ``unroll(x, state, lengths)``, if there is a faster way than step by step: all outputs (batch, time, hidden), and the
  state after each row's last step; what it gives past a row's length doesn't matter.

``RNN`` runs it over time, and every tool of the package takes it.
"""

import math
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from unrolled.errors import SettingsError, ShapeError, nearest
from unrolled.shapes import last, mask


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
    """An Elman cell has no gates; this is a, what the nonlinearity is applied to, which shows where it saturates."""

    preactivation: Float[Tensor, "batch hidden"]


class LSTMGates(NamedTuple):
    """The gates i, f and o of one LSTM step, in (0, 1), and its candidate g, in (-1, 1): in torch's order."""

    input: Float[Tensor, "batch hidden"]
    forget: Float[Tensor, "batch hidden"]
    candidate: Float[Tensor, "batch hidden"]
    output: Float[Tensor, "batch hidden"]


class GRUGates(NamedTuple):
    """The gates r and z of one GRU step, in (0, 1), and its candidate n, in (-1, 1): in torch's order."""

    reset: Float[Tensor, "batch hidden"]
    update: Float[Tensor, "batch hidden"]
    candidate: Float[Tensor, "batch hidden"]


class Cell(nn.Module):
    """What our cells have alike: their sizes, and what they say to inputs and states that don't fit."""

    def __init__(self, input_size: int, hidden_size: int):
        super().__init__()
        for name, size in (("input_size", input_size), ("hidden_size", hidden_size)):
            if size < 1:
                raise SettingsError(f"{name} must be at least 1, got {size}")
        self.input_size, self.hidden_size = input_size, hidden_size

    def extra_repr(self) -> str:
        return f"{self.input_size}, {self.hidden_size}"

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


class _TorchCell(Cell):
    """The weights that Elman, LSTM and GRU cells have alike, with one block of rows a gate."""

    def __init__(self, input_size: int, hidden_size: int, gates: int):
        super().__init__(input_size, hidden_size)
        self.weight_ih = nn.Parameter(torch.empty(gates * hidden_size, input_size))
        self.weight_hh = nn.Parameter(torch.empty(gates * hidden_size, hidden_size))
        self.bias_ih = nn.Parameter(torch.empty(gates * hidden_size))
        self.bias_hh = nn.Parameter(torch.empty(gates * hidden_size))
        bound = 1 / math.sqrt(hidden_size)
        for weight in self.parameters():  # torch's bound and order: the same seed gives the same bits
            nn.init.uniform_(weight, -bound, bound)

    def _from_input(self, x: Tensor) -> Tensor:
        return nn.functional.linear(x, self.weight_ih, self.bias_ih)  # (batch, gates * hidden)

    def _from_state(self, h: Tensor) -> Tensor:
        return nn.functional.linear(h, self.weight_hh, self.bias_hh)  # (batch, gates * hidden)

    def _fused(
        self, kernel: Callable[..., Any], x: Tensor, before: Any, weight_ih: Tensor | None = None
    ) -> list[Tensor]:
        """One of torch's kernels over all steps of x (batch, time, input): the outputs, and each leaf of the state."""
        weights = [self.weight_ih if weight_ih is None else weight_ih, self.weight_hh, self.bias_ih, self.bias_hh]
        # has biases, one layer, no dropout, whether training, one direction, batch first
        output, *after = kernel(x, before, weights, True, 1, 0.0, self.training, False, True)
        return [output, *(leaf[0] for leaf in after)]


# The function of one step, and torch's kernel over all of them.
NONLINEARITIES: dict[str, tuple[Callable[[Tensor], Tensor], Callable[..., Any]]] = {
    "tanh": (torch.tanh, torch.rnn_tanh),
    "relu": (torch.relu, torch.rnn_relu),
}


class ElmanCell(_TorchCell):
    """One step of the simple recurrent network::

        a  = W_ih x + b_ih + W_hh h + b_hh
        h' = φ(a)                              φ = tanh, or relu

    Source: Elman 1990, "Finding structure in time", with tanh for the logistic function; with relu, Le, Jaitly & Hinton
    2015, "A simple way to initialize recurrent networks of rectified linear units". In `RNN`, relu comes by
    ``functools.partial(ElmanCell, nonlinearity="relu")``.

    >>> cell = ElmanCell(3, 5)
    >>> output, state = cell(torch.zeros(2, 3), cell.initial_state(2))
    >>> output.shape
    torch.Size([2, 5])
    """

    def __init__(self, input_size: int, hidden_size: int, nonlinearity: str = "tanh"):
        super().__init__(input_size, hidden_size, gates=1)
        if nonlinearity not in NONLINEARITIES:
            raise SettingsError(f"unknown nonlinearity {nonlinearity!r}{nearest(nonlinearity, NONLINEARITIES)}")
        self.nonlinearity = nonlinearity

    def initial_state(self, batch: int) -> ElmanState:
        """Zeros, on the parameters' device and in their dtype."""
        return ElmanState(self.weight_hh.new_zeros(batch, self.hidden_size))

    def gates(self, x: Float[Tensor, "batch input"], state: ElmanState) -> ElmanGates:
        """The preactivation a. Raises ShapeError for an input or a state of the wrong size or kind."""
        self._check(x, state)
        return ElmanGates(self._from_input(x) + self._from_state(state.h))

    def forward(
        self, x: Float[Tensor, "batch input"], state: ElmanState
    ) -> tuple[Float[Tensor, "batch hidden"], ElmanState]:
        """The output h' and the state after input x."""
        (a,) = self.gates(x, state)
        φ, _ = NONLINEARITIES[self.nonlinearity]
        h = φ(a)
        return h, ElmanState(h)

    def unroll(
        self, x: Float[Tensor, "batch time input"], state: ElmanState, lengths: Tensor | None = None
    ) -> tuple[Float[Tensor, "batch time hidden"], ElmanState]:
        """All steps at once by torch's kernel: every h, and the state after each row's last step."""
        _, kernel = NONLINEARITIES[self.nonlinearity]
        if lengths is None or self.nonlinearity == "tanh":
            output, _ = self._fused(kernel, x, state.h[None])
            return output, ElmanState(last(output, lengths))
        # relu has no bound: over a long padding h could reach infinity, and a gradient of 0 times that is NaN. So the
        # kernel gets no padding at all.
        data, sizes, order, back = pack_padded_sequence(x, lengths.cpu(), batch_first=True, enforce_sorted=False)
        weights = [self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh]
        data, h = kernel(data, sizes, state.h[order][None], weights, True, 1, 0.0, self.training, False)
        packed = PackedSequence(data, sizes, order, back)
        return pad_packed_sequence(packed, batch_first=True, total_length=x.shape[1])[0], ElmanState(h[0][back])


class LSTMCell(_TorchCell):
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

    def unroll(
        self, x: Float[Tensor, "batch time input"], state: LSTMState, lengths: Tensor | None = None
    ) -> tuple[Float[Tensor, "batch time hidden"], LSTMState]:
        """All steps at once by torch's kernel: every h, and the state after each row's last step."""
        weight_ih = self.weight_ih
        if lengths is not None:
            # The kernel gives c after the last step alone. One more input, 1 past a row's end, shuts the input gate
            # there and opens the forget gate: σ(∓1e4) is 0 and 1 exactly, and c stays what it was at the row's end.
            past = ~mask(lengths, x.shape[1])
            x = torch.cat([x, past[..., None].to(x.dtype)], dim=-1)
            keep = weight_ih.new_tensor([-1e4, 1e4, 0.0, 0.0]).repeat_interleave(self.hidden_size)
            weight_ih = torch.cat([weight_ih, keep[:, None]], dim=1)
        before = [state.h[None], state.c[None]]
        if (
            x.device.type == "cpu"
            and torch.is_autocast_enabled("cpu")
            and not has_lstm_in(torch.get_autocast_dtype("cpu"))
        ):
            # On CPUs without AVX-512 torch has no LSTM in half precision, and only raises: it stays in full precision.
            x, *before = (part.to(weight_ih.dtype) for part in (x, *before))
            with torch.autocast("cpu", enabled=False):
                output, _, c = self._fused(torch.lstm, x, before, weight_ih)
        else:
            output, _, c = self._fused(torch.lstm, x, before, weight_ih)
        return output, LSTMState(last(output, lengths), c)


@cache
def has_lstm_in(dtype: torch.dtype) -> bool:
    """Whether torch.nn.LSTM runs under autocast to ``dtype`` on this CPU, found by running a small one."""
    ones = torch.ones(1, 1, 1)
    with torch.no_grad(), torch.autocast("cpu", dtype):
        try:
            torch.lstm(ones, [ones, ones], [torch.ones(4, 1)] * 2, False, 1, 0.0, False, False, True)
        except RuntimeError:
            return False
    return True


class GRUCell(_TorchCell):
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

    def unroll(
        self, x: Float[Tensor, "batch time input"], state: GRUState, lengths: Tensor | None = None
    ) -> tuple[Float[Tensor, "batch time hidden"], GRUState]:
        """All steps at once by torch's kernel: every h, and the state after each row's last step."""
        output, _ = self._fused(torch.gru, x, state.h[None])
        return output, GRUState(last(output, lengths))
