"""A `mermaid` directive: the diagram is drawn in the browser by the mermaid that lies in _static/vendor.

```{mermaid}
:alt: what the diagram says, for those who don't see it
graph LR
  a --> b
```
"""

from typing import ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


class Diagram(nodes.General, nodes.Element):
    """The text of a diagram (`source`) and what it says in words (`alt`)."""


class Mermaid(SphinxDirective):
    has_content = True
    option_spec: ClassVar = {"alt": directives.unchanged_required}

    def run(self) -> list[nodes.Node]:
        if "alt" not in self.options:
            raise self.error("a diagram needs an :alt: text that says what it shows")
        return [Diagram(source="\n".join(self.content), alt=self.options["alt"])]


def visit(self, node: Diagram) -> None:
    source, alt = self.encode(node["source"]), self.attval(node["alt"])
    self.body.append(
        f'<figure class="diagram" role="img" aria-label="{alt}"><pre>{source}</pre></figure>'
    )
    raise nodes.SkipNode


def add_files(
    app: Sphinx,
    pagename: str,
    templatename: str,
    context: dict,
    doctree: nodes.document | None,
) -> None:
    if doctree is not None and next(
        doctree.findall(Diagram), None
    ):  # 3.6 MB: only where there is a diagram
        app.add_js_file("vendor/mermaid/mermaid.min.js", loading_method="defer")
        app.add_js_file("diagrams.js", loading_method="defer")


def setup(app: Sphinx) -> dict:
    app.add_node(Diagram, html=(visit, None))
    app.add_directive("mermaid", Mermaid)
    app.connect("html-page-context", add_files)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
