"""500 damaged corpora: each gives a corpus that can be read, or one line."""

from pathlib import Path

import numpy as np
import pytest

from unrolled.errors import DataError
from unrolled.text.choosing import choose
from unrolled.text.cleaning import clean
from unrolled.text.corpus import Corpus
from unrolled.text.parts import split

SENTENCES = [
    "hello .",
    "",
    "  ",
    "お元気ですか。",
    "👩\u200d👩\u200d👧",
    "e\u0301",
    "שלום",
    "１２３",
    "a\tb",
    "x" * 300,
    "\u2028",
]
SENTENCES += ["\ufffd", "\r"]
BYTES = [b"\0", b"\xff", b"\xe3\x81", b"\n", b"\r\n", b"\r", b"\t", b"\xef\xbb\xbf", b"\xff\xfe", b"\xed\xa0\x80"]


def damaged(random: np.random.Generator, count: int) -> bytes:
    """Lines of text, some with bytes put in, taken out or changed."""
    kinds = random.choice(len(SENTENCES), random.integers(1, 4))
    lines = [SENTENCES[random.choice(kinds)] for _ in range(count)]
    text = str(random.choice(["\n", "\n", "\r\n", "\t\n"])).join(lines)
    data = bytearray(text.encode(random.choice(["utf-8"] * 9 + ["utf-16"])))
    for _ in range(random.choice([0, 0, 0, 1, 5])):
        at = int(random.integers(len(data) + 1))
        data[at : at + int(random.integers(3))] = BYTES[random.integers(len(BYTES))]
    return bytes(data)


@pytest.mark.parametrize("batch", range(10))
def test_damaged_corpora_are_read_or_refused_in_one_line(batch: int, tmp_path: Path):
    read, said = 0, []
    for seed in range(50 * batch, 50 * batch + 50):
        random = np.random.default_rng(seed)
        first, second = tmp_path / f"{seed}.a", tmp_path / f"{seed}.b"
        count = int(random.integers(40))
        first.write_bytes(damaged(random, count))
        second.write_bytes(damaged(random, count if random.random() < 0.9 else 7))
        try:
            corpus = Corpus.open(first, None if random.random() < 0.2 else second, name="train")
            assert len(list(corpus)) == len(corpus)
            choose(corpus)
            read += 1
            split(clean(corpus).corpus)
        except DataError as error:
            said.append(str(error))
    assert not [text for text in said if "\n" in text or len(text) > 1000]
    assert read > 5 < len(said)  # neither all good nor all bad, or the damage says nothing
