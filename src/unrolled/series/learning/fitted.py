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
from unrolled.series.judging.intervals import METHODS, Intervals, middle
from unrolled.series.learning.architecture import Architecture
from unrolled.series.learning.ensemble import Ensemble
from unrolled.series.models import Network, forecast
from unrolled.series.panels.ahead import check_ahead, known_ahead
from unrolled.series.panels.panel import Panel, filled
from unrolled.series.panels.roles import Columns
from unrolled.series.panels.splits import continuous, priced
from unrolled.series.reading.table import read
from unrolled.series.windows.batch import Batch
from unrolled.series.windows.scale import Scaler
from unrolled.series.words import near, refuse, shown
from unrolled.training import threads

MODEL, CONTEXT = "model.safetensors", "context.parquet"
_SCALER = ("centre", "scale", "static_centre", "static_scale")


@dataclass(frozen=True)
class Fitted:
    """All that predicts: ``context`` is the last look-back of each series and what is known of the horizon after it,
    channel by channel, gaps filled.
    """

    architecture: Architecture
    columns: Columns
    model: Network | Ensemble
    scaler: Scaler
    intervals: Intervals | None
    names: tuple[str, ...]  # of the series, in the scaler's order
    context: pl.DataFrame
    threads: int

    def predict(self, frame: pl.DataFrame | None = None, fill: str | None = None) -> pl.DataFrame:
        """The forecasts after the last row of each series: of ``frame``, or without one of the data it was fitted on.

        Rows that follow on the context need no look-back of their own. ``fill`` replaces the rule for gaps. Returns
        the table's series and time columns, the step ahead (1 … horizon), and for each target the forecast under its
        name, with its interval's bounds under name_lower and name_upper.

        Raises DataError for a table that doesn't have the columns, a series that wasn't in the training data, and a
        future covariate that isn't given for the whole horizon.
        """
        if frame is None:
            panel = self.context_panel()
        else:
            panel = replace(self.columns, only=self._only(frame), fill=fill or self.columns.fill).read(
                frame, constant=True
            )
        number = {name: i for i, name in enumerate(self.names)}
        unknown = [name for name in panel.names if name not in number]
        if unknown:
            raise refuse(f"series {shown(unknown[0])} was not in the training data{near(unknown[0], self.names)}")
        shape, order = self.architecture, np.array([number[name] for name in panel.names])
        check_ahead(panel, shape.horizon)
        scaler, count = self.scaler.of(order), len(order)
        values, units = self._look_backs(panel, filled(panel, until=0), splits=frame is not None)
        past = scaler.apply(values, np.full(count, shape.lookback), panel.channels).reshape(count, shape.lookback, -1)
        known, static = scaler.ahead(known_ahead(panel, shape.horizon)), scaler.static(panel.static_values)
        nothing = np.full((count, shape.horizon, shape.targets), np.float32(np.nan))
        unscaled = np.ones((count, shape.targets), np.float32)  # no loss is computed
        batch = Batch(*map(torch.from_numpy, (past, known, static, nothing, unscaled, unscaled)))
        with threads(self.threads):  # the number of threads can move the last bit of a sum
            levels = forecast(self.model, _split(batch, 1024)).numpy()
        scaled = [middle(levels), *(self.intervals.of(levels) if self.intervals else ())]
        restored = [_rounded(scaler.in_unit(units).restore(part, np.arange(count)), scaler) for part in scaled]
        series_type = (self.context if frame is None else frame).schema.get(panel.series) if panel.series else None
        return ahead_table(panel, restored, series_type)

    def _only(self, frame: pl.DataFrame) -> tuple[str, ...] | None:
        """Of the series that were asked for, those in the table; all of them where none is, so that it is refused."""
        if not self.columns.only:
            return None
        column = self.columns.series
        if column is not None and column not in frame.columns:
            return self.names
        here = frame.columns if column is None else frame[column].unique().cast(pl.String, strict=False).to_list()
        return tuple(name for name in self.names if name in here) or self.names

    def context_panel(self) -> Panel:
        """The context as a panel, its rows numbered as they were where there are no stamps."""
        time = self.columns.time or free_name("row", self.columns)
        return replace(self.columns.channels(), time=time).read(self.context, constant=True)

    def _look_backs(self, panel: Panel, values: np.ndarray, splits: bool) -> tuple[np.ndarray, np.ndarray]:
        """The last look-back of each series, (series * lookback, channel), and the unit (series, channel) that its last
        row is in; short ones go on from the context. With ``splits``, share splits are taken out of what is read as
        returns: of the context that was done before.
        """
        lookback, spans = self.architecture.lookback, zip(panel.offsets[:-1], panel.offsets[1:], strict=True)
        splits = splits and self.scaler.method == "returns"  # which are found in all rows, not in the last alone
        rows = [values[first if splits else max(first, end - lookback) : end] for first, end in spans]
        units = np.ones((len(panel.names), len(panel.channels)))
        short = [i for i, own in enumerate(rows) if len(own) < lookback]
        if short:
            context = self.context_panel()
            place = {name: at for at, name in enumerate(context.names)}
            begins = panel.stamps_of(np.zeros(len(rows), np.int64), np.ones(len(rows), np.int64))
            positions = context.frequency.positions(begins, context.origin)
            for i in short:
                before = self._before(panel, i, rows[i], context, place[panel.names[i]], int(positions[i]))
                rows[i] = np.concatenate([before, rows[i]])
        if splits:
            for i, own in enumerate(rows):
                found = continuous(own, len(panel.targets), priced(panel))
                rows[i], units[i] = found.values[-lookback:], found.unit
        values = np.concatenate(rows)
        if np.isnan(values).any():
            raise DataError(
                "values are missing in the last look-back, and the network reads all of it; fill them, or give "
                "--fill forward"
            )
        return values, units

    def _before(self, panel: Panel, i: int, own: np.ndarray, context: Panel, at: int, position: int) -> np.ndarray:
        """The rows of the context right before the first row of series ``i``, as many as ``own``, its last rows, lack
        of a look-back. ``at`` is its number in the context, ``position`` where it begins on that grid.

        A series that was too short for a look-back from the start is read as if its first row had been there before.
        """
        lookback = self.architecture.lookback
        count = lookback - len(own)
        length = int(context.offsets[at + 1] - context.offsets[at])
        shift = position - int(context.starts[at])
        follows = panel.time is not None and 0 <= shift <= length
        row = int(context.offsets[at]) + (shift if follows else 0)
        before = context.values[max(row - count, int(context.offsets[at])) : row]
        if (length == lookback and len(before) < count) or not len(before) + len(own):
            which = f"series {panel.names[i]!r}" if panel.series else "the table"
            raise DataError(
                f"{which} has {lookback - count} rows, and the network reads {lookback} before it "
                f"forecasts; give at least that many, or rows that follow right on the data that it was trained on"
            )
        first = before[:1] if len(before) else own[:1]
        return np.concatenate([np.repeat(first, count - len(before), axis=0), before])


