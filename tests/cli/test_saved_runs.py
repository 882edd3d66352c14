"""`unrolled forecast --resume`, `unrolled predict` and `unrolled runs`: what is done with a run that is there."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

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
