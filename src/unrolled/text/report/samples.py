"""Translations to look at: from good to bad ones, what they looked at, and the worst."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from unrolled.text.fitted import Translation
from unrolled.text.quality import worst
from unrolled.text.report.maps import alignment
from unrolled.text.report.words import table
from unrolled.text.scoring import Measured

RANKS = {  # the share of sentences that are better
    "among the best": 0.1,
    "better than most": 0.3,
    "median": 0.5,
    "worse than most": 0.7,
    "among the worst": 0.9,
}
DRAWN = {name: RANKS[name] for name in ("among the best", "median", "among the worst")}
READABLE = 32  # pieces of a side of an alignment, at most
SENTENCES = {"source": "long", "reference": "long", "translation": "long", "chrF": "right"}


def samples(measured: Measured, sources: Sequence[str]) -> dict[str, Any]:
    """A table of sentences at set ranks of chrF."""
    scores = measured.by_sentence("chrF")
    rows = [[rank, *_row(measured, sources, i)] for rank, i in _at(scores, range(len(scores)), RANKS)]
    caption = (
        "Ranked by the chrF of each sentence: a tenth of all are better than the first of these, half are better than "
        "the median, and a tenth are worse than the last."
    )
    return table(["rank", "source", "reference", "translation", "chrF"], rows, caption, **SENTENCES)


def worst_table(measured: Measured, sources: Sequence[str]) -> dict[str, Any]:
    """The sentences with the lowest chrF."""
    rows = [[str(one.place + 1), *_row(measured, sources, one.place)] for one in worst(measured)]
    caption = "Sentences are numbered from 1, in the order of the test part."
    return table(["sentence", "source", "reference", "translation", "chrF"], rows, caption, **SENTENCES)


def alignments(measured: Measured, sources: Sequence[str], written: Sequence[Translation]) -> dict[str, Any] | None:
    """A section with what was looked at in three translations; None without attention that can be drawn."""
    able = [
        i
        for i, one in enumerate(written)
        if one.attention is not None and len(one.source) <= READABLE and len(one.pieces) <= READABLE
    ]
    if not able:
        return None
    tabs = []
    for label, i in _at(measured.by_sentence("chrF"), able, DRAWN):
        caption = f"“{sources[i]}” became “{written[i].text}”; the reference is “{measured.references[i]}”."
        tabs.append({"label": label, "blocks": [alignment(written[i], caption)]})
    return {
        "title": "What it looked at",
        "id": "alignment",
        "note": "Attention: each row is a piece of the translation, and the stronger a cell, the more of that source "
        "piece was read when it was written. A row sums to 1; a word may be in several pieces; `</s>` is the end.",
        "blocks": [{"type": "tabs", "tabs": tabs}],
    }


def _row(measured: Measured, sources: Sequence[str], i: int) -> list[str]:
    score = float(measured.by_sentence("chrF")[i])
    return [sources[i], measured.references[i], measured.hypotheses[i] or "(nothing)", f"{score:.1f}"]


def _at(scores: np.ndarray, which: Sequence[int], ranks: dict[str, float]) -> list[tuple[str, int]]:
    """Of the sentences ``which`` those at ranks by score, the best first; none twice."""
    order = sorted(which, key=lambda i: (-scores[i], i))
    found: dict[int, str] = {}
    for name, share in ranks.items():
        found.setdefault(order[round(share * (len(order) - 1))], name)
    return [(name, i) for i, name in found.items()]
