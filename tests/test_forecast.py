"""Forecaster from tables of every kind to forecasts, and back from disk; the untrained network is an oracle."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from polars.testing import assert_frame_equal, assert_series_equal
from torch import nn

import unrolled as ur
from unrolled.errors import DataError, RunError, SettingsError
from unrolled.series.learning.fitted import Fitted

HORIZON, LOOKBACK = 4, 12
Y = ("y", "y_lower", "y_upper")
TINY = ur.TrainingSettings(epochs=1, threads=1)
UNTRAINED = ur.TrainingSettings(epochs=1, threads=1, learning_rate=1e-30)  # and so it is the naive forecast


def forecaster(training: ur.TrainingSettings = TINY, **about) -> ur.Forecaster:
    return ur.Forecaster(**{"horizon": HORIZON, "lookback": LOOKBACK, "hidden": 8, "training": training} | about)


def noisy_sine(length: int, first: int = 0, seed: int = 0, noise: float = 0.3) -> np.ndarray:
    return np.sin(np.arange(first, first + length) / 4) + noise * np.random.default_rng(seed + first).normal(
        size=length
    )


def daily(length: int, first: int = 0, seed: int = 0) -> pl.DataFrame:
    """Days from 1 January 2020 + ``first``, the target y, a covariate x and an empty-handed column of words."""
    days = [date(2020, 1, 1) + timedelta(days=i) for i in range(first, first + length)]
    y, x = noisy_sine(length, first, seed), noisy_sine(length, first, seed + 50)
    return pl.DataFrame({"day": days, "x": x, "word": "w", "y": y})


def several(length: int, first: int = 0) -> pl.DataFrame:
    parts = [daily(length, first, seed).with_columns(s=pl.lit(name), y=pl.col("y") + 100 * seed)
             for seed, name in enumerate(("north", "south", "west"))]  # fmt: skip
    return pl.concat(parts)


def monthly(length: int, first: int = 0) -> pl.DataFrame:
    ends = pl.date_range(date(2000, 1, 1), date(2060, 1, 1), "1mo", eager=True).dt.month_end()
    return pl.DataFrame({"month": ends[first : first + length], "y": noisy_sine(length, first)})


def numbered(length: int, first: int = 0) -> pl.DataFrame:
    return pl.DataFrame({"n": np.arange(first, first + length) * 10 + 5, "y": noisy_sine(length, first)})


class Case(NamedTuple):
    table: Callable[..., pl.DataFrame]
    columns: dict[str, Any]
    rows: int = 200

    def fit(self, training: ur.TrainingSettings = TINY, **about) -> ur.Forecaster:
        return forecaster(training).fit(self.table(self.rows), **self.columns, **about)

    def last(self, frame: pl.DataFrame) -> list[float]:
        """The last target of each series of a table, once for each step ahead: the naive forecast."""
        groups = frame.partition_by(self.columns["series"]) if "series" in self.columns else [frame]
        return [own[self.columns["target"]][-1] for own in groups for _ in range(HORIZON)]


CASES = {
    "daily": Case(daily, {"target": "y"}),
    "several": Case(several, {"target": "y", "series": "s"}),
    "monthly": Case(monthly, {"target": "y"}),
    "numbered": Case(numbered, {"target": "y", "time": "n"}),
    "no time": Case(lambda *at: numbered(*at).drop("n"), {"target": "y"}),
}
TIMED = [name for name in CASES if name != "no time"]
case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)
timed = pytest.mark.parametrize("case", [CASES[name] for name in TIMED], ids=TIMED)


@pytest.fixture(scope="module")
def fitted() -> dict[str, ur.Forecaster]:
    return {name: case.fit() for name, case in CASES.items()}


@case
def test_saved_and_loaded_it_says_the_same_bits(case, fitted, tmp_path):
    name = next(name for name, other in CASES.items() if other is case)
    f = fitted[name]
    assert f.save(tmp_path / "run") == tmp_path / "run"
    g = ur.load(tmp_path / "run")
    assert g.run == tmp_path / "run"
    assert_frame_equal(g.predict(), f.predict(), check_exact=True)
    assert_frame_equal(g.evaluate(), f.evaluate(), check_exact=True)
    assert_frame_equal(g.evaluate(by_step=True), f.evaluate(by_step=True), check_exact=True)
    newer = case.table(30, case.rows)
    assert_frame_equal(g.predict(newer), f.predict(newer), check_exact=True)
    assert_frame_equal(ur.load(tmp_path / "run").predict(), f.predict(), check_exact=True)
    written = pl.read_csv(tmp_path / "run" / "forecast.csv")
    assert written["y"].to_list() == f.predict()["y"].to_list()
    assert (tmp_path / "run" / "report.html").read_text(encoding="utf-8").startswith("<!")
    assert not g.interrupted


@case
def test_untrained_it_continues_the_last_row_of_each_series(case):
    """Which rows are read, which stamps follow, in which order: all of it shows in the naive forecast."""
    f = case.fit(UNTRAINED)
    ahead, known = f.predict(), case.table(case.rows)
    assert ahead["y"].to_list() == pytest.approx(case.last(known), abs=1e-5)
    count = known["s"].n_unique() if "s" in known.columns else 1
    assert ahead["step"].to_list() == list(range(1, HORIZON + 1)) * count
    longer = case.table(case.rows + HORIZON)
    keys = [name for name in ("s", "day", "month", "n") if name in longer.columns]
    if keys:
        after = longer.join(known, on=keys, how="anti").sort(keys)
        assert_frame_equal(ahead.select(keys), after.select(keys))
    else:
        assert ahead["row"].to_list() == list(range(case.rows, case.rows + HORIZON))
    for rows in (LOOKBACK, 30):
        newer = case.table(rows, case.rows + 40)  # a full look-back needs no context, wherever it lies
        assert f.predict(newer)["y"].to_list() == pytest.approx(case.last(newer), abs=1e-5)
    errors = f.evaluation.overall
    assert errors["LSTM"]["MAE"] == pytest.approx(errors["naive"]["MAE"], rel=1e-5)


@timed
@pytest.mark.parametrize("rows", [1, 5, LOOKBACK - 1])
def test_rows_that_follow_on_the_training_data_need_no_look_back(case, rows, fitted):
    """The new rows alone say the same as a table of all rows."""
    f = fitted[next(name for name, other in CASES.items() if other is case)]
    new, whole = case.table(rows, case.rows), pl.concat([case.table(case.rows), case.table(rows, case.rows)])
    alone = f.predict(new)
    assert_frame_equal(alone, f.predict(whole), check_exact=True)
    assert alone["y"].to_list() != f.predict()["y"].to_list()


def test_newer_rows_may_overlap_the_context_and_stand_in_for_it(fitted):
    f, table = fitted["daily"], daily(205)
    assert_frame_equal(f.predict(table[197:]), f.predict(table), check_exact=True)
    other = table[197:].with_columns(y=pl.col("y") + 1)  # corrected values count, not those of the context
    assert f.predict(other)["y"].to_list() != f.predict(table)["y"].to_list()
    assert_frame_equal(f.predict(other), f.predict(pl.concat([table[:197], other])), check_exact=True)


def test_some_of_the_series_in_any_order_say_what_they_say_together(fitted):
    f, newer = fitted["several"], several(20, 200)
    together = f.predict(newer)
    some = newer.filter(pl.col("s") != "north")
    assert_frame_equal(f.predict(some), together.filter(pl.col("s") != "north"), check_exact=True)
    assert_frame_equal(f.predict(newer.sample(fraction=1.0, shuffle=True, seed=0)), together, check_exact=True)


@pytest.mark.parametrize("rows", [3, LOOKBACK - 1])
def test_a_gap_before_newer_rows_is_refused(rows, fitted):
    expected = (
        rf"^the table has {rows} rows, and the network reads {LOOKBACK} before it forecasts; give at least that many, "
        r"or rows that follow right on the data that it was trained on$"
    )
    with pytest.raises(DataError, match=expected):
        fitted["daily"].predict(daily(rows, 201))
    with pytest.raises(DataError, match=expected):
        fitted["daily"].predict(daily(rows, 100))  # long before: the context has nothing for it
    with pytest.raises(DataError, match=expected):
        fitted["daily"].predict(daily(rows, 199 - rows))  # inside it, and one row of it is missing before these
    assert fitted["daily"].predict(daily(rows, 200 - rows)).height == HORIZON
    with pytest.raises(DataError, match=f"the table has {rows} rows"):
        fitted["no time"].predict(CASES["no time"].table(rows))  # nothing tells where these belong
    with pytest.raises(DataError, match=f"^series 'west' has {rows} rows, and the network reads {LOOKBACK}"):
        fitted["several"].predict(
            pl.concat(
                [several(20, 200).filter(pl.col("s") != "west"), several(rows, 230).filter(pl.col("s") == "west")]
            )
        )


def test_tables_that_do_not_fit_what_was_learned_are_refused(fitted):
    newer = several(20, 200)
    with pytest.raises(DataError, match=r"^series 'sout' was not in the training data; nearest: 'south'"):
        fitted["several"].predict(newer.with_columns(s=pl.col("s").str.replace("south", "sout")))
    with pytest.raises(DataError, match=r"^there is no column 'x'"):
        fitted["daily"].predict(daily(20, 200).drop("x"))
    with pytest.raises(DataError, match=r"^there is no column 'day' for --time"):
        fitted["daily"].predict(daily(20, 200).drop("day"))
    missing = daily(20, 200).with_columns(y=pl.when(pl.int_range(20) == 15).then(None).otherwise("y"))
    with pytest.raises(DataError, match=r"^values are missing in the last look-back, .* give --fill forward$"):
        fitted["daily"].predict(missing)
    forward = fitted["daily"].predict(missing, fill="forward")
    assert_frame_equal(forward, fitted["daily"].predict(missing.with_columns(pl.col("y").forward_fill())))


def test_frames_come_back_as_the_kind_they_came_as(tmp_path):
    table = daily(200)
    table.write_csv(tmp_path / "table.csv")
    table.write_parquet(tmp_path / "table.parquet")
    kinds = {
        pd.DataFrame: table.to_pandas(),
        pl.DataFrame: table,
        pa.Table: table.to_arrow(),
    }
    expected = forecaster().fit(table, target="y").predict()
    for kind, frame in kinds.items():
        f = forecaster().fit(frame, target="y")
        for result in (f.predict(), f.evaluate(), f.evaluate(by_step=True), f.predict(frame)):
            assert isinstance(result, kind), kind
        ahead: Any = f.predict()
        assert list(np.asarray(ahead["y"])) == expected["y"].to_list()
        assert [str(day)[:10] for day in np.asarray(ahead["day"])] == [str(day) for day in expected["day"]]
        assert isinstance(f.predict(table), pl.DataFrame)  # the kind of the newer table
    for path in (tmp_path / "table.csv", str(tmp_path / "table.parquet")):
        assert_frame_equal(forecaster().fit(path, target="y").predict(), expected, check_exact=True)


def test_stamps_and_names_keep_their_types():
    stamps = pl.datetime_range(
        datetime(2024, 3, 1), datetime(2024, 3, 9, 7), "1h", eager=True, time_zone="Europe/Berlin"
    )
    table = pl.DataFrame({"t": stamps.cast(pl.Datetime("ms", "Europe/Berlin")), "y": noisy_sine(len(stamps))})
    pair = pl.concat([table.with_columns(id=pl.lit(i, dtype=pl.Int32), y=pl.col("y") * i) for i in (10, 9)])
    ahead = forecaster().fit(pair, target="y", series="id").predict()
    assert ahead.schema == {
        "id": pl.Int32,
        "t": pl.Datetime("ms", "Europe/Berlin"),
        "step": pl.Int64,
        **dict.fromkeys(Y, pl.Float64),
    }
    assert ahead["id"].to_list() == [9] * HORIZON + [10] * HORIZON
    assert ahead["t"][0] == stamps[-1] + timedelta(hours=1)


@pytest.mark.parametrize(
    "names",
    [
        pl.Series([7.0, 12.0]),
        pl.Series([0.1, 1.5], dtype=pl.Float32),
        pl.Series([False, True]),
        pl.Series([date(2020, 1, 1), date(2020, 2, 1)]),
        pl.Series(["007", "7"]),
    ],
    ids=["whole", "real", "truths", "dates", "text"],
)
def test_names_of_series_come_back_as_they_came(names, tmp_path):
    one = pl.DataFrame({"y": noisy_sine(80)})
    pair = pl.concat([one.with_columns(s=pl.lit(name, dtype=names.dtype)) for name in names])
    f = forecaster().fit(pair, target="y", series="s")
    assert_series_equal(f.predict()["s"].unique(maintain_order=True), names, check_names=False)
    assert_series_equal(f.predict(pair)["s"], f.predict()["s"])
    assert_series_equal(ur.load(f.save(tmp_path / "run")).predict()["s"], f.predict()["s"])


def test_only_takes_numbers_as_names(tmp_path):
    one = pl.DataFrame({"y": noisy_sine(80)})
    pair = pl.concat([one.with_columns(s=pl.lit(i)) for i in (7, 12)])
    only: Any = [12]
    f = forecaster().fit(pair, target="y", series="s", only=only, run=tmp_path / "run")
    assert f.predict()["s"].unique().to_list() == [12]
    assert_frame_equal(ur.load(tmp_path / "run").predict(pair), f.predict(pair), check_exact=True)
    word: Any = "7"
    forecaster().fit(pair.cast({"s": pl.String}), target="y", series="s", only=word, run=tmp_path / "one")
    assert ur.load(tmp_path / "one").predict()["s"].unique().to_list() == ["7"]


def test_columns_with_numbers_for_names_are_named_by_them():
    table = pd.DataFrame({7: noisy_sine(80), 8: noisy_sine(80)[::-1]})
    target: Any = 7
    assert forecaster().fit(table, target=target, past=()).predict().columns[1:3].tolist() == ["step", "7"]
    nothing: Any = None
    with pytest.raises(SettingsError, match="no target is named"):
        forecaster().fit(table, target=nothing)


def test_business_days_skip_the_weekend():
    f = forecaster().fit("stocks", target="close", only=["IBM"], past=())
    last = ur.data.load("stocks").filter(pl.col("symbol") == "IBM").sort("date")["date"][-1]
    expected = pd.bdate_range(pd.Timestamp(last) + pd.Timedelta(days=1), periods=HORIZON)
    assert [str(day) for day in f.predict()["date"]] == [str(day.date()) for day in expected]


def test_columns_of_the_table_may_be_named_as_ours():
    table = daily(200).select(step="day", row="y", x="x")
    ahead = forecaster().fit(table, target="row").predict()
    assert ahead.columns == ["step", "step_", "row", "row_lower", "row_upper"]
    assert ahead["step_"].to_list() == [1, 2, 3, 4]
    assert ahead["step"].to_list() == [date(2020, 1, 1) + timedelta(days=200 + i) for i in range(4)]
    ahead = forecaster().fit(table.select("row", step="x"), target="step").predict()
    assert ahead.columns == ["row_", "step_", "step", "step_lower", "step_upper"]
    assert ahead["row_"].to_list() == [200, 201, 202, 203]


def test_a_forecast_far_from_zero_keeps_its_digits():
    table = daily(200).with_columns(y=1e7 + pl.col("y"))
    f = forecaster(UNTRAINED).fit(table, target="y", past=())
    np.testing.assert_allclose(f.predict()["y"].to_numpy() - 1e7, table["y"][-1] - 1e7, atol=1e-5)


def test_series_that_can_not_be_learned_are_forecast_all_the_same_and_named(tmp_path):
    """Too short for a look-back, or nothing in the training part: scaled by what they have, never scored."""
    short, late = (own.with_columns(s=pl.lit(name)) for name, own in (("short", daily(5)), ("late", daily(40, 160))))
    table = pl.concat([several(200), short, late])
    f = forecaster(UNTRAINED).fit(table, target="y", series="s", only=["north", "short", "late"])
    ahead, days = f.predict(), {"late": 199, "north": 199, "short": 4}
    assert ahead["s"].unique(maintain_order=True).to_list() == list(days)
    for name, end in days.items():
        own = ahead.filter(pl.col("s") == name)
        assert own["day"][0] == date(2020, 1, 2) + timedelta(days=end)
        last = table.filter((pl.col("s") == name) & (pl.col("day") == date(2020, 1, 1) + timedelta(days=end)))["y"][0]
        assert own["y"].to_list() == pytest.approx([last] * HORIZON, abs=1e-5)
    assert {name: error is None for name, error in f.evaluation.by_series["LSTM"].items()} == {
        "late": True,
        "north": False,
        "short": True,
    }
    note = (
        "Forecast, but not learnt from or scored: 2 series with at most a look-back of 12 rows, or none in the "
        "training part: 'late', 'short'."
    )
    assert note in f._fitted().plan.notes
    newer = daily(2, 5).with_columns(s=pl.lit("short"))
    again = ur.load(f.save(tmp_path / "run"))
    assert_frame_equal(again.predict(), ahead, check_exact=True)
    assert again.predict(newer)["y"].to_list() == pytest.approx([newer["y"][1]] * HORIZON, abs=1e-5)
    with pytest.raises(DataError, match=r"^the series has 5 rows .* too few for look-back 12 \+ horizon 4"):
        forecaster().fit(short, target="y", series="s")


def test_gaps_that_would_stop_it_are_refused_before_training(tmp_path):
    gone = daily(200).with_columns(y=pl.when(pl.int_range(200) == 195).then(None).otherwise("y"))
    with pytest.raises(DataError, match=r"^values are missing in the last 12 rows, and the forecast of the future"):
        forecaster().fit(gone, target="y", past=(), fill="none", run=tmp_path / "run")
    assert not (tmp_path / "run").exists()
    f = forecaster().fit(gone, target="y", past=(), fill="forward")
    assert f.predict()["y"].is_finite().all()


def test_refit_predicts_with_all_rows_and_is_scored_without_them(fitted):
    plain, refit = fitted["daily"], CASES["daily"].fit(refit=True)
    assert_frame_equal(plain.evaluate(), refit.evaluate(), check_exact=True)
    assert plain.predict()["y"].to_list() != refit.predict()["y"].to_list()
    values = daily(200)["y"].to_numpy()
    assert plain._fitted().fitted.scaler.centre[0, 0] == pytest.approx(values[:140].mean(), rel=1e-12)
    assert refit._fitted().fitted.scaler.centre[0, 0] == pytest.approx(values.mean(), rel=1e-12)


def test_the_same_seed_gives_the_same_bits_and_another_seed_others(fitted):
    assert_frame_equal(CASES["daily"].fit().predict(), fitted["daily"].predict(), check_exact=True)
    other = CASES["daily"].fit(ur.TrainingSettings(epochs=1, threads=1, seed=1))
    assert other.predict()["y"].to_list() != fitted["daily"].predict()["y"].to_list()


class LeakyState(NamedTuple):
    h: torch.Tensor


class LeakyCell(nn.Module):
    """h' = (1 - a) h + a tanh(W x), a = 1/2: a cell of one's own."""

    def __init__(self, input_size: int, hidden_size: int):
        super().__init__()
        self.read = nn.Linear(input_size, hidden_size)

    def initial_state(self, batch: int) -> LeakyState:
        return LeakyState(self.read.weight.new_zeros(batch, self.read.out_features))

    def forward(self, x, state):
        h = (state.h + self.read(x).tanh()) / 2
        return h, LeakyState(h)


class OtherCell(LeakyCell):
    pass


def test_a_cell_of_ones_own_goes_to_disk_and_back(tmp_path):
    f = forecaster(cell=LeakyCell).fit(daily(200), target="y", run=tmp_path / "run")
    assert f.run == tmp_path / "run"
    assert f.evaluation.model == "LEAKYCELL"
    assert_frame_equal(ur.load(tmp_path / "run", cell=LeakyCell).predict(), f.predict(), check_exact=True)
    with pytest.raises(RunError, match=r"cell is LeakyCell, which isn't one of ours; .* load\(run, cell=LeakyCell\)$"):
        ur.load(tmp_path / "run")
    with pytest.raises(RunError, match=r"^this run's cell is LeakyCell, got OtherCell; give the class that it was"):
        ur.load(tmp_path / "run", cell=OtherCell)
    assert "cell=LeakyCell, " in f._fitted().plan.python()


def test_what_is_not_fitted_or_only_loaded_says_what_to_do(fitted, tmp_path):
    unfitted = ur.Forecaster()
    for use in (unfitted.predict, unfitted.evaluate, lambda: unfitted.save(tmp_path / "a"), lambda: unfitted.run):
        with pytest.raises(
            SettingsError, match=r"has not been fitted; call fit\(table, target=…\) first, or load\(run\)"
        ):
            use()
    fitted["daily"].report(tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Forecast of y" in page
    assert "unrolled forecast" in page
    fitted["daily"].save(tmp_path / "run")
    with pytest.raises(RunError, match=r"run is there already"):
        fitted["daily"].save(tmp_path / "run")
    loaded = ur.load(tmp_path / "run")
    for use in (lambda: loaded.report(tmp_path / "b.html"), lambda: loaded.save(tmp_path / "b")):
        with pytest.raises(RunError, match=r"was loaded from a run, which has its report and its files already"):
            use()
    assert not (tmp_path / "a").exists()
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"horizon": 0}, "horizon has to be a whole number of at least 1, got 0"),
        ({"lookback": 2.5}, r"lookback has to be a whole number of at least 1, got 2\.5"),
        ({"hidden": -1}, "hidden has to be a whole number of at least 1, got -1"),
        ({"dropout": 1.0}, r"dropout has to be at least 0 and below 1, got 1\.0"),
        ({"dropout": float("nan")}, "dropout has to be at least 0 and below 1, got nan"),
        ({"cell": "ltsm"}, "unknown cell 'ltsm'; nearest: 'lstm'"),
    ],
)
def test_settings_that_can_not_be_are_refused(wrong, text):
    with pytest.raises(SettingsError, match=text):
        ur.Forecaster(**wrong)


def test_resume_refuses_other_data_and_takes_the_same(tmp_path):
    f = forecaster().fit(daily(200), target="y", run=tmp_path / "run")
    again = ur.Forecaster.resume(tmp_path / "run", daily(200))
    assert_frame_equal(again.predict(), f.predict(), check_exact=True)
    for other in (daily(201), daily(200).with_columns(x=pl.col("x") + 1), daily(200, 1)):
        with pytest.raises(
            RunError, match=r"^the table table is not what .*run was trained on; give that one, or start"
        ):
            ur.Forecaster.resume(tmp_path / "run", other)
    assert_frame_equal(ur.load(tmp_path / "run").predict(), f.predict(), check_exact=True)


SLOW = pytest.mark.slow


@pytest.mark.parametrize("cell", [pytest.param("rnn", marks=SLOW), "lstm", pytest.param("gru", marks=SLOW)])
def test_a_noisy_sine_is_learned_to_near_the_noise(cell):
    """No forecast can be better than the noise's mean absolute deviation, σ √(2/π); the network comes within 12.5%."""
    noise = 0.3
    table = pl.DataFrame({"y": noisy_sine(3000, noise=noise)})
    training = ur.TrainingSettings(epochs=12, threads=1, learning_rate=5e-3)
    f = ur.Forecaster(horizon=HORIZON, lookback=30, cell=cell, hidden=32, training=training).fit(table, target="y")
    best = noise * np.sqrt(2 / np.pi)
    errors = {method: own["MAE"] or np.inf for method, own in f.evaluation.overall.items()}
    assert 0.95 * best < errors[cell.upper()] < 1.125 * best
    assert errors[cell.upper()] < 0.6 * errors["naive"]
    assert f.evaluation.skill("naive") < -0.8  # the linear autoregression can do it too, and it is the one to beat


