"""One training and its judgement: what fitting, backtests and the comparison of strategies have in common."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from torch import nn

from unrolled.checkpoint import TrainingState
from unrolled.errors import DataError
from unrolled.series.judging.evaluation import EARLIER, Evaluation, Scored, evaluate, score
from unrolled.series.judging.intervals import Intervals, Said, calibrate, measure
from unrolled.series.judging.sample import sample
from unrolled.series.learning.architecture import Architecture
from unrolled.series.learning.ensemble import Ensemble
from unrolled.series.learning.fit import Files, fit_network
from unrolled.series.models import Network, forecast
from unrolled.series.panels.ahead import check_ahead
from unrolled.series.panels.panel import Panel
from unrolled.series.panels.roles import Columns
from unrolled.series.windows.examples import Examples, read_for, scaling_notes
from unrolled.series.windows.split import (
    Part,
    Split,
    check_length,
    default_lookback,
    short_series_note,
    split,
    thinning,
)
from unrolled.training import Progress, TrainingSettings, device_named

MOST = 2_000_000  # forecast values that are scored; each method's take 16 MB


def prepared(
    columns: Columns, frame: pl.DataFrame, horizon: int, lookback: int | None, scaling: str = "standard"
) -> tuple[Panel, Split, int]:
    """The panel that ``columns`` make of a table for a scaling, its split, and the look-back (None: the usual one).

    Raises DataError where a part would have no window, or a covariate isn't known as far ahead as it has to be.
    """
    panel = read_for(scaling, columns, frame)
    cuts = split(panel)
    panel = replace(panel, notes=(*panel.notes, *scaling_notes(panel, cuts, scaling)))
    lookback = lookback or default_lookback(panel, cuts, horizon)
    note = short_series_note(panel, cuts, lookback)
    panel = panel if note is None else replace(panel, notes=(*panel.notes, note))
    check_length(panel, cuts, lookback, horizon)
    check_ahead(panel, horizon)
    return panel, cuts, lookback


@dataclass(frozen=True)
class Trial:
    """A trained network, the examples that it learned from, and what training kept."""

    architecture: Architecture
    examples: Examples
    model: Network | Ensemble
    states: list[TrainingState]

    @property
    def interrupted(self) -> bool:
        return self.states[-1].ended == "interrupted"

    @property
    def name(self) -> str:
        """What to call the model in a table: LSTM, or LSTM, seq2seq, or 5 × LSTM."""
        shape = self.architecture
        members = f"{len(self.states)} × " if len(self.states) > 1 else ""
        strategy = "" if shape.strategy == "multi-output" else f", {shape.strategy}"
        return f"{members}{shape.cell.upper()}{strategy}"

    def say(self, part: Part) -> Said:
        """What the network says of the windows of a part: of all, or of large panels of every k-th."""
        windows = self.examples.windows(part, self.stride(part))
        shape = (0, self.architecture.horizon, self.architecture.targets, max(1, len(self.architecture.quantiles)))
        levels = forecast(self.model, windows.batches()).numpy() if len(windows) else np.empty(shape, np.float32)
        return Said(windows, levels)

    def stride(self, part: Part) -> int:
        """How far apart the windows lie that are scored, so that they are not more than memory has room for."""
        season, horizon = self.examples.panel.frequency.season, self.architecture.horizon
        return thinning(len(self.examples.windows(part)), max(1, MOST // horizon), season)

    def restored(self, said: Said) -> np.ndarray:
        """The point forecasts (windows, horizon, target) as they are reported, in each series' last unit."""
        return self.examples.traded.restore(said.point, said.windows.series)


def learn(
    shape: Architecture,
    cell: type[nn.Module],
    panel: Panel,
    cuts: Split,
    settings: TrainingSettings,
    *,
    files: Files | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Trial:
    """Train on the first part, choose by the second."""
    device = device_named(settings.device)
    examples = Examples.build(panel, cuts, shape.lookback, shape.horizon, shape.scaling, device)
    model, states = fit_network(shape, cell, examples, settings, files=files, on_progress=on_progress)
    return Trial(shape, examples, model, states)


@dataclass(frozen=True)
class Judgement:
    """What came of a trial on the test part: scores and held intervals of each target, the intervals of what comes
    next, and the test forecasts themselves, with those of the validation part that their intervals go by. ``sampled``
    are the scores in the windows in which Theta and exponential smoothing were fitted, where those are not all.
    """

    scored: list[Scored]
    held: list[dict[str, Any]] | None
    intervals: Intervals | None
    test: Said
    notes: list[str]  # why there are no intervals, why not every window was scored
    validation: Said | None = None
    sampled: list[Scored] | None = None

    def evaluations(self, panel: Panel, part: str = "test") -> list[Evaluation]:
        """An evaluation a target."""
        found = [evaluate(one, panel, part) for one in self.scored]
        if self.held is not None:
            found = [replace(one, intervals=own) for one, own in zip(found, self.held, strict=True)]
        if self.sampled is not None:
            own = (evaluate(one, panel, part) for one in self.sampled)
            found = [replace(one, statistical=some) for one, some in zip(found, own, strict=True)]
        return found


def judge(
    trial: Trial, level: float | None, method: str, before: Trial | None = None, stats: bool = False
) -> Judgement:
    """Score on the test part beside the baselines, and beside the network as it was ``before`` an update; intervals of
    ``level``, calibrated on the validation part. ``stats`` fits Theta and exponential smoothing too, in some windows.

    Raises UnrolledError with ``stats`` when statsmodels is not installed.
    """
    examples, test = trial.examples, trial.say("test")
    beside = {EARLIER: before.restored(before.say("test"))} if before is not None else {}
    scored = score(examples, {trial.name: trial.restored(test), **beside}, test.windows)
    stride = trial.stride("test")
    notes = [f"Scored at every {stride}th origin of the test part, as there are so many."] if stride > 1 else []
    sampled: list[Scored] | None = None
    if stats:
        some = sample(scored, examples)
        notes.append(some.note)
        scored, sampled = (some.scored, None) if some.whole else (scored, some.scored or None)
    if level is None:
        return Judgement(scored, None, None, test, notes, sampled=sampled)
    validation = trial.say("validation")
    scales = np.stack([one.scales[1][:, 0] for one in scored], axis=1)
    try:
        intervals, rolled = calibrate(level, method, [validation, test])
        actual = np.stack([one.actual for one in scored], axis=2)
        held = measure(intervals, examples.traded, validation, test, actual, scales, rolled)
    except DataError as error:
        return Judgement(scored, None, None, test, [*notes, f"No prediction intervals: {error}."], sampled=sampled)
    return Judgement(scored, held, intervals, test, notes, validation, sampled)
