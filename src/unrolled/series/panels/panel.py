"""A panel: one or many series on one regular grid, behind each other in one array, ready to be split and windowed.

Dimensions: rows (grid steps of all series, series by series), channel (targets first, then past and known covariates),
series, steps (after the last row of a series).
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from unrolled.errors import SettingsError, nearest
from unrolled.series.panels.ahead import known_ahead
from unrolled.series.panels.angles import like_an_angle
from unrolled.series.panels.calendar import calendar_at, check_calendar
from unrolled.series.panels.covariates import choose
from unrolled.series.panels.fill import FILLS, fill_gaps
from unrolled.series.panels.inputs import Inputs, Names, refuse_same_names, several
from unrolled.series.panels.later import split_off, told_later
from unrolled.series.panels.missing import missing_notes, refuse_constant
from unrolled.series.panels.notes import ahead_note, input_notes, sorting_notes
from unrolled.series.panels.place import bounds, carry_in, cells_of, layout, placed, with_gaps
from unrolled.series.panels.starts import common_starts
from unrolled.series.panels.static import static_of
from unrolled.series.panels.wide import SERIES, VALUE, check_wide, melted
from unrolled.series.reading.columns import check_roles, find_time, numbers, series_of
from unrolled.series.reading.frequency import Frequency, Stamp
from unrolled.series.reading.grid import Grid, lay, offsets_note, refuse_far, time_note
from unrolled.series.reading.rows import Rows, refuse_twins, without_empty_rows
from unrolled.series.words import counted, foreign, listed, refuse, shown

_CHUNK = 1_000_000  # rows for which the calendar is computed at once, to hold no second copy of its channels


def _none() -> np.ndarray:
    return np.empty((0, 0))


@dataclass(frozen=True, eq=False)
class Panel:
    """Series on a regular grid.

    ``values`` (rows, channel) is float64 and C-contiguous, its channels the ``targets``, then ``past`` (known up to
    the present), then ``known`` (also ahead of it); NaN where nothing was observed, and gaps between time stamps are
    rows of NaN. Series i has the rows ``offsets[i]`` to ``offsets[i + 1]``, the first at grid position ``starts[i]``.
    ``origin`` is the stamp at position 0: the earliest of the table (0 without stamps). ``dtype`` is the type that
    stamps come back as.

    ``later`` is what the table says of future covariates after the last row of each series: of series i the rows
    ``later_offsets[i]`` to ``later_offsets[i + 1]``, step by step; ``known_ahead`` adds the calendar. ``static_values``
    (series, len(static)) holds one row a series. ``inputs`` are the table's own columns that the channels come from.

    A series begins where every channel has had a value and a target has one; what is missing in that row stands there
    with its last value before it. Series without rows are read for prediction alone, from tables of rows ahead.

    ``units`` (series, channel) are what values are divided by to be as traded at the end of their series: 1, but for
    prices whose share was split (see `splits`).
    """

    targets: tuple[str, ...]
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
    known: tuple[str, ...] = ()
    static: tuple[str, ...] = ()
    static_values: np.ndarray = field(default_factory=_none)
    later: np.ndarray = field(default_factory=_none)
    later_offsets: np.ndarray = field(default_factory=_none)
    inputs: Inputs = field(default_factory=Inputs)
    wide: bool = False
    units: np.ndarray = field(default_factory=_none)

    def __post_init__(self):
        count = len(self.names)
        if not self.units.size:
            object.__setattr__(self, "units", np.ones((count, len(self.channels))))
        if not self.static_values.size:
            object.__setattr__(self, "static_values", np.empty((count, len(self.static))))
        if not self.later_offsets.size:
            object.__setattr__(self, "later_offsets", np.zeros(count + 1, np.int64))

    @property
    def target(self) -> str:
        """The target, or the first of several."""
        return self.targets[0]

    @property
    def channels(self) -> tuple[str, ...]:
        """The names of the columns of ``values``."""
        return (*self.targets, *self.past, *self.known)

    @property
    def ahead(self) -> np.ndarray:
        """What is known of the steps after each series' last row, as far as the table goes: (series, steps, known)."""
        return known_ahead(self, int(np.diff(self.later_offsets).max(initial=0)))

    def as_traded(self, values: np.ndarray) -> np.ndarray:
        """``values`` (rows, channel) of this panel's rows in the unit of each series' last row."""
        if (self.units == 1).all():
            return values
        return values / np.repeat(self.units, np.diff(self.offsets), axis=0)

    def keep(self, which: np.ndarray, why: str | None = None) -> "Panel":
        """The series of ``which`` (series,) bool, and a note on the others: "Left out 2 series {why}: 'a', 'b'."."""
        if which.all():
            return self
        lengths, later = np.diff(self.offsets), np.diff(self.later_offsets)
        left = [name for name, kept in zip(self.names, which, strict=True) if not kept]
        return replace(
            self,
            names=tuple(name for name, kept in zip(self.names, which, strict=True) if kept),
            offsets=np.concatenate([[0], np.cumsum(lengths[which])]),
            starts=self.starts[which],
            values=self.values[np.repeat(which, lengths)],
            static_values=self.static_values[which],
            units=self.units[which],
            later=self.later[np.repeat(which, later)],
            later_offsets=np.concatenate([[0], np.cumsum(later[which])]),
            notes=self.notes if why is None else (*self.notes, f"Left out {len(left):,} series {why}: {listed(left)}."),
        )

    def stamps(self, series_index: int, first: int, count: int) -> pl.Series:
        """The stamps of rows first … first + count - 1 of a series, counted from its own first row; rows after its
        last are the future.
        """
        stamps = self.frequency.stamps(self.origin, int(self.starts[series_index]) + first, count)
        return self._typed(stamps, f"{count:,} stamps from {stamps[0] if count else self.origin}")

    def stamps_of(self, first: np.ndarray, counts: np.ndarray) -> pl.Series:
        """The stamps of rows first … first + counts - 1 of each series, both (series,), series behind series."""
        ends = np.cumsum(counts)
        own = np.arange(int(ends[-1])) - np.repeat(ends - counts, counts)  # 0 … counts - 1 of each series
        stamps = self.frequency.at(self.origin, np.repeat(self.starts + first, counts) + own)
        return self._typed(stamps, f"{len(stamps):,} stamps from {self.origin}")

    def _typed(self, stamps: pl.Series, about: str) -> pl.Series:
        with foreign(about):  # nanoseconds end in the year 2262
            return (stamps if self.dtype is None else stamps.cast(self.dtype)).rename(self.time or "")

    def fingerprint(self) -> str:
        """``sha256:`` and the digest of names, channels by role, frequency, origin, starts, values, and what is static
        or known ahead; equal data have equal ones.
        """
        about = [
            self.names,
            [self.targets, self.past, self.known, self.static],
            str(self.frequency),
            str(self.origin),
            self.starts.tolist(),
            self.offsets.tolist(),
            self.later_offsets.tolist(),
        ]
        digest = hashlib.sha256(json.dumps(about).encode())
        for values in (self.values, self.static_values, self.later):
            digest.update(np.ascontiguousarray(values).data)
        return f"sha256:{digest.hexdigest()}"

    def fingerprint_of(self, target: str) -> str:
        """The same of one target alone: equal wherever the same values are forecast, whatever is read beside them."""
        about = [
            self.names,
            target,
            str(self.frequency),
            str(self.origin),
            self.starts.tolist(),
            self.offsets.tolist(),
        ]
        digest = hashlib.sha256(json.dumps(about).encode())
        digest.update(np.ascontiguousarray(self.values[:, self.targets.index(target)]).data)
        return f"sha256:{digest.hexdigest()}"


