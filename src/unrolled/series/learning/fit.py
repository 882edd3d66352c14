"""Training a forecasting network on examples: its loss, its validation score, its starting weights."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from unrolled.checkpoint import TrainingState
from unrolled.series.judging.line import fit_line
from unrolled.series.learning.architecture import Architecture
from unrolled.series.learning.ensemble import Ensemble
from unrolled.series.models import Lined, Network, forecast
from unrolled.series.windows.batch import Batch
from unrolled.series.windows.examples import Examples
from unrolled.training import Progress, TrainingSettings, train

VALIDATION_WINDOWS = 4096  # spread evenly over the validation part; more would cost time and change no choice


@dataclass(frozen=True)
class Files:
    """Where a training keeps its state and its records; each member of an ensemble has its own."""

    checkpoint: Path
    metrics: Path | None

    def of(self, member: int) -> dict[str, Path | None]:
        """The two as :func:`train` takes them: fit.safetensors, fit-2.safetensors, …"""
        return {
            "checkpoint": _numbered(self.checkpoint, member),
            "metrics": self.metrics and _numbered(self.metrics, member),
        }


def _numbered(path: Path, member: int) -> Path:
    return path if member == 0 else path.with_stem(f"{path.stem}-{member + 1}")


def fit_network(
    architecture: Architecture,
    cell: type[nn.Module],
    examples: Examples,
    settings: TrainingSettings,
    *,
    files: Files | None = None,
    start: nn.Module | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> tuple[Network | Ensemble, list[TrainingState]]:
    """A network trained on the training windows of ``examples``, with the best weights by the validation windows.

    Where the split left no validation part, the last weights count. The members of an ensemble are trained one after
    the other, with seeds that follow ``settings.seed``, and share the minutes, where there are any. ``start`` is a
    network of this architecture whose weights training starts from.
    """
    members: list[Network] = []
    states: list[TrainingState] = []
    for number in range(architecture.ensemble):
        own = replace(
            settings, seed=settings.seed + number, minutes=settings.minutes and settings.minutes / architecture.ensemble
        )
        if states:
            own = replace(own, threads=states[0].threads)
        told = on_progress and _of_whole(on_progress, number, architecture.ensemble)
        member = replace(architecture, ensemble=1)
        first = start.members[number] if isinstance(start, Ensemble) else start
        model, state = _fit_one(member, cell, examples, own, files.of(number) if files else {}, first, told)
        members.append(model)
        states.append(state)
        if state.ended == "interrupted":
            break
    return members[0] if len(members) == 1 else Ensemble(members), states


def _fit_one(
    architecture: Architecture,
    cell: type[nn.Module],
    examples: Examples,
    settings: TrainingSettings,
    files: dict[str, Any],
    start: nn.Module | None,
    on_progress: Callable[[Progress], None] | None,
) -> tuple[Network, TrainingState]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        model = architecture.build(cell).to(examples.rows.inputs.device)
    assert isinstance(model, Network)
    if isinstance(model, Lined):
        _set_line(model, examples)
    if start is not None:
        model.load_state_dict(start.state_dict())
    criterion = architecture.criterion()
    train_on, choose_on = examples.windows("train"), examples.windows("validation")

    def loss(index: Tensor) -> Tensor:
        return model.loss(train_on.batch(index), criterion)

    index = torch.linspace(0, len(choose_on) - 1, min(len(choose_on), VALIDATION_WINDOWS)).long()

    def validate() -> float:
        parts = [choose_on.batch(part.to(examples.rows.inputs.device)) for part in index.split(1024)]
        whole = Batch(*(torch.cat(tensors).cpu() for tensors in zip(*parts, strict=True)))
        return float(criterion(forecast(model, parts), whole))

    state = train(
        model,
        loss,
        len(train_on),
        validate if len(choose_on) else None,
        settings,
        before_step=model.progress,
        on_progress=on_progress,
        **files,
    )
    return model, state


def _set_line(model: Lined, examples: Examples) -> None:
    """Give it the weights of the linear autoregression of every target."""
    for target in range(model.sizes.targets):
        line = fit_line(examples, target)
        channels, past = model.sizes.channels, examples.lookback * model.sizes.channels
        order = [target, *(c for c in range(channels) if c != target)]  # the line reads its target first
        weights = line.weights.copy()
        weights[:past].reshape(examples.lookback, channels, -1)[:, order] = line.weights[:past].reshape(
            examples.lookback, channels, -1
        )
        model.weight[:, :, target] = torch.from_numpy(weights)
        model.bias[:, target] = torch.from_numpy(line.change - line.centre @ line.weights)


def _of_whole(on_progress: Callable[[Progress], None], number: int, members: int) -> Callable[[Progress], None]:
    """Progress of one member as a share of all members' progress."""

    def told(progress: Progress) -> None:
        left, fraction = progress.seconds_left, progress.fraction
        each = left / (1 - fraction) if fraction < 1 else 0.0  # what a whole member takes
        left += (members - 1 - number) * each
        on_progress(progress._replace(fraction=(number + fraction) / members, seconds_left=left))

    return told
