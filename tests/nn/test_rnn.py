"""RNN against torch.nn in float64 on both paths, state dicts, dropout; the laws are in test_rnn_laws.py."""

import copy
import pickle
from functools import partial

import jaxtyping
import pytest
import torch
from beartype import beartype
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from torch.utils._pytree import tree_leaves, tree_map

from unrolled.nn import CELLS, RNN, ElmanCell, GRUCell, LSTMCell, LSTMState

TORCH = {
    "tanh": (ElmanCell, nn.RNN),
    "relu": (partial(ElmanCell, nonlinearity="relu"), partial(nn.RNN, nonlinearity="relu")),
    "lstm": (LSTMCell, nn.LSTM),
    "gru": (GRUCell, nn.GRU),
}
PATHS = pytest.mark.parametrize("fused", [None, False], ids=["fused", "loop"])
NAMES = pytest.mark.parametrize("name", TORCH)
DIRECTIONS = pytest.mark.parametrize("bidirectional", [False, True], ids=["one", "both"])


def close(actual, expected, name=""):
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-10, msg=lambda text: f"{name}: {text}")


def stacked(state, bidirectional):
    """Our state as torch's: each leaf (layers · directions, batch, hidden)."""
    in_order = [s for pair in state for s in pair] if bidirectional else state
    return tuple(torch.stack(leaf) for leaf in zip(*in_order, strict=True))


def run_by_torch(rnn, x, before, lengths):
    """Outputs (batch, time, …) and the leaves of the final state; rows of different lengths go in packed."""
    before = before if before is None or isinstance(rnn, nn.LSTM) else before[0]
    if lengths is None:
        output, after = rnn(x, before)
    else:
        packed = pack_padded_sequence(x, torch.tensor(lengths), batch_first=True, enforce_sorted=False)
        output, after = rnn(packed, before)
        output, _ = pad_packed_sequence(output, batch_first=True, total_length=x.shape[1])
    return output, after if isinstance(rnn, nn.LSTM) else (after,)


@PATHS
@pytest.mark.parametrize("given_state", [False, True], ids=["zero", "given"])
@pytest.mark.parametrize("lengths", [None, [3, 7, 1, 6]], ids=["full", "ragged"])
@DIRECTIONS
@pytest.mark.parametrize("layers", [1, 3])
@NAMES
def test_values_and_gradients_equal_torch(name, layers, bidirectional, lengths, given_state, fused):
    torch.manual_seed(0)
    cell, module = TORCH[name]
    theirs = module(3, 5, layers, batch_first=True, bidirectional=bidirectional).double()
    ours = RNN(cell, 3, 5, layers=layers, bidirectional=bidirectional, fused=fused).double()
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(4, 8, 3, dtype=torch.float64, requires_grad=True)
    state, inputs, before = None, [x], None
    if given_state:
        state = tree_map(lambda leaf: torch.randn_like(leaf).requires_grad_(), ours.initial_state(4))
        inputs, before = [x, *tree_leaves(state)], stacked(state, bidirectional)

    output, after = ours(x, state, lengths)
    expected, expected_after = run_by_torch(theirs, x, before, lengths)
    after_by_leaf = stacked(after, bidirectional)
    close(output, expected, "output")
    for leaf, twin, label in zip(after_by_leaf, expected_after, ("h", "c")[: len(expected_after)], strict=True):
        close(leaf, twin, f"final {label}")

    # Every output and every leaf of the final state counts, each with its own weight.
    weights = [torch.randn_like(leaf) for leaf in (expected, *expected_after)]
    our_loss = sum((leaf * w).sum() for leaf, w in zip((output, *after_by_leaf), weights, strict=True))
    their_loss = sum((leaf * w).sum() for leaf, w in zip((expected, *expected_after), weights, strict=True))
    ours_named, theirs_named = ours.state_dict(keep_vars=True), dict(theirs.named_parameters())
    assert list(ours_named) == list(theirs_named)
    our_gradients = torch.autograd.grad(our_loss, [*ours_named.values(), *inputs])
    their_gradients = torch.autograd.grad(their_loss, [*theirs_named.values(), *inputs])
    labels = [*theirs_named, *(f"input {n}" for n in range(len(inputs)))]
    for label, gradient, twin in zip(labels, our_gradients, their_gradients, strict=True):
        close(gradient, twin, label)


@pytest.mark.parametrize("fused", [None, False], ids=["fused", "loop"])
@DIRECTIONS
@NAMES
def test_states_are_one_a_layer_and_pairs_with_both_directions(name, bidirectional, fused):
    cell, _ = TORCH[name]
    kind = type(cell(1, 1).initial_state(1))
    rnn = RNN(cell, 3, 5, layers=2, bidirectional=bidirectional, fused=fused)
    for state in (rnn.initial_state(4), rnn(torch.zeros(4, 2, 3))[1]):
        assert len(state) == 2
        for layer in state:
            assert [type(s) for s in (layer if bidirectional else (layer,))] == [kind] * (1 + bidirectional)
        assert all(leaf.shape == (4, 5) for leaf in tree_leaves(state))
    if bidirectional:  # the forward one ends at the row's end, the backward one at its beginning
        output, state = rnn(torch.randn(4, 7, 3), lengths=[7, 2, 5, 7])
        assert torch.equal(state[1][0].h, output[range(4), [6, 1, 4, 6], :5])
        assert torch.equal(state[1][1].h, output[:, 0, 5:])


