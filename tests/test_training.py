"""The training loop: what it minimises, what it keeps, when it ends, and what it leaves alone."""

import math
import random
import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.optim.optimizer import register_optimizer_step_pre_hook

from unrolled import training
from unrolled.errors import SettingsError, TrainingError
from unrolled.formats import read_lines
from unrolled.training import Progress, TrainingSettings, device_named, schedule, train


class Problem:
    """Least squares on noisy lines: convex, with an optimum that another library knows."""

    def __init__(self, examples: int = 50, dropout: float = 0.0):
        generator = torch.Generator().manual_seed(1)
        self.x = torch.randn(examples, 3, generator=generator)
        noise = 0.1 * torch.randn(examples, 1, generator=generator)
        self.y = self.x @ torch.tensor([[1.0], [-2.0], [0.5]]) + 3 + noise
        with torch.random.fork_rng(devices=[]):  # a layer draws its first weights
            self.line = nn.Linear(3, 1)
        nn.init.zeros_(self.line.weight)
        nn.init.zeros_(self.line.bias)
        self.model = nn.Sequential(nn.Dropout(dropout), self.line)
        self.seen: list[list[int]] = []  # the index of each step

    def loss(self, index: Tensor) -> Tensor:
        self.seen.append(index.tolist())
        return (self.model(self.x[index]) - self.y[index]).square().mean()

    def score(self) -> float:
        self.model.eval()
        with torch.no_grad():
            return float((self.model(self.x) - self.y).square().mean())

    def train(self, validate=None, *, loss=None, files=None, on_progress=None, **settings):
        options: Any = {"epochs": 3, "batch_size": 16, "threads": 1} | settings
        chosen = TrainingSettings(**options)
        files = files or {}
        return train(self.model, loss or self.loss, len(self.x), validate, chosen, on_progress=on_progress, **files)

    def weights(self) -> list[float]:
        return torch.cat([p.detach().flatten() for p in self.model.parameters()]).tolist()

    def optimum(self) -> np.ndarray:
        x = np.hstack([self.x.numpy(), np.ones((len(self.x), 1), np.float32)]).astype(float)
        return np.linalg.lstsq(x, self.y.numpy().astype(float), rcond=None)[0].ravel()


class Scripted:
    """A validation that gives these scores, and remembers the weights that it was asked about."""

    def __init__(self, problem: Problem, scores):
        self.problem, self.scores, self.weights = problem, iter(scores), []

    def __call__(self) -> float:
        self.weights.append(self.problem.weights())
        return next(self.scores)


@contextmanager
def optimizer_steps() -> Iterator[list[tuple[float, float]]]:
    """(norm of the gradient, learning rate) of each step, as they reach the optimizer."""
    steps: list[tuple[float, float]] = []

    def hook(optimizer, args, kwargs) -> None:
        gradients = [p.grad.flatten() for group in optimizer.param_groups for p in group["params"]]
        steps.append((float(torch.cat(gradients).norm()), optimizer.param_groups[0]["lr"]))

    handle = register_optimizer_step_pre_hook(hook)
    try:
        yield steps
    finally:
        handle.remove()


@pytest.fixture
def clock(monkeypatch) -> SimpleNamespace:
    """A clock for the training loop alone, which stands still until the test moves it."""
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(training, "time", SimpleNamespace(monotonic=lambda: clock.now, perf_counter=lambda: clock.now))
    return clock


# ---- what it minimises and what it keeps


def test_reaches_the_optimum_of_least_squares():
    problem = Problem(examples=64)
    problem.train(problem.score, epochs=300, batch_size=64, learning_rate=0.05, weight_decay=0.0, patience=10_000)
    np.testing.assert_allclose(problem.weights(), problem.optimum(), atol=2e-4)


def test_the_best_weights_by_validation_are_left_in_the_model():
    problem = Problem()
    validate = Scripted(problem, [5.0, 3.0, 4.0, 3.0, 3.5, 9.0])
    state = problem.train(validate)
    assert problem.weights() == validate.weights[1]  # of two equals, the first
    assert len(set(map(tuple, validate.weights))) == 6
    assert (state.best, state.best_step, state.ended) == (3.0, 4, "budget")
    assert [r["validation"] for r in state.records] == [5.0, 3.0, 4.0, 3.0, 3.5, 9.0]
    assert not problem.model.training


def test_without_validation_the_last_weights_are_left():
    problem = Problem()
    after: list[list[float]] = []
    state = problem.train(on_progress=lambda _: after.append(problem.weights()))
    assert problem.weights() == after[-1] != after[-2]
    assert (state.step, state.best_step, state.ended) == (12, 12, "budget")