def test_newer_rows_of_many_series_read_the_context_once(monkeypatch):
    """Not once for each series: of ten thousand that would take hours."""
    names, (known, newer) = [f"s{i:02d}" for i in range(30)], (daily(60), daily(3, 60))
    table, after = (
        pl.concat([own.with_columns(s=pl.lit(name), y=pl.col("y") + i) for i, name in enumerate(names)])
        for own in (known, newer)
    )
    f = forecaster(UNTRAINED, level=None).fit(table, target="y", series="s")
    read, times = Fitted.context_panel, []
    monkeypatch.setattr(Fitted, "context_panel", lambda self: times.append(1) or read(self))
    ahead = f.predict(after)
    assert len(times) == 1
    last = [newer["y"][-1] + i for i in range(30) for _ in range(HORIZON)]
    assert ahead["y"].to_list() == pytest.approx(last, abs=1e-5)


@pytest.mark.parametrize(("month", "day"), [(3, 29), (10, 25)], ids=["clocks forward", "clocks back"])
def test_hours_ahead_cross_a_change_of_clocks(month, day):
    """Each step is an hour of real time; the wall clock jumps from 1 to 3, or shows 2 twice."""
    zone = ZoneInfo("Europe/Berlin")
    last = datetime(2020, month, day, 1, tzinfo=zone)
    stamps = pl.datetime_range(last - timedelta(days=9), last, "1h", eager=True)
    assert stamps[-1] == last
    values = noisy_sine(len(stamps))
    f = forecaster(UNTRAINED).fit(pl.DataFrame({"t": stamps, "y": values}), target="y")
    ahead = f.predict()
    assert ahead["t"].dtype == stamps.dtype
    seconds = ahead["t"].dt.epoch("s")
    assert (seconds - stamps.dt.epoch("s")[-1]).to_list() == [3600 * step for step in range(1, HORIZON + 1)]
    assert ahead["t"].dt.hour().to_list()[:3] == ([3, 4, 5] if month == 3 else [2, 2, 3])
    assert f.predict(pl.DataFrame({"t": stamps, "y": values}))["t"].to_list() == ahead["t"].to_list()
