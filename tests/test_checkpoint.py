"""Training that is cut off and goes on: to the same bits as if nothing had been, or with an error of one line."""

import errno
import functools
import os
import signal
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from unrolled import checkpoint as checkpoints
from unrolled import training
from unrolled.checkpoint import TrainingState
from unrolled.errors import RunError
from unrolled.formats import append_line, load_tensors, read_lines, save_tensors
from unrolled.nn.names import CELLS
from unrolled.series.models import Sizes, StepForecaster, forecast
from unrolled.series.windows.batch import Batch
from unrolled.training import TrainingSettings, schedule, train

GENERATOR = torch.Generator().manual_seed(3)
PAST = torch.randn(36, 6, 1, generator=GENERATOR).cumsum(dim=1)
FUTURE = PAST[:, -2:, 0] + torch.randn(36, 2, generator=GENERATOR)
NOTHING, ONE = torch.zeros(36, 2, 0), torch.ones(36, 1)
WINDOWS = Batch(PAST, NOTHING, NOTHING[:, 0], FUTURE[..., None], ONE, ONE)
STEPS = 15  # of 3 epochs of 5 batches, validated after steps 3, 6, 9, 12 and 15


class Killed(BaseException):
    """What takes the place of `kill -9` inside the process: no handler of the package may hold it up."""


def network(cell: str = "lstm", hidden: int = 4) -> StepForecaster:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return StepForecaster(CELLS[cell], Sizes(horizon=2), hidden, layers=2, dropout=0.4)


def fit(folder: Path, cell: str = "lstm", event: Callable[[str], None] = lambda _: None, **options: Any):
    """Train a fresh network with the checkpoint in ``folder``; ``event`` is told of everything that happens."""
    model = network(cell)

    def loss(index: Tensor) -> Tensor:
        event("loss")
        return (model(PAST[index])[..., 0, 0] - FUTURE[index]).abs().mean()

    def validate() -> float:
        event("validate")
        score = float((forecast(model, [WINDOWS])[..., 0, 0] - FUTURE).abs().mean())
        event("validated")
        return score

    state = train(
        model,
        loss,
        len(PAST),
        validate,
        TrainingSettings(**{"epochs": 3, "batch_size": 8, "threads": 1, "learning_rate": 0.02} | options),
        checkpoint=folder / "checkpoints" / "fit.safetensors",
        metrics=folder / "metrics.jsonl",
        on_progress=lambda _: event("progress"),
    )
    return model, state


def outcome(folder: Path, model: nn.Module, state: TrainingState) -> dict[str, Any]:
    """Everything that has to come out the same, exactly; times are the one thing that may differ."""

    def timeless(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{key: value for key, value in record.items() if key != "seconds"} for record in records]

    assert read_lines(folder / "metrics.jsonl") == state.records
    return {
        "weights": {name: value.tolist() for name, value in model.state_dict().items()},
        "records": timeless(state.records),
        "end": (state.step, state.best, state.best_step, state.rounds_since_best, state.ended, state.threads),
    }


@functools.cache
def uninterrupted(cell: str = "lstm") -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        return outcome(Path(folder), *fit(Path(folder), cell))


class Killer:
    """Kills at an event of a given number; writing a checkpoint is an event before it and one after."""

    def __init__(self, at: int):
        self.left = at
        self.log: list[str] = []

    def __call__(self, what: str) -> None:
        self.log.append(what)
        self.left -= 1
        if self.left < 0:
            raise Killed

    def save(self, *arguments) -> None:
        self("save")
        save_tensors(*arguments)
        self("saved")


