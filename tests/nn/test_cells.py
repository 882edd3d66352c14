"""Cells against torch's cells in float64, laws, cases whose answer is known, and the errors' texts."""

import jaxtyping
import pytest
import torch
from beartype import beartype
from hypothesis import given
from hypothesis import strategies as st

from unrolled.errors import SettingsError, ShapeError
from unrolled.nn import CELLS, ElmanCell, GRUCell, GRUState, LSTMCell, LSTMState, cell_named

TORCH = {"rnn": torch.nn.RNNCell, "lstm": torch.nn.LSTMCell, "gru": torch.nn.GRUCell}


def close(actual, expected, name=""):
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-12, msg=lambda text: f"{name}: {text}")


def random_state(cell, batch):
    like = cell.initial_state(batch)
    return type(like)(*(torch.randn_like(leaf).requires_grad_() for leaf in like))


@pytest.mark.parametrize("name", CELLS)
def test_values_and_gradients_equal_torch(name):
    torch.manual_seed(0)
    theirs = TORCH[name](3, 5).double()
    ours = CELLS[name](3, 5).double()
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    state = random_state(ours, 4)

    output, after = ours(x, state)
    expected = theirs(x, tuple(state) if name == "lstm" else state.h)
    expected = expected if name == "lstm" else (expected,)
    close(output, expected[0])
    for leaf, twin in zip(after, expected, strict=True):
        close(leaf, twin)

    weights = [torch.randn_like(leaf) for leaf in expected]
    inputs = [x, *state]
    ours_loss = sum((leaf * w).sum() for leaf, w in zip(after, weights, strict=True))
    their_loss = sum((leaf * w).sum() for leaf, w in zip(expected, weights, strict=True))
    our_gradients = torch.autograd.grad(ours_loss, [*ours.parameters(), *inputs])
    their_gradients = torch.autograd.grad(their_loss, [*theirs.parameters(), *inputs])
    for gradient, twin in zip(our_gradients, their_gradients, strict=True):
        close(gradient, twin)


@pytest.mark.parametrize("name", CELLS)
def test_the_same_seed_starts_with_torchs_weights(name):
    torch.manual_seed(7)
    theirs = TORCH[name](3, 5).state_dict()
    torch.manual_seed(7)
    ours = CELLS[name](3, 5).state_dict()
    assert list(ours) == list(theirs)
    assert all(torch.equal(ours[key], theirs[key]) for key in theirs)


@pytest.mark.parametrize("name", CELLS)
def test_gradients_agree_with_finite_differences(name):
    torch.manual_seed(0)
    cell = CELLS[name](2, 3).double()
    state = random_state(cell, 2)
    x = torch.randn(2, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x, *leaves: tuple(cell(x, type(state)(*leaves))[1]), (x, *state))


@pytest.mark.parametrize("name", CELLS)
@given(batch=st.integers(1, 6), row=st.integers(0, 5))
def test_a_row_does_not_depend_on_its_neighbours(name, batch, row):
    row %= batch
    torch.manual_seed(batch)
    cell = CELLS[name](3, 5).double()
    x, state = torch.randn(batch, 3, dtype=torch.float64), random_state(cell, batch)
    together, _ = cell(x, state)
    alone, _ = cell(x[row : row + 1], type(state)(*(leaf[row : row + 1] for leaf in state)))
    close(together[row : row + 1], alone)


@pytest.mark.parametrize("name", CELLS)
def test_outputs_have_the_shapes_of_the_signature(name):
    cell = CELLS[name](3, 5)
    forward = jaxtyping.jaxtyped(typechecker=beartype)(CELLS[name].forward)
    output, state = forward(cell, torch.zeros(2, 3), cell.initial_state(2))
    assert output.shape == (2, 5)
    assert all(leaf.shape == (2, 5) for leaf in state)
    with pytest.raises(jaxtyping.TypeCheckError):
        forward(cell, torch.zeros(2, 3, 1), cell.initial_state(2))


@pytest.mark.parametrize("name", ["lstm", "gru"])
def test_gates_stay_in_their_range(name):
    torch.manual_seed(0)
    cell = CELLS[name](3, 5).double()
    gates = cell.gates(torch.randn(100, 3).double() * 3, random_state(cell, 100))._asdict()
    for gate in set(gates) - {"g", "n"}:
        assert 0 < gates[gate].min() < 0.5 < gates[gate].max() < 1
    candidate = gates.get("g", gates.get("n"))
    assert -1 < candidate.min() < -0.5 < 0.5 < candidate.max() < 1


def zeroed(cell):
    for parameter in cell.parameters():
        torch.nn.init.zeros_(parameter)
    return cell


def test_an_lstms_open_forget_gate_keeps_the_memory():
    cell = zeroed(LSTMCell(1, 2))
    with torch.no_grad():
        cell.bias_ih[2:4] = 100.0  # the forget gate is open; the candidate is tanh(0) = 0, so nothing is written
    memory = torch.tensor([[0.3, -0.7]])
    _, state = cell(torch.ones(1, 1), LSTMState(torch.zeros(1, 2), memory))
    assert torch.equal(state.c, memory)


def test_a_grus_closed_update_gate_forgets_and_an_open_one_keeps():
    cell = zeroed(GRUCell(1, 2))
    before = torch.tensor([[0.3, -0.7]])
    for bias, expected in ((100.0, before), (-100.0, torch.zeros(1, 2))):
        with torch.no_grad():
            cell.bias_ih[2:4] = bias
        output, _ = cell(torch.ones(1, 1), GRUState(before))
        assert torch.allclose(output, expected, atol=1e-7)


def test_an_elman_cell_by_hand():
    cell = zeroed(ElmanCell(1, 1)).double()
    with torch.no_grad():
        cell.weight_ih.fill_(2.0)
        cell.bias_hh.fill_(-1.0)
    output, _ = cell(torch.tensor([[1.0]]).double(), cell.initial_state(1))
    assert output.item() == pytest.approx(0.7615941559557649, abs=1e-15)  # tanh(2 · 1 - 1)


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize(
    ("x", "batch", "message"),
    [
        (
            torch.zeros(2, 4),
            2,
            r"reads 3 features a step, got 4 \(input of shape \(2, 4\)\); build .*input_size=4",
        ),
        (torch.zeros(2, 7, 3), 2, r"reads one step of shape \(batch, 3\), got \(2, 7, 3\); RNN reads sequences"),
        (torch.zeros(3), 2, r"reads one step of shape \(batch, 3\), got \(3,\)"),
        (torch.zeros(2, 3, dtype=torch.int64), 2, r"reads real numbers, got torch\.int64; convert .* \.float\(\)"),
        (torch.zeros(2, 3), 4, r"must be \(batch, hidden\) = \(2, 5\), got \(4, 5\); initial_state\(2\) makes one"),
    ],
)
def test_wrong_input_says_what_came_and_what_to_do(name, x, batch, message):
    cell = CELLS[name](3, 5)
    with pytest.raises(ShapeError, match=message) as caught:
        cell(x, cell.initial_state(batch))
    assert "\n" not in str(caught.value)


def test_sizes_below_one_are_refused():
    with pytest.raises(SettingsError, match="input_size must be at least 1, got 0"):
        LSTMCell(0, 5)
    with pytest.raises(SettingsError, match="hidden_size must be at least 1, got -2"):
        GRUCell(3, -2)


def test_cells_go_by_name():
    assert [cell_named(name) for name in ("rnn", "lstm", "gru")] == [ElmanCell, LSTMCell, GRUCell]
    with pytest.raises(SettingsError, match="unknown cell 'lstn'; nearest: 'lstm'"):
        cell_named("lstn")
