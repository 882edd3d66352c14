"""The rows of a table that are used, and what is refused about them: no time stamp, or one that stands twice."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

import numpy as np
import polars as pl

from unrolled.errors import DataError
from unrolled.series.reading.columns import is_text
from unrolled.series.reading.table import where
from unrolled.series.words import counted, refuse, shown


@dataclass
class Rows:
    """The rows of ``frame`` that are used: which (``at``; None: all, in order), of which series, at which time."""

    frame: pl.DataFrame
    at: np.ndarray | None
    codes: np.ndarray | None  # None: a single series
    stamps: pl.Series | None  # of the rows that are used
    source: tuple[pl.DataFrame, np.ndarray] | None = None  # the wide table that was melted, and each row's row in it

    def __len__(self) -> int:
        return self.frame.height if self.at is None else len(self.at)

    def where(self, row: int) -> str:
        row = row if self.at is None else int(self.at[row])
        return where(self.frame, row) if self.source is None else where(self.source[0], int(self.source[1][row]))

    def take(self, keep: np.ndarray) -> "Rows":
        return Rows(
            self.frame,
            keep if self.at is None else self.at[keep],
            None if self.codes is None else self.codes[keep],
            None if self.stamps is None else self.stamps[keep],
            self.source,
        )


def without_empty_rows(rows: Rows) -> tuple[Rows, list[str]]:
    """Rows that have a time stamp; of the others, empty ones are dropped, and the rest is refused."""
    stamps = rows.stamps
    if stamps is None or not stamps.null_count():
        return rows, []
    missing = stamps.is_null().arg_true().to_numpy()
    frame = rows.frame[missing if rows.at is None else rows.at[missing]]
    empty = frame.select(pl.all_horizontal(pl.all().is_null())).to_series()
    if not empty.all():
        at = int(missing[int(empty.not_().arg_max() or 0)])
        count = counted(int(empty.not_().sum()), "row")
        raise refuse(
            f"{count} without a time stamp in column {shown(stamps.name)}, the first in {rows.where(at)}; fill "
            "it in, or take the row out"
        )
    kept = rows.take(np.flatnonzero(stamps.is_not_null().to_numpy()))
    if not len(kept):
        raise refuse(f"column {shown(stamps.name)} has no time stamp at all; name another with --time")
    return kept, [f"{counted(len(missing), 'empty row')} left out."]


def refuse_twins(rows: Rows, cells: np.ndarray, names: tuple[str, ...], targets: Sequence[str]) -> None:
    """Refuse two rows for one series and step; ``cells`` is where each row goes."""
    seen = np.zeros(int(cells.max()) + 1, bool)
    seen[cells] = True
    if int(seen.sum()) == len(cells):
        return
    order = np.argsort(cells, kind="stable")
    same = np.flatnonzero(np.diff(cells[order]) == 0)
    first, second = int(order[same[0]]), int(order[same[0] + 1])
    raise twins(rows, first, second, len(same), names, targets)


def twins(rows: Rows, first: int, second: int, count: int, names: tuple[str, ...], targets: Sequence[str]) -> DataError:
    assert rows.stamps is not None
    stamp = rows.stamps[first]
    series = f" of series {shown(names[rows.codes[first]])}" if rows.codes is not None else ""
    more = f", and {count - 1:,} more such" if count > 1 else ""
    what = (
        f"two rows{series} have the time stamp {stamp} in column {shown(rows.stamps.name)}: {rows.where(first)} and "
        f"{rows.where(second)}{more}"
    )
    if rows.codes is None and (column := _telling_apart(rows, targets)):
        if _is_time_of_day(rows.frame[column]):
            return refuse(
                f"{what}; column {shown(column)} holds the time of day: join both into one column, such as 2024-01-31 "
                "13:00"
            )
        return refuse(f"{what}; column {shown(column)} tells them apart: --series {column}")
    if _where_clocks_go_back(stamp):
        return refuse(
            f"{what}; if clocks went back there, write the time stamps in UTC or with their offsets (02:00+01:00)"
        )
    if rows.source is not None:
        return refuse(f"{what}; keep one of them")
    if rows.codes is not None:
        return refuse(f"{what}; keep one of them, or join the columns that tell series apart into one for --series")
    return refuse(f"{what}; keep one of them, or name the column that tells them apart with --series")


def _is_time_of_day(column: pl.Series) -> bool:
    if column.dtype == pl.Time or "hour" in column.name.lower():
        return True
    return is_text(column) and bool(column.cast(pl.String).str.contains(r"^\s*\d{1,2}:\d{2}").all())


def _where_clocks_go_back(stamp: date | datetime | int) -> bool:
    """Whether it is an hour of a wall clock that may come twice: in the night to a Sunday in autumn."""
    if not isinstance(stamp, datetime) or stamp.tzinfo is not None:
        return False
    return stamp.weekday() == 6 and stamp.month in (3, 4, 9, 10, 11) and stamp.hour < 4 and stamp.time() != time()


def _telling_apart(rows: Rows, targets: Sequence[str]) -> str | None:
    """A column (of words rather than whole numbers) with which no stamp stands twice."""
    assert rows.stamps is not None
    columns = [c for c in rows.frame.get_columns() if c.name not in (*targets, rows.stamps.name)]
    words = [c for c in columns if is_text(c)] + [c for c in columns if c.dtype.is_integer()]
    for column in words:
        values = column if rows.at is None else column[rows.at]
        if values.n_unique() < len(values) and not pl.DataFrame({"a": values, "b": rows.stamps}).is_duplicated().any():
            return column.name
    return None
