"""The tape: what went through the recurrent modules of a model, by name, at every step.

A name is the module's path in the model, the layer, ``reverse`` for the backward direction, and what it is:
``encoder.rnn.0.forget``, ``encoder.rnn.1.reverse.h``. A cell by itself has no layer: ``cell.forget``. What a module ran
over a second sequence is called ``rnn#2.0.forget``, and so on.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from unrolled.errors import RunError, UnrolledError, nearest
from unrolled.files import damage, shown
from unrolled.formats import load_tensors, save_tensors
from unrolled.lens.replay import Strand
from unrolled.lens.sequences import Sequence
from unrolled.shapes import mask

if TYPE_CHECKING:
    from polars import DataFrame

FORMAT = 1
GROUPS = ("inputs", "states", "gates", "gradients", "lengths")


class Names(Mapping[str, Tensor]):
    """Tensors by name; a name that isn't there is answered by the nearest ones."""

    def __init__(self, tensors: Mapping[str, Tensor], what: str):
        self._tensors, self._what = dict(tensors), what

    def __getitem__(self, name: str) -> Tensor:
        if name not in self._tensors:
            raise UnrolledError(f"the tape has no {self._what} {name!r}{nearest(name, self._tensors)}")
        return self._tensors[name]

    def get(self, name: str, default: Any = None) -> Any:
        return self._tensors.get(name, default)

    def __contains__(self, name: object) -> bool:
        return name in self._tensors

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        return len(self._tensors)

    def __repr__(self) -> str:
        return "\n".join(f"{name}  {tuple(tensor.shape)}" for name, tensor in self._tensors.items())


