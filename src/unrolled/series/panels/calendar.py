"""What the calendar says of a time stamp, as points on circles: 23 o'clock is next to midnight, December to January."""

import numpy as np
import polars as pl

from unrolled.errors import SettingsError
from unrolled.series.reading.frequency import Frequency, Stamp
from unrolled.series.words import shown

_CYCLES = {"d": ("weekday", "yearday"), "bd": ("weekday", "yearday"), "w": ("yearday",), "mo": ("month",)}
_WORDS = {"hour": "hour of the day", "weekday": "weekday", "yearday": "day of the year", "month": "month"}


def calendar_cycles(frequency: Frequency) -> tuple[str, ...]:
    """The cycles that a step of this length moves in: sub-daily steps in the day, the week and the year, …

    >>> calendar_cycles(Frequency.parse("15m")), calendar_cycles(Frequency.parse("1q"))
    (('hour', 'weekday', 'yearday'), ('month',))
    """
    return ("hour", "weekday", "yearday") if frequency.subdaily else _CYCLES.get(frequency.unit, ())


def calendar_names(frequency: Frequency) -> tuple[str, ...]:
    """The names of the columns of `calendar_features`: "hour_sin", "hour_cos", "weekday_sin", …"""
    return tuple(f"{cycle}_{part}" for cycle in calendar_cycles(frequency) for part in ("sin", "cos"))


def calendar_words(frequency: Frequency) -> str:
    """The cycles as they are read aloud: "hour of the day, weekday, day of the year"."""
    return ", ".join(_WORDS[cycle] for cycle in calendar_cycles(frequency))


def check_calendar(stamps: pl.Series | None) -> None:
    """Refuse rows without dates or times. Errors: `SettingsError`."""
    if stamps is None or not isinstance(stamps.dtype, pl.Date | pl.Datetime):
        came = "the rows are only counted" if stamps is None else f"column {shown(stamps.name)} holds whole numbers"
        raise SettingsError(
            f"--calendar needs dates or times, and {came}; name their column with --time, or leave --calendar out"
        )


def calendar_features(stamps: pl.Series, frequency: Frequency) -> np.ndarray:
    """Sine and cosine of 2π p for each cycle of the calendar, p in [0, 1) how far into it a stamp lies, on the wall
    clock of the stamps' own zone; float64 (stamps, names), named by `calendar_names`.

    The hour counts from midnight (with minutes and seconds), the weekday from Monday, the day of the year from
    1 January (of 365 or 366), the month from January. Errors: `SettingsError` for stamps that are no dates or times.

    >>> from datetime import datetime
    >>> calendar_features(pl.Series([datetime(2024, 1, 1, 6)]), Frequency.parse("6h")).round(9).tolist()
    [[1.0, 0.0, 0.0, 1.0, 0.0, 1.0]]
    """
    check_calendar(stamps)
    shares = [_share(stamps, cycle) for cycle in calendar_cycles(frequency)]
    turns = [2 * np.pi * share for share in shares]
    columns = [part(turn) for turn in turns for part in (np.sin, np.cos)]
    return np.stack(columns, axis=1) if columns else np.empty((len(stamps), 0))


def calendar_at(frequency: Frequency, origin: Stamp, positions: np.ndarray) -> np.ndarray:
    """`calendar_features` of grid positions, (…, names); each position that lies in many series is computed once."""
    flat = positions.ravel()
    names = calendar_names(frequency)
    if not len(flat) or not names:
        return np.empty((*positions.shape, len(names)))

    def run(first: int, count: int) -> np.ndarray:
        return calendar_features(frequency.stamps(origin, first, count), frequency)

    first, last = int(flat.min()), int(flat.max())
    if last - first < 2 * len(flat) + 10_000:
        return run(first, last - first + 1)[positions - first]
    places = np.unique(flat)  # series that lie far apart: run by run, and nothing for the time between
    breaks = np.flatnonzero(np.diff(places) > 1) + 1
    runs = [run(int(own[0]), len(own)) for own in np.split(places, breaks)]
    return np.concatenate(runs)[np.searchsorted(places, flat)].reshape(*positions.shape, -1)


def _share(stamps: pl.Series, cycle: str) -> np.ndarray:
    if cycle == "hour":
        wall = stamps.cast(pl.Datetime("us", getattr(stamps.dtype, "time_zone", None))).dt.replace_time_zone(None)
        return np.mod(wall.to_physical().to_numpy(), 86_400_000_000) / 86_400_000_000
    if cycle == "weekday":
        return (stamps.dt.weekday().to_numpy() - 1) / 7
    if cycle == "month":
        return (stamps.dt.month().to_numpy() - 1) / 12
    return (stamps.dt.ordinal_day().to_numpy() - 1) / np.where(stamps.dt.is_leap_year().to_numpy(), 366, 365)