def test_every_step_is_taken_in_training_mode_whatever_validation_does():
    problem, modes = Problem(), []

    def loss(index: Tensor) -> Tensor:
        modes.append(problem.model.training)
        return problem.loss(index)

    problem.train(problem.score, loss=loss)  # it scores in evaluation mode, and leaves the model so
    assert modes == [True] * 12


def test_patience_ends_it():
    problem = Problem()
    validate = Scripted(problem, [5.0, 4.0, 4.0, 6.0, 4.5, 0.0])
    state = problem.train(validate, epochs=100, patience=3)
    assert (state.ended, state.step, state.best_step) == ("patience", 10, 4)
    assert problem.weights() == validate.weights[1]


@pytest.mark.parametrize("score", [math.nan, math.inf])
def test_a_score_that_is_no_number_ends_it(score):
    problem = Problem()
    with pytest.raises(TrainingError, match=f"the validation score is {score:g} at step 4; look for extreme values"):
        problem.train(Scripted(problem, [1.0, score]))


# ---- how long


@pytest.mark.parametrize(("examples", "epochs", "steps"), [(50, 3, 12), (48, 3, 9), (1, 5, 5), (17, 1, 2)])
def test_a_budget_of_epochs_is_an_exact_number_of_steps(examples, epochs, steps):
    problem = Problem(examples)
    state = problem.train(problem.score, epochs=epochs)
    assert state.step == len(problem.seen) == steps
    assert state.ended == "budget"
    assert state.records[-1]["step"] == steps  # the last weights are always scored
    assert state.records[-1]["epoch"] == epochs


def test_rounds_are_half_an_epoch_or_the_longest(monkeypatch):
    problem = Problem(examples=5 * 16)
    assert [r["step"] for r in problem.train(problem.score, epochs=2).records] == [3, 6, 9, 10]
    monkeypatch.setattr(training, "LONGEST_ROUND", 2)
    assert [r["step"] for r in Problem(5 * 16).train(problem.score, epochs=1).records] == [2, 4, 5]


def test_a_record_averages_its_own_round():
    problem = Problem()
    losses: list[float] = []

    def loss(index: Tensor) -> Tensor:
        losses.append(problem.loss(index).item())
        return problem.loss(index)

    records = problem.train(problem.score, loss=loss, epochs=1).records
    assert [r["loss"] for r in records] == pytest.approx([sum(losses[:2]) / 2, sum(losses[2:]) / 2])


def test_a_budget_of_minutes_ends_on_time_with_a_usable_model(clock):
    problem = Problem()

    def loss(index: Tensor) -> Tensor:
        clock.now += 7
        return problem.loss(index)

    with optimizer_steps() as steps:
        state = problem.train(problem.score, loss=loss, epochs=None, minutes=1)
    assert (state.ended, state.step, state.seconds) == ("budget", 9, 63)  # the step that passes the minute is the last
    assert state.records[-1]["step"] == 9
    assert problem.score() == state.best == min(r["validation"] for r in state.records)
    assert [rate for _, rate in steps] == pytest.approx([2e-3 * schedule(7 * step / 60) for step in range(9)])


def test_a_coarse_clock_that_shows_no_time_for_the_first_steps(clock):
    problem, seen = Problem(), []

    def loss(index: Tensor) -> Tensor:
        clock.now += 15 * (len(problem.seen) >= 3)
        return problem.loss(index)

    problem.train(problem.score, loss=loss, epochs=None, minutes=1, on_progress=seen.append)
    assert [p.seconds_left for p in seen] == pytest.approx([60, 60, 60, 45, 30, 15, 0])


def test_no_examples_is_an_error():
    problem = Problem()
    with pytest.raises(TrainingError, match="there is no example to train on; give more data"):
        train(problem.model, problem.loss, 0, None, TrainingSettings())


# ---- learning rate and gradients


def test_schedule_by_hand():
    cosine = 0.01 + 0.99 * (1 + math.cos(math.pi / 4)) / 2
    spent = [0.0, 0.0005, 0.025, 0.05, 0.05 + 0.95 / 4, 0.525, 1.0, 1.7]
    assert [schedule(s) for s in spent] == pytest.approx([0.02, 0.02, 0.5, 1.0, cosine, 0.505, 0.01, 0.01])


@given(st.floats(0, 2), st.floats(0, 2))
def test_schedule_rises_then_falls_between_its_bounds(a, b):
    a, b = sorted((a, b))
    assert 0.01 <= schedule(b) <= 1
    assert schedule(a) <= schedule(b) if b <= 0.05 else a < 0.05 or schedule(a) >= schedule(b)


