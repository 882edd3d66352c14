"""Each page of cells also as a notebook to download, with a link to it at the page's end."""

from pathlib import Path

import jupytext
from sphinx.application import Sphinx


def offer(app: Sphinx, page: str, template: str, context: dict, doctree) -> None:
    source = Path(app.srcdir, f"{page}.py")
    if doctree is None or not source.exists():
        return
    notebook = jupytext.read(source, fmt="py:percent")
    jupytext.write(notebook, Path(app.outdir, f"{page}.ipynb"))
    context["body"] += (
        f'<p class="notebook"><a href="{page}.ipynb" download>'
        "This page as a notebook</a></p>"
    )


def setup(app: Sphinx) -> dict:
    app.connect("html-page-context", offer)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
