"""`unrolled demo`: a forecast of real weather, from nothing to a report, in about a minute."""

import click


@click.command(short_help="Forecast the embedded weather, and write the report.")
def demo() -> None:
    """Forecast the embedded weather with an LSTM, beside its baselines, and write the report."""
    from unrolled.cli.forecast import fit
    from unrolled.cli.terminal import show_result, training_bar

    click.echo("Hourly weather of 2013 at three New York airports: the temperature of the next 24 hours, by an LSTM.")
    with training_bar() as on_progress:
        forecaster = fit("weather", {"target": ("temp",)}, on_progress)
    code = show_result(forecaster)
    if code == 0:
        click.echo("Open the report in a browser. On a table of your own:  unrolled forecast FILE --target COLUMN")
    raise SystemExit(code)
