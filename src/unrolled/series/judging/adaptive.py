"""Conformal quantiles over time: of the scores known when a forecast was made, at a level that follows what happened.

Dimensions: windows, horizon; every step ahead goes by itself. A score of step h is known h steps after its forecast
was made, and reaches nothing before: neither the quantiles nor the level.

Source: Gibbs & Candès 2021, "Adaptive conformal inference under distribution shift", equation 2 and proposition 4.1.
"""

import math
from bisect import bisect_left, insort
from collections import deque
from itertools import pairwise

import numpy as np
from jaxtyping import Float, Int

GAMMA = 0.005  # what Gibbs & Candès take for all their data


def adaptive_quantile(
    scores: Float[np.ndarray, "windows horizon"],
    times: Int[np.ndarray, " windows"],
    level: float,
    latest: int | None = None,
    gamma: float = GAMMA,
) -> Float[np.ndarray, "windows horizon"]:
    """By how much to widen each window's band: a quantile of the scores known before, at a level of its own::

        α₁ = 1 - level      α_{t+1} = α_t + γ (1 - level - err_t)      never below 0 or above 1

    err_t is the share of the windows of one time, of all series, that missed: whose score was above what they were
    widened by. It moves α as soon as it is known. Of the ``latest`` n scores (all by default) the
    ⌈(n + 1) (1 - α)⌉-th smallest is taken: the largest where α is so low that none of n is enough, the smallest where
    it is 1, so that every widening is a score that was seen. It is infinite only where fewer scores are known than
    ``level`` itself needs; such windows don't move α.

    While α lies between those ends, the share missed goes to 1 - level whatever happens, up to (1 + γ) / (γ t) over t
    times, one step ahead. Far ahead an error is known so late that α would swing to and fro: at step h, γ is at most
    1 / (e h), for which α' = -γ α(t - h) still settles without crossing 0.

    ``times`` is when each window's first step ahead is; windows come in any order. One whose actual values are unknown
    (its scores NaN) is given what is known at its time, and teaches nothing.

    >>> scores = np.array([[1.0], [2.0], [3.0], [0.5]])
    >>> adaptive_quantile(scores, np.arange(4), level=0.5, gamma=0).T
    array([[inf,  1.,  2.,  2.]])
    >>> adaptive_quantile(scores, np.arange(4), level=0.5, gamma=0.3).T  # two were missed, and α is 0.2
    array([[inf,  1.,  2.,  3.]])
    """
    order = np.argsort(times, kind="stable")
    clock, starts = np.unique(times[order], return_index=True)
    result = np.empty(scores.shape)
    for h in range(scores.shape[1]):
        column = scores[order, h]
        observed = ~np.isnan(column)
        at = np.concatenate([[0], np.cumsum(observed)])[[*starts, len(column)]].tolist()
        values = column[observed].tolist()
        seen = [values[a:b] for a, b in pairwise(at)]
        known = np.searchsorted(clock, clock - h - 1, side="right").tolist()
        found = _online(seen, known, level, latest, min(gamma, 1 / (math.e * (h + 1))))
        result[order, h] = np.repeat(found, np.diff([*starts, len(column)]))
    return result


def _online(seen: list[list[float]], known: list[int], level: float, latest: int | None, gamma: float) -> list[float]:
    """The widening at each time, by the scores of the first ``known`` times; ``seen`` are those of each."""
    least = math.ceil(level / (1 - level) - 1e-9)
    recent: deque[float] = deque()
    ranked: list[float] = []
    found: list[float] = []
    alpha, done = 1 - level, 0
    for until in known:
        for t in range(done, until):
            scores, widened = seen[t], found[t]
            if scores and widened < math.inf:
                missed = sum([score > widened for score in scores]) / len(scores)
                alpha = min(max(alpha + gamma * (1 - level - missed), 0), 1)
            for score in scores:
                recent.append(score)
                insort(ranked, score)
                if latest is not None and len(recent) > latest:
                    del ranked[bisect_left(ranked, recent.popleft())]
        done = max(done, until)
        n = len(ranked)
        k = math.ceil((n + 1) * (1 - alpha) - 1e-9)  # less a hair: (9 + 1) · 0.9 must not become 10
        found.append(ranked[min(max(k, 1), n) - 1] if n >= least else math.inf)
    return found
