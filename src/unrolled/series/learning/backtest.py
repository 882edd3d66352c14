"""Backtest: the forecaster as it would have done, month by month, from origins that roll through the test part.

Source: Tashman 2000, "Out-of-sample tests of forecasting accuracy: an analysis and review", sections 3 and 4.
"""

import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from torch import nn

from unrolled.errors import DataError, SettingsError
from unrolled.series.judging.evaluation import Evaluation, Scored, evaluate
from unrolled.series.learning.architecture import Architecture
from unrolled.series.learning.trial import Trial, judge, learn
from unrolled.series.panels.panel import Panel
from unrolled.series.windows.split import Split, check_length
from unrolled.training import TrainingSettings, threads

REFIT = ("always", "never")


@dataclass(frozen=True)
class Fold:
    """One stretch of the test part: what was trained before it, and the errors on it."""

    number: int
    trained: bool  # anew for this fold; else the network of an earlier one forecasts it
    train: tuple[str, str]
    test: tuple[str, str]
    windows: int
    errors: dict[str, dict[str, float | None]]  # MAE of each target and method


@dataclass(frozen=True)
class Backtest:
    """All folds, and the evaluation of their forecasts together, one a target."""

    folds: list[Fold]
    evaluations: list[Evaluation]
    refit: str | int
    sliding: bool

    def table(self) -> pl.DataFrame:
        """A row a fold and target: where it was tested, and the mean absolute error of the model and each baseline."""
        rows = [
            {
                **({"target": target} if len(self.evaluations) > 1 else {}),
                "fold": fold.number,
                "from": fold.test[0],
                "to": fold.test[1],
                "trained anew": fold.trained,
                "windows": fold.windows,
                **errors,
            }
            for fold in self.folds
            for target, errors in fold.errors.items()
        ]
        return pl.DataFrame(rows)

    def as_json(self) -> dict[str, Any]:
        return {
            "folds": [asdict(fold) for fold in self.folds],
            "evaluations": [one.as_json() for one in self.evaluations],
            "refit": self.refit,
            "sliding": self.sliding,
        }


def fold_splits(cuts: Split, folds: int, horizon: int, sliding: bool = False) -> list[Split]:
    """The test part in ``folds`` stretches of equal length, each with a validation part as long as the split's right
    before it, and trained on all that lies before, or with ``sliding`` on as many steps as the first one.

    >>> [one.part("test") for one in fold_splits(Split(train=70, validation=80, test=100), folds=2, horizon=5)]
    [(80, 90), (90, 100)]

    Raises SettingsError for folds that aren't at least 1, DataError for more than the test part has room for.
    """
    if isinstance(folds, bool) or not isinstance(folds, int) or folds < 1:
        raise SettingsError(f"folds has to be a whole number of at least 1, got {folds!r}")
    begin, end = cuts.part("test")
    most = (end - begin) // horizon
    if folds > most:
        raise DataError(
            f"{folds} folds of the {end - begin} steps to test on are shorter than the horizon of {horizon}; "
            f"take at most {most} folds"
        )
    edges = np.linspace(begin, end, folds + 1).round().astype(int).tolist()
    length = cuts.validation - cuts.train
    splits = []
    for a, b in pairwise(edges):
        train = a - length
        splits.append(Split(train, a, b, cuts.begin + (train - cuts.train if sliding else 0)))
    return splits


def check_folds(
    panel: Panel,
    cuts: Split,
    lookback: int,
    horizon: int,
    folds: int,
    refit: str | int = "always",
    sliding: bool = False,
) -> tuple[int, list[Split]]:
    """Before how many folds each a network is trained, and the folds' splits: all that can be said before a training.

    Raises SettingsError for settings that can't be, DataError for folds that have no window.
    """
    every = {"always": 1, "never": folds}.get(refit, refit) if isinstance(refit, str) else refit
    if isinstance(every, bool) or not isinstance(every, int) or every < 1:
        raise SettingsError(f"folds are refitted always, never, or every K of them, got {refit!r}")
    splits = fold_splits(cuts, folds, horizon, sliding)
    for number, one in enumerate(splits, 1):
        try:
            check_length(panel, one, lookback, horizon)
        except DataError as error:
            raise DataError(f"fold {number} of {folds}: {error}") from error
    return every, splits


