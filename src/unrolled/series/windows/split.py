"""Train, validation and test: three stretches of one calendar, in this order, the same for all series.

A random split would put tomorrow into the training part; so would a cut per series as soon as series move together.
"""

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from unrolled.errors import DataError, SettingsError
from unrolled.series.panels.panel import Panel, filled
from unrolled.series.panels.shares import SHARES
from unrolled.series.words import counted, listed, shown

Part = Literal["train", "validation", "test"]


@dataclass(frozen=True)
class Split:
    """Where the parts begin and end, positions on the panel's grid: train is [begin, train), then come the others."""

    train: int
    validation: int
    test: int
    begin: int = 0

    def part(self, name: Part) -> tuple[int, int]:
        """The first position of a part, and the one after its last.

        >>> Split(train=70, validation=80, test=100).part("validation")
        (70, 80)
        """
        return {
            "train": (self.begin, self.train),
            "validation": (self.train, self.validation),
            "test": (self.validation, self.test),
        }[name]


def split(panel: Panel, shares: tuple[float, float, float] = SHARES) -> Split:
    """Cut the calendar from the earliest stamp of any series to the latest into ``shares`` of its steps."""
    end = int((panel.starts + np.diff(panel.offsets)).max())
    train, validation, _ = shares
    return Split(train=round(end * train), validation=round(end * (train + validation)), test=end)


def observed(panel: Panel, span: tuple[int, int]) -> np.ndarray:
    """Of each series, whether every target has an observed value at the positions of ``span``: bool (series,)."""
    lengths, targets = np.diff(panel.offsets), len(panel.targets)
    position = np.arange(len(panel.values)) - np.repeat(panel.offsets[:-1] - panel.starts, lengths)
    inside = (position >= span[0]) & (position < span[1])
    there = ~np.isnan(panel.values[:, :targets]) & inside[:, None]
    return np.all(np.logical_or.reduceat(there, panel.offsets[:-1], axis=0), axis=1)


def short_series_note(panel: Panel, cuts: Split, lookback: int) -> str | None:
    """What is said of series that nothing can be learnt from, though they are forecast: too short for a look-back, or
    without a value in the training part.

    Raises DataError where every series is without one.
    """
    known = observed(panel, cuts.part("train"))
    if not known.any():
        raise DataError(
            "no series has a value of the target in the first 70% of the calendar, where the network trains; give more"
        )
    left = ~known | (np.diff(panel.offsets) <= lookback)
    if not left.any() or left.all():  # where all are too short, check_length says what would fit
        return None
    names = [name for name, out in zip(panel.names, left, strict=True) if out]
    return (
        f"Forecast, but not learnt from or scored: {counted(len(names), 'series')} with at most a look-back of "
        f"{lookback} rows, or none in the training part: {listed(names)}."
    )


