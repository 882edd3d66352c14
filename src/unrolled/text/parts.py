"""Train, dev and test: parts of one corpus that share no sentence, or given ones whose overlap is counted.

A sentence that stands in train and in test, even once with another translation, is scored by memory.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from unrolled.series.words import counted, refuse
from unrolled.text.corpus import Corpus
from unrolled.text.fingerprints import bare, fingerprints

SHARE, MOST = 0.02, 1000  # of the pairs, for dev and for test


@dataclass(frozen=True)
class Overlap:
    """How many of a part's sentences stand in train too: their sources, and the pairs as a whole.

    ``unseen`` says of each pair of the part whether its source is new.
    """

    sources: int
    pairs: int
    unseen: np.ndarray


@dataclass(frozen=True)
class Parts:
    """The three parts, and what there is to say of them."""

    train: Corpus
    dev: Corpus
    test: Corpus
    notes: list[str] = field(default_factory=list)


def split(corpus: Corpus, seed: int = 0, dev: Corpus | None = None, test: Corpus | None = None) -> Parts:
    """Split off what is not given: 2% of the pairs for dev and for test each, at least 1 and at most 1,000.

    Pairs are moved in groups that share a source or a target, directly or by way of others, whatever the case and
    spaces of their letters; groups are drawn by the seed. A group larger than what a part still lacks stays in train.

    >>> corpus = Corpus([f"sentence {i}" for i in range(300)], [f"文 {i}" for i in range(300)], name="made")
    >>> parts = split(corpus, seed=1)
    >>> len(parts.train), len(parts.dev), len(parts.test)
    (288, 6, 6)

    Raises DataError where the corpus has too few sentences of its own to split off what is asked.
    """
    size = max(1, min(MOST, round(SHARE * len(corpus))))
    parts = {"dev": dev, "test": test}
    missing = [name for name, given in parts.items() if given is None]
    notes, rest, cut = [], corpus, {}
    if missing:
        drawn = _draw(_groups(corpus), [size] * len(missing), seed)
        if not all(len(part) for part in drawn):
            raise refuse(
                f"the {corpus.name} has {counted(len(corpus), 'pair')}, too few that share no sentence with others to "
                f"split off {' and '.join(missing)}; give more pairs"
            )
        cut = {name: corpus.take(which, name) for name, which in zip(missing, drawn[:-1], strict=True)}
        rest = corpus.take(drawn[-1])
        said = " and ".join(f"{len(part):,} for {name}" for name, part in cut.items())
        notes.append(f"Split off {said}, by seed {seed}; no sentence of theirs is in train, which has {len(rest):,}.")
    for name, given in parts.items():
        if given is not None and (shared := overlap(given, rest)).sources:
            notes.append(
                f"Warning: {shared.sources:,} of the {len(given):,} sources of {name} also stand in train, "
                f"{shared.pairs or 'none'} of them with the same target; its score is that much too good."
            )
    dev, test = (cut[name] if given is None else given for name, given in parts.items())
    return Parts(rest, dev, test, notes)


def overlap(part: Corpus, train: Corpus) -> Overlap:
    """Which sentences of a part stand in train too, whatever their case and spaces.

    >>> train = Corpus(["good night .", "hello ."], ["お休み 。", "やあ 。"], name="train")
    >>> overlap(Corpus(["Hello.", "thanks ."], ["どうも 。", "有難う 。"], name="dev"), train)
    Overlap(sources=1, pairs=0, unseen=array([False,  True]))
    """
    seen = np.isin(_prints(part.sources()), _prints(train.sources()))
    both = np.isin(_both(part), _both(train))
    return Overlap(int(seen.sum()), int(both.sum()), ~seen)


def _prints(texts: Iterable[str]) -> np.ndarray:
    return fingerprints(bare(text) for text in texts)


def _both(pairs: Corpus) -> np.ndarray:
    return fingerprints("\n".join(map(bare, pair)) for pair in pairs)


def _groups(corpus: Corpus) -> np.ndarray:
    """The number of the group that each pair belongs to: components of the graph of sources and targets."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    left, a = np.unique(_prints(corpus.sources()), return_inverse=True)
    right, b = np.unique(_prints(corpus.targets()), return_inverse=True)
    nodes = len(left) + len(right)
    edges = coo_array((np.ones(len(a), bool), (a, b + len(left))), shape=(nodes, nodes))
    return connected_components(edges, directed=False)[1][a]


def _draw(groups: np.ndarray, sizes: list[int], seed: int) -> list[np.ndarray]:
    """The pairs of each part, filled one after the other by whole groups in random order, and the rest."""
    count = np.bincount(groups)
    part = np.full(len(count), len(sizes))
    order = iter(np.random.default_rng(seed).permutation(len(count)).tolist())
    for place, size in enumerate(sizes):
        room = size
        while room and (group := next(order, None)) is not None:
            if count[group] <= room:
                part[group], room = place, room - int(count[group])
    return [np.flatnonzero(part[groups] == place) for place in range(len(sizes) + 1)]
