"""The strategies of multi-step forecasting against each other, on the same windows with the same settings."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl
from torch import nn

from unrolled.errors import SettingsError, nearest
from unrolled.series.judging.evaluation import METRICS, Evaluation
from unrolled.series.learning.architecture import Architecture
from unrolled.series.learning.trial import judge, learn
from unrolled.series.models import STRATEGIES
from unrolled.series.panels.panel import Panel
from unrolled.series.windows.split import Split
from unrolled.training import TrainingSettings, threads


@dataclass(frozen=True)
class Compared:
    """An evaluation a target for every strategy, and how long each took to train, in seconds."""

    evaluations: dict[str, list[Evaluation]]
    seconds: dict[str, float]

    def table(self, by_step: bool = False) -> pl.DataFrame:
        """A row a strategy and target, the best first; with ``by_step`` a row a strategy, target and step ahead."""
        several = len(next(iter(self.evaluations.values()))) > 1
        rows: list[dict[str, Any]] = []
        for strategy, found in self.evaluations.items():
            for one in found:
                own = {"target": one.target} if several else {}
                overall, steps = one.overall[one.model], one.by_step[one.model]
                if by_step:
                    each = ({m: steps[m][k] for m in METRICS} for k in range(len(steps["MAE"])))
                    rows += [{**own, "strategy": strategy, "step": k, **errors} for k, errors in enumerate(each, 1)]
                else:
                    more = {"skill": one.skill(one.model), "seconds": self.seconds[strategy]}
                    rows.append({**own, "strategy": strategy, **overall, **more})
        table = pl.DataFrame(rows, schema_overrides=dict.fromkeys(METRICS, pl.Float64))
        order = [*(["target"] if several else []), *(["strategy", "step"] if by_step else ["MAE"])]
        return table.sort(order, maintain_order=True)

    def as_json(self) -> dict[str, Any]:
        evaluations = {name: [one.as_json() for one in found] for name, found in self.evaluations.items()}
        return {"evaluations": evaluations, "seconds": self.seconds}


def compare_strategies(
    shape: Architecture,
    cell: type[nn.Module],
    panel: Panel,
    cuts: Split,
    settings: TrainingSettings,
    names: Sequence[str] = tuple(STRATEGIES),
    on_done: Callable[[int, int], None] | None = None,
) -> Compared:
    """Train each strategy of ``names``, with one thread each on all cores, and score it on the test part.

    "direct" trains as many networks as there are steps ahead. ``on_done`` is told how many of how many are done.
    Raises SettingsError for a strategy that there isn't.
    """
    for name in names:
        if name not in STRATEGIES:
            raise SettingsError(f"unknown strategy {name!r}{nearest(str(name), STRATEGIES)}")
    if not names:
        raise SettingsError(f"name at least one strategy of {', '.join(STRATEGIES)}")
    from joblib import Parallel, delayed

    own = replace(settings, threads=settings.threads or 1)
    slowest_first = sorted(dict.fromkeys(names), key=lambda name: name != "direct")
    parallel = Parallel(n_jobs=min(len(slowest_first), os.cpu_count() or 1), return_as="generator", max_nbytes=None)
    found: dict[str, tuple[list[Evaluation], float]] = {}
    jobs = (delayed(_one)(_by(shape, name), cell, panel, cuts, own) for name in slowest_first)
    for name, result in zip(slowest_first, parallel(jobs), strict=True):
        assert result is not None
        found[name] = result
        if on_done is not None:
            on_done(len(found), len(slowest_first))
    order = [name for name in names if name in found]
    return Compared({name: found[name][0] for name in order}, {name: found[name][1] for name in order})


def _by(shape: Architecture, strategy: str) -> Architecture:
    if strategy == shape.strategy:
        return shape
    return replace(shape, strategy=strategy, attention=None, teacher_forcing=None, schedule=None)


def _one(
    shape: Architecture, cell: type[nn.Module], panel: Panel, cuts: Split, settings: TrainingSettings
) -> tuple[list[Evaluation], float]:
    with threads(settings.threads):
        trial = learn(shape, cell, panel, cuts, settings)
        return judge(trial, None, "split").evaluations(panel), sum(state.seconds for state in trial.states)
