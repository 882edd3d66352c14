"""Tasks against their published definitions, in plain Python; their losses against samples and learned tables."""

import copy
import itertools
import math
import pickle
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

import unrolled.data
from unrolled.data import TASKS, Task, task
from unrolled.errors import SettingsError, ShapeError

SMALL = [
    task("adding", length=10),
    task("copy", delay=3),
    task("temporal-order", length=20),
    task("parity", length=6),
    task("flip-flop", length=8, bits=2),
]
each = pytest.mark.parametrize("small", SMALL, ids=lambda t: t.name)
LEAST = {"adding": 2, "copy": 1, "temporal-order": 10, "parity": 2, "flip-flop": 2}


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def losses(task, output, y):
    """The loss of each row by hand, in float64."""
    output, y = output.double().numpy(), y.numpy()
    if task.at == "last":
        output, y = output[:, -1:], y[:, None]
    if task.kind == "regression":
        return ((output - y) ** 2).mean((1, 2))
    picked = np.take_along_axis(output, y[..., None], 2)[..., 0]
    return (np.log(np.exp(output).sum(2)) - picked).mean(1)


def agrees(sample, expected):
    """The mean of a sample within five standard errors of what is expected, and float32's rounding."""
    return abs(sample.mean() - expected) <= 5 * sample.std() / math.sqrt(len(sample)) + 1e-6


def uniform(values, choices):
    """Whole numbers that come equally often: each count within five standard deviations of a fair one."""
    counts = {c: values.count(c) for c in choices}
    p = 1 / len(counts)
    assert sum(counts.values()) == len(values), "a value that can't be"
    return all(abs(n - p * len(values)) <= 5 * math.sqrt(len(values) * p * (1 - p)) for n in counts.values())


# What each published definition asks of a row, as plain Python.


def check_adding(x, y, length):
    marks = [t for t, (_, m) in enumerate(x) if m == 1]
    assert [m for _, m in x if m != 1] == [0] * (length - 2)
    assert len(marks) == 2
    assert marks[0] < length // 2 <= marks[1]
    assert all(0 <= u < 1 for u, _ in x)
    assert y == [pytest.approx(x[marks[0]][0] + x[marks[1]][0], rel=1e-6)]
    return marks


def check_copy(x, y, delay):
    symbols = [step.index(1) for step in x]
    assert all(sum(step) == 1 and set(step) <= {0, 1} for step in x)
    first = symbols[:10]
    assert all(0 <= s <= 7 for s in first)
    assert symbols[10:] == [8] * (delay - 1) + [9] + [8] * 10
    assert y == [8] * (delay + 10) + first
    return first


def check_temporal_order(x, y, length):
    text = "".join("XYabcdEB"[step.index(1)] for step in x)
    assert all(sum(step) == 1 and set(step) <= {0, 1} for step in x)
    assert text[0] == "E"
    assert text[-1] == "B"
    assert set(text[1:-1]) <= set("XYabcd")
    t1, t2 = (t for t, symbol in enumerate(text) if symbol in "XY")
    tenth = length // 10
    assert tenth <= t1 < 2 * tenth
    assert length // 2 <= t2 < length // 2 + tenth
    assert y == ["XX", "XY", "YX", "YY"].index(text[t1] + text[t2])
    return t1, t2, text


def check_parity(x, y, length):
    ones = 0
    for t in range(length):
        assert x[t] in ([0], [1])
        ones += x[t] == [1]
        assert y[t] == (1 if ones % 2 else 0)


def check_flip_flop(x, y, length, bits):
    held = [None] * bits
    for t in range(length):
        for bit in range(bits):
            assert x[t][bit] in (-1, 0, 1)
            if x[t][bit] != 0:
                held[bit] = x[t][bit]
        assert y[t] == held
    assert 0 not in x[0]


@given(length=st.integers(2, 60), size=st.integers(1, 9), seed=st.integers(0, 2**40))
def test_adding_row_by_row(length, size, seed):
    x, y = task("adding", length=length).batch(size, seeded(seed))
    assert (x.shape, y.shape, x.dtype, y.dtype) == ((size, length, 2), (size, 1), torch.float32, torch.float32)
    for row, answer in zip(x.tolist(), y.tolist(), strict=True):
        check_adding(row, answer, length)


