"""Computing a call again, step by step: every state and every gate, and the gradient at each.

Dimensions: batch; time, the steps; hidden, the units of the cell.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from unrolled.lens.calls import Call
from unrolled.nn.unroll import has_fast_path
from unrolled.shapes import mask, reverse


@dataclass
class Strand:
    """One layer in one direction over a sequence; step t of every tensor belongs to step t of the input."""

    cells: list[tuple[nn.Module, int]]  # what computed it, and for how many steps
    lengths: Tensor | None
    backward: bool
    before: Any  # the state before the first step that it reads
    x: Tensor  # (batch, time, feature): what it read
    states: dict[str, Tensor]  # by leaf, each (batch, time, hidden)
    gates: dict[str, Tensor]
    gradients: dict[str, Tensor] = field(default_factory=dict)  # at x, each state and each gate, once asked for


def replay(call: Call) -> tuple[list[Strand], float]:
    """The strands of a call, and the largest difference of what they give from what the module itself gave."""
    with torch.no_grad(), _autocast(call):
        return _run(call)


def differentiate(call: Call) -> list[dict[str, Tensor]]:
    """The gradients that reached a call, carried back to every input ("x"), state and gate of each strand."""
    with torch.enable_grad(), _autocast(call):
        graph = _Graph()
        strands, _ = _run(call, graph)
        outputs = [(graph.output, call.d_output)]
        outputs += [(graph.after[n][leaf], gradient) for (n, leaf), gradient in call.d_after.items()]
        outputs = [(tensor, gradient) for tensor, gradient in outputs if gradient is not None and tensor.requires_grad]
        wanted = [node for nodes in graph.nodes for steps in nodes.values() for node in steps]
        found = torch.autograd.grad(
            [tensor for tensor, _ in outputs],
            wanted,
            [gradient.to(tensor.dtype) for tensor, gradient in outputs],
            allow_unused=True,
        )
    at = iter(torch.zeros_like(node) if g is None else g for node, g in zip(wanted, found, strict=True))
    return [
        {name: _over_time([next(at) for _ in steps], strand) for name, steps in nodes.items()}
        for strand, nodes in zip(strands, graph.nodes, strict=True)
    ]


class _Graph:
    """What `differentiate` asks gradients of and for; filled by `_run`."""

    def __init__(self):
        self.nodes: list[dict[str, list[Tensor]]] = []  # a strand: name -> one tensor a step
        self.after: list[Any] = []
        self.output = torch.empty(0)


def _run(call: Call, graph: _Graph | None = None) -> tuple[list[Strand], float]:
    real = None if call.lengths is None else mask(call.lengths, call.x.shape[1])
    x, strands, difference = call.x, [], 0.0
    like = x  # in shape and strides what the module itself had for x
    random = torch.get_rng_state() if call.dropout is not None else None
    if call.dropout is not None:
        torch.set_rng_state(call.dropout.random)
    try:
        for layer in range(call.layers):
            if layer and call.dropout is not None:
                x = _drop(x, like, call)
            outputs, own = [], []
            for direction in range(call.directions):
                n = layer * call.directions + direction
                # The module's own output is known for the last layer, and those below come from the same kernel: each
                # step goes on from that, so that rounding can't grow from step to step, as in a chaotic network.
                if layer == call.layers - 1:
                    known = call.output.chunk(call.directions, dim=-1)[direction]
                else:
                    known = _by_kernel(call, n, x, bool(direction))
                strand, y, after, off = _unroll(call, n, x, bool(direction), known, real, graph)
                strands.append(strand)
                outputs.append(y)
                difference = max([difference, off, *map(_largest, after, call.after[n])])
                if graph is not None:
                    graph.after.append(after)
                own.append(y if known is None else known)
            x, like = (parts[0] if len(parts) == 1 else torch.cat(parts, dim=-1) for parts in (outputs, own))
    finally:
        if random is not None:
            torch.set_rng_state(random)
    if graph is not None:
        graph.output = x
    return strands, difference


def _unroll(
    call: Call, n: int, x: Tensor, backward: bool, known: Tensor | None, real: Tensor | None, graph: _Graph | None
) -> tuple[Strand, Tensor, Any, float]:
    cell, state = call.cells[n], call.before[n]
    order = (lambda v: reverse(v, call.lengths)) if backward else (lambda v: v)
    gates: list[Any] = []
    at_once = None
    own = getattr(cell, "gates", None)
    if own is not None:  # forward calls it; what it gives is kept on the way

        def gates_kept(x: Tensor, state: Any) -> Any:
            gates.append(own(x, state))
            return gates[-1]

        cell.gates = gates_kept  # type: ignore[assignment]
    try:
        xs = list(order(x).unbind(dim=1))
        from_input = getattr(cell, "_from_input", None)
        if own is not None and known is not None and graph is None and has_fast_path(cell):
            at_once = _gates_at_once(own, order(x), state, order(known))
            steps = zip(*(gate.unbind(dim=1) for gate in at_once), strict=True)
            cell.gates = lambda *_: type(at_once)(*next(steps))  # type: ignore[assignment]
        elif from_input is not None and graph is None and known is not None:
            # One product over all steps instead of one a step; it may round otherwise, so only where the next line's
            # state is the module's own.
            of_input = iter(from_input(order(x)).unbind(dim=1))
            cell._from_input = lambda _: next(of_input)  # type: ignore[assignment]
        if graph is not None:
            xs = [x_t if x_t.requires_grad else x_t.detach().requires_grad_() for x_t in xs]
        own_outputs = order(known).unbind(dim=1) if known is not None else None
        states, outputs, computed = [], [], []
        for t, x_t in enumerate(xs):
            y, after = cell(x_t, state)
            computed.append(y.detach())
            if own_outputs is not None and y is getattr(after, "h", None):
                # Its value is the module's own, its gradient that of the step.
                y = own_outputs[t] if graph is None else y - (y.detach() - own_outputs[t])
                after = after._replace(h=y)
            states.append(after)
            outputs.append(y)
            if real is None:
                state = after
            else:  # a row that has ended keeps its state
                state = type(after)(*(torch.where(real[:, t, None], a, b) for a, b in zip(after, state, strict=True)))
    finally:
        for name in {"gates", "_from_input"} & vars(cell).keys():
            delattr(cell, name)
    gates = gates if len(gates) == len(xs) else []
    strand = Strand([(cell, len(xs))], call.lengths, backward, call.before[n], x.detach(), {}, {})
    y = _over_time(outputs, strand)
    off = 0.0 if known is None else _largest(_over_time(computed, strand), known)
    of_state = {leaf: [getattr(s, leaf) for s in states] for leaf in states[0]._fields}
    of_gates = {gate: [getattr(g, gate) for g in gates] for gate in (gates[0]._fields if gates else ())}
    if graph is not None:
        nodes = {"x": xs, **of_state, **of_gates}
        graph.nodes.append({name: steps for name, steps in nodes.items() if steps[0].requires_grad})
    else:
        strand.states = {
            leaf: y if steps[0] is outputs[0] else _over_time(steps, strand) for leaf, steps in of_state.items()
        }
        strand.gates = {gate: _over_time(steps, strand) for gate, steps in of_gates.items()}
        if at_once is not None:
            strand.gates = {gate: _placed(value, strand) for gate, value in at_once._asdict().items()}
    return strand, y, state, off


def _by_kernel(call: Call, n: int, x: Tensor, backward: bool) -> Tensor | None:
    """The output of a layer by the cell's fast path, if that is what the module ran; 0 past the end of a row."""
    cell: Any = call.cells[n]
    if not call.fused or not has_fast_path(cell):
        return None
    # torch takes another kernel, which rounds otherwise, where there are no gradients to keep.
    x = x.detach().requires_grad_(call.graph and n >= call.directions)
    cell.requires_grad_(call.learns)
    with torch.set_grad_enabled(call.graph):
        y, _ = cell.unroll(reverse(x, call.lengths) if backward else x, call.before[n], call.lengths)
        y = reverse(y, call.lengths) if backward else y
        y = y if call.lengths is None else y.masked_fill(~mask(call.lengths, y.shape[1])[..., None], 0)
    cell.requires_grad_(False)
    return y.detach()


