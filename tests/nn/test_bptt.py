"""Backpropagation by hand against autograd and torch.nn in float64, finite differences, and cases computed on paper."""

from functools import partial

import jaxtyping
import pytest
import torch
from beartype import beartype
from hypothesis import given
from hypothesis import strategies as st

from unrolled.errors import SettingsError, ShapeError
from unrolled.nn import ElmanCell, ElmanState, GRUCell, LSTMCell, LSTMState, bptt

CELLS = {
    "tanh": ElmanCell,
    "relu": partial(ElmanCell, nonlinearity="relu"),
    "lstm": LSTMCell,
    "gru": GRUCell,
}
TORCH = {
    "tanh": torch.nn.RNN,
    "relu": partial(torch.nn.RNN, nonlinearity="relu"),
    "lstm": torch.nn.LSTM,
    "gru": torch.nn.GRU,
}
every_cell = pytest.mark.parametrize("name", CELLS)


def close(actual, expected, tolerance=1e-10):
    torch.testing.assert_close(actual, expected, rtol=0, atol=tolerance)


def random(*shape):
    return torch.randn(*shape, dtype=torch.float64)


def case(name, batch=3, time=6, inputs=2, hidden=4, seed=0):
    """A cell, an input, a state before, and the two gradients that a loss hands down."""
    torch.manual_seed(seed)
    cell = CELLS[name](inputs, hidden).double()
    like = cell.initial_state(batch)
    state, d_state = (type(like)(*(random(batch, hidden) for _ in like)) for _ in range(2))
    return cell, random(batch, time, inputs), state, random(batch, time, hidden), d_state


def by_autograd(cell, x, state, d_output, d_state):
    """The cell's own loop, and what autograd makes of Σ output · d_output + Σ last state · d_state."""
    x = x.clone().requires_grad_()
    first = s = type(state)(*(leaf.clone().requires_grad_() for leaf in state))
    outputs = []
    for x_t in x.unbind(dim=1):
        h, s = cell(x_t, s)
        h.retain_grad()
        outputs.append(h)
    loss = (torch.stack(outputs, dim=1) * d_output).sum()
    loss = loss + sum((leaf * d).sum() for leaf, d in zip(s, d_state, strict=True))
    cell.zero_grad()
    loss.backward()
    hidden = torch.stack([h.grad for h in outputs], dim=1)
    parameters = {key: p.grad for key, p in cell.named_parameters()}
    return torch.stack(outputs, dim=1), s, parameters, x.grad, [leaf.grad for leaf in first], hidden


def check_against_autograd(cell, x, state, d_output, d_state):
    trace = bptt.forward(cell, x, state)
    gradients = bptt.backward(cell, trace, d_output, d_state)
    given_state = cell.initial_state(len(x)) if state is None else state
    given_d_state = type(given_state)(*map(torch.zeros_like, given_state)) if d_state is None else d_state
    output, after, parameters, d_x, d_first, hidden = by_autograd(cell, x, given_state, d_output, given_d_state)
    close(trace.output, output.detach())
    assert type(trace.state) is type(gradients.state) is type(after)
    for leaf, twin in zip(trace.state, after, strict=True):
        close(leaf, twin.detach())
    assert gradients.parameters.keys() == parameters.keys()
    for key, gradient in parameters.items():
        close(gradients.parameters[key], gradient)
    close(gradients.x, d_x)
    for leaf, twin in zip(gradients.state, d_first, strict=True):
        close(leaf, twin)
    close(gradients.hidden, hidden)


@every_cell
@pytest.mark.parametrize("with_state", [False, True])
@pytest.mark.parametrize("with_d_state", [False, True])
def test_equal_to_autograd_through_the_cells_loop(name, with_state, with_d_state):
    cell, x, state, d_output, d_state = case(name)
    check_against_autograd(cell, x, state if with_state else None, d_output, d_state if with_d_state else None)


@every_cell
@given(batch=st.integers(1, 4), time=st.integers(1, 7), inputs=st.integers(1, 4), hidden=st.integers(1, 5))
def test_equal_to_autograd_whatever_the_sizes(name, batch, time, inputs, hidden):
    check_against_autograd(*case(name, batch, time, inputs, hidden, seed=batch + 10 * time))


