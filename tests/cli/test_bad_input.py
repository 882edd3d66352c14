"""Whatever is wrong with what a command is given: one line on stderr, exit code 1, and nothing written or lost."""

import errno
import json
import re
import shutil
from pathlib import Path

import polars as pl
import pytest

DAYS = "day,site,y\n2020-01-01,north,1.5\n2020-01-02,north,2.5\n2020-01-03,north,4\n"


@pytest.mark.parametrize(
    ("content", "options", "says"),
    [
        (b"", "", "'t.csv' is empty; a table has a header line"),
        (b"day,y\n", "", "'t.csv' has a header ('day', 'y') and no rows below it"),
        (DAYS, "--target z", "there is no column 'z' for the target; there are: day, site, y"),
        (DAYS, "--target sit", "there is no column 'sit' for the target; nearest: 'site'"),
        (DAYS, "--time dya", "there is no column 'dya' for --time; nearest: 'day'"),
        (DAYS, "--series sight", "there is no column 'sight' for --series; nearest: 'site'"),
        (DAYS, "--series site --only nord", "there is no series 'nord' in column 'site'; nearest: 'north'"),
        (DAYS, "--only north", "--only north needs --series"),
        (DAYS, "--frequency hurly", "--frequency 'hurly' is unknown"),
        (DAYS.replace("2.5", "warm"), "", "column 'y' is not numeric: line 3 has 'warm'"),
        (
            DAYS + "2020-01-02,south,9\n",
            "",
            "two rows have the time stamp 2020-01-02 in column 'day': line 3 and line 5; column 'site' tells them "
            "apart: --series site",
        ),
        (
            "t,y\n2020-01-01 00:00,1\n2020-01-01 01:00,2\n2020-01-01 02:00,3\n2020-01-01 02:37,4\n",
            "",
            "irregular steps in column 't': mostly 1 hour, but 37 minutes from line 4 to line 5; put the rows on a "
            "grid with --frequency 1h --fill forward, or take them one by one with --frequency row",
        ),
        (
            "t,y,x\n2020-01-01,1,1\n2020-01-02,2,2\n2020-01-03,3,NA\n2020-01-04,,3\n",
            "",
            "missing values: 'y' in 1 row, 'x' in 1 row; say what stands for them: --fill forward, --fill linear, "
            "--fill mask or --fill none",
        ),
        (DAYS.replace("2.5", "inf"), "", "column 'y' has 1 infinite value, the first in line 3"),
        (re.sub(r"[\d.]+$", "7", DAYS, flags=re.MULTILINE), "", "the target 'y' is constant: it is 7 in every row"),
        (
            "t,y\n2020-01-01T00:00:00Z,1\n2020-01-01T01:00:00,2\n",
            "",
            "mixed time zones in column 't': line 2 has '2020-01-01T00:00:00Z', line 3 has '2020-01-01T01:00:00'",
        ),
        (
            DAYS.encode() + "2020-01-04,Köln,1\n".encode("latin-1"),
            "",
            "'t.csv', line 5: the byte 0xF6 isn't UTF-8; save it as UTF-8, or convert it: iconv",
        ),
        (DAYS, "", "the series has 3 rows (2 steps to train, 0 to validate, 1 to test), too few for look-back"),
    ],
)
def test_tables_that_can_not_be_used(content, options, says, refused):
    Path("t.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    assert says in refused("forecast", "t.csv", "--target", "y", *options.split())


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("tabel.csv", "there is no file 'tabel.csv'; nearest: 'table.csv'"),
        ("wether", "there is no file 'wether'"),
        ("no/table.csv", "there is no file 'no/table.csv'; 'no' is no folder"),
        ("", "'.' is a folder"),
        ("two\nlines.csv", "there is no file 'two\\nlines.csv'"),
        ("bad\udcffbyte.csv", "there is no file 'bad\\udcffbyte.csv'"),
    ],
)
def test_files_that_are_not_there(name, says, table, refused):
    assert says in refused("forecast", name, "--target", "y")


