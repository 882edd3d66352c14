"""The whole page: one HTML file that holds its styles, scripts and numbers, and makes no request."""

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import Any

from unrolled.report.blocks import Page, blocks
from unrolled.report.chart import colours
from unrolled.report.checking import Object
from unrolled.report.document import charts, check
from unrolled.report.text import clean, escape, name, paragraphs, short

_SCRIPTS = ("format.js", "numbers.js", "option.js", "chart.js", "page.js")
_ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E"
    "%3Crect width='32' height='32' rx='7' fill='%231d5bd6'/%3E%3Cpath d='M4 21c5 0 4-11 9-11s4 11 8 11 4-7 7-7' "
    "fill='none' stroke='white' stroke-width='3' stroke-linecap='round'/%3E%3C/svg%3E"
)


@cache
def _asset(path: str) -> str:
    return files("unrolled.report").joinpath(path).read_text(encoding="utf-8")


def _scripts(drawing: bool) -> list[str]:
    """The page's scripts in order; the chart library only where there is a chart."""
    ours = "\n".join(_asset(f"assets/{script}") for script in _SCRIPTS)
    own = f'(() => {{\n"use strict";\n{ours}\n}})();'
    return [_asset("vendor/echarts.common.min.js"), own] if drawing else [own]


def _policy(scripts: list[str]) -> str:
    """A Content-Security-Policy under which exactly these scripts run and nothing is requested."""
    sums = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    allowed = " ".join(f"'sha256-{each}'" for each in sums)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def _section(section: Object, id: str, page: Page) -> str:
    note = f'<div class="note">{paragraphs(section["note"])}</div>' if section.get("note") else ""
    heading = f'<h2 id="{id}-title">{name(section["title"])}</h2>'
    inner = blocks(section["blocks"], page)
    return f'<section id="{id}" aria-labelledby="{id}-title">{heading}{note}\n{inner}\n</section>'


def render(document: Any) -> str:
    """The document as one HTML file that opens offline.

    Pure: the same document gives the same text, and nothing is read but the package's own styles and scripts.
    Everything in the document is shown as text. NaN and infinities are gaps in charts and dashes in tables. Time stamps
    are ISO strings and shown as they stand, whatever the reader's time zone. A document:

    >>> section = {"title": "In short", "blocks": [{"type": "text", "text": "a < b"}]}
    >>> page = render({"title": "temp", "sections": [section]})
    >>> "<p>a &lt; b</p>" in page
    True

    Raises:
        DocumentError: the document doesn't follow the schema; it names the section and the block.
    """
    document = check(document)
    drawn = [chart for section in document["sections"] for chart in charts(section["blocks"])]
    page = Page(colours(drawn))
    given = {section.get("id") for section in document["sections"]}
    ids = []
    for place, section in enumerate(document["sections"], 1):
        own = f"section-{place}"
        while own in given:
            own += "-"
        ids.append(section.get("id") or own)
    body = "\n".join(_section(section, id, page) for section, id in zip(document["sections"], ids, strict=True))
    links = "".join(
        f'<li><a href="#{id}">{name(section["title"], 48)}</a></li>'
        for section, id in zip(document["sections"], ids, strict=True)
    )
    scripts = _scripts(bool(drawn))
    subtitle = f'<div class="subtitle">{paragraphs(document["subtitle"])}</div>' if document.get("subtitle") else ""
    footer = f"<footer>{paragraphs(document['footer'])}</footer>" if document.get("footer") else ""
    title = escape(short(document["title"]))
    missing = (
        "<noscript><p>The charts and their tables need JavaScript; nothing is requested from anywhere.</p></noscript>"
        if drawn
        else ""
    )
    return f"""<!doctype html>
<html lang="{escape(document.get("language") or "en")}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_policy(scripts)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<link rel="icon" href="{_ICON}">
<style>{_asset("assets/report.css")}</style>
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<header><div><h1>{name(clean(document["title"]), 160)}</h1>{subtitle}</div></header>
<div class="page">
<nav aria-label="Contents"><ul>{links}</ul></nav>
<main id="content">{missing}
{body}
{footer}</main>
</div>
{"".join(f"<script>{script}</script>" for script in scripts)}
</body>
</html>
"""
