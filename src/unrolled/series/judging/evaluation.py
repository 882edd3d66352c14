"""The model beside its baselines: the same windows, the same metrics, on the original scale, and a verdict."""

import math
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from unrolled.errors import DataError, SettingsError, nearest
from unrolled.series import metrics
from unrolled.series.judging.baselines import drift, moving_average, naive, seasonal_naive, usual_window
from unrolled.series.judging.lag import LagCheck, lag_check
from unrolled.series.judging.line import fit_line, line_forecasts
from unrolled.series.judging.significance import Comparison, diebold_mariano, loss_by_origin, wilcoxon
from unrolled.series.judging.verdict import WALK, beside_baselines, verdict
from unrolled.series.panels.panel import Panel
from unrolled.series.windows.examples import Examples
from unrolled.series.windows.window import Windows
from unrolled.series.words import percent

COMMON = ("MAE", "RMSE", "MAPE", "sMAPE", "MASE")  # as many as a terminal has room for
METRICS = (*COMMON, "RMSSE", "WAPE", "R2", "direction")
EARLIER = "earlier network"  # the method that an update goes on from
FEWEST_SERIES = 6  # for Wilcoxon's test: with fewer p can't be below 0.05


@dataclass(frozen=True)
class Evaluation:
    """Errors of one target on one part: ``overall[method][metric]``, ``by_step[method][metric][step]``,
    ``by_series[method][series]`` (MAE).

    The first method is the model; after an update the second is the network as it was, which is no baseline. A metric
    that is undefined, such as MAPE where an actual value is zero, is None. ``tests`` hold the model against each other
    method; ``lag`` is the lag-1 check; ``intervals`` the measured coverage. ``statistical`` is an evaluation of some of
    the windows alone, those in which Theta and exponential smoothing were fitted; where that was done in all windows,
    they are among the baselines, and it is None.
    """

    target: str
    part: str
    windows: int
    overall: dict[str, dict[str, float | None]]
    by_step: dict[str, dict[str, list[float | None]]]
    by_series: dict[str, dict[str, float | None]]
    caveat: str | None  # what to know about MAPE on this data
    tests: list[dict[str, Any]]
    lag: dict[str, Any] | None
    intervals: dict[str, Any] | None = None
    statistical: "Evaluation | None" = None

    @property
    def model(self) -> str:
        return next(iter(self.overall))

    @property
    def earlier(self) -> str | None:
        """The method that is the network as it was before an update, where there is one; it is no baseline."""
        return EARLIER if EARLIER in self.overall else None

    @property
    def best_baseline(self) -> str:
        """The baseline with the lowest MAE: skill is measured against it."""
        return min((m for m in self.overall if m not in (self.model, EARLIER)), key=self.mae)

    def mae(self, method: str) -> float:
        """The mean absolute error of a method, infinite where it is unknown."""
        error = self.overall[method]["MAE"]
        return math.inf if error is None else error

    def skill(self, method: str) -> float:
        """1 - MAE / MAE of the best baseline: above zero is better than every baseline."""
        return float(metrics.skill(self.mae(method), self.mae(self.best_baseline)))

    def test(self, baseline: str, name: str = "Diebold-Mariano") -> Comparison | None:
        """The test of the model against a baseline, where there is one."""
        found = [one for one in self.tests if (one["baseline"], one["test"]) == (baseline, name)]
        return Comparison(**found[0]) if found else None

    def verdict(self) -> str:
        """Who won, by how much, and whether that is more than chance, in plain words."""
        return verdict(self)

    def sentences(self) -> list[str]:
        """The verdict, and what else there is to say: of shifted copies, of intervals, of MAPE."""
        shifted = self.lag_sentence() if self.lag is not None and LagCheck(**self.lag).shifted else None
        found = (self.verdict(), self.statistical_sentence(), shifted, self.coverage_sentence(), self.caveat)
        return [one for one in found if one]

    def statistical_sentence(self) -> str | None:
        """The verdict in the windows in which Theta and exponential smoothing were fitted, where those are not all."""
        if self.statistical is None:
            return None
        few = f"in {self.statistical.windows:,} of the {self.windows:,} windows"
        return f"Beside Theta and exponential smoothing, {few}: {beside_baselines(self.statistical)}"

    def lag_sentence(self) -> str | None:
        """What the lag-1 check found, where it could be made."""
        return None if self.lag is None else LagCheck(**self.lag).sentence

    def coverage_sentence(self) -> str | None:
        """What the intervals promised, and what they held."""
        if self.intervals is None:
            return None
        used = self.intervals["methods"][self.intervals["used"]]
        steps = [share for share in used["by_step"] if not math.isnan(share)]
        if not steps:  # no window could be measured
            return None
        where = "in the backtest" if self.part == "backtest" else f"of the {self.part} part"
        by_step = "" if len(steps) == 1 else f" ({min(steps):.0%} to {max(steps):.0%} by step ahead)"
        held = f"{used['coverage']:.1%} of the values {where}{by_step}"
        return f"Intervals of {percent(self.intervals['level'])} held {held}."

    def table(self, by_step: bool = False, metrics: Sequence[str] = COMMON) -> pl.DataFrame:
        """A row a method, the model first; with ``by_step`` a row a method and step ahead.

        Raises SettingsError for a metric that there isn't.
        """
        if unknown := [name for name in metrics if name not in METRICS]:
            raise SettingsError(f"there is no metric {unknown[0]!r}{nearest(str(unknown[0]), METRICS)}")
        types = dict.fromkeys(metrics, pl.Float64)
        if not by_step:
            rows = [
                {"method": m, **{name: errors[name] for name in metrics}, "skill": self.skill(m)}
                for m, errors in self.overall.items()
            ]
            return pl.DataFrame(rows, schema_overrides=types)
        return pl.concat(
            pl.DataFrame(
                {"method": m, "step": range(1, len(errors["MAE"]) + 1), **{name: errors[name] for name in metrics}},
                schema_overrides=types,
            )
            for m, errors in self.by_step.items()
        )

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"best_baseline": self.best_baseline, "skill": self.skill(self.model)}

    @classmethod
    def from_json(cls, saved: dict[str, Any]) -> "Evaluation":
        """What :meth:`as_json` gave. Raises KeyError or TypeError where it isn't that."""
        made = cls(**{name: saved[name] for name in cls.__dataclass_fields__})
        methods = list(made.overall) if isinstance(made.overall, dict) else []
        for errors in (made.overall, made.by_step, made.by_series):
            if not isinstance(errors, dict) or list(errors) != methods or not set(methods[1:]) - {EARLIER}:
                raise TypeError("it doesn't have the errors of a model and its baselines")
            if not all(isinstance(own, dict) for own in errors.values()):
                raise TypeError("it doesn't have the errors of a model and its baselines")
        for method in methods:
            steps = [made.by_step[method][name] for name in METRICS]
            if not all(isinstance(own, list) and len(own) == len(steps[0]) for own in steps):
                raise TypeError(f"the errors by step of {method[:40]!r} don't fit together")
            overall = [made.overall[method][name] for name in METRICS]
            numbers = [*overall, *made.by_series[method].values(), *(error for own in steps for error in own)]
            if not all(error is None or (isinstance(error, int | float) and abs(error) < 1e308) for error in numbers):
                raise TypeError(f"an error of {method[:40]!r} is not a number")
        if made.overall[methods[0]]["MAE"] is None or type(made.windows) is not int:
            raise TypeError("the model's error or the number of windows is missing")
        made = replace(made, tests=_numbers(made.tests), intervals=made.intervals and _numbers(made.intervals))
        if isinstance(made.lag, dict):  # its best lag may be None
            made = replace(made, lag={k: v if k == "best_lag" else _numbers(v) for k, v in made.lag.items()})
        if (inner := saved["statistical"]) is not None:
            if not isinstance(inner, dict) or inner["statistical"] is not None or inner["target"] != made.target:
                raise TypeError("what is said of Theta and exponential smoothing is of another kind")
            made = replace(made, statistical=cls.from_json(inner))
        made._check_words()
        return made

    def _check_words(self) -> None:
        """Raises TypeError where what is said of it can't be said, as of a run.json that was changed."""
        if not (isinstance(self.target, str) and isinstance(self.part, str)):
            raise TypeError("its target or its part is not named")
        if not (self.caveat is None or isinstance(self.caveat, str)):
            raise TypeError(f"its caveat is {str(self.caveat)[:40]!r}")
        if self.lag is not None and not isinstance(self.lag["best_lag"], int | None):
            raise TypeError(f"its best lag is {str(self.lag['best_lag'])[:40]!r}")
        try:
            _ = self.lag_sentence(), self.sentences(), [Comparison(**one).sentence for one in self.tests]
        except (ValueError, AttributeError, ArithmeticError, LookupError) as error:
            raise TypeError(f"its tests, lag or intervals are of another kind: {error}") from error


