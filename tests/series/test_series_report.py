"""The report's document: the renderer takes it, its lines keep what matters, and hostile names stay text."""

import copy
import json
from collections.abc import Mapping
from datetime import datetime
from html.parser import HTMLParser
from typing import Any

import numpy as np
import polars as pl
import pytest

from unrolled.report import render
from unrolled.report.document import charts, check
from unrolled.series import report
from unrolled.series.evaluation import evaluate
from unrolled.series.examples import Examples
from unrolled.series.fitted import ahead_table
from unrolled.series.frequency import Frequency
from unrolled.series.panel import Panel
from unrolled.series.plan import Architecture, Columns, Plan, facts
from unrolled.series.report import SHOWN_POINTS, forecast_document, number, share
from unrolled.series.split import split
from unrolled.training import TrainingSettings

LOOKBACK, HORIZON = 8, 3
RECORDS = [
    {"step": 2, "epoch": 0.5, "loss": 0.9, "validation": 0.8, "seconds": 1.0},
    {"step": 4, "epoch": 1.0, "loss": 0.7, "validation": 0.6, "seconds": 2.0},
    {"step": 6, "epoch": 1.5, "loss": 0.6, "validation": 0.7, "seconds": 3.0},
]


def noisy(length: int = 100, seed: int = 0) -> np.ndarray:
    return 10 + np.random.default_rng(seed).normal(size=length)


def document_of(panel: Panel, refit: bool = False) -> dict[str, Any]:
    cuts = split(panel)
    examples = Examples.build(panel, cuts, LOOKBACK, HORIZON)
    windows = examples.windows("test")
    forecasts = examples.actual(windows) + 0.25
    evaluation = evaluate(examples, "LSTM", forecasts, windows, "test", 7)
    plan = Plan(
        Architecture("lstm", len(panel.channels), LOOKBACK, HORIZON, 8, 1, 0.0),
        Columns.found(panel, None),
        TrainingSettings(epochs=2, seed=3),
        refit,
        "a table.csv",
        facts(panel, cuts),
        ("Something was found in the data.",),
    )
    series_type = pl.String() if panel.series else None
    future = ahead_table(panel, np.arange(len(panel.names) * HORIZON, dtype=float).reshape(-1, HORIZON), series_type)
    document = forecast_document(plan, examples, windows, forecasts, evaluation, RECORDS, future)
    assert json.loads(json.dumps(document, allow_nan=False)) == json.loads(json.dumps(document))
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
    assert any("validation begins at 2020-03-11, test at 2020-03-21" in text for text in said)
    said = texts(section(document, "Training"))
    assert any("Best validation loss 0.6 after 1 epochs; 3 seconds in all" in text for text in said)
    loss = chart(document, "Training")
    assert loss["x"]["values"] == [0.5, 1.0, 1.5]
    assert [line["y"] for line in loss["series"]] == [[0.9, 0.7, 0.6], [0.8, 0.6, 0.7]]


def test_dates_are_right_where_the_earliest_series_was_left_out(panel_of):
    panel = panel_of([noisy(90), noisy(80)], [10, 20])
    document = document_of(panel)
    assert "daily, 2020-01-11 to 2020-04-09" in document["subtitle"]
    said = texts(section(document, "The data"))
    assert any("validation begins at 2020-03-11, test at 2020-03-21" in text for text in said)
    dates = facts(panel, split(panel))
    assert [dates[name] for name in ("begins", "validation_begins", "test_begins", "ends")] == [
        "2020-01-11",
        "2020-03-11",
        "2020-03-21",
        "2020-04-09",
    ]


def test_test_forecasts_lie_where_they_belong_and_do_not_overlap(panel_of):
    values = noisy()
    document = document_of(panel_of([values]))
    truth, said = chart(document, "Test forecasts")["series"]
    assert truth["x"][0] == "2020-03-21"
    np.testing.assert_allclose(truth["y"], values[80:], rtol=1e-5)
    np.testing.assert_allclose(said["y"][:18], values[80:98] + 0.25, rtol=1e-5)
    assert said["y"][18:] == [None, None]  # 20 steps hold six whole horizons of 3


def test_the_future_follows_on_the_last_row(panel_of):
    values = noisy()
    known, ahead = chart(document_of(panel_of([values])), "The future")["series"]
    assert known["x"][-1] == "2020-04-09"
    assert known["y"][-1] == pytest.approx(values[-1], rel=1e-5)
    assert ahead["x"] == ["2020-04-10", "2020-04-11", "2020-04-12"]
    assert ahead["y"] == [0.0, 1.0, 2.0]


