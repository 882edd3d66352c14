"""Cells against torch's cells in float64, laws, cases whose answer is known, and the errors' texts."""

from functools import partial

import jaxtyping
import pytest
import torch
from beartype import beartype
from hypothesis import given
from hypothesis import strategies as st
from newcomer import PeepholeCell

from unrolled.errors import SettingsError, ShapeError
from unrolled.nn import ElmanCell, ElmanState, GRUCell, GRUState, LSTMCell, LSTMState, cell_named

CELLS = {"tanh": ElmanCell, "relu": partial(ElmanCell, nonlinearity="relu"), "lstm": LSTMCell, "gru": GRUCell}
TORCH = {
    "tanh": torch.nn.RNNCell,
    "relu": partial(torch.nn.RNNCell, nonlinearity="relu"),
    "lstm": torch.nn.LSTMCell,
    "gru": torch.nn.GRUCell,
}


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


@pytest.mark.parametrize("cell", [*CELLS.values(), PeepholeCell], ids=[*CELLS, "peephole"])
def test_gradients_agree_with_finite_differences(cell):
    torch.manual_seed(0)
    cell = cell(2, 3).double()
    state = random_state(cell, 2)
    x = torch.randn(2, 2, dtype=torch.float64, requires_grad=True)
    if isinstance(cell, ElmanCell):
        (a,) = cell.gates(x, state)
        assert (a.abs().amin() > 0.01) & (a.min() < 0) & (a.max() > 0), "away from the kink of relu, and on both sides"
    names, weights = zip(*cell.named_parameters(), strict=True)

    def step(x, *others):
        leaves, weights = others[: len(state)], others[len(state) :]
        arguments = (x, type(state)(*leaves))
        output, after = torch.func.functional_call(cell, dict(zip(names, weights, strict=True)), arguments)
        return output, *after

    assert torch.autograd.gradcheck(step, (x, *state, *weights))


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
    typed = jaxtyping.jaxtyped(typechecker=beartype)
    output, state = typed(type(cell).forward)(cell, torch.zeros(2, 3), cell.initial_state(2))
    assert output.shape == (2, 5)
    assert all(leaf.shape == (2, 5) for leaf in state)
    outputs, state = typed(type(cell).unroll)(cell, torch.zeros(2, 7, 3), cell.initial_state(2), torch.tensor([7, 4]))
    assert outputs.shape == (2, 7, 5)
    assert all(leaf.shape == (2, 5) for leaf in (*state, *typed(type(cell).gates)(cell, torch.zeros(2, 3), state)))
    with pytest.raises(jaxtyping.TypeCheckError):
        typed(type(cell).forward)(cell, torch.zeros(2, 3, 1), cell.initial_state(2))


GATES = {
    "tanh": ("preactivation",),
    "relu": ("preactivation",),
    "lstm": ("input", "forget", "candidate", "output"),
    "gru": ("reset", "update", "candidate"),
}


@pytest.mark.parametrize("name", CELLS)
def test_gates_are_the_equations_read_from_the_state_dict(name):
    """Row by row from the weights, in torch's gate order, by hand."""
    torch.manual_seed(0)
    cell = CELLS[name](3, 5).double()
    x, state = torch.randn(2, 3).double(), random_state(cell, 2)
    gates = cell.gates(x, state)
    assert gates._fields == GATES[name]
    blocks = {key: value.reshape(len(gates), 5, -1) for key, value in cell.state_dict().items()}
    for n, (gate, value) in enumerate(gates._asdict().items()):
        w_x, w_h, b_x, b_h = (blocks[key][n] for key in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
        of_x, of_h = x @ w_x.T + b_x[:, 0], state.h @ w_h.T + b_h[:, 0]
        if name == "gru" and gate == "candidate":
            of_h = gates.reset * of_h
        expected = of_x + of_h
        if gate == "candidate":
            expected = expected.exp() ** 2
            expected = (expected - 1) / (expected + 1)
        elif gate != "preactivation":
            expected = 1 / (1 + (-expected).exp())
        close(value, expected, gate)


@pytest.mark.parametrize("cell", [*CELLS.values(), PeepholeCell], ids=[*CELLS, "peephole"])
def test_forward_uses_the_gates(cell, monkeypatch):
    """So a tool that looks at the gates sees those that are at work, and a subclass can change them."""
    cell = cell(3, 5)
    gates, seen = cell.gates, []
    monkeypatch.setattr(cell, "gates", lambda x, state: seen.append(gates(x, state)) or seen[-1])
    x, state = torch.randn(2, 3), random_state(cell, 2)
    cell(x, state)
    assert len(seen) == 1
    assert torch.equal(seen[0][0], gates(x, state)[0])


@pytest.mark.parametrize("name", ["lstm", "gru"])
def test_gates_stay_in_their_range(name):
    torch.manual_seed(0)
    cell = CELLS[name](3, 5).double()
    gates = cell.gates(torch.randn(100, 3).double() * 3, random_state(cell, 100))._asdict()
    candidate = gates.pop("candidate")
    for gate in gates.values():
        assert 0 < gate.min() < 0.5 < gate.max() < 1
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


def test_an_elman_cell_with_relu_by_hand():
    cell = ElmanCell(1, 2, nonlinearity="relu")
    with torch.no_grad():
        for weight, value in zip(
            cell.parameters(), ([[2.0], [1.0]], [[1.0, 0], [0, 1]], [0.0, -4], [0.0, 0]), strict=True
        ):
            weight.copy_(torch.tensor(value))
    output, state = cell(torch.tensor([[1.0]]), ElmanState(torch.tensor([[3.0, 1.0]])))
    assert output.tolist() == [[5.0, 0.0]]  # relu(2 + 3), relu(1 - 4 + 1)
    assert state.h is output


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


@pytest.mark.parametrize(
    ("nonlinearity", "message"),
    [
        ("rleu", "unknown nonlinearity 'rleu'; nearest: 'relu'"),
        ("Tanh", "unknown nonlinearity 'Tanh'; nearest: 'tanh'"),
        ("sigmoid", "unknown nonlinearity 'sigmoid'; there are: tanh, relu"),
    ],
)
def test_an_unknown_nonlinearity_is_told_the_nearest(nonlinearity, message):
    with pytest.raises(SettingsError) as caught:
        ElmanCell(3, 5, nonlinearity=nonlinearity)
    assert str(caught.value) == message


def test_cells_go_by_name():
    assert [cell_named(name) for name in ("rnn", "lstm", "gru")] == [ElmanCell, LSTMCell, GRUCell]
    with pytest.raises(SettingsError, match="unknown cell 'lstn'; nearest: 'lstm'"):
        cell_named("lstn")
