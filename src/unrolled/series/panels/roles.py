"""What the columns of a table are for, and how its rows are to be read: as asked, or as found."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import polars as pl

from unrolled.series.panels.fill import FILLS
from unrolled.series.panels.inputs import Inputs, several
from unrolled.series.panels.panel import Panel, prepare
from unrolled.series.panels.wide import SERIES
from unrolled.series.reading.frequency import Frequency


@dataclass(frozen=True)
class Columns:
    """What the columns of a table are for, and how its rows are to be read; None is found from the table itself.

    The fields are those of :func:`prepare`; ``masks`` and ``categories`` are only ever found, never asked for.
    """

    target: str | Sequence[str]
    time: str | None = None
    series: str | None = None
    only: Sequence[str] | None = None
    past: Sequence[str] | None = None
    frequency: str | None = None
    fill: str | None = None
    future: Sequence[str] | None = None
    static: Sequence[str] | None = None
    angles: Sequence[str] | None = None
    calendar: bool = False
    wide: bool = False
    masks: Sequence[str] | None = None
    categories: Mapping[str, Sequence[str]] | None = None

    def __post_init__(self):
        targets = several(self.target)
        object.__setattr__(self, "target", targets[0] if len(targets) == 1 else targets)  # however it was given
        if self.only is not None:  # names, also where the column holds numbers
            object.__setattr__(self, "only", tuple(map(str, several(self.only))))

    @property
    def targets(self) -> tuple[str, ...]:
        """The targets, also when there is one."""
        return several(self.target)

    @classmethod
    def found(cls, panel: Panel, only: Sequence[str] | None) -> "Columns":
        """The columns as they turned out to be: the same table read with them gives the same panel."""
        inputs = panel.inputs
        return cls(
            target=panel.targets,
            time=panel.time,
            series=None if panel.wide else panel.series,
            only=only,
            past=None if panel.wide else inputs.past,
            frequency=str(panel.frequency),
            fill=panel.fill,
            future=inputs.future or None,
            static=inputs.static or None,
            angles=inputs.angles or None,
            calendar=inputs.calendar,
            wide=panel.wide,
            masks=inputs.masks,
            categories=dict(inputs.categories) or None,
        )

    def channels(self) -> "Columns":
        """For a table of a panel's own channels: angles, masks, the calendar and categories are plain columns there,
        the targets' gaps filled. These columns have to be found ones.
        """
        inputs = self._inputs()
        return Columns(
            target=self.target,
            time=self.time,
            series=SERIES if self.wide else self.series,
            past=inputs.past_channels(),
            frequency=self.frequency,
            fill="none",
            future=inputs.known_channels(Frequency.parse(self.frequency or "row")) or None,
            static=inputs.static_channels() or None,
        )

    def arguments(self) -> dict[str, Any]:
        """What was asked for, as `Forecaster.fit` takes it."""
        found = ("masks", "categories")
        return {name: value for name, value in asdict(self).items() if value not in (None, False) and name not in found}

    @classmethod
    def from_json(cls, saved: dict[str, Any]) -> "Columns":
        """The columns as they stand in run.json. Raises TypeError where they are something else."""
        made = cls(**saved)
        for name, value in (asdict(made) | saved).items():
            if not _fits(name, value):
                raise TypeError(f"{name} is {str(value)[:40]!r}")
        lists: dict[str, Any] = {name: tuple(value) for name in _LISTS if (value := getattr(made, name)) is not None}
        if not isinstance(made.target, str):
            lists["target"] = tuple(made.target)
        if made.categories is not None:
            lists["categories"] = {name: tuple(words) for name, words in made.categories.items()}
        return replace(made, **lists)

    def read(self, frame: pl.DataFrame, *, constant: bool = False) -> Panel:
        """The panel that these columns make of a table; ``constant`` lets a target pass that never changes."""
        return prepare(frame, **asdict(self), constant=constant)

    def _inputs(self) -> Inputs:
        options = (self.past, self.future, self.static, self.angles, self.calendar, self.masks, self.categories)
        return Inputs.declared(*options, target_only=False)


_LISTS = ("only", "past", "future", "static", "angles", "masks")


def _fits(name: str, value: Any) -> bool:
    """Whether a value out of run.json can be the field ``name``."""
    if name in ("calendar", "wide"):
        return isinstance(value, bool)
    if name == "target":
        return isinstance(value, str) or (_strings(value) and len(value) > 0)
    if value is None:
        return True
    if name == "fill":
        return value in FILLS
    if name == "categories":
        return isinstance(value, dict) and all(map(_strings, value.values()))
    return _strings(value) if name in _LISTS else isinstance(value, str)


def _strings(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(one, str) for one in value)
