"""From sentences to a corpus: which go to train, to dev and test, and to the harder part.

Each sentence carries tags of what is in it: "did:eat/apple/yesterday" says what was done with what and when, and so
on. A share of these combinations, chosen by a checksum of their names, is kept out of train. A sentence with such a
combination goes to dev or test, and no sentence of train has it. What the harder part has, train never shows: names of
``ELSEWHERE`` as a subject or within a relative clause (train has them as objects only), clauses nested twice, lists of
four things and more, days of seven deeds and more.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple
from zlib import crc32

from unrolled.data.phrasebook.dice import Dice
from unrolled.data.phrasebook.mixture import drawn
from unrolled.errors import DataError

ELSEWHERE = ("umbrella", "novel", "sandwich", "wallet", "nurse", "lawyer", "neighbor", "cousin")
BINS = ((3, 9), (10, 19), (20, 29), (30, 39), (40, 60))
DEV, TEST = 3, 10  # of 100 combinations, those kept for dev, and those for dev or test
_TOKEN = re.compile(r"[A-Za-z]+(?:['’.-][A-Za-z]+)*|\d+(?:[:,.]\d+)*|[^\w\s]")
_DAY = 7


class Pair(NamedTuple):
    """A sentence and its translation."""

    english: str
    japanese: str


def tokens(english: str) -> list[str]:
    """The words, numbers and signs of an English sentence; lengths are counted in them.

    >>> tokens("I'll meet Mr. Tanaka at 7:30 PM.")
    ["I'll", 'meet', 'Mr', '.', 'Tanaka', 'at', '7:30', 'PM', '.']
    """
    return _TOKEN.findall(english)


def length_bin(english: str) -> int | None:
    """The number of the bin in ``BINS`` that the sentence's length is in; None where it is in none."""
    length = len(tokens(english))
    return next((i for i, (low, high) in enumerate(BINS) if low <= length <= high), None)


def is_hard(tags: set[str]) -> bool:
    """Whether there is in it what train never shows."""
    for tag in tags:
        kind, _, value = tag.partition(":")
        if kind == "as" and value.partition("/")[2] in ELSEWHERE:
            return True
        if (
            (kind == "depth" and int(value) > 1)
            or (kind == "list" and int(value) > 3)
            or (kind == "chain" and int(value) >= _DAY)
        ):
            return True
    return False


def combinations(tags: set[str]) -> list[str]:
    """The tags that are combinations of words, in order."""
    return sorted(tag for tag in tags if tag.partition(":")[0] not in {"as", "depth", "list", "chain", "bought"})


def part(tags: set[str]) -> str:
    """The part that a sentence belongs to: "train", "dev", "test" or "hard"."""
    if is_hard(tags):
        return "hard"
    shares = [crc32(tag.encode()) % 100 for tag in combinations(tags)]
    if any(DEV <= share < TEST for share in shares):
        return "test"
    return "dev" if any(share < DEV for share in shares) else "train"


class Parts(NamedTuple):
    """The four parts, and the tags of each pair."""

    pairs: dict[str, list[Pair]]
    tags: dict[Pair, set[str]]


def build(seed: int, size: int) -> Parts:
    """Draw until train, dev, test and hard have what they need: ``size`` pairs in all, and no source in two parts.

    Dev, test and hard draw some more than they need, because what has a word or a sign that train hasn't is left out.
    """
    need = {"dev": size // 40, "test": size // 20, "hard": size // 40}
    train = size - sum(need.values())
    rooms = {name: len(BINS) if name == "test" else 1 for name in need}  # test has as many of each length
    wanted = {(name, i): need[name] // rooms[name] for name in need for i in range(rooms[name])}
    wanted["train", 0] = train
    drawn_: dict[tuple[str, int], list[Pair]] = {room: [] for room in wanted}
    tags: dict[Pair, set[str]] = {}
    home: dict[str, str] = {}  # where each source is
    missing = len(wanted)
    for count, (pair, marks) in enumerate(_sentences(seed)):
        if count > 10 * size:
            full = {name for (name, i), pairs in drawn_.items() if len(pairs) >= wanted[name, i]}
            raise DataError(f"the grammar gives too few sentences for {size} pairs; only {sorted(full)} came together")
        where, length = part(marks), length_bin(pair.english)
        if length is None or pair in tags or home.setdefault(pair.english, where) != where:
            continue
        room = (where, length if where == "test" else 0)
        enough = wanted[room] if where == "train" else wanted[room] + wanted[room] // 10 + 5
        if len(drawn_[room]) >= enough:
            continue
        tags[pair] = marks
        drawn_[room].append(pair)
        missing -= len(drawn_[room]) == enough
        if not missing:
            break
    known = [
        {w for p in drawn_["train", 0] for w in tokens(p.english)},
        {c for p in drawn_["train", 0] for c in p.japanese},
    ]
    pairs: dict[str, list[Pair]] = {"train": drawn_["train", 0]}
    for name in need:
        kept = {i: [p for p in drawn_[name, i] if _is_known(p, *known)][: wanted[name, i]] for i in range(rooms[name])}
        chosen = {p for room in kept.values() for p in room}
        pairs[name] = [p for p in tags if p in chosen]  # in the order in which they were drawn, lengths mixed
        if len(pairs[name]) < sum(wanted[name, i] for i in range(rooms[name])):
            raise DataError(f"{size} pairs are too few for the words of {name}; ask for a larger phrasebook")
    return Parts(pairs, {p: tags[p] for name in pairs for p in pairs[name]})


def _is_known(pair: Pair, words: set[str], signs: set[str]) -> bool:
    return words.issuperset(tokens(pair.english)) and signs.issuperset(pair.japanese)


def _sentences(seed: int) -> Iterator[tuple[Pair, set[str]]]:
    dice = Dice(seed)
    while True:
        english, japanese, marks = drawn(dice)
        yield Pair(english, japanese), marks
