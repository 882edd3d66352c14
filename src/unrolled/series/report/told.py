"""What a report reads of one target, and which of many series it draws."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from unrolled.series.judging.conformal import needed, rolling_interval, split_interval
from unrolled.series.judging.evaluation import Evaluation, Scored
from unrolled.series.judging.intervals import Said
from unrolled.series.learning.trial import Judgement, Trial
from unrolled.series.metrics import skill
from unrolled.series.panels.panel import Panel
from unrolled.series.report.words import percent
from unrolled.series.windows.examples import Examples

CALIBRATION = 4000  # windows of each part behind the intervals of the test chart; more take long and move no line


def skills(evaluation: Evaluation) -> dict[str, float]:
    """The skill of the model on each series, 1 - MAE / the best baseline's; NaN where there is none."""
    model, best = (evaluation.by_series[method] for method in (evaluation.model, evaluation.best_baseline))
    return {name: _skill(error, best[name]) for name, error in model.items()}


def _skill(error: float | None, reference: float | None) -> float:
    return float("nan") if error is None or reference is None else float(skill(error, reference))


def worst_first(evaluation: Evaluation) -> list[str]:
    """The series from the one forecast worst to the one forecast best, by skill; those without any stand last."""
    found = skills(evaluation)
    return sorted(found, key=lambda name: (math.isnan(found[name]), found[name]))


def drawn(evaluation: Evaluation, most: int) -> list[str]:
    """The series to draw: all, the worst first, or half of ``most`` the worst ones, the others the best."""
    order = worst_first(evaluation)
    if len(order) <= most:
        return order
    found = skills(evaluation)
    scored = [name for name in order if not math.isnan(found[name])] or order
    worst = scored[: most // 2]
    return worst + scored[len(worst) :][-(most - len(worst)) :]


@dataclass(frozen=True)
class Told:
    """One target of a fitted forecaster: its place among the targets, and the series that are drawn."""

    trial: Trial
    judged: Judgement
    evaluation: Evaluation
    future: pl.DataFrame
    target: int
    series: tuple[int, ...]

    @classmethod
    def of(
        cls,
        trial: Trial,
        judged: Judgement,
        evaluations: list[Evaluation],
        future: pl.DataFrame,
        target: int,
        most: int,
    ) -> "Told":
        names = drawn(evaluations[target], most)
        at = {name: i for i, name in enumerate(trial.examples.panel.names)}
        return cls(trial, judged, evaluations[target], future, target, tuple(at[name] for name in names))

    @property
    def examples(self) -> Examples:
        return self.trial.examples

    @property
    def panel(self) -> Panel:
        return self.trial.examples.panel

    @property
    def name(self) -> str:
        return self.panel.targets[self.target]

    @property
    def scored(self) -> Scored:
        return self.judged.scored[self.target]

    @property
    def interval_name(self) -> str | None:
        """What the band is called, where there are intervals."""
        return None if self.judged.intervals is None else f"{percent(self.judged.intervals.level)} interval"

    def of_series(self, series: int) -> str:
        return f", {self.panel.names[series]}" if self.panel.series else ""

    def values(self, series: int, first: int = 0) -> np.ndarray:
        """The observed values of a series, from its row ``first`` on, in the unit of its last row."""
        rows = slice(self.panel.offsets[series] + first, self.panel.offsets[series + 1])
        return self.panel.values[rows, self.target] / self.panel.units[series, self.target]

    def ahead(self, series: int) -> list[pl.Series]:
        """The stamps of the future of a series, the forecast, and its bounds where it has some."""
        horizon, before = self.examples.horizon, 2 + (self.panel.series is not None)
        own = self.future[series * horizon : (series + 1) * horizon]  # the series lie in the panel's order
        each = (len(own.columns) - before) // len(self.panel.targets)
        columns = own.columns[before + self.target * each :][:each]
        return [own[name] for name in (own.columns[before - 2], *columns)]

    def joined(self, series: int, first: int) -> list[np.ndarray]:
        """The test forecasts of a series from its row ``first`` on, one after the other without overlap, and the bounds
        of their intervals where there are some; NaN where there is no forecast.
        """
        at, horizon = self._windows(series)
        parts = [self.scored.forecasts[self.evaluation.model][at], *self._bounds(at)]
        rows = self.scored.origins[at] - int(self.panel.offsets[series]) - first
        lines = [np.full(len(self.values(series, first)), np.nan) for _ in parts]
        for line, part in zip(lines, parts, strict=True):
            line[rows[:, None] + np.arange(horizon)] = part
        return lines

    def _windows(self, series: int) -> tuple[np.ndarray, int]:
        """The test windows of a series, each a horizon or more after the one before."""
        chosen, free = [], 0
        for window in np.flatnonzero(self.scored.series == series):
            if self.scored.origins[window] >= free:
                chosen.append(int(window))
                free = self.scored.origins[window] + self.examples.horizon
        return np.array(chosen, np.int64), self.examples.horizon

    def _bounds(self, at: np.ndarray) -> list[np.ndarray]:
        """Lower and upper bounds of the test windows ``at``, each by what was known when its forecast was made."""
        intervals, validation = self.judged.intervals, self.judged.validation
        if intervals is None or validation is None or not len(at):
            return []
        seen = self._seen
        test, level, scaler = self.judged.test, intervals.level, self.examples.traded.only(self.target)
        low, high = (part[at] for part in test.band(self.target))
        if intervals.method == "split":
            bounds = split_interval((low, high), (seen.low, seen.high), seen.actual, level)
        else:
            band = (np.concatenate([seen.low, low]), np.concatenate([seen.high, high]))
            truth = np.concatenate([seen.actual, np.full(low.shape, np.nan)])
            times = np.concatenate([seen.times, test.windows.times[at]])
            latest = max(min(CALIBRATION, len(validation.windows)), needed(level))
            bounds = [part[-len(at) :] for part in rolling_interval(band, truth, times, level, latest)]
        return [scaler.restore(part[:, :, None], test.windows.series[at])[:, :, 0] for part in bounds]

    @cached_property
    def _seen(self) -> "_Seen":
        """What the intervals go by: the validation part, of rolling ones the test part too."""
        assert self.judged.validation is not None
        assert self.judged.intervals is not None
        later = [self.judged.test] if self.judged.intervals.method == "rolling" else []
        return _Seen.of([self.judged.validation, *later], self.target)


@dataclass(frozen=True)
class _Seen:
    """The windows that intervals are calibrated on; of very many some, drawn by chance."""

    low: np.ndarray
    high: np.ndarray
    actual: np.ndarray
    times: np.ndarray

    @classmethod
    def of(cls, parts: list[Said], target: int) -> "_Seen":
        chance = np.random.default_rng(0)
        at = [np.sort(chance.permutation(len(said.windows))[:CALIBRATION]) for said in parts]
        bands = [said.band(target) for said in parts]
        return cls(
            _joined(low[own] for (low, _), own in zip(bands, at, strict=True)),
            _joined(high[own] for (_, high), own in zip(bands, at, strict=True)),
            _joined(said.actual[own, :, target] for said, own in zip(parts, at, strict=True)),
            _joined(said.windows.times[own] for said, own in zip(parts, at, strict=True)),
        )


def _joined(parts: Iterable[np.ndarray]) -> np.ndarray:
    return np.concatenate(list(parts))
