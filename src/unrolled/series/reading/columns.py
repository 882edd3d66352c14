"""The columns of a table by their roles: which are time stamps, which series a row belongs to, which are numbers."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import polars as pl

from unrolled.errors import DataError
from unrolled.series.reading import stamps as texts
from unrolled.series.reading.batches import NULLS
from unrolled.series.reading.stamps import Unreadable
from unrolled.series.reading.table import where
from unrolled.series.words import counted, listed, near, refuse, shown

_TEXT = (pl.String, pl.Categorical, pl.Enum)


def check_roles(frame: pl.DataFrame, roles: Mapping[str, Sequence[str]], angles: Sequence[str]) -> None:
    """Refuse columns that aren't there, a column with two roles, and an angle that is no covariate.

    ``roles`` are the columns of each role, as the role is called in messages: {"the target": ["temp"], "--time": …}.
    """
    taken: dict[str, str] = {}
    for role, names in [*roles.items(), ("--angle", angles)]:
        for name in names:
            if name not in frame.columns:
                raise refuse(f"there is no column {shown(name)} for {role}{near(str(name), frame.columns)}")
            if role == "--angle":
                if taken.get(name) not in (None, "--past", "--future"):
                    raise refuse(
                        f"column {shown(name)} is {taken[name]} and can't be an angle, which only a past or future "
                        "covariate can be; leave --angle out"
                        + ("" if taken[name] != "the target" else ", or forecast its sine and cosine as two targets")
                    )
            elif taken.get(name) == role:
                raise refuse(f"column {shown(name)} is named twice for {role}; name it once")
            elif name in taken:
                raise refuse(
                    f"column {shown(name)} can't be {taken[name]} and {role} at once; each column has one role"
                )
            else:
                taken[name] = role


def is_text(column: pl.Series) -> bool:
    return isinstance(column.dtype, _TEXT)


def is_number(column: pl.Series) -> bool:
    return column.dtype.is_numeric() or column.dtype == pl.Boolean


def numbers(frame: pl.DataFrame, name: str, at: np.ndarray | None) -> np.ndarray:
    """The rows ``at`` (None: all) of a column as float64, NaN where it is missing; text is read as numbers.

    Refuses, with its row, what is no number or infinite.
    """
    column = frame[name]
    if is_text(column):
        text = column.cast(pl.String).str.strip_chars()
        made = text.cast(pl.Float64, strict=False)
        bad = (made.is_null() & text.is_not_null() & ~text.is_in(NULLS)).arg_true()
        if len(bad):
            first = int(bad[0])
            others = f" ({counted(len(bad), 'such row')})" if len(bad) > 1 else ""
            raise refuse(
                f"column {shown(name)} is not numeric: {where(frame, first)} has "
                f"{shown(str(column[first]))}{others}; mend it, or choose another column"
            )
    elif is_number(column):
        made = column.cast(pl.Float64)
    elif column.dtype == pl.Null:
        made = pl.Series(name, [None], dtype=pl.Float64).new_from_index(0, len(column))
    else:
        raise refuse(f"column {shown(name)} is not numeric: it holds {column.dtype}; choose another column")
    values = made.to_numpy() if at is None else made.to_numpy()[at]
    infinite = np.isinf(values)
    if infinite.any():
        row = int(infinite.argmax())
        raise refuse(
            f"column {shown(name)} has {counted(int(infinite.sum()), 'infinite value')}, the first in "
            f"{where(frame, row if at is None else int(at[row]))}; mend it, or leave the field empty and name --fill"
        )
    return values


def find_time(frame: pl.DataFrame, named: str | None, taken: Iterable[str]) -> tuple[pl.Series | None, list[str]]:
    """The column of time stamps (dates, date-times in microseconds, or integers if it was named), and other columns
    that could be it.
    """
    if named is not None:
        return _named_time(frame, named), []
    taken = set(taken)
    good: list[pl.Series] = []
    bad: list[tuple[pl.Series, Unreadable]] = []
    for column in frame.get_columns():
        if column.name in taken:
            continue
        if column.dtype.is_temporal() and column.dtype in (pl.Date, pl.Datetime):
            good.append(column)
        elif is_text(column):
            made = _parse(column)
            if isinstance(made, Unreadable):
                bad.append((column, made))
            elif made is not None:
                good.append(made)
    if not good and bad:
        raise _unreadable(frame, *bad[0])
    good.sort(key=lambda column: column.null_count() > 0)
    return (_checked(frame, good[0]) if good else None), [column.name for column in good[1:]]


def series_of(
    frame: pl.DataFrame, name: str, only: Sequence[str] | None, at: np.ndarray | None
) -> tuple[tuple[str, ...], np.ndarray, np.ndarray | None]:
    """Of the rows ``at`` (None: all): the series' names in order, the number of each kept row's series, which are
    kept (None: all).
    """
    column = frame[name] if at is None else frame[name][at]
    missing = column.is_null()
    if missing.any():
        first = int(missing.arg_true()[0])
        raise refuse(
            f"column {shown(name)} names no series in {counted(int(missing.sum()), 'row')}, the first in "
            f"{where(frame, first if at is None else int(at[first]))} (empty, or a word for missing such as NA); "
            "name it, or take the rows out"
        )
    if column.dtype.is_float() and bool((column == column.round(0)).all()) and (column.abs() < 2**53).all():
        column = column.cast(pl.Int64)
    if column.dtype.is_integer():
        values = column.unique().sort()
        names = [str(value) for value in values]
        codes = np.searchsorted(values.to_numpy(), column.to_numpy())
    else:
        if column.dtype.is_nested() or column.dtype == pl.Object:
            raise refuse(
                f"column {shown(name)} holds {column.dtype}, and can't name series; give a column of words or "
                "whole numbers"
            )
        column = column if is_text(column) else column.cast(pl.String)
        names = column.unique().cast(pl.String).sort().to_list()
        if all(name.isascii() and name.isdigit() for name in names):  # 2 before 10
            names.sort(key=lambda name: (len(name.lstrip("0")), name.lstrip("0"), name))
        codes = column.cast(pl.Enum(names)).to_physical().to_numpy()
    codes = codes.astype(np.int64, copy=False)
    if only is None:
        return tuple(names), codes, None
    wanted = {str(one) for one in only}
    if not wanted:
        raise refuse(f"--only names no series; column {shown(name)} has {listed(names)}")
    for one in sorted(wanted - set(names)):
        raise refuse(f"there is no series {shown(one)} in column {shown(name)}{near(one, names)}")
    chosen = np.array([place for place, known in enumerate(names) if known in wanted], dtype=np.int64)
    rows = np.flatnonzero(np.isin(codes, chosen))
    return tuple(names[i] for i in chosen), np.searchsorted(chosen, codes[rows]), rows


def _parse(column: pl.Series) -> pl.Series | Unreadable | None:
    text = column.cast(pl.String).rename(column.name)
    blank = text.str.strip_chars().is_in(NULLS).fill_null(False)
    text = text.set(blank, None) if blank.any() else text
    made = texts.parse(text)
    return texts.in_utc(text, made) if isinstance(made, Unreadable) else made


def _named_time(frame: pl.DataFrame, name: str) -> pl.Series:
    column = frame[name]
    if column.dtype in (pl.Date, pl.Datetime):
        return _checked(frame, column)
    if is_text(column):
        made = _parse(column)
        if isinstance(made, Unreadable):
            raise _unreadable(frame, column, made)
        if made is not None:
            return _checked(frame, made)
        made = column.cast(pl.String).str.strip_chars().cast(pl.Int64, strict=False)
        if made.null_count() == column.null_count() < len(column):
            return _integers(frame, made)
        at = int((made.is_null() & column.is_not_null()).arg_max() or 0)
        raise refuse(
            f"column {shown(name)} holds no time stamps: {where(frame, at)} has {shown(str(column[at]))}; name "
            "another with --time"
        )
    if column.dtype.is_float():
        broken = (column.is_not_null() & ~column.is_nan() & (column != column.round(0))).arg_true()
        if len(broken):
            at = int(broken[0])
            raise refuse(
                f"column {shown(name)} can't count time: {where(frame, at)} has {column[at]}; give whole "
                "numbers, dates or times"
            )
        column = column.fill_nan(None)
    if column.dtype.is_float() or column.dtype.is_integer():
        return _integers(frame, column)
    raise refuse(
        f"column {shown(name)} holds {column.dtype}, no time stamps; name another with --time, or leave it out "
        "to take the rows in order"
    )


def _integers(frame: pl.DataFrame, column: pl.Series) -> pl.Series:
    """Whole numbers as they are; eight digits that are a date (20130131) as dates."""
    whole = column.cast(pl.Int64, strict=False)
    wide = (whole.is_null() & column.is_not_null()) | (whole.abs() > 2**60).fill_null(False)
    if wide.any():
        at = int(wide.arg_true()[0])
        raise refuse(
            f"column {shown(column.name)} counts too far: {where(frame, at)} has {shown(str(column[at]))}; give "
            "an index below 2^60"
        )
    if len(whole) and bool(whole.is_between(1500_01_01, 2500_12_31).all()):
        dates = whole.cast(pl.String).str.to_date("%Y%m%d", strict=False)
        if dates.null_count() == whole.null_count():
            return dates.rename(column.name)
    return whole


def _checked(frame: pl.DataFrame, column: pl.Series) -> pl.Series:
    """Stamps in microseconds, inside the years that a calendar can show."""
    if isinstance(column.dtype, pl.Datetime) and column.dtype.time_unit != "us":
        column = column.cast(pl.Datetime("us", column.dtype.time_zone))
    day = 1 if column.dtype == pl.Date else 86_400_000_000
    physical = column.to_physical()  # a year far out can't be asked for its year
    low, high = -718_000 * day, 2_932_000 * day  # the years 5 to 9996
    if len(physical) > physical.null_count() and (int(physical.min()) < low or int(physical.max()) > high):  # type: ignore[arg-type]
        at = int((~physical.is_between(low, high)).arg_max() or 0)
        raise refuse(
            f"column {shown(column.name)}: the year of the time stamp in {where(frame, at)} is out of range; mend it"
        )
    return column


def _unreadable(frame: pl.DataFrame, column: pl.Series, why: Unreadable) -> DataError:
    name, places = shown(column.name), [where(frame, row) for row in why.rows]
    values = [shown(value) for value in why.values]
    if why.kind == "zone":
        return refuse(
            f"mixed time zones in column {name}: {places[0]} has {values[0]}, {places[1]} has {values[1]}; "
            "write all of them in UTC, or all without a zone"
        )
    if why.kind == "order":
        return refuse(
            f"column {name}: {values[0]} in {places[0]} can be day or month first; write dates as year-month-day"
        )
    return refuse(
        f"column {name}: {values[0]} in {places[0]} is no time stamp like the others; mend it, or name another "
        "column with --time"
    )
