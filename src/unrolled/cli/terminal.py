"""What a terminal shows of a forecast: the bar while it trains, the errors when it's done."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from unrolled.series.judging.evaluation import COMMON
from unrolled.series.report import number

if TYPE_CHECKING:
    from unrolled.forecast import Forecaster
    from unrolled.series.judging.evaluation import Evaluation
    from unrolled.series.learning.backtest import Backtest
    from unrolled.series.learning.strategies import Compared
    from unrolled.training import Progress as Step


def _of_forecast(step: "Step") -> str:
    """The loss, the best validation so far, time left and windows a second."""
    best = f"best {step.best:.3f} · " if step.best < float("inf") else ""
    text = f"epoch {step.epoch} · loss {step.loss:.3f} · {best}{step.examples_per_second:,.0f} windows/s"
    return text + f" · {step.seconds_left:.0f} s left"


@contextmanager
def training_bar(said: Callable[..., str] = _of_forecast) -> Iterator[Callable[..., None]]:
    """A bar on stderr with what is ``said`` of the progress, and of what comes with it."""
    columns = BarColumn(bar_width=12), TextColumn("{task.fields[text]}")
    console = Console(stderr=True)
    bar = Progress(*columns, console=console, transient=True, disable=not console.is_interactive)
    task = bar.add_task("training", total=1.0, text="")
    try:

        def show(step: "Step", *more: Any) -> None:
            bar.start()  # with the first step, so that an error before it has the terminal to itself
            bar.update(task, completed=step.fraction, text=said(step, *more))

        yield show
    finally:
        if bar.live.is_started:
            bar.stop()


@contextmanager
def counting_bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr for what comes one by one: the folds of a backtest, the strategies compared."""
    console = Console(stderr=True)
    columns = BarColumn(bar_width=12), TextColumn(what + ": {task.completed} of {task.total} done")
    with Progress(*columns, console=console, transient=True, disable=not console.is_interactive) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, all_of_them: bar.update(task, completed=done, total=all_of_them)


def show_result(forecaster: "Forecaster") -> int:
    """Print the errors, the verdict and where everything lies; returns the exit code."""
    for evaluation in forecaster.evaluations:
        of = f" of {evaluation.target}" if len(forecaster.evaluations) > 1 else ""
        show_evaluation(evaluation, f"Errors{of} on the test part, {evaluation.windows:,} windows")
    run = forecaster.run
    if forecaster.interrupted:
        click.echo(
            f"Interrupted: {run} has the best weights so far. Go on with: unrolled forecast --resume {run}", err=True
        )
        return 130
    assert run is not None
    click.echo(f"Forecast:  {run / 'forecast.csv'}\nReport:    {(run / 'report.html').resolve().as_uri()}")
    return 0


def show_backtest(backtest: "Backtest") -> None:
    """Print what each fold came to beside its best baseline, and the verdict over all of them."""
    for evaluation in backtest.evaluations:
        of = f" of {evaluation.target}" if len(backtest.evaluations) > 1 else ""
        title = f"Backtest{of}: mean absolute error on {len(backtest.folds)} folds"
        table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
        for name in ("fold", "from", "to", evaluation.model, "best baseline", ""):
            table.add_column(name, justify="right" if name == evaluation.model else "left")
        for fold in backtest.folds:
            errors = fold.errors[evaluation.target]
            spans = (stamp.removesuffix("+00:00").removesuffix(":00") for stamp in fold.test)
            table.add_row(str(fold.number), *spans, *_beside_best(errors, evaluation.model))
        errors = {method: own["MAE"] for method, own in evaluation.overall.items()}
        table.add_row("all", "", "", *_beside_best(errors, evaluation.model), style="bold")
        click.echo()
        Console().print(table)
        _say(evaluation)


def _beside_best(errors: dict[str, float | None], model: str) -> tuple[str, str, str]:
    known = {method: error for method, error in errors.items() if method != model and error is not None}
    best = min(known, key=known.__getitem__, default="")
    return number(errors[model]), number(known.get(best)), best


def show_strategies(compared: "Compared") -> None:
    """Print each strategy's error by step ahead, at a few steps."""
    for target, first in enumerate(next(iter(compared.evaluations.values()))):
        steps = len(first.by_step[first.model]["MAE"])
        shown = sorted({max(1, round(steps * share)) for share in (0, 0.25, 0.5, 0.75, 1)})
        of = f" of {first.target}" if len(next(iter(compared.evaluations.values()))) > 1 else ""
        title = f"Strategies: mean absolute error{of} by step ahead, on the test part"
        look = {"title_justify": "left", "title_style": "bold", "box": SIMPLE_HEAD, "pad_edge": False}
        table = Table(title=title, padding=(0, 1, 0, 0), **look)  # narrow, so that nothing is cut at 80 characters
        for name in ("steps ahead:", *map(str, shown), "all", "skill", "seconds"):
            table.add_column(name, justify="left" if name.endswith(":") else "right", no_wrap=True)
        for strategy, found in compared.evaluations.items():
            one = found[target]
            by_step, overall = one.by_step[one.model]["MAE"], one.overall[one.model]["MAE"]
            cells = (number(by_step[step - 1]) for step in shown)
            more = (number(overall), f"{one.skill(one.model):+.1%}", f"{compared.seconds[strategy]:.0f}")
            table.add_row(strategy, *cells, *more)
        click.echo()
        Console().print(table)


def show_evaluation(evaluation: "Evaluation", title: str) -> None:
    """Print every method's errors, and what they come to in words."""
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("")
    for name in (*COMMON, "skill"):
        table.add_column(name, justify="right")
    _add_methods(table, evaluation)
    if (some := evaluation.statistical) is not None:
        table.add_section()
        table.add_row(f"in {some.windows:,} windows of these:")
        _add_methods(table, some)
    click.echo()
    Console().print(table)
    _say(evaluation)


def _add_methods(table: Table, evaluation: "Evaluation") -> None:
    for method, errors in evaluation.overall.items():
        style = "bold" if method == evaluation.model else None
        table.add_row(method, *(number(errors[m]) for m in COMMON), f"{evaluation.skill(method):+.1%}", style=style)


def _say(evaluation: "Evaluation") -> None:
    for sentence in evaluation.sentences():
        click.echo(sentence)