def test_marks_show_the_parts_where_each_series_has_rows(panel_of):
    panel = panel_of([noisy(100), noisy(25, 1), noisy(12, 2)], [0, 60, 86])
    document = document_of(panel)
    marks = [chart(document, "The data", i)["marks"] for i in range(3)]
    assert marks[0] == [
        {"from": "2020-01-01", "to": "2020-03-11", "label": "train"},
        {"from": "2020-03-11", "to": "2020-03-21", "label": "validation"},
        {"from": "2020-03-21", "to": "2020-04-10", "label": "test"},
    ]
    assert marks[1] == [
        {"from": "2020-03-01", "to": "2020-03-11", "label": "train"},
        {"from": "2020-03-11", "to": "2020-03-21", "label": "validation"},
        {"from": "2020-03-21", "to": "2020-03-26", "label": "test"},
    ]
    assert marks[2] == [{"from": "2020-03-27", "to": "2020-04-08", "label": "test"}]


def test_four_of_many_series_are_drawn_each_with_its_own_future(panel_of):
    series = [noisy(seed=i) + 100 * i for i in range(6)]
    document = document_of(panel_of(series, [0] * 6))
    check(document)
    tabs, note = section(document, "The future")["blocks"]
    assert [tab["label"] for tab in tabs["tabs"]] == list("abcd")
    assert note["text"] == "The first 4 of 6 series are drawn; the tables have them all."
    for i in range(4):
        known, ahead = chart(document, "The future", i)["series"]
        assert known["y"][-1] == pytest.approx(series[i][-1], rel=1e-5)
        assert ahead["y"] == [3.0 * i, 3 * i + 1.0, 3 * i + 2.0]
        truth, _ = chart(document, "Test forecasts", i)["series"]
        np.testing.assert_allclose(truth["y"], series[i][80:], rtol=1e-5)
    details = next(b for b in section(document, "All errors")["blocks"] if b.get("summary") == "By series (6)")
    assert [row[0] for row in details["blocks"][0]["rows"]] == list("abcdef")


def test_series_named_by_numbers_have_their_futures_too(panel_of):
    panel = panel_of([noisy(), noisy(seed=1)], [0, 0], names=("7", "10"))
    document = document_of(panel)
    assert [chart(document, "The future", i)["series"][1]["y"] for i in range(2)] == [[0, 1, 2], [3, 4, 5]]


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
    known, ahead = chart(document, "The future")["series"]
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


def test_hostile_names_of_columns_and_series_stay_text(panel_of):
    evil = "<script>boom()</script><img src=x onerror=boom()>&\"'`</td>{{ }}\u2028"
    panel = panel_of(
        [np.stack([noisy(), noisy(seed=1)], axis=1), np.stack([noisy(seed=2), noisy(seed=3)], axis=1)],
        [0, 0],
        names=(evil, "b" + evil),
        target="y" + evil,
        time="t" + evil,
        series="s" + evil,
        past=("x" + evil,),
    )
    document = document_of(panel)
    html = render(document)
    assert "<script>boom" not in html
    assert "<img src=x" not in html
    scripts = Scripts()
    scripts.feed(html)
    assert not scripts.found
    assert "Forecast of y" in html


def line(panel: Panel, y: np.ndarray) -> tuple[list, list]:
    made = report._line(panel, 0, 0, y)
    return made["x"], made["y"]


def test_thinned_lines_keep_extremes_gaps_and_order(panel_of):
    rng = np.random.default_rng(0)
    y = rng.normal(size=40 * SHOWN_POINTS)
    y[70_007], y[3] = 99.0, -99.0
    y[20_000:22_000] = np.nan
    panel = panel_of([y], time=None, origin=0, frequency=Frequency.parse("row"), dtype=pl.Int64())
    at, kept = line(panel, y)
    assert len(at) == len(kept) <= SHOWN_POINTS
    assert len(kept) > SHOWN_POINTS / 2
    assert at == sorted(set(at))
    assert at[kept.index(99.0)] == 70_007
    assert at[kept.index(-99.0)] == 3
    assert kept == [None if np.isnan(y[row]) else float(f"{y[row]:.6g}") for row in at]
    assert any(value is None and 20_000 <= row < 22_000 for row, value in zip(at, kept, strict=True))
    stretches = np.array_split(np.arange(len(y)), SHOWN_POINTS // 2)
    for stretch in stretches[::100]:
        own = [v for row, v in zip(at, kept, strict=True) if stretch[0] <= row <= stretch[-1] and v is not None]
        if not np.isnan(y[stretch]).any():
            assert max(own) == float(f"{y[stretch].max():.6g}")
            assert min(own) == float(f"{y[stretch].min():.6g}")
    at, kept = line(panel, y[:SHOWN_POINTS])
    assert at == list(range(SHOWN_POINTS))


def test_numbers_and_shares_are_written_short():
    assert [number(v) for v in (None, 0.123456, 1234.567, 12345.6, -98765.4)] == [
        "–",
        "0.1235",
        "1,235",
        "12,346",
        "-98,765",
    ]
    assert [share(v) for v in (0.25, -1.5, float("nan"), float("-inf"))] == ["+25.0%", "-150.0%", "–", "–"]
