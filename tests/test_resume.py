"""`unrolled forecast`, killed or interrupted at any moment: `--resume` brings it to the same bytes as one that was not.

What gets a signal is a process of its own, and the signal a real one.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

import unrolled
from unrolled.cli import main
from unrolled.formats import read_lines
from unrolled.store import read_run
from unrolled.training import TrainingSettings

EPOCHS, ROUNDS = 6, 12
OPTIONS = ["--target", "y", "--horizon", "6", "--lookback", "24", "--epochs", str(EPOCHS)]
# The first argument is Python to run before the command: it sets the stage for the kill.
COMMAND = [sys.executable, "-c", "import sys; exec(sys.argv.pop(1)); from unrolled.cli import main; main()"]
EVERY_STEP = "from unrolled import training; training.CHECKPOINT_SECONDS = -1"
# Send oneself a signal in the n-th call of a function, before it does its work.
SIGNAL = """
import signal, {module}
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever starts tests in the background has it ignored
calls, usual = 0, {module}.{name}
def counted(*arguments, **keywords):
    global calls
    calls += 1
    if calls == {call}:
        signal.raise_signal({number})  # to this very thread: two in a row are two
    return usual(*arguments, **keywords)
{module}.{name} = counted
"""


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("table") / "sine.csv"
    hours, generator = np.arange(400), np.random.default_rng(0)
    values = 10 + 3 * np.sin(2 * np.pi * hours / 24) + generator.normal(0, 0.3, 400)
    stamps = [datetime(2024, 1, 1) + timedelta(hours=int(hour)) for hour in hours]
    pl.DataFrame({"time": stamps, "y": values.round(3)}).write_csv(path)
    return path


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """As in the processes: another number of threads is another order of sums."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def start(arguments: list[str], stage: str = "") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, stage, "forecast", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def run(arguments: list[str], stage: str = "") -> tuple[int, str]:
    """The exit code and what came on stderr."""
    process = start(arguments, stage)
    _, errors = process.communicate()
    return process.returncode, errors


def resume(folder: Path) -> None:
    """`unrolled forecast --resume` to the end, in this process, which has imported everything already."""
    with pytest.raises(SystemExit) as ended:
        main(["forecast", "--resume", str(folder)])
    assert ended.value.code == 0


def outcome(folder: Path) -> dict[str, Any]:
    """What has to be the same; of run.json all but the table's place and the times."""
    manifest = read_run(folder)
    parts = ("status", "architecture", "columns", "training", "refit", "fitted", "evaluations")
    names = ("model.safetensors", "forecast.csv", "context.parquet")
    assert not list(folder.rglob("*.tmp"))
    return {
        **{name: (folder / name).read_bytes() for name in names},
        "metrics": [record | {"seconds": 0} for record in read_lines(folder / "metrics.jsonl")],
        **{part: json.dumps(manifest[part]) for part in parts},
    }


def forecaster() -> unrolled.Forecaster:
    return unrolled.Forecaster(horizon=6, lookback=24, training=TrainingSettings(epochs=EPOCHS))


# ---- two kills for the fast suite


@pytest.mark.parametrize(
    ("stage", "lines", "leftovers"),
    [
        # After the fifth validation, before its line and its checkpoint.
        (SIGNAL.format(module="unrolled.training", name="append_line", call=5, number=int(signal.SIGKILL)), 4, 0),
        # With the seventh checkpoint written beside the sixth, but not yet in its place: run.json and metrics.jsonl
        # are the first two files.
        (SIGNAL.format(module="os", name="replace", call=2 + 7, number=int(signal.SIGKILL)), 7, 1),
    ],
    ids=["between validation and checkpoint", "while saving"],
)
def test_killed_once(table, tmp_path, stage, lines, leftovers):
    forecaster().fit(table, target="y", run=tmp_path / "whole")
    folder = tmp_path / "killed"
    assert run([str(table), *OPTIONS, "--out", str(folder)], stage)[0] == -signal.SIGKILL
    assert len(read_lines(folder / "metrics.jsonl")) == lines
    assert len(list(folder.rglob("*.tmp"))) == leftovers
    assert not (folder / "model.safetensors").exists()
    resume(folder)
    assert outcome(folder) == outcome(tmp_path / "whole")
    assert len(read_lines(folder / "metrics.jsonl")) == ROUNDS


# ---- twenty random moments


@dataclass(frozen=True)
class Moment:
    """When to kill: so many seconds after something can be seen in the run's folder."""

    what: str
    seen: Callable[[Path], object]
    seconds: float

    def await_(self, folder: Path, process: subprocess.Popen[str]) -> None:
        while process.poll() is None and not self.seen(folder):
            time.sleep(0.0005)
        time.sleep(self.seconds)


def exists(name: str) -> Callable[[Path], bool]:
    return lambda folder: (folder / name).exists()


