"""Runs that were damaged or made to harm: one line that says so, no traceback, and no memory taken on their word."""

import json
import shutil
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import unrolled as ur
from damage import damage_run
from unrolled.errors import RunError
from unrolled.formats import load_tensors, save_tensors

ROWS, LOOKBACK = 160, 6


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """A small run of two series and a covariate."""
    folder = tmp_path_factory.mktemp("runs") / "sound"
    days = [date(2020, 1, 1) + timedelta(days=i) for i in range(ROWS)]
    rng = np.random.default_rng(0)
    parts = [{"s": [name] * ROWS, "day": days, "y": rng.normal(size=ROWS), "x": rng.normal(size=ROWS)} for name in "ab"]
    training = ur.TrainingSettings(epochs=1, threads=1)
    f = ur.Forecaster(horizon=2, lookback=LOOKBACK, hidden=4, training=training)
    f.fit(pl.concat(map(pl.DataFrame, parts)), target="y", series="s", run=folder)
    shutil.rmtree(folder / "checkpoints")
    return folder


@pytest.fixture
def copied(run, tmp_path) -> Path:
    return Path(shutil.copytree(run, tmp_path / "run"))


def change(folder: Path, edit: dict[str, Any]) -> None:
    """Set parts of run.json by their dotted names; a part that is ``...`` is taken out."""
    manifest = json.loads((folder / "run.json").read_text())
    for name, value in edit.items():
        *path, last = name.split(".")
        part = manifest
        for key in path:
            part = part[int(key) if isinstance(part, list) else key]
        if value is ...:
            del part[last]
        else:
            part[last] = value
    (folder / "run.json").write_text(json.dumps(manifest))


def refused(folder: Path) -> str:
    with pytest.raises(RunError) as error:
        ur.load(folder)
    text = str(error.value)
    assert "\n" not in text
    assert len(text) < 600
    return text


def peak() -> int:
    """The most memory that this process ever had, in kB."""
    resource = pytest.importorskip("resource")
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most // 1024 if sys.platform == "darwin" else most


def test_the_run_itself_loads(copied):
    ur.load(copied).predict()


SIZES = [10**9, 2**31, 10**30, 0, -1, 1.5, "4", None, True, [4]]


@pytest.mark.parametrize("name", ["targets", "past", "known", "static", "lookback", "horizon", "hidden", "layers"])
def test_sizes_that_the_weights_do_not_have_are_refused_before_memory_is_taken(copied, name):
    before = peak()
    sound = json.loads((copied / "run.json").read_text())["architecture"][name]
    for size in [*SIZES, 3, 7]:
        if (type(size), size) == (int, sound):
            continue
        change(copied, {f"architecture.{name}": size})
        refused(copied)
    assert peak() - before < 300_000


ARCHITECTURE = [
    {"cell": "rnn"},
    {"cell": "nope"},
    {"cell": ["lstm"]},
    {"cell": None},
    {"dropout": "0.1"},
    {"dropout": 2},
    {"dropout": None},
    {"surprise": 1},
    {"hidden": ...},
]


@pytest.mark.parametrize("edit", ARCHITECTURE, ids=str)
def test_another_architecture_is_refused(copied, edit):
    change(copied, {f"architecture.{name}": value for name, value in edit.items()})
    refused(copied)


