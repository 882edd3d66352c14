"""The lag check against forecasts that are known to be shifted, or not, and numpy's own correlation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unrolled.errors import DataError, SettingsError, ShapeError
from unrolled.series.judging.lag import LagCheck, lag_check


def walk(seed: int = 0, length: int = 300) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=length).cumsum()


def windows(length: int, horizon: int, first: int = 20) -> tuple[np.ndarray, np.ndarray]:
    origins = np.arange(first, length - horizon + 1)
    return origins, np.zeros_like(origins)


@pytest.mark.parametrize("step", [1, 3])
def test_the_last_value_shifted_is_found_out(step):
    y = walk()
    origins, starts = windows(300, 3)
    forecast = np.repeat(y[origins - 1, None], 3, axis=1)
    check = lag_check(forecast, y, origins, starts, step)
    assert check.best_lag == step
    assert check.correlations[step] == pytest.approx(1)
    assert check.error == check.last_error
    assert (check.p_value, check.beats_last_value, check.shifted) == (1, False, True)
    name = "1 step" if step == 1 else "3 steps"
    assert check.sentence.startswith(
        f"{'One step' if step == 1 else name} ahead the forecast is the last known value, shifted: it correlates best "
        f"with the value {name} before the one that it forecasts (1.000; with that one 0.9"
    )
    assert check.sentence.endswith(
        f"repeating the last known value would do as well (mean absolute error {check.error:.4g} against "
        f"{check.error:.4g})."
    )


def test_a_copy_with_noise_on_top_is_found_out_too():
    y = walk(1)
    origins, starts = windows(300, 1)
    noise = np.random.default_rng(2).normal(size=(len(origins), 1))
    check = lag_check(0.98 * y[origins - 1, None] + 0.3 * noise, y, origins, starts)
    assert check.shifted
    assert check.p_value < 0.05  # it is worse than the last value, by more than chance
    assert check.last_error < check.error


def test_a_forecast_that_knows_more_is_not_shifted():
    y = walk(3)
    origins, starts = windows(300, 2)
    ahead = y[origins[:, None] + np.arange(2)]
    check = lag_check(ahead + 0.2 * np.random.default_rng(4).normal(size=ahead.shape), y, origins, starts, step=2)
    assert (check.best_lag, check.beats_last_value, check.shifted) == (0, True, False)
    assert " ahead the forecast is not the past, shifted: it is 8" in check.sentence
    assert "better than repeating the last known value (mean absolute error 0.1" in check.sentence


def test_the_best_forecast_of_a_memory_trails_and_is_better():
    shocks, y = np.random.default_rng(5).normal(size=2000), [0.0]
    for shock in shocks:
        y.append(0.5 * y[-1] + shock)
    y = np.array(y)
    origins, starts = windows(2001, 1)
    check = lag_check(0.5 * y[origins - 1, None], y, origins, starts)
    assert (check.best_lag, check.beats_last_value, check.shifted) == (1, True, False)
    assert check.sentence.startswith("One step ahead the forecast trails the series by 1 step, but it is ")


@settings(deadline=None)
@given(seed=st.integers(0, 999), horizon=st.integers(1, 4), holes=st.booleans(), factor=st.floats(0.1, 10))
def test_equals_numpy(seed, horizon, holes, factor):
    generator = np.random.default_rng(seed)
    y = generator.normal(size=60).cumsum()
    if holes:
        y[generator.integers(10, 50)] = np.nan
    origins, starts = windows(60, horizon, first=4)
    forecast = generator.normal(size=(len(origins), horizon))
    step = int(generator.integers(1, horizon + 1))
    check = lag_check(forecast, y, origins, starts, step)
    pairs = [
        (forecast[i, step - 1], [y[o + step - 1 - k] for k in range(step + 6)], y[o - 1])
        for i, o in enumerate(origins)
        if o - 6 >= 0 and not np.isnan(y[o - 6 : o + step]).any()
    ]
    made, lagged = np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs])
    expected = [np.corrcoef(made, lagged[:, k])[0, 1] for k in range(step + 6)]
    np.testing.assert_allclose(check.correlations, expected, rtol=1e-7, atol=1e-12)
    assert check.n == len(pairs)
    assert check.best_lag == int(np.argmax(expected))
    assert check.error == pytest.approx(np.abs(made - lagged[:, 0]).mean())
    assert check.last_error == pytest.approx(np.abs(lagged[:, step] - lagged[:, 0]).mean())
    scaled = lag_check(factor * forecast, factor * y, origins, starts, step)
    np.testing.assert_allclose(scaled.correlations, check.correlations, rtol=1e-6, atol=1e-9)
    assert scaled.p_value == pytest.approx(check.p_value, rel=1e-6, nan_ok=True)


def test_the_levels_of_two_series_do_not_correlate_and_series_do_not_mix():
    one, other = walk(6, 100), 1e6 + walk(7, 100)
    y = np.concatenate([one, other])
    origins = np.concatenate([np.arange(3, 100), np.arange(103, 200)])
    starts = np.repeat([0, 100], 97)
    forecast = y[origins - 1, None]
    check = lag_check(forecast, y, origins, starts)
    assert check.n == 2 * 94  # six values before the actual one, of the same series
    assert check.best_lag == 1
    assert check.correlations[0] < 0.99
    alone = lag_check(forecast[:97], y, origins[:97], starts[:97])
    times = origins - starts
    assert lag_check(forecast, y, origins, starts, times=times) == check
    assert check.correlations != alone.correlations


def test_where_nothing_varies_no_lag_is_best():
    y = walk(8)
    origins, starts = windows(300, 1)
    check = lag_check(np.full((len(origins), 1), 1e3), y, origins, starts)
    assert check.best_lag is None
    assert not check.shifted
    assert check.sentence.startswith(
        "One step ahead repeating the last known value would do as well as the forecast (mean absolute er"
    )


def test_too_few_origins_to_tell_are_not_a_win():
    y = walk(9, 40)
    origins, starts = np.array([20, 21, 22, 23]), np.zeros(4, dtype=np.int64)
    check = lag_check(y[origins[:, None] + np.arange(8)], y, origins, starts, step=8)
    assert np.isnan(check.p_value)
    assert not check.beats_last_value


def test_a_forecast_that_trails_without_being_a_copy():
    check = LagCheck(1, (0.5, 0.6, 0.9), 2, 2.0, 1.5, 0.01, 99)
    assert not check.shifted
    assert check.sentence == (
        "One step ahead the forecast trails the series by 2 steps, and repeating the last known value would do as well "
        "as the forecast (mean absolute error 2 against 1.5)."
    )


def test_errors():
    y = walk(10, 30)
    origins, starts = windows(30, 2)
    forecast = np.zeros((len(origins), 2))
    with pytest.raises(ShapeError, match=r"with an origin and a start each, got \(9, 2\), \(8,\) and \(9,\)"):
        lag_check(forecast, y, origins[1:], starts)
    with pytest.raises(SettingsError, match="step must be from 1 to the horizon of 2, got 3"):
        lag_check(forecast, y, origins, starts, step=3)
    with pytest.raises(DataError, match=r"the actual value 2 steps ahead, got an origin of 29 in a table of 30 rows"):
        lag_check(forecast, y, origins + 1, starts, step=2)
    with pytest.raises(
        DataError, match=r"at least 3 windows with 6 steps before the actual value, got 2; forecast from"
    ):
        lag_check(forecast[:2], y, origins[:2], starts[:2])