def prepare(
    frame: pl.DataFrame,
    *,
    target: Names = None,
    time: str | None = None,
    series: str | None = None,
    only: Names = None,
    target_only: bool = False,
    frequency: Frequency | str | None = None,
    fill: str | None = None,
    past: Names = None,
    future: Names = None,
    static: Names = None,
    angles: Names = None,
    calendar: bool = False,
    wide: bool = False,
    masks: Names = None,
    categories: Mapping[str, Sequence[str]] | None = None,
    constant: bool = False,
) -> Panel:
    """The panel that a table makes: time column and frequency found, rows sorted and on their grid, inputs chosen;
    all of it said in ``notes``.

    ``target`` is one column or several. ``time`` None: the first column of dates or times; without one the rows count
    from 0. ``only``: some of the ``series``. ``past`` are covariates known up to the present (None: all other numeric
    columns but those that can't help, unless ``future`` or ``static`` are named; else exactly these; ``target_only``:
    none), ``future`` those known ahead of it, ``static`` those with one value a series, ``angles`` past or future ones
    in degrees. ``calendar`` adds what the time stamps say. Rows after the last value of any target and past covariate
    tell what is known ahead.

    ``wide``: every numeric column is a series, ``only`` names some, and the target is called "value" or as given.
    ``fill`` says what stands for missing values and gaps ("forward", "linear", "mask", "none"); None refuses them.
    ``masks`` and ``categories`` are those of an earlier panel's ``inputs``, None to find them. ``constant`` is for
    prediction: a target that never changes passes, and so does a series with nothing but rows ahead. Rows at the start
    of a series, before every channel has had a value, are cut off.

    Errors: `DataError` for a table that can't be used, `SettingsError` for options that contradict; each in one line.
    """
    if fill is not None and fill not in FILLS:
        raise SettingsError(f"--fill {shown(fill)} is unknown{nearest(str(fill), FILLS)}")
    picked = None if only is None else several(only)
    if picked is not None and series is None and not wide:
        raise SettingsError(f"--only {' '.join(map(str, picked))} needs --series, the column that names the series")
    targets = several(target) or ((VALUE,) if wide else ())
    if not targets:
        raise SettingsError("no target is named; give the column to forecast with --target")
    inputs = Inputs.declared(past, future, static, angles, calendar, masks, categories, target_only)
    if inputs.static and series is None and not wide:
        raise SettingsError(
            f"--static {inputs.static[0]} needs --series, the column that names the series: of one series a static "
            "column says nothing"
        )
    step = Frequency.parse(frequency) if isinstance(frequency, str) else frequency
    with foreign("this table can't be prepared"):
        if wide:
            check_wide(frame, targets, series, inputs)
        return _prepared(frame, targets, time, series, picked, step, fill, inputs, wide, constant)


