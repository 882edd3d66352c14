"""`unrolled demo`: a forecast of real weather and a translator of a phrasebook, on one page, in under three minutes."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from unrolled.translate import Translator

PAGE = Path("demo.html")
SECONDS = 45  # of training the translator: the clock ends it, so that a slow machine is not much longer at it
SHOWN = 3  # sentences in the terminal


@click.command(short_help="Forecast the weather, translate a phrasebook, show both.")
def demo() -> None:
    """Forecast the embedded weather with an LSTM, beside its baselines; train a translator with attention on the
    embedded phrasebook; and write one page with both reports.
    """
    from unrolled.cli.forecast import fit
    from unrolled.cli.terminal import show_result, training_bar
    from unrolled.files import atomic_write
    from unrolled.report import join, render

    click.echo("Hourly weather of 2013 at three New York airports: the temperature of the next 24 hours, by an LSTM.")
    with training_bar() as on_progress:
        forecaster = fit("weather", {"target": ("temp",)}, on_progress)
    if code := show_result(forecaster):
        raise SystemExit(code)
    click.echo(f"\nA phrasebook of English and Japanese: a translator with attention, trained for {SECONDS} seconds.")
    translator = _translator()
    _show(translator)
    documents = {"Weather": forecaster.document, "Phrasebook": translator.document}
    subtitle = "The temperature at three New York airports, 24 hours ahead · English to Japanese, with attention"
    atomic_write(PAGE, render(join("Two recurrent networks", subtitle, documents)))
    click.echo(f"Both:      {PAGE.resolve().as_uri()}\n\nOpen that page in a browser. On files of your own:")
    click.echo("  unrolled forecast FILE --target COLUMN\n  unrolled translate train --source FILE --target FILE")
    raise SystemExit(130 if translator.interrupted else 0)


def _translator() -> "Translator":
    from unrolled.cli.terminal import training_bar
    from unrolled.cli.translate.train import progress
    from unrolled.data import phrasebook
    from unrolled.store import new_run
    from unrolled.training import TrainingSettings
    from unrolled.translate import Translator

    book = phrasebook.load()
    sides = [[getattr(pair, language) for pair in book.train] for language in ("english", "japanese")]
    with training_bar(progress) as on_progress:
        return Translator(training=TrainingSettings(minutes=SECONDS / 60)).fit(
            *sides, run=new_run("phrasebook"), on_progress=on_progress
        )


def _show(translator: "Translator") -> None:
    """The scores, and sentences that training never saw."""
    from unrolled.cli.translate.options import printable
    from unrolled.cli.translate.train import show_scores
    from unrolled.data import phrasebook
    from unrolled.translate import REPORT

    show_scores(translator)
    few = sorted(phrasebook.load().test, key=lambda pair: abs(len(pair.english) - 40))[:SHOWN]
    for pair, written in zip(few, translator.translate([pair.english for pair in few]), strict=True):
        click.echo(f"  {pair.english}\n  {printable(written)}\n")
    assert translator.run is not None
    click.echo(f"Report:    {(translator.run / REPORT).resolve().as_uri()}")
