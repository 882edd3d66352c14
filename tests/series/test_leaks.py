"""No future in the past: every value after a cut-off is replaced, wildly, and nothing before it changes a bit."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from unrolled.nn.cells import GRUCell, LSTMCell
from unrolled.series.baselines import drift, naive, seasonal_naive
from unrolled.series.evaluation import _scales, linear_forecasts
from unrolled.series.examples import Examples
from unrolled.series.fill import FILLS
from unrolled.series.fit import fit_network
from unrolled.series.models import StepForecaster, forecast
from unrolled.series.panel import Panel, filled, prepare
from unrolled.series.plan import Architecture
from unrolled.series.scale import Scaler
from unrolled.series.split import Split, origins
from unrolled.training import TrainingSettings

LOOKBACK, HORIZON, SEASON = 4, 3, 7
START = date(2020, 1, 1)


def table(shape: list[tuple[int, int]], seed: int, gaps: float) -> pl.DataFrame:
    """Series of (length, start) days in one long table, with days that have no row and cells that have no value."""
    rng = np.random.default_rng(seed)
    rows = []
    for name, (length, start) in enumerate(shape):
        for day in range(start, start + length):
            edge = day in (start, start + length - 1)
            if edge or rng.random() >= gaps:
                y, x = (value if edge or rng.random() >= gaps else None for value in rng.normal(size=2))
                rows.append({"s": f"s{name}", "day": day, "y": y, "x": x})
    return pl.DataFrame(rows, schema={"s": pl.String, "day": pl.Int64, "y": pl.Float64, "x": pl.Float64})


def perturbed(frame: pl.DataFrame, cutoff: int, seed: int, more_gaps: bool = True) -> pl.DataFrame:
    """The same rows; from day ``cutoff`` on other values, a hundred million times as large, and other gaps."""
    rng = np.random.default_rng(seed + 1)
    first = (
        frame.select(pl.int_range(pl.len()).over("s")).to_series().to_numpy() == 0
    )  # where a series begins, it has values
    late = frame["day"].to_numpy() >= cutoff
    columns = {}
    for name in ("y", "x"):
        values = frame[name].to_numpy().copy()
        wild = rng.normal(size=len(values)) * 1e8 + 1e9
        gone = (rng.random(len(values)) < 0.4) & ~first if more_gaps else np.isnan(values)
        columns[name] = pl.Series(np.where(late, np.where(gone, np.nan, wild), values)).fill_nan(None)
    return frame.with_columns(**columns)


def read(frame: pl.DataFrame, fill: str) -> Panel:
    stamps = pl.Series([START + timedelta(days=day) for day in frame["day"]])
    frame = frame.with_columns(t=stamps).drop("day")
    return prepare(frame, target="y", time="t", series="s", past=["x"], frequency="1d", fill=fill)


def positions(panel: Panel) -> np.ndarray:
    """The day of each row of the panel."""
    runs = [start + np.arange(n) for start, n in zip(panel.starts, np.diff(panel.offsets), strict=True)]
    return np.concatenate(runs)


def bits(values: np.ndarray | torch.Tensor) -> bytes:
    return np.asarray(values).tobytes()


@st.composite
def worlds(draw):
    """A table, the same with another future, a fill rule, the end of training, and a cut-off at or after it."""
    count = draw(st.integers(1, 3))
    shape = [(draw(st.integers(15, 40)), 0)]
    shape += [(draw(st.integers(3, 40)), draw(st.integers(0, 25))) for _ in range(count - 1)]
    seed, gaps = draw(st.integers(0, 10_000)), draw(st.sampled_from([0.0, 0.2, 0.5]))
    end = max(length + start for length, start in shape)
    train = draw(st.integers(LOOKBACK + HORIZON, end))
    cutoff = draw(st.integers(train, end))
    frame = table(shape, seed, gaps)
    return frame, perturbed(frame, cutoff, seed), draw(st.sampled_from(FILLS)), train, cutoff, end


def both(world) -> tuple[Panel, Panel]:
    frame, other, fill, *_ = world
    return read(frame, fill), read(other, fill)


@settings(deadline=None, max_examples=150)
@given(world=worlds())
def test_the_scaler_the_fill_and_the_scale_of_errors_know_no_later_value(world):
    *_, train, cutoff, end = world
    ours, theirs = both(world)
    early = positions(ours) < cutoff
    assert ours.names == theirs.names
    assert bits(positions(ours)) == bits(positions(theirs))
    assert bits(filled(ours, until=train)[early]) == bits(filled(theirs, until=train)[early])
    for part in ("mean", "scale"):
        assert bits(getattr(Scaler.fit(ours, train), part)) == bits(getattr(Scaler.fit(theirs, train), part))
    cuts = Split(train, max(train, cutoff), end)
    scales = [_scales(Examples.build(panel, cuts, LOOKBACK, HORIZON), SEASON) for panel in (ours, theirs)]
    assert bits(scales[0]) == bits(scales[1])


@settings(deadline=None, max_examples=150)
@given(world=worlds())
def test_no_training_window_knows_a_later_value(world):
    *_, train, cutoff, end = world
    tensors = []
    for panel in both(world):
        windows = Examples.build(panel, Split(train, cutoff, end), LOOKBACK, HORIZON).windows("train")
        tensors.append([bits(windows.origins), *(bits(part) for batch in windows.batches(7) for part in batch)])
    assert tensors[0] == tensors[1]


@settings(deadline=None, max_examples=150)
@given(world=worlds())
def test_no_forecast_that_begins_by_the_cut_off_knows_a_later_value(world):
    """Of the baselines, and of a network with fixed weights; in whichever part it begins."""
    *_, train, cutoff, end = world
    torch.manual_seed(0)
    model = StepForecaster(GRUCell, channels=2, horizon=HORIZON, hidden=3)
    torch.nn.init.normal_(model.head.weight)
    results = []
    for panel in both(world):
        examples = Examples.build(panel, Split(train, cutoff, end), LOOKBACK, HORIZON)
        rows = origins(panel, (0, end), LOOKBACK, HORIZON)
        rows = rows[positions(panel)[rows] <= cutoff]  # the last value that they read is of the day before
        starts = panel.offsets[np.searchsorted(panel.offsets, rows, side="right") - 1]
        own = [bits(rows)]
        own.append(bits(naive(examples.known, rows, HORIZON)))
        own.append(bits(seasonal_naive(examples.known, rows, HORIZON, SEASON, starts)))
        own.append(bits(drift(examples.known, rows, HORIZON, starts)))
        if len(rows):
            past = torch.stack([examples.inputs[row - LOOKBACK : row] for row in rows.tolist()])
            own += [bits(past), bits(forecast(model, past.split(16)))]
        results.append(own)
    assert results[0] == results[1]


@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize("shape", [[(160, 0)], [(160, 0), (120, 20), (70, 90)]], ids=["one series", "ragged series"])
def test_trained_models_forecast_alike_up_to_the_cut_off(fill, shape):
    """Trained, chosen and used, with a cut-off in the test part: each origin up to it gives the same bits."""
    cuts, cutoff = Split(112, 128, 160), 141
    frame = table(shape, seed=3, gaps=0.0 if fill == "none" else 0.15)
    results = []
    for table_ in (frame, perturbed(frame, cutoff, 3, more_gaps=False)):
        panel = read(table_, fill)
        examples = Examples.build(panel, cuts, LOOKBACK, HORIZON)
        model, state = fit_network(
            Architecture("lstm", 2, LOOKBACK, HORIZON, 4, 1, 0.0),
            LSTMCell,
            examples,
            TrainingSettings(epochs=1, threads=1),
        )
        test = examples.windows("test")
        early = positions(panel)[test.origins] <= cutoff
        assert early.any()
        assert not early.all()
        ahead = forecast(model, (past for past, _ in test.batches()))
        results.append(
            [
                [record["loss"] for record in state.records],
                [record["validation"] for record in state.records],
                bits(ahead.numpy()[early]),
                bits(linear_forecasts(examples, test)[early]),
                bits(ahead.numpy()[~early]),
            ]
        )
    assert results[0][:-1] == results[1][:-1]
    assert results[0][-1] != results[1][-1]  # later forecasts do see the other values


def test_training_alone_gives_the_same_weights_whatever_comes_after_it():
    """With no validation to choose by, the weights are those of the training part."""
    frame = table([(120, 0), (100, 10)], seed=5, gaps=0.2)
    weights = []
    for table_ in (frame, perturbed(frame, 84, 5)):
        examples = Examples.build(read(table_, "linear"), Split(84, 84, 120), LOOKBACK, HORIZON)
        architecture = Architecture("gru", 2, LOOKBACK, HORIZON, 4, 1, 0.0)
        model, _ = fit_network(architecture, GRUCell, examples, TrainingSettings(epochs=1, threads=1))
        weights.append([bits(weight) for weight in model.state_dict().values()])
    assert weights[0] == weights[1]


def test_a_line_is_never_drawn_to_a_value_after_the_cut(panel_of):
    values = np.array([0.0, np.nan, np.nan, 3.0, np.nan, np.nan, 60.0, np.nan, 90.0])
    panel = panel_of([values], fill="linear")
    np.testing.assert_array_equal(filled(panel, until=5)[:, 0], [0, 1, 2, 3, 3, 3, 60, 60, 90])
    np.testing.assert_array_equal(filled(panel, until=7)[:, 0], [0, 1, 2, 3, 22, 41, 60, 60, 90])
    np.testing.assert_array_equal(filled(panel, until=6)[:, 0], [0, 1, 2, 3, 3, 3, 60, 60, 90])


def test_what_comes_after_the_cut_does_not_choose_the_inputs():
    rows = 100
    table = pl.DataFrame(
        {
            "y": np.arange(rows) % 7 + 0.5,
            "flat": [3.0] * rows,
            "there": np.sin(np.arange(rows)),
        }
    )
    late = pl.int_range(rows) >= 70
    changed = table.with_columns(
        flat=pl.when(late).then(pl.int_range(rows) * 1.7).otherwise("flat"),
        there=pl.when(late).then(None).otherwise("there"),
    )
    assert prepare(table, target="y", fill="forward").past == ("there",)
    assert prepare(changed, target="y", fill="forward").past == ("there",)
