"""`unrolled data`: the embedded data sets."""

from pathlib import Path

import click


@click.group()
def data() -> None:
    """The data sets that come with the package."""


@data.command("list", short_help="Name the data sets, with columns, licence and source.")
def list_() -> None:
    """Name the data sets, with their columns, licence and source."""
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


@data.command(short_help="Write a data set to a file, or the phrasebook to a folder.")
@click.argument("name")
@click.argument("file", type=click.Path(path_type=Path))
def export(name: str, file: Path) -> None:
    """Write the data set NAME to FILE: .csv, .tsv or .parquet, .csv.gz and .tsv.gz too.

    For phrasebook, FILE is a folder; train.en, train.ja, dev.en and so on come into it, a sentence a line.
    """
    from unrolled import data as sets

    click.echo(sets.export(name, file))
