"""Backpropagation through time by hand: the equations that autograd applies, written out for the three cells.

The network is a chain of steps, s_t = step(x_t, s_{t-1}) for t = 1 … T, whose output at step t is the state's h_t. The
forward pass keeps every step's gates and state. The backward pass walks from T down to 1 with δs_t = ∂L/∂s_t, the sum
of everything that s_t goes on to change::

    δh_t  = ∂L/∂y_t + (what reached h_t from step t+1)      the loss looks at h_t, and the next step reads it
    δs_{t-1}, δa_t = the cell's own step backwards           a: the preactivations, before σ and tanh
    ∂L/∂W_ih = Σ_t δa_t x_tᵀ      ∂L/∂W_hh = Σ_t δa_t h_{t-1}ᵀ      ∂L/∂b = Σ_t δa_t      ∂L/∂x_t = W_ihᵀ δa_t

The weights are the same at every step, hence the sums over t. In code δ is ``d_``. Products of two vectors are taken
element by element.

Sources: Rumelhart, Hinton & Williams 1986, "Learning representations by back-propagating errors"; Werbos 1990,
"Backpropagation through time: what it does and how to do it".

Dimensions: batch; time, the steps; input, the features of one step; hidden, the units; gates, rows of all gates.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from unrolled.errors import SettingsError, ShapeError
from unrolled.nn.cells import ElmanCell, ElmanState, GRUCell, GRUState, LSTMCell, LSTMState
from unrolled.shapes import detach

Gates = tuple[Tensor, ...]
Back = tuple[Tensor, Tensor, Any]  # δa as the input meets it, δa as h meets it, δs before the step


class Trace(NamedTuple):
    """What a forward pass gives and what the backward pass needs of it."""

    output: Float[Tensor, "batch time hidden"]
    state: Any  # the cell's NamedTuple, after the last step
    x: Float[Tensor, "batch time input"]
    states: tuple[Any, ...]  # time + 1 of them: states[t] is the state before step t, counted from 0
    gates: tuple[Gates, ...]  # one a step, as cell.gates gives them


class Gradients(NamedTuple):
    """The gradients of a loss L."""

    parameters: dict[str, Tensor]  # by the cell's own names
    x: Float[Tensor, "batch time input"]
    state: Any  # at the state before the first step, as the cell's NamedTuple
    hidden: Float[Tensor, "batch time hidden"]  # δh_t, the whole of ∂L/∂h_t at each step


@torch.no_grad()
def forward(cell: nn.Module, x: Float[Tensor, "batch time input"], state: Any = None) -> Trace:
    """The cell over all steps of ``x`` from ``state`` (zeros if None), with all that the backward pass needs.

    Raises SettingsError for a cell without equations here, ShapeError for an input or a state of the wrong shape.

    >>> cell = ElmanCell(1, 1)
    >>> trace = forward(cell, torch.zeros(2, 5, 1))
    >>> trace.output.shape, len(trace.states)
    (torch.Size([2, 5, 1]), 6)
    """
    step, _ = _equations(cell)
    if x.ndim != 3 or x.shape[1] == 0:
        raise ShapeError(f"bptt.forward reads (batch, time, input) with at least one step, got {tuple(x.shape)}")
    like: Any = cell.initial_state(x.shape[0])  # type: ignore[operator]
    x, state = x.detach(), detach(like if state is None else _checked("the state", state, like))
    states, gates = [state], []
    for x_t in x.unbind(dim=1):  # (batch, input)
        gates_t, s = step(cell, x_t, states[-1])
        gates.append(gates_t)
        states.append(s)
    output = torch.stack([s.h for s in states[1:]], dim=1)  # (batch, time, hidden)
    return Trace(output, states[-1], x, tuple(states), tuple(gates))


@torch.no_grad()
def backward(
    cell: nn.Module, trace: Trace, d_output: Float[Tensor, "batch time hidden"], d_state: Any = None
) -> Gradients:
    """The gradients of a loss L that looks at the outputs of ``trace`` and, with ``d_state``, at the last state.

    ``d_output`` is ∂L/∂y_t at every step, of the direct kind: what the loss itself takes from y_t, without what reaches
    it by later steps. ``d_state`` is ∂L/∂s_T as the cell's NamedTuple (zeros if None). The weights must be those of the
    forward pass. Raises SettingsError for a cell without equations here, ShapeError for gradients of the wrong shape.

    One step, h = tanh(w x) with w = 0 and x = 3, and L = h: ∂L/∂w = (1 - h²) x = 3.

    >>> cell = ElmanCell(1, 1)
    >>> _ = torch.nn.utils.vector_to_parameters(torch.zeros(4), cell.parameters())
    >>> trace = forward(cell, torch.full((1, 1, 1), 3.0))
    >>> backward(cell, trace, torch.ones(1, 1, 1)).parameters["weight_ih"]
    tensor([[3.]])
    """
    _, step = _equations(cell)
    if d_output.shape != trace.output.shape:
        raise ShapeError(f"d_output must be {tuple(trace.output.shape)}, as the output is, got {tuple(d_output.shape)}")
    zeros = type(trace.state)(*(torch.zeros_like(leaf) for leaf in trace.state))
    d_s: Any = zeros if d_state is None else _checked("d_state", d_state, zeros)

    steps = []
    for t in reversed(range(trace.x.shape[1])):
        d_s = d_s._replace(h=d_s.h + d_output[:, t])
        d_h = d_s.h
        d_ax, d_ah, d_s = step(cell, trace.gates[t], trace.states[t], trace.states[t + 1], d_s)
        steps.append((d_h, d_ax, d_ah))

    d_h, d_ax, d_ah = (torch.stack(d[::-1], dim=1) for d in zip(*steps, strict=True))  # (batch, time, …) each
    h = torch.stack([s.h for s in trace.states[:-1]], dim=1)  # (batch, time, hidden), each from before its step
    parameters = {
        "weight_ih": torch.einsum("btg,bti->gi", d_ax, trace.x),
        "weight_hh": torch.einsum("btg,bth->gh", d_ah, h),
        "bias_ih": d_ax.sum(dim=(0, 1)),
        "bias_hh": d_ah.sum(dim=(0, 1)),
    }
    return Gradients(parameters, d_ax @ cell.weight_ih, d_s, d_h)  # type: ignore[operator]


def _elman_forward(cell: ElmanCell, x: Tensor, s: ElmanState) -> tuple[Gates, ElmanState]:
    """a = W_ih x + b_ih + W_hh h + b_hh;  h' = φ(a), where φ is tanh or relu"""
    (a,) = cell.gates(x, s)
    return (a,), ElmanState(a.relu() if cell.nonlinearity == "relu" else a.tanh())


