"""Leave out the pairs that nothing can be learnt from, and say how many went, why, and one of each."""

import unicodedata
from array import array
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from unrolled.errors import DataError
from unrolled.series.words import counted, refuse
from unrolled.text.corpus import Corpus, normal
from unrolled.text.fingerprints import fingerprint
from unrolled.text.scripts import writing

REASONS = {  # in this order: a pair goes for the first that holds
    "empty": "with an empty side",
    "damaged": "with U+FFFD, which stands where an encoding was lost",
    "long": "too long",
    "copied": "whose target is the source",
    "ratio": "whose sides are of too different length",
    "duplicate": "that were there before",
}
SLACK = 10  # characters that two sides may differ by whatever their ratio, since short sentences vary more


@dataclass(frozen=True)
class Limits:
    """What a pair may have: words a side where words stand apart, characters where they don't; and by how many times a
    side may be longer than is usual beside the other."""

    words: int = 100
    characters: int = 250
    ratio: float = 3.0


@dataclass(frozen=True)
class Cleaned:
    """What is left, and what went: of each reason the count, and the line and text of the first."""

    corpus: Corpus
    before: int
    counts: dict[str, int]
    examples: dict[str, tuple[int, str, str]]
    composed: int  # pairs whose text is another in NFC

    @property
    def notes(self) -> list[str]:
        """What was done, in sentences."""
        gone = self.before - len(self.corpus)
        if gone:
            said = [f"{gone:,} of {counted(self.before, 'pair')} were left out."]
        else:
            said = [f"All {counted(self.before, 'pair')} are used."]
        for reason, count in self.counts.items():
            line, source, target = self.examples[reason]
            said.append(f"Left out: {count:,} {REASONS[reason]}, such as line {line:,}: {_cut(source, target)}.")
        if self.composed:
            said.append(f"Brought to Unicode's NFC: {counted(self.composed, 'pair')}.")
        return said


def clean(corpus: Corpus, limits: Limits | None = None) -> Cleaned:
    """Leave out pairs with an empty side, with lost characters, too long, copied, ill-matched or seen before.

    The ratio of two sides is compared with the corpus's own. With a and b their characters without spaces, m the median
    of a / b over the corpus, a pair stays if::

        1 / ratio  ≤  (a + 10) / (m b + 10)  ≤  ratio

    so that it asks nothing of the languages. On 50,000 pairs of English and Japanese that people had made, a ratio of 2
    takes 11, and 3, the default, none.

    >>> cleaned = clean(Corpus(["hello .", "", "hello .", "ok"], ["やあ 。", "はい", "やあ 。", "ok"], name="few"))
    >>> len(cleaned.corpus), cleaned.counts
    (1, {'empty': 1, 'copied': 1, 'duplicate': 1})
    >>> cleaned.notes[-1]
    "Left out: 1 that were there before, such as line 3: 'hello .' | 'やあ 。'."

    Raises DataError where nothing is left.
    """
    limits = limits or Limits()
    sample = corpus.sample(1000)
    limit = [_limit(side, limits) for side in (sample.sources(), sample.targets())]
    reasons, characters, prints, composed = array("b"), (array("i"), array("i")), array("Q"), 0
    names = list(REASONS)
    for i in range(len(corpus)):
        raw = corpus.raw(i)
        composed += not all(unicodedata.is_normalized("NFC", text) for text in raw)
        pair = normal(raw[0]), normal(raw[1])
        reasons.append(names.index(reason) if (reason := _reason(pair, limit)) else -1)
        for text, sizes in zip(pair, characters, strict=True):
            sizes.append(len("".join(text.split())))
        prints.append(fingerprint("\n".join(pair)))
    why, (a, b) = np.array(reasons), (np.array(sizes, float) for sizes in characters)
    fine = why < 0
    if fine.any():
        typical = float(np.median(a[fine] / b[fine]))
        fit = np.log((a + SLACK) / (typical * b + SLACK))
        why[fine & (np.abs(fit) > np.log(limits.ratio))] = names.index("ratio")
    kept = np.flatnonzero(why < 0)
    first = np.unique(np.array(prints)[kept], return_index=True)[1]
    why[np.delete(kept, first)] = names.index("duplicate")
    cleaned = _cleaned(corpus, why, composed)
    if not len(cleaned.corpus.index):
        raise _nothing_left(corpus, cleaned)
    return cleaned


def _limit(side: Iterable[str], limits: Limits) -> tuple[bool, int]:
    """Whether a side is measured in words, and how long it may be."""
    words = writing(side).words
    return words, limits.words if words else limits.characters


def _reason(pair: tuple[str, str], limit: list[tuple[bool, int]]) -> str | None:
    if not all(pair):
        return "empty"
    if any("\ufffd" in text for text in pair):
        return "damaged"
    for text, (words, most) in zip(pair, limit, strict=True):
        # A "word" of a thousand characters is no word: ten a word are the most where words stand apart.
        if len(text) > most * (10 if words else 1) or (words and len(text) > most and len(text.split()) > most):
            return "long"
    return "copied" if pair[0] == pair[1] else None


def _cleaned(corpus: Corpus, why: np.ndarray, composed: int) -> Cleaned:
    counts, examples = {}, {}
    for place, reason in enumerate(REASONS):
        if len(which := np.flatnonzero(why == place)):
            first = int(which[0])
            counts[reason], examples[reason] = len(which), (corpus.line(first), *corpus[first])
    return Cleaned(corpus.take(np.flatnonzero(why < 0)), len(corpus), counts, examples, composed)


def _nothing_left(corpus: Corpus, cleaned: Cleaned) -> DataError:
    went = "; ".join(f"{count:,} {REASONS[reason]}" for reason, count in cleaned.counts.items())
    mend = "give a target in another language" if "copied" in cleaned.counts else "give other sentences"
    return refuse(f"of {counted(len(corpus), 'pair')} of the {corpus.name} none can be used: {went}; {mend}")


def _cut(*texts: str) -> str:
    return " | ".join(repr(text if len(text) <= 60 else text[:59] + "…") for text in texts)
