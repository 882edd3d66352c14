"""Panels made by hand, so that a test says what lies where."""

from collections.abc import Callable, Sequence
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
