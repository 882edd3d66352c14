"""What forecasts are made from up to a cut-off: tables that differ only after it must give the same, bit by bit."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import torch
from torch import nn

from unrolled.errors import DataError, UnrolledError
from unrolled.series.leaks.perturb import Order, changed, numeric
from unrolled.series.panels.panel import Panel
from unrolled.series.panels.roles import Columns
from unrolled.series.reading.columns import find_time, series_of
from unrolled.series.windows.examples import Examples, read_for
from unrolled.series.windows.split import Part, Split, observed, split
from unrolled.series.windows.window import Windows
from unrolled.series.words import counted, listed, shown

MOST_ROWS = 200_000  # more are checked in part, so that neither time nor memory is taken twice for a large table
_LAST, _SPREAD = 64, 192  # windows of each part that are looked at: the latest, and some of all

Evidence = dict[str, Any]  # what it is, in words, and its value


@dataclass(frozen=True)
class Pipeline:
    """How a table becomes examples: what the columns are for, and the windows' sizes and scaling."""

    columns: Columns
    lookback: int
    horizon: int
    scaling: str

    def read(self, frame: pl.DataFrame) -> tuple[Panel, Split]:
        panel = read_for(self.scaling, self.columns, frame)
        return panel, split(panel)

    def examples(self, panel: Panel, cuts: Split) -> Examples:
        return Examples.build(panel, cuts, self.lookback, self.horizon, self.scaling)


class Recipe(NamedTuple):
    """What a Forecaster of ours is made of."""

    cell: type[nn.Module]
    lookback: int | None
    shape: dict[str, Any]


