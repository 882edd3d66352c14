"""Adaptive conformal quantiles against a plain loop, and on simulations whose true quantiles are known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.series.judging.adaptive import GAMMA, adaptive_quantile

NAN = float("nan")


@given(
    seed=st.integers(0, 999),
    windows=st.integers(1, 40),
    latest=st.sampled_from([None, 9, 15]),
    gamma=st.sampled_from([0.0, GAMMA, 0.05, 0.5]),
    level=st.sampled_from([0.5, 0.8]),
    trend=st.sampled_from([-1.0, 0.0, 1.0]),
)
def test_it_equals_a_loop_that_starts_anew_at_every_time(adapted, seed, windows, latest, gamma, level, trend):
    """Times with several windows and times without any, in no order; scores that rise and fall beyond those before."""
    generator = np.random.default_rng(seed)
    times = generator.integers(0, 30, size=windows)
    scores = generator.normal(size=(windows, 3)) + trend * times[:, None]
    scores[generator.random(scores.shape) < 0.1] = NAN
    found = adaptive_quantile(scores, times, level, latest, gamma)
    for step in range(3):
        expected = adapted(scores[:, step].tolist(), times.tolist(), step, level, latest, gamma)
        assert found[:, step].tolist() == [expected[time] for time in times.tolist()]


@given(seed=st.integers(0, 999), now=st.integers(0, 29), gamma=st.sampled_from([0.0, 0.05, 0.5]))
def test_what_is_not_yet_known_reaches_neither_quantile_nor_level(seed, now, gamma):
    generator = np.random.default_rng(seed)
    times = generator.integers(0, 30, size=60)
    scores = generator.normal(size=(60, 4))
    unknown = times[:, None] + np.arange(4) >= now  # the time of each actual value; at `now` it is only being forecast
    changed = np.where(unknown, generator.choice([-1e6, 1e6, NAN], size=scores.shape), scores)
    before, after = (adaptive_quantile(own, times, 0.5, 8, gamma) for own in (scores, changed))
    np.testing.assert_array_equal(before[times <= now], after[times <= now])


@pytest.mark.parametrize("gamma", [0.01, 0.03])
@pytest.mark.parametrize("kind", ["steady", "waves", "jump", "fall"])
def test_the_share_missed_goes_to_alpha_whatever_happens(kind, gamma):
    """Gibbs & Candès, proposition 4.1: α can't have gone further than from one end to the other."""
    t = np.arange(1500)
    size = {"steady": 1 + 0 * t, "waves": 3 + 2 * np.sin(t / 60), "jump": 1 + 4 * (t > 700), "fall": 5 - 4 * (t > 700)}
    scores = np.abs(np.random.default_rng(0).normal(size=1500)) * size[kind]
    found = adaptive_quantile(scores[:, None], t, 0.8, 200, gamma)[:, 0]
    counted = np.isfinite(found)
    missed = np.mean(scores[counted] > found[counted])
    assert abs(missed - 0.2) <= (0.8 + gamma) / (gamma * counted.sum())
    fixed = adaptive_quantile(scores[:, None], t, 0.8, 200, 0)[:, 0]
    off = abs(np.mean(scores[counted] > fixed[counted]) - 0.2)
    assert abs(missed - 0.2) < max(off, 0.01)


def test_every_widening_is_a_score_that_was_seen():
    """Where each score is higher than all before, the largest; where each is lower, after a while the smallest."""
    rising = np.arange(400.0)[:, None]
    up = adaptive_quantile(rising, np.arange(400), 0.9, 50, 0.05)[:, 0]
    assert np.isinf(up[:9]).all()
    np.testing.assert_array_equal(up[-300:], rising[-301:-1, 0])
    down = adaptive_quantile(-rising, np.arange(400), 0.9, 50, 0.05)[:, 0]
    np.testing.assert_array_equal(down[-100:], -rising[-101:-1, 0])
    again = adaptive_quantile(np.concatenate([rising, 399 - rising]), np.arange(800), 0.9, 50, 0.05)
    assert np.isfinite(again[9:]).all()


@pytest.mark.parametrize("series", [1, 5])
def test_intervals_hold_what_they_promise_where_true_quantiles_are_known(series):
    """Perfect forecasts of AR(1) series, step ahead h off by √Σ φ²ⁱ of the noise; a series more is one more window."""
    generator = np.random.default_rng(1)
    phi, count, horizon = 0.7, 3000, 6
    noise = generator.normal(size=(series, count + horizon))
    y = np.zeros_like(noise)
    for t in range(1, y.shape[1]):
        y[:, t] = phi * y[:, t - 1] + noise[:, t]
    steps, at = np.arange(1, horizon + 1), np.arange(count)
    ahead = np.stack([y[:, at + h] for h in steps], axis=2)  # (series, window, horizon)
    scores = np.abs(ahead - y[:, :count, None] * phi**steps).reshape(-1, horizon)
    times = np.tile(at, series)
    found = adaptive_quantile(scores, times, 0.9, 500 * series)
    later = times >= 500
    assert np.mean(scores <= found, axis=0, where=later[:, None]) == pytest.approx(0.9, abs=0.015)
    true = 1.6449 * np.sqrt((1 - phi ** (2 * steps)) / (1 - phi**2))
    assert np.mean(found[later], axis=0) == pytest.approx(true, rel=0.06)


@pytest.mark.parametrize("kind", ["grows", "waves", "jumps"])
def test_coverage_holds_where_the_noise_drifts(kind):
    """With the latest 800 scores at one level, as many values are missed as the noise has grown since."""
    t = np.arange(2400)
    size = {"grows": 1 + 2 * t / 2400, "waves": 1.5 + np.sin(2 * np.pi * t / 1500), "jumps": 1 + 0.5 * (t > 1000)}[kind]
    scores = np.abs(size[:, None] * np.random.default_rng(2).normal(size=(2400, 4)))
    later = t >= 800

    def held(gamma: float) -> np.ndarray:
        return np.mean(scores <= adaptive_quantile(scores, t, 0.9, 800, gamma), axis=0, where=later[:, None])

    assert (held(0) < 0.88).all()
    assert held(GAMMA) == pytest.approx(0.9, abs=0.01)


def test_far_ahead_the_level_does_not_swing():
    """α answers 150 steps late to what was missed: at a γ of 0.02 it would mend again what is mended long ago."""
    t = np.arange(2500)
    scores = np.full((2500, 150), NAN)
    scores[:, -1] = np.abs(np.random.default_rng(3).normal(size=2500)) * (1 + 0.5 * (t > 1000))
    found = adaptive_quantile(scores, t, 0.9, 500, gamma=0.02)[:, -1]
    held = (scores[:, -1] <= found)[500:]
    assert held.mean() == pytest.approx(0.9, abs=0.015)
    assert np.ptp(held[1000:].reshape(4, 250).mean(axis=1)) < 0.1
