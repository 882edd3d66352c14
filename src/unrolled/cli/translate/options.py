"""What several of the sub-commands ask: the run, how wide to search, and whether there is attention to show."""

import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from unrolled.nn.search import Tree
    from unrolled.text.fitted import Translation
    from unrolled.translate import Translator

run_argument = click.argument("run", type=click.Path(path_type=Path))
beam_option = click.option(
    "--beam", type=click.IntRange(1), default=5, show_default=True, help="How wide to search; 1 is greedy."
)


def translator_of(run: Path) -> "Translator":
    """The translator of a run. Raises RunError for a run of another kind as for a damaged one."""
    from unrolled.translate import load_translator

    return load_translator(run)


def write_page(
    path: Path,
    translations: "list[Translation]",
    trees: "list[Tree] | None" = None,
    pieces: "Callable[[Sequence[int]], list[str]] | None" = None,
) -> None:
    """The page of translations with what was looked at, written whole or not at all; see `explain_document`."""
    from unrolled.files import atomic_write
    from unrolled.report import render
    from unrolled.text.report import explain_document

    atomic_write(path, render(explain_document(translations, trees, pieces)))


def one_line(text: str) -> str:
    """A translation as one line of output, whatever pieces it is made of.

    >>> one_line("two\\nlines")
    'two lines'
    """
    return " ".join(text.splitlines())


def printable(text: str) -> str:
    """Text for a terminal: what would control it as its escape."""
    return "".join(repr(c)[1:-1] if unicodedata.category(c) in ("Cc", "Cs") else c for c in one_line(text))
