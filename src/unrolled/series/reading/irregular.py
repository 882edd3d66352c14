"""What to say about time stamps that lie on no regular grid: where they break it, and which grid is near."""

import numpy as np
import polars as pl

from unrolled.errors import DataError
from unrolled.series.reading.columns import is_text
from unrolled.series.reading.frequency import Frequency
from unrolled.series.reading.rows import Rows
from unrolled.series.reading.stamps import offsets_in
from unrolled.series.words import refuse, shown

_DAY = 86_400_000_000  # microseconds


def irregular(rows: Rows, unique: pl.Series) -> DataError:
    name = shown(unique.name)
    if len(unique) < 2:
        return refuse(
            f"column {name} has one time stamp only ({unique[0]}), which shows no step; give more rows, or name "
            "it with --frequency"
        )
    physical = (
        unique.cast(pl.Datetime("us")).to_physical().to_numpy()
        if unique.dtype == pl.Date
        else unique.to_physical().to_numpy()
    )
    steps = np.diff(physical)
    kinds, counts = np.unique(steps, return_counts=True)
    usual = int(kinds[counts.argmax()])
    odd = int((steps % usual != 0).argmax())
    assert rows.stamps is not None
    a, b = (rows.where(int((rows.stamps == unique[odd + i]).arg_max() or 0)) for i in (0, 1))
    if unique.dtype.is_integer():
        return refuse(
            f"irregular steps in column {name}: mostly {usual}, but {steps[odd]} from {a} to {b}; give regular "
            "numbers, or leave --time out"
        )
    offsets = offsets_in(rows.frame[unique.name]) if is_text(rows.frame[unique.name]) else []
    if len(offsets) > 1 and usual >= _DAY:
        return refuse(
            f"irregular steps in column {name}: mostly {_length(usual)}, but {_length(int(steps[odd]))} from {a} to "
            f"{b}, as the offset is {' or '.join(offsets)}; for steps of days or longer write the stamps without it"
        )
    grid = str(_nearby(usual))
    share = counts.max() / len(steps)
    mostly = f"mostly {_length(usual)}" if share >= 0.5 else f"most often {_length(usual)} ({share:.0%})"
    return refuse(
        f"irregular steps in column {name}: {mostly}, but {_length(int(steps[odd]))} from {a} to {b}; put the "
        "rows on a grid with "
        f"--frequency {grid} --fill forward, or take them one by one with --frequency row"
    )


def _nearby(length: int) -> Frequency:
    """A round frequency near a step of ``length`` microseconds, to suggest."""
    for text in (
        "1y",
        "3mo",
        "1mo",
        "1w",
        "1d",
        "12h",
        "6h",
        "3h",
        "1h",
        "30m",
        "15m",
        "10m",
        "5m",
        "1m",
        "30s",
        "10s",
        "5s",
        "1s",
    ):
        frequency = Frequency.parse(text)
        days = {"y": 365, "mo": 28, "w": 7, "d": 1, "h": 1 / 24, "m": 1 / 1440, "s": 1 / 86400}[
            frequency.unit
        ] * frequency.count
        if length >= 0.9 * days * 86_400_000_000:
            return frequency
    return Frequency(1, "s" if length >= 1_000_000 else "ms" if length >= 1_000 else "us")


def _length(microseconds: int) -> str:
    for unit, size in (("day", 86_400_000_000), ("hour", 3_600_000_000), ("minute", 60_000_000), ("second", 1_000_000)):
        if microseconds >= size:
            return f"{microseconds / size:.4g} {unit}" + ("" if microseconds == size else "s")
    return f"{microseconds} microseconds"
