"""Every bad table is refused in one line that says what is wrong, where, and how to mend it."""

import gzip
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from unrolled.errors import DataError, SettingsError
from unrolled.series.panels.panel import prepare
from unrolled.series.reading.table import read

DAYS = "day,site,temp\n2020-01-01,north,1.5\n2020-01-02,north,2.5\n2020-01-03,north,4\n"


def refused(says: str, do: Callable[[], Any], kind: type[Exception] = DataError) -> None:
    """``do`` raises ``kind`` with exactly the message ``says``, where … stands for anything."""
    with pytest.raises(kind) as caught:
        do()
    said = str(caught.value)
    assert len(said.splitlines()) == 1
    pattern = ".*".join(re.escape(part) for part in says.split("…"))
    assert re.fullmatch(pattern, said), said


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str | bytes], str]:
    """Writes a file into the current folder, so that messages have its bare name."""
    monkeypatch.chdir(tmp_path)

    def write(data: str | bytes, name: str = "table.csv") -> str:
        Path(name).write_bytes(data.encode() if isinstance(data, str) else data)
        return name

    return write


def test_missing_file_and_folder(file: Callable[..., str], tmp_path: Path):
    file(DAYS)
    Path("folder").mkdir()
    refused("there is no file 'tabel.csv'; nearest: 'table.csv'", lambda: read("tabel.csv"))
    refused("there is no file 'nowhere/table.csv'; 'nowhere' is no folder", lambda: read("nowhere/table.csv"))
    refused("'folder' is a folder; give one file in it, CSV, TSV or Parquet", lambda: read(Path("folder")))
    refused(
        "'/dev/null' is no regular file, and it has to be read twice; write it to a file first",
        lambda: read("/dev/null"),
    )


def test_a_file_that_may_not_be_read(file: Callable[..., str], monkeypatch: pytest.MonkeyPatch):
    name = file(DAYS)

    def forbid(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", forbid)
    refused("'table.csv' can't be read: Permission denied", lambda: read(name))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "'table.csv' is empty; a table has a header line with the columns' names, and rows below it"),
        (b"\xef\xbb\xbf\r\n \n", "'table.csv' is empty; …"),
        ("day,temp\n", "'table.csv' has a header ('day', 'temp') and no rows below it; is it cut off?"),
        ("day,temp\n\n\r\n", "'table.csv' has a header ('day', 'temp') and no rows below it; is it cut off?"),
        ("temp\n\n\n", "'table.csv' has a header ('temp') and no rows below it; is it cut off?"),
        (
            "2020,1.5\n2021,2.5\n",
            "'table.csv', line 1 has numbers where a header should be ('2020', '1.5'); add a first line …",
        ),
        (
            "day,temp, day\n1,2,3\n",
            "'table.csv', line 1: column 'day' stands there twice (1 and 3); rename one of them",
        ),
        (
            "day,temp\n1,2\n\n3\n4,5\n",
            "'table.csv', line 4: 1 field where the header has 2 (separated by ','); mend the line, or put fields that "
            "contain the separator into quotes",
        ),
        ("day;temp\n1;2\n3;4;5", "'table.csv', line 3: 3 fields where the header has 2 (separated by ';'); …"),
        ('a,b\n"x\ny",1\n3\n', "'table.csv', line 4: 1 field where the header has 2 …"),
        (
            DAYS.encode() + "2020-01-04,Köln,1\n".encode("latin-1"),
            "'table.csv', line 5: the byte 0xF6 isn't UTF-8; save it as UTF-8, or convert it: "
            "iconv -f WINDOWS-1252 -t UTF-8 table.csv > utf8-table.csv",
        ),
        (b"a,b\n1,2\n3,4\xc3", "'table.csv', line 3: the byte 0xC3 isn't UTF-8; …"),
        (
            DAYS.encode("utf-16"),
            "'table.csv', line 1: the text is UTF-16, not UTF-8; save it as UTF-8, or convert it: …",
        ),
        (
            b"a,b\n1,2\n3,\x00\n",
            "'table.csv', line 3: a zero byte, so this isn't text; export the table as CSV or Parquet",
        ),
        (
            'a,b\n1,2\n"3,4\n5,6\n',
            "'table.csv', line 3: a quote \" opens there and never closes; double it, or take it out",
        ),
        (
            'a,b\n1,5" x\n2,3"\n',
            "'table.csv', from line 1: the quotes \" don't match the line ends; a quote inside a field …",
        ),
        (
            gzip.compress(DAYS.encode(), mtime=0)[:-9],
            "'table.csv' is damaged: its gzip data end too early or are wrong (…); …again",
        ),
        (
            gzip.compress(DAYS.encode(), mtime=0)[:-9] + b"123456789",
            "'table.csv' is damaged: its gzip data end too early or are wrong …",
        ),
        (b"PK\x03\x04rest", "'table.csv' is a zip archive or an Excel workbook; unpack it, or save the sheet as CSV"),
        (b"ARROW1\x00\x00", "'table.csv' is an Arrow file; write it as Parquet"),
        (b"PAR1 and so on PAR1", "'table.csv' is no whole Parquet file: …"),
    ],
)
def test_files_that_are_no_table(file: Callable[..., str], data: str | bytes, says: str):
    name = file(data)
    refused(says, lambda: read(name))


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (3, "a table is a path or a pandas, polars or arrow frame, got int"),
        ({"a": [1]}, "a table is a path or a pandas, polars or arrow frame, got dict"),
        (pl.Series([1]), "a table is a path or a pandas, polars or arrow frame, got Series"),
        (
            pd.Series([1]),
            "a table is a frame with columns, got a pandas Series; name it: s.to_frame('value').reset_index()",
        ),
        (pl.DataFrame({"a": []}), "the frame has 0 rows and 1 column; there is nothing to forecast from"),
        (pd.DataFrame(), "the frame has 0 rows and 0 columns; there is nothing to forecast from"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "two columns of the frame are named 'a'; rename one of them"),
        (
            pd.DataFrame({("a", "b"): [1]}),
            "the frame has 2 levels of column names; flatten them: frame.columns = ['_'.join(c) for c in frame]",
        ),
        (pl.LazyFrame({"a": [1]}).select("b"), "the lazy frame can't be collected: …"),
    ],
)
def test_what_is_no_frame(source: Any, says: str):
    refused(says, lambda: read(source))