@dataclass(frozen=True)
class Table:
    """A table that can be given another future, and what it became: the panel, and its cuts."""

    pipeline: Pipeline
    frame: pl.DataFrame
    panel: Panel
    cuts: Split
    stamps: pl.Series | None
    order: Order
    part: str = ""  # what was taken of a large table, in words

    @classmethod
    def of(cls, pipeline: Pipeline, frame: pl.DataFrame, panel: Panel, cuts: Split) -> "Table":
        """``panel`` and ``cuts`` are what the pipeline made of the frame. A large table is taken in part."""
        columns = replace(pipeline.columns, time=panel.time, frequency=str(panel.frequency))
        if columns.time is None:  # the rows count: by stamps, where there are some
            columns = replace(columns, time=pipeline.columns.time)
        table = cls._ordered(replace(pipeline, columns=columns), frame, panel, cuts)
        return table if len(panel.values) <= MOST_ROWS else table._smaller()

    @classmethod
    def _ordered(cls, pipeline: Pipeline, frame: pl.DataFrame, panel: Panel, cuts: Split, part: str = "") -> "Table":
        columns, series = pipeline.columns, None if panel.wide else panel.series
        taken = {*panel.targets, series, *(columns.past or ()), *(columns.future or ()), *(columns.static or ())}
        stamps, _ = find_time(frame, columns.time, taken - {None})
        if stamps is not None and not frame[stamps.name].dtype.is_temporal():  # text is parsed once
            frame = frame.with_columns(stamps)
        return cls(pipeline, frame, panel, cuts, stamps, Order.of(frame, stamps, series), part)

    def _smaller(self) -> "Table":
        """Some of the series, spread evenly, and of long ones their last rows."""
        panel, columns, frame = self.panel, self.pipeline.columns, self.frame
        count = len(panel.names)
        said = []
        if count > 2:
            each = len(panel.values) / count
            some = min(count, max(2, int(MOST_ROWS / each)))
            names = [panel.names[i] for i in np.linspace(0, count - 1, some).astype(int)]
            columns = replace(columns, only=names)
            said.append(f"{some:,} of {count:,} series")
            if panel.wide:
                frame = frame.select([*([panel.time] if panel.time else []), *names])
            elif panel.series is not None:
                kept = series_of(frame, panel.series, names, None)[2]
                frame = frame if kept is None else frame[kept]
            count = some
        longest = int(np.diff(panel.offsets).max())
        if longest * count > MOST_ROWS:
            rows = MOST_ROWS // count
            small = replace(self, frame=frame)._ordered(self.pipeline, frame, panel, self.cuts)
            late = small.since(self.cuts.test - rows)
            frame = frame.filter(late)
            said.append(f"the last {rows:,} steps")
        pipeline = replace(self.pipeline, columns=columns)
        panel, cuts = pipeline.read(frame)
        return self._ordered(pipeline, frame, panel, cuts, " of ".join(reversed(said)))

    def since(self, cut: int) -> np.ndarray:
        """The rows at grid position ``cut`` or after."""
        return self.order.since(self.stamps, self.panel.frequency, self.panel.origin, cut)

    @property
    def changing(self) -> list[str]:
        """The columns whose future can be changed: all but those of time, series and what is static."""
        columns, panel = self.pipeline.columns, self.panel
        if panel.wide:
            return list(panel.names)
        declared = [*panel.targets, *(panel.inputs.past or ()), *panel.inputs.future]
        rest = () if columns.past is not None or panel.inputs.future or panel.static else numeric(self.frame, ())
        taken = {*panel.inputs.static, panel.series, None if self.stamps is None else self.stamps.name}
        return [name for name in dict.fromkeys([*declared, *rest]) if name not in taken]

    def with_future(self, cut: int, columns: Sequence[str], kind: str = "mixed") -> pl.DataFrame:
        """The table with other values in some columns from position ``cut`` on."""
        gaps = columns if self.pipeline.columns.fill is not None else ()
        return changed(self.frame, columns, self.since(cut), self.order, kind, gaps)

    def evidence(self, cut: int) -> Evidence:
        return evidence(self.pipeline.examples(self.panel, self.cuts), cut)

    def mixing(self) -> list[tuple[str, list[str]]]:
        """The series whose values reach into others, and what changes there: every second series is given other values
        from its first row on, then the rest.
        """
        names, found = self.panel.names, []
        columns = self.pipeline.columns
        fixed = columns if self.panel.wide else replace(columns, past=self.panel.inputs.past)
        pipeline = replace(self.pipeline, columns=fixed)
        before = pipeline.examples(self.panel, self.cuts)
        for turn in (0, 1):
            others = np.arange(len(names)) % 2 == turn
            if others.all():
                break
            panel, cuts = pipeline.read(self._with_other(others))
            after = evidence(pipeline.examples(panel, cuts), cuts.test, ~others)
            moved = differences(evidence(before, self.cuts.test, ~others), after)
            if moved:
                found.append((listed([name for name, other in zip(names, others, strict=True) if other]), moved))
        return found

    def _with_other(self, others: np.ndarray) -> pl.DataFrame:
        names = [name for name, other in zip(self.panel.names, others, strict=True) if other]
        if self.panel.wide:
            return changed(self.frame, names, self.order.used, self.order)
        assert self.panel.series is not None
        all_names, codes, kept = series_of(self.frame, self.panel.series, self.pipeline.columns.only, None)
        rows = np.arange(self.frame.height) if kept is None else kept
        which = np.zeros(self.frame.height, bool)
        which[rows] = np.isin(codes, [all_names.index(name) for name in names])
        return changed(self.frame, self.changing, which, self.order)

    def moved(self, before: Evidence, cut: int, columns: Sequence[str], kind: str = "mixed") -> list[str]:
        """What differs before ``cut`` when some columns differ from there on."""
        panel, cuts = self.pipeline.read(self.with_future(cut, columns, kind))
        if cuts != self.cuts or panel.channels != self.panel.channels:
            return differences(before, facts(panel, cuts))
        return differences(before, evidence(self.pipeline.examples(panel, cuts), cut))

    def stamp(self, cut: int) -> str:
        """When position ``cut`` is, in words."""
        i = int(self.panel.starts.argmin())
        at = self.panel.stamps(i, cut - int(self.panel.starts[i]), 1)[0]
        return f"step {at:,}" if isinstance(at, int) else str(at).removesuffix(" 00:00:00")


def facts(panel: Panel, cuts: Split) -> Evidence:
    """What was decided about a table."""
    return {
        "the choice of inputs": (panel.channels, panel.static, panel.inputs.masks, panel.inputs.angles),
        "the split": cuts,
        "the list of series": panel.names,
    }


