"""The comparison with the baselines against scikit-learn, by laws, and its words."""

import json
import math
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from unrolled.errors import SettingsError
from unrolled.formats import read_json, write_json
from unrolled.series.judging.evaluation import (
    COMMON,
    METRICS,
    Evaluation,
    Scored,
    baseline_forecasts,
    evaluate,
    evaluation_table,
    score,
)
from unrolled.series.judging.significance import Comparison, diebold_mariano, loss_by_origin, wilcoxon
from unrolled.series.reading.frequency import Frequency
from unrolled.series.windows.examples import Examples
from unrolled.series.windows.split import Split
from unrolled.series.windows.window import Windows

CUTS = Split(70, 80, 100)


def noisy(seed: int = 0, length: int = 100) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return 10 + np.sin(np.arange(length) / 3) + 0.3 * rng.normal(size=length)


def scored(panel, forecasts=None, horizon: int = 3, cuts: Split = CUTS, lookback: int = 8):
    """(evaluation, examples, windows) of the first target's forecasts (windows, horizon); without any of the truth."""
    examples = Examples.build(panel, cuts, lookback, horizon)
    windows = examples.windows("test")
    said = examples.actual(windows)
    if forecasts is not None:
        said = np.broadcast_to(forecasts(examples, windows)[:, :, None], said.shape)
    return evaluate(score(examples, {"LSTM": said}, windows)[0], panel, "test"), examples, windows


def actual(examples: Examples, windows) -> np.ndarray:
    return examples.actual(windows)[:, :, 0]


def test_the_truth_has_no_error_and_skill_one(panel_of):
    evaluation, _, windows = scored(panel_of([noisy(), noisy(1)], [0, 0]))
    best = dict.fromkeys(METRICS, 0.0) | {"R2": 1.0, "direction": 1.0}
    assert evaluation.overall["LSTM"] == best
    assert evaluation.by_step["LSTM"] == {name: [value] * 3 for name, value in best.items()}
    assert evaluation.by_series["LSTM"] == {"a": 0.0, "b": 0.0}
    assert evaluation.skill("LSTM") == 1.0
    assert evaluation.windows == len(windows) == 2 * 18
    assert list(evaluation.overall) == [
        *("LSTM", "naive", "seasonal naive", "drift", "moving average", "linear autoregression")
    ]


def test_errors_equal_scikit_learn_for_every_method(panel_of):
    panel = panel_of([noisy(), noisy(1)], [0, 0])
    rng = np.random.default_rng(2)
    guess = rng.normal(size=(36, 3)) + 10
    evaluation, examples, windows = scored(panel, lambda *_: guess)
    actual = examples.actual(windows)[:, :, 0]
    for method, ahead in [("LSTM", guess), *baseline_forecasts(examples, windows, 0)]:
        errors = evaluation.overall[method]
        assert errors["MAE"] == pytest.approx(sk.mean_absolute_error(actual, ahead), rel=1e-12)
        assert errors["RMSE"] == pytest.approx(sk.mean_squared_error(actual, ahead) ** 0.5, rel=1e-12)
        assert errors["R2"] == pytest.approx(sk.r2_score(actual.ravel(), ahead.ravel()), rel=1e-9)
        mape = sk.mean_absolute_percentage_error(actual, ahead)
        assert errors["MAPE"] == pytest.approx(100 * mape, rel=1e-12)
        for name, by_step in (("MAE", sk.mean_absolute_error), ("MAPE", sk.mean_absolute_percentage_error)):
            expected = np.asarray(by_step(actual, ahead, multioutput="raw_values")) * (100 if name == "MAPE" else 1)
            assert evaluation.by_step[method][name] == pytest.approx(expected.tolist(), rel=1e-12)
        for i, series in enumerate("ab"):
            mine = windows.series == i
            assert evaluation.by_series[method][series] == pytest.approx(
                sk.mean_absolute_error(actual[mine], ahead[mine]), rel=1e-12
            )
            assert mine.sum() == 18


