"""`unrolled data`: the embedded data sets, and the corpora that are downloaded."""

import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click


@click.group()
def data() -> None:
    """The data sets of the package, and corpora to download."""


@data.command("list", short_help="Name the data sets, with columns, licence and source.")
def list_() -> None:
    """Name the data sets, with their columns, licence and source, and the corpora that are downloaded."""
    from unrolled import data as sets

    for name in sets.names():
        about = sets.describe(name)
        click.echo(f"{name}: {about.title}")
        click.echo(f"  {about.rows:,} rows; columns {', '.join(column.name for column in about.columns)}")
        click.echo(f"  {about.licence}, from {about.source}")
        click.echo(f"  unrolled forecast {name} --target {about.defaults['target']}")
    click.echo("phrasebook: Sentences in English and Japanese, by a grammar of both")
    click.echo("  20,000 pairs; parts train, dev, test, hard")
    click.echo("  Apache-2.0, written for this package; dates and units by CLDR (Babel)")
    click.echo("  unrolled data export phrasebook FOLDER")
    for name in sets.corpora.names():
        about = sets.corpora.describe(name)
        pairs = f"{about.pairs['train']:,} pairs to train on; " if about.pairs else ""
        click.echo(f"{name}: {about.title}")
        click.echo(f"  {pairs}parts {', '.join(about.parts)}; languages {', '.join(about.languages)}")
        click.echo(f"  {about.licence}, from {about.homepage}")
        click.echo(f"  unrolled data fetch {name}")


@data.command(short_help="Write a data set to a file, or the phrasebook to a folder.")
@click.argument("name")
@click.argument("file", type=click.Path(path_type=Path))
def export(name: str, file: Path) -> None:
    """Write the data set NAME to FILE: .csv, .tsv or .parquet, .csv.gz and .tsv.gz too.

    For phrasebook, FILE is a folder; train.en, train.ja, dev.en and so on come into it, a sentence a line.
    """
    from unrolled import data as sets

    click.echo(sets.export(name, file))


@data.command(short_help="Download a corpus, and show what to train on.")
@click.argument("name")
@click.option("--languages", metavar="PAIR", help="Source and target, such as en-fr.  [default: by the corpus]")
def fetch(name: str, languages: str | None) -> None:
    """Download the corpus NAME, once: aligned text files come into the cache, a sentence a line.

    Prints its licence, what to cite, the files, and the command to train on them. The cache is the folder that the
    variable UNROLLED_CACHE names, or else the user's own. A download that was cut off goes on when this is run again.
    """
    from unrolled import data as sets

    with _download_bar() as on_progress:
        corpus = sets.corpus(name, languages, on_progress)
    about = corpus.about
    click.echo(f"{about.title}\n\n{about.about}\n")
    click.echo(f"Licence:  {about.licence}, {about.licence_url}\n          {about.licence_text}")
    click.echo(f"Cite:     {about.citation}")
    for file, sha256 in corpus.trusted.items():
        click.echo(f"Checksum: none is published; the first download is held to from now on: {file}, sha256 {sha256}")
    click.echo()
    parts = {"train": corpus.train, "dev": corpus.dev, "test": corpus.test}
    for part, texts in parts.items():
        if texts:
            click.echo(f"{part + ':':<10}{texts[0]}\n{'':<10}{texts[1]}")
    words = ["unrolled", "translate", "train", "--source", corpus.train[0], "--target", corpus.train[1]]
    if corpus.dev:
        words += ["--dev-source", corpus.dev[0], "--dev-target", corpus.dev[1]]
    click.echo(f"\nTrain:    {shlex.join(map(str, words))}")


@contextmanager
def _download_bar() -> Iterator[Callable[[str, int, int | None], None]]:
    """A bar on stderr for each file that comes."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(bar_width=12), DownloadColumn()
    tasks = {}
    with Progress(*columns, console=console, transient=True, disable=not console.is_interactive) as bar:

        def show(file: str, done: int, total: int | None) -> None:
            if file not in tasks:
                tasks[file] = bar.add_task(file)
            bar.update(tasks[file], completed=done, total=total)

        yield show
