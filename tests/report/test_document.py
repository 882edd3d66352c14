"""Errors of a document: the section, the block, what was expected and what came."""

import copy
import math

import pytest

from unrolled.errors import UnrolledError
from unrolled.report import DocumentError, render

CHART = {
    "type": "chart",
    "kind": "line",
    "title": "c",
    "x": {"label": "", "type": "value", "values": [1, 2]},
    "y": {"label": "y"},
    "series": [{"name": "temp", "y": [1.0, None]}],
}
TABLE = {"type": "table", "columns": [{"name": "a"}, {"name": "b"}], "rows": [[1, "x"]]}
HEAT = {"type": "heat", "rows": ["a", "b"], "columns": ["x"], "values": [[0.5], [1]]}
NODE = {"label": "a", "score": -1.0, "kept": True}
HERE = "section 1 ('Data'), block 1"


def report(block: object) -> dict:
    return {"title": "t", "sections": [{"title": "Data", "blocks": [block]}]}


def changed(block: dict, **changes: object) -> dict:
    block = {**copy.deepcopy(block), **changes}
    return {key: value for key, value in block.items() if value != "GONE"}


CASES = {
    "no type": (
        {},
        f"{HERE}: no 'type'; there are: text, cards, table, list, code, details, tabs, chart, heat, tree",
    ),
    "unknown type": ({"type": "tabel"}, "section 1 ('Data'), block 1: unknown block type 'tabel'; nearest: 'table'"),
    "missing key": ({"type": "text"}, "section 1 ('Data'), block 1 (text): no 'text'; it needs type, text"),
    "unknown key": ({"type": "text", "text": "a", "txt": 1}, f"{HERE} (text): unknown key 'txt'; nearest: 'text'"),
    "wrong kind": ({"type": "text", "text": 3}, f"{HERE} (text): 'text' is a whole number; expected text"),
    "card": (
        {"type": "cards", "cards": [{"label": "a"}]},
        f"{HERE} (cards), card 1: no 'value'; it needs label, value",
    ),
    "card value": (
        {"type": "cards", "cards": [{"label": "a", "value": []}]},
        f"{HERE} (cards), card 1, value: expected text, a number or null, got a list",
    ),
    "tone": (
        {"type": "cards", "cards": [{"label": "a", "value": 1, "tone": "red"}]},
        f"{HERE} (cards), card 1: 'tone' is 'red'; there are: good, bad, plain",
    ),
    "short row": (
        changed(TABLE, rows=[[1, 2], [1]]),
        f"{HERE} (table), row 2: expected 2 cells, one a column, got 1 cells",
    ),
    "cell": (changed(TABLE, rows=[[1, {}]]), f"{HERE} (table), row 1: expected text, a number or null, got an object"),
    "highlight": (
        changed(TABLE, highlight=[1]),
        f"{HERE} (table): 'highlight' holds 1; expected indices of rows, 0 to 0",
    ),
    "align": (
        changed(TABLE, columns=[{"name": "a", "align": "centre"}, {"name": "b"}]),
        f"{HERE} (table), column 1: 'align' is 'centre'; there are: left, right",
    ),
    "format": (
        changed(TABLE, columns=[{"name": "a"}, {"name": "b", "format": "two"}]),
        "column 2: the format 'two' is not one for numbers",
    ),
    "item": ({"type": "list", "items": ["a", 2]}, f"{HERE} (list), item 2: expected text, got a whole number"),
    "no tabs": ({"type": "tabs", "tabs": []}, f"{HERE} (tabs): 'tabs' is empty; it needs at least one"),
    "inside tabs": (
        {
            "type": "tabs",
            "tabs": [{"label": "a", "blocks": [{"type": "details", "summary": "s", "blocks": [{"type": "code"}]}]}],
        },
        f"{HERE} (tabs), tab 1, block 1 (details), block 1 (code): no 'code'; it needs type, code",
    ),
    "kind": (changed(CHART, kind="pie"), f"{HERE} (chart): 'kind' is 'pie'; there are: line, bar"),
    "no series": (
        changed(CHART, series="GONE"),
        f"{HERE} (chart): no 'series'; it needs type, kind, title, x, y, series",
    ),
    "x type": (
        changed(CHART, x={"label": "", "type": "date"}),
        f"{HERE} (chart), x: 'type' is 'date'; there are: time, value, category",
    ),
    "x value": (
        changed(CHART, x={"label": "", "type": "value", "values": [1, math.nan]}),
        f"{HERE} (chart), x: x[1] is nan; expected a finite number",
    ),
    "x stamp": (
        changed(CHART, x={"label": "", "type": "time", "values": ["2013-01-01", "1/2/2013"]}),
        f"{HERE} (chart), x: x[1] is '1/2/2013'; expected an ISO time stamp",
    ),
    "x category": (
        changed(CHART, x={"label": "", "type": "category", "values": ["a", 2]}),
        f"{HERE} (chart), x: x[1] is 2; expected text",
    ),
    "no x": (
        changed(CHART, x={"label": "", "type": "value"}),
        f"{HERE} (chart), series 1 ('temp'): no 'x', and the chart's x has no 'values' to share; give one of them",
    ),
    "lengths": (
        changed(CHART, series=[{"name": "temp", "y": [1]}]),
        f"{HERE} (chart), series 1 ('temp'): 1 values of y for 2 of x",
    ),
    "y": (
        changed(CHART, series=[{"name": "temp", "y": [1, "2"]}]),
        f"{HERE} (chart), series 1 ('temp'): y[1] is text; expected a number or null",
    ),
    "style": (
        changed(CHART, series=[{"name": "temp", "y": [1, 2], "style": "wavy"}]),
        f"{HERE} (chart), series 1 ('temp'): 'style' is 'wavy'; there are: solid, dashed, dotted, points, area, band",
    ),
    "band without low": (
        changed(CHART, series=[{"name": "temp", "y": [1, 2], "style": "band"}]),
        f"{HERE} (chart), series 1 ('temp'): no 'low'; a band lies between 'low' and 'y'",
    ),
    "low without band": (
        changed(CHART, series=[{"name": "temp", "y": [1, 2], "low": [0, 1]}]),
        f"{HERE} (chart), series 1 ('temp'): 'low' is the lower end of a band; give it the style 'band',",
    ),
    "band's lengths": (
        changed(CHART, series=[{"name": "temp", "y": [1, 2], "low": [0], "style": "band"}]),
        f"{HERE} (chart), series 1 ('temp'): 1 values of low for 2 of y",
    ),
    "band's low": (
        changed(CHART, series=[{"name": "temp", "y": [1, 2], "low": [0, "1"], "style": "band"}]),
        f"{HERE} (chart), series 1 ('temp'): low[1] is text; expected a number or null",
    ),
    "band upside down": (
        changed(CHART, series=[{"name": "temp", "y": [1, 2], "low": [None, 2.5], "style": "band"}]),
        f"{HERE} (chart), series 1 ('temp'): low[1] is 2.5, above its y of 2; 'low' is the lower end",
    ),
    "band of bars": (
        changed(CHART, kind="bar", series=[{"name": "temp", "y": [1, 2], "low": [0, 1], "style": "band"}]),
        f"{HERE} (chart), series 1 ('temp'): a band needs a chart of the kind 'line', got 'bar'",
    ),
    "mark": (
        changed(CHART, marks=[{"from": 1, "label": "a"}]),
        f"{HERE} (chart), mark 1: no 'to'; it needs from, to, label",
    ),
    "mark at": (
        changed(CHART, marks=[{"at": "1", "label": "a"}]),
        f"{HERE} (chart), mark 1: x[0] is '1'; expected a finite number",
    ),
    "zoom": (
        changed(CHART, zoom=[1]),
        f"{HERE} (chart): 'zoom' is neither true, false nor the first view's two ends [from, to]",
    ),
    "heat without values": (
        changed(HEAT, values="GONE"),
        f"{HERE} (heat): no 'values'; it needs type, rows, columns, values",
    ),
    "heat's label": (changed(HEAT, columns=[1]), f"{HERE} (heat): columns[0] is a whole number; expected text"),
    "heat's rows": (changed(HEAT, values=[[0.5]]), f"{HERE} (heat): 1 rows of values for 2 labels of rows"),
    "heat's columns": (
        changed(HEAT, values=[[0.5], [1, 0]]),
        f"{HERE} (heat), row 2: expected 1 values, one a column, got 2 values",
    ),
    "heat's row": (
        changed(HEAT, values=[[0.5], 1]),
        f"{HERE} (heat), row 2: expected 1 values, one a column, got a whole number",
    ),
    "heat above one": (
        changed(HEAT, values=[[0.5], [1.25]]),
        f"{HERE} (heat), row 2: value 1 is 1.25; expected a number from 0 to 1",
    ),
    "heat of no number": (
        changed(HEAT, values=[[math.nan], [1]]),
        f"{HERE} (heat), row 1: value 1 is nan; expected a number from 0 to 1",
    ),
    "heat of text": (
        changed(HEAT, values=[["1"], [1]]),
        f"{HERE} (heat), row 1: value 1 is text; expected a number from 0 to 1",
    ),
    "tree's level": ({"type": "tree", "levels": [3]}, f"{HERE} (tree), level 1: expected a list of nodes, got a whole"),
    "tree's node": (
        {"type": "tree", "levels": [[{"label": "a", "kept": True}]]},
        f"{HERE} (tree), level 1, node 1: no 'score'; it needs label, score, kept",
    ),
    "tree's root": (
        {"type": "tree", "levels": [[changed(NODE, parent=0)]]},
        f"{HERE} (tree), level 1, node 1: 'parent' is 0; the first level has none, leave it out",
    ),
    "tree's parent": (
        {"type": "tree", "levels": [[NODE], [changed(NODE, parent=1)]]},
        f"{HERE} (tree), level 2, node 1: 'parent' is 1; expected the place of a node, 0 to 0",
    ),
    "tree's orphan": (
        {"type": "tree", "levels": [[NODE], [NODE]]},
        f"{HERE} (tree), level 2, node 1: 'parent' is null; expected the place of a node, 0 to 0",
    ),
    "long": (
        changed(TABLE, columns=[{"name": "a", "long": 1}, {"name": "b"}]),
        f"{HERE} (table), column 1: 'long' is a whole number; expected true or false",
    ),
    "height": (changed(CHART, height=20), f"{HERE} (chart): 'height' is 20; expected 120 to 2000 pixels"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_wrong_block_is_named_with_its_place(name):
    block, message = CASES[name]
    with pytest.raises(DocumentError) as error:
        render(report(block))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "document: expected an object with title, sections, got a list"),
        ({"sections": []}, "document: no 'title'; it needs title, sections"),
        ({"title": "t", "sections": [{"title": "A"}]}, "section 1 ('A'): no 'blocks'; it needs title, blocks"),
        ({"title": "t", "sections": [3]}, "section 1: expected an object with title, blocks, got a whole number"),
        (
            {"title": "t", "sections": [{"title": "A", "id": "a b", "blocks": []}]},
            "section 1 ('A'): the id 'a b' is taken, or not letters",
        ),
        (
            {
                "title": "t",
                "sections": [{"title": "A", "id": "a", "blocks": []}, {"title": "B", "id": "a", "blocks": []}],
            },
            "section 2 ('B'): the id 'a' is taken",
        ),
    ],
)
def test_a_wrong_document_is_named(document, message):
    with pytest.raises(DocumentError) as error:
        render(document)
    assert message in str(error.value)


def test_the_error_is_one_of_the_family_and_a_value_error():
    assert issubclass(DocumentError, UnrolledError)
    assert issubclass(DocumentError, ValueError)


@pytest.mark.parametrize(
    "stamp",
    [
        "2013-01-01",
        "2013-01-01T05:00",
        "2013-01-01 05:00:00.000001",
        "2013-01-01T05:00:00Z",
        "2013-01-01T05:00:00+09:00",
    ],
)
def test_time_stamps_as_python_and_polars_write_them_are_taken(stamp):
    chart = changed(CHART, x={"label": "", "type": "time", "values": [stamp, stamp]})
    assert stamp in render(report(chart))


def test_null_stands_for_an_absent_key():
    chart = changed(CHART, marks=None, caption=None, zoom=None, height=None, log=None)
    assert render(report(chart)) == render(report(CHART))
