"""What was found in a table, in plain words: its inputs, its order, its rows ahead."""

from collections.abc import Sequence

import numpy as np

from unrolled.series.panels.calendar import calendar_words
from unrolled.series.panels.inputs import Inputs
from unrolled.series.reading.frequency import Frequency
from unrolled.series.reading.rows import Rows
from unrolled.series.words import counted, listed, shown


def sorting_notes(rows: Rows, cells: np.ndarray) -> list[str]:
    ordered = cells if rows.codes is None else cells[np.argsort(rows.codes, kind="stable")]
    late = int((ordered < np.maximum.accumulate(ordered)).sum())
    return [f"Sorted by time: {counted(late, 'row')} stood after a later one."] if late else []


def input_notes(targets: Sequence[str], inputs: Inputs, frequency: Frequency) -> list[str]:
    notes = []
    words = calendar_words(frequency) if inputs.calendar else ""
    if inputs.past:
        notes.append(f"Inputs beside {listed(targets)}: {listed(inputs.past, most=20)}.")
    elif not (inputs.future or inputs.static or words):
        notes.append(
            f"The only input is {shown(targets[0])} itself."
            if len(targets) == 1
            else f"The only inputs are {listed(targets)} themselves."
        )
    if inputs.future:
        notes.append(f"Known ahead: {listed(inputs.future, most=20)}.")
    if inputs.calendar:
        notes.append(
            f"From the calendar, as sine and cosine: {words}."
            if words
            else f"The calendar adds nothing to steps that are {frequency.words}."
        )
    if inputs.static:
        said = [
            f"{shown(name)} ({counted(len(inputs.categories[name]), 'word')})"
            if name in inputs.categories
            else shown(name)
            for name in inputs.static
        ]
        notes.append(f"One value a series: {', '.join(said)}.")
    if inputs.angles:
        notes.append(f"Angles in degrees, as sine and cosine: {listed(inputs.angles, most=20)}.")
    return notes


def ahead_note(steps: np.ndarray, inputs: Inputs) -> str:
    named, low, high = listed(inputs.future), int(steps.min()), int(steps.max())
    if not high:
        return f"No rows ahead: nothing says {named} after the last row, which a forecast of what comes then needs."
    span = counted(high, "step") if low == high else f"{low:,} to {high:,} steps"
    last = "the last row" if len(steps) == 1 else "the last row of each series"
    return f"Rows ahead: {named} for {span} after {last}."