@pytest.mark.parametrize(
    ("options", "mend"),
    [("--horizon 150", "--horizon 20"), ("--lookback 190 --horizon 9", "--lookback 131")],
)
def test_a_table_too_short_says_the_longest_that_fits_and_that_fits(options, mend, table, refused, command):
    said = refused("forecast", table, "--target", "y", *options.split())
    assert said.startswith(
        "the series has 200 rows (140 steps to train, 20 to validate, 40 to test), too few for look-back"
    )
    assert said.endswith(f"that fits is {mend}")
    option, length = mend.split()
    kept = ("--lookback", "46") if option == "--horizon" else ("--horizon", "9")
    refused("forecast", table, "--target", "y", *kept, option, int(length) + 1)
    code, _, err = command("forecast", table, "--target", "y", *kept, *mend.split(), "--epochs", "1")
    assert code == 0, err


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("--epochs 1 --minutes 1", "got both epochs and minutes, and each ends the training; give one of them"),
        ("--device gpu", "device 'gpu' can't be used here: PyTorch knows no such device; try auto"),
        ("--device cuda:77", "device 'cuda:77' can't be used here"),
        ("--seed 4294967296", "seed has to be at least 0 and below 2**32, got 4294967296"),
        ("--minutes inf", "minutes has to be above 0 and finite, got inf"),
        ("--out table.csv", "can't make the folder table.csv: file exists"),
        ("--out table.csv/run", "can't make the folder table.csv/run: not a directory"),
        ("--time x", "column 'x' can't count time"),
        ("--series y", "column 'y' can't be the target and --series at once"),
    ],
)
def test_options_that_can_not_be(options, says, table, refused):
    assert says in refused("forecast", table, "--target", "y", "--horizon", "4", *options.split())


def test_a_folder_that_is_there_is_left_alone(table, refused, command):
    Path("taken").mkdir()
    Path("taken/thesis.txt").write_text("years of work")
    said = refused("forecast", table, "--target", "y", "--horizon", "4", "--out", "taken")
    assert said == "taken is there already; go on with it by --resume, or give another --out"


def edit(run: str, **parts) -> None:
    path = Path(run) / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | parts))


def damaged(run: str) -> None:
    Path(run, "run.json").write_text('{"format": 1, "kind": "fore')


def cut(run: str) -> None:
    path = Path(run, "model.safetensors")
    path.write_bytes(path.read_bytes()[:-100])


def hostile_header(run: str) -> None:
    Path(run, "model.safetensors").write_bytes((2**62).to_bytes(8, "little") + b"{}")


def escaping(run: str) -> None:
    Path("outside.parquet").write_bytes(Path(run, "context.parquet").read_bytes())
    Path(run, "context.parquet").unlink()
    Path(run, "context.parquet").symlink_to("../../outside.parquet")


BROKEN = [
    (lambda run: shutil.rmtree(run), "runs/table-1 is not there"),
    (lambda run: Path(run, "run.json").unlink(), "runs/table-1 is not a run: it has no run.json"),
    (damaged, "runs/table-1/run.json is damaged: it is not JSON"),
    (lambda run: edit(run, format=None), "runs/table-1/run.json was not written by unrolled"),
    (lambda run: edit(run, kind="recipe"), "runs/table-1/run.json holds a run of an unknown kind, 'recipe'"),
    (lambda run: edit(run, format=2), "written by a newer unrolled: format 2, this one reads up to 1; pip install -U"),
    (lambda run: edit(run, columns=[]), "runs/table-1/run.json doesn't describe a forecast"),
    (escaping, "runs/table-1/context.parquet is a link that leads out of the run"),
]
WEIGHTS = [
    (cut, "runs/table-1/model.safetensors is damaged"),
    (hostile_header, "runs/table-1/model.safetensors is damaged: its header should have"),
    (lambda run: Path(run, "model.safetensors").unlink(), "can't read runs/table-1/model.safetensors"),
]
NAMES = ["gone", "no manifest", "damaged", "foreign", "another kind", "newer", "no columns", "link", "cut", "header"]


@pytest.mark.parametrize(("spoil", "says"), [*BROKEN, *WEIGHTS], ids=[*NAMES, "no weights"])
def test_runs_that_can_not_be_predicted_with(spoil, says, trained, refused):
    spoil(trained)
    assert says in refused("predict", trained)


@pytest.mark.parametrize(("spoil", "says"), BROKEN, ids=NAMES[: len(BROKEN)])
def test_runs_that_can_not_be_resumed(spoil, says, trained, refused):
    spoil(trained)
    assert says in refused("forecast", "--resume", trained)