EDITS = [
    {"fitted.series": []},
    {"fitted.series": ["a"]},
    {"fitted.series": ["b", "a"]},
    {"fitted.series": ["a", "c"]},
    {"fitted.series": 5},
    {"fitted.series": None},
    {"fitted.threads": 0},
    {"fitted.threads": -1},
    {"fitted.threads": 10**9},
    {"fitted.threads": 10**30},
    {"fitted.threads": "1"},
    {"fitted.threads": True},
    {"columns.target": "x"},
    {"columns.target": "nope"},
    {"columns.target": 5},
    {"columns.target": None},
    {"columns.past": []},
    {"columns.past": ["nope"]},
    {"columns.past": "x"},
    {"columns.past": [5]},
    {"columns.past": ["x"] * 1000},
    {"columns.series": None},
    {"columns.series": "x"},
    {"columns.time": "nope"},
    {"columns.frequency": "nonsense"},
    {"columns.frequency": "1us"},
    {"columns.frequency": "1y"},
    {"columns.frequency": 7},
    {"columns.fill": "nope"},
    {"columns.fill": 7},
    {"columns.only": 3},
    {"columns.surprise": 3},
    {"columns": None},
    {"fitted": None},
    {"fitted": []},
    {"fitted": "a"},
    {"columns.target": 5},
    {"columns": []},
    {"columns.surprise": 1},
    {"training.batch_size": 10**400},
    {"training.epochs": "x"},
    {"training.epochs": -1},
    {"training.minutes": 5},
    {"training.surprise": 5},
    {"training.threads": 10**9},
    {"training": None},
    {"refit": "yes"},
    {"level": 2.0},
    {"level": 0.0},
    {"level": "0.9"},
    {"level": [0.9]},
    {"level": ...},
    {"intervals": "nope"},
    {"intervals": None},
    {"intervals": ["split"]},
    {"architecture.strategy": "nope"},
    {"architecture.strategy": "seq2seq"},
    {"architecture.strategy": ["direct"]},
    {"architecture.strategy": "direct", "architecture.horizon": 10**9},
    {"architecture.loss": "quantile"},
    {"architecture.loss": "nope"},
    {"architecture.quantiles": [0.1, 0.9]},
    {"architecture.quantiles": 5},
    {"architecture.quantiles": ["a"]},
    {"architecture.scaling": "nope"},
    {"architecture.scaling": None},
    {"architecture.attention": "dot"},
    {"architecture.teacher_forcing": 5},
    {"architecture.schedule": "linear"},
    {"architecture.skip": "nope"},
    {"architecture.skip": "linear"},
    {"architecture.skip": 5},
    {"architecture.skip": ...},
    {"architecture.ensemble": 0},
    {"architecture.ensemble": 2, "fitted.members": 2},
    {"fitted.members": 2},
    {"fitted.members": 0},
    {"fitted.members": 10**30},
    {"fitted.members": "1"},
    {"fitted.members": ...},
    {"fitted.intervals": 5},
    {"fitted.intervals": []},
    {"fitted.intervals": {}},
    {"fitted.intervals.level": 1.5},
    {"fitted.intervals.level": None},
    {"fitted.intervals.method": 5},
    {"fitted.intervals.method": "nope"},
    {"fitted.intervals": ...},
    {"columns.target": ["y", "x"]},
    {"columns.target": []},
    {"columns.target": ["y", 5]},
    {"columns.future": ["x"]},
    {"columns.static": ["x"]},
    {"columns.static": "x"},
    {"columns.angles": ["x"]},
    {"columns.calendar": 1},
    {"columns.calendar": True},
    {"columns.wide": True},
    {"columns.wide": "no"},
    {"columns.masks": ["x"]},
    {"columns.masks": 3},
    {"columns.categories": {"x": ["a"]}, "columns.static": ["x"]},
    {"columns.categories": {"x": 5}},
    {"evaluations": [1]},
    {"evaluations": [{}]},
    {"evaluations.0.target": "x"},
    {"evaluations.0.part": 5},
    {"evaluations.0.caveat": 5},
    {"evaluations.0.tests": 5},
    {"evaluations.0.tests": "none"},
    {"evaluations.0.tests": [{"baseline": "naive"}]},
    {"evaluations.0.tests.1.p_value": "small"},
    {"evaluations.0.tests.1.surprise": 1},
    {"evaluations.0.tests": ...},
    {"evaluations.0.lag": 5},
    {"evaluations.0.lag": {}},
    {"evaluations.0.lag.error": "low"},
    {"evaluations.0.lag.best_lag": "1"},
    {"evaluations.0.lag": ...},
    {"evaluations.0.intervals": 5},
    {"evaluations.0.intervals": {}},
    {"evaluations.0.intervals.used": "nope"},
    {"evaluations.0.intervals.level": "high"},
    {"evaluations.0.intervals.methods.rolling.by_step": 5},
    {"evaluations.0.intervals.methods.rolling.by_step": ["a"]},
    {"evaluations.0.intervals.methods.rolling.coverage": "all"},
    {"evaluations.0.intervals": ...},
    {"source": ["a"]},
    {"data": 5},
    {"notes": 5},
    {"notes": "abc"},
    {"evaluations": None},
    {"evaluations": []},
    {"evaluations.0.overall": {}},
    {"evaluations.0.overall.LSTM.MAE": "low"},
    {"evaluations.0.by_step": 5},
    {"evaluations.0.windows": None},
    {"status": ...},
    {"architecture": ...},
    {"columns": ...},
    {"training": ...},
    {"evaluations": ...},
    {"source": ...},
    {"kind": "translation"},
    {"kind": ...},
    {"format": 99},
]


@pytest.mark.parametrize("edit", EDITS, ids=str)
def test_a_changed_run_is_refused_in_one_line(copied, edit):
    before = peak()
    change(copied, edit)
    refused(copied)
    assert peak() - before < 300_000


