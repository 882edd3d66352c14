"""Translation with attention against the context vector alone, in equal epochs, English to Japanese: BLEU, paired.

On the 50,000 pairs of ``enja`` in the folder that UNROLLED_DATA names, with their own dev and test parts, or where they
are not there on the embedded phrasebook. The test part is opened once for each network, and nothing is chosen on it.
"""

import os
from pathlib import Path
from typing import Any

from benchmarks._measure import Clock, Figure, Result, Target
from unrolled.data import phrasebook
from unrolled.text.corpus import Corpus
from unrolled.text.parts import overlap
from unrolled.text.quality import compare
from unrolled.text.scoring import Measured, measure
from unrolled.training import TrainingSettings
from unrolled.translate import Translator

ENJA = Path(os.environ.get("UNROLLED_DATA", "no such folder"), "enja")
EPOCHS, HIDDEN, SEED = 3, 256, 0
ARMS = {"dot attention": "dot", "the context vector alone": None}


def run(quick: bool = False) -> Result:
    name, train, dev, test = _data(quick)
    measured: dict[str, Measured] = {}
    figures: list[Figure] = []
    for arm, attention in ARMS.items():
        settings = TrainingSettings(epochs=1 if quick else EPOCHS, batch_size=32, learning_rate=3e-3, seed=SEED)
        clock = Clock()
        translator = Translator(attention=attention, hidden=16 if quick else HIDDEN, training=settings)
        translator.fit(train[0], train[1], dev=dev)
        trained, clock = clock.cpu, Clock()
        written = translator.translate(test[0], beam=5)
        decoded = clock.cpu
        measured[arm] = measure(written, test[1], translator._fitted().plan.bleu_tokenizer)
        figures += [
            Figure(f"{name}, {arm}: test BLEU, beam 5", "BLEU", [measured[arm].value()]),
            Figure(f"{name}, {arm}: training, CPU", "s", [trained]),
            Figure(f"{name}, {arm}: beam 5, sentences a CPU second", "1/s", [len(written) / decoded]),
        ]
    bleu, chrf = compare(measured["dot attention"], measured["the context vector alone"])
    figures += [
        Figure(f"{name}: attention's gain, test BLEU", "BLEU", [bleu.value]),
        Figure(f"{name}: the gain's 95% interval, lower end", "BLEU", [bleu.low], Target("at least", 0.01)),
    ]
    unseen = overlap(Corpus(*test, name="test"), Corpus(*train, name="train")).unseen.nonzero()[0]
    notes = [one.sentence(("Attention", "the context vector")) for one in (bleu, chrf)]
    for arm, found in measured.items():
        score = found.score("BLEU", unseen, SEED)
        notes.append(f"{arm}, the {len(unseen)} test sentences whose source is not in train: {score.sentence}")
    about: dict[str, Any] = {
        "epochs": EPOCHS,
        "hidden": HIDDEN,
        "layers": 1,
        "batch_size": 32,
        "learning_rate": 3e-3,
    }
    return Result(figures, seeds=[SEED], settings=about, notes=notes)


def _data(
    quick: bool,
) -> tuple[str, tuple[list[str], list[str]], tuple[list[str], list[str]], tuple[list[str], list[str]]]:
    """What it is called, and train, dev and test as (sources, targets)."""
    if ENJA.is_dir() and not quick:
        return "enja", *((_lines(part, "en"), _lines(part, "ja")) for part in ("train", "dev", "test"))  # type: ignore
    book = phrasebook.load(size=2_000 if quick else 20_000)
    parts = [book.train, book.dev, book.test]
    return "phrasebook", *(([p.english for p in part], [p.japanese for p in part]) for part in parts)  # type: ignore


def _lines(part: str, language: str) -> list[str]:
    return (ENJA / f"{part}.{language}").read_text(encoding="utf-8").splitlines()
