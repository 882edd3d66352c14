"""Theta and exponential smoothing: beside another library's figures, by laws, and where statsmodels is missing."""

import csv
import os
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from unrolled.errors import DataError, SettingsError, UnrolledError
from unrolled.series import metrics
from unrolled.series.judging import statistical
from unrolled.series.judging.statistical import exponential_smoothing, spaced, theta

M4 = Path(os.environ.get("UNROLLED_DATA", "no such folder"), "m4")
with_statsmodels = pytest.mark.skipif(
    find_spec("statsmodels") is None, reason="statsmodels is not installed; pip install 'unrolled[stats]' brings it"
)
both = pytest.mark.parametrize("method", [theta, exponential_smoothing])

# The last six years of Box & Jenkins 1976, series G: thousands of airline passengers a month.
PASSENGERS = np.fromstring(
    """242 233 267 269 270 315 364 347 312 274 237 278 284 277 317 313 318 374 413 405 355 306 271 306
    315 301 356 348 355 422 465 467 404 347 305 336 340 318 362 348 363 435 491 505 404 359 310 337
    360 342 406 396 420 472 548 559 463 407 362 405 417 391 419 461 472 535 622 606 508 461 390 432""",
    sep=" ",
)
END, START = np.array([72]), np.array([0])


@with_statsmodels
def test_the_passengers_are_forecast_as_by_statsforecast():
    # statsforecast 2.1.1: Theta(season_length=12 and 1), AutoETS(season_length=12), which takes the form M, A, M.
    expected = [444.62, 419.20, 476.53, 473.47, 486.79, 564.48]
    np.testing.assert_allclose(theta(PASSENGERS, END, 6, 12, START)[0], expected, rtol=3e-3)
    np.testing.assert_allclose(theta(PASSENGERS, END, 3, 1, START)[0], [433.123, 434.644, 436.165], rtol=2e-3)
    expected = [441.85, 419.60, 478.90, 478.83, 491.06, 570.27]
    np.testing.assert_allclose(exponential_smoothing(PASSENGERS, END, 6, 12, START)[0], expected, rtol=0.025)


@with_statsmodels
def test_theta_is_half_the_trend_and_smoothing_of_the_rest():
    """Hyndman & Billah 2003, equation 4, on a series whose best smoothing parameter is found on a grid."""
    y = np.random.default_rng(0).normal(size=60).cumsum() + np.random.default_rng(1).normal(size=60)
    n, slope = 60, np.polyfit(np.arange(60), y, 1)[0]

    def smoothed(alpha: float) -> tuple[float, float]:
        level, errors = y[0], 0.0
        for value in y[1:]:
            errors += (value - level) ** 2
            level += alpha * (value - level)
        return errors, level

    alpha = min(np.linspace(0.01, 1, 400), key=lambda a: smoothed(a)[0])
    steps = np.arange(1, 5)
    expected = smoothed(alpha)[1] + slope / 2 * (steps - 1 + 1 / alpha - (1 - alpha) ** n / alpha)
    np.testing.assert_allclose(theta(y, np.array([60]), 4, 1, START)[0], expected, atol=0.05)


@with_statsmodels
def test_a_random_walk_is_continued_by_its_last_value_and_a_wave_by_itself():
    walk = np.random.default_rng(0).normal(size=120).cumsum()
    flat = exponential_smoothing(walk, np.array([120]), 5, 1, START)[0]
    np.testing.assert_allclose(flat, walk[-1], atol=0.01)
    wave = np.sin(2 * np.pi * np.arange(72) / 6) + 0.01 * np.random.default_rng(1).normal(size=72)
    forecast = exponential_smoothing(wave, np.array([60]), 12, 6, START)[0]
    np.testing.assert_allclose(forecast, wave[60:], atol=0.05)


@with_statsmodels
def test_a_season_has_to_earn_its_parameters():
    noise = np.random.default_rng(2).normal(size=240)
    forecast = exponential_smoothing(noise, np.array([60, 120, 180, 240]), 5, 12, np.array([0, 60, 120, 180]))
    np.testing.assert_allclose(forecast, np.repeat(forecast[:, :1], 5, axis=1), atol=1e-9)