def test_mase_divides_by_each_series_own_seasonal_error_in_training(panel_of):
    panel = panel_of([noisy(), 100 * noisy(1)], [0, 0])
    evaluation, _, windows = scored(panel, lambda e, w: actual(e, w) + 1)
    total = 0.0
    for i, series in enumerate((noisy(), 100 * noisy(1))):
        scale = np.mean([abs(series[t] - series[t - 7]) for t in range(7, 70)])
        total += (windows.series == i).mean() / scale
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
        lambda e, w: actual(e, w) + rng.normal(size=(len(w), horizon)),
        horizon=horizon,
    )
    observed = ~np.isnan(actual(examples, windows))
    of = windows.series
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
    # With a look-back of 1 a regression can't see a week.
    evaluation, *_ = scored(panel_of([values]), lambda e, w: actual(e, w) + 5, lookback=1)
    assert evaluation.best_baseline == "seasonal naive"
    assert evaluation.overall["seasonal naive"]["MAE"] == pytest.approx(0.01 * 2 / math.sqrt(math.pi), rel=0.3)
    assert evaluation.skill("seasonal naive") == 0.0
    without, *_ = scored(panel_of([values], frequency=Frequency.parse("row")))
    assert "seasonal naive" not in without.overall


def made(mae: dict[str, float | None], tests=None, lag=None, intervals=None) -> Evaluation:
    overall: dict[str, dict[str, float | None]] = {m: dict.fromkeys(METRICS, error) for m, error in mae.items()}
    by_step = {m: {name: [error] for name in METRICS} for m, error in mae.items()}
    by_series = {m: {"": error} for m, error in mae.items()}
    return Evaluation("y", "test", 12, overall, by_step, by_series, None, tests or [], lag, intervals)


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


def held_against(mean: float, p: float, baseline: str = "naive", n: int = 400, overlap: int = 20) -> dict[str, Any]:
    return asdict(Comparison("Diebold-Mariano", "LSTM", baseline, 1.0, p, n, mean, "rectangular", overlap))


SHORT = (
    " The test part is short for that: its forecasts overlap, and amount to no more than {} independent {}. With so "
    "few, p is too optimistic: chance is likelier than it says."
)


@pytest.mark.parametrize(
    ("n", "overlap", "words"),
    [
        (400, 20, None),
        (399, 20, ("19", "ones")),
        (75, 24, ("3", "ones")),
        (25, 24, ("one", "one")),
        (3, 1, None),
        (19, 1, None),
        (39, 2, ("19", "ones")),
    ],
)
def test_a_short_test_part_is_said_wherever_p_is(n, overlap, words):
    said = "" if words is None else SHORT.format(*words)
    won = made({"LSTM": 0.75, "naive": 1.0}, [held_against(-0.25, 0.01, n=n, overlap=overlap)]).verdict()
    assert won == (
        "The LSTM is 25.0% better than the best baseline, the naive forecast (mean absolute error 0.75 against 1). "
        f"That is more than chance (Diebold-Mariano test, p = 0.01).{said}"
    )
    lost = made({"LSTM": 1.25, "naive": 1.0}, [held_against(0.25, 0.2, n=n, overlap=overlap)]).verdict()
    assert lost.endswith(f"(mean absolute error 1.25 against 1, p = 0.2). Use the simpler one.{said}")
    untested = made({"LSTM": 0.75, "naive": 1.0}, [held_against(-0.25, math.nan, n=n, overlap=overlap)]).verdict()
    assert untested.endswith("against 1).")


def test_how_much_windows_overlap_follows_from_horizon_and_stride(panel_of):
    evaluation, *_ = scored(panel_of([noisy()]), lambda e, w: actual(e, w) + 0.1 * noisy(1)[:18, None])
    test = evaluation.test("naive")
    assert test is not None
    assert (test.n, test.overlap, test.too_few) == (18, 3, True)
    assert "amount to no more than 6 independent ones" in evaluation.verdict()
    loss = np.random.default_rng(0).normal(size=100)
    assert diebold_mariano(loss, -loss, horizon=24, stride=6).overlap == 4
    assert diebold_mariano(loss, -loss, horizon=5).too_few is False
    assert diebold_mariano(loss[:99], -loss[:99], horizon=5).too_few


