"""A fitted forecaster: network, scaler and context. It needs no data to predict, and it goes to disk and back."""

import io
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from torch import nn

from unrolled.checkpoint import MOST_THREADS
from unrolled.errors import DataError, RunError, UnrolledError
from unrolled.files import atomic_write
from unrolled.formats import load_tensors, save_tensors
from unrolled.series.models import StepForecaster, forecast
from unrolled.series.panel import Panel, filled
from unrolled.series.plan import Architecture, Columns
from unrolled.series.scale import Scaler
from unrolled.series.table import read
from unrolled.series.words import near, refuse, shown
from unrolled.training import threads

MODEL, CONTEXT = "model.safetensors", "context.parquet"


@dataclass(frozen=True)
class Fitted:
    """All that predicts: ``context`` is the last look-back of each series, gaps filled, under the table's own names."""

    architecture: Architecture
    columns: Columns
    model: StepForecaster
    scaler: Scaler
    names: tuple[str, ...]  # of the series, in the scaler's order
    context: pl.DataFrame
    threads: int

    def predict(self, frame: pl.DataFrame | None = None, fill: str | None = None) -> pl.DataFrame:
        """The forecasts after the last row of each series: of ``frame``, or without one of the data it was fitted on.

        Rows that follow on the context need no look-back of their own. ``fill`` replaces the rule for gaps. Returns
        the table's series and time columns, the step ahead (1 … horizon), and the forecast under the target's name.

        Raises DataError for a table that doesn't have the columns, or a series that wasn't in the training data.
        """
        if frame is None:
            panel = self._context()
        else:
            only = self.names if self.columns.only else None  # of those asked for, the ones that could be learned
            panel = replace(self.columns, only=only, fill=fill or self.columns.fill).read(frame, constant=True)
        unknown = [name for name in panel.names if name not in self.names]
        if unknown:
            raise refuse(f"series {shown(unknown[0])} was not in the training data{near(unknown[0], self.names)}")
        order = [self.names.index(name) for name in panel.names]
        scaler = Scaler(self.scaler.mean[order], self.scaler.scale[order])
        lookback = self.architecture.lookback
        values = self._look_backs(panel, filled(panel, until=0))
        scaled = torch.from_numpy(scaler.apply(values, np.full(len(order), lookback))).view(len(order), lookback, -1)
        with threads(self.threads):  # the number of threads can move the last bit of a sum
            ahead = forecast(self.model, scaled.split(1024)).numpy()
        series_type = (self.context if frame is None else frame).schema[panel.series] if panel.series else None
        return ahead_table(panel, _rounded(scaler.restore(ahead, np.arange(len(order))), scaler), series_type)

    def _context(self) -> Panel:
        """The context as a panel, its rows numbered as they were where there are no stamps; it has no other series."""
        time = self.columns.time or free_name("row", self.columns)
        return replace(self.columns, time=time, only=None).read(self.context, constant=True)

    def _look_backs(self, panel: Panel, values: np.ndarray) -> np.ndarray:
        """The last look-back of each series, (series * lookback, channel); short ones go on from the context."""
        lookback = self.architecture.lookback
        rows = []
        for i, (first, end) in enumerate(zip(panel.offsets[:-1], panel.offsets[1:], strict=True)):
            own = values[max(first, end - lookback) : end]
            rows += [own] if len(own) == lookback else [self._before(panel, i, lookback - len(own)), own]
        values = np.concatenate(rows)
        if np.isnan(values).any():
            raise DataError(
                "values are missing in the last look-back, and the network reads all of it; fill them, or give "
                "--fill forward"
            )
        return values

    def _before(self, panel: Panel, i: int, count: int) -> np.ndarray:
        """The ``count`` rows of the context right before the first row of series ``i``."""
        context, lookback = self._context(), self.architecture.lookback
        own = context.names.index(panel.names[i])
        shift = context.frequency.positions(panel.stamps(i, 0, 1), context.origin)[0] - context.starts[own]
        if panel.time is None or not count <= shift <= context.offsets[own + 1] - context.offsets[own]:
            which = f"series {panel.names[i]!r}" if panel.series else "the table"
            raise DataError(
                f"{which} has {lookback - count} rows, and the network reads {lookback} before it "
                f"forecasts; give at least that many, or rows that follow right on the data that it was trained on"
            )
        row = context.offsets[own] + shift
        return context.values[row - count : row]


def ahead_table(panel: Panel, values: np.ndarray, series_type: pl.DataType | None) -> pl.DataFrame:
    """Forecasts (series, horizon) as a table: series and time under their own names, the step ahead, the target."""
    horizon, lengths = values.shape[1], np.diff(panel.offsets)
    columns: dict[str, Any] = {}
    if panel.series:
        columns[panel.series] = _names(panel, np.full(len(lengths), horizon), series_type)
    stamps = pl.concat([panel.stamps(i, int(n), horizon) for i, n in enumerate(lengths)])
    columns[panel.time or free_name("row", panel)] = stamps
    columns[free_name("step", panel)] = np.tile(np.arange(1, horizon + 1), len(lengths))
    columns[panel.target] = values.ravel()
    return pl.DataFrame(columns)


