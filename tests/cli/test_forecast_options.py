"""`unrolled forecast`: that each option reaches the library, what contradicts, and what a backtest says."""

import json
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from unrolled.formats import load_tensors

SHORT = ("--horizon", "4", "--lookback", "12", "--epochs", "1")


def manifest(run: str | Path) -> dict[str, Any]:
    return json.loads(Path(run, "run.json").read_text(encoding="utf-8"))


@pytest.fixture
def plans(folder, hourly) -> str:
    """Two sites of the hourly table, each with a height, a plan that goes on four hours further, and a direction."""
    n = np.arange(204)
    stamps = [datetime(2024, 1, 1) + timedelta(hours=int(i)) for i in n]
    more = pl.DataFrame({"time": stamps, "plan": (n % 7).astype(float), "wind": (n * 15 % 360).astype(float)})
    whole = more.join(hourly, on="time", how="left").with_columns(z=pl.col("y") * 2 + pl.col("x"))
    two = [whole.with_columns(site=pl.lit(name), height=pl.lit(h)) for name, h in (("north", 1.0), ("south", 2.0))]
    pl.concat(two).write_csv("plans.csv")
    return "plans.csv"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("--model seq2seq", {"strategy": "seq2seq", "attention": None}),
        ("--model seq2seq --attention dot", {"strategy": "seq2seq", "attention": "dot"}),
        (
            "--strategy seq2seq --teacher-forcing 0.5 --schedule constant",
            {"strategy": "seq2seq", "teacher_forcing": 0.5, "schedule": "constant"},
        ),
        ("--strategy recursive", {"strategy": "recursive"}),
        ("--model step --strategy direct", {"strategy": "direct"}),
        ("--hidden 8 --layers 2 --dropout 0.25", {"hidden": 8, "layers": 2, "dropout": 0.25}),
        ("--loss huber", {"loss": "huber", "quantiles": []}),
        ("--loss quantile --level 0.8", {"loss": "quantile", "quantiles": [0.1, 0.5, 0.9]}),
        ("--scaling robust", {"scaling": "robust"}),
        ("--ensemble 2", {"ensemble": 2}),
    ],
)
def test_options_of_the_network(words, expected, forecast, table):
    run = forecast(table, *words.split())
    assert {name: run["architecture"][name] for name in expected} == expected
    assert run["evaluations"][0]["overall"]


@pytest.mark.parametrize(
    ("words", "level", "intervals", "saved"),
    [
        ("", 0.9, "rolling", {"level": 0.9, "method": "rolling"}),
        ("--level 0.75", 0.75, "rolling", {"level": 0.75, "method": "rolling"}),
        ("--intervals split", 0.9, "split", {"level": 0.9, "method": "split"}),
        ("--intervals none", None, "rolling", None),
    ],
)
def test_intervals(words, level, intervals, saved, forecast, table):
    run = forecast(table, *words.split())
    assert (run["level"], run["intervals"], run["fitted"]["intervals"]) == (level, intervals, saved)
    bounds = ["y_lower", "y_upper"] if saved else []
    assert pl.read_csv("out/forecast.csv").columns == ["time", "step", "y", *bounds]
    assert ("intervals.widening" in load_tensors(Path("out/model.safetensors"))[0]) is bool(saved)


def test_columns_of_every_kind(plans, command):
    words = "--series site --target y --target z --past x --future plan --future wind --static height"
    words += " --angle wind --calendar"
    code, _, err = command("forecast", plans, *words.split(), *SHORT, "--out", "out")
    assert code == 0, err
    columns = manifest("out")["columns"]
    expected = {"target": ["y", "z"], "past": ["x"], "future": ["plan", "wind"], "static": ["height"]}
    assert {name: columns[name] for name in expected} == expected
    assert (columns["angles"], columns["calendar"], columns["wide"]) == (["wind"], True, False)
    future = pl.read_csv("out/forecast.csv")
    assert future.columns == ["site", "time", "step", "y", "y_lower", "y_upper", "z", "z_lower", "z_upper"]
    assert command("predict", "out").out == Path("out/forecast.csv").read_text()


