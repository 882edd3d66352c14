"""Prices through and through: read as returns, splits taken out, said in prices, held against the random walk."""

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import unrolled as ur
from unrolled.errors import DataError, SettingsError
from unrolled.series.models import STRATEGIES
from unrolled.store import read_run

ROWS, HORIZON, LOOKBACK = 260, 3, 25
QUICK = ur.TrainingSettings(epochs=2, seed=0, threads=1)
SPLITS = {60: 2.0, 235: 3.0}  # in the training part, and in the test part


def prices(rows: int = ROWS, splits: dict[int, float] = SPLITS, seed: int = 0) -> pl.DataFrame:
    """A share's price as traded, its opening price, its volume, and the price without its splits."""
    rng = np.random.default_rng(seed)
    adjusted = 300 * np.exp(0.01 * rng.normal(size=rows).cumsum())
    factor = np.ones(rows)
    for row, ratio in splits.items():
        factor[row:] *= ratio
    days = [date(2020, 1, 1) + timedelta(days=i) for i in range(rows)]
    opened = adjusted * np.exp(0.005 * rng.normal(size=rows)) / factor
    volume = np.exp(10 + 0.3 * rng.normal(size=rows))
    return pl.DataFrame({"day": days, "close": adjusted / factor, "open": opened, "volume": volume, "adj": adjusted})


def in_last_shares(frame: pl.DataFrame, splits: dict[int, float] = SPLITS) -> pl.DataFrame:
    """The same table with its prices counted in the shares of its last row, by hand."""
    factor = np.ones(frame.height)
    for row, ratio in splits.items():
        factor[:row] /= ratio
    return frame.with_columns(close=pl.col("close") * pl.Series(factor), open=pl.col("open") * pl.Series(factor))


def forecaster(**options) -> ur.Forecaster:
    shape: dict[str, Any] = {
        "horizon": HORIZON,
        "lookback": LOOKBACK,
        "hidden": 8,
        "scaling": "returns",
        "training": QUICK,
    }
    return ur.Forecaster(**shape | options)


def error(f: ur.Forecaster, method: str | None = None, metric: str = "MAPE", target: int = 0) -> float:
    """An error on the test part, of the model where no method is named."""
    found = f.evaluations[target].overall[method or f.evaluation.model][metric]
    assert found is not None
    return found


def intervals(f: ur.Forecaster) -> dict[str, float]:
    assert f.evaluation.intervals is not None
    return f.evaluation.intervals["methods"]["rolling"]


@pytest.fixture(scope="module")
def fitted(tmp_path_factory) -> ur.Forecaster:
    return forecaster().fit(prices(), target="close", run=tmp_path_factory.mktemp("runs") / "run")


def test_a_split_share_is_forecast_as_one_that_never_split(fitted):
    """Everything that is said, errors too, is in shares of the last row."""
    whole = forecaster().fit(in_last_shares(prices()), target="close")
    assert_frame_equal(fitted.predict(), whole.predict(), rel_tol=1e-4)
    assert_frame_equal(fitted.evaluate(), whole.evaluate(), rel_tol=1e-3, abs_tol=1e-3)
    assert fitted.evaluation.windows == whole.evaluation.windows
    mine, theirs = (intervals(one) for one in (fitted, whole))
    assert mine["width"] == pytest.approx(theirs["width"], rel=1e-3)
    assert mine["MSIS"] == pytest.approx(theirs["MSIS"], rel=1e-3)
    assert fitted.evaluation.lag is not None
    assert whole.evaluation.lag is not None
    assert fitted.evaluation.lag["error"] == pytest.approx(whole.evaluation.lag["error"], rel=1e-3)
    assert abs(fitted.predict()["close"][0] / prices()["close"][-1] - 1) < 0.03


def test_the_run_says_what_was_read_and_taken_out(fitted):
    assert fitted.run is not None
    notes = read_run(fitted.run)["notes"]
    assert (
        "Splits taken out of 'close', 'open', so that prices are those of today's shares: 2020-03-01 (2 for 1), "
        "2020-08-23 (3 for 1)."
    ) in notes
    assert (
        "Read as returns, the changes of the logarithm from step to step: 'close', 'open', 'volume', 'adj'. Forecasts "
        "and errors are in the unit of the table."
    ) in notes
    report = (fitted.run / "report.html").read_text()
    assert "random walk" in report
    assert "as changes from step to step" in report


def test_a_saved_forecaster_says_the_same(fitted, tmp_path):
    assert fitted.run is not None
    loaded = ur.load(fitted.run)
    assert_frame_equal(loaded.predict(), fitted.predict())
    assert_frame_equal(loaded.predict(prices()), fitted.predict())
    assert_frame_equal(ur.load(fitted.save(tmp_path / "copy")).predict(), fitted.predict())


@pytest.mark.parametrize("splits", [SPLITS, SPLITS | {ROWS: 2.0}, SPLITS | {ROWS + 2: 0.1}])
def test_newer_rows_may_bring_a_split_and_need_no_look_back_of_their_own(fitted, splits):
    newer = prices(ROWS + 4, splits)
    alone, whole = fitted.predict(newer[ROWS:]), fitted.predict(newer)
    assert_frame_equal(alone, whole, rel_tol=1e-5)
    assert abs(alone["close"][0] / newer["close"][-1] - 1) < 0.03
    by_hand = fitted.predict(in_last_shares(newer, splits))
    assert_frame_equal(whole, by_hand, rel_tol=1e-5)


def test_it_goes_on_from_newer_rows(fitted):
    newer = prices(ROWS + 120, SPLITS | {ROWS + 50: 2.0})
    updated = fitted.update(newer)
    assert set(updated.evaluation.overall) >= {"LSTM", "earlier network", "random walk"}
    assert abs(updated.predict()["close"][0] / newer["close"][-1] - 1) < 0.03
    assert error(updated, "LSTM") < 5