def evidence(examples: Examples, cut: int, which: np.ndarray | None = None) -> Evidence:
    """All that is known at grid position ``cut`` of what a network reads, learns from and is chosen by; with ``which``
    (series,) of some of the series.

    Series that have nothing in the training part are scaled by what comes later, and only ever forecast after it:
    they are left out.
    """
    panel, cuts, scaler = examples.panel, examples.cuts, examples.scaler
    found = facts(panel, cuts)
    lengths = np.diff(panel.offsets)
    early = np.arange(len(panel.values)) - np.repeat(panel.offsets[:-1] - panel.starts, lengths) < cut
    seen = observed(panel, cuts.part("train"))
    if which is not None:
        early, seen = early & np.repeat(which, lengths), seen & which
    inputs, targets = (part.cpu().numpy() for part in (examples.rows.inputs, examples.rows.targets))
    learnt = early & np.repeat(seen, lengths)
    for channel, name in enumerate(panel.channels):
        own = f"of {shown(name)}"
        found[f"the scaler's centre {own}"] = scaler.centre[seen, channel]
        found[f"the scaler's scale {own}"] = scaler.scale[seen, channel]
        found[f"the filled values {own} before it"] = examples.filled[early, channel]
        found[f"the scaled values {own} before it"] = inputs[learnt, channel]
    for target, name in enumerate(panel.targets):
        found[f"what forecasts of {shown(name)} are scored by before it"] = targets[learnt, target]
    parts: list[tuple[Part, str]] = [("train", "training"), ("validation", "validation"), ("test", "test")]
    for part, word in parts:
        if cuts.part(part)[1] <= cut:
            found |= _windows(examples, examples.windows(part), word, which)
    return found


def _windows(examples: Examples, windows: Windows, word: str, which: np.ndarray | None) -> Evidence:
    if which is not None:
        windows = examples.at(windows.origins[which[windows.series]])
    found: Evidence = {f"which {word} windows there are": (windows.series, windows.times)}
    at = picked(windows)
    if len(at):
        batch = windows.batch(at)
        for name in ("past", "known", "future"):
            verb = {"past": "read", "known": "know ahead", "future": "are scored by"}[name]
            found[f"what {word} windows {verb}"] = getattr(batch, name).cpu().numpy()
    return found


def picked(windows: Windows, last: int = _LAST, spread: int = _SPREAD) -> Any:
    """The latest windows, and some of all, as an index for :meth:`Windows.batch`."""
    order = np.argsort(windows.times, kind="stable")
    some = np.linspace(0, len(order) - 1, min(len(order), spread)).astype(int)
    at = np.unique(np.concatenate([order[-last:], some])) if len(order) else order
    return torch.from_numpy(at).to(windows.rows.inputs.device)


def differences(before: Evidence, after: Evidence) -> list[str]:
    """What isn't the same, in words."""
    return [name for name, value in before.items() if name in after and not same(value, after[name])]


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal bit by bit, NaN being NaN."""
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, np.ndarray):
        return one.shape == other.shape and bool(np.array_equal(one, other, equal_nan=one.dtype.kind == "f"))
    return bool(one == other)


def kind_of(moved: str) -> str:
    """Which kind of thing it is that moved: "statistic", "choice", "tensor" or "forecast"."""
    if "scaler" in moved or "scale " in moved:
        return "statistic"
    if "choice" in moved or "split" in moved or "list" in moved or "which" in moved:
        return "choice"
    return "forecast" if "forecast made" in moved else "tensor"


def check_pipeline(pipeline: Pipeline, frame: pl.DataFrame, panel: Panel, cuts: Split) -> str:
    """The cheap form of the leak check, which trains nothing: every value in the test part is changed, and nothing that
    training reads, learns from or is chosen by may change. Returns the sentence for the report.

    ``panel`` and ``cuts`` are what the pipeline made of ``frame``. Of a table with more than 200,000 rows a part is
    checked. Raises DataError, naming the column, where something moved.
    """
    table = Table.of(pipeline, frame, panel, cuts)
    cut = table.cuts.validation
    before = table.evidence(cut)
    try:
        moved = table.moved(before, cut, table.changing)
    except UnrolledError as error:  # what was made up can't be read: of no concern to the table itself
        return f"Leak check: could not be made ({error})."
    part = f" ({table.part})" if table.part else ""
    if moved:
        raise DataError(_refusal(table, before, cut, moved))
    return (
        f"Leak check: passed{part}. With every value from {table.stamp(cut)} on changed, what training reads, scales "
        f"and chooses by stays the same to the bit."
    )


def _refusal(table: Table, before: Evidence, cut: int, moved: list[str]) -> str:
    culprits = [(name, own) for name in table.changing if (own := table.moved(before, cut, [name]))]
    names = listed([name for name, _ in culprits]) if culprits else "all columns at once"
    what = (culprits[0][1] if culprits else moved)[0]
    return (
        f"leak check: training knows values of the test part, from {table.stamp(cut)} on: when {names} "
        f"change there, {what} changes, and {counted(len(moved) - 1, 'other thing')}; the errors would be worth nothing"
    )
