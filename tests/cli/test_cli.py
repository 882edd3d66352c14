"""The command line itself: help, exit codes, errors that are ours, interrupted and cut-off output, completion."""

import io
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

import unrolled
from unrolled.cli import command as group
from unrolled.cli import main
from unrolled.errors import DataError, UnrolledError

COMMANDS = [
    ("forecast",),
    ("predict",),
    ("update",),
    ("translate",),
    ("translate", "train"),
    ("translate", "run"),
    ("translate", "score"),
    ("translate", "explain"),
    ("compare",),
    ("runs",),
    ("data",),
    ("data", "list"),
    ("data", "export"),
    ("data", "fetch"),
    ("demo",),
]
HEAVY = ("torch", "polars", "numpy")
# The command runs to its exit; then the process says which of the heavy modules it has.
WATCH = (
    "import atexit, sys; "
    f"atexit.register(lambda: print('LOADED', [name for name in {HEAVY} if name in sys.modules], file=sys.stderr))"
)
INTERRUPT = (  # the signal comes ignored where the tests run in the background
    "import signal; from unrolled import forecast; signal.signal(signal.SIGINT, signal.default_int_handler);"
    "forecast.prepared = lambda *_: signal.raise_signal(signal.SIGINT)"
)


def test_commands_are_all_here():
    found = []
    for name, one in group.commands.items():
        found += [(name,), *((name, sub) for sub in one.commands)] if isinstance(one, click.Group) else [(name,)]
    assert sorted(found) == sorted(COMMANDS)


def test_help_names_the_commands_each_in_a_whole_sentence(command):
    code, out, err = command("--help")
    assert (code, err) == (0, "")
    listed = dict(re.findall(r"^  (\w+)  +(\S.*)$", out.partition("Commands:")[2], re.MULTILINE))
    assert sorted(listed) == sorted(group.commands)
    assert all(text.endswith(".") and not text.endswith("...") for text in listed.values()), listed


@pytest.mark.parametrize("name", COMMANDS, ids=" ".join)
def test_every_command_has_help_with_all_its_options(name, command):
    code, out, err = command(*name, "--help")
    assert (code, err) == (0, "")
    assert out.startswith(f"Usage: unrolled {' '.join(name)} ")
    assert command(*name, "-h").out == out
    found = group.commands[name[0]]
    if len(name) > 1:
        assert isinstance(found, click.Group)
        found = found.commands[name[1]]
    for option in (p for p in found.params if isinstance(p, click.Option)):
        assert option.help
        assert option.help.split("  [")[0].endswith((".", "…"))
        assert re.search(rf"^  {option.opts[0]} ", out, re.MULTILINE)
        assert "".join(option.help.split()) in "".join(out.split()), "whole, though over several lines"


def test_forecast_has_every_option_that_was_promised(command):
    out = command("forecast", "--help").out
    promised = "target time series only horizon lookback cell epochs minutes seed device refit out resume only-target"
    promised += " wide past future static angle calendar model strategy attention teacher-forcing schedule loss scaling"
    promised += " ensemble level intervals folds refit-folds sliding stats"
    assert {f"--{name}" for name in promised.split()} <= set(re.findall(r"^  (--[\w-]+)", out, re.MULTILINE))
    assert "[rnn|lstm|gru|mingru]" in out
    assert "[forward|linear|mask|none]" in out


def test_version(command):
    assert command("--version") == (0, f"unrolled, version {unrolled.__version__}\n", "")


@pytest.mark.parametrize(
    "words",
    [
        "--help",
        "forecast --help",
        "predict --help",
        "translate train --help",
        "translate run --help",
        "data list",
        "runs",
        "--version",
    ],
)
def test_what_needs_no_table_loads_nothing_heavy(words, process, tmp_path):
    code, out, err = process(*words.split(), stage=WATCH, cwd=tmp_path)
    assert code == 0
    assert out
    assert err == "LOADED []\n"


def test_the_watch_sees_what_is_loaded(process, tmp_path):
    assert "'polars'" in process("data", "export", "weather", "w.csv", stage=WATCH, cwd=tmp_path).err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("nonsense", "No such command 'nonsense'"),
        ("forecst table.csv", "Did you mean 'forecast'?"),
        ("forecast table.csv --target y --horzon 4", "Did you mean '--horizon'?"),
        ("forecast", "give the FILE to forecast, or --resume RUN"),
        ("forecast table.csv", "give the column to forecast: --target COLUMN"),
        ("forecast table.csv other.csv --target y", "unexpected extra argument"),
        ("forecast table.csv --target y --horizon -4", "-4 is not in the range x>=1"),
        ("forecast table.csv --target y --horizon 0", "0 is not in the range x>=1"),
        ("forecast table.csv --target y --horizon 1.5", "'1.5' is not a valid integer"),
        ("forecast table.csv --target y --lookback 0", "0 is not in the range x>=1"),
        ("forecast table.csv --target y --epochs 0", "0 is not in the range x>=1"),
        ("forecast table.csv --target y --minutes 0", "0.0 is not in the range x>0"),
        ("forecast table.csv --target y --seed -1", "-1 is not in the range x>=0"),
        ("forecast table.csv --target y --cell lstn", "'lstn' is not one of 'rnn', 'lstm', 'gru'"),
        ("forecast table.csv --target y --fill back", "'back' is not one of 'forward', 'linear', 'mask', 'none'"),
        ("forecast table.csv --target", "'--target' requires an argument"),
        ("forecast --debug table.csv --target y", "No such option '--debug'"),
        ("predict", "Missing argument 'RUN'"),
        ("data export weather", "Missing argument 'FILE'"),
        ("", "Usage: unrolled [OPTIONS] COMMAND"),
    ],
)
def test_wrong_usage_is_2_and_says_what_is_right(words, says, command, table, folder):
    code, out, err = command(*words.split())
    assert (code, out) == (2, "")
    assert says in err
    assert "Usage: unrolled" in err or err == f"Error: Option {says}.\n"
    assert [p.name for p in folder.iterdir()] == [table]


