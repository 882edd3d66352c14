"""The book: its pages compile, build without a warning, ran every cell, and ask no other machine for anything."""

import hashlib
import importlib.util
import json
import os
import re
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

BOOK = Path(__file__).parent.parent / "book"
PAGES = sorted(path for path in BOOK.glob("*.py") if path.name != "conf.py")
CHAPTERS = (
    "chapter1-rnn-basics",
    "chapter2-lstm-gru",
    "chapter3-seq2seq",
    "chapter4-attention",
    "chapter5-time-series",
)
# The cards' times are for a machine on which the fixed piece of work of _kernel/seconds.py takes so many seconds: an
# idle core of an AMD EPYC takes 0.024 to 0.03, one that shares its caches with other work up to 0.045.
UNIT = 0.024
VENDORED = ("katex/katex.min.css", "katex/katex.min.js", "mermaid/mermaid.min.js")


def extension(name: str):
    spec = importlib.util.spec_from_file_location(name, BOOK / "_ext" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def cells(page: Path, kind: str) -> list[str]:
    """The cells of a page: those whose first line says markdown, or all others."""
    parts = re.split(r"^# %%", page.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return [part for part in parts if ("[markdown]" in part.partition("\n")[0]) == (kind == "markdown")]


@pytest.mark.parametrize(
    "page", [*PAGES, *sorted((BOOK / "_ext").glob("*.py")), BOOK / "conf.py"], ids=lambda p: p.name
)
def test_compiles(page):
    compile(page.read_text(encoding="utf-8"), page, "exec")


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_code_fits_the_page(page):
    shown = [cell for cell in cells(page, "code") if "remove-" not in cell.partition("\n")[0]]
    assert shown
    assert [line for cell in shown for line in cell.splitlines()[1:] if len(line) > 88] == []


@pytest.mark.parametrize("page", [*PAGES, BOOK / "index.md"], ids=lambda p: p.name)
def test_commands_fit_the_page(page):
    blocks = re.findall(r"^```sh\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert [line for block in blocks for line in block.splitlines() if len(line) > 88] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_figures_have_a_text(page):
    # A function may draw for the cells that call it; the build counts what was drawn.
    for cell in cells(page, "code"):
        head, _, code = cell.partition("\n")
        draws = re.search(r"^(?!def |    |#).*plt\.subplots\(", code, re.MULTILINE) or " switch=" in head
        assert bool(draws) == ('"alt": "' in head), f"{head}: what does the figure show?"


@pytest.mark.parametrize("file", VENDORED)
def test_vendored_files_are_what_their_source_says(file):
    path = BOOK / "_static" / "vendor" / file
    told = dict(re.findall(r"^\| (\S+) \| ([0-9a-f]{64}) \|$", (path.parent / "SOURCE.md").read_text(), re.MULTILINE))
    assert told[path.name] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert "Permission is hereby granted, free of charge" in (path.parent / "LICENSE").read_text()


def test_fonts_that_the_stylesheet_prefers_are_there():
    folder = BOOK / "_static" / "vendor" / "katex"
    fonts = set(re.findall(r"url\((fonts/[^)]*\.woff2)\)", (folder / "katex.min.css").read_text()))
    assert len(fonts) == 20
    assert fonts == {f"fonts/{path.name}" for path in (folder / "fonts").iterdir()}


@pytest.mark.parametrize(
    ("html", "fault"),
    [
        (
            '<script src="https://cdn.example/a.js"></script>',
            "p.html fetches https://cdn.example/a.js from another machine",
        ),
        (
            '<link rel="stylesheet" href="//cdn.example/a.css">',
            "p.html fetches //cdn.example/a.css from another machine",
        ),
        ('<img src="http://example/a.png">', "p.html fetches http://example/a.png from another machine"),
        ('<a href="chapter9.html">', "p.html points to chapter9.html, which isn't there"),
        ('<script src="gone.js"></script>', "p.html points to gone.js, which isn't there"),
        ('<a href="#nowhere">', "p.html points to #nowhere, but there is no such anchor"),
        ('<a href="q.html#nowhere">', "p.html points to q.html#nowhere, but there is no such anchor"),
        ('<a href="q.html#here"><a href="https://example.org/">', None),
    ],
)
def test_faults_of_a_page_are_found(html, fault, tmp_path):
    (tmp_path / "p.html").write_text(html)
    (tmp_path / "q.html").write_text('<p id="here">')
    assert list(extension("checks").faults(tmp_path)) == ([fault] if fault else [])


def test_a_stylesheet_that_imports_is_found(tmp_path):
    (tmp_path / "a.css").write_text('@font-face { src: url("https://fonts.example/a.woff2") }')
    assert list(extension("checks").faults(tmp_path)) == ["a.css asks another machine for a file"]


def test_figures_take_the_colours_of_the_page():
    drawn = '<g id="a" style="stroke: #1b6fb3"/><use xlink:href="#a"/>'
    svg = f'<?xml version="1.0"?><svg><metadata>\nm\n</metadata>{drawn}</svg>'
    themed = extension("figures").themed(svg, "figure-0")
    assert themed == '<svg><g id="figure-0-a" style="stroke: var(--figure-1)"/><use xlink:href="#figure-0-a"/></svg>'


def test_every_colour_of_the_settings_is_one_that_follows_the_page():
    settings = (BOOK / "_kernel" / "matplotlibrc").read_text()
    used = {f"#{colour}" for colour in re.findall(r"\b[0-9a-f]{6}\b", settings)}
    colours = extension("figures").COLOURS
    assert used == set(colours)
    sheet = (BOOK / "_static" / "book.css").read_text()
    for variable in re.findall(r"var\((--[a-z0-9-]+)\)", " ".join(colours.values())):
        assert sheet.count(f"{variable}:") == 3, "in light, in dark, and where the system says dark"


def test_every_panel_of_a_switch_can_be_shown():
    sheet = (BOOK / "_static" / "book.css").read_text()
    for n in range(1, extension("switches").MOST + 1):
        assert f"input:nth-of-type({n}):checked ~ div.switch-panel:nth-of-type({n})" in sheet


def build(book: Path, html: Path) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", str(book), str(html)]
    return subprocess.run(command, capture_output=True, text=True, timeout=3600, env=os.environ | {"NO_COLOR": "1"})


def seconds(cells: list[str]) -> list[float]:
    """What each cell of a built page took: seconds of CPU, as on the machine that the cards' times are for."""
    (file,) = (BOOK / "_build" / "cache").glob("*/seconds.jsonl")
    lines = {line["cell"]: line for line in map(json.loads, file.read_text().splitlines())}
    measured = [lines[hashlib.sha256(cell.encode()).hexdigest()] for cell in cells]
    spent = [line["seconds"] for line in measured]
    unit = statistics.fmean([line["unit"] for line in measured], weights=spent)
    return [cell * UNIT / unit for cell in spent]


def core_of(notebook: dict) -> list[str]:
    """The code cells of a page that are in no part that goes further."""
    found, further = [], False
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "code":
            found += [] if further else [source]
        elif headings := re.findall(r"^## (.*)", source, re.MULTILINE):
            further = headings[-1].startswith("Going further")
    return found


@pytest.mark.slow
def test_the_book_builds_and_is_whole(tmp_path):
    # One test, not one a check: several workers would each execute every page.
    done = build(BOOK, tmp_path)
    assert done.returncode == 0, done.stderr[-4000:]
    assert list(extension("checks").faults(tmp_path)) == []
    for page in PAGES:
        text = (tmp_path / f"{page.stem}.html").read_text()
        assert "Traceback" not in text
        assert not re.search("missing from font|does not have a glyph|findfont:", text), "figures have all glyphs"
        assert text.count("cell_output") >= len(cells(page, "code")) / 2, "every cell was executed"
        assert text.count('class="drawn" role="img" aria-label="') == page.read_text().count('"alt": "')
        switched = [cell for cell in cells(page, "code") if " switch=" in cell.partition("\n")[0]]
        assert text.count('class="switch-panel"') == text.count('<input type="radio"') == len(switched)
        assert 'class="drawn" aria-hidden' not in text, "every figure says what it shows"
        assert "#1b6fb3" not in text.partition("</style>")[2], "figures have the colours of the page"
        notebook = json.loads((tmp_path / f"{page.stem}.ipynb").read_text(encoding="utf-8"))
        code = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
        assert len(code) == len(cells(page, "code"))
        assert f'<a href="{page.stem}.ipynb" download>' in text
        if page.stem in CHAPTERS:
            spent = seconds(code)
            assert max(spent) < 60, f"{page.stem}: a cell takes {max(spent):.0f} s"
            assert sum(spent) < 240, f"{page.stem} takes {sum(spent):.0f} s"
            stated = int(re.search(r"^: .* to read .*, (\d+) to run", page.read_text(), re.MULTILINE)[1])
            core = sum(seconds(core_of(notebook)))
            assert abs(core / 60 - stated) <= 1, f"{page.stem} takes {core:.0f} s, its card says {stated} minutes"
    front = (tmp_path / "index.html").read_text()
    for number, chapter in enumerate(CHAPTERS, start=1):
        row = re.search(rf"<tr[^>]*>\s*<td><p>{number}\. .*?</tr>", front, re.DOTALL)
        assert row
        assert ("(coming)" in row[0]) != (tmp_path / f"{chapter}.html").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cells", "settings", "said"),
    [
        ("# %%\n1 + 1\n", "nb_execution_mode = 'off'\n", "page: its cells were not executed"),
        ("# %%\nassert 1 == 2, 'the claim is false'\n", "", "the claim is false"),
        ('# %% switch="Gain: 0.5"\n1 + 1\n', "", "the switch 'Gain' has 1 variants named ['0.5']; it takes 2 to 6"),
        ('# %% [markdown]\n"""\n[there](chapter9.py)\n"""\n# %%\n1 + 1\n', "", "chapter9.py"),
        ('# %% [markdown]\n"""\n![map](https://maps.example/a.png)\n"""\n# %%\n1 + 1\n', "", "from another machine"),
    ],
    ids=["not executed", "failing cell", "switch of one", "dead reference", "request off the machine"],
)
def test_the_build_fails(cells, settings, said, tmp_path):
    book = tmp_path / "book"
    book.mkdir()
    for part in ("_ext", "_kernel", "_static"):
        (book / part).symlink_to(BOOK / part)
    (tmp_path / "src").symlink_to(BOOK.parent / "src")
    (book / "conf.py").write_text((BOOK / "conf.py").read_text() + settings)
    (book / "index.md").write_text("# Front\n\n```{toctree}\npage\n```\n")
    (book / "page.py").write_text(f'# %% [markdown]\n"""\n# Page\n"""\n{cells}')
    done = build(book, tmp_path / "html")
    assert done.returncode != 0
    assert said in done.stderr
