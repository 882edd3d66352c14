"""The batch of a model under trial: which of it are sequences, where its rows end, and changes of it.

Dimensions: batch; time, the steps; feature.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from unrolled.errors import ShapeError
from unrolled.shapes import check_lengths, mask

Key = int | str


class Batch:
    """What a model is called with: which of it is a sequence, and where the rows end."""

    def __init__(self, given: Any, lengths: Any = None):
        if isinstance(given, PackedSequence):
            raise ShapeError(
                "check_model changes rows and padding and needs the padded batch (batch, time, feature), got a "
                "PackedSequence; give the padded tensor to a model that packs it"
            )
        self.positional = not isinstance(given, Mapping)
        pairs = dict(given) if isinstance(given, Mapping) else dict(enumerate(_listed(given)))
        self.values: dict[Key, Any] = {k: v.detach().clone() if isinstance(v, Tensor) else v for k, v in pairs.items()}
        found = {
            k: v for k, v in self.values.items() if isinstance(v, Tensor) and v.ndim >= 2 and v.dtype != torch.bool
        }
        found = {k: v for k, v in found.items() if not _is_mask(v)} or found
        # A matrix of real numbers may hold features of the rows; it is the sequence where there is no better one.
        better = {k: v for k, v in found.items() if v.ndim > 2 or not v.is_floating_point()}
        if not found:
            raise ShapeError(
                "check_model needs a tensor (batch, time, feature), or (batch, time) of tokens, in the batch, got "
                + (", ".join(map(_shown, self.values.values())) or "nothing")
            )
        self.key = next(iter(better or found))
        self.x: Tensor = found[self.key]
        self.batch, self.time = self.x.shape[:2]
        self.sequences = [k for k, v in (better or found).items() if k == self.key or self._is_sequence(v)]
        self.masks = [
            k
            for k, v in self.values.items()
            if isinstance(v, Tensor) and v.shape[:2] == self.x.shape[:2] and k != self.key and _is_mask(v)
        ]
        said = next((k for k, v in self.values.items() if self._is_lengths(v)), None)
        self.tells_lengths = said is not None or bool(self.masks)
        self.note = ""
        if lengths is not None:
            self.lengths: Tensor | None = check_lengths(lengths, self.batch, self.time, self.x.device)
        elif said is not None:
            self.lengths = check_lengths(self.values[said], self.batch, self.time, self.x.device)
            self.note = f"the lengths of the rows are taken from {self._called(said)}"
        elif self.masks:
            self.lengths, self.note = self._from_mask(self.masks[0])
        else:
            self.lengths = None

    @property
    def real(self) -> Tensor:
        """(batch, time), True where a step is no padding."""
        if self.lengths is None:
            return torch.ones(self.batch, self.time, dtype=torch.bool, device=self.x.device)
        return mask(self.lengths, self.time)

    @property
    def short(self) -> Tensor:
        """(batch,), True for rows that end before the longest one."""
        lengths = self.real.sum(dim=1)
        return lengths < lengths.max()

    def varied(self, where: Tensor, only_x: bool = False, seed: int = 0, noise: float = 0.0) -> dict[Key, Any]:
        """The batch with other steps, drawn from all real ones, in the cells (batch, time) of ``where``."""
        values = dict(self.values)
        for key in [self.key] if only_x else self.sequences:
            value = self.values[key]
            mine = value.shape[:2] == self.x.shape[:2]
            cells = where if mine else where.any(dim=1)[:, None].expand(value.shape[:2])
            real = self.real if mine else torch.ones(value.shape[:2], dtype=torch.bool, device=value.device)
            values[key] = _other_steps(value, real, cells, seed, noise)
        return values

    def longer(self, more: int) -> dict[Key, Any] | None:
        """The batch with more padding, like that which is there; None where no row has any."""
        if not bool((~self.real[:, -1]).any()):
            return None
        row = int((~self.real[:, -1]).nonzero()[0])
        values = dict(self.values)
        for key in {self.key, *self.masks, *self.sequences}:
            value = self.values[key]
            if value.shape[:2] == self.x.shape[:2]:
                padding = value[row, -1].expand(self.batch, more, *value.shape[2:])
                values[key] = torch.cat([value, padding], dim=1)
        return values

    @property
    def marks_padding(self) -> bool:
        """Whether the padding is one value that no real step has, from which a model can read the lengths."""
        flat = self.x.reshape(self.batch, self.time, -1)
        steps, padding = flat[self.real].nan_to_num(), flat[~self.real].nan_to_num()
        alike = (padding == padding[0]).all()
        return bool(alike) and not bool((steps == padding[0]).all(dim=1).any())

    def _is_sequence(self, value: Tensor) -> bool:
        state = value.shape[1] == self.batch and self.batch != self.time  # (layers, batch, hidden)
        return value.shape[0] == self.batch and not state

    def _is_lengths(self, value: Any) -> bool:
        if isinstance(value, list) and value and all(type(n) is int for n in value):
            value = torch.tensor(value)
        if not isinstance(value, Tensor) or value.shape != (self.batch,) or value.dtype == torch.bool:
            return False
        whole = not value.is_floating_point() and not value.is_complex()
        return whole and bool(((value >= 1) & (value <= self.time)).all())

    def _from_mask(self, key: Key) -> tuple[Tensor | None, str]:
        given = self.values[key].reshape(self.batch, self.time, -1)[..., 0].bool()
        for real in (given, ~given):
            lengths = real.sum(dim=1)
            if bool((lengths > 0).all()) and torch.equal(mask(lengths, self.time), real):
                return lengths, f"the lengths of the rows are taken from the mask in {self._called(key)}"
        return None, ""

    def _called(self, key: Key) -> str:
        return f"argument {key + 1} of the batch" if isinstance(key, int) else f"{key!r} of the batch"


def _listed(given: Any) -> list[Any]:
    return list(given) if isinstance(given, tuple | list) else [given]


def _shown(value: Any) -> str:
    return f"{value.dtype} {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__


def _is_mask(value: Tensor) -> bool:
    """Ones and zeros that change at most once along the time axis of each row."""
    if value.ndim != 2 and not (value.ndim == 3 and value.shape[2] == 1):
        return value.dtype == torch.bool
    if not bool(((value == 0) | (value == 1)).all()):
        return False
    changes = (value[:, 1:] != value[:, :-1]).flatten(1).sum(dim=1)
    return value.dtype == torch.bool or (bool((changes <= 1).all()) and bool((value[:, 0] == value[0, 0]).all()))


def _other_steps(value: Tensor, real: Tensor, cells: Tensor, seed: int, noise: float) -> Tensor:
    """Each of ``cells`` replaced by another step that is seen among the real ones, so that the model knows its kind."""
    draw = torch.Generator().manual_seed(seed)
    flat = value.reshape(*value.shape[:2], -1)
    here = flat[cells]
    seen, index = torch.unique(torch.cat([flat[real], here]), dim=0, return_inverse=True)
    allowed = index[: int(real.sum())].unique()
    place = torch.searchsorted(allowed, index[int(real.sum()) :])
    further = torch.randint(1, max(len(allowed), 2), place.shape, generator=draw).to(place)
    steps = seen[allowed[(place + further) % len(allowed)]]
    if value.is_floating_point():
        same = (steps == here).all(dim=1, keepdim=True)
        spread = value[real].double().nan_to_num(0, 0, 0).std().nan_to_num(0).clamp(min=1e-3)
        size = torch.where(same, torch.where(spread > 1e-3, spread, 1.0), noise * spread)
        steps = steps + (size * torch.randn(steps.shape, generator=draw, dtype=torch.double).to(size)).to(value)
    changed = value.clone()
    changed[cells] = steps.reshape(-1, *value.shape[2:])
    return changed
