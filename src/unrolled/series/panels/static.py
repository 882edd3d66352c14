"""Static covariates: one value a series, a number or one of a few words."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from unrolled.errors import DataError
from unrolled.series.panels.inputs import Inputs
from unrolled.series.reading.batches import NULLS
from unrolled.series.reading.columns import is_number, is_text, numbers
from unrolled.series.reading.rows import Rows
from unrolled.series.words import near, refuse, shown

_MOST_WORDS = 500


def static_of(rows: Rows, names: Sequence[str], inputs: Inputs) -> tuple[np.ndarray, dict[str, tuple[str, ...]]]:
    """The static channels of each series, float64 (series, channels), and the categories of the columns of words.

    Numbers stand as they are; words become one channel a category, 1 where the series is of it, else 0. Categories
    are sorted; those that ``inputs`` knows already are kept, and another word is refused.

    Errors: `DataError` for a column that changes within a series, has no value in one, or has an unknown category.
    """
    codes = np.zeros(len(rows), np.int64) if rows.codes is None else rows.codes
    columns, categories = [], {}
    for name in inputs.static:
        column = rows.frame[name]
        if name not in inputs.categories and not is_text(column):
            if not is_number(column) and column.dtype != pl.Null:
                raise refuse(f"column {shown(name)} holds {column.dtype}; a static column holds numbers or words")
            values = numbers(rows.frame, name, rows.at)
            columns.append(values[_places(rows, name, codes, names, values, ~np.isnan(values))][:, None])
            continue
        words = column.cast(pl.String).str.strip_chars()
        words = words if rows.at is None else words[rows.at]
        found = sorted(set(words.unique().drop_nulls().to_list()) - set(NULLS))
        known = inputs.categories.get(name)
        if known is None and len(found) > _MOST_WORDS:
            raise refuse(
                f"column {shown(name)} has {len(found):,} categories, and a static column may have {_MOST_WORDS}; "
                "group them, or leave it out"
            )
        numbered = words.cast(pl.Enum(found), strict=False).to_physical().cast(pl.Float64).to_numpy()
        own = numbered[_places(rows, name, codes, names, numbered, ~np.isnan(numbered))].astype(np.int64)
        if known is not None:
            for number in np.unique(own):
                if found[number] not in known:
                    raise _unknown(rows, name, names, found[number], known, int((numbered == number).argmax()))
            own = np.array([known.index(word) if word in known else -1 for word in found], np.int64)[own]
        categories[name] = tuple(found) if known is None else known
        columns.append(np.eye(len(categories[name]))[own])
    return (np.concatenate(columns, axis=1) if columns else np.empty((len(names), 0))), categories


def _places(
    rows: Rows, name: str, codes: np.ndarray, names: Sequence[str], values: np.ndarray, present: np.ndarray
) -> np.ndarray:
    """The row of each series' first value. Raises `DataError` where a series has none, or a second one."""
    at = np.flatnonzero(present)
    first = np.full(len(names), -1)
    first[codes[at][::-1]] = at[::-1]  # of several, the one that is written last stands: the first row
    if (first < 0).any():
        raise refuse(
            f"static column {shown(name)} has no value in series {shown(names[int((first < 0).argmax())])}; fill it "
            "in, or leave the series out with --only"
        )
    other = np.flatnonzero(values[at] != values[first[codes[at]]])
    if len(other):
        b = int(at[other[0]])
        a = int(first[codes[b]])
        column = rows.frame[name]
        before, after = (column[row if rows.at is None else int(rows.at[row])] for row in (a, b))
        raise refuse(
            f"static column {shown(name)} changes within series {shown(names[int(codes[b])])}: {rows.where(a)} has "
            f"{shown(before)}, {rows.where(b)} has {shown(after)}; mend it, or name the column with --past or --future"
        )
    return first


def _unknown(rows: Rows, name: str, names: Sequence[str], word: str, known: tuple[str, ...], row: int) -> DataError:
    series = "" if rows.codes is None else f" of series {shown(names[int(rows.codes[row])])}"
    return refuse(
        f"static column {shown(name)} has {shown(word)} in {rows.where(row)}{series}, which no series had in "
        f"training{near(word, known)}; mend it, or train again with it"
    )
