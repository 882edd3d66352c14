"""`unrolled translate train --source FILE --target FILE`: clean, split, tokenize, train, score."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from unrolled.training import Progress
    from unrolled.translate import Translator

CHOICES = {
    "cell": ["rnn", "lstm", "gru", "mingru"],
    "model": ["recurrent", "transformer"],
    "attention": ["dot", "scaled-dot", "general", "additive", "none"],
    "tokenizer": ["unigram", "words", "characters"],
    "schedule": ["constant", "linear"],
    "choose-by": ["bleu", "loss"],
}
TRAINING = ("epochs", "minutes", "batch_size", "learning_rate", "seed", "device")


def _chosen(name: str, words: str):
    return click.option(f"--{name}", type=click.Choice(CHOICES[name]), help=words)


@click.command(short_help="Train on aligned texts, and score on the test part.")
@click.option("--source", metavar="FILE", help="A sentence a line; without --target, a tab and its translation too.")
@click.option("--target", metavar="FILE", help="The translations, line by line beside the source.")
@click.option("--dev-source", metavar="FILE", help="What the weights are chosen on.  [default: split off]")
@click.option("--dev-target", metavar="FILE", help="Its translations.")
@click.option("--epochs", type=click.IntRange(1), help="Train this long at most; the same seed, the same bits.")
@click.option("--minutes", type=click.FloatRange(0, min_open=True), help="Train this long instead, by the clock.")
@_chosen("model", "Recurrent, or a small Transformer.  [default: recurrent]")
@_chosen("cell", "Of the recurrent model.  [default: lstm]")
@_chosen("attention", "How the decoder looks back; none: the context vector alone.  [default: dot]")
@click.option("--input-feeding", is_flag=True, help="The decoder reads what it attended to at the step before.")
@click.option("--hidden", type=click.IntRange(1), help="Hidden units.  [default: 256]")
@click.option("--layers", type=click.IntRange(1), help="Layers of encoder and decoder.  [default: 1]")
@click.option(
    "--dropout",
    type=click.FloatRange(0, 1, max_open=True),
    metavar="SHARE",
    help="Of units, in training.  [default: 0.2]",
)
@_chosen("tokenizer", "What sentences are cut into.  [default: by size and script]")
@click.option("--vocabulary", type=click.IntRange(1), metavar="N", help="Pieces of a side at most.")
@click.option("--teacher-forcing", type=click.FloatRange(0, 1), metavar="SHARE", help="Of the steps.  [default: 1]")
@_chosen("schedule", "How teacher forcing falls.  [default: constant]")
@click.option(
    "--label-smoothing", type=click.FloatRange(0, 1, max_open=True), metavar="SHARE", help="Of labels.  [default: 0.1]"
)
@_chosen("choose-by", "The best weights: by BLEU on dev, or by its loss.  [default: bleu]")
@click.option("--batch-size", type=click.IntRange(1), metavar="N", help="Sentences of mean length.  [default: 32]")
@click.option("--learning-rate", type=click.FloatRange(0, min_open=True), help="At its highest.  [default: 0.003]")
@click.option("--seed", type=click.IntRange(0), help="Of split, weights, batches and dropout.  [default: 0]")
@click.option("--device", metavar="NAME", help="auto, cpu, cuda, cuda:1, mps …  [default: auto]")
@click.option("--out", type=click.Path(path_type=Path), help="The run's folder.  [default: runs/<name>-<n>]")
@click.option(
    "--resume",
    type=click.Path(path_type=Path),
    metavar="RUN",
    help="Go on with a run that was cut off; --epochs or --minutes may be new.",
)
def train(resume: Path | None, **options: Any) -> int:
    """Train a translator on two files, aligned line by line, or on one with a tab between the two.

    The text is cleaned and counted, dev and test are split off so that no sentence of theirs is in train, and cut into
    words, subwords or characters, whatever suits it. Prints BLEU and chrF on the test part; everything goes into a run
    folder: model, tokenizers, report.html.
    """
    from unrolled.cli.terminal import training_bar

    given = {name: value for name, value in options.items() if value is not None and value is not False}
    if resume is not None:
        extra = [name for name in given if name not in ("epochs", "minutes")]
        if extra:
            raise click.UsageError(f"--resume takes everything from the run; leave out --{extra[0].replace('_', '-')}")
        from unrolled.translate import Translator

        with training_bar(progress) as on_progress:
            translator = Translator.resume(resume, **given, on_progress=on_progress)
        return _show(translator)
    _check(given)
    with training_bar(progress) as on_progress:
        translator = fit(given, on_progress)
    return _show(translator)


def _check(given: dict[str, Any]) -> None:
    if "source" not in given:
        raise click.UsageError("give the text: --source FILE --target FILE, or --resume RUN")
    if "dev_target" in given and "dev_source" not in given:
        raise click.UsageError("--dev-target is beside a --dev-source; give that too")
    if "dev_source" in given and ("dev_target" in given) != ("target" in given):
        given_too, missing = ("target", "dev-target") if "target" in given else ("dev-target", "target")
        raise click.UsageError(f"--{given_too} is given and --{missing} isn't; give both, or two files with tabs")
    if given.get("model") == "transformer":
        for name in ("cell", "attention", "input_feeding"):
            if name in given:
                raise click.UsageError(f"--{name.replace('_', '-')} is for the recurrent model; leave it out")


def fit(given: dict[str, Any], on_progress) -> "Translator":
    """A translator fitted as the options say, in a run folder; an option that isn't given is left to the library."""
    from unrolled.training import TrainingSettings
    from unrolled.translate import Translator

    given = dict(given)
    training = TrainingSettings(**{name: given.pop(name) for name in TRAINING if name in given})
    source, target, dev_source, dev_target, out = (
        given.pop(name, None) for name in ("source", "target", "dev_source", "dev_target", "out")
    )
    if given.get("attention") == "none":
        given["attention"] = None
    dev = None if dev_source is None else (dev_source, dev_target)
    return Translator(**given, training=training).fit(
        source, target, dev=dev, run=True if out is None else out, on_progress=on_progress
    )


