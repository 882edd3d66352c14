"""The report's document: the renderer takes it, its lines keep what matters, and hostile names stay text."""

import copy
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from html.parser import HTMLParser
from typing import Any, cast

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import unrolled as ur
from unrolled.checkpoint import TrainingState
from unrolled.report import render
from unrolled.report.document import charts, check
from unrolled.series.judging.evaluation import METRICS, Evaluation
from unrolled.series.judging.intervals import Said
from unrolled.series.learning.backtest import Backtest, Fold
from unrolled.series.learning.fitted import ahead_table
from unrolled.series.learning.plan import Architecture, Columns, Plan, facts
from unrolled.series.learning.strategies import Compared
from unrolled.series.learning.trial import Trial, judge
from unrolled.series.panels.panel import Panel
from unrolled.series.reading.frequency import Frequency
from unrolled.series.report import (
    backtest_section,
    forecast_document,
    number,
    share,
    strategies_section,
    with_section,
)
from unrolled.series.report.charts import coverage_chart, lag_chart
from unrolled.series.report.lines import SHOWN_POINTS, thinned
from unrolled.series.report.tables import ENDS, STEPS, intervals_table, series_table, significance_table, steps_table
from unrolled.series.report.target import errors, verdict
from unrolled.series.report.told import drawn, skills, worst_first
from unrolled.series.report.words import chance, network
from unrolled.series.windows.examples import Examples
from unrolled.series.windows.split import split
from unrolled.training import TrainingSettings

LOOKBACK, HORIZON, LEVEL = 8, 3, 0.8
RECORDS = [
    {"step": 2, "epoch": 0.5, "loss": 0.9, "validation": 0.8, "seconds": 1.0},
    {"step": 4, "epoch": 1.0, "loss": 0.7, "validation": 0.6, "seconds": 2.0},
    {"step": 6, "epoch": 1.5, "loss": 0.6, "validation": 0.7, "seconds": 3.0},
]


def noisy(length: int = 100, seed: int = 0) -> np.ndarray:
    return 10 + np.random.default_rng(seed).normal(size=length)


@dataclass(frozen=True)
class Off(Trial):
    """A network that is off by a known amount, ``error(times, series)``, on the original scale."""

    error: Any = None

    def say(self, part) -> Said:
        windows = self.examples.windows(part)
        batch = windows.batch(torch.arange(len(windows)))
        off = torch.from_numpy(np.asarray(self.error(windows.times, windows.series), np.float32))
        levels = batch.future.nan_to_num() + off[:, None, None] / batch.scale[:, None, :]
        return Said(windows, levels[..., None].numpy())


def document_of(
    panel: Panel,
    refit: bool = False,
    error=lambda times, series: 0.25 + 0 * times,
    level: float | None = LEVEL,
    members=1,
    **shape,
) -> dict[str, Any]:
    cuts, method = split(panel), shape.pop("intervals", "rolling")
    shape = Architecture.of(panel, cell="lstm", lookback=LOOKBACK, horizon=HORIZON, hidden=8, **shape)
    examples = Examples.build(panel, cuts, LOOKBACK, HORIZON, shape.scaling)
    states = [TrainingState({}, records=RECORDS, seconds=3.0) for _ in range(members)]
    trial = Off(shape, examples, cast(Any, None), states, error)
    judged = judge(trial, level, method)
    notes = ("Something was found in the data.",)
    settings = TrainingSettings(epochs=2, seed=3).filled()
    columns = Columns.found(panel, None)
    plan = Plan(shape, columns, settings, refit, level, method, "a table.csv", facts(panel, cuts), notes)
    count = len(panel.names) * len(panel.targets)
    ahead = np.arange(count * HORIZON, dtype=float).reshape(len(panel.names), len(panel.targets), HORIZON)
    ahead = ahead.transpose(0, 2, 1)
    bounds = [] if judged.intervals is None else [ahead - 1, ahead + 2]
    future = ahead_table(panel, [ahead, *bounds], pl.String() if panel.series else None)
    document = forecast_document(plan, trial, judged, judged.evaluations(panel), future)
    assert json.loads(json.dumps(document, allow_nan=False)) == json.loads(json.dumps(document))
    check(document)
    return document


def section(document: dict[str, Any], title: str) -> dict[str, Any]:
    return next(part for part in document["sections"] if part["title"].startswith(title))


def chart(document: dict[str, Any], title: str, number: int = 0) -> Mapping[str, Any]:
    return list(charts(section(document, title)["blocks"]))[number]


