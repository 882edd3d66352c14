"""compare on data where the answer is known, what it costs, and what it refuses."""

import math

import numpy as np
import polars as pl
import pytest
import torch

from unrolled import compare, data
from unrolled.comparison import tasks
from unrolled.comparison.cost import costs
from unrolled.errors import DataError, SettingsError
from unrolled.nn import RNN, ElmanCell, GRUCell, LSTMCell, MinGRUCell
from unrolled.training import TrainingSettings

QUICK = TrainingSettings(threads=1, batch_size=16)


@pytest.mark.parametrize("steps", [1, 50, 127, 450])
def test_exactly_as_many_steps_as_were_asked_for(steps):
    found = compare("adding", ["rnn"], seeds=1, steps=steps, hidden=2, training=QUICK)
    assert found.trials[0].steps == steps


def test_all_cells_see_the_same_sequences_and_get_the_same_steps(monkeypatch):
    task = data.task("adding", length=6)
    seen: dict[str, list[torch.Tensor]] = {}
    trained = tasks.train

    def spy(model, loss, *arguments, **options):
        own = seen.setdefault(type(model.rnn.cells[0]).__name__, [])
        model.rnn.register_forward_pre_hook(lambda _, x: own.append(x[0].clone()) if torch.is_grad_enabled() else None)
        return trained(model, loss, *arguments, **options)

    monkeypatch.setattr(tasks, "train", spy)
    found = compare(task, ["rnn", "gru"], seeds=2, steps=100, hidden=4, training=QUICK)
    assert [(trial.cell, trial.seed, trial.steps) for trial in found.trials] == [
        ("rnn", 0, 100), ("gru", 0, 100), ("rnn", 1, 100), ("gru", 1, 100),
    ]  # fmt: skip
    elman, gru = seen.values()
    assert len(elman) == len(gru) >= 200
    assert all(map(torch.equal, elman, gru))
    assert not torch.equal(elman[0], elman[-1])
    assert "100 steps of 16 sequences, 4 units, 2 seeds, the same for every cell" in found.budget


def test_scores_are_those_of_the_task():
    task = data.task("parity", length=4)
    found = compare(task, ["gru"], seeds=1, steps=100, hidden=8, training=QUICK)
    assert (found.reference, found.best) == (task.chance, task.best)
    assert 0 < found.trials[0].score < 1.05 * math.log(2)  # no worse than a coin, after a hundred steps
    assert 0.4 < found.trials[0].right <= 1
    assert [step for step, _ in found.trials[0].curve] == [50, 100]
    again = compare(task, ["gru"], seeds=1, steps=100, hidden=8, training=QUICK)
    assert again.trials[0].score == found.trials[0].score


def test_parameters_and_operations_are_counted():
    models = {cell.__name__: RNN(cell, 3, 8) for cell in (ElmanCell, LSTMCell, GRUCell, MinGRUCell)}
    x = torch.randn(4, 10, 3)
    found = costs(models, dict.fromkeys(models, lambda model: model(x)[0].sum()))
    for name, gates in (("ElmanCell", 1), ("LSTMCell", 4), ("GRUCell", 3)):
        assert found[name].parameters == gates * 8 * (3 + 8 + 2)
        assert found[name].operations == 2 * gates * 8 * (3 + 8)
    assert (found["MinGRUCell"].parameters, found["MinGRUCell"].operations) == (2 * 8 * 4, 2 * 2 * 8 * 3)
    assert all(cost.milliseconds > 0 for cost in found.values())
    long = torch.randn(4, 200, 3)
    more = costs(models, dict.fromkeys(models, lambda model: model(long)[0].sum()))
    for name, cost in more.items():
        assert cost.memory > 4 * 200 * 8 * 4, "at least every h of every row is kept"
        assert cost.memory > 5 * found[name].memory


def test_a_table_is_compared_beside_its_baselines(tmp_path):
    random = np.random.default_rng(0)
    hours = np.arange(400)
    table = pl.DataFrame({"t": hours, "y": np.sin(hours / 4) + random.normal(0, 0.1, 400)})
    settings = TrainingSettings(epochs=1, threads=1)
    found = compare(table, ["rnn", "gru"], target="y", horizon=4, lookback=12, seeds=2, hidden=8, training=settings)
    assert set(found.others) >= {"naive", "drift", "linear autoregression"}
    assert found.reference == min(found.others.values())
    assert found.best is None
    assert {trial.cell for trial in found.trials} == {"rnn", "gru"}
    assert all(0 < trial.score < 2 for trial in found.trials)
    assert all(math.isfinite(trial.half_life_before) for trial in found.trials)
    found.report(tmp_path / "c.html")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"what": "addding"}, SettingsError, "'adding'"),
        ({"what": "adding", "cells": ["lstn"]}, SettingsError, "unknown cell 'lstn'; nearest: 'lstm'"),
        ({"what": "adding", "cells": []}, SettingsError, "give at least one cell to compare"),
        ({"what": "adding", "cells": ["gru", GRUCell]}, SettingsError, "each cell can be compared once, got gru, gru"),
        ({"what": "adding", "seeds": 0}, SettingsError, "seeds must be at least 1, got 0"),
        (
            {"what": "adding", "steps": 5, "training": TrainingSettings(minutes=1)},
            SettingsError,
            "got both steps and minutes, and each is the budget; give one of them",
        ),
        (
            {"what": data.task("adding"), "target": "y"},
            SettingsError,
            "adding is a task, and has no column to forecast",
        ),
        (
            {"what": "weather", "target": "temp", "steps": 5},
            SettingsError,
            "steps and init are for tasks; a table's budget",
        ),
        ({"what": "measured.csv"}, SettingsError, "the table measured.csv give the column to forecast as target"),
        ({"what": pl.DataFrame()}, SettingsError, "give its target column, got DataFrame and no target"),
        ({"what": "weather", "target": "tmp"}, DataError, "no column 'tmp' for the target; nearest: 'temp'"),
        ({"what": "adding", "init": ["orthogonl"], "steps": 1}, SettingsError, "'orthogonal'"),
    ],
)
def test_what_cannot_be_is_refused(arguments, error, message):
    with pytest.raises(error) as caught:
        compare(**arguments)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
