"""Forecaster with several targets and every kind of input: from a table to a forecast, to disk, and on newer rows."""

import json
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import unrolled as ur
from unrolled.errors import DataError
from unrolled.series.models import STRATEGIES
from unrolled.series.panels.roles import Columns

ROWS, HORIZON, LOOKBACK = 160, 3, 8
TINY = ur.TrainingSettings(epochs=1, threads=1)


def forecaster(training: ur.TrainingSettings = TINY, **about) -> ur.Forecaster:
    return ur.Forecaster(**{"horizon": HORIZON, "lookback": LOOKBACK, "hidden": 4, "training": training} | about)


def days(until: int, ahead: int = 0, first: int = 0) -> pl.DataFrame:
    """Days of two targets, a covariate of the past, a plan that is known ahead, the wind's direction; of the ``ahead``
    days after ``until`` only the plan and the wind are told."""
    n = np.arange(until + ahead)
    rng = np.random.default_rng(0)
    draw = rng.normal(size=(600, 5))[: len(n)]
    plan = (n % 5 == 0) + 0.1 * draw[:, 0]
    table = pl.DataFrame(
        {
            "day": [date(2024, 1, 1) + timedelta(days=int(i)) for i in n],
            "y": 20 + 5 * np.sin(n / 4) + 3 * plan + 0.3 * draw[:, 1],
            "z": 7 + np.cos(n / 6) + 0.2 * draw[:, 2],
            "x": draw[:, 3],
            "plan": plan,
            "wind": (180 + 120 * np.sin(n / 9) + 20 * draw[:, 4]) % 360,
        }
    )
    gone = pl.int_range(pl.len()) >= until
    return table.with_columns(pl.when(gone).then(None).otherwise(pl.col(c)).alias(c) for c in ("y", "z", "x"))[first:]


def sites(until: int, ahead: int = 0, first: int = 0) -> pl.DataFrame:
    """Three series with one number and one word each."""
    known = {"north": (1.0, "hill"), "south": (2.5, "plain"), "west": (4.0, "hill")}
    return pl.concat(
        days(until, ahead, first).with_columns(
            y=pl.col("y") * height, site=pl.lit(name), height=pl.lit(height), kind=pl.lit(kind)
        )
        for name, (height, kind) in known.items()
    )


def wide(until: int, ahead: int = 0, first: int = 0) -> pl.DataFrame:
    table = days(until, ahead, first)
    return table.select("day", north="y", south=pl.col("z") * 10)


class Case(NamedTuple):
    table: Any
    columns: dict[str, Any]
    channels: tuple[int, int, int, int]  # targets, past, known, static
    series: int = 1
    ahead: int = 0

    def all(self, until: int = ROWS) -> pl.DataFrame:
        return self.table(until, self.ahead)

    def newer(self, rows: int) -> pl.DataFrame:
        """The rows that follow on those that it was fitted on, and what is known beyond them."""
        return self.table(ROWS + rows, self.ahead, ROWS)

    def fit(self, **about) -> ur.Forecaster:
        return forecaster(**about).fit(self.all(), **self.columns)


CASES = {
    "two targets": Case(days, {"target": ["y", "z"]}, (2, 3, 0, 0)),
    "past": Case(days, {"target": "y", "past": ["x"]}, (1, 1, 0, 0)),
    "future": Case(days, {"target": "y", "past": ["x"], "future": ["plan"]}, (1, 1, 1, 0), ahead=HORIZON),
    "only future": Case(days, {"target": ["y", "z"], "future": ["plan"]}, (2, 0, 1, 0), ahead=HORIZON),
    "angle": Case(days, {"target": "y", "past": ["x"], "angles": ["wind"]}, (1, 3, 0, 0)),
    "angle ahead": Case(days, {"target": "y", "future": ["wind"], "angles": ["wind"]}, (1, 0, 2, 0), ahead=HORIZON + 2),
    "calendar": Case(days, {"target": "y", "past": [], "calendar": True}, (1, 0, 4, 0)),
    "static": Case(sites, {"target": "y", "series": "site", "static": ["height", "kind"]}, (1, 0, 0, 3), 3),
    "wide": Case(wide, {"target": (), "wide": True}, (1, 0, 0, 0), 2),
    "all": Case(
        sites,
        {
            "target": ["y", "z"],
            "series": "site",
            "past": ["x"],
            "future": ["plan", "wind"],
            "static": ["height", "kind"],
            "angles": ["wind"],
            "calendar": True,
        },
        (2, 1, 7, 3),
        3,
        HORIZON,
    ),
}
case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


