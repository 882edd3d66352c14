"""Cells against each other on a task that shows memory."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import torch
from torch import Tensor, nn

from unrolled.comparison.cost import Cost, costs
from unrolled.comparison.trial import Trial, half_life
from unrolled.data.tasks import Task
from unrolled.nn.initialisation import initialise
from unrolled.nn.rnn import RNN
from unrolled.training import Progress, TrainingSettings, device_named, train

ROUND = 100  # steps between validations, or about as many
VALIDATION, TEST = 512, 2048  # sequences


class Answer(nn.Module):
    """A recurrent network and a linear head at every step: (batch, time, feature) to (batch, time, outputs)."""

    def __init__(self, cell: type[nn.Module], task: Task, hidden: int, layers: int, init: tuple[str, ...] = ()):
        super().__init__()
        self.rnn = RNN(cell, task.features, hidden, layers=layers)
        if init:
            initialise(self.rnn, *init)
        self.head = nn.Linear(hidden, task.outputs)

    def forward(self, x: Tensor) -> Tensor:
        output, _ = self.rnn(x)
        return self.head(output)


def trials(
    task: Task,
    cells: dict[str, type[nn.Module]],
    seeds: int,
    hidden: int,
    layers: int,
    settings: TrainingSettings,
    steps: int,
    init: tuple[str, ...],
    on_progress: Callable[[str, int, Progress], None] | None,
) -> Iterator[Trial]:
    """Every cell with every seed. All see the same sequences in the same order, and the same test sequences."""
    device = device_named(settings.device)
    chosen = [part.to(device) for part in task.batch(VALIDATION, torch.Generator().manual_seed(1))]
    tested = [part.to(device) for part in task.batch(TEST, torch.Generator().manual_seed(2))]
    for seed in range(settings.seed, settings.seed + seeds):
        for name, cell in cells.items():
            own = _with_budget(settings, seed, steps)
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed)
                model = Answer(cell, task, hidden, layers, init).to(device)
            fresh = torch.Generator().manual_seed(1000 + seed)

            def loss(index: Tensor, model: nn.Module = model, fresh: torch.Generator = fresh) -> Tensor:
                x, y = task.batch(len(index), fresh)
                return task.loss(model(x.to(device)), y.to(device))

            def validate(model: nn.Module = model) -> float:
                with torch.inference_mode():
                    return float(task.loss(model.eval()(chosen[0]), chosen[1]))

            def show(progress: Progress, name: str = name, seed: int = seed) -> None:
                if on_progress is not None:
                    on_progress(name, seed, progress)

            before = half_life(model, chosen[0][:2])
            round_length = ROUND if own.epochs is None else steps // own.epochs
            state = train(model, loss, round_length * own.batch_size, validate, own, on_progress=show)
            with torch.inference_mode():
                outputs = torch.cat([model(part) for part in tested[0].split(256)])
                score, right = float(task.loss(outputs, tested[1])), task.accuracy(outputs, tested[1])
            curve = [(int(record["step"]), float(record["validation"])) for record in state.records]
            after = half_life(model, chosen[0][:2])
            yield Trial(name, seed, score, right, curve, before, after, state.step, state.seconds)


def task_costs(
    task: Task, cells: dict[str, type[nn.Module]], hidden: int, layers: int, batch: int, device: torch.device
) -> dict[str, Cost]:
    x, y = (part.to(device) for part in task.batch(batch, torch.Generator().manual_seed(3)))
    models: dict[str, nn.Module] = {name: Answer(cell, task, hidden, layers).to(device) for name, cell in cells.items()}
    return costs(models, dict.fromkeys(models, lambda model: task.loss(model(x), y)))


def _with_budget(settings: TrainingSettings, seed: int, steps: int) -> TrainingSettings:
    """Every cell gets the whole budget: none is stopped early."""
    rounds = (n for n in range(1, steps + 1) if steps % n == 0)  # all of one length, so that there are exactly as many
    epochs = None if settings.minutes is not None else min(rounds, key=lambda n: abs(n - steps / ROUND))
    return replace(settings, epochs=epochs, seed=seed, patience=10**9)
