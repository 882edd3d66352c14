"""The usual mistakes of forecasting experiments as switches, and the skill that each one fakes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl
import torch
from torch import Tensor, nn

from unrolled.errors import SettingsError, nearest
from unrolled.nn.names import cell_named
from unrolled.nn.rnn import RNN
from unrolled.series import metrics
from unrolled.series.judging.baselines import naive
from unrolled.series.judging.intervals import middle
from unrolled.series.learning.architecture import Architecture
from unrolled.series.learning.fit import fit_network
from unrolled.series.learning.trial import prepared
from unrolled.series.models import Network, Sizes, forecast
from unrolled.series.panels.roles import Columns
from unrolled.series.panels.source import Source
from unrolled.series.windows.examples import Examples
from unrolled.series.windows.scale import Scaler
from unrolled.series.windows.split import Part
from unrolled.series.windows.window import Windows
from unrolled.training import TrainingSettings


class Textbook(Network):
    """The network of the tutorials, which reads and says levels: ŷ_{T+1..T+H} = W h_T + b, h_t = cell([x_t, static],
    h_{t-1}). What the training part never saw it has to extrapolate. Covariates known ahead are read up to T alone.
    """

    def __init__(self, cell: type[nn.Module], sizes: Sizes, hidden: int):
        super().__init__(sizes)
        self.rnn, self.head = RNN(cell, sizes.features, hidden), nn.Linear(hidden, sizes.horizon * sizes.targets)

    def forward(self, past: Tensor, known: Tensor | None = None, static: Tensor | None = None) -> Tensor:
        past, _, static = self.inputs(past, known, static)
        output, _ = self.rnn(self.features(past, torch.zeros_like(past[:, :1, : self.sizes.unknown]), static))
        return self.head(output[:, -1]).unflatten(1, (self.sizes.horizon, self.sizes.targets, 1))


class TextbookShape(Architecture):
    """Of an Architecture the cell and the sizes, for a :class:`Textbook`."""

    def build(self, cell: type[nn.Module] | None = None) -> Network:
        sizes = Sizes(horizon=self.horizon, targets=self.targets, past=self.past, known=self.known, static=self.static)
        return Textbook(self.cell_class(cell), sizes, self.hidden)


MODELS = {"textbook": TextbookShape, "step": Architecture}


@dataclass(frozen=True)
class Dealt(Examples):
    """Examples whose windows were dealt to the parts by a rule of their own: the rows at which they begin."""

    parts: dict[Part, np.ndarray] = field(default_factory=dict)

    def windows(self, part: Part, stride: int = 1, phase: int | np.ndarray | None = None) -> Windows:
        return self.at(self.parts[part][::stride])

    @classmethod
    def of(cls, examples: Examples, parts: dict[Part, np.ndarray]) -> "Dealt":
        return cls(**{name: getattr(examples, name) for name in Examples.__dataclass_fields__}, parts=parts)


def scaler_on_all_data(examples: Examples, seed: int) -> Examples:
    """The scaler's statistics are those of the whole table, the test part among it."""
    panel, cuts, method = examples.panel, examples.cuts, examples.scaler.method
    everything = Scaler.fit(panel, cuts.test, method)
    return Examples.build(panel, cuts, examples.lookback, examples.horizon, method, scaler=everything)


def shuffled_windows(examples: Examples, seed: int) -> Examples:
    """Windows are dealt to the parts at random, 70/10/20: the neighbours of each test window are trained on.

    Scored are the test windows of this deal that are test windows of the honest split as well.
    """
    every = _all(examples)
    deck = np.random.default_rng(seed).permutation(every)
    a, b = round(0.7 * len(deck)), round(0.8 * len(deck))
    scored = np.intersect1d(deck[b:], examples.windows("test").origins)
    return Dealt.of(examples, {"train": deck[:a], "validation": deck[a:b], "test": scored})


def overlapping_splits(examples: Examples, seed: int) -> Examples:
    """A window belongs to the part that its look-back begins in, so that what it forecasts lies up to a look-back and
    a horizon inside the next part, which learns, or chooses, from what the next is scored on.
    """
    every, cuts = examples.at(_all(examples)), examples.cuts
    begins = every.times - examples.lookback
    train, choose = begins < cuts.train, (begins >= cuts.train) & (begins < cuts.validation)
    test = examples.windows("test").origins
    return Dealt.of(examples, {"train": every.origins[train], "validation": every.origins[choose], "test": test})


SWITCHES: dict[str, Callable[[Examples, int], Examples]] = {
    "scaler on all data": scaler_on_all_data,
    "shuffled windows": shuffled_windows,
    "overlapping splits": overlapping_splits,
}
COPY = "lag-1 copy"
MISTAKES = (*SWITCHES, COPY)


