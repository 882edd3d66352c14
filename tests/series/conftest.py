"""Panels made by hand, so that a test says what lies where."""

import math
from collections.abc import Callable, Iterable, Sequence
from datetime import date

import numpy as np
import polars as pl
import pytest

from unrolled.series.panels.panel import Panel
from unrolled.series.reading.frequency import Frequency


def _panel(rows: Sequence[np.ndarray], /, starts: Sequence[int] = (0,), fill: str = "none", **about) -> Panel:
    columns = [own[:, None] if own.ndim == 1 else own for own in map(np.asarray, rows)]  # each (rows, channel)
    several = len(columns) > 1
    parts = {
        "targets": ("y",),
        "time": "t",
        "series": "s" if several else None,
        "past": tuple(f"x{i}" for i in range(1, columns[0].shape[1])),
        "frequency": Frequency.parse("1d"),
        "origin": date(2020, 1, 1),
        "names": tuple("abcdefghij"[: len(columns)]) if several else ("",),
        "offsets": np.concatenate([[0], np.cumsum([len(own) for own in columns])]).astype(np.int64),
        "starts": np.asarray(starts, np.int64),
        "values": np.ascontiguousarray(np.concatenate(columns), dtype=np.float64),
        "fill": fill,
        "dtype": pl.Date(),
    }
    return Panel(**parts | about)


@pytest.fixture(scope="session")
def panel_of() -> Callable[..., Panel]:
    """A panel of daily series from 1 January 2020: ``panel_of([own], starts=[…])``, each (rows,) or (rows, channel)."""
    return _panel


@pytest.fixture(scope="session")
def adapted() -> Callable[..., dict[int, float]]:
    """Adaptive conformal inference as the paper has it, for one step ahead: ``adapted(scores, times, step, level)``."""
    return _adapted


def _adapted(
    scores: Sequence[float],
    times: Iterable[int],
    step: int,  # from 0
    level: float,
    latest: int | None = None,
    gamma: float = 0.005,
    also: Sequence[int] = (),
) -> dict[int, float]:
    """By how much to widen at each time (and ``also`` at others), all over again from what was known by then."""
    times, widened = list(times), {}
    for now in sorted({*times, *also}):
        known = sorted((t, i) for i, t in enumerate(times) if t + step + 1 <= now and not math.isnan(scores[i]))
        alpha = 1 - level
        for time in sorted({t for t, _ in known}):
            missed = [scores[i] > widened[time] for t, i in known if t == time]
            if widened[time] != math.inf:
                alpha += min(gamma, 1 / (math.e * (step + 1))) * (1 - level - sum(missed) / len(missed))
                alpha = 0 if alpha < 0 else 1 if alpha > 1 else alpha
        ranked = sorted(scores[i] for _, i in (known if latest is None else known[-latest:]))
        n = len(ranked)
        k = math.ceil((n + 1) * (1 - alpha) - 1e-9)
        enough = n >= math.ceil(level / (1 - level) - 1e-9)
        widened[now] = math.inf if not enough else ranked[0] if k < 1 else ranked[-1] if k > n else ranked[k - 1]
    return widened
