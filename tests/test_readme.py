"""What README.md says is true: its commands run, its Python runs, its links lead somewhere, its figures were measured.

Training is for one epoch here, and not for the eight of the defaults. The fast tests read tables cut to the last 400
rows of each series; the slow ones the whole weather, each command in a shell.
"""

import json
import os
import re
import shlex
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import unrolled
from unrolled import data
from unrolled.cli import main
from unrolled.data import phrasebook
from unrolled.training import TrainingSettings

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
RESULTS = ROOT / "benchmarks" / "results"
ROWS = 400  # of each series, in the fast tests


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def spans(text: str) -> list[str]:
    """The inline code of a page."""
    return re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL))


def commands() -> list[str]:
    """Every command of README.md that begins with unrolled and names no placeholder, in an order in which each has what
    it needs: the data that the text exports come first. What downloads has tests with a server of their own.
    """
    inline = [code for code in spans(README) if re.match(r"unrolled (?!data fetch )", code)]
    lines = [line for block in blocks(README, "sh") for line in block.splitlines() if line.startswith("unrolled ")]
    return sorted(inline, key=lambda line: not line.startswith("unrolled data export")) + lines


def test_the_corpora_that_are_named_are_there():
    named = re.findall(r"unrolled data fetch (\S+?)`", README)
    assert named
    for name in named:
        assert data.corpora.describe(name).url.startswith("https://")


def words(line: str) -> list[str]:
    """The command's own words, and what makes it quick."""
    return shlex.split(line, comments=True)[1:] + quick(line)


def quick(line: str) -> list[str]:
    """What trains from new does so for one epoch; what compares does so with one small cell."""
    found = shlex.split(line, comments=True)[1:]
    if found[0] == "compare":
        small = ["--seeds", "1", "--hidden", "4", "--cells", "gru"]
        return small + (["--epochs", "1"] if "--target" in found else ["--steps", "50"])
    if found[:2] == ["translate", "train"]:
        return ["--epochs", "1", "--hidden", "8"]
    return ["--epochs", "1"] * (found[0] == "forecast" and "--target" in found)


@pytest.fixture
def short(monkeypatch, tmp_path) -> None:
    """In an empty folder, with the last rows of the data sets, and one epoch for who says nothing of epochs."""
    load = data.load

    def cut(name: str) -> pl.DataFrame:
        return load(name).group_by(data.describe(name).series, maintain_order=True).tail(ROWS)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(data, "load", cut)
    monkeypatch.setattr(TrainingSettings, "longest", 1)
    monkeypatch.setattr(phrasebook, "export", partial(phrasebook.export, size=2_000))


def ended(arguments: list[str]) -> Any:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    return end.value.code


def test_the_commands_are_found():
    kinds = [" ".join(words(line)[:2]) for line in commands()]
    assert kinds[0] == "data export"
    assert {"forecast weather.csv", "forecast --resume", "predict runs/weather-1", "runs", "--help"} <= set(kinds)
    assert sum("--data" in words(line) for line in commands()) == 1


@pytest.mark.usefixtures("short")
def test_every_command_runs(capsys):
    for line in commands():
        assert ended(words(line)) == 0, (line, capsys.readouterr().err)
    out = capsys.readouterr().out
    forecast = Path("runs/weather-1/forecast.csv").read_text()
    assert out.count(forecast) == 2, "again the same numbers, and after newer data that end at the same hour too"
    assert Path("runs/weather-1/report.html").exists()
    assert "runs/weather-1  " in out


@pytest.mark.slow
def test_every_command_runs_in_a_shell_on_all_rows(tmp_path):
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for line in commands():
        shown = " ".join([line.partition("#")[0], *quick(line)])
        done = subprocess.run(
            ["sh", "-c", shown],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            env=os.environ | {"PATH": path},
            check=False,
        )
        assert done.returncode == 0, (line, done.stderr)
        assert done.stdout
        if line.startswith("unrolled predict"):
            assert done.stdout == (tmp_path / "runs/weather-1/forecast.csv").read_text()


@pytest.mark.usefixtures("short")
def test_the_error_shown_is_the_one_that_comes(capsys):
    (shown,) = re.findall(r"^```\n\$ (unrolled .*)\n(unrolled: error: .*)\n```$", README, re.MULTILINE)
    data.export("weather", "weather.csv")
    assert ended(shlex.split(shown[0])[1:]) == 1
    assert capsys.readouterr().err.splitlines() == [shown[1]]