def fake_skill(
    table: Any,
    target: str,
    mistakes: Sequence[str] = MISTAKES,
    *,
    horizon: int = 1,
    lookback: int | None = None,
    model: str = "textbook",
    cell: str = "lstm",
    hidden: int = 32,
    scaling: str = "min-max",
    training: TrainingSettings | None = None,
    seeds: int = 1,
    **columns: Any,
) -> pl.DataFrame:
    """What an experiment with a mistake says of itself, beside the honest one: a row a mistake::

        skill = 1 - MAE / MAE of the naive forecast,    faked = reported_skill - honest_skill

    ``model`` "textbook" is a recurrent network that reads and says levels, as tutorials have it; "step" is our own,
    which speaks of the change from the last value, so that levels that training never saw are no harder: of it these
    mistakes fake next to nothing. The same network is trained both ways, with the same seeds (their mean is given),
    and both errors are over the same windows, those that the mistaken experiment has for its test: of "shuffled
    windows" a fifth of the honest ones. "lag-1 copy" is no network: it is the last value, the same error both times,
    reported as skill against the mean of the training part, as R² does in effect, where the honest skill is that
    against itself. ``columns`` are the other options of `Forecaster.fit`.

    Returns the columns mistake, reported and honest (MAE in the unit of the target), reported_skill, honest_skill,
    faked, and spread, the standard deviation of faked over the seeds (0 for one). Raises SettingsError for a mistake
    that there isn't.

    >>> fake_skill("stocks", "close", ["lag-1 copy"], only=["AAPL"], past=[])["honest_skill"].to_list()
    [0.0]
    """
    for name in mistakes:
        if name not in MISTAKES:
            raise SettingsError(f"there is no mistake {name!r}{nearest(name, MISTAKES)}")
    if model not in MODELS:
        raise SettingsError(f"there is no model {model!r}{nearest(model, MODELS)}")
    source = Source.open(table, columns.get("series"))
    columns_ = source.with_defaults(Columns(target, **columns))
    panel, cuts, lookback = prepared(columns_, source.frame, horizon, lookback, scaling)
    honest = Examples.build(panel, cuts, lookback, horizon, scaling)
    shape = MODELS[model].of(panel, cell=cell, lookback=lookback, horizon=horizon, hidden=hidden, scaling=scaling)
    settings = (training or TrainingSettings()).filled()
    rows = {name: [] for name in mistakes}
    for seed in range(settings.seed, settings.seed + seeds):
        own = replace(settings, seed=seed)
        say = _trained(shape, honest, own) if set(mistakes) & set(SWITCHES) else None
        for name in mistakes:
            if name == COPY or say is None:
                rows[name].append(_copy(honest))
                continue
            mistaken = SWITCHES[name](honest, seed)
            at = mistaken.windows("test").origins
            reported, truly = _trained(shape, mistaken, own)(at), say(at)
            plain = _naive(honest, at)
            rows[name].append((reported, truly, *(metrics.skill(error, plain) for error in (reported, truly))))
    return pl.DataFrame([_row(name, np.array(found)) for name, found in rows.items()])


def _row(name: str, found: np.ndarray) -> dict[str, Any]:
    """The mean over the seeds of ``found`` (seeds, 4)."""
    reported, honest, reported_skill, honest_skill = found.mean(axis=0).tolist()
    faked = found[:, 2] - found[:, 3]
    return {
        "mistake": name,
        "reported": reported,
        "honest": honest,
        "reported_skill": reported_skill,
        "honest_skill": honest_skill,
        "faked": float(faked.mean()),
        "spread": float(faked.std()),
    }


def _trained(shape: Architecture, examples: Examples, settings: TrainingSettings) -> Callable[[np.ndarray], float]:
    """A network trained on examples, as its mean absolute error on the windows that begin at some rows."""
    model, _ = fit_network(shape, cell_named(shape.cell), examples, settings)

    def error(at: np.ndarray) -> float:
        windows = examples.at(at)
        said = middle(forecast(model, windows.batches()).numpy())
        return float(metrics.mae(examples.actual(windows), examples.scaler.restore(said, windows.series)))

    return error


def _all(examples: Examples) -> np.ndarray:
    """The rows at which every usable window begins, in whichever part."""
    end = examples.cuts.test
    return replace(examples, cuts=replace(examples.cuts, train=end, validation=end)).windows("train").origins


def _naive(examples: Examples, at: np.ndarray) -> float:
    actual = examples.actual(examples.at(at))[:, :, 0]
    return float(metrics.mae(actual, naive(np.ascontiguousarray(examples.filled[:, 0]), at, examples.horizon)))


def _copy(examples: Examples) -> tuple[float, float, float, float]:
    """The last value's error, and its skill against the mean of the training part and against itself."""
    windows = examples.windows("test")
    actual, mean = examples.actual(windows)[:, :, 0], _means(examples)[windows.series][:, None]
    error = _naive(examples, windows.origins)
    against = float(metrics.mae(actual, np.broadcast_to(mean, actual.shape)))
    return error, error, metrics.skill(error, against), metrics.skill(error, error)


def _means(examples: Examples) -> np.ndarray:
    """The mean of the target in the training part, of each series."""
    panel, cuts = examples.panel, examples.cuts
    return Scaler.fit(panel, cuts.train, since=cuts.begin).centre[:, 0]