def texts(node) -> list[str]:
    if isinstance(node, str):
        return [node]
    inner = node.values() if isinstance(node, dict) else node if isinstance(node, list | tuple) else ()
    return [text for part in inner for text in texts(part)]


@pytest.mark.parametrize("refit", [False, True])
def test_the_renderer_takes_the_document_of_one_series(panel_of, refit):
    document = document_of(panel_of([noisy()]), refit)
    before = copy.deepcopy(document)
    assert "<html" in render(document)
    assert document == before
    note = "Then one more network was trained on all rows, for as many epochs; it made the forecast of the future."
    assert (note in texts(section(document, "Training"))) == refit
    again = texts(section(document, "Run it again"))
    assert any(
        "unrolled forecast 'a table.csv' --target y" in text and text.endswith("--refit") == refit for text in again
    )


def test_what_was_found_split_and_trained_is_said(panel_of):
    document = document_of(panel_of([noisy()]))
    assert document["title"] == "Forecast of y"
    assert document["subtitle"] == "a table.csv · daily, 2020-01-01 to 2020-04-09 · LSTM, 3 steps ahead"
    said = texts(section(document, "The data"))
    assert "Something was found in the data." in said
    assert "Split in time: validation begins at 2020-03-11, test at 2020-03-21; train is all before." in said
    said = texts(section(document, "Training"))
    assert "Best validation loss 0.6 at epoch 1; 3 s in all." in said
    assert any("at most 2 epochs, seed 3." in text for text in said)
    loss = chart(document, "Training")
    assert [line["x"] for line in loss["series"]] == [[0.5, 1.0, 1.5]] * 2
    assert [line["y"] for line in loss["series"]] == [[0.9, 0.7, 0.6], [0.8, 0.6, 0.7]]


@pytest.mark.parametrize(
    ("scaling", "words"),
    [
        ("standard", "Scaled by the mean and the standard deviation of each column, from"),
        ("min-max", "Scaled by the least value and the range of each column, from"),
        ("robust", "Scaled by the median and the interquartile range of each column, from"),
        ("log", "Scaled by the mean and the standard deviation, of a target's logarithms of each column, from"),
    ],
)
def test_scaling_is_said_as_it_was(panel_of, scaling, words):
    said = texts(section(document_of(panel_of([noisy()]), scaling=scaling), "The data"))
    assert f"{words} the training part alone ({scaling} scaling)." in said


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        ("mae", "mean absolute error, scaled"),
        ("mse", "mean squared error, scaled"),
        ("huber", "Huber loss, scaled"),
        ("smape", "symmetric relative error"),
        ("quantile", "pinball loss, scaled"),
    ],
)
def test_the_axis_says_which_loss_it_shows(panel_of, loss, words):
    quantiles = (0.1, 0.5, 0.9) if loss == "quantile" else ()
    document = document_of(panel_of([noisy()]), loss=loss, quantiles=quantiles)
    assert chart(document, "Training")["y"]["label"] == words
    said = texts(section(document, "Training"))
    assert f"Trained to lower the {words}." in said
    assert any("quantiles 10%, 50%, 90%" in text for text in said) == (loss == "quantile")


def test_every_network_of_an_ensemble_has_its_line(panel_of):
    document = document_of(panel_of([noisy()]), members=10, ensemble=10)
    loss = chart(document, "Training")
    assert [line["name"] for line in loss["series"]] == [f"network {n}" for n in range(1, 9)]
    assert loss["caption"].endswith("The first 8 of 10 networks.")
    said = texts(section(document, "Training"))
    assert any(text.startswith("10 networks that differ by their seeds, and forecast their mean.") for text in said)
    assert any("seeds 3 to 12." in text for text in said)
    assert "· 10 × LSTM, 3 steps ahead" in document["subtitle"]


@pytest.mark.parametrize(
    ("strategy", "more", "words"),
    [
        ("multi-output", {}, "A linear head says the change ahead for all 3 steps at once (multi-output)."),
        ("direct", {}, "There is a network of its own for each step ahead (direct)."),
        ("recursive", {}, "until it has said all 3 steps (recursive)."),
        ("seq2seq", {"attention": "dot"}, "step by step, with dot attention, and says all 3 steps"),
        ("seq2seq", {"teacher_forcing": 0.5}, "the truth with probability 0.5, falling to 0 over the training."),
        ("seq2seq", {"schedule": "constant"}, "the truth with probability 1."),
    ],
)
def test_the_strategy_is_said(panel_of, strategy, more, words):
    shape = Architecture.of(
        panel_of([noisy()]), cell="gru", lookback=8, horizon=3, strategy=strategy, dropout=0.1, **more
    )
    said = network(shape, 1)
    assert words in said[0]
    assert said[0].startswith("GRU with 1 × 64 hidden units, reading 8 steps")
    assert said[-1] == "Dropout of 0.1 between layers and before the head, in training."


