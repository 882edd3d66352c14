"""`unrolled translate`: from two aligned texts to a translator, its score, and what it looks at."""

import click

from unrolled.cli.translate.explain import explain
from unrolled.cli.translate.run import run
from unrolled.cli.translate.score import score
from unrolled.cli.translate.train import train


@click.group(short_help="Train a translator on aligned texts, and use it.")
def translate() -> None:
    """Train a translator on two aligned texts, use it, score it, see what it attends to."""


for one in (train, run, score, explain):
    translate.add_command(one)
