"""RNN against torch.nn in float64 on both paths, laws, and a cell that is not ours."""

import copy
import pickle
from typing import NamedTuple

import jaxtyping
import pytest
import torch
from beartype import beartype
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from unrolled.errors import SettingsError
from unrolled.nn import CELLS, RNN, GRUCell, LSTMCell, LSTMState

TORCH = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}
PATHS = pytest.mark.parametrize("fused", [None, False], ids=["fused", "loop"])


def close(actual, expected, name=""):
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-10, msg=lambda text: f"{name}: {text}")


def random_state(rnn, batch):
    return tuple(type(s)(*(torch.randn_like(leaf).requires_grad_() for leaf in s)) for s in rnn.initial_state(batch))


def leaves(state):
    return [leaf for s in state for leaf in s]


class PeepholeState(NamedTuple):
    h: Tensor
    c: Tensor


class PeepholeCell(nn.Module):
    """A newcomer's cell: its own parameter names, a submodule, and gates that see the memory."""

    def __init__(self, input_size: int, hidden_size: int):
        super().__init__()
        self.hidden_size = hidden_size
        self.mix = nn.Linear(input_size + hidden_size, 4 * hidden_size)
        self.peephole = nn.Parameter(torch.randn(3, hidden_size))

    def initial_state(self, batch: int) -> PeepholeState:
        zeros = self.peephole.new_zeros(batch, self.hidden_size)
        return PeepholeState(zeros, zeros)

    def forward(self, x: Tensor, state: PeepholeState) -> tuple[Tensor, PeepholeState]:
        i, f, g, o = self.mix(torch.cat([x, state.h], dim=-1)).chunk(4, dim=-1)
        p_i, p_f, p_o = self.peephole
        c = (f + p_f * state.c).sigmoid() * state.c + (i + p_i * state.c).sigmoid() * g.tanh()
        h = (o + p_o * c).sigmoid() * c.tanh()
        return h, PeepholeState(h, c)


@PATHS
@pytest.mark.parametrize("given_state", [False, True], ids=["zero", "given"])
@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("name", CELLS)
def test_values_and_gradients_equal_torch(name, layers, given_state, fused):
    torch.manual_seed(0)
    theirs = TORCH[name](3, 5, layers, batch_first=True).double()
    ours = RNN(CELLS[name], 3, 5, layers=layers, fused=fused).double()
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(4, 7, 3, dtype=torch.float64, requires_grad=True)
    state = random_state(ours, 4) if given_state else None

    output, after = ours(x, state)
    before = None
    if state is not None:
        before = tuple(torch.stack(column) for column in zip(*state, strict=True))
        before = before if name == "lstm" else before[0]
    expected, expected_after = theirs(x, before)
    expected_after = expected_after if name == "lstm" else (expected_after,)
    close(output, expected, "output")
    for layer, s in enumerate(after):
        assert type(s) is type(ours.cells[0].initial_state(1))
        for leaf, twin in zip(s, expected_after, strict=True):
            close(leaf, twin[layer], f"state of layer {layer}")

    # Every output and every final state counts, each with its own weight.
    w = torch.randn_like(expected)
    v = torch.randn(len(expected_after), *expected_after[0].shape, dtype=torch.float64)
    our_loss = (output * w).sum() + sum(
        (leaf * v[k, layer]).sum() for layer, s in enumerate(after) for k, leaf in enumerate(s)
    )
    their_loss = (expected * w).sum() + (torch.stack(expected_after) * v).sum()
    inputs = [x, *(leaves(state) if state is not None else [])]
    ours_named, theirs_named = ours.state_dict(keep_vars=True), dict(theirs.named_parameters())
    assert list(ours_named) == list(theirs_named)
    our_gradients = torch.autograd.grad(our_loss, [*ours_named.values(), *inputs])
    their_gradients = torch.autograd.grad(their_loss, [*theirs_named.values(), *inputs])
    labels = [*theirs_named, *(f"input {n}" for n in range(len(inputs)))]
    for label, gradient, twin in zip(labels, our_gradients, their_gradients, strict=True):
        close(gradient, twin, label)


@pytest.mark.parametrize("name", CELLS)
def test_the_same_seed_starts_with_torchs_weights(name):
    torch.manual_seed(3)
    theirs = TORCH[name](3, 5, 2).state_dict()
    torch.manual_seed(3)
    ours = RNN(CELLS[name], 3, 5, layers=2).state_dict()
    assert all(torch.equal(ours[key], theirs[key]) for key in theirs)


