"""The charts of one target: the future, the test forecasts, errors by step ahead, coverage, correlations by lag."""

from typing import Any

from unrolled.series.judging.evaluation import Evaluation
from unrolled.series.panels.panel import Panel
from unrolled.series.report.lines import stamp, stamps, thinned, written
from unrolled.series.report.told import Told
from unrolled.series.report.words import numbers, percent

FIRST_VIEW = 14  # horizons of the test part in the first view; all of it is there to zoom out to
RECENT = 7  # horizons of the past that are shown before the future


def future_chart(told: Told, i: int) -> dict[str, Any]:
    """The latest values of a series, what comes next, and how sure that is."""
    panel, horizon = told.panel, told.examples.horizon
    count = int(panel.offsets[i + 1] - panel.offsets[i])
    recent = min(count, max(RECENT * horizon, 2 * told.examples.lookback))
    known = told.values(i, count - recent)
    shown = thinned([known])
    x = stamps(panel, i, count - recent, recent)
    at, forecast, *bounds = told.ahead(i)
    ahead = {"x": written(at), "y": numbers(forecast)}
    series = [
        {"name": "observed", "x": [x[place] for place in shown], "y": numbers(known[shown])},
        {"name": "forecast", **ahead, "emphasis": True},
    ]
    if bounds:
        band = {"low": numbers(bounds[0]), "y": numbers(bounds[1])}
        series.append({"name": told.interval_name, "x": ahead["x"], **band, "style": "band"})
    steps = "step" if horizon == 1 else f"{horizon} steps"
    chart = _chart(panel, told.name, f"{told.name}: the next {steps}{told.of_series(i)}", series)
    return chart | {"marks": [{"at": stamp(panel, i, count - 1), "label": "last row"}]}


def test_chart(told: Told, i: int) -> dict[str, Any]:
    """What came in the test part of a series, and what was forecast of it."""
    panel = told.panel
    first = max(0, told.examples.cuts.validation - int(panel.starts[i]))
    truth, (forecast, *bounds) = told.values(i, first), told.joined(i, first)
    shown = thinned([truth, forecast])
    x = stamps(panel, i, first, len(truth)) if len(truth) else []
    series = [
        {"name": "observed", "y": numbers(truth[shown])},
        {"name": told.evaluation.model, "y": numbers(forecast[shown]), "emphasis": True},
    ]
    if bounds:
        low, high = (numbers(part[shown]) for part in bounds)
        series.append({"name": told.interval_name, "low": low, "y": high, "style": "band"})
    chart = _chart(panel, told.name, f"{told.name}: observed and forecast{told.of_series(i)}", series)
    chart["x"]["values"] = [x[place] for place in shown]
    if not len(truth):
        return chart
    view = min(len(truth), FIRST_VIEW * told.examples.horizon)
    return chart | {"zoom": [x[0], x[view - 1]]}


def data_chart(told: Told, i: int) -> dict[str, Any]:
    """All values of a series, and where they were split."""
    panel, cuts, start = told.panel, told.examples.cuts, int(told.panel.starts[i])
    own = told.values(i)
    marks = []
    for part in ("train", "validation", "test"):
        ends = [min(max(0, at - start), len(own)) for at in cuts.part(part)]
        if ends[0] < ends[1]:
            marks.append({"from": stamp(panel, i, ends[0]), "to": stamp(panel, i, ends[1]), "label": part})
    shown = thinned([own])
    x = stamps(panel, i, 0, len(own))
    series = [{"name": "observed", "x": [x[place] for place in shown], "y": numbers(own[shown])}]
    return _chart(panel, told.name, f"{told.name}, all of it{told.of_series(i)}", series, marks)


def steps_chart(evaluation: Evaluation) -> dict[str, Any]:
    """The mean absolute error of every method, by step ahead."""
    errors = {method: own["MAE"] for method, own in evaluation.by_step.items()}
    caption = f"Mean over the {evaluation.windows:,} windows of the {evaluation.part} part."
    return by_step("Mean absolute error by step ahead", errors, evaluation.model, caption)


def by_step(title: str, errors: dict[str, list[float | None]], strong: str, caption: str) -> dict[str, Any]:
    series = [
        {"name": name, "y": numbers(own), "style": "solid" if name == strong else "dashed", "emphasis": name == strong}
        for name, own in errors.items()
    ]
    return {
        "type": "chart",
        "kind": "line",
        "title": title,
        "x": {"label": "steps ahead", "type": "value", "values": list(range(1, len(series[0]["y"]) + 1))},
        "y": {"label": "mean absolute error"},
        "series": series,
        "caption": caption,
    }


def coverage_chart(intervals: dict[str, Any]) -> dict[str, Any]:
    """What intervals held, by step ahead, beside what they promised."""
    used = intervals["used"]
    held = {
        name: [None if s is None else 100 * s for s in own["by_step"]] for name, own in intervals["methods"].items()
    }
    names = [used, *(name for name in held if name != used)]
    series: list[dict[str, Any]] = [
        {
            "name": name,
            "y": numbers(held[name]),
            "style": "solid" if name == used else "dashed",
            "emphasis": name == used,
        }
        for name in names
    ]
    promised = {"name": "promised", "y": [100 * intervals["level"]] * len(held[used]), "style": "dotted"}
    return {
        "type": "chart",
        "kind": "line",
        "title": "Share of values inside the interval, by step ahead",
        "x": {"label": "steps ahead", "type": "value", "values": list(range(1, len(held[used]) + 1))},
        "y": {"label": f"inside the {percent(intervals['level'])} interval", "unit": "%"},
        "series": [promised, *series],
        "height": 280,
    }


def lag_chart(lag: dict[str, Any]) -> dict[str, Any]:
    """With which actual value the forecast correlates best: its own, or one before it."""
    return {
        "type": "chart",
        "kind": "bar",
        "title": f"Correlation of the forecast {_steps(lag['step'])} ahead with earlier values",
        "x": {
            "label": "steps before the value forecast",
            "type": "category",
            "values": [str(k) for k in range(len(lag["correlations"]))],
        },
        "y": {"label": "correlation"},
        "series": [{"name": "correlation", "y": numbers(lag["correlations"]), "emphasis": True}],
        "height": 240,
    }


def _steps(count: int) -> str:
    return "1 step" if count == 1 else f"{count} steps"


def _chart(
    panel: Panel, target: str, title: str, series: list[dict[str, Any]], marks: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    return {
        "type": "chart",
        "kind": "line",
        "title": title,
        "x": {"label": panel.time or "row", "type": "value" if panel.frequency.unit == "row" else "time"},
        "y": {"label": target},
        "series": series,
        "marks": marks or [],
        "zoom": True,
    }
