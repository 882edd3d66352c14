"""What stands for missing values, without showing a forecast its own future.

Dimensions: rows (grid steps of all series, series by series), channel, series.
"""

import numpy as np

FILLS = ("forward", "linear", "mask", "none")


def fill_gaps(values: np.ndarray, offsets: np.ndarray, starts: np.ndarray, fill: str, until: int) -> np.ndarray:
    """``values`` (rows, channel) with its gaps filled: a new array, or ``values`` itself where there is nothing to
    fill.

    "forward" carries the last value on: y_i = y_a, a the last row before i that has a value; "mask" does the same,
    and channels of their own say where (see `place`). "linear" draws

        y_i = y_a + (y_b - y_a) (i - a) / (b - a)

    through a gap between rows a and b whose grid positions both lie before ``until``; any other gap is carried
    forward, since its line would show a forecast its own future. "none" leaves NaN. No value crosses from one series
    into another; a gap at the very start of a series has nothing before it and stays NaN.

    ``offsets`` (series + 1,) are the rows of the series, ``starts`` (series,) the grid positions of their first rows.
    """
    if fill == "none" or not np.isnan(values).any():
        return values
    values = values.copy()
    rows = len(values)
    lengths = np.diff(offsets)
    at = np.arange(rows)
    first = np.repeat(offsets[:-1], lengths)  # of each row's series
    limit = np.repeat(offsets[:-1] + np.clip(until - starts, 0, lengths), lengths)  # its first row at or past `until`
    for channel in range(values.shape[1]):
        column = values[:, channel]
        gone = np.isnan(column)
        if not gone.any():
            continue
        known = np.where(gone, first, at)  # never before the own series' first row
        a = np.maximum.accumulate(known)[gone]
        if fill in ("forward", "mask"):
            column[gone] = column[a]
            continue
        b = np.minimum.accumulate(np.where(gone, rows, at)[::-1])[::-1][gone]
        between = b < limit[gone]
        i, y_a, y_b = at[gone], column[a], column[np.minimum(b, rows - 1)]
        column[gone] = np.where(between, y_a + (y_b - y_a) * ((i - a) / np.maximum(b - a, 1)), y_a)
    return values
