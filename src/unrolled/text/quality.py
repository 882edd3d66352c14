"""Beyond one figure: two systems compared, quality by length of the sentence, and the worst sentences."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from unrolled.errors import DataError
from unrolled.text.scoring import FORMULAS, RESAMPLES, Measured, Score
from unrolled.text.statistics import resampled

EDGES = (5, 10, 15, 20, 30, 40, 60)  # the last length of each bin; one more is for all beyond
ALPHA = 0.05


@dataclass(frozen=True)
class Difference:
    """One metric of two systems on the same sentences: ``value`` is the first's less the second's.

    ``low`` and ``high``: the 95% interval of the paired bootstrap. ``p_value``: see ``compare``.
    """

    metric: str
    first: float
    second: float
    value: float
    low: float
    high: float
    p_value: float
    n: int

    @property
    def significant(self) -> bool:
        """Whether the interval excludes zero."""
        return self.low > 0 or self.high < 0

    def sentence(self, names: tuple[str, str] = ("the first", "the second")) -> str:
        """Who is better, and whether that could be chance."""
        about = f"{self.value:+.1f} {self.metric}, 95%: {self.low:+.1f} to {self.high:+.1f}, n = {self.n:,}"
        if not self.significant:
            return f"The difference between {names[0]} and {names[1]} may well be chance ({about})."
        return (
            f"{names[0]} is {'better' if self.value > 0 else 'worse'} than {names[1]}, by more than chance ({about})."
        )


@dataclass(frozen=True)
class Bin:
    """The sentences whose references have ``low`` to ``high`` tokens (None: no end), how many, and their scores."""

    low: int
    high: int | None
    count: int
    scores: list[Score]


@dataclass(frozen=True)
class Worst:
    """A sentence that was translated badly: its place, from 0, its chrF, and both texts."""

    place: int
    score: float
    hypothesis: str
    reference: str


def compare(first: Measured, second: Measured, seed: int = 0) -> list[Difference]:
    """The paired bootstrap: both systems are scored on the same 1,000 resamples of the sentences.

    With d the difference on all sentences, and d* that on a resample, the interval is that of the middle 95% of d*,
    and, as sacrebleu has it::

        p = (1 + #{ |d*| - mean |d*|  >  |d| }) / (1 + 1000)

    which for a clear difference is one-sided.

    >>> from unrolled.text.scoring import measure
    >>> references = [f"it is {i} o 'clock now" for i in range(50)]
    >>> good, bad = measure(references, references), measure(["it is o 'clock"] * 50, references)
    >>> compare(good, bad)[1].sentence(("good", "bad"))
    'good is better than bad, by more than chance (+52.7 chrF, 95%: +52.3 to +53.0, n = 50).'

    Raises DataError where the references of the two differ.

    Source: Koehn 2004, "Statistical significance tests for machine translation evaluation", section 4.
    """
    if first.references != second.references or first.signatures != second.signatures:
        raise DataError(
            "two systems can be compared on the same references and by the same metric alone; score both on one file"
        )
    found = []
    for metric, formula in FORMULAS.items():
        a, b = first.counts[metric], second.counts[metric]
        both = resampled(np.hstack([a, b]), RESAMPLES, seed)
        d = float(formula(a.sum(0)) - formula(b.sum(0)))
        drawn = formula(both[:, : a.shape[1]]) - formula(both[:, a.shape[1] :])
        low, high = np.quantile(drawn, [0.025, 0.975])
        beyond = int((np.abs(drawn) - np.abs(drawn).mean() > abs(d)).sum())
        scores = float(formula(a.sum(0))), float(formula(b.sum(0)))
        p = (1 + beyond) / (1 + RESAMPLES)
        found.append(Difference(metric, *scores, d, float(low), float(high), p, len(a)))
    return found


def by_length(
    measured: Measured, lengths: np.ndarray | None = None, edges: Sequence[int] = EDGES, seed: int = 0
) -> list[Bin]:
    """Scores of sentences of like length, those of the references in BLEU's tokens unless others are given.

    Bins without a sentence are left out. An interval of few sentences is wide: see ``count``.
    """
    lengths = measured.lengths() if lengths is None else np.asarray(lengths)
    place = np.searchsorted(edges, lengths)
    bins = []
    for k in np.unique(place).tolist():
        which = np.flatnonzero(place == k)
        scores = [measured.score(metric, which, seed) for metric in FORMULAS]
        bins.append(Bin(edges[k - 1] + 1 if k else 0, edges[k] if k < len(edges) else None, len(which), scores))
    return bins


def worst(measured: Measured, most: int = 10) -> list[Worst]:
    """The sentences with the lowest chrF, the worst first."""
    scores = measured.by_sentence("chrF")
    order = np.argsort(scores, kind="stable")[:most].tolist()
    return [Worst(i, float(scores[i]), measured.hypotheses[i], measured.references[i]) for i in order]
