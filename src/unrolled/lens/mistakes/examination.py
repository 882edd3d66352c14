"""An examination: a model's run on its batch, the gradients there, and what is held against it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from unrolled.errors import ShapeError, UnrolledError
from unrolled.lens.mistakes.batch import Batch, Key
from unrolled.lens.mistakes.findings import NAMES, Checks, Finding
from unrolled.lens.mistakes.trial import Reading, Subject, Trial

MORE = 3  # steps of padding that are added to see what grows with them


@dataclass
class At:
    """The gradients of the loss at what a module read and gave: (rows, steps, width), and (rows, hidden) by strand."""

    reading: Reading
    inputs: Tensor
    outputs: Tensor
    states: dict[int, list[Tensor]]


class Examination:
    """One model on one batch. ``base`` is its run on the batch as it is, ``graph`` the same with gradients."""

    def __init__(self, model: nn.Module, batch: Batch, loss: Callable[[Any], Tensor] | None):
        self.batch, self.given_loss = batch, loss
        self.subject = Subject(model, batch)
        self.checks = Checks(type(model).__name__, notes=[batch.note] if batch.note else [])
        self.base = self.subject.run(batch.values)
        self.longer: Trial | None = None  # on the batch with more padding
        self.axis: dict[str, int] = {}  # the batch axis of each tensor of the result
        self.no_gradient = ""  # why there is none
        self.excused: list[tuple[str, int]] = []  # strands that lack a gradient for want of use
        self.at: list[At] = []

    def starts(self) -> bool:
        """Run the batch as it is, without and with gradients; False where nothing can be learnt from it."""
        if not self.base.readings:
            self.skip(NAMES, "none of its recurrent modules ran")
            return False
        silent = [name for name in self.subject.names if name not in {r.name for r in self.base.readings}]
        self.checks.notes += [f"'{name}' did not run" for name in silent]
        if self.changes(self.subject.run(self.batch.values)):
            self.skip(NAMES, "the model gives two results for the same batch")
            return False
        self.time_axes = self._find_time_axes()
        self._differentiate()
        return True

    def found(self, name: str) -> bool:
        return any(finding.name == name for finding in self.checks.findings)

    def find(self, name: str, module: str, seen: str, mend: str) -> None:
        self.checks.findings.append(Finding(name, module, seen, mend))

    def skip(self, names: Any, reason: str) -> None:
        for name in (names,) if isinstance(names, str) else names:
            if not self.found(name):
                self.checks.skipped.setdefault(name, reason)

    # ---- running and comparing runs

    def attempt(self, values: dict[Key, Any], *names: str) -> Trial | None:
        """A run on a changed batch; where the model can't do it, what it was for is skipped."""
        try:
            return self.subject.run(values)
        except UnrolledError as error:
            self.skip(names, f"with other values of the same kind, {error}")
            return None

    def changes(self, trial: Trial, tolerant: float = 16) -> dict[str, Tensor]:
        """|change| of each tensor of the result that changed by more than rounding, as far as the shapes agree."""
        found = {}
        for name, before in self.base.tensors.items():
            after = trial.tensors.get(name)
            if after is not None and after.shape == before.shape:
                change = difference(before, after, tolerant)
                if change.any():
                    found[name] = change
        return found

    def _find_time_axes(self) -> dict[str, list[int]]:
        """The axes of each tensor of the result that grow with the time axis of the batch."""
        time = self.batch.time
        sized = {n: [a for a in range(1, t.ndim) if t.shape[a] == time] for n, t in self.base.tensors.items()}
        if self.batch.lengths is not None and (values := self.batch.longer(MORE)) is not None:
            try:
                self.longer = self.subject.run(values)
            except UnrolledError:
                return sized  # a model for this very time axis
            grown = self.longer.tensors
            return {
                n: [a for a in axes if n in grown and grown[n].ndim > a and grown[n].shape[a] == time + MORE]
                for n, axes in sized.items()
            }
        return sized

    def real(self, name: str, tensor: Tensor) -> Tensor:
        """True where an entry of the result belongs to real steps; all of it, if it has no time axis."""
        kept = torch.ones(tensor.shape, dtype=torch.bool, device=tensor.device)
        if tensor.ndim and tensor.shape[0] == self.batch.batch:
            for axis in self.time_axes[name]:
                shape = [tensor.shape[0]] + [tensor.shape[axis] if a == axis else 1 for a in range(1, tensor.ndim)]
                kept &= self.batch.real.to(tensor.device).reshape(shape)
        return kept

    # ---- gradients

    def _differentiate(self) -> None:
        """One run with gradients: at the parameters, and at what each module read and gave."""
        self.graph = self.subject.run(self.batch.values, gradients=True)
        value = self.loss(self.graph)
        if value is None or not value.requires_grad:
            self.no_gradient = "no gradient reaches the model from its result, which is not differentiable"
        elif not bool(value.isfinite()):
            self.no_gradient = f"the loss is {float(value.detach()):.3g}"
        if self.no_gradient or value is None:
            self.skip(("directions", "dead-gradient", "no-detach"), self.no_gradient)
            return
        self.parameters = {
            f"{name}.{p}" if path else p: (name, p, parameter)
            for name, path in self.subject.names.items()
            for p, parameter in self.subject.model.get_submodule(path).named_parameters()
        }
        asked = {key: p for key, (_, _, p) in self.parameters.items() if p.requires_grad}
        found = gradients(value, list(asked.values()))
        self.at_parameters = dict(zip(asked, found, strict=True))
        for r in self.graph.readings:
            inputs, outputs = (r.together(filled(part, gradients(value, part))) for part in (r.inputs, r.outputs))
            self.at.append(At(r, inputs, outputs, r.by_strand(gradients(value, r.states))))

    def loss(self, trial: Trial) -> Tensor | None:
        if self.given_loss is not None:
            with torch.enable_grad():
                value = self.given_loss(trial.result)
            if not isinstance(value, Tensor) or value.ndim != 0:
                what = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
                raise ShapeError(f"loss must give a scalar tensor, got {what}; take its mean or its sum")
            return value
        tensors = {n: t for n, t in trial.tensors.items() if t.is_floating_point() and t.requires_grad}
        states = {(s.data_ptr(), s.shape) for r in trial.readings for s in r.states}
        # A state that is returned beside the result would hide that the result makes no use of it.
        results = {n: t for n, t in tensors.items() if (t.data_ptr(), t.shape) not in states} or tensors
        value = None
        for name, tensor in results.items():
            part = (weights(tensor) * tensor).where(self.real(name, tensor), 0).sum()
            value = part if value is None else value + part
        return value


