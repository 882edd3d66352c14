import gzip
import hashlib
import subprocess
import sys
import tomllib
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import unrolled.data
from unrolled.errors import DataError

FOLDER = Path(unrolled.data.__file__).parent
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def weather():
    return unrolled.data.weather()


@pytest.fixture(scope="module")
def stocks():
    return unrolled.data.stocks()


def at(table, **where):
    return table.row(by_predicate=pl.all_horizontal(pl.col(k) == v for k, v in where.items()), named=True)


def test_names_are_the_files_that_are_there():
    assert unrolled.data.names() == ("stocks", "weather")
    assert {f.name for f in FOLDER.glob("*.csv.gz")} == {f"{name}.csv.gz" for name in unrolled.data.names()}


@pytest.mark.parametrize("name", unrolled.data.names())
class TestEach:
    def test_file_is_small_and_the_one_that_was_described(self, name):
        packed = (FOLDER / f"{name}.csv.gz").read_bytes()
        assert len(packed) <= 600_000
        about = tomllib.loads((FOLDER / f"{name}.toml").read_text())
        assert hashlib.sha256(packed).hexdigest() == about["sha256"] == unrolled.data.describe(name).sha256
        assert hashlib.sha256(gzip.decompress(packed)).hexdigest() == about["sha256_unpacked"]
        assert packed[4:8] == bytes(4), "a time stamp in the gzip header would change the bytes at every run"

    def test_provenance_is_complete(self, name):
        about = tomllib.loads((FOLDER / f"{name}.toml").read_text())
        for key in (
            "title",
            "about",
            "rows",
            "licence",
            "licence_url",
            "licence_text",
            "changes",
            "columns",
            "defaults",
        ):
            assert about[key], key
        for key in ("package", "version", "archive", "sha256", "file", "project"):
            assert about["origin"][key], key
        assert (ROOT / about["script"]).is_file()

    def test_description_matches_the_table(self, name):
        about, table = unrolled.data.describe(name), unrolled.data.load(name)
        assert table.height == about.rows
        assert tuple(table.columns) == tuple(column.name for column in about.columns)
        assert all(column.unit for column in about.columns if column.kind in ("number", "count", "time"))
        assert {about.defaults[key] for key in ("target", "time", "series")} <= set(table.columns)
        known = {"target", "time", "series", "frequency", "fill", "horizon", "lookback"}
        assert known <= set(about.defaults) <= known | {"angles", "scaling"}
        assert table.get_column(about.series).n_unique() == {"weather": 3, "stocks": 4}[name]

    def test_rows_are_in_order_of_series_and_time_and_each_stamp_comes_once(self, name):
        about, table = unrolled.data.describe(name), unrolled.data.load(name)
        keys = [about.series, about.defaults["time"]]
        assert_frame_equal(table, table.sort(keys))
        assert not table.select(keys).is_duplicated().any()

    @pytest.mark.parametrize("ending", unrolled.data.ENDINGS)
    def test_exported_and_read_is_the_same_table(self, name, ending, tmp_path):
        path = unrolled.data.export(name, tmp_path / f"{name}{ending}")
        table = unrolled.data.load(name)
        if ending == ".parquet":
            back = pl.read_parquet(path)
        else:
            content = gzip.decompress(path.read_bytes()) if ending.endswith(".gz") else path.read_bytes()
            back = pl.read_csv(content, separator="\t" if ".tsv" in ending else ",", try_parse_dates=True)
            back = back.cast({c: t for c, t in table.schema.items() if isinstance(t, pl.Float64)})
        assert_frame_equal(back, table)
        assert [f.name for f in tmp_path.iterdir()] == [path.name], "nothing else may be left in the folder"


