"""compare: which cell, for a task that shows memory or for one's own table."""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from unrolled.comparison import tables, tasks
from unrolled.comparison.comparison import Comparison
from unrolled.data.tasks import Task
from unrolled.data.tasks import task as task_named
from unrolled.errors import SettingsError
from unrolled.nn.names import cell_name, cell_named
from unrolled.series.panels.roles import Columns
from unrolled.training import Progress, TrainingSettings, device_named

STEPS = 2000


def compare(
    what: Any,
    cells: Sequence[str | type[nn.Module]] = ("rnn", "lstm", "gru"),
    *,
    target: str | None = None,
    columns: Columns | None = None,
    horizon: int = 24,
    lookback: int | None = None,
    seeds: int = 3,
    steps: int | None = None,
    hidden: int = 64,
    layers: int = 1,
    init: Sequence[str] = (),
    training: TrainingSettings | None = None,
    on_progress: Callable[[str, int, Progress], None] | None = None,
) -> Comparison:
    """Train every cell with every seed on an equal budget, and say which to take.

    ``what`` is a task that shows memory, `unrolled.data.task("adding", length=200)` or its name, or a table as
    `Forecaster.fit` takes it, with the ``target`` column to forecast (``columns`` for all that `fit` may be told of
    the others). On a task each trial trains for ``steps`` (2,000), or for ``training.minutes``, on fresh sequences, the
    same for all cells; the score is the loss on 2,048 others. On a table it trains as `Forecaster` does, for
    ``training.epochs`` or minutes, and the score is the mean absolute error on the test part. The seeds are
    ``training.seed`` and those that follow it. ``init`` names initialisations for the tasks' networks.

    Raises SettingsError for settings that can't be, DataError for a table that can't be used.
    """
    if not cells:
        raise SettingsError("give at least one cell to compare")
    if seeds < 1:
        raise SettingsError(f"seeds must be at least 1, got {seeds}")
    classes = [cell_named(cell) if isinstance(cell, str) else cell for cell in cells]
    named = {cell_name(cell): cell for cell in classes}
    if len(named) < len(classes):
        raise SettingsError(f"each cell can be compared once, got {', '.join(map(cell_name, classes))}")
    settings = (training or TrainingSettings()).filled()
    if target is None and columns is None:
        task = what if isinstance(what, Task) else _task(what)
        if steps is not None and settings.minutes is not None:
            raise SettingsError("got both steps and minutes, and each is the budget; give one of them")
        return _on_task(task, named, seeds, steps or STEPS, hidden, layers, tuple(init), settings, on_progress)
    if isinstance(what, Task):
        raise SettingsError(f"{what.name} is a task, and has no column to forecast; leave out target")
    if steps is not None or init:
        raise SettingsError("steps and init are for tasks; a table's budget is training's epochs or minutes")
    columns = replace(columns, target=target or columns.target) if columns else Columns(target or "")
    return _on_table(what, columns, horizon, lookback, named, seeds, hidden, layers, settings, on_progress)


def _task(what: Any) -> Task:
    if not isinstance(what, str):
        raise SettingsError(f"to compare on a table give its target column, got {type(what).__name__} and no target")
    if os.path.exists(what) or Path(what).suffix:
        raise SettingsError(f"to compare on the table {what} give the column to forecast as target")
    return task_named(what)


def _on_task(task: Task, named, seeds, steps, hidden, layers, init, settings, on_progress) -> Comparison:
    found = list(tasks.trials(task, named, seeds, hidden, layers, settings, steps, init, on_progress))
    device = device_named(settings.device)
    costs = tasks.task_costs(task, named, hidden, layers, settings.batch_size, device)
    length = f"{settings.minutes:g} minutes" if settings.minutes is not None else f"{found[0].steps:,} steps"
    budget = f"{length} of {settings.batch_size} sequences, {_shape(hidden, seeds)}"
    if init:
        budget += f", started with {', '.join(init)}"
    return Comparison(
        what=f"{task.name}, {task.length} steps",
        measure="mean squared error" if task.kind == "regression" else "cross entropy",
        budget=budget,
        reference_name="chance",
        reference=task.chance,
        best=task.best,
        trials=found,
        costs=costs,
        others={},
    )


def _on_table(what, columns, horizon, lookback, named, seeds, hidden, layers, settings, on_progress) -> Comparison:
    table = tables.Table.open(what, columns, horizon, lookback, settings.device)
    pairs = list(tables.trials(table, named, seeds, hidden, layers, settings, on_progress))
    evaluation = pairs[0][1]
    others = {
        name: float(errors["MAE"])
        for name, errors in evaluation.overall.items()
        if name != evaluation.model and errors["MAE"] is not None
    }
    epochs = "1 epoch" if settings.longest == 1 else f"{settings.longest} epochs"
    length = f"{settings.minutes:g} minutes" if settings.minutes is not None else epochs
    return Comparison(
        what=f"{columns.target} of {table.name}, {horizon} steps ahead",
        measure="mean absolute error",
        budget=f"at most {length}, ended by the same rule, {_shape(hidden, seeds)}; "
        f"{evaluation.windows:,} test windows",
        reference_name=f"the best baseline, the {evaluation.best_baseline} forecast",
        reference=others[evaluation.best_baseline],
        best=None,
        trials=[trial for trial, _ in pairs],
        costs=tables.table_costs(table, named, hidden, layers, settings.batch_size),
        others=others,
    )


def _shape(hidden: int, seeds: int) -> str:
    return f"{hidden} units, {seeds} seed{'s' * (seeds > 1)}, the same for every cell"