def python_runs(capsys, number: int) -> str:
    exec(compile(blocks(README, "python")[number], "README.md", "exec"), {})
    return capsys.readouterr().out


@pytest.mark.usefixtures("short")
def test_the_python_runs(capsys):
    out = python_runs(capsys, 0)
    for word in ("MAE", "RMSE", "MAPE", "sMAPE", "MASE", "skill", "seasonal naive", "step"):
        assert word in out
    assert out.count("shape: ") == 2, "the errors, and the forecasts"


def test_the_python_that_opens_a_model_runs(capsys):
    out = python_runs(capsys, 3)
    assert out.startswith("torch.Size([4, 50, 32])\n")
    assert re.search(r"lstm\.0: (vanishing|healthy|exploding)\. .*half is lost in .* steps", out)
    assert len(blocks(README, "python")) == 4, "each has a test"


@pytest.mark.slow
@pytest.mark.usefixtures("short")
def test_the_python_that_translates_runs(capsys):
    data.export("phrasebook", "book")
    out = python_runs(capsys, 2)
    assert re.match(r"\[['\"].+['\"]\]\n\[Score\(metric='BLEU', ", out)


@pytest.mark.slow
@pytest.mark.usefixtures("short")
def test_the_python_that_believes_no_forecast_runs(capsys):
    out = python_runs(capsys, 1)
    assert "linear autoregression" in out
    assert "fold" in out


@pytest.mark.slow
def test_the_python_runs_on_all_rows(capsys, monkeypatch):
    monkeypatch.setattr(TrainingSettings, "longest", 1)
    assert "shape: (72, 6)" in python_runs(capsys, 0)  # 24 hours at three airports


def test_the_cells_of_the_text_are_built():
    (shown,) = [code for code in spans(README) if code.startswith("unrolled.RNN(")]
    assert isinstance(eval(shown, {"unrolled": unrolled}), unrolled.RNN)


@pytest.mark.parametrize("page", [README, CONTRIBUTING], ids=["README", "CONTRIBUTING"])
def test_make_has_the_targets_and_variables(page):
    lines = [line for block in blocks(page, "sh") for line in block.splitlines()] + spans(page)
    named = [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("make ")]
    assert named
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
    variables = set(re.findall(r"^([A-Z_]+) \?=", MAKEFILE, re.MULTILINE))
    for target, *settings in named:
        assert target in targets
        assert {setting.partition("=")[0] for setting in settings} <= variables
    assert set(re.findall(r"\b([A-Z_]+)=\S", page)) <= variables


def test_make_help_names_every_target():
    told = set(re.findall(r'@echo "make ([a-z-]+) ', MAKEFILE))
    assert told | {"help"} == set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))


@pytest.mark.parametrize("page", [README, CONTRIBUTING], ids=["README", "CONTRIBUTING"])
def test_links_lead_to_files(page):
    for target in re.findall(r"\]\(([^)#]+)", page):
        assert target.startswith("https://") or (ROOT / target).is_file(), target


@pytest.mark.parametrize("page", [README, CONTRIBUTING], ids=["README", "CONTRIBUTING"])
def test_places_that_are_named_are_there(page):
    """Folders end with a slash; what is built or run first (runs/, .venv, book/_build) is not there yet."""
    made = ("runs/", ".venv", "book/_build", "weather.csv")
    names = [code for code in spans(page) if re.fullmatch(r"[\w./-]+(/|\.(py|txt|toml|md|json))|\.ci/\w+", code)]
    assert names
    for name in (name for name in names if not name.startswith(made)):
        assert any((place / name).exists() for place in (ROOT, ROOT / "src" / "unrolled", ROOT / "tests")), name


def test_what_windows_installs_is_there():
    (line,) = re.findall(r"^\.venv\\Scripts\\pip install -c (\S+) -e \.$", README, re.MULTILINE)
    assert (ROOT / line).is_file()


# ---- figures


def result(name: str) -> dict[str, Any]:
    path = RESULTS / f"{name}.json"
    assert path.exists(), f"{path} is not there; measure it with: make bench"
    return json.loads(path.read_text(encoding="utf-8"))


def figure(benchmark: str, name: str) -> dict[str, Any]:
    (found,) = [one for one in result(benchmark)["figures"] if one["name"] == name]
    return found


def row(name: str) -> list[str]:
    """The cells behind the first of the one table row that begins so."""
    (line,) = [line for line in README.splitlines() if line.startswith(f"| {name} |")]
    return [cell.strip() for cell in line.strip("| ").split("|")][1:]


