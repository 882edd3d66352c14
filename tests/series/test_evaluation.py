"""The comparison with the baselines against scikit-learn, by laws, and its words."""

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from unrolled.series.evaluation import METRICS, Evaluation, baseline_forecasts, evaluate
from unrolled.series.examples import Examples
from unrolled.series.split import Split

CUTS = Split(70, 80, 100)


def noisy(seed: int = 0, length: int = 100) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return 10 + np.sin(np.arange(length) / 3) + 0.3 * rng.normal(size=length)


def scored(panel, forecasts=None, season: int = 7, horizon: int = 3):
    """(evaluation, examples, windows) of forecasts; without any of the truth."""
    examples = Examples.build(panel, CUTS, lookback=8, horizon=horizon)
    windows = examples.windows("test")
    forecasts = examples.actual(windows) if forecasts is None else forecasts(examples, windows)
    return evaluate(examples, "LSTM", forecasts, windows, "test", season), examples, windows


def test_the_truth_has_no_error_and_skill_one(panel_of):
    evaluation, _, windows = scored(panel_of([noisy(), noisy(1)], [0, 0]))
    assert evaluation.overall["LSTM"] == dict.fromkeys(METRICS, 0.0)
    assert evaluation.by_step["LSTM"] == {name: [0.0] * 3 for name in METRICS}
    assert evaluation.by_series["LSTM"] == {"a": 0.0, "b": 0.0}
    assert evaluation.skill("LSTM") == 1.0
    assert evaluation.windows == len(windows) == 2 * 18
    assert list(evaluation.overall) == ["LSTM", "naive", "seasonal naive", "drift", "linear autoregression"]


def test_errors_equal_scikit_learn_for_every_method(panel_of):
    panel = panel_of([noisy(), noisy(1)], [0, 0])
    rng = np.random.default_rng(2)
    guess = rng.normal(size=(36, 3)) + 10
    evaluation, examples, windows = scored(panel, lambda *_: guess)
    actual = examples.actual(windows)
    for method, ahead in [("LSTM", guess), *baseline_forecasts(examples, windows, season=7)]:
        errors = evaluation.overall[method]
        assert errors["MAE"] == pytest.approx(sk.mean_absolute_error(actual, ahead), rel=1e-12)
        assert errors["RMSE"] == pytest.approx(sk.mean_squared_error(actual, ahead) ** 0.5, rel=1e-12)
        mape = sk.mean_absolute_percentage_error(actual, ahead)
        assert errors["MAPE"] == pytest.approx(100 * mape, rel=1e-12)
        for name, by_step in (("MAE", sk.mean_absolute_error), ("MAPE", sk.mean_absolute_percentage_error)):
            expected = np.asarray(by_step(actual, ahead, multioutput="raw_values")) * (100 if name == "MAPE" else 1)
            assert evaluation.by_step[method][name] == pytest.approx(expected.tolist(), rel=1e-12)
        for i, series in enumerate("ab"):
            mine = examples.series_of(windows) == i
            assert evaluation.by_series[method][series] == pytest.approx(
                sk.mean_absolute_error(actual[mine], ahead[mine]), rel=1e-12
            )
            assert mine.sum() == 18


def test_mase_divides_by_each_series_own_seasonal_error_in_training(panel_of):
    panel = panel_of([noisy(), 100 * noisy(1)], [0, 0])
    evaluation, examples, windows = scored(panel, lambda examples, windows: examples.actual(windows) + 1)
    total = 0.0
    for i, series in enumerate((noisy(), 100 * noisy(1))):
        scale = np.mean([abs(series[t] - series[t - 7]) for t in range(7, 70)])
        total += (examples.series_of(windows) == i).mean() / scale
    assert evaluation.overall["LSTM"]["MASE"] == pytest.approx(total, rel=1e-12)


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 999), horizon=st.integers(1, 5), gaps=st.sampled_from([0.0, 0.3]))
def test_steps_and_series_weigh_up_to_the_whole(panel_of, seed, horizon, gaps):
    """The overall error is the mean over steps, each by how many values were observed there; the same by series."""
    rng = np.random.default_rng(seed)
    series = [np.where(rng.random(100) < gaps, np.nan, noisy(seed + i)) for i in range(2)]
    for own in series:
        own[0] = 10.0
    evaluation, examples, windows = scored(
        panel_of(series, [0, 0], fill="forward"),
        lambda e, w: e.actual(w) + rng.normal(size=(len(w), horizon)),
        horizon=horizon,
    )
    observed = ~np.isnan(examples.actual(windows))
    of = examples.series_of(windows)
    for method, errors in evaluation.overall.items():
        steps = evaluation.by_step[method]
        squares = np.square(np.array(steps["RMSE"]))
        assert errors["MAE"] == pytest.approx(np.average(np.array(steps["MAE"]), weights=observed.sum(axis=0)))
        assert errors["RMSE"] == pytest.approx(np.sqrt(np.average(squares, weights=observed.sum(axis=0))))
        by_series = np.array([evaluation.by_series[method][name] for name in "ab"])
        assert errors["MAE"] == pytest.approx(np.average(by_series, weights=[observed[of == i].sum() for i in (0, 1)]))


