"""Numbers, shares and settings as a report writes them."""

import math
from typing import Any

from unrolled.series.learning.architecture import Architecture

LOSSES = {
    "mae": "mean absolute error, scaled",
    "mse": "mean squared error, scaled",
    "huber": "Huber loss, scaled",
    "smape": "symmetric relative error",
    "quantile": "pinball loss, scaled",
}
STATISTICS = {
    "standard": "the mean and the standard deviation",
    "min-max": "the least value and the range",
    "robust": "the median and the interquartile range",
    "log": "the mean and the standard deviation, of a target's logarithms",
    "returns": "the mean of prices' logarithms and the size of their returns",
}


def number(value: float | None) -> str:
    """Four significant digits, or a dash where there is no number.

    >>> number(1234.567), number(0.5), number(None)
    ('1,235', '0.5000', '–')
    """
    if value is None or math.isnan(value):
        return "–"
    if value == 0 or not 1e-4 < abs(value) < 1e15:
        return f"{value:.4g}"
    return f"{value:,.{max(0, 3 - math.floor(math.log10(abs(value))))}f}"


def share(skill: float) -> str:
    """A skill in percent, or a dash where there is none: nothing is better than a baseline without errors."""
    return f"{skill:+.1%}" if math.isfinite(skill) else "–"


def chance(p: float) -> str:
    """A p-value, as exact as it is worth.

    >>> chance(0.0312), chance(0.00002), chance(float("nan"))
    ('0.0312', '<0.0001', '–')
    """
    if math.isnan(p):
        return "–"
    return "<0.0001" if p < 1e-4 else f"{p:.3g}"


def percent(level: float) -> str:
    """A nominal level: 90%, or 97.5%."""
    return f"{100 * level:g}%"


def numbers(values: Any) -> list[float | None]:
    """Values for a chart, None where there is none. Six digits are more than it can show, and half the size of all."""
    return [None if v is None or not math.isfinite(v) else float(f"{v:.6g}") for v in values]


def network(shape: Architecture, members: int) -> list[str]:
    """What the network is, and how it says several steps, in plain words."""
    units = f"{shape.cell.upper()} with {shape.layers} × {shape.hidden} hidden units"
    read = "changes from step to step" if shape.scaling == "returns" else "changes from the last one"
    several = f"{members} networks that differ by their seeds, and forecast their mean. Each: " if members > 1 else ""
    said = [f"{several}{units}, reading {shape.lookback} steps as {read}. {_strategy(shape)}"]
    if shape.quantiles:
        levels = ", ".join(f"{100 * q:g}%" for q in shape.quantiles)
        said.append(f"It says the quantiles {levels} of each value; the middle one is the forecast.")
    if shape.dropout:
        said.append(f"Dropout of {shape.dropout:g} between layers and before the head, in training.")
    return said


def _strategy(shape: Architecture) -> str:
    steps = "the next step" if shape.horizon == 1 else f"all {shape.horizon} steps"
    if shape.strategy == "recursive":
        return f"It says one step ahead, and reads what it said, until it has said {steps} (recursive)."
    if shape.strategy == "direct":
        return "There is a network of its own for each step ahead (direct)."
    if shape.strategy == "seq2seq":
        attention = f", with {shape.attention} attention" if shape.attention else ""
        ratio = 1.0 if shape.teacher_forcing is None else shape.teacher_forcing
        falling = "" if shape.schedule == "constant" else ", falling to 0 over the training"
        return (
            f"A decoder goes on from there step by step{attention}, and says {steps} (sequence to sequence). In "
            f"training it reads the truth with probability {ratio:g}{falling}."
        )
    return f"A linear head says the change ahead for {steps} at once (multi-output)."
