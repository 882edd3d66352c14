"""A panel: one or many series on one regular grid, behind each other in one array, ready to be split and windowed.

Dimensions: rows (grid steps of all series, series by series), channel (target first, then covariates), series.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from unrolled.errors import SettingsError, nearest
from unrolled.series.columns import check_roles, find_time, numbers, series_of
from unrolled.series.covariates import choose
from unrolled.series.fill import FILLS, fill_gaps
from unrolled.series.frequency import Frequency, Stamp
from unrolled.series.grid import Grid, lay, refuse_far, time_note
from unrolled.series.rows import Rows, refuse_twins, without_empty_rows
from unrolled.series.starts import common_starts, last_before
from unrolled.series.words import counted, foreign, listed, refuse, shown

_FILLED = {
    "forward": "filled with the last value before",
    "linear": "filled by straight lines where training data lie on both sides, else with the last value before",
    "none": "left missing",
}


@dataclass(frozen=True, eq=False)
class Panel:
    """Series on a regular grid.

    ``values`` (rows, 1 + covariates) is float64 and C-contiguous, channel 0 the target, NaN where nothing was
    observed; gaps between time stamps are rows of NaN. Series i has the rows ``offsets[i]`` to ``offsets[i + 1]``,
    the first at grid position ``starts[i]``. ``origin`` is the stamp at position 0: the earliest of the table (0
    without stamps). ``dtype`` is the type that stamps come back as.

    A series begins where every channel has had a value and the target has one; a covariate that is missing in that row
    stands there with its last value before it.
    """

    target: str
    time: str | None
    series: str | None
    past: tuple[str, ...]
    frequency: Frequency
    origin: Stamp
    names: tuple[str, ...]
    offsets: np.ndarray
    starts: np.ndarray
    values: np.ndarray
    fill: str
    notes: tuple[str, ...] = ()
    dtype: pl.DataType | None = None

    @property
    def channels(self) -> tuple[str, ...]:
        """The names of the columns of ``values``."""
        return (self.target, *self.past)

    def stamps(self, series_index: int, first: int, count: int) -> pl.Series:
        """The stamps of rows first … first + count - 1 of a series, counted from its own first row; rows after its
        last are the future.
        """
        stamps = self.frequency.stamps(self.origin, int(self.starts[series_index]) + first, count)
        with foreign(
            f"{count:,} stamps from {stamps[0] if count else self.origin}"
        ):  # nanoseconds end in the year 2262
            return (stamps if self.dtype is None else stamps.cast(self.dtype)).rename(self.time or "")

    def fingerprint(self) -> str:
        """``sha256:`` and the digest of names, channels, frequency, origin, starts and values; equal data have equal
        ones.
        """
        about = [
            self.names,
            self.channels,
            str(self.frequency),
            str(self.origin),
            self.starts.tolist(),
            self.offsets.tolist(),
        ]
        digest = hashlib.sha256(json.dumps(about).encode())
        digest.update(np.ascontiguousarray(self.values).data)
        return f"sha256:{digest.hexdigest()}"


def prepare(
    frame: pl.DataFrame,
    *,
    target: str,
    time: str | None = None,
    series: str | None = None,
    only: Sequence[str] | None = None,
    target_only: bool = False,
    frequency: Frequency | str | None = None,
    fill: str | None = None,
    past: Sequence[str] | None = None,
    constant: bool = False,
) -> Panel:
    """The panel that a table makes: time column and frequency found, rows sorted and on their grid, inputs chosen;
    all of it said in ``notes``.

    ``time`` None: the first column of dates or times; without one the rows count from 0. ``only``: some of the
    ``series``. ``past`` None: all other numeric columns but those that can't help; else exactly these;
    ``target_only``: none. ``fill`` says what stands for missing values and gaps ("forward", "linear", "none"); None
    refuses them. ``constant`` lets a target pass that never changes, as the last rows of a table may be. Rows at the
    start of a series, before every channel has had a value, are cut off.

    Errors: `DataError` for a table that can't be used, `SettingsError` for options that contradict; each in one line.
    """
    if fill is not None and fill not in FILLS:
        raise SettingsError(f"--fill {shown(fill)} is unknown{nearest(str(fill), FILLS)}")
    if only is not None and series is None:
        raise SettingsError(
            f"--only {' '.join([only] if isinstance(only, str) else only)} needs --series, the column that "
            "names the series"
        )
    if target_only and past:
        raise SettingsError(
            f"--only-target takes no inputs, and {listed(past)} are named as inputs; leave one of the two out"
        )
    step = Frequency.parse(frequency) if isinstance(frequency, str) else frequency
    only = (only,) if isinstance(only, str) else only
    past = () if target_only else None if past is None else tuple(past)
    with foreign("this table can't be prepared"):
        return _prepared(frame, target, time, series, only, step, fill, past, constant)


def _prepared(
    frame: pl.DataFrame,
    target: str,
    time: str | None,
    series: str | None,
    only: Sequence[str] | None,
    step: Frequency | None,
    fill: str | None,
    past: tuple[str, ...] | None,
    constant: bool,
) -> Panel:
    check_roles(frame, target, time, series, past)
    if frame.height == 0:
        raise refuse("the table has no rows")
    stamps, others = find_time(frame, time, {target, *([series] if series else []), *(past or ())})
    rows, notes = without_empty_rows(Rows(frame, None, None, stamps))
    names: tuple[str, ...] = ("",)
    if series is not None:
        names, codes, kept = series_of(frame, series, only, rows.at)
        rows = rows if kept is None else rows.take(kept)
        rows.codes = codes
    numbers(frame, target, rows.at)  # a target that is no number is refused before anything about its time
    timed = rows.stamps
    rows, grid, said = lay(rows, step, names, target)
    if timed is None:
        notes.insert(0, "No column of time stamps: the rows count as steps, in their order.")
    elif rows.stamps is not None:
        notes.insert(0, time_note(grid, timed, others))
    notes += said
    if series is not None:
        notes.append(f"Series: {len(names):,} in column {shown(series)}: {listed(names)}.")
    return _placed(rows, grid, names, target, series, past, fill, constant, notes)


def _placed(
    rows: Rows,
    grid: Grid,
    names: tuple[str, ...],
    target: str,
    series: str | None,
    past: tuple[str, ...] | None,
    fill: str | None,
    constant: bool,
    notes: list[str],
) -> Panel:
    count, positions, codes = len(names), grid.positions, rows.codes
    begins, ends = _bounds(positions, codes, count)
    refuse_far(rows, grid, int((ends - begins + 1).sum()))
    if rows.stamps is not None:
        refuse_twins(rows, _cells(positions, codes, begins, ends), names, target)
    notes += _sorting(rows, _cells(positions, codes, begins, ends))
    if past is None:
        starts = common_starts(rows, positions, (target,), begins, ends, names)
        taken = {target, *([series] if series else []), *([rows.stamps.name] if rows.stamps is not None else [])}
        past, said = choose(rows, positions, starts, ends, taken)
        notes += said
    channels = (target, *past)
    starts = common_starts(rows, positions, channels, begins, ends, names)
    notes.append(
        f"Inputs beside {shown(target)}: {listed(past, most=20)}."
        if past
        else f"The only input is {shown(target)} itself."
    )
    early = positions < (starts[0] if codes is None else starts[codes])
    known = None
    if early.any():
        known = last_before(rows, positions, starts, channels, early)
        rows, positions = rows.take(np.flatnonzero(~early)), positions[~early]
        cut = counted(int(early.sum()), "row")
        notes.append(f"{cut} cut off at the start, where a column has no value yet.")
    lengths = ends - starts + 1
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    cells = _cells(positions, rows.codes, starts, ends)
    values = _filled_in(rows, cells, channels, int(offsets[-1]))
    if known is not None:
        first = values[offsets[:-1]]
        values[offsets[:-1]] = np.where(np.isnan(first), known, first)
    if not constant:
        _refuse_constant(values[:, 0], target)
    notes += _missing(values, channels, cells, fill)
    return Panel(
        target=target,
        time=None if rows.stamps is None else rows.stamps.name,
        series=series,
        past=past,
        frequency=grid.frequency,
        origin=grid.origin,
        names=names,
        offsets=offsets,
        starts=starts,
        values=values,
        fill=fill or "none",
        notes=tuple(notes),
        dtype=_own_type(rows, grid.dtype),
    )


def _own_type(rows: Rows, dtype: pl.DataType) -> pl.DataType:
    """The type of stamps on the grid, in the unit that the table's own column has."""
    own = None if rows.stamps is None else rows.frame[rows.stamps.name].dtype
    if isinstance(own, pl.Datetime) and isinstance(dtype, pl.Datetime):
        return pl.Datetime(own.time_unit, dtype.time_zone)
    return dtype


