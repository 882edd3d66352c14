"""Break-it switches: cells in a row that show one computation's variants become one control with a panel each.

    # %% tags=["remove-input", "switch"] switch="Recurrent gain: 0.5"
    # %% tags=["remove-input", "switch"] switch="Recurrent gain: 0.9"

What stands before the colon says what is switched; what stands after it is the name of the variant. The control is made
of radio buttons and of CSS alone: it works by keyboard, from file://, and without JavaScript.
"""

from collections.abc import Iterator
from itertools import groupby

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import SphinxError

MOST = 6  # book.css has a rule for each panel


class Switch(nodes.General, nodes.Element):
    """A control: its `title`, its `labels` and, as children, one Panel a label."""


class Panel(nodes.General, nodes.Element):
    """What one variant shows."""


def said(cell: nodes.Node) -> tuple[str, str]:
    """What a cell switches and the name of its variant; two empty texts for what is no such cell."""
    metadata = (
        cell.get("cell_metadata", {}) if isinstance(cell, nodes.container) else {}
    )
    title, _, label = metadata.get("switch", "").partition(": ")
    return title, label


def runs(doctree: nodes.document) -> Iterator[tuple[str, list[nodes.Node]]]:
    """Each run of neighbours that switch the same."""
    parents = {
        cell.parent: None for cell in doctree.findall(nodes.container) if said(cell)[0]
    }
    for parent in parents:
        for title, cells in groupby(list(parent.children), lambda cell: said(cell)[0]):
            if title:
                yield title, list(cells)


def gather(app: Sphinx, doctree: nodes.document) -> None:
    for number, (title, cells) in enumerate(runs(doctree)):
        labels = [said(cell)[1] for cell in cells]
        if not 2 <= len(cells) <= MOST or not all(labels):
            raise SphinxError(
                f"{app.env.docname}: the switch {title!r} has {len(cells)} variants named {labels}; "
                f"it takes 2 to {MOST}, each with a name"
            )
        switch = Switch(number=number, title=title, labels=labels)
        cells[0].parent.replace(cells[0], switch)
        for cell in cells[1:]:
            cell.parent.remove(cell)
        for cell in cells:
            panel = Panel()
            panel += cell
            switch += panel


def open_switch(self, node: Switch) -> None:
    name = f"switch-{node['number']}"
    self.body.append(
        f'<fieldset class="switch"><legend>{self.encode(node["title"])}</legend>'
    )
    for index, label in enumerate(node["labels"]):
        checked = " checked" if index == 0 else ""
        self.body.append(
            f'<input type="radio" name="{name}" id="{name}-{index}"{checked}>'
            f'<label for="{name}-{index}">{self.encode(label)}</label>'
        )


def close_switch(self, node: Switch) -> None:
    self.body.append("</fieldset>")


def open_panel(self, node: Panel) -> None:
    self.body.append('<div class="switch-panel">')


def close_panel(self, node: Panel) -> None:
    self.body.append("</div>")


def setup(app: Sphinx) -> dict:
    app.add_node(Switch, html=(open_switch, close_switch))
    app.add_node(Panel, html=(open_panel, close_panel))
    app.connect("doctree-read", gather)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