@DIRECTIONS
@NAMES
def test_the_same_seed_starts_with_torchs_weights(name, bidirectional):
    cell, module = TORCH[name]
    torch.manual_seed(3)
    theirs = module(3, 5, 2, bidirectional=bidirectional).state_dict()
    torch.manual_seed(3)
    ours = RNN(cell, 3, 5, layers=2, bidirectional=bidirectional).state_dict()
    assert list(ours) == list(theirs)
    assert all(torch.equal(ours[key], theirs[key]) for key in theirs)


@DIRECTIONS
@pytest.mark.parametrize("layers", [1, 3])
@NAMES
def test_state_dicts_go_to_torch_and_back_also_inside_a_model(name, layers, bidirectional):
    def model(rnn: nn.Module) -> nn.Module:  # with neighbours whose names could be taken for the cells' own
        cells = nn.ModuleList([nn.Linear(5, 1)])
        return nn.ModuleDict({"cells": cells, "rnn": rnn, "rnn_l0": nn.Linear(1, 1), "x_l0_reverse": nn.Linear(1, 1)})

    cell, module = TORCH[name]
    ours = model(RNN(cell, 3, 5, layers=layers, bidirectional=bidirectional))
    theirs = model(module(3, 5, layers, bidirectional=bidirectional))
    for source, target in ((ours, theirs), (theirs, ours), (ours["rnn"], theirs["rnn"]), (theirs["rnn"], ours["rnn"])):
        for parameter in source.parameters():
            nn.init.normal_(parameter)
        target.load_state_dict(source.state_dict())
        assert list(target.state_dict()) == list(source.state_dict())
        assert all(torch.equal(target.state_dict()[key], value) for key, value in source.state_dict().items())


@pytest.mark.parametrize("source", [RNN, nn.GRU], ids=["ours", "torch's"])
def test_a_state_dict_of_another_depth_or_direction_is_refused(source):
    def weights(layers, bidirectional):
        first = (GRUCell,) if source is RNN else ()
        return source(*first, 3, 5, layers, bidirectional=bidirectional).state_dict()

    for other, missing in (((2, False), r"cells\.1\.weight_ih"), ((1, True), "weight_ih_l0_reverse")):
        with pytest.raises(RuntimeError, match=rf"Unexpected key\(s\) in state_dict: .*{missing}"):
            RNN(GRUCell, 3, 5).load_state_dict(weights(*other))
    for settings in ({"layers": 2}, {"bidirectional": True}):
        with pytest.raises(RuntimeError, match=r"Missing key\(s\) in state_dict: .*cells\.1\.weight_ih"):
            RNN(GRUCell, 3, 5, **settings).load_state_dict(weights(1, False))


@PATHS
def test_copies_are_independent_and_the_same(fused):
    rnn = RNN(LSTMCell, 3, 5, layers=2, bidirectional=True, fused=fused)
    x = torch.randn(2, 4, 3)
    expected, _ = rnn(x)
    for twin in (copy.deepcopy(rnn), pickle.loads(pickle.dumps(rnn))):
        assert torch.equal(twin(x)[0], expected)
        assert list(twin.state_dict()) == list(rnn.state_dict())
        nn.init.zeros_(twin.state_dict(keep_vars=True)["weight_ih_l0"])
        assert torch.equal(rnn(x)[0], expected)


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


def test_a_function_that_builds_cells_will_do():
    rnn = RNN(lambda input_size, hidden_size: LSTMCell(input_size, hidden_size), 3, 5)
    assert isinstance(rnn(torch.zeros(2, 4, 3))[1][0], LSTMState)


@PATHS
@pytest.mark.parametrize("lengths", [None, [8, 3, 5, 1]], ids=["full", "ragged"])
@NAMES
def test_bf16_autocast_stays_near_float32(name, lengths, fused):
    torch.manual_seed(0)
    rnn, x = RNN(TORCH[name][0], 3, 16, layers=2, bidirectional=True, fused=fused), torch.randn(4, 8, 3)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output, _ = rnn(x, lengths=lengths)
    assert (output.float() - rnn(x, lengths=lengths)[0]).abs().max() < 0.03


@PATHS
def test_autocast_reads_what_a_layer_before_it_gave_in_half_precision(fused):
    rnn, x = RNN(LSTMCell, 3, 16, fused=fused), torch.randn(2, 8, 3)
    exact, _ = rnn(x)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output, _ = rnn(x.bfloat16())
    assert (output.float() - exact).abs().max() < 0.03


@PATHS
@DIRECTIONS
def test_shapes_are_those_of_the_signature(bidirectional, fused):
    rnn = RNN(LSTMCell, 3, 5, layers=2, bidirectional=bidirectional, fused=fused)
    forward = jaxtyping.jaxtyped(typechecker=beartype)(RNN.forward)
    for lengths in (None, [7, 4], torch.tensor([7, 4])):
        output, _ = forward(rnn, torch.zeros(2, 7, 3), rnn.initial_state(2), lengths)
        assert output.shape == (2, 7, 10 if bidirectional else 5)
    with pytest.raises(jaxtyping.TypeCheckError):
        forward(rnn, torch.zeros(7, 3))


def test_the_settings_are_told():
    assert repr(RNN(LSTMCell, 3, 5)).startswith("RNN(\n  3, 5\n")
    rnn = RNN(LSTMCell, 3, 5, layers=2, bidirectional=True, dropout=0.5, fused=False)
    assert "3, 5, layers=2, bidirectional=True, dropout=0.5, fused=False" in repr(rnn)
