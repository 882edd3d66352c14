"""The multi-output network against torch's own layers and the equations in its docstring."""

import pytest
import torch
from torch import Tensor, nn

from unrolled.nn import CELLS, RNN, LSTMCell
from unrolled.series.models import Sizes, StepForecaster
from unrolled.series.models.losses import criterion

CELL = pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)


class Bare(nn.Module):
    """The network with nothing known ahead, as first published: the change of one target since its last value."""

    def __init__(self, cell, channels, horizon, hidden, layers, dropout):
        super().__init__()
        self.rnn = RNN(cell, channels, hidden, layers=layers, dropout=dropout if layers > 1 else 0.0)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(hidden, horizon)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, past):
        last = past[:, -1:]
        output, _ = self.rnn(past - last)
        return last[:, 0, :1] + self.head(self.dropout(output[:, -1]))


@CELL
@pytest.mark.parametrize("layers", [1, 2])
def test_with_one_target_and_nothing_known_ahead_it_is_the_bare_network_bit_for_bit(cell, layers):
    """The same weights from the same seed, under the same names; the same forecasts, gradients and dropout."""
    torch.manual_seed(3)
    bare = Bare(cell, 3, 4, 5, layers, 0.3)
    torch.manual_seed(3)
    ours = StepForecaster(cell, Sizes(horizon=4, past=2), 5, layers, 0.3)
    start = ours.state_dict()
    assert list(start) == list(bare.state_dict())
    assert all(torch.equal(start[name], value) for name, value in bare.state_dict().items())
    nn.init.normal_(bare.head.weight)
    ours.load_state_dict(bare.state_dict())
    past, future = torch.randn(6, 9, 3), torch.randn(6, 4)
    said = []
    for model in (bare, ours):
        torch.manual_seed(5)
        said.append(model(past).view(6, 4))
        (said[-1] - future).abs().mean().backward()
    assert torch.equal(*said)
    for (name, a), b in zip(bare.named_parameters(), ours.parameters(), strict=True):
        assert torch.equal(a.grad, b.grad), name


@pytest.mark.parametrize("name", ["rnn", "lstm", "gru"])
def test_it_reads_changes_what_is_known_and_what_is_static(name, windows, shaken):
    """Two targets, two past covariates, one known, two static, three levels; each number by itself."""
    sizes = Sizes(horizon=3, targets=2, past=2, known=1, static=2, levels=3)
    model, batch = shaken("multi-output", CELLS[name], sizes), windows(sizes)
    twin = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}[name](7, 5, batch_first=True).double()
    twin.load_state_dict(model.rnn.state_dict())
    said = model(batch.past, batch.known, batch.static)
    effect = model.known
    for row in range(4):
        x, known, static = batch.past[row], batch.known[row], batch.static[row]
        read = [torch.cat([step[:4] - x[-1, :4], step[4:], static]) for step in x]
        h = twin(torch.stack(read)[None])[0][0, -1]
        for k in range(3):
            a = effect.from_state.weight @ h + effect.from_state.bias + effect.from_known.weight @ known[k]
            for target in range(2):
                levels = []
                for level in range(3):
                    n = target * 3 + level
                    change = model.head.weight[k * 6 + n] @ h + model.head.bias[k * 6 + n]
                    levels.append(x[-1, target] + change + effect.out.weight[n] @ a.tanh())
                expected = torch.stack(sorted(levels, key=Tensor.item))
                torch.testing.assert_close(said[row, k, target], expected, rtol=0, atol=1e-12)


def test_a_level_of_past_covariates_says_nothing_and_one_of_known_covariates_does(windows, shaken):
    sizes = Sizes(horizon=2, past=1, known=1)
    model, batch = shaken("multi-output", LSTMCell, sizes), windows(sizes)
    before = model(batch.past, batch.known)
    torch.testing.assert_close(model(batch.past + torch.tensor([0.0, 9.0, 0.0]), batch.known), before)
    assert (model(batch.past + torch.tensor([0.0, 0.0, 9.0]), batch.known) - before).abs().min() > 1e-4


@CELL
def test_gradients_reach_every_parameter_after_one_step(cell, windows):
    """At the very first step the head is zero, and nothing reaches what lies below; from the second on all learns."""
    torch.manual_seed(0)
    sizes = Sizes(horizon=4, targets=2, past=1, known=2, static=1, levels=3)
    model = StepForecaster(cell, sizes, 5, layers=2)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    for seed in range(2):
        optimizer.zero_grad()
        batch = windows(sizes, batch=16, seed=seed, dtype=torch.float32)
        model.loss(batch, criterion("quantile", (0.1, 0.5, 0.9))).backward()
        optimizer.step()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert (parameter.grad != 0).any(dim=-1).float().mean() > 0.5, name