def evaluation_table(
    evaluations: list[Evaluation], by_step: bool = False, metrics: Sequence[str] = COMMON
) -> pl.DataFrame:
    """The tables of all targets, one behind the other, with a column that says whose where there are several."""
    if len(evaluations) == 1:
        return evaluations[0].table(by_step, metrics)
    found = (one.table(by_step, metrics).select(pl.lit(one.target).alias("target"), pl.all()) for one in evaluations)
    return pl.concat(found)


@dataclass(frozen=True)
class Scored:
    """Forecasts of one target by every method, the model first, beside what came: all (windows, horizon) on the
    original scale. ``scales`` (windows, 1) are what MASE (1) and RMSSE (2) divide by, ``last`` the last known value.
    """

    target: str
    forecasts: dict[str, np.ndarray]
    actual: np.ndarray
    origins: np.ndarray
    series: np.ndarray
    times: np.ndarray
    last: np.ndarray
    scales: dict[int, np.ndarray]

    def only(self, which: np.ndarray) -> "Scored":
        """The windows ``which`` alone."""
        return replace(
            self,
            forecasts={method: values[which] for method, values in self.forecasts.items()},
            scales={power: scales[which] for power, scales in self.scales.items()},
            **{name: getattr(self, name)[which] for name in _ARRAYS},
        )

    @classmethod
    def joined(cls, parts: "list[Scored]") -> "Scored":
        """The windows of several parts behind each other."""
        whole = {name: np.concatenate([getattr(one, name) for one in parts]) for name in _ARRAYS}
        return cls(
            parts[0].target,
            {m: np.concatenate([one.forecasts[m] for one in parts]) for m in parts[0].forecasts},
            scales={power: np.concatenate([one.scales[power] for one in parts]) for power in (1, 2)},
            **whole,
        )


