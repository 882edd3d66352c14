"""Is a series seasonal, what is its seasonal shape, and Naive2: the reference of the M4 competition.

Dimensions as in :mod:`unrolled.series.judging.baselines`. The test and the decomposition are those of M4's own
benchmarks, to the digit; so are the figures that they give.

Source: Makridakis, Spiliotis & Assimakopoulos 2020, "The M4 Competition", and its "Benchmarks and Evaluation".
"""

import numpy as np
from jaxtyping import Float, Int

from unrolled.errors import SettingsError
from unrolled.series.judging.baselines import check_windows

CRITICAL = 1.645  # two-sided 90% of the normal distribution


def is_seasonal(history: Float[np.ndarray, " time"], season: int) -> bool:
    """Whether the autocorrelation at one season m is beyond what chance gives, at 90%::

        |r_m| > 1.645 √((1 + 2 (r_1² + … + r_{m-1}²)) / n)          r_k the sample autocorrelation at lag k

    False with less than three seasons, for a season of 1, for a series that never changes and with a NaN.

    >>> is_seasonal(np.tile([1.0, 5.0, 2.0], 6), 3), is_seasonal(np.arange(18.0), 3)
    (True, False)

    Source: Bartlett's formula, as M4 uses it.
    """
    n, m = len(history), season
    if m < 2 or n < 3 * m:
        return False
    z = history - history.mean()
    variance = z @ z
    if not variance > 1e-24 * (history @ history):  # also where a NaN makes it NaN
        return False
    r = np.array([z[k:] @ z[: n - k] for k in range(1, m + 1)]) / variance
    return bool(abs(r[-1]) > CRITICAL * np.sqrt((1 + 2 * np.sum(r[:-1] ** 2)) / n))


def seasonal_indices(history: Float[np.ndarray, " time"], season: int) -> Float[np.ndarray, " season"]:
    """The classical multiplicative decomposition: one factor for each phase, mean 1; value t has phase t mod season.

    The mean, for each phase, of y_t / (centred moving average over one season around t). ``history`` has at least two
    seasons, and no value at or below zero, where factors mean nothing.

    >>> seasonal_indices(np.tile([1.0, 3.0], 4), 2)
    array([0.5, 1.5])
    """
    m, half = season, season // 2
    weights = np.r_[0.5, np.ones(m - 1), 0.5] / m if m % 2 == 0 else np.ones(m) / m
    ratios = history[half : len(history) - half] / np.convolve(history, weights, mode="valid")
    phase = (np.arange(len(ratios)) + half) % m
    factors = np.bincount(phase, weights=ratios, minlength=m) / np.bincount(phase, minlength=m)
    return factors / factors.mean()


def naive2(
    values: Float[np.ndarray, " rows"],
    origins: Int[np.ndarray, " windows"],
    horizon: int,
    season: int,
    starts: Int[np.ndarray, " windows"],
) -> Float[np.ndarray, "windows horizon"]:
    """The last value of the deseasonalised series, with the season put back: ŷ_{T+h} = y_T s_{T+h} / s_T.

    s are :func:`seasonal_indices` of all values before the origin, if these are :func:`is_seasonal` and all above zero;
    else it is the naive forecast. It reads the whole history for each window, and costs as much.

    >>> naive2(np.tile([1.0, 5.0, 2.0], 6), np.array([18]), horizon=4, season=3, starts=np.array([0])).round(2)
    array([[1., 5., 2., 1.]])

    Raises DataError when a window has no value before it, SettingsError when the season is not at least 1.
    """
    check_windows(values, origins, starts, horizon)
    if season < 1:
        raise SettingsError(f"the season must be at least 1 step, got {season}; 1 is the naive forecast")
    result = np.repeat(values[origins - 1][:, None], horizon, axis=1)
    for window, (start, origin) in enumerate(zip(starts, origins, strict=True)):
        history = values[start:origin]
        if np.isnan(history).any():
            result[window] = np.nan
        elif is_seasonal(history, season) and history.min() > 0:
            s, last = seasonal_indices(history, season), len(history) - 1
            result[window] *= s[(last + np.arange(1, horizon + 1)) % season] / s[last % season]
    return result
