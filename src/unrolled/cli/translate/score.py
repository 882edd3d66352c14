"""`unrolled translate score RUN --source FILE --reference FILE`: BLEU and chrF, by length, the worst, against a run."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from unrolled.cli.translate.options import beam_option, printable, run_argument, translator_of

if TYPE_CHECKING:
    from unrolled.text.quality import Bin

AT_ONCE = 256  # sentences between two steps of the bar


@click.command(short_help="BLEU and chrF of a run on aligned texts.")
@run_argument
@click.option("--source", metavar="FILE", required=True, help="A sentence a line; or a tab and its reference too.")
@click.option("--reference", metavar="FILE", help="Its translations, line by line beside the source.")
@beam_option
@click.option(
    "--against",
    type=click.Path(path_type=Path),
    metavar="RUN2",
    help="Beside another run, by the paired bootstrap.",
)
@click.option("--worst", type=click.IntRange(0), default=5, show_default=True, help="So many of the worst sentences.")
@click.option("--json", "as_json", is_flag=True, help="All of it as JSON.")
def score(
    run: Path, source: str, reference: str | None, beam: int, against: Path | None, worst: int, as_json: bool
) -> None:
    """Translate a text with the saved RUN and hold it against its references, as sacrebleu does.

    Prints BLEU and chrF with 95% intervals by bootstrap and sacrebleu's signatures, the scores of short and long
    sentences, and the worst ones by chrF. With --against RUN2, both translate the same text, and the paired bootstrap
    says whether one is better.
    """
    from unrolled.store import read_run
    from unrolled.text.prepare import corpus_of
    from unrolled.text.quality import by_length, compare
    from unrolled.text.quality import worst as worst_of
    from unrolled.text.scoring import measure

    names = [run] if against is None else [run, against]
    translators = [translator_of(name) for name in names]
    corpus = corpus_of(source, reference, "test")
    sources, references = list(corpus.sources()), list(corpus.targets())
    tokenizer = read_run(run)["bleu_tokenizer"]  # the same for both, or BLEU would differ by that already
    measured = [measure(each, references, tokenizer) for each in _translated(translators, sources, beam)]
    scores, bins, bad = measured[0].scores(), by_length(measured[0]), worst_of(measured[0], worst)
    found = None if against is None else compare(measured[0], measured[1])
    if as_json:
        known: dict[str, Any] = {
            "sentences": len(sources),
            **{one.metric: _figures(one) for one in scores},
            "by_length": [
                {"low": b.low, "high": b.high, "sentences": b.count, **{s.metric: _figures(s) for s in b.scores}}
                for b in bins
            ],
            "worst": [
                {"line": corpus.line(w.place), "source": sources[w.place]} | {n: asdict(w)[n] for n in _TEXTS}
                for w in bad
            ],
        }
        if found is not None:
            known["against"] = {"run": str(against), **{d.metric: asdict(d) for d in found}}
        click.echo(json.dumps(known, ensure_ascii=False, indent=2).encode() + b"\n", nl=False)
        return
    for one in scores:
        click.echo(one.sentence)
    click.echo(f"on {len(sources):,} sentence{'s' * (len(sources) > 1)}, by a beam of {beam}.")
    for difference in found or []:
        click.echo(difference.sentence((str(run), str(against))))
    _show_lengths(bins)
    if bad:
        click.echo("The worst sentences, by chrF:")
    for w in bad:
        click.echo(f"\n  line {corpus.line(w.place):,}, chrF {w.score:.1f}")
        click.echo(f"  source       {printable(sources[w.place])}\n  reference    {printable(w.reference)}")
        click.echo(f"  translation  {printable(w.hypothesis)}")


_TEXTS = ("score", "hypothesis", "reference")


def _translated(translators: list[Any], sources: list[str], beam: int) -> list[list[str]]:
    """What each translator makes of the sources, with a bar on stderr."""
    from unrolled.cli.terminal import counting_bar

    written: list[list[str]] = [[] for _ in translators]
    with counting_bar("sentences") as on_done:
        for start in range(0, len(sources), AT_ONCE):
            block = sources[start : start + AT_ONCE]
            for each, translator in zip(written, translators, strict=True):
                each += translator.translate(block, beam=beam)
            on_done(start + len(block), len(sources))
    return written


def _figures(one: Any) -> dict[str, Any]:
    return {name: getattr(one, name) for name in ("value", "low", "high", "signature")}


def _show_lengths(bins: "list[Bin]") -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    title = "By the length of the reference, in BLEU's tokens; with 95% intervals"
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    for name in ("length", "sentences", "BLEU", "", "chrF", ""):
        table.add_column(name, justify="right", no_wrap=True)
    for one in bins:
        length = f"{one.low}–{one.high}" if one.high is not None else f"{one.low} and more"
        cells = [cell for s in one.scores for cell in (f"{s.value:.1f}", f"{s.low:.1f} to {s.high:.1f}")]
        table.add_row(length, f"{one.count:,}", *cells)
    click.echo()
    Console().print(table)
