"""record: opens the recurrent modules of any model, with no change to it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from unrolled.errors import UnrolledError
from unrolled.lens.calls import read_call
from unrolled.lens.modules import cells_of, recurrent_modules
from unrolled.lens.sequences import Sequence
from unrolled.lens.tape import Tape


@contextmanager
def record(model: nn.Module) -> Iterator[Tape]:
    """Record what goes through every ``torch.nn.RNN``, ``LSTM``, ``GRU``, their cells and ours inside ``model``.

    The model runs as it does without, by the same kernels: inputs, weights and outputs are kept, and states and gates
    are computed again from them, step by step, when the tape is first read. Gradients are those that ``backward()``
    brings to the modules' outputs, carried on to every state and gate; it may come after the end of the ``with``.
    Layers, directions, PackedSequence, batch first or not, ``proj_size``, dropout between layers, autocast and
    ``inference_mode`` are as the model has them.

    Raises UnrolledError for a model without a recurrent module, and, when the tape is read, for a module whose output
    can't be had again from its weights.

    >>> lstm = nn.LSTM(3, 5)
    >>> with record(lstm) as tape:
    ...     output, _ = lstm(torch.zeros(7, 2, 3))
    >>> output.sum().backward()
    >>> tape.gates["lstm.0.forget"].shape, tape.gradients["lstm.0.c"].shape
    (torch.Size([2, 7, 5]), torch.Size([2, 7, 5]))
    """
    modules = recurrent_modules(model)
    if not modules:
        kinds = sorted({type(module).__name__ for module in model.modules()})
        raise UnrolledError(
            f"{type(model).__name__} has no recurrent module to record; it has {', '.join(kinds[:8])}"
            + (f" and {len(kinds) - 8} more" if len(kinds) > 8 else "")
        )
    recording = _Recording()
    hooks = []
    for name, module in modules.items():
        name = name or type(module).__name__.lower()
        hooks.append(module.register_forward_pre_hook(recording.before))
        hooks.append(module.register_forward_hook(recording.after(name), with_kwargs=True))
    try:
        yield Tape(recording.sequences)
    finally:
        for hook in hooks:
            hook.remove()


class _Recording:
    def __init__(self):
        self.sequences: list[Sequence] = []
        self._random: dict[nn.Module, Any] = {}  # random state before the call under way
        self._cells: dict[nn.Module, tuple[bool, list[Tensor], list[nn.Module]]] = {}  # mode, weights, copies

    def before(self, module: nn.Module, _: Any) -> None:
        if getattr(module, "dropout", 0.0) and module.training:
            self._random[module] = torch.get_rng_state()

    def after(self, name: str) -> Any:
        def keep(module: nn.Module, args: tuple, named: dict, result: Any) -> Any:
            if not isinstance(module, nn.RNNBase):  # whose results are tensors of their own already
                result = _of_its_own(result, {})
            # Not inference tensors: those couldn't take part in a gradient later on.
            with torch.inference_mode(mode=False), torch.no_grad():
                random = self._random.pop(module, None)
                call = read_call(name, module, self._copies(module), args, named, result, random)
            mine = [s for s in self.sequences if s.module is module]
            sequence = next((s for s in mine if s.continues(call)), None)
            if sequence is None:
                number = f"#{len(mine) + 1}" if mine else ""
                sequence = Sequence(name + number, module)
                self.sequences.append(sequence)
            sequence.calls.append(call)
            return result

        return keep

    def _copies(self, module: nn.Module) -> list[nn.Module]:
        """The weights as they are now: copied anew only when something has changed them."""
        # By value: `p.data.add_(…)` leaves no trace in the version of p, and a weight may be no parameter.
        flat = module._flat_weights if isinstance(module, nn.RNNBase) else (*module.parameters(), *module.buffers())
        weights = [weight for weight in flat if isinstance(weight, Tensor)]
        training, kept, cells = self._cells.get(module, (None, [], []))
        if training != module.training or len(kept) != len(weights) or not all(map(torch.equal, kept, weights)):
            kept, cells = [w.detach().clone() for w in weights], cells_of(module)
            self._cells[module] = module.training, kept, cells
        return cells


def _of_its_own(result: Any, made: dict[int, Tensor]) -> Any:
    """The same tensors, copied: a gradient that reaches a copy comes from outside of the module alone.

    One that reaches c_t of an LSTM itself has also what comes by way of h_t, which would then be counted twice.
    """
    if isinstance(result, Tensor):
        if result.requires_grad and id(result) not in made:
            made[id(result)] = result.clone()
        return made.get(id(result), result)
    if isinstance(result, tuple | list):
        parts = [_of_its_own(part, made) for part in result]
        return type(result)(*parts) if hasattr(result, "_fields") else type(result)(parts)
    return result
