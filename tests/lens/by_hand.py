"""Recurrent networks written out in plain torch, row by row and step by step, and a cell that is not ours.

What the tape is held against: every value is a tensor of its own that keeps its gradient. Nothing here is taken from
the package.
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn


class PeepholeState(NamedTuple):
    h: Tensor
    c: Tensor


class PeepholeGates(NamedTuple):
    input: Tensor
    forget: Tensor
    candidate: Tensor
    output: Tensor


class PeepholeCell(nn.Module):
    """An LSTM whose gates see the memory: Gers & Schmidhuber 2000, "Recurrent nets that time and count"."""

    def __init__(self, input_size: int, hidden_size: int):
        super().__init__()
        self.mix = nn.Linear(input_size + hidden_size, 4 * hidden_size)
        self.peephole = nn.Parameter(torch.empty(3, hidden_size).uniform_(-1, 1))

    def initial_state(self, batch: int) -> PeepholeState:
        zeros = self.peephole.new_zeros(batch, self.peephole.shape[1])
        return PeepholeState(h=zeros, c=zeros)

    def gates(self, x: Tensor, state: PeepholeState) -> PeepholeGates:
        i, f, g, o = self.mix(torch.cat([x, state.h], dim=-1)).chunk(4, dim=-1)
        p_i, p_f, p_o = self.peephole
        i, f, g = (i + p_i * state.c).sigmoid(), (f + p_f * state.c).sigmoid(), g.tanh()
        c = f * state.c + i * g
        return PeepholeGates(i, f, g, (o + p_o * c).sigmoid())

    def forward(self, x: Tensor, state: PeepholeState) -> tuple[Tensor, PeepholeState]:
        i, f, g, o = self.gates(x, state)
        c = f * state.c + i * g
        h = o * c.tanh()
        return h, PeepholeState(h, c)


# ---- one step: (x, state, weights) -> (state, gates), each a dictionary; the output is the state's h


def _sums(x: Tensor, h: Tensor, w: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    from_x, from_h = w["weight_ih"] @ x, w["weight_hh"] @ h
    return (from_x + w["bias_ih"], from_h + w["bias_hh"]) if "bias_ih" in w else (from_x, from_h)


def elman(x, state, w, φ=torch.tanh):
    a = sum(_sums(x, state["h"], w))
    return {"h": φ(a)}, {"preactivation": a}


def elman_relu(x, state, w):
    return elman(x, state, w, torch.relu)


def lstm(x, state, w):
    i, f, g, o = sum(_sums(x, state["h"], w)).chunk(4)
    i, f, g, o = torch.sigmoid(i), torch.sigmoid(f), torch.tanh(g), torch.sigmoid(o)
    c = f * state["c"] + i * g
    h = o * torch.tanh(c)
    return {"h": w["weight_hr"] @ h if "weight_hr" in w else h, "c": c}, {
        "input": i,
        "forget": f,
        "candidate": g,
        "output": o,
    }


def gru(x, state, w):
    (r_x, z_x, n_x), (r_h, z_h, n_h) = (part.chunk(3) for part in _sums(x, state["h"], w))
    r, z = torch.sigmoid(r_x + r_h), torch.sigmoid(z_x + z_h)
    n = torch.tanh(n_x + r * n_h)
    return {"h": (1 - z) * n + z * state["h"]}, {"reset": r, "update": z, "candidate": n}


def peephole(x, state, w):
    i, f, g, o = (w["mix.weight"] @ torch.cat([x, state["h"]]) + w["mix.bias"]).chunk(4)
    p_i, p_f, p_o = w["peephole"]
    i, f, g = torch.sigmoid(i + p_i * state["c"]), torch.sigmoid(f + p_f * state["c"]), torch.tanh(g)
    c = f * state["c"] + i * g
    o = torch.sigmoid(o + p_o * c)
    c = f * state["c"] + i * g  # once more, as the cell does: its output gate doesn't read this very tensor
    return {"h": o * torch.tanh(c), "c": c}, {"input": i, "forget": f, "candidate": g, "output": o}


STEPS: dict[str, Any] = {"tanh": elman, "relu": elman_relu, "lstm": lstm, "gru": gru, "peephole": peephole}
LEAVES = {"tanh": ["h"], "relu": ["h"], "lstm": ["h", "c"], "gru": ["h"], "peephole": ["h", "c"]}


class ByHand:
    """A network run over x (batch, time, feature), all strands of it.

    ``weights``: a dictionary for each layer and direction, forward before backward; ``before``: for each of them the
    state, by leaf (batch, hidden), or nothing for zeros; ``kept``: what dropout multiplies the input of each layer by.
    """

    def __init__(
        self,
        kind: str,
        weights: list[dict[str, Tensor]],
        x: Tensor,
        lengths: list[int] | None = None,
        directions: int = 1,
        before: list[dict[str, Tensor]] | None = None,
        kept: dict[int, Tensor] | None = None,
    ):
        self.time, self.nodes = x.shape[1], {}
        self.lengths = lengths or [x.shape[1]] * len(x)
        outputs, self.after = [], []
        for row, length in enumerate(self.lengths):
            inputs = [x[row, t] for t in range(length)]
            ends = []
            for layer in range(len(weights) // directions):
                if kept is not None and layer in kept:
                    inputs = [value * kept[layer][row, t] for t, value in enumerate(inputs)]
                inputs = [self._node(f"{layer}.x", row, t, value) for t, value in enumerate(inputs)]
                ys = []
                for direction in range(directions):
                    n = layer * directions + direction
                    name = f"{layer}{'.reverse' * direction}"
                    if before is None:
                        w_hh = next(w for key, w in weights[n].items() if key in ("weight_hh", "peephole"))
                        widths = {"h": w_hh.shape[1], "c": weights[n].get("weight_hr", w_hh).shape[1]}
                        state = {leaf: x.new_zeros(widths[leaf]) for leaf in LEAVES[kind]}
                    else:
                        state = {leaf: value[row] for leaf, value in before[n].items()}
                    y = {}
                    for t in reversed(range(length)) if direction else range(length):
                        # Values on the way must keep their gradients, so each step is put together from them.
                        state, gates = STEPS[kind](inputs[t], state, weights[n])
                        for what, value in (*state.items(), *gates.items()):
                            self._node(f"{name}.{what}", row, t, value)
                        y[t] = state["h"]
                    ys.append(y)
                    ends.append(state)
                inputs = [torch.cat([y[t] for y in ys]) for t in range(length)]
            outputs.append(torch.stack(inputs + [torch.zeros_like(inputs[0])] * (self.time - length)))
            self.after.append(ends)
        self.output = torch.stack(outputs)

    def _node(self, name: str, row: int, t: int, value: Tensor) -> Tensor:
        if not value.requires_grad:
            value = value.detach().requires_grad_()
        value.retain_grad()
        self.nodes.setdefault(name, {})[row, t] = value
        return value

    def last(self, n: int, leaf: str) -> Tensor:
        """The last state of a layer in a direction: (batch, hidden)."""
        return torch.stack([ends[n][leaf] for ends in self.after])

    def value(self, name: str, gradient: bool = False) -> Tensor:
        """(batch, time, units), 0 past a row's end; without a gradient 0."""
        nodes = self.nodes[name]
        some = next(iter(nodes.values()))
        whole = some.new_zeros(len(self.lengths), self.time, len(some))
        for (row, t), node in nodes.items():
            if not gradient:
                whole[row, t] = node.detach()
            elif node.grad is not None:
                whole[row, t] = node.grad
        return whole


