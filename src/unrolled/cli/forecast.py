"""`unrolled forecast FILE --target COLUMN`: train, evaluate, predict."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from unrolled.forecast import Forecaster


CHOICES = {
    "cell": ["rnn", "lstm", "gru", "mingru"],
    "model": ["step", "seq2seq"],
    "strategy": ["multi-output", "recursive", "direct", "seq2seq"],
    "attention": ["dot", "scaled-dot", "general", "additive"],
    "schedule": ["linear", "constant"],
    "loss": ["mae", "mse", "huber", "smape", "quantile"],
    "scaling": ["standard", "min-max", "robust", "log", "returns"],
    "skip": ["last", "linear", "mean"],
    "intervals": ["rolling", "split", "none"],
    "fill": ["forward", "linear", "mask", "none"],
}


def _chosen(name: str, words: str):
    return click.option(f"--{name}", type=click.Choice(CHOICES[name]), help=words)


def _columns(name: str, words: str):
    return click.option(f"--{name}", metavar="COLUMN", multiple=True, help=words)


@click.command(short_help="Train on a table, evaluate, and forecast what comes next.")
@click.argument("file", required=False)
@_columns("target", "The column to forecast; may be given several times.")
@click.option("--time", metavar="COLUMN", help="The column with the time stamps.  [default: found]")
@click.option("--series", metavar="COLUMN", help="The column that tells many series in one table apart.")
@click.option("--only", metavar="NAME", multiple=True, help="Only this series; may be given several times.")
@click.option("--wide", is_flag=True, help="The table has a column a series; --target may name the forecasts.")
@_columns("past", "An input known up to the present; naming any turns the automatic choice off.")
@_columns("future", "An input known ahead; the table's rows go on beyond the last target.")
@_columns("static", "An input with one value a series.")
@_columns("angle", "An input in degrees: becomes its sine and cosine.")
@click.option("--calendar", is_flag=True, help="Read hour, weekday and season of the time stamps as well.")
@click.option("--only-target", is_flag=True, help="Read the target alone, and no other numeric column.")
@click.option(
    "--frequency", metavar="STEP", help="The step between rows: 15m, 1h, 1d, 1bd, 1w, 1mo, row.  [default: found]"
)
@_chosen("fill", "What to do with missing values and rows.")
@click.option("--horizon", type=click.IntRange(1), metavar="STEPS", help="How far ahead to forecast.  [default: 24]")
@click.option(
    "--lookback",
    type=click.IntRange(1),
    metavar="STEPS",
    help="How far back the network reads.  [default: three seasons]",
)
@_chosen("cell", "The recurrent cell.  [default: lstm]")
@_chosen("model", "The network around it.  [default: step]")
@_chosen("strategy", "How it says several steps.  [default: multi-output, or seq2seq]")
@_chosen("attention", "Of seq2seq: how the decoder looks back.  [default: not at all]")
@click.option("--teacher-forcing", type=click.FloatRange(0, 1), metavar="SHARE", help="Of seq2seq.  [default: 1]")
@_chosen("schedule", "Of seq2seq: how teacher forcing falls.  [default: linear]")
@click.option("--hidden", type=click.IntRange(1), help="Hidden units.  [default: 64]")
@click.option("--layers", type=click.IntRange(1), help="Recurrent layers.  [default: 1]")
@click.option("--dropout", type=click.FloatRange(0, 1, max_open=True), help="Between layers, and before the head.")
@_chosen("loss", "What training minimises.  [default: mae]")
@_chosen("scaling", "By the training part's statistics; returns is for prices.  [default: standard]")
@_chosen("skip", "Changes are from the last value or a line; or take the mean with a line.  [default: last]")
@click.option("--ensemble", type=click.IntRange(1), metavar="N", help="The mean of N networks.  [default: 1]")
@click.option("--level", type=click.FloatRange(0, 1, True, True), help="Of the intervals.  [default: 0.9]")
@_chosen("intervals", "By the latest errors and misses, or the validation part's errors.  [default: rolling]")
@click.option("--stats", is_flag=True, help="Beside Theta and exponential smoothing too; needs unrolled[stats].")
@click.option("--strategies", metavar="NAMES", help="Then compare strategies: all, or some, joined by commas.")
@click.option("--folds", type=click.IntRange(1), metavar="N", help="Backtest: N folds of the test part.")
@click.option("--refit-folds", metavar="WHEN", help="Train anew always, never, or every K-th fold.  [default: always]")
@click.option("--sliding", is_flag=True, help="Backtest with training parts of one length, and not growing ones.")
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
    """Forecast columns of FILE with a recurrent network, beside its baselines.

    FILE is a CSV, TSV or Parquet table, gzipped or not, or an embedded data set (`unrolled data list`). Trains on the
    first 70% of the time, chooses the best weights on the next 10%, reports errors on the last 20%, and predicts what
    comes after the last row. Everything goes into a run folder: model, forecast.csv, report.html.
    """
    from unrolled.cli.terminal import counting_bar, show_backtest, show_result, show_strategies, training_bar

    if resume is not None:
        with training_bar() as on_progress:
            forecaster = _resumed(file, resume, options, on_progress)
        return show_result(forecaster)
    if file is None:
        raise click.UsageError("give the FILE to forecast, or --resume RUN")
    if not options["target"] and not options["wide"]:
        raise click.UsageError("give the column to forecast: --target COLUMN")
    folds, refit, strategies = (options.pop(name) for name in ("folds", "refit_folds", "strategies"))
    if folds is None and (refit is not None or options["sliding"]):
        raise click.UsageError("--refit-folds and --sliding are for backtests; give --folds N")
    if refit not in (None, "always", "never") and not (refit.isdecimal() and int(refit)):
        raise click.UsageError(f"--refit-folds is always, never, or a number of folds, got {refit!r}")
    names = () if strategies in (None, "all") else tuple(name.strip() for name in strategies.split(","))
    if unknown := [name for name in names if name not in CHOICES["strategy"]]:
        raise click.UsageError(f"--strategies are all, or some of {', '.join(CHOICES['strategy'])}, got {unknown[0]!r}")
    given = [name for name in ("past", "future", "static", "angle") if options[name]]
    if options["only_target"] and given:
        raise click.UsageError(f"--only-target takes no inputs; leave out --{given[0]}")
    if options["intervals"] == "none" and options["level"] is not None:
        raise click.UsageError("--intervals none has no level; leave out --level")
    when = int(refit) if refit is not None and refit.isdecimal() else refit or "always"
    backtest = {"folds": folds, "refit": when, "sliding": options["sliding"]}
    with training_bar() as on_progress:
        forecaster = fit(file, options, on_progress, None if folds is None else backtest)
    code = show_result(forecaster)
    if strategies is not None and not forecaster.interrupted:
        with counting_bar("strategies") as on_done:
            compared = forecaster.strategies(*names, on_done=on_done)
        show_strategies(compared)
    if folds is not None and not forecaster.interrupted:
        with counting_bar("folds") as on_fold:
            found = forecaster.backtest(**backtest, on_fold=on_fold)
        show_backtest(found)
    return code


def fit(file: str, options: dict[str, Any], on_progress, backtest: dict[str, Any] | None = None) -> "Forecaster":
    """A forecaster fitted as the options say, in a run folder; an option that is None is left to the library. What is
    wrong with a ``backtest`` that is to follow is said before the training.
    """
    from unrolled import data
    from unrolled.forecast import Forecaster
    from unrolled.series.panels.wide import VALUE
    from unrolled.training import TrainingSettings

    known = data.describe(file).defaults if file in data.names() and not Path(file).exists() else {}
    given = {name: value for name, value in options.items() if value not in (None, ())}
    training = TrainingSettings(**_some(given, "epochs", "minutes", "seed", "device"))
    shape: dict[str, Any] = _some(known, "horizon", "lookback") | _some(
        given,
        *("horizon", "lookback", "cell", "model", "strategy", "attention", "teacher_forcing", "schedule", "hidden"),
        *("layers", "dropout", "loss", "scaling", "skip", "ensemble", "level", "intervals"),
    )
    if shape.get("intervals") == "none":
        del shape["intervals"]
        shape["level"] = None
    columns = _some(
        given,
        "time",
        "series",
        "frequency",
        "fill",
        "refit",
        "stats",
        "calendar",
        "wide",
        "only",
        "past",
        "future",
        "static",
    )
    if options.get("only_target"):
        columns["past"] = ()
    target = given.get("target", (VALUE,))  # of a wide table, what the forecasts are called
    forecaster = Forecaster(**shape, training=training)
    if backtest is not None:
        forecaster.expect_backtest(**backtest)
    return forecaster.fit(
        file,
        target=target[0] if len(target) == 1 else target,
        angles=given.get("angle"),
        **columns,
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
