"""Where the rows of a table go in a panel's array, and what stands there: columns, angles, masks, the calendar.

Dimensions: rows (grid steps of all series, series by series), channel, series.
"""

from collections.abc import Sequence

import numpy as np

from unrolled.series.panels.angles import sine_cosine
from unrolled.series.panels.inputs import Inputs
from unrolled.series.panels.shares import SHARES
from unrolled.series.panels.starts import last_before
from unrolled.series.reading.columns import numbers
from unrolled.series.reading.rows import Rows


def bounds(positions: np.ndarray, codes: np.ndarray | None, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The first and last position of each series; of one without rows, the last possible and the first."""
    begins, ends = np.full(count, np.iinfo(np.int64).max), np.full(count, np.iinfo(np.int64).min)
    if codes is None:
        if len(positions):
            begins[0], ends[0] = positions.min(), positions.max()
    else:
        np.minimum.at(begins, codes, positions)
        np.maximum.at(ends, codes, positions)
    return begins, ends


def cells_of(positions: np.ndarray, codes: np.ndarray | None, begins: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """The row of ``values`` that each row of the table goes to."""
    if codes is None:
        return positions - begins[0] if begins[0] else positions
    shift = np.concatenate([[0], np.cumsum(ends - begins + 1)[:-1]]) - begins
    return positions + shift[codes]


def last_values(rows: Rows, positions: np.ndarray, columns: Sequence[str], count: int) -> np.ndarray:
    """The position of each series' last row in which any of the columns has a value; the least int64 without one."""
    present = np.zeros(len(rows), bool)
    for name in columns:
        present |= ~np.isnan(numbers(rows.frame, name, rows.at))
    return bounds(positions[present], None if rows.codes is None else rows.codes[present], count)[1]


def with_gaps(
    rows: Rows, positions: np.ndarray, columns: Sequence[str], starts: np.ndarray, ends: np.ndarray
) -> tuple[str, ...]:
    """Those of the columns that miss a value somewhere in the training part, which is all that is looked at."""
    cut = round((int(ends.max()) + 1) * SHARES[0])
    early = positions < cut
    steps = int((np.minimum(cut, ends + 1) - starts).clip(0).sum())
    if steps > int(early.sum()):  # steps without a row miss everything
        return tuple(columns)
    return tuple(name for name in columns if np.isnan(numbers(rows.frame, name, rows.at)[early]).any())


def layout(columns: Sequence[str], inputs: Inputs, first: int = 0) -> dict[str, slice]:
    """The channels of each column, the first of them number ``first``."""
    places = {}
    for name in columns:
        width = len(inputs.channels_of([name]))
        places[name], first = slice(first, first + width), first + width
    return places


def parts(column: np.ndarray, name: str, inputs: Inputs) -> np.ndarray:
    """A column as its channels, (n, 1), or (n, 2) for an angle."""
    return sine_cosine(column) if name in inputs.angles else column[:, None]


def placed(
    rows: Rows,
    cells: np.ndarray,
    steps: int,
    places: dict[str, slice],
    masks: dict[str, int],
    inputs: Inputs,
    width: int,
) -> np.ndarray:
    """The array of a panel, (steps, width).

    ``places`` are the channels of each column; ``masks`` those that say where a column was observed: 1 there, else 0.
    Channels of neither kind are NaN, as are steps without a row.
    """
    whole = len(cells) == steps and bool((np.diff(cells) == 1).all())
    values = np.full((steps, width), np.nan)
    for name, place in places.items():
        column = numbers(rows.frame, name, rows.at)
        if whole:
            values[:, place] = parts(column, name, inputs)
        else:
            values[cells, place] = parts(column, name, inputs)
        if name in masks:
            values[:, masks[name]] = 0.0
            values[cells[~np.isnan(column)], masks[name]] = 1.0
    return values


def carry_in(
    values: np.ndarray,
    firsts: np.ndarray,
    rows: Rows,
    positions: np.ndarray,
    starts: np.ndarray,
    early: np.ndarray,
    places: dict[str, slice],
    inputs: Inputs,
) -> None:
    """Put each column's last value before a series begins where it is missing in the series' first row.

    ``early`` marks the rows before the beginnings; ``firsts`` (series,) are the first rows in ``values``, which change.
    """
    before = last_before(rows, positions, starts, tuple(places), early)
    filled = np.flatnonzero(firsts < np.append(firsts[1:], len(values)))  # a series without rows has no first one
    for column, (name, place) in enumerate(places.items()):
        first = values[firsts[filled], place]
        values[firsts[filled], place] = np.where(np.isnan(first), parts(before[filled, column], name, inputs), first)
