"""What is known ahead: the values of future covariates, and the calendar, in the steps after each series' last row."""

from typing import TYPE_CHECKING

import numpy as np

from unrolled.errors import DataError
from unrolled.series.panels.calendar import calendar_at
from unrolled.series.words import counted, refuse, shown

if TYPE_CHECKING:
    from unrolled.series.panels.panel import Panel


def known_ahead(panel: "Panel", horizon: int) -> np.ndarray:
    """What is known of the ``horizon`` steps after the last row of each series, float64 (series, horizon, known).

    Future covariates are NaN where the table doesn't say; the calendar is known for any step. Raises `SettingsError`
    past the year 9999.
    """
    ahead = np.full((len(panel.names), horizon, len(panel.known)), np.nan)
    if not panel.known:
        return ahead
    told, steps = panel.later.shape[1], np.arange(horizon)
    there = steps < np.diff(panel.later_offsets)[:, None]
    ahead[there, :told] = panel.later[(panel.later_offsets[:-1, None] + steps)[there]]
    if panel.inputs.calendar:
        after = (panel.starts + np.diff(panel.offsets))[:, None] + steps
        ahead[:, :, told:] = calendar_at(panel.frequency, panel.origin, after)
    return ahead


def check_ahead(panel: "Panel", horizon: int) -> None:
    """Refuse a panel in which a future covariate is missing in the ``horizon`` steps after some series' last row."""
    gone = np.isnan(known_ahead(panel, horizon))
    if gone.any():
        raise _missing(panel, gone)


def _missing(panel: "Panel", gone: np.ndarray) -> DataError:
    channel = int(gone.any(axis=(0, 1)).argmax())
    column = next(name for name in panel.inputs.future if panel.known[channel] in panel.inputs.channels_of([name]))
    short = gone[:, :, channel].any(axis=1)
    i = int(short.argmax())
    own = gone[i, :, channel]
    horizon, step = len(own), int(own.argmax())
    stamps = panel.stamps(i, int(panel.offsets[i + 1] - panel.offsets[i]), horizon)
    others = int(short.sum()) - 1
    series = f" in series {shown(panel.names[i])}" if panel.series else ""
    series += f" and {counted(others, 'more series')}" if others else ""
    if panel.time is None:
        when, until = f"row {stamps[step] + 1:,}", f"row {stamps[-1] + 1:,}"
    else:
        when, until = str(stamps[step]), str(stamps[-1])
    since = f"from {when} on" if own[step:].all() else f"at {when}"
    return refuse(
        f"column {shown(column)} is to be known ahead and is missing {since}{series}, and a forecast of "
        f"{counted(horizon, 'step')} reads it up to {until}; give rows up to {until} with it filled in"
    )
