"""Tables in and out: files by polars, frames of any kind by narwhals, and back to the kind that came in."""

import gzip
import io
import os
import re
import zlib
from pathlib import Path
from typing import Any

import polars as pl

from unrolled.errors import DataError, SettingsError, nearest
from unrolled.series.reading.delimited import Lines, read_delimited
from unrolled.series.reading.stamps import offset_words, with_offset
from unrolled.series.words import counted, foreign, near, refuse, shown

_LINES = "_unrolled_lines"  # a polars frame has no place for notes of its own
_KINDS = ("polars", "pandas", "pyarrow")
_FOREIGN = {  # first bytes of what people try, and what to do about it
    b"PK\x03\x04": "a zip archive or an Excel workbook; unpack it, or save the sheet as CSV",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook; save the sheet as CSV",
    b"ARROW1": "an Arrow file; write it as Parquet",
    b"BZh": "compressed by bzip2; unpack it, or use gzip",
    b"\xfd7zXZ": "compressed by xz; unpack it, or use gzip",
    b"\x28\xb5\x2f\xfd": "compressed by zstd; unpack it, or use gzip",
    b"SQLite format": "an SQLite database; export the table as CSV or Parquet",
    b"\x89HDF": "an HDF5 file; export the table as CSV or Parquet",
}


def read(source: str | Path | Any, series: str | None = None) -> pl.DataFrame:
    """The table in ``source`` as a polars frame; the names in its column ``series`` are kept as they are written.

    ``source`` is the path of a CSV, TSV or Parquet file, gzipped or not (what it is decides the content, not the
    ending), or a pandas, polars or pyarrow frame. In text files the delimiter (comma, semicolon, tab or bar) and a
    decimal comma are found; empty fields, NA, NaN, null, None and n/a are missing values; columns of time stamps are
    parsed and repeated words kept once. A pandas index that has a name or holds time stamps becomes a column.

    Errors: `DataError` for what isn't there or isn't such a table; with the line in a text file.
    """
    if isinstance(source, str | os.PathLike):
        return _read_path(Path(source).expanduser(), series)
    frame = _from_frame(source)
    if frame.width == 0 or frame.height == 0:
        raise refuse(
            f"the frame has {counted(frame.height, 'row')} and {counted(frame.width, 'column')}; there is "
            "nothing to forecast from"
        )
    return frame


def kind(source: Any) -> str:
    """Which kind of frame a result should come back as: "pandas", "pyarrow" or "polars" (also for paths)."""
    package = type(source).__module__.partition(".")[0]
    return package if package in _KINDS else "polars"


def like(frame: pl.DataFrame, kind: str) -> Any:
    """``frame`` as the kind of frame that `kind` named. Errors: `SettingsError` for an unknown kind."""
    if kind not in _KINDS:
        raise SettingsError(f"kind of frame {kind!r} is unknown{nearest(kind, _KINDS)}")
    if kind == "polars":
        return frame
    with foreign(f"the result can't be made a {kind} frame"):
        if kind == "pyarrow":
            return frame.to_arrow()
        try:
            return frame.to_pandas()
        except ModuleNotFoundError:  # polars takes the way over pyarrow, which pandas can do without
            import pandas

            return pandas.DataFrame({column.name: _pandas_column(column) for column in frame})


def csv(frame: pl.DataFrame) -> str:
    """A frame as CSV, its time stamps in ISO 8601, with the offset where there is a zone."""
    zoned = any(isinstance(kind, pl.Datetime) and kind.time_zone for kind in frame.dtypes)
    return frame.write_csv(datetime_format="%Y-%m-%dT%H:%M:%S%.f%:z" if zoned else "%Y-%m-%dT%H:%M:%S%.f")


def where(frame: pl.DataFrame, row: int) -> str:
    """Where row ``row`` (from 0) of a frame stands, for a message: "line 12" of a text file, else "row 11"."""
    lines: Lines | None = getattr(frame, _LINES, None)
    return f"row {row + 1:,}" if lines is None else f"line {lines.of(row):,}"


