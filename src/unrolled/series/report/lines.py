"""A series of the panel as lines of a chart: its stamps, its values, thinned to what a screen can show."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from unrolled.series.panels.panel import Panel

SHOWN_POINTS = 3000  # of a chart's lines; longer ones are thinned to the lowest and highest value of each stretch


def thinned(lines: Sequence[np.ndarray], most: int = SHOWN_POINTS) -> np.ndarray:
    """Which places to draw of lines that share them: all, or of each stretch where a line is lowest or highest; a
    stretch without values keeps one place, so that a gap stays a gap.

    >>> thinned([np.array([1.0, 5.0, 3.0, 2.0, 9.0, 0.0])], most=4)
    array([0, 1, 4, 5])
    """
    count = len(lines[0])
    if count <= most:
        return np.arange(count)
    keep: set[int] = set()
    for stretch in np.array_split(np.arange(count), max(1, most // (2 * len(lines)))):
        parts = [own for line in lines if not np.isnan(own := line[stretch]).all()]
        keep |= {int(stretch[place(own)]) for own in parts for place in (np.nanargmin, np.nanargmax)}
        keep |= set() if parts else {int(stretch[0])}
    return np.array(sorted(keep))


def stamps(panel: Panel, series: int, first: int, count: int) -> list[Any]:
    """The stamps of rows of a series, counted from its own first row, as the renderer takes them."""
    return written(panel.stamps(series, first, count))


def stamp(panel: Panel, series: int, row: int) -> Any:
    return stamps(panel, series, row, 1)[0]


def written(column: pl.Series) -> list[Any]:
    """Stamps as the renderer takes them: ISO, without a zone, in the table's own clock."""
    if column.dtype.is_integer():
        return column.to_list()
    return column.dt.strftime("%Y-%m-%d" if column.dtype == pl.Date else "%Y-%m-%d %H:%M:%S").to_list()


def said(panel: Panel, series: int, row: int) -> str:
    """A stamp in a sentence."""
    return brief(str(stamp(panel, series, row)))


def brief(stamp: str) -> str:
    """A stamp without its zone, and without seconds where they are zero.

    >>> brief("2024-01-02 00:45:00"), brief("2024-01-02 05:00:00+01:00"), brief("2024-01-02")
    ('2024-01-02 00:45', '2024-01-02 05:00', '2024-01-02')
    """
    local = re.sub(r"(?<=:\d\d)([+-]\d\d:\d\d)$", "", stamp)
    return re.sub(r"(?<=:\d\d):00(\.0+)?$", "", local)
