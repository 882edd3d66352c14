"""What fails a build beside warnings: a page that was not executed, a request off the machine, a link to nowhere."""

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import SphinxError

FETCHED = {
    "script": "src",
    "link": "href",
    "img": "src",
    "iframe": "src",
    "source": "src",
    "video": "src",
    "audio": "src",
}


class Page(HTMLParser):
    """What one page fetches while it loads, where its links lead, and which anchors it has."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value for name, value in attrs if value is not None}
        self.anchors.update(values[name] for name in ("id", "name") if name in values)
        if tag in FETCHED and FETCHED[tag] in values:
            self.fetched.append(values[FETCHED[tag]])
        elif tag == "a" and "href" in values:
            self.links.append(values["href"])


def faults(folder: Path) -> Iterator[str]:
    """Each fault of the pages under `folder`: requests off the machine, files and anchors that aren't there."""
    pages = {
        path.resolve(): Page(path)
        for path in sorted(folder.rglob("*.html"))
        if "_static" not in path.parts
    }
    for path, page in pages.items():
        for address in (*page.fetched, *page.links):
            where = urlsplit(address)
            if where.scheme in ("http", "https") or where.netloc:
                if address in page.fetched:
                    yield f"{path.name} fetches {address} from another machine"
            elif where.scheme not in ("data", "mailto"):
                target = (
                    (path.parent / unquote(where.path)).resolve()
                    if where.path
                    else path
                )
                if not target.exists():
                    yield f"{path.name} points to {address}, which isn't there"
                elif (
                    where.fragment
                    and target in pages
                    and unquote(where.fragment) not in pages[target].anchors
                ):
                    yield f"{path.name} points to {address}, but there is no such anchor"
    for path in folder.rglob("*.css"):
        text = path.read_text(encoding="utf-8")
        if "url(http" in text.replace('"', "").replace("'", "") or "@import" in text:
            yield f"{path.name} asks another machine for a file"


def executed(app: Sphinx, env: BuildEnvironment) -> None:
    for name in env.found_docs:
        data = env.nb_metadata.get(name, {}).get("exec_data")  # pyright: ignore[reportAttributeAccessIssue]
        if env.doc2path(name).suffix == ".py" and not (data and data["succeeded"]):
            raise SphinxError(f"{name}: its cells were not executed")


def finished(app: Sphinx, error: Exception | None) -> None:
    found = (
        [] if error or app.builder.format != "html" else list(faults(Path(app.outdir)))
    )
    if found:
        raise SphinxError("\n".join(found))


def setup(app: Sphinx) -> dict:
    app.connect("env-check-consistency", executed)
    app.connect("build-finished", finished)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
