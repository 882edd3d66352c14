"""`unrolled predict RUN`: forecast with a saved run, without training."""

from pathlib import Path

import click


@click.command(short_help="Forecast with a saved run, without training.")
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--data", "file", metavar="FILE", help="A newer table with the same columns; forecasts begin after its last row."
)
@click.option(
    "--fill",
    type=click.Choice(["forward", "linear", "none"]),
    help="What to do with its gaps.  [default: as in training]",
)
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Write CSV there, not to the terminal.")
def predict(run: Path, file: str | None, fill: str | None, out: Path | None) -> None:
    """Forecast with the saved RUN, without training: after its own data, or after the last row of newer data."""
    from unrolled.files import atomic_write
    from unrolled.forecast import load
    from unrolled.series.reading.table import csv

    table = csv(load(run).predict(file, fill=fill))
    if out is None:
        click.echo(table.encode(), nl=False)  # the bytes of forecast.csv, also where the terminal's are others
    else:
        atomic_write(out, table)
