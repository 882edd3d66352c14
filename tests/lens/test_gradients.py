"""gradient_flow: against the whole Jacobian by brute force, and against closed forms."""

import functools
import math
import re
from typing import NamedTuple

import pytest
import torch
from by_hand import LEAVES, STEPS, ByHand, PeepholeCell, options, stock, weights_of
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from unrolled.errors import SettingsError, ShapeError, UnrolledError
from unrolled.lens import gradient_flow
from unrolled.nn.cells import ElmanCell, GRUCell, LSTMCell
from unrolled.nn.rnn import RNN

CELLS = {
    "tanh": ElmanCell,
    "relu": functools.partial(ElmanCell, nonlinearity="relu"),
    "lstm": LSTMCell,
    "gru": GRUCell,
    "peephole": PeepholeCell,
}


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def _brute_force(kind, w, inputs):
    """For one row: of each distance, the spectral norm of ∂h_T/∂leaf, and of all leaves together, as "state".

    h_T is written as a function of the state ``distance`` steps before, and differentiated whole.
    """
    states = [torch.zeros(len(LEAVES[kind]), 3, dtype=torch.float64)]
    for x in inputs:
        after, _ = STEPS[kind](x, dict(zip(LEAVES[kind], states[-1], strict=True)), w)
        states.append(torch.stack([after[leaf] for leaf in LEAVES[kind]]))
    norms = {leaf: [1.0] for leaf in (*LEAVES[kind], "state")}
    for distance in range(1, len(inputs) + 1):

        def last(state, distance=distance):
            state = dict(zip(LEAVES[kind], state, strict=True))
            for x in inputs[len(inputs) - distance :]:
                state, _ = STEPS[kind](x, state, w)
            return state["h"]

        J = torch.autograd.functional.jacobian(last, states[-1 - distance])  # (hidden, leaves, hidden)
        for n, leaf in enumerate(LEAVES[kind]):
            norms[leaf].append(float(torch.linalg.matrix_norm(J[:, n], 2)))
        norms["state"].append(float(torch.linalg.matrix_norm(J.flatten(1), 2)))
    return norms


@pytest.mark.parametrize("lengths", [None, [3, 5]])
@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("kind", CELLS)
def test_jacobians(kind, layers, both, lengths):
    model = RNN(CELLS[kind], 2, 3, layers, both).double()
    x = torch.randn(2, 5, 2).double()
    flows = gradient_flow(model, x, None, lengths)
    weights, directions = weights_of(model), 1 + both
    hand = ByHand(kind, weights, x, lengths, directions)
    assert list(flows) == [f"rnn.{layer}{'.reverse' * d}" for layer in range(layers) for d in range(directions)]
    for n, flow in enumerate(flows.values()):
        layer, backward = divmod(n, directions)
        read = hand.value(f"{layer}.x")
        assert set(flow.norms) == {*LEAVES[kind], "state"}
        for row, length in enumerate(lengths or [5] * 2):
            inputs = list(read[row, :length])
            expected = _brute_force(kind, weights[n], inputs[::-1] if backward else inputs)
            for leaf, values in expected.items():
                found = flow.norms[leaf][row]
                assert found.shape == (6,)
                assert found[: length + 1].tolist() == pytest.approx(values, rel=1e-9, abs=1e-12)
                assert found[length + 1 :].isnan().all()


@pytest.mark.parametrize("kind", ["tanh", "relu", "lstm", "gru"])
def test_modules_of_torch(kind):
    """Batch first, time first, packed and cells alone give what our RNN with the same weights gives."""
    module = stock(kind)(2, 3, 2, batch_first=True, bidirectional=True, **options(kind)).double()
    ours = RNN(CELLS[kind], 2, 3, 2, True).double()
    ours.load_state_dict(module.state_dict())
    x = torch.randn(3, 7, 2).double()
    packed = pack_padded_sequence(x, [4, 7, 2], batch_first=True, enforce_sorted=False)
    for mine, theirs in (
        (gradient_flow(ours, x), gradient_flow(module, x)),
        (gradient_flow(ours, x, None, [4, 7, 2]), gradient_flow(module, packed)),
    ):
        for a, b in zip(mine.values(), theirs.values(), strict=True):
            for leaf in a.norms:
                torch.testing.assert_close(a.norms[leaf], b.norms[leaf], rtol=1e-9, atol=1e-12, equal_nan=True)
            assert a.radii == b.radii


