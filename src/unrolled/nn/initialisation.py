"""Initialisations of recurrent networks by name, for torch's modules and ours, in place."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from unrolled.errors import SettingsError, nearest
from unrolled.nn.cells import ElmanCell, GRUCell, LSTMCell

Module = TypeVar("Module", bound=nn.Module)

# What is derived from these counts as them.
ELMAN = (nn.RNN, nn.RNNCell, ElmanCell)
LSTM = (nn.LSTM, nn.LSTMCell, LSTMCell)
GRU = (nn.GRU, nn.GRUCell, GRUCell)
RECURRENT = (nn.RNNBase, nn.RNNCellBase, ElmanCell, LSTMCell, GRUCell)


def default(module: nn.Module) -> None:
    """Every parameter uniform in ±1/√hidden, in torch's order: after the same seed, the bits of a new torch module."""
    bound = 1 / math.sqrt(_hidden_size(module))
    for weight in module.parameters(recurse=False):
        nn.init.uniform_(weight, -bound, bound)


def orthogonal(module: nn.Module) -> None:
    """Each gate's block W of each recurrent matrix orthogonal, W Wᵀ = 1: it turns h and keeps its length.

    With ``proj_size`` a block has more rows than columns, and Wᵀ W = 1. Source: Saxe, McClelland & Ganguli 2014,
    "Exact solutions to the nonlinear dynamics of learning in deep linear neural networks".
    """
    for weight in _named(module, "weight_hh"):
        for block in weight.split(_hidden_size(module)):
            nn.init.orthogonal_(block)


def identity(module: nn.Module) -> None:
    """Recurrent matrix 1, biases 0, input weights normal with standard deviation 0.001: at first, h adds up its input.

    Source: Le, Jaitly & Hinton 2015, "A simple way to initialize recurrent networks of rectified linear units"; it is
    meant for relu.
    """
    for weight in _named(module, "weight_hh"):
        nn.init.eye_(weight)
    for weight in _named(module, "weight_ih"):
        nn.init.normal_(weight, std=0.001)
    for bias in _named(module, "bias_"):
        nn.init.zeros_(bias)


def forget_bias(module: nn.Module) -> None:
    """b_if = 1 and b_hf = 0, so that the forget gate begins open: σ(1) = 0.73 of the memory is kept a step.

    Sources: Gers, Schmidhuber & Cummins 2000, "Learning to forget"; Jozefowicz, Zaremba & Sutskever 2015, "An empirical
    exploration of recurrent network architectures".
    """
    hidden = _hidden_size(module)
    for name, value in (("bias_ih", 1.0), ("bias_hh", 0.0)):
        for bias in _named(module, name):
            nn.init.constant_(bias[hidden : 2 * hidden], value)  # torch's order: i f g o


def chrono(module: nn.Module, steps: int) -> None:
    """Memories that last from one step to about T = ``steps``: b_f = log u, b_i = -b_f with u uniform in [1, T - 1].

    An LSTM's unit then keeps σ(log u) = u / (1 + u) of its memory a step, and takes on as little as it lets go. In a
    GRU the update gate does both, with b_z = log u, as torch's z is what is kept. Source: Tallec & Ollivier 2018, "Can
    recurrent neural networks warp time?", eq. 16.
    """
    hidden = _hidden_size(module)
    for b_ih, b_hh in zip(_named(module, "bias_ih"), _named(module, "bias_hh"), strict=True):
        kept = torch.empty(hidden).uniform_(1, steps - 1).log()
        b_ih[hidden : 2 * hidden] = kept  # the second block: f of an LSTM's i f g o, z of a GRU's r z n
        b_hh[hidden : 2 * hidden] = 0
        if isinstance(module, LSTM):
            b_ih[:hidden] = -kept
            b_hh[:hidden] = 0


INITIALISATIONS: dict[str, Callable[[nn.Module], None]] = {
    "default": default,
    "orthogonal": orthogonal,
    "identity": identity,
    "forget-bias": forget_bias,
}
CHRONO = "chrono:"
NAMES = (*INITIALISATIONS, f"{CHRONO}STEPS")


@torch.no_grad()
def initialise(module: Module, *names: str) -> Module:
    """Sets the weights of every recurrent network in ``module`` anew, in place, and returns it.

    ``names`` are applied in order, and each changes only what it names: "default", "orthogonal", "identity" (Elman
    networks), "forget-bias" (LSTMs), "chrono:200" (LSTMs and GRUs, for memories of up to 200 steps). The networks are
    torch's ``RNN``, ``LSTM``, ``GRU`` and their cells, ours, and what is derived from them; all other modules stay as
    they are.

    Raises SettingsError for an unknown name, one that doesn't fit a network in the module, and a module with nothing
    recurrent in it; then nothing has changed.

    >>> lstm = initialise(nn.LSTM(3, 5), "orthogonal", "forget-bias")
    >>> W_hf = lstm.weight_hh_l0[5:10]
    >>> torch.allclose(W_hf @ W_hf.T, torch.eye(5), atol=1e-6)
    True
    """
    if not names:
        raise SettingsError(f"initialise needs a name; there are: {', '.join(NAMES)}")
    chosen = {name: _initialisation(name) for name in names}
    networks = {path: m for path, m in module.named_modules() if isinstance(m, RECURRENT)}
    if not networks:
        held = sorted({type(m).__name__ for m in module.modules()})
        raise SettingsError(f"there is nothing recurrent to initialise; the module holds: {', '.join(held)}")
    for path, network in networks.items():
        for name in names:
            _check_fit(name, path, network)
    for name in names:
        for network in networks.values():
            chosen[name](network)
    return module


def _initialisation(name: str) -> Callable[[nn.Module], None]:
    if name in INITIALISATIONS:
        return INITIALISATIONS[name]
    if not str(name).startswith("chrono"):
        raise SettingsError(f"unknown initialisation {name!r}{nearest(str(name), NAMES)}")
    steps = str(name).removeprefix(CHRONO)
    if not steps.isdecimal() or int(steps) < 3:
        raise SettingsError(f"'chrono' says how many steps to remember, at least 3, as 'chrono:200'; got {name!r}")
    return partial(chrono, steps=int(steps))


def _check_fit(name: str, path: str, network: nn.Module) -> None:
    what = f"{path!r} is a {type(network).__name__}" if path else f"this is a {type(network).__name__}"
    if not _named(network, "weight_hh"):
        raise SettingsError(f"{what} without a parameter weight_hh of its own; initialise before parametrising")
    if name == "identity" and not isinstance(network, ELMAN):
        raise SettingsError(f"'identity' is for Elman networks, and {what}; 'orthogonal' fits every recurrent network")
    if name == "forget-bias" and not isinstance(network, LSTM):
        raise SettingsError(f"'forget-bias' is for LSTMs, and {what}; leave it out")
    if name.startswith(CHRONO) and not isinstance(network, LSTM + GRU):
        raise SettingsError(f"'chrono' is for LSTMs and GRUs, and {what}; leave it out")
    if (name == "forget-bias" or name.startswith(CHRONO)) and not _named(network, "bias_ih"):
        raise SettingsError(f"{name!r} needs biases, and {what} with bias=False; build it with biases")


def _named(module: nn.Module, start: str) -> list[Tensor]:
    """The module's own parameters whose names begin so: of every layer and direction."""
    return [p for name, p in module.named_parameters(recurse=False) if name.startswith(start)]


def _hidden_size(module: Any) -> int:
    return module.hidden_size