_ARRAYS = ("actual", "origins", "series", "times", "last")


def score(examples: Examples, forecasts: dict[str, np.ndarray], windows: Windows) -> list[Scored]:
    """The ``forecasts`` (windows, horizon, target, original scale), the model's first, and those of every baseline; all
    in the unit of each series' last row, as the forecasts have to be.
    """

    def of(target: int) -> Scored:
        unit = examples.panel.units[windows.series, target][:, None]
        methods = {name: values[:, :, target] for name, values in forecasts.items()}
        methods |= {name: values / unit for name, values in baseline_forecasts(examples, windows, target)}
        return Scored(
            examples.panel.targets[target],
            methods,
            examples.actual(windows)[:, :, target] / unit,
            windows.origins,
            windows.series,
            windows.times,
            examples.filled[windows.origins - 1, target][:, None] / unit,
            {power: naive_scales(examples, target, power)[windows.series, None] / unit for power in (1, 2)},
        )

    return [of(target) for target in range(len(examples.panel.targets))]


def evaluate(scored: Scored, panel: Panel, part: str) -> Evaluation:
    """Every method's errors, the model's tests against each baseline, the lag-1 check."""
    actual, series, scales = scored.actual, scored.series, scored.scales
    model, horizon = next(iter(scored.forecasts)), actual.shape[1]
    overall, by_step, by_series, losses, scaled = {}, {}, {}, {}, {}
    for method, values in scored.forecasts.items():
        errors = {axis: _errors(actual, values, scales, scored.last, axis) for axis in (None, 0)}
        overall[method] = {name: _number(m) for name, m in errors[None].items()}
        by_step[method] = {name: [_number(s) for s in m] for name, m in errors[0].items()}
        own = metrics.by_series(metrics.mae, series, len(panel.names), actual, values)
        by_series[method] = {name: _number(m) for name, m in zip(panel.names, own, strict=True)}
        losses[method] = metrics.mae(actual, values, axis=1)
        scaled[method] = metrics.by_series(
            metrics.mase, series, len(panel.names), actual, values, np.broadcast_to(scales[1], actual.shape)
        )
    tests = [
        found
        for baseline in overall
        if baseline != model
        for found in _tests(losses, scaled, scored.times, horizon, (model, baseline))
    ]
    values, starts = panel.as_traded(panel.values)[:, panel.targets.index(scored.target)], panel.offsets[series]
    lag = _lag(scored.forecasts[model], values, scored.origins, starts, scored.times)
    caveat = metrics.mape_caveat(actual)
    return Evaluation(scored.target, part, len(actual), overall, by_step, by_series, caveat, tests, lag)


