"""The chapters of the book: their cards, their examples, each run alone with its check, and the time to read them."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

jupytext = pytest.importorskip("jupytext", reason="the book's extra is not installed")

BOOK = Path(__file__).parent.parent / "book"
CHAPTERS = sorted(BOOK.glob("chapter*.py"))
FIELDS = ("Difficulty", "Time", "Examples", "Contents", "Objectives", "Prerequisites")
ALLOWED = {"torch", "numpy", "matplotlib", "polars", "unrolled.data", *sys.stdlib_module_names}
MINUTES = {"chapter5-time-series": (25, 30)}  # the others take 20 to 25
WORDS_A_MINUTE = 200
# More than about three seconds.
SLOW = (
    "1.7",
    "1.8",
    "1.9",
    "1.10",
    "2.4",
    "2.6",
    "2.7",
    "2.9",
    "3.3",
    "3.4",
    "3.5",
    "3.6",
    "3.7",
    "4.5",
    "4.6",
    "4.7",
    "4.8",
    "5.3",
    "5.4",
    "5.6",
    "5.9",
    "5.10",
    "5.11",
)


@cache
def cells(page: Path) -> list:
    return jupytext.read(page, fmt="py:percent").cells


def tagged(page: Path, tag: str) -> list[int]:
    return [n for n, cell in enumerate(cells(page)) if tag in cell.metadata.get("tags", [])]


def number(source: str) -> str:
    found = re.match(r"# Example (\d+\.\d+): \S", source)
    assert found, f"an example begins with '# Example 1.1: what it shows', this one with {source.splitlines()[0]!r}"
    return found[1]


def examples() -> list:
    """Each example with its check, to be run alone."""
    found = []
    for page in CHAPTERS:
        for n in tagged(page, "example"):
            name = number(cells(page)[n].source)
            marks = [pytest.mark.slow] if name in SLOW else []
            found.append(pytest.param(page, n, id=name, marks=marks))
    return found


def prose(page: Path) -> str:
    return "\n".join(cell.source for cell in cells(page) if cell.cell_type == "markdown")


def card(page: Path) -> dict[str, str]:
    block = re.search(r"^:::\{admonition\}[^\n]*\n:class: card\n(.*?)^:::$", prose(page), re.MULTILINE | re.DOTALL)
    assert block, "a chapter begins with a card"
    return {name: text.strip() for name, text in re.findall(r"^(\w+)\n: (.*?)(?=^\w|\Z)", block[1], re.M | re.S)}


def imports(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "."


def assertions(source: str) -> int:
    return sum(isinstance(node, ast.Assert) for node in ast.walk(ast.parse(source)))


def said(source: str) -> str:
    """The texts that a cell says, with a word for each number that it puts in."""
    texts = []
    for call in ast.walk(ast.parse(source)):
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "say":
            parts = call.args[0].values if isinstance(call.args[0], ast.JoinedStr) else call.args
            texts.append("".join(str(part.value) if isinstance(part, ast.Constant) else "0" for part in parts))
    return "\n".join(texts)


def words(text: str) -> int:
    """Words of prose. A formula in the text counts as one, a displayed one as ten; addresses and labels as none."""
    text = re.sub(r"^:::.*?^:::$", "", text, flags=re.DOTALL | re.MULTILINE)  # the card
    text = re.sub(r"\$\$.*?\$\$( \(\S+\))?", " w" * 10, text, flags=re.DOTALL)
    text = re.sub(r"\$[^$]+\$", "w", text)
    text = re.sub(r"^\(\S+\)=$|\]\([^)]*\)|<[^>]*>|^\|[-:|]+$", " ", text, flags=re.MULTILINE)
    return len(re.findall(r"\w[\w'’.-]*", text))


def reading(page: Path) -> tuple[float, dict[str, tuple[int, float]]]:
    """Minutes to read the core path, and for each part that goes further what it claims and what it takes."""
    core, further, part, bare = 0, {}, "", False
    for cell in cells(page):
        tags = cell.metadata.get("tags", [])
        if cell.cell_type == "markdown":
            for section in re.split(r"^(?=## )", cell.source, flags=re.MULTILINE):
                if heading := re.match(r"## (.*)", section):
                    part, bare = heading[1], heading[1] == "References"
                count = 0 if bare else words(section)
                core, further = _add(core, further, part, count)
            continue
        shown = not {"remove-cell", "remove-input", "hide-input", "check"} & set(tags)
        count = words(said(cell.source)) if "remove-cell" not in tags else 0
        count += (
            sum(any(map(str.isalnum, token)) for token in cell.source.split()) if shown else 0
        )  # code is read as well
        core, further = _add(core, further, part, count)
    claims = {}
    for heading, count in further.items():
        claim = re.search(r"\((\d+) minutes?\)$", heading)
        assert claim, f"{heading!r} ends with its own time, such as (2 minutes)"
        claims[heading] = int(claim[1]), count / WORDS_A_MINUTE
    return core / WORDS_A_MINUTE, claims


def _add(core: int, further: dict[str, int], part: str, count: int) -> tuple[int, dict[str, int]]:
    if part.startswith("Going further"):
        return core, further | {part: further.get(part, 0) + count}
    return core + count, further


def times(page: Path) -> tuple[int, int, int]:
    """All minutes, those to read and those to run, as the card has them."""
    stated = card(page)["Time"]
    found = re.match(r"(\d+) minutes: (\d+) to read .*, (\d+) to run", " ".join(stated.split()))
    assert found, f"the card's time reads '24 minutes: 22 to read …, 2 to run …', not {stated!r}"
    whole, read, run = map(int, found.groups())
    return whole, read, run


@pytest.mark.parametrize("page", CHAPTERS, ids=lambda p: p.stem)
def test_the_card_is_whole(page):
    fields = card(page)
    assert tuple(fields) == FIELDS
    assert all(fields.values())
    assert fields["Difficulty"] in ("beginner to intermediate", "intermediate")
    assert re.findall(r"^ +(\d)\. \S", fields["Objectives"], re.MULTILINE) == list("12345")
    assert int(re.match(r"\d+", fields["Examples"])[0]) == len(tagged(page, "example"))


@pytest.mark.parametrize("page", CHAPTERS, ids=lambda p: p.stem)
def test_examples_are_numbered_and_announced(page):
    chapter = re.match(r"chapter(\d+)", page.stem)[1]
    found = [number(cells(page)[n].source) for n in tagged(page, "example")]
    assert found == [f"{chapter}.{n}" for n in range(1, len(found) + 1)]
    assert len(found) >= 7
    assert re.findall(r"^\*\*Example (\d+\.\d+): ", prose(page), re.MULTILINE) == found
    anchors = re.findall(r"^\(example-(\S+)\)=$", prose(page), re.MULTILINE)
    assert [anchor.replace("-", ".") for anchor in anchors] == found


@pytest.mark.parametrize(("page", "n"), examples())
def test_an_example_is_plain_and_short(page, n):
    source, check = cells(page)[n].source, cells(page)[n + 1]
    foreign = [name for name in imports(source) if not {name, name.partition(".")[0]} & ALLOWED]
    assert foreign == []
    assert sum(bool(line.strip()) for line in source.splitlines()) <= 40
    assert assertions(source) > 0, "an example asserts what it claims"
    assert "check" in check.metadata.get("tags", []), "a check follows each example"
    assert assertions(check.source) > 0
    assert "unrolled" in {name.partition(".")[0] for name in imports(check.source)}, "a check holds it to the library"


@pytest.mark.parametrize(("page", "n"), examples())
def test_an_example_runs_alone_with_its_check(page, n, tmp_path):
    source = f"{cells(page)[n].source}\n\n{cells(page)[n + 1].source}"
    file = tmp_path / "example.py"
    file.write_text(source, encoding="utf-8")
    settings = os.environ | {"MPLBACKEND": "agg", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:__main__", file.name],
        cwd=tmp_path,
        env=settings,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize("page", CHAPTERS, ids=lambda p: p.stem)
def test_reading_takes_what_the_card_says(page):
    minutes, further = reading(page)
    whole, read, run = times(page)
    assert whole == read + run
    least, most = MINUTES.get(page.stem, (20, 25))
    assert least <= whole <= most
    assert abs(minutes - read) <= 1, f"{minutes:.1f} minutes to read, the card says {read}"
    assert further, "what goes beyond the core path stands in a part of its own"
    for heading, (claimed, taken) in further.items():
        assert abs(claimed - taken) <= 1, f"{heading}: takes {taken:.1f} minutes"


def test_the_core_path_takes_100_to_120_minutes():
    stated = {page.stem: times(page)[0] for page in CHAPTERS}
    assert 100 <= sum(stated.values()) <= 120, stated
    counted = {page.stem: reading(page)[0] + times(page)[2] for page in CHAPTERS}
    assert 100 <= sum(counted.values()) <= 120, counted


def test_the_front_page_has_the_times_of_the_cards():
    """Beside each chapter in its table, and behind each path the sum of its chapters."""
    minutes = {page.stem: times(page)[0] for page in CHAPTERS}
    front = (BOOK / "index.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \d\. \[[^]]*\]\((\S+)\.py\) \| (\d+) \|", front, re.MULTILINE)
    assert {name: int(stated) for name, stated in rows} == minutes

    paths = front.partition("## Three paths\n")[2].partition("\n## ")[0]
    paths = " ".join(re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", paths).split())
    told = re.findall(r"chapters? (\d)(?:(?: to |, then )(\d))?[^(:]*\((\d+) minutes\)", paths)
    assert len(told) == paths.count(" minutes)") == 6
    numbered = list(minutes.values())
    for first, last, stated in told:
        assert int(stated) == sum(numbered[int(first) - 1 : int(last or first)])


@pytest.mark.parametrize("page", CHAPTERS, ids=lambda p: p.stem)
def test_formulas_have_no_lost_backslash(page):
    """In a text that isn't raw, \\b and \\t become control characters, and KaTeX shows the formula's source in red."""
    texts = [cell.source if cell.cell_type == "markdown" else said(cell.source) for cell in cells(page)]
    assert [line for text in texts for line in text.split("\n") if re.search(r"[\x00-\x1f]", line)] == []


@pytest.mark.parametrize("page", CHAPTERS, ids=lambda p: p.stem)
def test_measured_numbers_come_from_cells(page):
    """Whatever has a decimal point or a per cent sign is said by a cell, where it is computed."""
    text = prose(page).partition("## References")[0]
    text = re.sub(r"Example \d+\.\d+", "", text)
    assert re.findall(r".*\d(?:\.\d|\s?\\?%).*", text) == []
