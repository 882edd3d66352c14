"""Translations against references: BLEU and chrF as sacrebleu computes them, and how sure the figures are."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

from unrolled.errors import DataError, SettingsError, nearest
from unrolled.series.words import counted
from unrolled.text.scripts import writing
from unrolled.text.statistics import bleu, chrf, resampled

RESAMPLES = 1000
FORMULAS = {"BLEU": bleu, "chrF": chrf}
TOKENIZERS = ("13a", "none", "char", "zh", "ja-mecab", "intl")


@dataclass(frozen=True)
class Score:
    """One figure, 0 to 100, with the 95% interval of the bootstrap and sacrebleu's signature."""

    metric: str
    value: float
    low: float
    high: float
    signature: str

    @property
    def sentence(self) -> str:
        """The figure as it is quoted: "BLEU 28.3 (95%: 26.1 to 30.6) nrefs:1|…"."""
        return f"{self.metric} {self.value:.1f} (95%: {self.low:.1f} to {self.high:.1f}) {self.signature}"


@dataclass(frozen=True)
class Measured:
    """One system's translations of a test part, as counts: everything else is computed from them.

    ``counts`` holds of each metric (sentences, counts), as ``unrolled.text.statistics`` reads them.
    """

    hypotheses: list[str]
    references: list[str]
    counts: dict[str, np.ndarray]
    signatures: dict[str, str]

    def scores(self, seed: int = 0) -> list[Score]:
        """BLEU and chrF over all sentences, with intervals from 1,000 resamples of the sentences."""
        return [self.score(metric, np.arange(len(self.hypotheses)), seed) for metric in FORMULAS]

    def by_sentence(self, metric: str = "chrF") -> np.ndarray:
        """The score of each sentence: (sentences,). BLEU says little of one sentence, chrF more."""
        return FORMULAS[metric](self.counts[metric])

    def value(self, metric: str = "BLEU") -> float:
        """One figure over all sentences, without its interval."""
        return float(FORMULAS[metric](self.counts[metric].sum(0)))

    def lengths(self) -> np.ndarray:
        """The length of each reference, in BLEU's tokens: int (sentences,)."""
        return self.counts["BLEU"][:, 1].astype(int)

    def score(self, metric: str, which: np.ndarray, seed: int) -> Score:
        counts, formula = self.counts[metric][which], FORMULAS[metric]
        low, high = np.quantile(formula(resampled(counts, RESAMPLES, seed)), [0.025, 0.975])
        return Score(metric, float(formula(counts.sum(0))), float(low), float(high), self.signatures[metric])


def measure(hypotheses: Sequence[str], references: Sequence[str], tokenize: str = "13a") -> Measured:
    """Count what translations share with their references, one reference each.

    ``tokenize`` is BLEU's tokenizer; ``bleu_tokenizer`` chooses one. chrF needs none.

    >>> measured = measure(["the cat sat on the mat"], ["the cat sat on a mat"])
    >>> [(score.metric, round(score.value, 2)) for score in measured.scores()]
    [('BLEU', 53.73), ('chrF', 72.08)]

    Raises DataError where there are not as many of both, or none; SettingsError for a tokenizer that there isn't, or
    that needs the extra ``unrolled[ja]``.

    Source: Post 2018, "A call for clarity in reporting BLEU scores".
    """
    if len(hypotheses) != len(references) or not len(hypotheses):
        raise DataError(
            f"a score needs a reference for each translation, got {counted(len(hypotheses), 'translation')} and "
            f"{counted(len(references), 'reference')}; give files of equally many lines"
        )
    if tokenize not in TOKENIZERS:
        raise SettingsError(f"BLEU has no tokenizer {tokenize!r:.40}{nearest(str(tokenize)[:40], TOKENIZERS)}")
    if tokenize == "ja-mecab" and not _mecab():
        raise SettingsError("the tokenizer ja-mecab needs MeCab: pip install 'unrolled[ja]', or take char")
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    # Forced, since it would warn on stderr of text that is split already, which is chosen here and not forgotten.
    metrics: dict[str, Any] = {"BLEU": BLEU(tokenize=tokenize, force=True), "chrF": CHRF()}
    counts, signatures = {}, {}
    for name, metric in metrics.items():
        # Private, but the only way to a sentence's counts of chrF; tests hold the sums against the public scores.
        counts[name] = np.array(metric._extract_corpus_statistics(list(hypotheses), [list(references)]), float)
        signatures[name] = metric.get_signature().format()
    return Measured(list(hypotheses), list(references), counts, signatures)


def bleu_tokenizer(references: Sequence[str]) -> tuple[str, str]:
    """BLEU's tokenizer for a target language, and why.

    >>> bleu_tokenizer(["good night , tom .", "hello ."])
    ('none', 'the references are split into words already')
    >>> bleu_tokenizer(["Good night, Tom.", "Hello."])[0], bleu_tokenizer(["你好。", "我很好。"])[0]
    ('13a', 'zh')
    """
    written = writing(references[:: max(1, len(references) // 1000)])
    if written.split:
        return "none", "the references are split into words already"
    if written.words:
        return "13a", "words are separated by spaces"
    if written.script == "chinese":
        return "zh", "the references are Chinese"
    if written.script == "japanese" and _mecab():
        return "ja-mecab", "the references are Japanese"
    if written.script == "japanese":
        return "char", "the references are Japanese, and words need MeCab (pip install 'unrolled[ja]'): by character"
    return "char", "no spaces stand between words: by character"


def _mecab() -> bool:
    return find_spec("MeCab") is not None and find_spec("ipadic") is not None
