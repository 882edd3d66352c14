"""batch-first and state-layout: rows that are taken for steps, or computed from one another.

One row of the batch is changed at a time. Where that comes in at a module, and which rows of the result it changes,
tells the axes; gradients of one row of the result tell what it is computed from. Dimensions: rows, steps: what a module
takes for them; strands, layers times directions.
"""

import torch
from torch import Tensor, nn

from unrolled.lens.mistakes.examination import Examination, difference, filled, gradients, weights
from unrolled.lens.mistakes.findings import NAMES
from unrolled.lens.mistakes.trial import Reading, Trial
from unrolled.nn.rnn import RNN


def look(e: Examination) -> None:
    batch, time = e.batch.batch, e.batch.time
    if batch < 2 or time < 2:
        e.skip(NAMES[:2], f"the batch has {batch} rows of {time} steps, and it takes two of each to tell")
        return
    rows = sorted({0, 1, batch // 2, batch - 1})
    runs: dict[int, Trial] = {}
    for i in rows:
        cells = torch.zeros_like(e.batch.real)
        cells[i] = True
        run = e.attempt(e.batch.varied(cells & e.batch.real), *NAMES[:4])
        if run is None:
            return
        runs[i] = run
    if not any(e.changes(run) or _inputs_differ(e.base, run) for run in runs.values()):
        e.skip(NAMES, "no change of the batch changes anything; give one with different values")
        return
    came_in = _came_in(e, runs)
    for reading, cells in zip(e.base.readings, came_in, strict=True):
        if cells and not any(f.module == reading.name for f in e.checks.findings):
            _axes_of_input(e, reading, cells)
    if e.found("batch-first"):
        e.skip("state-layout", "rows and steps are mixed up; mend batch-first first")
        return
    _axes_of_result(e, runs, came_in)


def _came_in(e: Examination, runs: dict[int, Trial]) -> list[dict[int, Tensor]]:
    """For each reading: in which of its (rows, steps) the change of each row of the batch came in."""
    found: list[dict[int, Tensor]] = [{} for _ in e.base.readings]
    for i, run in runs.items():
        if len(run.readings) != len(e.base.readings):  # how often a module runs depends on the data
            continue
        for n, (before, after) in enumerate(zip(e.base.readings, run.readings, strict=True)):
            a, b = before.together(before.inputs), after.together(after.inputs)
            if a.shape == b.shape:
                cells = (difference(a, b) > 0).flatten(2).any(dim=2)
                if cells.any():
                    found[n][i] = cells
    return found


def _axes_of_input(e: Examination, reading: Reading, cells: dict[int, Tensor]) -> None:
    in_rows = torch.stack([c.any(dim=1) for c in cells.values()]).sum(dim=0)
    in_steps = torch.stack([c.any(dim=0) for c in cells.values()])
    count, steps = next(iter(cells.values())).shape
    whole = count >= 2 or (reading.alone and isinstance(reading.module, nn.RNNBase))
    if len(cells) < 2 or int(in_rows.max()) < 2 or not whole:
        return
    if (in_steps.sum(dim=1) == 1).all() and int(in_steps.sum(dim=0).max()) == 1:
        i, changed = next(iter(cells.items()))
        t = int(changed.any(dim=0).nonzero()[0])
        e.find(
            "batch-first",
            reading.name,
            f"it reads dimension 0 of the batch as time: a change of row {i} came in at step {t + 1} alone, in "
            f"{int(changed.any(dim=1).sum())} of what it takes for {count} row{'s' * (count > 1)} of {steps} steps",
            _right_axes(reading),
        )
    elif int(torch.stack(list(cells.values())).sum(dim=0).max()) == 1:
        e.find(
            "batch-first",
            reading.name,
            f"rows of the batch are mixed on their way to it: a change of one row came in at "
            f"{int(next(iter(cells.values())).any(dim=1).sum())} of its {count} rows, and each of these holds steps "
            f"of up to {int(in_rows.max())} of the {len(cells)} rows tried",
            "bring the axes into order by transpose(0, 1), not by view or reshape, which cut rows in pieces",
        )


def _axes_of_result(e: Examination, runs: dict[int, Trial], came_in: list[dict[int, Tensor]]) -> None:
    batch, time = e.batch.batch, e.batch.time
    mixed: dict[str, dict[int, list[int]]] = {}
    changes = {i: e.changes(run) for i, run in runs.items()}
    for name, tensor in e.base.tensors.items():
        axes = [a for a in range(tensor.ndim) if tensor.shape[a] == batch]
        for axis in axes:
            where = {i: _indices(c[name], axis) for i, c in changes.items() if name in c}
            if all(set(indices) <= {i} for i, indices in where.items()):
                e.axis[name] = axis
                break
            if axis == 0:
                mixed[name] = where
        if name in e.axis:
            mixed.pop(name, None)
    unclear = [n for n, t in e.base.tensors.items() if n not in e.axis and n not in mixed]
    suspects = [*mixed, *(n for n in unclear if e.base.tensors[n].ndim and len(e.base.tensors[n]) == time)]
    for name in suspects:
        if name in e.graph.tensors and e.graph.tensors[name].requires_grad:
            if _one_row_for_all(e, name):
                e.skip("state-layout", "rows and steps are mixed up; mend batch-first first")
                return
            if name in mixed and not e.found("state-layout"):
                _whose_states(e, name, mixed[name], came_in)
        elif name in mixed:
            e.skip("state-layout", f"rows of {name} depend on one another, and no gradient tells how")
    if not e.axis and not mixed:
        e.skip("state-layout", "nothing that the model gives has an axis of the size of the batch")


def _sources(e: Examination, name: str, row: int, reading: Reading) -> tuple[Tensor, Tensor]:
    """Where result[row] comes from, of what a module gave: outputs (rows, steps) and states (strands, rows)."""
    part = e.graph.tensors[name][row]
    value = (weights(part) * part).sum()
    outputs = gradients(value, reading.outputs)
    states = reading.by_strand(gradients(value, reading.states))
    cells = (reading.together(filled(reading.outputs, outputs)) != 0).any(dim=2)
    held = [torch.stack([(g != 0).any(dim=1) for g in gs]).any(dim=0) for gs in states.values()]
    return cells, torch.stack(held) if held else cells.new_zeros(0, cells.shape[0])


def _one_row_for_all(e: Examination, name: str) -> bool:
    """Whether the rows of the result are the steps of a single row of a module's output."""
    if len(e.graph.tensors[name]) < 2:
        return False
    for reading in reversed(e.graph.readings):
        if not isinstance(reading.module, nn.RNNBase | RNN):
            continue
        sources = [_sources(e, name, row, reading) for row in range(min(len(e.graph.tensors[name]), 4))]
        rows = {tuple(_indices(cells, 0)) for cells, _ in sources}
        steps = [tuple(_indices(cells, 1)) for cells, _ in sources]
        held = any(bool(states.any()) for _, states in sources)
        if len(rows) == 1 and len(next(iter(rows))) == 1 and steps == [(t,) for t in range(len(steps))] and not held:
            row = next(iter(rows))[0]
            first = getattr(reading.module, "batch_first", True)
            e.find(
                "batch-first",
                reading.name,
                f"every row of {name} is a step of row {row} of its output alone, which is "
                f"{'(batch, time, hidden)' if first else '(time, batch, hidden)'}",
                f"take the last step by {'output[:, -1]' if first else 'output[-1]'}",
            )
            return True
    return False


def _whose_states(e: Examination, name: str, mixed: dict[int, list[int]], came_in: list[dict[int, Tensor]]) -> None:
    """Tell a layout that is wrong from rows that are compared on purpose: there each keeps its own state."""
    known = [i for i in mixed if i < len(e.graph.tensors[name])]
    for n, reading in reversed(list(enumerate(e.graph.readings))):
        owned = {i: cells.any(dim=1) for i, cells in came_in[n].items()}
        sources = {i: _sources(e, name, i, reading) for i in known if i in owned}
        if len(sources) < 2:
            continue
        used = torch.stack([torch.cat([c.flatten(), s.flatten()]) for c, s in sources.values()])
        rows = {i: c.any(dim=1) | s.any(dim=0) for i, (c, s) in sources.items()}
        others = {i: any(bool((r & owned[j]).any()) for j in owned if j != i) for i, r in rows.items()}
        missing = {i: bool(r.any()) and not bool((r & owned[i]).any()) for i, r in rows.items()}
        if int(used.sum(dim=0).max()) > 1 or not any(others[i] or missing[i] for i in rows):
            continue
        i = next(i for i in rows if others[i] or missing[i])
        if all(len(moved) == 1 for moved in mixed.values()):
            j, k = next((j, k) for j, (k,) in mixed.items() if j != k)
            seen = f"row {k} of {name} is computed from row {j} of the batch: the rows are in another order"
            mend = "put the rows back by the inverse order, or leave it to pack_padded_sequence(enforce_sorted=False)"
        else:
            took = _listing(_indices(rows[i], 0))
            changed = next((j, k) for j, k in mixed.items() if set(k) != {j})
            seen = (
                f"row {i} of {name} is computed from what the module holds for {took}: a change of row "
                f"{changed[0]} of the batch changed {_listing(changed[1])}, though the module keeps rows apart"
            )
            mend = (
                "join the directions by torch.cat([h_n[-2], h_n[-1]], dim=-1), or bring the batch to the front by "
                "transpose(0, 1) before reshape: h_n is (layers * directions, batch, hidden)"
            )
        e.find("state-layout", reading.name, seen, mend)
        return
    e.checks.notes.append(f"rows of {name} depend on one another, each on its own states too: taken as meant")


def _inputs_differ(a: Trial, b: Trial) -> bool:
    pairs = [(r.together(r.inputs), s.together(s.inputs)) for r, s in zip(a.readings, b.readings, strict=False)]
    return any(x.shape != y.shape or bool(difference(x, y).any()) for x, y in pairs)


def _indices(values: Tensor, axis: int) -> list[int]:
    return (
        (values.movedim(axis, 0).flatten(1) if values.ndim > 1 else values[:, None]).any(dim=1).nonzero()[:, 0].tolist()
    )


def _listing(numbers: list[int]) -> str:
    return f"row{'s' * (len(numbers) > 1)} " + ", ".join(map(str, numbers[:6])) + (" …" if len(numbers) > 6 else "")


def _right_axes(reading: Reading) -> str:
    module = reading.module
    if not isinstance(module, nn.RNNBase):
        return (
            "hand it (batch, time, feature), without a transpose"
            if isinstance(module, RNN)
            else "step through x[:, t], not x[t]"
        )
    if reading.alone:
        return "hand it three axes, (batch, time, feature): without the batch axis, rows are taken for steps"
    if module.batch_first:
        return "hand it (batch, time, feature) without a transpose, for it has batch_first=True"
    return "build it with batch_first=True, or hand it x.transpose(0, 1)"
