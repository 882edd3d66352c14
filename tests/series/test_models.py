"""The forecasting network by its laws, and its loss against a loop."""

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from unrolled.nn.cells import LSTMCell
from unrolled.nn.names import CELLS
from unrolled.series.examples import Examples
from unrolled.series.fit import absolute_error, fit_network
from unrolled.series.models import StepForecaster, forecast
from unrolled.series.plan import Architecture
from unrolled.series.split import Split
from unrolled.training import TrainingSettings

CELL = pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)


def trained(cell, **about) -> StepForecaster:
    """A network whose head has been anywhere but at zero."""
    torch.manual_seed(1)
    model = StepForecaster(cell, channels=3, horizon=4, hidden=5, **about)
    nn.init.normal_(model.head.weight)
    nn.init.normal_(model.head.bias)
    return model


@CELL
def test_untrained_it_is_the_naive_forecast_bit_for_bit(cell):
    past = torch.randn(6, 9, 3)
    ahead = StepForecaster(cell, channels=3, horizon=4, hidden=5, layers=2, dropout=0.5)(past)
    assert torch.equal(ahead, past[:, -1:, 0].expand(6, 4))


@pytest.mark.parametrize("name", ["rnn", "lstm", "gru"])
def test_it_reads_differences_from_the_last_value_and_says_the_change_since_it(name):
    """Against torch's own layer and the equations in the docstring."""
    model = trained(CELLS[name]).double()
    past = torch.randn(6, 9, 3, dtype=torch.float64)
    layer = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}[name]
    twin = layer(3, 5, batch_first=True).double()
    twin.load_state_dict(model.rnn.state_dict())
    for row, own in zip(past, model(past), strict=True):
        differences = torch.stack([step - row[-1] for step in row])
        h = twin(differences[None])[0][0, -1]
        expected = [row[-1, 0] + h @ model.head.weight[k] + model.head.bias[k] for k in range(4)]
        torch.testing.assert_close(own, torch.stack(expected), rtol=0, atol=1e-12)


@CELL
@settings(deadline=None, max_examples=20)
@given(shift=st.floats(-100, 100), seed=st.integers(0, 99))
def test_a_shift_of_the_level_shifts_the_forecast_by_as_much(cell, shift, seed):
    model = trained(cell).double()
    past = torch.randn(2, 8, 3, generator=torch.Generator().manual_seed(seed)).double()
    up = past.clone()
    up[:, :, 0] += shift
    torch.testing.assert_close(model(up), model(past) + shift, rtol=0, atol=1e-10)
    covariates = past.clone()
    covariates[:, :, 1:] += shift  # their level says nothing
    torch.testing.assert_close(model(covariates), model(past), rtol=0, atol=1e-10)


@CELL
def test_gradients_reach_every_parameter_after_one_step(cell):
    """At the very first step the head is zero, and nothing reaches what lies below; from the second on all learns."""
    torch.manual_seed(0)
    model = StepForecaster(cell, channels=3, horizon=4, hidden=5, layers=2)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    past, future = torch.randn(16, 9, 3), torch.randn(16, 4)
    for _ in range(2):
        optimizer.zero_grad()
        absolute_error(model(past), future).backward()
        optimizer.step()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert (parameter.grad != 0).any(dim=-1).float().mean() > 0.5, name


def test_dropout_acts_in_training_only_and_a_single_layer_may_have_it():
    model = trained(LSTMCell, dropout=0.5)
    past = torch.randn(6, 9, 3)
    assert not torch.equal(model(past), model(past))
    model.train()
    ahead = forecast(model, past.split(4))
    assert model.training  # as it was
    assert torch.equal(ahead, forecast(model.eval(), past.split(4)))
    assert not model.training
    assert ahead.shape == (6, 4)
    assert not ahead.requires_grad
    torch.testing.assert_close(ahead, model(past).detach())


@settings(deadline=None)
@given(
    cells=st.lists(
        st.tuples(st.floats(-5, 5, width=32), st.one_of(st.just(math.nan), st.floats(-5, 5, width=32))),
        min_size=2,
        max_size=12,
    )
)
def test_the_loss_and_its_gradient_equal_a_loop_over_what_was_observed(cells):
    said = torch.tensor([value for value, _ in cells], dtype=torch.float64, requires_grad=True)
    actual = torch.tensor([value for _, value in cells], dtype=torch.float64)
    observed = [(f, a) for f, a in cells if not math.isnan(a)]
    loss = absolute_error(said[None], actual[None])
    if not observed:
        assert loss.isnan()
        return
    assert loss.item() == pytest.approx(sum(abs(f - a) for f, a in observed) / len(observed), rel=1e-12, abs=1e-12)
    loss.backward()
    slopes = [0.0 if math.isnan(a) else ((f > a) - (f < a)) / len(observed) for f, a in cells]
    assert said.grad is not None
    assert said.grad.tolist() == pytest.approx(slopes)


def test_fitting_is_the_same_for_one_seed_and_another_for_another(panel_of):
    rng = torch.Generator().manual_seed(0)
    values = torch.sin(torch.arange(120.0) / 3).add(0.1 * torch.randn(120, generator=rng)).numpy()
    examples = Examples.build(panel_of([values]), Split(84, 96, 120), lookback=6, horizon=2)
    shape = Architecture("gru", 1, 6, 2, 4, 1, 0.0)

    def weights(seed: int):
        state = torch.get_rng_state()
        model, record = fit_network(shape, CELLS["gru"], examples, TrainingSettings(epochs=1, threads=1, seed=seed))
        assert torch.equal(torch.get_rng_state(), state)  # nobody else's random numbers move
        assert not model.training
        return model.state_dict(), record

    (first, record), (again, _), (other, _) = weights(0), weights(0), weights(1)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)
    assert record.records[-1]["validation"] is not None
    still = TrainingSettings(epochs=1, threads=1, learning_rate=1e-30)
    starts = [fit_network(shape, CELLS["gru"], examples, replace(still, seed=seed))[0].state_dict() for seed in (0, 1)]
    assert not torch.equal(starts[0]["rnn.weight_ih_l0"], starts[1]["rnn.weight_ih_l0"])
    model = shape.build(CELLS["gru"])
    model.load_state_dict(first)
    past, future = examples.windows("validation").batch(torch.arange(len(examples.windows("validation"))))
    said = forecast(model, [past])
    assert record.best == pytest.approx(sum((said - future).abs().flatten().tolist()) / future.numel(), rel=1e-6)
