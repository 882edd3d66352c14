"""The report of a forecast, as a document for the renderer: what was found, how good it is, what comes next."""

import math
import re
from typing import Any

import numpy as np
import polars as pl

from unrolled.series.evaluation import METRICS, Evaluation
from unrolled.series.examples import Examples
from unrolled.series.panel import Panel
from unrolled.series.plan import Plan
from unrolled.series.window import Windows

SHOWN_SERIES = 4  # a chart each; the tables have them all
SHOWN_POINTS = 3000  # a line; longer ones are thinned to the lowest and highest value of each stretch
FIRST_VIEW = 14  # horizons of the test part in the first view; all of it is there to zoom out to
RECENT = 7  # horizons of the past that are shown before the future


def forecast_document(
    plan: Plan,
    examples: Examples,
    windows: Windows,
    forecasts: np.ndarray,
    evaluation: Evaluation,
    records: list[dict[str, Any]],
    future: pl.DataFrame,
) -> dict[str, Any]:
    """The document of a fitted forecaster; ``forecasts`` (windows, horizon) are the model's on the test part."""
    panel, shape = examples.panel, plan.architecture
    first = int(panel.starts.argmin())
    last = examples.cuts.test - 1 - int(panel.starts[first])  # of the calendar, counted from its first row
    shown = range(min(len(panel.names), SHOWN_SERIES))
    return {
        "title": f"Forecast of {plan.columns.target}",
        "subtitle": f"{plan.source} · {panel.frequency.words}, {_said(panel, first, 0)} to "
        f"{_said(panel, first, last)} · {shape.cell.upper()}, {shape.horizon} steps ahead",
        "language": "en",
        "footer": "Made by Unrolled. This page is one file: it needs no network, and makes no request.",
        "sections": [
            {"title": "In short", "blocks": [{"type": "text", "text": evaluation.verdict()}, _cards(evaluation)]},
            {
                "title": "The future",
                "note": "After the last row of the table.",
                "blocks": _future(examples, future, shown),
            },
            {
                "title": "Test forecasts against what came",
                "note": f"One forecast every {shape.horizon} steps, from what was known then; the line joins them.",
                "blocks": _per_series(
                    shown, panel.names, lambda i: [_test_chart(examples, windows, forecasts, i, evaluation.model)]
                ),
            },
            {"title": "Errors by step ahead", "blocks": [_steps_chart(evaluation)]},
            {"title": "All errors on the test part", "blocks": _tables(evaluation)},
            {
                "title": "The data, and where it was split",
                "blocks": [
                    *_per_series(shown, panel.names, lambda i: [_data_chart(examples, i)]),
                    {"type": "list", "items": [*plan.notes, *_splits(examples)]},
                ],
            },
            {
                "title": "Training",
                "blocks": [_loss_chart(records), {"type": "list", "items": _training(plan, records)}],
            },
            {"title": "Run it again", "blocks": _again(plan)},
        ],
    }


def _cards(evaluation: Evaluation) -> dict[str, Any]:
    model, best, skill = evaluation.model, evaluation.best_baseline, evaluation.skill(evaluation.model)
    errors = evaluation.overall
    return {
        "type": "cards",
        "cards": [
            {"label": "Mean absolute error", "value": number(errors[model]["MAE"]), "detail": model, "tone": "plain"},
            {"label": "Best baseline", "value": number(errors[best]["MAE"]), "detail": best, "tone": "plain"},
            {
                "label": "Skill",
                "value": share(skill),
                "detail": "1 − error / best baseline's",
                "tone": "good" if skill > 0 else "bad",
            },
            {
                "label": "MASE",
                "value": number(errors[model]["MASE"]),
                "detail": "below 1 beats seasonal naive in training",
                "tone": "plain",
            },
        ],
    }


def _per_series(shown: range, names: tuple[str, ...], blocks) -> list[dict[str, Any]]:
    """The blocks of one series as they are, of several as tabs."""
    if len(names) == 1:
        return blocks(0)
    tabs = [{"type": "tabs", "tabs": [{"label": names[i], "blocks": blocks(i)} for i in shown]}]
    if len(names) > len(shown):
        tabs.append(
            {
                "type": "text",
                "text": f"The first {len(shown)} of {len(names)} series are drawn; the tables have them all.",
            }
        )
    return tabs


def _future(examples: Examples, future: pl.DataFrame, shown: range) -> list[dict[str, Any]]:
    panel = examples.panel

    def chart(i: int) -> list[dict[str, Any]]:
        own = future[i * examples.horizon : (i + 1) * examples.horizon]  # the series lie in the panel's order
        count = int(panel.offsets[i + 1] - panel.offsets[i])
        recent = min(count, max(RECENT * examples.horizon, 2 * examples.lookback))
        known = panel.values[panel.offsets[i + 1] - recent : panel.offsets[i + 1], 0]
        ahead = {"x": _written(own[own.columns[-3]]), "y": _rounded(own[panel.target].to_numpy())}
        series = [
            {"name": "observed", **_line(panel, i, count - recent, known), "style": "solid"},
            {"name": "forecast", **ahead, "style": "solid", "emphasis": True},
        ]
        chart = _chart(panel, f"The next {examples.horizon} steps{_of(panel, i)}", series)
        return [chart | {"marks": [{"at": _stamp(panel, i, count - 1), "label": "last row"}]}]

    return _per_series(shown, panel.names, chart)