@with_statsmodels
@both
def test_nothing_but_the_history_is_read(method, monkeypatch):
    monkeypatch.setattr(statistical, "ROWS", 40)
    values = np.concatenate([PASSENGERS[::-1], PASSENGERS])
    origins, starts = np.array([110, 144, 30]), np.array([72, 72, 0])
    ours = method(values, origins, 4, 4, starts)
    for window, (origin, start) in enumerate(zip(origins, starts, strict=True)):
        history = values[max(start, origin - 40) : origin]
        alone = method(history, np.array([len(history)]), 4, 4, START)
        np.testing.assert_array_equal(alone[0], ours[window])
    assert not np.isnan(ours).any()


@with_statsmodels
@both
@pytest.mark.filterwarnings("error")
def test_histories_that_nothing_can_be_fitted_to(method):
    constant = np.full(40, 3.0)
    assert method(constant, np.array([40]), 2, 4, START).tolist() == [[3.0, 3.0]]
    assert method(PASSENGERS, np.array([9, 1]), 2, 12, np.array([0, 0])).tolist() == [[312.0] * 2, [242.0] * 2]
    holes = np.where(np.arange(72) == 30, np.nan, PASSENGERS)
    found = method(holes, np.array([72, 30]), 2, 12, np.array([0, 0]))
    assert np.isnan(found).tolist() == [[True, True], [False, False]]
    assert np.isfinite(method(PASSENGERS - 300, END, 24, 12, START)).all()  # no factors below zero
    assert np.isfinite(method(PASSENGERS[:15], np.array([15]), 3, 12, START)).all()  # less than two seasons


def test_spaced_windows():
    assert spaced(5, 5).tolist() == spaced(5, 9).tolist() == [0, 1, 2, 3, 4]
    chosen = spaced(1001, 11)
    assert chosen.tolist() == list(range(0, 1001, 100))
    assert spaced(7, 1).tolist() == [0]
    assert spaced(0, 5).tolist() == []
    assert len(spaced(10_000, 100)) == 100
    with pytest.raises(SettingsError, match="takes at least 1 window, got 0"):
        spaced(5, 0)


@both
def test_without_statsmodels_the_error_says_how_to_get_it(method, monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "statsmodels"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "statsmodels", None)
    with pytest.raises(
        UnrolledError, match=r"need statsmodels, which is not installed; pip install 'unrolled\[stats\]'"
    ):
        method(PASSENGERS, END, 2, 12, START)


@with_statsmodels
@both
def test_errors(method):
    with pytest.raises(SettingsError, match="season must be at least 1 step, got 0; 1 is a series without one"):
        method(PASSENGERS, END, 2, 0, START)
    with pytest.raises(DataError, match=r"origin from 1 to 72, got 73 \(window 0\)"):
        method(PASSENGERS, END + 1, 2, 12, START)


@with_statsmodels
@pytest.mark.slow
@pytest.mark.skipif(
    not M4.is_dir(), reason="M4's hourly series are not there; UNROLLED_DATA names the folder of the data"
)
def test_the_published_figures_of_theta_on_m4_hourly():
    train, test = (list(_m4(f"Hourly-{part}.csv")) for part in ("train", "test"))
    ends = np.cumsum([len(one) for one in train])
    starts = ends - [len(one) for one in train]
    forecast = theta(np.concatenate(train), ends, 48, 24, starts)
    scale = np.array([[metrics.naive_scale(one, 24)] for one in train])
    # Published: 18.138 and 2.455 (M4-methods, Evaluation and Ranks), by R.
    assert metrics.smape(np.array(test), forecast) == pytest.approx(18.138, abs=0.005)
    assert metrics.mase(np.array(test), forecast, scale) == pytest.approx(2.455, abs=0.005)


def _m4(name: str):
    with (M4 / name).open(newline="") as file:
        rows = csv.reader(file)
        next(rows)
        for row in rows:
            yield np.array([float(cell) for cell in row[1:] if cell])
