"""`unrolled update RUN FILE`: go on training on the rows that came since."""

from pathlib import Path

import click


@click.command(short_help="Go on training a saved run on newer rows.")
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("file")
@click.option("--out", type=click.Path(path_type=Path), help="The new run's folder.  [default: runs/<name>-<n>]")
def update(run: Path, file: str, out: Path | None) -> int:
    """Go on training the saved RUN on the rows of FILE that came after its data; makes a new run.

    FILE holds the new rows and a look-back before them, or the whole table. The new rows are split in time, 70/10/20;
    the errors on the last part stand beside those of the network as it was.
    """
    from unrolled.cli.terminal import show_result, training_bar
    from unrolled.forecast import load

    with training_bar() as on_progress:
        forecaster = load(run).update(file, run=out or True, on_progress=on_progress)
    return show_result(forecaster)
