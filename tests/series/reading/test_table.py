"""Files and frames to polars: pandas' own reader is the oracle, and every writing of one table gives the same one."""

import gzip
import subprocess
import sys
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from unrolled.errors import DataError, SettingsError
from unrolled.series.panels.panel import prepare
from unrolled.series.reading import delimited, stamps
from unrolled.series.reading.table import kind, like, read, where

TEXT = "day,site,temp,count\n2020-01-01,north,1.5,3\n2020-01-02,south,NA,4\n2020-01-03,north,-2.25,\n"
TABLE = pl.DataFrame(
    {
        "day": [date(2020, 1, 1), date(2020, 1, 2), date(2020, 1, 3)],
        "site": ["north", "south", "north"],
        "temp": [1.5, None, -2.25],
        "count": [3, 4, None],
    }
)


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def to(data: str | bytes, name: str = "table.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return path

    return to


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("table.csv", TEXT.encode()),
        ("table.CSV", TEXT.encode()),
        ("table.tsv", TEXT.replace(",", "\t").encode()),
        ("table.txt", TEXT.replace(",", "|").encode()),
        ("table.csv", TEXT.replace(",", ";").encode()),
        ("table.csv", TEXT.replace(",", ";").replace(".5", ",5").replace(".25", ",25").encode()),
        ("table.csv", b"\xef\xbb\xbf" + TEXT.encode()),
        ("table.csv", TEXT.replace("\n", "\r\n").encode()),
        ("table.csv", TEXT.replace("\n", "\r").encode()),
        ("table.csv", TEXT.rstrip("\n").encode()),
        ("table.csv", TEXT.encode() + b"\n\r\n"),
        ("table.csv", b"\n\n" + TEXT.encode()),
        ("table.csv", TEXT.replace("\n", "\n\n").encode()),
        ("table.csv", TEXT.replace("NA", "n/a").replace(",\n", ",None\n").encode()),
        ("table.csv", TEXT.replace("1.5", '" 1.5"').replace("north", '"north"').encode()),
        ("table.csv", TEXT.replace("day,", " day ,").encode()),
        ("table.CSV.GZ", gzip.compress(TEXT.encode(), mtime=0)),
        ("table.csv", gzip.compress(TEXT[:40].encode(), mtime=0) + gzip.compress(TEXT[40:].encode(), mtime=0)),
    ],
    ids=[
        "commas",
        "ending",
        "tabs",
        "bars",
        "semicolons",
        "decimal-comma",
        "byte-order-mark",
        "dos",
        "old-mac",
        "no-end",
        "empty-lines-after",
        "empty-lines-before",
        "empty-lines-between",
        "other-nulls",
        "quotes",
        "spaces",
        "gzip",
        "gzip-in-parts",
    ],
)
def test_every_writing_gives_the_same_table(write: Callable[..., Path], name: str, data: bytes):
    assert_frame_equal(read(write(data, name)), TABLE, check_dtypes=True)


def test_parquet_is_known_by_its_content(tmp_path: Path):
    TABLE.write_parquet(tmp_path / "table.data")
    assert_frame_equal(read(str(tmp_path / "table.data")), TABLE)
    packed = tmp_path / "table.parquet.gz"
    packed.write_bytes(gzip.compress((tmp_path / "table.data").read_bytes()))
    assert_frame_equal(read(packed), TABLE)


CELLS = {
    "whole": st.integers(-(10**12), 10**12).map(str),
    "real": st.floats(-1e9, 1e9).map(repr),
    "word": st.text("abcé \",;\n'", min_size=1, max_size=6).map(lambda text: "w" + text),
    "truth": st.sampled_from(["true", "false"]),
}


@settings(deadline=None)
@given(data=st.data(), kinds=st.lists(st.sampled_from(sorted(CELLS)), min_size=1, max_size=4), rows=st.integers(1, 12))
def test_values_equal_pandas(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, kinds: list[str], rows: int
):
    columns = {f"c{i}": [data.draw(st.just("") | CELLS[k]) for _ in range(rows)] for i, k in enumerate(kinds)}
    path = tmp_path_factory.getbasetemp() / "laws.csv"
    pd.DataFrame(columns).to_csv(path, index=False)
    expected = pd.read_csv(path, skip_blank_lines=False)
    ours = read(path)
    assert ours.columns == expected.columns.tolist()
    assert ours.height == len(expected) or len(kinds) == 1  # of a single column, empty lines at the end are none
    for name, column in expected.items():
        there = [None if pd.isna(value) else value for value in column][: ours.height]
        made = ours[str(name)].to_list()
        numbers = all(
            isinstance(value, float | None) for value in there
        )  # two parsers may differ in a number's last bit
        for one, other in zip(made, there, strict=True):
            assert one == pytest.approx(other, rel=1e-15) if numbers and other is not None else one == other


