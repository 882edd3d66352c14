"""directions, dead-gradient and no-detach: where gradients arrive, where they don't, and where they should not.

Dimensions: rows, steps: what a module takes for them; hidden, the units of a layer.
"""

import re

import torch
from torch import Tensor

from unrolled.errors import UnrolledError
from unrolled.lens.mistakes.examination import At, Examination, gradients
from unrolled.lens.record import record
from unrolled.nn.cells import ElmanCell

VANISHED = 1e-12  # the gradient at the first step, of that at the last
DEAD = 0.5  # the share of relu units that are zero throughout


def look(e: Examination) -> None:
    if not e.no_gradient:
        _directions(e)
        _dead(e)
        _detached(e)


def _directions(e: Examination) -> None:
    two = {r.name for r in e.graph.readings if r.directions == 2}
    if not two:
        e.skip("directions", "no module reads both directions")
    for module in sorted(two):
        reading = next(r for r in e.graph.readings if r.name == module)
        strands = [2 * reading.layers - 2, 2 * reading.layers - 1]
        uses = [_use(at, d) for at in e.at if at.reading.name == module for d in (0, 1)]
        totals = [sum(use for use, _ in uses[d::2]) for d in (0, 1)]
        for d, direction in enumerate(("forward", "backward")):
            width = "output[:, 0, hidden:]" if d else "output[:, -1, :hidden]"
            if totals[d] == 0 and totals[1 - d] > 0:
                e.excused.append((module, strands[d]))
                e.find(
                    "directions",
                    module,
                    f"no gradient reaches the {direction} direction of its last layer (norm 0), and "
                    f"{totals[1 - d]:.3g} reaches the other one",
                    "join both, torch.cat([h_n[-2], h_n[-1]], dim=-1), or leave out bidirectional",
                )
            elif totals[d] > 0 and all(use == 0 or at_first for use, at_first in uses[d::2]):
                e.excused.append((module, strands[d]))
                e.find(
                    "directions",
                    module,
                    f"its {direction} direction is used only where it has read one step: all of the gradient there "
                    f"(norm {totals[d]:.3g}) is at the step that it reads first",
                    f"take torch.cat([h_n[-2], h_n[-1]], dim=-1), or the {direction} half at the step that it reads "
                    f"last, {width}",
                )


def _use(at: At, direction: int) -> tuple[float, bool]:
    """The norm of the gradient at a direction of the last layer; whether it all is at the step that it reads first."""
    ends = at.reading.ends(None)
    rows = (ends > 1).nonzero()[:, 0]  # in a row of one step, the first step is the last one
    half = at.outputs.double().chunk(2, dim=-1)[direction][rows]
    states = at.states.get(2 * at.reading.layers - 2 + direction, [])
    at_states = sum(float(g.double().norm()) for g in states)
    elsewhere = half.clone()
    elsewhere[torch.arange(len(rows)), ends[rows] - 1 if direction else 0] = 0
    return float(half.norm()) + at_states, at_states == 0 and not bool(elsewhere.any())


def _dead(e: Examination) -> None:
    if not e.at_parameters:
        e.skip("dead-gradient", "the parameters of its recurrent modules are frozen")
    still = _relu(e)
    for name in dict.fromkeys(r.name for r in e.graph.readings):
        at = [at for at in e.at if at.reading.name == name]
        if max(a.inputs.shape[1] for a in at) < 2:
            e.skip("dead-gradient", f"'{name}' ran a single step")
            continue
        blank = not any(bool(x.any()) for a in at for x in a.reading.inputs)  # as a decoder that reads zeros
        mine = {p: key for key, (module, p, _) in e.parameters.items() if module == name and key in e.at_parameters}
        dead = [
            (p, "none" if e.at_parameters[key] is None else "exactly 0")
            for p, key in mine.items()
            if not (_any(e.at_parameters[key]) or _is_excused(e, name, p) or (blank and "weight_ih" in p))
        ]
        if dead and name in still:
            continue  # which is why
        if dead:
            e.find(
                "dead-gradient",
                name,
                f"no gradient reaches {len(dead)} of its {len(mine)} parameters: "
                + ", ".join(f"{p} ({how})" for p, how in dead[:6])
                + (f" and {len(dead) - 6} more" if len(dead) > 6 else ""),
                "look for detach(), no_grad() or .data between it and the loss, units that have saturated, or a "
                "result that makes no use of it",
            )
        elif not e.found("batch-first"):
            _vanished(e, name, at)