def same(shown: str, value: float) -> None:
    """``shown`` is ``value``, rounded to the decimals that it is shown with; a placeholder is nothing of the kind."""
    assert re.fullmatch(r"-?[\d,]+(\.\d+)?", shown), f"{shown!r} stands where a number should, and it is {value}"
    number, decimals = shown.replace(",", ""), len(shown.partition(".")[2])
    assert abs(float(number) - value) <= 0.5000001 * 10**-decimals, f"README says {shown}, measured is {value}"
    assert number.strip("-0."), f"{shown} says nothing of {value}"


@pytest.mark.parametrize(("shown", "value"), [("2.31", 2.3149), ("2,315", 2314.6), ("0.95", 0.95), ("12", 12.4)])
def test_rounded_figures_are_the_same(shown, value):
    same(shown, value)


@pytest.mark.parametrize(
    ("shown", "value"), [("2.31", 2.316), ("NAIVE", 2.0), ("", 2.0), ("2.31 s", 2.31), ("0", 0.04)]
)
def test_other_figures_are_not(shown, value):
    with pytest.raises(AssertionError):
        same(shown, value)


def test_figures_of_the_weather():
    for name in ("LSTM", "LSTM with a linear skip", "LSTM averaged with a line"):
        network = figure("weather", f"{name}, test MAE")
        assert network["repeats"] == 5
        (cell,) = row(f"{name}, mean ± standard deviation of five seeds")
        mean, _, sd = cell.partition(" ± ")
        same(mean, network["mean"])
        same(sd, network["sd"])
    for name in ("naive", "seasonal naive", "drift", "moving average"):
        same(row(name)[0], figure("weather", f"{name}, test MAE")["value"])
    same(
        row("linear autoregression on the same inputs")[0],
        figure("weather", "linear autoregression, test MAE")["value"],
    )


def test_the_sentence_below_them():
    network, naive, seasonal, linear = (
        figure("weather", f"{name}, test MAE")["value"]
        for name in ("LSTM", "naive", "seasonal naive", "linear autoregression")
    )
    (gain, loss) = re.findall(r"So the LSTM is (\S+) better than naive, .*?(\S+) worse\.", README, re.DOTALL)[0]
    assert naive < seasonal, "naive is the better of the two, and so the one to name"
    assert network > linear, "or the sentence has to be another"
    same(gain.removesuffix("%"), 100 * (1 - network / naive))
    same(loss.removesuffix("%"), 100 * (network / linear - 1))
    assert 100 * (1 - network / naive) >= 20
    text = " ".join(README.split())
    (skips,) = re.findall(r"it is (\S+)% better than the line, averaged with it \(`--skip mean`\) (\S+)%", text)
    for shown, name in zip(skips, ("LSTM with a linear skip", "LSTM averaged with a line"), strict=True):
        found = figure("weather", f"{name}, test MAE")
        same(shown, 100 * (1 - found["mean"] / linear))
        assert found["high"] < linear, "with each of five seeds"
    (chance,) = re.findall(r"may well be chance for (\w+) of these ten networks", text)
    notes = [note for note in result("weather")["notes"] if "better than the best baseline" in note]
    assert len(notes) == 10
    assert {"nine": 9, "ten": 10}[chance] == sum("may well be chance" in note for note in notes)
    (held,) = re.findall(r"Intervals of 90% held, in a backtest of five folds: split (\S+)%; rolling (\S+)%", text)
    for shown, method in zip(held, ("split", "rolling"), strict=True):
        same(shown, figure("weather", f"intervals of 90% held, backtest of 5 folds, {method}")["value"])


