"""Share splits: found where there is one, left alone where there is a crash, and told without a look ahead."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled import data
from unrolled.series.panels.inputs import Inputs
from unrolled.series.panels.panel import prepare
from unrolled.series.panels.splits import RATIOS, continuous, without_splits

ALONE = np.array([True])
BOTH = np.array([True, True])


def prices(seed: int = 0, rows: int = 300, size: float = 0.02) -> np.ndarray:
    return 50 * np.exp(size * np.random.default_rng(seed).standard_t(4, rows).cumsum() / 2)


def with_step(price: np.ndarray, factor: float, at: int = 200) -> np.ndarray:
    """The price multiplied from row ``at`` on, on a day without a return of its own."""
    price = price * np.where(np.arange(len(price)) < at, 1, price[at - 1] / price[at])
    return price * np.where(np.arange(len(price)) < at, 1, factor)


@pytest.mark.parametrize("ratio", [*RATIOS, *(1 / ratio for ratio in RATIOS)])
def test_a_split_of_every_usual_ratio_is_taken_out_where_an_adjusted_price_tells(ratio):
    adjusted = prices()
    raw = adjusted * np.where(np.arange(300) < 200, ratio, 1)
    found = continuous(np.stack([raw, adjusted], axis=1), 1, BOTH)
    assert found.splits == [(200, pytest.approx(ratio))]
    assert found.doubtful == []
    assert (found.values[:200, 0] == raw[:200]).all()  # to the bit
    np.testing.assert_allclose(found.values[:, 0] / found.unit[0], adjusted, rtol=1e-12)
    assert (found.values[:, 1] == adjusted).all()
    assert found.unit.tolist() == [pytest.approx(ratio), 1.0]


@pytest.mark.parametrize(
    ("factor", "splits", "doubtful"),
    [
        (1 / 2, [(200, 2.0)], 0),
        (1 / 3, [(200, 3.0)], 0),
        (10, [(200, 0.1)], 0),
        (0.505, [(200, 2.0)], 0),
        (0.48, [], 1),  # a crash of 52%
        (0.53, [], 1),  # a crash of 47%
        (0.43, [], 0),  # between the ratios
        (0.66, [], 1),  # 3 for 2, or a bad day
        (0.9, [], 0),
    ],
)
def test_a_price_alone_tells_a_split_from_a_crash_by_its_ratio(factor, splits, doubtful):
    found = continuous(with_step(prices(), factor)[:, None], 1, ALONE)
    assert found.splits == [(row, pytest.approx(ratio)) for row, ratio in splits]
    assert len(found.doubtful) == doubtful


@pytest.mark.parametrize("factor", [0.5, 0.48, 0.53, 2.0])
def test_a_crash_that_the_adjusted_price_has_too_is_none(factor):
    price = with_step(prices(), factor)
    values = np.stack([price, 0.8 * price], axis=1)
    found = continuous(values, 1, BOTH)
    assert found.splits == found.doubtful == []
    assert found.values is values


def test_a_split_on_a_day_of_a_large_return_is_told_by_the_adjusted_price():
    adjusted = with_step(prices(), 1.1)
    raw = adjusted * np.where(np.arange(300) < 200, 2, 1)
    assert continuous(raw[:, None], 1, ALONE).splits == []
    assert continuous(np.stack([raw, adjusted], axis=1), 1, BOTH).splits == [(200, 2.0)]


def test_wild_series_flat_series_and_short_ones_have_no_splits():
    rng = np.random.default_rng(0)
    wild = np.exp(rng.normal(size=300))
    flat = np.where(np.arange(300) < 200, 2.0, 1.0)
    short = np.append(prices(rows=15), prices(rows=15) / 2)
    for series in (wild, flat, short):
        assert continuous(series[:, None], 1, ALONE).splits == []


def test_values_that_are_not_prices_are_passed_over():
    """Gaps, zeros and values below it: the steps between the prices around them count."""
    price = with_step(prices(), 1 / 2)
    price[[50, 199, 250]] = [0.0, np.nan, -3.0]
    found = continuous(price[:, None], 1, ALONE)
    assert [row for row, _ in found.splits] == [200]
    np.testing.assert_array_equal(found.values[[50, 199, 250], 0], [0.0, np.nan, -6.0])


def test_columns_that_jump_along_are_taken_along_and_no_others():
    rng = np.random.default_rng(1)
    close = with_step(prices(), 1 / 2)
    opened = close * np.exp(0.01 * rng.normal(size=300))
    volume = 1e6 * np.exp(0.3 * rng.normal(size=300)) * np.where(np.arange(300) < 200, 1, 2)
    flag = np.where(np.arange(300) < 200, 2.0, 1.0)
    values = np.stack([close, opened, volume, flag, opened], axis=1)
    found = continuous(values, 1, np.array([True, True, True, True, False]))
    assert found.unit.tolist() == [2.0, 2.0, 1.0, 1.0, 1.0]


@given(
    seed=st.integers(0, 10_000),
    at=st.lists(st.tuples(st.integers(30, 299), st.sampled_from(RATIOS)), max_size=4, unique_by=lambda one: one[0]),
    cut=st.integers(1, 299),
)
def test_nothing_before_a_cut_depends_on_what_comes_after_it(seed, at, cut):
    adjusted = prices(seed)
    raw = adjusted.copy()
    for row, ratio in at:
        raw[row:] /= ratio
    values = np.stack([raw, adjusted], axis=1)
    whole = continuous(values, 1, BOTH)
    other = values.copy()
    other[cut:] = np.random.default_rng(seed + 1).permutation(other[cut:].ravel()).reshape(-1, 2)
    for later in (values[:cut], other):
        found = continuous(later, 1, BOTH)
        np.testing.assert_array_equal(found.values[:cut], whole.values[:cut])
        assert [one for one in found.splits if one[0] < cut] == [one for one in whole.splits if one[0] < cut]


def test_false_splits_of_fat_tails_are_rare():
    """4,000 years of returns of 2% a day, Student's t with 3 degrees of freedom: fewer than one in a thousand years."""
    found = 0
    for seed in range(400):
        returns = 0.02 * np.random.default_rng(seed).standard_t(3, 2500) / np.sqrt(3)
        found += len(continuous(np.exp(returns.cumsum())[:, None], 1, ALONE).splits)
    assert found < 4


