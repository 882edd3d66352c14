"""The leak check of forecasters of any origin, from outside: by the forecasts that they make."""

import inspect
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from unrolled.errors import DataError, SettingsError
from unrolled.series.leaks.copies import copied_ahead
from unrolled.series.leaks.findings import Leak, LeakCheck, change_words, copy_of_target
from unrolled.series.leaks.foreign import World
from unrolled.series.leaks.perturb import KINDS
from unrolled.series.reading import table as tables
from unrolled.series.reading.columns import numbers
from unrolled.series.words import listed

Forecasts = dict[str, np.ndarray]


@dataclass(frozen=True)
class Outside:
    """A forecaster with ``fit`` and ``predict``, of which only copies are used, and the table that it is tried on."""

    forecaster: Any
    world: World

    def __post_init__(self):
        for name in ("fit", "predict"):
            if not callable(getattr(self.forecaster, name, None)):
                raise SettingsError(
                    f"a forecaster has fit(table) and predict(table), and {type(self.forecaster).__name__} has no "
                    f"{name}; wrap it in a class that has both"
                )

    def fit(self, table: Any) -> Any:
        """A fitted copy."""
        made = deepcopy(self.forecaster)
        fitted = made.fit(table, **self._named(made.fit))
        return fitted if callable(getattr(fitted, "predict", None)) else made

    def predict(self, fitted: Any, table: Any) -> Any:
        """What a copy of a fitted forecaster says at the cut-off: of the rows before it, or, where it takes the cut-off
        by name, of the whole table.
        """
        made = deepcopy(fitted)
        named = self._named(made.predict)
        return made.predict(table if "cut" in named else self.world.before(table), **named)

    def forecasts(self, fitted: Any, table: Any) -> Forecasts:
        found = forecasts_of(self.predict(fitted, table))
        if not any(values.size for values in found.values()):
            raise DataError("predict(table) gave no forecasts after the last row of the table; let it return some")
        return found

    def _named(self, method: Any) -> dict[str, Any]:
        """What the method takes by name."""
        try:
            takes = set(inspect.signature(method).parameters)
        except (TypeError, ValueError):
            takes = set()
        return {name: getattr(self.world, name) for name in ("target", "time", "series", "cut") if name in takes}


def check_outside(outside: Outside, thorough: bool, mixing: bool, tolerance: float) -> LeakCheck:
    """All columns at once, and where a forecast moved each by itself; see :func:`check_leaks`."""
    world = outside.world
    names, cut = world.changing, f"row {world.cut}" if isinstance(world.cut, int) else str(world.cut)
    first = outside.fit(world.given)
    base = outside.forecasts(first, world.given)
    findings: list[Leak] = _copies_in(world)
    notes: list[str] = []

    def moves(columns: list[str], kind: str) -> str | None:
        """By how much the forecast moved, and what with it; None where it stays."""
        table = world.with_other(columns, kind)
        fitted = outside.fit(table)
        change = moved_by(base, outside.forecasts(fitted, table), tolerance)
        if not change:
            return None
        inside = [f"its {name}" for name in moved_inside(first, fitted)]
        verb = "does" if len(inside) == 1 else "do"
        return _by(change) + (f", and so {verb} {', '.join(inside[:4])}" if inside else "")

    kinds = [kind for kind in KINDS if kind != "missing" or world.gaps(names)] if thorough else KINDS[:1]
    seen: set[str] = set()
    for kind in kinds:
        moved = moves(names, kind)
        if moved is None:
            continue
        if not seen:
            _refuse_unrepeatable(moved_by(base, outside.forecasts(outside.fit(world.given), world.given), tolerance))
        own = [(name, said) for name in names if name not in seen and (said := moves([name], kind)) is not None]
        own = own or ([] if seen else [(None, moved)])
        for name, said in own:
            change = change_words(name, f"from {cut} on", kind)
            findings.append(Leak(name, change, "the forecast made at the cut", "forecast", said))
        seen.update(name for name, _ in own if name is not None)
    if world.series is not None and not mixing:
        mixed = _mixed(outside, first, tolerance)
        findings += mixed or []
        if mixed is None:
            notes.append("Whether series mix was not checked: predict gives no column of the series' names.")
    said = f"With every value from {cut} on changed, the forecasts made there stay the same"
    return LeakCheck(tuple(findings), said, tuple(notes))


def _by(change: float) -> str:
    return "" if np.isinf(change) else f" by up to {change:.3g}"


def _refuse_unrepeatable(change: float) -> None:
    if change:
        raise DataError(
            f"two fits on the same table forecast differently{_by(change)}, so nothing can be told from a change; fix "
            "its seeds, or give a tolerance"
        )


