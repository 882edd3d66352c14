"""`unrolled compare`: on a task and on a table, what it prints and writes, and wrong usage."""

import json
from pathlib import Path

import pytest

from unrolled.files import read_file

TASK = (
    "compare",
    "parity",
    "--length",
    "4",
    "--steps",
    "100",
    "--hidden",
    "4",
    "--seeds",
    "2",
    "--cells",
    "rnn,mingru",
)


def test_a_task(command):
    code, out, err = command(*TASK)
    assert (code, err) == (0, "")
    assert "parity, 4 steps: cross entropy over\n100 steps of 64 sequences, 4 units, 2 seeds" in out
    for word in ("score", "right", "weights", "flops", "ms", "MB", "half-life", "rnn", "mingru", "chance 0.5199"):
        assert word in out
    assert max(len(line) for line in out.partition("Beside")[0].splitlines()[3:]) <= 80
    saved = json.loads(Path("compare.json").read_text(encoding="utf-8"))
    assert saved["verdict"] in out
    assert saved["reference"]["name"] == "chance"
    assert [(trial["cell"], trial["seed"]) for trial in saved["trials"]] == [
        ("rnn", 0), ("mingru", 0), ("rnn", 1), ("mingru", 1),
    ]  # fmt: skip
    assert b"Which cell? parity, 4 steps" in read_file(Path("compare.html"), 1 << 24)
    assert command(*TASK, "--out", "sub/again.html").code == 0
    again = json.loads(Path("sub/again.json").read_text(encoding="utf-8"))
    assert [t["score"] for t in again["trials"]] == [t["score"] for t in saved["trials"]]


def test_a_table(command, table):
    code, out, _ = command(
        "compare", table, "--target", "y", "--horizon", "4", "--lookback", "12", "--epochs", "1", "--seeds", "1",
        "--cells", "gru", "--hidden", "4", "--only-target",
    )  # fmt: skip
    assert code == 0
    assert "y of table.csv, 4 steps ahead: mean absolute error" in out
    for word in ("naive", "seasonal naive", "drift", "linear autoregression"):
        assert word in out.partition("Beside them: ")[2]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["adding", "--horizon", "4"], 2, "--horizon is for a table, which needs --target"),
        (["adding", "--epochs", "4"], 2, "--epochs is for a table, which needs --target"),
        (["weather", "--target", "temp", "--length", "4"], 2, "--length is for a task"),
        (["weather", "--target", "temp", "--init", "orthogonal"], 2, "--init is for a task"),
        (["adding", "--cells", "lstn"], 1, "unrolled: error: unknown cell 'lstn'; nearest: 'lstm'"),
        (["addign"], 1, "nearest: 'adding'"),
        (["adding", "--length", "1"], 1, "unrolled: error: "),
        (["absent.csv", "--target", "y"], 1, "absent.csv"),
        (["weather", "--target", "tmp"], 1, "nearest: 'temp'"),
        (["adding", "--steps", "5", "--minutes", "1"], 1, "got both steps and minutes"),
    ],
)
def test_wrong_usage_is_one_line(command, words, code, message):
    done = command("compare", *words)
    assert (done.code, done.out) == (code, "")
    assert message in done.err
    assert code == 2 or len(done.err.splitlines()) == 1
    assert not Path("compare.html").exists()
