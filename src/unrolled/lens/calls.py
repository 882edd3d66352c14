"""A call of a recurrent module, kept as it was: what came in, what came out, and the gradients that reach it later.

Dimensions: batch; time, the steps; feature, the inputs of one step; hidden, the units of the cell.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from unrolled.errors import UnrolledError
from unrolled.nn.rnn import RNN
from unrolled.shapes import mask


@dataclass
class Dropout:
    """What a module drops between its layers: how much, the random state before it, and in which layout it draws."""

    share: float
    random: Tensor
    time_first: bool = False
    packed: tuple[Tensor, Tensor] | None = None  # of a PackedSequence: the row and the step of each of its entries


@dataclass
class Call:
    """One run of a module. Cells and states: layer after layer, the backward direction after the forward one."""

    x: Tensor  # (batch, time, feature)
    cells: list[nn.Module]
    before: list[Any]
    after: list[Any]
    output: Tensor  # (batch, time, hidden), twice as wide with both directions
    given: bool  # whether the state came from the caller
    layers: int = 1
    directions: int = 1
    lengths: Tensor | None = None
    dropout: Dropout | None = None
    fused: bool = False  # whether the cells' fast paths ran
    learns: bool = False  # whether the weights take gradients
    graph: bool = False  # whether the call can be differentiated
    autocast: torch.dtype | None = None
    d_output: Tensor | None = None  # ∂L/∂ output, once it is known
    d_after: dict[tuple[int, int], Tensor] = field(default_factory=dict)  # ∂L/∂ after, by cell and leaf
    backwards: int = 0  # gradients received so far
    differentiated: int = 0  # how many of them have been carried back

    def watch_output(self, tensor: Tensor, ours: Callable[[Tensor], Tensor]) -> None:
        """Keep the gradient that reaches the output; ``ours`` brings it into our layout."""

        def take(gradient: Tensor) -> None:
            gradient = ours(gradient.detach())
            self.d_output = gradient.clone() if self.d_output is None else self.d_output + gradient
            self.backwards += 1

        if tensor.requires_grad:
            tensor.register_hook(take)

    def watch_state(self, tensor: Tensor, leaf: int, parts: Callable[[Tensor], dict[int, Tensor]]) -> None:
        """Keep the gradient that reaches a leaf of the last state; ``parts`` gives it by cell."""

        def take(gradient: Tensor) -> None:
            for n, part in parts(gradient.detach()).items():
                before = self.d_after.get((n, leaf))
                self.d_after[n, leaf] = part.clone() if before is None else before + part
            self.backwards += 1

        if tensor.requires_grad:
            tensor.register_hook(take)


def read_call(
    name: str, module: nn.Module, cells: list[nn.Module], args: tuple, named: dict, result: Any, random: Tensor | None
) -> Call:
    """What went into and came out of ``module(*args, **named)``; ``random`` is the random state before it, if kept."""
    if isinstance(module, nn.RNNBase):
        call = _torch_module(name, module, cells, random, result, *args, **named)
    elif isinstance(module, nn.RNNCellBase):
        call = _torch_cell(module, cells, result, *args, **named)
    elif isinstance(module, RNN):
        call = _our_module(module, cells, random, result, *args, **named)
    else:
        call = _our_cell(name, cells, result, *args, **named)
    device = call.x.device.type
    call.autocast = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else None
    return call


def _torch_module(
    name: str, module: Any, cells: list[nn.Module], random: Tensor | None, result: Any, input: Any, hx: Any = None
) -> Call:
    """torch.nn.RNN, LSTM or GRU: time first or batch first, packed or not, with or without a batch axis."""
    output, after = result
    packed = input if isinstance(input, PackedSequence) else None
    data: Any = input if packed is None else packed.data
    raw: Any = output if packed is None else output.data
    alone = packed is None and data.ndim == 2

    def ours(sequence: Tensor) -> Tensor:
        if packed is not None:
            whole = PackedSequence(sequence, packed.batch_sizes, packed.sorted_indices, packed.unsorted_indices)
            return pad_packed_sequence(whole, batch_first=True)[0]
        return sequence[None] if alone else sequence if module.batch_first else sequence.transpose(0, 1)

    def whole(leaf: Tensor) -> Tensor:
        return leaf[:, None] if alone else leaf  # (layers * directions, batch, hidden)

    kind = type(cells[0].initial_state(1))  # type: ignore[operator]
    x = ours(data.detach()).clone()
    leaves = _listed(after)
    given = [torch.zeros_like(leaf) for leaf in leaves] if hx is None else _listed(hx)
    call = Call(
        x,
        cells,
        before=[kind(*(whole(leaf)[n].detach().clone() for leaf in given)) for n in range(len(cells))],
        after=[kind(*(whole(leaf)[n].detach().clone() for leaf in leaves)) for n in range(len(cells))],
        output=ours(raw.detach()).clone(),
        given=hx is not None,
        layers=module.num_layers,
        directions=1 + module.bidirectional,
        lengths=None if packed is None else pad_packed_sequence(packed, batch_first=True)[1].to(x.device),
        fused=True,
        learns=any(p.requires_grad for p in module.parameters()),
        graph=raw.requires_grad,
    )
    if module.dropout and module.training and module.num_layers > 1:
        if x.is_cuda:
            raise UnrolledError(
                f"'{name}' drops out between layers by cuDNN, whose random numbers can't be drawn again; record it in "
                "eval mode or on the CPU, or use unrolled.RNN"
            )
        assert random is not None
        call.dropout = Dropout(module.dropout, random, time_first=True, packed=packed and _places(packed))
    call.watch_output(raw, ours)
    for leaf, tensor in enumerate(leaves):
        call.watch_state(tensor, leaf, lambda gradient: dict(enumerate(whole(gradient))))
    return call


def _places(packed: PackedSequence) -> tuple[Tensor, Tensor]:
    sizes = packed.batch_sizes
    rows = torch.cat([torch.arange(int(size)) for size in sizes])
    steps = torch.repeat_interleave(torch.arange(len(sizes)), sizes)
    return rows if packed.sorted_indices is None else packed.sorted_indices[rows], steps


def _our_module(
    module: RNN,
    cells: list[nn.Module],
    random: Tensor | None,
    result: Any,
    x: Tensor,
    state: Any = None,
    lengths: Any = None,
) -> Call:
    def flat(states: Any) -> list[Any]:
        return [s for pair in states for s in pair] if module.bidirectional else list(states)

    output, after = result
    if lengths is not None:
        lengths = torch.as_tensor(lengths, device=x.device)
        x = x.masked_fill(~mask(lengths, x.shape[1])[..., None], 0)
    call = Call(
        x.detach().clone(),
        cells,
        before=_copies(flat(module.initial_state(len(x)) if state is None else state)),
        after=_copies(flat(after)),
        output=output.detach().clone(),
        given=state is not None,
        layers=module.layers,
        directions=module.directions,
        lengths=lengths,
        fused=module.fused is not False,
        learns=any(p.requires_grad for p in module.parameters()),
        graph=output.requires_grad,
    )
    if module.dropout and module.training:
        assert random is not None
        call.dropout = Dropout(module.dropout, random)
    call.watch_output(output, lambda gradient: gradient)
    for n, s in enumerate(flat(after)):
        for leaf, tensor in enumerate(s):
            call.watch_state(tensor, leaf, lambda gradient, n=n: {n: gradient})
    return call


def _torch_cell(module: Any, cells: list[nn.Module], result: Any, input: Tensor, hx: Any = None) -> Call:
    """One step of torch.nn.RNNCell, LSTMCell or GRUCell, with or without a batch axis."""
    leaves = _listed(result)
    given = [torch.zeros_like(leaf) for leaf in leaves] if hx is None else _listed(hx)
    kind = type(cells[0].initial_state(1))  # type: ignore[operator]
    if input.ndim == 1:
        input, given = input[None], [leaf[None] for leaf in given]
    return _step(cells, input, kind(*given), leaves[0], kind(*leaves), hx is not None)


def _our_cell(name: str, cells: list[nn.Module], result: Any, x: Any = None, state: Any = None, *more: Any) -> Call:
    pair: Any = result if isinstance(result, tuple) and len(result) == 2 else (None, None)
    y, after = pair
    states = hasattr(state, "_fields") and type(after) is type(state)
    if more or not states or not isinstance(x, Tensor) or not isinstance(y, Tensor):
        raise UnrolledError(
            f"'{name}' ({type(cells[0]).__name__}) has an initial_state, as a cell has, and can't be replayed as one: "
            "cell(x, state) must give (output, state), with both states the same NamedTuple"
        )
    return _step(cells, x, state, y, after, given=True)


def _step(cells: list[nn.Module], x: Tensor, before: Any, y: Tensor, after: Any, given: bool) -> Call:
    """One step, as a sequence of one."""

    def whole(leaf: Tensor) -> Tensor:
        return leaf[None] if leaf.ndim == 1 else leaf

    states = type(after)(*map(whole, after))
    call = Call(
        x.detach()[:, None].clone(),
        cells,
        _copies([before]),
        _copies([states]),
        whole(y).detach()[:, None].clone(),
        given,
    )
    call.watch_output(y, lambda gradient: whole(gradient)[:, None])
    for leaf, tensor in enumerate(after):
        if tensor is not y:  # a gradient that reaches both is counted once
            call.watch_state(tensor, leaf, lambda gradient: {0: whole(gradient)})
    return call


def _listed(state: Any) -> list[Tensor]:
    """torch gives and takes a state of one leaf as that leaf."""
    return [state] if isinstance(state, Tensor) else list(state)


def _copies(states: list[Any]) -> list[Any]:
    return [type(s)(*(leaf.detach().clone() for leaf in s)) for s in states]
