"""Cuts and origins against loops over every row, and what is refused against a search through all that could fit."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unrolled.errors import DataError
from unrolled.series.reading.frequency import Frequency
from unrolled.series.windows.split import (
    Split,
    Usable,
    check_length,
    default_lookback,
    observed,
    origins,
    short_series_note,
    split,
    thinning,
)

PARTS = ("train", "validation", "test")
ragged = st.lists(st.tuples(st.integers(1, 30), st.integers(0, 12)), min_size=1, max_size=4)  # (length, start)


def test_seventy_ten_and_twenty_percent_of_the_steps(panel_of):
    cuts = split(panel_of([np.arange(1000.0)]))
    assert cuts == Split(train=700, validation=800, test=1000)
    assert [cuts.part(name) for name in PARTS] == [(0, 700), (700, 800), (800, 1000)]


def test_one_cut_of_the_calendar_however_long_each_series_is(panel_of):
    ends_last = panel_of([np.arange(40.0), np.arange(30.0)], starts=[0, 70])  # to position 100
    assert split(ends_last) == Split(70, 80, 100)
    assert split(panel_of([np.arange(100.0), np.arange(3.0)], starts=[0, 5])) == Split(70, 80, 100)


@given(length=st.integers(1, 5000))
def test_parts_lie_behind_each_other_and_cover_the_calendar(panel_of, length):
    cuts = split(panel_of([np.zeros(length)]))
    assert 0 <= cuts.train <= cuts.validation <= cuts.test == length
    assert abs(cuts.train - 0.7 * length) <= 0.5
    assert abs(cuts.validation - 0.8 * length) <= 0.5 + 1e-9


def by_loop(shape, span, lookback, horizon, stride) -> list[int]:
    """Every row of every series: does a whole look-back lie before it, and a whole horizon in the span and series?"""
    found, offset = [], 0
    for length, start in shape:
        fits = [
            offset + row
            for row in range(length)
            if row - lookback >= 0
            and row + horizon <= length
            and span[0] <= start + row
            and start + row + horizon <= span[1]
        ]
        found += fits[::stride]
        offset += length
    return found


@settings(max_examples=300)
@given(
    shape=ragged,
    ends=st.tuples(st.integers(0, 45), st.integers(0, 45)),
    lookback=st.integers(1, 12),
    horizon=st.integers(1, 12),
    stride=st.integers(1, 5),
)
def test_origins_equal_a_loop_over_every_row(panel_of, shape, ends, lookback, horizon, stride):
    panel = panel_of([np.zeros(length) for length, _ in shape], [start for _, start in shape])
    span = min(ends), max(ends)
    rows = origins(panel, span, lookback, horizon, stride)
    assert rows.dtype == np.int64
    assert rows.tolist() == by_loop(shape, span, lookback, horizon, stride)


@given(shape=ragged, lookback=st.integers(1, 5), horizon=st.integers(1, 5))
def test_no_row_is_forecast_in_two_parts(panel_of, shape, lookback, horizon):
    panel = panel_of([np.zeros(length) for length, _ in shape], [start for _, start in shape])
    cuts = split(panel)
    forecast = [
        {row + step for row in origins(panel, cuts.part(name), lookback, horizon) for step in range(horizon)}
        for name in PARTS
    ]
    assert not forecast[0] & forecast[1]
    assert not forecast[0] & forecast[2]
    assert not forecast[1] & forecast[2]


@settings(max_examples=60)
@given(shape=ragged, lookback=st.integers(1, 50), horizon=st.integers(1, 25))
def test_what_a_refusal_proposes_fits_and_one_more_does_not(panel_of, shape, lookback, horizon):
    panel = panel_of([np.arange(float(length)) for length, _ in shape], [start for _, start in shape])
    cuts = split(panel)

    def fits(lookback: int, horizon: int) -> bool:
        return all(by_loop(shape, cuts.part(name), lookback, horizon, 1) for name in PARTS)

    if fits(lookback, horizon):
        check_length(panel, cuts, lookback, horizon)
        return
    with pytest.raises(DataError) as refused:
        check_length(panel, cuts, lookback, horizon)
    text = str(refused.value)
    assert f"too few for look-back {lookback} + horizon {horizon}" in text
    empty = [name for name in PARTS if not by_loop(shape, cuts.part(name), lookback, horizon, 1)]
    assert f"there is no window in {' and '.join(empty)};" in text
    assert f"has {max(length for length, _ in shape)} rows" in text
    look, ahead = (re.search(rf"--{name} (\d+)", text) for name in ("lookback", "horizon"))
    if look or ahead:
        least = int(look[1]) if look else lookback, int(ahead[1]) if ahead else horizon
        assert fits(*least)
        assert not fits(least[0] + bool(look), least[1] + bool(ahead))
    else:
        assert text.endswith(
            "no look-back and horizon fit: about 15 rows are the least that can be split, trained and tested on"
        )
        assert not any(fits(n, n) for n in range(1, horizon + 1))


def test_a_refusal_of_a_short_series_says_what_there_is_and_what_fits(panel_of):
    panel = panel_of([np.arange(100.0)])
    with pytest.raises(DataError) as refused:
        check_length(panel, split(panel), 72, 8)
    assert str(refused.value) == (
        "the series has 100 rows (70 steps to train, 10 to validate, 20 to test), too few for look-back 72 + horizon "
        "8: there is no window in train; the longest look-back that fits is --lookback 62"
    )
    with pytest.raises(DataError, match=r"no window in validation; the longest horizon that fits is --horizon 10$"):
        check_length(panel, split(panel), 10, 12)
    several = panel_of([np.arange(100.0), np.arange(40.0)], [0, 0])
    with pytest.raises(
        DataError, match=r"the longest series has 100 rows .* and test; --lookback 10 --horizon 10 fits$"
    ):
        check_length(several, split(several), 90, 50)


def test_values_so_few_that_a_part_has_no_window_are_refused_before_training(panel_of):
    values = np.arange(100.0)
    values[70:80] = np.nan
    panel = panel_of([values], fill="forward")
    with pytest.raises(
        DataError,
        match=r"^so many values are missing that the validation part has no window of look-back 5 \+ horizon 2 that "
        r"can be read and scored; give a table with fewer gaps$",
    ):
        check_length(panel, split(panel), 5, 2)
    values = np.arange(100.0)
    values[::5] = np.nan
    panel = panel_of([values], fill="none")
    check_length(panel, split(panel), 4, 2)
    with pytest.raises(DataError, match=r"the train part has no window .* give --fill forward, or a table with fewer"):
        check_length(panel, split(panel), 5, 2)


def test_a_last_look_back_that_can_not_be_read_is_refused_before_training(panel_of):
    values = np.arange(100.0)
    values[-3] = np.nan
    panel = panel_of([np.arange(100.0), values], [0, 0], fill="none")
    check_length(panel, split(panel), 2, 2)
    with pytest.raises(
        DataError,
        match=r"^values are missing in the last 3 rows of series 'b', and the forecast of the future reads all of "
        r"them; give --fill forward",
    ):
        check_length(panel, split(panel), 3, 2)


@given(
    gaps=st.lists(st.tuples(st.booleans(), st.booleans()), min_size=12, max_size=40),
    lookback=st.integers(1, 5),
    horizon=st.integers(1, 5),
)
def test_usable_windows_equal_a_loop_over_their_values(panel_of, gaps, lookback, horizon):
    """Inputs of two channels with gaps; a target that was filled is read, and never scored."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(len(gaps), 2))
    filled = values.copy()
    values[[gone for gone, _ in gaps], 0] = np.nan  # the target, filled in what is read
    filled[[gone for _, gone in gaps], 1] = np.nan
    rows = np.arange(lookback, len(gaps) - horizon + 1)
    expected = [
        row
        for row in rows
        if not np.isnan(filled[row - lookback : row]).any() and not np.isnan(values[row : row + horizon, 0]).all()
    ]
    panel = panel_of([values])
    assert Usable.count(panel, split(panel), filled).of(rows, lookback, horizon).tolist() == (
        expected if observed(panel, (0, split(panel).train)).all() else []
    )


