"""The adding problem at length 200 and copy memory at delay 100: test loss of each cell over seeds, in 3 CPU minutes.

Every start that a cell comes with, and what it takes: memories of the task's length (chrono) for the gated cells;
orthogonal or identity start, many small steps and tight clipping for the Elman cell. Settings were chosen by the
validation loss, on seeds from 10 on.
"""

import time
from dataclasses import dataclass
from statistics import fmean, stdev

from torch import nn

from benchmarks._measure import Figure, Result, Target
from unrolled import compare, data
from unrolled.comparison.comparison import Comparison
from unrolled.data.tasks import Task
from unrolled.nn import ElmanCell, GRUCell, LSTMCell
from unrolled.training import TrainingSettings

UNCLIPPED = 1e9


class ReluCell(ElmanCell):
    """An Elman cell with relu, as a class of its own."""

    def __init__(self, input_size: int, hidden_size: int):
        super().__init__(input_size, hidden_size, nonlinearity="relu")


@dataclass(frozen=True)
class Start:
    """A cell, how it starts, and how it is trained."""

    name: str
    cell: type[nn.Module]
    init: tuple[str, ...]
    steps: int
    learning_rate: float
    clip: float = 1.0
    has_target: bool = False


def starts(task: Task) -> list[Start]:
    long, lstm, gru = (f"chrono:{task.length}",), (2500, 5e-3), (2500, 5e-3)
    if task.name == "copy":
        long, lstm, gru = (*long, "orthogonal"), (8000, 2e-2), (5000, 1e-2)
    elman = (10_000, 5e-4)
    return [
        Start("LSTM, chrono start", LSTMCell, long, *lstm, has_target=True),
        Start("GRU, chrono start", GRUCell, long, *gru, has_target=True),
        Start("LSTM, forget bias 1", LSTMCell, ("forget-bias",), *lstm),
        Start("GRU", GRUCell, (), *gru),
        Start("Elman, tanh", ElmanCell, (), *elman),
        Start("Elman, tanh, orthogonal start", ElmanCell, ("orthogonal",), *elman),
        Start("Elman, relu, identity start, clipped at 0.1", ReluCell, ("identity",), *elman, clip=0.1),
        Start("Elman, relu, identity start, not clipped", ReluCell, ("identity",), *elman, clip=UNCLIPPED),
    ]


def run(quick: bool = False) -> Result:
    seeds = 1 if quick else 3
    figures: list[Figure] = []
    notes: list[str] = []
    for task, bound in ((data.task("adding", length=200), 0.01), (data.task("copy", delay=100), None)):
        if quick:
            task = data.task(task.name, **{"adding": {"length": 10}, "copy": {"delay": 5}}[task.name])
        limit = task.chance if bound is None else bound
        notes.append(f"{task.name} of {task.length} steps: chance {task.chance:.4f}, batches of 32")
        for start in starts(task):
            settings = TrainingSettings(
                batch_size=32, learning_rate=start.learning_rate, clip=start.clip, weight_decay=0.0, threads=1
            )
            steps = 125 if quick else start.steps
            began = time.process_time()
            found = compare(task, [start.cell], seeds=seeds, steps=steps, hidden=64, init=start.init, training=settings)
            spent = (time.process_time() - began) / seeds
            scores = [trial.score for trial in found.trials]
            name = f"{task.name}, {start.name}"
            target = Target("under", limit) if start.has_target else None
            figures.append(Figure(f"{name}: test loss", "", scores, target, "mean"))
            figures.append(Figure(f"{name}: CPU seconds a training", "s", [spent], Target("at most", 180.0)))
            notes.append(f"{name}: {steps} steps at {start.learning_rate:g}; {_lives(found)}")
    return Result(figures, seeds=range(seeds), settings={"hidden": 64}, notes=notes)


def _lives(found: Comparison) -> str:
    row = found.rows[0]
    spread = stdev(row.scores) if len(row.scores) > 1 else 0.0
    return (
        f"{fmean(row.scores):.4g} ± {spread:.2g}; gradient half-life {row.half_life_before:.3g} steps "
        f"untrained, {row.half_life_after:.3g} trained"
    )
