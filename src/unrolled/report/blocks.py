"""The blocks of a section as HTML, one function a type. What they get has been checked."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from unrolled.report.chart import figure
from unrolled.report.checking import Object
from unrolled.report.heat import heat
from unrolled.report.text import LONG, escape, inline, name, number, paragraphs
from unrolled.report.tree import tree

SENTENCE = 1000  # characters of a cell in a column of sentences


@dataclass
class Page:
    """What blocks share on one page: the colours of the series, and a counter for ids."""

    colours: dict[str, str] = field(default_factory=dict)
    ids: int = 0

    def id(self) -> str:
        self.ids += 1
        return f"part-{self.ids}"


def _text(block: Object, page: Page) -> str:
    return f'<div class="prose">{paragraphs(block["text"])}</div>'


def _cards(block: Object, page: Page) -> str:
    cards = []
    for card in block["cards"]:
        tone = card.get("tone") or "plain"
        value = card["value"] if isinstance(card["value"], str) else number(card["value"])
        spoken = "" if tone == "plain" else f'<span class="unseen"> ({tone})</span>'
        detail = f'<dd class="detail">{inline(card["detail"])}</dd>' if card.get("detail") else ""
        cards.append(
            f'<div class="card {tone}"><dt>{name(card["label"])}</dt>'
            f'<dd class="value">{name(value, 40)}{spoken}</dd>{detail}</div>'
        )
    return f'<dl class="cards">{"".join(cards)}</dl>'


def _table(block: Object, page: Page) -> str:
    columns = block["columns"]
    sides = [_side(column) for column in columns]
    head = "".join(
        f'<th scope="col"{side}>{name(column["name"])}</th>' for side, column in zip(sides, columns, strict=True)
    )
    strong = set(block.get("highlight") or ())
    rows = []
    for place, row in enumerate(block["rows"]):
        cells = [
            name(number(cell, column.get("format")), SENTENCE if column.get("long") else LONG)
            for cell, column in zip(row, columns, strict=True)
        ]
        first = [f'<th scope="row"{sides[0]}>{cells[0]}</th>'] if cells else []
        rest = [f"<td{side}>{cell}</td>" for side, cell in zip(sides[1:], cells[1:], strict=True)]
        emphasis = ' class="strong"' if place in strong else ""
        rows.append(f"<tr{emphasis}>{''.join(first + rest)}</tr>")
    caption = block.get("caption")
    label = f' aria-label="{escape(caption)}"' if caption else ' aria-label="Table"'
    below = f"<figcaption>{inline(caption)}</figcaption>" if caption else ""
    return (
        f'<figure class="table"><div class="scroll" role="region" tabindex="0"{label}>'
        f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>{below}</figure>"
    )


def _side(column: Object) -> str:
    classes = [
        word for word, meant in (("right", column.get("align") == "right"), ("long", column.get("long"))) if meant
    ]
    return f' class="{" ".join(classes)}"' if classes else ""


def _list(block: Object, page: Page) -> str:
    return f"<ul>{''.join(f'<li>{inline(item)}</li>' for item in block['items'])}</ul>"


def _code(block: Object, page: Page) -> str:
    language = block.get("language")
    label = f'<span class="language">{escape(language)}</span>' if language else ""
    return (
        f'<div class="code">{label}<button type="button" class="quiet copy">Copy</button>'
        f'<pre tabindex="0"><code>{escape(block["code"])}</code></pre></div>'
    )


def _details(block: Object, page: Page) -> str:
    inner = blocks(block["blocks"], page)
    return f'<details class="more"><summary>{name(block["summary"])}</summary><div>{inner}</div></details>'


def _tabs(block: Object, page: Page) -> str:
    ids = [page.id() for _ in block["tabs"]]
    buttons, panels = [], []
    for place, (id, tab) in enumerate(zip(ids, block["tabs"], strict=True)):
        chosen = 'aria-selected="true"' if place == 0 else 'aria-selected="false" tabindex="-1"'
        buttons.append(
            f'<button type="button" role="tab" id="{id}-tab" aria-controls="{id}" {chosen}>'
            f"{name(tab['label'], 48)}</button>"
        )
        panels.append(
            f'<div role="tabpanel" id="{id}" aria-labelledby="{id}-tab" tabindex="0">'
            f'<p class="panel-name" aria-hidden="true">{name(tab["label"])}</p>{blocks(tab["blocks"], page)}</div>'
        )
    return f'<div class="tabs"><div role="tablist">{"".join(buttons)}</div>{"".join(panels)}</div>'


def _chart(block: Object, page: Page) -> str:
    return figure(block, page.colours)


def _heat(block: Object, page: Page) -> str:
    return heat(block, page.id())


def _tree(block: Object, page: Page) -> str:
    return tree(block)


_HTML: dict[str, Callable[[Object, Page], str]] = {
    "text": _text,
    "cards": _cards,
    "table": _table,
    "list": _list,
    "code": _code,
    "details": _details,
    "tabs": _tabs,
    "chart": _chart,
    "heat": _heat,
    "tree": _tree,
}


def blocks(content: Iterable[Object], page: Page) -> str:
    return "\n".join(_HTML[block["type"]](block, page) for block in content)
