"""Where each series begins: at the first row by which every column has had a value, and a target has one."""

from collections.abc import Sequence

import numpy as np

from unrolled.series.reading.columns import numbers
from unrolled.series.reading.rows import Rows
from unrolled.series.words import listed, refuse, shown

_NEVER = np.iinfo(np.int64).max


def first_values(values: np.ndarray, codes: np.ndarray | None, positions: np.ndarray, series: int) -> np.ndarray:
    """The position of each series' first value, int64 (series,); the largest int64 where it has none."""
    present = ~np.isnan(values)
    first = np.full(series, _NEVER)
    if codes is None:
        first[0] = positions[present].min(initial=_NEVER)
    else:
        np.minimum.at(first, codes[present], positions[present])
    return first


def common_starts(
    rows: Rows,
    positions: np.ndarray,
    targets: Sequence[str],
    others: Sequence[str],
    begins: np.ndarray,
    ends: np.ndarray,
    names: tuple[str, ...],
) -> np.ndarray:
    """The position at which each series begins, int64 (series,): ``targets`` and ``others`` have all had values, and
    one of the targets has one. A series without rows (its end before its beginning) begins where it would.

    Errors: `DataError` for a column without a value in some series, or with none as long as the targets have some.
    """
    starts, bare = begins, ends < begins
    for name in (*targets, *others):
        first = first_values(numbers(rows.frame, name, rows.at), rows.codes, positions, len(begins))
        none = (first > ends) & ~bare
        if none.any():
            raise refuse(
                f"column {shown(name)} has no value at all in {_whose(none, rows, names)}; choose another"
                + ("" if rows.codes is None else ", or leave the series out with --only")
            )
        starts = np.where(bare, begins, np.maximum(starts, first))
    if (starts > begins).any():
        first = np.full(len(begins), _NEVER)
        for name in targets:
            values = np.where(positions < _of(starts, rows.codes), np.nan, numbers(rows.frame, name, rows.at))
            first = np.minimum(first, first_values(values, rows.codes, positions, len(begins)))
        starts = np.where(bare, begins, first)
        none = (starts > ends) & ~bare
        if none.any():
            raise refuse(
                f"column {listed(targets)} has no value in {_whose(none, rows, names)} by the time that the other "
                "columns begin; name fewer inputs, or take none with --only-target"
            )
    return starts


def last_before(
    rows: Rows, positions: np.ndarray, starts: np.ndarray, channels: Sequence[str], early: np.ndarray
) -> np.ndarray:
    """The last value of each (series, channel) before the series begins, NaN where there is none; ``early`` marks
    those rows.
    """
    at = np.flatnonzero(early)
    codes = np.zeros(len(at), np.int64) if rows.codes is None else rows.codes[at]
    order = np.lexsort((positions[at], codes))
    at, codes = at[order], codes[order]
    known = np.full((len(starts), len(channels)), np.nan)
    for channel, name in enumerate(channels):
        values = numbers(rows.frame, name, rows.at)[at]
        present = ~np.isnan(values)
        known[codes[present], channel] = values[present]  # in order of time, so that the last one stands
    return known


def _of(starts: np.ndarray, codes: np.ndarray | None) -> np.ndarray:
    return starts if codes is None else starts[codes]


def _whose(which: np.ndarray, rows: Rows, names: tuple[str, ...]) -> str:
    return "the table" if rows.codes is None else f"series {shown(names[int(which.argmax())])}"
