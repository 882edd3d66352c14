"""Going on with a network on the rows that came since it was trained."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace

import numpy as np
import polars as pl
from torch import nn

from unrolled.series.learning.fit import fit_network
from unrolled.series.learning.fitted import Fitted
from unrolled.series.learning.trial import Trial
from unrolled.series.panels.ahead import check_ahead
from unrolled.series.panels.panel import Panel
from unrolled.series.panels.shares import SHARES
from unrolled.series.windows.examples import Examples, read_for
from unrolled.series.windows.split import Split, check_length
from unrolled.series.words import counted, near, refuse, shown
from unrolled.training import Progress, TrainingSettings, device_named

SLOWER = 0.1  # of the learning rate: what was learned is to be changed, not to be lost


def new_rows(fitted: Fitted, frame: pl.DataFrame) -> tuple[Panel, Split]:
    """The panel of a table that goes on after the data that ``fitted`` was trained on, and the new rows split in time
    (70/10/20) as :func:`split` does with all.

    Raises DataError for a table without rows after those, and for series that it wasn't trained on.
    """
    shape = fitted.architecture
    only = fitted.names if fitted.columns.only else None
    panel = read_for(shape.scaling, replace(fitted.columns, only=only), frame)
    trained = set(fitted.names)
    if unknown := [name for name in panel.names if name not in trained]:
        raise refuse(f"series {shown(unknown[0])} was not in the training data{near(unknown[0], fitted.names)}")
    known = fitted.context_panel()
    lengths = np.diff(known.offsets)
    ends = known.stamps_of(lengths - 1, np.ones_like(lengths))
    begin = int(panel.frequency.positions(ends, panel.origin).max()) + 1
    end = int((panel.starts + np.diff(panel.offsets)).max())
    if end <= begin:
        raise refuse(
            f"the table has no row after {ends.max()}, where the data end that the run was trained on; give newer rows"
        )
    train, validation, _ = SHARES
    cuts = Split(begin + round((end - begin) * train), begin + round((end - begin) * (train + validation)), end, begin)
    check_length(panel, cuts, shape.lookback, shape.horizon)
    check_ahead(panel, shape.horizon)
    first = int(panel.starts.argmin())
    since = panel.stamps(first, begin - int(panel.starts[first]), 1)[0]
    note = f"Updated on {counted(end - begin, 'new step')}, from {since} on."
    return replace(panel, notes=(*panel.notes, note)), cuts


def update(
    fitted: Fitted,
    cell: type[nn.Module],
    panel: Panel,
    cuts: Split,
    settings: TrainingSettings,
    on_progress: Callable[[Progress], None] | None = None,
) -> tuple[Trial, Trial]:
    """The network as it was and as it is after training on the new rows, from its own weights, with its own scaler, at
    a tenth of the learning rate.
    """
    shape, device = fitted.architecture, device_named(settings.device)
    number = {name: i for i, name in enumerate(fitted.names)}
    order = np.array([number[name] for name in panel.names])
    examples = Examples.build(
        panel, cuts, shape.lookback, shape.horizon, shape.scaling, device, scaler=fitted.scaler.of(order)
    )
    before = Trial(shape, examples, deepcopy(fitted.model).to(device), [])
    slower = replace(settings, learning_rate=settings.learning_rate * SLOWER, threads=fitted.threads)
    model, states = fit_network(shape, cell, examples, slower, start=fitted.model, on_progress=on_progress)
    return before, Trial(shape, examples, model, states)
