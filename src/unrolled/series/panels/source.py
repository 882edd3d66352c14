"""Where a table comes from: a file, a frame, or an embedded data set with defaults of its own."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from unrolled import data
from unrolled.series.panels.inputs import several
from unrolled.series.panels.roles import Columns
from unrolled.series.reading import table as tables


@dataclass(frozen=True)
class Source:
    """A table, what to call it, which kind of frame it came as, and what is known of its columns beforehand."""

    frame: pl.DataFrame
    name: str
    kind: str
    defaults: dict[str, Any]

    @classmethod
    def open(cls, table: Any, series: str | None = None) -> "Source":
        """Read a path (which goes first), load the embedded data set of that name, or take a frame as it is; ``series``
        is the column with the names of the series, if there is one.
        """
        if isinstance(table, str) and table in data.names() and not Path(table).exists():
            return cls(data.load(table), table, "polars", data.describe(table).defaults)
        name = str(table) if isinstance(table, str | Path) else "table"
        return cls(tables.read(table, series), name, tables.kind(table), {})

    def with_defaults(self, columns: Columns) -> Columns:
        """The columns, where nothing is said of them as the data set has them. An angle that it knows is an input only
        where inputs are chosen automatically, or where it is named as one.
        """
        missing = {name: value for name, value in self.defaults.items() if getattr(columns, name, 0) is None}
        if "angles" in missing and (columns.past is not None or columns.future or columns.static):
            named = {*columns.targets, *several(columns.past), *several(columns.future)}
            missing["angles"] = [name for name in missing["angles"] if name in named] or None
        return replace(columns, **missing)

    def scaling(self, asked: str | None) -> str:
        """The scaling as asked for, or else as the data set has it, or else the usual one."""
        return asked or self.defaults.get("scaling", "standard")

    @property
    def stem(self) -> str:
        """The name without folders and endings, for a run's name: data/my.csv.gz is my."""
        return Path(self.name).name.split(".")[0] or "table"


def usual_scaling(name: str) -> str:
    """The scaling of the table of that name when nobody asks for another: a data set may have its own."""
    is_ours = name in data.names() and not Path(name).exists()
    return data.describe(name).defaults.get("scaling", "standard") if is_ours else "standard"