@pytest.mark.parametrize("name", CELLS)
def test_state_dicts_go_to_torch_and_back_also_inside_a_model(name):
    def model(rnn: nn.Module) -> nn.Module:  # with neighbours whose names could be taken for the cells' own
        cells = nn.ModuleList([nn.Linear(5, 1)])
        return nn.ModuleDict({"cells": cells, "rnn": rnn, "rnn_l0": nn.Linear(1, 1)})

    ours, theirs = model(RNN(CELLS[name], 3, 5, layers=2)), model(TORCH[name](3, 5, 2))
    for source, target in ((ours, theirs), (theirs, ours)):
        for parameter in source.parameters():
            nn.init.normal_(parameter)
        target.load_state_dict(source.state_dict())
        assert list(target.state_dict()) == list(source.state_dict())
        assert all(torch.equal(target.state_dict()[key], value) for key, value in source.state_dict().items())


def test_a_state_dict_of_another_depth_is_refused():
    with pytest.raises(RuntimeError, match=r"cells\.1\.weight_ih"):
        RNN(GRUCell, 3, 5).load_state_dict(RNN(GRUCell, 3, 5, layers=2).state_dict())
    with pytest.raises(RuntimeError, match=r"cells\.1\.weight_ih"):
        RNN(GRUCell, 3, 5, layers=2).load_state_dict(RNN(GRUCell, 3, 5).state_dict())


@PATHS
def test_copies_are_independent_and_the_same(fused):
    rnn = RNN(LSTMCell, 3, 5, layers=2, fused=fused)
    x = torch.randn(2, 4, 3)
    expected, _ = rnn(x)
    for twin in (copy.deepcopy(rnn), pickle.loads(pickle.dumps(rnn))):
        assert torch.equal(twin(x)[0], expected)
        assert list(twin.state_dict()) == list(rnn.state_dict())
        nn.init.zeros_(twin.state_dict(keep_vars=True)["weight_ih_l0"])
        assert torch.equal(rnn(x)[0], expected)


@PATHS
@pytest.mark.parametrize("name", CELLS)
@settings(deadline=None, max_examples=25)
@given(time=st.integers(2, 9), cut=st.integers(1, 8), batch=st.integers(1, 3), layers=st.integers(1, 3))
def test_two_halves_with_the_state_carried_are_one_run(name, fused, time, cut, batch, layers):
    cut = 1 + cut % (time - 1)
    torch.manual_seed(time)
    rnn = RNN(CELLS[name], 2, 4, layers=layers, fused=fused).double()
    x = torch.randn(batch, time, 2, dtype=torch.float64)
    once, after_once = rnn(x)
    first, state = rnn(x[:, :cut])
    second, after = rnn(x[:, cut:], state)
    close(torch.cat([first, second], dim=1), once)
    for leaf, twin in zip(leaves(after), leaves(after_once), strict=True):
        close(leaf, twin)


@PATHS
@pytest.mark.parametrize("cell", [*CELLS.values(), PeepholeCell], ids=[*CELLS, "peephole"])
@settings(deadline=None, max_examples=25)
@given(order=st.permutations(range(4)), row=st.integers(0, 3))
def test_rows_do_not_depend_on_their_neighbours(cell, fused, order, row):
    torch.manual_seed(row)
    rnn = RNN(cell, 2, 4, layers=2, fused=fused).double()
    x = torch.randn(4, 5, 2, dtype=torch.float64)
    output, after = rnn(x)
    shuffled, _ = rnn(x[list(order)])
    close(shuffled, output[list(order)], "order")
    alone, state = rnn(x[row : row + 1])
    close(alone, output[row : row + 1], "alone")
    for leaf, whole in zip(leaves(state), leaves(after), strict=True):
        close(leaf, whole[row : row + 1], "state alone")


@PATHS
@pytest.mark.parametrize("cell", [*CELLS.values(), PeepholeCell], ids=[*CELLS, "peephole"])
def test_the_future_does_not_change_the_past(cell, fused):
    rnn = RNN(cell, 2, 4, layers=2, fused=fused)
    x = torch.randn(3, 6, 2)
    later = x.clone()
    later[:, 4:] += 100.0
    assert torch.equal(rnn(x)[0][:, :4], rnn(later)[0][:, :4])