@given(delay=st.integers(1, 60), size=st.integers(1, 9), seed=st.integers(0, 2**40))
def test_copy_row_by_row(delay, size, seed):
    x, y = task("copy", delay=delay).batch(size, seeded(seed))
    assert (x.shape, y.shape) == ((size, delay + 20, 10), (size, delay + 20))
    assert (x.dtype, y.dtype) == (torch.float32, torch.int64)
    for row, answer in zip(x.tolist(), y.tolist(), strict=True):
        check_copy(row, answer, delay)


@given(length=st.integers(10, 130), size=st.integers(1, 9), seed=st.integers(0, 2**40))
def test_temporal_order_row_by_row(length, size, seed):
    x, y = task("temporal-order", length=length).batch(size, seeded(seed))
    assert (x.shape, y.shape, x.dtype, y.dtype) == ((size, length, 8), (size,), torch.float32, torch.int64)
    for row, answer in zip(x.tolist(), y.tolist(), strict=True):
        check_temporal_order(row, answer, length)


@given(length=st.integers(2, 60), size=st.integers(1, 9), seed=st.integers(0, 2**40))
def test_parity_row_by_row(length, size, seed):
    x, y = task("parity", length=length).batch(size, seeded(seed))
    assert (x.shape, y.shape, x.dtype, y.dtype) == ((size, length, 1), (size, length), torch.float32, torch.int64)
    for row, answer in zip(x.tolist(), y.tolist(), strict=True):
        check_parity(row, answer, length)


@given(length=st.integers(2, 60), bits=st.integers(1, 4), size=st.integers(1, 9), seed=st.integers(0, 2**40))
def test_flip_flop_row_by_row(length, bits, size, seed):
    x, y = task("flip-flop", length=length, bits=bits).batch(size, seeded(seed))
    assert x.shape == y.shape == (size, length, bits)
    assert x.dtype == y.dtype == torch.float32
    for row, answer in zip(x.tolist(), y.tolist(), strict=True):
        check_flip_flop(row, answer, length, bits)


class TestDraws:
    """All that is random comes as often as it should."""

    def test_adding_marks_every_step_of_a_half_alike_and_its_numbers_fill_the_interval(self):
        x, y = task("adding", length=7).batch(4000, seeded())
        marks = [check_adding(row, answer, 7) for row, answer in zip(x.tolist(), y.tolist(), strict=True)]
        assert uniform([first for first, _ in marks], range(3))
        assert uniform([second for _, second in marks], range(3, 7))
        assert uniform((x[..., 0].flatten() * 10).long().tolist(), range(10))
        assert np.corrcoef(np.array(marks).T)[0, 1] == pytest.approx(0, abs=5 / math.sqrt(4000))

    def test_copy_draws_each_place_from_all_eight_symbols(self):
        _, y = task("copy", delay=2).batch(4000, seeded())
        for place in range(10):
            assert uniform(y[:, -10 + place].tolist(), range(8))

    def test_temporal_order_draws_places_orders_and_distractors(self):
        x, y = task("temporal-order", length=50).batch(4000, seeded())
        found = [check_temporal_order(row, answer, 50) for row, answer in zip(x.tolist(), y.tolist(), strict=True)]
        assert uniform([t1 for t1, _, _ in found], range(5, 10))
        assert uniform([t2 for _, t2, _ in found], range(25, 30))
        assert uniform(y.tolist(), range(4))
        assert uniform([text[40] for *_, text in found], "abcd")

    def test_temporal_order_of_100_has_the_places_of_the_paper(self):
        x, y = task("temporal-order", length=100).batch(1000, seeded())
        found = [check_temporal_order(row, answer, 100) for row, answer in zip(x.tolist(), y.tolist(), strict=True)]
        assert {t1 for t1, _, _ in found} == set(range(10, 20))
        assert {t2 for _, t2, _ in found} == set(range(50, 60))

    def test_parity_draws_fair_bits(self):
        x, _ = task("parity", length=5).batch(4000, seeded())
        for t in range(5):
            assert uniform(x[:, t, 0].long().tolist(), range(2))

    def test_flip_flop_pulses_one_step_in_ten_on_each_channel_for_itself(self):
        x, _ = task("flip-flop", length=9, bits=2).batch(4000, seeded())
        later = x[:, 1:]
        for bit in range(2):
            assert agrees((later[..., bit] != 0).double().flatten().numpy(), 0.1)
        assert agrees((later != 0).all(2).double().flatten().numpy(), 0.01)
        assert uniform(later[later != 0].long().tolist(), (-1, 1))
        assert uniform(x[:, 0, 0].long().tolist(), (-1, 1))


