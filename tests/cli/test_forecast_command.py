"""`unrolled forecast` with each of its options, and `unrolled data`, on a table that trains in a moment."""

import gzip
import hashlib
import html
import json
import re
from datetime import datetime, timedelta
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from safetensors import safe_open

from unrolled import data

SHORT = ("--horizon", "4", "--lookback", "12", "--epochs", "1")
FILES = {"model.safetensors", "run.json", "context.parquet", "metrics.jsonl", "forecast.csv", "report.html"}
METHODS = ["LSTM", "naive", "seasonal naive", "drift", "moving average", "linear autoregression"]
METRICS = {"MAE", "RMSE", "MAPE", "sMAPE", "MASE", "RMSSE", "WAPE", "R2", "direction"}
END = datetime(2024, 1, 1) + timedelta(hours=199)


def manifest(run: str | Path) -> dict[str, Any]:
    return json.loads(Path(run, "run.json").read_text(encoding="utf-8"))


def files(run: str | Path) -> set[str]:
    return {str(path.relative_to(run)) for path in Path(run).rglob("*") if path.is_file()}


def two_series(hourly: pl.DataFrame) -> pl.DataFrame:
    other = hourly.with_columns(y=20 + pl.col("x"))
    return pl.concat([hourly.with_columns(site=pl.lit("north")), other.with_columns(site=pl.lit("south"))])


# ---- the run's folder


def test_the_folder_has_exactly_these_files(trained):
    assert files(trained) == FILES | {"checkpoints/fit.safetensors"}
    assert [path.name for path in Path("runs").iterdir()] == ["table-1"]


def test_run_json_says_everything(trained):
    run = manifest(trained)
    assert (run["format"], run["kind"], run["status"]) == (1, "forecast", "finished")
    assert datetime.fromisoformat(run["created"]).tzinfo
    shape = {"cell": "lstm", "lookback": 12, "horizon": 4, "hidden": 64, "layers": 1, "dropout": 0.0}
    shape |= {"strategy": "multi-output", "loss": "mae", "quantiles": [], "scaling": "standard", "ensemble": 1}
    shape |= {"targets": 1, "past": 1, "known": 0, "static": 0, "skip": "last"}
    assert run["architecture"] == shape | dict.fromkeys(("attention", "teacher_forcing", "schedule"))
    assert (run["level"], run["intervals"]) == (0.9, "rolling")
    assert run["fitted"]["intervals"] == {"level": 0.9, "method": "rolling"}
    columns = {"target": "y", "time": "time", "series": None, "only": None, "past": ["x"], "frequency": "1h"}
    assert {name: run["columns"][name] for name in columns} == columns
    assert (run["source"], run["refit"]) == ("table.csv", False)
    assert re.fullmatch("sha256:[0-9a-f]{64}", run["data"]["fingerprint"])
    cuts = {"begins": 0, "validation_begins": 140, "test_begins": 160, "ends": 199}  # 70%, 10% and 20% of 200 hours
    assert {name: run["data"][name] for name in cuts} == {
        name: str(datetime(2024, 1, 1) + timedelta(hours=hours)) for name, hours in cuts.items()
    }
    assert (run["data"]["rows"], run["data"]["series"]) == (200, 1)
    assert (run["training"]["epochs"], run["training"]["seed"], run["dtype"]) == (1, 0, "float32")
    assert run["fitted"]["threads"] >= 1
    packages = ("torch", "numpy", "polars", "unrolled")
    assert {name: run["environment"][name] for name in packages} == {name: version(name) for name in packages}
    assert run["environment"]["python"]
    [evaluation] = run["evaluations"]
    assert list(evaluation["overall"]) == METHODS
    assert all(set(errors) == METRICS for errors in evaluation["overall"].values())
    assert evaluation["windows"] == 40 - 4 + 1
    assert "nan" not in Path(trained, "run.json").read_text().lower()


