"""`unrolled forecast FILE --target COLUMN`: train, evaluate, predict."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from unrolled.forecast import Forecaster


@click.command(short_help="Train on a table, evaluate, and forecast what comes next.")
@click.argument("file", required=False)
@click.option("--target", metavar="COLUMN", help="The column to forecast.")
@click.option("--time", metavar="COLUMN", help="The column with the time stamps.  [default: found]")
@click.option("--series", metavar="COLUMN", help="The column that tells many series in one table apart.")
@click.option("--only", metavar="NAME", multiple=True, help="Only this series; may be given several times.")
@click.option("--only-target", is_flag=True, help="Read the target alone, and no other numeric column.")
@click.option(
    "--frequency", metavar="STEP", help="The step between rows: 15m, 1h, 1d, 1bd, 1w, 1mo, row.  [default: found]"
)
@click.option(
    "--fill", type=click.Choice(["forward", "linear", "none"]), help="What to do with missing values and rows."
)
@click.option("--horizon", type=click.IntRange(1), metavar="STEPS", help="How far ahead to forecast.  [default: 24]")
@click.option(
    "--lookback",
    type=click.IntRange(1),
    metavar="STEPS",
    help="How far back the network reads.  [default: three seasons]",
)
@click.option(
    "--cell", type=click.Choice(["rnn", "lstm", "gru", "mingru"]), help="The recurrent cell.  [default: lstm]"
)
@click.option(
    "--epochs",
    type=click.IntRange(1),
    help="Train this long at most; the same seed gives the same bits.  [default: 8]",
)
@click.option("--minutes", type=click.FloatRange(0, min_open=True), help="Train this long instead, by the clock.")
@click.option("--seed", type=click.IntRange(0), help="Of weights, shuffling and dropout.  [default: 0]")
@click.option("--device", metavar="NAME", help="auto, cpu, cuda, cuda:1, mps …  [default: auto]")
@click.option("--refit", is_flag=True, help="Predict the future with a network trained once more, on all rows.")
@click.option("--out", type=click.Path(path_type=Path), help="The run's folder.  [default: runs/<name>-<n>]")
@click.option(
    "--resume",
    type=click.Path(path_type=Path),
    metavar="RUN",
    help="Go on with a run that was cut off; --epochs or --minutes may be new.",
)
def forecast(file: str | None, resume: Path | None, **options: Any) -> int:
    """Forecast a column of FILE with a recurrent network, beside its baselines.

    FILE is a CSV, TSV or Parquet table, gzipped or not, or an embedded data set (`unrolled data list`). Trains on the
    first 70% of the time, chooses the best weights on the next 10%, reports errors on the last 20%, and predicts what
    comes after the last row. Everything goes into a run folder: model, forecast.csv, report.html.
    """
    from unrolled.cli.terminal import show_result, training_bar

    if resume is not None:
        with training_bar() as on_progress:
            forecaster = _resumed(file, resume, options, on_progress)
    else:
        if file is None:
            raise click.UsageError("give the FILE to forecast, or --resume RUN")
        if options["target"] is None:
            raise click.UsageError("give the column to forecast: --target COLUMN")
        with training_bar() as on_progress:
            forecaster = fit(file, options, on_progress)
    return show_result(forecaster)


def fit(file: str, options: dict[str, Any], on_progress) -> "Forecaster":
    """A forecaster fitted as the options say, in a run folder; an option that is None is left to the library."""
    from unrolled import data
    from unrolled.forecast import Forecaster
    from unrolled.training import TrainingSettings

    known = data.describe(file).defaults if file in data.names() and not Path(file).exists() else {}
    given = {name: value for name, value in options.items() if value is not None}
    training = TrainingSettings(**_some(given, "epochs", "minutes", "seed", "device"))
    shape = _some(known, "horizon", "lookback") | _some(given, "horizon", "lookback", "cell")
    return Forecaster(**shape, training=training).fit(
        file,
        **_some(given, "target", "time", "series", "frequency", "fill", "refit"),
        only=given.get("only") or None,
        past=() if given.get("only_target") else None,
        run=given.get("out", True),
        on_progress=on_progress,
    )


def _resumed(file: str | None, run: Path, options: dict[str, Any], on_progress) -> "Forecaster":
    extra = [name for name, value in options.items() if value not in (None, ()) and value is not False]
    extra = [name for name in extra if name not in ("epochs", "minutes")]
    if extra:
        raise click.UsageError(f"--resume takes everything from the run; leave out --{extra[0].replace('_', '-')}")
    from unrolled.forecast import Forecaster

    return Forecaster.resume(run, file, **_some(options, "epochs", "minutes"), on_progress=on_progress)


def _some(options: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: options[name] for name in names if options.get(name) is not None}