@pytest.mark.parametrize(
    ("text", "wishes", "says"),
    [
        (DAYS, {"target": "tmp"}, "there is no column 'tmp' for the target; nearest: 'temp'"),
        (DAYS, {"time": "dya"}, "there is no column 'dya' for --time; nearest: 'day'"),
        (DAYS, {"series": "sites"}, "there is no column 'sites' for --series; nearest: 'site'"),
        (DAYS, {"past": ["humid"]}, "there is no column 'humid' for --past; there are: day, site, temp"),
        (DAYS, {"series": "temp"}, "column 'temp' can't be the target and --series at once; each column has one role"),
        (
            DAYS.replace("2.5", "warm"),
            {},
            "column 'temp' is not numeric: line 3 has 'warm'; mend it, or choose another column",
        ),
        (
            DAYS,
            {"target": "site"},
            "column 'site' is not numeric: line 2 has 'north' (3 such rows); mend it, or choose another column",
        ),
        (DAYS, {"target": "day"}, "column 'day' is not numeric: it holds Date; choose another column"),
        (DAYS, {"past": ["site"]}, "column 'site' is not numeric: line 2 has 'north' (3 such rows); …"),
        (
            DAYS + "2020-01-02,south,9\n",
            {},
            "two rows have the time stamp 2020-01-02 in column 'day': line 3 and line 5; column 'site' "
            "tells them apart: "
            "--series site",
        ),
        (
            DAYS + "2020-01-02,north,9\n2020-01-03,north,9\n",
            {},
            "two rows have the time stamp 2020-01-02 in column 'day': line 3 and line 5, and 1 more such; keep one of "
            "them, or name the column that tells them apart with --series",
        ),
        (
            DAYS + "2020-01-02,north,9\n",
            {"series": "site"},
            "two rows of series 'north' have the time stamp 2020-01-02 in column 'day': line 3 and line "
            "5; keep one of them, or join the columns that tell series apart into one for --series",
        ),
        (
            "date,time,y\n2024-01-01,00:00,1\n2024-01-01,12:00,2\n2024-01-02,00:00,3\n",
            {"target": "y"},
            "two rows have the time stamp 2024-01-01 in column 'date': line 2 and line 3; column 'time' holds the time "
            "of day: join both into one column, such as 2024-01-31 13:00",
        ),
        (
            "Date,Hour,y\n2024-01-01,0,1\n2024-01-01,12,2\n2024-01-02,0,3\n",
            {"target": "y"},
            "two rows have the time stamp 2024-01-01 in column 'Date': line 2 and line 3; column 'Hour' holds …",
        ),
        (
            "t,y\n2024-10-27 01:00,1\n2024-10-27 02:00,2\n2024-10-27 02:00,3\n2024-10-27 03:00,3\n",
            {"target": "y"},
            "two rows have the time stamp 2024-10-27 02:00:00 in column 't': line 3 and line 4; if clocks went back "
            "there, write the time stamps in UTC or with their offsets (02:00+01:00)",
        ),
        (
            DAYS + "2020-01-02,north,9\n2020-01-03 00:00:00,north,3\n",
            {},
            "column 'day': '2020-01-03 00:00:00' in line 6 is no time stamp like the others; mend it, or name another "
            "column with --time",
        ),
        (
            DAYS.replace("01-02", "02-30"),
            {},
            "column 'day': '2020-02-30' in line 3 is no time stamp like the others; …",
        ),
        (
            DAYS.replace("2020-01-02", ""),
            {},
            "1 row without a time stamp in column 'day', the first in line 3; fill it in, or take the row out",
        ),
        (
            "t,y\n2020-01-01 00:00,1\n2020-01-01 01:00,2\n2020-01-01 02:00,3\n2020-01-01 02:37,4\n",
            {"target": "y"},
            "irregular steps in column 't': mostly 1 hour, but 37 minutes from line 4 to line 5; put the "
            "rows on a grid "
            "with --frequency 1h --fill forward, or take them one by one with --frequency row",
        ),
        (
            "t,y\n2020-01-01,1\n2020-01-04,2\n2020-01-06,2\n2020-01-09,4\n2020-01-11,4\n",
            {"target": "y"},
            "irregular steps in column 't': mostly 2 days, but 3 days from line 2 to line 3; put the rows "
            "on a grid with --frequency 1d --fill forward, or …",
        ),
        (
            "n,y\n1,1\n3,2\n5,3\n8,4\n",
            {"target": "y", "time": "n"},
            "irregular steps in column 'n': mostly 2, but 3 from line 4 to line 5; give regular numbers, "
            "or leave --time out",
        ),
        (
            "t,y\n2020-01-01,1\n",
            {"target": "y"},
            "column 't' has one time stamp only (2020-01-01), which shows no step; give more rows, or "
            "name it with --frequency",
        ),
        (
            "t,y,x\n2020-01-01,1,1\n2020-01-02,2,NA\n2020-01-03,,3\n2020-01-05,4,3\n2020-01-06,NA,3\n",
            {"target": "y"},
            "missing values: 'y' in 2 rows, 'x' in 1 row; 1 time step missing between rows; say what stands for them: "
            "--fill forward, --fill linear, --fill mask or --fill none; or, as 'y' ends 1 row early, name what is "
            "known ahead by --future",
        ),
        (
            "t,y,x\n2020-01-01,1,1\n2020-01-02,2,NA\n"
            + "".join(f"2020-01-{day:02},{day},{day % 3}\n" for day in range(3, 13)),
            {"target": "y"},
            "missing values: 'x' in 1 row; say what stands for them: --fill forward, --fill linear, --fill mask or "
            "--fill none, or leave the other columns out with --only-target",
        ),
        (
            "t,s,y,plan\n"
            + "".join(
                f"2020-01-{day:02},{s},{day + i if day < 11 - i else ''},1\n"
                for i, s in enumerate("ab")
                for day in range(1, 13)
            ),
            {"target": "y", "series": "s"},
            "missing values: 'y' in 5 rows; say what stands for them: --fill forward, --fill linear, --fill mask or "
            "--fill none; or, as 'y' ends 3 rows early, name what is known ahead by --future",
        ),
        (
            DAYS.replace("2.5", "inf").replace("1.5", "-inf"),
            {},
            "column 'temp' has 2 infinite values, the first in line 2; mend it, or leave the field empty "
            "and name --fill",
        ),
        (
            DAYS.replace("2.5", "1.5").replace("4", "1.5"),
            {},
            "the target 'temp' is constant: it is 1.5 in every row; …",
        ),
        (
            DAYS.replace("1.5", "").replace("2.5", "").replace("4", ""),
            {},
            "column 'temp' has no value at all in the table; …",
        ),
        (
            "t,y\n2020-01-01T00:00:00Z,1\n2020-01-01T01:00:00,2\n",
            {"target": "y"},
            "mixed time zones in column 't': line 2 has '2020-01-01T00:00:00Z', line 3 has "
            "'2020-01-01T01:00:00'; write "
            "all of them in UTC, or all without a zone",
        ),
        (
            "t,y\n2020-01-01T00:00:00+01:00,1\n2020-06-01T01:00:00+09:00,2\n",
            {"target": "y"},
            "mixed time zones in column 't': line 2 has '2020-01-01T00:00:00+01:00', line 3 has …+09:00'; write all …",
        ),
        (
            "t,y\n02/01/2020 00:00+01:00,1\n02/02/2020 00:00+01:00,2\n",
            {"target": "y"},
            "column 't': '02/01/2020 00:00+01:00' in line 2 can be day or month first; write dates as year-month-day",
        ),
        (
            "t,y\n2020-03-28T00:00+01:00,1\n2020-03-29T00:00+01:00,2\n2020-03-30T00:00+02:00,3\n"
            "2020-03-31T00:00+02:00,3\n",
            {"target": "y"},
            "irregular steps in column 't': mostly 1 day, but 23 hours from line 3 to line 4, as the offset is +01:00 "
            "or +02:00; for steps of days or longer write the stamps without it",
        ),
        (
            "t,y\n01/02/2020,1\n01/03/2020,2\n",
            {"target": "y"},
            "column 't': '01/02/2020' in line 2 can be day or month first; write dates as year-month-day",
        ),
        (DAYS, {"series": "site", "only": ["nord"]}, "there is no series 'nord' in column 'site'; nearest: 'north'"),
        (DAYS, {"series": "site", "only": []}, "--only names no series; column 'site' has 'north'"),
        (
            DAYS.replace("02,north", "02,NA"),
            {"series": "site"},
            "column 'site' names no series in 1 row, the first in line 3 (empty, or a word for missing "
            "such as NA); name "
            "it, or take the rows out",
        ),
        (
            "s,t,y\na,1,1\na,2,2\nb,1,\nb,2,\n",
            {"target": "y", "series": "s", "time": "t"},
            "column 'y' has no value at all in series 'b'; choose another, or leave the series out with --only",
        ),
        (
            "t,y,x\n1,1,\n2,2,\n3,,5\n",
            {"target": "y", "time": "t", "past": ["x"]},
            "column 'y' has no value in the table by the time that the other columns begin; name fewer inputs, or take "
            "none with --only-target",
        ),
        (DAYS, {"time": "site"}, "column 'site' holds no time stamps: line 2 has 'north'; name another with --time"),
        (
            "t,y\n1.5,1\n2,2\n",
            {"target": "y", "time": "t"},
            "column 't' can't count time: line 2 has 1.5; give whole numbers, dates or times",
        ),
        (
            "t,y\n2020-01-01 00:00:00,1\n2020-01-01 00:00:01,2\n2020-01-01 00:00:02,3\n2120-01-01 00:00:00,2\n",
            {"target": "y"},
            "4 rows would lie on 3,155,673,601 steps (every second), the widest gap between line 4 and line 5; mend a "
            "wrong time stamp, or name a longer step with --frequency",
        ),
        (
            DAYS.replace("2020-01-01", "1900-01-01"),
            {"frequency": "7h"},
            "3 rows would lie on 1… steps (every 7 hours), from 1900-01-01 00:00:00 to 2020-01-03 00:00:00; name a …",
        ),
    ],
)
def test_tables_that_can_not_be_used(file: Callable[..., str], text: str, wishes: dict, says: str):
    frame = read(file(text))
    refused(says, lambda: prepare(frame, **({"target": "temp"} | wishes)))


