"""Share splits: prices that halve overnight without anybody having lost anything, and how they are told from a crash.

Dimensions: rows (grid steps of one series, or of all, series by series), channel, series.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from unrolled.series.panels.panel import Panel
from unrolled.series.words import listed, shown

RATIOS = (2.0, 3.0, 1.5, 4.0, 5.0, 7.0, 10.0, 20.0)  # new shares for an old one; and the other way round
NEAR = 0.02  # from a usual ratio, in logarithms: what a split is off by when nothing else happened that day
ALONE = 0.69  # the least step that a price can tell by itself, 2 for 1: falls of a third happen
DOUBTFUL = 0.1  # and how far a jump is worth a word
FAR = 6.0  # spreads of the returns before it that a jump has to measure
HISTORY, LEAST = 250, 20  # returns that a jump is held against: a year of trading days, or at least a month

_USUAL = np.array([*RATIOS, *(1 / ratio for ratio in RATIOS)])
_STEPS = -np.log(_USUAL)  # what a split does to the logarithm of a price


@dataclass(frozen=True)
class Continuous:
    """One series with its splits taken out.

    ``values`` (rows, channel) are counted in shares as they were in the first row; divided by ``unit`` (channel,) they
    are counted in those of the last row. ``splits`` are rows and what the price was multiplied by there; ``doubtful``
    rows, and by what the price changed there, that were left as they are.
    """

    values: np.ndarray
    unit: np.ndarray
    splits: list[tuple[int, float]]
    doubtful: list[tuple[int, float]]


def continuous(values: np.ndarray, targets: int, priced: np.ndarray) -> Continuous:
    """``values`` (rows, channel) of one series without its share splits::

        q_t = p_t R_1 R_2 …        over the splits R_i : 1 (new shares for old ones) at or before t

    A step of a target, r = log p_t - log p_{t-1} between values that follow each other, is a split of R : 1 where

    - it is more than 6 times as large as the returns before it spread (their median size / 0.6745, of at most 250 and
      at least 20, and not 0), and nearer to -log R than to 0, R one of 2, 3, 3/2, 4, 5, 7, 10, 20, or 1 over one of
      these;
    - and what is left of r when the day's own return is taken out lies within 0.02 of -log R. That return is known
      where another channel is adjusted already, such as an adjusted close: one whose returns have equalled the
      target's, up to a tenth of their spread, on most days before. Without such a channel r itself has to lie there,
      and R be 2 or more, or 1/2 or less: a fall of 52% is a crash, and so is one of 47%, while one of 50% can't be
      told from a split.

    The other ``priced`` (channel,) channels are multiplied with the target where they jump with it, as the open price
    does, and the volume does not. Rows before a split stay as they are, to the bit, and each decision reads what came
    before it and nothing after: nothing is told of the future. A step to or from a value that is not above 0 is none.

    >>> price = np.exp(np.random.default_rng(0).normal(size=200).cumsum() / 100)
    >>> found = continuous(np.where(np.arange(200) < 150, price, price / 2)[:, None], 1, np.array([True]))
    >>> found.splits, float(found.unit[0])
    ([(150, 2.0)], 2.0)
    """
    logs = np.full(values.shape, np.nan)
    np.log(values, out=logs, where=(values > 0) & priced)
    splits: dict[int, float] = {}
    doubtful: dict[int, float] = {}
    for target in range(targets):
        there = np.flatnonzero(~np.isnan(logs[:, target]))
        steps = np.diff(logs[there], axis=0)  # of all channels, between the rows where this target has a value
        for k in np.flatnonzero(np.abs(steps[:, target]) > np.abs(_STEPS).min() - DOUBTFUL):
            row, (ratio, sure) = int(there[k + 1]), _ratio(steps, int(k), target)
            if sure:
                splits[row] = ratio
            elif ratio != 1:
                doubtful[row] = 1 / ratio
    if not splits:
        return Continuous(values, np.ones(values.shape[1]), [], sorted(doubtful.items()))
    values, unit = values.copy(), np.ones(values.shape[1])
    for row, ratio in sorted(splits.items()):
        for channel in np.flatnonzero(priced):
            if _moves_along(logs[:, channel], row, ratio):
                values[row:, channel] *= ratio
                unit[channel] *= ratio
    return Continuous(values, unit, sorted(splits.items()), sorted(doubtful.items()))


def _ratio(steps: np.ndarray, k: int, target: int) -> tuple[float, bool]:
    """The ratio of the split that step ``k`` of a target is, or may be, and whether that is sure; 1 for none."""
    before, r = steps[max(0, k - HISTORY) : k], steps[k, target]
    spread = _spread(before[:, target])
    if not spread or abs(r) <= FAR * spread:
        return 1.0, False
    own = []  # what is left of r when the day's own return is taken out, by each channel that tells it
    for channel in range(steps.shape[1]):
        apart = before[:, channel] - before[:, target]
        if channel != target and _spread(apart) <= 0.1 * spread and not np.isnan(steps[k, channel]):
            own.append(r - steps[k, channel])
    for left in own or [r]:
        nearest = int(np.abs(_STEPS - left).argmin())
        step = _STEPS[nearest]
        large = bool(own) or abs(step) >= ALONE
        if large and abs(left - step) < NEAR and abs(r - step) < abs(step) / 2:
            return float(_USUAL[nearest]), True
    near = np.abs(_STEPS - r).min() < DOUBTFUL
    return float(np.exp(-r)) if not own and near else 1.0, False


def _spread(returns: np.ndarray) -> float:
    """How far returns spread, whatever a few of them do; infinite where there are too few to tell."""
    known = np.abs(returns[~np.isnan(returns)])
    return float(np.median(known)) / 0.6745 if len(known) >= LEAST else np.inf


def _moves_along(logs: np.ndarray, row: int, ratio: float) -> bool:
    """Whether a channel jumps at ``row`` as the price does in a split."""
    there = np.flatnonzero(~np.isnan(logs[: row + 1]))
    if len(there) < 2 or there[-1] != row:
        return False
    steps = np.diff(logs[there[-HISTORY - 2 :]])
    far = 0 < FAR * _spread(steps[:-1]) < abs(steps[-1])
    return bool(far and abs(steps[-1] + np.log(ratio)) < abs(np.log(ratio)) / 2)


def priced(panel: Panel) -> np.ndarray:
    """Which channels may be prices, bool (channel,): the targets, and past covariates as they stand in the table, no
    angle and no mask.
    """
    plain = {*panel.targets, *(panel.inputs.past or ())} - set(panel.inputs.angles)
    return np.array([name in plain for name in panel.channels])


def without_splits(panel: Panel) -> Panel:
    """The panel with the splits of each series taken out (:func:`continuous`), which ``units`` and notes tell."""
    values, units = panel.values, np.ones((len(panel.names), len(panel.channels)))
    told: list[str] = []
    doubts: list[str] = []
    for i, (a, b) in enumerate(zip(panel.offsets[:-1], panel.offsets[1:], strict=True)):
        found = continuous(panel.values[a:b], len(panel.targets), priced(panel))
        if found.splits:
            values = values.copy() if values is panel.values else values
            values[a:b], units[i] = found.values, found.unit
        told += [f"{_at(panel, i, row)} {_words(ratio)}" for row, ratio in found.splits]
        doubts += [f"{_at(panel, i, row)} × {change:.3f}" for row, change in found.doubtful]
    notes = list(panel.notes)
    if told:
        moved = [name for name, unit in zip(panel.channels, units.T, strict=True) if (unit != 1).any()]
        notes.append(f"Splits taken out of {listed(moved)}, so that prices are those of today's shares: {_some(told)}.")
    if doubts:
        notes.append(
            f"Jumps that may be splits, and were left as they are: {_some(doubts)}; an adjusted price among the inputs "
            "would tell."
        )
    return replace(panel, values=values, units=units, notes=tuple(notes))


def _at(panel: Panel, series: int, row: int) -> str:
    stamp = str(panel.stamps(series, row, 1)[0]).removesuffix(" 00:00:00")
    return f"{shown(panel.names[series])} {stamp}" if panel.series else stamp


def _words(ratio: float) -> str:
    """2 for 1, 3 for 2, 1 for 10."""
    old = 2 if ratio == 1.5 else 3 if round(ratio * 3) == 2 else 1 if ratio > 1 else round(1 / ratio)
    return f"({round(ratio * old)} for {old})"


def _some(words: Iterable[str], most: int = 12) -> str:
    words = list(words)
    rest = f" and {len(words) - most} more" if len(words) > most else ""
    return ", ".join(words[:most]) + rest
