"""A table of any kind with another future, for forecasters of any origin."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
import polars as pl

from unrolled.errors import SettingsError
from unrolled.series.leaks.perturb import Order, changed
from unrolled.series.panels.inputs import Names, several
from unrolled.series.reading import table as tables
from unrolled.series.reading.columns import check_roles, find_time, numbers
from unrolled.series.words import shown

SHARE = 0.8  # of the time lies before the cut, when nobody says


@dataclass(frozen=True)
class World:
    """A table as it came, the same as a polars frame, and the rows from the cut-off on."""

    given: Any
    frame: pl.DataFrame
    kind: str
    target: str
    time: str | None
    series: str | None
    future: tuple[str, ...]
    order: Order
    cut: Any  # a stamp, or without stamps the number of rows before it
    late: np.ndarray

    @classmethod
    def of(cls, table: Any, target: str, time: str | None, series: str | None, future: Names, cut: Any) -> "World":
        frame, kind = tables.read(table, series), tables.kind(table)
        ahead = several(future)
        roles = {"the target": (target,), "time": several(time), "series": several(series), "future": ahead}
        check_roles(frame, roles, ())
        numbers(frame, target, None)
        stamps, _ = find_time(frame, time, {target, *ahead, *several(series)})
        order = Order.of(frame, stamps, series)
        clock = order.numbered() if stamps is None else order.clock
        steps = np.unique(clock[order.used])
        if cut is None or (isinstance(cut, float) and 0 < cut < 1):
            at = steps[min(round(len(steps) * (cut or SHARE)), len(steps) - 1)]
        else:
            at = clock_at(cut, stamps)
        late = order.used & (clock >= at)
        if not late.any() or not (order.used & ~late).any():
            raise SettingsError(f"cut has to lie within the table, with rows before and after it, got {shown(cut)}")
        found = clock[late].min()
        said = int(found) if stamps is None else stamps[int(np.flatnonzero(clock == found)[0])]
        given = frame if isinstance(table, str) or not hasattr(table, "columns") else table
        name = None if stamps is None else stamps.name
        return cls(given, frame, kind, target, name, series, ahead, order, said, late)

    @property
    def changing(self) -> list[str]:
        """The columns that can be changed: not time, series, what is known ahead, and what is one value a series."""
        fixed = {self.time, self.series, *self.future}
        names = [c.name for c in self.frame.get_columns() if c.name not in fixed and _changes(c)]
        if self.series is not None:
            most = self.frame.group_by(self.series).agg(pl.col(names).n_unique()).select(pl.col(names).max())
            names = [name for name in names if most[name][0] > 1 or name == self.target]
        return names

    def gaps(self, names: list[str]) -> list[str]:
        """Those of the columns in which something is missing: only there may more be."""
        return [name for name in names if bool((c := self.frame[name]).has_nulls() or _nan(c))]

    def with_other(self, names: list[str], kind: str, which: np.ndarray | None = None) -> Any:
        """The table, as it came, with other values after the cut-off, or in the rows of ``which``."""
        which = self.late if which is None else which
        frame = changed(self.frame, names, which, self.order, kind, self.gaps(names), whole=True)
        return self._as_given(frame, names)

    def before(self, table: Any) -> Any:
        """The rows up to the cut-off, and behind them those that only say what is known ahead."""
        if not self.future:
            return self._rows(table, ~self.late)
        keep = [name for name in (self.time, self.series, *self.future) if name is not None]
        if self.kind == "pandas":
            table = table.copy()
            table.loc[self.late, [name for name in table.columns if name not in keep]] = None
            return table
        frame = table if isinstance(table, pl.DataFrame) else tables.read(table, self.series)
        hidden = [name for name in frame.columns if name not in keep]
        nothing = pl.when(pl.Series(self.late)).then(None)
        return self._like(frame.with_columns(nothing.otherwise(pl.col(name)).alias(name) for name in hidden))

    def series_of(self, others: bool) -> np.ndarray:
        """The rows of every second series, or of the rest."""
        return self.order.used & (self.order.codes % 2 == int(others))

    def names_of(self, others: bool) -> set[str]:
        assert self.series is not None
        return set(self.frame.filter(pl.Series(self.series_of(others)))[self.series].cast(pl.String))

    def _rows(self, table: Any, which: np.ndarray) -> Any:
        if self.kind == "pandas":
            return table.loc[which]
        frame = table if isinstance(table, pl.DataFrame) else tables.read(table, self.series)
        return self._like(frame.filter(pl.Series(which)))

    def _as_given(self, frame: pl.DataFrame, names: list[str]) -> Any:
        if self.kind != "pandas":
            return self._like(frame)
        table = self.given.copy()
        for name in names:  # index and types stay what they are
            if name in table.columns:
                table[name] = frame[name].to_numpy()
        return table

    def _like(self, frame: pl.DataFrame) -> Any:
        return tables.like(frame, self.kind)


def _changes(column: pl.Series) -> bool:
    return column.dtype.is_numeric() or column.dtype in (pl.Boolean, pl.String, pl.Categorical, pl.Enum)


def _nan(column: pl.Series) -> bool:
    return column.dtype.is_float() and bool(column.is_nan().any())


def clock_at(cut: Any, stamps: pl.Series | None) -> int:
    """A cut-off as the clock of the rows counts."""
    if stamps is None or stamps.dtype.is_integer():
        if isinstance(cut, bool) or not isinstance(cut, int):
            raise SettingsError(f"rows without time stamps are cut at a whole number, or a share as 0.8, got {cut!r}")
        return cut
    try:
        if isinstance(cut, str):
            cut = datetime.fromisoformat(cut)
        if not isinstance(cut, date):
            raise TypeError
        one = pl.Series([cut])
        zone = stamps.dtype.time_zone if isinstance(stamps.dtype, pl.Datetime) else None
        if zone is not None and getattr(cut, "tzinfo", None) is None:
            one = one.cast(pl.Datetime("us")).dt.replace_time_zone(zone)
        return int(one.cast(stamps.dtype).to_physical()[0])
    except (TypeError, ValueError, pl.exceptions.PolarsError) as error:
        raise SettingsError(f"cut is a date, a time stamp or a share such as 0.8, got {cut!r}") from error
