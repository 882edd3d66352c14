"""A translation as pictures: its alignment, and the tree of the search that found it."""

from collections.abc import Callable, Sequence
from typing import Any

from unrolled.errors import SettingsError
from unrolled.nn.search import Tree
from unrolled.text.fitted import Translation
from unrolled.text.report.words import labels
from unrolled.text.tokenizer import END

LEVELS = 80  # of a tree that are drawn


def alignment(translation: Translation, caption: str) -> dict[str, Any]:
    """A heat map: a row a piece of the translation, a column a piece of the source."""
    assert translation.attention is not None
    weights = translation.attention.double().clamp(0, 1)
    return {
        "type": "heat",
        "rows": labels(translation.pieces),
        "columns": labels(translation.source),
        "values": [[float(f"{value:.3f}") for value in row] for row in weights.tolist()],
        "row_label": "written",
        "column_label": "read",
        "caption": caption,
    }


def beam_tree(
    tree: Tree, translation: Translation, pieces: Callable[[Sequence[int]], list[str]] | None
) -> dict[str, Any]:
    """What the beam kept and dropped, with the path to ``translation``; ``pieces`` names ids, or they are numbers."""
    best = _path(tree, translation)
    levels, alive = [], []  # alive: the places, in the level before, of what went on, as parents count them
    for depth, level in enumerate(tree.levels[:LEVELS]):
        tokens = [token for _, token, _, _ in level]
        names = labels(pieces(tokens)) if pieces else [str(token) for token in tokens]
        if len(names) != len(tokens):
            raise SettingsError(f"pieces has to name every id, got {len(names)} names for {len(tokens)} ids")
        nodes = []
        for place, ((parent, _, score, kept), label) in enumerate(zip(level, names, strict=True)):
            node = {"label": label, "score": score, "kept": kept, "best": (depth, place) in best}
            nodes.append(node if depth == 0 else {**node, "parent": alive[parent]})
        levels.append(nodes)
        alive = _alive(level)
    cut = f" The first {LEVELS} of {len(tree.levels)} steps." if len(tree.levels) > LEVELS else ""
    caption = (
        "Each column is a step, the likeliest at the top; framed: kept in the beam; faint: dropped; blue: the "
        f"translation, which may end before the search does.{cut}"
    )
    return {"type": "tree", "levels": levels, "caption": caption}


def _alive(level: list[tuple[int, int, float, bool]]) -> list[int]:
    return [place for place, (_, token, _, kept) in enumerate(level) if kept and token != END]


def _path(tree: Tree, translation: Translation) -> set[tuple[int, int]]:
    """(level, place) of each piece of the translation: from its last piece, known by log p, up to the first."""
    depth = len(translation.logprobs) - 1
    if not 0 <= depth < len(tree.levels):
        return set()
    total = sum(translation.logprobs)
    kept = [place for place, node in enumerate(tree.levels[depth]) if node[3]]
    place = min(kept, key=lambda place: abs(tree.levels[depth][place][2] - total), default=None)
    found = set()
    while place is not None:
        found.add((depth, place))
        parent = tree.levels[depth][place][0]
        depth -= 1
        place = _alive(tree.levels[depth])[parent] if depth >= 0 else None
    return found
