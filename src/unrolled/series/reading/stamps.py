"""Text to time stamps: ISO 8601 and the usual written forms, without a zone, in UTC, or with offsets."""

import re
from dataclasses import dataclass

import numpy as np
import polars as pl

_DATES = (
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y%m%d",
    "%d.%m.%Y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%d-%b-%Y",
    "%d %b %Y",
    "%b %d, %Y",
    "%Y-%m",
)
_TIMES = (" %H:%M:%S", " %H:%M", " %H:%M:%S%.f", " %I:%M %p", " %I:%M:%S %p", "T%H:%M:%S", "T%H:%M", "T%H:%M:%S%.f")
_TWINS = {"%d/%m/%Y": "%m/%d/%Y", "%d-%m-%Y": "%m-%d-%Y"}  # 01/02 reads both ways
_MARK = r"(Z|z|UTC|[+-]\d{2}(?::?\d{2})?)$"
_HALF_HOURS = {  # minutes from UTC: a zone whose clocks are never changed by now; -3:30 and the like have none
    -570: "Pacific/Marquesas",
    210: "Asia/Tehran",
    270: "Asia/Kabul",
    330: "Asia/Kolkata",
    345: "Asia/Kathmandu",
    390: "Asia/Yangon",
    525: "Australia/Eucla",
    570: "Australia/Darwin",
}
_OFFSET = rf":\d{{2}}(?:\.\d+)?\s*{_MARK}"  # a sign after a time of day; in a bare date it's a dash


@dataclass(frozen=True)
class Unreadable:
    """Why a text column that looks like time stamps isn't one: the rows (from 0) that show it, and what is wrong."""

    # "value": one doesn't parse · "zone": some have one, or two offsets · "offset": no zone has it all the time ·
    # "order": day or month first
    kind: str
    rows: tuple[int, ...]
    values: tuple[str, ...]


def parse(column: pl.Series) -> pl.Series | Unreadable | None:
    """The time stamps that a text column holds: `pl.Date`, or `pl.Datetime` in microseconds, naive or in a zone.

    One offset becomes a zone that has it all the time: UTC, Etc/GMT±h, or a place such as Asia/Kolkata. Returns None
    for text that isn't about time at all, and `Unreadable` for a column of time stamps in which some can't be read, or
    whose offset changes or is that of no zone: those may be read by `in_utc`.
    """
    known = column.drop_nulls()
    sample = known.head(2_000).str.strip_chars().unique(maintain_order=True).head(200)
    if not sample.str.contains(r"\d").any():
        return None
    formats = _formats(_bare(sample))
    if not formats:
        return None
    made = _parsed(column, column, sample, formats)
    if isinstance(made, Unreadable) and made.kind == "value":  # perhaps only spaces around some
        made = _parsed(column, column.str.strip_chars(), sample, formats)
    return made


def _parsed(column: pl.Series, text: pl.Series, sample: pl.Series, formats: list[str]) -> pl.Series | Unreadable:
    if not sample.str.contains(_OFFSET).any():
        naive = _naive(column, text, formats)
        if isinstance(naive, pl.Series) or naive.kind == "order":
            return naive
    mark = sample.str.extract(_OFFSET, 1)[0]
    if mark and text.str.ends_with(mark).all():  # the usual case, and much faster than looking at each
        naive = _naive(column, text.str.strip_suffix(mark).str.strip_chars_end(), formats)
        return naive if isinstance(naive, Unreadable) else _in_zone(column, naive, _minutes(mark))
    offsets = text.str.extract(_OFFSET, 1)
    if offsets.null_count() < len(offsets):
        return _with_offsets(column, text, offsets, formats)
    return _first_bad(column, _read(text, formats[0]))


def _naive(column: pl.Series, text: pl.Series, formats: list[str]) -> pl.Series | Unreadable:
    """The stamps of ``text``, that of a column without its offsets, by the format that reads all of it."""
    read = [_read(text, form) for form in formats]
    good = [stamps for stamps in read if stamps.null_count() == column.null_count()]
    if len(good) == 1 or (good and good[0].equals(good[1])):
        return good[0].alias(column.name)
    if good:
        row = int((good[0] != good[1]).arg_max() or 0)
        return Unreadable("order", (row,), (str(column[row]),))
    return _first_bad(column, read[0])


def _bare(text: pl.Series) -> pl.Series:
    """The text without its zone or offset."""
    return text.str.replace(rf"(:\d{{2}}(?:\.\d+)?)\s*{_MARK}", "${1}")


def _formats(sample: pl.Series) -> list[str]:
    """The format that reads most of the sample, at least half of it, and its day-month twin if that reads as much."""
    dates = [form for form in _DATES if form != "%Y%m%d" or sample.str.contains(r"^(1[5-9]|2[0-4])\d{6}").all()]
    times = ("", *_TIMES) if sample.str.contains(r"\d:\d").any() else ("",)
    forms = [date + time for date in dates for time in times]
    counts = {form: len(sample) - _read(sample, form).null_count() for form in forms}
    best = max(counts, key=lambda form: counts[form])
    if counts[best] == 0 or 2 * counts[best] < len(sample):
        return []
    date = next(date for date in _DATES if best.startswith(date) and (best == date or best[len(date)] in " T"))
    twin = best.replace(date, _TWINS[date]) if date in _TWINS else best
    return [best, twin] if twin != best and counts[twin] == counts[best] else [best]


