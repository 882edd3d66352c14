"""Forecasting networks: from a look-back of all channels to the targets over the horizon, by four strategies."""

from unrolled.series.models.direct import DirectForecaster
from unrolled.series.models.network import Network, Sizes, forecast
from unrolled.series.models.recursive import RecursiveForecaster
from unrolled.series.models.seq2seq import SCHEDULES, Seq2SeqForecaster
from unrolled.series.models.skip import LinearMean, LinearSkip, Lined
from unrolled.series.models.step import StepForecaster
from unrolled.series.models.strategies import STRATEGIES, build

__all__ = [
    "SCHEDULES",
    "STRATEGIES",
    "DirectForecaster",
    "LinearMean",
    "LinearSkip",
    "Lined",
    "Network",
    "RecursiveForecaster",
    "Seq2SeqForecaster",
    "Sizes",
    "StepForecaster",
    "build",
    "forecast",
]