@case
def test_what_was_declared_is_read_and_the_run_says_the_same_bits(case, tmp_path):
    f = case.fit()
    shape = f._fitted().plan.architecture
    assert (shape.targets, shape.past, shape.known, shape.static) == case.channels
    ahead, targets = f.predict(), f._fitted().plan.columns.targets
    assert ahead.height == HORIZON * case.series
    for name in targets:
        assert ahead[name].is_finite().all()
        assert (ahead[f"{name}_lower"] <= ahead[name]).all()
        assert (ahead[name] <= ahead[f"{name}_upper"]).all()
    assert ahead["day"].min() == date(2024, 1, 1) + timedelta(days=ROWS)
    assert [one.target for one in f.evaluations] == list(targets)
    errors = f.evaluate()
    assert errors.columns[0] == ("target" if len(targets) > 1 else "method")
    assert errors.height == 6 * len(targets)
    g = ur.load(f.save(tmp_path / "run"))
    assert_frame_equal(g.predict(), ahead, check_exact=True)
    assert_frame_equal(g.evaluate(), errors, check_exact=True)
    assert g.evaluations == f.evaluations
    for newer in (case.all(), case.all(ROWS + 5), case.newer(5), case.newer(30)):
        assert_frame_equal(g.predict(newer), f.predict(newer), check_exact=True)


@case
def test_newer_rows_alone_say_what_all_rows_say(case):
    """The look-back's rest comes from the context, and so does what is known ahead of the data itself."""
    f = case.fit()
    assert_frame_equal(f.predict(case.all()), f.predict(), check_exact=True)
    for rows in (1, 5, LOOKBACK, 20):
        new, whole = case.newer(rows), case.all(ROWS + rows)
        assert_frame_equal(f.predict(new), f.predict(whole), check_exact=True)


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("loss", ["mae", "mse", "huber", "smape", "quantile"])
def test_every_strategy_and_loss_goes_to_disk_and_back(strategy, loss, tmp_path):
    f = CASES["all"].fit(strategy=strategy, loss=loss)
    g = ur.load(f.save(tmp_path / "run"))
    assert_frame_equal(g.predict(), f.predict(), check_exact=True)
    assert g._shape == f._shape | {"scaling": "standard"}  # as it was found when nobody asked


@pytest.mark.parametrize(
    "about",
    [
        {"model": "seq2seq", "attention": "dot"},
        {"model": "seq2seq", "attention": "scaled-dot", "teacher_forcing": 0.5, "schedule": "constant"},
        {"scaling": "min-max", "skip": "linear"},
        {"scaling": "robust", "ensemble": 2, "skip": "linear"},
        {"scaling": "log", "loss": "quantile", "level": 0.8, "intervals": "split"},
        {"cell": "mingru", "layers": 2, "dropout": 0.1, "level": None},
    ],
    ids=str,
)
def test_every_option_goes_to_disk_and_back_and_is_done_again(about, tmp_path):
    f = CASES["all"].fit(**about)
    g = ur.load(f.save(tmp_path / "run"))
    assert_frame_equal(g.predict(), f.predict(), check_exact=True)
    again = eval(  # what the report says to do again
        f._fitted().plan.python().split("f = ")[1].split("\n")[0], {"ur": ur}
    )
    assert (again._shape, again.level, again.intervals) == (f._shape, f.level, f.intervals)
    assert again.fit(CASES["all"].all(), **CASES["all"].columns).predict().equals(f.predict())


@case
def test_the_columns_that_were_found_make_the_same_panel_again(case):
    f = case.fit()
    plan = f._fitted().plan
    again = plan.columns.read(case.all())
    assert again.fingerprint() == plan.data["fingerprint"]
    saved = Columns.from_json(json.loads(json.dumps(plan.as_json()["columns"])))
    assert saved.read(case.all()).fingerprint() == plan.data["fingerprint"]


@case
def test_a_run_is_resumed_with_all_its_inputs(case, tmp_path):
    f = forecaster().fit(case.all(), **case.columns, run=tmp_path / "run")
    again = ur.Forecaster.resume(tmp_path / "run", case.all())
    assert_frame_equal(again.predict(), f.predict(), check_exact=True)


def test_what_is_known_ahead_decides_the_forecast():
    """The target is the plan of its own day and nothing else: no past could tell."""
    rng = np.random.default_rng(0)
    plan = rng.normal(size=600)
    table = pl.DataFrame({"plan": plan, "y": 10 + 2 * plan + 0.05 * rng.normal(size=600)})
    table = table.with_columns(y=pl.when(pl.int_range(600) < 597).then("y").otherwise(None))
    training = ur.TrainingSettings(epochs=12, threads=1, learning_rate=1e-2)
    f = forecaster(training, hidden=16).fit(table, target="y", future=["plan"])
    errors = f.evaluation.overall
    assert (errors["LSTM"]["MAE"] or 9.0) < 0.5 * (errors["naive"]["MAE"] or 0.0)
    assert (errors["linear autoregression"]["MAE"] or 9.0) < 0.2  # the line reads it as well
    other = table.with_columns(plan=pl.when(pl.int_range(600) < 597).then("plan").otherwise(1.0))
    assert f.predict(other)["y"].to_list() == pytest.approx([12.0] * 3, abs=0.7)
    assert f.predict(other)["y"].to_list() != f.predict()["y"].to_list()


