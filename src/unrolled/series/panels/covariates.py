"""Which columns become inputs beside the target when none are named: numeric ones that say something, and are there."""

import numpy as np

from unrolled.series.panels.shares import SHARES
from unrolled.series.panels.starts import first_values
from unrolled.series.reading.columns import is_number, is_text, numbers
from unrolled.series.reading.rows import Rows
from unrolled.series.words import shown

_MOST_MISSING = 0.5
_LATEST_START = 0.1  # of a series' length: later, and cutting the rows before it would cost too much


def choose(
    rows: Rows,
    positions: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
    taken: set[str],
    angles: tuple[str, ...] = (),
) -> tuple[tuple[str, ...], list[str]]:
    """The columns to use as inputs, in the table's order, and notes on those that are left out; ``angles`` were
    declared, and are never left out.

    Left out: constant columns, columns that only count the rows, columns more than half missing, and columns that
    some series doesn't have or that begin late in one. ``starts`` and ``ends`` are the positions of each series'
    first and last row. Only what lies in the training part is looked at: what comes later must not change the inputs.
    """
    cut = round((int(ends.max()) + 1) * SHARES[0])
    known = positions < cut
    if known.any():
        codes = None if rows.codes is None else rows.codes[known]
        trained = starts < cut
        ends = np.minimum(ends, cut - 1)
    else:  # a table of a row or two, which is refused later
        known, codes, trained = np.ones(len(positions), bool), rows.codes, np.ones(len(starts), bool)
    positions = positions[known]
    chosen: list[str] = []
    left: list[str] = []
    words: list[str] = []
    for column in rows.frame.get_columns():
        if column.name in taken:
            continue
        if column.name in angles:
            chosen.append(column.name)
            continue
        if column.null_count() == len(column):  # of no type that one could tell
            left.append(f"{shown(column.name)} (empty)")
            continue
        if not is_number(column):
            if is_text(column) or not column.dtype.is_temporal():
                words.append(column.name)
            continue
        values = numbers(rows.frame, column.name, rows.at)[known]
        why = _reason(values, codes, positions, starts, ends, trained)
        if why:
            left.append(f"{shown(column.name)} ({why})")
        else:
            chosen.append(column.name)
    notes = [f"Left out as inputs: {', '.join(left)}."] if left else []
    if words:
        notes.append(f"Not numeric, so not an input: {', '.join(map(shown, words))}.")
    return tuple(chosen), notes


def _reason(
    values: np.ndarray,
    codes: np.ndarray | None,
    positions: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
    trained: np.ndarray,
) -> str | None:
    missing = float(np.isnan(values).mean())
    if missing == 1:
        return "empty"
    low, high = np.nanmin(values), np.nanmax(values)
    if low == high:
        return f"always {low:g}"
    if missing > _MOST_MISSING:
        return f"{missing:.0%} missing"
    if len(values) > 2 and not missing and all(np.ptp(np.diff(part)) == 0 for part in (values[:99], values)):
        return "only counts the rows"
    if not missing:
        return None
    late = (first_values(values, codes, positions, len(starts)) - starts)[trained]
    starts, ends = starts[trained], ends[trained]
    if (late > ends - starts).any():
        return "missing in a whole series"
    if (late > _LATEST_START * (ends - starts + 1)).any():
        return f"begins only {int(late.max()):,} steps after the first row"
    return None
