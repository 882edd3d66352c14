"""check_leaks: does a forecaster know what comes after a cut-off? Another future tells, not its code."""

from typing import Any, cast

from unrolled.errors import SettingsError, nearest
from unrolled.series.leaks.evidence import Recipe
from unrolled.series.leaks.findings import Leak, LeakCheck
from unrolled.series.leaks.foreign import World
from unrolled.series.leaks.inside import check_inside
from unrolled.series.leaks.outside import Outside, check_outside
from unrolled.series.panels.inputs import Names, several
from unrolled.series.panels.roles import Columns

__all__ = ["Leak", "LeakCheck", "check_leaks"]


def check_leaks(
    forecaster: Any,
    table: Any,
    *,
    target: Names,
    time: str | None = None,
    series: str | None = None,
    future: Names = None,
    cut: Any = None,
    thorough: bool = False,
    mixing: bool = False,
    tolerance: float = 0.0,
    **columns: Any,
) -> LeakCheck:
    """Give the table another future, and see whether anything moves that was known before::

        table' = table before the cut, other values from it on;   forecasts at the cut (table') = those of (table)

    ``forecaster`` is a `Forecaster`, or any object with ``fit(table)`` and ``predict(table)``: fit gets the whole table
    and is to learn from the rows before ``cut`` alone, as an experiment does that splits its data; predict gets those
    before the cut and returns the forecasts of what follows. So wrap the whole experiment, with its scaling, filling
    and splitting. What they take of ``target``, ``time``, ``series`` and ``cut`` by name, they get; a predict that
    takes the ``cut`` gets the whole table, as an experiment has it when it builds its test windows, and returns the
    forecasts made at the cut: only so can features be caught that look ahead. The table comes as
    the kind of frame that it was given as; forecasts may be a frame, an array or numbers. Copies are fitted, the object
    itself is left as it is.

    ``cut`` is a time stamp, the number of a row, or a share of the time (None: 0.8 of it). All columns are changed at
    once, so that a clean forecaster costs two fits; where a forecast moved, each column by itself. They are shuffled,
    scaled, shifted, and where values are missing more are taken away; ``thorough`` tries each of these alone, too.
    ``future`` names columns known ahead, which aren't secret: predict gets their rows after the cut, all else empty.
    With ``series``, other series' values are changed too, and a series' own forecasts mustn't move, unless ``mixing``
    says that it reads them on purpose. ``tolerance`` is the relative change that passes; fits have to be repeatable. A
    column that holds the target of a later row is named as well: no change of the future could show it.

    Inside a `Forecaster` more is seen: every tensor, statistic and choice, at the end of the training part, of the
    validation part, and in the middle of the test part, and then the forecasts, of networks trained for a few steps:
    what is checked is the way from the table to the windows, not what a network learns. ``columns`` are the other
    options of `Forecaster.fit`.

    Returns what was found. Raises SettingsError for a cut-off outside the table and for an object without fit and
    predict, DataError for fits that don't repeat.

    >>> import polars as pl
    >>> class Mean:  # which is to know the first eight rows
    ...     def fit(self, table): self.mean = table["y"].mean()
    ...     def predict(self, table): return [self.mean]
    >>> found = check_leaks(Mean(), pl.DataFrame({"y": range(10)}), target="y")
    >>> found.passed, found.columns
    (False, ('y',))
    """
    recipe = getattr(forecaster, "_recipe", None)
    if callable(recipe):
        made = _columns(target, time, series, future, columns)
        return check_inside(cast(Recipe, recipe()), table, made, cut)
    if columns:
        raise SettingsError(f"{next(iter(columns))} is an option of our own Forecaster, and this is another")
    names = several(target)
    if len(names) != 1:
        raise SettingsError(f"a forecaster of another kind is checked on one target, got {list(names)}")
    world = World.of(table, names[0], time, series, future, cut)
    return check_outside(Outside(forecaster, world), thorough, mixing, tolerance)


def _columns(target: Names, time: str | None, series: str | None, future: Names, more: dict[str, Any]) -> Columns:
    known = ("only", "past", "frequency", "fill", "static", "angles", "calendar", "wide")
    for name in more:
        if name not in known:
            raise SettingsError(f"there is no option {name!r}{nearest(name, known)}")
    return Columns(target if isinstance(target, str) else several(target), time, series, future=future, **more)
