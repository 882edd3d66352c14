"""Quality by the length of the sentence: a chart and a table."""

from typing import Any

from unrolled.text.quality import Bin, by_length
from unrolled.text.report.words import table
from unrolled.text.scoring import FORMULAS, Measured, Score

FEW = 100  # sentences: below, a bin's score is little more than a hint


def lengths(measured: Measured) -> list[dict[str, Any]]:
    bins = by_length(measured)
    chart = {
        "type": "chart",
        "kind": "bar",
        "title": "BLEU and chrF by length of the reference",
        "x": {
            "label": "tokens of the reference (sentences)",
            "type": "category",
            "values": [f"{_span(one)} ({one.count:,})" for one in bins],
        },
        "y": {"label": "score"},
        "series": [
            {
                "name": metric,
                "y": [float(f"{one.scores[at].value:.4g}") for one in bins],
                "emphasis": metric == "BLEU",
            }
            for at, metric in enumerate(FORMULAS)
        ],
        "height": 300,
    }
    rows = [[_span(one), f"{one.count:,}", *map(_said, one.scores)] for one in bins]
    few = any(one.count < FEW for one in bins)
    caption = "In brackets the 95% interval of the bootstrap." + (
        f" Of fewer than {FEW} sentences a score is little more than a hint." if few else ""
    )
    columns = ["tokens", "sentences", *FORMULAS]
    return [chart, table(columns, rows, caption, **dict.fromkeys(columns[1:], "right"))]


def _span(one: Bin) -> str:
    if one.high is None:
        return f"{one.low} and more"
    return f"up to {one.high}" if one.low <= 1 else f"{one.low} to {one.high}"


def _said(score: Score) -> str:
    return f"{score.value:.1f} ({score.low:.1f} to {score.high:.1f})".replace(" ", "\N{NO-BREAK SPACE}")