def test_projection():
    module = nn.LSTM(2, 5, proj_size=3, batch_first=True).double()
    x = torch.randn(2, 6, 2).double()
    flow = gradient_flow(module, x)["lstm.0"]
    (w,) = weights_of(module)
    inputs = list(x[0])
    for distance in range(1, 7):
        states = [{"h": torch.zeros(3).double(), "c": torch.zeros(5).double()}]
        for x_t in inputs:
            states.append(STEPS["lstm"](x_t, states[-1], w)[0])

        def last(h, c, distance=distance):
            state = {"h": h, "c": c}
            for x_t in inputs[6 - distance :]:
                state, _ = STEPS["lstm"](x_t, state, w)
            return state["h"]

        J = torch.autograd.functional.jacobian(last, tuple(states[6 - distance].values()))
        for leaf, part in zip(("h", "c"), J, strict=True):
            assert float(flow.norms[leaf][0, distance]) == pytest.approx(float(torch.linalg.matrix_norm(part, 2)))
    assert set(flow.radii) == {"input", "forget", "candidate", "output"}
    recurrent = w["weight_hh"].chunk(4)[1] @ w["weight_hr"]
    assert flow.radii["forget"] == pytest.approx(float(torch.linalg.eigvals(recurrent).abs().max()))


def test_a_sequence_in_pieces_is_gone_along_as_one():
    class Pieces(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = nn.LSTM(2, 3, batch_first=True)

        def forward(self, x, pieces):
            state, outputs = None, []
            for part in x.chunk(pieces, dim=1):
                output, state = self.rnn(part, state)
                state = tuple(leaf.detach() for leaf in state)
                outputs.append(output)
            return torch.cat(outputs, dim=1)

    model, x = Pieces().double(), torch.randn(2, 8, 2).double()
    whole, pieces = (gradient_flow(model, x, n)["rnn.0"] for n in (1, 4))
    torch.testing.assert_close(whole.norms, pieces.norms)


# ---- closed forms


def _linear(ρ, size=4, dtype=torch.float64):
    """tanh at 0, where it is linear: W_hh = ρ times an orthogonal matrix, no biases, and x = 0."""
    model = nn.RNN(2, size, batch_first=True).to(dtype)
    with torch.no_grad():
        for p in model.parameters():
            p.zero_()
        q, _ = torch.linalg.qr(torch.randn(size, size, dtype=torch.float64))
        model.weight_hh_l0.copy_(ρ * q)
    return model


@pytest.mark.parametrize("ρ", [0.5, 0.9, 1.0, 1.1])
def test_a_linear_network(ρ):
    flow = gradient_flow(_linear(ρ), torch.zeros(2, 40, 2).double())["rnn.0"]
    expected = [ρ**d for d in range(41)]
    for leaf in ("h", "state"):
        assert flow.norms[leaf].tolist() == [pytest.approx(expected, rel=1e-9)] * 2
    assert flow.curve.tolist() == pytest.approx(expected, rel=1e-9)
    assert flow.decay == pytest.approx(ρ, rel=1e-9)
    assert flow.survives == pytest.approx(ρ**39, rel=1e-9)
    assert flow.radii == {"W_hh": pytest.approx(ρ, rel=1e-9)}
    if ρ < 1:
        assert flow.half_life == pytest.approx(math.log(0.5) / math.log(ρ), rel=1e-9)
        assert flow.curve[round(flow.half_life)] == pytest.approx(0.5, rel=0.06)
    else:
        assert flow.half_life == math.inf


def test_a_linear_relu():
    """Positive preactivations: the Jacobian is W_hh itself, and its powers are those of a matrix that isn't normal."""
    model = nn.RNN(2, 3, batch_first=True, nonlinearity="relu").double()
    with torch.no_grad():
        model.weight_hh_l0.copy_(torch.tensor([[0.5, 2.0, 0.0], [0.0, 0.5, 1.0], [0.1, 0.0, 0.5]]))
        model.bias_hh_l0.fill_(5.0)
    W = model.weight_hh_l0.detach()
    flow = gradient_flow(model, torch.zeros(1, 12, 2).double())["rnn.0"]
    powers = [float(torch.linalg.matrix_norm(torch.linalg.matrix_power(W, d), 2)) for d in range(13)]
    assert flow.norms["h"][0].tolist() == pytest.approx(powers, rel=1e-9)
    assert flow.radii["W_hh"] == pytest.approx(float(torch.linalg.eigvals(W).abs().max()))


def test_a_thousand_steps_down():
    """0.3^1000 is below what a number can be: 0, and what rests on the curve stays what it was."""
    flow = gradient_flow(_linear(0.3, size=2), torch.zeros(1, 1000, 2).double())["rnn.0"]
    assert flow.curve.isfinite().all()
    assert flow.curve[500] == pytest.approx(0.3**500, rel=1e-9)
    assert flow.curve[-1] == 0
    assert flow.verdict == "vanishing"
    assert flow.survives == 0
    assert flow.decay == pytest.approx(0.3, rel=1e-6)
    assert flow.half_life == pytest.approx(math.log(0.5) / math.log(0.3), rel=1e-6)
    assert "falls from 0.3 one step back to 0 at 1000 steps, by 0.3 a step" in str(flow)
    assert "what lies more than 4 steps back has less than 1% of its weight" in flow.advice  # 0.3^4 > 0.01 · 0.3


def test_a_thousand_steps_up():
    flows = gradient_flow(_linear(3.0, size=2), torch.zeros(1, 1000, 2).double())
    flow = flows["rnn.0"]
    assert flow.curve[-1] == math.inf
    assert flow.verdict == "exploding"
    assert flow.decay == pytest.approx(3.0, rel=1e-6)
    assert flow.half_life == math.inf
    assert flows.worst is flow
    assert "grows from 3 one step back to inf at 1000 steps, by 3 a step: nothing is lost" in str(flow)


def test_a_row_that_overflows_leaves_the_others_alone():
    """relu grows beyond float64 in one row; in the other it is at rest."""
    model = nn.RNN(1, 1, batch_first=True, nonlinearity="relu").double()
    with torch.no_grad():
        for p in model.parameters():
            p.zero_()
        model.weight_ih_l0.fill_(1.0)
        model.weight_hh_l0.fill_(1e200)
    x = torch.zeros(2, 4, 1).double()
    x[0] = 1.0
    flow = gradient_flow(model, x)["rnn.0"]
    assert flow.norms["h"][1].tolist() == [1.0, 0.0, 0.0, 0.0, 0.0]
    assert flow.norms["h"][0, -1] == math.inf
    assert not flow.curve.isnan().all()
    assert str(flow)


def test_a_row_that_is_not_a_number_leaves_the_others_alone():
    model, x = nn.GRU(2, 3, batch_first=True).double(), torch.randn(2, 5, 2).double()
    clean = gradient_flow(model, x)["gru.0"]
    x[0, 2] = torch.nan
    flow = gradient_flow(model, x)["gru.0"]
    torch.testing.assert_close(flow.norms["h"][1], clean.norms["h"][1], rtol=1e-12, atol=0)
    assert flow.norms["h"][0, 1:].isinf().all()


class Counter(NamedTuple):
    h: Tensor
    count: Tensor


class CountingCell(nn.Module):
    """A state that no output depends on, beside one that triples at every step."""

    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(3.0))

    def initial_state(self, batch):
        return Counter(self.gain.new_zeros(batch, 2), self.gain.new_zeros(batch, 1))

    def forward(self, x, state):
        h = self.gain * state.h + x
        return h, Counter(h, state.count + 1)