def _read_path(path: Path, series: str | None) -> pl.DataFrame:
    name = shown(str(path))
    try:
        if not path.exists():
            folder = path.parent if path.parent.is_dir() else None
            beside = [p.name for p in sorted(folder.iterdir())[:1_000] if p.is_file()] if folder else []
            hint = (
                near(path.name, beside)
                if beside
                else f"; {shown(str(path.parent))} is no folder"
                if folder is None
                else ""
            )
            raise refuse(f"there is no file {name}{hint}")
        if path.is_dir():
            raise refuse(f"{name} is a folder; give one file in it, CSV, TSV or Parquet")
        if not path.is_file():
            raise refuse(f"{name} is no regular file, and it has to be read twice; write it to a file first")
        with path.open("rb") as file:
            start = file.read(16)
        gzipped = start.startswith(b"\x1f\x8b")
        if gzipped:
            with gzip.open(path, "rb") as file:
                start = file.read(16)
        frame = _read_known(path, start, gzipped, series)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise refuse(
            f"{name} is damaged: its gzip data end too early or are wrong ({error}); download or pack it again"
        ) from error
    except (OSError, ValueError) as error:  # ValueError: a path with a zero byte
        raise refuse(f"{name} can't be read: {getattr(error, 'strerror', None) or error}") from error
    if frame.width == 0 or frame.height == 0:
        raise refuse(
            f"{name} has {counted(frame.height, 'row')} and {counted(frame.width, 'column')}; there is nothing "
            "to forecast from"
        )
    return frame


def _read_known(path: Path, start: bytes, gzipped: bool, series: str | None) -> pl.DataFrame:
    for magic, what in _FOREIGN.items():
        if start.startswith(magic):
            raise refuse(f"{shown(str(path))} is {what}")
    if start.startswith(b"PAR1"):
        with foreign(f"{shown(str(path))} is no whole Parquet file"):
            if gzipped:
                with gzip.open(path, "rb") as file:
                    return _read_parquet(io.BytesIO(file.read()))
            return _read_parquet(path)
    frame, lines = read_delimited(path, gzipped, series)
    setattr(frame, _LINES, lines)
    return frame


def _from_frame(source: Any) -> pl.DataFrame:
    if isinstance(source, pl.DataFrame):
        return source
    if isinstance(source, pl.LazyFrame):
        with foreign("the lazy frame can't be collected"):
            return source.collect()
    if kind(source) == "pandas":
        with foreign("the pandas frame can't be read"):
            return _from_pandas(source)
    with foreign("the frame can't be read"):
        import narwhals as nw

        if kind(source) == "pyarrow":
            source = _known_offsets(source)
        try:
            native = nw.from_native(source)
        except TypeError as error:
            raise refuse(
                f"a table is a path or a pandas, polars or arrow frame, got {type(source).__name__}"
            ) from error
        if isinstance(native, nw.LazyFrame):
            return native.collect("polars").to_native()
        if isinstance(native, nw.DataFrame):
            return native.to_polars()
    raise refuse(f"a table is a path or a pandas, polars or arrow frame, got {type(source).__name__}")


def _read_parquet(source: Path | io.BytesIO) -> pl.DataFrame:
    """A Parquet table, also one whose time stamps have a fixed offset ("+05:30"), which polars takes for no zone."""
    name, before = "POLARS_IGNORE_TIMEZONE_PARSE_ERROR", os.environ.get("POLARS_IGNORE_TIMEZONE_PARSE_ERROR")
    os.environ[name] = "1"  # else it panics, and writes a trace
    try:
        frame = pl.read_parquet(source, glob=False)
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
    return frame.with_columns(
        _offset_column(column.to_physical().cast(pl.Datetime(kind.time_unit)), kind.time_zone)
        for column, kind in zip(frame.get_columns(), frame.dtypes, strict=True)
        if isinstance(kind, pl.Datetime) and kind.time_zone and not _known_zone(kind.time_zone)
    )


def _offset_column(utc: pl.Series, zone: str) -> pl.Series:
    """Stamps of a fixed offset, given in UTC: in a zone that has it all the time, or else as text."""
    minutes = _fixed_offset(zone)
    if minutes is None:
        raise refuse(f"column {shown(utc.name)} is in the time zone {shown(zone)}, which is unknown; give it in UTC")
    wall = utc.dt.offset_by(f"{minutes}m")
    made = with_offset(wall, minutes)
    if made is not None:
        return made
    return wall.dt.to_string("%Y-%m-%d %H:%M:%S%.f") + offset_words(minutes)


def _fixed_offset(zone: str) -> int | None:
    """The minutes ahead of UTC of a zone such as "+05:30", None where it is no such."""
    found = re.fullmatch(r"(?:UTC)?([+-])(\d\d):?(\d\d)", zone)
    return None if found is None else (1 if found[1] == "+" else -1) * (60 * int(found[2]) + int(found[3]))