def _read(text: pl.Series, form: str) -> pl.Series:
    """The stamps of ``text`` by one format, null where it doesn't fit, or where the year has no four digits."""
    if "%H" in form or "%I" in form:
        stamps = text.str.to_datetime(form, time_unit="us", strict=False)
    else:
        stamps = text.str.to_date(form, strict=False)
    year = stamps.dt.year()
    if len(stamps) and ((year.min() or 2000) < 2 or (year.max() or 2000) > 9998):  # type: ignore[operator]
        stamps = stamps.set(~year.is_between(2, 9998).fill_null(True), None)
    return stamps


def _first_bad(column: pl.Series, stamps: pl.Series) -> pl.Series | Unreadable:
    bad = (stamps.is_null() & column.is_not_null()).arg_true()
    if not len(bad):
        return stamps.alias(column.name)
    return Unreadable("value", (int(bad[0]),), (str(column[int(bad[0])]),))


def _with_offsets(column: pl.Series, text: pl.Series, offsets: pl.Series, formats: list[str]) -> pl.Series | Unreadable:
    naive = _naive(column, _bare(text), formats)
    if isinstance(naive, Unreadable):
        return naive
    minutes = _all_minutes(offsets)
    present = column.is_not_null().to_numpy()
    known = minutes.to_numpy()[present]
    other = np.flatnonzero(present)[known != known[0]]
    if len(other):
        rows = (int(np.flatnonzero(present)[0]), int(other[0]))
        return Unreadable("zone", rows, (str(column[rows[0]]), str(column[rows[1]])))
    return _in_zone(column, naive, int(known[0]))


def _in_zone(column: pl.Series, naive: pl.Series, minutes: int) -> pl.Series | Unreadable:
    made = with_offset(naive, minutes)
    if made is not None:
        return made.alias(column.name)
    row = int(column.is_not_null().arg_max() or 0)
    return Unreadable("offset", (row,), (str(column[row]),))


def with_offset(wall: pl.Series, minutes: int) -> pl.Series | None:
    """Stamps on the wall clock of one offset, in a zone that has it at each of them; None where there is no such."""
    zone = zone_at(minutes)
    if zone is None:
        return None
    made = wall.dt.offset_by(f"{-minutes}m").dt.replace_time_zone("UTC").dt.convert_time_zone(zone)
    return made if made.dt.replace_time_zone(None).equals(wall) else None


def zone_at(minutes: int) -> str | None:
    """A zone that is so many minutes ahead of UTC all year, by what holds today; None where there is none.

    >>> zone_at(0), zone_at(540), zone_at(-300), zone_at(330), zone_at(-210)
    ('UTC', 'Etc/GMT-9', 'Etc/GMT+5', 'Asia/Kolkata', None)
    """
    if minutes % 60 == 0 and -12 <= minutes // 60 <= 14:
        return f"Etc/GMT{-minutes // 60:+d}" if minutes else "UTC"
    return _HALF_HOURS.get(minutes)


def in_utc(column: pl.Series, why: Unreadable) -> pl.Series | Unreadable:
    """The time stamps of a column that `parse` can't put into one zone, in UTC: all have an offset, either one that is
    no zone's, or two at most an hour apart, as where clocks change for summer. Else ``why`` it can't be read.
    """
    if why.kind not in ("zone", "offset"):
        return why
    text = column.str.strip_chars()
    minutes = _all_minutes(text.str.extract(_OFFSET, 1))
    known = minutes.filter(column.is_not_null()).unique().sort().to_list()
    if len(known) > 2 or known[-1] - known[0] > 60:
        return why
    naive = parse(_bare(text).alias(column.name))
    if not isinstance(naive, pl.Series):
        return why
    utc = naive.to_physical() - 60_000_000 * minutes  # null where there is no stamp
    return utc.cast(pl.Datetime("us", "UTC")).alias(column.name)


def offsets_in(column: pl.Series) -> list[str]:
    """The offsets that text stamps are written with, from west to east: "+01:00", "+02:00"."""
    marks = column.cast(pl.String).str.strip_chars().str.extract(_OFFSET, 1).drop_nulls().unique().to_list()
    return [offset_words(minutes) for minutes in sorted({*map(_minutes, marks)})]


def offset_words(minutes: int) -> str:
    """An offset as it is written.

    >>> offset_words(-210)
    '-03:30'
    """
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def _all_minutes(offsets: pl.Series) -> pl.Series:
    """Minutes ahead of UTC, 99,999 where there is no offset."""
    kinds = {mark: _minutes(mark) for mark in offsets.drop_nulls().unique()}
    return offsets.replace_strict(kinds, return_dtype=pl.Int64).fill_null(99_999)


def _minutes(mark: str) -> int:
    if mark in ("Z", "z", "UTC"):
        return 0
    digits = mark[1:].replace(":", "").ljust(4, "0")
    return (1 if mark[0] == "+" else -1) * (60 * int(digits[:2]) + int(digits[2:]))


def zone_words(zone: str | None) -> str:
    """A zone as a reader knows it: "no time zone", "UTC", "UTC+09:00", "Europe/Berlin"."""
    if zone is None:
        return "no time zone"
    fixed = re.fullmatch(r"Etc/GMT([+-])(\d+)", zone)  # whose sign is the other way round
    return f"UTC{'-' if fixed[1] == '+' else '+'}{int(fixed[2]):02d}:00" if fixed else zone