def test_the_other_files(trained, hourly):
    lines = [json.loads(line) for line in Path(trained, "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [1, 2]  # 125 windows are two batches, and a validation after each
    assert all(line["loss"] > 0 and line["validation"] > 0 for line in lines)
    assert_frame_equal(pl.read_parquet(Path(trained, "context.parquet")), hourly.tail(12))
    with safe_open(Path(trained, "model.safetensors"), "pt") as weights:
        assert {"scaler.centre", "scaler.scale", "intervals.widening"} < set(weights.keys())
    future = pl.read_csv(Path(trained, "forecast.csv"), try_parse_dates=True)
    assert future.columns == ["time", "step", "y", "y_lower", "y_upper"]
    assert future["time"].to_list() == [END + timedelta(hours=step) for step in (1, 2, 3, 4)]
    assert future["step"].to_list() == [1, 2, 3, 4]
    assert future["y"].is_between(0, 20).all()
    report = Path(trained, "report.html").read_text(encoding="utf-8")
    assert report.startswith("<!doctype html>")
    assert "Forecast of y" in report


def test_what_the_terminal_says(table, command):
    code, out, err = command("forecast", table, "--target", "y", *SHORT)
    assert code == 0
    assert err.splitlines() == manifest("runs/table-1")["notes"]
    assert "column 'time', hourly" in err
    found = {line[1]: line[2] for line in re.finditer(r"^ ?([A-Za-z ]+?)  +([\d.]+)  ", out, re.MULTILINE)}
    errors = manifest("runs/table-1")["evaluations"][0]["overall"]
    assert {name: float(mae) for name, mae in found.items()} == {
        name: pytest.approx(errors[name]["MAE"], rel=1e-3) for name in METHODS
    }
    said = dict(re.findall(r"^(Forecast|Report): +(\S+)$", out, re.MULTILINE))
    assert said["Forecast"] == "runs/table-1/forecast.csv"
    assert Path(urlparse(said["Report"]).path) == Path("runs/table-1/report.html").resolve()
    verdict, held = out.partition("Forecast:")[0].splitlines()[-2:]
    assert "LSTM" in verdict
    assert held.startswith("Intervals of 90% held ")


def test_the_bar_while_it_trains(table, command, monkeypatch):
    for name, value in {"FORCE_COLOR": "1", "TERM": "xterm", "TTY_INTERACTIVE": "1", "COLUMNS": "100"}.items():
        monkeypatch.setenv(name, value)
    code, _, err = command("forecast", table, "--target", "y", *SHORT)
    assert code == 0
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", err)
    assert re.search(r"epoch 1 · loss \d\.\d{3} · best \d\.\d{3} · [\d,]+ windows/s · \d+ s left", plain), plain


def test_runs_are_numbered(table, command):
    assert all(command("forecast", table, "--target", "y", *SHORT).code == 0 for _ in range(2))
    assert sorted(path.name for path in Path("runs").iterdir()) == ["table-1", "table-2"]
    assert Path("runs/table-1/forecast.csv").read_bytes() == Path("runs/table-2/forecast.csv").read_bytes()


# ---- options


@pytest.mark.parametrize(("cell", "gates"), [("rnn", 1), ("lstm", 4), ("gru", 3)])
def test_cell(cell, gates, forecast, table, command):
    assert forecast(table, "--cell", cell)["architecture"]["cell"] == cell
    with safe_open("out/model.safetensors", "pt") as weights:
        rows = {weights.get_slice(name).get_shape()[0] for name in weights.keys() if "weight_hh" in name}  # noqa: SIM118
    assert rows == {64 * gates}
    assert cell.upper() in Path("out/report.html").read_text()
    assert command("predict", "out").out == Path("out/forecast.csv").read_text()


def test_only_target(forecast, table):
    run = forecast(table, "--only-target")
    assert (run["columns"]["past"], run["architecture"]["past"]) == ([], 0)
    assert pl.read_parquet("out/context.parquet").columns == ["time", "y"]


def test_series_and_only(forecast, hourly):
    two_series(hourly).write_csv("sites.csv")
    assert forecast("sites.csv", "--series", "site")["fitted"]["series"] == ["north", "south"]
    both = pl.read_csv("out/forecast.csv")
    assert both.columns == ["site", "time", "step", "y", "y_lower", "y_upper"]
    assert both["site"].to_list() == ["north"] * 4 + ["south"] * 4
    run = forecast("sites.csv", "--series", "site", "--only", "south", out="one")
    assert (run["fitted"]["series"], run["data"]["series"]) == (["south"], 1)
    assert pl.read_csv("one/forecast.csv")["site"].unique().to_list() == ["south"]
    run = forecast("sites.csv", "--series", "site", "--only", "south", "--only", "north", out="two")
    assert sorted(run["fitted"]["series"]) == ["north", "south"]


def test_names_of_series_stay_as_they_are_written(forecast, command, hourly):
    two = two_series(hourly).with_columns(site=pl.col("site").replace_strict({"north": "007", "south": "10"}))
    two.write_csv("both.csv")
    run = forecast("both.csv", "--series", "site")
    assert run["fitted"]["series"] == ["007", "10"]
    assert any("'007', '10'" in note for note in run["notes"])
    assert sorted(set(pl.read_csv("out/forecast.csv", infer_schema=False)["site"])) == ["007", "10"]
    assert "Series: 2 in column 'site': '007', '10'." in html.unescape(
        Path("out/report.html").read_text(encoding="utf-8")
    )
    ahead = Path("out/forecast.csv").read_text()
    assert command("predict", "out").out == ahead
    assert command("predict", "out", "--data", "both.csv").out == ahead
    assert forecast("both.csv", "--series", "site", "--only", "007", out="one")["fitted"]["series"] == ["007"]
    assert command("predict", "one", "--data", "both.csv").out == Path("one/forecast.csv").read_text()
    code, _, err = command("forecast", "both.csv", "--target", "y", "--series", "site", "--only", "7", *SHORT)
    assert (code, err) == (1, "unrolled: error: there is no series '7' in column 'site'; there are: 007, 10\n")


@pytest.mark.parametrize("offset", ["+05:30", "+09:00", "-03:30"])
def test_offsets_come_back(offset, forecast, command, hourly):
    stamps = pl.col("time").dt.to_string(f"%Y-%m-%d %H:%M{offset}")
    hourly.with_columns(stamps).write_csv("offset.csv")
    run = forecast("offset.csv")
    ahead = Path("out/forecast.csv").read_text()
    first = datetime.fromisoformat(ahead.splitlines()[1].split(",")[0])
    assert first == datetime.fromisoformat(f"{END + timedelta(hours=1)}{offset}")
    assert str(first)[-6:] == ("+00:00" if offset == "-03:30" else offset)
    assert any("forecasts come in UTC" in note for note in run["notes"]) == (offset == "-03:30")
    assert command("predict", "out").out == ahead
    assert command("predict", "out", "--data", "offset.csv").out == ahead


def test_fill(forecast, hourly):
    gap = pl.when(pl.int_range(pl.len()).is_between(195, 196)).then(None).otherwise(pl.col("y"))
    hourly.with_columns(y=gap).write_csv("gap.csv")
    fills = {}
    for fill in ("forward", "linear"):
        assert forecast("gap.csv", "--fill", fill, out=fill)["columns"]["fill"] == fill
        fills[fill] = pl.read_parquet(f"{fill}/context.parquet")["y"].to_list()[12 - 5 : 12 - 2]
    before = hourly["y"][194]
    assert fills["forward"] == [before, before, hourly["y"][197]]
    assert fills["linear"] == fills["forward"], "the gap lies after the training part: nothing comes from its future"
    early = pl.when(pl.int_range(pl.len()) == 50).then(None).otherwise(pl.col("y"))
    hourly.with_columns(y=early).write_csv("early.csv")
    assert forecast("early.csv", "--fill", "none", out="none")["columns"]["fill"] == "none"
    assert Path("none/model.safetensors").exists()


def test_refit(forecast, trained):
    run = forecast("table.csv", "--refit")
    assert run["refit"] is True
    assert files("out") == FILES | {"checkpoints/fit.safetensors", "checkpoints/refit.safetensors"}
    assert run["evaluations"] == manifest(trained)["evaluations"], "it is scored before it sees the test part"
    assert Path("out/forecast.csv").read_bytes() != Path(trained, "forecast.csv").read_bytes()


def test_seed(forecast, trained):
    usual = Path(trained, "forecast.csv").read_bytes()
    assert forecast("table.csv", "--seed", "0", out="same")["training"]["seed"] == 0
    assert Path("same/forecast.csv").read_bytes() == usual
    assert forecast("table.csv", "--seed", "7", out="other")["training"]["seed"] == 7
    assert Path("other/forecast.csv").read_bytes() != usual


def test_minutes_and_device(table, command):
    words = ("--horizon", "2", "--lookback", "3", "--minutes", "0.002", "--device", "cpu", "--out", "out")
    assert command("forecast", table, "--target", "y", *words).code == 0
    training = manifest("out")["training"]
    assert (training["epochs"], training["minutes"], training["device"]) == (None, 0.002, "cpu")


def test_horizon_and_lookback(table, command):
    words = ("--horizon", "2", "--lookback", "5", "--epochs", "1", "--out", "out")
    assert command("forecast", table, "--target", "y", *words).code == 0
    assert pl.read_csv("out/forecast.csv").height == 2
    assert pl.read_parquet("out/context.parquet").height == 5


def test_time(forecast, hourly):
    hourly.with_columns(other=pl.col("time") + timedelta(days=365), n=pl.int_range(pl.len()) * 10).write_csv("t.csv")
    assert forecast("t.csv", "--time", "other")["columns"]["time"] == "other"
    assert pl.read_csv("out/forecast.csv")["other"][0].startswith("2025-01-08T08:00")
    assert forecast("t.csv", "--time", "n", out="numbers")["columns"]["time"] == "n"
    assert pl.read_csv("numbers/forecast.csv")["n"].to_list() == [2000, 2010, 2020, 2030]


def test_a_table_without_time_stamps_is_numbered(forecast, hourly):
    hourly.drop("time").write_csv("plain.csv")
    assert forecast("plain.csv")["columns"]["time"] is None
    assert pl.read_csv("out/forecast.csv").columns == ["row", "step", "y", "y_lower", "y_upper"]


def test_frequency(forecast, hourly):
    hourly.gather([*range(100), *range(103, 200)]).write_csv("holes.csv")
    run = forecast("holes.csv", "--frequency", "row", out="rows")
    assert (run["columns"]["frequency"], run["data"]["rows"]) == ("row", 197)
    run = forecast("holes.csv", "--frequency", "1h", "--fill", "linear", out="grid")
    assert (run["columns"]["frequency"], run["data"]["rows"]) == ("1h", 200)


def test_an_update_says_what_it_found_and_is_not_resumed(forecast, command, refused, hourly):
    hourly.write_csv("all.csv")
    hourly[:120].write_csv("old.csv")
    forecast("old.csv")
    code, _, err = command("update", "out", "all.csv", "--out", "new")
    assert code == 0, err
    assert "Updated on 80 new steps, from 2024-01-06 00:00:00 on.\nIt had been trained before, on old.csv.\n" in err
    assert manifest("new")["status"] == "finished"
    assert refused("forecast", "--resume", "new") == (
        "new is an update, which can't be resumed; update the run before it: unrolled update"
    )


def test_unsorted_rows_are_sorted_and_said(forecast, trained, hourly):
    hourly.sample(fraction=1, shuffle=True, seed=0).write_csv("table.csv")
    assert any("sorted" in note.lower() for note in forecast("table.csv")["notes"])
    assert Path("out/forecast.csv").read_bytes() == Path(trained, "forecast.csv").read_bytes()


@pytest.mark.parametrize("name", ["t.tsv", "t.parquet", "t.csv.gz", "t.tsv.gz"])
def test_every_format_gives_the_same_forecast(name, forecast, trained, hourly):
    write_table(hourly, Path(name))
    assert forecast(name)["data"]["fingerprint"] == manifest(trained)["data"]["fingerprint"]
    assert Path("out/forecast.csv").read_bytes() == Path(trained, "forecast.csv").read_bytes()


def write_table(frame: pl.DataFrame, path: Path) -> None:
    if path.suffix == ".parquet":
        frame.write_parquet(path)
        return
    content = frame.write_csv(separator="\t" if ".tsv" in path.name else ",").encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


# ---- embedded data


def test_data_list_names_all(command):
    code, out, err = command("data", "list")
    assert (code, err) == (0, "")
    for name in data.names():
        about = data.describe(name)
        part = out.partition(f"{name}: ")[2]
        assert about.title in part
        assert about.licence in part
        assert f"{about.rows:,} rows" in part
        assert f"unrolled forecast {name} --target {about.defaults['target']}\n" in part


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".parquet", ".csv.gz", ".tsv.gz"])
def test_data_export(ending, command, folder):
    code, out, err = command("data", "export", "stocks", f"s{ending}")
    assert (code, out, err) == (0, f"s{ending}\n", "")
    path = folder / f"s{ending}"
    if ending == ".parquet":
        found = pl.read_parquet(path)
    else:
        found = pl.read_csv(path, separator="\t" if "tsv" in ending else ",", try_parse_dates=True)
    assert_frame_equal(found, data.stocks())
    again = path.with_name(f"again{ending}")
    assert command("data", "export", "stocks", again).code == 0
    assert hashlib.sha256(again.read_bytes()).digest() == hashlib.sha256(path.read_bytes()).digest()