def _rounded(values: np.ndarray, scaler: Scaler) -> np.ndarray:
    """Forecasts (series, horizon) to six digits after the point of their standard scores: the network's float32 has
    no more.
    """
    digits = 6 - np.floor(np.log10(scaler.scale[:, 0]))
    return np.stack([np.round(own, int(n)) for own, n in zip(values, digits, strict=True)])


def free_name(name: str, columns: Columns | Panel) -> str:
    """``name`` for a column of our own, with a ``_`` behind it where the table has a column of that name."""
    taken = {columns.target, columns.time, columns.series, *(columns.past or ())}
    while name in taken:
        name += "_"
    return name


def context_table(panel: Panel, values: np.ndarray, lookback: int, series_type: pl.DataType | None) -> pl.DataFrame:
    """The last ``lookback`` rows of each series of ``values`` (rows, channel), under the panel's own column names."""
    lengths = np.minimum(np.diff(panel.offsets), lookback)
    last = np.concatenate([np.arange(end - n, end) for end, n in zip(panel.offsets[1:], lengths, strict=True)])
    columns: dict[str, Any] = {}
    if panel.series:
        columns[panel.series] = _names(panel, lengths, series_type)
    firsts = np.diff(panel.offsets) - lengths
    columns[panel.time or free_name("row", panel)] = pl.concat(
        [panel.stamps(i, int(a), int(n)) for i, (a, n) in enumerate(zip(firsts, lengths, strict=True))]
    )
    return pl.DataFrame(columns | {name: values[last, channel] for channel, name in enumerate(panel.channels)})


def _names(panel: Panel, counts: np.ndarray, series_type: pl.DataType | None) -> pl.Series:
    """The name of each row's series, as numbers where the table had numbers."""
    names = pl.Series(np.repeat(np.array(panel.names), counts))
    return names.cast(series_type) if series_type is not None and series_type.is_integer() else names


def save_fitted(fitted: Fitted, folder: Path) -> dict[str, Any]:
    """Write weights, scaler and context into a run's folder; returns what :func:`load_fitted` needs of run.json."""
    tensors = {f"model.{name}": value for name, value in fitted.model.state_dict().items()}
    tensors |= {f"scaler.{name}": torch.from_numpy(getattr(fitted.scaler, name)) for name in ("mean", "scale")}
    save_tensors(folder / MODEL, tensors)
    buffer = io.BytesIO()
    fitted.context.write_parquet(buffer)
    atomic_write(folder / CONTEXT, buffer.getvalue())
    return {"series": list(fitted.names), "threads": fitted.threads}


def load_fitted(
    folder: Path,
    saved: dict[str, Any],
    architecture: Architecture,
    columns: Columns,
    cell: type[nn.Module] | None = None,
) -> Fitted:
    """What :func:`save_fitted` wrote, for the run's plan. Raises RunError when the folder's files don't fit."""
    tensors, _ = load_tensors(folder / MODEL)
    try:
        names, count = tuple(map(str, saved["series"])), saved["threads"]
        if architecture.layers > len(tensors) or type(count) is not int or not 1 <= count <= MOST_THREADS:
            raise ValueError(f"{architecture.layers} layers for {len(tensors)} tensors, or {count!r} threads")
        with torch.device("meta"):  # sizes in a file are claims: compare them before any memory is taken for them
            model = architecture.build(cell)
        weights = {name.removeprefix("model."): value for name, value in tensors.items() if name.startswith("model.")}
        for name, own in model.state_dict().items():
            if name in weights and (weights[name].dtype != own.dtype or not weights[name].isfinite().all()):
                raise ValueError(f"{name} holds {weights[name].dtype}, or numbers that are not finite")
        model.load_state_dict(weights, assign=True)
        scaler = Scaler(tensors["scaler.mean"].numpy(), tensors["scaler.scale"].numpy())
        shape = (len(names), architecture.channels)
        if not all(part.shape == shape and np.isfinite(part).all() for part in (scaler.mean, scaler.scale)):
            raise ValueError("the scaler doesn't fit the series and channels")
        if not (scaler.scale > 0).all():
            raise ValueError("a scale is not above 0")
        fitted = Fitted(architecture, columns, model.eval(), scaler, names, read(folder / CONTEXT), count)
        context = fitted._context()
        if len(context.channels) != architecture.channels:
            raise ValueError(f"{len(context.channels)} columns for {architecture.channels} channels")
        if context.names != names or (np.diff(context.offsets) != architecture.lookback).any():
            raise ValueError(f"{CONTEXT} doesn't hold one look-back of {architecture.lookback} rows of each series")
    except RunError:
        raise
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError, OverflowError, UnrolledError) as error:
        why = " ".join(str(error).split())[:200]
        raise RunError(
            f"{folder} is damaged: its files don't fit together ({why}); restore it, or train again"
        ) from error
    return fitted
