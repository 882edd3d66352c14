"""Laws that hold for RNN with every cell, on both paths, in both directions, with rows of different lengths."""

import math
from functools import partial
from typing import Any, NamedTuple

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from newcomer import PeepholeCell
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map

from unrolled.nn import RNN, ElmanCell, GRUCell, LSTMCell

CELLS = {
    "tanh": ElmanCell,
    "relu": partial(ElmanCell, nonlinearity="relu"),
    "lstm": LSTMCell,
    "gru": GRUCell,
    "peephole": PeepholeCell,
}
RUNS = pytest.mark.parametrize(
    ("cell", "fused"),
    [pytest.param(c, f, id=f"{n}-{'loop' if f is False else 'fused'}")
     for n, c in CELLS.items() for f in (None, False) if (n, f) != ("peephole", None)],
)  # fmt: skip
TRIES = settings(deadline=None, max_examples=20)


def close(actual, expected, name=""):
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-10, msg=lambda text: f"{name}: {text}")


class Case(NamedTuple):
    rnn: RNN
    x: Tensor  # (batch, time, 2)
    state: Any
    lengths: list[int]

    def row(self, n: int | list[int]) -> Any:
        """The initial state of some rows."""
        return tree_map(lambda leaf: leaf[n if isinstance(n, list) else slice(n, n + 1)], self.state)


@st.composite
def cases(draw, cell, fused, bidirectional=None):
    batch, time = draw(st.integers(1, 4)), draw(st.integers(1, 9))
    lengths = draw(st.lists(st.integers(1, time), min_size=batch, max_size=batch))
    torch.manual_seed(draw(st.integers(0, 999)))
    both = draw(st.booleans()) if bidirectional is None else bidirectional
    rnn = RNN(cell, 2, 3, layers=draw(st.integers(1, 3)), bidirectional=both, fused=fused).double()
    x = torch.randn(batch, time, 2, dtype=torch.float64)
    state = tree_map(lambda leaf: torch.randn_like(leaf).requires_grad_(), rnn.initial_state(batch))
    return Case(rnn, x, state, lengths)


@RUNS
@TRIES
@given(st.data())
def test_padding_changes_nothing(cell, fused, data):
    """Each row alone and unpadded is the oracle: the gradients of the batch are the sums of theirs."""
    case = data.draw(cases(cell, fused))
    more = data.draw(st.integers(0, 4))
    x = torch.nn.functional.pad(case.x, (0, 0, 0, more))
    content = st.sampled_from([0.0, 1.0, -1e30, math.nan, math.inf, -math.inf])
    for row, length in enumerate(case.lengths):
        x[row, length:] = data.draw(content)
    x.requires_grad_()
    parameters = list(case.rnn.parameters())
    start = tree_leaves(case.state)

    output, after = case.rnn(x, case.state, case.lengths)
    w = torch.randn_like(output)
    vs = [torch.randn_like(leaf) for leaf in tree_leaves(after)]
    loss = (output * w).sum() + sum((leaf * v).sum() for leaf, v in zip(tree_leaves(after), vs, strict=True))
    gradients = torch.autograd.grad(loss, [x, *parameters, *start])
    assert all(gradient.isfinite().all() for gradient in gradients)

    total = torch.zeros((), dtype=torch.float64)
    for row, length in enumerate(case.lengths):
        alone, after_alone = case.rnn(x[row : row + 1, :length], case.row(row))
        close(output[row : row + 1, :length], alone, f"row {row}")
        assert (output[row, length:] == 0).all()
        assert (gradients[0][row, length:] == 0).all()
        for leaf, twin, v in zip(tree_leaves(after), tree_leaves(after_alone), vs, strict=True):
            close(leaf[row : row + 1], twin, f"state of row {row}")
            total = total + (twin * v[row : row + 1]).sum()
        total = total + (alone * w[row : row + 1, :length]).sum()
    for gradient, twin in zip(gradients, torch.autograd.grad(total, [x, *parameters, *start]), strict=True):
        close(gradient, twin, "gradient")


@pytest.mark.parametrize("fused", [None, False], ids=["fused", "loop"])
def test_a_long_padding_changes_nothing_even_where_relu_explodes(fused):
    torch.manual_seed(0)
    rnn = RNN(partial(ElmanCell, nonlinearity="relu"), 2, 4, layers=2, bidirectional=True, fused=fused)
    with torch.no_grad():
        for parameter in rnn.parameters():
            parameter.abs_().mul_(3)  # all open: h grows about threefold a step, beyond float32 after some 80 steps
    x = torch.rand(2, 300, 2)
    output, state = rnn(x, lengths=[4, 5])
    gradients = torch.autograd.grad(output.sum() + state[0][0].h.sum(), list(rnn.parameters()))
    short, short_state = rnn(x[:, :5], lengths=[4, 5])
    expected = torch.autograd.grad(short.sum() + short_state[0][0].h.sum(), list(rnn.parameters()))
    torch.testing.assert_close(output[:, :5], short)
    for gradient, twin in zip(gradients, expected, strict=True):
        torch.testing.assert_close(gradient, twin)


