"""The simple forecasts against loops over windows, scikit-learn's Ridge, published figures and known answers."""

import csv
import logging
import os
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

from unrolled.errors import DataError, SettingsError, ShapeError
from unrolled.series import metrics
from unrolled.series.judging import baselines
from unrolled.series.judging.baselines import LinearAutoregression

M4 = Path(os.environ.get("UNROLLED_DATA", "no such folder"), "m4")


@st.composite
def panels(draw):
    """Series of any lengths behind each other, windows anywhere in them: values, origins, starts, horizon, season."""
    lengths = draw(st.lists(st.integers(2, 12), min_size=1, max_size=4))
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    pairs = [(origin, start) for start, end in pairwise(offsets) for origin in range(start + 1, end + 1)]
    chosen = draw(st.lists(st.sampled_from(pairs), min_size=1, max_size=8))
    origins, starts = np.array(chosen, dtype=np.int64).T
    values = np.random.default_rng(draw(st.integers(0, 99))).normal(size=offsets[-1])
    return values, origins, starts, draw(st.integers(1, 15)), draw(st.integers(1, 9))


def forecasts(values, origins, starts, horizon, season) -> dict[str, np.ndarray]:
    return {
        "naive": baselines.naive(values, origins, horizon),
        "seasonal naive": baselines.seasonal_naive(values, origins, horizon, season, starts),
        "drift": baselines.drift(values, origins, horizon, starts),
        "moving average": baselines.moving_average(values, origins, horizon, season, starts),
    }


@settings(deadline=None)
@given(panels())
def test_equal_a_loop_over_windows_that_knows_nothing_but_its_history(panel):
    values, origins, starts, horizon, season = panel
    ours = forecasts(*panel)
    for window, (origin, start) in enumerate(zip(origins, starts, strict=True)):
        history = values[start:origin].tolist()
        seasonal, repeated = list(history), season if len(history) >= season else 1
        for step in range(1, horizon + 1):
            assert ours["naive"][window, step - 1] == history[-1]
            seasonal.append(seasonal[-repeated])
            assert ours["seasonal naive"][window, step - 1] == seasonal[-1]
            slope = (history[-1] - history[0]) / (len(history) - 1) if len(history) > 1 else 0
            mean = sum(history[-season:]) / len(history[-season:])
            assert ours["moving average"][window, step - 1] == pytest.approx(mean, rel=1e-12, abs=1e-12)
            assert ours["drift"][window, step - 1] == pytest.approx(history[-1] + step * slope, rel=1e-12, abs=1e-12)


@settings(deadline=None)
@given(panels())
def test_neither_the_future_nor_another_series_changes_a_forecast(panel):
    values, origins, starts, horizon, season = panel
    for window in range(len(origins)):
        one = slice(window, window + 1)
        elsewhere = np.full_like(values, np.nan)
        elsewhere[starts[window] : origins[window]] = values[starts[window] : origins[window]]
        before = forecasts(values, origins[one], starts[one], horizon, season)
        after = forecasts(elsewhere, origins[one], starts[one], horizon, season)
        for name in before:
            np.testing.assert_array_equal(before[name], after[name], err_msg=name)


def test_a_ramp_is_known_to_drift_and_a_season_to_the_seasonal_naive():
    ramp = 3.0 + 0.5 * np.arange(60)
    origins, starts = np.array([20, 40]), np.array([0, 30])
    ahead = origins[:, None] + np.arange(15)
    np.testing.assert_allclose(baselines.drift(ramp, origins, 15, starts), ramp[ahead], rtol=1e-12)
    season = np.sin(2 * np.pi * np.arange(7) / 7)[np.arange(60) % 7]
    np.testing.assert_array_equal(baselines.seasonal_naive(season, origins, 15, 7, starts), season[ahead])


def test_a_window_without_a_value_before_it_is_refused():
    values = np.arange(6.0)
    with pytest.raises(DataError, match=r"origin from 1 to 6, got 0 \(window 1\); cut the windows inside one series"):
        baselines.naive(values, np.array([3, 0]), 2)
    with pytest.raises(DataError, match=r"origin from 4 to 6, got 3 \(window 0\)"):
        baselines.drift(values, np.array([3]), 2, np.array([3]))
    with pytest.raises(DataError, match=r"origin from 1 to 6, got 7 \(window 0\)"):
        baselines.seasonal_naive(values, np.array([7]), 2, 2, np.array([0]))


def test_a_moving_average_is_touched_by_nothing_outside_its_window():
    values = np.array([np.nan, 1e300, 1.0, 2.0, 4.0, np.nan])
    origins, starts = np.array([5, 4, 6, 2]), np.zeros(4, dtype=np.int64)
    means = baselines.moving_average(values, origins, 1, 2, starts)[:, 0]
    assert means[:2].tolist() == [3.0, 1.5]
    assert np.isnan(means[2:]).all()
    assert baselines.usual_window(7) == 7
    assert baselines.usual_window(1) == 10


