"""The section on the strategies of multi-step forecasting: each one's error by step ahead."""

from typing import TYPE_CHECKING, Any

from unrolled.series.report.charts import by_step
from unrolled.series.report.tables import table
from unrolled.series.report.words import number, share

if TYPE_CHECKING:
    from unrolled.series.learning.strategies import Compared


def strategies_section(compared: "Compared") -> dict[str, Any]:
    """A section; several targets have a tab each."""
    targets = [one.target for one in next(iter(compared.evaluations.values()))]
    parts = [(target, _blocks(compared, k)) for k, target in enumerate(targets)]
    tabs = {"type": "tabs", "tabs": [{"label": target, "blocks": blocks} for target, blocks in parts]}
    return {
        "title": "Strategies",
        "id": "strategies",
        "note": "Ways to say several steps ahead, each trained on the same windows and scored on the same test part.",
        "blocks": parts[0][1] if len(parts) == 1 else [tabs],
    }


def _blocks(compared: "Compared", target: int) -> list[dict[str, Any]]:
    found = {name: evaluations[target] for name, evaluations in compared.evaluations.items()}
    order = sorted(found, key=lambda name: found[name].overall[found[name].model]["MAE"] or 0.0)
    errors = {name: one.by_step[one.model]["MAE"] for name, one in found.items()}
    rows = []
    for name in order:
        one = found[name]
        own = one.overall[one.model]
        seconds = f"{compared.seconds[name]:.0f}"
        rows.append([name, *(number(own[m]) for m in ("MAE", "RMSE", "MASE")), share(one.skill(one.model)), seconds])
    first = next(iter(found.values()))
    best = first.best_baseline
    beside = errors | {best: first.by_step[best]["MAE"]}
    title = "Mean absolute error by step ahead, by strategy"
    caption = f"Mean over the {first.windows:,} windows of the test part; the {best} stands beside them."
    chart = [by_step(title, beside, order[0], caption)] if len(errors[order[0]]) > 1 else []
    head = ["strategy", "MAE", "RMSE", "MASE", "skill", "seconds"]
    words = f"Skill: 1 − MAE / that of the {best}. Seconds: of training, on one thread."
    return [*chart, table(head, rows, words, highlight=[0])]
