"""One network a step: each by itself, nothing shared."""

import torch

from unrolled.nn import LSTMCell
from unrolled.series.models import DirectForecaster, Sizes, StepForecaster
from unrolled.series.models.losses import criterion

SIZES = Sizes(horizon=3, targets=2, past=1, known=2, static=1, levels=2)


def test_each_step_is_said_by_a_one_step_network_of_its_own(windows, shaken):
    model, batch = shaken("direct", LSTMCell, SIZES), windows(SIZES)
    assert isinstance(model, DirectForecaster)
    said = model(batch.past, batch.known, batch.static)
    for k, network in enumerate(model.networks):
        assert isinstance(network, StepForecaster)
        alone = network(batch.past, batch.known[:, k : k + 1], batch.static)
        assert torch.equal(said[:, k], alone[:, 0])
    starts = [network.rnn.cells[0].weight_ih for network in model.networks]
    assert not torch.equal(starts[0], starts[1])


def test_the_error_of_a_step_moves_its_own_network_alone(windows, shaken):
    model, batch = shaken("direct", LSTMCell, SIZES), windows(SIZES)
    future = torch.full_like(batch.future, torch.nan)
    future[:, 1] = batch.future[:, 1]
    model.loss(batch._replace(future=future), criterion("quantile", (0.2, 0.8))).backward()
    for k, network in enumerate(model.networks):
        moved = [bool((parameter.grad != 0).any()) for parameter in network.parameters()]
        assert moved == [k == 1] * len(moved)