class TestLosses:
    @pytest.mark.parametrize(
        ("built", "chance"),
        [
            (task("adding"), 1 / 6),
            (task("copy"), 10 * math.log(8) / 120),
            (task("copy", delay=500), 10 * math.log(8) / 520),
            (task("temporal-order"), math.log(4)),
            (task("parity"), 29 / 30 * math.log(2)),
            (task("flip-flop"), 49 / 50 * 0.9),
        ],
        ids=lambda value: getattr(value, "name", ""),
    )
    def test_chance_is_the_published_number_and_the_best_is_0(self, built, chance):
        assert built.chance == pytest.approx(chance, rel=1e-12)
        assert built.best == 0

    @each
    def test_perfect_predictor_reaches_the_best(self, small):
        x, y = small.batch(500, seeded())
        assert small.loss(small.perfect(x), y).item() == small.best
        assert small.accuracy(small.perfect(x), y) == 1
        assert small.loss(small.perfect(x.double()), y).item() == pytest.approx(small.best, abs=1e-12)

    @each
    def test_ignorant_predictor_reaches_chance(self, small):
        x, y = small.batch(20_000, seeded())
        sample = losses(small, small.ignorant(x), y)
        assert agrees(sample, small.chance)
        assert small.loss(small.ignorant(x), y).item() == pytest.approx(sample.mean(), rel=1e-5)

    @pytest.mark.parametrize(
        ("name", "options", "share"),
        [
            ("copy", {"delay": 3}, 1 / 8),
            ("temporal-order", {"length": 20}, 1 / 4),
            ("parity", {"length": 6}, 1 / 6 + 5 / 6 / 2),
            ("flip-flop", {"length": 8}, 1 / 8 + 7 / 8 * 0.1),
            # the mean of two numbers within 0.04 of 1/2: the area between two lines of the unit square
            ("adding", {"length": 10}, 1 - (1 - 0.08) ** 2),
        ],
    )
    def test_share_of_right_answers_without_memory(self, name, options, share):
        built = task(name, **options)
        x, y = built.batch(20_000, seeded())
        assert built.accuracy(built.ignorant(x), y) == pytest.approx(share, abs=5 * math.sqrt(0.25 / 20_000))

    @each
    @pytest.mark.parametrize("step", [-0.5, 0.5])
    def test_moving_any_output_of_the_ignorant_predictor_costs(self, small, step):
        x, y = small.batch(4000, seeded())
        output = small.ignorant(x)
        before = small.loss(output, y).item()
        places = [small.length - 1] if small.at == "last" else [0, small.length // 2, small.length - 1]
        for t, k in itertools.product(places, range(small.outputs)):
            if small.kind == "classification" and (output[0, t].max() > 20 or output[0, t, k] < -20):
                continue  # it is sure, and 50 ± 0.5 costs nothing
            moved = output.clone()
            moved[:, t, k] += step
            assert small.loss(moved, y).item() > before, (t, k)

    @pytest.mark.parametrize("small", [t for t in SMALL if t.name != "adding"], ids=lambda t: t.name)
    def test_table_learned_from_step_and_input_alone_does_no_better_than_chance(self, small):
        rows = 8000
        x, y = small.batch(rows, seeded(1))
        x_new, y_new = small.batch(rows, seeded(2))
        digits = torch.stack([x, x_new]).numpy().astype(int) + 1  # -1, 0 and 1 to the digits of a number
        inputs, keys = np.unique(digits @ 3 ** np.arange(small.features), return_inverse=True)
        keys = keys.reshape(2, rows, small.length)
        sample = np.zeros((rows, small.length))
        for t in [small.length - 1] if small.at == "last" else range(small.length):
            y_t, y_new_t = (y, y_new) if small.at == "last" else (y[:, t], y_new[:, t])
            for key in range(len(inputs)):
                seen, now = y_t[keys[0, :, t] == key].numpy(), keys[1, :, t] == key
                if small.kind == "regression":
                    guess = seen.mean(0) if len(seen) else 0.0
                    sample[now, t] = ((y_new_t[now].numpy() - guess) ** 2).mean(1)
                else:
                    counts = np.bincount(seen, minlength=small.outputs) + 1e-3
                    sample[now, t] = -np.log(counts / counts.sum())[y_new_t[now].numpy()]
        sample = sample[:, -1] if small.at == "last" else sample.mean(1)
        assert abs(sample.mean() - small.chance) <= 5 * sample.std() / math.sqrt(rows) + 1e-3

    def test_adding_is_guessed_as_1(self):
        x, y = task("adding", length=10).batch(3, seeded())
        assert torch.equal(task("adding", length=10).ignorant(x)[:, -1], torch.ones_like(y))

    def test_adding_gives_away_at_the_last_step_what_its_docstring_says(self):
        built = task("adding", length=5)
        x, y = built.batch(50_000, seeded())
        u, m = x[:, -1, 0], x[:, -1, 1]
        sample = ((torch.where(m == 1, u + 0.5, 1.0) - y[:, 0]) ** 2).double().numpy()
        assert agrees(sample, built.chance - 1 / (12 * 3))

    @each
    def test_perfect_predictor_uses_no_step_to_come_and_the_ignorant_one_none_before(self, small):
        x, _ = small.batch(50, seeded(1))
        other, _ = small.batch(50, seeded(2))
        for t in range(1, small.length):
            mixed = torch.cat([x[:, :t], other[:, t:]], 1)
            assert torch.equal(small.perfect(mixed)[:, :t], small.perfect(x)[:, :t])
            assert torch.equal(small.ignorant(mixed)[:, t:], small.ignorant(other)[:, t:])

    @each
    def test_loss_is_torchs(self, small):
        _, y = small.batch(5, seeded())
        output = torch.randn(5, small.length, small.outputs, generator=seeded(), requires_grad=True)
        expected = {
            "adding": lambda: F.mse_loss(output[:, -1, :], y),
            "copy": lambda: F.cross_entropy(output.transpose(1, 2), y),
            "temporal-order": lambda: F.cross_entropy(output[:, -1, :], y),
            "parity": lambda: F.cross_entropy(output.transpose(1, 2), y),
            "flip-flop": lambda: F.mse_loss(output, y),
        }[small.name]()
        loss = small.loss(output, y)
        assert loss.shape == ()
        assert loss.item() == pytest.approx(expected.item(), rel=1e-6)
        assert loss.item() == pytest.approx(losses(small, output.detach(), y).mean(), rel=1e-5)
        loss.backward()
        assert output.grad is not None
        reached = output.grad.abs().amax((0, 2)) > 0
        assert reached.tolist() == [small.at == "every" or t == small.length - 1 for t in range(small.length)]


class TestAccuracy:
    def test_adding_asks_for_the_mean_within_004(self):
        built = task("adding", length=2)
        y = torch.tensor([[1.0], [1.0], [1.0], [1.0]])
        output = torch.zeros(4, 2, 1)
        output[:, -1, 0] = torch.tensor([1.079, 1.081, 0.921, 0.919])
        assert built.accuracy(output, y) == 0.5

    def test_copy_counts_the_ten_symbols_only(self):
        built = task("copy", delay=5)
        x, y = built.batch(100, seeded())
        output = built.perfect(x)
        output[:, :-10] = output[:, :-10].flip(2)
        assert built.accuracy(output, y) == 1
        output[:, -1] = 50 * F.one_hot(y[:, -1], 9).roll(1, 1)
        assert built.accuracy(output, y) == pytest.approx(0.9)

    def test_flip_flop_asks_for_the_sign_of_each_bit(self):
        built = task("flip-flop", length=2, bits=2)
        y = torch.tensor([[[1.0, -1.0], [1.0, 1.0]]])
        assert built.accuracy(torch.tensor([[[0.1, -3.0], [-0.1, 0.0]]]), y) == 0.5

    @pytest.mark.parametrize("name", ["temporal-order", "parity"])
    def test_classes_by_the_largest_logit(self, name):
        built = task(name, length=10)
        _, y = built.batch(100, seeded())
        output = torch.randn(100, 10, built.outputs, generator=seeded())
        chosen = output.argmax(2)[:, -1] if built.at == "last" else output.argmax(2)
        assert built.accuracy(output, y) == pytest.approx((chosen == y).float().mean().item())


class TestSeeds:
    @each
    def test_same_seed_same_bits_and_another_seed_others(self, small):
        one, same, other = (small.batch(20, seeded(seed)) for seed in (3, 3, 4))
        assert torch.equal(one[0], same[0])
        assert torch.equal(one[1], same[1])
        assert not torch.equal(one[0], other[0])

    @each
    def test_next_batch_is_another(self, small):
        generator = seeded()
        assert not torch.equal(small.batch(20, generator)[0], small.batch(20, generator)[0])

    @each
    def test_torchs_own_generator_is_neither_used_nor_moved(self, small):
        torch.manual_seed(1)
        before = torch.get_rng_state()
        one = small.batch(20, seeded())
        assert torch.equal(torch.get_rng_state(), before)
        torch.manual_seed(2)
        assert torch.equal(small.batch(20, seeded())[0], one[0])

    @each
    def test_predictors_leave_x_as_it_is(self, small):
        x, _ = small.batch(20, seeded())
        kept = x.clone()
        small.perfect(x).zero_()
        small.ignorant(x).zero_()
        assert torch.equal(x, kept)


class TestTasks:
    def test_names_and_defaults(self):
        assert [build().name for build in TASKS.values()] == list(TASKS) == list(LEAST)
        assert {name: task(name).length for name in TASKS} == {
            "adding": 200,
            "copy": 120,
            "temporal-order": 100,
            "parity": 30,
            "flip-flop": 50,
        }
        assert task("flip-flop").outputs == 3
        assert all(task(name).source for name in TASKS)

    @each
    def test_sizes_are_those_of_what_it_makes(self, small):
        x, y = small.batch(3, seeded())
        assert x.shape == (3, small.length, small.features)
        for output in (small.perfect(x), small.ignorant(x)):
            assert output.shape == (3, small.length, small.outputs)
            assert output.dtype == x.dtype
        assert (y.dtype == torch.int64) == (small.kind == "classification")
        assert (y.shape[1:2] == (small.length,)) == (small.at == "every")

    @settings(max_examples=20)
    @given(name=st.sampled_from(list(LEAST)), more=st.integers(0, 40), size=st.integers(1, 5))
    def test_any_length_from_the_least_on_can_be_made_and_judged(self, name, more, size):
        built = task(name, **{"delay" if name == "copy" else "length": LEAST[name] + more})
        x, y = built.batch(size, seeded())
        assert built.loss(built.perfect(x), y).item() == 0
        assert math.isfinite(built.loss(built.ignorant(x), y).item())
        assert built.chance > built.best

    def test_equal_where_name_and_sizes_are(self):
        assert task("adding", length=50) == task("adding", length=50) != task("adding", length=51)
        assert task("flip-flop", bits=1) != task("flip-flop", bits=2)
        assert len({task("adding"), task("adding", length=200), task("parity")}) == 2

    @each
    def test_frozen_and_survives_pickle_and_copy(self, small):
        with pytest.raises(AttributeError):
            small.length = 3
        for twin in (pickle.loads(pickle.dumps(small)), copy.deepcopy(small)):
            assert twin == small
            assert torch.equal(twin.batch(5, seeded())[0], small.batch(5, seeded())[0])

    def test_whole_numbers_of_numpy_are_whole_numbers(self):
        length: Any = np.int64(20)
        assert type(task("adding", length=length).length) is int

    def test_shown_in_one_line_without_its_functions(self):
        assert repr(task("parity", length=2)).startswith("Task(name='parity', length=2, features=1, outputs=2, ")
        assert "function" not in repr(task("parity"))


def said(kind, call, *arguments, **options):
    with pytest.raises(kind) as caught:
        call(*arguments, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


class TestErrors:
    def test_unknown_name(self):
        assert said(SettingsError, task, "ading") == "no task is named 'ading'; nearest: 'adding'"
        assert said(SettingsError, task, "mnist") == (
            "no task is named 'mnist'; there are: adding, copy, temporal-order, parity, flip-flop"
        )
        assert said(SettingsError, task, 3).startswith("no task is named 3; there are: adding")

    def test_unknown_option(self):
        assert said(SettingsError, task, "adding", lenght=9) == "adding has no option 'lenght'; nearest: 'length'"
        assert said(SettingsError, task, "copy", length=9) == "copy has no option 'length'; there are: delay"
        assert said(SettingsError, task, "flip-flop", p=9) == "flip-flop has no option 'p'; there are: length, bits"

    @pytest.mark.parametrize("name", LEAST)
    def test_too_short_or_not_whole(self, name):
        option, least = "delay" if name == "copy" else "length", LEAST[name]
        task(name, **{option: least})
        for bad in (least - 1, -5, least + 0.5, float(least + 20), "60", None, True):
            assert said(SettingsError, task, name, **{option: bad}) == (
                f"the {option} of {name} must be a whole number of at least {least}, got {bad!r}"
            )

    @pytest.mark.parametrize("bad", [0, 1.5])
    def test_bits(self, bad):
        assert said(SettingsError, task, "flip-flop", bits=bad) == (
            f"the bits of flip-flop must be a whole number of at least 1, got {bad}"
        )

    @each
    def test_batch(self, small):
        for bad in (0, 2.0):
            assert said(SettingsError, small.batch, bad, seeded()) == (
                f"the size of a batch must be a whole number of at least 1, got {bad}"
            )
        assert said(SettingsError, small.batch, 3, 0) == (
            "batch needs a torch.Generator, got int; give torch.Generator().manual_seed(0)"
        )

    @pytest.mark.parametrize("shape", [(10, 2), (3, 9, 2), (3, 10, 1)])
    def test_x_of_another_shape(self, shape):
        built = task("adding", length=10)
        for call in (built.perfect, built.ignorant):
            assert said(ShapeError, call, torch.zeros(shape)) == (
                f"x of adding must be (batch, 10, 2), got {shape}; its dimensions are batch, time and feature"
            )

    @pytest.mark.parametrize("shape", [(3, 1), (3, 1, 1), (10, 3, 1), (2, 10, 1), (3, 10, 2)])
    def test_output_of_another_shape(self, shape):
        built = task("adding", length=10)
        for call in (built.loss, built.accuracy):
            assert said(ShapeError, call, torch.zeros(shape), torch.zeros(3, 1)) == (
                f"output for adding must be (3, 10, 1), got {shape}; "
                f"give the head's output at every step, (batch, time, outputs)"
            )

    @pytest.mark.parametrize(
        ("name", "options", "expected", "shape"),
        [
            ("adding", {"length": 10}, "(batch, 1)", (3,)),
            ("copy", {"delay": 1}, "(batch, 21)", (3, 20)),
            ("temporal-order", {"length": 10}, "(batch,)", (3, 1)),
            ("parity", {"length": 10}, "(batch, 10)", (3,)),
            ("flip-flop", {"length": 10}, "(batch, 10, 3)", (3, 10)),
        ],
    )
    def test_y_of_another_shape(self, name, options, expected, shape):
        built = task(name, **options)
        output = torch.zeros(3, built.length, built.outputs)
        for call in (built.loss, built.accuracy):
            assert said(ShapeError, call, output, torch.zeros(shape)) == (
                f"y of {name} must be {expected}, got {shape}; take it as batch() gives it"
            )


class TestImport:
    def test_names_are_there_and_others_are_not(self):
        assert unrolled.data.Task is Task
        assert {"TASKS", "Task", "task", "load"} <= set(dir(unrolled.data))
        with pytest.raises(AttributeError, match=r"^module 'unrolled\.data' has no attribute 'tsak'$"):
            unrolled.data.tsak  # noqa: B018

    @pytest.mark.parametrize(
        ("code", "loaded"),
        [
            ("import unrolled.data; dir(unrolled.data)", False),
            ("from unrolled.cli.data import data; data(['list'], standalone_mode=False)", False),
            ("import unrolled; unrolled.data.names()", False),
            ("import unrolled; unrolled.data.task('adding', length=200)", True),
        ],
    )
    def test_torch_is_loaded_only_for_tasks(self, code, loaded):
        program = f"import sys; {code}; print('torch' in sys.modules)"
        run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        assert run.stdout.splitlines()[-1] == f"{loaded}"
