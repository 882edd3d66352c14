"""Equations by the KaTeX that lies in _static/vendor: set in the browser, without a request to another machine."""

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.math import get_node_equation_number

KATEX = "vendor/katex/katex.min"


def inline(self, node: nodes.math) -> None:
    self.body.append(f'<span class="math">{self.encode(node.astext())}</span>')
    raise nodes.SkipNode


def display(self, node: nodes.math_block) -> None:
    self.body.append(self.starttag(node, "div", CLASS="math"))
    self.body.append(f'<span class="tex">{self.encode(node.astext())}</span>')
    if node["number"]:
        self.body.append(f'<span class="eqno">({get_node_equation_number(self, node)})')
        self.add_permalink_ref(node, "Link to this equation")
        self.body.append("</span>")
    self.body.append("</div>")
    raise nodes.SkipNode


def add_files(
    app: Sphinx,
    pagename: str,
    templatename: str,
    context: dict,
    doctree: nodes.document | None,
) -> None:
    if doctree is not None and next(
        doctree.findall(lambda n: isinstance(n, nodes.math | nodes.math_block)), None
    ):
        app.add_css_file(f"{KATEX}.css")
        app.add_js_file(f"{KATEX}.js", loading_method="defer")
        app.add_js_file("maths.js", loading_method="defer")


def setup(app: Sphinx) -> dict:
    app.add_html_math_renderer("katex", (inline, None), (display, None))
    app.connect("html-page-context", add_files)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
