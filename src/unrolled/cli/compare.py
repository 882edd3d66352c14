"""`unrolled compare WHAT`: cells against each other, on a task or on a table."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from unrolled.comparison.comparison import Comparison
    from unrolled.training import Progress as Step


@click.command(short_help="Cells against each other, on a task or on a table.")
@click.argument("what")
@click.option(
    "--cells", default="rnn,lstm,gru", metavar="NAMES", help="Of rnn, lstm, gru, mingru.  [default: rnn,lstm,gru]"
)
@click.option("--target", metavar="COLUMN", help="Of a table: the column to forecast.")
@click.option("--time", metavar="COLUMN", help="Of a table: the column with the time stamps.  [default: found]")
@click.option("--series", metavar="COLUMN", help="Of a table: the column that tells many series apart.")
@click.option("--only", metavar="NAME", multiple=True, help="Only this series; may be given several times.")
@click.option("--only-target", is_flag=True, help="Read the target alone, and no other numeric column.")
@click.option(
    "--fill", type=click.Choice(["forward", "linear", "none"]), help="What to do with missing values and rows."
)
@click.option("--horizon", type=click.IntRange(1), metavar="STEPS", help="Of a table: how far ahead.  [default: 24]")
@click.option("--lookback", type=click.IntRange(1), metavar="STEPS", help="Of a table: how far back the network reads.")
@click.option(
    "--length", type=click.IntRange(1), metavar="STEPS", help="Of a task: how long its sequences are (copy: the delay)."
)
@click.option("--init", metavar="NAMES", help="Of a task: start from orthogonal, identity, forget-bias, chrono:STEPS.")
@click.option("--seeds", type=click.IntRange(1), default=3, show_default=True, help="Trainings of each cell.")
@click.option("--steps", type=click.IntRange(1), help="Of a task: training steps of each trial.  [default: 2000]")
@click.option("--epochs", type=click.IntRange(1), help="Of a table: epochs of each trial at most.  [default: 8]")
@click.option("--minutes", type=click.FloatRange(0, min_open=True), help="Train each trial this long instead.")
@click.option("--hidden", type=click.IntRange(1), default=64, show_default=True, help="Units of a layer.")
@click.option("--device", metavar="NAME", help="auto, cpu, cuda, cuda:1, mps …  [default: auto]")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default="compare.html",
    show_default=True,
    help="The report; its numbers go beside it as JSON.",
)
def compare(what: str, cells: str, out: Path, **options: Any) -> int:
    """Compare recurrent cells on WHAT: RNN, LSTM or GRU, for this data?

    WHAT is a task that shows memory (adding, copy, temporal-order, parity, flip-flop), or a table with --target COLUMN.
    Every cell gets the same budget, with several seeds. Prints the scores beside chance or the best baseline, what each
    cell costs, how far its gradient reaches, and a recommendation; writes a report and JSON.
    """
    from unrolled.comparison.compare import compare as run
    from unrolled.data.tasks import task
    from unrolled.training import TrainingSettings

    table = options["target"] is not None
    own = (
        ("length", "init", "steps")
        if table
        else ("time", "series", "only", "only_target", "fill", "horizon", "lookback", "epochs")
    )
    for name in own:
        if options[name]:
            kind = "a task" if table else "a table, which needs --target"
            raise click.UsageError(f"--{name.replace('_', '-')} is for {kind}")
    training = TrainingSettings(**{n: options[n] for n in ("epochs", "minutes", "device") if options[n] is not None})
    more: dict[str, Any] = {"seeds": options["seeds"], "hidden": options["hidden"], "training": training}
    if table:
        more |= _of_table(options)
        subject: Any = what
    else:
        size = {"delay" if what == "copy" else "length": options["length"]} if options["length"] else {}
        subject = task(what, **size)
        more |= {"steps": options["steps"], "init": options["init"].split(",") if options["init"] else ()}
    with _bar(len(cells.split(",")) * options["seeds"]) as on_progress:
        comparison = run(subject, cells.split(","), on_progress=on_progress, **more)
    show(comparison)
    comparison.report(out)
    comparison.save(out.with_suffix(".json"))
    click.echo(f"Report:    {out.resolve().as_uri()}\nNumbers:   {out.with_suffix('.json')}")
    return 0


def _of_table(options: dict[str, Any]) -> dict[str, Any]:
    from unrolled.series.panels.roles import Columns

    columns = Columns(
        options["target"],
        time=options["time"],
        series=options["series"],
        only=options["only"] or None,
        past=() if options["only_target"] else None,
        fill=options["fill"],
    )
    return {"columns": columns, "horizon": options["horizon"] or 24, "lookback": options["lookback"]}


@contextmanager
def _bar(trials: int) -> Iterator[Callable[[str, int, "Step"], None]]:
    """Which trial is under way, on stderr."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    console = Console(stderr=True)
    columns = BarColumn(bar_width=12), TextColumn("{task.fields[text]}")
    bar = Progress(*columns, console=console, transient=True, disable=not console.is_interactive)
    task = bar.add_task("comparing", total=float(trials), text="")
    begun: list[tuple[str, int]] = []

    def on_progress(cell: str, seed: int, step: "Step") -> None:
        bar.start()
        if (cell, seed) not in begun:
            begun.append((cell, seed))
        trial = f"{cell}, seed {seed} ({len(begun)} of {trials})"
        text = f"{trial} · loss {step.loss:.3g} · {step.seconds_left:.0f} s left of it"
        bar.update(task, completed=len(begun) - 1 + step.fraction, text=text)

    try:
        yield on_progress
    finally:
        if bar.live.is_started:
            bar.stop()


def show(comparison: "Comparison") -> None:
    """Print the table and the verdict."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    from unrolled.comparison.report import cells_of

    click.echo(f"\n{comparison.what}: {comparison.measure} over\n{comparison.budget}.")
    right = any(row.right is not None for row in comparison.rows)
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for name in ("", "score", *["right"] * right, "weights", "flops", "ms", "MB", "half-life"):
        table.add_column(name, justify="right" if name else "left", no_wrap=True)
    chosen = comparison.recommended
    for row in comparison.rows:
        *cells, before, after = cells_of(row, right)
        style = "bold" if chosen and row.cell == chosen.cell else None
        table.add_row(*cells, f"{before} → {after}", style=style)
    Console().print(table)
    others = comparison.others or {comparison.reference_name: comparison.reference}
    click.echo("Beside them: " + ", ".join(f"{name} {score:.4g}" for name, score in sorted(others.items(), key=_score)))
    click.echo("flops: a step of one row, forward; ms and peak MB: a batch, forward and backward; half-life of the")
    click.echo("gradient in steps, untrained → trained.")
    click.echo(f"\n{comparison.verdict}")


def _score(pair: tuple[str, float]) -> float:
    return pair[1]
