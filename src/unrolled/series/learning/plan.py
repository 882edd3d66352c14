"""What a forecaster is asked to do: the columns, the network's shape, the training; as it stands in run.json."""

import shlex
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from unrolled.errors import RunError, UnrolledError
from unrolled.nn.names import CELLS
from unrolled.series.judging.intervals import METHODS
from unrolled.series.learning.architecture import USUAL, Architecture
from unrolled.series.panels.panel import Panel
from unrolled.series.panels.roles import Columns
from unrolled.series.panels.source import usual_scaling
from unrolled.series.windows.split import Split
from unrolled.training import TrainingSettings


def facts(panel: Panel, cuts: Split) -> dict[str, Any]:
    """What run.json says of the data: a fingerprint of all and one of each target, how much there is, and where it
    begins, was split, and ends.
    """
    start = int(panel.starts.min())  # above 0 where the earliest series were left out

    def at(position: int) -> str:
        return str(panel.stamps(int(panel.starts.argmin()), position - start, 1)[0])

    return {
        "fingerprint": panel.fingerprint(),
        "targets": {target: panel.fingerprint_of(target) for target in panel.targets},
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

    ``level`` is that of the prediction intervals (None: there are none), ``intervals`` how they are calibrated;
    ``stats`` is whether Theta and exponential smoothing are fitted beside the model.
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
    stats: bool = False

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
        return shlex.join(words + ["--refit"] * self.refit + ["--stats"] * self.stats)

    def _unusual(self) -> dict[str, Any]:
        """What isn't as it is when nobody asks, by the names of the command's options."""
        usual = {**USUAL, "level": 0.9, "intervals": "rolling", "scaling": usual_scaling(self.source)}
        intervals = {"intervals": "none"} if self.level is None else {"level": self.level, "intervals": self.intervals}
        found = {**{name: getattr(self.architecture, name) for name in USUAL if name != "quantiles"}, **intervals}
        return {name: value for name, value in found.items() if value != usual[name]}

    def python(self) -> str:
        """The same in Python."""
        shape, columns = self.architecture, self.columns.arguments()
        usual = TrainingSettings().filled()
        changed = {name: value for name, value in asdict(self.training).items() if value != getattr(usual, name)}
        training = f", training=ur.TrainingSettings({_keywords(changed)})" if changed else ""
        cell = repr(shape.cell) if shape.cell in CELLS else shape.cell  # one's own class, by its name
        rest = {name: getattr(shape, name) for name in ("lookback", "hidden", "layers", "dropout")}
        unusual = {name: value for name, value in self._unusual().items() if name not in rest}
        if self.level is None:
            unusual = unusual | {"level": None}
            unusual.pop("intervals", None)
        sizes = f"horizon={shape.horizon}, cell={cell}, {_keywords(rest | unusual)}"
        more = "".join(f", {name}=True" for name in ("refit", "stats") if getattr(self, name))
        return (
            "import unrolled as ur\n\n"
            f"f = ur.Forecaster({sizes}{training})\n"
            f"f.fit({self.source!r}, {_keywords(columns)}{more})\n"
            "f.evaluate()\n"
            "f.predict()\n"
        )

    @classmethod
    def from_json(cls, saved: dict[str, Any], folder: Path) -> "Plan":
        """The plan in a run's manifest. Raises RunError where it isn't one."""
        try:
            parts = {name: saved[name] for name in cls.__dataclass_fields__}
            kinds = {"refit": bool, "stats": bool, "source": str, "data": dict, "notes": list, "intervals": str}
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


def _keywords(values: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in values.items())