@pytest.mark.parametrize(
    ("name", "benchmark", "measured"),
    [
        ("`unrolled --help`, CPU time", "startup", "unrolled --help, CPU"),
        ("`import unrolled`, CPU time", "startup", "import unrolled, CPU"),
        ("`make demo` after installation", "demo", "unrolled demo, wall"),
        (
            "training, windows a second against a hand-written loop over `torch.nn.LSTM`",
            "training_speed",
            "the library / plain loop, windows a second",
        ),
        (
            "a 1,000,000-row CSV read, split and windowed: peak memory against the table's size",
            "memory",
            "peak growth / the table's own size",
        ),
        *(
            (
                f"`RNN(LSTMCell)` against `torch.nn.LSTM`, forward and backward, {size}",
                "recurrent",
                f"torch.nn.LSTM / RNN, seconds, {size}",
            )
            for size in ("(64, 32, 256)", "(32, 168, 128)", "(256, 96, 64)")
        ),
        (
            "a cell without a kernel, compiled: seconds against `torch.nn.LSTM`, (32, 168, 128)",
            "recurrent",
            "a cell without a kernel, compiled / torch.nn.LSTM, seconds, (32, 168, 128)",
        ),
        (
            "truncated BPTT: peak memory at 100,000 steps against 1,000",
            "truncated",
            "peak memory at 100,000 steps / at 1,000",
        ),
        (
            "a forward pass of `nn.LSTM` recorded: seconds against a plain one",
            "recording",
            "a recorded forward pass / a plain one",
        ),
        (
            "the same, every state and gate read",
            "recording",
            "a recorded one, every state and gate read / a plain one",
        ),
        *(
            (
                f"adding problem, 200 steps: test loss of {cell} with memories of that length",
                "memory_tasks",
                f"adding, {cell.split()[1]}, chrono start: test loss",
            )
            for cell in ("an LSTM", "a GRU")
        ),
        (
            "prediction for 10,000 series of 1,000 points, CPU time",
            "panels",
            "10,000 series of 1,000 points: prediction, CPU",
        ),
        (
            "training on 1,000 series of 10,000 points: peak memory",
            "panels",
            "1,000 series of 10,000 points: training, peak memory",
        ),
        ("MinGRU's scan against its loop, (8, 1,024, 64)", "scan", "the loop / the scan, seconds, (8, 1024, 64)"),
        (
            "MinGRU's scan against `torch.nn.GRU`, (8, 4,096, 64)",
            "scan",
            "torch.nn.GRU / the scan, seconds, (8, 4096, 64)",
        ),
    ],
)
def test_figures_of_speed_and_memory(name, benchmark, measured):
    found = figure(benchmark, measured)
    shown, target = row(name)
    value, *unit = shown.removesuffix(" (missed)").split()
    same(value, found["value"])
    assert unit == {"s": ["s"], "GB": ["GB"], "times": ["×"] if benchmark == "memory" else [], "": []}[found["unit"]]
    assert float(re.findall(r"[\d.]+", target)[0]) == found["target"]["value"]
    assert found["met"] or shown.endswith("(missed)"), "a figure that misses its target is said to miss it"


def test_the_machine_is_named():
    (said,) = re.findall(r"^Machine: (.*?)(?:\n\n|\Z)", README, re.MULTILINE | re.DOTALL)
    runs = [result(path.stem) for path in sorted(RESULTS.glob("*.json"))]
    assert runs, "measure with: make bench"
    assert not any(run["quick"] for run in runs)
    # "first machine; `one` and `two` on a second; …": a result is of the machine that names it, or else of the first.
    first, *others = " ".join(said.split()).split("; ")
    for run in runs:
        (part,) = [part for part in others if f"`{run['benchmark']}`" in part] or [first]
        machine, count = run["machine"], run["machine"]["cores"]
        word = {1: "one", 2: "two", 4: "four", 8: "eight"}.get(count, str(count))
        assert re.search(rf"{re.escape(machine['cpu'])}, ({count}|{word}) cores?\b", part, re.IGNORECASE)
        (torch,) = re.findall(r"PyTorch ([\d.]*\d)", part) or re.findall(r"PyTorch ([\d.]*\d)", first)
        assert run["packages"]["torch"].partition("+")[0] == torch
        assert (machine.get("gpu") or "") in part


def test_figures_of_translation():
    arms = {"with dot attention": "dot attention", "with the context vector alone": "the context vector alone"}
    for name, arm in arms.items():
        found, (shown,) = figure("attention", f"enja, {arm}: test BLEU, beam 5"), row(name)
        median, low, high = re.fullmatch(r"(\S+) \((\S+) to (\S+)\)", shown).groups()
        same(median, found["value"])
        same(low, found["low"])
        same(high, found["high"])
        assert found["repeats"] == 3
    gain = figure("attention", "enja: attention's gain, test BLEU")
    least = figure("attention", "enja: lower end of the gain's 95% interval, least of the seeds")
    (said,) = re.findall(r"gains (\S+) BLEU in the median, .*?\bleast (\S+)\.\s", README, re.DOTALL)
    same(said[0], gain["value"])
    same(said[1], least["value"])
    assert least["met"]