def baseline_forecasts(examples: Examples, windows: Windows, target: int) -> Iterator[tuple[str, np.ndarray]]:
    """Each baseline's name and its forecasts (windows, horizon) on the panel's scale, one at a time. Of what is read as
    returns the naive forecast goes by the name of what it supposes, the random walk.
    """
    known, at, horizon = np.ascontiguousarray(examples.filled[:, target]), windows.origins, examples.horizon
    starts, season = examples.panel.offsets[windows.series], examples.panel.frequency.season
    yield WALK if examples.scaler.method == "returns" else "naive", naive(known, at, horizon)
    if season > 1:
        yield "seasonal naive", seasonal_naive(known, at, horizon, season, starts)
    yield "drift", drift(known, at, horizon, starts)
    yield "moving average", moving_average(known, at, horizon, usual_window(season), starts)
    yield "linear autoregression", linear_forecasts(examples, windows, target)


def linear_forecasts(examples: Examples, windows: Windows, target: int) -> np.ndarray:
    """A linear autoregression on the same inputs as the network, on the original scale."""
    scaled = line_forecasts(fit_line(examples, target), windows, target)
    return examples.scaler.only(target).restore(scaled[:, :, None], windows.series)[:, :, 0]


def naive_scales(examples: Examples, target: int, power: int = 1) -> np.ndarray:
    """The error of the seasonal naive forecast within the training part, for each series: what MASE divides by."""
    panel, until = examples.panel, examples.cuts.train
    rows = zip(panel.offsets[:-1], panel.offsets[1:], np.maximum(until - panel.starts, 0), strict=True)
    season = panel.frequency.season
    return np.array(
        [metrics.naive_scale(panel.values[a : min(b, a + known), target], season, power) for a, b, known in rows]
    )


def _errors(
    actual: np.ndarray, forecast: np.ndarray, scales: dict[int, np.ndarray], last: np.ndarray, axis: int | None
) -> dict[str, Any]:
    return {
        "MAE": metrics.mae(actual, forecast, axis),
        "RMSE": metrics.rmse(actual, forecast, axis),
        "MAPE": metrics.mape(actual, forecast, axis),
        "sMAPE": metrics.smape(actual, forecast, axis),
        "MASE": metrics.mase(actual, forecast, scales[1], axis),
        "RMSSE": metrics.rmsse(actual, forecast, scales[2], axis),
        "WAPE": metrics.wape(actual, forecast, axis),
        "R2": metrics.r2(actual, forecast, axis),
        "direction": metrics.directional_accuracy(actual, forecast, np.broadcast_to(last, actual.shape), axis),
    }


def _tests(
    losses: dict[str, np.ndarray],
    scaled: dict[str, np.ndarray],
    times: np.ndarray,
    horizon: int,
    names: tuple[str, str],
) -> Iterator[dict[str, Any]]:
    pair = np.column_stack([losses[name] for name in names])
    by_origin, stride = loss_by_origin(pair, times)
    with suppress(DataError):  # too few windows to tell
        yield asdict(diebold_mariano(by_origin[:, 0], by_origin[:, 1], horizon, stride, names))
    errors = [scaled[name] for name in names]
    if int(np.sum(~np.isnan(errors[0] - errors[1]))) >= FEWEST_SERIES:
        yield asdict(wilcoxon(errors[0], errors[1], names))


def _lag(
    forecast: np.ndarray, values: np.ndarray, origins: np.ndarray, starts: np.ndarray, times: np.ndarray
) -> dict[str, Any] | None:
    try:
        found = asdict(lag_check(forecast, values, origins, starts, 1, times))
        return found | {"correlations": list(found["correlations"])}
    except DataError:  # too few windows to tell
        return None


def _numbers(saved: Any) -> Any:
    """What was saved, with NaN where JSON, which has none, says null."""
    if isinstance(saved, dict):
        return {name: _numbers(value) for name, value in saved.items()}
    if isinstance(saved, list):
        return [_numbers(value) for value in saved]
    return math.nan if saved is None else saved


def _number(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None
