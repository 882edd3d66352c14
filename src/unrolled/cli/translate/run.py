"""`unrolled translate run RUN [FILE]`: lines in, translations out, in order, as they come."""

import json
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from unrolled.cli.translate.options import beam_option, one_line, run_argument, translator_of, write_page

if TYPE_CHECKING:
    from unrolled.cli.translate.lines import Reader
    from unrolled.text.fitted import Translation
    from unrolled.translate import Translator

PICTURED = 100  # sentences at most that the page of attention shows


@click.command(short_help="Translate a file or stdin, line by line.")
@run_argument
@click.argument("file", required=False, type=click.Path(path_type=Path))
@beam_option
@click.option("--n-best", type=click.IntRange(1), metavar="N", help="N translations of each line, best first.")
@click.option("--scores", is_flag=True, help="Before each translation its score, mean log-probability, and a tab.")
@click.option("--json", "as_json", is_flag=True, help="An object a line: translations, scores, pieces.")
@click.option("--length-penalty", type=float, metavar="POWER", help="Of the length that divides.  [default: 1]")
@click.option("--coverage-penalty", type=float, metavar="WEIGHT", help="Prefer what looks at all.  [default: 0]")
@click.option("--no-repeat", type=click.IntRange(1), metavar="N", help="No N pieces twice in the same order.")
@click.option("--max-length", type=click.IntRange(1), metavar="N", help="In pieces.  [default: twice the source + 10]")
@click.option("--min-length", type=click.IntRange(0), metavar="N", help="In pieces.  [default: 0]")
@click.option("--sample", type=click.FloatRange(0, min_open=True), metavar="TEMPERATURE", help="Draw, don't search.")
@click.option("--top-k", type=click.IntRange(1), metavar="K", help="Draw from the K likeliest pieces.")
@click.option("--top-p", type=click.FloatRange(0, 1, min_open=True), metavar="P", help="Or from P of probability.")
@click.option("--seed", type=click.IntRange(0), help="Of what is drawn.  [default: 0]")
@click.option(
    "--attention", type=click.Path(path_type=Path), metavar="FILE", help=f"A page of the first {PICTURED} sentences."
)
def run(run: Path, file: Path | None, **options: Any) -> None:
    """Translate FILE, or stdin, with the saved RUN: one line out for each line in, in order; an empty one stays empty.

    Lines are answered as they arrive, many together where many are there. With --n-best, each translation stands on a
    line of its own, after the number of its source's line and a tab.
    """
    from unrolled.cli.translate.lines import blocks
    from unrolled.errors import SettingsError
    from unrolled.store import read_run

    asked = _Asked(**{name: options.pop(name) for name in ("n_best", "scores", "as_json", "attention")})
    search = _search(options, asked.n_best)
    translator = translator_of(run)
    shape = read_run(run)["architecture"]
    if asked.attention is not None and shape["model"] == "recurrent" and shape["attention"] is None:
        raise SettingsError(f"{run} was trained without attention, so there is none to show; leave out --attention")
    with ExitStack() as stack:
        name = "stdin" if file is None else str(file)
        stream: Reader = _stdin() if file is None else stack.enter_context(_opened(file))
        on_read = stack.enter_context(_bar(file))
        for number, lines, read in blocks(stream, name):
            _answer(translator, number, lines, search, asked)
            on_read(read)
    if asked.attention is not None:
        write_page(asked.attention, asked.pictured)


@dataclass
class _Asked:
    """What is written of each translation; ``pictured`` are those kept for the page."""

    n_best: int | None
    scores: bool
    as_json: bool
    attention: Path | None
    pictured: "list[Translation]" = field(default_factory=list)


def _answer(translator: "Translator", number: int, lines: list[str], search: dict[str, Any], asked: _Asked) -> None:
    """Write the translations of the lines, the first of which has this number."""
    written = []
    for at, found in enumerate(translator.candidates(lines, **search), number):
        if asked.as_json:
            written.append(json.dumps(_as_json(at, lines[at - number], found), ensure_ascii=False))
        else:
            for one in found:
                before = [str(at)] * (asked.n_best is not None) + [f"{one.score:.4f}"] * asked.scores
                written.append("\t".join([*before, one_line(one.text)]))
        if asked.attention is not None and found[0].attention is not None and len(asked.pictured) < PICTURED:
            asked.pictured.append(found[0])
    click.echo("".join(line + "\n" for line in written).encode("utf-8", "replace"), nl=False)  # whatever the terminal's


def _as_json(number: int, source: str, found: "list[Translation]") -> dict[str, Any]:
    translations = [
        {
            "text": one.text,
            "score": round(one.score, 6),
            "pieces": one.pieces,
            "logprobs": [round(value, 6) for value in one.logprobs],
        }
        for one in found
    ]
    return {"line": number, "source": source, "translations": translations}


def _search(options: dict[str, Any], n_best: int | None) -> dict[str, Any]:
    """The fields of `Decoding`, checked before anything is loaded."""
    from unrolled.text.decoding import Decoding

    names = {"max_length": "longest", "min_length": "shortest", "sample": "temperature"}
    found = {names.get(name, name): value for name, value in options.items() if value is not None}
    found |= {"n_best": n_best or 1, "seed": options["seed"] or 0}
    if found.get("longest", found.get("shortest", 0)) < found.get("shortest", 0):
        raise click.UsageError(f"--max-length {found['longest']} is below --min-length {found['shortest']}")
    Decoding(**found)
    return found


@contextmanager
def _opened(file: Path) -> Iterator[BufferedReader]:
    from unrolled.series.words import refuse

    try:
        stream = file.open("rb")
    except (OSError, ValueError) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise refuse(f"can't read {str(file)!r}: {why.lower()}; check its name, and that you may read it") from error
    with stream:
        yield stream


def _stdin() -> "Reader":
    """Standard input; a terminal is asked for each line."""
    stream: BinaryIO = sys.stdin.buffer
    if hasattr(signal, "siginterrupt"):  # polars has reads begin again after Ctrl-C, which would never be noticed here
        signal.siginterrupt(signal.SIGINT, True)
    return _Prompted(stream) if sys.stdin.isatty() else stream  # type: ignore[return-value] - it is buffered


class _Prompted:
    def __init__(self, stream: Any):
        self.stream = stream

    def read1(self, size: int, /) -> bytes:
        click.echo("> ", nl=False, err=True)
        return self.stream.read1(size)


@contextmanager
def _bar(file: Path | None) -> Iterator[Callable[[int], None]]:
    """How much of the file has been answered, on stderr, where that is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if file is None or not console.is_interactive:
        yield lambda read: None
        return
    columns = BarColumn(bar_width=12), TaskProgressColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("translating", total=file.stat().st_size or None)
        yield lambda read: bar.update(task, completed=read)
