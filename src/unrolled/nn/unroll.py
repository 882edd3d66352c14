"""One cell over time: its own fast path, the plain loop, and the loop compiled.

Dimensions: batch; time, the steps; feature, the inputs of one step; hidden, the units of the cell.
"""

from collections.abc import Callable
from functools import cache
from types import CodeType, FunctionType
from typing import Any

import torch
from torch import Tensor, nn

from unrolled.errors import SettingsError

STEPS = 8  # in one compiled graph; 24 took three times as long to compile and ran no faster


def has_fast_path(cell: nn.Module) -> bool:
    """Whether the cell's own ``unroll`` computes what its ``forward`` does.

    Not so in a subclass that changes the step and inherits ``unroll`` from a class that doesn't know of the change.
    """
    order = {name: depth for depth, owner in reversed(list(enumerate(type(cell).__mro__))) for name in vars(owner)}
    return "unroll" in order and all(order["unroll"] <= order.get(name, 99) for name in ("forward", "gates"))


def loop(cell: nn.Module, x: Tensor, state: Any, real: Tensor | None = None) -> tuple[Tensor, Any]:
    """``y_t, s_t = cell(x_t, s_{t-1})`` for every step of x (batch, time, feature): all y, and the last state.

    Where ``real`` (batch, time) is False a row's state stays what it was.
    """
    outputs = []
    for t, x_t in enumerate(x.unbind(dim=1)):  # (batch, feature)
        y_t, after = cell(x_t, state)
        state = after if real is None else _where(real[:, t], after, state)
        outputs.append(y_t)
    return torch.stack(outputs, dim=1), state  # (batch, time, hidden)


def compiled_loop(cell: nn.Module, x: Tensor, state: Any, real: Tensor | None = None) -> tuple[Tensor, Any]:
    """The same as `loop`, by torch.compile, a few steps at a time; a rest of fewer steps runs as it is.

    Raises SettingsError where the cell can't be compiled, such as on a machine without a C++ compiler.
    """
    from torch._dynamo.exc import TorchDynamoException

    # Each mixture of what has a gradient and what has none would be compiled anew, and torch gives up after eight.
    x, state = _with_gradient(x), type(state)(*map(_with_gradient, state))
    steps, outputs = _compiled(type(cell)), []
    for t in range(0, x.shape[1], STEPS):
        part = x[:, t : t + STEPS].contiguous()
        run = steps if part.shape[1] == STEPS else loop
        try:
            y, state = run(cell, part, state, None if real is None else real[:, t : t + STEPS].contiguous())
        except TorchDynamoException as error:
            cause = str(getattr(error, "inner_exception", error)).strip().partition("\n")[0]
            raise SettingsError(
                f"fused=True compiles {type(cell).__name__}, which has no kernel, and that failed "
                f"({cause}); leave out fused=True"
            ) from error
        outputs.append(y)
    return torch.cat(outputs, dim=1), state


@cache
def _compiled(cell: type[nn.Module]) -> Callable[..., tuple[Tensor, Any]]:
    """`loop`, compiled for a class of cells. torch counts recompilations by code, so each class gets its own copy."""
    code: CodeType = loop.__code__.replace(co_name=f"loop_{cell.__name__}")
    return torch.compile(FunctionType(code, loop.__globals__))


def _with_gradient(a: Tensor) -> Tensor:
    return a if a.requires_grad or not a.is_floating_point() else a.detach().requires_grad_()


def _where(real: Tensor, new: Any, old: Any) -> Any:
    return type(old)(*(torch.where(real.view(-1, *[1] * (a.ndim - 1)), a, b) for a, b in zip(new, old, strict=True)))
