"""Theta and exponential smoothing beside a model, in as many test windows as there is time to fit them in."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from unrolled.series.judging.evaluation import Scored
from unrolled.series.judging.statistical import exponential_smoothing, spaced, theta
from unrolled.series.windows.examples import Examples
from unrolled.series.words import counted

METHODS = {"Theta": theta, "exponential smoothing": exponential_smoothing}
FITS = 200  # windows, of all targets together: a minute of one core at most
SERIES = 20  # of a panel; more of them would leave each too few origins to test a difference on


class Sample(NamedTuple):
    """Every method's forecasts and those of Theta and exponential smoothing, in the same windows, one a target."""

    scored: list[Scored]
    whole: bool  # whether these are all windows
    note: str


def sample(scored: list[Scored], examples: Examples) -> Sample:
    """Fit Theta and exponential smoothing at spaced origins of the test windows, and put them beside every method.

    Windows in which either can't be fitted, as the history has gaps that nothing fills, are left out.
    """
    which, how = chosen(scored[0].series, scored[0].times, FITS // len(scored))
    season, found = examples.panel.frequency.season, []
    for target, one in enumerate(scored):
        known = np.ascontiguousarray(examples.filled[:, target])
        starts = examples.panel.offsets[one.series[which]]
        unit = examples.panel.units[one.series[which], target][:, None]
        made = {
            name: method(known, one.origins[which], examples.horizon, season, starts) / unit
            for name, method in METHODS.items()
        }
        fitted = np.all([np.isfinite(values).all(axis=1) for values in made.values()], axis=0)
        rest = one.only(which[fitted])
        forecasts = rest.forecasts | {name: values[fitted] for name, values in made.items()}
        found.append(replace(rest, forecasts=forecasts))
    if not all(len(one.actual) for one in found):
        return Sample([], False, "Theta and exponential smoothing can't be fitted: every history has gaps; fill them.")
    count, windows = min(len(one.actual) for one in found), len(scored[0].actual)
    note = f"Theta and exponential smoothing were fitted anew in {count:,} of {counted(windows, 'test window')}{how}."
    return Sample(found, count == windows, note)


def chosen(series: np.ndarray, times: np.ndarray, most: int) -> tuple[np.ndarray, str]:
    """Which windows to take, at most ``most``: every k-th origin, the same in each series, of at most 20 series; and
    how, in words.

    >>> chosen(np.zeros(10, int), np.arange(10), most=4)
    (array([0, 3, 6, 9]), ', at every 3rd origin')
    """
    if len(series) <= most:
        return np.arange(len(series)), ""
    names = np.unique(series)
    kept = np.isin(series, names[spaced(len(names), min(SERIES, most))])
    clock = np.unique(times[kept])
    every = -(-len(clock) // (most // len(np.unique(series[kept]))))
    of = f" of {min(SERIES, most)} of the {len(names):,} series" if not kept.all() else ""
    how = f", at {_every(every)} origin{of}"
    return np.flatnonzero(kept & np.isin(times, clock[::every])), how


def _every(k: int) -> str:
    if k == 1:
        return "every"
    ending = "th" if 10 < k % 100 < 14 else {1: "st", 2: "nd", 3: "rd"}.get(k % 10, "th")  # 11th to 13th
    return f"every {k:,}{ending}"