def _elman_backward(cell: ElmanCell, gates: Gates, before: ElmanState, after: ElmanState, d: ElmanState) -> Back:
    """Rumelhart et al. 1986::

    δa = δh' φ'(a)      tanh'(a) = 1 - h'²      relu'(a) = 1 where a > 0, else 0
    δh = W_hhᵀ δa
    """
    (a,) = gates
    slope = (a > 0).to(a.dtype) if cell.nonlinearity == "relu" else 1 - after.h**2
    d_a = d.h * slope
    return d_a, d_a, ElmanState(d_a @ cell.weight_hh)


def _lstm_forward(cell: LSTMCell, x: Tensor, s: LSTMState) -> tuple[Gates, LSTMState]:
    """c' = f c + i g;  h' = o tanh(c')"""
    i, f, g, o = cell.gates(x, s)
    c = f * s.c + i * g
    return (i, f, g, o), LSTMState(o * c.tanh(), c)


def _lstm_backward(cell: LSTMCell, gates: Gates, before: LSTMState, after: LSTMState, d: LSTMState) -> Back:
    """Hochreiter & Schmidhuber 1997 with the forget gate of Gers et al. 2000, the gradient not truncated::

    δo  = δh' tanh(c')
    δc' = δc' + δh' o (1 - tanh²(c'))        c' is seen through h' and by the next step
    δi  = δc' g        δf = δc' c        δg = δc' i
    δa_i = δi i (1 - i)     δa_f = δf f (1 - f)     δa_g = δg (1 - g²)     δa_o = δo o (1 - o)
    δh  = W_hhᵀ δa
    δc  = δc' f                              no matrix here: where f is 1, the error is carried as it is
    """
    i, f, g, o = gates
    tanh_c = after.c.tanh()
    d_o = d.h * tanh_c
    d_c = d.c + d.h * o * (1 - tanh_c**2)
    d_i, d_f, d_g = d_c * g, d_c * before.c, d_c * i
    d_a = torch.cat([d_i * i * (1 - i), d_f * f * (1 - f), d_g * (1 - g**2), d_o * o * (1 - o)], dim=-1)
    return d_a, d_a, LSTMState(d_a @ cell.weight_hh, d_c * f)


def _gru_forward(cell: GRUCell, x: Tensor, s: GRUState) -> tuple[Gates, GRUState]:
    """h' = (1 - z) n + z h"""
    r, z, n = cell.gates(x, s)
    return (r, z, n), GRUState((1 - z) * n + z * s.h)


def _gru_backward(cell: GRUCell, gates: Gates, before: GRUState, after: GRUState, d: GRUState) -> Back:
    """Cho et al. 2014, with n = tanh(W_in x + b_in + r m), m = W_hn h + b_hn::

    δz = δh' (h - n)        δn = δh' (1 - z)
    δa_n = δn (1 - n²)      δm = δa_n r         δr = δa_n m
    δa_r = δr r (1 - r)     δa_z = δz z (1 - z)
    δh = δh' z + W_hhᵀ [δa_r, δa_z, δm]         past z without a matrix, and by the gates
    """
    r, z, n = gates
    m = cell._from_state(before.h).chunk(3, dim=-1)[2]
    d_z, d_n = d.h * (before.h - n), d.h * (1 - z)
    d_an = d_n * (1 - n**2)
    d_ar, d_az = d_an * m * r * (1 - r), d_z * z * (1 - z)
    d_ah = torch.cat([d_ar, d_az, d_an * r], dim=-1)
    return torch.cat([d_ar, d_az, d_an], dim=-1), d_ah, GRUState(d.h * z + d_ah @ cell.weight_hh)


Equations = tuple[Callable[..., Any], Callable[..., Any]]  # of a step, and of the step backwards

# By exact class: a subclass may change the step, and these equations would not know.
EQUATIONS: dict[type, Equations] = {
    ElmanCell: (_elman_forward, _elman_backward),
    LSTMCell: (_lstm_forward, _lstm_backward),
    GRUCell: (_gru_forward, _gru_backward),
}


def _equations(cell: nn.Module) -> Equations:
    if type(cell) in EQUATIONS:
        return EQUATIONS[type(cell)]
    known = ", ".join(cell_type.__name__ for cell_type in EQUATIONS)
    came = type(cell).__name__
    raise SettingsError(f"no equations by hand for {came}, only for {known}; autograd serves any: loss.backward()")


def _checked(what: str, given: Any, like: Any) -> Any:
    if type(given) is not type(like):
        raise ShapeError(f"{what} must be {type(like).__name__}, got {type(given).__name__}")
    shapes, expected = ([tuple(leaf.shape) for leaf in leaves] for leaves in (given, like))
    if shapes != expected:
        raise ShapeError(f"{what} must be {type(like).__name__} with leaves of shape {expected}, got {shapes}")
    return given