class TestWeather:
    def test_kinds_of_columns(self, weather):
        assert weather.schema["time_hour"] == pl.Datetime("us", "UTC")
        assert weather.schema["origin"] == pl.String
        assert set(weather.drop("origin", "time_hour").dtypes) == {pl.Float64}

    def test_values_of_the_source(self, weather):
        # read by eye in the package's weather.csv: the first row, the first one at LGA, the last one
        first = at(weather, origin="EWR", time_hour=datetime(2013, 1, 1, 6, tzinfo=UTC))
        assert first == {
            "origin": "EWR",
            "time_hour": datetime(2013, 1, 1, 6, tzinfo=UTC),
            "temp": 39.02,
            "dewp": 26.06,
            "humid": 59.37,
            "wind_dir": 270,
            "wind_speed": 10.36,
            "wind_gust": None,
            "precip": 0,
            "pressure": 1012,
            "visib": 10,
        }
        last = weather.row(-1, named=True)
        assert (last["origin"], last["time_hour"]) == ("LGA", datetime(2013, 12, 30, 23, tzinfo=UTC))
        assert (last["temp"], last["pressure"]) == (28.94, 1020.9)

    def test_speeds_are_whole_knots_again(self, weather):
        for column in ("wind_speed", "wind_gust"):
            knots = weather[column].drop_nulls() / 1.15078
            assert ((knots - knots.round()).abs() * 1.15078 <= 0.00501).all()

    def test_impossible_wind_is_missing_and_nothing_else_at_that_hour(self, weather):
        row = at(weather, origin="EWR", time_hour=datetime(2013, 2, 12, 8, tzinfo=UTC))
        assert row["wind_speed"] is None
        assert (row["temp"], row["pressure"]) == (39.02, 1008.3)
        assert weather["wind_speed"].max() < 60

    def test_gaps_stay_gaps(self, weather):
        hours = 363 * 24 + 18  # 1 January 06:00 to 30 December 23:00
        assert {o: hours - n for o, n in weather.group_by("origin").len().rows()} == {"EWR": 27, "JFK": 24, "LGA": 24}
        stamps = weather.filter(pl.col("origin") == "JFK")["time_hour"]
        assert stamps.diff().max() == timedelta(hours=6), "five hours in a row are missing on 26 October"
        assert datetime(2013, 11, 3, 2, tzinfo=UTC) not in set(stamps)

    def test_missing_values_are_counted(self, weather):
        missing = {name: n for name, n in weather.null_count().row(0, named=True).items() if n}
        # the source's NA: 1, 1, 1, 460, 4, 20778, 2729; and the impossible wind
        expected = {
            "temp": 1,
            "dewp": 1,
            "humid": 1,
            "wind_dir": 460,
            "wind_speed": 5,
            "wind_gust": 20778,
            "pressure": 2729,
        }
        assert missing == expected


class TestStocks:
    def test_kinds_of_columns(self, stocks):
        assert stocks.schema == {
            "symbol": pl.String,
            "date": pl.Date,
            "open": pl.Float64,
            "high": pl.Float64,
            "low": pl.Float64,
            "close": pl.Float64,
            "volume": pl.Int64,
            "adj_close": pl.Float64,
        }

    def test_values_of_the_source(self, stocks):
        # the first line of the package's stocks.csv: AAPL,2000-03-01,118.56,132.06,118.5,130.31,9616100,4.186662803811
        assert stocks.row(0) == ("AAPL", date(2000, 3, 1), 118.56, 132.06, 118.5, 130.31, 9616100, 4.186663)
        assert stocks.row(-1)[:7] == ("MSFT", date(2013, 3, 1), 27.72, 27.98, 27.52, 27.95, 34849700)

    def test_days_of_each_share(self, stocks):
        days = dict(stocks.group_by("symbol").len().rows())
        assert days == {"AAPL": 3270, "GOOG": 2148, "IBM": 3270, "MSFT": 3270}
        assert stocks.filter(pl.col("symbol") == "GOOG")["date"].min() == date(2004, 8, 19)

    def test_only_business_days_and_holidays_have_no_row(self, stocks):
        assert stocks["date"].dt.weekday().max() == 5
        days = set(stocks["date"])
        closed = [date(2001, 9, 11), date(2001, 9, 14), date(2012, 10, 29), date(2012, 12, 25)]  # NYSE's calendar
        assert not days & set(closed)
        assert {date(2001, 9, 10), date(2001, 9, 17), date(2012, 10, 31)} <= days

    def test_splits_show_as_the_description_says(self, stocks):
        for symbol, day in (("AAPL", date(2000, 6, 21)), ("AAPL", date(2005, 2, 28)), ("MSFT", date(2003, 2, 18))):
            prices = stocks.filter((pl.col("symbol") == symbol) & (pl.col("date") <= day)).tail(2)
            ratio = {c: prices[c][1] / prices[c][0] for c in ("close", "adj_close")}
            assert 2 * ratio["close"] == pytest.approx(ratio["adj_close"], rel=0.01)
            assert ratio["close"] < 0.6

    def test_prices_are_in_order(self, stocks):
        assert (stocks["low"] <= stocks[["open", "close"]].min_horizontal()).all()
        assert (stocks["high"] >= stocks[["open", "close"]].max_horizontal()).all()
        assert stocks["low"].min() > 0


