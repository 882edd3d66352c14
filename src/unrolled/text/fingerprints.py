"""Sentences as 64-bit numbers, so that equal ones are found among millions without holding the text."""

from collections.abc import Iterable
from hashlib import blake2b

import numpy as np


def fingerprint(text: str) -> int:
    """A number of 64 bits, equal for equal texts.

    Two of a million different texts share one with a chance of 3 in 100 million. Python's own ``hash`` is another in
    every process, so what is ordered by it would not be seeded.

    >>> fingerprint("one") == fingerprint("one"), fingerprint("one") == fingerprint("two")
    (True, False)
    """
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def fingerprints(texts: Iterable[str]) -> np.ndarray:
    """One number a text: uint64 (texts,)."""
    return np.fromiter(map(fingerprint, texts), np.uint64)


def bare(text: str) -> str:
    """The text without case and whitespace: what two sentences that are the same to a reader have in common.

    >>> bare("Good  night.") == bare("good night .")
    True
    """
    return "".join(text.casefold().split())