@given(
    gaps=st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), min_size=12, max_size=30),
    lookback=st.integers(1, 4),
    horizon=st.integers(1, 4),
)
def test_what_is_known_ahead_is_read_over_the_horizon_too(panel_of, gaps, lookback, horizon):
    """Two targets, of which one value is enough to score, and a channel known ahead."""
    values = np.random.default_rng(0).normal(size=(len(gaps), 3))
    for channel in range(3):
        values[[gone[channel] for gone in gaps], channel] = np.nan
    values[0] = 1.0  # every target is there in training
    filled = np.concatenate([np.zeros((len(gaps), 2)), values[:, 2:]], axis=1)
    panel = panel_of([values], targets=("y", "z"), past=(), known=("k",))
    rows = np.arange(lookback, len(gaps) - horizon + 1)
    expected = [
        row
        for row in rows
        if not np.isnan(values[row - lookback : row + horizon, 2]).any()
        and not np.isnan(values[row : row + horizon, :2]).all()
    ]
    assert Usable.count(panel, split(panel), filled).of(rows, lookback, horizon).tolist() == expected


def test_a_target_without_a_value_in_a_part_is_refused_by_its_name(panel_of):
    values = np.random.default_rng(0).normal(size=(100, 2))
    values[80:, 1] = np.nan
    panel = panel_of([values], targets=("y", "z"), past=(), fill="forward")
    with pytest.raises(
        DataError,
        match=r"^'z' has no value in the windows of the test part; leave it out, or give a table with fewer gaps$",
    ):
        check_length(panel, split(panel), 5, 2)
    values[99, 1] = 1.0
    check_length(panel_of([values], targets=("y", "z"), past=(), fill="forward"), split(panel), 5, 2)


