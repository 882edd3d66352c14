"""Columns that grow batch by batch out of text, each in the narrowest type that holds all of it so far.

Reading in batches keeps only typed columns in memory: numbers, time stamps, and repeated words once.
"""

import io
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from unrolled.series.reading import stamps
from unrolled.series.words import foreign

NULLS = (
    *("", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NAN"),
    *("null", "NULL", "Null", "None", "NONE", "none", "NaT", "<NA>"),
)
_TRUTHS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}


class AsText(Exception):
    """A column whose earlier batches have become numbers or stamps can't go on so; it has to be read again, as text."""


@dataclass
class Growing:
    """One column: its batches so far, of one ``kind``: empty, int, float, truth, stamps, text."""

    name: str
    decimal_comma: bool
    kind: str = "empty"
    is_names: bool = False  # of series: the text as it stands, but for spaces around it
    parts: list[pl.Series] = field(default_factory=list)
    rows: int = 0

    def add(self, text: pl.Series) -> None:
        """Take on a batch of text. Raises `AsText` where it doesn't go on as the batches before."""
        self.rows += len(text)
        if self.kind == "empty":
            if text.null_count() == len(text):
                return
            self.kind = self._kind_of(text)
            missing = self.rows - len(text)
            first = self._typed(text)
            self.parts = [pl.Series(self.name, [None], dtype=first.dtype).new_from_index(0, missing)] if missing else []
            self.parts.append(first)
            return
        if self.kind == "int" and self._ints(text) is None and self._floats(text) is not None:
            self.kind = "float"
            self.parts = [part.cast(pl.Float64) for part in self.parts]
        self.parts.append(self._typed(text))

    def whole(self) -> pl.Series:
        """The column, of `pl.Null` if it is empty."""
        if self.kind == "empty":
            return pl.Series(self.name, [None]).new_from_index(0, self.rows)
        column = pl.concat(self.parts, rechunk=False)
        return column.rename(self.name)

    def _kind_of(self, text: pl.Series) -> str:
        if self._ints(text) is not None:
            return "int"
        if self._floats(text) is not None:
            return "float"
        if text.drop_nulls().is_in(list(_TRUTHS)).all():
            return "truth"
        return "stamps" if isinstance(stamps.parse(text), pl.Series) else "text"

    def _typed(self, text: pl.Series) -> pl.Series:
        if self.kind == "text":
            if self.is_names:
                text = text.str.strip_chars()
                text = text.set(text.is_in(NULLS).fill_null(False), None)
            known = self.parts[0].dtype == pl.Categorical if self.parts else text.n_unique() * 10 < len(text)
            return text.cast(pl.Categorical) if known else text
        if text.null_count() == len(text):
            return pl.Series(self.name, [None], dtype=self.parts[0].dtype).new_from_index(0, len(text))
        made: pl.Series | stamps.Unreadable | None
        if self.kind == "truth":
            made = text.replace_strict(_TRUTHS, default=None, return_dtype=pl.Boolean)
            made = made if made.null_count() == text.null_count() else None
        elif self.kind == "stamps":
            made = stamps.parse(text)
        else:
            made = self._ints(text) if self.kind == "int" else self._floats(text)
        if not isinstance(made, pl.Series) or (self.parts and made.dtype != self.parts[0].dtype):
            raise AsText(self.name)
        return made

    def _ints(self, text: pl.Series) -> pl.Series | None:
        if text.head(64).str.contains(r"[.,eE]").any():  # most columns of numbers say so at once
            return None
        return self._numbers(text, pl.Int64())

    def _floats(self, text: pl.Series) -> pl.Series | None:
        return self._numbers(text.str.replace(",", ".", literal=True) if self.decimal_comma else text, pl.Float64())

    def _numbers(self, text: pl.Series, dtype: pl.DataType) -> pl.Series | None:
        made = text.cast(dtype, strict=False)
        if made.null_count() > text.null_count():  # perhaps only spaces around them
            made = text.str.strip_chars().cast(dtype, strict=False)
            blank = int(text.str.strip_chars().is_in(NULLS).sum())
            if made.null_count() > text.null_count() + blank:
                return None
        return made


class Batches:
    """The columns of a delimited text, growing."""

    def __init__(
        self,
        names: list[str],
        separator: str,
        eol: str,
        decimal_comma: bool,
        as_text: set[str],
        series: str | None = None,
    ):
        self.columns = [
            Growing(name, decimal_comma, "text" if name in {*as_text, series} else "empty", is_names=name == series)
            for name in names
        ]
        self._names, self._separator, self._eol = names, separator, eol

    def add(self, text: bytes, records: int, blanks: np.ndarray, quoted: bool) -> bool:
        """Take on whole records; those numbered ``blanks`` are empty lines, which count where there is a single column.

        False where polars counts the records otherwise; raises `AsText`.
        """
        single = len(self._names) == 1
        if records == len(blanks):  # polars refuses text without any field
            if single:
                self.columns[0].add(pl.Series(self._names[0], [None], dtype=pl.String).new_from_index(0, records))
            return True
        if not single and (first := int((blanks == np.arange(len(blanks))).sum())):
            # polars counts the columns on the first line
            text, records, blanks = text.lstrip(b"\r\n"), records - first, blanks[first:] - first
        with foreign("quotes"):
            frame = pl.read_csv(
                io.BytesIO(text),
                has_header=False,
                schema=dict.fromkeys(self._names, pl.String()),
                separator=self._separator,
                quote_char='"' if quoted else None,
                eol_char=self._eol,
                null_values=list(NULLS),
            )
        if frame.shape != (records, len(self._names)):
            return False
        if len(blanks) and not single:
            keep = np.ones(records, bool)
            keep[blanks] = False
            frame = frame.filter(pl.Series(keep))
        for column in self.columns:
            column.add(frame[column.name])
        return True

    def frame(self) -> pl.DataFrame:
        return pl.DataFrame([column.whole() for column in self.columns])