def test_every_name_may_be_given_several_times(plans, command):
    words = "--series site --only south --target y --future plan --future wind --angle wind"
    code, _, err = command("forecast", plans, *words.split(), *SHORT, "--out", "out")
    assert code == 0, err
    assert manifest("out")["columns"]["future"] == ["plan", "wind"]
    assert manifest("out")["architecture"]["known"] == 3


def test_each_target_has_its_own_table_and_verdict(plans, command):
    words = "--series site --target y --target z --only-target"
    code, out, err = command("forecast", plans.replace("plans", "few"), *words.split(), *SHORT)
    assert code == 1
    pl.read_csv(plans).filter(pl.col("y").is_not_null()).write_csv("few.csv")
    code, out, err = command("forecast", "few.csv", *words.split(), *SHORT, "--out", "out")
    assert code == 0, err
    assert "Errors of y on the test part, 74 windows" in out
    assert "Errors of z on the test part, 74 windows" in out
    assert len(re.findall(r"^The LSTM (is|does not beat) ", out, re.MULTILINE)) == 2


def test_wide(command, hourly):
    hourly.select("time", north="y", south=pl.col("x") + 5).write_csv("wide.csv")
    code, _, err = command("forecast", "wide.csv", "--wide", "--target", "value", *SHORT, "--out", "out")
    assert code == 0, err
    assert manifest("out")["fitted"]["series"] == ["north", "south"]
    assert manifest("out")["columns"]["wide"] is True
    assert command("forecast", "wide.csv", "--wide", *SHORT, "--out", "unnamed").code == 0
    assert Path("unnamed/forecast.csv").read_text() == Path("out/forecast.csv").read_text()


# ---- backtests


@pytest.fixture
def one_process(monkeypatch) -> None:
    """What starts processes takes seconds, each of which reads torch."""
    monkeypatch.setattr("os.cpu_count", lambda: 1)


@pytest.mark.parametrize(
    ("words", "refit", "sliding", "trained"),
    [
        ("", "always", False, [True, True, True]),
        ("--refit-folds never --sliding", "never", True, [True, False, False]),
        ("--refit-folds 2", 2, False, [True, False, True]),
    ],
)
@pytest.mark.usefixtures("one_process")
def test_folds(words, refit, sliding, trained, table, command):
    code, out, err = command("forecast", table, "--target", "y", "--folds", "3", *words.split(), *SHORT)
    assert code == 0, err
    found = manifest("runs/table-1")["backtest"]
    assert (found["refit"], found["sliding"]) == (refit, sliding)
    assert [fold["trained"] for fold in found["folds"]] == trained
    assert "Backtest: mean absolute error on 3 folds" in out
    shown = re.findall(r"^ ?(\d|all) .*?(\d+\.\d+)  ", out.partition("Backtest:")[2], re.MULTILINE)
    assert [name for name, _ in shown] == ["1", "2", "3", "all"]
    errors = [fold["errors"]["y"]["LSTM"] for fold in found["folds"]]
    errors.append(found["evaluations"][0]["overall"]["LSTM"]["MAE"])
    assert [float(number) for _, number in shown] == pytest.approx(errors, rel=1e-2)
    assert "in the backtest (" in out.splitlines()[-1]
    assert command("predict", "runs/table-1").code == 0


@pytest.mark.usefixtures("one_process")
def test_strategies(table, command):
    code, out, err = command(
        "forecast", table, "--target", "y", "--strategies", "multi-output,recursive", *SHORT, "--horizon", "20"
    )
    assert code == 0, err
    shown = out.partition("Strategies: mean absolute error by step ahead, on the test part")[2]
    assert re.findall(r"^ ?([a-z]\S+?) +\d", shown, re.MULTILINE) == ["multi-output", "recursive"]
    assert "…" not in shown
    assert set(manifest("runs/table-1")["strategies"]["evaluations"]) == {"multi-output", "recursive"}


