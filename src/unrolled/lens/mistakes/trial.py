"""A trial: one run of a copy of somebody's model, and what its recurrent modules read and gave.

Dimensions: rows, steps: what the module took for them, which need not be those of the batch; strands, layers times
directions; hidden, the units of a layer.
"""

import copy
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from unrolled.errors import UnrolledError
from unrolled.lens.mistakes.batch import Batch, Key
from unrolled.lens.modules import recurrent_modules
from unrolled.nn.cells import ElmanCell, GRUCell, LSTMCell
from unrolled.nn.rnn import RNN


@dataclass
class Reading:
    """A sequence that a recurrent module read: in one call, or in a call a step where it is a cell."""

    name: str
    module: nn.Module
    layout: Callable[[Tensor], Tensor]  # brings what follows, tensor by tensor, to (rows, steps, width)
    inputs: list[Tensor]
    outputs: list[Tensor]
    states: list[Tensor] = field(default_factory=list)  # each (strands, rows, hidden), or of one strand (rows, hidden)
    strand: list[int] = field(default_factory=list)  # the first strand of each
    layers: int = 1
    directions: int = 1
    lengths: Tensor | None = None
    alone: bool = False  # no axis for the rows

    def together(self, parts: list[Tensor]) -> Tensor:
        """Inputs, outputs or gradients at them as one tensor (rows, steps, width)."""
        return torch.cat([self.layout(part) for part in parts], dim=1)

    def by_strand(self, parts: list[Tensor | None]) -> dict[int, list[Tensor]]:
        """States, or gradients at them, as (rows, hidden) by strand."""
        found: dict[int, list[Tensor]] = {}
        for first, part in zip(self.strand, parts, strict=True):
            if part is not None:
                for n, leaf in enumerate(part if part.ndim == 3 else part[None]):
                    found.setdefault(first + n, []).append(leaf)
        return found

    def ends(self, lengths: Tensor | None) -> Tensor:
        """The number of steps of each row, (rows,): its own, the given ones where they fit, or all."""
        x = self.together(self.inputs)
        for known in (self.lengths, lengths):
            if known is not None and len(known) == x.shape[0] and int(known.max()) <= x.shape[1]:
                return known
        return torch.full((x.shape[0],), x.shape[1], device=x.device)


@dataclass
class Trial:
    """A run: what the model gave, its tensors by name, and what its recurrent modules read, in the order of calls."""

    result: Any
    tensors: dict[str, Tensor]
    readings: list[Reading]


class Subject:
    """A model under trial. It is copied, and each run starts from a copy of the copy, so that no state is carried."""

    def __init__(self, model: nn.Module, batch: Batch):
        self.batch = batch
        try:
            self.model = copy.deepcopy(model, _without_graphs(model)).eval()
        except Exception as error:
            raise UnrolledError(
                f"check_model runs a copy of the model, and {type(model).__name__} can't be copied: {_line(error)}"
            ) from error
        self.names = {name or type(m).__name__.lower(): name for name, m in recurrent_modules(self.model).items()}
        for module in self.model.modules():
            # cuDNN gives gradients in training mode only; without dropout the modes are the same.
            if isinstance(module, nn.RNNBase):
                module.dropout = 0.0
            if isinstance(module, nn.RNNBase | ElmanCell | LSTMCell | GRUCell):
                module.training = True

    def fresh(self) -> nn.Module:
        """A copy with the same parameters, and buffers and attributes of its own."""
        return copy.deepcopy(self.model, {id(parameter): parameter for parameter in self.model.parameters()})

    def run(self, values: dict[Key, Any], gradients: bool = False, model: nn.Module | None = None) -> Trial:
        """One run on ``values``, from the same random state as all others. Raises UnrolledError if the model does."""
        model = self.fresh() if model is None else model
        readings: list[Reading] = []
        hooks = []
        for name, path in self.names.items():
            module = model.get_submodule(path)
            if gradients:
                hooks.append(module.register_forward_pre_hook(_differentiable, with_kwargs=True))
            hooks.append(module.register_forward_hook(_reader(name, readings), with_kwargs=True))
        _seed()
        args = tuple(_own(v) for v in values.values()) if self.batch.positional else ()
        named = {} if self.batch.positional else {str(k): _own(v) for k, v in values.items()}
        try:
            with torch.set_grad_enabled(gradients):
                result = model(*args, **named)
        except Exception as error:
            raise UnrolledError(
                f"{type(model).__name__} can't run on this batch: {_line(error)}; give what the model is called with: "
                "a tensor, a tuple of arguments or a dict of keywords"
            ) from error
        finally:
            for hook in hooks:
                hook.remove()
        return Trial(result, dict(_tensors(result)), readings)


@contextmanager
def random_state_kept() -> Iterator[None]:
    """Whatever is drawn inside, torch, numpy and Python go on as if it had not been."""
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002


def _seed() -> None:
    torch.manual_seed(0)
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002


def _own(value: Any) -> Any:
    return value.clone() if isinstance(value, Tensor) else copy.copy(value)


def _line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:200]}" if text else type(error).__name__


