"""MinGRU and its scan, against the plain recurrence in float64, values and gradients; and in the tools."""

import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from unrolled import Forecaster, TrainingSettings, gradient_flow, load, record
from unrolled.errors import SettingsError, ShapeError
from unrolled.nn import RNN, GRUCell, GRUState, MinGRUCell, cell_named, scan


def close(actual, expected, name=""):
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-10, msg=lambda text: f"{name}: {text}")


def by_steps(a, b, h):
    outputs = []
    for t in range(a.shape[1]):
        h = a[:, t] * h + b[:, t]
        outputs.append(h)
    return torch.stack(outputs, dim=1)


@settings(deadline=None, max_examples=60)
@given(
    time=st.integers(1, 70),
    batch=st.integers(1, 3),
    hidden=st.integers(1, 4),
    kind=st.sampled_from(["gate", "any", "zeros"]),
)
def test_the_scan_is_the_recurrence(time, batch, hidden, kind):
    torch.manual_seed(time)
    a = torch.rand(batch, time, hidden).double()
    a = {"gate": a, "any": 4 * a - 2, "zeros": a.round()}[kind].requires_grad_()  # a of 0 cuts the past off
    b = torch.randn(batch, time, hidden).double().requires_grad_()
    h = torch.randn(batch, hidden).double().requires_grad_()
    actual, expected = scan(a, b, h), by_steps(a, b, h)
    size = expected.detach().abs().max().clamp(min=1)
    close(actual / size, expected / size, "values")
    w = torch.randn_like(expected) / size
    gradients = zip(
        torch.autograd.grad((actual * w).sum(), (a, b, h)),
        torch.autograd.grad((expected * w).sum(), (a, b, h)),
        strict=True,
    )
    for gradient, twin in gradients:
        scale = twin.abs().max().clamp(min=1)
        close(gradient / scale, twin / scale, "gradient")


def test_the_scans_gradients_have_gradients():
    inputs = [torch.rand(2, 5, 2), torch.randn(2, 5, 2), torch.randn(2, 2)]
    inputs = [each.double().requires_grad_() for each in inputs]
    assert torch.autograd.gradcheck(scan, inputs)
    assert torch.autograd.gradgradcheck(scan, inputs)


def test_the_scan_leaves_what_it_is_given_as_it_was():
    a, b, h = torch.rand(2, 9, 3), torch.randn(2, 9, 3), torch.randn(2, 3)
    before = [each.clone() for each in (a, b, h)]
    scan(a, b, h)
    assert all(torch.equal(*pair) for pair in zip(before, (a, b, h), strict=True))


@pytest.mark.parametrize("lengths", [None, [9, 4, 1]], ids=["full", "ragged"])
@pytest.mark.parametrize("bidirectional", [False, True], ids=["one", "both"])
def test_its_two_paths_agree(bidirectional, lengths):
    torch.manual_seed(0)
    fast = RNN(MinGRUCell, 3, 5, layers=2, bidirectional=bidirectional).double()
    plain = RNN(MinGRUCell, 3, 5, layers=2, bidirectional=bidirectional, fused=False).double()
    plain.load_state_dict(fast.state_dict())
    x = torch.randn(3, 9, 3).double().requires_grad_()
    found = []
    for rnn in (fast, plain):
        torch.manual_seed(1)
        output, state = rnn(x, lengths=lengths)
        states = [s for pair in state for s in (pair if bidirectional else [pair])]
        loss = (output * torch.randn_like(output)).sum() + sum((s.h * torch.randn_like(s.h)).sum() for s in states)
        found.append([output, *(s.h for s in states), *torch.autograd.grad(loss, [*rnn.parameters(), x])])
    for actual, expected in zip(*found, strict=True):
        close(actual, expected)


def test_a_step_by_hand():
    cell = MinGRUCell(1, 1).double()
    with torch.no_grad():
        cell.weight_ih[:] = torch.tensor([[0.0], [3.0]])
        cell.bias_ih[:] = torch.tensor([1.0986122886681098, -1.0], dtype=torch.float64)  # σ(ln 3) = 3/4
    output, state = cell(torch.tensor([[2.0]]).double(), GRUState(torch.tensor([[4.0]]).double()))
    assert output.item() == pytest.approx(0.25 * 4 + 0.75 * (3 * 2 - 1), abs=1e-12)
    assert state.h is output


def test_it_is_a_gru_whose_gates_do_not_look_back():
    """With no recurrent weights, no reset and a candidate small enough for tanh to be the identity."""
    torch.manual_seed(0)
    gru, ours = GRUCell(3, 5).double(), MinGRUCell(3, 5).double()
    with torch.no_grad():
        gru.weight_hh.zero_()
        gru.bias_hh.zero_()
        gru.weight_ih[10:] *= 1e-4
        gru.bias_ih[10:] *= 1e-4
        ours.weight_ih.copy_(
            torch.cat([-gru.weight_ih[5:10], gru.weight_ih[10:]])
        )  # torch's z keeps, the paper's replaces
        ours.bias_ih.copy_(torch.cat([-gru.bias_ih[5:10], gru.bias_ih[10:]]))
    x, state = torch.randn(4, 3).double(), GRUState(torch.randn(4, 5).double())
    close(ours(x, state)[0], gru(x, state)[0])


def test_it_works_in_the_tools(tmp_path):
    assert cell_named("mingru") is MinGRUCell
    rnn = RNN(MinGRUCell, 3, 5)
    with record(rnn) as tape:
        rnn(torch.randn(2, 30, 3))[0].sum().backward()
    assert set(tape.gates) == {"rnn.0.update", "rnn.0.candidate"}
    assert tape.difference < 1e-5
    assert 0 < tape.gates["rnn.0.update"].min() < tape.gates["rnn.0.update"].max() < 1
    assert gradient_flow(rnn, torch.randn(2, 30, 3))["rnn.0"].radii == {}

    table = {"t": list(range(300)), "y": [float((i % 12) ** 2) for i in range(300)]}
    f = Forecaster(horizon=6, cell="mingru", lookback=24, training=TrainingSettings(epochs=1))
    f.fit(pl.DataFrame(table), target="y", time="t")
    f.save(tmp_path / "run")
    assert load(tmp_path / "run").predict().equals(f.predict())


def test_wrong_input_is_refused():
    with pytest.raises(ShapeError, match=r"this MinGRUCell reads 3 features a step, got 4"):
        MinGRUCell(3, 5)(torch.zeros(2, 4), GRUState(torch.zeros(2, 5)))
    with pytest.raises(ShapeError, match=r"the state of MinGRUCell must be \(batch, hidden\) = \(2, 5\), got \(2, 4\)"):
        MinGRUCell(3, 5)(torch.zeros(2, 3), GRUState(torch.zeros(2, 4)))
    with pytest.raises(SettingsError, match="hidden_size must be at least 1, got 0"):
        MinGRUCell(3, 0)
