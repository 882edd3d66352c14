"""Delimited text (CSV, TSV and their kin) to a frame, a few megabytes at a time.

The delimiter is found, and encoding, quotes and fields of every line are checked before polars reads it: a reader's
own error says neither the line nor what to do, and short lines would pass as missing values. No loop runs over lines.
"""

import codecs
import csv
import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast

import numpy as np
import polars as pl

from unrolled.errors import DataError
from unrolled.series.reading.batches import AsText, Batches
from unrolled.series.words import counted, listed, refuse, shown

_DELIMITERS = (",", ";", "\t", "|")
_CHUNK = 1 << 22
_HEAD = 1 << 18
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True)
class Lines:
    """Which line of its file a row of a frame stands on: ``first`` for row 0; before each row in ``breaks`` lies one
    line more.
    """

    first: int
    breaks: np.ndarray

    def of(self, row: int) -> int:
        return self.first + row + int(np.searchsorted(self.breaks, row, side="right"))


@dataclass
class _Layout:
    """How a file is written, as its first lines tell."""

    delimiter: str
    eol: str
    header: list[str]
    records: int  # up to and with the header: empty lines before it count
    lines: int  # the same in lines of the file
    decimal_comma: bool


@dataclass
class _Scan:
    """What the pass over a file's bytes has found so far."""

    records: int = 0
    embedded: int = 0  # line ends inside quotes
    quoted: bool = False
    open_line: int = 0
    blanks: list[np.ndarray] = field(default_factory=list)  # numbers of the records that are empty lines
    inner: list[np.ndarray] = field(
        default_factory=list
    )  # numbers of the records that a line end inside quotes belongs to


def read_delimited(path: Path, gzipped: bool, series: str | None = None) -> tuple[pl.DataFrame, Lines]:
    """The table in a delimited text file, and where its rows stand; the column ``series`` stays text, so that 007 is
    not 7. Raises `DataError`, with the line where there is one.
    """
    with _opened(path, gzipped) as file:
        head = file.read(_HEAD)
    layout = _layout(path, head)
    as_text: set[str] = set()
    while True:
        batches = Batches(layout.header, layout.delimiter, layout.eol, layout.decimal_comma, as_text, series)
        try:
            with _opened(path, gzipped) as file:
                scan = _scan(path, file, layout, batches)
            break
        except AsText as column:  # numbers that turn out to be words further down: once more, with what is known now
            as_text.add(str(column))
    blanks = np.concatenate([*scan.blanks, np.empty(0, np.int64)]) - layout.records
    inner = np.concatenate([*scan.inner, np.empty(0, np.int64)]) - layout.records
    blanks, inner = blanks[blanks >= 0], inner[inner >= 0]
    rows = scan.records - layout.records
    frame = batches.frame()
    if (
        len(layout.header) == 1
    ):  # an empty line in the middle of a single column is a missing value, at its end it is nothing
        blanks = blanks[blanks == rows - len(blanks) + np.arange(len(blanks))]
        frame = frame.head(rows - len(blanks))
    if not frame.height:
        raise refuse(f"{shown(str(path))} has a header ({listed(layout.header)}) and no rows below it; is it cut off?")
    places = np.sort(np.concatenate([blanks - np.arange(len(blanks)), inner - np.searchsorted(blanks, inner) + 1]))
    return frame, Lines(layout.lines + 1, places)


def _opened(path: Path, gzipped: bool) -> IO[bytes]:
    return cast(IO[bytes], gzip.open(path, "rb")) if gzipped else path.open("rb")