@settings(max_examples=15, deadline=None)
@given(
    cell=st.sampled_from(sorted(CELLS)),
    kills=st.lists(st.integers(0, 70), min_size=1, max_size=3),
    every_step=st.booleans(),
)
@example(cell="gru", kills=[3], every_step=True)  # before the first checkpoint is there
@example(cell="lstm", kills=[10, 7, 30], every_step=True)
@example(cell="rnn", kills=[7], every_step=False)  # after the first round's line, before its checkpoint
def test_killed_at_any_moment_it_goes_on_to_the_same_bits(cell, kills, every_step):
    with tempfile.TemporaryDirectory() as temporary, pytest.MonkeyPatch.context() as patch:
        folder = Path(temporary)
        patch.setattr(training, "CHECKPOINT_SECONDS", -1 if every_step else 1000)
        for at in kills:
            killer = Killer(at)
            patch.setattr(checkpoints, "save_tensors", killer.save)
            try:
                fit(folder, cell, killer)
            except Killed:
                continue
            break
        patch.setattr(checkpoints, "save_tensors", save_tensors)
        assert outcome(folder, *fit(folder, cell)) == uninterrupted(cell)


def test_the_uninterrupted_run_is_a_real_one(tmp_path):
    """Killing and resuming proves little on a training where nothing moves, or where nothing is random."""
    model, state = fit(tmp_path)
    assert state.step == STEPS
    assert [r["step"] for r in state.records] == [3, 6, 9, 12, 15]
    assert len({r["loss"] for r in state.records}) == 5
    fresh = dict(network().named_parameters())
    assert all(not torch.equal(value, fresh[name]) for name, value in model.named_parameters())
    seeded = fit(tmp_path / "another", seed=1)[1]
    assert [r["loss"] for r in seeded.records] != [r["loss"] for r in state.records]


@pytest.mark.parametrize("step", [1, 2, 3, 4, 8, 14, 15])
def test_ctrl_c_then_going_on_gives_the_same_bits(tmp_path, step):
    killer = Killer(1000)

    def event(what: str) -> None:
        killer(what)
        if what == "loss" and killer.log.count("loss") == step:
            signal.raise_signal(signal.SIGINT)

    _, state = fit(tmp_path, event=event)
    assert (state.ended, state.step) == ("interrupted", step)
    assert outcome(tmp_path, *fit(tmp_path)) == uninterrupted()


def test_ctrl_c_in_the_step_that_ends_by_patience_trains_no_longer(tmp_path):
    def worse(step: int | None) -> dict[str, Any]:
        """Weights and scores of a training that never gets better after its first round."""
        folder, scores = tmp_path / str(step), iter([1.0, 2.0, 3.0])
        for interrupt in (step, None):
            model, seen = network(), []

            def loss(index: Tensor, model=model, seen=seen, interrupt=interrupt) -> Tensor:
                seen.append(index)
                if len(seen) == interrupt:
                    signal.raise_signal(signal.SIGINT)
                return (model(PAST[index])[..., 0, 0] - FUTURE[index]).abs().mean()

            state = train(
                model,
                loss,
                len(PAST),
                lambda: next(scores),
                TrainingSettings(epochs=3, batch_size=8, threads=1, patience=2),
                checkpoint=folder / "c.safetensors",
                metrics=folder / "metrics.jsonl",
            )
        return outcome(folder, model, state)

    assert worse(9) == worse(None)
    assert worse(None)["end"][0] == 9


def test_a_disk_that_is_full_leaves_the_last_checkpoint_whole(tmp_path, monkeypatch):
    killer = Killer(1000)

    def full(*arguments) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def event(what: str) -> None:
        killer(what)
        if killer.log.count("validate") == 3:
            patch.setattr(os, "fsync", full)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(RunError, match="no space left on device; free some"):
        fit(tmp_path, event=event)
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["fit.safetensors"]
    assert load_tensors(tmp_path / "checkpoints" / "fit.safetensors")[1]["step"] == 6
    assert outcome(tmp_path, *fit(tmp_path)) == uninterrupted()


# ---- when, and for how long


