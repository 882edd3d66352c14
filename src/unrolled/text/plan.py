"""What a translator is asked to do: the data, the network's shape, the training; as it stands in run.json."""

import shlex
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from unrolled.errors import RunError, UnrolledError
from unrolled.text.architecture import Architecture
from unrolled.text.fit import Objective
from unrolled.text.prepare import Asked, check_asked
from unrolled.text.scoring import TOKENIZERS
from unrolled.training import TrainingSettings

TRAINING = ("epochs", "minutes", "batch_size", "learning_rate", "seed")  # what the command has options for


@dataclass(frozen=True)
class Plan:
    """Everything that decides a run's result, but for the data, which ``facts`` know again."""

    architecture: Architecture
    objective: Objective
    training: TrainingSettings
    asked: Asked
    bleu_tokenizer: str
    facts: dict[str, Any]
    notes: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, saved: dict[str, Any], folder: Path) -> "Plan":
        """The plan in a run's manifest. Raises RunError where it isn't one."""
        try:
            parts = {name: saved[name] for name in cls.__dataclass_fields__}
            for name, kind in {"bleu_tokenizer": str, "facts": dict, "notes": list}.items():
                if not isinstance(parts[name], kind):
                    raise TypeError(f"{name} is {str(parts[name])[:40]!r}")
            if parts["bleu_tokenizer"] not in TOKENIZERS:
                raise TypeError(f"bleu_tokenizer is {parts['bleu_tokenizer'][:40]!r}")
            asked = Asked(**parts["asked"])
            for name, value in asdict(asked).items():
                if value is not None and type(value) is not (int if name == "vocabulary" else str):
                    raise TypeError(f"{name} is {str(value)[:40]!r}")
            check_asked(asked.tokenizer, asked.vocabulary)
            architecture, objective = Architecture.from_json(parts["architecture"]), Objective(**parts["objective"])
            objective.check(architecture)
            return cls(
                architecture,
                objective,
                TrainingSettings(**parts["training"]),
                asked,
                parts["bleu_tokenizer"],
                parts["facts"],
                tuple(map(str, parts["notes"])),
            )
        except (KeyError, TypeError, AttributeError, OverflowError, UnrolledError) as error:
            raise RunError(
                f"{folder / 'run.json'} doesn't describe a translator ({error!r}); restore it, or train again"
            ) from error

    def command(self) -> str:
        """The command line that does it again."""
        shape, usual, words = self.architecture, Objective(), ["unrolled", "translate", "train"]
        recurrent = {"cell": shape.cell, "attention": shape.attention or "none"}
        asked = {
            **asdict(self.asked),
            **(recurrent if shape.model == "recurrent" else {"model": shape.model}),
            **{name: getattr(shape, name) for name in ("hidden", "layers", "dropout")},
            **{name: value for name, value in asdict(self.objective).items() if value != getattr(usual, name)},
            **{name: getattr(self.training, name) for name in TRAINING},
        }
        for name, value in asked.items():
            if value is not None:
                words += [f"--{name.replace('_', '-')}", f"{value:g}" if isinstance(value, float) else str(value)]
        return shlex.join(words + ["--input-feeding"] * (shape.input_feeding and shape.model == "recurrent"))