def _known_offsets(table: Any) -> Any:
    """An arrow table whose fixed offsets ("+05:30"), which polars doesn't know, are as `_offset_column` has them."""
    for place, column in enumerate(getattr(table, "schema", ())):
        zone = getattr(column.type, "tz", None) or ""
        if zone[:1] in ("+", "-") and hasattr(table, "set_column"):
            import pyarrow

            plain = table.column(place).cast(pyarrow.timestamp(column.type.unit, "UTC"))
            made = _offset_column(pl.Series(column.name, plain).dt.replace_time_zone(None), zone)
            table = table.set_column(place, column.name, made.to_arrow())
    return table


def _from_pandas(source: Any) -> pl.DataFrame:
    if not hasattr(source, "columns"):
        raise refuse(
            f"a table is a frame with columns, got a pandas {type(source).__name__}; name it: "
            "s.to_frame('value').reset_index()"
        )
    if source.columns.nlevels > 1:
        raise refuse(
            f"the frame has {source.columns.nlevels} levels of column names; flatten them: frame.columns = "
            "['_'.join(c) for c in frame]"
        )
    frame = _index_as_columns(source)
    names = [str(name) for name in frame.columns]
    if len(set(names)) < len(names):
        twice = next(name for i, name in enumerate(names) if name in names[:i])
        raise refuse(f"two columns of the frame are named {shown(twice)}; rename one of them")
    return pl.DataFrame([_polars_column(frame.iloc[:, i], name) for i, name in enumerate(names)])


def _index_as_columns(frame: Any) -> Any:
    """The index becomes columns where it says something: names, dates, several levels; bare numbers are dropped."""
    index = frame.index
    timed = type(index).__name__ in ("DatetimeIndex", "PeriodIndex")
    if not timed and index.nlevels == 1 and index.name is None:
        return frame
    names = [str(name) if name is not None else f"index_{i}" for i, name in enumerate(index.names)]
    if index.nlevels == 1 and index.name is None:
        names = ["time"]
    taken = {str(name) for name in frame.columns}
    free = [name if name not in taken else f"{name}_index" for name in names]
    return frame.reset_index(names=free)


def _polars_column(column: Any, name: str) -> pl.Series:
    kind_of = str(column.dtype)
    if kind_of.startswith("period"):
        column = column.dt.to_timestamp()
    zone = getattr(column.dtype, "tz", None)
    if zone is not None and not _known_zone(str(zone)):
        column = column.dt.tz_convert("UTC")
        if _fixed_offset(str(zone)) is not None:
            return _offset_column(_polars_column(column.dt.tz_localize(None), name), str(zone))
    if kind_of == "object" and any(hasattr(value, "tzinfo") for value in column.dropna().head(1)):
        return _text(name, column.to_numpy(), column.isna().to_numpy())  # polars would drop the zones of single values
    try:
        with foreign(f"column {shown(name)}"):
            return pl.Series(name, column.array if kind_of == "category" else column).rename(name)
    except (
        DataError
    ):  # objects of several kinds, or no pyarrow: numbers and stamps as they are, everything else as text
        missing = column.isna().to_numpy()
        plain = column.dt.tz_convert("UTC").dt.tz_localize(None) if zone is not None else column
        values = plain.to_numpy()
        if values.dtype.kind in "biufM":
            made = pl.Series(name, values).set(pl.Series(missing), None)
            return made.dt.replace_time_zone("UTC") if zone is not None else made
        return _text(name, values, missing)


def _text(name: str, values: Any, missing: Any) -> pl.Series:
    text = [None if gone else str(value) for value, gone in zip(values, missing, strict=True)]
    return pl.Series(name, text, dtype=pl.String)


def _known_zone(zone: str) -> bool:
    try:
        with foreign("zone"):
            pl.Series([0]).cast(pl.Datetime("us", zone))
    except DataError:
        return False
    return True


def _pandas_column(column: pl.Series) -> Any:
    import pandas

    zone = column.dtype.time_zone if isinstance(column.dtype, pl.Datetime) else None
    if zone is None:
        return column.to_list() if column.dtype in (pl.String, pl.Categorical) else column.to_numpy()
    return (
        pandas.Series(column.dt.convert_time_zone("UTC").dt.replace_time_zone(None).to_numpy())
        .dt.tz_localize("UTC")
        .dt.tz_convert(zone)
    )