@pytest.mark.parametrize(
    ("seconds", "steps"), [(4, [4, 8, 12, 16, 18, 22, 26, 30, 34, 36]), (16, list(range(1, 37))), (0.1, [18, 36])]
)
def test_checkpoints_inside_a_long_round(tmp_path, monkeypatch, seconds, steps):
    clock, saved = SimpleNamespace(now=0.0), []

    def event(what: str) -> None:
        clock.now += seconds * (what == "loss")

    def save(path, tensors, numbers) -> None:
        saved.append(numbers["step"])
        save_tensors(path, tensors, numbers)

    monkeypatch.setattr(training, "time", SimpleNamespace(monotonic=lambda: clock.now))
    monkeypatch.setattr(checkpoints, "save_tensors", save)
    fit(tmp_path, event=event, epochs=1, batch_size=1)  # validated after steps 18 and 36
    assert saved == steps


def test_a_finished_training_takes_no_step(tmp_path):
    finished = outcome(tmp_path, *fit(tmp_path))
    killer = Killer(0)
    assert outcome(tmp_path, *fit(tmp_path, event=killer)) == finished
    assert killer.log == []
    shorter = outcome(tmp_path, *fit(tmp_path, event=killer, epochs=1))
    assert (shorter, killer.log) == (finished, [])


def test_more_epochs_go_on_from_where_it_ended(tmp_path):
    first = outcome(tmp_path, *fit(tmp_path))
    killer = Killer(1000)
    model, state = fit(tmp_path, event=killer, epochs=5)
    longer = outcome(tmp_path, model, state)
    assert killer.log.count("loss") == 10
    assert longer["records"][:5] == first["records"]
    assert [r["step"] for r in longer["records"][5:]] == [18, 21, 24, 25]
    assert [r["learning_rate"] for r in longer["records"][5:]] == [
        0.02 * schedule((step - 1) / 25) for step in (18, 21, 24, 25)
    ]
    assert state.ended == "budget"
    assert state.best == min(r["validation"] for r in state.records)


def test_patience_that_is_used_up_stays_so_unless_there_is_more_of_it(tmp_path):
    scores = iter([1.0, 2.0, 3.0, 4.0, 0.5])

    def go(**options: Any) -> TrainingState:
        model = network()
        return train(
            model,
            lambda index: (model(PAST[index])[..., 0, 0] - FUTURE[index]).abs().mean(),
            len(PAST),
            lambda: next(scores),
            TrainingSettings(batch_size=8, threads=1, **options),
            checkpoint=tmp_path / "c.safetensors",
        )

    def summary(state: TrainingState) -> tuple[str, int]:
        return state.ended, state.step

    assert summary(go(epochs=3, patience=2)) == ("patience", 9)
    assert summary(go(epochs=9, patience=2)) == ("patience", 9)
    assert summary(go(epochs=3, patience=5)) == ("budget", 15)


def test_minutes_go_on_counting(tmp_path, monkeypatch):
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(training, "time", SimpleNamespace(monotonic=lambda: clock.now))
    killer = Killer(1000)

    def event(what: str) -> None:
        clock.now += 4 * (what == "loss")
        killer(what)
        if what == "loss" and killer.log.count("loss") == 7:
            raise Killed

    with pytest.raises(Killed):
        fit(tmp_path, event=event, epochs=None, minutes=1)
    clock.now += 10_000  # between the two processes
    _, state = fit(tmp_path, event=event, epochs=None, minutes=1)
    assert (state.step, state.seconds, state.ended) == (15, 60, "budget")
    assert killer.log.count("loss") == 7 + 15 - 6  # the last checkpoint was after step 6


def test_it_goes_on_with_as_many_threads_as_it_began_with(tmp_path):
    with pytest.raises(Killed):
        fit(tmp_path, event=Killer(20))
    before = torch.get_num_threads()
    _, state = fit(tmp_path, threads=2)
    assert state.threads == 1
    assert torch.get_num_threads() == before


# ---- metrics


def test_lines_that_no_checkpoint_knows_are_written_once(tmp_path):
    fit(tmp_path, epochs=2)
    path = tmp_path / "metrics.jsonl"
    whole = path.read_bytes()
    append_line(path, {"step": 999})
    path.write_bytes(path.read_bytes() + b'{"step": 1000, "lo')
    fit(tmp_path, epochs=2)
    assert path.read_bytes() == whole