def test_a_state_without_influence():
    flow = gradient_flow(RNN(CountingCell, 2, 2).double(), torch.zeros(1, 700, 2).double())["rnn.0"]
    assert flow.norms["count"][0, 1:].tolist() == [0.0] * 700
    assert flow.norms["h"][0, :4].tolist() == pytest.approx([1, 3, 9, 27])
    assert flow.norms["h"][0, -1] == math.inf
    assert flow.radii == {}


def test_dead_units():
    """relu with nothing above 0: no gradient at all, and nothing breaks."""
    model = nn.RNN(2, 3, batch_first=True, nonlinearity="relu").double()
    with torch.no_grad():
        model.bias_hh_l0.fill_(-10.0)
    flows = gradient_flow(model, torch.zeros(2, 6, 2).double())
    flow = flows["rnn.0"]
    assert flow.curve.tolist() == [1.0] + [0.0] * 6
    assert (flow.verdict, flow.decay, flow.half_life, flow.survives) == ("vanishing", 0.0, 0.0, 0.0)
    assert "what lies more than 0 steps back" in str(flow)
    assert flows.worst is flow


# ---- of a loss


@pytest.mark.parametrize("lengths", [None, [4, 7, 2]])
@pytest.mark.parametrize("kind", CELLS)
def test_gradients_of_a_loss(kind, lengths):
    model = RNN(CELLS[kind], 2, 3, 2, True).double()
    x = torch.randn(3, 7, 2).double()
    flows = gradient_flow(model, x, None, lengths, loss=lambda result: result[0].square().sum())
    hand = ByHand(kind, weights_of(model), x, lengths, 2)
    hand.output.square().sum().backward()
    for name, flow in flows.items():
        assert set(flow.loss_norms) == set(LEAVES[kind])
        for leaf, norms in flow.loss_norms.items():
            gradient = hand.value(f"{name.removeprefix('rnn.')}.{leaf}", gradient=True)
            expected = [float((gradient[:, t] ** 2).sum()) ** 0.5 for t in range(7)]
            assert norms.tolist() == pytest.approx(expected, rel=1e-9, abs=1e-12)
    assert gradient_flow(model, x)["rnn.0"].loss_norms == {}