def check(tape, prefix: str, hand: ByHand, gradients: bool = True, tolerance: float = 1e-10) -> None:
    """Everything that the loop by hand has is on the tape under ``prefix``, and nothing else."""
    names = {f"{prefix}.{name}" if prefix else name for name in hand.nodes}
    mine = {
        *(f"{name}.x" for name in tape.inputs),
        *tape.states,
        *tape.gates,
    }
    assert {name for name in mine if name.startswith(prefix)} == names
    for name in hand.nodes:
        full = f"{prefix}.{name}"
        group = tape.inputs if name.endswith(".x") else tape.states if full in tape.states else tape.gates
        value = group[full.removesuffix(".x") if name.endswith(".x") else full]
        torch.testing.assert_close(value, hand.value(name), rtol=0, atol=tolerance, msg=lambda m, n=full: f"{n}: {m}")
        if gradients:
            torch.testing.assert_close(
                tape.gradients[full],
                hand.value(name, gradient=True),
                rtol=0,
                atol=tolerance,
                msg=lambda m, n=full: f"∂L/∂ {n}: {m}",
            )


def stock(kind: str) -> Any:
    """torch's module of that kind."""
    return {"tanh": nn.RNN, "relu": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}[kind]


def options(kind: str) -> dict[str, str]:
    return {"nonlinearity": kind} if kind in ("tanh", "relu") else {}


def weights_of(module: nn.Module) -> list[dict[str, Tensor]]:
    """Copies of the weights of torch's module or of one with ``cells``, a dictionary for each layer and direction."""
    if hasattr(module, "cells"):
        return [{name: p.detach().clone() for name, p in cell.named_parameters()} for cell in module.cells]
    found: dict[str, dict[str, Tensor]] = {}
    for name, p in module.named_parameters():
        base, _, suffix = name.partition("_l") if "_l" in name else (name, "", "")
        found.setdefault(suffix, {})[base] = p.detach().clone()
    return list(found.values())