@every_cell
def test_equal_to_torchs_modules(name):
    cell, x, state, d_output, d_state = case(name)
    theirs = TORCH[name](2, 4, batch_first=True).double()
    theirs.load_state_dict({f"{key}_l0": value for key, value in cell.state_dict().items()})
    x.requires_grad_()
    before = [leaf[None].clone().requires_grad_() for leaf in state]
    output, after = theirs(x, tuple(before) if name == "lstm" else before[0])
    after = after if name == "lstm" else (after,)
    torch.autograd.backward([output, *after], [d_output, *(d[None] for d in d_state)])

    trace = bptt.forward(cell, x, state)
    gradients = bptt.backward(cell, trace, d_output, d_state)
    close(trace.output, output.detach())
    for key, p in theirs.named_parameters():
        close(gradients.parameters[key.removesuffix("_l0")], p.grad)
    close(gradients.x, x.grad)
    for leaf, twin in zip(gradients.state, before, strict=True):
        close(leaf, twin.grad[0])


@every_cell
def test_agrees_with_finite_differences(name):
    cell, x, state, d_output, d_state = case(name, batch=1, time=3, inputs=1, hidden=2)
    gradients = bptt.backward(cell, bptt.forward(cell, x, state), d_output, d_state)

    def loss():
        trace = bptt.forward(cell, x, state)
        last = sum((leaf * d).sum() for leaf, d in zip(trace.state, d_state, strict=True))
        return (trace.output * d_output).sum() + last

    step = 1e-6
    pairs = [(p.data, gradients.parameters[key]) for key, p in cell.named_parameters()]
    for tensor, gradient in [*pairs, (x, gradients.x), *zip(state, gradients.state, strict=True)]:
        for place in range(tensor.numel()):
            entry = tensor.view(-1)
            kept = entry[place].item()
            entry[place] = kept + step
            above = loss()
            entry[place] = kept - step
            below = loss()
            entry[place] = kept
            close(gradient.reshape(-1)[place], (above - below) / (2 * step), tolerance=1e-8)


def test_a_linear_network_on_paper():
    """relu in its linear part: h_t = u x_t + w h_{t-1}, so h_3 = u (x_3 + w x_2 + w² x_1) + w³ h_0; and L = h_3."""
    u, w, x, h_0 = 2.0, 0.5, [1.0, 3.0, 5.0], 4.0
    cell = ElmanCell(1, 1, nonlinearity="relu").double()
    with torch.no_grad():
        for p, value in zip(cell.parameters(), (u, w, 0.0, 0.0), strict=True):
            p.fill_(value)
    state = ElmanState(torch.tensor([[h_0]], dtype=torch.float64))
    trace = bptt.forward(cell, torch.tensor(x, dtype=torch.float64).reshape(1, 3, 1), state)
    assert trace.output.flatten().tolist() == [4.0, 8.0, 14.0]
    d_output = torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64).reshape(1, 3, 1)
    gradients = bptt.backward(cell, trace, d_output)
    assert gradients.hidden.flatten().tolist() == [w**2, w, 1.0]
    assert gradients.x.flatten().tolist() == [u * w**2, u * w, u]
    assert gradients.state.h.item() == w**3
    assert gradients.parameters["weight_ih"].item() == x[2] + w * x[1] + w**2 * x[0]
    assert gradients.parameters["weight_hh"].item() == 8.0 + w * 4.0 + w**2 * h_0  # Σ ∂L/∂h_t h_{t-1}
    assert gradients.parameters["bias_ih"].item() == gradients.parameters["bias_hh"].item() == 1 + w + w**2


def test_an_lstm_that_forgets_nothing_carries_the_error_unchanged():
    """The constant error carousel: with f = 1 and no weight on h, ∂L/∂c_0 is ∂L/∂c_T at any distance."""
    cell = LSTMCell(1, 2).double()
    with torch.no_grad():
        for p in cell.parameters():
            p.zero_()
        cell.bias_ih[2:4] = 100.0
    trace = bptt.forward(cell, random(1, 200, 1))
    d_c = torch.tensor([[1.0, -3.0]], dtype=torch.float64)
    gradients = bptt.backward(cell, trace, torch.zeros(1, 200, 2).double(), LSTMState(torch.zeros_like(d_c), d_c))
    assert torch.equal(gradients.state.c, d_c)