def raises(monkeypatch, error: BaseException) -> None:
    def broken(*_: object) -> None:
        raise error

    monkeypatch.setattr("unrolled.store.list_runs", broken)


def test_an_error_of_ours_is_one_line(command, monkeypatch):
    raises(monkeypatch, UnrolledError("this is wrong\n  in two\tlines"))
    assert command("runs") == (1, "", "unrolled: error: this is wrong in two lines\n")


def test_an_internal_error_is_one_line_too(command, monkeypatch):
    raises(monkeypatch, KeyError("col\numn"))
    text = "internal error: KeyError: 'col\\numn'; please report it, with the output of unrolled --debug …"
    assert command("runs") == (1, "", f"unrolled: {text}\n")


def test_debug_shows_the_traceback_of_an_internal_error(command, monkeypatch):
    raises(monkeypatch, KeyError("column"))
    code, out, err = command("--debug", "runs")
    assert (code, out) == (1, "")
    assert err.startswith("Traceback (most recent call last):")
    assert ", in broken\n" in err
    assert err.splitlines()[-1].startswith("unrolled: internal error: KeyError: 'column'")


def test_debug_lets_an_error_of_ours_through(folder):
    with pytest.raises(DataError, match=r"there is no file 'nothing\.csv'"):
        main(["--debug", "forecast", "nothing.csv", "--target", "y"])


def test_a_bad_input_is_one_line_in_a_real_terminal_too(process, tmp_path):
    code, out, err = process("forecast", "nothing.csv", "--target", "y", cwd=tmp_path)
    assert (code, out) == (1, "")
    assert err == "unrolled: error: there is no file 'nothing.csv'\n"
    assert not list(tmp_path.iterdir())


def test_ctrl_c_before_training_is_130_and_leaves_nothing(process, table, folder):
    code, out, err = process("forecast", table, "--target", "y", stage=INTERRUPT)
    assert (code, out) == (130, "")
    assert err.strip() == "unrolled: interrupted"
    assert [p.name for p in folder.iterdir()] == [table]


@pytest.mark.parametrize(
    "name", ["unrolled.series.panels.source.Source.open", "unrolled.series.learning.trial.check_length"]
)
def test_ctrl_c_at_other_moments_before_training(name, command, monkeypatch, table, folder):
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(name, interrupted)
    code, out, err = command("forecast", table, "--target", "y")
    assert (code, out, err.strip()) == (130, "", "unrolled: interrupted")
    assert [p.name for p in folder.iterdir()] == [table]


@pytest.mark.parametrize("words", [["data", "list"], ["runs"], ["forecast", "--help"]], ids=" ".join)
def test_a_reader_that_has_gone_is_no_error(words, trained):
    program = [sys.executable, "-c", "from unrolled.cli import main; main()", *words]
    cut = subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert cut.stdout is not None
    cut.stdout.close()  # long before the first word: Python is still importing
    _, err = cut.communicate()
    assert err == ""
    assert cut.returncode in (0, 1)


def test_only_the_first_lines_are_wanted(trained):
    line = f"{sys.executable} -c 'from unrolled.cli import main; main()' predict {trained} | head -1"
    done = subprocess.run(line, shell=True, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("time,step,y,y_lower,y_upper\n", "")


@pytest.mark.parametrize(
    ("shell", "says"), [("bash", "complete -o nosort"), ("zsh", "#compdef unrolled"), ("fish", "complete --no-files")]
)
def test_completion_scripts(shell, says, process):
    code, out, err = process(env={"_UNROLLED_COMPLETE": f"{shell}_source"})
    assert (code, err) == (0, "")
    assert says in out
    assert "unrolled" in out


def test_completion_completes_commands_and_options(process):
    def completed(line: str) -> list[str]:
        words = line.split(" ")
        env = {"_UNROLLED_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
        return [one.partition(",")[2] for one in process(env=env).out.splitlines()]

    assert completed("unrolled fo") == ["forecast"]
    assert completed("unrolled forecast --look") == ["--lookback"]
    assert completed("unrolled forecast --cell ") == ["rnn", "lstm", "gru", "mingru"]


def test_text_that_the_terminal_can_not_show_is_no_error(command, monkeypatch, table, hourly):
    """A column's name in Greek, on a terminal that knows Latin-1 only; a forecast's CSV is UTF-8 all the same."""
    hourly.rename({"y": "θ"}).write_csv("greek.csv")

    def printed(*words: str) -> bytes:
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="latin-1"))
            code, _, err = command(*words)
            assert code == 0, err
            sys.stdout.flush()
            return sys.stdout.buffer.getvalue()  # pyright: ignore[reportAttributeAccessIssue]

    short = ("--horizon", "2", "--lookback", "3", "--epochs", "1", "--out", "greek/run")
    printed("forecast", "greek.csv", "--target", "θ", *short)
    assert b"\\u03b8" in printed("runs", "greek")
    assert printed("predict", "greek/run") == Path("greek/run/forecast.csv").read_bytes()
    assert b"\\u2026" in printed("forecast", "--help")