def _split(batch: Batch, size: int) -> list[Batch]:
    return [Batch(*parts) for parts in zip(*(part.split(size) for part in batch), strict=True)]


def ahead_table(panel: Panel, values: list[np.ndarray], series_type: pl.DataType | None) -> pl.DataFrame:
    """Forecasts as a table: series and time under their own names, the step ahead, then each target.

    ``values`` are (series, horizon, target): the forecasts, and perhaps the lower and upper bounds.
    """
    horizon, lengths = values[0].shape[1], np.diff(panel.offsets)
    columns: dict[str, Any] = {}
    if panel.series:
        columns[panel.series] = _names(panel, np.full(len(lengths), horizon), series_type)
    columns[panel.time or free_name("row", panel)] = panel.stamps_of(lengths, np.full(len(lengths), horizon))
    columns[free_name("step", panel)] = np.tile(np.arange(1, horizon + 1), len(lengths))
    for target, name in enumerate(panel.targets):
        for part, end in zip(values, ("", "_lower", "_upper"), strict=False):
            columns[name if not end else free_name(name + end, panel)] = part[:, :, target].ravel()
    return pl.DataFrame(columns)


def _rounded(values: np.ndarray, scaler: Scaler) -> np.ndarray:
    """Forecasts (series, horizon, target) to six digits after the point of their standard scores: the network's
    float32 has no more.
    """
    scale = scaler.scale[:, : values.shape[2]]
    if scaler.logged[0]:  # there a score is a share of the value
        scale = scale * np.abs(values).max(axis=1)
    digits = 6 - np.floor(np.log10(np.maximum(scale, 1e-300)))
    powers = 10.0 ** np.clip(digits, -300, 300)[:, None]
    return np.round(values * powers) / powers