@pytest.mark.parametrize(
    "edit",
    [{"past": []}, {"target": "x"}, {"series": None}, {"time": None}, {"frequency": "1y"}, {"frequency": "1us"}],
    ids=str,
)
def test_columns_that_the_context_or_the_weights_do_not_have_are_refused(copied, edit):
    change(copied, {f"columns.{name}": value for name, value in edit.items()})
    assert "damaged" in refused(copied)


def test_a_run_that_was_cut_off_says_how_to_go_on(copied):
    change(copied, {"fitted": ...})
    assert "was cut off in training; go on with it: unrolled forecast --resume" in refused(copied)


WEIGHTS = {
    "another type": lambda t: t.update({"model.head.weight": t["model.head.weight"].double()}),
    "whole numbers": lambda t: t.update({"model.head.weight": t["model.head.weight"].int()}),
    "not finite": lambda t: t["model.head.bias"].fill_(float("nan")),
    "another shape": lambda t: t.update({"model.head.weight": torch.zeros(3, 4)}),
    "one missing": lambda t: t.pop("model.head.bias"),
    "one too many": lambda t: t.update({"model.extra": torch.zeros(3)}),
    "no scaler": lambda t: t.pop("scaler.centre"),
    "a small scaler": lambda t: t.update({"scaler.centre": torch.zeros(1, 2, dtype=torch.float64)}),
    "a scale of zero": lambda t: t["scaler.scale"].zero_(),
    "a mean that is not finite": lambda t: t["scaler.centre"].fill_(float("inf")),
    "nothing": lambda t: t.clear(),
}


@pytest.mark.parametrize("edit", WEIGHTS.values(), ids=WEIGHTS)
def test_changed_weights_are_refused(copied, edit):
    tensors, about = load_tensors(copied / "model.safetensors")
    edit(tensors)
    save_tensors(copied / "model.safetensors", tensors, about)
    assert "damaged" in refused(copied)


@pytest.mark.parametrize("name", ["model.safetensors", "context.parquet", "run.json", "metrics.jsonl"])
@pytest.mark.parametrize("content", [None, b"", b"\x00" * 200, b"a,b\n1,2\n"])
def test_files_that_are_gone_or_something_else_are_refused(copied, name, content):
    if content is None:
        (copied / name).unlink()
    elif name == "metrics.jsonl" and content == b"":
        pytest.skip("no record is a file of records")
    elif name == "metrics.jsonl" and b"\n" not in content:
        pytest.skip("a last line that was cut off is left out")
    else:
        (copied / name).write_bytes(content)
    refused(copied)


@pytest.mark.parametrize("name", ["model.safetensors", "context.parquet", "run.json"])
def test_half_a_file_is_refused(copied, name):
    data = (copied / name).read_bytes()
    (copied / name).write_bytes(data[: len(data) // 2])
    refused(copied)


CONTEXTS = {
    "too short": lambda t: t.group_by("s", maintain_order=True).tail(LOOKBACK - 1),
    "too long": lambda t: pl.concat([t.with_columns(pl.col("day").dt.offset_by("-6d")), t]),
    "one series": lambda t: t.filter(pl.col("s") == "a"),
    "a column missing": lambda t: t.drop("x"),
    "words": lambda t: t.with_columns(y=pl.lit("word")),
    "infinite": lambda t: t.with_columns(y=pl.lit(float("inf"))),
    "missing": lambda t: t.with_columns(x=pl.lit(None, pl.Float64)),
    "far apart": lambda t: t.with_columns(
        day=pl.col("day").dt.offset_by(pl.format("{}y", pl.int_range(pl.len()) * 90))
    ),
}


@pytest.mark.parametrize("edit", CONTEXTS.values(), ids=CONTEXTS)
def test_another_context_is_refused(copied, edit):
    edit(pl.read_parquet(copied / "context.parquet")).write_parquet(copied / "context.parquet")
    refused(copied)


WORDS = ["lstm", "gru", "x", "y", "s", "a", "day", "row", "1d", "1h", "forward", "naive"]


@settings(deadline=None, max_examples=200)
@given(data=st.data())
def test_whatever_stands_in_run_json_it_works_or_is_refused(run, tmp_path_factory, data):
    """Any part replaced by anything: a run either forecasts and reports its errors, or is a RunError of one line."""
    folder = tmp_path_factory.getbasetemp() / "fuzzed"
    damage_run(data, run, folder, WORDS)
    f, text = None, ""
    try:
        f = ur.load(folder)
    except RunError as error:
        text = str(error)
    assert "\n" not in text
    if f is None:
        return
    assert f.predict().height == 4
    assert f.evaluate().height >= 2
    f.evaluate(by_step=True)
    assert f.evaluation.sentences()