def _layout(path: Path, head: bytes) -> _Layout:
    """Delimiter, line end and header. Raises `DataError` for what isn't text with a header."""
    where = shown(str(path))
    if head.startswith(_UTF16):
        raise refuse(f"{where}, line 1: the text is UTF-16, not UTF-8; {_convert(path, 'UTF-16')}")
    text = head.removeprefix(codecs.BOM_UTF8).decode("utf-8", errors="replace")
    if not text.strip():
        raise refuse(f"{where} is empty; a table has a header line with the columns' names, and rows below it")
    eol = "\r" if "\r" in text and "\n" not in text else "\n"
    lines = text.split(eol)
    if len(head) == _HEAD and len(lines) > 1:
        lines.pop()  # most likely cut
    empty = next(i for i, line in enumerate(lines) if line.strip("\r"))
    lines = [line.replace("\r", "") for line in lines[empty:]]
    tried = {delimiter: _rows(lines[:200], delimiter) for delimiter in _DELIMITERS}

    def fit(delimiter: str) -> tuple[float, int]:
        width = len(tried[delimiter][0]) if tried[delimiter] else 0
        same = sum(len(row) in (0, width) for row in tried[delimiter])
        return (same / len(tried[delimiter]), width) if width > 1 else (0.0, 0)

    delimiter = max(_DELIMITERS, key=fit)
    rows = tried[delimiter]
    if not rows:
        raise refuse(
            f"{where}, line {empty + 1}: this isn't a header line; a table begins with the names of its columns"
        )
    reader = csv.reader((line + "\n" for line in lines), delimiter=delimiter)
    next(reader)
    fields = [value for row in rows[1:] for value in row]
    commas = any(re.fullmatch(r"\s*[+-]?\d+,\d+\s*", value) for value in fields)
    points = any(re.fullmatch(r"\s*[+-]?\d+\.\d+\s*", value) for value in fields)
    header = _names(path, empty + 1, rows[0])
    return _Layout(
        delimiter, eol, header, empty + 1, empty + reader.line_num, delimiter != "," and commas and not points
    )


def _rows(lines: list[str], delimiter: str) -> list[list[str]]:
    try:
        return list(csv.reader((line + "\n" for line in lines), delimiter=delimiter))
    except csv.Error:  # fields longer than 128 kB, mostly
        return []


def _names(path: Path, line: int, cells: list[str]) -> list[str]:
    names = [cell.strip() for cell in cells]
    where = f"{shown(str(path))}, line {line}"
    if any(re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", name) for name in names) and all(
        re.fullmatch(r"[-+.,:/\dTZeE ]*", name) for name in names
    ):
        raise refuse(
            f"{where} has numbers where a header should be ({listed(names)}); add a first line with the columns' names"
        )
    for place, name in enumerate(names):
        if name and name in names[:place]:
            raise refuse(
                f"{where}: column {shown(name)} stands there twice ({names.index(name) + 1} and {place + 1}); "
                "rename one of them"
            )
    for place, name in enumerate(names):
        if not name:
            free = f"column_{place + 1}"
            while free in names:
                free += "_"
            names[place] = free
    return names


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    yield file.read(_CHUNK).removeprefix(codecs.BOM_UTF8)
    while chunk := file.read(_CHUNK):
        yield chunk


