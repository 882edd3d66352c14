"""Truncated BPTT: against full BPTT, against autograd with the states detached by hand, and what it keeps alive."""

import gc
import weakref

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.functional import mse_loss

from unrolled.errors import SettingsError, ShapeError, TrainingError
from unrolled.nn import RNN, GRUCell, LSTMCell
from unrolled.nn.truncated import Chunk, chunks, truncated_bptt


def summed(output, target):
    return ((output - target) ** 2).sum()


def case(cell=LSTMCell, time=12, layers=1):
    torch.manual_seed(0)
    rnn = RNN(cell, 2, 3, layers=layers).double()
    return rnn, torch.randn(2, time, 2, dtype=torch.float64), torch.randn(2, time, 3, dtype=torch.float64)


def leaves(state):
    return [state] if isinstance(state, torch.Tensor) else [leaf for part in state for leaf in leaves(part)]


def gradients(model):
    return [p.grad.clone() for p in model.parameters()]


def all_close(actual, expected):
    for one, other in zip(actual, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-12)


def test_one_chunk_is_full_bptt():
    rnn, x, target = case()
    (chunk,) = truncated_bptt(rnn, chunks(12, x, target), summed)
    actual = gradients(rnn)
    rnn.zero_grad()
    loss = summed(rnn(x)[0], target)
    loss.backward()
    all_close(actual, gradients(rnn))
    assert isinstance(chunk, Chunk)
    assert chunk.loss == pytest.approx(loss.item(), rel=1e-14)


@pytest.mark.parametrize("cell", [LSTMCell, GRUCell])
@given(cut=st.integers(1, 13), layers=st.integers(1, 2))
def test_the_gradient_of_each_chunk_holds_the_state_before_it_constant(cell, cut, layers):
    rnn, x, target = case(cell, layers=layers)
    state = rnn.initial_state(2)
    pieces = zip(x.split(cut, dim=1), target.split(cut, dim=1), strict=True)
    for chunk in truncated_bptt(rnn, chunks(cut, x, target), summed):
        actual = gradients(rnn)
        piece, wanted = next(pieces)
        rnn.zero_grad()
        constant = tuple(type(s)(*(leaf.detach() for leaf in s)) for s in state)
        output, state = rnn(piece, constant)
        summed(output, wanted).backward()
        all_close(actual, gradients(rnn))
        all_close(leaves(chunk.state), leaves(state))
        rnn.zero_grad()
    assert next(pieces, None) is None


@given(cut=st.integers(1, 13))
def test_without_a_step_between_the_cut_changes_no_output_and_the_gradients_add_up(cut):
    rnn, x, target = case()
    given_state = tuple(type(s)(*(torch.randn_like(leaf) for leaf in s)) for s in rnn.initial_state(2))
    run = list(truncated_bptt(rnn, chunks(cut, x, target), summed, given_state))
    output, state = rnn(x, given_state)
    all_close([torch.cat([chunk.output for chunk in run], dim=1)], [output])
    all_close(leaves(run[-1].state), leaves(state))
    assert sum(chunk.loss for chunk in run) == pytest.approx(summed(output, target).item(), rel=1e-12)

    total = gradients(rnn)
    rnn.zero_grad()
    state, sums = given_state, [torch.zeros_like(p) for p in rnn.parameters()]
    for piece, wanted in zip(x.split(cut, dim=1), target.split(cut, dim=1), strict=True):
        output, state = rnn(piece, tuple(type(s)(*(leaf.detach() for leaf in s)) for s in state))
        for s, g in zip(sums, torch.autograd.grad(summed(output, wanted), list(rnn.parameters())), strict=True):
            s += g
    all_close(total, sums)


def test_two_cut_gradients_on_paper():
    """y_t = h_t = w h_{t-1} + x_t: uncut, ∂h_2/∂w = h_1 + w h_0; cut before step 2 it is h_1."""
    w = torch.tensor(0.5, requires_grad=True)

    def model(x, state):
        h = w * state + x
        return h, h

    stream = [(torch.tensor(1.0), None), (torch.tensor(3.0), None)]
    run = truncated_bptt(model, stream, lambda output, _: output, state=torch.tensor(4.0))
    assert next(run).output == 3.0  # 0.5 · 4 + 1
    assert w.grad == 4.0
    assert next(run).output == 4.5  # 0.5 · 3 + 3
    assert w.grad == 4.0 + 3.0  # uncut it were 4 + (3 + 0.5 · 4)


def test_what_is_handed_out_is_cut_from_the_graph():
    rnn, x, target = case()
    for chunk in truncated_bptt(rnn, chunks(5, x, target), summed):
        assert isinstance(chunk.loss, float)
        assert not any(tensor.requires_grad for tensor in (chunk.output, *leaves(chunk.state)))


def test_a_state_with_a_graph_is_held_constant():
    rnn, x, target = case()
    start = torch.ones(2, 3, dtype=torch.float64, requires_grad=True)
    list(truncated_bptt(rnn, chunks(6, x, target), summed, tuple(type(s)(start * 2, start) for s in rnn(x)[1])))
    assert start.grad is None


