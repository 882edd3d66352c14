"""The usual mistake of forecasts that look good on a chart: yesterday's value, shifted."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from unrolled.errors import DataError, SettingsError, ShapeError
from unrolled.series.judging.significance import ALPHA, diebold_mariano, loss_by_origin

BEYOND = 5  # lags looked at behind the last known value


@dataclass(frozen=True)
class LagCheck:
    """What :func:`lag_check` found: correlations[k] of the forecast with the actual value k steps before its own.

    ``error`` and ``last_error`` are the mean absolute errors of the forecast and of the last known value, on the same n
    windows, p_value the Diebold-Mariano test between them. ``best_lag`` is None where nothing correlates, because the
    forecast or the series never varies.
    """

    step: int
    correlations: tuple[float, ...]
    best_lag: int | None
    error: float
    last_error: float
    p_value: float
    n: int

    @property
    def beats_last_value(self) -> bool:
        return self.error < self.last_error and self.p_value < ALPHA

    @property
    def shifted(self) -> bool:
        """True where the forecast is best matched by the last known value, and doesn't beat it."""
        return self.best_lag == self.step and not self.beats_last_value

    @property
    def sentence(self) -> str:
        """What to think of the forecast, in one plain sentence."""
        ahead = f"{_steps(self.step).capitalize().replace('1 step', 'One step')} ahead"
        errors = f"mean absolute error {self.error:.4g} against {self.last_error:.4g}"
        if self.beats_last_value:
            gain = f"{1 - self.error / self.last_error:.1%} better than repeating the last known value ({errors})"
            if not self.best_lag:
                return f"{ahead} the forecast is not the past, shifted: it is {gain}."
            return f"{ahead} the forecast trails the series by {_steps(self.best_lag)}, but it is {gain}."
        if self.shifted:
            k = self.step
            return (
                f"{ahead} the forecast is the last known value, shifted: it correlates best with the value {_steps(k)} "
                f"before the one that it forecasts ({self.correlations[k]:.3f}; with that one "
                f"{self.correlations[0]:.3f}), and repeating the last known value would do as well ({errors})."
            )
        trails = f"the forecast trails the series by {_steps(self.best_lag)}, and " if self.best_lag else ""
        return f"{ahead} {trails}repeating the last known value would do as well as the forecast ({errors})."


def lag_check(
    forecast: Float[np.ndarray, "windows horizon"],
    values: Float[np.ndarray, " rows"],
    origins: Int[np.ndarray, " windows"],
    starts: Int[np.ndarray, " windows"],
    step: int = 1,
    times: Int[np.ndarray, " windows"] | None = None,
) -> LagCheck:
    """Would the last known value do as well as this forecast, and at which lag does it correlate best?::

        r_k = corr(ŷ_{T+h}, y_{T+h-k})      k = 0 … h + 5, over all windows in which all these values are observed

    A forecast of h steps ahead that is y_T, shifted, has its best correlation at lag h. So has the best forecast of
    anything that moves by chance alone, which is why the errors of both are compared, too: only a forecast that both
    trails by h and does not beat y_T (:func:`unrolled.series.judging.significance.diebold_mariano` of the absolute
    errors, at 5%) is called shifted. Each series' own mean is taken out first, so that its level does not correlate
    with itself.

    Windows are given as in :mod:`unrolled.series.judging.baselines`. ``times`` counts their origins on one clock for
    all series, by default each series' own rows; only the test reads it.

    >>> walk = np.random.default_rng(0).normal(size=200).cumsum()
    >>> origins = np.arange(10, 200)
    >>> check = lag_check(walk[origins - 1, None], walk, origins, np.zeros_like(origins))
    >>> check.best_lag, check.shifted
    (1, True)

    Raises ShapeError when there is not one forecast for each window, SettingsError when the step is not one of the
    horizon's, DataError when a window's step ahead lies behind the table, or fewer than 3 windows have all values.
    """
    if forecast.ndim != 2 or not len(forecast) == len(origins) == len(starts):
        raise ShapeError(
            f"the lag check reads forecasts (windows, horizon) with an origin and a start each, got {forecast.shape}, "
            f"{origins.shape} and {starts.shape}; cut them all at the same windows"
        )
    if not 1 <= step <= forecast.shape[1]:
        raise SettingsError(f"the step must be from 1 to the horizon of {forecast.shape[1]}, got {step}")
    ahead = origins + step - 1
    if len(ahead) and ahead.max() >= len(values):
        raise DataError(
            f"the lag check needs the actual value {_steps(step)} ahead, got an origin of {origins.max()} in a table "
            f"of {len(values)} rows; leave windows without actual values out"
        )
    rows = ahead - np.arange(step + BEYOND + 1)[:, None]  # (lags, windows)
    lagged = np.where(rows >= starts, values[np.maximum(rows, 0)], np.nan)
    there = ~np.isnan(lagged).any(axis=0) & ~np.isnan(forecast[:, step - 1])
    n = int(there.sum())
    if n < 3:
        raise DataError(
            f"the lag check needs at least 3 windows with {_steps(step + BEYOND)} before the actual value, got {n}; "
            "forecast from more origins, or later ones"
        )
    made, lagged, origins, starts = forecast[there, step - 1], lagged[:, there], origins[there], starts[there]

    series = np.unique(starts, return_inverse=True)[1]
    correlations = _correlations(_centred(made, series), _centred(lagged, series))
    best = None if np.isnan(correlations).all() else int(np.nanargmax(correlations))

    losses = np.column_stack([np.abs(made - lagged[0]), np.abs(lagged[step] - lagged[0])])
    by_origin, stride = loss_by_origin(losses, origins - starts if times is None else times[there])
    try:
        p = diebold_mariano(by_origin[:, 0], by_origin[:, 1], step, stride).p_value
    except DataError:  # too few origins to tell
        p = math.nan
    error, last_error = losses.mean(axis=0).tolist()
    return LagCheck(step, tuple(correlations.tolist()), best, error, last_error, p, n)


def _centred(x: np.ndarray, series: np.ndarray) -> np.ndarray:
    """x (..., windows) less each series' mean."""
    rows = np.atleast_2d(x)
    means = np.array([np.bincount(series, weights=row) for row in rows]) / np.bincount(series)
    return (rows - means[:, series]).reshape(x.shape)


def _correlations(forecast: np.ndarray, lagged: np.ndarray) -> np.ndarray:
    """Of one row with many (lags, windows), all centred; NaN where either never varies."""
    size = np.sqrt((forecast @ forecast) * np.sum(lagged**2, axis=1))
    return np.divide(lagged @ forecast, size, out=np.full(len(lagged), np.nan), where=size > 0)


def _steps(count: int | None) -> str:
    return f"{count} step" if count == 1 else f"{count} steps"