def _prepared(
    frame: pl.DataFrame,
    targets: tuple[str, ...],
    time: str | None,
    series: str | None,
    only: Sequence[str] | None,
    step: Frequency | None,
    fill: str | None,
    inputs: Inputs,
    wide: bool,
    constant: bool,
) -> Panel:
    roles = {
        "the target": () if wide else targets,
        "--time": several(time),
        "--series": several(series),
        "--past": [name for name in inputs.past or () if name not in inputs.angles],
        "--future": inputs.future,
        "--static": inputs.static,
    }
    check_roles(frame, roles, inputs.angles)
    if frame.height == 0:
        raise refuse("the table has no rows")
    taken = {name for names in roles.values() for name in names} | set(inputs.angles)
    stamps, others = find_time(frame, time, taken - set(several(time)))
    rows, notes = without_empty_rows(Rows(frame, None, None, stamps))
    names: tuple[str, ...] = ("",)
    if wide:
        rows, names, said = melted(rows, None if stamps is None else stamps.name, targets[0], only)
        series, notes, inputs = SERIES, notes + said, inputs.chosen(())
    elif series is not None:
        names, codes, kept = series_of(frame, series, only, rows.at)
        rows = rows if kept is None else rows.take(kept)
        rows.codes = codes
    for target in targets:
        numbers(rows.frame, target, rows.at)  # a target that is no number is refused before anything about its time
    timed = rows.stamps
    rows, grid, said = lay(rows, step, names, targets)
    if timed is None:
        notes.insert(0, "No column of time stamps: the rows count as steps, in their order.")
    elif rows.stamps is not None:
        told = offsets_note(frame[timed.name], timed)
        notes[:0] = [time_note(grid, timed, others), *([told] if told else [])]
    notes += said
    if series is not None:
        where = ", one a column" if wide else f" in column {shown(series)}"
        notes.append(f"Series: {len(names):,}{where}: {listed(names)}.")
    if inputs.calendar:
        check_calendar(rows.stamps)
    panel = _placed(rows, grid, names, targets, series, fill, inputs, constant, notes)
    return replace(panel, wide=True) if wide else panel