class Canary:
    pass


def test_nothing_of_a_graph_is_alive_while_the_caller_has_the_chunk():
    rnn, x, target = case()
    graphs = []

    def watched(x, state):
        output, after = rnn(x, state)
        canary = Canary()
        output.grad_fn.metadata["canary"] = canary  # lives as long as the graph's node
        graphs.append(weakref.ref(canary))
        graphs.append(weakref.ref(output))
        return output, after

    def watched_loss(output, target):
        value = summed(output, target)
        graphs.append(weakref.ref(value))
        return value

    gc.disable()  # so that nothing is freed late, by the collector, which hides what the names still hold
    try:
        for done, _ in enumerate(truncated_bptt(watched, chunks(4, x, target), watched_loss), start=1):
            assert len(graphs) == 3 * done
            assert all(graph() is None for graph in graphs)
    finally:
        gc.enable()


def test_chunks_are_asked_for_one_at_a_time():
    rnn, x, target = case()
    asked = []

    def stream():
        for n in range(10**9):
            asked.append(n)
            yield x, target

    run = truncated_bptt(rnn, stream(), mse_loss)
    for n in range(3):
        next(run)
        assert asked == list(range(n + 1))


def test_a_step_between_chunks_moves_the_next_output():
    rnn, x, target = case()
    still = [chunk.output for chunk in truncated_bptt(rnn, chunks(6, x, target), summed)]
    rnn.zero_grad()
    optimizer = torch.optim.SGD(rnn.parameters(), 0.1)
    moved = []
    for chunk in truncated_bptt(rnn, chunks(6, x, target), summed):
        optimizer.step()
        optimizer.zero_grad()
        moved.append(chunk.output)
    assert torch.equal(moved[0], still[0])
    assert not torch.allclose(moved[1], still[1])


@given(steps=st.integers(1, 12), time=st.integers(1, 10))
def test_chunks_cover_the_streams_in_order_as_views(steps, time):
    x, y = torch.randn(2, time, 3), torch.randn(2, time)
    run = list(chunks(steps, x, y))
    assert torch.equal(torch.cat([a for a, _ in run], dim=1), x)
    assert torch.equal(torch.cat([b for _, b in run], dim=1), y)
    assert [a.shape[1] for a, _ in run[:-1]] == [steps] * (len(run) - 1)
    assert all(a.untyped_storage().data_ptr() == x.untyped_storage().data_ptr() for a, _ in run)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: chunks(0, x), SettingsError, "a chunk must have a whole number of steps, at least 1, got 0"),
        (lambda x: chunks(2.5, x), SettingsError, "a chunk must have a whole number of steps, at least 1, got 2.5"),
        (lambda x: chunks(2), SettingsError, "chunks needs a stream to cut: chunks(100, x, target)"),
        (lambda x: chunks(2, x[0, :, 0]), ShapeError, "a stream must be (batch, time, ...), got (12,)"),
        (
            lambda x: chunks(2, x, x[:, 1:]),
            ShapeError,
            "the streams must have the same (batch, time), got (2, 12) and (2, 11)",
        ),
    ],
)
def test_what_chunks_refuses(call, error, message):
    with pytest.raises(error) as raised:
        call(case()[1])
    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("model", "stream", "loss", "error", "message"),
    [
        (
            lambda x, s: (x, s),
            [],
            None,
            TrainingError,
            "there is no chunk to learn from: chunks is empty, or a generator that was used up before",
        ),
        (
            lambda x, s: x,
            [(torch.zeros(2, 5, 1), 0)],
            None,
            ShapeError,
            "the model must return (output, state), got a tensor of shape (2, 5, 1)",
        ),
        (
            lambda x, s: (x, s, s),
            [(torch.zeros(2, 5, 1), 0)],
            None,
            ShapeError,
            "the model must return (output, state), got a tuple of 3",
        ),
        (lambda x, s: None, [(0, 0)], None, ShapeError, "the model must return (output, state), got a NoneType"),
        (
            lambda x, s: (x, s),
            [torch.zeros(2, 5, 1)],
            None,
            ShapeError,
            "a chunk must be (x, target), got a tensor of shape (2, 5, 1)",
        ),
        (
            lambda x, s: (x, s),
            [(torch.zeros(2, 5), torch.zeros(2, 5))],
            lambda output, target: (output - target) ** 2,
            ShapeError,
            "the loss must be a scalar, got a tensor of shape (2, 5); take its mean or its sum",
        ),
        (
            lambda x, s: (x, s),
            [(0, 0)],
            lambda output, target: 1.0,
            ShapeError,
            "the loss must be a scalar, got a float; take its mean or its sum",
        ),
    ],
)
def test_what_truncated_bptt_refuses(model, stream, loss, error, message):
    with pytest.raises(error) as raised:
        list(truncated_bptt(model, stream, loss))
    assert str(raised.value) == message
