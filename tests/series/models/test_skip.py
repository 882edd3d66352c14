"""The linear skip: a line in closed form beside the network."""

import numpy as np
import pytest
import torch

import unrolled as ur
from unrolled.errors import SettingsError
from unrolled.nn import GRUCell
from unrolled.series.models import LinearSkip, Sizes, StepForecaster


def skip(lookback=4, **sizes) -> LinearSkip:
    torch.manual_seed(0)
    return LinearSkip(StepForecaster(GRUCell, Sizes(horizon=3, **sizes), hidden=5), lookback).double()


def test_the_line_reads_look_back_known_and_static_and_the_network_adds_its_change():
    model = skip(targets=2, past=1, known=1, static=2)
    with torch.no_grad():
        model.weight.copy_(torch.randn_like(model.weight))
        model.bias.copy_(torch.randn_like(model.bias))
        model.network.head.weight.copy_(torch.randn_like(model.network.head.weight))
    past, known, static = torch.randn(7, 4, 4), torch.randn(7, 3, 1), torch.randn(7, 2)
    past, known, static = past.double(), known.double(), static.double()
    own = model.network(past, known, static)
    forecast = model(past, known, static)
    for b in range(7):
        read = torch.cat([past[b].reshape(-1), known[b].reshape(-1), static[b]])
        for h in range(3):
            for t in range(2):
                line = model.bias[h, t] + read @ model.weight[:, h, t]
                torch.testing.assert_close(forecast[b, h, t, 0], own[b, h, t, 0] + line)


def test_the_line_is_no_parameter_and_goes_to_disk():
    model = skip()
    assert "weight" not in dict(model.named_parameters())
    assert {"weight", "bias"} <= set(model.state_dict())


def test_another_look_back_is_refused():
    with pytest.raises(SettingsError, match="this line reads a look-back of 4 steps, got 6"):
        skip()(torch.zeros(1, 6, 1).double())


@pytest.fixture(scope="module")
def table():
    rng, n = np.random.default_rng(0), 400
    x = np.sin(np.arange(n) / 5) + 0.1 * rng.normal(size=n)
    y = np.convolve(x, [0.5, 0.3, 0.2], mode="same") + 0.05 * rng.normal(size=n)
    import polars as pl

    return pl.DataFrame({"y": y, "x": x})


def fitted(table, **more):
    f = ur.Forecaster(3, lookback=6, hidden=4, skip="linear", training=ur.TrainingSettings(epochs=1, threads=1))
    return f.fit(table, target="y", **more)


def test_untrained_it_is_the_linear_autoregression(table, monkeypatch):
    import unrolled.training

    monkeypatch.setattr(unrolled.training.torch.optim.AdamW, "step", lambda self: None)
    f = fitted(table)
    overall = f.evaluation.overall
    for metric, error in overall["linear autoregression"].items():
        assert overall[f.evaluation.model][metric] == pytest.approx(error, rel=1e-4)


def test_of_two_targets_each_has_its_own_line(table, monkeypatch):
    import unrolled.training

    monkeypatch.setattr(unrolled.training.torch.optim.AdamW, "step", lambda self: None)
    f = ur.Forecaster(3, lookback=6, hidden=4, skip="linear", training=ur.TrainingSettings(epochs=1, threads=1))
    for one in f.fit(table, target=["y", "x"]).evaluations:
        linear = one.overall["linear autoregression"]["MAE"]
        assert one.overall[one.model]["MAE"] == pytest.approx(linear, rel=1e-4)


@pytest.mark.parametrize("refit", [False, True])
def test_it_forecasts_and_comes_back_from_disk(table, tmp_path, refit):
    f = fitted(table, refit=refit)
    f.save(tmp_path / "run")
    assert ur.load(tmp_path / "run").predict().equals(f.predict())


def test_it_is_for_multi_output_alone():
    with pytest.raises(SettingsError, match="a linear skip is for the strategy 'multi-output', got 'recursive'"):
        ur.Forecaster(strategy="recursive", skip="linear")
    with pytest.raises(SettingsError, match="there is no skip 'line'; nearest: 'linear'"):
        ur.Forecaster(skip="line")
