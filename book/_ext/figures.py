"""Figures of the pages' cells: put into the page as SVG, in its font and in colours that follow light and dark mode.

The cells draw with plain matplotlib; _kernel/matplotlibrc gives them the colours below, book.css those that are
shown.
"""

import re
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx

COLOURS = {
    "#1f2328": "currentColor",
    "#6b7280": "var(--figure-muted)",
    "#d8dbe0": "var(--figure-grid)",
    "#1b6fb3": "var(--figure-1)",
    "#c4501b": "var(--figure-2)",
    "#2b7f50": "var(--figure-3)",
    "#8a4fa3": "var(--figure-4)",
    "#9a7400": "var(--figure-5)",
}


def themed(svg: str, prefix: str) -> str:
    """An SVG of matplotlib's as part of a page: ids that no other figure has, and the page's colours and font."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\bid="', f'id="{prefix}-', svg)
    svg = re.sub(r'(href="|url\()#', rf"\1#{prefix}-", svg)
    svg = re.sub("|".join(COLOURS), lambda found: COLOURS[found[0]], svg)
    return re.sub(r"font-family: [^;\"]*", "font-family: var(--font-stack)", svg)


def inline(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    images = [
        image for image in doctree.findall(nodes.image) if image["uri"].endswith(".svg")
    ]
    for number, image in enumerate(images):
        svg = themed(
            Path(app.srcdir, image["uri"]).read_text(encoding="utf-8"),
            f"figure-{number}",
        )
        alt = nodes.unescape(image.get("alt", ""))
        label = (
            f'role="img" aria-label="{alt.replace(chr(34), "&quot;")}"'
            if alt
            else 'aria-hidden="true"'
        )
        image.replace_self(
            nodes.raw("", f'<div class="drawn" {label}>{svg}</div>', format="html")
        )


def setup(app: Sphinx) -> dict:
    app.connect("doctree-resolved", inline)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