def test_the_splits_of_the_embedded_stocks_are_found_and_no_crash_is_one():
    """AAPL fell by 52% on 2000-09-29, which is nearer to 2 for 1 than its split of 2000-06-21 was."""
    about = data.describe("stocks").defaults
    columns = {name: about[name] for name in ("target", "time", "series", "frequency", "fill")}
    panel = prepare(data.stocks(), **columns)
    found = without_splits(panel)
    assert found.notes[-1] == (
        "Splits taken out of 'close', 'open', 'high', 'low', so that prices are those of today's shares: "
        "'AAPL' 2000-06-21 (2 for 1), 'AAPL' 2005-02-28 (2 for 1), 'MSFT' 2003-02-18 (2 for 1)."
    )
    units = dict(zip(found.names, found.units.tolist(), strict=True))
    assert units["AAPL"] == [4.0, 4.0, 4.0, 4.0, 1.0, 1.0]  # close, open, high, low, volume, adj_close
    assert units["MSFT"] == [2.0, 2.0, 2.0, 2.0, 1.0, 1.0]
    assert units["GOOG"] == units["IBM"] == [1.0] * 6
    a, b = found.offsets[:2]
    traded, adjusted = found.as_traded(found.values)[a:b, 0], panel.values[a:b, 5]
    assert traded[-1] == panel.values[b - 1, 0]
    there = ~np.isnan(traded)
    apart = np.diff(np.log(traded[there] / adjusted[there]))
    assert np.abs(apart).max() < 0.02  # what is left are dividends


def test_jumps_that_a_price_alone_can_not_tell_are_named(panel_of):
    panel = panel_of([with_step(prices(), 0.48)], inputs=Inputs(past=()))
    assert without_splits(panel).notes[-1] == (
        "Jumps that may be splits, and were left as they are: 2020-07-19 × 0.480; an adjusted price among the inputs "
        "would tell."
    )
    assert without_splits(panel).values is panel.values


def test_splits_are_taken_out_series_by_series_and_kept_with_them(panel_of):
    rows = [with_step(prices(), 1 / 2), prices(1), with_step(prices(2), 3.0)]
    found = without_splits(panel_of(rows, [0, 0, 0]))
    assert found.units[:, 0].tolist() == [2.0, 1.0, pytest.approx(1 / 3)]
    assert found.keep(np.array([False, True, True])).units[:, 0].tolist() == [1.0, pytest.approx(1 / 3)]
    assert "'a' 2020-07-19 (2 for 1), 'c' 2020-07-19 (1 for 3)" in found.notes[-1]