# ---- verdicts


def _said(flow):
    """The numbers in the words are those of the flow."""
    text = str(flow)
    assert text.startswith(f"{flow.name}: {flow.verdict}. ")
    curve = flow.curve[~flow.curve.isnan()]
    for number in (curve[1], curve[-1], flow.decay, *flow.radii.values()):
        assert f"{float(number):.3g}" in text
    assert f"at {len(curve) - 1} steps" in text
    assert text.endswith(f" To do: {flow.advice}.")
    assert "\n" not in text
    return text


@pytest.mark.parametrize(
    ("kind", "remedy"),
    [
        ("tanh", 'take an LSTM or a GRU, or start from initialise(model, "orthogonal")'),
        ("lstm", 'open the forget gates by initialise(model, "forget-bias"), or add attention'),
        ("gru", "shorten the sequence, or add attention"),
        ("peephole", "shorten the sequence, or add attention"),
    ],
)
def test_vanishing(kind, remedy):
    model = RNN(CELLS[kind], 2, 16)
    flow = gradient_flow(model, torch.randn(2, 60, 2))["rnn.0"]
    assert flow.verdict == "vanishing"
    assert flow.survives < 0.01
    text = _said(flow)
    assert f"half is lost in {flow.half_life:.3g} steps" in text
    assert remedy in text
    back = int(re.search(r"more than (\d+) steps back has less than 1%", text)[1])
    assert flow.curve[back] > 0.01 * flow.curve[1]
    assert (flow.curve[back + 1 :] <= 0.01 * flow.curve[1]).all()


def test_exploding():
    text = _said(gradient_flow(_linear(1.3), torch.zeros(2, 40, 2).double())["rnn.0"])
    assert text == (
        "rnn.0: exploding. ‖∂h_T/∂h_k‖ grows from 1.3 one step back to 3.61e+04 at 40 steps, by 1.3 a step: nothing is "
        "lost. Spectral radius of the recurrent matrix: W_hh 1.3. To do: clip the gradient, clip_gradients(model, "
        'norm=1.0), or start from initialise(model, "orthogonal").'
    )


def test_healthy():
    flow = gradient_flow(_linear(0.99), torch.zeros(2, 40, 2).double())["rnn.0"]
    assert flow.verdict == "healthy"
    assert "half is lost in 69 steps" in _said(flow)
    assert flow.advice == "nothing has to be done"


def test_an_open_lstm_is_healthy():
    """Forget gates at 1 and nothing written: the memory's gradient stays."""
    model = nn.LSTM(2, 4, batch_first=True).double()
    with torch.no_grad():
        for p in model.parameters():
            p.zero_()
        model.bias_hh_l0.copy_(torch.tensor([-3.0, 12.0, 0.0, 0.0]).repeat_interleave(4))
    flow = gradient_flow(model, torch.zeros(1, 100, 2).double())["lstm.0"]
    σ = 1 / (1 + math.exp(-12))
    assert flow.norms["c"][0, 1:].tolist() == pytest.approx([0.5 * σ**d for d in range(1, 101)], rel=1e-6)
    assert flow.verdict == "healthy"
    assert set(flow.radii) == {"input", "forget", "candidate", "output"}


def test_the_worst_and_all_in_words():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.calm, self.wild = _linear(0.95), _linear(1.8)

        def forward(self, x):
            return self.calm(x)[0] + self.wild(x)[0]

    flows = gradient_flow(Two(), torch.zeros(1, 30, 2).double())
    assert list(flows) == ["calm.0", "wild.0"]
    assert flows.worst.name == "wild.0"
    assert str(flows) == f"{flows['calm.0']}\n{flows['wild.0']}"
    assert len(flows) == 2
    assert "calm.1" not in flows
    with pytest.raises(SettingsError, match=r"^there is no layer 'cal\.0'; nearest: 'calm\.0'"):
        flows["cal.0"]


