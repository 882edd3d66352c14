"""A document like a forecast's report: a noisy daily cycle, its baselines and a made-up model, every block type."""

from datetime import datetime, timedelta
from typing import Any

import numpy as np

HOURS, HORIZON = 90 * 24, 24
HOSTILE = (
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "</script><!--\u2028\u2029",
    "\u202eمرحبا \u05e9\u05dc\u05d5\u05dd",
    "🌡️👩‍🚀",
    "長い名前",
    "x" * 10_000,
    "\ud800\x00",
    "&amp;",
)


def stamps(first: int, count: int) -> list[str]:
    return [(datetime(2013, 3, 1) + timedelta(hours=hour)).isoformat() for hour in range(first, first + count)]


def table_of(names: list[str], errors: np.ndarray) -> list[list[object]]:
    return [[name, *(float(each) for each in row)] for name, row in zip(names, errors, strict=True)]


def forecast_report() -> dict[str, Any]:
    """Nothing here is a claim about a model: the "LSTM" is the truth's own cycle, blurred, its errors made up."""
    chance = np.random.default_rng(7)
    hour = np.arange(HOURS + HORIZON)
    drift = np.cumsum(chance.normal(0, 0.35, hour.size))
    drift -= np.linspace(0, drift[-1], hour.size)
    cycle = 52 + 14 * np.sin(2 * np.pi * (hour / 24 - 0.35)) + 9 * hour / hour.size
    truth = np.round(cycle + drift + chance.normal(0, 1.1, hour.size), 2)
    cut, test = int(HOURS * 0.7), int(HOURS * 0.8)
    shown = slice(test, HOURS)
    model = np.round(cycle + 0.72 * drift + chance.normal(0, 0.5, hour.size), 2)
    seasonal = np.roll(truth, 24)
    linear = np.round(0.55 * model + 0.45 * seasonal + chance.normal(0, 0.6, hour.size), 2)
    gappy = truth.copy()
    gappy[400:430] = np.nan

    names = ["LSTM", "linear autoregression", "seasonal naive", "drift", "naive"]
    size = np.array([3.61, 4.05, 6.76, 5.71, 5.63])
    errors = np.column_stack([size, size * 1.31, size * 1.9, size * 1.84, size / 2.74])
    steps = np.arange(1, HORIZON + 1)
    by_step = {
        "LSTM": 1.0 + 3.1 * (1 - np.exp(-steps / 9)),
        "linear autoregression": 1.1 + 3.7 * (1 - np.exp(-steps / 9)),
        "seasonal naive": np.full(HORIZON, 6.76) + 0.05 * np.sin(steps),
        "naive": 1.3 + 7.6 * np.sin(np.pi * steps / 26),
    }
    epochs = np.arange(1, 31)
    time, y = {"label": "", "type": "time"}, {"label": "temp", "unit": "°F"}
    metrics = {
        "type": "table",
        "columns": [
            {"name": "forecast"},
            *(
                {"name": name, "align": "right", "format": ".2f"}
                for name in ("MAE", "RMSE", "MAPE, %", "sMAPE, %", "MASE")
            ),
        ],
        "rows": table_of(names, errors),
        "highlight": [0],
        "caption": "All 408 windows of the test part, on the original scale; smaller is better.",
    }
    return {
        "title": "temp, 24 hours ahead",
        "subtitle": "An LSTM on weather.csv: hourly, 2,160 rows, from 1 March 2013. It reads 72 hours of `temp`.",
        "language": "en",
        "footer": "Made by unrolled 0.1.0 on 14 June 2024. This file holds all that it shows and makes no request.",
        "sections": [
            {
                "title": "In short",
                "id": "short",
                "blocks": [
                    {
                        "type": "cards",
                        "cards": [
                            {
                                "label": "Mean absolute error",
                                "value": "3.61 °F",
                                "detail": "on the test part, 24 steps ahead",
                                "tone": "plain",
                            },
                            {
                                "label": "Against naive",
                                "value": "36% better",
                                "detail": "naive misses by 5.63 °F",
                                "tone": "good",
                            },
                            {
                                "label": "Against the best baseline",
                                "value": "11% better",
                                "detail": "linear autoregression, 4.05 °F",
                                "tone": "good",
                            },
                            {
                                "label": "MASE",
                                "value": 1.32,
                                "detail": "above 1: worse than the in-sample season",
                                "tone": "bad",
                            },
                        ],
                    },
                    {
                        "type": "text",
                        "text": "The LSTM beats all four baselines on the part of the data that it never saw. "
                        "The best of them is the linear autoregression on the same inputs.\n\n"
                        "The first hours are the easy ones: from the twelfth step on, the error hardly grows.",
                    },
                ],
            },
            {
                "title": "The data",
                "note": "Split in time: nothing after a cut was seen before it. Scaling was fitted on training only.",
                "blocks": [
                    {
                        "type": "chart",
                        "kind": "line",
                        "title": "temp, and how it was split",
                        "x": {**time, "values": stamps(0, HOURS)},
                        "y": y,
                        "series": [{"name": "actual", "y": gappy[:HOURS].tolist()}],
                        "marks": [
                            {"from": stamps(0, 1)[0], "to": stamps(cut, 1)[0], "label": "training 70%"},
                            {"from": stamps(cut, 1)[0], "to": stamps(test, 1)[0], "label": "validation 10%"},
                            {"from": stamps(test, 1)[0], "to": stamps(HOURS - 1, 1)[0], "label": "test 20%"},
                        ],
                        "height": 300,
                        "caption": "The gap in March is a gap in the table: 30 rows were missing and stay empty here.",
                    },
                    {
                        "type": "list",
                        "items": [
                            "The time column is `time_hour`: hourly, in UTC.",
                            "3 rows were sorted into order.",
                            "30 missing values of `temp` were filled with the last one before (`--fill forward`).",
                            "`visib` was left out: it is constant.",
                        ],
                    },
                ],
            },
            {
                "title": "Forecasts against the truth",
                "note": "Each forecast was made 24 hours before, with what was known then.",
                "blocks": [
                    {
                        "type": "chart",
                        "kind": "line",
                        "title": "The test part, 24 hours ahead",
                        "x": {**time, "values": stamps(test, HOURS - test)},
                        "y": y,
                        "series": [
                            {"name": "actual", "y": truth[shown].tolist()},
                            {"name": "LSTM", "y": model[shown].tolist(), "emphasis": True},
                            {"name": "linear autoregression", "y": linear[shown].tolist(), "style": "dashed"},
                            {"name": "seasonal naive", "y": seasonal[shown].tolist(), "style": "dotted"},
                        ],
                        "zoom": [stamps(HOURS - 7 * 24, 1)[0], stamps(HOURS - 1, 1)[0]],
                        "height": 420,
                    },
                ],
            },
            {
                "title": "How far off",
                "blocks": [
                    {
                        "type": "tabs",
                        "tabs": [
                            {"label": "Table", "blocks": [metrics]},
                            {
                                "label": "By step ahead",
                                "blocks": [
                                    {
                                        "type": "chart",
                                        "kind": "line",
                                        "title": "Mean absolute error by step ahead",
                                        "x": {"label": "hours ahead", "type": "value", "values": steps.tolist()},
                                        "y": {"label": "mean absolute error", "unit": "°F"},
                                        "series": [
                                            {
                                                "name": name,
                                                "y": np.round(each, 3).tolist(),
                                                "emphasis": name == "LSTM",
                                                "style": "solid",
                                            }
                                            for name, each in by_step.items()
                                        ],
                                        "height": 340,
                                    }
                                ],
                            },
                            {
                                "label": "By station",
                                "blocks": [
                                    {
                                        "type": "chart",
                                        "kind": "bar",
                                        "title": "Mean absolute error by station",
                                        "x": {"label": "", "type": "category", "values": ["EWR", "JFK", "LGA"]},
                                        "y": {"label": "mean absolute error", "unit": "°F"},
                                        "series": [
                                            {"name": "LSTM", "y": [3.72, 3.38, 3.73], "emphasis": True},
                                            {"name": "linear autoregression", "y": [4.18, 3.81, 4.16]},
                                            {"name": "naive", "y": [5.9, 5.11, 5.88]},
                                        ],
                                        "height": 320,
                                    }
                                ],
                            },
                        ],
                    },
                ],
            },
            {
                "title": "The future",
                "note": "After the last row, by a model trained on the first 80%.",
                "blocks": [
                    {
                        "type": "chart",
                        "kind": "line",
                        "title": "The next 24 hours",
                        "x": time,
                        "y": y,
                        "series": [
                            {"name": "actual", "x": stamps(HOURS - 96, 96), "y": truth[HOURS - 96 : HOURS].tolist()},
                            {
                                "name": "LSTM",
                                "x": stamps(HOURS - 1, HORIZON + 1),
                                "y": [float(truth[HOURS - 1]), *model[HOURS:].tolist()],
                                "emphasis": True,
                            },
                            {
                                "name": "seasonal naive",
                                "x": stamps(HOURS, HORIZON),
                                "y": truth[HOURS - 24 : HOURS].tolist(),
                                "style": "dotted",
                            },
                        ],
                        "marks": [{"at": stamps(HOURS - 1, 1)[0], "label": "last row"}],
                        "height": 340,
                    },
                ],
            },
            {
                "title": "Training",
                "blocks": [
                    {
                        "type": "chart",
                        "kind": "line",
                        "title": "Loss by epoch",
                        "x": {"label": "epoch", "type": "value", "values": epochs.tolist()},
                        "y": {"label": "mean absolute error", "unit": "scaled"},
                        "series": [
                            {"name": "training", "y": (0.12 + 0.6 * np.exp(-epochs / 6)).tolist(), "style": "dashed"},
                            {
                                "name": "validation",
                                "y": (0.21 + 0.5 * np.exp(-epochs / 4) + 0.003 * epochs).tolist(),
                                "emphasis": True,
                            },
                        ],
                        "marks": [{"at": 13, "label": "best epoch"}],
                        "log": True,
                        "height": 300,
                    },
                    {
                        "type": "details",
                        "summary": "All settings",
                        "blocks": [
                            {
                                "type": "table",
                                "columns": [{"name": "setting"}, {"name": "value", "align": "right"}],
                                "rows": [
                                    ["look-back", 72],
                                    ["hidden units", 96],
                                    ["learning rate", 0.003],
                                    ["parameters", 40_344],
                                    ["seed", 0],
                                    ["resumed", False],
                                    ["dropout", None],
                                ],
                            }
                        ],
                    },
                ],
            },
            {
                "title": "Pictures of another kind",
                "blocks": [
                    {
                        "type": "heat",
                        "rows": ["私", "は", "駅", "</s>"],
                        "columns": ["I", "went", "to the station"],
                        "values": [[0.9, 0.06, 0.04], [0.7, 0.2, 0.1], [0.0, 0.0, 1.0], [0.16, 0.84, 0.0]],
                        "row_label": "written",
                        "column_label": "read",
                        "caption": "Which words were looked at.",
                    },
                    {
                        "type": "tree",
                        "levels": [
                            [
                                {"label": "私", "score": -0.1, "kept": True, "best": True},
                                {"label": "彼", "score": -2.5, "kept": False},
                            ],
                            [{"label": "は", "parent": 0, "score": -0.2, "kept": True, "best": True}],
                        ],
                        "caption": "What the search kept.",
                    },
                ],
            },
            {
                "title": "Run it again",
                "blocks": [
                    {
                        "type": "code",
                        "code": "unrolled forecast weather.csv --target temp --horizon 24 --seed 0",
                        "language": "shell",
                    },
                    {
                        "type": "code",
                        "code": 'import unrolled as ur\n\nf = ur.load("runs/weather-1")\nf.predict()',
                        "language": "python",
                    },
                ],
            },
        ],
    }