def backtest(
    shape: Architecture,
    cell: type[nn.Module],
    panel: Panel,
    cuts: Split,
    settings: TrainingSettings,
    *,
    folds: int,
    refit: str | int = "always",
    sliding: bool = False,
    level: float | None = 0.9,
    intervals: str = "rolling",
    on_fold: Callable[[int, int], None] | None = None,
) -> Backtest:
    """Forecast every fold by a network that saw nothing of it: trained anew for each ("always"), once before the first
    ("never"), or before every ``refit``-th. Each fold's scaler is that of its training part.

    Folds that train are independent of each other, and run on all cores, a thread each. ``on_fold`` is told how many
    of how many are done.
    """
    every, splits = check_folds(panel, cuts, shape.lookback, shape.horizon, folds, refit, sliding)
    groups = [list(range(first, min(first + every, folds))) for first in range(0, folds, every)]
    arguments = (shape, cell, panel, splits, replace(settings, threads=settings.threads or 1), level, intervals)
    from joblib import Parallel, delayed  # a process a group; the standard library's pool needs a guarded main module

    workers = min(len(groups), os.cpu_count() or 1)
    parallel = Parallel(n_jobs=workers, return_as="generator", max_nbytes=None)
    done: list[Result] = []
    for found in parallel(delayed(_group)(*arguments, group) for group in groups):
        assert found is not None
        done += found
        if on_fold is not None:
            on_fold(len(done), folds)
    done.sort(key=lambda one: one.fold)
    found = [_fold(panel, splits[i], splits[i - i % every], one) for i, one in enumerate(done)]
    return Backtest(found, _together(done, panel), refit, sliding)


class Result(NamedTuple):
    """What a process sends back of a fold: forecasts and what they are scored by, and not the panel they came from."""

    fold: int
    scored: list[Scored]
    held: list[dict[str, Any]] | None


def _group(
    shape: Architecture,
    cell: type[nn.Module],
    panel: Panel,
    splits: list[Split],
    settings: TrainingSettings,
    level: float | None,
    intervals: str,
    group: list[int],
) -> list[Result]:
    """Train before the first fold of a group, and judge all its folds with that network and its scaler."""
    with threads(settings.threads):
        trial = learn(shape, cell, panel, splits[group[0]], settings)
        judged = [judge(_at(trial, splits[i]), level, intervals) for i in group]
        return [Result(i, one.scored, one.held) for i, one in zip(group, judged, strict=True)]


def _at(trial: Trial, cuts: Split) -> Trial:
    """The same network and scaler, later: what came since it was trained is there to calibrate on."""
    first = trial.examples.cuts
    later = Split(first.train, cuts.validation, cuts.test, first.begin)
    return replace(trial, examples=replace(trial.examples, cuts=later))


def _fold(panel: Panel, cuts: Split, trained: Split, result: Result) -> Fold:
    evaluations = [evaluate(one, panel, "test") for one in result.scored]
    return Fold(
        number=result.fold + 1,
        trained=trained == cuts,
        train=_span(panel, trained.begin, trained.train),
        test=_span(panel, *cuts.part("test")),
        windows=len(result.scored[0].actual),
        errors={one.target: {method: own["MAE"] for method, own in one.overall.items()} for one in evaluations},
    )


def _span(panel: Panel, first: int, end: int) -> tuple[str, str]:
    """The first and the last stamp of positions ``first`` to ``end`` - 1."""
    start = int(panel.starts.min())  # above 0 where the earliest series were left out
    at = int(panel.starts.argmin())
    first = max(first, start)
    return str(panel.stamps(at, first - start, 1)[0]), str(panel.stamps(at, end - 1 - start, 1)[0])


def _together(results: list[Result], panel: Panel) -> list[Evaluation]:
    """One evaluation a target, of all folds' windows."""
    found = []
    for target in range(len(panel.targets)):
        whole = evaluate(Scored.joined([one.scored[target] for one in results]), panel, "backtest")
        held = [one.held[target] for one in results if one.held is not None]
        found.append(replace(whole, intervals=_mean_of(held)) if len(held) == len(results) else whole)
    return found


def _mean_of(held: list[dict[str, Any]]) -> dict[str, Any]:
    """What intervals held over all folds: every figure's mean over the windows."""
    methods = {}
    for name in held[0]["methods"]:
        own = [one["methods"][name] for one in held]
        weights = [one["windows"] for one in own]
        methods[name] = {
            key: _weighted(np.array([one[key] for one in own], float), weights) for key in own[0] if key != "windows"
        } | {"windows": sum(weights)}
    return {**held[0], "methods": methods}


def _weighted(figures: np.ndarray, weights: list[int]) -> Any:
    """The mean over folds, the first axis, of those where a figure is known; NaN where none is."""
    w = np.where(np.isnan(figures), 0, np.reshape(weights, (-1, *[1] * (figures.ndim - 1))))
    total = w.sum(axis=0)
    mean = np.nansum(figures * w, axis=0) / np.where(total > 0, total, np.nan)
    return mean.tolist()