def free_name(name: str, columns: Columns | Panel) -> str:
    """``name`` for a column of our own, with a ``_`` behind it where the table has a column of that name."""
    taken = {*columns.targets, columns.time, columns.series, *(columns.past or ())}
    while name in taken:
        name += "_"
    return name


def context_table(
    panel: Panel, values: np.ndarray, lookback: int, horizon: int, series_type: pl.DataType | None
) -> pl.DataFrame:
    """The last ``lookback`` rows of each series of ``values`` (rows, channel), and behind them what is known of the
    ``horizon`` after; under the names of the panel's channels.
    """
    lengths = np.minimum(np.diff(panel.offsets), lookback)
    later = horizon if panel.known else 0
    counts, firsts = lengths + later, np.diff(panel.offsets) - lengths
    ends = np.cumsum(counts)
    past = np.concatenate([np.arange(end - c, end - later) for end, c in zip(ends, counts, strict=True)])
    last = np.concatenate([np.arange(end - n, end) for end, n in zip(panel.offsets[1:], lengths, strict=True)])
    table = np.full((int(ends[-1]), values.shape[1]), np.nan)
    table[past] = values[last]
    if later:
        ahead = np.setdiff1d(np.arange(len(table)), past)
        table[ahead, values.shape[1] - len(panel.known) :] = known_ahead(panel, horizon).reshape(len(ahead), -1)
    columns: dict[str, Any] = {}
    if panel.series:
        columns[panel.series] = _names(panel, counts, series_type)
    columns[panel.time or free_name("row", panel)] = panel.stamps_of(firsts, counts)
    columns |= {name: pl.Series(table[:, channel]).fill_nan(None) for channel, name in enumerate(panel.channels)}
    static = np.repeat(panel.static_values, counts, axis=0)
    return pl.DataFrame(columns | {name: static[:, column] for column, name in enumerate(panel.static)})


def _names(panel: Panel, counts: np.ndarray, series_type: pl.DataType | None) -> pl.Series:
    """The name of each row's series, as the numbers, dates or truths that the table has, else as text."""
    names = pl.Series(np.repeat(np.array(panel.names), counts))
    if series_type == pl.Date:
        return names.str.to_date()
    if series_type == pl.Boolean:
        return names == "true"
    return names.cast(series_type) if series_type is not None and series_type.is_numeric() else names


