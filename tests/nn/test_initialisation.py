"""Initialisations: the law that each gives, that nothing else moves, and that a refusal changes nothing."""

import copy
import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from unrolled.errors import SettingsError
from unrolled.nn import RNN, ElmanCell, GRUCell, LSTMCell
from unrolled.nn.initialisation import INITIALISATIONS, NAMES, initialise

MODULES = {
    "nn.RNN": lambda: nn.RNN(3, 5, num_layers=2, bidirectional=True),
    "nn.LSTM": lambda: nn.LSTM(3, 5, num_layers=2, bidirectional=True),
    "nn.GRU": lambda: nn.GRU(3, 5),
    "nn.LSTM without biases": lambda: nn.LSTM(3, 5, bias=False),
    "nn.LSTM with proj_size": lambda: nn.LSTM(3, 5, proj_size=2),
    "nn.RNNCell": lambda: nn.RNNCell(3, 5),
    "nn.LSTMCell": lambda: nn.LSTMCell(3, 5),
    "nn.GRUCell": lambda: nn.GRUCell(3, 5),
    "ElmanCell": lambda: ElmanCell(3, 5),
    "LSTMCell": lambda: LSTMCell(3, 5),
    "GRUCell": lambda: GRUCell(3, 5),
    "RNN of ElmanCell": lambda: RNN(ElmanCell, 3, 5, layers=2),
    "RNN of LSTMCell": lambda: RNN(LSTMCell, 3, 5, layers=2),
    "RNN of GRUCell": lambda: RNN(GRUCell, 3, 5),
    "a model": lambda: nn.Sequential(nn.Linear(3, 3), nn.LSTM(3, 5), nn.ModuleList([nn.Linear(5, 1)])),
    "a derived cell": lambda: Peephole(3, 5),
}
ELMAN = [name for name in MODULES if name in ("nn.RNN", "nn.RNNCell") or "Elman" in name]
LSTM = [name for name in MODULES if "LSTM" in name and "biases" not in name] + ["a model", "a derived cell"]


class Peephole(LSTMCell):
    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        self.peephole = nn.Parameter(torch.zeros(3, hidden_size))


def values(module):
    return {name: p.detach().clone() for name, p in module.named_parameters()}


def built(name):
    """A module and its values, every one unlike what any initialisation gives."""
    torch.manual_seed(0)
    module = MODULES[name]()
    with torch.no_grad():
        for p in module.parameters():
            p.copy_(torch.randn_like(p) * 3 + 50)
    return module, values(module)


def changed(module, before):
    return {name for name, value in values(module).items() if not torch.equal(value, before[name])}


def those(before, *parts):
    return {name for name in before if any(part in name for part in parts)}


def blocks(weight):
    return weight.detach().split(5)


@pytest.mark.parametrize("name", MODULES)
def test_orthogonal_makes_each_gates_block_orthogonal_and_moves_nothing_else(name):
    module, before = built(name)
    assert initialise(module, "orthogonal") is module
    assert changed(module, before) == those(before, "weight_hh")
    for key in those(before, "weight_hh"):
        parts = blocks(values(module)[key])
        assert len(parts) == {"R": 1, "E": 1, "L": 4, "G": 3}.get(kind(name), 4)
        for W in parts:
            torch.testing.assert_close(W.T @ W, torch.eye(W.shape[1]), rtol=0, atol=1e-5)
            if W.shape[0] == W.shape[1]:
                torch.testing.assert_close(W @ W.T, torch.eye(5), rtol=0, atol=1e-5)
                assert torch.linalg.eigvals(W).abs().max().item() == pytest.approx(1, abs=1e-5)
        assert all(not torch.equal(a, b) for a, b in pairwise(parts))


def kind(name):
    return name.removeprefix("RNN of ").removeprefix("nn.")[0]


@pytest.mark.parametrize("name", ELMAN)
def test_identity_is_irnn(name):
    module, before = built(name)
    initialise(module, "identity")
    assert changed(module, before) == set(before)
    for key, value in values(module).items():
        if "weight_hh" in key:
            assert torch.equal(value, torch.eye(5))
        elif "bias" in key:
            assert torch.equal(value, torch.zeros_like(value))
        else:
            assert 0 < value.abs().max() < 0.01


def test_identitys_input_weights_are_normal_with_sd_a_thousandth():
    torch.manual_seed(0)
    weight = initialise(nn.RNN(100, 200), "identity").weight_ih_l0
    assert weight.std().item() == pytest.approx(0.001, rel=0.02)
    assert weight.mean().item() == pytest.approx(0, abs=3e-5)


