"""Where two files that should be aligned stop being so, seen from the lengths of their lines alone."""

import numpy as np

CLEAR = 6.0  # standard errors by which the lines must fit each other better than strangers do


def drift(source: np.ndarray, target: np.ndarray) -> int | None:
    """The line, counted from 0, from which the two go together only if the longer file is moved up; None where the
    lengths can't tell.

    The files are taken to have one block of lines too many, d of them, at line k of the longer one. With s_i = |log
    a_i - log b_i - median|, how badly two lines fit, the k is taken that makes::

        Σ s(a_i, b_i) over i < k  +  Σ s(a_{i+d}, b_i) over i ≥ k

    smallest: with independent errors of the Laplace kind, the most likely one. It is told only where lines paired so
    fit each other clearly better than the same lines moved by some more.

    >>> rng = np.random.default_rng(0)
    >>> a = rng.integers(10, 100, 1000)
    >>> b = np.delete(2 * a + rng.integers(0, 9, 1000), 400)  # line 401 is missing
    >>> abs(drift(a, b) - 400) < 5
    True
    """
    if len(source) < len(target):
        source, target = target, source
    longer, shorter, n, d = np.log(source + 1.0), np.log(target + 1.0), len(target), len(source) - len(target)
    if n < 20:
        return None
    typical = float(np.median(source)) / max(float(np.median(target)), 1.0)
    longer = longer - np.log(typical)
    before, after = np.abs(longer[:n] - shorter), np.abs(longer[d:] - shorter)
    cost = np.concatenate([[0.0], np.cumsum(before)]) + np.concatenate([np.cumsum(after[::-1])[::-1], [0.0]])
    k = int(cost.argmin())
    chosen = np.concatenate([before[:k], after[k:]])
    strangers = np.abs(np.roll(longer[:n], 7) - shorter)
    gain = strangers - chosen
    error = float(gain.std()) / np.sqrt(n)
    return k if error > 0 and float(gain.mean()) > CLEAR * error else None
