"""Unrolled: recurrent networks that you can read, run and trust.

Names are imported when they are first used, so that ``import unrolled`` costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0.dev0"

_HOMES = {
    "UnrolledError": "unrolled.errors",
    "ElmanCell": "unrolled.nn.cells",
    "LSTMCell": "unrolled.nn.cells",
    "GRUCell": "unrolled.nn.cells",
    "MinGRUCell": "unrolled.nn.mingru",
    "RNN": "unrolled.nn.rnn",
    "DotAttention": "unrolled.nn.attention",
    "GeneralAttention": "unrolled.nn.attention",
    "AdditiveAttention": "unrolled.nn.attention",
    "MultiHeadAttention": "unrolled.nn.multihead",
    "Seq2Seq": "unrolled.nn.seq2seq",
    "greedy": "unrolled.nn.search",
    "sample": "unrolled.nn.search",
    "beam_search": "unrolled.nn.search",
    "record": "unrolled.lens.record",
    "Tape": "unrolled.lens.tape",
    "check_model": "unrolled.lens.checks",
    "gradient_flow": "unrolled.lens.gradients",
    "compare": "unrolled.comparison.compare",
    "TrainingSettings": "unrolled.training",
    "prepare": "unrolled.series.panels.panel",
    "split": "unrolled.series.windows.split",
    "windows": "unrolled.series.windows.views",
    "Scaler": "unrolled.series.windows.scale",
    "check_leaks": "unrolled.series.leaks.check",
    "Forecaster": "unrolled.forecast",
    "Translator": "unrolled.translate",
    "load": "unrolled.saved",
}
_MODULES = {"data": "unrolled.data", "metrics": "unrolled.series.metrics", "nn": "unrolled.nn"}

__all__ = [*_HOMES, *_MODULES, "__version__"]  # pyright: ignore[reportUnsupportedDunderAll]

if TYPE_CHECKING:
    from unrolled import data as data
    from unrolled import nn as nn
    from unrolled.comparison.compare import compare as compare
    from unrolled.errors import UnrolledError as UnrolledError
    from unrolled.forecast import Forecaster as Forecaster
    from unrolled.lens.checks import check_model as check_model
    from unrolled.lens.gradients import gradient_flow as gradient_flow
    from unrolled.lens.record import record as record
    from unrolled.lens.tape import Tape as Tape
    from unrolled.nn.attention import AdditiveAttention as AdditiveAttention
    from unrolled.nn.attention import DotAttention as DotAttention
    from unrolled.nn.attention import GeneralAttention as GeneralAttention
    from unrolled.nn.cells import ElmanCell as ElmanCell
    from unrolled.nn.cells import GRUCell as GRUCell
    from unrolled.nn.cells import LSTMCell as LSTMCell
    from unrolled.nn.mingru import MinGRUCell as MinGRUCell
    from unrolled.nn.multihead import MultiHeadAttention as MultiHeadAttention
    from unrolled.nn.rnn import RNN as RNN
    from unrolled.nn.search import beam_search as beam_search
    from unrolled.nn.search import greedy as greedy
    from unrolled.nn.search import sample as sample
    from unrolled.nn.seq2seq import Seq2Seq as Seq2Seq
    from unrolled.saved import load as load
    from unrolled.series import metrics as metrics
    from unrolled.series.leaks.check import check_leaks as check_leaks
    from unrolled.series.panels.panel import prepare as prepare
    from unrolled.series.windows.scale import Scaler as Scaler
    from unrolled.series.windows.split import split as split
    from unrolled.series.windows.views import windows as windows
    from unrolled.training import TrainingSettings as TrainingSettings
    from unrolled.translate import Translator as Translator


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(_MODULES[name])
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'unrolled' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
