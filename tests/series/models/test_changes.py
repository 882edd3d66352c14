"""Networks that read each value as its change since the one before, such as a price's return."""

import pytest
import torch
from torch import nn

from unrolled.nn import GRUCell
from unrolled.series.models import STRATEGIES, Network, RecursiveForecaster, Seq2SeqForecaster, Sizes, build
from unrolled.series.windows.batch import as_changes


def made(strategy: str, horizon: int = 3, changes: bool = True) -> Network:
    """A network whose head says something from the start."""
    torch.manual_seed(0)
    model = build(strategy, GRUCell, Sizes(horizon=horizon, past=1, known=1, changes=changes), hidden=5).double().eval()
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.5)
    return model


@pytest.fixture
def past() -> torch.Tensor:
    return torch.randn(4, 7, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1)).cumsum(dim=1)


@pytest.fixture
def known() -> torch.Tensor:
    return torch.randn(4, 3, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(2))


def test_each_step_is_read_as_its_change_and_what_is_known_as_it_is(past):
    read = made("multi-output").features(past, past[:, -1:, :2], past.new_zeros(4, 0))
    assert (read[:, 0, :2] == 0).all()
    torch.testing.assert_close(read[:, 1:, :2], past[:, 1:, :2] - past[:, :-1, :2])
    assert (read[..., 2] == past[..., 2]).all()


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_level_is_no_matter_and_what_is_read_is(strategy, past, known):
    level = torch.tensor([7.0, -3.0, 0.0], dtype=torch.float64)
    with torch.no_grad():
        said = made(strategy)(past, known)
        torch.testing.assert_close(made(strategy)(past + level, known), said + 7)
        assert (made(strategy, changes=False)(past, known) - said).abs().min() > 1e-6


def test_recursive_reads_what_it_said_as_a_change(past, known):
    model = made("recursive", horizon=2)
    assert isinstance(model, RecursiveForecaster)
    one = made("recursive", horizon=1)
    one.load_state_dict(model.state_dict())
    with torch.no_grad():
        said = model(past, known[:, :2])
        # The network's own first step, targets and covariates, behind the look-back.
        h, _ = model.rnn(model.features(past, past[:, -1:, :2], past.new_zeros(4, 0)))
        target, covariate = model._next(past[:, -1:, :2], h[:, -1:], known[:, :1])
        longer = torch.cat([past, torch.cat([target[..., 0], covariate, known[:, :1]], dim=-1)], dim=1)
        torch.testing.assert_close(one(longer, known[:, 1:2]), said[:, 1:])


def test_a_decoder_that_reads_its_own_forecasts_as_truths_says_the_same(past, known):
    model = made("seq2seq")
    assert isinstance(model, Seq2SeqForecaster)
    with torch.no_grad():
        said = model(past, known)
        assert model.teacher_forcing == 1
        taught = model._run(past, known, None, said[..., 0])
        torch.testing.assert_close(taught, said)
        model.ratio = 0.5
        torch.testing.assert_close(model._run(past, known, None, said[..., 0]), said)


def test_a_line_reads_the_changes_and_a_last_row_of_zeros(past):
    read = as_changes(past, known=1)
    torch.testing.assert_close(read[:, :-1, :2], past[:, 1:, :2] - past[:, :-1, :2])
    assert (read[:, -1, :2] == 0).all()
    assert (read[..., 2] == past[..., 2]).all()