def _scan(path: Path, file: IO[bytes], layout: _Layout, batches: Batches) -> _Scan:
    """Check encoding, quotes and fields of every record, and hand the sound ones on; a record is a line, or more
    where it is quoted.
    """
    scan, decoder = _Scan(), codecs.getincrementaldecoder("utf-8")()
    eol, delimiter, expected = ord(layout.eol), ord(layout.delimiter), len(layout.header) - 1
    fields = 0  # of the record that the last chunk broke off, whose text is `rest`
    rest = b""
    inside = False
    for chunk in _chunks(file):
        _check_text(path, chunk, decoder, scan.records + scan.embedded, layout.eol)
        data = np.frombuffer(chunk, np.uint8)
        ends, separators = data == eol, data == delimiter
        hidden = np.empty(0, np.int64)
        if inside or b'"' in chunk:
            quotes = data == ord('"')
            within = ((np.cumsum(quotes) + inside) & 1).astype(bool)
            if len(opening := np.flatnonzero(quotes & within)):
                scan.open_line = scan.records + scan.embedded + 1 + int(ends[: opening[-1]].sum())
            hidden = np.flatnonzero(ends & within)
            inside = bool(within[-1]) if len(within) else inside
            ends, separators = ends & ~within, separators & ~within
            scan.quoted = True
        at = np.flatnonzero(ends)
        if not len(at):
            fields, rest = fields + int(separators.sum()), rest + chunk
        else:
            before = np.searchsorted(np.flatnonzero(separators), at)
            counts, lengths = np.diff(before, prepend=0), np.diff(at, prepend=-1) - 1
            counts[0] += fields
            lengths[0] += len(rest)
            previous = np.where(at > 0, data[at - 1], rest[-1] if rest else 0)
            blank = (lengths == 0) | ((lengths == 1) & (previous == ord("\r")))
            if len(wrong := np.flatnonzero((counts != expected) & ~blank)):
                _refuse_ragged(path, scan, layout, int(wrong[0]), int(counts[wrong[0]]), hidden, at)
            _hand_on(path, scan, layout, batches, rest + chunk[: at[-1] + 1], len(at), np.flatnonzero(blank))
            fields, rest = int(separators.sum()) - int(before[-1]), chunk[at[-1] + 1 :]
        if len(hidden):
            scan.inner.append(np.searchsorted(at, hidden) + scan.records)
            scan.embedded += len(hidden)
        scan.records += len(at)
    _check_text(path, b"", decoder, scan.records + scan.embedded, layout.eol, last=True)
    if inside:
        raise refuse(
            f'{shown(str(path))}, line {scan.open_line}: a quote " opens there and never closes; double it, or '
            "take it out"
        )
    if rest and rest != b"\r":
        if fields != expected:
            _refuse_ragged(path, scan, layout, 0, fields, np.empty(0, np.int64), np.empty(0, np.int64))
        _hand_on(path, scan, layout, batches, rest + layout.eol.encode(), 1, np.empty(0, np.int64))
        scan.records += 1
    return scan


def _hand_on(
    path: Path, scan: _Scan, layout: _Layout, batches: Batches, text: bytes, records: int, blank: np.ndarray
) -> None:
    """Give whole records to the columns; the header, and empty lines before it, are taken off."""
    if len(blank):
        scan.blanks.append(blank + scan.records)
    if over := min(max(layout.records - scan.records, 0), records):
        for _ in range(layout.lines if over == layout.records else over):
            text = text[text.index(layout.eol.encode()) + 1 :]
        records, blank = records - over, blank[blank >= over] - over
    try:
        sound = batches.add(text, records, blank, scan.quoted)
    except DataError:
        sound = False
    if not sound:
        first = scan.records + scan.embedded + 1
        raise refuse(
            f"{shown(str(path))}, from line {first}: the quotes \" don't match the line ends; "
            "a quote inside a field has to be doubled, and the field put into quotes"
        )


def _check_text(
    path: Path, chunk: bytes, decoder: codecs.IncrementalDecoder, lines: int, eol: str, last: bool = False
) -> None:
    if (zero := chunk.find(b"\0")) >= 0:
        line = lines + 1 + chunk.count(eol.encode(), 0, zero)
        raise refuse(
            f"{shown(str(path))}, line {line}: a zero byte, so this isn't text; export the table as CSV or Parquet"
        )
    try:
        decoder.decode(chunk, last)
    except UnicodeDecodeError as error:
        seen = error.object[: error.start]
        line = lines + 1 + seen.count(eol.encode())
        raise refuse(
            f"{shown(str(path))}, line {line}: the byte 0x{error.object[error.start]:02X} isn't UTF-8; "
            f"{_convert(path, 'WINDOWS-1252')}"
        ) from error


def _convert(path: Path, encoding: str) -> str:
    return f"save it as UTF-8, or convert it: iconv -f {encoding} -t UTF-8 {path.name} > utf8-{path.name}"


def _refuse_ragged(
    path: Path, scan: _Scan, layout: _Layout, record: int, count: int, hidden: np.ndarray, ends: np.ndarray
) -> None:
    start = int(ends[record - 1]) if record else -1
    line = scan.records + scan.embedded + record + 1 + int((hidden < start).sum())
    if scan.records + record < layout.records:  # the header itself, which was read with more care
        line = layout.lines
    name = {"\t": "tab"}.get(layout.delimiter, f"'{layout.delimiter}'")
    raise refuse(
        f"{shown(str(path))}, line {line}: {counted(count + 1, 'field')} where the header has "
        f"{len(layout.header)} (separated by {name}); "
        "mend the line, or put fields that contain the separator into quotes"
    )
