"""Translations explained: how sure each piece was, what was looked at, and what the search kept and dropped."""

import math
from collections.abc import Callable, Sequence
from typing import Any

from unrolled.errors import SettingsError
from unrolled.nn.search import Tree
from unrolled.text.fitted import Translation
from unrolled.text.report.maps import alignment, beam_tree
from unrolled.text.report.words import labels, table

UNSEEN = 0.1  # of attention, summed over all pieces of the translation


def explain_document(
    translations: Sequence[Translation],
    trees: Sequence[Tree] | None = None,
    pieces: Callable[[Sequence[int]], list[str]] | None = None,
) -> dict[str, Any]:
    """A section a translation: each piece's probability, the alignment, source pieces that nobody looked at, the tree.

    ``trees`` are those of the translations' searches; ``pieces`` names their ids, such as a tokenizer's ``pieces``.

    >>> from unrolled.report import render
    >>> one = Translation("良い", -0.1, ["良", "い", "</s>"], [-0.1, -0.1, -0.1], ["good"])
    >>> "<h2" in render(explain_document([one]))
    True

    Raises SettingsError where there are not as many trees as translations.
    """
    if trees is not None and len(trees) != len(translations):
        raise SettingsError(
            f"each translation needs its tree, got {len(trees)} for {len(translations)}; give one each, or none"
        )
    sections = []
    for place, one in enumerate(translations):
        tree = None if trees is None else trees[place]
        sections.append({"title": one.text or "(nothing)", "blocks": _blocks(one, tree, pieces)})
    many = "1 sentence" if len(translations) == 1 else f"{len(translations):,} sentences"
    return {
        "title": "How it was translated",
        "subtitle": f"{many}: how sure each piece was, and what was looked at when it was written.",
        "language": "en",
        "footer": "Made by Unrolled. This page is one file: it needs no network, and makes no request.",
        "sections": sections,
    }


def _blocks(
    one: Translation, tree: Tree | None, pieces: Callable[[Sequence[int]], list[str]] | None
) -> list[dict[str, Any]]:
    if not one.source:
        return [{"type": "text", "text": "An empty sentence: there was nothing to translate."}]
    blocks: list[dict[str, Any]] = [{"type": "text", "text": _said(one)}, _probabilities(one)]
    if one.attention is None:
        why = "There is no alignment: the network has no attention, or the sentence was translated in parts."
        blocks.append({"type": "text", "text": why})
    else:
        caption = "The stronger a cell, the more of that source piece was read when the piece of its row was written."
        blocks += [alignment(one, caption), {"type": "text", "text": _unseen(one)}]
    if tree is not None and tree.levels:
        blocks.append(beam_tree(tree, one, pieces))
    return blocks


def _said(one: Translation) -> str:
    total, count = sum(one.logprobs), len(one.logprobs)
    return (
        f"“{one.sentence}” became “{one.text}”.\n\nlog p is {total:.2f} over {count} pieces, a mean probability "
        f"of {math.exp(total / max(1, count)):.0%} each; the score that candidates are ranked by is {one.score:.3f}."
    )


def _probabilities(one: Translation) -> dict[str, Any]:
    names = labels(one.source)
    looked = None if one.attention is None else one.attention.double()
    rows = []
    for place, (piece, logprob) in enumerate(zip(labels(one.pieces), one.logprobs, strict=True)):
        row = [piece, f"{math.exp(logprob):.1%}"]
        if looked is not None:
            most = int(looked[place].argmax())
            row += [names[most], f"{float(looked[place, most]):.0%}"]
        rows.append(row)
    columns = ["piece", "probability", *(["looked at most", "share of the look"] if looked is not None else [])]
    caption = "The probability of each piece, given the source and the pieces before it."
    return table(columns, rows, caption, probability="right", **{"share of the look": "right"})


def _unseen(one: Translation) -> str:
    assert one.attention is not None
    totals = one.attention.double().sum(dim=0).tolist()
    missed = [name for name, total in zip(labels(one.source), totals, strict=True) if total < UNSEEN]
    if not missed:
        return "Every source piece was looked at."
    names = ", ".join(f"“{name}”" for name in missed)
    return f"Hardly looked at, less than {UNSEEN:g} in all rows together: {names}."
