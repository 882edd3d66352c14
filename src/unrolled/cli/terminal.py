"""What a terminal shows of a forecast: the bar while it trains, the errors when it's done."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from unrolled.series.evaluation import METRICS
from unrolled.series.report import number

if TYPE_CHECKING:
    from unrolled.forecast import Forecaster
    from unrolled.training import Progress as Step


@contextmanager
def training_bar() -> Iterator[Callable[["Step"], None]]:
    """A bar on stderr with the loss, the best validation so far, time left and windows a second."""
    columns = BarColumn(bar_width=12), TextColumn("{task.fields[text]}")
    console = Console(stderr=True)
    bar = Progress(*columns, console=console, transient=True, disable=not console.is_interactive)
    task = bar.add_task("training", total=1.0, text="")
    try:

        def show(step: "Step") -> None:
            bar.start()  # with the first step, so that an error before it has the terminal to itself
            best = f"best {step.best:.3f} · " if step.best < float("inf") else ""
            text = f"epoch {step.epoch} · loss {step.loss:.3f} · {best}{step.examples_per_second:,.0f} windows/s"
            text += f" · {step.seconds_left:.0f} s left"
            bar.update(task, completed=step.fraction, text=text)

        yield show
    finally:
        if bar.live.is_started:
            bar.stop()


def show_result(forecaster: "Forecaster") -> int:
    """Print the errors, the verdict and where everything lies; returns the exit code."""
    evaluation = forecaster.evaluation
    title = f"Errors on the test part, {evaluation.windows:,} windows"
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("")
    for name in (*METRICS, "skill"):
        table.add_column(name, justify="right")
    for method, errors in evaluation.overall.items():
        style = "bold" if method == evaluation.model else None
        table.add_row(method, *(number(errors[m]) for m in METRICS), f"{evaluation.skill(method):+.1%}", style=style)
    click.echo()
    Console().print(table)
    click.echo(evaluation.verdict())
    if evaluation.caveat:
        click.echo(evaluation.caveat)
    run = forecaster.run
    if forecaster.interrupted:
        click.echo(
            f"Interrupted: {run} has the best weights so far. Go on with: unrolled forecast --resume {run}", err=True
        )
        return 130
    assert run is not None
    click.echo(f"Forecast:  {run / 'forecast.csv'}\nReport:    {(run / 'report.html').resolve().as_uri()}")
    return 0
