"""The document of a comparison's report."""

import math
from statistics import fmean
from typing import Any

from unrolled.comparison.comparison import Comparison, Row


def comparison_document(comparison: Comparison) -> dict[str, Any]:
    """The verdict, the table, the curves and what each trial did."""
    return {
        "title": f"Which cell? {comparison.what}",
        "subtitle": f"Equal budgets: {comparison.budget}",
        "language": "en",
        "footer": "Made by Unrolled. This page is one file: it needs no network, and makes no request.",
        "sections": [
            {"title": "In short", "blocks": [{"type": "text", "text": comparison.verdict}, _cards(comparison)]},
            {"title": "All cells", "blocks": [_table(comparison), *_others(comparison)]},
            {"title": "Learning curves", "blocks": [_curves(comparison)]},
            {"title": "How far the gradient reaches", "blocks": [_half_lives(comparison)]},
            {"title": "Every trial", "blocks": [_trials(comparison)]},
        ],
    }


def _cards(comparison: Comparison) -> dict[str, Any]:
    chosen = comparison.recommended
    cards = [{"label": "Take", "value": chosen.cell if chosen else "none", "tone": "good" if chosen else "bad"}]
    cards += [
        {"label": row.cell, "value": _number(row.mean), "detail": _spread(row), "tone": "plain"}
        for row in comparison.rows
    ]
    cards.append(
        {
            "label": "Chance" if comparison.best is not None else "Best baseline",
            "value": _number(comparison.reference),
            "detail": comparison.reference_name,
            "tone": "plain",
        }
    )
    return {"type": "cards", "cards": cards}


def _table(comparison: Comparison) -> dict[str, Any]:
    """Every cell, its score and its costs; the recommended one is highlighted."""
    rows, chosen = comparison.rows, comparison.recommended
    right = any(row.right is not None for row in rows)
    names = ["cell", comparison.measure, *["right"] * right]
    names += ["parameters", "operations a step", "ms a training step", "peak memory, MB"]
    names += ["half-life untrained, steps", "half-life trained, steps"]
    return {
        "type": "table",
        "columns": [{"name": name, "align": "right" if place else "left"} for place, name in enumerate(names)],
        "rows": [cells_of(row, right) for row in rows],
        "highlight": [place for place, row in enumerate(rows) if chosen and row.cell == chosen.cell],
        "caption": "Mean ± standard deviation over seeds. Operations: floating-point, of the matrix products of a step "
        "of one row, forward. Time and peak memory: a forward and backward pass over a batch. Half-life: in how many "
        "steps the gradient halves, measured on two sequences.",
    }


def cells_of(row: Row, right: bool) -> list[str]:
    """What a table says of a cell, in the order of the report's columns."""
    cost = row.cost
    return [
        row.cell,
        _number(row.mean) + ("" if math.isnan(row.sd) else f" ± {row.sd:.2g}"),
        *[f"{row.right:.1%}" if row.right is not None else "–"] * right,
        f"{cost.parameters:,}",
        f"{cost.operations:,}",
        _short(cost.milliseconds),
        _short(cost.memory / 1e6),
        _steps(row.half_life_before),
        _steps(row.half_life_after),
    ]


def _others(comparison: Comparison) -> list[dict[str, Any]]:
    if not comparison.others:
        return []
    rows = sorted(comparison.others.items(), key=lambda pair: pair[1])
    return [
        {
            "type": "table",
            "columns": [{"name": "baseline"}, {"name": comparison.measure, "align": "right"}],
            "rows": [[name, _number(score)] for name, score in rows],
            "caption": "On the same test windows.",
        }
    ]


def _curves(comparison: Comparison) -> dict[str, Any]:
    series = []
    for cell in comparison.costs:
        own = [trial.curve for trial in comparison.trials if trial.cell == cell]
        steps = sorted(set.intersection(*(set(dict(curve)) for curve in own)))  # some may have ended early
        mean = [fmean(dict(curve)[step] for curve in own) for step in steps]
        series.append({"name": cell, "x": [float(step) for step in steps], "y": mean})
    if comparison.best is not None and series:
        longest = max((one["x"] for one in series), key=len)
        chance = {"name": "chance", "x": longest, "y": [comparison.reference] * len(longest), "style": "dashed"}
        series.append(chance)
    return {
        "type": "chart",
        "kind": "line",
        "title": "Validation loss, mean of the seeds",
        "x": {"label": "training steps", "type": "value"},
        "y": {"label": "loss"},
        "series": series,
        "log": all(value > 0 for one in series for value in one["y"]),
    }


def _half_lives(comparison: Comparison) -> dict[str, Any]:
    rows = comparison.rows

    def finite(value: float) -> float | None:
        return value if math.isfinite(value) else None

    return {
        "type": "chart",
        "kind": "bar",
        "title": "Half-life of the gradient, in steps",
        "x": {"label": "cell", "type": "category", "values": [row.cell for row in rows]},
        "y": {"label": "steps"},
        "series": [
            {"name": "untrained", "y": [finite(row.half_life_before) for row in rows]},
            {"name": "trained", "y": [finite(row.half_life_after) for row in rows]},
        ],
        "caption": "No bar: the gradient doesn't shrink at all.",
    }


def _trials(comparison: Comparison) -> dict[str, Any]:
    columns = ["cell", "seed", comparison.measure, "steps", "seconds"]
    return {
        "type": "table",
        "columns": [{"name": name, "align": "right" if place else "left"} for place, name in enumerate(columns)],
        "rows": [
            [trial.cell, str(trial.seed), _number(trial.score), f"{trial.steps:,}", f"{trial.seconds:.1f}"]
            for trial in comparison.trials
        ],
    }


def _short(value: float) -> str:
    """Three digits, and no power of ten."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _number(value: float) -> str:
    return f"{value:.4g}"


def _spread(row: Row) -> str:
    return "one seed" if math.isnan(row.sd) else f"± {row.sd:.2g} over {len(row.scores)} seeds"


def _steps(value: float) -> str:
    return "∞" if math.isinf(value) else "–" if math.isnan(value) else f"{value:.3g}"