def progress(step: "Progress", record: dict[str, Any]) -> str:
    """What the bar says: of the training loss, which label smoothing is part of, and of the last validation."""
    from unrolled.series.words import counted

    if "testing" in record:
        return f"translating the test part, {counted(record['testing'], 'sentence')}"
    text = f"epoch {step.epoch} · loss {step.loss:.3f}"
    if "bleu" in record:
        text += f" · dev perplexity {record['perplexity']:,.1f} · BLEU {record['bleu']:.1f}"
    return text + f" · {record['tokens_per_second']:,.0f} tokens/s · {step.seconds_left:.0f} s left"


def _show(translator: "Translator") -> int:
    """Print the scores, two sentences of dev, and where everything lies; returns the exit code."""
    import shlex

    from unrolled.cli.translate.options import printable
    from unrolled.formats import read_lines
    from unrolled.translate import METRICS, REPORT

    run = translator.run
    assert run is not None
    show_scores(translator)
    records = read_lines(run / METRICS)
    samples = records[-1].get("samples", []) if records else []
    for sample, said in zip(samples, translator.translate([one["source"] for one in samples]), strict=True):
        for name, text in {"source": sample["source"], "reference": sample["target"], "translation": said}.items():
            click.echo(f"  {name:<13}{printable(text)}")
        click.echo()
    place = shlex.quote(str(run))
    if translator.interrupted:
        again = f"unrolled translate train --resume {place}"
        click.echo(f"Interrupted: {run} has the best weights so far. Go on with: {again}", err=True)
        return 130
    sentence = samples[0]["source"] if samples else "…"
    click.echo(f"Run:       {run}\nReport:    {(run / REPORT).resolve().as_uri()}")
    dashes = "-- " if sentence.startswith("-") else ""  # it would be an option
    click.echo(f"Try:       unrolled translate explain {place} {dashes}{shlex.quote(sentence)}")
    return 0


def show_scores(translator: "Translator") -> None:
    """Print BLEU and chrF on the test part, with their intervals and signatures."""
    from unrolled.text.scoring import Score

    found = translator.evaluation
    click.echo(f"\nOn the test part, {found['sentences']:,} sentence{'s' * (found['sentences'] > 1)}:")
    for metric in ("BLEU", "chrF"):
        click.echo(f"  {Score(metric, **found[metric]).sentence}")
    click.echo()