def lines(count: int) -> Callable[[Path], bool]:
    def seen(folder: Path) -> bool:
        path = folder / "metrics.jsonl"
        return path.exists() and path.read_bytes().count(b"\n") >= count

    return seen


def moments() -> list[Moment]:
    """Spread over everything that a run does; which moments exactly is drawn from a fixed seed."""
    rng = random.Random(2)
    found = [Moment("start", lambda _: True, rng.uniform(0.0, 4.0)) for _ in range(3)]
    found += [Moment("run.json", exists("run.json"), rng.uniform(0.0, 0.1)) for _ in range(2)]
    found += [Moment(f"{n} rounds", lines(n), rng.uniform(0.0, 0.06)) for n in rng.sample(range(1, ROUNDS + 1), 9)]
    found += [Moment("saving", lambda folder: list((folder / "checkpoints").glob(".*.tmp")), 0.0) for _ in range(2)]
    found += [Moment("refit", exists("checkpoints/refit.safetensors"), rng.uniform(0.0, 0.2)) for _ in range(2)]
    return found + [Moment(n, exists(n), rng.uniform(0.0, 0.01)) for n in ("model.safetensors", "report.html")]


@pytest.fixture(scope="module")
def whole(table, tmp_path_factory) -> Callable[[bool], dict[str, Any]]:
    """The outcome of a run that nobody cuts off, with and without --refit."""
    known: dict[bool, dict[str, Any]] = {}

    def made(refit: bool) -> dict[str, Any]:
        if refit not in known:
            folder = tmp_path_factory.mktemp("whole") / "run"
            code, errors = run([str(table), *OPTIONS, "--out", str(folder), *["--refit"] * refit])
            assert code == 0, errors
            known[refit] = outcome(folder)
        return known[refit]

    return made


@pytest.mark.slow
@pytest.mark.parametrize("number", range(20))
def test_killed_at_a_random_moment(table, tmp_path, whole, number):
    moment, rng = moments()[number], random.Random(number)
    refit = moment.what == "refit" or rng.random() < 0.3
    folder = tmp_path / "run"
    fresh = [str(table), *OPTIONS, "--out", str(folder), *["--refit"] * refit]
    process = start(fresh, EVERY_STEP if number % 2 else "")
    moment.await_(folder, process)
    process.kill()
    process.communicate()
    if moment.what not in ("start", "report.html"):
        assert process.returncode == -signal.SIGKILL, moment.what
    if number % 5 == 0 and (folder / "run.json").exists():  # and once more, while it catches up
        again = start(["--resume", str(folder)])
        time.sleep(rng.uniform(1.0, 4.0))
        again.kill()
        again.communicate()
    if (folder / "run.json").exists():
        resume(folder)
    else:
        shutil.rmtree(folder, ignore_errors=True)
        code, errors = run(fresh)
        assert code == 0, errors
    assert outcome(folder) == whole(refit), moment.what


# ---- Ctrl-C


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stage", "rounds"),
    [
        (SIGNAL.format(module="unrolled.training", name="clip_gradients", call=1, number=int(signal.SIGINT)), 1),
        (SIGNAL.format(module="unrolled.training", name="clip_gradients", call=11, number=int(signal.SIGINT)), 5),
        (SIGNAL.format(module="unrolled.training", name="append_line", call=ROUNDS, number=int(signal.SIGINT)), ROUNDS),
    ],
    ids=["first step", "between two validations", "last validation"],
)
def test_ctrl_c_keeps_the_best_weights_says_where_and_goes_on(table, tmp_path, whole, stage, rounds):
    folder = tmp_path / "run"
    code, errors = run([str(table), *OPTIONS, "--out", str(folder)], stage)
    assert code == 130
    text = f"Interrupted: {folder} has the best weights so far. Go on with: unrolled forecast --resume {folder}"
    assert text in errors.splitlines()
    assert "Traceback" not in errors
    assert read_run(folder)["status"] == "interrupted"
    assert len(read_lines(folder / "metrics.jsonl")) == rounds
    assert unrolled.load(folder).predict()["y"].to_list() == pl.read_csv(folder / "forecast.csv")["y"].to_list()
    resume(folder)
    assert outcome(folder) == whole(False)


@pytest.mark.slow
def test_ctrl_c_twice_ends_at_once_and_what_was_saved_goes_on(table, tmp_path, whole):
    folder = tmp_path / "run"
    twice = SIGNAL.format(module="unrolled.training", name="append_line", call=5, number=int(signal.SIGINT))
    twice = twice.replace("    return", "    if calls == 5: signal.raise_signal(2)\n    return")
    code, errors = run([str(table), *OPTIONS, "--out", str(folder)], twice)
    assert (code, errors.splitlines()[-1]) == (130, "unrolled: interrupted")
    assert "Traceback" not in errors
    assert len(read_lines(folder / "metrics.jsonl")) == 4
    resume(folder)
    assert outcome(folder) == whole(False)