def test_the_schedule_reaches_the_optimizer():
    with optimizer_steps() as steps:
        state = Problem().train(epochs=3, learning_rate=0.5)
    assert [rate for _, rate in steps] == pytest.approx([0.5 * schedule(step / 12) for step in range(12)])
    assert [r["learning_rate"] for r in state.records] == pytest.approx([rate for _, rate in steps[1::2]])


def test_what_reaches_the_optimizer_is_clipped():
    problem = Problem()
    with optimizer_steps() as steps:
        state = problem.train(loss=lambda index: 1000 * problem.loss(index), clip=0.25)
    assert len(steps) == 12
    assert all(0.25 * (1 - 1e-4) < norm < 0.25 * (1 + 1e-6) for norm, _ in steps)
    assert [r["clipped"] for r in state.records] == [1.0] * 6


def test_a_small_gradient_is_not_touched():
    problem, norms = Problem(), []

    def loss(index: Tensor) -> Tensor:
        weight, bias = torch.autograd.grad(problem.loss(index), list(problem.model.parameters()))
        norms.append(float(torch.cat([weight.flatten(), bias]).norm()))
        return problem.loss(index)

    with optimizer_steps() as steps:
        state = problem.train(loss=loss, clip=1e6)
    assert [norm for norm, _ in steps] == norms
    assert [r["clipped"] for r in state.records] == [0.0] * 6


def test_a_loss_that_is_not_finite():
    problem = Problem()
    before: list[list[float]] = []

    def loss(index: Tensor) -> Tensor:
        before.append(problem.weights())
        return problem.loss(index) * (math.nan if len(problem.seen) == 7 else 1)

    text = (
        "step 7 (epoch 2, batch 3 of 4): the loss is nan; look for extreme values in the data, or lower the learning "
        f"rate (it is {0.01 * schedule(6 / 12):g} here)"
    )
    with pytest.raises(TrainingError, match=f"^{re.escape(text)}$"):
        problem.train(loss=loss, learning_rate=0.01)
    assert problem.weights() == before[-1]  # the bad step was not taken


def test_a_gradient_that_is_not_finite():
    problem = Problem()
    message = r"^step 1 \(epoch 1, batch 1 of 4\): the gradient of 1\.weight is not finite: 3 NaN of 3 entries; look"
    with pytest.raises(TrainingError, match=message):
        problem.train(loss=lambda _: (problem.line.weight * 0).abs().sqrt().sum())


# ---- shuffling and randomness


def epochs_seen(problem: Problem, steps: int = 4) -> list[list[int]]:
    return [list(chain(*problem.seen[i : i + steps])) for i in range(0, len(problem.seen), steps)]


def test_each_epoch_sees_every_example_once_in_another_order():
    problems = {seed: Problem() for seed in (0, 1)}
    for seed, problem in problems.items():
        problem.train(seed=seed)
    orders = [order for problem in problems.values() for order in epochs_seen(problem)]
    assert all(sorted(order) == list(range(50)) for order in orders)
    assert len(set(map(tuple, orders))) == 6
    assert [len(index) for index in problems[0].seen[:4]] == [16, 16, 16, 2]


def test_randomness_is_private():
    """The same seed gives the same bits whatever the global generators were, and they go on as if nothing had been."""
    outcomes = []
    for outside in (7, 8):
        torch.manual_seed(outside)
        random.seed(outside)
        np.random.seed(outside)  # noqa: NPY002 - the global generator is what is looked at
        before = torch.get_rng_state(), random.getstate(), str(np.random.get_state())  # noqa: NPY002
        problem = Problem(dropout=0.5)
        problem.train(problem.score)
        outcomes.append((problem.seen, problem.weights()))
        assert torch.equal(torch.get_rng_state(), before[0])
        assert (random.getstate(), str(np.random.get_state())) == before[1:]  # noqa: NPY002
    assert outcomes[0] == outcomes[1]


def test_another_seed_drops_other_numbers_and_the_same_seed_the_same():
    def weights(seed: int) -> list[float]:
        problem = Problem(examples=1, dropout=0.5)  # one example: the order can make no difference
        problem.train(seed=seed, epochs=8)
        return problem.weights()

    assert weights(0) == weights(0) != weights(1)