def test_dates_are_right_where_the_earliest_series_was_left_out(panel_of):
    panel = panel_of([noisy(90), noisy(80)], [10, 20])
    document = document_of(panel)
    assert "daily, 2020-01-11 to 2020-04-09" in document["subtitle"]
    said = texts(section(document, "The data"))
    assert any("the same cut for every series: validation begins at 2020-03-11, test at" in text for text in said)
    dates = facts(panel, split(panel))
    assert [dates[name] for name in ("begins", "validation_begins", "test_begins", "ends")] == [
        "2020-01-11",
        "2020-03-11",
        "2020-03-21",
        "2020-04-09",
    ]


@pytest.mark.parametrize("method", ["rolling", "split"])
def test_test_forecasts_lie_where_they_belong_and_do_not_overlap(panel_of, method):
    """Every error is 0.25, and so is what the band is widened by on both sides."""
    values = noisy()
    made = chart(document_of(panel_of([values]), intervals=method), "Test forecasts")
    truth, said, band = made["series"]
    assert made["x"]["values"][0] == "2020-03-21"
    np.testing.assert_allclose(truth["y"], values[80:], rtol=1e-5)
    np.testing.assert_allclose(said["y"][:18], values[80:98] + 0.25, rtol=1e-5)
    np.testing.assert_allclose(band["low"][:18], values[80:98], rtol=1e-5)
    np.testing.assert_allclose(band["y"][:18], values[80:98] + 0.5, rtol=1e-5)
    assert band["name"] == "80% interval"
    assert said["y"][18:] == band["y"][18:] == band["low"][18:] == [None, None]  # 20 steps hold six horizons of 3