def hostile_report() -> dict[str, Any]:
    """Every place for text holds every hostile name."""
    sections = []
    for name in HOSTILE:
        chart = {
            "type": "chart",
            "kind": "line",
            "title": name,
            "x": {"label": name, "type": "category", "values": [name, "b", "b"]},
            "y": {"label": name, "unit": name},
            "series": [{"name": name, "y": [1.0, None, 3.5]}, {"name": name, "y": [2.0, 2.5, 1.0], "emphasis": True}],
            "marks": [{"at": "b", "label": name}, {"from": name, "to": "b", "label": name}],
            "caption": name,
        }
        blocks = [
            {"type": "text", "text": name},
            {"type": "cards", "cards": [{"label": name, "value": name, "detail": name}]},
            {
                "type": "table",
                "columns": [{"name": name}, {"name": name, "align": "right", "long": True}],
                "rows": [[name, 1.5], [name, name]],
                "caption": name,
            },
            {"type": "list", "items": [name]},
            {"type": "code", "code": name, "language": name},
            {"type": "details", "summary": name, "blocks": [{"type": "text", "text": name}]},
            {"type": "tabs", "tabs": [{"label": name, "blocks": [chart]}]},
            {
                "type": "heat",
                "rows": [name, name],
                "columns": [name],
                "values": [[0.0], [1.0]],
                "row_label": name,
                "column_label": name,
                "caption": name,
            },
            {"type": "tree", "levels": [[{"label": name, "score": -1.0, "kept": True, "best": True}]], "caption": name},
        ]
        sections.append({"title": name, "note": name, "blocks": blocks})
    return {
        "title": HOSTILE[0],
        "subtitle": HOSTILE[1],
        "language": 'en"><script>',
        "footer": HOSTILE[2],
        "sections": sections,
    }
