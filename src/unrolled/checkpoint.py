"""The state of a training under way: all that the next step depends on, in one file without pickle."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from unrolled.errors import RunError
from unrolled.formats import load_tensors, save_tensors

NUMBERS: dict[str, type | tuple[type, ...]] = {
    "step": int,
    "seconds": (int, float),
    "threads": int,
    "compiled": bool,
    "best": (int, float, type(None)),
    "best_step": int,
    "rounds_since_best": int,
    "loss_sum": (int, float),
    "loss_count": int,
    "clipped": int,
    "records": list,
}
MOST_THREADS = 1024


@dataclass
class TrainingState:
    """Where a training is, what it has seen, and the best weights so far."""

    best_weights: dict[str, Tensor]
    step: int = 0
    seconds: float = 0.0
    threads: int = 1
    compiled: bool = False  # whether networks without a kernel run compiled
    ended: str = ""  # "budget", "patience" or "interrupted"; empty while it goes on
    best: float = math.inf  # the best validation score, and where it was
    best_step: int = 0
    rounds_since_best: int = 0
    loss_sum: float = 0.0  # since the last validation
    loss_count: int = 0
    clipped: int = 0
    records: list[dict[str, Any]] = field(default_factory=list)  # one a validation

    @classmethod
    def start(cls, model: nn.Module) -> "TrainingState":
        return cls(best_weights=_copy(model))

    @property
    def mean_loss(self) -> float:
        """The training loss, averaged since the last validation."""
        return self.loss_sum / max(1, self.loss_count)

    def count(self, loss: float, clipped: bool, seconds: float) -> None:
        """Take in one step."""
        self.step += 1
        self.seconds = seconds
        self.loss_sum += loss
        self.loss_count += 1
        self.clipped += clipped

    def round(self, score: float | None, model: nn.Module, **about: float) -> dict[str, Any]:
        """Take in a validation score; keep the weights when it is the best so far, or when there is none to tell.

        Returns the record of this round.
        """
        record = {
            "step": self.step,
            **about,
            "loss": self.mean_loss,
            "validation": score,
            "clipped": self.clipped / max(1, self.loss_count),
            "seconds": round(self.seconds, 3),
        }
        self.records.append(record)
        self.loss_sum, self.loss_count, self.clipped = 0.0, 0, 0
        self.rounds_since_best += 1
        if score is None or score < self.best:
            self.best, self.best_step, self.rounds_since_best = self.best if score is None else score, self.step, 0
            self.best_weights = _copy(model)
        return record

    def save(self, path: Path, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        """Write everything to ``path``, atomically."""
        tensors = {f"model.{name}": value for name, value in model.state_dict().items()}
        tensors |= {f"best.{name}": value for name, value in self.best_weights.items()}
        for name, parameter in model.named_parameters():
            tensors |= {f"optimizer.{name}.{key}": value for key, value in optimizer.state[parameter].items()}
        tensors["random.cpu"] = torch.get_rng_state()
        device = next(model.parameters()).device
        if device.type == "cuda":
            tensors["random.cuda"] = torch.cuda.get_rng_state(device)
        numbers = {name: getattr(self, name) for name in NUMBERS}
        save_tensors(path, tensors, numbers | {"best": self.best if math.isfinite(self.best) else None})

    def load(self, path: Path, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        """Go back to what ``path`` holds: weights, optimizer, randomness, and the numbers here."""
        tensors, numbers = load_tensors(path)
        parts: dict[str, dict[str, Tensor]] = {"model": {}, "best": {}, "optimizer": {}, "random": {}}
        device = next(model.parameters()).device
        try:
            for key, value in tensors.items():
                part, _, name = key.partition(".")
                parts[part][name] = value
            model.load_state_dict(parts["best"])  # only to see that they fit
            model.load_state_dict(parts["model"])
            for name, parameter in model.named_parameters():
                own = {
                    key.rpartition(".")[2]: value
                    for key, value in parts["optimizer"].items()
                    if key.rpartition(".")[0] == name
                }
                shapes = {"step": (), "exp_avg": parameter.shape, "exp_avg_sq": parameter.shape}
                if own and {key: value.shape for key, value in own.items()} != shapes:  # none where no gradient came
                    raise ValueError(f"the optimizer's state of {name} has other shapes")
                # The step count of a fused optimizer lies where its parameter lies.
                optimizer.state[parameter] = {key: value.to(parameter.device) for key, value in own.items()}
            torch.set_rng_state(parts["random"]["cpu"])
            if "cuda" in parts["random"] and device.type == "cuda":
                torch.cuda.set_rng_state(parts["random"]["cuda"], device)
            for name, kind in NUMBERS.items():
                if not isinstance(numbers[name], kind):
                    raise ValueError(f"{name} is {str(numbers[name])[:40]!r}")
                setattr(self, name, numbers[name])
            if self.step < 0 or not 1 <= self.threads <= MOST_THREADS:
                raise ValueError(f"step {self.step} with {self.threads} threads can't be")
        except (KeyError, RuntimeError, TypeError, ValueError, AttributeError) as error:
            why = " ".join(str(error).split())[:200]
            raise RunError(
                f"{path} is not a checkpoint of this model ({why}); delete it to train from the start"
            ) from error
        self.best = math.inf if self.best is None else self.best
        self.best_weights = {name: value.to(device) for name, value in parts["best"].items()}


def _copy(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in model.state_dict().items()}