@pytest.mark.parametrize(
    ("mae", "p", "said"),
    [
        (
            0.8,
            0.01,
            "The update improved on the earlier network, more than chance (mean absolute error 0.8 against 1, p",
        ),
        (
            0.8,
            0.3,
            "The update improved on the earlier network, which may well be chance (mean absolute error 0.8 again",
        ),
        (0.8, None, "The update improved on the earlier network (mean absolute error 0.8 against 1)."),
        (1.2, 0.01, "The update made it worse than the earlier network was, more than chance (mean absolute error 1.2"),
        (
            1.0,
            None,
            "The update changed nothing: it is as good as the earlier network (mean absolute error 1 against 1)",
        ),
    ],
)
def test_an_update_is_held_against_the_earlier_network_and_then_against_the_baselines(mae, p, said):
    tests = [] if p is None else [held_against(mae - 1, p, "earlier network")]
    evaluation = made({"LSTM": mae, "earlier network": 1.0, "naive": 1.6, "drift": 2.0}, tests)
    assert evaluation.earlier == "earlier network"
    assert evaluation.best_baseline == "naive"
    assert evaluation.skill("LSTM") == pytest.approx(1 - mae / 1.6)
    assert evaluation.skill("earlier network") == pytest.approx(1 - 1 / 1.6)
    verdict = evaluation.verdict()
    assert verdict.startswith(said)
    assert f". The LSTM is {1 - mae / 1.6:.1%} better than the best baseline, the naive forecast" in verdict
    assert evaluation.table()["method"].to_list() == ["LSTM", "earlier network", "naive", "drift"]
    assert made({"LSTM": 1.0, "naive": 1.0}).earlier is None
    with pytest.raises(TypeError, match="of a model and its baselines"):
        Evaluation.from_json(made({"LSTM": 1.0, "earlier network": 1.0, "naive": 2.0}).as_json() | only_earlier())


def only_earlier() -> dict[str, Any]:
    """What an evaluation without a baseline would say."""
    mae: dict[str, float | None] = {"LSTM": 1.0, "earlier network": 1.0}
    return {
        "overall": {m: dict.fromkeys(METRICS, error) for m, error in mae.items()},
        "by_step": {m: {name: [error] for name in METRICS} for m, error in mae.items()},
        "by_series": {m: {"": error} for m, error in mae.items()},
    }


def test_a_baseline_without_an_error_of_its_own_is_never_the_best():
    evaluation = made({"LSTM": 0.75, "seasonal naive": None, "drift": 1.5})
    assert evaluation.best_baseline == "drift"
    assert evaluation.skill("LSTM") == 0.5
    assert evaluation.skill("seasonal naive") == -math.inf


def test_it_goes_to_json_and_back(panel_of):
    values = noisy()
    values[90] = 0.0  # where MAPE is undefined
    evaluation, *_ = scored(panel_of([values]), lambda e, w: actual(e, w) + 0.1)
    assert evaluation.overall["LSTM"]["MAPE"] is None
    assert evaluation.caveat is not None
    saved = json.loads(json.dumps(evaluation.as_json(), allow_nan=False))
    assert Evaluation.from_json(saved) == evaluation
    assert saved["skill"] == evaluation.skill("LSTM")
    assert saved["best_baseline"] == evaluation.best_baseline
    assert evaluation.lag is not None
    assert {one["baseline"] for one in evaluation.tests} == set(evaluation.overall) - {"LSTM"}
    assert Evaluation.from_json(saved).sentences() == evaluation.sentences()


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
        lambda saved: saved.update(target=5),
        lambda saved: saved.update(part=None),
        lambda saved: saved.update(caveat=["no"]),
        lambda saved: saved.update(tests=5),
        lambda saved: saved.update(tests=[{"test": "Wilcoxon"}]),
        lambda saved: saved.update(lag={}),
        lambda saved: saved.update(lag=[1]),
        lambda saved: saved.update(intervals={}),
        lambda saved: saved.update(intervals=[]),
        lambda saved: saved.update(intervals=held(["a"], 1.0)),
        lambda saved: saved.update(intervals=held([0.9], "a")),
        lambda saved: saved.update(intervals=held([0.9], 0.9, "high")),
        lambda saved: saved.update(intervals=held([0.9], 0.9) | {"used": "rolling"}),
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
    assert table.columns == ["method", *COMMON, "skill"]
    assert evaluation.table(metrics=METRICS).columns == ["method", *METRICS, "skill"]
    assert table["method"].to_list() == list(evaluation.overall)
    assert table["MAE"].to_list() == [errors["MAE"] for errors in evaluation.overall.values()]
    assert table["skill"].to_list() == [evaluation.skill(method) for method in evaluation.overall]
    steps = evaluation.table(by_step=True)
    assert steps.columns == ["method", "step", *COMMON]
    assert evaluation.table(by_step=True, metrics=["R2"]).columns == ["method", "step", "R2"]
    with pytest.raises(SettingsError, match=r"^there is no metric 'RMSEE'; nearest: 'RMSE'"):
        evaluation.table(metrics=["RMSEE"])
    assert steps.filter(pl.col("method") == "drift")["step"].to_list() == [1, 2, 3]
    assert steps.filter(pl.col("method") == "drift")["RMSE"].to_list() == evaluation.by_step["drift"]["RMSE"]
    unknown = replace(evaluation, by_step={m: e | {"MAPE": [None] * 3} for m, e in evaluation.by_step.items()})
    assert unknown.table(by_step=True)["MAPE"].null_count() == 18
    assert unknown.table(by_step=True)["MAPE"].dtype == pl.Float64
    unknown = replace(evaluation, overall={m: e | {"MAPE": None} for m, e in evaluation.overall.items()})
    assert unknown.table()["MAPE"].dtype == pl.Float64


