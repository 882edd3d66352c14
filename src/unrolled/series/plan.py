"""What a forecaster is asked to do: the columns, the network's shape, the training; as it stands in run.json."""

import shlex
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl
from torch import nn

from unrolled.errors import RunError, SettingsError, UnrolledError
from unrolled.nn.names import CELLS
from unrolled.series.models import StepForecaster
from unrolled.series.panel import Panel, prepare
from unrolled.series.split import Split
from unrolled.training import TrainingSettings


@dataclass(frozen=True)
class Columns:
    """What the columns of a table are for, and how its rows are to be read; None is found from the table itself."""

    target: str
    time: str | None = None
    series: str | None = None
    only: Sequence[str] | None = None
    past: Sequence[str] | None = None
    frequency: str | None = None
    fill: str | None = None

    @classmethod
    def found(cls, panel: Panel, only: Sequence[str] | None) -> "Columns":
        """The columns as they turned out to be: the same table read with them gives the same panel."""
        return cls(panel.target, panel.time, panel.series, only, panel.past, str(panel.frequency), panel.fill)

    @classmethod
    def from_json(cls, saved: dict[str, Any]) -> "Columns":
        """The columns as they stand in run.json. Raises TypeError where they are something else."""
        made = cls(**saved)
        for name, value in asdict(made).items():
            many, none = name in ("only", "past"), value is None and name != "target"
            if not none and not (_strings(value) if many else isinstance(value, str)):
                raise TypeError(f"{name} is {str(value)[:40]!r}")
        lists = {name: tuple(value) for name in ("only", "past") if (value := getattr(made, name)) is not None}
        return replace(made, **lists)

    def read(self, frame: pl.DataFrame, *, constant: bool = False) -> Panel:
        """The panel that these columns make of a table; ``constant`` lets a target pass that never changes."""
        return prepare(frame, **asdict(self), constant=constant)


@dataclass(frozen=True)
class Architecture:
    """The shape of the network; ``cell`` by its name, or the class's name when it isn't one of ours."""

    cell: str
    channels: int
    lookback: int
    horizon: int
    hidden: int
    layers: int
    dropout: float

    def __post_init__(self):
        for name in ("channels", "lookback", "horizon", "hidden", "layers"):
            value = getattr(self, name)
            if type(value) is not int or not 1 <= value < 2**31:
                raise SettingsError(f"{name} has to be a whole number of at least 1, got {str(value)[:40]}")
        if not isinstance(self.cell, str):
            raise SettingsError(f"the cell has to be named, got {str(self.cell)[:40]}")
        if not isinstance(self.dropout, int | float) or not 0 <= self.dropout < 1:
            raise SettingsError(f"dropout has to be at least 0 and below 1, got {str(self.dropout)[:40]}")

    def build(self, cell: type[nn.Module] | None = None) -> StepForecaster:
        """A network of this shape with fresh weights; ``cell`` as in :meth:`cell_class`."""
        return StepForecaster(
            self.cell_class(cell), self.channels, self.horizon, self.hidden, self.layers, self.dropout
        )

    def cell_class(self, cell: type[nn.Module] | None = None) -> type[nn.Module]:
        """The class of the cell: ours by its name, one's own as given. Raises RunError when it isn't the one named."""
        cell = CELLS.get(self.cell) if cell is None else cell
        if cell is None:
            raise RunError(
                f"this run's cell is {self.cell}, which isn't one of ours; give its class: load(run, cell={self.cell})"
            )
        if cell_name(cell) != self.cell:
            raise RunError(
                f"this run's cell is {self.cell}, got {cell_name(cell)}; give the class that it was trained with"
            )
        return cell


def cell_name(cell: type[nn.Module]) -> str:
    """The name under which a cell is saved."""
    return next((name for name, known in CELLS.items() if known is cell), cell.__name__)


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
    """Everything that decides a run's result, but for the data, which :func:`facts` knows again."""

    architecture: Architecture
    columns: Columns
    training: TrainingSettings
    refit: bool
    source: str  # the table, as it was named
    data: dict[str, Any]
    notes: tuple[str, ...]  # what was found in the data and done to it

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def command(self) -> str:
        """The command line that does it again."""
        words = ["unrolled", "forecast", self.source, "--target", self.columns.target]
        for option in ("time", "series", "frequency", "fill"):
            if (value := getattr(self.columns, option)) is not None:
                words += [f"--{option}", value]
        for name in self.columns.only or ():
            words += ["--only", name]
        words += [] if self.columns.past else ["--only-target"]
        for option in ("horizon", "lookback", "cell"):
            words += [f"--{option}", str(getattr(self.architecture, option))]
        for option in ("epochs", "minutes", "seed"):
            if (value := getattr(self.training, option)) is not None:
                words += [f"--{option}", f"{value:g}" if isinstance(value, float) else str(value)]
        return shlex.join(words + ["--refit"] * self.refit)

    def python(self) -> str:
        """The same in Python."""
        shape, columns = (
            self.architecture,
            {name: value for name, value in asdict(self.columns).items() if value is not None},
        )
        changed = {
            name: value for name, value in asdict(self.training).items() if value != getattr(TrainingSettings(), name)
        }
        training = f", training=ur.TrainingSettings({_keywords(changed)})" if changed else ""
        cell = repr(shape.cell) if shape.cell in CELLS else shape.cell  # one's own class, by its name
        rest = _keywords({name: getattr(shape, name) for name in ("lookback", "hidden", "layers", "dropout")})
        sizes = f"horizon={shape.horizon}, cell={cell}, {rest}"
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
            for name, kind in {"refit": bool, "source": str, "data": dict, "notes": list}.items():
                if not isinstance(parts[name], kind):
                    raise TypeError(f"{name} is {str(parts[name])[:40]!r}")
            return cls(
                **parts
                | {
                    "architecture": Architecture(**parts["architecture"]),
                    "columns": Columns.from_json(parts["columns"]),
                    "training": TrainingSettings(**parts["training"]),
                    "notes": tuple(map(str, parts["notes"])),
                }
            )
        except (KeyError, TypeError, AttributeError, OverflowError, UnrolledError) as error:
            raise RunError(
                f"{folder / 'run.json'} doesn't describe a forecast ({error!r}); restore it, or train again"
            ) from error


def _strings(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(one, str) for one in value)


def _keywords(values: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in values.items())
