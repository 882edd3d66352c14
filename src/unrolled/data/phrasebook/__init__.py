"""A corpus of English and Japanese by a grammar of both: every pair is one meaning, rendered twice.

>>> from unrolled.data import phrasebook
>>> book = phrasebook.load()
>>> len(book.train), len(book.dev), len(book.test), len(book.hard)
(18000, 500, 1000, 500)
>>> book.train[37]
Pair(english='He had breakfast at home yesterday.', japanese='彼は昨日家で朝ご飯を食べた。')

The grammar draws who does what, when, where, with whom and why, and each language's side renders that: word order,
particles, politeness, tense, negation, questions, relative clauses, counters, and numbers, times, dates and units by
CLDR. What one language says and the other leaves open is a free choice, so that no translator can get everything
right: polite or plain, 私は or nothing, yesterday at the beginning or at the end, older or younger brother.

- ``train`` and ``dev``, ``test``: in dev and test each sentence has a combination, such as of verb, object and time,
  that train never shows, though it shows all its words. A fifth of test is of each length in ``BINS``.
- ``hard``: known words in new places, and deeper or longer than train; see ``corpus``.

The same seed and size give the same pairs under every version of Python; those with another version of CLDR may
write a date or a unit in another way.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from numbers import Integral
from pathlib import Path

from unrolled.data.phrasebook.corpus import BINS, Pair, build, tokens
from unrolled.errors import DataError, SettingsError
from unrolled.files import atomic_write

__all__ = ["BINS", "LEAST", "PARTS", "Pair", "Phrasebook", "export", "load", "tokens"]

PARTS = ("train", "dev", "test", "hard")
LEAST, MOST = 2_000, 50_000


@dataclass(frozen=True)
class Phrasebook:
    """The four parts, each a sequence of pairs (english, japanese): no pair twice, and no source in two parts."""

    seed: int
    train: Sequence[Pair]
    dev: Sequence[Pair]
    test: Sequence[Pair]
    hard: Sequence[Pair]


def load(seed: int = 0, size: int = 20_000) -> Phrasebook:
    """The corpus of this seed: ``size`` pairs in all, 90% of them train, 2.5% dev, 5% test and 2.5% hard.

    It is made in a few seconds when it is first asked for. Raises SettingsError unless seed is a whole number and size
    one from 2,000 to 50,000.
    """
    if not _whole(seed):
        raise SettingsError(f"the seed of a phrasebook is a whole number, got {seed!r}; take 0, say")
    if not _whole(size) or not LEAST <= size <= MOST:
        raise SettingsError(f"a phrasebook has from {LEAST:,} to {MOST:,} pairs, got {size!r}; take 20_000, say")
    return _load(int(seed), int(size))


def export(folder: str | Path, seed: int = 0, size: int = 20_000) -> Path:
    """Write the corpus as text files, a sentence a line: train.en, train.ja, dev.en and so on, in ``folder``.

    Raises DataError, with nothing written, where one of those files is there already, and RunError where it can't be
    written.
    """
    folder, book = Path(folder), load(seed, size)
    if folder.exists() and not folder.is_dir():
        raise DataError(f"{str(folder)!r} is a file, and the phrasebook is eight of them; give the name of a folder")
    texts = {}
    for part in PARTS:
        pairs: Sequence[Pair] = getattr(book, part)
        texts[f"{part}.en"] = "".join(f"{pair.english}\n" for pair in pairs)
        texts[f"{part}.ja"] = "".join(f"{pair.japanese}\n" for pair in pairs)
    for name in texts:
        if (folder / name).exists():
            raise DataError(
                f"{str(folder / name)!r} is there already, and is not overwritten; give another folder, or remove it"
            )
    for name, text in texts.items():
        atomic_write(folder / name, text)
    return folder


@lru_cache(maxsize=2)
def _load(seed: int, size: int) -> Phrasebook:
    pairs = build(seed, size).pairs
    return Phrasebook(seed, *(tuple(pairs[part]) for part in PARTS))


def _whole(number: object) -> bool:
    return isinstance(number, Integral) and not isinstance(number, bool)
