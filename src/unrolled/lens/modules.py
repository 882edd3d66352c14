"""Recurrent modules of any kind, torch's or ours: finding them in a model, and their weights as our cells."""

import copy
from typing import Any

import torch
from torch import Tensor, nn

from unrolled.nn.cells import ElmanCell, GRUCell, LSTMCell, LSTMState
from unrolled.nn.rnn import RNN

Cell = type[ElmanCell] | type[LSTMCell] | type[GRUCell]
_OF_MODE: dict[str, Cell] = {"RNN_TANH": ElmanCell, "RNN_RELU": ElmanCell, "LSTM": LSTMCell, "GRU": GRUCell}
_OF_CELL: dict[type, Cell] = {nn.RNNCell: ElmanCell, nn.LSTMCell: LSTMCell, nn.GRUCell: GRUCell}


class ProjectedLSTMCell(LSTMCell):
    """``torch.nn.LSTM`` with ``proj_size``: h' = W_hr (o tanh(c')). Source: Sak, Senior & Beaufays 2014, eqs. 5-7."""

    weight_hr: Tensor

    def forward(self, x: Tensor, state: LSTMState) -> tuple[Tensor, LSTMState]:
        i, f, g, o = self.gates(x, state)
        c = f * state.c + i * g
        h = nn.functional.linear(o * c.tanh(), self.weight_hr)
        return h, LSTMState(h, c)

    def _check(self, x: Tensor, state: tuple[Tensor, ...]) -> None:
        """torch has checked them; h is narrower than c."""


def recurrent_modules(model: nn.Module) -> dict[str, nn.Module]:
    """The outermost recurrent modules, by the name that the model gives them."""
    found: dict[str, nn.Module] = {}
    for name, module in model.named_modules():
        inside = any(name.startswith(f"{outer}." if outer else "") for outer in found)
        if not inside and _is_recurrent(module):
            found[name] = module
    return found


def _is_recurrent(module: nn.Module) -> bool:
    if isinstance(module, nn.RNNBase | nn.RNNCellBase | RNN):
        return True
    # A cell of one's own; not a model that has an initial state because of what it holds.
    return hasattr(module, "initial_state") and not any(map(_is_recurrent, list(module.modules())[1:]))


def cell_type(module: nn.Module) -> Cell:
    """Which of our cells a module of torch's runs."""
    if isinstance(module, nn.RNNBase):
        return _OF_MODE[module.mode]
    return next(ours for theirs, ours in _OF_CELL.items() if isinstance(module, theirs))


def cells_of(module: nn.Module) -> list[nn.Module]:
    """The module as cells with weights of their own, which no later step of an optimizer changes.

    Layer after layer, the backward direction after the forward one.
    """
    if isinstance(module, nn.RNNBase):
        ends = ("", "_reverse") if module.bidirectional else ("",)
        return [_from_torch(module, f"_l{layer}{end}") for layer in range(module.num_layers) for end in ends]
    if isinstance(module, nn.RNNCellBase):
        return [_from_torch(module, "")]
    return [_copied(cell) for cell in (module.cells if isinstance(module, RNN) else [module])]


def _from_torch(module: Any, suffix: str) -> nn.Module:
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")
    found = {name: getattr(module, name + suffix, None) for name in names}
    weights = {name: weight.detach().clone() for name, weight in found.items() if weight is not None}
    rows, features = weights["weight_ih"].shape
    for bias in ("bias_ih", "bias_hh"):
        weights.setdefault(bias, weights["weight_ih"].new_zeros(rows))
    with torch.device("meta"):  # no memory and no random numbers for weights that are replaced at once
        cell = (ProjectedLSTMCell if "weight_hr" in weights else cell_type(module))(features, module.hidden_size)
    if isinstance(cell, ElmanCell):
        cell.nonlinearity = module.nonlinearity
    for name, weight in weights.items():
        setattr(cell, name, nn.Parameter(weight, requires_grad=False))
    return cell.train(module.training)


def _copied(cell: nn.Module) -> nn.Module:
    # Without the hooks on it, such as those of `record` itself, which hold all that was recorded so far.
    memo: dict[int, Any] = {id(hooks): type(hooks)() for hooks in (cell._forward_hooks, cell._forward_pre_hooks)}
    return copy.deepcopy(cell, memo).requires_grad_(False)