def test_identity_with_relu_adds_up_its_input():
    rnn = initialise(nn.RNN(2, 2, nonlinearity="relu", batch_first=True), "identity")
    with torch.no_grad():
        rnn.weight_ih_l0.copy_(torch.eye(2))
    x = torch.rand(1, 50, 2)
    torch.testing.assert_close(rnn(x)[0], x.cumsum(dim=1))


@pytest.mark.parametrize("name", LSTM)
def test_forget_bias_sums_to_one_and_moves_nothing_else(name):
    module, before = built(name)
    initialise(module, "forget-bias")
    assert changed(module, before) == those(before, "bias_ih", "bias_hh")
    for key in those(before, "bias_ih"):
        b_ih, b_hh = values(module)[key], values(module)[key.replace("bias_ih", "bias_hh")]
        assert torch.equal(b_ih[5:10], torch.ones(5))
        assert torch.equal(b_hh[5:10], torch.zeros(5))
        for bias, was in ((b_ih, before[key]), (b_hh, before[key.replace("bias_ih", "bias_hh")])):
            assert torch.equal(bias[:5], was[:5])
            assert torch.equal(bias[10:], was[10:])


def test_with_forget_bias_the_forget_gate_keeps_73_percent():
    cell = initialise(LSTMCell(1, 4), "forget-bias")
    with torch.no_grad():
        cell.weight_ih.zero_()
    _, f, _, _ = cell.gates(torch.ones(1, 1), cell.initial_state(1))
    torch.testing.assert_close(f, torch.full((1, 4), 1 / (1 + math.exp(-1))))


TWINS = [
    (lambda: RNN(LSTMCell, 3, 5, layers=2), lambda: nn.LSTM(3, 5, 2)),
    (lambda: RNN(ElmanCell, 3, 5), lambda: nn.RNN(3, 5)),
    (lambda: GRUCell(3, 5), lambda: nn.GRUCell(3, 5)),
    (lambda: nn.GRU(3, 5, 2, bidirectional=True), lambda: nn.GRU(3, 5, 2, bidirectional=True)),
    (lambda: nn.LSTM(3, 5, proj_size=2, bias=False), lambda: nn.LSTM(3, 5, proj_size=2, bias=False)),
]


@pytest.mark.parametrize(("ours", "theirs"), TWINS)
def test_default_gives_the_bits_of_a_new_torch_module(ours, theirs):
    module = ours()
    torch.manual_seed(3)
    initialise(module, "default")
    torch.manual_seed(3)
    expected = theirs().state_dict()
    actual = module.state_dict()
    assert list(actual) == list(expected)
    assert all(torch.equal(actual[key], expected[key]) for key in expected)


@pytest.mark.parametrize("name", MODULES)
def test_default_moves_every_parameter_of_the_recurrent_networks_and_no_other(name):
    module, before = built(name)
    initialise(module, "default")
    linear = {"0.weight", "0.bias", "2.0.weight", "2.0.bias"} if name == "a model" else set()
    assert changed(module, before) == set(before) - linear
    after = values(module)
    assert all(after[key].abs().max() <= 1 / math.sqrt(5) for key in set(before) - linear)


def test_names_are_applied_in_order():
    one, other = nn.LSTM(3, 5), nn.LSTM(3, 5)
    initialise(one, "default", "orthogonal", "forget-bias")
    assert torch.equal(one.bias_ih_l0[5:10], torch.ones(5))
    assert one.weight_ih_l0.abs().max() <= 1 / math.sqrt(5)
    initialise(other, "forget-bias", "default")
    assert not torch.equal(other.bias_ih_l0[5:10], torch.ones(5))


@given(hidden=st.integers(1, 12))
def test_orthogonal_keeps_the_length_of_any_state(hidden):
    module = initialise(nn.GRUCell(2, hidden).double(), "orthogonal")
    h = torch.randn(hidden, dtype=torch.float64)
    for W in module.weight_hh.split(hidden):
        assert (W @ h).norm().item() == pytest.approx(h.norm().item(), rel=1e-9)


def test_the_module_computes_with_the_new_weights():
    module, x = nn.LSTM(3, 5, batch_first=True), torch.randn(2, 4, 3)
    initialise(module, "orthogonal", "forget-bias")
    twin = nn.LSTM(3, 5, batch_first=True)
    twin.load_state_dict(module.state_dict())
    torch.testing.assert_close(module(x)[0], twin(x)[0])


def parametrised():
    module = nn.LSTM(3, 5)
    return nn.utils.parametrizations.weight_norm(module, "weight_hh_l0")