# ---- tests, lag, intervals


def test_every_baseline_is_tested_by_what_the_windows_lost_a_time(panel_of):
    evaluation, examples, windows = scored(panel_of([noisy(), noisy(1)], [0, 0]), lambda e, w: actual(e, w) + 0.2)
    truth = actual(examples, windows)
    for method, ahead in baseline_forecasts(examples, windows, 0):
        losses = np.column_stack([np.full(len(windows), 0.2), np.abs(truth - ahead).mean(axis=1)])
        by_origin, stride = loss_by_origin(losses, windows.times)
        expected, found = diebold_mariano(*by_origin.T, 3, stride, ("LSTM", method)), evaluation.test(method)
        assert found is not None
        assert (found.model, found.baseline, found.n, found.kernel) == ("LSTM", method, 18, expected.kernel)
        assert found.p_value == pytest.approx(expected.p_value, rel=1e-6)
        assert found.mean_difference == pytest.approx(expected.mean_difference, rel=1e-9)
        assert evaluation.test(method, "Wilcoxon") is None  # two series can't tell
    assert evaluation.test("nobody") is None


def test_many_series_are_tested_beside_each_other_too(panel_of):
    series = [(i + 1) * noisy(i) for i in range(6)]
    evaluation, examples, windows = scored(panel_of(series, [0] * 6), lambda e, w: actual(e, w) + 0.2)
    truth, naive = actual(examples, windows), dict(baseline_forecasts(examples, windows, 0))["naive"]
    errors = []
    for i, own in enumerate(series):
        scale = np.mean([abs(own[t] - own[t - 7]) for t in range(7, 70)])
        errors.append([0.2 / scale, np.abs(truth - naive)[windows.series == i].mean() / scale])
    test = evaluation.test("naive", "Wilcoxon")
    expected = wilcoxon(*np.array(errors).T, ("LSTM", "naive"))
    assert test is not None
    assert (test.p_value, test.n) == (pytest.approx(expected.p_value), 6)
    assert scored(panel_of(series[:5], [0] * 5))[0].test("naive", "Wilcoxon") is None


def test_the_verdict_says_whether_it_may_be_chance():
    def test(p: float) -> dict[str, Any]:
        about = {"test": "Diebold-Mariano", "model": "LSTM", "baseline": "naive", "statistic": -2.0, "n": 40}
        return about | {"p_value": p, "mean_difference": -0.2, "kernel": "rectangular"}

    better, worse = {"LSTM": 0.75, "naive": 1.0, "drift": 2.0}, {"LSTM": 1.5, "naive": 1.0}
    said = "The LSTM is 25.0% better than the best baseline, the naive forecast (mean absolute error 0.75 against 1)."
    assert made(better, [test(0.03)]).verdict() == f"{said} That is more than chance (Diebold-Mariano test, p = 0.03)."
    assert made(better, [test(0.3)]).verdict() == f"{said} It may well be chance (Diebold-Mariano test, p = 0.3)."
    assert made(better, [test(math.nan)]).verdict() == said
    assert made(worse, [test(0.04)]).verdict() == (
        "The LSTM does not beat the naive forecast: it is 50.0% worse (mean absolute error 1.5 against 1, p = 0.04). "
        "Use the simpler one."
    )