def test_a_checkpoint_that_is_damaged(trained, refused):
    Path(trained, "checkpoints/fit.safetensors").write_bytes(b"what is this")
    assert "runs/table-1/checkpoints/fit.safetensors is damaged" in refused("forecast", "--resume", trained, after=3)


def test_a_run_whose_table_has_changed(trained, hourly, refused):
    hourly.with_columns(y=pl.col("y") + 1).write_csv("table.csv")
    said = refused("forecast", "--resume", trained)
    assert said.startswith("the table table.csv is not what runs/table-1 was trained on")
    Path("table.csv").unlink()
    assert "there is no file 'table.csv'" in refused("forecast", "--resume", trained)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--target", "y"),
        ("--time", "time"),
        ("--series", "s"),
        ("--only", "a"),
        ("--only-target", None),
        ("--frequency", "1h"),
        ("--fill", "none"),
        ("--horizon", "4"),
        ("--lookback", "12"),
        ("--cell", "lstm"),
        ("--seed", "0"),
        ("--device", "auto"),
        ("--refit", None),
        ("--out", "elsewhere"),
    ],
)
def test_resume_takes_no_other_option(option, value, trained, command, folder):
    words = [option] if value is None else [option, value]
    code, out, err = command("forecast", "--resume", trained, *words)
    assert (code, out) == (2, "")
    assert f"--resume takes everything from the run; leave out {option}\n" in err


def test_resume_with_both_budgets(trained, refused):
    said = refused("forecast", "--resume", trained, "--epochs", "2", "--minutes", "1")
    assert said.startswith("got both epochs and minutes")


def test_newer_data_that_do_not_fit(trained, hourly, refused):
    assert refused("predict", trained, "--data", "newr.csv").startswith("there is no file 'newr.csv'")
    hourly.drop("x").write_csv("newer.csv")
    assert "there is no column 'x' for --past" in refused("predict", trained, "--data", "newer.csv")
    hourly.head(3).write_csv("newer.csv")
    assert "the table has 3 rows, and the network reads 12" in refused("predict", trained, "--data", "newer.csv")
    gap = pl.when(pl.int_range(pl.len()) == 197).then(None).otherwise(pl.col("y"))
    hourly.with_columns(y=gap).write_csv("newer.csv")
    said = refused("predict", trained, "--data", "newer.csv")
    assert said.startswith("values are missing in the last look-back")


def test_a_run_that_was_cut_off(trained, refused):
    manifest = json.loads(Path(trained, "run.json").read_text())
    del manifest["fitted"]
    Path(trained, "run.json").write_text(json.dumps(manifest))
    assert refused("predict", trained).endswith("go on with it: unrolled forecast --resume runs/table-1")


def no_space(monkeypatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("unrolled.files._write", full)


def test_a_full_disk_while_predicting(trained, refused, monkeypatch):
    Path("old.csv").write_text("an older forecast")
    no_space(monkeypatch)
    said = refused("predict", trained, "--out", "old.csv")
    assert said.startswith("can't write old.csv: no space left on device; free some space")


def test_a_full_disk_while_training_is_one_line_and_loses_nothing(trained, command, monkeypatch, folder):
    before = Path(trained, "forecast.csv").read_bytes()
    no_space(monkeypatch)
    code, out, err = command("forecast", "table.csv", "--target", "y", "--horizon", "4")
    assert (code, out) == (1, "")
    assert err.startswith(
        "unrolled: error: can't write runs/table-2/run.json: no space left on device; free some space"
    )
    assert Path(trained, "forecast.csv").read_bytes() == before
    assert not list(folder.rglob("*.tmp"))


def test_data_that_can_not_be_exported(refused):
    assert refused("data", "export", "wether", "w.csv") == "no data set is named 'wether'; nearest: 'weather'"
    assert refused("data", "export", "weather", "w.xlsx").startswith("can't tell the format of 'w.xlsx' from .xlsx")
    assert refused("data", "export", "weather", "no/w.csv").startswith("can't write 'no/w.csv': No such file")
    Path("w.csv").write_text("mine")
    assert refused("data", "export", "weather", "w.csv").startswith("'w.csv' is there already, and is not overwritten")
