"""The usual mistakes: each does what it is said to do and nothing else, and what it fakes is told."""

from datetime import date

import numpy as np
import polars as pl
import pytest

import unrolled as ur
from unrolled.errors import SettingsError
from unrolled.series.leaks.mistakes import (
    MISTAKES,
    SWITCHES,
    fake_skill,
    overlapping_splits,
    scaler_on_all_data,
    shuffled_windows,
)
from unrolled.series.windows.examples import Examples
from unrolled.series.windows.split import Split

ONCE = ur.TrainingSettings(epochs=15, learning_rate=1e-2, batch_size=16, threads=1, device="cpu")


@pytest.fixture
def examples(panel_of):
    rng = np.random.default_rng(0)
    panel = panel_of([rng.normal(size=100).cumsum() + 50, rng.normal(size=80).cumsum() + 90], starts=[0, 20])
    return Examples.build(panel, Split(70, 80, 100), lookback=6, horizon=2, scaling="min-max")


def trend(n=240) -> pl.DataFrame:
    noise = np.random.default_rng(0).normal(size=n)
    stamps = pl.date_range(date(2020, 1, 1), date(2020, 12, 31), eager=True)[:n]
    return pl.DataFrame({"t": stamps, "y": 100 + 0.5 * np.arange(n) + noise.cumsum()})


def tensors(windows) -> list[np.ndarray]:
    return [part.numpy() for batch in windows.batches() for part in batch]


def test_the_scaler_on_all_data_has_the_range_of_the_whole_series(examples):
    mistaken = scaler_on_all_data(examples, 0)
    for i, (a, b) in enumerate([(0, 100), (100, 180)]):
        own = examples.panel.values[a:b, 0]
        assert mistaken.scaler.centre[i, 0] == own.min()
        assert mistaken.scaler.scale[i, 0] == pytest.approx(np.ptp(own), rel=1e-12)
    for part in ("train", "validation", "test"):
        np.testing.assert_array_equal(mistaken.windows(part).origins, examples.windows(part).origins)


@pytest.mark.parametrize("seed", range(3))
def test_shuffled_windows_are_all_windows_dealt_anew(examples, seed):
    dealt = shuffled_windows(examples, seed)
    train, choose, test = (dealt.windows(part).origins for part in ("train", "validation", "test"))
    every = [offset + t for offset, n in ((0, 100), (100, 80)) for t in range(6, n - 1)]
    assert not {*train} & {*choose} | {*train} & {*test} | {*choose} & {*test}
    assert {*train, *choose} < {*every}
    assert abs(len(train) - 0.7 * len(every)) <= 0.5
    assert abs(len(choose) - 0.1 * len(every)) <= 1
    assert {*test} == ({*every} - {*train} - {*choose}) & {*examples.windows("test").origins.tolist()}
    assert (dealt.windows("train").times >= 80).any()  # neighbours of what is scored


def test_overlapping_splits_forecast_into_the_next_part(examples):
    mistaken = overlapping_splits(examples, 0)
    train, choose = mistaken.windows("train"), mistaken.windows("validation")
    assert sorted(train.times[train.series == 0]) == list(range(6, 76))  # to the look-back that begins in row 69
    assert sorted(choose.times[choose.series == 0]) == list(range(76, 86))
    np.testing.assert_array_equal(mistaken.windows("test").origins, examples.windows("test").origins)


@pytest.mark.parametrize("name", SWITCHES)
def test_a_switch_leaves_the_honest_examples_alone(examples, name):
    before = {part: tensors(examples.windows(part)) for part in ("train", "validation", "test")}
    SWITCHES[name](examples, 0)
    for part, held in before.items():
        for one, other in zip(held, tensors(examples.windows(part)), strict=True):
            np.testing.assert_array_equal(one, other)


def test_a_table_of_what_each_mistake_fakes():
    found = fake_skill(trend(), "y", lookback=6, hidden=8, training=ONCE, seeds=2)
    assert found["mistake"].to_list() == list(MISTAKES)
    assert found.columns == ["mistake", "reported", "honest", "reported_skill", "honest_skill", "faked", "spread"]
    assert (found["faked"] - (found["reported_skill"] - found["honest_skill"])).abs().max() < 1e-12
    rows = {row["mistake"]: row for row in found.to_dicts()}
    assert rows["shuffled windows"]["faked"] > 0.5  # the levels of the test part were trained on
    assert rows["scaler on all data"]["faked"] > 0.5
    assert rows["shuffled windows"]["spread"] > 0 == rows["lag-1 copy"]["spread"]


def test_the_copy_is_the_naive_forecast_held_against_the_training_mean():
    frame = trend()
    y = frame["y"].to_numpy()
    (row,) = fake_skill(frame, "y", ["lag-1 copy"]).to_dicts()
    error = np.abs(y[192:] - y[191:-1]).mean()
    assert row["reported"] == row["honest"] == pytest.approx(error)
    assert row["honest_skill"] == 0
    assert row["reported_skill"] == pytest.approx(1 - error / np.abs(y[192:] - y[:168].mean()).mean())


def test_our_own_network_is_hardly_fooled():
    ours = fake_skill(trend(), "y", ["scaler on all data"], lookback=6, hidden=8, training=ONCE, model="step")
    assert abs(ours["faked"][0]) < 0.2


def test_the_same_seeds_give_the_same_table():
    once, again = (fake_skill(trend(120), "y", MISTAKES[1:3], lookback=4, hidden=4, training=ONCE) for _ in range(2))
    assert once.equals(again)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"mistakes": ["shuffled window"]}, "there is no mistake 'shuffled window'; nearest: 'shuffled windows'"),
        ({"model": "steps"}, "there is no model 'steps'; nearest: 'step'"),
    ],
)
def test_what_there_is_not_is_refused(options, words):
    with pytest.raises(SettingsError, match=words):
        fake_skill(trend(), "y", **options)
