"""The tests against figures of R's forecast package and others, loops, and their own promise under the null."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from unrolled.errors import DataError, SettingsError, ShapeError
from unrolled.series.judging.significance import (
    Comparison,
    diebold_mariano,
    diebold_mariano_by_step,
    loss_by_origin,
    wilcoxon,
)

NAN = float("nan")
# One-step errors of ets and auto.arima on WWWusage[81:100], the example of R's forecast::dm.test; with their p-values
# as the tests of HypothesisTests.jl hold them.
ETS = np.fromstring(
    """0.00224127 -0.000661906 -1.200002613 -4.000218178 3.799373533 3.401005111 -1.199692125
    -0.800490048 -1.200048999 3.399847229 7.000708948 2.200989241 -4.800165569 -1.201043375
    3.400167556 3.000709085 0.40026795 -6.800169207 -2.40125905 1.200112198""",
    sep=" ",
)
ARIMA = np.fromstring(
    """0.1209998 8.0622269 -0.9189429 -1.7952436 5.3431277 2.0459823 -0.6073261
    0.5516816 -0.7633238 4.1229472 5.8785333 1.2828331 -3.4854233 1.197137
    3.1709314 2.3408457 0.4962286 -5.9841362 0.1537114 0.4207951""",
    sep=" ",
)


def by_hand(d: np.ndarray, H: int, weight=lambda k, H: 1.0) -> float:
    """The statistic, one sum at a time, over the pairs of origins that are both there."""
    there = [t for t in range(len(d)) if not np.isnan(d[t])]
    n = len(there)
    mean = sum(d[t] for t in there) / n
    total = 0.0
    for t, s in product(there, there):
        if abs(t - s) < H:
            total += weight(abs(t - s), H) * (d[t] - mean) * (d[s] - mean)
    if total <= 0:
        return by_hand(d, H, lambda k, H: 1 - k / H)
    correction = (n + 1 - 2 * H + H * (H - 1) / n) / n
    return correction**0.5 * mean / (total / n / n) ** 0.5


@pytest.mark.parametrize(("horizon", "power", "expected"), [(1, 2, 0.8871), (10, 2, 0.9362), (1, 1, 0.7818)])
def test_the_example_of_r(horizon, power, expected):
    test = diebold_mariano(np.abs(ETS) ** power, np.abs(ARIMA) ** power, horizon)
    assert test.p_value == pytest.approx(expected, abs=5e-5)
    assert (test.n, test.kernel) == (20, "rectangular")


@pytest.mark.parametrize(
    ("horizon", "power", "statistic", "p"),
    [
        (2, 2, -0.14346560476122328, 0.8874331168412499),
        (3, 1, 0.31276788424602286, 0.7578640284579972),
        (5, 2, -0.11973981136281747, 0.9059463200745097),
    ],
)
def test_equal_the_package_dieboldmariano(horizon, power, statistic, p):
    # dm_test of dieboldmariano 1.1.0 on the same errors.
    test = diebold_mariano(np.abs(ETS) ** power, np.abs(ARIMA) ** power, horizon)
    assert (test.statistic, test.p_value) == pytest.approx((statistic, p), rel=1e-9)


def test_the_variance_equals_that_of_statsmodels():
    # OLS of d on a constant, HAC with 3 lags, uniform kernel, without correction: statsmodels 0.15.0.
    d = [0.001, 0.299, -0.274, -0.891, -0.455, -0.992, 0.06, 1.34, -0.492, -0.62]
    d += [0.49, 0.357, 0.105, -0.93, -0.029, 0.695, -1.344, -0.458, -1.901, -1.29]
    correction = ((20 + 1 - 8 + 12 / 20) / 20) ** 0.5
    test = diebold_mariano(np.array(d), np.zeros(20), horizon=4)
    assert test.statistic == pytest.approx(-1.71808112 * correction, rel=1e-7)


@settings(deadline=None)
@given(
    n=st.integers(9, 25),
    horizon=st.integers(1, 7),
    stride=st.integers(1, 4),
    seed=st.integers(0, 999),
    holes=st.booleans(),
)
def test_equals_the_sums_by_hand(n, horizon, stride, seed, holes):
    generator = np.random.default_rng(seed)
    loss, other = generator.exponential(size=(2, n))
    if holes:
        loss[generator.integers(1, n - 1)] = NAN
    test = diebold_mariano(loss, other, horizon, stride)
    H = -(-horizon // stride)
    assert test.n == n - holes
    assert test.mean_difference == pytest.approx(np.nanmean(loss - other), rel=1e-12)
    assert test.statistic == pytest.approx(by_hand(loss - other, H), rel=1e-6)
    assert test.p_value == pytest.approx(2 * stats.t.sf(abs(test.statistic), test.n - 1), rel=1e-12)
    mirrored = diebold_mariano(other, loss, horizon, stride)
    assert (mirrored.statistic, mirrored.p_value) == pytest.approx((-test.statistic, test.p_value), rel=1e-9)
    scaled = diebold_mariano(7 * loss, 7 * other, horizon, stride)
    assert scaled.statistic == pytest.approx(test.statistic, rel=1e-9)


def test_a_variance_below_zero_gets_bartletts_weights():
    d = np.tile([1.0, -1.0], 10) + 0.1  # γ₁ is near -γ₀, so γ₀ + 2 γ₁ is below zero
    test = diebold_mariano(d, np.zeros(20), horizon=2)
    assert test.kernel == "Bartlett"
    assert test.statistic == pytest.approx(by_hand(d, 2), rel=1e-9)
    assert 0 < test.p_value < 1


def test_differences_that_never_vary():
    same = diebold_mariano(np.ones(9), np.ones(9), horizon=2)
    assert (same.statistic, same.p_value, same.significant) == (0, 1, False)
    always = diebold_mariano(np.full(9, 0.1), np.full(9, 0.3), horizon=2)
    assert (always.statistic, always.p_value) == (-np.inf, 0)


@pytest.mark.parametrize("horizon", [1, 4])
def test_the_size_under_the_null(horizon):
    """Two forecasts, equally good, whose errors overlap as those of `horizon` steps do: 5% are called different."""
    generator = np.random.default_rng(horizon)
    shocks = generator.normal(size=(600, 2, 200 + horizon - 1))
    errors = np.lib.stride_tricks.sliding_window_view(shocks, horizon, axis=2).sum(-1)
    found = [diebold_mariano(*np.abs(one), horizon).p_value < 0.05 for one in errors]
    assert 0.025 < np.mean(found) < 0.075  # four standard errors are 0.036


def test_a_true_difference_is_found():
    shocks = np.random.default_rng(5).normal(size=(2, 200))
    test = diebold_mariano(np.abs(shocks[0]), np.abs(1.5 * shocks[1]), horizon=1, names=("LSTM", "naive forecast"))
    assert test.significant
    assert test.sentence.startswith("The LSTM is better than the naive forecast, by more than chance (Diebold-Mariano")


def test_by_step_reads_each_steps_own_overlap():
    loss, other = np.random.default_rng(6).exponential(size=(2, 40, 5))
    tests = diebold_mariano_by_step(loss, other, stride=2)
    for h, test in enumerate(tests):
        assert test == diebold_mariano(loss[:, h], other[:, h], h + 1, 2)
    assert tests[4].statistic == pytest.approx(by_hand(loss[:, 4] - other[:, 4], 3), rel=1e-9)


@settings(deadline=None)
@given(
    places=st.lists(st.integers(0, 12), min_size=1, max_size=30), stride=st.integers(1, 5), first=st.integers(-50, 50)
)
def test_losses_by_origin_equal_a_loop(places, stride, first):
    times = first + stride * np.array(places)
    loss = np.random.default_rng(len(places)).normal(size=(len(places), 3))
    loss[0, 1] = NAN
    means, apart = loss_by_origin(loss, times)
    expected = {t: loss[times == t] for t in set(times.tolist())}
    clock = [times.min() + apart * i for i in range(len(means))]
    assert set(expected) <= set(clock)
    assert clock[-1] == times.max()
    assert apart % stride == 0 or len(expected) == 1
    for t, row in zip(clock, means, strict=True):
        for h in range(3):
            own = expected.get(t, np.full((1, 3), NAN))[:, h]
            own = own[~np.isnan(own)]
            assert row[h] == pytest.approx(own.mean() if own.size else NAN, rel=1e-12, nan_ok=True)


def test_copies_of_a_series_are_no_evidence():
    loss, other, times = *np.random.default_rng(8).exponential(size=(2, 30, 1)), np.arange(30)
    alone = diebold_mariano(loss[:, 0], other[:, 0], 1)
    many = [loss_by_origin(np.tile(one, (50, 1)), np.tile(times, 50))[0][:, 0] for one in (loss, other)]
    assert diebold_mariano(*many, 1).p_value == pytest.approx(alone.p_value, rel=1e-9)


def test_wilcoxon_against_every_sign():
    model = np.array([0.81, 0.9, 0.7, 1.1, 0.6, 0.92, 0.8])
    other = np.array([1.0, 0.95, 1.2, 1.0, 1.2, 1.0, 1.25])
    d = model - other
    ranks = stats.rankdata(np.abs(d))

    def smaller(signs):
        return min(sum(r for r, s in zip(ranks, signs, strict=True) if s == one) for one in (1, -1))

    statistic = smaller(np.sign(d))
    every = [smaller(signs) <= statistic for signs in product([1, -1], repeat=7)]
    test = wilcoxon(model, other, ("GRU", "drift"))
    assert test == Comparison("Wilcoxon", "GRU", "drift", statistic, np.mean(every), 7, pytest.approx(d.mean()))
    padded = wilcoxon(np.append(model, [NAN, 2.0]), np.append(other, [1.0, 2.0]))
    assert (padded.statistic, padded.p_value, padded.n) == (test.statistic, test.p_value, 7)


def test_wilcoxon_of_few_and_of_nothing():
    assert wilcoxon(np.zeros(5), np.arange(1.0, 6.0)).p_value == 2 / 2**5 > 0.05
    assert wilcoxon(np.ones(3), np.ones(3)).p_value == 1
    nothing = wilcoxon(np.array([NAN]), np.ones(1), ("GRU", "drift"))
    assert nothing.sentence == "Whether the GRU differs from the drift can't be tested here (n = 0)."


@pytest.mark.parametrize(
    ("p", "difference", "sentence"),
    [
        (0.012, -1.0, "The LSTM is better than the naive, by more than chance (Wilcoxon test, p = 0.012, n = 30)."),
        (0.0001, 1.0, "The LSTM is worse than the naive, by more than chance (Wilcoxon test, p = 0.0001, n = 30)."),
        (
            0.31,
            -1.0,
            "The difference between the LSTM and the naive may well be chance (Wilcoxon test, p = 0.31, n = 30).",
        ),
    ],
)
def test_sentences(p, difference, sentence):
    assert Comparison("Wilcoxon", "LSTM", "naive", 1.0, p, 30, difference).sentence == sentence


def test_errors():
    with pytest.raises(
        ShapeError, match=r"one number an origin each, \(n,\), got \(3, 2\) and \(3, 2\); take the mean"
    ):
        diebold_mariano(np.ones((3, 2)), np.ones((3, 2)), 1)
    with pytest.raises(SettingsError, match="horizon and stride must be at least 1 step, got 1 and 0"):
        diebold_mariano(np.ones(3), np.ones(3), 1, 0)
    with pytest.raises(
        DataError, match=r"needs more than 12 windows, because forecasts of 24 steps made every 2 overlap, got 12"
    ):
        diebold_mariano(np.ones(13), np.append(np.ones(12), NAN), 24, 2)
    with pytest.raises(ShapeError, match=r"need one time a window, got \(3, 2\) and \(2,\); a mean over"):
        loss_by_origin(np.ones((3, 2)), np.arange(2))
    with pytest.raises(ShapeError, match=r"one error a series each, \(series,\), got \(3,\) and \(2,\)"):
        wilcoxon(np.ones(3), np.ones(2))
