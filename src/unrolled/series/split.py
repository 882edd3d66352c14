"""Train, validation and test: three stretches of one calendar, in this order, the same for all series.

A random split would put tomorrow into the training part; so would a cut per series as soon as series move together.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from unrolled.errors import DataError
from unrolled.series.panel import Panel, filled
from unrolled.series.shares import SHARES
from unrolled.series.words import listed, shown

Part = Literal["train", "validation", "test"]


@dataclass(frozen=True)
class Split:
    """Where the parts begin and end, as positions on the panel's grid: train is [0, train), then come the others."""

    train: int
    validation: int
    test: int

    def part(self, name: Part) -> tuple[int, int]:
        """The first position of a part, and the one after its last.

        >>> Split(train=70, validation=80, test=100).part("validation")
        (70, 80)
        """
        return {
            "train": (0, self.train),
            "validation": (self.train, self.validation),
            "test": (self.validation, self.test),
        }[name]


def split(panel: Panel, shares: tuple[float, float, float] = SHARES) -> Split:
    """Cut the calendar from the earliest stamp of any series to the latest into ``shares`` of its steps."""
    end = int((panel.starts + np.diff(panel.offsets)).max())
    train, validation, _ = shares
    return Split(train=round(end * train), validation=round(end * (train + validation)), test=end)


def with_training_rows(panel: Panel, cuts: Split) -> Panel:
    """The panel without the series that have no observed target before the cut: nothing tells their scale."""
    known = np.array(
        [
            not np.isnan(panel.values[a : max(a, min(b, a + cuts.train - start)), 0]).all()
            for a, b, start in zip(panel.offsets[:-1], panel.offsets[1:], panel.starts, strict=True)
        ]
    )
    if not known.any():
        raise DataError(
            "no series has a value of the target in the first 70% of the calendar, where the network trains; give more"
        )
    return _only(panel, known, "without a value in the training part")


def with_look_backs(panel: Panel, lookback: int) -> Panel:
    """The panel without the series that are shorter than a look-back: there is nothing that a network could read.

    Where all are, the panel as it is; :func:`check_length` says what to do.
    """
    long = np.diff(panel.offsets) >= lookback
    return _only(panel, long, f"shorter than the look-back of {lookback}") if long.any() else panel


def _only(panel: Panel, keep: np.ndarray, why: str) -> Panel:
    """Some of the series, and a note on the others."""
    if keep.all():
        return panel
    lengths, left = np.diff(panel.offsets), [name for name, kept in zip(panel.names, keep, strict=True) if not kept]
    return replace(
        panel,
        names=tuple(name for name, kept in zip(panel.names, keep, strict=True) if kept),
        offsets=np.concatenate([[0], np.cumsum(lengths[keep])]),
        starts=panel.starts[keep],
        values=panel.values[np.repeat(keep, lengths)],
        notes=(*panel.notes, f"Left out {len(left):,} series {why}: {listed(left)}."),
    )


def default_lookback(panel: Panel, cuts: Split, horizon: int) -> int:
    """Three seasons, or twice the horizon when that is longer, as far as a third of the training part allows."""
    return max(1, min(max(3 * panel.frequency.season, 2 * horizon), cuts.train // 3))


def origins(panel: Panel, span: tuple[int, int], lookback: int, horizon: int, stride: int = 1) -> np.ndarray:
    """The rows at which a forecast can begin, so that all its ``horizon`` steps lie in ``span``.

    The look-back lies before the origin, inside the same series; it may reach into the part before, since what is
    past at the origin is known there. Windows never cross from one series into the next.

    Returns int64 rows of ``panel.values``, series by series, each ``stride`` steps after the one before.
    """
    lengths = np.diff(panel.offsets)
    first = np.maximum(span[0], panel.starts + lookback) - panel.starts
    last = np.minimum(span[1], panel.starts + lengths) - panel.starts - horizon
    runs = [
        np.arange(offset + a, offset + b + 1, stride)
        for offset, a, b in zip(panel.offsets[:-1], first, last, strict=True)
        if b >= a
    ]
    return np.concatenate(runs).astype(np.int64) if runs else np.empty(0, np.int64)


@dataclass(frozen=True)
class Usable:
    """Which windows can be used: those that read no missing value and have an observed one to score."""

    missing: np.ndarray  # (rows + 1,) how many rows before each row miss an input
    observed: np.ndarray  # (rows + 1,) and how many have an observed target

    @classmethod
    def count(cls, panel: Panel, values: np.ndarray) -> "Usable":
        """``values`` (rows, channel) are the panel's with its gaps filled."""
        missing, observed = np.isnan(values).any(axis=1), ~np.isnan(panel.values[:, 0])
        return cls(*(np.concatenate([[0], np.cumsum(which)]) for which in (missing, observed)))

    def of(self, rows: np.ndarray, lookback: int, horizon: int) -> np.ndarray:
        """The usable ones of the windows that begin their forecasts at ``rows``."""
        readable = self.missing[rows] == self.missing[rows - lookback]
        return rows[readable & (self.observed[rows + horizon] > self.observed[rows])]


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
    usable = Usable.count(panel, filled(panel, until=cuts.train))
    mend = "give --fill forward, or a table with fewer gaps" if panel.fill == "none" else "give a table with fewer gaps"
    parts: tuple[Part, ...] = ("train", "validation", "test")
    for name in parts:
        if not len(usable.of(origins(panel, cuts.part(name), lookback, horizon), lookback, horizon)):
            raise DataError(
                f"so many values are missing that the {name} part has no window of look-back {lookback} + horizon "
                f"{horizon} that can be read and scored; {mend}"
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