@PATHS
def test_dropout_acts_between_layers_in_training_only(fused):
    rnn = RNN(GRUCell, 3, 64, layers=2, dropout=0.5, fused=fused)
    x = torch.randn(2, 4, 3)
    plain = RNN(GRUCell, 3, 64, layers=2, fused=fused)
    plain.load_state_dict(rnn.state_dict())
    assert torch.equal(rnn.eval()(x)[0], plain(x)[0])

    rnn.train()
    torch.manual_seed(5)
    first, _ = rnn(x)
    again, _ = rnn(x)
    torch.manual_seed(5)
    repeated, state = rnn(x)
    assert torch.equal(first, repeated)
    assert not torch.equal(first, again)
    assert torch.equal(state[0].h, plain(x)[1][0].h)  # nothing is dropped before or inside the first layer
    assert torch.equal(state[1].h, first[:, -1])  # nor after the last one


def test_dropout_of_both_paths_is_alike():
    """Second layer = tanh(mean of what is let through), so its mean and spread measure the share that is dropped."""
    torch.manual_seed(0)
    spread = {}
    for fused in (None, False):
        rnn = RNN(CELLS["rnn"], 1, 200, layers=2, dropout=0.25, fused=fused)
        with torch.no_grad():
            for key, weight in rnn.state_dict().items():
                weight.fill_(0.005 if key == "weight_ih_l1" else 0.0)
            rnn.cells[0].bias_ih.fill_(0.5)  # type: ignore[union-attr]
            output, _ = rnn(torch.zeros(2000, 3, 1))
        let_through = output[..., 0].atanh()  # mean of 200 units, each tanh(0.5) / 0.75 with probability 0.75, or 0
        spread[fused] = let_through
    h = torch.tensor(0.5).tanh().item()
    for fused, values in spread.items():
        deviation = h * (0.25 / 0.75 / 200) ** 0.5
        assert values.mean().item() == pytest.approx(h, abs=5 * deviation / 6000**0.5), fused
        assert values.std().item() == pytest.approx(deviation, rel=0.06), fused
        assert not torch.equal(values[:, 0], values[:, 1]), "every step has its own mask"


def test_a_newcomers_cell_runs_and_is_saved():
    torch.manual_seed(0)
    rnn = RNN(PeepholeCell, 3, 5, layers=2).double()
    x = torch.randn(4, 6, 3, dtype=torch.float64)
    output, state = rnn(x)

    y = x
    for cell in rnn.cells:  # a loop by hand
        s, steps = PeepholeState(torch.zeros(4, 5).double(), torch.zeros(4, 5).double()), []
        for t in range(6):
            step, s = cell(y[:, t], s)
            steps.append(step)
        y = torch.stack(steps, dim=1)
    assert torch.equal(output, y)
    assert isinstance(state[1], PeepholeState)
    assert torch.equal(state[1].h, output[:, -1])

    twin = RNN(PeepholeCell, 3, 5, layers=2).double()
    assert "mix.weight_l1" in rnn.state_dict()
    twin.load_state_dict(rnn.state_dict())
    assert torch.equal(twin(x)[0], output)


def test_a_subclass_that_changes_the_step_does_not_run_on_the_kernel():
    class Silent(LSTMCell):
        def forward(self, x, state):
            output, state = super().forward(x, state)
            return torch.zeros_like(output), state

    assert RNN(Silent, 3, 5)(torch.randn(2, 4, 3))[0].abs().max() == 0
    with pytest.raises(SettingsError, match="Silent has no fused kernel"):
        RNN(Silent, 3, 5, fused=True)


def test_a_function_that_builds_cells_will_do():
    rnn = RNN(lambda input_size, hidden_size: LSTMCell(input_size, hidden_size), 3, 5)
    assert isinstance(rnn(torch.zeros(2, 4, 3))[1][0], LSTMState)


def test_the_loop_compiles_to_one_graph():
    rnn = RNN(LSTMCell, 3, 5, layers=2, fused=False)
    x = torch.randn(2, 4, 3)
    compiled = torch.compile(rnn, fullgraph=True, backend="eager")
    close(compiled(x)[0], rnn(x)[0])


@PATHS
def test_bf16_autocast_stays_near_float32(fused):
    torch.manual_seed(0)
    rnn, x = RNN(LSTMCell, 3, 16, layers=2, fused=fused), torch.randn(4, 8, 3)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output, _ = rnn(x)
    assert (output.float() - rnn(x)[0]).abs().max() < 0.02


@PATHS
def test_shapes_are_those_of_the_signature(fused):
    rnn = RNN(LSTMCell, 3, 5, layers=2, fused=fused)
    forward = jaxtyping.jaxtyped(typechecker=beartype)(RNN.forward)
    output, state = forward(rnn, torch.zeros(2, 7, 3), rnn.initial_state(2))
    assert output.shape == (2, 7, 5)
    assert [leaf.shape for leaf in leaves(state)] == [(2, 5)] * 4
