"""Another future: the same table with other values in some of its rows, and every other cell as it was.

Dimensions: rows of a table, in any order.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from unrolled.series.reading.columns import is_number, is_text, numbers
from unrolled.series.reading.frequency import Frequency, Stamp

KINDS = ("mixed", "scale", "shift", "shuffle", "missing", "constant")
_MISSING = 0.3  # of the values, where some are taken away
_LARGEST = 1e300  # and of whole numbers:
_LARGEST_WHOLE = 2.0**62


@dataclass(frozen=True)
class Order:
    """The rows of a table in time: of each its series (0 where there is one) and its clock, and which have neither."""

    codes: np.ndarray
    clock: np.ndarray
    used: np.ndarray

    @classmethod
    def of(cls, frame: pl.DataFrame, stamps: pl.Series | None, series: str | None) -> "Order":
        """By the time stamps, or without them by the order of the rows in each series."""
        codes, used = np.zeros(frame.height, np.int64), np.ones(frame.height, bool)
        if series is not None:
            named = frame[series].cast(pl.String).cast(pl.Categorical).to_physical()
            used = named.is_not_null().to_numpy()
            codes = named.fill_null(0).cast(pl.Int64).to_numpy()
        if stamps is None:
            return cls(codes, np.arange(frame.height), used)
        used = used & stamps.is_not_null().to_numpy()
        return cls(codes, stamps.to_physical().cast(pl.Int64).fill_null(0).to_numpy(), used)

    @cached_property
    def sorted(self) -> np.ndarray:
        """The used rows, series by series, in order of time."""
        rows = np.flatnonzero(self.used)
        return rows[np.lexsort((self.clock[rows], self.codes[rows]))]

    def numbered(self) -> np.ndarray:
        """Of each row how many of its series stand before it; -1 for unused ones."""
        rows = self.sorted
        codes = self.codes[rows]
        firsts = np.flatnonzero(np.diff(codes, prepend=-1))
        number = np.full(len(self.codes), -1)
        number[rows] = np.arange(len(rows)) - np.repeat(firsts, np.diff(np.append(firsts, len(rows))))
        return number

    def since(self, stamps: pl.Series | None, frequency: Frequency, origin: Stamp, cut: int) -> np.ndarray:
        """Whether each row counts at grid position ``cut`` or after; rows between two steps count at the next."""
        if stamps is None or frequency.unit == "row":
            return self.numbered() >= cut
        if cut <= 0:
            return self.used
        before = frequency.stamps(origin, cut - 1, 1)
        own = stamps if stamps.dtype.is_integer() else stamps.cast(before.dtype)
        return (own > before[0]).fill_null(False).to_numpy() & self.used

    def edges(self, present: np.ndarray) -> np.ndarray:
        """The first and the last row of each series among those that are ``present``, bool (rows,): they say where a
        series begins and ends.
        """
        rows = self.sorted
        rows = rows[present[rows]]
        turns = np.flatnonzero(np.diff(self.codes[rows]))
        found = np.zeros(len(present), bool)
        if len(rows):
            found[rows[np.concatenate([[0], turns + 1, turns, [len(rows) - 1]])]] = True
        return found


def changed(
    frame: pl.DataFrame,
    columns: Iterable[str],
    which: np.ndarray,
    order: Order,
    kind: str = "mixed",
    gaps: Collection[str] = (),
    whole: bool = False,
) -> pl.DataFrame:
    """``frame`` with other values of the ``columns`` in the rows of ``which``; what is missing stays missing::

        scale     1000 v                shuffle   the same values in another order
        shift     v + 10 (1 + max |v|)  constant  one value, 3 (1 + max |v|)
        missing   some are taken away, in the columns of ``gaps``
        mixed     1000 |v'| + 10 (1 + max |v|) (1/2 + u), v' shuffled, u in [0, 1); some taken away

    Positive values stay positive, so that logarithms can be taken. With ``whole``, whole numbers stay whole and words
    are shuffled; else everything is float64. A series begins and ends where it did. The same call gives the same table.
    """
    made = []
    for number, name in enumerate(columns):
        rng = np.random.default_rng([number, KINDS.index(kind)])
        column = frame[name]
        if is_text(column) and whole:
            rows = np.flatnonzero(which & column.is_not_null().to_numpy())
            words = column.to_numpy().copy()
            words[rows] = words[rng.permutation(rows)]
            made.append(pl.Series(name, words.tolist(), dtype=column.dtype))
            continue
        values = numbers(frame, name, None).copy()
        present = ~np.isnan(values)
        rows = np.flatnonzero(which & present)
        values[rows] = np.clip(_other(values[rows], kind, rng), -_LARGEST, _LARGEST)
        if kind in ("mixed", "missing") and name in gaps:
            loose = rows[~order.edges(present)[rows]]
            values[loose[rng.random(len(loose)) < _MISSING]] = np.nan
        made.append(_typed(column, values, rows, rng) if whole else pl.Series(name, values).fill_nan(None))
    return frame.with_columns(made)


def _other(values: np.ndarray, kind: str, rng: np.random.Generator) -> np.ndarray:
    large = 1 + np.abs(values).max(initial=0.0)
    if kind == "scale":
        return 1000 * values
    if kind == "shift":
        return values + 10 * large
    if kind == "shuffle":
        return rng.permutation(values)
    if kind == "constant":
        return np.full_like(values, 3 * large)
    if kind == "missing":
        return values
    return 1000 * np.abs(rng.permutation(values)) + 10 * large * (0.5 + rng.random(len(values)))


def _typed(column: pl.Series, values: np.ndarray, rows: np.ndarray, rng: np.random.Generator) -> pl.Series:
    """The values in the column's own type, if it holds them."""
    if column.dtype == pl.Boolean:
        own = column.to_numpy().copy()
        own[rows] = rng.random(len(rows)) < 0.5
        return pl.Series(column.name, own.tolist(), dtype=pl.Boolean)
    made = pl.Series(column.name, values).fill_nan(None)
    if column.dtype.is_integer():
        return made.clip(-_LARGEST_WHOLE, _LARGEST_WHOLE).round().cast(pl.Int64)
    return made.cast(column.dtype)


def numeric(frame: pl.DataFrame, without: Collection[str | None]) -> list[str]:
    """The columns of numbers, but for those ``without``."""
    return [column.name for column in frame.get_columns() if column.name not in without and is_number(column)]