def test_horizon_and_season_must_be_positive():
    values, origins, starts = np.arange(6.0), np.array([3]), np.array([0])
    with pytest.raises(SettingsError, match="horizon must be at least 1 step, got 0"):
        baselines.naive(values, origins, 0)
    with pytest.raises(SettingsError, match="season must be at least 1 step, got 0; 1 is the naive forecast"):
        baselines.seasonal_naive(values, origins, 2, 0, starts)
    with pytest.raises(SettingsError, match="taken over at least 1 value, got 0; 1 is the naive forecast"):
        baselines.moving_average(values, origins, 2, 0, starts)
    with pytest.raises(DataError, match=r"origin from 4 to 6, got 3 \(window 0\)"):
        baselines.moving_average(values, np.array([3]), 2, 2, np.array([3]))


@pytest.mark.skipif(
    not M4.is_dir(), reason="M4's hourly series are not there; UNROLLED_DATA names the folder of the data"
)
def test_the_published_figures_of_the_seasonal_naive_on_m4_hourly():
    train, test = (list(_m4(f"Hourly-{part}.csv")) for part in ("train", "test"))
    ends = np.cumsum([len(one) for one in train])
    starts = ends - [len(one) for one in train]
    forecast = baselines.seasonal_naive(np.concatenate(train), ends, 48, 24, starts)
    scale = np.array([[metrics.naive_scale(one, 24)] for one in train])
    # Published: 13.912 and 1.193 (M4-methods, Evaluation and Ranks).
    assert metrics.smape(np.array(test), forecast) == pytest.approx(13.912, abs=5e-4)
    assert metrics.mase(np.array(test), forecast, scale) == pytest.approx(1.193, abs=5e-4)


def _m4(name: str):
    with (M4 / name).open(newline="") as file:
        rows = csv.reader(file)
        next(rows)
        for row in rows:
            yield np.array([float(cell) for cell in row[1:] if cell])


# The linear autoregression


def cut(table: np.ndarray, lookback: int, horizon: int) -> tuple[np.ndarray, np.ndarray]:
    """All windows of a table (time, channel): past (n, lookback, channel), future (n, horizon)."""
    windows = np.lib.stride_tricks.sliding_window_view(table, lookback + horizon, axis=0).transpose(0, 2, 1)
    return windows[:, :lookback], windows[:, lookback:, 0]


def batches(past: np.ndarray, future: np.ndarray, size: int = 7):
    return lambda: ((past[at : at + size], future[at : at + size]) for at in range(0, len(past), size))


def table(seed: int, length: int = 90, channels: int = 3) -> np.ndarray:
    """Noise that remembers, channels of very different units, far from zero."""
    generator = np.random.default_rng(seed)
    x = np.zeros((length, channels))
    for t in range(1, length):
        x[t] = 0.8 * x[t - 1] + 0.3 * np.roll(x[t - 1], 1) + generator.normal(size=channels)
    return x * 10.0 ** np.arange(channels) + 100.0 * np.arange(channels)


