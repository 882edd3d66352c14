"""Losses and their gradients against loops over what was observed."""

import math
import re
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import mean_pinball_loss

from unrolled.errors import SettingsError, ShapeError
from unrolled.series.models.losses import LOSSES, criterion
from unrolled.series.windows.batch import Batch

QUANTILES = (0.1, 0.5, 0.9)
NAME = pytest.mark.parametrize("name", LOSSES)


def criterion_of(name):
    return criterion(name, QUANTILES if name == "quantile" else ())


def batch_of(future, centre=None, scale=None):
    rows, _, targets = future.shape
    nothing = future.new_zeros(rows, 3, 0)
    centre = future.new_zeros(rows, targets) if centre is None else centre
    scale = future.new_ones(rows, targets) if scale is None else scale
    return Batch(nothing, nothing, nothing[:, 0], future, centre, scale)


def by_hand(name, said, actual, centre, scale, τ):
    """The error of one number, as a formula says it."""
    if name == "mae":
        return abs(said - actual)
    if name == "mse":
        return (said - actual) ** 2
    if name == "huber":
        e = abs(said - actual)
        return e * e / 2 if e <= 1 else e - 0.5
    if name == "smape":
        said, actual = said * scale + centre, actual * scale + centre
        return 2 * abs(said - actual) / (abs(said) + abs(actual))
    return (actual - said) * (τ if actual >= said else τ - 1)


@NAME
@settings(max_examples=25)
@given(seed=st.integers(0, 9999), gaps=st.floats(0, 0.9), levels=st.sampled_from([1, 3]))
def test_values_and_gradients_equal_a_loop_over_what_was_observed(name, seed, gaps, levels):
    rng = np.random.default_rng(seed)
    levels = 3 if name == "quantile" else levels
    said, actual = rng.normal(size=(3, 2, 2, levels)), rng.normal(size=(3, 2, 2))
    actual[rng.random(actual.shape) < gaps] = np.nan
    actual[0, 0, 0] = 0.5
    centre, scale = rng.normal(size=(3, 2)), np.exp(rng.normal(size=(3, 2)))

    def mean(said):
        errors = [
            by_hand(name, said[b, k, y, n], actual[b, k, y], centre[b, y], scale[b, y], QUANTILES[n])
            for b, k, y, n in product(range(3), range(2), range(2), range(levels))
            if not math.isnan(actual[b, k, y])
        ]
        return sum(errors) / len(errors)

    forecast = torch.from_numpy(said).requires_grad_()
    batch = batch_of(*map(torch.from_numpy, (actual, centre, scale)))
    loss = criterion_of(name)(forecast, batch)
    loss.backward()
    assert loss.item() == pytest.approx(mean(said), rel=1e-12)
    assert forecast.grad is not None
    assert (forecast.grad[torch.from_numpy(np.isnan(actual))] == 0).all()
    direction = rng.normal(size=said.shape)
    slope = (mean(said + 1e-6 * direction) - mean(said - 1e-6 * direction)) / 2e-6
    assert (forecast.grad.numpy() * direction).sum() == pytest.approx(slope, rel=1e-4, abs=1e-4)


@NAME
def test_nothing_observed_is_no_number_and_a_single_gap_pulls_at_nothing(name):
    forecast = torch.zeros(1, 1, 1, 3, requires_grad=True)
    assert criterion_of(name)(forecast, batch_of(torch.full((1, 1, 1), math.nan))).isnan()
    two = torch.zeros(1, 2, 1, 3, requires_grad=True)
    criterion_of(name)(two, batch_of(torch.tensor([[[math.nan], [2.0]]]))).backward()
    assert two.grad is not None
    assert (two.grad[:, 0] == 0).all()
    assert (two.grad[:, 1] != 0).all()