def save_fitted(fitted: Fitted, folder: Path) -> dict[str, Any]:
    """Write weights, scaler and context into a run's folder; returns what :func:`load_fitted` needs of run.json."""
    tensors = {f"model.{name}": value for name, value in fitted.model.state_dict().items()}
    tensors |= {f"scaler.{name}": torch.from_numpy(getattr(fitted.scaler, name)) for name in _SCALER}
    tensors["scaler.logged"] = torch.from_numpy(fitted.scaler.logged.astype(np.uint8))
    if fitted.intervals is not None:
        tensors["intervals.widening"] = torch.from_numpy(fitted.intervals.widening)
    save_tensors(folder / MODEL, tensors)
    buffer = io.BytesIO()
    fitted.context.write_parquet(buffer)
    atomic_write(folder / CONTEXT, buffer.getvalue())
    intervals = fitted.intervals and {"level": fitted.intervals.level, "method": fitted.intervals.method}
    members = len(fitted.model.members) if isinstance(fitted.model, Ensemble) else 1
    return {"series": list(fitted.names), "threads": fitted.threads, "members": members, "intervals": intervals}


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
        names, count, members = tuple(map(str, saved["series"])), saved["threads"], saved["members"]
        most = max(architecture.layers, architecture.horizon if architecture.strategy == "direct" else 1)
        if most > len(tensors) or type(count) is not int or not 1 <= count <= MOST_THREADS:
            raise ValueError(f"{most} networks or layers for {len(tensors)} tensors, or {count!r} threads")
        if type(members) is not int or not 1 <= members <= min(architecture.ensemble, len(tensors)):
            raise ValueError(f"{str(members)[:20]} members of an ensemble of {architecture.ensemble}")
        shape = replace(architecture, ensemble=members)
        with torch.device("meta"):  # sizes in a file are claims: compare them before any memory is taken for them
            model = shape.build(cell)
        weights = {name.removeprefix("model."): value for name, value in tensors.items() if name.startswith("model.")}
        for name, own in model.state_dict().items():
            if name in weights and (weights[name].dtype != own.dtype or not weights[name].isfinite().all()):
                raise ValueError(f"{name} holds {weights[name].dtype}, or numbers that are not finite")
        model.load_state_dict(weights, assign=True)
        scaler = _loaded_scaler(tensors, len(names), shape)
        intervals = _loaded_intervals(tensors, saved["intervals"], shape)
        fitted = Fitted(shape, columns, model.eval(), scaler, intervals, names, read(folder / CONTEXT), count)
        context = fitted.context_panel()
        kinds = ("targets", "past", "known", "static")
        if any(len(getattr(context, kind)) != getattr(shape, kind) for kind in kinds):
            raise ValueError(f"{len(context.channels)} columns for {shape.channels} channels")
        # Short series have less, but never all of them: this also keeps a look-back that nobody has out of memory.
        if context.names != names or np.diff(context.offsets).max() != shape.lookback:
            raise ValueError(f"{CONTEXT} doesn't hold one look-back of {shape.lookback} rows of each series")
    except RunError:
        raise
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError, OverflowError, UnrolledError) as error:
        why = " ".join(str(error).split())[:200]
        raise RunError(
            f"{folder} is damaged: its files don't fit together ({why}); restore it, or train again"
        ) from error
    return fitted


def _loaded_scaler(tensors: dict[str, torch.Tensor], series: int, shape: Architecture) -> Scaler:
    logged = np.arange(shape.channels) < (shape.targets if shape.scaling in ("log", "returns") else 0)
    if "scaler.logged" in tensors:  # runs of before there were returns don't say, and have nothing else to say
        saved = tensors["scaler.logged"].numpy()
        if (
            saved.shape != logged.shape
            or saved.dtype != np.uint8
            or (saved[: shape.targets] != logged[: shape.targets]).any()
        ):
            raise ValueError("which channels are in logarithms doesn't fit the scaling")
        logged = saved.astype(bool)
    scaler = Scaler(
        **{name: tensors[f"scaler.{name}"].numpy() for name in _SCALER}, method=shape.scaling, logged=logged
    )
    sizes = {"centre": (series, shape.channels), "static_centre": (shape.static,)}
    sizes |= {"scale": sizes["centre"], "static_scale": sizes["static_centre"]}
    for name, size in sizes.items():
        part = getattr(scaler, name)
        if part.shape != size or part.dtype != np.float64 or not np.isfinite(part).all():
            raise ValueError(f"the scaler's {name} doesn't fit the series and channels")
        if name.endswith("scale") and not (part > 0).all():
            raise ValueError("a scale is not above 0")
    return scaler


def _loaded_intervals(tensors: dict[str, torch.Tensor], saved: Any, shape: Architecture) -> Intervals | None:
    if saved is None:
        return None
    widening = tensors["intervals.widening"].numpy()
    if widening.shape != (2, shape.horizon, shape.targets) or not np.isfinite(widening).all():
        raise ValueError("the intervals don't fit the horizon and the targets")
    level, method = saved["level"], saved["method"]
    if not isinstance(level, float) or not 0 < level < 1 or method not in METHODS:
        raise ValueError(f"intervals of {str(level)[:20]}")
    return Intervals(level, method, widening)
