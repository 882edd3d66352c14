"""Calls that belong together: a module that goes on from the state it gave is reading one sequence.

A decoder that calls ``torch.nn.LSTMCell`` for each word, or truncated BPTT that hands its state on, makes many calls of
one sequence. Here they become strands: one layer in one direction, over all of them.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from unrolled.errors import UnrolledError
from unrolled.lens.calls import Call
from unrolled.lens.replay import Strand, differentiate, replay

# The largest difference of a replay from the module's own output and state, relative to them where they are above 1.
TOLERANCES = {torch.float64: 1e-10, torch.float32: 1e-5, torch.float16: 1e-2, torch.bfloat16: 5e-2}


@dataclass
class Sequence:
    """Calls that went on from one another's state, and what they are when computed again."""

    name: str
    module: nn.Module
    calls: list[Call] = field(default_factory=list)
    strands: list[list[Strand]] = field(default_factory=list)  # of each call that has been replayed
    difference: float = 0.0

    def continues(self, call: Call) -> bool:
        """Whether the call starts from the very state in which this sequence ended."""
        last, end = self.calls[-1], self.calls[-1].after
        return (
            call.given
            and call.directions == 1  # backwards, the later call would be read first
            and call.lengths is None
            and last.lengths is None
            and len(call.before) == len(end)
            and all(torch.equal(a, b) for s, t in zip(call.before, end, strict=True) for a, b in zip(s, t, strict=True))
        )

    def names(self) -> list[str]:
        """One a strand."""
        if not isinstance(self.module, nn.RNNBase) and not hasattr(self.module, "cells"):
            return [self.name]
        first = self.calls[0]
        return [
            f"{self.name}.{layer}{'.reverse' * direction}"
            for layer in range(first.layers)
            for direction in range(first.directions)
        ]

    def read(self) -> list[list[Strand]]:
        """The strands of each call, replayed once. Raises UnrolledError for a module that can't be replayed."""
        for call in self.calls[len(self.strands) :]:
            strands, difference = replay(call)
            dtype = call.autocast or call.output.dtype
            values = [call.output, *(leaf for state in call.after for leaf in state)]
            largest = max(float(value.abs().nan_to_num(0, 0).max()) for value in values)
            allowed = TOLERANCES.get(dtype, 1e-5) * max(1.0, largest)
            if not difference <= allowed:
                raise UnrolledError(
                    f"'{self.name}' ({type(self.module).__name__}) can't be replayed: computed again from its weights, "
                    f"it is {difference:.3g} off its own output, and {allowed:.2g} is allowed for {dtype}; it does "
                    "more than its equations say (noise, a hook, a forward of its own)"
                )
            self.difference = max(self.difference, difference)
            self.strands.append(strands)
        return self.strands

    def gradients(self) -> list[dict[str, Tensor]]:
        """For each strand, ∂L/∂ of its inputs, states and gates. Raises UnrolledError before ``backward()``."""
        self.read()
        if not any(call.backwards for call in self.calls):
            raise UnrolledError(
                f"no gradient has reached '{self.name}'; call backward() on a loss that is computed from its output, "
                "without torch.no_grad(), before asking for gradients"
            )
        whole: list[list[dict[str, Tensor]]] = []
        for call, strands in zip(self.calls, self.strands, strict=True):
            if call.backwards != call.differentiated:
                for strand, gradients in zip(strands, differentiate(call), strict=True):
                    strand.gradients = gradients
                call.differentiated = call.backwards
            # A call that no gradient reached has none to show but zeros.
            whole.append([strand.gradients or _zeros(strand) for strand in strands])
        return [
            {name: torch.cat([part[name] for part in parts], dim=1) for name in parts[0]}
            for parts in zip(*whole, strict=True)
        ]

    def whole(self) -> list[Strand]:
        """Each strand over all calls."""
        return [_joined(parts) for parts in zip(*self.read(), strict=True)]


def _joined(parts: tuple[Strand, ...]) -> Strand:
    first = parts[0]
    if len(parts) == 1:
        return first
    return Strand(
        cells=[pair for part in parts for pair in part.cells],
        lengths=first.lengths,
        backward=first.backward,
        before=first.before,
        x=torch.cat([part.x for part in parts], dim=1),
        states={leaf: torch.cat([part.states[leaf] for part in parts], dim=1) for leaf in first.states},
        gates={gate: torch.cat([part.gates[gate] for part in parts], dim=1) for gate in first.gates},
    )


def _zeros(strand: Strand) -> dict[str, Tensor]:
    values = {"x": strand.x, **strand.states, **strand.gates}
    return {name: torch.zeros_like(value) for name, value in values.items()}