def test_a_season_makes_the_seasonal_naive_best(panel_of):
    rng = np.random.default_rng(0)
    week = np.array([1.0, 5.0, 3.0, 2.0, 8.0, 6.0, 4.0])[np.arange(100) % 7]
    values = week + 0.01 * rng.normal(size=100)
    examples = Examples.build(
        panel_of([values]), CUTS, lookback=1, horizon=3
    )  # too short for a regression to see a week
    windows = examples.windows("test")
    evaluation = evaluate(examples, "GRU", examples.actual(windows) + 5, windows, "test", season=7)
    assert evaluation.best_baseline == "seasonal naive"
    assert evaluation.overall["seasonal naive"]["MAE"] == pytest.approx(0.01 * 2 / math.sqrt(math.pi), rel=0.3)
    assert evaluation.skill("seasonal naive") == 0.0
    without = evaluate(examples, "GRU", examples.actual(windows), windows, "test", season=1)
    assert "seasonal naive" not in without.overall


def made(mae: dict[str, float | None]) -> Evaluation:
    overall: dict[str, dict[str, float | None]] = {m: dict.fromkeys(METRICS, error) for m, error in mae.items()}
    by_step = {m: {name: [error] for name in METRICS} for m, error in mae.items()}
    return Evaluation("test", 12, overall, by_step, {m: {"": error} for m, error in mae.items()}, None)


def test_the_verdict_says_who_won_and_by_how_much():
    assert made({"LSTM": 0.75, "naive": 1.0, "drift": 1.5}).verdict() == (
        "The LSTM is 25.0% better than the best baseline, the naive forecast (mean absolute error 0.75 against 1)."
    )
    assert made({"GRU": 1.25, "naive": 1.5, "drift": 1.0}).verdict() == (
        "The GRU does not beat the drift forecast: it is 25.0% worse (mean absolute error 1.25 against 1). "
        "Use the simpler one."
    )
    assert made({"RNN": 1.0, "naive": 1.0}).verdict() == (
        "The RNN does not beat the naive forecast: they are equally good (mean absolute error 1 against 1). "
        "Use the simpler one."
    )
    assert made({"RNN": 1.0, "naive": 0.0}).verdict() == (
        "The RNN does not beat the naive forecast: that is perfect (mean absolute error 1 against 0). "
        "Use the simpler one."
    )


def test_a_baseline_without_an_error_of_its_own_is_never_the_best():
    evaluation = made({"LSTM": 0.75, "seasonal naive": None, "drift": 1.5})
    assert evaluation.best_baseline == "drift"
    assert evaluation.skill("LSTM") == 0.5
    assert evaluation.skill("seasonal naive") == -math.inf


def test_it_goes_to_json_and_back(panel_of):
    values = noisy()
    values[90] = 0.0  # where MAPE is undefined
    evaluation, *_ = scored(panel_of([values]), lambda e, w: e.actual(w) + 0.1)
    assert evaluation.overall["LSTM"]["MAPE"] is None
    assert evaluation.caveat is not None
    saved = json.loads(json.dumps(evaluation.as_json(), allow_nan=False))
    assert Evaluation.from_json(saved) == evaluation
    assert saved["skill"] == evaluation.skill("LSTM")
    assert saved["best_baseline"] == evaluation.best_baseline


@pytest.mark.parametrize(
    "change",
    [
        lambda saved: saved.pop("overall"),
        lambda saved: saved.update(overall=[]),
        lambda saved: saved.update(overall={}),
        lambda saved: saved.update(by_step=None),
        lambda saved: saved["overall"].pop("naive"),
        lambda saved: saved["overall"]["naive"].pop("MASE"),
        lambda saved: saved["overall"]["LSTM"].update(MAE=None),
        lambda saved: saved["overall"]["LSTM"].update(MAE="1"),
        lambda saved: saved["by_step"]["LSTM"].update(MAE=[1.0, 2.0]),
        lambda saved: saved["by_step"]["LSTM"].update(MAE=1.0),
        lambda saved: saved["by_series"].update(naive=3),
        lambda saved: saved["by_series"]["naive"].update({"": 10**400}),
        lambda saved: saved.update(windows="12"),
    ],
)
def test_what_is_no_evaluation_is_not_read_as_one(change):
    saved: dict[str, Any] = json.loads(json.dumps(made({"LSTM": 0.75, "naive": 1.0}).as_json()))
    Evaluation.from_json(saved)
    change(saved)
    with pytest.raises((KeyError, TypeError)):
        Evaluation.from_json(saved)


def test_tables_have_a_row_a_method_and_a_row_a_step(panel_of):
    evaluation, *_ = scored(panel_of([noisy()]))
    table = evaluation.table()
    assert table.columns == ["method", *METRICS, "skill"]
    assert table["method"].to_list() == list(evaluation.overall)
    assert table["MAE"].to_list() == [errors["MAE"] for errors in evaluation.overall.values()]
    assert table["skill"].to_list() == [evaluation.skill(method) for method in evaluation.overall]
    steps = evaluation.table(by_step=True)
    assert steps.columns == ["method", "step", *METRICS]
    assert steps.filter(pl.col("method") == "drift")["step"].to_list() == [1, 2, 3]
    assert steps.filter(pl.col("method") == "drift")["RMSE"].to_list() == evaluation.by_step["drift"]["RMSE"]
    unknown = replace(evaluation, by_step={m: e | {"MAPE": [None] * 3} for m, e in evaluation.by_step.items()})
    assert unknown.table(by_step=True)["MAPE"].null_count() == 15
    assert unknown.table(by_step=True)["MAPE"].dtype == pl.Float64
    unknown = replace(evaluation, overall={m: e | {"MAPE": None} for m, e in evaluation.overall.items()})
    assert unknown.table()["MAPE"].dtype == pl.Float64