@RUNS
@TRIES
@given(st.data())
def test_two_halves_with_the_state_carried_are_one_run(cell, fused, data):
    case = data.draw(cases(cell, fused, bidirectional=False))
    first_half = data.draw(st.integers(1, 5))
    x = torch.cat([torch.randn(len(case.lengths), first_half, 2, dtype=torch.float64), case.x], dim=1)
    once, after_once = case.rnn(x, case.state, [first_half + length for length in case.lengths])
    first, state = case.rnn(x[:, :first_half], case.state)
    second, after = case.rnn(x[:, first_half:], state, case.lengths)
    twice = torch.cat([first, second], dim=1)
    close(twice, once)
    for leaf, twin in zip(tree_leaves(after), tree_leaves(after_once), strict=True):
        close(leaf, twin)
    w = torch.randn_like(once)
    inputs = [*case.rnn.parameters(), *tree_leaves(case.state)]
    expected = torch.autograd.grad((once * w).sum(), inputs, materialize_grads=True)
    actual = torch.autograd.grad((twice * w).sum(), inputs, materialize_grads=True)
    for gradient, twin in zip(actual, expected, strict=True):
        close(gradient, twin, "gradient through both halves")


def reversed_within(x, lengths):
    """The oracle of unrolled.shapes.reverse, row by row."""
    rows = [torch.cat([row[:n].flip(0), row[n:]]) for row, n in zip(x, lengths, strict=True)]
    return torch.stack(rows)


def mirrored(rnn):
    """The directions' weights swapped; from the second layer on, a cell reads both directions' outputs, swapped too."""
    weights = {}
    for key, value in rnn.state_dict().items():
        name, layer = key.removesuffix("_reverse").rsplit("_l", 1)
        value = value.clone()
        if int(layer) > 0 and name in ("weight_ih", "mix.weight"):
            value[:, : 2 * rnn.hidden_size] = value[:, : 2 * rnn.hidden_size].roll(rnn.hidden_size, dims=1)
        weights[key.removesuffix("_reverse") if key.endswith("_reverse") else key + "_reverse"] = value
    return weights


@RUNS
@TRIES
@given(st.data())
def test_a_reversed_bidirectional_run_mirrors(cell, fused, data):
    case = data.draw(cases(cell, fused, bidirectional=True))
    twin = RNN(cell, 2, 3, layers=case.rnn.layers, bidirectional=True, fused=fused).double()
    twin.load_state_dict(mirrored(case.rnn))
    swapped = tuple((backward, forward) for forward, backward in case.state)

    output, after = case.rnn(case.x, case.state, case.lengths)
    mirror, mirror_after = twin(reversed_within(case.x, case.lengths), swapped, case.lengths)
    close(reversed_within(mirror, case.lengths).roll(3, dims=2), output, "outputs, halves swapped")
    for (forward, backward), (mirror_forward, mirror_backward) in zip(after, mirror_after, strict=True):
        for leaf, other in zip((*forward, *backward), (*mirror_backward, *mirror_forward), strict=True):
            close(leaf, other, "final state")


@RUNS
@TRIES
@given(st.data())
def test_the_order_of_the_batch_does_not_matter(cell, fused, data):
    case = data.draw(cases(cell, fused))
    order = data.draw(st.permutations(range(len(case.lengths))))
    output, after = case.rnn(case.x, case.state, case.lengths)
    shuffled, after_shuffled = case.rnn(case.x[order], case.row(order), [case.lengths[n] for n in order])
    close(shuffled, output[order])
    for leaf, twin in zip(tree_leaves(after_shuffled), tree_leaves(after), strict=True):
        close(leaf, twin[order])


@RUNS
@TRIES
@given(st.data())
def test_a_row_does_not_depend_on_its_neighbours(cell, fused, data):
    """Not on their lengths, nor on what they hold, and be it NaN."""
    case = data.draw(cases(cell, fused))
    row = data.draw(st.integers(0, len(case.lengths) - 1))
    others = [n for n in range(len(case.lengths)) if n != row]
    x, lengths = case.x.clone(), list(case.lengths)
    x[others] = data.draw(st.sampled_from([0.0, -7.0, math.nan, math.inf]))
    for n in others:
        lengths[n] = data.draw(st.integers(1, case.x.shape[1]))
    output, after = case.rnn(case.x, case.state, case.lengths)
    beside, after_beside = case.rnn(x, case.state, lengths)
    close(beside[row], output[row])
    for leaf, twin in zip(tree_leaves(after_beside), tree_leaves(after), strict=True):
        close(leaf[row], twin[row])


@RUNS
@TRIES
@given(st.data())
def test_the_future_does_not_change_the_past(cell, fused, data):
    """Nor, for the backward cell of the first layer, the past the future."""
    case = data.draw(cases(cell, fused, bidirectional=False))
    cut = data.draw(st.integers(0, case.x.shape[1]))
    x = case.x.clone()
    x[:, cut:] = data.draw(st.sampled_from([100.0, math.nan, math.inf]))
    close(case.rnn(x, case.state)[0][:, :cut], case.rnn(case.x, case.state)[0][:, :cut])

    both = RNN(cell, 2, 3, bidirectional=True, fused=fused).double()
    past = case.x.clone()
    past[:, :cut] = math.nan
    close(both(past)[0][:, cut:, 3:], both(case.x)[0][:, cut:, 3:])
