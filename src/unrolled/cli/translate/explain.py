"""`unrolled translate explain RUN SENTENCE`: the alignment, the probabilities, and what the beam kept and dropped."""

import math
from pathlib import Path
from typing import TYPE_CHECKING

import click

from unrolled.cli.translate.options import beam_option, printable, run_argument, translator_of, write_page

if TYPE_CHECKING:
    from unrolled.text.fitted import Translation


@click.command(short_help="Where one translation comes from: attention, probabilities, the beam.")
@run_argument
@click.argument("sentence")
@beam_option
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    default="translation.html",
    show_default=True,
    help="The page with alignment and beam.",
)
def explain(run: Path, sentence: str, beam: int, out: Path) -> None:
    """Translate one SENTENCE with the saved RUN, and show where the translation comes from.

    Prints each piece with its probability and the piece of the source that was looked at most, and the other
    translations that the beam found; writes a page with the whole attention and the beam's tree.
    """
    from unrolled.nn.search import Tree

    tree = Tree()
    translator = translator_of(run)
    (found,) = translator.candidates(sentence, beam=beam, n_best=beam, trees=[tree])
    best = found[0]
    write_page(out, [best], [tree], translator.pieces)  # first: the rest may go to a reader that leaves early
    click.echo(printable(best.text))
    _show_pieces(best)
    if found[1:]:
        click.echo("What else the beam found:")
    for one in found[1:]:
        click.echo(f"  {one.score:.3f}  {printable(one.text)}")
    click.echo(f"Page:      {out.resolve().as_uri()}")


def _show_pieces(best: "Translation") -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in ("piece", "probability", *(("looked at most", "weight") if best.attention is not None else ())):
        table.add_column(name, justify="left" if name in ("piece", "looked at most") else "right")
    for i, (piece, logprob) in enumerate(zip(best.pieces, best.logprobs, strict=True)):
        looks = []
        if best.attention is not None:
            at = int(best.attention[i].argmax())
            looks = [Text(printable(best.source[at])), f"{float(best.attention[i, at]):.0%}"]
        table.add_row(Text(printable(piece)), f"{math.exp(logprob):.1%}", *looks)
    Console().print(table)
    click.echo(f"Score {best.score:.3f}, the mean log-probability of a piece.")
