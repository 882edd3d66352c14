"""The four strategies of multi-step forecasting by name, and the network that each is."""

from collections.abc import Callable
from typing import Any

from torch import nn

from unrolled.errors import SettingsError, nearest
from unrolled.series.models.direct import DirectForecaster
from unrolled.series.models.network import Network, Sizes
from unrolled.series.models.recursive import RecursiveForecaster
from unrolled.series.models.seq2seq import Seq2SeqForecaster
from unrolled.series.models.step import StepForecaster

STRATEGIES: dict[str, Callable[..., Network]] = {
    "multi-output": StepForecaster,
    "recursive": RecursiveForecaster,
    "direct": DirectForecaster,
    "seq2seq": Seq2SeqForecaster,
}


def build(
    strategy: str,
    cell: type[nn.Module],
    sizes: Sizes,
    hidden: int = 64,
    layers: int = 1,
    dropout: float = 0.0,
    attention: str | None = None,
    teacher_forcing: float | None = None,
    schedule: str | None = None,
) -> Network:
    """The network of a strategy, with fresh weights; what is None has the strategy's own default.

    Raises SettingsError for a strategy that there isn't, and for attention, teacher forcing or a schedule where nothing
    is decoded.

    >>> from unrolled.nn import LSTMCell
    >>> type(build("direct", LSTMCell, Sizes(horizon=24, past=3))).__name__
    'DirectForecaster'
    """
    if strategy not in STRATEGIES:
        raise SettingsError(f"unknown strategy {strategy!r}{nearest(strategy, STRATEGIES)}")
    decoding = {"attention": attention, "teacher_forcing": teacher_forcing, "schedule": schedule}
    given: dict[str, Any] = {name: value for name, value in decoding.items() if value is not None}
    if given and strategy != "seq2seq":
        raise SettingsError(f"{next(iter(given))} is for the strategy 'seq2seq', got {strategy!r}; leave it out")
    if teacher_forcing is not None:
        given["ratio"] = given.pop("teacher_forcing")
    return STRATEGIES[strategy](cell, sizes, hidden, layers, dropout, **given)
