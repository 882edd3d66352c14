"""How far apart the rows of a table are: a step of the clock or of the calendar, and the grid that it spans.

Grid position p of a frequency with the step Δ and the origin o is the time stamp o + p Δ; for months and years Δ is a
calendar step.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from unrolled.errors import DataError, SettingsError, nearest

OFF_GRID = np.iinfo(np.int64).min
"""What `Frequency.positions` gives for a time stamp that lies between two steps."""

_DAY = 86_400_000_000  # microseconds
_LENGTH = {
    "us": 1,
    "ms": 1_000,
    "s": 1_000_000,
    "m": 60_000_000,
    "h": 3_600_000_000,
    "d": _DAY,
    "w": 7 * _DAY,
}
_MONTHS = {"mo": 1, "y": 12}
_SUBDAILY = ("us", "ms", "s", "m", "h")
_ALIASES = {  # ours, then pandas'; (count, unit, at month ends)
    "row": (1, "row", False), "us": (1, "us", False), "ms": (1, "ms", False), "s": (1, "s", False),
    "m": (1, "m", False), "h": (1, "h", False), "d": (1, "d", False), "bd": (1, "bd", False),
    "w": (1, "w", False), "mo": (1, "mo", False), "me": (1, "mo", True), "q": (3, "mo", False),
    "qe": (3, "mo", True), "y": (1, "y", False), "ye": (1, "y", True),
    "rows": (1, "row", False), "U": (1, "us", False), "L": (1, "ms", False), "S": (1, "s", False),
    "min": (1, "m", False), "T": (1, "m", False), "H": (1, "h", False), "D": (1, "d", False),
    "B": (1, "bd", False), "b": (1, "bd", False), "W": (1, "w", False), "M": (1, "mo", False),
    "MS": (1, "mo", False), "ME": (1, "mo", True), "Q": (3, "mo", False), "QS": (3, "mo", False),
    "QE": (3, "mo", True), "Y": (1, "y", False), "YS": (1, "y", False), "YE": (1, "y", True),
    "A": (1, "y", False), "AS": (1, "y", False),
    "minutely": (1, "m", False), "hourly": (1, "h", False), "daily": (1, "d", False), "weekly": (1, "w", False),
    "monthly": (1, "mo", False), "quarterly": (3, "mo", False), "yearly": (1, "y", False), "sec": (1, "s", False),
    "second": (1, "s", False), "minute": (1, "m", False), "hour": (1, "h", False), "day": (1, "d", False),
    "week": (1, "w", False), "month": (1, "mo", False), "quarter": (3, "mo", False), "year": (1, "y", False),
}  # fmt: skip
_ONE = {
    "row": "row by row",
    "us": "every microsecond",
    "ms": "every millisecond",
    "s": "every second",
    "m": "every minute",
    "h": "hourly",
    "d": "daily",
    "bd": "every business day",
    "w": "weekly",
    "mo": "monthly",
    "y": "yearly",
}
_MANY = {
    "row": "rows",
    "us": "microseconds",
    "ms": "milliseconds",
    "s": "seconds",
    "m": "minutes",
    "h": "hours",
    "d": "days",
    "bd": "business days",
    "w": "weeks",
    "mo": "months",
    "y": "years",
}
_OFFERED = ["15m", "1h", "1d", "1bd", "1w", "1mo", "1q", "1y", "row"]

Stamp = datetime | date | int


@dataclass(frozen=True)
class Frequency:
    """The step between two rows: ``count`` times ``unit``.

    Units: ``row`` (an integer index), ``us ms s m h d w`` (fixed lengths), ``bd`` (Monday to Friday), ``mo`` and
    ``y`` (calendar). Clock steps (up to hours) are counted in UTC; days and longer on the calendar of the stamps' own
    zone, so that a day stays a day when the clocks change. ``end`` anchors months and years at month ends (31
    January, 28 February, …).

    >>> str(Frequency.parse("15min")), Frequency.parse("H").words, Frequency.parse("1h").season
    ('15m', 'hourly', 24)
    """

    count: int
    unit: str
    end: bool = False

    def __post_init__(self):
        if self.unit not in _ONE:
            raise SettingsError(f"unit {self.unit!r} of a frequency is unknown{nearest(self.unit, _ONE)}")
        if self.count < 1:
            raise SettingsError(f"a frequency counts at least 1 {self.unit}, got {self.count}")
        if self.end and self.unit not in _MONTHS:
            raise SettingsError(f"only months and years can be anchored at month ends, not {self.unit!r}")

    @classmethod
    def parse(cls, text: str) -> "Frequency":
        """The frequency that ``text`` names: "1h", "15m", "1q", "row", or one of pandas' aliases ("D", "MS", "min").

        Errors: `SettingsError` for an unknown unit, with the nearest ones, or a count that isn't between 1 and a
        million.
        """
        found = re.fullmatch(r"\s*(\d{0,18})\s*([A-Za-z]+)(?:-[A-Za-z]{3})?\s*", str(text), flags=re.ASCII)
        name = found[2] if found else ""
        alias = _ALIASES.get(name) or _ALIASES.get(name.lower())
        if found is None or alias is None:
            shown = " ".join(str(text).split())[:40]
            raise SettingsError(f"--frequency {shown!r} is unknown{nearest(shown, _OFFERED)}; say a step like 1h or 1d")
        count, (times, unit, end) = int(found[1] or 1), alias
        if not 1 <= count <= 1_000_000:
            raise SettingsError(f"--frequency {count}{name}: the count has to lie between 1 and 1,000,000")
        if unit in _LENGTH:
            return _fixed(count * times * _LENGTH[unit])
        return (
            cls(count * times, unit, end) if unit != "mo" or count * times % 12 else cls(count * times // 12, "y", end)
        )

    def __str__(self) -> str:
        unit = {"mo": "me", "y": "ye"}[self.unit] if self.end else self.unit
        return unit if unit == "row" and self.count == 1 else f"{self.count}{unit}"

    @property
    def words(self) -> str:
        """The frequency as it is read aloud: "hourly", "every 15 minutes", "quarterly, at month ends"."""
        if (self.count, self.unit) == (3, "mo"):
            said = "quarterly"
        else:
            said = _ONE[self.unit] if self.count == 1 else f"every {self.count:,} {_MANY[self.unit]}"
        return f"{said}, at month ends" if self.end else said

    @property
    def season(self) -> int:
        """The usual seasonal period in steps: a day of clock steps, a week of days, a year of weeks or months; 1 if
        there is none.
        """
        cycle = {"d": 7, "bd": 5, "w": 52, "mo": 12}.get(self.unit, 1)
        if self.unit in _SUBDAILY:
            cycle = _DAY // _LENGTH[self.unit]
        return cycle // self.count if cycle % self.count == 0 else 1

    @property
    def subdaily(self) -> bool:
        """Whether the step is shorter than a day, so that a date alone can't say it."""
        return self.unit in _SUBDAILY

    def positions(self, stamps: pl.Series, origin: Stamp) -> np.ndarray:
        """The grid position of each stamp, exactly, as int64; `OFF_GRID` (a negative number) where a stamp lies
        between two steps.

        ``stamps`` (no nulls) and ``origin`` are of one kind: integers, dates, or date-times both with or both without
        a zone. Stamps before the origin have negative positions.
        """
        if self.unit == "row":
            return _whole(stamps.cast(pl.Int64).to_numpy() - int(origin), self.count)  # type: ignore[arg-type]
        if (_zone(stamps.dtype) is None) != (not isinstance(origin, datetime) or origin.tzinfo is None):
            raise DataError(
                f"mixed time zones: the grid begins at {origin}, and {stamps.name or 'the time stamps'!r} has "
                f"{'no zone' if _zone(stamps.dtype) is None else 'a zone'}; give both with a zone, or both without"
            )
        clock = _clock(stamps, local=not self.subdaily)
        start = _origin_clock(origin, _zone(stamps.dtype), local=not self.subdaily)
        if self.unit in _LENGTH:
            return _whole(clock - start, self.count * _LENGTH[self.unit])
        days, times = np.divmod(clock, _DAY)
        start_day, start_time = divmod(start, _DAY)
        if self.unit == "bd":
            places, weekday = _business(days)
            (first,), _ = _business(np.array([start_day]))
            return np.where((weekday < 5) & (times == start_time), _whole(places - first, self.count), OFF_GRID)
        months, day, length = _months(days)
        (first,), (start_of_month,), _ = _months(np.array([start_day]))
        anchor = length if self.end else np.minimum(start_of_month, length)
        steps = _whole(months - first, self.count * _MONTHS[self.unit])
        return np.where((day == anchor) & (times == start_time), steps, OFF_GRID)

    def stamps(self, origin: Stamp, first: int, count: int) -> pl.Series:
        """The stamps of the positions first … first + count - 1: integers, dates, or date-times in the origin's zone.

        A month that is too short gives its last day (31 January, 28 February, 31 March). Errors: `SettingsError` past
        the year 9999.
        """
        if self.unit != "row":
            self._refuse_far(origin, max(abs(first), abs(first + count)), count)
        return self._at(origin, np.arange(first, first + count, dtype=np.int64))

    def at(self, origin: Stamp, places: np.ndarray) -> pl.Series:
        """The stamps of the positions ``places`` (n,), in any order: of all series at once. As :meth:`stamps`."""
        if self.unit != "row":
            self._refuse_far(origin, int(np.abs(places).max(initial=0)), len(places))
        return self._at(origin, places)

    def _refuse_far(self, origin: Stamp, furthest: int, count: int) -> None:
        reach = 32 * _DAY * _MONTHS[self.unit] if self.unit in _MONTHS else _LENGTH.get(self.unit, 2 * _DAY)
        if furthest * self.count * reach > 9_000 * 366 * _DAY:
            raise SettingsError(f"{count:,} steps of {self} from {origin} leave the years that a calendar can show")

    def _at(self, origin: Stamp, places: np.ndarray) -> pl.Series:
        if self.unit == "row":
            return pl.Series("", int(origin) + places * self.count, dtype=pl.Int64)  # type: ignore[arg-type]
        zone = _name_of_zone(origin)
        start = _origin_clock(origin, zone, local=not self.subdaily)
        if self.unit in _LENGTH:
            clock = start + places * (self.count * _LENGTH[self.unit])
        else:
            day, time = divmod(start, _DAY)
            if self.unit == "bd":
                (place,), _ = _business(np.array([day]))
                weeks, weekday = np.divmod(place + places * self.count, 5)
                days = weeks * 7 + weekday - 3  # 1 January 1970 was a Thursday
            else:
                (month,), (start_of_month,), _ = _months(np.array([day]))
                months = month + places * (self.count * _MONTHS[self.unit])
                firsts = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
                length = (months + 1).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) - firsts
                days = firsts + (length if self.end else np.minimum(start_of_month, length)) - 1
            clock = days * _DAY + time
        if len(clock) and clock.max() > _LAST:
            raise SettingsError(f"{len(clock):,} steps of {self} from {origin} run past the year 9999")
        return _from_clock(clock, origin, zone, local=not self.subdaily)


