"""What is said of missing values and gaps, and when they are refused."""

from collections.abc import Sequence

import numpy as np

from unrolled.series.panels.inputs import Inputs, observed_name
from unrolled.series.words import counted, listed, refuse, shown

_FILLED = {
    "forward": "filled with the last value before",
    "linear": "filled by straight lines where training data lie on both sides, else with the last value before",
    "mask": "filled with the last value before",
    "none": "left missing",
}


def missing_notes(
    values: np.ndarray,
    places: dict[str, slice],
    targets: Sequence[str],
    cells: np.ndarray,
    offsets: np.ndarray,
    fill: str | None,
    inputs: Inputs,
) -> list[str]:
    """Notes on gaps and missing values. Raises `DataError` where there are some and no ``fill`` is given."""
    gaps = len(values) - len(cells)
    counts = {name: int(np.isnan(values[:, place.start]).sum()) - gaps for name, place in places.items()}
    parts = [f"{shown(name)} in {counted(count, 'row')}" for name, count in counts.items() if count]
    of_targets = any(counts[name] for name in targets)
    late = _ended_early(values[:, : len(targets)], offsets)
    notes = [] if fill != "mask" else [_masks(inputs)]
    if not gaps and not parts:
        return notes
    if fill is None:
        found = ["missing values: " + ", ".join(parts)] if parts else []
        found += [f"{counted(gaps, 'time step')} missing between rows"] if gaps else []
        fewer = "" if gaps or of_targets else ", or leave the other columns out with --only-target"
        options = "--fill forward, --fill linear, --fill mask or --fill none"
        if late:
            fewer += (
                f"; or, as {listed(targets)} ends {counted(late, 'row')} early, name what is known ahead by --future"
            )
        raise refuse(f"{'; '.join(found)}; say what stands for them: {options}{fewer}")
    if gaps:
        longest = int(np.diff(np.sort(cells)).max()) - 1
        notes.append(
            f"Gaps: {gaps:,} of {len(values):,} time steps have no row, at most {longest:,} in a row; {_FILLED[fill]}."
        )
    if parts:
        notes.append(f"Missing values: {', '.join(parts)}; {_FILLED[fill]}.")
    if late:
        notes.append(
            f"No value of {listed(targets)} in the last {counted(late, 'row')}: forecasts begin after them. If other "
            "columns are known ahead there, name these by --future, and forecasts begin before."
        )
    if gaps or of_targets:
        which = f"{shown(targets[0])} itself" if len(targets) == 1 else "a target itself"
        notes.append(f"Forecasts are never scored where {which} was missing.")
    return notes


def _ended_early(targets: np.ndarray, offsets: np.ndarray) -> int:
    """After how many rows no target has a value: of the series with the most."""
    seen = np.flatnonzero(~np.isnan(targets).all(axis=1))
    last = np.searchsorted(seen, offsets[1:]) - 1  # of each series' rows or, where it has none, those before
    ends = np.where(last < 0, -1, seen[np.maximum(last, 0)]) if len(seen) else np.full(len(last), -1)
    return int((offsets[1:] - np.maximum(ends + 1, offsets[:-1])).max(initial=0))


def refuse_constant(values: np.ndarray, targets: Sequence[str]) -> None:
    """Refuse a target that is the same in every row; ``values`` has the targets as its first channels."""
    for channel, name in enumerate(targets):
        low, high = np.nanmin(values[:, channel]), np.nanmax(values[:, channel])
        if low == high:
            raise refuse(
                f"the target {shown(name)} is constant: it is {low:g} in every row; choose a column that changes"
            )


def _masks(inputs: Inputs) -> str:
    if not inputs.masks:
        return "No column has gaps in the training part, so none has a channel that says where it was observed."
    names = listed([observed_name(name) for name in inputs.masks], most=20)
    return f"Channels that are 1 where a column with gaps in the training part was observed, else 0: {names}."
