"""`unrolled forecast --resume`, `unrolled predict` and `unrolled runs`: what is done with a run that is there."""

import json
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

FILES = {"model.safetensors", "run.json", "context.parquet", "metrics.jsonl", "forecast.csv", "report.html"}
BASELINES = ["naive", "seasonal naive", "drift", "moving average", "linear autoregression"]
END = datetime(2024, 1, 1) + timedelta(hours=199)


def manifest(run: str | Path) -> dict[str, Any]:
    return json.loads(Path(run, "run.json").read_text(encoding="utf-8"))


# ---- resume


def test_resume_of_a_finished_run_changes_nothing(trained, command):
    kept = ("model.safetensors", "forecast.csv", "context.parquet", "metrics.jsonl")
    before = {name: Path(trained, name).read_bytes() for name in kept}
    code, out, _ = command("forecast", "--resume", trained)
    assert code == 0
    assert "Forecast:  runs/table-1/forecast.csv" in out
    assert {name: Path(trained, name).read_bytes() for name in kept} == before
    assert {path.name for path in Path(trained).iterdir()} == FILES | {"checkpoints"}


def test_resume_with_more_epochs_goes_on(trained, command):
    before, forecasts = Path(trained, "metrics.jsonl").read_text(), Path(trained, "forecast.csv").read_bytes()
    assert command("forecast", "--resume", trained, "--epochs", "3").code == 0
    after = Path(trained, "metrics.jsonl").read_text()
    assert after.startswith(before)
    assert [json.loads(line)["step"] for line in after.splitlines()] == [1, 2, 3, 4, 5, 6]
    assert manifest(trained)["training"]["epochs"] == 3
    assert Path(trained, "forecast.csv").read_bytes() != forecasts
    assert command("predict", trained).out == Path(trained, "forecast.csv").read_text()


def test_resume_with_the_table_at_another_place(trained, command):
    Path("elsewhere").mkdir()
    Path("table.csv").rename("elsewhere/table.csv")
    assert command("forecast", "elsewhere/table.csv", "--resume", trained).code == 0


# ---- predict


def test_predict_needs_no_data_and_gives_the_bytes_of_forecast_csv(trained, command):
    Path("table.csv").unlink()
    expected = Path(trained, "forecast.csv").read_text()
    assert command("predict", trained) == (0, expected, "")
    assert command("predict", trained, "--out", "new/folder/future.csv") == (0, "", "")
    assert Path("new/folder/future.csv").read_text() == expected


def test_predict_after_newer_data(trained, command, hourly):
    assert command("predict", trained, "--data", "table.csv").out == Path(trained, "forecast.csv").read_text()
    stamps = [END + timedelta(hours=hours) for hours in (1, 2, 3)]
    newer = pl.DataFrame({"time": stamps, "y": [12.0, 11.5, 11.0], "x": [0.0, 1.0, 0.5]})
    newer.write_csv("newer.csv")
    pl.concat([hourly, newer]).write_csv("both.csv")
    code, out, err = command("predict", trained, "--data", "newer.csv")
    assert (code, err) == (0, "")
    assert [line[:16] for line in out.splitlines()[1:]] == [f"2024-01-09T{hour}:00" for hour in (11, 12, 13, 14)]
    assert command("predict", trained, "--data", "both.csv").out == out, "three rows and the kept look-back are enough"
    assert out != Path(trained, "forecast.csv").read_text()


def test_predict_fills_newer_data(trained, command, hourly):
    gap = pl.when(pl.int_range(pl.len()) == 198).then(None).otherwise(pl.col("y"))
    hourly.with_columns(y=gap).write_csv("gap.csv")
    hourly.with_columns(y=pl.when(pl.int_range(pl.len()) == 198).then(hourly["y"][197]).otherwise("y")).write_csv(
        "f.csv"
    )
    filled = command("predict", trained, "--data", "gap.csv", "--fill", "forward")
    assert filled.code == 0
    assert filled.out == command("predict", trained, "--data", "f.csv").out


# ---- runs