def test_series_without_an_observed_target_before_the_cut_are_never_scored_and_said(panel_of):
    gone = np.full(100, np.nan)
    gone[70:] = 1.0
    panel = panel_of([np.arange(100.0), gone, np.arange(20.0), np.arange(31.0)], [0, 0, 80, 69])
    cuts = Split(70, 80, 100)
    assert observed(panel, cuts.part("train")).tolist() == [True, False, False, True]  # d has one row before the cut
    assert short_series_note(panel, cuts, 5) == (
        "Forecast, but not learnt from or scored: 2 series with at most a look-back of 5 rows, or none in the training "
        "part: 'b', 'c'."
    )
    rows = origins(panel, cuts.part("test"), 5, 2)
    kept = Usable.count(panel, cuts, np.zeros_like(panel.values)).of(rows, 5, 2)
    assert set(np.searchsorted(panel.offsets, kept, side="right") - 1) == {0, 3}
    assert short_series_note(panel_of([np.arange(100.0)]), cuts, 5) is None
    with pytest.raises(DataError, match=r"^no series has a value of the target in the first 70% of the calendar"):
        short_series_note(panel_of([gone]), cuts, 5)


def test_every_target_has_to_be_there_before_the_cut(panel_of):
    values = np.ones((20, 2))
    values[:14, 1] = np.nan
    panel = panel_of([values], targets=("y", "z"), past=())
    assert observed(panel, (0, 14)).tolist() == [False]
    assert observed(panel, (0, 15)).tolist() == [True]
    assert observed(panel, (3, 15)).tolist() == [True]
    assert observed(panel, (15, 15)).tolist() == [False]


def test_series_shorter_than_a_look_back_and_a_row_are_said(panel_of):
    panel = panel_of([np.arange(9.0), np.arange(100.0), np.arange(11.0)], [0, 0, 40])
    cuts = split(panel)
    assert short_series_note(panel, cuts, 10) == (
        "Forecast, but not learnt from or scored: 1 series with at most a look-back of 10 rows, or none in the "
        "training part: 'a'."
    )
    assert short_series_note(panel, cuts, 8) is None
    assert short_series_note(panel, cuts, 100) is None  # check_length says what fits


def test_a_split_may_begin_later_than_the_table():
    assert Split(70, 80, 100, begin=20).part("train") == (20, 70)


@given(length=st.integers(1, 2000), horizon=st.integers(1, 100), frequency=st.sampled_from(["1h", "1d", "1mo", "row"]))
def test_the_usual_look_back_is_three_seasons_if_there_is_room(panel_of, length, horizon, frequency):
    panel = panel_of([np.zeros(length)], frequency=Frequency.parse(frequency))
    season = {"1h": 24, "1d": 7, "1mo": 12, "row": 1}[frequency]
    cuts = split(panel)
    lookback = default_lookback(panel, cuts, horizon)
    wanted = max(3 * season, 2 * horizon)
    assert lookback == (wanted if 3 * wanted <= cuts.train else max(1, cuts.train // 3))


@given(count=st.integers(0, 100_000), most=st.integers(1, 1000), season=st.sampled_from([None, 1, 5, 7, 12, 24, 96]))
def test_thinned_windows_are_few_enough_and_meet_every_step_of_the_season(count, most, season):
    stride = thinning(count, most, season)
    kept = range(0, count, stride)
    assert len(kept) <= most
    assert stride == 1 or len(range(0, count, max(1, stride - (season or 1)))) > most, "and no more are left out"
    if season is not None and len(kept) >= season:
        assert {at % season for at in kept} == set(range(season))
