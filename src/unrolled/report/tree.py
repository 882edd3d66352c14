"""A tree drawn level by level from left to right: what a search kept, what it dropped, and the best path through it."""

import math
from collections.abc import Sequence
from unicodedata import east_asian_width

from unrolled.report.checking import Object, fields, fits, kind, refuse
from unrolled.report.text import escape, inline, number, short

LONG_LABEL = 14  # characters of a node's label
ROW, GAP, MARGIN, SIZE = 30, 34, 12, 13  # pixels: between nodes, between levels, around all, of the letters


def check_tree(where: str, block: Object) -> None:
    """A node is ``{"label", "parent", "score", "kept", "best"}``; ``parent`` is the place of a node in the level
    before, from 0, and null in the first level.
    """
    fields(where, block, {"type": str, "levels": list}, {"caption": str})
    before: Sequence[object] = ()
    for depth, level in enumerate(block["levels"], 1):
        if not fits(level, list):
            refuse(f"{where}, level {depth}", f"expected a list of nodes, got {kind(level)}")
        for place, node in enumerate(level, 1):
            at = f"{where}, level {depth}, node {place}"
            fields(at, node, {"label": str, "score": float, "kept": bool}, {"parent": int, "best": bool})
            parent = node.get("parent")
            if depth == 1 and parent is not None:
                refuse(at, f"'parent' is {parent}; the first level has none, leave it out")
            if depth > 1 and (parent is None or not 0 <= parent < len(before)):
                last = f"0 to {len(before) - 1}" if before else "and the level before has none"
                refuse(at, f"'parent' is {'null' if parent is None else parent}; expected the place of a node, {last}")
        before = level


def tree(block: Object) -> str:
    """The tree as a ``<figure>`` with a drawing in SVG."""
    levels = block["levels"]
    widths = [max((_width(node["label"]) for node in level), default=0) for level in levels]
    lefts = [MARGIN + sum(widths[:depth]) + GAP * depth for depth in range(len(levels))]
    width = MARGIN * 2 + sum(widths) + GAP * max(0, len(levels) - 1)
    height = MARGIN * 2 + ROW * max(map(len, levels), default=0)
    lines: list[tuple[int, str]] = []
    nodes = []
    for depth, level in enumerate(levels):
        for place, node in enumerate(level):
            tone = "best" if node.get("best") else "kept" if node["kept"] else "dropped"
            x, y = lefts[depth], MARGIN + ROW * place + ROW / 2
            if depth:
                parent = node["parent"]
                x0 = lefts[depth - 1] + _width(levels[depth - 1][parent]["label"])
                lines.append((_ORDER[tone], _line(x0, MARGIN + ROW * parent + ROW / 2, x, y, tone)))
            nodes.append(_node(node, x, y, tone))
    best = [short(node["label"], LONG_LABEL) for level in levels for node in level if node.get("best")]
    spoken = escape(f"Tree of {len(levels)} levels. Best path: {short(' '.join(best), 400) or 'none marked'}.")
    caption = f"<figcaption>{inline(block['caption'])}</figcaption>" if block.get("caption") else ""
    drawn = "".join(line for _, line in sorted(lines, key=lambda each: each[0]))  # the best path lies on top
    return (
        f'<figure class="tree"><div class="scroll" role="region" tabindex="0" aria-label="{spoken}">'
        f'<svg width="{width:.0f}" height="{height:.0f}" role="img" aria-label="{spoken}">{drawn}{"".join(nodes)}</svg>'
        f"</div>{caption}</figure>"
    )


_ORDER = {"dropped": 0, "kept": 1, "best": 2}


def _line(x0: float, y0: float, x: float, y: float, tone: str) -> str:
    half = (x0 + x) / 2
    return f'<path class="{tone}" d="M{x0:.0f} {y0:.0f}C{half:.0f} {y0:.0f} {half:.0f} {y:.0f} {x:.0f} {y:.0f}"/>'


def _node(node: Object, x: float, y: float, tone: str) -> str:
    label, score = node["label"], node["score"]
    hint = escape(f"{short(label, 80)}: {number(float(score)) if math.isfinite(score) else '–'}, {_SAID[tone]}")
    width, shown = _width(label), escape(short(label, LONG_LABEL))
    return (
        f'<g class="{tone}"><title>{hint}</title>'
        f'<rect x="{x:.0f}" y="{y - 11:.0f}" width="{width:.0f}" height="22" rx="6"/>'
        f'<text x="{x + width / 2:.0f}" y="{y + 4.5:.1f}" text-anchor="middle">{shown}</text>'
        "</g>"
    )


_SAID = {"dropped": "dropped", "kept": "kept", "best": "on the best path"}


def _width(label: str) -> float:
    """Pixels of a node, with room around its label."""
    return max(26.0, SIZE * sum(map(_letter, short(label, LONG_LABEL))) + 14)


def _letter(letter: str) -> float:
    """About as wide as a letter is drawn, in its height: letters of East Asia are square."""
    if east_asian_width(letter) in "WF" or letter in "mwMW@%…":
        return 1.0
    return 0.75 if letter.isupper() else 0.62
