"""The command line, in this process and in one of its own, and a small table to try it on."""

import io
import json
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import pytest

from unrolled.cli import main

ROWS = 200
SHORT = ("--horizon", "4", "--lookback", "12", "--epochs", "1")  # a fraction of a second
# The first argument is Python to run before the command.
PROCESS = [sys.executable, "-c", "import sys; exec(sys.argv.pop(1)); from unrolled.cli import main; main()"]


class Ran(NamedTuple):
    """What a command left behind in the terminal."""

    code: int
    out: str
    err: str


def _table() -> pl.DataFrame:
    hours, random = np.arange(ROWS), np.random.default_rng(0)
    values = 10 + 3 * np.sin(2 * np.pi * hours / 24) + random.normal(0, 0.3, ROWS)
    stamps = [datetime(2024, 1, 1) + timedelta(hours=int(hour)) for hour in hours]
    return pl.DataFrame({"time": stamps, "y": values.round(3), "x": random.normal(size=ROWS).round(3)})


@pytest.fixture(scope="session")
def hourly() -> pl.DataFrame:
    """200 hours from 1 January 2024: a noisy sine y and a covariate x."""
    return _table()


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """An empty folder, which is the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def table(folder, hourly) -> str:
    """`hourly` as a CSV file in the current folder."""
    hourly.write_csv("table.csv")
    return "table.csv"


@pytest.fixture
def fresh_logging() -> Iterator[None]:
    """Logging as the command finds it: pytest's handlers would take what belongs on stderr."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers.clear()
    root.setLevel(logging.WARNING)
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def command(capsys, fresh_logging, folder) -> Callable[..., Ran]:
    """``command("forecast", "table.csv", …)`` in this process, in a folder of its own."""

    def run(*arguments: object) -> Ran:
        logging.getLogger().handlers.clear()  # the one of the command before writes to what stderr was then
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        assert isinstance(ended.value.code, int)
        return Ran(ended.value.code, *capsys.readouterr())

    return run


@pytest.fixture
def forecast(command):
    """``forecast("table.csv", "--cell", "gru", …)`` of y into the folder ``out``; returns its run.json."""

    def run(*words: object, target: str = "y", out: str = "out") -> dict[str, Any]:
        code, _, err = command("forecast", *words, "--target", target, *SHORT, "--out", out)
        assert code == 0, err
        return json.loads(Path(out, "run.json").read_text(encoding="utf-8"))

    return run


@pytest.fixture(scope="session")
def process() -> Callable[..., Ran]:
    """The same in a process of its own; ``stage`` is Python to run there first, the rest goes to subprocess.run."""

    def run(*arguments: object, stage: str = "", env: dict[str, str] | None = None, **about) -> Ran:
        words = [*PROCESS, stage, *(str(argument) for argument in arguments)]
        done = subprocess.run(
            words, capture_output=True, text=True, encoding="utf-8", env=os.environ | (env or {}), check=False, **about
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture(scope="session")
def _trained(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        _table().write_csv("table.csv")
        with redirect_stdout(io.StringIO()), pytest.raises(SystemExit) as ended:
            main(["forecast", "table.csv", "--target", "y", *SHORT])
    assert ended.value.code == 0
    return place


@pytest.fixture
def trained(_trained, folder) -> str:
    """`table.csv` and `runs/table-1`, which `unrolled forecast table.csv --target y` made of it, in the current folder;
    a copy of one's own."""
    shutil.copytree(_trained, folder, dirs_exist_ok=True)
    return "runs/table-1"


def everything(folder: Path) -> dict[str, bytes]:
    """Every file and folder below ``folder``, with what is in it."""
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else b"" for p in sorted(folder.rglob("*"))}


@pytest.fixture
def refused(command, folder) -> Callable[..., str]:
    """Runs a command that has to end in one line, and touch nothing; returns the line without its beginning.

    ``after`` is how many lines may come before it, of what was found in the table.
    """

    def run(*arguments: object, after: int = 0) -> str:
        before = everything(folder)
        code, out, err = command(*arguments)
        assert (code, out) == (1, ""), err
        assert err.endswith("\n")
        *found, line = err.splitlines()
        assert len(found) == after, err
        assert line.startswith("unrolled: error: ")
        assert everything(folder) == before
        return line.removeprefix("unrolled: error: ")

    return run