@pytest.mark.parametrize(
    ("module", "names", "message"),
    [
        (
            nn.LSTM(3, 5),
            [],
            "initialise needs a name; there are: default, orthogonal, identity, forget-bias, chrono:STEPS",
        ),
        (nn.LSTM(3, 5), ["default", "ortogonal"], "unknown initialisation 'ortogonal'; nearest: 'orthogonal'"),
        (
            nn.LSTM(3, 5),
            ["zzz"],
            "unknown initialisation 'zzz'; there are: default, orthogonal, identity, forget-bias, chrono:STEPS",
        ),
        (
            nn.LSTM(3, 5),
            ["default", "identity"],
            "'identity' is for Elman networks, and this is a LSTM; 'orthogonal' fits every recurrent network",
        ),
        (
            nn.ModuleDict({"encoder": nn.LSTM(3, 5), "decoder": nn.GRUCell(3, 5)}),
            ["default", "forget-bias"],
            "'forget-bias' is for LSTMs, and 'decoder' is a GRUCell; leave it out",
        ),
        (
            nn.LSTMCell(3, 5, bias=False),
            ["forget-bias"],
            "'forget-bias' needs biases, and this is a LSTMCell with bias=False; build it with biases",
        ),
        (
            nn.RNN(3, 5),
            ["default", "chrono:200"],
            "'chrono' is for LSTMs and GRUs, and this is a RNN; leave it out",
        ),
        (
            nn.GRUCell(3, 5, bias=False),
            ["chrono:200"],
            "'chrono:200' needs biases, and this is a GRUCell with bias=False; build it with biases",
        ),
        *(
            (
                nn.LSTM(3, 5),
                ["default", name],
                f"'chrono' says how many steps to remember, at least 3, as 'chrono:200'; got '{name}'",
            )
            for name in ("chrono", "chrono:", "chrono:2", "chrono:long", "chrono:-5", "chrono200")
        ),
        (
            nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 1)),
            ["default"],
            "there is nothing recurrent to initialise; the module holds: Linear, ReLU, Sequential",
        ),
        (
            nn.ModuleDict({"rnn": parametrised()}),
            ["orthogonal"],
            "'rnn' is a ParametrizedLSTM without a parameter weight_hh of its own; initialise before parametrising",
        ),
    ],
)
def test_what_is_refused_changes_nothing(module, names, message):
    before = copy.deepcopy(values(module))
    with pytest.raises(SettingsError) as raised:
        initialise(module, *names)
    assert str(raised.value) == message
    assert changed(module, before) == set()


def test_there_are_four_and_one_that_takes_a_number():
    assert list(INITIALISATIONS) == ["default", "orthogonal", "identity", "forget-bias"]
    assert (*INITIALISATIONS, "chrono:STEPS") == NAMES


GATED = [*LSTM, "nn.GRU", "nn.GRUCell", "GRUCell", "RNN of GRUCell"]


@pytest.mark.parametrize("name", GATED)
def test_chrono_opens_what_keeps_and_closes_what_writes(name):
    module, before = built(name)
    initialise(module, "chrono:100")
    assert changed(module, before) == those(before, "bias_ih", "bias_hh")
    for key in those(before, "bias_ih"):
        other = key.replace("bias_ih", "bias_hh")
        b_ih, b_hh = values(module)[key], values(module)[other]
        kept = b_ih[5:10].sigmoid()
        assert ((kept >= 0.5) & (kept <= 0.99)).all()  # u / (1 + u) for u from 1 to 99
        assert torch.equal(b_hh[5:10], torch.zeros(5))
        if "GRU" in name:
            assert torch.equal(b_ih[:5], before[key][:5])
            assert torch.equal(b_hh[:5], before[other][:5])
        else:
            torch.testing.assert_close(b_ih[:5].sigmoid(), 1 - kept)
            assert torch.equal(b_hh[:5], torch.zeros(5))
        assert torch.equal(b_ih[10:], before[key][10:])
        assert torch.equal(b_hh[10:], before[other][10:])


@pytest.mark.parametrize(("kind", "second"), [(nn.LSTM, 2000), (nn.GRU, 2000)])
def test_chronos_memory_times_are_uniform_up_to_the_number_of_steps(kind, second):
    torch.manual_seed(0)
    bias = initialise(kind(1, 2000), "chrono:200").bias_ih_l0[second : 2 * second].detach()
    times = bias.exp()
    assert times.min() >= 1
    assert times.max() <= 199.01
    assert times.mean().item() == pytest.approx(100, rel=0.05)
    assert times.std().item() == pytest.approx(198 / math.sqrt(12), rel=0.05)