@pytest.mark.parametrize("name", ["weather", "stocks"])
def test_a_data_set_just_works_by_its_name(name, command, folder):
    about = data.describe(name)
    one = data.load(name)[about.series][0]  # one of the series, and its target alone, to be quick
    words = ("--target", about.defaults["target"], "--only", one, "--only-target", "--lookback", "2", "--epochs", "1")
    code, _, err = command("forecast", name, *words)
    assert code == 0, err
    run = manifest(f"runs/{name}-1")
    known = ("time", "series", "frequency", "fill")
    assert {k: run["columns"][k] for k in known} == {k: about.defaults[k] for k in known}
    assert run["architecture"]["horizon"] == about.defaults["horizon"]
    assert run["fitted"]["series"] == [one]


@pytest.mark.slow
def test_the_command_is_honest_about_stocks(command, monkeypatch, folder):
    """With two epochs: returns inside, splits taken out, and the random walk not beaten."""
    monkeypatch.setattr("unrolled.training.TrainingSettings.longest", 2)
    code, out, err = command("forecast", "stocks", "--only", "AAPL", "--target", "close")
    assert code == 0, err
    told = " ".join((out + err).split())
    assert "'AAPL' 2000-06-21 (2 for 1), 'AAPL' 2005-02-28 (2 for 1)." in told
    assert "Read as returns, the changes of the logarithm from step to step: 'close'" in told
    assert "Leak check: passed" in told
    assert "The LSTM does not beat the random walk, which says that the price stays what it is" in told
    assert "Diebold-Mariano test p = " in told
    assert "One step ahead the forecast is the last known value, shifted" in told