def message(call, *arguments) -> str:
    with pytest.raises(DataError) as caught:
        call(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


class TestErrors:
    @pytest.mark.parametrize("call", [unrolled.data.load, unrolled.data.describe])
    def test_unknown_name(self, call):
        assert message(call, "wether") == "no data set is named 'wether'; nearest: 'weather'"
        assert message(call, "../errors") == "no data set is named '../errors'; there are: stocks, weather, phrasebook"

    def test_export_of_an_unknown_name_writes_nothing(self, tmp_path):
        assert "nearest: 'stocks'" in message(unrolled.data.export, "stock", tmp_path / "s.csv")
        assert not list(tmp_path.iterdir())

    def test_unknown_ending(self, tmp_path):
        said = message(unrolled.data.export, "weather", tmp_path / "w.parket")
        assert said == f"can't tell the format of '{tmp_path}/w.parket' from .parket; nearest: '.parquet'"
        said = message(unrolled.data.export, "weather", tmp_path / "weather")
        assert said.endswith("from no ending; there are: .csv, .csv.gz, .tsv, .tsv.gz, .parquet")
        assert not list(tmp_path.iterdir())

    def test_an_existing_file_is_kept(self, tmp_path):
        path = tmp_path / "w.csv"
        path.write_text("mine")
        said = message(unrolled.data.export, "weather", path)
        assert said == f"'{path}' is there already, and is not overwritten; give another path, or remove it first"
        assert path.read_text() == "mine"

    def test_no_such_folder(self, tmp_path):
        path = tmp_path / "none" / "w.csv"
        assert message(unrolled.data.export, "weather", path) == f"can't write '{path}': No such file or directory"

    def test_a_failed_write_leaves_nothing(self, tmp_path, monkeypatch):
        def full(*_):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("os.replace", full)
        assert message(unrolled.data.export, "stocks", tmp_path / "s.csv").endswith("s.csv': No space left on device")
        assert not list(tmp_path.iterdir())

    def test_a_damaged_file_is_refused(self, tmp_path, monkeypatch):
        for file in FOLDER.glob("*.*"):
            (tmp_path / file.name).write_bytes(file.read_bytes()[:-1] if file.suffix == ".gz" else file.read_bytes())
        monkeypatch.setattr(unrolled.data, "files", lambda _: tmp_path)
        said = message(unrolled.data.load, "weather")
        assert said.startswith("weather.csv.gz is damaged: expected sha256 b58c1ec57342…, got ")
        assert said.endswith("…; install unrolled again")


def test_import_is_light():
    code = (
        "import sys, unrolled.data as d; d.describe('weather'); print({'polars', 'torch', 'numpy'} & set(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_a_description_can_be_changed_without_changing_the_next_one():
    unrolled.data.describe("weather").defaults["fill"] = "none"
    assert unrolled.data.describe("weather").defaults["fill"] == "forward"