def test_errors_that_differ_little_are_told_apart():
    test = {"test": "Diebold-Mariano", "model": "LSTM", "baseline": "naive", "statistic": -9.0, "n": 900}
    sure = [test | {"p_value": 2e-57, "mean_difference": -0.001, "kernel": "rectangular"}]
    assert made({"LSTM": 2.95918, "naive": 2.95942}, sure).verdict() == (
        "The LSTM is less than 0.1% better than the best baseline, the naive forecast (mean absolute error 2.9592 "
        "against 2.9594). That is more than chance (Diebold-Mariano test, p < 0.0001)."
    )
    assert made({"LSTM": 2.95942, "naive": 2.95918}, sure).verdict() == (
        "The LSTM does not beat the naive forecast: it is less than 0.1% worse (mean absolute error 2.9594 against "
        "2.9592, p < 0.0001). Use the simpler one."
    )


def test_a_shifted_copy_is_said(panel_of):
    walk = 100 + np.random.default_rng(0).normal(size=100).cumsum()
    evaluation, *_ = scored(panel_of([walk]), lambda e, w: e.filled[w.origins - 1, 0][:, None] + np.zeros(3))
    assert evaluation.sentences()[1] == evaluation.lag_sentence()
    assert "is the last known value, shifted" in evaluation.sentences()[1]
    honest, *_ = scored(panel_of([walk]))
    assert honest.lag_sentence() is not None
    assert len(honest.sentences()) == 1


def held(by_step: list[float], coverage: float, level: float = 0.9) -> dict[str, Any]:
    return {"level": level, "used": "split", "methods": {"split": {"coverage": coverage, "by_step": by_step}}}


def test_the_coverage_is_said_beside_what_was_promised():
    mae: dict[str, float | None] = {"LSTM": 0.75, "naive": 1.0}
    assert made(mae, intervals=held([0.95, math.nan, 0.85], 0.9)).sentences()[1:] == [
        "Intervals of 90% held 90.0% of the values of the test part (85% to 95% by step ahead)."
    ]
    one_step = made(mae, intervals=held([1.0], 1.0, 0.995)).sentences()[1]
    assert one_step == "Intervals of 99.5% held 100.0% of the values of the test part."
    assert made(mae, intervals=held([math.nan], math.nan)).coverage_sentence() is None
    assert made(mae).coverage_sentence() is None
    backtest = replace(made(mae, intervals=held([0.8, 0.9], 0.85)), part="backtest")
    assert backtest.coverage_sentence() == (
        "Intervals of 90% held 85.0% of the values in the backtest (80% to 90% by step ahead)."
    )


def test_figures_that_json_does_not_have_come_back_as_they_were(tmp_path):
    """write_json says null for NaN; a p-value, a correlation or a coverage may be one."""
    test = {"test": "Wilcoxon", "model": "LSTM", "baseline": "naive", "statistic": 0.0, "p_value": math.nan, "n": 0}
    lag = {"step": 1, "correlations": [math.nan, 0.5], "best_lag": None, "error": 1.0, "last_error": 1.0}
    mae: dict[str, float | None] = {"LSTM": 0.75, "naive": 1.0}
    evaluation = made(
        mae,
        [test | {"mean_difference": math.nan, "kernel": ""}],
        lag | {"p_value": math.nan, "n": 9},
        held([math.nan, 0.9], 0.9),
    )
    write_json(tmp_path / "saved.json", evaluation.as_json())
    again = Evaluation.from_json(read_json(tmp_path / "saved.json"))
    assert str(again) == str(evaluation)  # NaN is not equal to itself
    assert again.sentences() == evaluation.sentences()
    assert again.lag_sentence() == evaluation.lag_sentence()


# ---- several targets, several parts


