"""Theta and exponential smoothing, by statsmodels: the extra ``unrolled[stats]``.

Arguments and shapes as in :mod:`unrolled.series.judging.baselines`. Unlike the forecasts there, these are fitted anew
at every origin, to the rows between start and origin, the last :data:`ROWS` of them. Measured on one core with 700 to
1,000 hourly rows and a season of 24: Theta about 0.03 s an origin, exponential smoothing about 0.1 s. For many origins
take :func:`spaced` ones, and compare every method on these.

A history of fewer than :data:`LEAST` values, or one that never changes, is forecast by its last value.
"""

import warnings
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from unrolled.errors import SettingsError, UnrolledError
from unrolled.series.judging.baselines import check_windows
from unrolled.series.judging.seasonality import is_seasonal

LEAST = 10
ROWS = 1000
MOST = 100
SHORT_SEASON = 12  # the longest of which initial states are estimated: with 24 it takes 0.8 s, and gained nothing


def spaced(windows: int, most: int = MOST) -> Int[np.ndarray, " chosen"]:
    """Which of so many windows to take, at most ``most`` evenly spaced, the first and the last among them.

    >>> spaced(10, most=4), spaced(3, most=4)
    (array([0, 3, 6, 9]), array([0, 1, 2]))

    Raises SettingsError when ``most`` is not at least 1.
    """
    if most < 1:
        raise SettingsError(f"a comparison takes at least 1 window, got {most}")
    return np.unique(np.linspace(0, windows - 1, min(windows, most)).round().astype(np.int64))


def check_installed() -> None:
    """Raises UnrolledError when statsmodels is not installed: said before a training, and not after it."""
    _library("statsmodels")


def theta(
    values: Float[np.ndarray, " rows"],
    origins: Int[np.ndarray, " windows"],
    horizon: int,
    season: int,
    starts: Int[np.ndarray, " windows"],
) -> Float[np.ndarray, "windows horizon"]:
    """The Theta method: half the linear trend, and simple exponential smoothing of the rest, deseasonalised.

    In the form of Hyndman and Billah, fitted by statsmodels: with θ = 2, drift b₀/2 where b₀ is the slope of the line
    through the whole history, and smoothing parameter and level by least squares. Where the history is
    :func:`unrolled.series.judging.seasonality.is_seasonal` it is deseasonalised first, by factors, or by differences
    where a value is not above zero.

    Raises UnrolledError when statsmodels is not installed, DataError when a window has no value before it,
    SettingsError when the season is not at least 1.

    Source: Assimakopoulos & Nikolopoulos 2000, "The theta model"; Hyndman & Billah 2003, "Unmasking the Theta method".
    """
    model = _library("statsmodels.tsa.forecasting.theta").ThetaModel

    def forecast(history: np.ndarray) -> np.ndarray:
        seasonal = is_seasonal(history, season)
        fitted = model(history, period=season, deseasonalize=seasonal, use_test=False).fit()
        return np.asarray(fitted.forecast(horizon))

    return _each(forecast, values, origins, horizon, season, starts)


def exponential_smoothing(
    values: Float[np.ndarray, " rows"],
    origins: Int[np.ndarray, " windows"],
    horizon: int,
    season: int,
    starts: Int[np.ndarray, " windows"],
) -> Float[np.ndarray, "windows horizon"]:
    """Exponential smoothing of the form that AICc prefers: without trend, with one, or with a damped one; without
    season, with an additive one, or, where all values are above zero, a multiplicative one with multiplicative errors.

    Each form is fitted by statsmodels with maximum likelihood from heuristic initial states. AICc = -2 log L + 2k +
    2k (k + 1) / (n - k - 1) counts these among its k parameters, so that a season has to earn its m of them. The form
    chosen is fitted once more with its initial states estimated, where the season is no longer than 12. Histories of
    less than two seasons are not tried for one.

    Raises UnrolledError when statsmodels is not installed, DataError when a window has no value before it,
    SettingsError when the season is not at least 1.

    Source: Hyndman, Koehler, Snyder & Grose 2002, "A state space framework for automatic forecasting using exponential
    smoothing methods"; initial states by Hyndman, Koehler, Ord & Snyder 2008, section 2.6.
    """
    model = _library("statsmodels.tsa.exponential_smoothing.ets").ETSModel

    def forecast(history: np.ndarray) -> np.ndarray:
        fits = [
            (form, model(history, **form, initialization_method="heuristic").fit(disp=0))
            for form in _forms(history, season)
        ]
        form, best = min(fits, key=lambda fit: _aicc(fit[1], len(history), season))
        if season <= SHORT_SEASON:
            best = model(history, **form, initialization_method="estimated").fit(disp=0)
        return np.asarray(best.forecast(horizon))

    return _each(forecast, values, origins, horizon, season, starts)


def _forms(history: np.ndarray, season: int) -> Iterator[dict[str, Any]]:
    seasonal = season > 1 and len(history) >= 2 * season
    kinds = [None, *(["add"] if seasonal else []), *(["mul"] if seasonal and history.min() > 0 else [])]
    for kind in kinds:
        # Multiplicative seasons with additive errors are numerically unstable (Hyndman et al. 2008, chapter 15).
        about = {"seasonal": kind, "seasonal_periods": season, "error": kind} if kind else {}
        for trend, damped in ((None, False), ("add", False), ("add", True)):
            yield {"trend": trend, "damped_trend": damped, **about}


def _aicc(fit: Any, n: int, season: int) -> float:
    model = fit.model
    trend, seasonal = int(model.has_trend), int(model.has_seasonal)
    smoothing = 1 + trend + seasonal + int(model.damped_trend)
    k = smoothing + 1 + trend + season * seasonal + 1  # initial states, and the variance
    if k >= n - 1 or not np.isfinite(fit.llf):
        return np.inf
    return -2 * fit.llf + 2 * k + 2 * k * (k + 1) / (n - k - 1)


def _each(
    forecast: Callable[[np.ndarray], np.ndarray],
    values: np.ndarray,
    origins: np.ndarray,
    horizon: int,
    season: int,
    starts: np.ndarray,
) -> np.ndarray:
    check_windows(values, origins, starts, horizon)
    if season < 1:
        raise SettingsError(f"the season must be at least 1 step, got {season}; 1 is a series without one")
    result = np.empty((len(origins), horizon))
    for window, (start, origin) in enumerate(zip(starts, origins, strict=True)):
        history = values[max(start, origin - ROWS) : origin]
        if len(history) < LEAST or np.ptp(history) == 0 or np.isnan(history).any():
            result[window] = np.nan if np.isnan(history).any() else history[-1]
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an optimiser at the edge of its range, which is where some optima are
            result[window] = forecast(history)
    return result


def _library(module: str) -> Any:
    try:
        return import_module(module)
    except ImportError:
        raise UnrolledError(
            "Theta and exponential smoothing need statsmodels, which is not installed; pip install 'unrolled[stats]'"
        ) from None
