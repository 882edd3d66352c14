"""The model beside its baselines: the same windows, the same metrics, on the original scale."""

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl

from unrolled.series import metrics
from unrolled.series.baselines import LinearAutoregression, drift, naive, seasonal_naive
from unrolled.series.examples import Examples
from unrolled.series.split import Part
from unrolled.series.window import Windows

METRICS = ("MAE", "RMSE", "MAPE", "sMAPE", "MASE")
LINEAR_WINDOWS = 100_000  # more make the linear autoregression slower and no better


@dataclass(frozen=True)
class Evaluation:
    """Errors on one part: ``overall[method][metric]``, ``by_step[method][metric][step]``, ``by_series[method][series]``
    (MAE).

    The first method is the model. A metric that is undefined, such as MAPE where an actual value is zero, is None.
    """

    part: str
    windows: int
    overall: dict[str, dict[str, float | None]]
    by_step: dict[str, dict[str, list[float | None]]]
    by_series: dict[str, dict[str, float | None]]
    caveat: str | None  # what to know about MAPE on this data

    @property
    def model(self) -> str:
        return next(iter(self.overall))

    @property
    def best_baseline(self) -> str:
        """The baseline with the lowest MAE: skill is measured against it."""
        return min((m for m in self.overall if m != self.model), key=self._mae)

    def _mae(self, method: str) -> float:
        error = self.overall[method]["MAE"]
        return math.inf if error is None else error

    def skill(self, method: str) -> float:
        """1 - MAE / MAE of the best baseline: above zero is better than every baseline."""
        return float(metrics.skill(self._mae(method), self._mae(self.best_baseline)))

    def verdict(self) -> str:
        """Who won, by how much, in one plain sentence."""
        model, best, skill = self.model, self.best_baseline, self.skill(self.model)
        errors = f"mean absolute error {self.overall[model]['MAE']:.4g} against {self.overall[best]['MAE']:.4g}"
        if skill > 0:
            return f"The {model} is {skill:.1%} better than the best baseline, the {best} forecast ({errors})."
        behind = (
            f"it is {-skill:.1%} worse" if skill < 0 else "they are equally good" if skill == 0 else "that is perfect"
        )
        return f"The {model} does not beat the {best} forecast: {behind} ({errors}). Use the simpler one."

    def table(self, by_step: bool = False) -> pl.DataFrame:
        """A row a method, the model first; with ``by_step`` a row a method and step ahead."""
        if not by_step:
            rows = [{"method": m, **errors, "skill": self.skill(m)} for m, errors in self.overall.items()]
            return pl.DataFrame(rows, schema_overrides=dict.fromkeys(METRICS, pl.Float64))
        return pl.concat(
            pl.DataFrame(
                {"method": m, "step": range(1, len(errors["MAE"]) + 1), **errors},
                schema_overrides=dict.fromkeys(METRICS, pl.Float64),
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
            if not isinstance(errors, dict) or list(errors) != methods or len(methods) < 2:
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
        return made


def evaluate(
    examples: Examples, model: str, forecasts: np.ndarray, windows: Windows, part: Part, season: int
) -> Evaluation:
    """Compare the model's ``forecasts`` (windows, horizon, original scale) with those of every baseline."""
    actual, series = examples.actual(windows), examples.series_of(windows)
    scale = _scales(examples, season)[series, None]
    overall, by_step, by_series = {}, {}, {}
    for method, values in ((model, forecasts), *baseline_forecasts(examples, windows, season)):
        overall[method] = {name: _number(m) for name, m in _errors(actual, values, scale, None).items()}
        by_step[method] = {name: [_number(s) for s in m] for name, m in _errors(actual, values, scale, 0).items()}
        by_series[method] = {
            name: _number(metrics.mae(actual[series == i], values[series == i]))
            for i, name in enumerate(examples.panel.names)
        }
    return Evaluation(part, len(windows), overall, by_step, by_series, metrics.mape_caveat(actual))


def baseline_forecasts(examples: Examples, windows: Windows, season: int) -> Iterator[tuple[str, np.ndarray]]:
    """Each baseline's name and its forecasts (windows, horizon) on the original scale, one at a time."""
    known, at, horizon = examples.known, windows.origins, examples.horizon
    starts = examples.panel.offsets[examples.series_of(windows)]
    yield "naive", naive(known, at, horizon)
    if season > 1:
        yield "seasonal naive", seasonal_naive(known, at, horizon, season, starts)
    yield "drift", drift(known, at, horizon, starts)
    yield "linear autoregression", linear_forecasts(examples, windows)


def linear_forecasts(examples: Examples, windows: Windows) -> np.ndarray:
    """A linear autoregression on the same inputs as the network, trained and chosen on the same parts."""
    train, validation = examples.windows("train"), examples.windows("validation")
    train = examples.windows("train", stride=-(-len(train) // LINEAR_WINDOWS))
    linear = LinearAutoregression()
    linear.fit(lambda: _arrays(train), lambda: _arrays(validation))
    scaled = np.concatenate([linear.predict(past) for past, _ in _arrays(windows)])
    return examples.scaler.restore(scaled, examples.series_of(windows))


def _arrays(windows: Windows) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for past, future in windows.batches():
        yield past.cpu().numpy(), future.cpu().numpy()


def _errors(actual: np.ndarray, forecast: np.ndarray, scale: np.ndarray, axis: int | None) -> dict[str, Any]:
    return {
        "MAE": metrics.mae(actual, forecast, axis),
        "RMSE": metrics.rmse(actual, forecast, axis),
        "MAPE": metrics.mape(actual, forecast, axis),
        "sMAPE": metrics.smape(actual, forecast, axis),
        "MASE": metrics.mase(actual, forecast, scale, axis),
    }


def _scales(examples: Examples, season: int) -> np.ndarray:
    """The error of the seasonal naive forecast within the training part, for each series: what MASE divides by."""
    panel, until = examples.panel, examples.cuts.train
    rows = zip(panel.offsets[:-1], panel.offsets[1:], np.maximum(until - panel.starts, 0), strict=True)
    return np.array([metrics.naive_scale(panel.values[a : min(b, a + known), 0], season) for a, b, known in rows])


def _number(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None