def _is_excused(e: Examination, module: str, parameter: str) -> bool:
    for name, strand in e.excused:
        layer, backward = divmod(strand, 2)
        ends = f"_l{layer}{'_reverse' * backward}"
        if name == module and (parameter.endswith(ends) or parameter.startswith(f"cells.{strand}.")):
            return True
    return False


def _vanished(e: Examination, name: str, found: list[At]) -> None:
    worst = None
    for at in found:
        ends = at.reading.ends(e.batch.lengths)
        rows = (ends > 1).nonzero()[:, 0]
        first = float(at.inputs[rows, 0].double().norm())
        last = float(at.inputs[rows, ends[rows] - 1].double().norm())
        if first < VANISHED * last and (worst is None or first / last < worst[0] / worst[1]):
            worst = first, last, int(ends.max())
    if worst is not None:
        e.find(
            "dead-gradient",
            name,
            f"the gradient vanishes on its way back: its norm is {worst[0]:.3g} at the input of the first step and "
            f"{worst[1]:.3g} at that of the last one, {worst[2] - 1} steps later",
            "shorten the sequence, take an LSTM or a GRU with open gates, initialise(model, 'forget-bias'), or add "
            "attention; unrolled.gradient_flow(model, x) says how far it gets",
        )


def _relu(e: Examination) -> list[str]:
    """The modules most of whose relu units are 0 throughout."""
    names = [
        r.name
        for r in e.base.readings
        if getattr(r.module, "nonlinearity", "") == "relu"
        or any(isinstance(m, ElmanCell) and m.nonlinearity == "relu" for m in r.module.modules())
    ]
    still: list[str] = []
    if not names:
        return still
    model, values = e.subject.fresh(), e.batch.values
    try:
        with record(model) as tape, torch.no_grad():
            model(*values.values()) if e.batch.positional else model(**{str(k): v for k, v in values.items()})
        states = dict(tape.states)
    except UnrolledError as error:
        e.skip("dead-gradient", f"the relu units can't be read: {error}")
        return still
    for name in dict.fromkeys(names):
        h = [v for key, v in states.items() if re.fullmatch(re.escape(name) + r"(#\d+)?(\.\d+)?(\.reverse)?\.h", key)]
        dead = torch.cat([(v == 0).all(dim=1).all(dim=0) for v in h])
        share = float(dead.double().mean())
        if share >= DEAD:
            still.append(name)
            e.find(
                "dead-gradient",
                name,
                f"{int(dead.sum())} of its {len(dead)} relu units ({share:.0%}) are 0 at every step of every row",
                "start again with a smaller learning rate and initialise(model, 'identity'), or take tanh",
            )
    return still


def _detached(e: Examination) -> None:
    model = e.subject.fresh()
    first = e.subject.run(e.batch.values, gradients=True, model=model)
    try:
        second = e.subject.run(e.batch.values, gradients=True, model=model)
    except UnrolledError as error:
        e.skip("no-detach", f"a second call fails: {error}")
        return
    one, two = e.loss(first), e.loss(second)
    if one is None or two is None or not (one.requires_grad and two.requires_grad):
        e.skip("no-detach", "the result of a second call is not differentiable")
        return
    for reading in first.readings:
        inputs = [x for x in reading.inputs if x.requires_grad]
        back = [g for g in gradients(two, inputs) if g is not None]
        if back:
            norm = torch.stack([g.double().norm() for g in back]).norm()
            fails = _second_backward(one, two, [p for p in model.parameters() if p.requires_grad])
            e.find(
                "no-detach",
                reading.name,
                f"the loss of a second call reaches back into the first one (a gradient of norm {float(norm):.3g} "
                f"at what '{reading.name}' read there)" + (f", and its backward() fails: {fails}" if fails else ""),
                "cut the state that is carried over, state = unrolled.shapes.detach(state), before the next call",
            )
            return


def _second_backward(one: Tensor, two: Tensor, parameters: list[Tensor]) -> str:
    try:
        for value in (one, two):
            torch.autograd.grad(value, parameters, allow_unused=True)
    except RuntimeError as error:
        return f"“{str(error).partition('.')[0].partition(' (')[0]}”"
    return ""


def _any(gradient: Tensor | None) -> bool:
    return gradient is not None and bool((gradient != 0).any())