def _placed(
    rows: Rows,
    grid: Grid,
    names: tuple[str, ...],
    targets: tuple[str, ...],
    series: str | None,
    fill: str | None,
    inputs: Inputs,
    constant: bool,
    notes: list[str],
) -> Panel:
    count, positions = len(names), grid.positions
    begins, ends = bounds(positions, rows.codes, count)
    refuse_far(rows, grid, int((ends - begins + 1).sum()))
    cells = cells_of(positions, rows.codes, begins, ends)
    if rows.stamps is not None:
        refuse_twins(rows, cells, names, targets)
    notes += sorting_notes(rows, cells)
    static_values, categories = static_of(rows, names, inputs)
    inputs = replace(inputs, categories=categories)
    after = None
    if inputs.future:
        rows, positions, ends, after = split_off(
            rows, positions, begins, ends, (*targets, *(inputs.past or ())), constant
        )
    if inputs.past is None:
        starts = common_starts(rows, positions, targets, (), begins, ends, names)
        taken = {*targets, *([series] if series else []), *([rows.stamps.name] if rows.stamps is not None else [])}
        past, said = choose(rows, positions, starts, ends, taken, inputs.angles)
        inputs = inputs.chosen(past)
        notes += said
    columns = (*targets, *(inputs.past or ()))
    starts = common_starts(rows, positions, targets, (*columns[len(targets) :], *inputs.future), begins, ends, names)
    notes += input_notes(targets, inputs, grid.frequency)
    early = positions < (starts[0] if rows.codes is None else starts[rows.codes])
    late_rows, late_positions = rows, positions
    if early.any():
        late_rows, late_positions = rows.take(np.flatnonzero(~early)), positions[~early]
        cut = counted(int(early.sum()), "row")
        notes.append(f"{cut} cut off at the start, where a column has no value yet.")
    if inputs.masks is None and fill == "mask":
        inputs = replace(inputs, masks=with_gaps(late_rows, late_positions, columns, starts, ends))
    for name in inputs.masks or ():
        if name not in columns:
            raise SettingsError(
                f"a mask is of a target or a past covariate, got {shown(name)}; name one of {listed(columns)}"
            )
    past, known, static = inputs.past_channels(), inputs.known_channels(grid.frequency), inputs.static_channels()
    channels = (*targets, *past, *known)
    refuse_same_names(channels, static)
    places = layout(columns, inputs)
    masks = {name: len(targets) + len(past) - len(inputs.masks or ()) + i for i, name in enumerate(inputs.masks or ())}
    places |= layout(inputs.future, inputs, len(targets) + len(past))
    lengths = ends - starts + 1
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    cells = cells_of(late_positions, late_rows.codes, starts, ends)
    values = placed(late_rows, cells, int(offsets[-1]), places, masks, inputs, len(channels))
    if early.any():
        carry_in(values, offsets[:-1], rows, positions, starts, early, places, inputs)
    dtype = _own_type(rows, grid.dtype)
    if inputs.calendar:
        steps = np.arange(len(values)) + np.repeat(starts - offsets[:-1], lengths)
        told = len(targets) + len(past) + len(inputs.channels_of(inputs.future))
        for a in range(0, len(values), _CHUNK):
            own = steps[a : a + _CHUNK]
            values[a : a + _CHUNK, told:] = calendar_at(grid.frequency, grid.origin, own)
    if not constant:
        refuse_constant(values, targets)
    notes += missing_notes(values, places, targets, cells, offsets, fill, inputs)
    notes += [
        f"{shown(name)} looks like an angle in degrees: --angle {name} reads it as sine and cosine."
        for name, place in places.items()
        if name not in targets and name not in inputs.angles and like_an_angle(name, values[:, place.start])
    ]
    later, later_offsets = (
        (_none(), np.zeros(count + 1, np.int64)) if after is None else told_later(*after, ends, inputs)
    )
    if after is not None:
        notes.append(ahead_note(np.diff(later_offsets), inputs))
    return Panel(
        targets=targets,
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
        dtype=dtype,
        known=known,
        static=static,
        static_values=static_values,
        later=later,
        later_offsets=later_offsets,
        inputs=inputs,
    )


def _own_type(rows: Rows, dtype: pl.DataType) -> pl.DataType:
    """The type of stamps on the grid, in the unit that the table's own column has."""
    own = None if rows.stamps is None else rows.frame[rows.stamps.name].dtype
    if isinstance(own, pl.Datetime) and isinstance(dtype, pl.Datetime):
        return pl.Datetime(own.time_unit, dtype.time_zone)
    return dtype


def filled(panel: Panel, until: int) -> np.ndarray:
    """The panel's values with its fill applied, (rows, channel); the panel's own array where there is nothing to fill.

    ``until`` is a grid position: "linear" draws lines only through gaps that end before it. See `fill_gaps`.
    """
    return fill_gaps(panel.values, panel.offsets, panel.starts, panel.fill, until)