@pytest.mark.parametrize(
    ("wishes", "says"),
    [
        ({"fill": "foward"}, "--fill 'foward' is unknown; nearest: 'forward'"),
        ({"only": ["north"]}, "--only north needs --series, the column that names the series"),
        ({"frequency": "hurly"}, "--frequency 'hurly' is unknown…"),
        (
            {"target_only": True, "past": ["x"]},
            "--only-target takes no inputs, and 'x' are named as inputs; leave one of the two out",
        ),
        (
            {"frequency": "1h", "time": "n"},
            "--frequency 1h needs dates or times, and column 'n' holds whole numbers; leave it out",
        ),
        (
            {"frequency": "1h"},
            "--frequency 1h needs time stamps, and no column has them; name one with --time, or take the rows in order",
        ),
    ],
)
def test_wishes_that_contradict(wishes: dict, says: str):
    frame = pl.DataFrame({"n": [1, 2], "temp": [1.0, 2.0], "x": [1.0, 3.0]})
    refused(says, lambda: prepare(frame, **({"target": "temp"} | wishes)), SettingsError)


def test_rows_of_a_frame_are_counted_from_one():
    frame = pl.DataFrame({"t": [date(2020, 1, 1), date(2020, 1, 2)], "y": ["1", "x"]})
    refused(
        "column 'y' is not numeric: row 2 has 'x'; mend it, or choose another column",
        lambda: prepare(frame, target="y"),
    )


