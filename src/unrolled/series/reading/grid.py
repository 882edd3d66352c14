"""Rows to positions on one regular grid: its frequency, its origin, and which step each row belongs to."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
import polars as pl

from unrolled.errors import SettingsError
from unrolled.series.reading.columns import is_text
from unrolled.series.reading.frequency import OFF_GRID, Frequency, Stamp, at_month_ends, infer
from unrolled.series.reading.irregular import irregular
from unrolled.series.reading.rows import Rows, twins
from unrolled.series.reading.stamps import offsets_in, zone_words
from unrolled.series.words import counted, refuse, shown

_MOST_STEPS = 20  # grid steps a row: beyond that a stamp is wrong, or the frequency far too fine
_DAYS = {"us": 1 / 864e8, "ms": 1 / 864e5, "s": 1 / 86400, "m": 1 / 1440, "h": 1 / 24}
_DAYS |= {"d": 1, "bd": 1, "w": 7, "mo": 28, "y": 365}  # at least, of a step
_TRUNCATED = {"us": "1us", "ms": "1ms", "d": "1d", "w": "1d", "bd": "1d", "y": "1y"}


@dataclass(frozen=True)
class Grid:
    """The grid, and of each row its position on it."""

    frequency: Frequency
    origin: Stamp
    positions: np.ndarray
    dtype: pl.DataType


def lay(
    rows: Rows, wanted: Frequency | None, names: tuple[str, ...], targets: Sequence[str]
) -> tuple[Rows, Grid, list[str]]:
    """The grid of the rows, by the frequency that is wanted or else found.

    Rows between the steps of a wanted frequency move on to the next step, so that nothing is known earlier than it
    was; the last one in a step stands. Raises `DataError` for irregular steps and for two rows with one stamp.
    """
    stamps = rows.stamps
    if stamps is None or (wanted is not None and wanted.unit == "row" and not stamps.dtype.is_integer()):
        if wanted is not None and wanted != Frequency(1, "row"):
            raise SettingsError(
                f"--frequency {wanted} needs time stamps, and no column has them; name one with --time, or take "
                "the rows in order"
            )
        return _in_order(rows)
    notes: list[str] = []
    if stamps.dtype.is_integer() and wanted is not None and wanted.unit != "row":
        raise SettingsError(
            f"--frequency {wanted} needs dates or times, and column {shown(stamps.name)} holds whole numbers; "
            "leave it out"
        )
    if stamps.dtype == pl.Date and wanted is not None and wanted.subdaily:
        stamps = stamps.cast(pl.Datetime("us"))
        rows = replace(rows, stamps=stamps)
    rising = bool((np.diff(stamps.to_physical().to_numpy()) > 0).all())
    unique = stamps if rising else stamps.unique().sort()
    frequency = wanted or infer(unique)
    if frequency is None:
        raise irregular(rows, unique)
    origin: Stamp = unique[0]
    positions = frequency.positions(stamps, origin)
    if (positions == OFF_GRID).any() and frequency.unit in ("mo", "y") and not frequency.end and at_month_ends(unique):
        frequency = replace(frequency, end=True)
        positions = frequency.positions(stamps, origin)
    if off := int((positions == OFF_GRID).sum()):
        if stamps.dtype.is_integer():
            first = int((positions == OFF_GRID).argmax())
            raise refuse(
                f"column {shown(stamps.name)}: {rows.where(first)} has {stamps[first]}, which is no step of "
                f"{frequency}; leave --frequency out"
            )
        before = len(rows)
        rows, positions, origin = _moved(rows, unique, frequency, names, targets)
        aside = before - len(rows)
        last = (
            f"; where several fall into one step, only the last is used ({counted(aside, 'row')} left aside)"
            if aside
            else ""
        )
        notes.append(
            f"{counted(off, 'row')} between the steps ({frequency.words}): each counts at the next step{last}."
        )
    dtype = pl.Int64() if stamps.dtype.is_integer() else stamps.dtype
    return rows, Grid(frequency, origin, positions, dtype), notes


def refuse_far(rows: Rows, grid: Grid, steps: int) -> None:
    """Refuse a grid with far more steps than rows, before memory is taken for it."""
    if steps <= _MOST_STEPS * len(rows) + 10_000:
        return
    order = np.argsort(grid.positions, kind="stable")
    widest = int(np.diff(grid.positions[order]).argmax())
    a, b = (rows.where(int(order[widest + i])) for i in (0, 1))
    raise refuse(
        f"{counted(len(rows), 'row')} would lie on {steps:,} steps ({grid.frequency.words}), the widest gap "
        f"between {a} and {b}; "
        "mend a wrong time stamp, or name a longer step with --frequency"
    )


def _in_order(rows: Rows) -> tuple[Rows, Grid, list[str]]:
    """Every row is a step, in the order of the stamps if there are some, else as the rows stand."""
    notes = []
    if rows.stamps is not None:
        clock = rows.stamps.to_physical().to_numpy()
        if (np.diff(clock) < 0).any():
            rows = rows.take(np.argsort(clock, kind="stable"))
        notes.append("Each row counts as one step, in order of time, however far apart the time stamps are.")
        rows = replace(rows, stamps=None)
    positions = np.arange(len(rows), dtype=np.int64)
    if rows.codes is not None:
        order = np.argsort(rows.codes, kind="stable")
        begins = np.concatenate([[0], np.cumsum(np.bincount(rows.codes))])
        positions[order] = np.arange(len(rows)) - begins[rows.codes[order]]
    return rows, Grid(Frequency(1, "row"), 0, positions, pl.Int64()), notes


def _moved(
    rows: Rows, unique: pl.Series, frequency: Frequency, names: tuple[str, ...], targets: Sequence[str]
) -> tuple[Rows, np.ndarray, Stamp]:
    """Rows at the first grid step at or after them, the last of each series and step; positions, and the grid's
    origin.
    """
    assert rows.stamps is not None
    start = _floor(unique[:1], frequency)[0]
    span = (unique[-1] - start) / timedelta(days=1)
    steps = int(span / _DAYS[frequency.unit] / frequency.count) + 3
    if steps > _MOST_STEPS * len(rows) + 10_000:
        raise refuse(
            f"{counted(len(rows), 'row')} would lie on {steps:,} steps ({frequency.words}), from {unique[0]} to "
            f"{unique[-1]}; name a longer step with --frequency, or mend a wrong time stamp"
        )
    steps_at = frequency.stamps(start, 0, steps).cast(rows.stamps.dtype).to_physical().to_numpy()
    clock = rows.stamps.to_physical().to_numpy()
    positions = np.searchsorted(steps_at, clock, side="left").astype(np.int64)
    codes = np.zeros(len(rows), np.int64) if rows.codes is None else rows.codes
    order = np.lexsort((clock, positions, codes))
    same_step = (np.diff(positions[order]) == 0) & (np.diff(codes[order]) == 0)
    same = np.flatnonzero(same_step & (np.diff(clock[order]) == 0))
    if len(same):
        raise twins(rows, int(order[same[0]]), int(order[same[0] + 1]), len(same), names, targets)
    keep = np.sort(order[np.append(~same_step, True)])
    first = int(positions.min())
    return rows.take(keep), positions[keep] - first, frequency.stamps(start, first, 1)[0]


def _floor(stamp: pl.Series, frequency: Frequency) -> pl.Series:
    """The last step of a grid that is anchored at full hours, days, months … at or before the stamp."""
    if frequency.unit in _TRUNCATED:
        start = stamp.dt.truncate(_TRUNCATED[frequency.unit])
    else:
        start = stamp.dt.truncate(f"{frequency.count}{frequency.unit}")
    if frequency.unit == "bd":
        return start.dt.add_business_days(0, roll="backward")
    return start.dt.offset_by("-1d") if frequency.end else start


def offsets_note(column: pl.Series, stamps: pl.Series) -> str | None:
    """What became of the offsets in a text ``column``, where the ``stamps`` could not keep them."""
    if not is_text(column) or getattr(stamps.dtype, "time_zone", None) != "UTC":
        return None
    offsets = offsets_in(column)
    if offsets == ["+00:00"]:
        return None
    if len(offsets) == 1:
        said = f"the offset {offsets[0]}, which no zone has all the time"
    else:
        said = f"two offsets, {' and '.join(offsets)}"
    return f"Time stamps are written with {said}: they are read in UTC, and forecasts come in UTC."


def time_note(grid: Grid, stamps: pl.Series, others: list[str]) -> str:
    """One sentence on the time stamps: their column, frequency, zone and span."""
    first, last = stamps.min(), stamps.max()
    if stamps.dtype.is_integer():
        pace = "step by step" if grid.frequency.count == 1 else f"in steps of {grid.frequency.count:,}"
        return f"Integer index: column {shown(stamps.name)}, from {first} to {last}, {pace}."
    zone = f", {zone_words(stamps.dtype.time_zone)}" if isinstance(stamps.dtype, pl.Datetime) else ""
    seen = [
        f"{value:%Y-%m-%d}" if stamps.dtype == pl.Date else str(value)[:19].removesuffix(":00")
        for value in (first, last)
    ]
    also = f" ({', '.join(shown(name) for name in others)} could be it too: --time)" if others else ""
    return f"Time stamps: column {shown(stamps.name)}, {grid.frequency.words}{zone}, from {seen[0]} to {seen[1]}{also}."
