"""Translation with attention against the context vector alone, in equal epochs, English to Japanese: BLEU, paired.

On the 50,000 pairs of ``enja`` in the folder that UNROLLED_DATA names, with their own dev and test parts, or where they
are not there on the embedded phrasebook. Each arm has the learning rate that was best on dev for it, with another seed
(DEV_BLEU, which ``attention_rates`` measures); the test part is opened once for each network, and nothing is chosen on
it.
"""

import os
from pathlib import Path
from typing import Any

from benchmarks._measure import Clock, Figure, Result, Target
from unrolled.data import phrasebook
from unrolled.text.corpus import Corpus
from unrolled.text.parts import overlap
from unrolled.text.quality import compare
from unrolled.text.scoring import Measured, bleu_tokenizer, measure
from unrolled.training import TrainingSettings
from unrolled.translate import Translator

Pairs = tuple[list[str], list[str]]
ENJA = Path(os.environ.get("UNROLLED_DATA", "no such folder"), "enja")
EPOCHS, HIDDEN, SEEDS = 3, 256, (0, 1, 2)
ARMS = {"dot attention": "dot", "the context vector alone": None}
# By learning rate: greedy, after as many epochs, with another seed than those above; see attention_rates.py. The
# highest rate was measured on a CPU, the others on a GPU.
DEV_BLEU = {
    "dot attention": {1.5e-3: 27.7, 3e-3: 33.5, 6e-3: 33.0},
    "the context vector alone": {1.5e-3: 21.1, 3e-3: 26.6, 6e-3: 27.7, 1.2e-2: 23.0},
}


def run(quick: bool = False) -> Result:
    name, train, dev, test = data(quick)
    seeds = SEEDS[:1] if quick else SEEDS
    measured: dict[str, list[Measured]] = {}
    rates = {arm: best_rate(found) for arm, found in DEV_BLEU.items()}
    figures: list[Figure] = []
    for arm, attention in ARMS.items():
        trained, speed = [], []
        for seed in seeds:
            clock = Clock()
            translator = fitted(attention, rates[arm], seed, train, dev, quick)
            trained.append(clock.cpu)
            clock = Clock()
            written = translator.translate(test[0], beam=5)
            speed.append(len(written) / clock.cpu)
            counted = measure(written, test[1], bleu_tokenizer(dev[1])[0])  # which the translator was chosen by
            measured.setdefault(arm, []).append(counted)
        figures += [
            Figure(f"{name}, {arm}: test BLEU, beam 5", "BLEU", [one.value() for one in measured[arm]]),
            Figure(f"{name}, {arm}: training, CPU", "s", trained),
            Figure(f"{name}, {arm}: beam 5, sentences a CPU second", "1/s", speed),
        ]
    unseen = overlap(Corpus(*test, name="test"), Corpus(*train, name="train")).unseen.nonzero()[0]
    gains, notes = [], []
    for seed, ours, theirs in zip(seeds, *measured.values(), strict=True):
        found = compare(ours, theirs)
        gains.append(found[0])
        notes += [f"seed {seed}: {one.sentence(('Attention', 'the context vector'))}" for one in found]
    for arm, found in measured.items():
        score = found[0].score("BLEU", unseen, 0)
        notes.append(
            f"{arm}, seed {seeds[0]}, the {len(unseen)} test sentences whose source is not in train: {score.sentence}"
        )
    lows = [gain.low for gain in gains]
    figures += [
        Figure(f"{name}: attention's gain, test BLEU", "BLEU", [gain.value for gain in gains]),
        Figure(
            f"{name}: lower end of the gain's 95% interval, least of the seeds",
            "BLEU",
            lows,
            Target("at least", 0.01),
            given=min(lows),
        ),
    ]
    about: dict[str, Any] = {
        "epochs": EPOCHS,
        "hidden": HIDDEN,
        "layers": 1,
        "batch_size": 32,
        "learning_rate": rates,
        "dev BLEU by learning rate": DEV_BLEU,
    }
    return Result(figures, seeds=seeds, settings=about, notes=notes)


def fitted(attention: str | None, rate: float, seed: int, train: Pairs, dev: Pairs, quick: bool) -> Translator:
    """A translator of one arm, after EPOCHS."""
    settings = TrainingSettings(epochs=1 if quick else EPOCHS, batch_size=32, learning_rate=rate, seed=seed)
    translator = Translator(attention=attention, hidden=16 if quick else HIDDEN, training=settings)
    return translator.fit(train[0], train[1], dev=dev)


def best_rate(bleu: dict[float, float]) -> float:
    """The learning rate with the highest BLEU."""
    return max(bleu, key=bleu.__getitem__)


def data(quick: bool) -> tuple[str, Pairs, Pairs, Pairs]:
    """What it is called, and train, dev and test as (sources, targets)."""
    if ENJA.is_dir() and not quick:
        return "enja", *((_lines(part, "en"), _lines(part, "ja")) for part in ("train", "dev", "test"))  # type: ignore
    book = phrasebook.load(size=2_000 if quick else 20_000)
    parts = [book.train, book.dev, book.test]
    return "phrasebook", *(([p.english for p in part], [p.japanese for p in part]) for part in parts)  # type: ignore


def _lines(part: str, language: str) -> list[str]:
    return (ENJA / f"{part}.{language}").read_text(encoding="utf-8").splitlines()
