"""Seasonality against R's and statsmodels' figures, loops, and what M4 published."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unrolled.errors import DataError, SettingsError
from unrolled.series import metrics
from unrolled.series.judging import baselines
from unrolled.series.judging.seasonality import is_seasonal, naive2, seasonal_indices

M4 = Path(os.environ.get("UNROLLED_DATA", "no such folder"), "m4")

# Box & Jenkins 1976, series G: thousands of airline passengers a month, 1949 to 1960.
PASSENGERS = np.fromstring(
    """112 118 132 129 121 135 148 148 136 119 104 118 115 126 141 135 125 149 170 170 158 133 114 140
    145 150 178 163 172 178 199 199 184 162 146 166 171 180 193 181 183 218 230 242 209 191 172 194
    196 196 236 235 229 243 264 272 237 211 180 201 204 188 235 227 234 264 302 293 259 229 203 229
    242 233 267 269 270 315 364 347 312 274 237 278 284 277 317 313 318 374 413 405 355 306 271 306
    315 301 356 348 355 422 465 467 404 347 305 336 340 318 362 348 363 435 491 505 404 359 310 337
    360 342 406 396 420 472 548 559 463 407 362 405 417 391 419 461 472 535 622 606 508 461 390 432""",
    sep=" ",
)


def test_the_indices_of_the_passengers_are_those_of_r_and_statsmodels():
    # R: decompose(AirPassengers, "multiplicative")$figure; the same from statsmodels 0.15.0, seasonal_decompose.
    expected = [0.9102304, 0.8836253, 1.0073663, 0.9759060, 0.9813780, 1.1127758]
    expected += [1.2265555, 1.2199110, 1.0604919, 0.9217572, 0.8011781, 0.8988244]
    np.testing.assert_allclose(seasonal_indices(PASSENGERS, 12), expected, atol=5e-8)


@settings(deadline=None)
@given(season=st.integers(2, 9), length=st.integers(0, 40), seed=st.integers(0, 99))
def test_indices_equal_a_loop(season, length, seed):
    y = np.random.default_rng(seed).uniform(1, 5, size=2 * season + length)
    ratios = [[] for _ in range(season)]
    for t in range(season // 2, len(y) - season // 2):
        around = y[t - season // 2 : t + season // 2 + 1].copy()
        if season % 2 == 0:
            around[[0, -1]] /= 2
        ratios[t % season].append(y[t] / (around.sum() / season))
    factors = np.array([np.mean(own) for own in ratios])
    np.testing.assert_allclose(seasonal_indices(y, season), factors / factors.mean(), rtol=1e-12)


@settings(deadline=None)
@given(season=st.integers(2, 9), seed=st.integers(0, 99), length=st.integers(6, 60))
def test_the_test_equals_a_loop(season, seed, length):
    y = np.sin(np.arange(length) * 6.28 / season) + np.random.default_rng(seed).normal(size=length) * 2
    around, n = y - y.mean(), length
    r = [
        sum(around[t] * around[t + k] for t in range(n - k)) / sum(around**2) for k in range(1, min(season, n - 1) + 1)
    ]
    expected = n >= 3 * season and abs(r[-1]) > 1.645 / n**0.5 * (1 + 2 * sum(x**2 for x in r[:-1])) ** 0.5
    assert is_seasonal(y, season) == expected


def test_what_has_no_season():
    assert is_seasonal(PASSENGERS, 12)
    assert not is_seasonal(PASSENGERS, 1)
    spikes = (np.arange(36) % 12 == 0).astype(float)
    assert is_seasonal(spikes, 12)
    assert not is_seasonal(spikes[:35], 12)  # less than three seasons
    assert is_seasonal(np.tile([1.0, 5.0, 2.0], 3), 3) == is_seasonal(1e6 * np.tile([1.0, 5.0, 2.0], 3), 3)
    assert not is_seasonal(np.full(30, 0.1), 3)
    assert not is_seasonal(np.where(np.arange(144) == 7, np.nan, PASSENGERS), 12)
    noise = np.random.default_rng(0).normal(size=(400, 60))
    share = np.mean([is_seasonal(one, 7) for one in noise])
    assert 0.03 < share < 0.12  # a test at 90%, a little careful on short series


def test_naive2_of_the_passengers():
    s = [0.9102304, 0.8836253, 1.0073663, 0.9759060]  # the figures of R above
    forecast = naive2(PASSENGERS, np.array([144]), 4, 12, np.array([0]))
    np.testing.assert_allclose(forecast[0], [432 / 0.8988244 * one for one in s], rtol=1e-6)


@pytest.mark.filterwarnings("error")
def test_naive2_is_naive_without_a_season_and_below_zero():
    origins, starts = np.array([20, 144]), np.array([0, 0])
    short = naive2(PASSENGERS, origins, 3, 12, starts)
    assert short[0].tolist() == [PASSENGERS[19]] * 3
    assert short[1].tolist() != [PASSENGERS[-1]] * 3
    below = PASSENGERS - 300
    np.testing.assert_array_equal(naive2(below, origins, 3, 12, starts), baselines.naive(below, origins, 3))
    assert np.isnan(naive2(np.where(np.arange(144) == 99, np.nan, PASSENGERS), origins, 3, 12, starts)).any(
        1
    ).tolist() == [
        False,
        True,
    ]


@settings(deadline=None)
@given(origin=st.integers(60, 143), factor=st.floats(0.1, 10))
def test_naive2_reads_its_own_history_only_and_goes_by_the_unit(origin, factor):
    values = np.concatenate([PASSENGERS[::-1], PASSENGERS])
    one, start = np.array([144 + origin]), np.array([144])
    ours = naive2(values, one, 5, 12, start)
    elsewhere = np.full_like(values, np.nan)
    elsewhere[144 : 144 + origin] = values[144 : 144 + origin]
    np.testing.assert_array_equal(naive2(elsewhere, one, 5, 12, start), ours)
    np.testing.assert_allclose(naive2(values * factor, one, 5, 12, start), ours * factor, rtol=1e-9)


def test_errors():
    with pytest.raises(SettingsError, match="season must be at least 1 step, got 0; 1 is the naive forecast"):
        naive2(PASSENGERS, np.array([99]), 2, 0, np.array([0]))
    with pytest.raises(DataError, match=r"origin from 1 to 144, got 145 \(window 0\)"):
        naive2(PASSENGERS, np.array([145]), 2, 12, np.array([0]))


@pytest.mark.skipif(
    not M4.is_dir(), reason="M4's hourly series are not there; UNROLLED_DATA names the folder of the data"
)
def test_the_published_figures_of_m4_hourly():
    train, test = (list(_m4(f"Hourly-{part}.csv")) for part in ("train", "test"))
    values, actual = np.concatenate(train), np.array(test)
    ends = np.cumsum([len(one) for one in train])
    starts = ends - [len(one) for one in train]
    scale = np.array([[metrics.naive_scale(one, 24)] for one in train])

    def figures(forecast):
        return metrics.smape(actual, forecast), metrics.mase(actual, forecast, scale)

    reference = figures(naive2(values, ends, 48, 24, starts))
    seasonal = figures(baselines.seasonal_naive(values, ends, 48, 24, starts))
    # Published: M4-methods, Evaluation and Ranks.
    assert reference == pytest.approx((18.383, 2.395), abs=5e-4)
    assert seasonal == pytest.approx((13.912, 1.193), abs=5e-4)
    assert metrics.owa(*seasonal, *reference) == pytest.approx(0.628, abs=5e-4)


def _m4(name: str):
    with (M4 / name).open(newline="") as file:
        rows = csv.reader(file)
        next(rows)
        for row in rows:
            yield np.array([float(cell) for cell in row[1:] if cell])
