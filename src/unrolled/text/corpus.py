"""Aligned sentences: two text files, one sentence a line, or one file with a tab between source and target.

The text stays on the disk and is streamed; memory holds where lines begin, 8 bytes a line and file.
"""

import os
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from unrolled.errors import DataError
from unrolled.series.words import counted, refuse
from unrolled.text.columns import two_columns
from unrolled.text.drift import drift
from unrolled.text.lines import TextFile


def normal(text: str) -> str:
    """A sentence as every part of the package reads it: Unicode's NFC, without whitespace at its ends.

    >>> normal(" cafe\\u0301 ") == "caf\\u00e9"
    True
    """
    return unicodedata.normalize("NFC", text).strip()


class Corpus:
    """Pairs of sentences, source and target, each read when it is asked for.

    >>> corpus = Corpus(["hello .", "good night ."], ["やあ 。", "お休み 。"], name="phrases")
    >>> len(corpus), corpus[1]
    (2, ('good night .', 'お休み 。'))
    >>> list(corpus.take([1]).sources())
    ['good night .']

    Raises DataError where the two are not equally long, or there is none.
    """

    def __init__(
        self,
        source: Sequence[str],
        target: Sequence[str],
        *,
        name: str = "corpus",
        index: np.ndarray | None = None,
        notes: Sequence[str] = (),
    ):
        if len(source) != len(target):
            raise _unequal(name, source, target)
        if not len(source):
            raise refuse(f"the {name} has no sentences; give at least one pair")
        self.source, self.target, self.name, self.notes = source, target, name, list(notes)
        self.index = np.arange(len(source)) if index is None else index  # (pairs,), which lines of the two

    @classmethod
    def open(cls, source: str | Path, target: str | Path | None = None, *, name: str = "corpus") -> "Corpus":
        """Index two aligned files, or one with tabs; every byte is checked now, so that nothing fails later.

        Raises DataError of one line for a file that can't be used (see ``TextFile`` and ``two_columns``), and for two
        of different length, with both counts, and where they drift apart if that can be seen.
        """
        if target is None:
            first, second, notes = two_columns(TextFile(source))
            return cls(first, second, name=name, notes=notes)
        pair = TextFile(source), TextFile(target)
        if os.path.samefile(pair[0].path, pair[1].path):
            raise refuse(f"{pair[0].name} is given as source and as target; give the file of each language")
        return cls(*pair, name=name)

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, i: int) -> tuple[str, str]:
        source, target = self.raw(i)
        return normal(source), normal(target)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return (self[i] for i in range(len(self)))

    def raw(self, i: int) -> tuple[str, str]:
        """A pair as it stands in the files."""
        line = int(self.index[i])
        return self.source[line], self.target[line]

    def line(self, i: int) -> int:
        """The number of the line, from 1, that pair i stands on."""
        return int(self.index[i]) + 1

    def pairs(self, indices: Iterable[int]) -> list[tuple[str, str]]:
        """The pairs at ``indices``, in this order."""
        return [self[i] for i in indices]

    def sources(self) -> Iterator[str]:
        """The source side, streamed."""
        return (normal(self.source[line]) for line in self.index.tolist())

    def targets(self) -> Iterator[str]:
        """The target side, streamed."""
        return (normal(self.target[line]) for line in self.index.tolist())

    def sample(self, most: int) -> "Corpus":
        """At most so many of the pairs, evenly spaced over the corpus."""
        return self.take(np.linspace(0, len(self) - 1, min(most, len(self))).round().astype(int))

    def take(self, indices: Sequence[int] | np.ndarray, name: str | None = None) -> "Corpus":
        """The corpus of some of the pairs; the text is shared with this one."""
        return Corpus(self.source, self.target, name=name or self.name, index=self.index[np.asarray(indices, int)])


def _unequal(name: str, source: Sequence[str], target: Sequence[str]) -> DataError:
    """The error for two sides of different length, with what the lengths of the lines tell."""
    counts = len(source), len(target)
    if not (isinstance(source, TextFile) and isinstance(target, TextFile)):
        return refuse(f"the {name} has {counts[0]:,} sources and {counts[1]:,} targets; give one target a source")
    longer, shorter = (source, target) if counts[0] > counts[1] else (target, source)
    extra = len(longer) - len(shorter)
    came = f"{source.name} has {counted(counts[0], 'line')} and {target.name} {counts[1]:,}"
    if not any(longer[i].strip() for i in range(len(shorter), len(longer))):
        return refuse(f"{came}: the last {counted(extra, 'line')} of {longer.name} are blank; take them off")
    at = drift(source.sizes(), target.sizes())
    if at is None:
        hint = "line i of one must translate line i of the other"
    elif at == len(shorter):
        hint = f"they go together as far as {shorter.name} goes, so it seems cut off"
    else:
        hint = f"they drift apart near line {at + 1:,}, where {longer.name} seems to have {counted(extra, 'line')} more"
    return refuse(f"{came}; {hint}; mend the files so that each line stands beside its translation")