# ---- threads


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("two_threads")
def test_threads_are_as_asked_and_afterwards_as_before():
    problem, during = Problem(), set()
    state = problem.train(on_progress=lambda _: during.add(torch.get_num_threads()), threads=1)
    assert (during, state.threads, torch.get_num_threads()) == ({1}, 1, 2)


@pytest.mark.usefixtures("two_threads")
def test_threads_and_randomness_are_as_before_after_an_exception():
    state = torch.get_rng_state()
    with pytest.raises(ZeroDivisionError):
        Problem(dropout=0.5).train(on_progress=lambda _: 1 / 0, threads=1)
    assert torch.get_num_threads() == 2
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.usefixtures("two_threads")
def test_measuring_the_threads_moves_no_number():
    measured, given = Problem(dropout=0.5), Problem(dropout=0.5)
    state = measured.train(measured.score, threads=None)
    given.train(given.score, threads=state.threads)
    assert state.threads in (1, 2)
    assert len(measured.seen) > len(given.seen) == 12  # it was measured on the loss itself
    assert measured.weights() == given.weights()


# ---- Ctrl-C


def interrupting(problem: Problem, step: int, times: int = 1):
    def loss(index: Tensor) -> Tensor:
        value = problem.loss(index)
        for _ in range(times if len(problem.seen) == step else 0):
            signal.raise_signal(signal.SIGINT)
        return value

    return loss


@pytest.fixture
def handler() -> Iterator[object]:
    """A handler of the caller's own, to be found again afterwards."""

    def own(number, frame) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, own)
    yield own
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_ends_after_the_step_and_keeps_the_best_weights(handler):
    problem = Problem()
    validate = Scripted(problem, [1.0, 2.0, 0.0])
    state = problem.train(validate, loss=interrupting(problem, step=5))
    assert (state.ended, state.step, state.best_step) == ("interrupted", 5, 2)
    assert problem.weights() == validate.weights[0]
    assert signal.getsignal(signal.SIGINT) is handler


def test_ctrl_c_before_the_first_validation_scores_what_there_is(handler):
    problem = Problem()
    validate = Scripted(problem, [1.0])
    state = problem.train(validate, loss=interrupting(problem, step=1))
    assert (state.ended, state.step, state.best) == ("interrupted", 1, 1.0)
    assert problem.weights() == validate.weights[0] != [0.0] * 4


def test_ctrl_c_without_validation_keeps_the_last_weights(handler):
    problem, after = Problem(), []
    problem.train(loss=interrupting(problem, step=5), on_progress=lambda _: after.append(problem.weights()))
    assert problem.weights() == after[4]
    assert len(after) == 5


def test_without_ctrl_c_the_handler_is_found_again_too(handler):
    problem = Problem()
    problem.train(problem.score)
    assert signal.getsignal(signal.SIGINT) is handler
    with pytest.raises(ZeroDivisionError):
        problem.train(on_progress=lambda _: 1 / 0)
    assert signal.getsignal(signal.SIGINT) is handler


def test_a_second_ctrl_c_interrupts_at_once(handler):
    problem = Problem()
    with pytest.raises(KeyboardInterrupt):
        problem.train(problem.score, loss=interrupting(problem, step=5, times=2))
    assert len(problem.seen) == 5
    assert signal.getsignal(signal.SIGINT) is handler


def test_outside_the_main_thread_it_trains_the_same_and_leaves_signals_alone(handler):
    inside, outside = Problem(dropout=0.5), Problem(dropout=0.5)
    during, ended = [], []

    def work() -> None:
        state = outside.train(outside.score, on_progress=lambda _: during.append(signal.getsignal(signal.SIGINT)))
        ended.append(state.ended)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    inside.train(inside.score)
    assert ended == ["budget"]
    assert set(during) == {handler}
    assert outside.weights() == inside.weights()


# ---- progress


