"""Cells against each other on a user's own table: the way of `Forecaster`, once for each cell and seed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from unrolled.comparison.cost import Cost, costs
from unrolled.comparison.trial import Trial, half_life
from unrolled.series import metrics
from unrolled.series.evaluation import Evaluation, evaluate
from unrolled.series.examples import Examples
from unrolled.series.fit import absolute_error, fit_network
from unrolled.series.models import forecast
from unrolled.series.panel import Panel
from unrolled.series.plan import Architecture, Columns
from unrolled.series.source import Source
from unrolled.series.split import check_length, default_lookback, split, with_look_backs, with_training_rows
from unrolled.training import Progress, TrainingSettings, device_named


@dataclass(frozen=True)
class Table:
    """A user's table made ready: the same windows, scaled by the same training part, for every cell."""

    name: str
    panel: Panel
    examples: Examples
    channels: int

    @classmethod
    def open(cls, table: Any, columns: Columns, horizon: int, lookback: int | None, device: str) -> "Table":
        source = Source.open(table)
        own = {
            name: source.defaults.get(name) if getattr(columns, name) is None else getattr(columns, name)
            for name in ("time", "series", "only", "past", "frequency", "fill")
        }
        panel = Columns(columns.target, **own).read(source.frame)
        cuts = split(panel)
        panel = with_training_rows(panel, cuts)
        lookback = lookback or default_lookback(panel, cuts, horizon)
        panel = with_look_backs(panel, lookback)
        check_length(panel, cuts, lookback, horizon)
        examples = Examples.build(panel, cuts, lookback, horizon, device_named(device))
        return cls(source.name, panel, examples, len(panel.channels))

    def architecture(self, cell: str, hidden: int, layers: int) -> Architecture:
        examples = self.examples
        return Architecture(cell, self.channels, examples.lookback, examples.horizon, hidden, layers, 0.0)


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
    examples, evaluation = table.examples, None
    test = examples.windows("test")
    past, _ = examples.windows("validation").batch(torch.arange(2, device=examples.inputs.device))
    for seed in range(settings.seed, settings.seed + seeds):
        for name, cell in cells.items():

            def show(progress: Progress, name: str = name, seed: int = seed) -> None:
                if on_progress is not None:
                    on_progress(name, seed, progress)

            own, shape = replace(settings, seed=seed), table.architecture(name, hidden, layers)
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed)
                untrained = shape.build(cell).to(examples.inputs.device)
            before = half_life(untrained, past)
            model, state = fit_network(shape, cell, examples, own, on_progress=show)
            ahead = forecast(model, (window for window, _ in test.batches())).numpy()
            ahead = examples.scaler.restore(ahead, examples.series_of(test))
            if evaluation is None:  # the baselines are the same for all
                evaluation = evaluate(examples, name, ahead, test, "test", table.panel.frequency.season)
            score = float(metrics.mae(examples.actual(test), ahead))
            curve = [(int(record["step"]), float(record["validation"])) for record in state.records]
            after = half_life(model, past)
            trial = Trial(name, seed, score, None, curve, before, after, state.step, state.seconds)
            yield trial, evaluation


def table_costs(
    table: Table, cells: dict[str, type[nn.Module]], hidden: int, layers: int, batch: int
) -> dict[str, Cost]:
    windows = table.examples.windows("train")
    past, future = windows.batch(torch.arange(min(batch, len(windows)), device=table.examples.inputs.device))

    def loss(model: nn.Module) -> Tensor:
        return absolute_error(model(past), future)

    models: dict[str, nn.Module] = {
        name: table.architecture(name, hidden, layers).build(cell).to(past.device) for name, cell in cells.items()
    }
    return costs(models, dict.fromkeys(models, loss))
