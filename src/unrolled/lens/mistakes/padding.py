"""padding and last-from-padding: what lies past the end of a row, and what a row gives in its place.

Dimensions: batch; time, the steps.
"""

import torch
from torch import Tensor, nn

from unrolled.lens.mistakes.examination import MORE, Examination, difference
from unrolled.lens.mistakes.trial import Reading, Trial
from unrolled.nn.rnn import RNN


def look(e: Examination) -> None:
    if e.found("batch-first"):
        e.skip(("padding", "last-from-padding"), "rows and steps are mixed up; mend batch-first first")
        return
    _padding(e)
    if e.found("state-layout"):
        e.skip("last-from-padding", "rows are mixed up; mend state-layout first")
    else:
        _last(e)


def _has_padding(e: Examination, name: str) -> bool:
    if e.batch.lengths is None:
        e.skip(name, "no lengths are given; with lengths=, padding is looked at")
    elif bool(e.batch.real.all()):
        e.skip(name, "no row is shorter than the time axis")
    return name not in e.checks.skipped


def _padding(e: Examination) -> None:
    if not _has_padding(e, "padding"):
        return
    batch = e.batch
    run = e.attempt(batch.varied(~batch.real, only_x=True), "padding")
    if run is None:
        return
    change = _change_at_real_steps(e, run)
    if change is None:
        e.skip("padding", "nothing that the model gives has an axis of the size of the batch")
        return
    name, largest, row = change
    what = "other values past the rows' ends change"
    if largest and not batch.tells_lengths and batch.marks_padding:
        # The model may know the rows' ends by the value of the padding; then more of it changes nothing.
        if e.longer is None:
            e.skip("padding", "other padding changes the result, but the model may know padding by its value")
            return
        name, largest, row = _change_at_real_steps(e, e.longer, tolerant=1e4) or change
        what = f"{MORE} more steps of padding change"
    if largest:
        reading = _moved_by(e, run)
        e.find(
            "padding",
            reading.name,
            f"{what} {name} at real steps by up to {largest:.3g}"
            + (f" (row {row} of length {int(batch.real[row].sum())})" if row is not None else "")
            + _at_padding(e),
            _told(reading),
        )
    elif e.given_loss is not None:
        before, after = e.loss(e.base), e.loss(run)
        if before is not None and after is not None and difference(before, after).any():
            e.find(
                "padding",
                e.base.readings[-1].name,
                f"other values past the rows' ends leave the result at real steps as it is and change the loss "
                f"from {float(before.detach()):.6g} to {float(after.detach()):.6g}{_at_padding(e)}",
                "leave the padded steps out of the loss by a mask",
            )


def _change_at_real_steps(e: Examination, run: Trial, tolerant: float = 16) -> tuple[str, float, int | None] | None:
    """The tensor of the result that changed most, by how much, and in which row; None if none can be compared."""
    found: list[tuple[str, float, int | None]] = []
    for name, before in e.base.tensors.items():
        after = run.tensors.get(name)
        scalar = before.ndim == 0
        if after is None or not (scalar or e.batch.batch in before.shape):
            continue
        after = after[tuple(slice(size) for size in before.shape)] if after.ndim == before.ndim else after
        if after.shape != before.shape:
            continue
        change = difference(before, after, tolerant).where(e.real(name, before), 0)
        axis = None if scalar else e.axis.get(name, before.shape.index(e.batch.batch))
        worst = (
            None if axis is None else int(change.movedim(axis, 0).reshape(change.shape[axis], -1).amax(dim=1).argmax())
        )
        found.append((name, float(change.max()), worst))
    return max(found, key=lambda f: f[1], default=None)


def _moved_by(e: Examination, run: Trial) -> Reading:
    """The first module that read the padding without being told where rows end."""
    for before in e.base.readings:
        if before.lengths is None and before.together(before.inputs).shape[1] >= e.batch.time:
            return before
    return run.readings[-1]


def _at_padding(e: Examination) -> str:
    if e.no_gradient:
        return ""
    for at in e.at:
        if at.reading.lengths is None and at.inputs.shape[:2] == e.batch.real.shape:
            norm = float(at.inputs[~e.batch.real].double().norm())
            return f"; the gradient of the loss at padded steps of '{at.reading.name}' has norm {norm:.3g}"
    return ""


def _last(e: Examination) -> None:
    """Shorter rows whose result none of their steps changes, while the longest rows' results change."""
    if not _has_padding(e, "last-from-padding"):
        return
    batch = e.batch
    short = batch.short
    if not bool(short.any()):
        e.skip("last-from-padding", "all rows are equally long")
        return
    moved: dict[str, Tensor] = {}
    for seed in range(3):  # a row that a relu hides shows itself sooner or later
        run = e.attempt(batch.varied(batch.real, only_x=True, seed=seed, noise=3.0 * seed), "last-from-padding")
        if run is None:
            return
        for name, before in e.base.tensors.items():
            after = run.tensors.get(name)
            axis = e.axis.get(name)
            if (
                axis is None
                or after is None
                or after.shape != before.shape
                or not before.is_floating_point()
                or not before.isfinite().all()
            ):
                continue
            rows = difference(before, after, 0).movedim(axis, 0).reshape(before.shape[axis], -1).any(dim=1)
            rows = rows.to(short.device)
            if not e.time_axes[name]:
                moved[name] = moved.get(name, torch.zeros_like(short)) | rows
    still = {name: ~rows for name, rows in moved.items() if (rows == ~short).all()}
    if not moved:
        e.skip("last-from-padding", "the model gives nothing that is one result a row")
    for name, rows in still.items():
        lengths, longest = batch.real.sum(dim=1), int(batch.real.sum(dim=1).max())
        row = int(rows.nonzero()[0])
        e.find(
            "last-from-padding",
            e.base.readings[-1].name,
            f"nothing that {int(rows.sum())} of the {batch.batch} rows hold changes their part of {name}, such as "
            f"row {row} of length {int(lengths[row])}; only rows of length {longest} have one of their own",
            "take the last real step, output[torch.arange(len(output)), lengths - 1], or h_n[-1], not output[:, -1]",
        )
        return


def _told(reading: Reading) -> str:
    if isinstance(reading.module, RNN):
        return "hand the lengths to it, rnn(x, lengths=lengths)"
    if not isinstance(reading.module, nn.RNNBase):
        return "keep the state of a row that has ended, torch.where((t < lengths)[:, None], after, before)"
    return (
        "pack the batch by pack_padded_sequence, or take each row's last output at lengths - 1 and leave the rest out "
        "of every mean, maximum or attention"
    )
