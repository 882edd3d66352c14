"""Rows ahead: after the last row of history, a table may say what future covariates will be."""

from collections.abc import Sequence

import numpy as np

from unrolled.series.panels.inputs import Inputs
from unrolled.series.panels.place import last_values, layout, parts
from unrolled.series.reading.columns import numbers
from unrolled.series.reading.rows import Rows


def split_off(
    rows: Rows, positions: np.ndarray, begins: np.ndarray, ends: np.ndarray, columns: Sequence[str], constant: bool
) -> tuple[Rows, np.ndarray, np.ndarray, tuple[Rows, np.ndarray]]:
    """The rows up to the last in which a column has a value, and the rows ahead; with ``constant``, a series may have
    nothing but rows ahead.
    """
    last = last_values(rows, positions, columns, len(ends))
    ends = np.where(last < begins, begins - 1 if constant else ends, last)
    ahead = positions > (ends[0] if rows.codes is None else ends[rows.codes])
    if not ahead.any():
        return rows, positions, ends, (rows.take(np.empty(0, np.int64)), positions[:0])
    now = np.flatnonzero(~ahead)
    return rows.take(now), positions[now], ends, (rows.take(np.flatnonzero(ahead)), positions[ahead])


def told_later(rows: Rows, positions: np.ndarray, ends: np.ndarray, inputs: Inputs) -> tuple[np.ndarray, np.ndarray]:
    """What the rows ahead say of future covariates, step by step after each series' end, and each series' part."""
    last = last_values(rows, positions, inputs.future, len(ends))
    offsets = np.concatenate([[0], np.cumsum(np.maximum(last, ends) - ends)]).astype(np.int64)
    codes = np.zeros(len(rows), np.int64) if rows.codes is None else rows.codes
    told = positions <= last[codes]  # rows with nothing but a time stamp may follow
    cells = (offsets[codes] + positions - ends[codes] - 1)[told]
    later = np.full((int(offsets[-1]), len(inputs.channels_of(inputs.future))), np.nan)
    for name, place in layout(inputs.future, inputs).items():
        later[cells, place] = parts(numbers(rows.frame, name, rows.at)[told], name, inputs)
    return later, offsets