@every_cell
def test_nothing_has_a_graph(name):
    cell, x, state, d_output, d_state = case(name)
    for tensor in (x, *state, d_output, *d_state):
        tensor.requires_grad_()
    trace = bptt.forward(cell, x * 1, type(state)(*(leaf * 1 for leaf in state)))
    gradients = bptt.backward(cell, trace, d_output, d_state)
    tensors = [trace.output, trace.x, *sum(trace.states, ()), *sum(trace.gates, ())]
    tensors += [*gradients.parameters.values(), gradients.x, *gradients.state, gradients.hidden]
    assert not any(tensor.requires_grad for tensor in tensors)


@every_cell
def test_the_shapes_are_as_annotated(name):
    cell, x, state, d_output, d_state = case(name)
    check = jaxtyping.jaxtyped(typechecker=beartype)
    trace = check(bptt.forward)(cell, x, state)
    gradients = check(bptt.backward)(cell, trace, d_output, d_state)
    assert gradients.x.shape == x.shape
    assert gradients.hidden.shape == trace.output.shape == d_output.shape
    with pytest.raises(jaxtyping.TypeCheckError):
        check(bptt.forward)(cell, x[0], state)


@every_cell
def test_works_in_inference_mode(name):
    cell, x, state, d_output, d_state = case(name)
    expected = bptt.backward(cell, bptt.forward(cell, x, state), d_output, d_state)
    with torch.inference_mode():
        actual = bptt.backward(cell, bptt.forward(cell, x, state), d_output, d_state)
    assert all(torch.equal(actual.parameters[key], expected.parameters[key]) for key in expected.parameters)


class Derived(LSTMCell):
    pass


@pytest.mark.parametrize("cell", [Derived(1, 1), torch.nn.LSTM(1, 1)])
def test_a_cell_without_equations_is_refused(cell):
    message = (
        f"no equations by hand for {type(cell).__name__}, only for ElmanCell, LSTMCell, GRUCell; "
        "autograd serves any: loss.backward()"
    )
    with pytest.raises(SettingsError) as raised:
        bptt.forward(cell, torch.zeros(1, 1, 1))
    assert str(raised.value) == message
    trace = bptt.forward(LSTMCell(1, 1), torch.zeros(1, 1, 1))
    with pytest.raises(SettingsError) as raised:
        bptt.backward(cell, trace, torch.zeros(1, 1, 1))
    assert str(raised.value) == message


@pytest.mark.parametrize("shape", [(3, 2), (3, 0, 2), (2,)])
def test_an_input_without_steps_is_refused(shape):
    with pytest.raises(ShapeError) as raised:
        bptt.forward(LSTMCell(2, 4), torch.zeros(shape))
    assert str(raised.value) == f"bptt.forward reads (batch, time, input) with at least one step, got {shape}"


def test_gradients_and_states_of_the_wrong_shape_are_refused():
    cell, x, _, d_output, _ = case("lstm")
    trace = bptt.forward(cell, x)
    small = torch.zeros(3, 2).double()
    for call, message in [
        (
            lambda: bptt.backward(cell, trace, d_output[:, :2]),
            "d_output must be (3, 6, 4), as the output is, got (3, 2, 4)",
        ),
        (
            lambda: bptt.backward(cell, trace, d_output, ElmanState(trace.state.h)),
            "d_state must be LSTMState, got ElmanState",
        ),
        (
            lambda: bptt.backward(cell, trace, d_output, LSTMState(trace.state.h, small)),
            "d_state must be LSTMState with leaves of shape [(3, 4), (3, 4)], got [(3, 4), (3, 2)]",
        ),
        (lambda: bptt.forward(cell, x, (small, small)), "the state must be LSTMState, got tuple"),
        (
            lambda: bptt.forward(cell, x, LSTMState(small, small)),
            "the state must be LSTMState with leaves of shape [(3, 4), (3, 4)], got [(3, 2), (3, 2)]",
        ),
    ]:
        with pytest.raises(ShapeError) as raised:
            call()
        assert str(raised.value) == message
