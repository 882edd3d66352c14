"""The document that a page is rendered from, checked: every error names the section and the block.

A document is ``{"title", "subtitle", "language", "footer", "sections"}``, and each of its sections ``{"title", "id",
"note", "blocks"}``. What a block of each type holds, its function in ``BLOCKS`` says. All of it is JSON: strings,
numbers, booleans, null, lists, and objects with string keys.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from unrolled.errors import nearest
from unrolled.report.checking import Object, choice, fields, fits, kind, refuse
from unrolled.report.heat import check_heat
from unrolled.report.text import short
from unrolled.report.tree import check_tree

STYLES = ("solid", "dashed", "dotted", "points", "area", "band")
_STAMP = re.compile(r"\d{4,6}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?( ?(Z|[+-]\d\d:?\d\d))?)?", re.ASCII)
_ID = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


def _cell(where: str, value: object) -> None:
    if value is not None and not isinstance(value, str | int | float):
        refuse(where, f"expected text, a number or null, got {kind(value)}")


def _text(where: str, block: Object) -> None:
    fields(where, block, {"type": str, "text": str})


def _cards(where: str, block: Object) -> None:
    fields(where, block, {"type": str, "cards": list})
    for place, card in enumerate(block["cards"], 1):
        at = f"{where}, card {place}"
        if isinstance(card, Mapping):
            _cell(f"{at}, value", card.get("value"))
            if fits(card.get("value"), float):
                card = {**card, "value": str(card["value"])}
        fields(at, card, {"label": str, "value": str}, {"detail": str, "tone": str})
        choice(at, "tone", card.get("tone"), ("good", "bad", "plain"))


def _table(where: str, block: Object) -> None:
    """A column is ``{"name", "align", "format", "long"}``; one that is long holds whole sentences."""
    fields(where, block, {"type": str, "columns": list, "rows": list}, {"highlight": list, "caption": str})
    for place, column in enumerate(block["columns"], 1):
        at = f"{where}, column {place}"
        fields(at, column, {"name": str}, {"align": str, "format": str, "long": bool})
        choice(at, "align", column.get("align"), ("left", "right"))
        try:
            format(1.5, column.get("format") or "")
        except ValueError as error:
            refuse(at, f"the format {column['format']!r} is not one for numbers ({error}); '.2f', say")
    for place, row in enumerate(block["rows"], 1):
        at = f"{where}, row {place}"
        if not fits(row, list) or len(row) != len(block["columns"]):
            got = f"{len(row)} cells" if fits(row, list) else kind(row)
            refuse(at, f"expected {len(block['columns'])} cells, one a column, got {got}")
        for cell in row:
            _cell(at, cell)
    for place in block.get("highlight") or ():
        if not fits(place, int) or not 0 <= place < len(block["rows"]):
            refuse(where, f"'highlight' holds {place!r}; expected indices of rows, 0 to {len(block['rows']) - 1}")


def _list(where: str, block: Object) -> None:
    fields(where, block, {"type": str, "items": list})
    for place, item in enumerate(block["items"], 1):
        if not isinstance(item, str):
            refuse(f"{where}, item {place}", f"expected text, got {kind(item)}")


def _code(where: str, block: Object) -> None:
    fields(where, block, {"type": str, "code": str}, {"language": str})


def _details(where: str, block: Object) -> None:
    fields(where, block, {"type": str, "summary": str, "blocks": list})
    check_blocks(where, block["blocks"])


def _tabs(where: str, block: Object) -> None:
    fields(where, block, {"type": str, "tabs": list})
    if not block["tabs"]:
        refuse(where, "'tabs' is empty; it needs at least one")
    for place, tab in enumerate(block["tabs"], 1):
        at = f"{where}, tab {place}"
        fields(at, tab, {"label": str, "blocks": list})
        check_blocks(at, tab["blocks"])


def _chart(where: str, block: Object) -> None:
    """A series is ``{"name", "y", "x", "style", "emphasis"}``; one of the style "band" is filled between its "low" and
    its "y".
    """
    fields(
        where,
        block,
        {"type": str, "kind": str, "title": str, "x": dict, "y": dict, "series": list},
        {"marks": list, "zoom": object, "height": int, "caption": str, "log": bool},
    )
    choice(where, "kind", block["kind"], ("line", "bar"))
    x = fields(f"{where}, x", block["x"], {"label": str, "type": str}, {"values": list})
    choice(f"{where}, x", "type", x["type"], ("time", "value", "category"))
    fields(f"{where}, y", block["y"], {"label": str}, {"unit": str})
    if x.get("values") is not None:
        _stations(f"{where}, x", x["values"], x["type"])
    for place, series in enumerate(block["series"], 1):
        at = f"{where}, series {place}"
        fields(at, series, {"name": str, "y": list}, {"x": list, "low": list, "style": str, "emphasis": bool})
        at += f" ({short(series['name'], 40)!r})"
        choice(at, "style", series.get("style"), STYLES)
        own = series.get("x")
        if own is not None:
            _stations(at, own, x["type"])
        elif x.get("values") is None:
            refuse(at, "no 'x', and the chart's x has no 'values' to share; give one of them")
        wanted = len(x["values"] if own is None else own)
        if len(series["y"]) != wanted:
            refuse(at, f"{len(series['y'])} values of y for {wanted} of x")
        _values(at, "y", series["y"])
        _band(at, series, block["kind"])
    _marks(where, block, x["type"])
    zoom = block.get("zoom")
    if zoom is not None and not isinstance(zoom, bool):
        if not fits(zoom, list) or len(zoom) != 2:
            refuse(where, "'zoom' is neither true, false nor the first view's two ends [from, to]")
        _stations(f"{where}, zoom", zoom, x["type"])
    if not 120 <= (block.get("height") or 360) <= 2000:
        refuse(where, f"'height' is {block['height']}; expected 120 to 2000 pixels")


def _values(where: str, key: str, values: Any) -> None:
    for index, value in enumerate(values):
        if value is not None and not fits(value, float):
            refuse(where, f"{key}[{index}] is {kind(value)}; expected a number or null")


def _band(where: str, series: Object, kind: str) -> None:
    """A band lies between 'low' and 'y', its upper end; a gap is where either is null. No other style has a 'low'."""
    low, y = series.get("low"), series["y"]
    if series.get("style") != "band":
        if low is not None:
            refuse(where, "'low' is the lower end of a band; give it the style 'band', or leave 'low' out")
        return
    if kind != "line":
        refuse(where, f"a band needs a chart of the kind 'line', got {kind!r}")
    if low is None:
        refuse(where, "no 'low'; a band lies between 'low' and 'y'")
    if len(low) != len(y):
        refuse(where, f"{len(low)} values of low for {len(y)} of y")
    _values(where, "low", low)
    for index, (a, b) in enumerate(zip(low, y, strict=True)):
        if a is not None and b is not None and a > b:
            refuse(where, f"low[{index}] is {a}, above its y of {b}; 'low' is the lower end")


def _marks(where: str, block: Object, kind: str) -> None:
    for place, mark in enumerate(block.get("marks") or (), 1):
        at = f"{where}, mark {place}"
        ends = ("at",) if isinstance(mark, Mapping) and "at" in mark else ("from", "to")
        fields(at, mark, {**dict.fromkeys(ends, object), "label": str})
        _stations(at, [mark[end] for end in ends], kind)


def _stations(where: str, values: Any, kind: str) -> None:
    """Refuse values that can't stand on an x axis of this kind."""
    for index, value in enumerate(values):
        if kind == "value":
            ok, wanted = fits(value, float) and abs(value) < float("inf"), "a finite number"
        elif kind == "category":
            ok, wanted = isinstance(value, str), "text"
        else:
            ok, wanted = isinstance(value, str) and _STAMP.fullmatch(value) is not None, "an ISO time stamp"
        if not ok:
            refuse(where, f"x[{index}] is {short(repr(value), 60)}; expected {wanted}")


