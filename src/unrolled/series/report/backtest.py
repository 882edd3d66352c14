"""The section on a backtest: what each fold came to, and the verdict over all of them."""

from typing import TYPE_CHECKING, Any

from unrolled.series.report.lines import brief
from unrolled.series.report.tables import significance_table, table
from unrolled.series.report.target import verdict
from unrolled.series.report.words import number, numbers, share

if TYPE_CHECKING:
    from unrolled.series.judging.evaluation import Evaluation
    from unrolled.series.learning.backtest import Backtest

Block = dict[str, Any]


def backtest_section(backtest: "Backtest") -> dict[str, Any]:
    """A section; several targets have a tab each."""
    parts = [(one.target, _blocks(backtest, one)) for one in backtest.evaluations]
    tabs = {"type": "tabs", "tabs": [{"label": target, "blocks": blocks} for target, blocks in parts]}
    return {
        "title": "Backtest",
        "id": "backtest",
        "note": f"{_folds(backtest)} No fold was seen by the network that forecast it, nor by its scaler.",
        "blocks": parts[0][1] if len(parts) == 1 else [tabs],
    }


def _folds(backtest: "Backtest") -> str:
    """How it was trained, in a sentence."""
    count, trained = len(backtest.folds), sum(fold.trained for fold in backtest.folds)
    if count == 1:
        return "The test part again, as one fold."
    part = "a part as long as the first one" if backtest.sliding else "all that lies before it"
    when = "before each" if trained == count else "before the first" if trained == 1 else f"before {trained} of them"
    return f"The test part in {count} folds, one after the other. A network was trained {when}, on {part}."


def _blocks(backtest: "Backtest", evaluation: "Evaluation") -> list[Block]:
    errors = {fold.number: fold.errors[evaluation.target] for fold in backtest.folds}
    best, model = evaluation.best_baseline, evaluation.model
    retrained = not all(fold.trained for fold in backtest.folds)
    rows = [
        [
            f"{fold.number}: {brief(fold.test[0])}",
            *(["anew" if fold.trained else "earlier"] if retrained else []),
            f"{fold.windows:,}",
            *map(number, errors[fold.number].values()),
            share(_skill(errors[fold.number], model, best)),
        ]
        for fold in backtest.folds
    ]
    whole = [evaluation.overall[method]["MAE"] for method in errors[1]]
    blank = [""] if retrained else []
    rows.append(["all", *blank, f"{evaluation.windows:,}", *map(number, whole), share(evaluation.skill(model))])
    head = ["fold, from", *(["network"] if retrained else []), "windows", *errors[1], "skill"]
    caption = (
        f"Mean absolute error on each fold, which goes up to the next; the last one ends at "
        f"{brief(backtest.folds[-1].test[1])}. Skill against the {best}, the best baseline over all folds."
    )
    folds = table(head, rows, caption, words=1 + retrained, highlight=[len(rows) - 1])
    chart = [_chart(backtest, evaluation)] if len(backtest.folds) > 1 else []
    tests = significance_table(evaluation)
    more: list[Block] = [{"type": "details", "summary": "More than chance?", "blocks": [tests]}] if tests else []
    return [verdict(evaluation), *chart, folds, *more]


def _skill(errors: dict[str, float | None], model: str, best: str) -> float:
    mine, other = errors[model], errors[best]
    return 1 - mine / other if mine is not None and other else float("nan")


def _chart(backtest: "Backtest", evaluation: "Evaluation") -> Block:
    """A point a fold and method, at the fold's first stamp."""
    model = evaluation.model
    errors = [fold.errors[evaluation.target] for fold in backtest.folds]
    series = [
        {
            "name": method,
            "y": numbers(own[method] for own in errors),
            "style": "solid" if method == model else "dashed",
            "emphasis": method == model,
        }
        for method in errors[0]
    ]
    return {
        "type": "chart",
        "kind": "line",
        "title": "Mean absolute error by fold",
        "x": {
            "label": "fold, and where it begins",
            "type": "category",
            "values": [f"{fold.number}: {brief(fold.test[0])}" for fold in backtest.folds],
        },
        "y": {"label": "mean absolute error"},
        "series": series,
    }