class Tape:
    """What `record` saw, computed when it is first asked for; every tensor is (batch, time, units), 0 past a row's end.

    - ``inputs["rnn.0"]``: what the layer read;
    - ``states["rnn.0.h"]``: every state that the cell has, after each step;
    - ``gates["rnn.0.forget"]``: every gate, by name;
    - ``gradients["rnn.0.h"]``, after ``backward()``: ∂L/∂ of each state and gate, and of the input as ``"rnn.0.x"``;
    - ``lengths["rnn"]``: (batch,), where rows have lengths;
    - ``difference``: the largest between what was computed again, step by step, and the modules' own output.

    `record` makes a tape, ``Tape.load`` reads one that ``save`` wrote.
    """

    def __init__(self, sequences: list[Sequence] | None = None):
        self._sequences = sequences if sequences is not None else []
        self._groups: dict[str, Names] = {}
        self._difference = 0.0
        self._state: Any = None  # what of the sequences the groups were made of

    @property
    def inputs(self) -> Names:
        return self._group("inputs")

    @property
    def states(self) -> Names:
        return self._group("states")

    @property
    def gates(self) -> Names:
        return self._group("gates")

    @property
    def lengths(self) -> Names:
        return self._group("lengths")

    @property
    def gradients(self) -> Names:
        """Raises UnrolledError before ``backward()``."""
        return self._group("gradients")

    @property
    def difference(self) -> float:
        self._group("states")
        return self._difference

    def gradient_norms(self) -> dict[str, Tensor]:
        """‖∂L/∂v_t‖ at each step t, over batch and units together, for every name in ``gradients``: (time,)."""
        return {name: gradient.double().norm(dim=(0, 2)) for name, gradient in self.gradients.items()}

    @torch.inference_mode(mode=False)
    def strands(self) -> dict[str, Strand]:
        """One layer in one direction each, with the cells that computed it: what ``gradient_flow`` goes along."""
        self._check_recorded()
        return {name: strand for s in self._sequences for name, strand in zip(s.names(), s.whole(), strict=True)}

    def to_table(self) -> "DataFrame":
        """A row for each number: strand, row, step, quantity, unit, value, and its gradient where there is one.

        Rows and units count from 0, steps from 1, as in the equations. Steps past a row's end are left out.
        """
        import polars as pl

        gradients = self.gradients if self._has_gradients() else {}
        frames = []
        for name, value in [
            *((f"{n}.x", v) for n, v in self.inputs.items()),
            *self.states.items(),
            *self.gates.items(),
        ]:
            strand, _, quantity = name.rpartition(".")
            batch, time, units = value.shape
            row, step, unit = torch.meshgrid(*map(torch.arange, value.shape), indexing="ij")
            columns = {"row": row, "step": step + 1, "unit": unit, "value": value}
            if name in gradients:
                columns["gradient"] = gradients[name]
            lengths = self._lengths_of(strand)
            real = torch.ones(batch, time) > 0 if lengths is None else mask(lengths, time)
            kept = real[..., None].expand(batch, time, units).cpu()
            frame = pl.DataFrame({key: v.cpu()[kept].to(_numpy(v)).numpy() for key, v in columns.items()})
            frames.append(frame.with_columns(strand=pl.lit(strand), quantity=pl.lit(quantity)))
        order = ["strand", "row", "step", "quantity", "unit", "value", "gradient"]
        table = pl.concat(frames, how="diagonal_relaxed")
        return table.select([column for column in order if column in table.columns])

    def save(self, path: str | Path) -> None:
        """Write the tape to one safetensors file: the numbers as tensors, what they are as JSON in its header.

        Raises RunError where that can't be done.
        """
        groups = [group for group in GROUPS if group != "gradients" or self._has_gradients()]
        tensors = {f"{group}/{name}": tensor for group in groups for name, tensor in self._group(group).items()}
        # The file doesn't keep the order of the tensors.
        save_tensors(path, tensors, {"tape": FORMAT, "difference": self.difference, "names": list(tensors)})

    @classmethod
    def load(cls, path: str | Path) -> "Tape":
        """The tape that ``save`` wrote. Raises RunError for a file that is damaged, newer or no tape."""
        tensors, about = load_tensors(path)
        path = Path(path)
        if not isinstance(about.get("tape"), int) or not isinstance(about.get("difference"), float):
            raise RunError(f"{shown(path)} is not a tape; Tape.load reads what tape.save wrote")
        if about["tape"] > FORMAT:
            raise RunError(
                f"{shown(path)} was written by a newer unrolled: format {about['tape']}, this one reads {FORMAT}"
            )
        tape = cls()
        found: dict[str, dict[str, Tensor]] = {group: {} for group in GROUPS}
        names = about.get("names")
        if not isinstance(names, list) or not all(isinstance(n, str) for n in names) or set(names) != set(tensors):
            raise damage(path, "it doesn't have the tensors that it lists")
        for key in names:
            (group, _, name), tensor = key.partition("/"), tensors[key]
            whole = tensor.ndim == 1 and tensor.dtype == torch.long if group == "lengths" else tensor.ndim == 3
            if group not in found or not whole:
                raise damage(path, f"it has a tensor {key[:80]!r} of shape {tuple(tensor.shape)} and {tensor.dtype}")
            found[group][name] = tensor
        tape._groups = {group: Names(t, group.removesuffix("s")) for group, t in found.items()}
        tape._difference = about["difference"]
        return tape

    def __repr__(self) -> str:
        return "\n".join(repr(self._group(group)) for group in ("inputs", "states", "gates"))

    # ---- from sequences to names

    @torch.inference_mode(mode=False)  # wherever it is read: one can compute with what is on it
    def _group(self, group: str) -> Names:
        if not self._sequences:
            self._check_recorded()
            if group == "gradients" and not self._groups[group]:
                raise UnrolledError("this tape was saved without gradients; call backward() before tape.save()")
            return self._groups[group]
        state = [(len(s.calls), [call.backwards for call in s.calls]) for s in self._sequences]
        if state != self._state:
            self._groups, self._state = self._values(), state
        if group == "gradients" and group not in self._groups:
            self._groups[group] = self._carried_back()
        return self._groups[group]

    def _values(self) -> dict[str, Names]:
        found: dict[str, dict[str, Tensor]] = {"inputs": {}, "states": {}, "gates": {}, "lengths": {}}
        for name, strand in self.strands().items():
            if not strand.backward:  # which reads the same
                found["inputs"][name] = strand.x
            found["states"] |= {f"{name}.{leaf}": value for leaf, value in strand.states.items()}
            found["gates"] |= {f"{name}.{gate}": value for gate, value in strand.gates.items()}
        for sequence in self._sequences:
            if (lengths := sequence.calls[0].lengths) is not None:
                found["lengths"][sequence.name] = lengths
        self._difference = max(sequence.difference for sequence in self._sequences)
        return {group: Names(tensors, group.removesuffix("s")) for group, tensors in found.items()}

    def _carried_back(self) -> Names:
        found: dict[str, Tensor] = {}
        reached = [s for s in self._sequences if any(call.backwards for call in s.calls)]
        for sequence in reached or self._sequences:  # one that wasn't reached says so
            for name, gradients in zip(sequence.names(), sequence.gradients(), strict=True):
                for what, gradient in gradients.items():
                    # Both directions read the same input, and its gradient is the sum of what they send back.
                    key = f"{name.removesuffix('.reverse')}.x" if what == "x" else f"{name}.{what}"
                    found[key] = found[key] + gradient if key in found else gradient
        return Names(found, "gradient")

    def _has_gradients(self) -> bool:
        if self._sequences:
            return any(call.backwards for s in self._sequences for call in s.calls)
        return bool(self._groups.get("gradients"))

    def _lengths_of(self, strand: str) -> Tensor | None:
        return next(
            (lengths for name, lengths in self.lengths.items() if strand == name or strand.startswith(f"{name}.")), None
        )

    def _check_recorded(self) -> None:
        if not self._sequences and not self._groups:
            raise UnrolledError("nothing is on the tape: run the model inside `with record(model) as tape:`")


def _numpy(tensor: Tensor) -> torch.dtype:
    return torch.float32 if tensor.dtype in (torch.bfloat16, torch.float16) else tensor.dtype