def test_mae_of_one_level_is_the_sum_over_the_count_bit_for_bit():
    generator = torch.Generator().manual_seed(0)
    forecast, future = (torch.randn(64, 24, generator=generator) for _ in range(2))
    future[3, 4:9] = torch.nan
    observed = ~future.isnan()
    expected = (forecast - future.where(observed, forecast)).abs().sum() / observed.sum()
    assert torch.equal(criterion("mae")(forecast[..., None, None], batch_of(future[..., None])), expected)


def test_smape_is_0_between_zeros_and_2_at_most():
    said = torch.tensor([0.0, 3.0, 0.0, 1.0, -1.0]).view(1, 5, 1, 1).requires_grad_()
    actual = torch.tensor([0.0, 0.0, 3.0, -1.0, -3.0]).view(1, 5, 1)
    parts = [criterion("smape")(said[:, k : k + 1], batch_of(actual[:, k : k + 1])) for k in range(5)]
    assert [part.item() for part in parts] == [0.0, 2.0, 2.0, 2.0, 1.0]
    torch.stack(parts).sum().backward()
    assert said.grad is not None
    assert said.grad.isfinite().all()
    assert said.grad[0, 0] == 0


def test_smape_is_of_the_original_scale_and_the_others_of_the_scaled_values():
    """Said 15 where 5 came, on a scale of 5 around 10; in statistics of double precision, as scalers have them."""
    forecast, future = torch.ones(1, 1, 1, 1), -torch.ones(1, 1, 1)
    batch = batch_of(future, torch.tensor([[10.0]]).double(), torch.tensor([[5.0]]).double())
    values = {name: criterion(name)(forecast, batch) for name in ("mae", "mse", "huber", "smape")}
    assert {name: value.item() for name, value in values.items()} == {"mae": 2, "mse": 4, "huber": 1.5, "smape": 1}
    assert all(value.dtype == torch.float32 for value in values.values())


@settings(max_examples=30)
@given(seed=st.integers(0, 999), τ=st.floats(0.02, 0.98))
def test_pinball_is_scikit_learns_and_least_at_the_quantile(seed, τ):
    y = np.random.default_rng(seed).normal(size=50)
    future = torch.from_numpy(y).view(50, 1, 1)

    def loss(q):
        return criterion("quantile", [τ])(torch.full((50, 1, 1, 1), q, dtype=torch.float64), batch_of(future)).item()

    assert loss(0.3) == pytest.approx(mean_pinball_loss(y, np.full(50, 0.3), alpha=τ), rel=1e-12)
    best = min(loss(float(q)) for q in y)
    assert loss(float(np.quantile(y, τ, method="inverted_cdf"))) == pytest.approx(best, rel=1e-12)


@pytest.mark.parametrize(
    ("name", "quantiles", "message"),
    [
        ("rmse", (), "unknown loss 'rmse'; nearest: 'mse'"),
        ("mae", (0.1, 0.9), "the loss 'mae' has no quantiles, got [0.1, 0.9]; leave them out, or take the loss "
         "'quantile'"),
        *(
            ("quantile", bad, f"quantiles have to ascend between 0 and 1, such as 0.05, 0.5, 0.95, got {list(bad)}")
            for bad in [(), (0.0, 0.5), (0.5, 1.0), (0.5, 0.5), (0.9, 0.1), (5, 95), (0.1, math.nan, 0.9), (-0.1,)]
        ),
    ],
)  # fmt: skip
def test_losses_that_there_are_not_are_refused(name, quantiles, message):
    with pytest.raises(SettingsError, match=f"^{re.escape(message)}$"):
        criterion(name, quantiles)


def test_a_forecast_with_other_levels_is_refused():
    message = "the quantile loss needs one level for each of 3 quantiles, got 1; build the network with levels=3"
    with pytest.raises(ShapeError, match=f"^{re.escape(message)}$"):
        criterion("quantile", QUANTILES)(torch.zeros(1, 2, 1, 1), batch_of(torch.zeros(1, 2, 1)))