# ---- as it is used


def test_rows():
    model, x = nn.GRU(2, 3, batch_first=True), torch.randn(6, 5, 2)
    assert gradient_flow(model, x)["gru.0"].norms["h"].shape == (4, 6)
    assert gradient_flow(model, x, rows=9)["gru.0"].norms["h"].shape == (6, 6)
    one = gradient_flow(model, x, rows=1)["gru.0"]
    assert torch.equal(one.norms["h"][0], one.curve) or one.curve.tolist() == pytest.approx(one.norms["h"][0].tolist())


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_other_precisions(dtype):
    model, x = nn.LSTM(2, 3, batch_first=True), torch.randn(2, 20, 2)
    exact = gradient_flow(model.double(), x.double())["lstm.0"]
    flow = gradient_flow(model.to(dtype), x.to(dtype), loss=lambda r: r[0].sum())["lstm.0"]
    assert flow.norms["h"].dtype == torch.float64
    torch.testing.assert_close(flow.curve, exact.curve, rtol=0.2 if dtype == torch.bfloat16 else 1e-4, atol=0)


@pytest.mark.parametrize("loss", [None, lambda result: result[0].sum()])
def test_the_model_stays_as_it_is(loss):
    model = nn.LSTM(2, 3, 2, batch_first=True, dropout=0.5).train()
    x = torch.randn(2, 6, 2, requires_grad=True)
    model(x)[0].sum().backward()
    before = [p.grad for p in (*model.parameters(), x)]
    kept = [g.clone() for g in before]
    state, random = {k: v.clone() for k, v in model.state_dict().items()}, torch.get_rng_state()
    gradient_flow(model, x, loss=loss)
    after = [p.grad for p in (*model.parameters(), x)]
    assert all(a is b and torch.equal(a, c) for a, b, c in zip(after, before, kept, strict=True))
    assert all(torch.equal(v, state[k]) for k, v in model.state_dict().items())
    assert torch.equal(random, torch.get_rng_state())
    assert model.training
    assert not model._forward_hooks
    assert torch.is_grad_enabled()


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_where_gradients_are_off(mode):
    model, x = nn.GRU(2, 3, batch_first=True), torch.randn(2, 6, 2)
    with mode():
        flow = gradient_flow(model, x, loss=lambda result: result[0].sum())["gru.0"]
        assert not torch.is_grad_enabled()
    torch.testing.assert_close(flow.curve, gradient_flow(model, x)["gru.0"].curve)
    assert flow.loss_norms["h"].shape == (6,)


def test_errors():
    model, x = nn.RNN(2, 3, batch_first=True), torch.zeros(2, 6, 2)
    frozen = nn.RNN(2, 3, batch_first=True).requires_grad_(False)
    for call, error, message in (
        (lambda: gradient_flow(model, x, rows=0), SettingsError, "rows must be at least 1, got 0"),
        (
            lambda: gradient_flow(model, x[:, :1]),
            ShapeError,
            "'rnn.0' ran a single step, and a gradient that travels needs two; give a longer sequence",
        ),
        (
            lambda: gradient_flow(model, x, loss=lambda result: result[0]),
            ShapeError,
            "loss must give a scalar tensor, got (2, 6, 3); take its mean or its sum",
        ),
        (
            lambda: gradient_flow(model, x, loss=lambda result: 1.0),
            ShapeError,
            "loss must give a scalar tensor, got float; take its mean or its sum",
        ),
        (
            lambda: gradient_flow(frozen, x, loss=lambda result: result[0].sum()),
            UnrolledError,
            "no gradient can reach the model from this loss; compute it from what the model returns, and unfreeze the "
            "model by model.requires_grad_()",
        ),
        (
            lambda: gradient_flow(nn.Linear(2, 3), x),
            UnrolledError,
            "Linear has no recurrent module to record; it has Linear",
        ),
        (
            lambda: gradient_flow(model, x)["rnn.o"],
            SettingsError,
            "there is no layer 'rnn.o'; nearest: 'rnn.0'",
        ),
    ):
        with pytest.raises(error) as caught:
            call()
        assert str(caught.value) == message
        assert not model._forward_hooks