def _test_chart(examples: Examples, windows: Windows, forecasts: np.ndarray, i: int, model: str) -> dict[str, Any]:
    panel, horizon = examples.panel, examples.horizon
    first = max(0, examples.cuts.validation - int(panel.starts[i]))
    begin = int(panel.offsets[i]) + first
    truth = panel.values[begin : panel.offsets[i + 1], 0]
    joined = np.full(len(truth), np.nan)
    free = 0
    for window in np.flatnonzero(examples.series_of(windows) == i):
        row = int(windows.origins[window]) - begin
        if row >= free:
            joined[row : row + horizon] = forecasts[window]
            free = row + horizon
    series = [
        {"name": "observed", **_line(panel, i, first, truth), "style": "solid"},
        {"name": model, **_line(panel, i, first, joined), "style": "solid", "emphasis": True},
    ]
    chart = _chart(panel, f"{panel.target}: observed and forecast{_of(panel, i)}", series)
    shown = min(len(truth), FIRST_VIEW * horizon)
    return chart | {"zoom": [_stamp(panel, i, first), _stamp(panel, i, first + shown - 1)]}


def _data_chart(examples: Examples, i: int) -> dict[str, Any]:
    panel, cuts, start = examples.panel, examples.cuts, int(examples.panel.starts[i])
    own = panel.values[panel.offsets[i] : panel.offsets[i + 1], 0]
    spans = (
        (0, cuts.train, "train"),
        (cuts.train, cuts.validation, "validation"),
        (cuts.validation, cuts.test, "test"),
    )
    marks = []
    for a, b, label in spans:
        ends = [min(max(0, at - start), len(own)) for at in (a, b)]
        if ends[0] < ends[1]:
            marks.append({"from": _stamp(panel, i, ends[0]), "to": _stamp(panel, i, ends[1]), "label": label})
    series = [{"name": "observed", **_line(panel, i, 0, own), "style": "solid"}]
    return _chart(panel, f"{panel.target}, all of it{_of(panel, i)}", series, marks)


def _steps_chart(evaluation: Evaluation) -> dict[str, Any]:
    series = [
        {
            "name": method,
            "y": errors["MAE"],
            "style": "solid" if method == evaluation.model else "dashed",
            "emphasis": method == evaluation.model,
        }
        for method, errors in evaluation.by_step.items()
    ]
    steps = list(range(1, len(series[0]["y"]) + 1))
    return {
        "type": "chart",
        "kind": "line",
        "title": "Mean absolute error by step ahead",
        "x": {"label": "steps ahead", "type": "value", "values": steps},
        "y": {"label": "mean absolute error"},
        "series": series,
        "caption": f"Mean over the {evaluation.windows:,} windows of the {evaluation.part} part.",
    }


def _tables(evaluation: Evaluation) -> list[dict[str, Any]]:
    columns = [{"name": "method", "align": "left"}, *({"name": m, "align": "right"} for m in (*METRICS, "skill"))]
    rows = [
        [method, *(number(errors[m]) for m in METRICS), share(evaluation.skill(method))]
        for method, errors in evaluation.overall.items()
    ]
    caption = (
        "MAPE and sMAPE in percent (sMAPE from 0 to 200), MASE against seasonal naive on the training part; "
        "skill is 1 − MAE / the best baseline's."
    )
    blocks: list[dict[str, Any]] = [
        {"type": "table", "columns": columns, "rows": rows, "highlight": [0], "caption": caption}
    ]
    if evaluation.caveat:
        blocks.append({"type": "text", "text": evaluation.caveat})
    names = list(next(iter(evaluation.by_series.values())))
    if len(names) > 1:
        by_series = {
            "type": "table",
            "columns": [
                {"name": "series", "align": "left"},
                *({"name": m, "align": "right"} for m in evaluation.by_series),
            ],
            "rows": [[name, *(number(errors[name]) for errors in evaluation.by_series.values())] for name in names],
            "caption": "Mean absolute error of each series.",
        }
        blocks.append({"type": "details", "summary": f"By series ({len(names)})", "blocks": [by_series]})
    by_step = {
        "type": "table",
        "columns": [{"name": "step", "align": "right"}, *({"name": m, "align": "right"} for m in evaluation.by_step)],
        "rows": [
            [step + 1, *(number(v) for v in values)]
            for step, values in enumerate(zip(*(e["MAE"] for e in evaluation.by_step.values()), strict=True))
        ],
        "caption": "Mean absolute error by step ahead.",
    }
    blocks.append({"type": "details", "summary": "By step ahead", "blocks": [by_step]})
    return blocks