def difference(before: Tensor, after: Tensor, tolerant: float = 16) -> Tensor:
    """|after - before|, 0 where it is no more than rounding; infinite where only one of them is NaN."""
    if before.is_complex():
        before, after = torch.view_as_real(before), torch.view_as_real(after)
    eps = torch.finfo(before.dtype).eps if before.is_floating_point() else 0.0
    a, b = before.detach().double(), after.detach().double()
    alike = (a == b) | (a.isnan() & b.isnan())
    off = (a - b).abs().nan_to_num(torch.inf, torch.inf).masked_fill(alike, 0)
    size = max(1.0, float(a.nan_to_num(0, 0, 0).abs().max())) if a.numel() else 1.0
    return off.where(off > tolerant * eps * size, 0)


def weights(tensor: Tensor) -> Tensor:
    """Fixed random numbers, so that no gradient is hidden by cancelling another."""
    draw = torch.Generator().manual_seed(1)
    return torch.randn(tensor.shape, generator=draw, dtype=torch.double).to(tensor)


def gradients(value: Tensor, tensors: list[Tensor]) -> list[Tensor | None]:
    asked = [t for t in tensors if t.requires_grad]
    found = torch.autograd.grad(value, asked, retain_graph=True, allow_unused=True) if asked else ()
    at = iter(found)
    return [next(at) if t.requires_grad else None for t in tensors]


def filled(tensors: list[Tensor], gradients: list[Tensor | None]) -> list[Tensor]:
    return [torch.zeros_like(t) if g is None else g for t, g in zip(tensors, gradients, strict=True)]
