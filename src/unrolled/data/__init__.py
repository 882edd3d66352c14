"""Data sets that come with the package: small tables, each beside a file that says where it is from and its licence.

>>> import unrolled.data
>>> unrolled.data.names()
('stocks', 'weather')
>>> unrolled.data.describe("weather").defaults["target"]
'temp'

And tasks that need memory, generated: see ``unrolled.data.tasks``.

>>> list(unrolled.data.TASKS)
['adding', 'copy', 'temporal-order', 'parity', 'flip-flop']

And a corpus of sentences in English and Japanese, by a grammar of both: see ``unrolled.data.phrasebook``.

Public parallel corpora are downloaded when they are first asked for, by ``corpus("multi30k")``: see
``unrolled.data.corpora``.

>>> unrolled.data.corpora.names()
('kftt', 'multi30k', 'tanaka-en-ja', 'tatoeba-en-ja')
"""

from __future__ import annotations

import gzip
import hashlib
import os
import tomllib
from dataclasses import dataclass
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unrolled.errors import DataError, nearest

if TYPE_CHECKING:  # polars is imported when a table is first asked for
    import polars as pl

    from unrolled.data import corpora as corpora
    from unrolled.data import phrasebook as phrasebook
    from unrolled.data.corpora import corpus as corpus
    from unrolled.data.tasks import TASKS as TASKS
    from unrolled.data.tasks import Task as Task
    from unrolled.data.tasks import task as task

__all__ = [
    "TASKS", "Column", "Dataset", "Task", "corpora", "corpus", "describe", "export", "load", "names", "phrasebook",
    "stocks", "task", "weather",
]  # fmt: skip

ENDINGS = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".parquet")


@dataclass(frozen=True)
class Column:
    """One column: ``kind`` is text, number, count, time (UTC) or date."""

    name: str
    kind: str
    unit: str
    about: str


@dataclass(frozen=True)
class Dataset:
    """What a data set is, where it is from, and what to do with it unless told otherwise.

    ``defaults`` holds the target column, how the table is to be read (time, series, frequency, fill), horizon and
    lookback, and perhaps the scaling. ``sha256`` is that of the packed file, ``source`` the package that it was made
    from.
    """

    name: str
    title: str
    about: str
    rows: int
    columns: tuple[Column, ...]
    source: str
    licence: str
    licence_url: str
    sha256: str
    defaults: dict[str, Any]

    @property
    def series(self) -> str:
        """The column that tells the series apart."""
        return self.defaults["series"]


def __getattr__(name: str) -> Any:
    if name in {"TASKS", "Task", "task"}:  # torch is imported when a task is first asked for
        return getattr(import_module("unrolled.data.tasks"), name)
    if name == "phrasebook":  # and Babel's data when the sentences are
        return import_module("unrolled.data.phrasebook")
    if name in {"corpora", "corpus"}:  # and what speaks HTTP when a corpus is
        corpora = import_module("unrolled.data.corpora")
        return corpora if name == "corpora" else corpora.corpus
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__


def names() -> tuple[str, ...]:
    """The names of all data sets."""
    return tuple(sorted(f.name.removesuffix(".toml") for f in files(__name__).iterdir() if f.name.endswith(".toml")))


def describe(name: str) -> Dataset:
    """What is known of the data set ``name``. Raises DataError where there is none of that name."""
    about = _provenance(name)
    origin = about["origin"]
    return Dataset(
        name=name,
        title=about["title"],
        about=" ".join(about["about"].split()),
        rows=about["rows"],
        columns=tuple(Column(**column) for column in about["columns"]),
        source=f"{origin['package']} {origin['version']}, {origin['file'].rpartition('/')[2]}",
        licence=about["licence"],
        licence_url=about["licence_url"],
        sha256=about["sha256"],
        defaults=dict(about["defaults"]),
    )


def load(name: str) -> pl.DataFrame:
    """The table of the data set ``name``: rows in order of series and time, gaps as they are, missing values as nulls.

    Raises DataError where there is none of that name, or where its file is not the one that was packaged.
    """
    import polars as pl

    kinds = {"text": pl.String(), "number": pl.Float64(), "count": pl.Int64(), "date": pl.Date(), "time": pl.String()}
    columns = describe(name).columns
    table = pl.read_csv(_unpacked(name), schema={column.name: kinds[column.kind] for column in columns})
    stamps = [column.name for column in columns if column.kind == "time"]
    return table.with_columns(pl.col(stamps).str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="us", time_zone="UTC"))


def weather() -> pl.DataFrame:
    """Hourly weather of 2013 at three New York airports: ``load("weather")``."""
    return load("weather")


def stocks() -> pl.DataFrame:
    """Daily prices of four shares from 2000 to 2013: ``load("stocks")``."""
    return load("stocks")


def export(name: str, path: str | Path) -> Path:
    """Write the data set ``name`` as CSV, TSV or Parquet, as the ending of ``path`` says (.csv.gz and .tsv.gz too).

    For ``phrasebook``, ``path`` is a folder, and text files come into it: train.en, train.ja, and so on. A file appears
    whole or not at all. Raises DataError for an unknown name or ending, for a file that is there
    already, and where it can't be written.
    """
    if name == "phrasebook":
        from unrolled.data import phrasebook

        return phrasebook.export(path)
    path = Path(path)
    ending = next((e for e in sorted(ENDINGS, key=len, reverse=True) if path.name.lower().endswith(e)), None)
    if ending is None:
        given = "".join(path.suffixes[-2:]) or "no ending"
        raise DataError(f"can't tell the format of {str(path)!r} from {given}{nearest(given, ENDINGS)}")
    if path.exists():
        raise DataError(
            f"{str(path)!r} is there already, and is not overwritten; give another path, or remove it first"
        )
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(_encoded(name, ending))
        os.replace(part, path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise DataError(f"can't write {str(path)!r}: {error.strerror or error}") from error
    return path


def _encoded(name: str, ending: str) -> bytes:
    import io

    table, buffer = load(name), io.BytesIO()
    if ending == ".parquet":
        table.write_parquet(buffer)
        return buffer.getvalue()
    separator = "\t" if ending.startswith(".tsv") else ","
    table.write_csv(buffer, separator=separator, datetime_format="%Y-%m-%dT%H:%M:%SZ")
    return gzip.compress(buffer.getvalue(), mtime=0) if ending.endswith(".gz") else buffer.getvalue()


def _provenance(name: str) -> dict[str, Any]:
    if name == "phrasebook":
        raise DataError("'phrasebook' is a corpus of sentences, not a table; take unrolled.data.phrasebook.load()")
    if name not in names():
        from unrolled.data import corpora

        if name in corpora.names():
            raise DataError(
                f"{name!r} is a corpus of sentences, not a table; take unrolled.data.corpus({name!r}), or the command "
                f"unrolled data fetch {name}"
            )
        raise DataError(f"no data set is named {name!r}{nearest(name, (*names(), 'phrasebook'))}")
    return tomllib.loads((files(__name__) / f"{name}.toml").read_text(encoding="utf-8"))


def _unpacked(name: str) -> bytes:
    packed = (files(__name__) / f"{name}.csv.gz").read_bytes()
    expected, got = _provenance(name)["sha256"], hashlib.sha256(packed).hexdigest()
    if got != expected:
        raise DataError(
            f"{name}.csv.gz is damaged: expected sha256 {expected[:12]}…, got {got[:12]}…; install unrolled again"
        )
    return gzip.decompress(packed)