def test_each_target_is_scored_by_itself(panel_of):
    """Two targets and a covariate: the same numbers as of a panel where the target stands first."""
    y, z, x = noisy(), 50 + 3 * noisy(1), noisy(2)
    both = panel_of([np.stack([y, z, x], axis=1)], targets=("y", "z"), past=("x",))
    examples = Examples.build(both, CUTS, 8, 3)
    windows = examples.windows("test")
    of_y, of_z = score(examples, {"LSTM": examples.actual(windows) + np.array([0.5, 2.0])}, windows)
    assert (of_y.target, of_z.target) == ("y", "z")
    alone, *_ = scored(
        panel_of([np.stack([z, y, x], axis=1)], targets=("z",), past=("y", "x")), lambda e, w: actual(e, w) + 2
    )
    found = evaluate(of_z, both, "test")
    for method, errors in alone.overall.items():
        assert found.overall[method] == pytest.approx(errors, rel=1e-4), method  # the regression reads float32
    assert found.overall["LSTM"]["MAE"] == pytest.approx(2.0)
    assert found.lag is not None
    assert alone.lag is not None
    assert found.lag.pop("correlations") == pytest.approx(alone.lag.pop("correlations"))
    assert found.lag == pytest.approx(alone.lag)
    table = evaluation_table([evaluate(of_y, both, "test"), found])
    assert table.columns == ["target", "method", *COMMON, "skill"]
    assert table["target"].to_list() == ["y"] * 6 + ["z"] * 6
    assert evaluation_table([found]).columns[0] == "method"
    assert evaluation_table([found, found], by_step=True).height == 2 * 6 * 3


def test_parts_joined_are_scored_as_one(panel_of):
    panel = panel_of([noisy(), noisy(1)], [0, 0])
    examples = Examples.build(panel, CUTS, 8, 3)
    whole = examples.windows("test")
    said = examples.actual(whole) + np.random.default_rng(0).normal(size=(len(whole), 3, 1))
    [expected] = score(examples, {"LSTM": said}, whole)
    halves = []
    for rows in (slice(0, 10), slice(10, None)):
        some = Windows(examples.rows, whole.origins[rows], whole.series[rows], whole.times[rows], 8, 3)
        halves += score(examples, {"LSTM": said[rows]}, some)
    a, b = (evaluate(one, panel, "test") for one in (Scored.joined(halves), expected))
    for method in b.overall:
        assert a.overall[method] == pytest.approx(b.overall[method], rel=1e-6)
        assert a.by_series[method] == pytest.approx(b.by_series[method], rel=1e-6)
    assert a.lag == b.lag


@pytest.mark.parametrize(
    ("mae", "p", "said"),
    [
        (
            {"LSTM": 0.75, "random walk": 1.0, "drift": 0.5},
            0.01,
            "The LSTM beats the random walk: it is 25.0% better, more than chance (mean absolute error 0.75 against 1, "
            "Diebold-Mariano test p = 0.01). The drift forecast is better still (0.5).",
        ),
        (
            {"LSTM": 0.75, "random walk": 1.0},
            0.3,
            "The LSTM does not beat the random walk, which says that the price stays what it is: it is 25.0% better, "
            "and that may well be chance (mean absolute error 0.75 against 1, Diebold-Mariano test p = 0.3). Use the "
            "simpler one.",
        ),
        (
            {"LSTM": 1.5, "random walk": 1.0, "drift": 0.5},
            0.04,
            "The LSTM does not beat the random walk, which says that the price stays what it is: it is 50.0% worse "
            "(mean absolute error 1.5 against 1, Diebold-Mariano test p = 0.04). Use the simpler one.",
        ),
        (
            {"LSTM": 0.75, "random walk": 1.0},
            None,
            "The LSTM does not beat the random walk, which says that the price stays what it is: it is 25.0% better, "
            "too few windows to tell from chance (mean absolute error 0.75 against 1). Use the simpler one.",
        ),
        (
            {"LSTM": 1.0, "random walk": 1.0},
            None,
            "The LSTM does not beat the random walk, which says that the price stays what it is: they are equally good "
            "(mean absolute error 1 against 1). Use the simpler one.",
        ),
    ],
)
def test_of_prices_the_verdict_is_against_the_random_walk_and_chance_does_not_count(mae, p, said):
    about = {"test": "Diebold-Mariano", "model": "LSTM", "baseline": "random walk", "statistic": -2.0, "n": 40}
    tests = [] if p is None else [about | {"p_value": p, "mean_difference": -0.2, "kernel": "rectangular"}]
    assert made(mae, tests).verdict() == said