@pytest.mark.parametrize("chunk", [1, 2, 3, 5, 7, 11, 13, 64])
def test_batches_do_not_change_a_table(write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, chunk: int):
    text = 'n,late,mixed,empty,t\n1,,1,,2020-01-01\n2,,2,,2020-01-02\n\n3,"q\nq",2.5,,2020-01-03\n4,é,x,,2020-01-04\n'
    path = write(text)
    whole = read(path)
    lines = [where(whole, row) for row in range(4)]
    monkeypatch.setattr(delimited, "_CHUNK", chunk)
    assert_frame_equal(read(path), whole)
    assert whole["mixed"].to_list() == ["1", "2", "2.5", "x"]
    assert whole["late"].to_list() == [None, None, "q\nq", "é"]
    assert whole["t"].dtype == pl.Date
    assert lines == [where(read(path), row) for row in range(4)] == ["line 2", "line 3", "line 5", "line 7"]


def test_whole_numbers_that_turn_real_far_down_are_real(write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(delimited, "_CHUNK", 64)
    values = [*map(str, range(100)), "0.5"]
    table = read(write("x,y\n" + "".join(f"{value},1\n" for value in values)))
    assert table["x"].to_list() == [float(value) for value in values]
    assert table["y"].dtype == pl.Int64


@pytest.mark.parametrize(
    ("written", "stamps"),
    [
        (["2020-01-31 05:00:00", "2020-01-31 06:00:00"], [datetime(2020, 1, 31, 5), datetime(2020, 1, 31, 6)]),
        (
            ["2020-01-31T05:00:00.25", "2020-01-31T06:00:00"],
            [datetime(2020, 1, 31, 5, 0, 0, 250000), datetime(2020, 1, 31, 6)],
        ),
        (["31.12.1969 23:00", "1.1.1970 00:00"], [datetime(1969, 12, 31, 23), datetime(1970, 1, 1)]),
        (["12/30/2019", "1/2/2020"], [date(2019, 12, 30), date(2020, 1, 2)]),
        (["30/12/2019", "2/1/2020"], [date(2019, 12, 30), date(2020, 1, 2)]),
        (["2020-01-31 1:30 PM", "2020-01-31 12:30 AM"], [datetime(2020, 1, 31, 13, 30), datetime(2020, 1, 31, 0, 30)]),
        (["05-Jan-2020", "06-Feb-2020"], [date(2020, 1, 5), date(2020, 2, 6)]),
        ([" 2020-01-31", "2020-02-01 "], [date(2020, 1, 31), date(2020, 2, 1)]),
        (["2020-01", "2020-02"], [date(2020, 1, 1), date(2020, 2, 1)]),
    ],
)
def test_written_stamps_are_parsed(write: Callable[..., Path], written: list[str], stamps: list):
    assert read(write("t,x\n" + "".join(f"{text},1\n" for text in written)))["t"].to_list() == stamps


@pytest.mark.parametrize(
    ("offset", "zone"),
    [
        *[("Z", "UTC"), ("+00:00", "UTC"), ("+09:00", "Etc/GMT-9"), ("-0500", "Etc/GMT+5")],
        *[("+05:30", "Asia/Kolkata"), ("+0545", "Asia/Kathmandu"), ("-09:30", "Pacific/Marquesas")],
    ],
)
def test_an_offset_becomes_a_zone(write: Callable[..., Path], offset: str, zone: str):
    column = read(write(f"t,x\n2020-06-01T06:00:00{offset},1\n2020-12-01T06:00:00{offset},2\n"))["t"]
    assert column.dtype == pl.Datetime("us", zone)
    assert [stamp.hour for stamp in column] == [6, 6]
    python = datetime.fromisoformat(f"2020-06-01T06:00:00{offset}")
    assert column[0] == python


@pytest.mark.parametrize("half", stamps._HALF_HOURS)
def test_a_zone_of_half_hours_has_its_offset_from_now_on(half: int):
    days = pl.datetime_range(datetime(2023, 1, 1), datetime(2060, 1, 1), "1d", eager=True)
    made = stamps.with_offset(days, half)
    assert made is not None
    assert made[-1].utcoffset() == timedelta(minutes=half)


OFFSETS = {
    "half hour": ("2020-06-01T06:00:00-03:30", "2020-06-01T07:00:00-03:30"),
    "before its zone had it": ("2010-06-01T06:00:00+03:30", "2010-06-01T07:00:00+03:30"),  # Tehran's clocks changed
    "summer": ("2020-03-29T01:00:00+01:00", "2020-03-29T03:00:00+02:00"),
    "winter": ("2020-10-25T02:00:00+01:00", "2020-10-25T02:00:00Z"),
}


@pytest.mark.parametrize("case", OFFSETS)
def test_offsets_that_no_zone_can_keep_are_read_in_utc(write: Callable[..., Path], case: str):
    written = OFFSETS[case]
    found = prepare(read(write("t,x\n" + "".join(f"{text},{i}\n" for i, text in enumerate(written)))), target="x")
    assert found.stamps(0, 0, 2).to_list() == [datetime.fromisoformat(text) for text in written]
    assert found.dtype == pl.Datetime("us", "UTC")


def test_what_becomes_of_offsets_is_said(write: Callable[..., Path]):
    def said(*written: str) -> str:
        rows = "".join(f"{text},{i}\n" for i, text in enumerate(written))
        return prepare(read(write(f"t,x\n{rows}")), target="x").notes[1]

    assert said(*OFFSETS["summer"]) == (
        "Time stamps are written with two offsets, +01:00 and +02:00: they are read in UTC, and forecasts come in UTC."
    )
    assert said(*OFFSETS["half hour"]) == (
        "Time stamps are written with the offset -03:30, which no zone has all the time: they are read in UTC, and "
        "forecasts come in UTC."
    )
    assert "offset" not in said("2020-06-01T06:00:00Z", "2020-06-01T07:00:00Z")


@pytest.mark.parametrize(("offset", "zone"), [("+09:00", "Etc/GMT-9"), ("+05:30", "Asia/Kolkata"), ("-03:30", None)])
def test_fixed_offsets_of_frames_and_of_parquet_are_those_of_text(tmp_path: Path, offset: str, zone: str | None):
    frame = pd.DataFrame({"t": pd.date_range("2020-01-01", periods=3, freq="h", tz=offset), "x": [1.0, 2.0, 3.0]})
    frame.loc[1, "t"] = None
    frame.to_parquet(tmp_path / "t.parquet")
    frame.to_csv(tmp_path / "t.csv", index=False)
    for source in (frame, pa.Table.from_pandas(frame), tmp_path / "t.parquet", tmp_path / "t.csv"):
        column = read(source)["t"]
        if zone is None:
            assert [datetime.fromisoformat(text) if text else None for text in column] == [
                None if stamp is pd.NaT else stamp for stamp in frame["t"]
            ]
        else:
            assert column.dtype.time_zone == zone  # type: ignore[attr-defined]
            assert [str(stamp)[-6:] for stamp in column.drop_nulls()] == [offset, offset]
            assert column.to_list() == [None if stamp is pd.NaT else stamp for stamp in frame["t"]]


def test_a_zone_that_nobody_knows_is_refused_in_one_line(tmp_path: Path):
    table = pa.table({"t": pa.array([0, 1], pa.timestamp("us", "Mars/Olympus")), "x": [1, 2]})
    pq.write_table(table, tmp_path / "t.parquet")
    with pytest.raises(DataError, match=r"column 't' is in the time zone 'Mars/Olympus', which is unknown; give it in"):
        read(tmp_path / "t.parquet")


def test_a_column_of_series_names_keeps_its_text(write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch):
    path = write("s,x\n007,1\n 7 ,2\n1.50,3\n+1,4\nTRUE,5\n01.02.2020,6\nNA,7\n")
    monkeypatch.setattr(delimited, "_CHUNK", 16)
    assert read(path, "s")["s"].to_list() == ["007", "7", "1.50", "+1", "TRUE", "01.02.2020", None]
    assert read(path, "s")["x"].to_list() == [1, 2, 3, 4, 5, 6, 7]
    assert read(write("s,x\n007,1\n008,2\n"))["s"].to_list() == [7, 8]  # elsewhere they are numbers


def test_nameless_columns_get_names(write: Callable[..., Path]):
    assert read(write(",x,\n0,1,2\n")).columns == ["column_1", "x", "column_3"]


def test_repeated_words_are_kept_once(write: Callable[..., Path]):
    assert read(write("s,x\n" + "north,1\nsouth,2\n" * 50))["s"].dtype == pl.Categorical


def test_frames_of_all_kinds_come_in_and_go_back():
    stamps = pd.date_range("2020-01-01", periods=3, tz="Europe/Berlin")
    pandas = pd.DataFrame({"t": stamps, "x": [1.0, None, 3.0], "s": ["a", "b", None], "n": [1, 2, 3]})
    frame = read(pandas)
    assert frame["t"].dtype == pl.Datetime("us", "Europe/Berlin") or frame["t"].dtype.time_zone == "Europe/Berlin"
    assert frame["x"].to_list() == [1.0, None, 3.0]
    assert frame["s"].to_list() == ["a", "b", None]
    for source in (pandas, frame, frame.lazy(), frame.to_arrow()):
        assert_frame_equal(read(source), frame)
        back = like(frame, kind(source))
        assert kind(back) == kind(source)
        assert_frame_equal(read(back), frame)
    assert isinstance(like(frame, kind(pandas)), pd.DataFrame)
    assert isinstance(like(frame, kind(frame.to_arrow())), pa.Table)
    assert kind("file.csv") == kind(Path("file.csv")) == "polars"
    with pytest.raises(SettingsError, match="kind of frame 'pandsa' is unknown; nearest: 'pandas'"):
        like(frame, "pandsa")


def test_a_pandas_index_of_dates_becomes_a_column():
    index = pd.date_range("2020-01-31", periods=2, freq="ME")
    assert read(pd.DataFrame({"x": [1, 2]}, index=index)).columns == ["time", "x"]
    assert read(pd.DataFrame({"x": [1, 2]}, index=index.rename("x"))).columns == ["x_index", "x"]
    assert read(pd.DataFrame({"x": [1, 2]}, index=index.to_period("M")))["time"].dtype == pl.Datetime
    assert read(pd.DataFrame({"x": [1, 2]}, index=[5, 7])).columns == ["x"]
    levels = pd.MultiIndex.from_product([["a"], index], names=["site", None])
    assert read(pd.DataFrame({"x": [1, 2]}, index=levels)).columns == ["site", "index_1", "x"]


def test_pandas_columns_of_odd_kinds():
    frame = read(
        pd.DataFrame(
            {
                "mixed": pd.Series([1, "x"], dtype=object),
                "period": pd.period_range("2020-01", periods=2, freq="M"),
                "nullable": pd.array([1, None], dtype="Int64"),
                7: pd.Categorical(["u", "v"]),
                "zone": pd.date_range("2020-01-01", periods=2, tz="+05:30"),
            }
        )
    )
    assert frame["mixed"].to_list() == ["1", "x"]
    assert frame["period"].to_list() == [datetime(2020, 1, 1), datetime(2020, 2, 1)]
    assert frame["nullable"].to_list() == [1, None]
    assert frame["7"].to_list() == ["u", "v"]
    assert frame["zone"].dtype.time_zone == "Asia/Kolkata"


def test_rows_of_frames_are_counted_from_one():
    assert where(TABLE, 0) == "row 1"
    assert where(TABLE, 1233) == "row 1,234"


WITHOUT_ARROW = """
import sys
sys.modules["pyarrow"] = None
import numpy as np, pandas as pd
from unrolled.series.reading.table import like, read
t = pd.date_range("2020-01-01", periods=3, tz="Europe/Berlin")
frame = pd.DataFrame({"t": t, "d": t.tz_localize(None), "x": [1.0, None, 3.0], "s": ["a", "b", None], "n": [1, 2, 3]})
made = read(frame)
assert [str(kind) for kind in made.dtypes][2:] == ["Float64", "String", "Int64"], made.schema
assert made["x"].to_list() == [1.0, None, 3.0] and made["s"].to_list() == ["a", "b", None]
assert [stamp.isoformat() for stamp in made["t"].dt.convert_time_zone("UTC")][0] == "2019-12-31T23:00:00+00:00"
back = like(made, "pandas")
assert back["x"].isna().tolist() == [False, True, False] and back["t"][0] == t[0], back
"""


def test_pandas_works_without_pyarrow():
    done = subprocess.run([sys.executable, "-c", WITHOUT_ARROW], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]


MEMORY = """
import resource, sys
import numpy as np, polars as pl
from unrolled.series.panels.panel import prepare
from unrolled.series.reading.table import read
read(sys.argv[2])
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
before = peak()
frame = read(sys.argv[1])
panel = prepare(frame, target="x0")
print((peak() - before) / frame.estimated_size(), panel.values.shape[0])
"""


@pytest.mark.slow
def test_a_million_rows_stay_under_four_times_their_size(tmp_path: Path):
    rows = 1_000_000
    stamps = pl.datetime_range(
        datetime(1990, 1, 1), datetime(1990, 1, 1) + timedelta(minutes=rows - 1), "1m", eager=True
    )
    numbers = np.random.default_rng(0).normal(size=(7, rows)).round(6)
    table = pl.DataFrame({"t": stamps} | {f"x{i}": numbers[i] for i in range(7)})
    table.write_csv(tmp_path / "large.csv")
    table.head(100).write_csv(tmp_path / "small.csv")
    arguments = [sys.executable, "-c", MEMORY, tmp_path / "large.csv", tmp_path / "small.csv"]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=600, check=True)
    ratio, read_rows = map(float, done.stdout.split())
    assert read_rows == rows
    assert ratio < 4, f"peak memory grew by {ratio:.2f} times the frame"


def test_an_empty_line_of_a_single_column_is_a_missing_value_but_at_the_end(write: Callable[..., Path]):
    table = read(write("x\n1\n\n3\n\n\n"))
    assert table["x"].to_list() == [1, None, 3]
    assert [where(table, row) for row in range(3)] == ["line 2", "line 3", "line 4"]
