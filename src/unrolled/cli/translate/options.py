"""What several of the sub-commands ask: the run, how wide to search, and whether there is attention to show."""

import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
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


def write_page(path: Path, translations: "list[Translation]", trees: list[Any] | None = None) -> None:
    """The page of translations with what was looked at, written whole or not at all."""
    from unrolled.files import atomic_write
    from unrolled.report import render
    from unrolled.text import report

    atomic_write(path, render(report.explain_document(translations, trees)))


def one_line(text: str) -> str:
    """A translation as one line of output, whatever pieces it is made of."""
    return " ".join(text.splitlines())


def printable(text: str) -> str:
    """Text for a terminal: what would control it as its escape."""
    return "".join(repr(c)[1:-1] if unicodedata.category(c) in ("Cc", "Cs") else c for c in one_line(text))