def _mixed(outside: Outside, first: Any, tolerance: float) -> list[Leak] | None:
    """Where one series' values reach into another's look-back: every second series changes, then the rest, and what is
    forecast of the others mustn't. None where forecasts don't say whose they are.
    """
    world, found = outside.world, []
    for others in (True, False):
        which = world.series_of(others)
        if not which.any() or not (world.order.used & ~which).any():
            continue
        own = _of_series(outside.predict(first, world.given), world, not others)
        if own is None:
            return None
        other = world.with_other(world.changing, "mixed", which)
        after = _of_series(outside.predict(first, other), world, not others)
        change = np.inf if after is None else moved_by(own, after, tolerance)
        if change:
            whose = f"series {listed(sorted(world.names_of(others)))} is changed, before the cut too"
            found.append(Leak(None, whose, "the forecast made for other series", "forecast", _by(change)))
    return found


def _copies_in(world: World) -> list[Leak]:
    """Columns that hold the target of a later row."""
    rows = world.order.sorted
    rows = rows[~world.late[rows]]
    turns = np.flatnonzero(np.diff(world.order.codes[rows])) + 1

    def values(name: str) -> list[np.ndarray]:
        return np.split(numbers(world.frame, name, None)[rows], turns)

    others = [name for name in world.changing if name != world.target and world.frame[name].dtype.is_numeric()]
    target = values(world.target)
    found = [(name, copied_ahead(target, values(name))) for name in others]
    return [copy_of_target(name, ahead, world.target) for name, ahead in found if ahead is not None]


def forecasts_of(value: Any) -> Forecasts:
    """Forecasts as arrays, whatever they come in: a frame, an array, a tensor, numbers, or these under names."""
    if isinstance(value, Mapping):
        return {f"{name}{f' {more}' if more else ''}": own for name, part in value.items()
                for more, own in forecasts_of(part).items()}  # fmt: skip
    if tables.kind(value) in ("pandas", "pyarrow") or isinstance(value, pl.DataFrame):
        if hasattr(value, "to_frame") and not hasattr(value, "columns"):
            return {"": np.asarray(value, dtype=np.float64)}
        frame = tables.read(value)
        return {c.name: c.cast(pl.Float64).to_numpy() for c in frame.get_columns() if c.dtype.is_numeric()}
    if callable(getattr(value, "detach", None)):
        value = value.detach().cpu()
    elif callable(getattr(value, "values", None)):  # of series as other libraries have them
        value = value.values()
    try:
        return {"": np.asarray(value, dtype=np.float64)}
    except (TypeError, ValueError) as error:
        raise DataError(
            f"predict(table) gives forecasts as a frame, an array or numbers, got {type(value).__name__}"
        ) from error


def moved_by(before: Mapping[str, np.ndarray], after: Mapping[str, np.ndarray], tolerance: float) -> float:
    """The largest change of any forecast, infinite where there are other ones; 0 within the tolerance."""
    if before.keys() != after.keys():
        return np.inf
    most = 0.0
    for name, one in before.items():
        other = after[name]
        if one.shape != other.shape or not np.array_equal(np.isnan(one), np.isnan(other)):
            return np.inf
        change = np.nan_to_num(np.abs(one - other))
        size = float(np.nan_to_num(np.abs(one)).max(initial=0.0))
        most = max(most, float(change.max(initial=0.0)) if (change > tolerance * size).any() else 0.0)
    return most


def moved_inside(before: Any, after: Any, depth: int = 2) -> list[str]:
    """The attributes of a fitted forecaster that hold numbers and changed: what it learnt, by its own names."""
    found = []
    for name, one in getattr(before, "__dict__", {}).items():
        other = getattr(after, "__dict__", {}).get(name)
        if isinstance(one, int | float | np.ndarray) or callable(getattr(one, "detach", None)):
            if _differ(one, other):
                found.append(name)
        elif depth > 1 and hasattr(one, "__dict__"):
            found += [f"{name}.{inner}" for inner in moved_inside(one, other, depth - 1)]
    return found


def _differ(one: Any, other: Any) -> bool:
    try:
        one, other = (np.asarray(x.detach().cpu() if hasattr(x, "detach") else x, np.float64) for x in (one, other))
        return one.shape != other.shape or not np.array_equal(one, other, equal_nan=True)
    except (TypeError, ValueError):
        return False


def _of_series(value: Any, world: World, others: bool) -> Forecasts | None:
    """The forecasts of every second series, or of the rest; None where they don't say whose they are."""
    names = world.names_of(others)
    if isinstance(value, Mapping):
        return forecasts_of({name: part for name, part in value.items() if str(name) in names})
    if not hasattr(value, "columns") or world.series is None:
        return None
    frame = tables.read(value)
    if world.series not in frame.columns:
        return None
    return forecasts_of(frame.filter(pl.col(world.series).cast(pl.String).is_in(sorted(names))))