def test_scaling_standard_is_there_for_stocks_too(command, folder):
    words = ("--target", "close", "--only", "IBM", "--only-target", "--lookback", "2", "--epochs", "1")
    code, out, err = command("forecast", "stocks", *words, "--scaling", "standard")
    assert code == 0, err
    assert manifest("runs/stocks-1")["architecture"]["scaling"] == "standard"
    assert "random walk" not in out
    assert "Read as returns" not in out + err


def test_a_file_named_like_a_data_set_goes_first(forecast, hourly):
    Path("weather").write_text(hourly.write_csv())
    run = forecast("weather")
    assert (run["columns"]["target"], run["data"]["rows"], run["architecture"]["horizon"]) == ("y", 200, 4)
    assert run["columns"]["series"] is None


@pytest.mark.slow
def test_demo(command, monkeypatch, folder):
    """With one epoch instead of eight, and for two seconds."""
    monkeypatch.setattr("unrolled.training.TrainingSettings.longest", 1)
    monkeypatch.setattr(import_module("unrolled.cli.demo"), "SECONDS", 2)  # the name alone is the command
    code, out, _ = command("demo")
    assert code == 0
    assert files("runs/weather-1") == FILES | {"checkpoints/fit.safetensors"}
    assert Path("runs/phrasebook-1/report.html").exists()
    assert out.endswith("unrolled translate train --source FILE --target FILE\n")
    page = Path("demo.html").read_text(encoding="utf-8")
    for title in ("Weather: In short", "Phrasebook: In short", "Phrasebook: What it looked at"):
        assert title in page