def _loss_chart(records: list[dict[str, Any]]) -> dict[str, Any]:
    epochs = [record["epoch"] for record in records]
    return {
        "type": "chart",
        "kind": "line",
        "title": "Loss in training",
        "x": {"label": "epoch", "type": "value", "values": epochs},
        "y": {"label": "mean absolute error, scaled"},
        "series": [
            {"name": "training", "y": [record["loss"] for record in records], "style": "dashed"},
            {
                "name": "validation",
                "y": [record["validation"] for record in records],
                "style": "solid",
                "emphasis": True,
            },
        ],
        "caption": "The weights with the lowest validation loss are the ones that were kept.",
    }


def _splits(examples: Examples) -> list[str]:
    panel, cuts = examples.panel, examples.cuts
    first = int(panel.starts.argmin())
    validation, test = (_said(panel, first, at - int(panel.starts[first])) for at in (cuts.train, cuts.validation))
    return [
        f"Split in time, the same cut for every series: validation begins at {validation}, test at {test}; train is "
        "all before.",
        "Means and standard deviations for scaling come from the training part alone, one for each series and column.",
    ]


def _training(plan: Plan, records: list[dict[str, Any]]) -> list[str]:
    settings, shape = plan.training, plan.architecture
    best = min(records, key=lambda record: record["validation"])
    budget = f"{settings.minutes:g} minutes" if settings.minutes else f"at most {settings.longest} epochs"
    return [
        f"{shape.cell.upper()} with {shape.layers} × {shape.hidden} hidden units, reading {shape.lookback} steps as "
        f"changes from the last one; a linear head says the change ahead for all {shape.horizon} steps.",
        f"AdamW, learning rate {settings.learning_rate:g}, batches of {settings.batch_size}, gradient norm clipped at "
        f"{settings.clip:g}, {budget}, seed {settings.seed}.",
        f"Best validation loss {best['validation']:.4g} after {best['epoch']:.2g} epochs; {records[-1]['seconds']:.0f} "
        "seconds in all.",
        *(
            ["Then one more network was trained on all rows, for as many epochs; it made the forecast of the future."]
            if plan.refit
            else []
        ),
    ]


def _again(plan: Plan) -> list[dict[str, Any]]:
    return [
        {"type": "code", "code": plan.command(), "language": "sh"},
        {"type": "code", "code": plan.python(), "language": "python"},
    ]


def _chart(
    panel: Panel, title: str, series: list[dict[str, Any]], marks: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    return {
        "type": "chart",
        "kind": "line",
        "title": title,
        "x": {"label": panel.time or "row", "type": "value" if panel.frequency.unit == "row" else "time"},
        "y": {"label": panel.target},
        "series": series,
        "marks": marks or [],
        "zoom": True,
    }


def _of(panel: Panel, i: int) -> str:
    return f", {panel.names[i]}" if panel.series else ""


def _line(panel: Panel, i: int, first: int, y: np.ndarray) -> dict[str, list[Any]]:
    """Values from row ``first`` of series ``i`` on, thinned to about ``SHOWN_POINTS``; extremes stay."""
    stamps = panel.stamps(i, first, len(y))
    if len(y) > SHOWN_POINTS:
        keep = set()
        for stretch in np.array_split(np.arange(len(y)), SHOWN_POINTS // 2):
            own = y[stretch]
            if np.isnan(own).all():
                keep.add(int(stretch[0]))  # a gap stays a gap
            else:
                keep |= {int(stretch[np.nanargmin(own)]), int(stretch[np.nanargmax(own)])}
        kept = sorted(keep)
        stamps, y = stamps[kept], y[kept]
    return {"x": _written(stamps), "y": _rounded(y)}


def _rounded(y: np.ndarray) -> list[float | None]:
    """Six digits are more than a chart can show, and half the size of a file with all of them."""
    return [float(f"{v:.6g}") if math.isfinite(v) else None for v in y]


def _written(stamps: pl.Series) -> list[Any]:
    """Stamps as the renderer takes them: ISO, without a zone, in the table's own clock."""
    if stamps.dtype.is_integer():
        return stamps.to_list()
    if stamps.dtype == pl.Date:
        return stamps.dt.strftime("%Y-%m-%d").to_list()
    return stamps.dt.strftime("%Y-%m-%d %H:%M:%S").to_list()


def _stamp(panel: Panel, i: int, row: int) -> Any:
    return _written(panel.stamps(i, row, 1))[0]


def share(skill: float) -> str:
    """A skill in percent, or a dash where there is none: nothing is better than a baseline without errors."""
    return f"{skill:+.1%}" if math.isfinite(skill) else "–"


def _said(panel: Panel, i: int, row: int) -> str:
    """A stamp in a sentence, without seconds where they are zero."""
    stamp = str(_stamp(panel, i, row))
    return stamp[:-3] if re.search(r":\d\d:00$", stamp) else stamp


def number(value: float | None) -> str:
    """Four significant digits, or a dash where there is no number."""
    if value is None:
        return "–"
    if value == 0 or not 1e-4 < abs(value) < 1e15:
        return f"{value:.4g}"
    return f"{value:,.{max(0, 3 - math.floor(math.log10(abs(value))))}f}"
