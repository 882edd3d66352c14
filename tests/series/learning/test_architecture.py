"""The network's shape as it stands in run.json, and the contradictions that a forecaster refuses at once."""

import json
import re
from dataclasses import asdict, replace

import pytest

import unrolled as ur
from unrolled.errors import RunError, SettingsError
from unrolled.forecast import quantiles
from unrolled.nn.names import CELLS
from unrolled.series.learning.architecture import USUAL, Architecture
from unrolled.series.learning.ensemble import Ensemble
from unrolled.series.models import DirectForecaster, RecursiveForecaster, Seq2SeqForecaster, StepForecaster

SHAPE = Architecture(**USUAL, cell="gru", lookback=6, horizon=3, targets=2, past=1, known=1, static=0)


def test_it_counts_a_panels_channels(panel_of):
    panel = panel_of([[[1.0, 2.0, 3.0, 4.0]] * 9], targets=("y", "z"), past=("a",), known=("k",))
    assert Architecture.of(panel, cell="gru", lookback=6, horizon=3) == SHAPE
    assert SHAPE.channels == 4


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"loss": "quantile", "quantiles": (0.05, 0.5, 0.95)},
        {"strategy": "seq2seq", "attention": "dot"},
        {"ensemble": 3},
    ],
    ids=str,
)
def test_it_goes_to_json_and_back(change):
    shape = replace(SHAPE, **change)
    assert Architecture.from_json(json.loads(json.dumps(asdict(shape)))) == shape


def test_each_strategy_is_its_network():
    kinds = {
        "multi-output": StepForecaster,
        "recursive": RecursiveForecaster,
        "direct": DirectForecaster,
        "seq2seq": Seq2SeqForecaster,
    }
    for strategy, kind in kinds.items():
        assert type(replace(SHAPE, strategy=strategy).build()) is kind
    several = replace(SHAPE, ensemble=3).build()
    assert isinstance(several, Ensemble)
    assert len(several.members) == 3
    tuned = replace(SHAPE, strategy="seq2seq", attention="dot", teacher_forcing=0.5, schedule="constant").build()
    assert isinstance(tuned, Seq2SeqForecaster)
    assert (tuned.ratio, tuned.schedule, tuned.attention is not None) == (0.5, "constant", True)
    three = replace(SHAPE, loss="quantile", quantiles=(0.1, 0.5, 0.9)).build()
    assert three.sizes.levels == 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"targets": 0}, "targets has to be a whole number of at least 1, got 0"),
        ({"known": -1}, "known has to be a whole number of at least 0, got -1"),
        ({"horizon": 2**31}, "horizon has to be a whole number of at least 1, got 2147483648"),
        ({"ensemble": True}, "ensemble has to be a whole number of at least 1, got True"),
        ({"loss": None}, "the loss has to be named, got None"),
        ({"loss": "mad"}, "unknown loss 'mad'; nearest: 'mae'"),
        ({"scaling": "robusd"}, "there is no scaling 'robusd'; nearest: 'robust'"),
        ({"dropout": 1.0}, "dropout has to be at least 0 and below 1, got 1.0"),
        ({"quantiles": (0.1, 0.9)}, "the loss 'mae' has no quantiles, got [0.1, 0.9]; leave them out, or take "),
        ({"loss": "quantile"}, "quantiles have to ascend between 0 and 1, such as 0.05, 0.5, 0.95, got []"),
    ],
)
def test_shapes_that_can_not_be_are_refused(change, message):
    with pytest.raises(SettingsError, match=f"^{re.escape(message)}"):
        replace(SHAPE, **change)


def test_what_is_no_architecture_is_not_read_as_one():
    saved = json.loads(json.dumps(asdict(SHAPE)))
    for change in ({"quantiles": 5}, {"quantiles": None}, {"surprise": 1}):
        with pytest.raises(TypeError):
            Architecture.from_json(saved | change)
    with pytest.raises(KeyError):
        Architecture.from_json({name: value for name, value in saved.items() if name != "quantiles"})


def test_the_class_of_a_cell_has_to_be_the_one_that_is_named():
    assert SHAPE.cell_class() is SHAPE.cell_class(CELLS["gru"]) is CELLS["gru"]
    with pytest.raises(RunError, match=r"^this run's cell is gru, got lstm; give the class that it was trained with$"):
        SHAPE.cell_class(CELLS["lstm"])


def test_the_bounds_and_the_median_are_the_quantiles_of_a_level():
    assert quantiles(0.9) == (0.05, 0.5, 0.95)
    assert quantiles(0.5) == (0.25, 0.5, 0.75)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"model": "stepp"}, "unknown model 'stepp'; nearest: 'step'"),
        ({"strategy": "recursiv"}, "unknown strategy 'recursiv'; nearest: 'recursive'"),
        (
            {"model": "step", "strategy": "seq2seq"},
            "the model 'step' can't forecast by the strategy 'seq2seq'; leave one of them out",
        ),
        (
            {"model": "seq2seq", "strategy": "direct"},
            "the model 'seq2seq' can't forecast by the strategy 'direct'; leave one of them out",
        ),
        ({"attention": "dot"}, "attention is for the strategy 'seq2seq', got 'multi-output'; leave it out"),
        ({"schedule": "linear"}, "schedule is for the strategy 'seq2seq', got 'multi-output'; leave it out"),
        ({"model": "seq2seq", "attention": "dott"}, "unknown attention 'dott'"),
        ({"model": "seq2seq", "schedule": "linaer"}, "unknown schedule 'linaer'; nearest: 'linear'"),
        ({"loss": "mea"}, "unknown loss 'mea'; nearest: 'mae'"),
        ({"scaling": "standart"}, "there is no scaling 'standart'; nearest: 'standard'"),
        ({"intervals": "rollin"}, "there are no intervals 'rollin'; nearest: 'rolling'"),
        ({"level": 1.0}, "the level of intervals lies between 0 and 1, such as 0.9 for 90%, got 1.0"),
        ({"level": 90}, "the level of intervals lies between 0 and 1, such as 0.9 for 90%, got 90"),
        (
            {"loss": "quantile", "level": None},
            "the loss 'quantile' learns the bounds of intervals, and level=None asks for none",
        ),
        (
            {"loss": "smape", "scaling": "log"},
            "the loss 'smape' needs the data's own scale, and scaling 'log' leaves it; take 'mae'",
        ),
        ({"ensemble": 0}, "ensemble has to be a whole number of at least 1, got 0"),
        ({"ensemble": 1.5}, "ensemble has to be a whole number of at least 1, got 1.5"),
    ],
)
def test_a_forecaster_says_at_once_what_does_not_fit_together(asked, message):
    with pytest.raises(SettingsError, match=f"^{re.escape(message)}"):
        ur.Forecaster(**asked)


@pytest.mark.parametrize(
    ("asked", "strategy"),
    [
        ({}, "multi-output"),
        ({"model": "step"}, "multi-output"),
        ({"model": "seq2seq"}, "seq2seq"),
        ({"strategy": "seq2seq"}, "seq2seq"),
        ({"model": "step", "strategy": "direct"}, "direct"),
        ({"model": "seq2seq", "attention": "scaled-dot", "teacher_forcing": 0.5, "schedule": "constant"}, "seq2seq"),
    ],
)
def test_a_model_without_a_strategy_has_its_own(asked, strategy):
    assert ur.Forecaster(**asked)._shape["strategy"] == strategy
