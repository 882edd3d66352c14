"""What a forecaster is asked to do: the columns, the network's shape, the training; as it stands in run.json."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from unrolled.errors import RunError, UnrolledError
from unrolled.nn.names import CELLS
from unrolled.series.architecture import USUAL, Architecture
from unrolled.series.fill import FILLS
from unrolled.series.frequency import Frequency
from unrolled.series.inputs import Inputs, several
from unrolled.series.intervals import METHODS
from unrolled.series.panel import Panel, prepare
from unrolled.series.split import Split
from unrolled.series.wide import SERIES
from unrolled.training import TrainingSettings


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
        if not isinstance(self.target, str) and len(self.target) == 1:  # one target, however it was given
            object.__setattr__(self, "target", self.target[0])

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
        for name, value in asdict(made).items():
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


def facts(panel: Panel, cuts: Split) -> dict[str, Any]:
    """What run.json says of the data: a fingerprint, how much there is, and where it begins, was split, and ends."""
    start = int(panel.starts.min())  # above 0 where the earliest series were left out

    def at(position: int) -> str:
        return str(panel.stamps(int(panel.starts.argmin()), position - start, 1)[0])

    return {
        "fingerprint": panel.fingerprint(),
        "rows": len(panel.values),
        "series": len(panel.names),
        "begins": at(start),
        "validation_begins": at(cuts.train),
        "test_begins": at(cuts.validation),
        "ends": at(cuts.test - 1),
    }


@dataclass(frozen=True)
class Plan:
    """Everything that decides a run's result, but for the data, which :func:`facts` knows again.

    ``level`` is that of the prediction intervals (None: there are none), ``intervals`` how they are calibrated.
    """

    architecture: Architecture
    columns: Columns
    training: TrainingSettings
    refit: bool
    level: float | None
    intervals: str
    source: str  # the table, as it was named
    data: dict[str, Any]
    notes: tuple[str, ...]  # what was found in the data and done to it

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def command(self) -> str:
        """The command line that does it again."""
        shape, columns, words = self.architecture, self.columns, ["unrolled", "forecast", self.source]
        for name in columns.targets:
            words += ["--target", name]
        for option in ("time", "series", "frequency", "fill"):
            if (value := getattr(columns, option)) is not None:
                words += [f"--{option}", value]
        for option in ("only", "past", "future", "static", "angle"):
            for name in getattr(columns, "angles" if option == "angle" else option) or ():
                words += [f"--{option}", name]
        alone = not (columns.past or columns.future or columns.static or columns.wide)
        words += [f"--{name}" for name in ("calendar", "wide") if getattr(columns, name)] + ["--only-target"] * alone
        for option in ("horizon", "lookback", "cell"):
            words += [f"--{option}", str(getattr(shape, option))]
        for option, value in self._unusual().items():
            words += [f"--{option.replace('_', '-')}", _word(value)]
        for option in ("epochs", "minutes", "seed"):
            if (value := getattr(self.training, option)) is not None:
                words += [f"--{option}", _word(value)]
        return shlex.join(words + ["--refit"] * self.refit)

    def _unusual(self) -> dict[str, Any]:
        """What isn't as it is when nobody asks, by the names of the command's options."""
        usual = {**USUAL, "level": 0.9, "intervals": "rolling"}
        intervals = {"intervals": "none"} if self.level is None else {"level": self.level, "intervals": self.intervals}
        found = {**{name: getattr(self.architecture, name) for name in USUAL if name != "quantiles"}, **intervals}
        return {name: value for name, value in found.items() if value != usual[name]}

    def python(self) -> str:
        """The same in Python."""
        shape, columns = self.architecture, self.columns.arguments()
        changed = {
            name: value for name, value in asdict(self.training).items() if value != getattr(TrainingSettings(), name)
        }
        training = f", training=ur.TrainingSettings({_keywords(changed)})" if changed else ""
        cell = repr(shape.cell) if shape.cell in CELLS else shape.cell  # one's own class, by its name
        rest = {name: getattr(shape, name) for name in ("lookback", "hidden", "layers", "dropout")}
        unusual = {name: value for name, value in self._unusual().items() if name not in rest}
        if self.level is None:
            unusual = unusual | {"level": None}
            unusual.pop("intervals", None)
        sizes = f"horizon={shape.horizon}, cell={cell}, {_keywords(rest | unusual)}"
        refit = ", refit=True" if self.refit else ""
        return (
            "import unrolled as ur\n\n"
            f"f = ur.Forecaster({sizes}{training})\n"
            f"f.fit({self.source!r}, {_keywords(columns)}{refit})\n"
            "f.evaluate()\n"
            "f.predict()\n"
        )

    @classmethod
    def from_json(cls, saved: dict[str, Any], folder: Path) -> "Plan":
        """The plan in a run's manifest. Raises RunError where it isn't one."""
        try:
            parts = {name: saved[name] for name in cls.__dataclass_fields__}
            kinds = {"refit": bool, "source": str, "data": dict, "notes": list, "intervals": str}
            for name, kind in kinds.items():
                if not isinstance(parts[name], kind):
                    raise TypeError(f"{name} is {str(parts[name])[:40]!r}")
            if not _can_be(parts["level"], parts["intervals"]):
                raise TypeError(f"level is {str(parts['level'])[:40]!r}, intervals {parts['intervals'][:40]!r}")
            return cls(
                **parts
                | {
                    "architecture": Architecture.from_json(parts["architecture"]),
                    "columns": Columns.from_json(parts["columns"]),
                    "training": TrainingSettings(**parts["training"]),
                    "notes": tuple(map(str, parts["notes"])),
                }
            )
        except (KeyError, TypeError, AttributeError, OverflowError, UnrolledError) as error:
            raise RunError(
                f"{folder / 'run.json'} doesn't describe a forecast ({error!r}); restore it, or train again"
            ) from error


def _can_be(level: Any, intervals: str) -> bool:
    return (level is None or (isinstance(level, float) and 0 < level < 1)) and intervals in METHODS


def _word(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) and float(f"{value:g}") == value else str(value)


def _strings(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(one, str) for one in value)


def _keywords(values: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in values.items())
