"""BLEU and chrF from counts that add up over sentences: what a resample needs is one sum and one formula.

Dimensions: sentences; counts, those of one metric; leading dimensions of the formulas are resamples, bins or sentences.
"""

import numpy as np
from jaxtyping import Float

ORDER, BETA, CHARACTERS = 4, 2, 6  # BLEU's longest n-gram of words; chrF's weight of recall and longest of characters
BLEU_COUNTS, CHRF_COUNTS = 2 + 2 * ORDER, 3 * CHARACTERS


def bleu(counts: Float[np.ndarray, "*any counts"]) -> np.ndarray:
    """BLEU, 0 to 100, from the lengths of hypothesis and reference, matches of 1 to 4 words, and n-grams at all::

        BLEU = 100 · min(1, exp(1 - reference / hypothesis)) · (Π p_n)^{1/4},   p_n = matches_n / n-grams_n

    smoothed as sacrebleu does by default: the k-th p_n without a match counts as 2^{-k} matches.

    >>> bleu(np.array([6, 6, 5, 3, 2, 1, 6, 5, 4, 3.0])).round(2)
    np.float64(53.73)

    Source: Papineni et al. 2002, "BLEU", section 2.3; smoothing: Chen & Cherry 2014, "A systematic comparison of
    smoothing techniques for sentence-level BLEU", method 3.
    """
    hypothesis, reference = counts[..., 0], counts[..., 1]
    matches, total = counts[..., 2 : 2 + ORDER], counts[..., 2 + ORDER :]
    halvings = np.cumsum((matches == 0) & (total > 0), axis=-1)
    smoothed = np.where(matches > 0, matches, 0.5**halvings)
    precision = np.divide(smoothed, total, out=np.zeros_like(smoothed), where=total > 0)
    with np.errstate(divide="ignore"):
        mean = np.exp(np.log(precision).mean(axis=-1))
    ratio = np.divide(reference, hypothesis, out=np.full_like(hypothesis, np.inf), where=hypothesis > 0)
    score = 100 * np.exp(np.minimum(0.0, 1 - ratio)) * mean
    return np.where((matches > 0).any(axis=-1), score, 0.0)


def chrf(counts: Float[np.ndarray, "*any counts"]) -> np.ndarray:
    """chrF2, 0 to 100, from the n-grams of 1 to 6 characters of hypothesis and reference, and those in both::

        chrF = 100 · (1 + β²) P R / (β² P + R),   β = 2

    with P and R the means of matches / hypothesis and matches / reference over the n that both are long enough for.

    >>> chrf(np.array([[10, 10, 5] * 6, [10, 20, 10] * 6], float)).round(2)
    array([50.  , 55.56])

    Source: Popović 2015, "chrF: character n-gram F-score for automatic MT evaluation", equation 1.
    """
    triples = counts.reshape(*counts.shape[:-1], CHARACTERS, 3)
    hypothesis, reference, matches = triples[..., 0], triples[..., 1], triples[..., 2]
    both = (hypothesis > 0) & (reference > 0)
    orders = np.maximum(both.sum(axis=-1), 1)
    P, R = (
        np.divide(matches, n, out=np.zeros_like(n), where=both).sum(axis=-1) / orders for n in (hypothesis, reference)
    )
    weighted = BETA**2 * P + R
    return 100 * np.divide((1 + BETA**2) * P * R, weighted, out=np.zeros_like(weighted), where=weighted > 0)


def resampled(counts: Float[np.ndarray, "sentences counts"], resamples: int, seed: int) -> np.ndarray:
    """The sums over ``resamples`` draws of as many sentences with replacement: (resamples, counts)."""
    random, n = np.random.default_rng(seed), len(counts)
    drawn = (np.bincount(random.integers(n, size=n), minlength=n) for _ in range(resamples))
    return np.stack([times @ counts for times in drawn])
