"""The document of a forecast's report: its sections, in the order of the page."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from unrolled.series.judging.evaluation import Evaluation
from unrolled.series.learning.plan import Plan
from unrolled.series.learning.trial import Judgement, Trial
from unrolled.series.report.charts import data_chart
from unrolled.series.report.lines import said
from unrolled.series.report.tables import table
from unrolled.series.report.target import cards, per_series, topics, verdict
from unrolled.series.report.told import Told
from unrolled.series.report.training import training
from unrolled.series.report.words import STATISTICS, number, share
from unrolled.series.windows.examples import Examples

SHOWN_SERIES = 4  # that are drawn, of one target; of several half as many of each
OPEN_TOPICS = 2  # of a target among several: the others are folded away

Object = dict[str, Any]


def forecast_document(
    plan: Plan, trial: Trial, judged: Judgement, evaluations: list[Evaluation], future: pl.DataFrame
) -> Object:
    """The document of a fitted forecaster: what was found, how good it is on the test part, what comes next."""
    most = SHOWN_SERIES if len(evaluations) == 1 else SHOWN_SERIES // 2
    told = [Told.of(trial, judged, evaluations, future, k, most) for k in range(len(evaluations))]
    one = told[0]
    return {
        "title": f"Forecast of {', '.join(one.panel.targets)}",
        "subtitle": _subtitle(plan, trial),
        "language": "en",
        "footer": "Made by Unrolled. This page is one file: it needs no network, and makes no request.",
        "sections": [
            {"title": "In short", "blocks": _in_short(evaluations)},
            *(topics(one) if len(told) == 1 else map(_target, told)),
            {
                "title": "The data, and where it was split",
                "id": "data",
                "blocks": [*_data(told), {"type": "list", "items": [*plan.notes, *_splits(plan, trial.examples)]}],
            },
            {"title": "Training", "blocks": training(plan, trial.states)},
            {"title": "Run it again", "blocks": _again(plan)},
        ],
    }


def with_section(document: Object, section: Object) -> Object:
    """The document with one more section before that on the data, in place of one of the same id."""
    rest = [one for one in document["sections"] if one.get("id") != section["id"]]
    at = next(place for place, one in enumerate(rest) if one.get("id") == "data")
    return {**document, "sections": [*rest[:at], section, *rest[at:]]}


def _subtitle(plan: Plan, trial: Trial) -> str:
    panel, cuts = trial.examples.panel, trial.examples.cuts
    first = int(panel.starts.argmin())
    last = cuts.test - 1 - int(panel.starts[first])  # of the calendar, counted from its first row
    steps = "1 step" if plan.architecture.horizon == 1 else f"{plan.architecture.horizon} steps"
    span = f"{said(panel, first, 0)} to {said(panel, first, last)}"
    return f"{plan.source} · {panel.frequency.words}, {span} · {trial.name}, {steps} ahead"


def _in_short(evaluations: Sequence[Evaluation]) -> list[Object]:
    """The verdict and the figures; of several targets, how many are forecast better than by every baseline."""
    if len(evaluations) == 1:
        return [verdict(evaluations[0]), cards(evaluations[0])]
    rows, won = [], []
    for one in evaluations:
        model, best, skill = one.model, one.best_baseline, one.skill(one.model)
        won += [one.target] if skill > 0 else []
        mae = (number(one.overall[method]["MAE"]) for method in (model, best))
        held = [] if one.intervals is None else [f"{one.intervals['methods'][one.intervals['used']]['coverage']:.1%}"]
        rows.append([one.target, *mae, best, share(skill), *held])
    model = evaluations[0].model
    head = ["target", model, "best baseline", "which is the", "skill", *(["coverage"] * (len(rows[0]) - 5))]
    made = table(head, rows, "Mean absolute errors on the test part. Skill: 1 − error / the best baseline's.")
    made["columns"][3]["align"] = "left"
    which = f": {', '.join(won)}" if 0 < len(won) < len(evaluations) else ""
    count = f"{len(won)} of" if won else "none of the"
    said = f"The {model} beats the best baseline on {count} {len(evaluations)} targets{which}."
    return [{"type": "text", "text": said}, made]


def _target(told: Told) -> Object:
    """A section on one target of several: verdict and charts, the rest folded away."""
    blocks, found = [verdict(told.evaluation), cards(told.evaluation)], topics(told)
    for place, topic in enumerate(found):
        if place < OPEN_TOPICS:
            blocks += topic["blocks"]
        else:
            blocks.append({"type": "details", "summary": topic["title"], "blocks": topic["blocks"]})
    return {"title": told.name, "note": found[0].get("note", ""), "blocks": blocks}


def _data(told: list[Told]) -> list[Object]:
    """All data of the drawn series; of several targets a tab each, with the series forecast worst."""
    if len(told) == 1:
        return per_series(told[0], data_chart)
    tabs = [{"label": one.name, "blocks": [data_chart(one, one.series[0])]} for one in told]
    return [{"type": "tabs", "tabs": tabs}]


def _splits(plan: Plan, examples: Examples) -> list[str]:
    panel, cuts = examples.panel, examples.cuts
    first = int(panel.starts.argmin())
    validation, test = (said(panel, first, at - int(panel.starts[first])) for at in (cuts.train, cuts.validation))
    several = "each series and column" if panel.series else "each column"
    return [
        f"Split in time, the same cut for every series: validation begins at {validation}, test at {test}; train is "
        "all before."
        if panel.series
        else f"Split in time: validation begins at {validation}, test at {test}; train is all before.",
        f"Scaled by {STATISTICS[plan.architecture.scaling]} of {several}, from the training part alone "
        f"({plan.architecture.scaling} scaling).",
    ]


def _again(plan: Plan) -> list[Object]:
    return [
        {"type": "code", "code": plan.command(), "language": "sh"},
        {"type": "code", "code": plan.python(), "language": "python"},
    ]
