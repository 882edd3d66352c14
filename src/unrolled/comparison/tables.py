"""Cells against each other on a user's own table: the way of `Forecaster`, once for each cell and seed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from unrolled.comparison.cost import Cost, costs
from unrolled.comparison.trial import Trial, half_life
from unrolled.series.judging.evaluation import Evaluation
from unrolled.series.learning.architecture import Architecture
from unrolled.series.learning.trial import judge, learn, prepared
from unrolled.series.models.losses import mae
from unrolled.series.panels.panel import Panel
from unrolled.series.panels.roles import Columns
from unrolled.series.panels.source import Source
from unrolled.series.windows.batch import Batch
from unrolled.series.windows.examples import Examples
from unrolled.training import Progress, TrainingSettings, device_named


@dataclass(frozen=True)
class Table:
    """A user's table made ready: the same windows, scaled by the same training part, for every cell."""

    name: str
    panel: Panel
    examples: Examples

    @classmethod
    def open(cls, table: Any, columns: Columns, horizon: int, lookback: int | None, device: str) -> "Table":
        source = Source.open(table, columns.series)
        panel, cuts, lookback = prepared(source.with_defaults(columns), source.frame, horizon, lookback)
        return cls(source.name, panel, Examples.build(panel, cuts, lookback, horizon, device=device_named(device)))

    def architecture(self, cell: str, hidden: int, layers: int) -> Architecture:
        examples = self.examples
        return Architecture.of(
            self.panel, cell=cell, lookback=examples.lookback, horizon=examples.horizon, hidden=hidden, layers=layers
        )


class Given(nn.Module):
    """A forecasting network as a function of the look-back alone: what is known beside it is given."""

    def __init__(self, model: nn.Module, batch: Batch):
        super().__init__()
        self.model, self.known, self.static = model, batch.known, batch.static

    def forward(self, past: Tensor) -> Tensor:
        return self.model(past, self.known, self.static)


def trials(
    table: Table,
    cells: dict[str, type[nn.Module]],
    seeds: int,
    hidden: int,
    layers: int,
    settings: TrainingSettings,
    on_progress: Callable[[str, int, Progress], None] | None,
) -> Iterator[tuple[Trial, Evaluation]]:
    """Every cell with every seed, and the errors of the baselines, on the same test windows."""
    examples = table.examples
    batch = examples.windows("validation").batch(torch.arange(2, device=examples.rows.inputs.device))
    for seed in range(settings.seed, settings.seed + seeds):
        for name, cell in cells.items():

            def show(progress: Progress, name: str = name, seed: int = seed) -> None:
                if on_progress is not None:
                    on_progress(name, seed, progress)

            own, shape = replace(settings, seed=seed), table.architecture(name, hidden, layers)
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed)
                untrained = shape.build(cell).to(batch.past.device)
            before = half_life(Given(untrained, batch), batch.past)
            trial = learn(shape, cell, table.panel, examples.cuts, own, on_progress=show)
            evaluation = judge(trial, None, "split").evaluations(table.panel)[0]
            state = trial.states[0]
            score = evaluation.overall[evaluation.model]["MAE"]
            assert score is not None
            curve = [(int(record["step"]), float(record["validation"])) for record in state.records]
            after = half_life(Given(trial.model, batch), batch.past)
            yield Trial(name, seed, score, None, curve, before, after, state.step, state.seconds), evaluation


def table_costs(
    table: Table, cells: dict[str, type[nn.Module]], hidden: int, layers: int, batch: int
) -> dict[str, Cost]:
    windows = table.examples.windows("train")
    index = torch.arange(min(batch, len(windows)), device=table.examples.rows.inputs.device)
    read = windows.batch(index)
    shapes = {name: table.architecture(name, hidden, layers) for name in cells}
    models: dict[str, nn.Module] = {name: shapes[name].build(cell).to(read.past.device) for name, cell in cells.items()}

    def loss(model: nn.Module) -> Tensor:
        return mae(model(read.past, read.known, read.static), read)

    return costs(models, dict.fromkeys(models, loss))
