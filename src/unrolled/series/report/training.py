"""What the network is, and how it was trained."""

from typing import Any

from unrolled.checkpoint import TrainingState
from unrolled.series.learning.plan import Plan
from unrolled.series.report.words import LOSSES, network, numbers
from unrolled.series.words import counted

DRAWN = 8  # members of an ensemble


def training(plan: Plan, states: list[TrainingState]) -> list[dict[str, Any]]:
    return [_loss_chart(plan, states), {"type": "list", "items": _words(plan, states)}]


def _loss_chart(plan: Plan, states: list[TrainingState]) -> dict[str, Any]:
    if len(states) == 1:
        series = [
            {**_line(states[0], "training", "loss"), "style": "dashed"},
            {**_line(states[0], "validation", "validation"), "emphasis": True},
        ]
        caption = "The weights with the lowest validation loss are the ones that were kept."
    else:
        series = [_line(state, f"network {n}", "validation") for n, state in enumerate(states[:DRAWN], 1)]
        some = f" The first {DRAWN} of {len(states)} networks." if len(states) > DRAWN else ""
        caption = f"On the validation part; the weights with the lowest loss of each network were kept.{some}"
    return {
        "type": "chart",
        "kind": "line",
        "title": "Loss in training" if len(states) == 1 else "Validation loss of each network",
        "x": {"label": "epoch", "type": "value"},
        "y": {"label": LOSSES[plan.architecture.loss]},
        "series": series,
        "caption": caption,
        "height": 320,
    }


def _line(state: TrainingState, name: str, key: str) -> dict[str, Any]:
    return {
        "name": name,
        "x": [record["epoch"] for record in state.records],
        "y": numbers(record[key] for record in state.records),
    }


def _words(plan: Plan, states: list[TrainingState]) -> list[str]:
    settings, members = plan.training, len(states)
    budget = (
        f"{settings.minutes:g} minutes" if settings.minutes else f"at most {counted(settings.longest or 0, 'epoch')}"
    )
    seeds = f"seed {settings.seed}" if members == 1 else f"seeds {settings.seed} to {settings.seed + members - 1}"
    best = [min(state.records, key=lambda record: record["validation"]) for state in states]
    losses, passes = ([f"{one[key]:.{digits}g}" for one in best] for key, digits in (("validation", 4), ("epoch", 2)))
    return [
        *network(plan.architecture, members),
        f"Trained to lower the {LOSSES[plan.architecture.loss]}.",
        f"AdamW, learning rate {settings.learning_rate:g}, batches of {settings.batch_size}, gradient norm clipped at "
        f"{settings.clip:g}, {budget}, {seeds}.",
        f"Best validation loss {', '.join(losses)} at epoch {', '.join(passes)}; "
        f"{sum(state.seconds for state in states):.3g} s in all.",
        *(
            ["Then one more network was trained on all rows, for as many epochs; it made the forecast of the future."]
            if plan.refit
            else []
        ),
    ]