def _without_graphs(model: nn.Module) -> dict[int, Any]:
    """For deepcopy, which refuses tensors with a graph, such as a state that a module keeps."""
    memo: dict[int, Any] = {}

    def visit(value: Any) -> None:
        if isinstance(value, Tensor) and value.grad_fn is not None:
            memo[id(value)] = value.detach().clone()
        elif isinstance(value, Mapping):
            for v in value.values():
                visit(v)
        elif isinstance(value, tuple | list):
            for v in value:
                visit(v)

    for module in model.modules():
        visit({name: v for name, v in vars(module).items() if name not in ("_parameters", "_modules")})
    return memo


def _tensors(result: Any, name: str = "result") -> Iterator[tuple[str, Tensor]]:
    if isinstance(result, Tensor):
        yield name, result
    elif isinstance(result, PackedSequence):
        yield name, pad_packed_sequence(result, batch_first=True)[0]
    elif isinstance(result, Mapping):
        for key, part in result.items():
            yield from _tensors(part, f"{name}[{key!r}]")
    elif isinstance(result, tuple | list):
        names = getattr(result, "_fields", None)
        for n, part in enumerate(result):
            yield from _tensors(part, f"{name}.{names[n]}" if names else f"{name}[{n}]")
    elif is_dataclass(result) and not isinstance(result, type):
        for f in fields(result):
            yield from _tensors(getattr(result, f.name), f"{name}.{f.name}")


# ---- what a module reads and gives


def _differentiable(_: nn.Module, given: tuple, named: dict[str, Any]) -> tuple[tuple, dict[str, Any]]:
    """Its input, asking for a gradient even where nothing before it does."""
    args, named = list(given), dict(named)
    place: Any = 0 if args else next((key for key in ("input", "x") if key in named), None)
    if place is None:
        return given, named
    where: Any = args if args else named
    x = where[place]
    if isinstance(x, PackedSequence):
        where[place] = PackedSequence(_asking(x.data), x.batch_sizes, x.sorted_indices, x.unsorted_indices)
    elif isinstance(x, Tensor):
        where[place] = _asking(x)
    return tuple(args), named


def _asking(x: Tensor) -> Tensor:
    if not x.is_floating_point():
        return x
    return x * 1 if x.requires_grad else x.detach().clone().requires_grad_()  # a node for this module alone


def _reader(name: str, readings: list[Reading]) -> Any:
    def read(module: Any, args: tuple, named: dict[str, Any], result: Any) -> None:
        x = args[0] if args else next((named[key] for key in ("input", "x") if key in named), None)
        if isinstance(module, nn.RNNBase):
            readings.append(_of_torch(name, module, x, *result))
        elif isinstance(module, RNN) and isinstance(x, Tensor):
            lengths = named.get("lengths", args[2] if len(args) > 2 else None)
            readings.append(_of_ours(name, module, x, lengths, *result))
        elif isinstance(x, Tensor):
            y = next(iter(_tensors(result)))[1]
            _of_cell(name, module, x, y, readings)

    return read


def _of_torch(name: str, module: Any, given: Any, output: Any, after: Any) -> Reading:
    packed = given if isinstance(given, PackedSequence) else None
    data: Any = given if packed is None else packed.data
    alone = packed is None and data.ndim == 2

    def layout(raw: Tensor) -> Tensor:
        if packed is not None:
            whole = PackedSequence(raw, packed.batch_sizes, packed.sorted_indices, packed.unsorted_indices)
            return pad_packed_sequence(whole, batch_first=True)[0]
        return raw[None] if alone else raw if module.batch_first else raw.transpose(0, 1)

    leaves = [after] if isinstance(after, Tensor) else list(after)
    return Reading(
        name,
        module,
        layout,
        [data],
        [output if packed is None else output.data],
        [] if alone else leaves,
        [] if alone else [0] * len(leaves),
        module.num_layers,
        1 + module.bidirectional,
        None if packed is None else pad_packed_sequence(packed, batch_first=True)[1].to(data.device),
        alone,
    )


def _of_ours(name: str, module: RNN, x: Tensor, lengths: Any, output: Tensor, after: Any) -> Reading:
    states = [s for pair in after for s in pair] if module.bidirectional else list(after)
    leaves = [(leaf, n) for n, s in enumerate(states) for leaf in s]
    known = None if lengths is None else torch.as_tensor(lengths, device=x.device)
    return Reading(
        name,
        module,
        lambda raw: raw,
        [x],
        [output],
        [leaf for leaf, _ in leaves],
        [n for _, n in leaves],
        module.layers,
        module.directions,
        known,
    )


def _of_cell(name: str, module: nn.Module, x: Tensor, y: Tensor, readings: list[Reading]) -> None:
    """A step, put to those before it that read as many rows."""
    mine = [r for r in readings if r.module is module and r.inputs[-1].shape == x.shape]
    if mine:
        mine[-1].inputs.append(x)
        mine[-1].outputs.append(y)
        return
    alone = x.ndim == 1
    layout = (lambda raw: raw[None, None]) if alone else (lambda raw: raw[:, None])
    readings.append(Reading(name, module, layout, [x], [y], alone=alone))
