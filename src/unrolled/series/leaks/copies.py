"""A column that says today what the target will be tomorrow: no change of the future shows what stands in the table."""

from collections.abc import Sequence

import numpy as np

from unrolled.series.panels.panel import Panel
from unrolled.series.windows.split import Split
from unrolled.series.words import counted, shown

MOST_STEPS = 24
_PAIRS, _FEWEST = 4096, 30
_PERFECT = 1 - 1e-9  # a squared correlation: a copy, in whatever unit


def copied_ahead(target: Sequence[np.ndarray], column: Sequence[np.ndarray], most: int = MOST_STEPS) -> int | None:
    """How many steps ahead of itself a column holds the target: the first k ≤ ``most`` with x_t = a + b y_{t+k}.

    Both are the values of each series in order of time, NaN where missing. A column that is just as well a function of
    the target's present or past, as all are of a straight line or of a season that repeats itself, tells nothing new.

    >>> y = np.random.default_rng(0).normal(size=100)
    >>> copied_ahead([y[:-2]], [2 * y[2:] + 1]), copied_ahead([y[:-2]], [y[:-2]])
    (2, None)
    """
    for k in range(1, most + 1):
        if _perfect(target, column, k):
            known = any(_perfect(target, column, -lag) for lag in range(2 * most + 1))
            return None if known else k
    return None


def _perfect(target: Sequence[np.ndarray], column: Sequence[np.ndarray], ahead: int) -> bool:
    pairs, count = [], 0
    for y, x in zip(target, column, strict=True):
        if len(y) > abs(ahead) and count < _PAIRS:
            own = (y[ahead:], x[: len(x) - ahead]) if ahead >= 0 else (y[:ahead], x[-ahead:])
            own = np.stack([part[-_PAIRS:] for part in own])
            own = own[:, ~np.isnan(own).any(axis=0)]
            pairs.append(own - own.mean(axis=1, keepdims=True) if own.size else own)
            count += own.shape[1]
    if count < _FEWEST:
        return False
    y, x = np.concatenate(pairs, axis=1)
    if len({*y[:50].tolist(), *y[-50:].tolist()}) < 4:  # of two or three values, many columns are functions
        return False
    yy, xx, xy = (float(a @ b) for a, b in ((y, y), (x, x), (x, y)))
    return min(yy, xx) > 0 and xy * xy > _PERFECT * yy * xx


def copies_in(panel: Panel, cuts: Split, horizon: int) -> list[tuple[str, int, str]]:
    """The past covariates that hold a target of a later step, in the training part: covariate, steps, target."""
    found = []
    until = np.clip(cuts.train - panel.starts, 0, np.diff(panel.offsets)) + panel.offsets[:-1]
    spans = list(zip(panel.offsets[:-1].tolist(), until.tolist(), strict=True))[:50]
    for channel, name in enumerate(panel.past, len(panel.targets)):
        for place, target in enumerate(panel.targets):
            y, x = ([panel.values[a:b, c] for a, b in spans] for c in (place, channel))
            ahead = copied_ahead(y, x, min(horizon, MOST_STEPS))
            if ahead is not None:
                found.append((name, ahead, target))
    return found


def copy_notes(panel: Panel, cuts: Split, horizon: int) -> tuple[str, ...]:
    """What is said of such columns in a report."""
    return tuple(
        f"Column {shown(name)} holds the {shown(target)} of {counted(ahead, 'row')} later: leave it out, unless that "
        "is really known by then."
        for name, ahead, target in copies_in(panel, cuts, horizon)
    )