def test_a_run_goes_on_to_the_same(fitted, tmp_path):
    path = tmp_path / "prices.parquet"
    prices().write_parquet(path)
    forecaster().fit(path, target="close", run=tmp_path / "run")
    for leftover in (tmp_path / "run").glob("model*"):
        leftover.unlink()
    resumed = ur.Forecaster.resume(tmp_path / "run")
    assert_frame_equal(resumed.predict(), fitted.predict())
    assert_frame_equal(resumed.evaluate(), fitted.evaluate())


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_strategy_reads_returns(strategy):
    f = forecaster(strategy=strategy).fit(prices(), target="close")
    assert error(f) < 5
    assert error(f, "random walk") < 5


@pytest.mark.parametrize("options", [{"skip": "linear"}, {"loss": "quantile"}, {"ensemble": 2}])
def test_it_works_with_a_line_with_quantiles_and_with_several_networks(options):
    f = forecaster(**options).fit(prices(), target="close", past=["open"])
    assert error(f) < 5


def test_a_linear_skip_begins_as_the_line_on_the_same_returns():
    still = ur.TrainingSettings(epochs=1, learning_rate=1e-12, seed=0, threads=1)
    f = forecaster(skip="linear", training=still).fit(prices(), target="close")
    assert error(f, metric="MAE") == pytest.approx(error(f, "linear autoregression", "MAE"), rel=1e-5)


def test_an_untrained_network_is_the_random_walk():
    still = ur.TrainingSettings(epochs=1, learning_rate=1e-12, seed=0, threads=1)
    f = forecaster(training=still).fit(prices(), target="close")
    assert f.evaluation.overall["LSTM"]["MAE"] == pytest.approx(f.evaluation.overall["random walk"]["MAE"], rel=1e-5)
    assert f.evaluation.verdict().startswith("The LSTM does not beat the random walk, which says that the price stays")


def test_the_line_beats_the_walk_where_returns_have_a_memory():
    """Returns that follow each other: the line on returns finds them, at any level of the price."""
    rng = np.random.default_rng(0)
    returns = np.zeros(600)
    for t in range(1, 600):
        returns[t] = 0.9 * returns[t - 1] + 0.002 * rng.normal()
    frame = prices(600, {}).with_columns(close=pl.Series(100 * np.exp(returns.cumsum())))
    f = forecaster().fit(frame, target="close", past=[])
    assert error(f, "linear autoregression", "MAE") < 0.6 * error(f, "random walk", "MAE")


def test_a_backtest_counts_in_the_last_shares(fitted):
    found = fitted.backtest(folds=2)
    whole = forecaster().fit(in_last_shares(prices()), target="close").backtest(folds=2)
    for mine, theirs in zip(found.folds, whole.folds, strict=True):
        assert mine.errors["close"] == pytest.approx(theirs.errors["close"], rel=1e-3)


def test_the_leak_check_sees_through_returns_and_splits():
    check = ur.check_leaks(forecaster(), prices(), target="close")
    assert check.passed, check


def test_several_series_keep_their_own_splits():
    table = pl.concat(
        [prices().with_columns(share=pl.lit("a")), prices(splits={}, seed=1).with_columns(share=pl.lit("b"))]
    )
    ahead = forecaster().fit(table, target="close", series="share").predict()
    for name, last in (("a", prices()), ("b", prices(splits={}, seed=1))):
        own = ahead.filter(pl.col("share") == name)
        assert abs(own["close"][0] / last["close"][-1] - 1) < 0.03


def test_several_targets_are_each_held_against_the_walk():
    f = forecaster().fit(prices(), target=["close", "adj"], past=["volume"])
    assert max(error(f, "random walk", target=i) for i in (0, 1)) < 5
    last = prices()[-1]
    assert abs(f.predict()["close"][0] / last["close"][0] - 1) < 0.03
    assert abs(f.predict()["adj"][0] / last["adj"][0] - 1) < 0.03


def test_what_can_not_be_read_as_returns_is_refused():
    with pytest.raises(DataError, match="returns need values above 0, and 'close' has 0"):
        forecaster().fit(
            prices().with_columns(close=pl.col("close").replace(pl.col("close").last(), 0.0)), target="close"
        )
    halted = prices().with_columns(volume=pl.when(pl.col("day") < date(2020, 8, 1)).then("volume").otherwise(0.0))
    with pytest.raises(DataError, match="'volume' is read as returns, since the training part has it above 0"):
        forecaster().fit(halted, target="close")
    with pytest.raises(SettingsError, match="the loss 'smape' needs the data's own scale, and scaling 'returns'"):
        forecaster(loss="smape")
    with pytest.raises(SettingsError, match="the loss 'smape' needs the data's own scale, and scaling 'returns'"):
        ur.Forecaster(loss="smape").fit("stocks", target="close")


def test_stocks_are_read_as_returns_unless_something_else_is_asked_for():
    asked: dict[str | None, str] = {None: "returns", "standard": "standard"}
    for scaling, expected in asked.items():
        f = forecaster(scaling=scaling, training=ur.TrainingSettings(epochs=1, threads=1), hidden=2, horizon=5)
        f = f.fit("stocks", target="close", only=["IBM"], past=[])
        plan = f._fitted().plan
        assert plan.architecture.scaling == expected
        assert ("--scaling standard" in plan.command()) == (scaling is not None)
        assert ("random walk" in f.evaluation.overall) == (scaling is None)
    assert ur.Forecaster()._shape["scaling"] is None