def test_progress_says_where_it_is(clock):
    problem, seen = Problem(), list[Progress]()

    def loss(index: Tensor) -> Tensor:
        clock.now += 2
        return problem.loss(index)

    problem.train(Scripted(problem, [5.0, 4.0, 7.0, 1.0, 2.0, 3.0]), loss=loss, on_progress=seen.append)
    assert [p.fraction for p in seen] == pytest.approx([step / 12 for step in range(1, 13)])
    assert [p.epoch for p in seen] == [1] * 4 + [2] * 4 + [3] * 4
    assert [p.best for p in seen] == [math.inf] * 2 + [5.0] * 2 + [4.0] * 4 + [1.0] * 4
    assert [p.seconds_left for p in seen] == pytest.approx([24 - 2 * step for step in range(1, 13)])
    read = [50 * (step // 4) + 16 * (step % 4) for step in range(1, 13)]  # 50 examples, 16 a step
    assert [p.examples_per_second for p in seen] == pytest.approx([n / (2 * k) for k, n in enumerate(read, 1)])
    assert all(math.isfinite(p.loss) and p.loss > 0 for p in seen)


def test_metrics_are_written_round_by_round(tmp_path):
    problem, path = Problem(), tmp_path / "metrics.jsonl"
    lines: list[int] = []
    state = problem.train(
        problem.score,
        files={"metrics": path},
        on_progress=lambda _: lines.append(len(path.read_text().splitlines())),
    )
    assert lines == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert read_lines(path) == state.records
    assert list(state.records[0]) == ["step", "epoch", "learning_rate", "loss", "validation", "clipped", "seconds"]


# ---- settings and devices


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epochs": 1, "minutes": 2.0}, "got both epochs and minutes, and each ends the training; give one of them"),
        ({"epochs": 0}, "epochs has to be above 0, got 0"),
        ({"epochs": 2.5}, "epochs has to be a whole number, got 2.5"),
        ({"minutes": -1}, "minutes has to be above 0, got -1"),
        ({"minutes": math.inf}, "minutes has to be above 0 and finite, got inf"),
        ({"batch_size": 0}, "batch_size has to be above 0, got 0"),
        ({"batch_size": 2.5}, "batch_size has to be a whole number, got 2.5"),
        ({"learning_rate": math.nan}, "learning_rate has to be above 0 and finite, got nan"),
        ({"weight_decay": -0.1}, "weight_decay has to be at least 0, got -0.1"),
        ({"clip": 0.0}, "clip has to be above 0, got 0.0"),
        ({"patience": 0}, "patience has to be above 0, got 0"),
        ({"threads": 0}, "threads has to be above 0, got 0"),
        ({"threads": 100_000}, "threads has to be at most 1024, got 100000"),
        ({"seed": -1}, "seed has to be at least 0 and below 2**32, got -1"),
        ({"seed": 2**32}, "seed has to be at least 0 and below 2**32, got 4294967296"),
    ],
)
def test_settings_that_can_not_be(settings, message):
    with pytest.raises(SettingsError, match=f"^{re.escape(message)}$"):
        TrainingSettings(**settings)


def test_the_largest_seed_works():
    problem = Problem()
    assert problem.train(seed=2**32 - 1).ended == "budget"


def test_eight_epochs_when_nothing_is_said():
    assert TrainingSettings().longest == 8
    assert TrainingSettings(epochs=3).longest == 3
    assert TrainingSettings(minutes=1).longest is None


def test_devices(monkeypatch):
    assert device_named("cpu") == torch.device("cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert device_named("auto") == torch.device("cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert device_named("auto") == torch.device("cuda")


@pytest.mark.parametrize("name", ["gpu", "", "cpu:-1", "cuda:99", "meta", "hpu", "vulkan"])
def test_a_device_that_is_not_here(name):
    text = rf"^device '{name}' can't be used here: .{{1,200}}; try auto, cpu or cuda$"
    with pytest.raises(SettingsError, match=text):  # a dot matches no line break: it is one line
        device_named(name)


# ---- batches of one's own


class Pairs:
    """Five examples, in batches that the epoch's number and the seed alone decide."""

    def __init__(self):
        self.asked = []

    def __len__(self):
        return 2

    def epoch(self, number, seed):
        self.asked.append((number, seed))
        return [torch.tensor([0, 1, 2]), torch.tensor([3, 4])][:: 1 if number % 2 else -1]


def test_examples_may_say_themselves_how_they_are_batched():
    model, batches, read = nn.Linear(1, 1), Pairs(), []

    def loss(index):
        read.append(index.tolist())
        return model(index[:, None].float()).square().mean()

    state = train(model, loss, batches, None, TrainingSettings(epochs=3, seed=7, threads=1))
    assert state.step == 6
    assert read == [[3, 4], [0, 1, 2], [0, 1, 2], [3, 4], [3, 4], [0, 1, 2]]
    assert set(batches.asked) == {(0, 7), (1, 7), (2, 7)}


def test_what_validation_says_beside_the_score_stands_in_the_record():
    model = nn.Linear(1, 1)
    state = train(
        model,
        lambda index: model(index[:, None].float()).square().mean(),
        4,
        lambda: (1.0, {"bleu": 12.5}),
        TrainingSettings(epochs=1, threads=1),
    )
    assert [record["bleu"] for record in state.records] == [12.5]
    assert state.best == 1.0