def test_runs_lists_the_newest_first_and_what_can_not_be_read(trained, command, forecast):
    forecast("table.csv", "--cell", "gru", out="runs/other [a]-1")
    Path("runs/broken").mkdir()
    Path("runs/broken/run.json").write_text("{")
    code, out, err = command("runs")
    assert (code, err) == (0, "")
    lines = [line.split() for line in out.splitlines() if "finished" in line]
    assert [line[0] for line in lines] == ["runs/other", "runs/table-1"]
    run = manifest(trained)
    errors = run["evaluations"][0]["overall"]
    skill = 1 - errors["LSTM"]["MAE"] / min(errors[name]["MAE"] for name in BASELINES)
    assert lines[1][1:4] == [run["created"][:10], "y", "lstm"]
    assert lines[1][4:] == ["4", f"{errors['LSTM']['MAE']:.4g}", f"{skill:+.1%}", "finished"]
    assert "runs/other [a]-1" in out, "brackets are no markup"
    assert out.splitlines()[-1].startswith("runs/broken/run.json is damaged")


def test_runs_shows_long_names_whole_and_hostile_ones_as_text(trained, command):
    long = Path("runs") / ("name-" * 30 + "1")
    Path(trained).rename(long)
    content = manifest(long)
    Path(long, "run.json").write_text(json.dumps(content | {"columns": {"target": "\x1b[2J"}, "evaluations": [1]}))
    code, out, _ = command("runs")
    assert code == 0
    assert str(long) in out
    assert "\x1b" not in out
    assert "'\\x1b[2J'" in out


def test_runs_of_another_folder_and_of_none(trained, command, folder):
    assert "table-1" in command("runs", folder / "runs").out
    assert command("runs", "nowhere") == (
        *(0, "no runs in nowhere; unrolled forecast FILE --target COLUMN makes one\n", ""),
    )


def test_compare_ranks_the_runs_of_the_same_data_whatever_their_inputs(trained, command, forecast, hourly):
    forecast("table.csv", "--cell", "gru", "--seed", "3", "--only-target", out="runs/other-1")
    hourly.head(180).write_csv("shorter.csv")
    forecast("shorter.csv", out="runs/shorter-1")
    code, out, err = command("runs", "--compare")
    assert (code, err) == (0, "")
    assert "y, 4 steps ahead: 37 test windows, 2024-01-07 16:00:00 to 2024-01-09 07:00:00" in out
    rows = [line.split() for line in out.splitlines() if re.match(r" +\d  runs/|\d  runs/", line)]
    scored = {path: manifest(path)["evaluations"][0] for path in (trained, "runs/other-1")}
    errors = {path: next(iter(one["overall"].values())) for path, one in scored.items()}
    best = min(one["overall"][one["best_baseline"]]["MAE"] for one in scored.values())
    order = sorted(errors, key=lambda path: errors[path]["MAE"])
    assert [row[1] for row in rows] == order
    for row in rows:
        mae, mase = errors[row[1]]["MAE"], errors[row[1]]["MASE"]
        cell, seed = ("GRU", "3") if row[1] == "runs/other-1" else ("LSTM", "0")
        assert row[2:7] == [cell, seed, f"{mae:.4g}", f"{mase:.4g}", f"{1 - mae / best:+.1%}"]
        assert row[8:10] == ["of", "90%"]
        assert float(row[10]) == pytest.approx(manifest(row[1])["seconds"], abs=0.06)
    last = out.splitlines()[-1]
    assert last.startswith("  runs/shorter-1: no other run of 'y', 4 steps ahead, was tested on 2024-01-07 00:00:00")
    assert all(len(line) <= 80 for line in out.splitlines() if line.startswith(" ") and not line.startswith("  r"))


def test_compare_takes_runs_and_folders_and_says_when_there_is_nothing_to_compare(trained, command, forecast):
    forecast("table.csv", "--cell", "gru", out="elsewhere/gru-1")
    alone = command("runs", "--compare")
    assert (alone.code, alone.err) == (0, "")
    assert alone.out.splitlines()[0] == "no two runs were scored on the same data"
    assert alone.out.splitlines()[-1] == f"  {trained}: no other run forecasts 'y'"
    for places in (["runs", "elsewhere"], [trained, "elsewhere/gru-1"], ["elsewhere", trained, "runs"]):
        out = command("runs", "--compare", *places).out
        assert "runs/table-1" in out
        assert "elsewhere/gru-1" in out
        assert "Not compared" not in out
    assert command("runs", trained, "elsewhere").out.count("finished") == 2