@pytest.mark.parametrize("strength", [1e-4, 1.0, 1e2])
@pytest.mark.parametrize("length", [90, 25])  # 25: 17 windows of 15 inputs, of which the validation leaves fewer
def test_equals_scikit_learns_ridge_on_the_same_design(strength, length):
    past, future = cut(table(0, length), lookback=5, horizon=4)
    n = len(past) - 5
    ours = LinearAutoregression([strength]).fit(batches(past[:n], future[:n]), batches(past[n:], future[n:]))

    scaler = StandardScaler().fit(past[:n].reshape(n, -1))
    theirs = Ridge(alpha=n * strength, solver="svd")  # theirs penalises the sum over windows, ours the mean
    theirs.fit(scaler.transform(past[:n].reshape(n, -1)), future[:n] - past[:n, -1, :1])
    expected = theirs.predict(scaler.transform(past[n:].reshape(5, -1))) + past[n:, -1, :1]
    np.testing.assert_allclose(ours.predict(past[n:]), expected, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(ours.errors, [np.abs(expected - future[n:]).mean()], rtol=1e-9)


def test_the_strength_is_the_best_on_validation():
    past, future = cut(table(1, 60), lookback=6, horizon=3)
    train, validation = batches(past[:25], future[:25]), batches(past[25:], future[25:])
    chosen = LinearAutoregression().fit(train, validation)
    alone = {
        strength: np.abs(
            LinearAutoregression([strength]).fit(train, validation).predict(past[25:]) - future[25:]
        ).mean()
        for strength in baselines.STRENGTHS
    }
    assert chosen.strength == min(alone, key=alone.__getitem__)
    np.testing.assert_allclose(chosen.errors, list(alone.values()), rtol=1e-9)
    assert chosen.strength not in (baselines.STRENGTHS[0], baselines.STRENGTHS[-1])  # else the grid would say nothing


def test_a_linear_recurrence_is_learnt():
    x = [1.0, 0.5]
    for _ in range(200):
        x.append(1.9 * x[-1] - 0.99 * x[-2])  # a slowly damped oscillation
    past, future = cut(np.array(x)[:, None], lookback=4, horizon=10)
    train = batches(past[:100], future[:100])
    model = LinearAutoregression().fit(train, batches(past[100:150], future[100:150]))
    assert np.abs(model.predict(past[150:]) - future[150:]).max() < 1e-4 * np.abs(future[150:]).max()


def test_infinite_shrinkage_is_the_naive_forecast_and_the_mean_change():
    past, future = cut(table(2), lookback=5, horizon=4)
    model = LinearAutoregression([1e12]).fit(batches(past, future), batches(past, future))
    change = (future - past[:, -1, :1]).mean(axis=0)
    np.testing.assert_allclose(model.predict(past), past[:, -1, :1] + change, rtol=1e-6)


@settings(deadline=None)
@given(size=st.integers(1, 100), seed=st.integers(0, 20))
def test_batches_make_no_difference(size, seed):
    past, future = cut(table(seed), lookback=3, horizon=2)
    whole = LinearAutoregression([0.01]).fit(batches(past, future, len(past)), batches(past, future, len(past)))
    parts = LinearAutoregression([0.01]).fit(batches(past, future, size), batches(past, future, size))
    np.testing.assert_allclose(parts.predict(past), whole.predict(past), rtol=1e-8)


@settings(deadline=None)
@given(factors=st.lists(st.floats(1e-3, 1e3), min_size=3, max_size=3), shift=st.floats(-1e5, 1e5))
def test_units_and_zero_points_make_no_difference(factors, shift):
    x = table(3)
    past, future = cut(x, lookback=3, horizon=2)
    other_past, other_future = cut(x * factors + shift, lookback=3, horizon=2)
    one = LinearAutoregression([0.1]).fit(batches(past, future), batches(past, future)).predict(past)
    other = LinearAutoregression([0.1]).fit(batches(other_past, other_future), batches(other_past, other_future))
    unit = np.abs(one).max() * factors[0]
    np.testing.assert_allclose(other.predict(other_past) - shift, one * factors[0], rtol=1e-5, atol=1e-5 * unit)


def test_far_from_zero_keeps_its_digits():
    past, future = cut(table(4, channels=1), lookback=4, horizon=2)
    near = LinearAutoregression([1e-3]).fit(batches(past, future), batches(past, future)).predict(past)
    far = LinearAutoregression([1e-3]).fit(batches(past + 1e8, future + 1e8), batches(past + 1e8, future + 1e8))
    np.testing.assert_allclose(far.predict(past + 1e8) - 1e8, near, atol=1e-5)


@pytest.mark.parametrize("constant", [0.0, 0.1, 1e9, np.float32(1e9 / 3)])
def test_an_input_that_never_varied_gets_no_weight(constant):
    x = table(5)
    x[:, 1] = constant
    past, future = cut(x, lookback=5, horizon=4)
    model = LinearAutoregression([0.01]).fit(batches(past, future), batches(past, future))
    without = LinearAutoregression([0.01]).fit(batches(past[..., ::2], future), batches(past[..., ::2], future))
    surprise = past.copy()
    surprise[..., 1] = 12345.0
    np.testing.assert_array_equal(model.weights.reshape(5, 3, 4)[:, 1], 0)
    np.testing.assert_allclose(model.predict(surprise), without.predict(past[..., ::2]), rtol=1e-9)


def test_fewer_windows_than_inputs():
    past, future = cut(table(6, 60), lookback=20, horizon=3)  # 60 inputs
    for n in (1, 2, 9):
        model = LinearAutoregression().fit(batches(past[:n], future[:n]), batches(past[20:], future[20:]))
        assert np.isfinite(model.predict(past)).all()
    one = LinearAutoregression().fit(batches(past[:1], future[:1]), batches(past[20:], future[20:]))
    np.testing.assert_allclose(one.predict(past), past[:, -1, :1] + future[0] - past[0, -1, 0])  # all that it saw


def test_gaps_are_left_out_and_stay_gaps():
    past, future = cut(table(7), lookback=3, horizon=2)
    holes, gone = future.copy(), past.copy()
    holes[::5, 1], gone[::7, 0, 2] = np.nan, np.nan
    whole = (np.arange(len(past)) % 5 != 0) & (np.arange(len(past)) % 7 != 0)
    model = LinearAutoregression([0.01]).fit(batches(gone, holes), batches(gone, holes))
    same = LinearAutoregression([0.01]).fit(batches(past[whole], future[whole]), batches(gone, holes))
    np.testing.assert_allclose(model.predict(past), same.predict(past), rtol=1e-9)
    assert np.isnan(model.predict(gone)).all(axis=1).tolist() == (np.arange(len(past)) % 7 == 0).tolist()
    seen = np.arange(len(past)) % 7 != 0
    np.testing.assert_allclose(model.errors[0], metrics.mae(holes[seen], model.predict(past)[seen]), rtol=1e-9)


def test_validation_reaches_nothing_but_the_strength():
    past, future = cut(table(8), lookback=3, horizon=2)
    train = batches(past[:50], future[:50])
    one = LinearAutoregression([0.1]).fit(train, batches(past[50:], future[50:]))
    other = LinearAutoregression([0.1]).fit(train, batches(past[50:] * 3, future[50:] - 7))
    np.testing.assert_array_equal(one.predict(past), other.predict(past))


def test_float32_batches_are_summed_in_float64():
    past, future = (part.astype(np.float32) for part in cut(table(9), lookback=3, horizon=2))
    single = LinearAutoregression().fit(batches(past, future), batches(past, future)).predict(past)
    double_past, double_future = past.astype(float), future.astype(float)
    double = LinearAutoregression().fit(batches(double_past, double_future), batches(double_past, double_future))
    assert single.dtype == np.float64
    np.testing.assert_allclose(single, double.predict(double_past), rtol=1e-12)


def test_many_inputs_are_worth_a_word(caplog, monkeypatch):
    monkeypatch.setattr(baselines, "LARGE", 14)
    past, future = cut(table(10), lookback=5, horizon=2)
    with caplog.at_level(logging.WARNING):
        LinearAutoregression().fit(batches(past, future), batches(past, future))
    assert len(caplog.messages) == 1
    assert "reads 15 inputs (5 steps × 3 columns)" in caplog.text
    assert "a shorter look-back or fewer columns would be faster" in caplog.text


def test_where_every_window_has_a_gap_each_step_is_learnt_from_those_that_have_it(caplog):
    rng = np.random.default_rng(8)
    past = rng.normal(size=(4_000, 4, 1)) + 50
    weights = rng.normal(size=(4, 3))
    future = past[:, -1] + (past[..., 0] - 50) @ weights + 2 + 0.1 * rng.normal(size=(4_000, 3))
    holes = future.copy()
    holes[np.arange(4_000), rng.choice(3, 4_000, p=[0.2, 0.2, 0.6])] = np.nan
    with caplog.at_level(logging.INFO, "unrolled"):
        model = LinearAutoregression([1e-6]).fit(batches(past, holes), batches(past, holes))
    assert "Every training window lacks a value of the target" in caplog.text
    np.testing.assert_allclose(model.weights, weights, atol=0.1)
    assert np.abs(model.predict(past) - future).mean() < 0.2
    caplog.clear()
    LinearAutoregression().fit(batches(past, future), batches(past, holes))
    assert not caplog.text
    holes[:, 1] = np.nan
    with pytest.raises(DataError, match="got none without missing values"):
        LinearAutoregression().fit(batches(past, holes), batches(past, future))


def test_errors_of_the_linear_autoregression():
    past, future = cut(table(11), lookback=3, horizon=2)
    good, none = batches(past, future), batches(past, np.full_like(future, np.nan))
    with pytest.raises(
        DataError, match=r"needs training windows, got none without missing values; give a longer table"
    ):
        LinearAutoregression().fit(none, good)
    with pytest.raises(DataError, match=r"needs training windows, got none"):
        LinearAutoregression().fit(lambda: iter(()), good)
    model = LinearAutoregression()
    with pytest.raises(DataError, match=r"needs validation windows to choose its strength, got none with an observed"):
        model.fit(good, none)
    with pytest.raises(SettingsError, match=r"no weights yet; call fit"):
        model.predict(past)
    model.fit(good, good)
    with pytest.raises(ShapeError, match=r"shape \(batch, 3, 3\), got \(\d+, 3, 2\); cut all of them alike"):
        model.predict(past[..., :2])
    with pytest.raises(ShapeError, match=r"shape \(batch, lookback, channel\), got \(3, 3\)"):
        model.predict(past[0])
    with pytest.raises(SettingsError, match=r"strengths must be positive, got \(0\.0,\); the default is"):
        LinearAutoregression([0.0])