def default_lookback(panel: Panel, cuts: Split, horizon: int) -> int:
    """Three seasons, or twice the horizon when that is longer, as far as a third of the training part allows."""
    return max(1, min(max(3 * panel.frequency.season, 2 * horizon), cuts.train // 3))


def origins(
    panel: Panel,
    span: tuple[int, int],
    lookback: int,
    horizon: int,
    stride: int = 1,
    phase: int | np.ndarray | None = None,
) -> np.ndarray:
    """The rows at which a forecast can begin, so that all its ``horizon`` steps lie in ``span``.

    The look-back lies before the origin, inside the same series; it may reach into the part before, since what is
    past at the origin is known there. Windows never cross from one series into the next. With ``phase``, for all
    series or each its own, only origins at grid positions t with t mod season = phase count, such as those of one hour
    of the day; position 0 is the earliest stamp of the panel.

    Returns int64 rows of ``panel.values``, series by series, each ``stride`` steps after the one before; with a phase
    ``stride`` seasons. Raises SettingsError for a phase that is none of the season's.
    """
    lengths = np.diff(panel.offsets)
    first = np.maximum(span[0], panel.starts + lookback) - panel.starts
    last = np.minimum(span[1], panel.starts + lengths) - panel.starts - horizon
    if phase is not None:
        season = panel.frequency.season
        check_phase(phase, season)
        first = first + (phase - panel.starts - first) % season
        stride = stride * season
    runs = [
        np.arange(offset + a, offset + b + 1, stride)
        for offset, a, b in zip(panel.offsets[:-1], first, last, strict=True)
        if b >= a
    ]
    return np.concatenate(runs).astype(np.int64) if runs else np.empty(0, np.int64)


def thinning(count: int, most: int, season: int | None) -> int:
    """The smallest stride that leaves about ``most`` of ``count`` windows and meets every step of the season: every
    24th hour would be the same hour of each day.

    >>> thinning(1_000, 100, season=24), thinning(1_000, 50, season=24), thinning(1_000, 100, season=None)
    (11, 23, 10)
    """
    stride = max(1, -(-count // most))
    while math.gcd(stride, season or 1) > 1:
        stride += 1
    return stride


def check_phase(phase: int | np.ndarray, season: int | None) -> None:
    """Refuse a phase that is no step of the season, or one without a season."""
    if season is None or season < 1:
        raise SettingsError(f"a phase is a step of the season, and the season is {season}; give one of at least 1")
    numbers = np.asarray(phase)
    if numbers.dtype.kind not in "iu" or (numbers < 0).any() or (numbers >= season).any():
        raise SettingsError(f"the phase is a step of the season, 0 to {season - 1}, got {phase}")


@dataclass(frozen=True)
class Usable:
    """Which windows can be used: those that read no missing value and have an observed one to score, in series that
    were seen in training.
    """

    missing: np.ndarray  # (rows + 1,) how many rows before each row miss an input
    unknown: np.ndarray  # (rows + 1,) and how many miss one that is known ahead
    observed: np.ndarray  # (rows + 1,) and how many have an observed target
    trained: np.ndarray  # (rows,) whether the row's series was seen in training

    @classmethod
    def count(cls, panel: Panel, cuts: Split, values: np.ndarray) -> "Usable":
        """``values`` (rows, channel) are the panel's with its gaps filled."""
        targets, ahead = len(panel.targets), len(panel.channels) - len(panel.known)
        missing, unknown = np.isnan(values).any(axis=1), np.isnan(values[:, ahead:]).any(axis=1)
        there = ~np.isnan(panel.values[:, :targets]).all(axis=1)
        trained = np.repeat(observed(panel, cuts.part("train")), np.diff(panel.offsets))
        number = np.int32 if len(values) < 2**31 else np.int64  # half the memory, which a long panel feels

        def counted_before(which: Any) -> np.ndarray:
            return np.concatenate([[0], np.cumsum(which, dtype=number)], dtype=number)

        return cls(counted_before(missing), counted_before(unknown), counted_before(there), trained)

    def of(self, rows: np.ndarray, lookback: int, horizon: int) -> np.ndarray:
        """The usable ones of the windows that begin their forecasts at ``rows``."""
        readable = self.missing[rows] == self.missing[rows - lookback]
        readable &= self.unknown[rows + horizon] == self.unknown[rows]
        return rows[readable & self.trained[rows] & (self.observed[rows + horizon] > self.observed[rows])]


def check_length(panel: Panel, cuts: Split, lookback: int, horizon: int) -> None:
    """Refuse a look-back and horizon for which a part has no window, and say which would fit; then refuse values so
    few that a part has no usable one, or that the last look-back can't be read.
    """
    parts: tuple[Part, ...] = ("train", "validation", "test")
    empty = [name for name in parts if not len(origins(panel, cuts.part(name), lookback, horizon))]
    if not empty:
        _check_values(panel, cuts, lookback, horizon)
        return
    steps = {name: cuts.part(name)[1] - cuts.part(name)[0] for name in parts}
    longest = int(np.diff(panel.offsets).max())
    rows = f"the series has {longest} rows" if len(panel.names) == 1 else f"the longest series has {longest} rows"
    came = (
        f"{rows} ({steps['train']} steps to train, {steps['validation']} to validate, {steps['test']} to test), too "
        f"few for look-back {lookback} + horizon {horizon}: there is no window in {' and '.join(empty)}"
    )
    fits = _longest_that_fits(panel, cuts, lookback, horizon)
    raise DataError(f"{came}; {fits}")


def _check_values(panel: Panel, cuts: Split, lookback: int, horizon: int) -> None:
    usable = Usable.count(panel, cuts, filled(panel, until=cuts.train))
    mend = "give --fill forward, or a table with fewer gaps" if panel.fill == "none" else "give a table with fewer gaps"
    parts: tuple[Part, ...] = ("train", "validation", "test")
    for name in parts:
        rows = usable.of(origins(panel, cuts.part(name), lookback, horizon), lookback, horizon)
        if not len(rows):
            raise DataError(
                f"so many values are missing that the {name} part has no window of look-back {lookback} + horizon "
                f"{horizon} that can be read and scored; {mend}"
            )
        for target, column in enumerate(panel.targets):
            there = np.concatenate([[0], np.cumsum(~np.isnan(panel.values[:, target]))])
            if not (there[rows + horizon] > there[rows]).any():
                raise DataError(
                    f"{shown(column)} has no value in the windows of the {name} part; leave it out, or {mend}"
                )
    ends = panel.offsets[1:]
    cut = usable.missing[ends] != usable.missing[np.maximum(ends - lookback, panel.offsets[:-1])]
    if cut.any():
        which = f" of series {shown(panel.names[int(cut.argmax())])}" if panel.series else ""
        raise DataError(
            f"values are missing in the last {lookback} rows{which}, and the forecast of the future reads all of them; "
            f"{mend}"
        )


def _longest_that_fits(panel: Panel, cuts: Split, lookback: int, horizon: int) -> str:
    def fits(lookback: int, horizon: int) -> bool:
        return all(len(origins(panel, cuts.part(name), lookback, horizon)) for name in ("train", "validation", "test"))

    def largest(limit: int, works) -> int:
        low, high = 0, limit  # whether a length fits only ever turns from yes to no as it grows
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if works(middle) else (low, middle - 1)
        return low

    longest_lookback = largest(lookback, lambda n: fits(n, horizon))
    longest_horizon = largest(horizon, lambda n: fits(lookback, n))
    if longest_lookback:
        return f"the longest look-back that fits is --lookback {longest_lookback}"
    if longest_horizon:
        return f"the longest horizon that fits is --horizon {longest_horizon}"
    both = largest(horizon, lambda n: fits(n, n))
    if both:
        return f"--lookback {both} --horizon {both} fits"
    return "no look-back and horizon fit: about 15 rows are the least that can be split, trained and tested on"