def test_a_future_covariate_that_is_missing_ahead_is_refused_with_when():
    columns = CASES["future"].columns
    with pytest.raises(DataError, match=r"^column 'plan' is to be known ahead and is missing from 2024-06-11 on,"):
        forecaster().fit(days(ROWS, HORIZON - 1), **columns)
    f = forecaster().fit(days(ROWS, HORIZON), **columns)
    with pytest.raises(DataError, match=r"^column 'plan' is to be known ahead and is missing from 2024-06-14 on,"):
        f.predict(days(ROWS + 5, 0, ROWS))
    assert f.predict(days(ROWS + 5, HORIZON, ROWS)).height == HORIZON


def test_newer_rows_with_words_that_were_not_there_are_refused():
    f = CASES["static"].fit()
    newer = sites(ROWS + 20, 0, ROWS).with_columns(kind=pl.lit("coast"))
    with pytest.raises(DataError, match=r"'coast'"):
        f.predict(newer)
    changed = sites(ROWS + 20, 0, ROWS).with_columns(height=pl.int_range(pl.len()).cast(pl.Float64))
    with pytest.raises(DataError, match=r"'height'"):
        f.predict(changed)


def young(until: int, ahead: int, first: int) -> pl.DataFrame:
    """A site of which there are only a few days."""
    return sites(until, ahead, first).filter(pl.col("site") == "west").with_columns(site=pl.lit("young"))


def test_short_series_with_inputs_are_forecast_after_training_too(tmp_path):
    """Two days of a fourth site: nothing is learnt of it, and its forecast reads its own plan."""
    few = young(ROWS, HORIZON, ROWS - 2)
    table = pl.concat([CASES["all"].all(), few])
    f = forecaster().fit(table, **CASES["all"].columns)
    ahead = f.predict()
    assert ahead.filter(pl.col("site") == "young")["y"].is_finite().all()
    g = ur.load(f.save(tmp_path / "run"))
    assert_frame_equal(g.predict(), ahead, check_exact=True)
    newer = sites(ROWS + 4, HORIZON, ROWS).filter(pl.col("site") == "west").with_columns(site=pl.lit("young"))
    both = pl.concat(
        [sites(ROWS, 0, ROWS - 2).filter(pl.col("site") == "west").with_columns(site=pl.lit("young")), newer]
    )
    assert_frame_equal(g.predict(newer), f.predict(both), check_exact=True)


def test_a_short_series_with_nothing_but_rows_ahead_goes_on_from_its_context():
    few = young(ROWS, HORIZON, ROWS - 2)
    f = forecaster().fit(pl.concat([CASES["all"].all(), few]), **CASES["all"].columns)
    ahead = few.filter(pl.col("y").is_null())
    own = f.predict().filter(pl.col("site") == "young")
    assert_frame_equal(f.predict(ahead), own, check_exact=True)
    late = ahead.with_columns(pl.col("day").dt.offset_by("30d"))
    with pytest.raises(DataError, match=r"^series 'young' has 0 rows, and the network reads 8 before it forecasts"):
        f.predict(late)


def test_hours_of_a_year_are_read_off_the_stamps():
    stamps = pl.datetime_range(datetime(2024, 1, 1), datetime(2024, 1, 12), "1h", eager=True, time_zone="Europe/Berlin")
    y = np.random.default_rng(0).normal(size=len(stamps))
    f = forecaster().fit(pl.DataFrame({"t": stamps, "y": y}), target="y", past=[], calendar=True)
    assert f.predict()["t"][0] == stamps[-1] + timedelta(hours=1)
    assert f._fitted().plan.architecture.known == 6


def test_a_target_that_is_never_seen_in_the_test_part_is_refused_before_training(tmp_path):
    gone = days(ROWS).with_columns(z=pl.when(pl.int_range(ROWS) < 125).then("z").otherwise(None))
    with pytest.raises(DataError, match=r"^'z' has no value in the windows of the .* part; leave it out, or give"):
        forecaster().fit(gone, target=["y", "z"], past=[], fill="forward", run=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_masked_gaps_are_read_and_kept():
    gone = days(ROWS).with_columns(y=pl.when(pl.int_range(ROWS) % 9 == 4).then(None).otherwise("y"))
    f = forecaster().fit(gone, target="y", past=["x"], fill="mask")
    assert f._fitted().plan.columns.masks == ("y",)
    assert f._fitted().plan.architecture.past == 2
    assert_frame_equal(f.predict(gone), f.predict(), check_exact=True)
