"""The leak check of our own forecasters, which sees every tensor, statistic and choice on the way to a forecast."""

from typing import Any

import numpy as np

from unrolled.errors import SettingsError
from unrolled.series.judging.evaluation import baseline_forecasts
from unrolled.series.leaks.copies import copies_in
from unrolled.series.leaks.evidence import Evidence, Pipeline, Recipe, Table, differences, kind_of, picked
from unrolled.series.leaks.findings import Leak, LeakCheck, change_words, copy_of_target
from unrolled.series.leaks.foreign import clock_at
from unrolled.series.leaks.perturb import KINDS
from unrolled.series.learning.architecture import Architecture
from unrolled.series.learning.fit import fit_network
from unrolled.series.learning.trial import prepared
from unrolled.series.models import forecast
from unrolled.series.panels.panel import Panel
from unrolled.series.panels.roles import Columns
from unrolled.series.panels.source import Source
from unrolled.series.windows.examples import Examples
from unrolled.series.windows.split import Part
from unrolled.series.windows.window import Windows
from unrolled.series.words import counted, shown
from unrolled.training import TrainingSettings

_LARGEST_RIDGE = 1000  # inputs: beyond that the linear autoregression takes longer than everything else


def check_inside(recipe: Recipe, given: Any, columns: Columns, cut: Any) -> LeakCheck:
    source = Source.open(given, columns.series)
    columns, horizon = source.with_defaults(columns), recipe.shape["horizon"]
    scaling = source.scaling(recipe.shape["scaling"])
    recipe = recipe._replace(shape=recipe.shape | {"scaling": scaling})
    panel, cuts, lookback = prepared(columns, source.frame, horizon, recipe.lookback, scaling)
    pipeline = Pipeline(columns, lookback, horizon, scaling)
    table = Table.of(pipeline, source.frame, panel, cuts)
    cuts = table.cuts
    middle = (cuts.validation + cuts.test) // 2
    ats = [cuts.train, cuts.validation, middle] if cut is None else [_position(table, cut)]
    found: dict[str | None, Leak] = {}
    for at in ats:
        before = table.evidence(at)
        for kind in KINDS:
            _note(found, table, at, kind, before)
    for whose, moved in table.mixing():
        change, own = f"series {whose} is changed", f"of other series {_others(moved)}"
        found.setdefault(None, Leak(None, change, own, kind_of(moved[0])))
    _note(found, table, ats[-1], "mixed", _forecasts(recipe, table, table.panel, ats[-1]), recipe)
    leaks = [*found.values(), *(copy_of_target(*one) for one in copies_in(table.panel, cuts, horizon))]
    part = f" Of a large table, {table.part} were looked at." if table.part else ""
    whens = _either([table.stamp(at) for at in ats])
    said = (
        f"With every value from {whens} on changed, what was read, scaled, chosen and forecast before stays the same "
        f"to the bit (networks trained for a few steps)"
    )
    return LeakCheck(tuple(leaks), said, (part.strip(),) if part else ())


def _either(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _note(
    found: dict[str | None, Leak], table: Table, at: int, kind: str, before: Evidence, recipe: Recipe | None = None
) -> None:
    """What moves with a kind of change, of all columns at once and then of each that isn't known to leak."""

    def moved(names: list[str]) -> list[str]:
        if recipe is None:
            return table.moved(before, at, names, kind)
        panel, _ = table.pipeline.read(table.with_future(at, names, kind))
        return differences(before, _forecasts(recipe, table, panel, at))

    names = table.changing
    if not (whole := moved(names)):
        return
    culprits: list[tuple[str | None, list[str]]] = [
        (name, own) for name in names if name not in found and (own := moved([name]))
    ]
    for name, own in culprits or ([] if found else [(None, whole)]):
        found[name] = Leak(name, change_words(name, f"from {table.stamp(at)} on", kind), _others(own), kind_of(own[0]))


def _others(moved: list[str]) -> str:
    return moved[0] + (f" (and {counted(len(moved) - 1, 'other thing')})" if len(moved) > 1 else "")


def _position(table: Table, cut: Any) -> int:
    """A cut-off as a position on the grid, at or after the end of the training part."""
    cuts, panel = table.cuts, table.panel
    if isinstance(cut, float) and 0 < cut < 1:
        at = round(cuts.test * cut)
    elif table.stamps is None or panel.time is None:
        at = clock_at(cut, None)
    else:
        grid = panel.frequency.stamps(panel.origin, 0, cuts.test)
        at = int(np.searchsorted(grid.to_physical().to_numpy(), clock_at(cut, grid)))
    if not cuts.train <= at < cuts.test:
        raise SettingsError(
            f"training reads what comes before {table.stamp(cuts.train)}, and the table ends at "
            f"{table.stamp(cuts.test - 1)}; cut between the two, got {shown(cut)}"
        )
    return at


class _Few(Examples):
    """The same with a few windows of each part."""

    def windows(self, part: Part, stride: int = 1, phase: int | np.ndarray | None = None) -> Windows:
        found = super().windows(part, stride, phase)
        return self.at(found.origins[picked(found).cpu().numpy()])


def _forecasts(recipe: Recipe, table: Table, panel: Panel, cut: int) -> Evidence:
    """The forecasts that begin by the cut-off, of the network after a few steps and of every baseline."""
    pipeline, cuts = table.pipeline, table.cuts
    built = pipeline.examples(panel, cuts)
    few = _Few(**{name: getattr(built, name) for name in Examples.__dataclass_fields__})
    shape = Architecture.of(panel, lookback=pipeline.lookback, **recipe.shape | {"ensemble": 1})
    settings = TrainingSettings(epochs=1, threads=1, device="cpu")
    model, states = fit_network(shape, recipe.cell, few, settings)
    test = built.windows("test")
    last = cut - pipeline.horizon if panel.known else cut  # what is known ahead was read by then
    test = built.at(test.origins[test.times <= last])
    if not len(test):
        return {}
    test = built.at(test.origins[picked(test).cpu().numpy()])
    found: Evidence = {"the training losses": ([one["loss"] for one in states[0].records],)}
    found["the forecast made before it by the network"] = forecast(model, test.batches()).numpy()
    ridge = pipeline.lookback * len(panel.channels) <= _LARGEST_RIDGE
    for target, name in enumerate(panel.targets if ridge else ()):
        for method, values in baseline_forecasts(few, test, target):
            found[f"the forecast made before it of {shown(name)}, {method}"] = values
    return found