def infer(stamps: pl.Series) -> Frequency | None:
    """The frequency of sorted, unique stamps: the most common step, if all other steps are whole multiples of it,
    else None.

    Gaps are therefore allowed. Steps of a month or more on one day of the month (or on month ends) are months or years;
    days without a single Saturday or Sunday are business days.
    """
    if len(stamps) < 2:
        return None
    if stamps.dtype.is_integer():
        step = _common(np.diff(stamps.cast(pl.Int64).to_numpy()))
        return None if step is None else Frequency(step, "row")
    clock = _clock(stamps, local=True)
    days, times = np.divmod(clock, _DAY)
    if (times == times[0]).all() and (days[1:] > days[:-1]).all():
        if np.diff(days).min() >= 28 and (monthly := _infer_months(days)):
            return monthly
        step = _common(np.diff(days))
        places, weekday = _business(days)
        if weekday.max() < 5 and ((step == 1 and days[-1] - days[0] >= len(days)) or step is None):
            business = _common(np.diff(places))
            if business is not None:
                return Frequency(business, "bd")
        if step is not None:
            return Frequency(step // 7, "w") if step % 7 == 0 else Frequency(step, "d")
    step = _common(np.diff(_clock(stamps, local=False)))
    return None if step is None else _fixed(step)


def at_month_ends(stamps: pl.Series) -> bool:
    """Whether every stamp is the last day of its month."""
    _, day, length = _months(_clock(stamps, local=True) // _DAY)
    return bool((day == length).all())


_LAST = (datetime(9999, 12, 31) - datetime(1970, 1, 1)) // timedelta(microseconds=1)


def _fixed(length: int) -> Frequency:
    """The frequency of a step of ``length`` microseconds, in the largest unit that divides it."""
    unit = next(unit for unit in reversed(_LENGTH) if length % _LENGTH[unit] == 0)
    return Frequency(length // _LENGTH[unit], unit)


def _common(steps: np.ndarray) -> int | None:
    """The most common step (the smallest of equally common ones) if it divides all of them."""
    kinds, counts = np.unique(steps, return_counts=True)
    step = int(kinds[counts.argmax()])
    return step if step > 0 and not (kinds % step).any() else None


def _whole(distance: np.ndarray, step: int) -> np.ndarray:
    places, rest = np.divmod(distance, step)
    places[rest != 0] = OFF_GRID
    return places


def _infer_months(days: np.ndarray) -> Frequency | None:
    months, day, length = _months(days)
    end = bool((day == length).all())
    step = _common(np.diff(months)) if end or (day == day[0]).all() else None
    if step is None:
        return None
    return Frequency(step // 12, "y", end) if step % 12 == 0 else Frequency(step, "mo", end)


def _months(days: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each day since 1970: months since then, the day of the month from 1, and the length of that month."""
    month = days.astype("datetime64[D]").astype("datetime64[M]")
    first = month.astype("datetime64[D]").astype(np.int64)
    length = (month + 1).astype("datetime64[D]").astype(np.int64) - first
    return month.astype(np.int64), days - first + 1, length


def _business(days: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of each day since 1970: how many business days lie before it, and its weekday (Monday is 0)."""
    weeks, weekday = np.divmod(days + 3, 7)
    return weeks * 5 + np.minimum(weekday, 5), weekday


def _zone(dtype: pl.DataType) -> str | None:
    return dtype.time_zone if isinstance(dtype, pl.Datetime) else None


def _name_of_zone(origin: Stamp) -> str | None:
    if not isinstance(origin, datetime) or origin.tzinfo is None:
        return None
    return origin.tzinfo.key if isinstance(origin.tzinfo, ZoneInfo) else "UTC"


def _clock(stamps: pl.Series, local: bool) -> np.ndarray:
    """Microseconds since 1970, in UTC or, with ``local``, on the wall clock of the stamps' zone."""
    if local and _zone(stamps.dtype):
        stamps = stamps.dt.replace_time_zone(None)
    return stamps.cast(pl.Datetime("us", _zone(stamps.dtype))).to_physical().to_numpy()


def _origin_clock(origin: Stamp, zone: str | None, local: bool) -> int:
    if not isinstance(origin, datetime):
        assert isinstance(origin, date)
        origin = datetime(origin.year, origin.month, origin.day)
    if origin.tzinfo is not None:
        wall = local and zone is not None
        origin = origin.astimezone(ZoneInfo(zone) if wall and zone else UTC).replace(tzinfo=None)
    return (origin - datetime(1970, 1, 1)) // timedelta(microseconds=1)


def _from_clock(clock: np.ndarray, origin: Stamp, zone: str | None, local: bool) -> pl.Series:
    stamps = pl.Series("", clock, dtype=pl.Int64).cast(pl.Datetime("us"))
    if zone is None:
        return stamps if isinstance(origin, datetime) else stamps.cast(pl.Date)
    if not local:
        return stamps.dt.replace_time_zone("UTC").dt.convert_time_zone(zone)
    there = stamps.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    if there.null_count():  # a clock that jumps over this hour: the day begins an hour later
        later = (stamps + timedelta(hours=1)).dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
        there = there.fill_null(later)
    return there