def test_a_band_of_the_test_chart_reads_what_was_known_and_no_more(panel_of, adapted):
    """Errors three times as large from the test part on; the oracle reads those that were known, step by step."""
    errors = np.random.default_rng(5).normal(size=300) * (1 + 2 * (np.arange(300) >= 240))
    document = document_of(panel_of([noisy(300)]), error=lambda times, series: errors[times])
    _, said, band = chart(document, "Test forecasts")["series"]
    validation, test = np.arange(210, 238), np.arange(240, 298)  # the windows' first steps
    times = np.concatenate([validation, test])
    widened = [adapted(abs(errors[times]), times.tolist(), step, LEVEL, len(validation)) for step in range(3)]
    for row in range(60):
        expected = widened[row % 3][240 + row // 3 * 3]
        assert band["y"][row] - said["y"][row] == pytest.approx(expected, abs=2e-4)
        assert said["y"][row] - band["low"][row] == pytest.approx(expected, abs=2e-4)


def test_the_future_follows_on_the_last_row(panel_of):
    values = noisy()
    known, ahead, band = chart(document_of(panel_of([values])), "The future")["series"]
    assert known["x"][-1] == "2020-04-09"
    assert known["y"][-1] == pytest.approx(values[-1], rel=1e-5)
    assert ahead["x"] == band["x"] == ["2020-04-10", "2020-04-11", "2020-04-12"]
    assert ahead["y"] == [0.0, 1.0, 2.0]
    assert (band["style"], band["low"], band["y"]) == ("band", [-1.0, 0.0, 1.0], [2.0, 3.0, 4.0])


def test_without_intervals_there_is_no_band_and_no_section_on_them(panel_of):
    document = document_of(panel_of([noisy()]), level=None)
    for title in ("The future", "Test forecasts"):
        assert [line.get("style") for line in chart(document, title)["series"]] == [None, None]
    assert "The intervals" not in [part["title"] for part in document["sections"]]
    assert len(section(document, "In short")["blocks"][1]["cards"]) == 4


def test_marks_show_the_parts_where_each_series_has_rows(panel_of):
    panel = panel_of([noisy(100), noisy(25, 1), noisy(12, 2)], [0, 60, 86])
    document = document_of(panel)
    tabs = section(document, "The data")["blocks"][0]["tabs"]
    marks = {tab["label"].split()[0]: next(charts(tab["blocks"]))["marks"] for tab in tabs}
    assert marks["a"] == [
        {"from": "2020-01-01", "to": "2020-03-11", "label": "train"},
        {"from": "2020-03-11", "to": "2020-03-21", "label": "validation"},
        {"from": "2020-03-21", "to": "2020-04-10", "label": "test"},
    ]
    assert marks["b"] == [
        {"from": "2020-03-01", "to": "2020-03-11", "label": "train"},
        {"from": "2020-03-11", "to": "2020-03-21", "label": "validation"},
        {"from": "2020-03-21", "to": "2020-03-26", "label": "test"},
    ]
    assert marks["c"] == [{"from": "2020-03-27", "to": "2020-04-08", "label": "test"}]


def test_the_worst_and_the_best_of_many_series_are_drawn_each_with_its_own_future(panel_of):
    """All series are equally noisy, so their skill falls as the error grows: c, e, a, b, f, d from the worst on."""
    off = np.array([0.3, 0.2, 0.9, 0.01, 0.5, 0.1])
    series = [noisy() + 100 * i for i in range(6)]
    document = document_of(panel_of(series, [0] * 6), error=lambda times, own: off[own])
    tabs = section(document, "The future")["blocks"][0]["tabs"]
    assert [tab["label"].split()[0] for tab in tabs] == ["c", "e", "f", "d"]
    shown = [float(tab["label"].split()[1].removesuffix("%")) for tab in tabs]
    assert shown == sorted(shown)
    note = section(document, "The future")["note"]
    assert "Of 6 series the 2 forecast worst and the 2 forecast best are drawn, by their skill on" in note
    for place, i in enumerate([2, 4, 5, 3]):
        known, ahead, _ = chart(document, "The future", place)["series"]
        assert known["y"][-1] == pytest.approx(series[i][-1], rel=1e-5)
        assert ahead["y"] == [3.0 * i, 3 * i + 1.0, 3 * i + 2.0]
        truth, said, _ = chart(document, "Test forecasts", place)["series"]
        np.testing.assert_allclose(truth["y"], series[i][80:], rtol=1e-5)
        np.testing.assert_allclose(said["y"][:3], series[i][80:83] + off[i], rtol=1e-5)
    details = next(b for b in section(document, "All errors")["blocks"] if b.get("summary") == "By series (6)")
    assert [row[0] for row in details["blocks"][0]["rows"]] == list("ceabfd")


def test_series_named_by_numbers_have_their_futures_too(panel_of):
    panel = panel_of([noisy(), noisy(seed=1)], [0, 0], names=("7", "10"))
    document = document_of(panel)
    ahead = {tuple(chart(document, "The future", i)["series"][1]["y"]) for i in range(2)}
    assert ahead == {(0, 1, 2), (3, 4, 5)}


def test_several_targets_have_a_section_each(panel_of):
    values = np.stack([noisy(), 100 + noisy(seed=1)], axis=1)
    panel = panel_of([values], targets=("y", "z"), past=())
    document = document_of(panel, error=lambda times, series: 0.1 + 0 * times)
    render(document)
    titles = [part["title"] for part in document["sections"]]
    assert titles == ["In short", "y", "z", "The data, and where it was split", "Training", "Run it again"]
    said, table = section(document, "In short")["blocks"]
    assert said["text"] == "The LSTM beats the best baseline on 2 of 2 targets."
    assert [row[0] for row in table["rows"]] == ["y", "z"]
    assert len(table["columns"]) == 6
    for target, column in (("y", 0), ("z", 1)):
        future, test = (chart(document, target, k) for k in range(2))
        assert future["series"][1]["y"] == [3.0 * column + k for k in range(3)]
        assert future["series"][2]["low"] == [3.0 * column + k - 1 for k in range(3)]
        np.testing.assert_allclose(test["series"][0]["y"], values[80:, column], rtol=1e-5)
        np.testing.assert_allclose(test["series"][1]["y"][:18], values[80:98, column] + 0.1, rtol=1e-5)
        folded = [block["summary"] for block in section(document, target)["blocks"] if block["type"] == "details"]
        assert folded == [
            "Errors by step ahead",
            "All errors on the test part",
            "More than chance?",
            "The intervals",
            "The last value, shifted?",
        ]
    worse = document_of(panel, error=lambda times, series: 9.0 + 0 * times)
    said = section(worse, "In short")["blocks"][0]["text"]
    assert said == "The LSTM beats the best baseline on none of the 2 targets."


@pytest.mark.parametrize(
    ("about", "last", "kind"),
    [
        ({"time": None, "origin": 0, "frequency": Frequency.parse("row"), "dtype": pl.Int64()}, 99, "value"),
        (
            {"origin": datetime(2024, 1, 1), "frequency": Frequency.parse("15m"), "dtype": pl.Datetime("us")},
            "2024-01-02 00:45:00",
            "time",
        ),
        (
            {"origin": datetime(2024, 1, 31), "frequency": Frequency.parse("1me"), "dtype": pl.Datetime("ms")},
            "2032-04-30 00:00:00",
            "time",
        ),
    ],
    ids=["no time", "every 15 minutes", "month ends"],
)
def test_stamps_of_every_kind_are_taken_by_the_renderer(panel_of, about, last, kind):
    document = document_of(panel_of([noisy()], **about))
    render(document)
    known, ahead, _ = chart(document, "The future")["series"]
    assert known["x"][-1] == last
    assert chart(document, "The future")["x"]["type"] == kind
    assert ahead["x"][0] > last
    assert str(last).removesuffix(":00") in document["subtitle"]


class Scripts(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found, self.inside = [], False

    def handle_starttag(self, tag, attrs):
        self.found += [tag for name, value in attrs if name.startswith("on")]
        self.inside = tag == "script"

    def handle_data(self, data):
        if self.inside and "boom" in data and "<script>boom" in data:
            self.found.append(data[:50])


@pytest.mark.parametrize("several", [False, True])
def test_hostile_names_of_columns_and_series_stay_text(panel_of, several):
    evil = "<script>boom()</script><img src=x onerror=boom()>&\"'`</td>{{ }}\u2028"
    panel = panel_of(
        [np.stack([noisy(), noisy(seed=1)], axis=1), np.stack([noisy(seed=2), noisy(seed=3)], axis=1)],
        [0, 0],
        names=(evil, "b" + evil),
        targets=("y" + evil, "z" + evil) if several else ("y" + evil,),
        time="t" + evil,
        series="s" + evil,
        past=() if several else ("x" + evil,),
    )
    document = document_of(panel)
    html = render(document)
    assert "<script>boom" not in html
    assert "<img src=x" not in html
    scripts = Scripts()
    scripts.feed(html)
    assert not scripts.found
    assert "Forecast of y" in html


def made(errors: Mapping[str, Mapping[str, float | None]], steps: int = 2, **about) -> Evaluation:
    """An evaluation with these errors by method and series; overall their mean."""
    overall: dict[str, dict[str, float | None]] = {}
    for method, own in errors.items():
        mean = float(np.mean([error for error in own.values() if error is not None]))
        overall[method] = dict.fromkeys(METRICS, mean)
    by_step: Any = {m: {name: [own["MAE"]] * steps for name in METRICS} for m, own in overall.items()}
    by_series = {m: dict(own) for m, own in errors.items()}
    more = {"caveat": None, "tests": [], "lag": None} | about
    return Evaluation("y", "test", 10, overall, by_step, by_series, **more)


def test_series_are_ranked_by_skill_and_those_without_any_come_last():
    mine = {"a": 2.0, "b": 1.0, "c": None, "d": 1.0, "e": 3.0}
    evaluation = made({"LSTM": mine, "naive": {"a": 2.0, "b": 4.0, "c": 1.0, "d": 0.0, "e": 4.0}})
    found = skills(evaluation)
    assert [found[name] for name in "abe"] == [0.0, 0.75, 0.25]
    assert math.isnan(found["c"])
    assert math.isnan(found["d"])  # nothing is better than a baseline without errors
    assert worst_first(evaluation) == ["a", "e", "b", "c", "d"]
    assert drawn(evaluation, 5) == ["a", "e", "b", "c", "d"]
    assert drawn(evaluation, 2) == ["a", "b"]
    assert drawn(evaluation, 1) == ["b"]
    assert drawn(evaluation, 4) == ["a", "e", "b"]  # what was never scored shows nothing


@settings(deadline=None)
@given(errors=st.lists(st.integers(1, 40).map(lambda n: n / 8), min_size=1, max_size=12), most=st.integers(2, 6))
def test_what_is_drawn_are_the_two_ends(errors, most):
    names = [f"s{i}" for i in range(len(errors))]
    evaluation = made({"LSTM": dict(zip(names, errors, strict=True)), "naive": dict.fromkeys(names, 1.0)})
    shown = drawn(evaluation, most)
    assert len(shown) == len(set(shown)) == min(most, len(names))
    error = dict(zip(names, errors, strict=True))
    order = sorted(errors, reverse=True)
    ends = order if len(order) <= most else order[: most // 2] + order[-(most - most // 2) :]
    assert [error[name] for name in shown] == ends


def test_a_long_table_of_series_has_its_two_ends():
    names = [f"s{i}" for i in range(5000)]
    mine: dict[str, float | None] = {name: 1 + i / 5000 for i, name in enumerate(names)}
    evaluation = made({"LSTM": mine, "naive": dict.fromkeys(names, 2.0)})
    table = series_table(evaluation)
    assert len(table["rows"]) == 2 * ENDS + 1
    assert table["rows"][0][0] == "s4999"
    assert table["rows"][ENDS] == ["…"] * 4
    assert table["rows"][-1] == ["s0", "1.000", "2.000", "+50.0%"]
    assert "The 100 worst and the 100 best of 5,000; `run.json` has all." in table["caption"]
    short = made({"LSTM": dict(list(mine.items())[:200]), "naive": dict.fromkeys(names[:200], 2.0)})
    assert len(series_table(short)["rows"]) == 200
    assert "run.json" not in series_table(short)["caption"]


def test_a_long_table_by_step_keeps_every_few_steps():
    errors = {"LSTM": {"a": 1.0}, "naive": {"a": 2.0}}
    table = steps_table(made(errors, steps=500))
    assert [row[0] for row in table["rows"]][:3] == ["1", "4", "7"]
    assert len(table["rows"]) <= STEPS
    assert table["caption"].endswith("Every 3 steps; `run.json` has all.")
    assert len(steps_table(made(errors, steps=200))["rows"]) == 200


def test_tests_say_who_is_better_and_whether_that_is_chance():
    about = {"model": "LSTM", "kernel": ""}
    tests = [
        {"test": "Diebold-Mariano", "baseline": "naive", "statistic": -3.5, "p_value": 1e-9, "n": 1234, **about},
        {"test": "Wilcoxon", "baseline": "naive", "statistic": 3.0, "p_value": 0.02, "n": 7, **about},
        {"test": "Diebold-Mariano", "baseline": "drift", "statistic": math.inf, "p_value": 0.0499, "n": 9, **about},
        {"test": "Diebold-Mariano", "baseline": "linear", "statistic": math.nan, "p_value": math.nan, "n": 0, **about},
        {"test": "Diebold-Mariano", "baseline": "mean", "statistic": -math.inf, "p_value": 0.05, "n": 9, **about},
    ]
    for test, difference in zip(tests, (-1.5, -0.25, 2.0, math.nan, -1.0), strict=True):
        test["mean_difference"] = difference
    table = significance_table(made({"LSTM": {"a": 1.0}, "naive": {"a": 2.0}}, tests=tests))
    assert table is not None
    assert table["rows"] == [
        ["naive", "Diebold-Mariano", "better", "-1.500", "-3.500", "<0.0001", "1,234"],
        ["naive", "Wilcoxon", "better", "-0.2500", "3.000", "0.02", "7"],
        ["drift", "Diebold-Mariano", "worse", "2.000", "∞", "0.0499", "9"],
        ["linear", "Diebold-Mariano", "not to be tested", "–", "–", "–", "0"],
        ["mean", "Diebold-Mariano", "no different", "-1.000", "−∞", "0.05", "9"],
    ]
    alone = significance_table(made({"LSTM": {"a": 1.0}, "naive": {"a": 2.0}}, tests=tests[:1]))
    assert alone is not None
    assert [column["name"] for column in alone["columns"]][:2] == ["against", "the model is"]
    assert "Wilcoxon" not in alone["caption"]
    assert significance_table(made({"LSTM": {"a": 1.0}, "naive": {"a": 2.0}})) is None


HELD = {
    "level": 0.9,
    "used": "rolling",
    "methods": {
        "split": {"coverage": 0.8, "by_step": [0.75, 0.85], "width": 2.0, "interval score": 5.0, "MSIS": 1.25},
        "rolling": {"coverage": 0.9, "by_step": [0.875, None], "width": 3.0, "interval score": 4.0, "MSIS": 1.0},
    },
}


def test_coverage_stands_beside_what_was_promised():
    made = coverage_chart(HELD)
    assert [(line["name"], line["y"]) for line in made["series"]] == [
        ("promised", [90.0, 90.0]),
        ("rolling", [87.5, None]),
        ("split", [75.0, 85.0]),
    ]
    assert [bool(line.get("emphasis")) for line in made["series"]] == [False, True, False]
    assert intervals_table(HELD)["rows"] == [
        ["rolling", "90.0%", "3.000", "4.000", "1.000"],
        ["split", "80.0%", "2.000", "5.000", "1.250"],
    ]


def test_correlations_by_lag_are_bars():
    made = lag_chart({"step": 1, "correlations": (0.5, float("nan"), 0.25)})
    assert made["x"]["values"] == ["0", "1", "2"]
    assert made["series"][0]["y"] == [0.5, None, 0.25]
    assert made["title"] == "Correlation of the forecast 1 step ahead with earlier values"


def test_all_metrics_have_a_column(panel_of):
    table = section(document_of(panel_of([noisy()])), "All errors")["blocks"][0]
    names = [column["name"] for column in table["columns"]]
    assert names[1:-1] == ["MAE", "RMSE", "MAPE", "sMAPE", "MASE", "RMSSE", "WAPE", "R²", "direction"]
    assert table["rows"][0][1] == "0.2500"


def backtest_of(trained: list[bool], targets: tuple[str, ...] = ("y",)) -> Backtest:
    folds = [
        Fold(k + 1, own, ("2020-01-01", f"2020-02-0{k + 1}"), (f"2020-03-0{k + 1} 05:00:00+00:00", "2020-04-01"), 10,
             {target: {"LSTM": 1.0 + k, "naive": 2.0, "drift": None} for target in targets})
        for k, own in enumerate(trained)
    ]  # fmt: skip
    whole = made({"LSTM": {"a": 1.5}, "naive": {"a": 2.0}, "drift": {"a": 3.0}})
    return Backtest(folds, [replace(whole, target=target) for target in targets], "always", False)


def test_a_backtest_has_its_folds_and_a_verdict():
    found = backtest_section(backtest_of([True, True]))
    check({"title": "t", "sections": [found]})
    verdict, drawn, table = found["blocks"]
    assert verdict["text"].startswith("The LSTM is 25.0% better than the best baseline, the naive forecast")
    assert drawn["x"]["values"] == ["1: 2020-03-01 05:00", "2: 2020-03-02 05:00"]
    assert [(line["name"], line["y"]) for line in drawn["series"]] == [
        ("LSTM", [1.0, 2.0]),
        ("naive", [2.0, 2.0]),
        ("drift", [None, None]),
    ]
    assert table["rows"] == [
        ["1: 2020-03-01 05:00", "10", "1.000", "2.000", "–", "+50.0%"],
        ["2: 2020-03-02 05:00", "10", "2.000", "2.000", "–", "+0.0%"],
        ["all", "10", "1.500", "2.000", "3.000", "+25.0%"],
    ]
    assert table["highlight"] == [2]
    assert "A network was trained before each, on all that lies before it." in found["note"]


@pytest.mark.parametrize(
    ("trained", "words"),
    [
        ([True, False, False], "A network was trained before the first, on"),
        ([True, False, True], "A network was trained before 2 of them, on"),
        ([True], "The test part again, as one fold."),
    ],
)
def test_which_folds_were_trained_anew_is_said(trained, words):
    found = backtest_section(backtest_of(trained, ("y", "z")))
    check({"title": "t", "sections": [found]})
    assert words in found["note"]
    tabs = found["blocks"][0]["tabs"]
    assert [tab["label"] for tab in tabs] == ["y", "z"]
    assert len(list(charts(tabs[0]["blocks"]))) == (len(trained) > 1)
    rows = tabs[1]["blocks"][-1]["rows"]
    if not all(trained):
        assert [row[1] for row in rows] == [*("anew" if own else "earlier" for own in trained), ""]


def test_a_sliding_backtest_says_so():
    found = backtest_section(replace(backtest_of([True, True]), sliding=True))
    assert "before each, on part as long" not in found["note"]
    assert "on a part as long as the first one." in found["note"]


def test_strategies_are_compared_by_step_beside_the_best_baseline():
    worse = made({"LSTM, recursive": {"a": 1.75}, "naive": {"a": 2.0}, "drift": {"a": 3.0}})
    better = made({"LSTM": {"a": 1.5}, "naive": {"a": 2.0}, "drift": {"a": 3.0}})
    seconds = {"recursive": 4.4, "multi-output": 2.0}
    found = strategies_section(Compared({"recursive": [worse], "multi-output": [better]}, seconds))
    check({"title": "t", "sections": [found]})
    drawn, table = found["blocks"]
    assert [line["name"] for line in drawn["series"] if line["emphasis"]] == ["multi-output"]
    assert {line["name"]: line["y"][0] for line in drawn["series"]} == {
        "recursive": 1.75,
        "multi-output": 1.5,
        "naive": 2.0,
    }
    assert table["rows"] == [
        ["multi-output", "1.500", "1.500", "1.500", "+25.0%", "2"],
        ["recursive", "1.750", "1.750", "1.750", "+12.5%", "4"],
    ]
    two = Compared({"direct": [better, replace(better, target="z")]}, {"direct": 1.0})
    assert [tab["label"] for tab in strategies_section(two)["blocks"][0]["tabs"]] == ["y", "z"]


def test_a_section_found_later_stands_before_the_data_and_once(panel_of):
    document = document_of(panel_of([noisy()]))
    before = copy.deepcopy(document)
    once = with_section(document, {"title": "Backtest", "id": "backtest", "blocks": []})
    again = with_section(once, {"title": "Backtest again", "id": "backtest", "blocks": []})
    titles = [part["title"] for part in again["sections"]]
    assert titles.index("Backtest again") == titles.index("The data, and where it was split") - 1
    assert len(titles) == len(document["sections"]) + 1
    assert document == before


def test_a_backtest_after_a_fit_is_in_the_report_of_its_run(tmp_path):
    days = [date(2020, 1, 1) + timedelta(days=i) for i in range(160)]
    frame = pl.DataFrame({"day": days, "y": noisy(160)})
    tiny = TrainingSettings(epochs=1, threads=1)
    f = ur.Forecaster(horizon=2, lookback=4, hidden=4, training=tiny).fit(frame, target="y", run=tmp_path / "run")
    page = tmp_path / "run" / "report.html"
    assert "Mean absolute error on each fold" not in page.read_text(encoding="utf-8")
    f.backtest(folds=1)
    assert "Mean absolute error on each fold" in page.read_text(encoding="utf-8")
    f.report(tmp_path / "own.html")
    assert (tmp_path / "own.html").read_text(encoding="utf-8") == page.read_text(encoding="utf-8")
    loaded, before = ur.load(tmp_path / "run"), page.read_text(encoding="utf-8")
    loaded.backtest(frame, folds=1)
    assert page.read_text(encoding="utf-8") == before


def test_thinned_lines_keep_extremes_gaps_and_order():
    rng = np.random.default_rng(0)
    y, z = rng.normal(size=(2, 40 * SHOWN_POINTS))
    y[70_007], y[3], z[99] = 99.0, -99.0, 77.0
    y[20_000:22_000] = z[20_000:22_000] = np.nan
    for lines in ([y], [y, z]):
        kept = thinned(lines)
        assert SHOWN_POINTS / 2 < len(kept) <= SHOWN_POINTS
        assert kept.tolist() == sorted(set(kept.tolist()))
        assert {70_007, 3} <= set(kept.tolist())
        assert np.isnan(y[kept[(kept >= 20_100) & (kept < 21_900)]]).all()
        assert ((kept >= 20_000) & (kept < 22_000)).any()
        stretches = np.array_split(np.arange(len(y)), SHOWN_POINTS // (2 * len(lines)))
        for stretch in stretches[::100]:
            for line in lines:
                own = line[kept[(kept >= stretch[0]) & (kept <= stretch[-1])]]
                if not np.isnan(line[stretch]).any():
                    assert (own.max(), own.min()) == (line[stretch].max(), line[stretch].min())
    assert 99 in thinned([y, z])
    assert thinned([y[:SHOWN_POINTS]]).tolist() == list(range(SHOWN_POINTS))


def test_a_long_test_part_keeps_the_extremes_of_the_forecast_too(panel_of, monkeypatch):
    """One forecast of each stretch is far off, at a window that begins anywhere in it."""
    monkeypatch.setattr("unrolled.series.report.charts.thinned", partial(thinned, most=40))
    far = {480 + 12 * k + HORIZON * (k % 4): 50.0 + k for k in range(10)}
    error = np.vectorize(lambda time: far.get(int(time), 0.25))
    document = document_of(panel_of([noisy(600)]), error=lambda times, series: error(times))
    _, said, band = chart(document, "Test forecasts")["series"]
    assert len(said["y"]) == len(band["y"]) <= 40
    assert len([own for own in said["y"] if own is not None and own > 50]) >= 10


def test_the_caveat_stands_below_the_errors_and_not_in_the_verdict():
    evaluation = made({"LSTM": {"a": 1.0}, "naive": {"a": 2.0}}, caveat="MAPE is undefined.")
    assert verdict(evaluation)["text"].startswith("The LSTM is 50.0% better than the best baseline")
    assert "MAPE" not in verdict(evaluation)["text"]
    assert {"type": "text", "text": "MAPE is undefined."} in errors(evaluation)


def test_numbers_and_shares_are_written_short():
    assert [number(v) for v in (None, math.nan, 0.123456, 1234.567, 12345.6, -98765.4)] == [
        "–",
        "–",
        "0.1235",
        "1,235",
        "12,346",
        "-98,765",
    ]
    assert [share(v) for v in (0.25, -1.5, float("nan"), float("-inf"))] == ["+25.0%", "-150.0%", "–", "–"]
    assert [chance(p) for p in (0.5, 1e-4, 0.99e-4, math.nan)] == ["0.5", "0.0001", "<0.0001", "–"]
