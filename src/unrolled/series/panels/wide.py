"""Wide tables: one column a series, melted into the long form that everything else reads."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from unrolled.errors import SettingsError
from unrolled.series.panels.inputs import Inputs
from unrolled.series.reading.columns import is_number, numbers
from unrolled.series.reading.rows import Rows
from unrolled.series.words import listed, near, refuse, shown

SERIES, VALUE = "series", "value"
"""What the columns of series names and of values are called, where the table has no names for them."""


def check_wide(frame: pl.DataFrame, targets: Sequence[str], series: str | None, inputs: Inputs) -> None:
    """Refuse what a wide table can't have. Errors: `SettingsError`."""
    if series is not None:
        raise SettingsError(f"--wide makes every column a series, and --series {series} names one; leave one out")
    columns = [*(inputs.past or ()), *inputs.future, *inputs.static, *inputs.angles]
    if columns:
        raise SettingsError(
            f"--wide makes every numeric column a series, and {listed(columns)} can't be an input too; leave one out, "
            "or give a long table with --series"
        )
    if len(targets) > 1:
        raise SettingsError(
            f"--wide makes one column of all series, and {listed(targets)} are {len(targets)} targets; name one"
        )
    target = targets[0]
    if target != VALUE and target in frame.columns:
        raise SettingsError(
            f"--wide makes every numeric column a series, and --target names the forecasts; leave --target {target} "
            f"out, or pick the series with --only {target}"
        )


def melted(
    rows: Rows, time: str | None, target: str, only: Sequence[str] | None
) -> tuple[Rows, tuple[str, ...], list[str]]:
    """The rows of the long form, the series' names (sorted), and notes on columns left out.

    A column's rows up to its last value are rows of its series: it begins and ends where it has values. Without
    ``only``, the numeric columns are the series. Errors: `DataError` for a column without a value.
    """
    frame = rows.frame
    if time in (SERIES, target):
        raise refuse(f"the column of time stamps is named {shown(time)}, as a column of the long form; rename it")
    columns = [name for name in frame.columns if name != time]
    names = [name for name in columns if is_number(frame[name])]
    notes = []
    if only is not None:
        for name in only:
            if name not in columns:
                raise refuse(f"there is no column {shown(name)} for --only{near(name, names)}")
        names = list(dict.fromkeys(only))
    elif words := [name for name in columns if name not in names]:
        notes.append(f"Not numeric, so no series: {listed(words)}.")
    if not names:
        raise refuse("--wide makes every numeric column a series, and there is none beside the time stamps")
    names = sorted(names)
    clock = np.arange(len(rows)) if rows.stamps is None else rows.stamps.to_physical().to_numpy()
    values, places = [], []
    for name in names:
        column = numbers(frame, name, rows.at)
        present = ~np.isnan(column)
        if not present.any():
            raise refuse(f"column {shown(name)} has no value at all; take it out, or pick others with --only")
        own = np.flatnonzero(clock <= clock[present].max())
        values.append(column[own])
        places.append(own)
    at = np.concatenate(places)
    own_at = at if rows.at is None else rows.at[at]
    long = {} if time is None else {time: frame[time][own_at]}
    return (
        Rows(
            pl.DataFrame(long | {target: np.concatenate(values)}),
            None,
            np.repeat(np.arange(len(names)), [len(own) for own in places]),
            None if rows.stamps is None else rows.stamps[at],
            source=(frame, own_at),
        ),
        tuple(names),
        notes,
    )
