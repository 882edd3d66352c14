"""A line in closed form beside the network: below it (linear skip), or averaged with it."""

import numpy as np
import pytest
import torch

import unrolled as ur
from unrolled.errors import SettingsError
from unrolled.nn import GRUCell
from unrolled.series.models import LinearMean, LinearSkip, Sizes, StepForecaster
from unrolled.series.models.losses import criterion
from unrolled.series.windows.batch import Batch


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


def mean(levels=1, **sizes) -> LinearMean:
    torch.manual_seed(0)
    network = StepForecaster(GRUCell, Sizes(horizon=3, levels=levels, **sizes), hidden=5)
    model = LinearMean(network, lookback=4).double()
    with torch.no_grad():
        for tensor in (model.weight, model.bias, network.head.weight, network.head.bias):
            tensor.copy_(torch.randn_like(tensor))
    return model


def test_the_mean_lies_half_way_between_line_and_network():
    model, past = mean(targets=2, past=1), torch.randn(7, 4, 3).double()
    for b in range(7):
        for h in range(3):
            for t in range(2):
                line = past[b, -1, t] + model.bias[h, t] + past[b].reshape(-1) @ model.weight[:, h, t]
                own = model.network(past)[b, h, t, 0]
                torch.testing.assert_close(model(past)[b, h, t, 0], (line + own) / 2)


def test_of_several_levels_the_middle_one_is_the_mean_and_the_others_stay_as_far_from_it():
    model, past = mean(levels=3), torch.randn(7, 4, 1).double()
    own, together = model.network(past), model(past)
    line = past[:, -1:] + model.bias[:, 0, None] + torch.einsum("bi,iht->bht", past.flatten(1), model.weight)
    torch.testing.assert_close(together[..., 1], (own[..., 1] + line) / 2)
    torch.testing.assert_close(together.diff(dim=-1), own.diff(dim=-1))


def test_under_the_mean_the_network_learns_as_if_alone():
    model, past = mean(), torch.randn(7, 4, 1).double()
    none = past.new_zeros(7, 3, 0)
    batch = Batch(past, none, none[:, 0], torch.randn(7, 3, 1).double(), past[:, 0], past[:, 0])
    mse = criterion("mse")
    assert model.loss(batch, mse).equal(model.network.loss(batch, mse))
    assert not model.loss(batch, mse).isclose(mse(model(past), batch))


@pytest.mark.parametrize("model", [skip(), mean()])
def test_the_line_is_no_parameter_and_goes_to_disk(model):
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


def fitted(table, skip="linear", strategy="multi-output", **more):
    settings = ur.TrainingSettings(epochs=1, threads=1)
    f = ur.Forecaster(3, lookback=6, hidden=4, skip=skip, strategy=strategy, training=settings)
    return f.fit(table, target="y", **more)


@pytest.mark.parametrize("strategy", ["multi-output", "recursive", "direct", "seq2seq"])
def test_of_any_strategy_that_learnt_nothing_the_mean_is_that_of_naive_and_line(table, monkeypatch, strategy):
    import unrolled.training

    monkeypatch.setattr(unrolled.training.torch.optim.AdamW, "step", lambda self: None)
    line, together = fitted(table).predict()["y"].to_numpy(), fitted(table, "mean", strategy).predict()["y"].to_numpy()
    assert together == pytest.approx((table["y"][-1] + line) / 2, rel=1e-5)


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
@pytest.mark.parametrize("skip", ["linear", "mean"])
def test_it_forecasts_and_comes_back_from_disk(table, tmp_path, skip, refit):
    f = fitted(table, skip, refit=refit)
    f.save(tmp_path / "run")
    assert ur.load(tmp_path / "run").predict().equals(f.predict())


def test_it_is_for_multi_output_alone():
    with pytest.raises(SettingsError, match="a linear skip is for the strategy 'multi-output', got 'recursive'"):
        ur.Forecaster(strategy="recursive", skip="linear")
    with pytest.raises(SettingsError, match="there is no skip 'line'; nearest: 'linear'"):
        ur.Forecaster(skip="line")
