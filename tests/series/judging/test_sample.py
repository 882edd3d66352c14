"""Theta and exponential smoothing beside a model: in which windows, that all methods share them, and what is left."""

from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.series import metrics
from unrolled.series.judging import sample as room
from unrolled.series.judging.evaluation import Evaluation, evaluate, score
from unrolled.series.judging.sample import chosen, sample
from unrolled.series.judging.statistical import exponential_smoothing, theta
from unrolled.series.windows.examples import Examples
from unrolled.series.windows.split import Split

with_statsmodels = pytest.mark.skipif(
    find_spec("statsmodels") is None, reason="statsmodels is not installed; pip install 'unrolled[stats]' brings it"
)
CUTS = Split(70, 80, 100)


def noisy(seed: int = 0, length: int = 100) -> np.ndarray:
    return 10 + np.sin(np.arange(length) / 3) + 0.3 * np.random.default_rng(seed).normal(size=length)


@given(
    lengths=st.lists(st.integers(1, 60), min_size=1, max_size=40),
    begins=st.lists(st.integers(0, 20), min_size=40, max_size=40),
    most=st.integers(1, 80),
)
def test_at_most_so_many_windows_at_one_distance_in_at_most_twenty_series(lengths, begins, most):
    series = np.repeat(np.arange(len(lengths)), lengths)
    times = np.concatenate([begins[i] + np.arange(n) for i, n in enumerate(lengths)])
    which, how = chosen(series, times, most)
    assert 1 <= len(which) <= most
    assert len(np.unique(which)) == len(which)
    if len(series) <= most:
        assert (len(which), how) == (len(series), "")
        return
    assert len(np.unique(series[which])) <= 20
    assert how
    clock = np.unique(times[which])
    if how.startswith(", at every origin") or len(lengths) > 1:
        return
    assert len(set(np.diff(clock))) <= 1, "one series has its origins at one distance"


@pytest.mark.parametrize(
    ("series", "origins", "most", "how"),
    [
        (1, 401, 200, ", at every 3rd origin"),
        (1, 2300, 200, ", at every 12th origin"),
        (1, 4200, 200, ", at every 21st origin"),
        (40, 10, 200, ", at every origin of 20 of the 40 series"),
        (40, 40, 200, ", at every 4th origin of 20 of the 40 series"),
        (2, 150, 200, ", at every 2nd origin"),
    ],
)
def test_how_they_were_chosen_is_said(series, origins, most, how):
    assert chosen(np.repeat(np.arange(series), origins), np.tile(np.arange(origins), series), most)[1] == how


@with_statsmodels
def test_every_method_is_scored_in_the_same_windows(panel_of, monkeypatch):
    monkeypatch.setattr(room, "FITS", 6)
    panel = panel_of([noisy(), noisy(1)], [0, 0])
    examples = Examples.build(panel, CUTS, 8, 3)
    windows = examples.windows("test")
    said = examples.actual(windows) + 0.5
    whole = score(examples, {"LSTM": said}, windows)
    found = sample(whole, examples)
    assert (found.whole, len(found.scored)) == (False, 1)
    assert found.note == (
        "Theta and exponential smoothing were fitted anew in 6 of 36 test windows, at every 6th origin."
    )
    [some] = found.scored
    assert list(some.forecasts) == [*whole[0].forecasts, "Theta", "exponential smoothing"]
    starts = panel.offsets[some.series]
    for name, method in (("Theta", theta), ("exponential smoothing", exponential_smoothing)):
        np.testing.assert_array_equal(
            some.forecasts[name], method(examples.filled[:, 0].copy(), some.origins, 3, 7, starts)
        )
    own = evaluate(some, panel, "test")
    which = np.isin(whole[0].origins, some.origins)
    for method, values in whole[0].forecasts.items():
        assert own.overall[method]["MAE"] == pytest.approx(metrics.mae(whole[0].actual[which], values[which]))
    assert own.windows == 6
    both = replace(evaluate(whole[0], panel, "test"), statistical=own)
    assert Evaluation.from_json(both.as_json()) == both
    assert both.sentences()[1] == f"Beside Theta and exponential smoothing, in 6 of the 36 windows: {own.verdict()}"


@with_statsmodels
def test_where_all_windows_are_few_enough_they_are_baselines_like_the_others(panel_of):
    panel = panel_of([noisy()])
    examples = Examples.build(panel, CUTS, 8, 3)
    windows = examples.windows("test")
    found = sample(score(examples, {"LSTM": examples.actual(windows)}, windows), examples)
    assert found.whole
    evaluation = evaluate(found.scored[0], panel, "test")
    assert evaluation.windows == 18
    assert evaluation.test("Theta") is not None
    assert evaluation.test("exponential smoothing") is not None
    assert found.note == "Theta and exponential smoothing were fitted anew in 18 of 18 test windows."


@with_statsmodels
def test_windows_whose_history_has_gaps_are_left_out(panel_of):
    values = noisy()
    values[90] = np.nan
    panel = panel_of([values])
    examples = Examples.build(panel, CUTS, 4, 3)
    windows = examples.windows("test")
    whole = score(examples, {"LSTM": examples.actual(windows)}, windows)
    found = sample(whole, examples)
    assert not found.whole
    assert max(found.scored[0].origins) <= 90
    assert len(found.scored[0].actual) == int(np.sum(windows.origins <= 90)) < len(windows)
    early = noisy()
    early[10] = np.nan
    examples = Examples.build(panel_of([early]), CUTS, 4, 3)
    windows = examples.windows("test")
    found = sample(score(examples, {"LSTM": examples.actual(windows)}, windows), examples)
    assert found.scored == []
    assert "can't be fitted: every history has gaps" in found.note