def _gates_at_once(gates: Callable[[Tensor, Any], Any], x: Tensor, state: Any, known: Tensor) -> Any:
    """The gates of every step, (batch, time, hidden) each: torch's equations read x and h, and all of them are known.

    One product and one call of each function instead of one a step.
    """
    batch, time = x.shape[:2]
    h = torch.cat([state.h[:, None].to(known.dtype), known[:, :-1]], dim=1)
    others = {leaf: value.new_zeros(1).expand(batch * time, value.shape[1]) for leaf, value in state._asdict().items()}
    found = gates(x.flatten(0, 1), type(state)(**others | {"h": h.flatten(0, 1)}))
    return type(found)(*(gate.unflatten(0, (batch, time)) for gate in found))


def _over_time(steps: list[Tensor], strand: Strand) -> Tensor:
    """Steps in the order in which the strand read, as one tensor in the order of time, 0 past the end of a row."""
    return _placed(torch.stack(steps, dim=1), strand)


def _placed(value: Tensor, strand: Strand) -> Tensor:
    """The same of (batch, time, hidden) in the order in which the strand read."""
    if strand.lengths is not None:
        value = value.masked_fill(~mask(strand.lengths, value.shape[1])[..., None], 0)
    return reverse(value, strand.lengths) if strand.backward else value


def _drop(x: Tensor, like: Tensor, call: Call) -> Tensor:
    """The very dropout of the call: the same random numbers, drawn in the layout in which the module drew them."""
    assert call.dropout is not None
    share = call.dropout.share
    if call.dropout.packed is not None:
        rows, _ = call.dropout.packed
        kept = nn.functional.dropout(x.new_ones(len(rows), x.shape[-1]), share)
        return x * torch.zeros_like(x).index_put(call.dropout.packed, kept)
    if call.dropout.time_first:
        return nn.functional.dropout(x.transpose(0, 1).contiguous(), share).transpose(0, 1)
    return x * nn.functional.dropout(torch.ones_like(like), share)  # drawn in the order of the strides


def _autocast(call: Call) -> Any:
    """As it was in the call, whatever it is where the tape is read."""
    return torch.autocast(call.x.device.type, call.autocast, enabled=call.autocast is not None)


def _largest(a: Tensor, b: Tensor) -> float:
    """The largest difference: none where both are NaN or the same infinity, and infinite where only one of them is."""
    a, b = a.detach(), b.detach()
    largest = float((a - b).abs().max()) if a.numel() else 0.0
    if math.isfinite(largest):
        return largest
    alike = (a == b) | (a.isnan() & b.isnan())
    return float((a - b).abs().nan_to_num(torch.inf).masked_fill(alike, 0).max())