@pytest.mark.parametrize("folds", [11, 1000])
def test_more_folds_than_there_is_room_for_are_refused_before_training(folds, table, refused):
    assert refused("forecast", table, "--target", "y", "--folds", folds, *SHORT) == (
        f"{folds} folds of the 40 steps to test on are shorter than the horizon of 4; take at most 10 folds"
    )


# ---- what can't be


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("--refit-folds never", "--refit-folds and --sliding are for backtests; give --folds N"),
        ("--sliding", "--refit-folds and --sliding are for backtests; give --folds N"),
        ("--folds 0", "0 is not in the range x>=1"),
        ("--folds 2 --refit-folds 0", "--refit-folds is always, never, or a number of folds, got '0'"),
        ("--folds 2 --refit-folds often", "--refit-folds is always, never, or a number of folds, got 'often'"),
        (
            "--strategies direct,recursiv",
            "--strategies are all, or some of multi-output, recursive, direct, seq2seq, got",
        ),
        ("--only-target --past x", "--only-target takes no inputs; leave out --past"),
        ("--only-target --angle x", "--only-target takes no inputs; leave out --angle"),
        ("--intervals none --level 0.8", "--intervals none has no level; leave out --level"),
        ("--level 1", "1.0 is not in the range 0<x<1"),
        ("--level 90", "90.0 is not in the range 0<x<1"),
        ("--teacher-forcing 1.5", "1.5 is not in the range 0<=x<=1"),
        ("--dropout 1", "1.0 is not in the range 0<=x<1"),
        ("--model lstm", "'lstm' is not one of 'step', 'seq2seq'"),
        ("--loss rmse", "'rmse' is not one of 'mae', 'mse', 'huber', 'smape', 'quantile'"),
        ("--ensemble 0", "0 is not in the range x>=1"),
    ],
)
def test_wrong_usage_is_said_before_anything_is_done(words, says, table, command, folder):
    code, out, err = command("forecast", table, "--target", "y", *words.split())
    assert (code, out) == (2, "")
    assert says in err
    assert [p.name for p in folder.iterdir()] == [table]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("--model step --strategy seq2seq", "the model 'step' can't forecast by the strategy 'seq2seq'; leave one of"),
        ("--attention dot", "attention is for the strategy 'seq2seq', got 'multi-output'; leave it out"),
        ("--loss quantile --intervals none", "the loss 'quantile' learns the bounds of intervals, and level=None asks"),
        (
            "--loss smape --scaling log",
            "the loss 'smape' needs the data's own scale, and scaling 'log' leaves it; take",
        ),
        ("--scaling log --target x", "log scaling needs values above 0, and 'x' has -"),
        ("--static x", "--static x needs --series, the column that names the series"),
        ("--future nope", "there is no column 'nope' for --future"),
        ("--past x --target x", "column 'x' can't be the target and --past at once"),
        ("--angle time", "column 'time'"),
        ("--future x", "column 'x' is to be known ahead and is missing from 2024-01-09"),
    ],
)
def test_what_contradicts_is_refused_in_one_line(words, says, table, refused):
    assert says in refused("forecast", table, "--target", "y", *words.split(), *SHORT)


def test_help_has_a_line_of_words_for_each_option_and_fits_a_terminal(command):
    out = command("forecast", "--help").out
    assert max(map(len, out.splitlines())) <= 80
    assert "--refit-folds WHEN" in out
    for choice in (
        "[step|seq2seq]",
        "[rolling|split|none]",
        "[standard|min-max|robust|log|returns]",
        "[dot|scaled-dot|general|additive]",
    ):
        assert choice in out


@pytest.mark.parametrize(
    "option", ["--folds 2", "--stats", "--ensemble 2", "--calendar", "--wide", "--future x", "--level 0.5"]
)
def test_resume_takes_none_of_them(option, trained, command):
    code, _, err = command("forecast", "--resume", trained, *option.split())
    assert code == 2
    assert f"--resume takes everything from the run; leave out {option.split()[0]}\n" in err