def test_rows_keep_their_numbers_when_only_some_series_are_read():
    frame = pl.DataFrame({"s": list("aabb"), "t": [1, 2, 1, 2], "y": [1.0, 2.0, 3.0, np.inf]})
    refused(
        "column 'y' has 1 infinite value, the first in row 4; …",
        lambda: prepare(frame, target="y", series="s", time="t", only="b"),
    )


def test_years_that_no_calendar_shows():
    stamps = pl.Series("t", [0, 10**18], dtype=pl.Int64).cast(pl.Datetime("us"))
    frame = pl.DataFrame({"t": stamps, "y": [1.0, 2.0]})
    refused(
        "column 't': the year of the time stamp in row 2 is out of range; mend it", lambda: prepare(frame, target="y")
    )


def test_twins_between_the_steps_of_a_wanted_grid():
    half = datetime(2020, 1, 1, 0, 30)
    frame = pl.DataFrame({"t": [half, half + timedelta(hours=1), half], "y": [1.0, 2.0, 3.0]})
    refused(
        "two rows have the time stamp 2020-01-01 00:30:00 in column 't': row 1 and row 3; …",
        lambda: prepare(frame, target="y", frequency="1h", fill="forward"),
    )


def test_names_with_line_ends_stay_on_one_line(file: Callable[..., str]):
    frame = read(file('"a\nb",y\nx,1\n'))
    refused("there is no column 'z\\nz' for the target; there are: a b, y", lambda: prepare(frame, target="z\nz"))


def test_the_suggested_mend_works(file: Callable[..., str]):
    frame = read(file("t,y\n2020-01-01 00:00,1\n2020-01-01 01:00,2\n2020-01-01 02:00,3\n2020-01-01 02:37,4\n"))
    assert len(prepare(frame, target="y", frequency="1h", fill="forward").values) == 4
    assert len(prepare(frame, target="y", frequency="row").values) == 4
    twins = read(file(DAYS + "2020-01-02,south,9\n2020-01-03,south,7\n"))
    assert prepare(twins, target="temp", series="site").names == ("north", "south")