# ---- checkpoints that are none


def tampered(path: Path, change: Callable[[dict[str, Tensor], dict[str, Any]], object]) -> None:
    tensors, numbers = load_tensors(path)
    change(tensors, numbers)
    save_tensors(path, tensors, numbers)


FOREIGN: dict[str, tuple[Callable[[Path], object], str]] = {
    "empty": (lambda path: path.write_bytes(b""), "is damaged: its header should have"),
    "truncated": (lambda path: path.write_bytes(path.read_bytes()[:-9]), "is damaged: it is not safetensors"),
    "text": (lambda path: path.write_text("weights" * 99), "is damaged: its header should have"),
    "no checkpoint": (lambda path: save_tensors(path, {"a": torch.zeros(2)}, {}), "of this model ('a'); delete it"),
    "no tensors": (lambda path: save_tensors(path, {}, {}), "Missing key(s) in state_dict"),
    "no best": (
        lambda path: tampered(path, lambda t, n: [t.pop(k) for k in list(t) if k.startswith("best.")]),
        "Missing key(s) in state_dict",
    ),
    "other best": (
        lambda path: tampered(path, lambda t, n: t.update({"best.head.weight": torch.zeros(2, 9)})),
        "size mismatch for head.weight",
    ),
    "other optimizer": (
        lambda path: tampered(path, lambda t, n: t.update({"optimizer.head.bias.exp_avg": torch.zeros(7)})),
        "the optimizer's state of head.bias has other shapes",
    ),
    "half an optimizer": (
        lambda path: tampered(path, lambda t, n: t.pop("optimizer.head.bias.step")),
        "the optimizer's state of head.bias has other shapes",
    ),
    "no randomness": (lambda path: tampered(path, lambda t, n: t.pop("random.cpu")), "('cpu')"),
    "other randomness": (
        lambda path: tampered(path, lambda t, n: t.update({"random.cpu": torch.zeros(3, dtype=torch.uint8)})),
        "RNG state",
    ),
    "no step": (lambda path: tampered(path, lambda t, n: n.pop("step")), "('step'); delete it"),
    "step of words": (lambda path: tampered(path, lambda t, n: n.update(step="three")), "(step is 'three'); delete it"),
    "step below 0": (lambda path: tampered(path, lambda t, n: n.update(step=-1)), "(step -1 with 1 threads can't be)"),
    "threads": (lambda path: tampered(path, lambda t, n: n.update(threads=10**9)), "with 1000000000 threads can't be)"),
    "no thread": (lambda path: tampered(path, lambda t, n: n.update(threads=0)), "with 0 threads can't be)"),
    "records": (lambda path: tampered(path, lambda t, n: n.update(records={})), "(records is '{}'); delete it"),
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> bytes:
    folder = tmp_path_factory.mktemp("whole")
    fit(folder, epochs=1)
    return (folder / "checkpoints" / "fit.safetensors").read_bytes()


@pytest.mark.parametrize("name", FOREIGN)
def test_what_is_no_checkpoint_is_an_error_of_one_line(tmp_path, whole, name):
    path = tmp_path / "checkpoints" / "fit.safetensors"
    path.parent.mkdir()
    path.write_bytes(whole)
    damage, text = FOREIGN[name]
    damage(path)
    before = path.read_bytes()
    with pytest.raises(RunError) as caught:
        fit(tmp_path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert text in message
    assert "\n" not in message
    assert message.endswith(("delete it to train from the start", "restore it from a copy, or train again"))
    assert path.read_bytes() == before


@pytest.mark.parametrize(("cell", "hidden"), [("gru", 4), ("lstm", 5)])
def test_a_checkpoint_of_another_network(tmp_path, whole, cell, hidden):
    path = tmp_path / "fit.safetensors"
    path.write_bytes(whole)
    model = network(cell, hidden)
    with pytest.raises(RunError, match=r"is not a checkpoint of this model \(.*size mismatch.*\); delete it"):
        TrainingState.start(model).load(path, model, torch.optim.AdamW(model.parameters()))
