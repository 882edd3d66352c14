"""The tables of one target: every error, the tests, each series, each step ahead, the intervals."""

import math
from typing import Any

from unrolled.series.judging.evaluation import METRICS, Evaluation
from unrolled.series.judging.significance import ALPHA
from unrolled.series.report.told import skills, worst_first
from unrolled.series.report.words import chance, number, percent, share

ENDS = 100  # series at each end of a long table: the worst and the best
STEPS = 200  # rows of a table by step ahead; of more every second, or third, …
SHOWN = {"R2": "R²"}


def table(names: list[str], rows: list[list[Any]], caption: str, words: int = 1, **more: Any) -> dict[str, Any]:
    """A table whose first ``words`` columns are text, the others numbers."""
    columns = [{"name": name, "align": "left" if at < words else "right"} for at, name in enumerate(names)]
    return {"type": "table", "columns": columns, "rows": rows, "caption": caption, **more}


def errors_table(evaluation: Evaluation) -> dict[str, Any]:
    """Every method's errors, the model first."""
    rows = [
        [method, *(number(errors[m]) for m in METRICS), share(evaluation.skill(method))]
        for method, errors in evaluation.overall.items()
    ]
    caption = (
        "MAE, RMSE: in the target's own unit. MAPE, sMAPE (0 to 200), WAPE: in percent. MASE, RMSSE: against the "
        "seasonal naive forecast on the training part, below 1 is better. R²: the share of the variance that is "
        "foretold. Direction: how often rise or fall since the last known value was foretold, from 0 to 1; the naive "
        "forecast names none. Skill: 1 − MAE / the best baseline's."
    )
    names = ["method", *(SHOWN.get(name, name) for name in METRICS), "skill"]
    return table(names, rows, caption, highlight=[0])


def significance_table(evaluation: Evaluation) -> dict[str, Any] | None:
    """The model held against each baseline: is the difference more than chance?"""
    tests = evaluation.tests
    if not tests:
        return None
    several = len({one["test"] for one in tests}) > 1
    rows = [
        [
            one["baseline"],
            *([one["test"]] if several else []),
            _verdict(one["mean_difference"], one["p_value"]),
            number(one["mean_difference"]),
            _statistic(one["statistic"]),
            chance(one["p_value"]),
            f"{one['n']:,}",
        ]
        for one in tests
    ]
    wilcoxon = " Wilcoxon signed rank test over n series; the difference is of their MASE." if several else ""
    caption = (
        f"The {evaluation.model} beside each baseline: its error less the baseline's, below 0 where it is better, and "
        "the probability p of a difference at least this large between equally good forecasts: from "
        f"{ALPHA:g} on it may well be chance. Diebold-Mariano test, with the correction of Harvey, Leybourne and "
        f"Newbold, over n origins; the difference is of the MAE.{wilcoxon}"
    )
    head = ["against", *(["test"] if several else []), "the model is", "mean difference", "statistic", "p", "n"]
    return table(head, rows, caption, words=len(head) - 4)


def _verdict(difference: float, p: float) -> str:
    if math.isnan(p):
        return "not to be tested"
    if p >= ALPHA:
        return "no different"
    return "better" if difference < 0 else "worse"


def _statistic(value: float) -> str:
    return number(value) if math.isfinite(value) else "–" if math.isnan(value) else "∞" if value > 0 else "−∞"


def series_table(evaluation: Evaluation) -> dict[str, Any]:
    """The mean absolute error of each series, the worst first; of very many the two ends."""
    order, found, methods = worst_first(evaluation), skills(evaluation), list(evaluation.by_series)
    errors = evaluation.by_series.values()
    rows = [[name, *(number(own[name]) for own in errors), share(found[name])] for name in order]
    caption = f"Mean absolute error of each series, by its skill: 1 − MAE / that of the {evaluation.best_baseline}."
    if len(rows) > 2 * ENDS:
        left = ["…"] * (len(methods) + 2)
        rows = [*rows[:ENDS], left, *rows[-ENDS:]]
        caption += f" The {ENDS} worst and the {ENDS} best of {len(order):,}; `run.json` has all."
    return table(["series", *methods, "skill"], rows, caption)


def steps_table(evaluation: Evaluation) -> dict[str, Any]:
    """The mean absolute error of every method by step ahead."""
    errors = [own["MAE"] for own in evaluation.by_step.values()]
    every = -(-len(errors[0]) // STEPS)
    rows = [[str(step + 1), *(number(own[step]) for own in errors)] for step in range(0, len(errors[0]), every)]
    left = f" Every {every} steps; `run.json` has all." if every > 1 else ""
    return table(["step", *evaluation.by_step], rows, f"Mean absolute error by step ahead.{left}")


def intervals_table(intervals: dict[str, Any]) -> dict[str, Any]:
    """What intervals held on the test part by each way to calibrate them, the one in use first."""
    names = sorted(intervals["methods"], key=lambda name: name != intervals["used"])
    rows = []
    for name in names:
        own = intervals["methods"][name]
        rows.append([name, f"{own['coverage']:.1%}", *(number(own[m]) for m in ("width", "interval score", "MSIS"))])
    caption = (
        f"Split intervals go by the errors on the validation part, rolling ones by the latest that were known at each "
        f"origin, and grow wider or narrower where they missed too much or too little (adaptive conformal inference); "
        f"both promise {percent(intervals['level'])}. Width: the mean, in the target's own unit. Interval score: the "
        "width, and a penalty for every value outside; MSIS: the same, scaled as MASE. Lower is better."
    )
    return table(["intervals", "held", "width", "interval score", "MSIS"], rows, caption, highlight=[0])