def _bounds(positions: np.ndarray, codes: np.ndarray | None, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The first and last position of each series."""
    if codes is None:
        return positions.min(keepdims=True), positions.max(keepdims=True)
    begins, ends = np.full(count, np.iinfo(np.int64).max), np.full(count, np.iinfo(np.int64).min)
    np.minimum.at(begins, codes, positions)
    np.maximum.at(ends, codes, positions)
    return begins, ends


def _cells(positions: np.ndarray, codes: np.ndarray | None, begins: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """The row of ``values`` that each row of the table goes to."""
    if codes is None:
        return positions - begins[0] if begins[0] else positions
    shift = np.concatenate([[0], np.cumsum(ends - begins + 1)[:-1]]) - begins
    return positions + shift[codes]


def _sorting(rows: Rows, cells: np.ndarray) -> list[str]:
    ordered = cells if rows.codes is None else cells[np.argsort(rows.codes, kind="stable")]
    late = int((ordered < np.maximum.accumulate(ordered)).sum())
    return [f"Sorted by time: {counted(late, 'row')} stood after a later one."] if late else []


def _filled_in(rows: Rows, cells: np.ndarray, channels: tuple[str, ...], steps: int) -> np.ndarray:
    whole = len(cells) == steps and bool((np.diff(cells) == 1).all())
    values = np.empty((steps, len(channels))) if whole else np.full((steps, len(channels)), np.nan)
    for channel, name in enumerate(channels):
        column = numbers(rows.frame, name, rows.at)
        if whole:
            values[:, channel] = column
        else:
            values[cells, channel] = column
    return values


def _refuse_constant(target: np.ndarray, name: str) -> None:
    low, high = np.nanmin(target), np.nanmax(target)
    if low == high:
        raise refuse(f"the target {shown(name)} is constant: it is {low:g} in every row; choose a column that changes")


def _missing(values: np.ndarray, channels: tuple[str, ...], cells: np.ndarray, fill: str | None) -> list[str]:
    """Notes on gaps and missing values. Raises `DataError` where there are some and no ``fill`` is given."""
    gaps = len(values) - len(cells)
    counts = [int(np.isnan(values[:, channel]).sum()) - gaps for channel in range(len(channels))]
    parts = [f"{shown(name)} in {counted(count, 'row')}" for name, count in zip(channels, counts, strict=True) if count]
    if not gaps and not parts:
        return []
    if fill is None:
        found = ["missing values: " + ", ".join(parts)] if parts else []
        found += [f"{counted(gaps, 'time step')} missing between rows"] if gaps else []
        fewer = "" if gaps or counts[0] else ", or leave the other columns out with --only-target"
        options = "--fill forward, --fill linear or --fill none"
        raise refuse(f"{'; '.join(found)}; say what stands for them: {options}{fewer}")
    notes = []
    if gaps:
        longest = int(np.diff(np.sort(cells)).max()) - 1
        notes.append(
            f"Gaps: {gaps:,} of {len(values):,} time steps have no row, at most {longest:,} in a row; {_FILLED[fill]}."
        )
    if parts:
        notes.append(f"Missing values: {', '.join(parts)}; {_FILLED[fill]}.")
    if gaps or counts[0]:
        notes.append(f"Forecasts are never scored where {shown(channels[0])} itself was missing.")
    return notes


def filled(panel: Panel, until: int) -> np.ndarray:
    """The panel's values with its fill applied, (rows, channel); the panel's own array where there is nothing to fill.

    ``until`` is a grid position: "linear" draws lines only through gaps that end before it. See `fill_gaps`.
    """
    return fill_gaps(panel.values, panel.offsets, panel.starts, panel.fill, until)