BLOCKS: dict[str, Callable[[str, Object], None]] = {
    "text": _text,
    "cards": _cards,
    "table": _table,
    "list": _list,
    "code": _code,
    "details": _details,
    "tabs": _tabs,
    "chart": _chart,
    "heat": check_heat,
    "tree": check_tree,
}


def check_blocks(where: str, blocks: Any) -> None:
    for place, block in enumerate(blocks, 1):
        at = f"{where}, block {place}"
        if not isinstance(block, Mapping) or not isinstance(block.get("type"), str):
            refuse(at, f"no 'type'; there are: {', '.join(BLOCKS)}")
        kind = block["type"]
        if kind not in BLOCKS:
            refuse(at, f"unknown block type {short(kind, 60)!r}{nearest(kind, BLOCKS)}")
        BLOCKS[kind](f"{at} ({kind})", block)


def check(document: object) -> Object:
    """The document itself; raises DocumentError with the place of the first thing that is wrong."""
    checked = fields(
        "document", document, {"title": str, "sections": list}, dict.fromkeys(("subtitle", "language", "footer"), str)
    )
    seen: set[str] = set()
    for place, section in enumerate(checked["sections"], 1):
        at = f"section {place}"
        if isinstance(section, Mapping) and isinstance(section.get("title"), str):
            at += f" ({short(section['title'], 40)!r})"
        fields(at, section, {"title": str, "blocks": list}, {"id": str, "note": str})
        id = section.get("id")
        if id is not None and (not _ID.fullmatch(id) or id in seen):
            refuse(at, f"the id {short(id, 40)!r} is taken, or not letters, digits, '-' and '_' after a letter")
        seen.add(id or "")
        check_blocks(at, section["blocks"])
    return checked


def charts(blocks: Any) -> Iterator[Object]:
    """Every chart of the blocks, those in tabs and details too, in the order of the page."""
    for block in blocks:
        if block["type"] == "chart":
            yield block
        for inner in (block, *block.get("tabs", ())):
            yield from charts(inner.get("blocks", ()))
