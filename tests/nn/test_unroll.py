"""Which path a cell takes, and the compiled loop against the plain one."""

import functools
import shutil
from functools import partial

import pytest
import torch
from newcomer import PeepholeCell
from torch.nn.utils.parametrizations import spectral_norm, weight_norm
from torch.utils._pytree import tree_leaves

from unrolled.errors import SettingsError
from unrolled.nn import RNN, ElmanCell, GRUCell, LSTMCell, LSTMState
from unrolled.nn import unroll as unrolling
from unrolled.nn.unroll import has_fast_path, loop
from unrolled.shapes import mask

COMPILER = pytest.mark.skipif(
    not any(map(shutil.which, ("c++", "g++", "clang++"))), reason="no C++ compiler here: torch.compile needs one"
)
CELLS = pytest.mark.parametrize("cell", [ElmanCell, partial(ElmanCell, nonlinearity="relu"), LSTMCell, GRUCell])


def close(actual, expected, name=""):
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-10, msg=lambda text: f"{name}: {text}")


class Silent(LSTMCell):
    """Changes the step, and inherits an ``unroll`` that doesn't know of it."""

    def forward(self, x, state):
        output, state = super().forward(x, state)
        return torch.zeros_like(output), state


class Leaky(GRUCell):
    """Changes the gates alone."""

    def gates(self, x, state):
        gates = super().gates(x, state)
        return gates._replace(update=torch.full_like(gates.update, 0.5))


class Constant(LSTMCell):
    """Changes the step and brings its own way over time, which leaves NaN past a row's length."""

    def forward(self, x, state):
        return torch.ones_like(state.h), state

    def unroll(self, x, state, lengths=None):
        output = torch.ones_like(x[..., :1]) * torch.ones_like(state.h)[:, None] * self.bias_ih[0].exp()
        if lengths is not None:
            output = output.masked_fill(~mask(lengths, x.shape[1])[..., None], torch.nan)
        return output, state


class BelowConstant(Constant):
    def initial_state(self, batch):
        return LSTMState(*(leaf + 1 for leaf in super().initial_state(batch)))


class ConstantAgainChanged(Constant):
    def gates(self, x, state):
        return super().gates(x, state)


@CELLS
def test_our_cells_have_a_fast_path(cell):
    assert has_fast_path(cell(3, 5))


@pytest.mark.parametrize(
    ("cell", "fast"),
    [
        (PeepholeCell, False),
        (Silent, False),
        (Leaky, False),
        (Constant, True),
        (BelowConstant, True),
        (ConstantAgainChanged, False),
    ],
)
def test_a_subclass_has_one_where_its_unroll_is_no_older_than_its_step(cell, fast):
    assert has_fast_path(cell(3, 5)) is fast


@pytest.mark.parametrize("cell", [Silent, Leaky])
def test_a_changed_step_is_what_runs(cell):
    torch.manual_seed(0)
    rnn, x = RNN(cell, 3, 5, layers=2, bidirectional=True), torch.randn(2, 4, 3)
    plain = RNN(cell, 3, 5, layers=2, bidirectional=True, fused=False)
    plain.load_state_dict(rnn.state_dict())
    assert torch.equal(rnn(x)[0], plain(x)[0])
    original = RNN(cell.__mro__[1], 3, 5, layers=2, bidirectional=True)
    original.load_state_dict(rnn.state_dict())
    assert not torch.allclose(rnn(x)[0], original(x)[0])


def test_an_unroll_of_its_own_is_what_runs_and_what_it_leaves_past_a_length_does_not_matter():
    rnn = RNN(Constant, 3, 5, layers=2)
    with torch.no_grad():
        for cell in rnn.cells:
            cell.bias_ih.fill_(torch.tensor(2.0).log())
    output, _ = rnn(torch.zeros(2, 4, 3), lengths=[4, 1])
    expected = torch.full((2, 4, 5), 2.0)  # the step says 1
    expected[1, 1:] = 0
    torch.testing.assert_close(output, expected)

    mixed = RNN(Constant, 3, 5, layers=2)
    mixed.cells[1] = PeepholeCell(5, 5)  # reads what the first layer left
    output, state = mixed(torch.zeros(2, 4, 3), lengths=[4, 1])
    gradients = torch.autograd.grad(output.sum() + state[1].c.sum(), list(mixed.cells[1].parameters()))
    assert all(gradient.isfinite().all() for gradient in (output, *gradients))


@pytest.mark.parametrize("lengths", [None, [6, 2, 5]], ids=["full", "ragged"])
@pytest.mark.parametrize("parametrization", [weight_norm, spectral_norm])
@CELLS
def test_a_parametrised_cell_keeps_its_fast_path(cell, parametrization, lengths):
    torch.manual_seed(0)
    rnn = RNN(cell, 3, 5, layers=2).double().eval()  # spectral_norm changes its estimate at each use in training
    for layer in rnn.cells:
        parametrization(layer, "weight_hh")
    with torch.no_grad():
        for parameter in rnn.parameters():
            parameter.mul_(1.5)
    assert has_fast_path(rnn.cells[0])
    x = torch.randn(3, 6, 3, dtype=torch.float64)
    fast, fast_state = rnn(x, lengths=lengths)
    fast_gradients = torch.autograd.grad(fast.square().sum(), list(rnn.parameters()))
    rnn.fused = False
    slow, slow_state = rnn(x, lengths=lengths)
    slow_gradients = torch.autograd.grad(slow.square().sum(), list(rnn.parameters()))
    close(fast, slow)
    for leaf, twin in zip(tree_leaves(fast_state), tree_leaves(slow_state), strict=True):
        close(leaf, twin)
    for gradient, twin in zip(fast_gradients, slow_gradients, strict=True):
        close(gradient, twin)


def test_the_loop_is_the_cell_step_by_step():
    torch.manual_seed(0)
    cell, x = PeepholeCell(3, 5), torch.randn(2, 4, 3)
    state, outputs = cell.initial_state(2), []
    for t in range(4):
        output, state = cell(x[:, t], state)
        outputs.append(output)
        if t == 1:
            row_1 = state
    output, after = loop(cell, x, cell.initial_state(2), mask(torch.tensor([4, 2]), 4))
    assert torch.equal(output[0], torch.stack(outputs, dim=1)[0])
    assert torch.equal(output[1, :2], torch.stack(outputs, dim=1)[1, :2])
    for leaf, whole, early in zip(after, state, row_1, strict=True):
        assert torch.equal(leaf[0], whole[0])
        assert torch.equal(leaf[1], early[1])


@pytest.mark.parametrize("bidirectional", [False, True], ids=["one", "both"])
@pytest.mark.parametrize("lengths", [None, [4, 2]], ids=["full", "ragged"])
def test_the_loop_path_compiles_to_one_graph(lengths, bidirectional):
    torch._dynamo.reset()
    rnn = RNN(LSTMCell, 3, 5, layers=2, bidirectional=bidirectional, fused=False)
    x, lengths = torch.randn(2, 4, 3), lengths if lengths is None else torch.tensor(lengths)
    compiled = torch.compile(rnn, fullgraph=True, backend="eager")
    close(compiled(x, None, lengths)[0], rnn(x, None, lengths)[0])


# ---- compiled


def run_with_gradients(rnn, x, lengths):
    """Outputs, final state and all gradients of one loss, in which each output and state has its own weight."""
    output, after = rnn(x, lengths=lengths)
    torch.manual_seed(9)
    leaves = [output, *tree_leaves(after)]
    loss = sum((leaf * torch.randn_like(leaf)).sum() for leaf in leaves)
    inputs = [*rnn.parameters(), *([x] if x.requires_grad else [])]
    return [*leaves, *torch.autograd.grad(loss, inputs)]


@pytest.fixture
def eager(monkeypatch):
    """torch.compile up to the kernels: graphs, guards and recompilations as they are, and no C++."""
    torch._dynamo.reset()
    unrolling._compiled.cache_clear()
    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend="eager"))
    yield
    unrolling._compiled.cache_clear()


def same_as_the_loop(cell, layers, bidirectional, batch, time, lengths, needs_x):
    rnn = RNN(cell, 3, 5, layers=layers, bidirectional=bidirectional, fused=True).double()
    plain = RNN(cell, 3, 5, layers=layers, bidirectional=bidirectional, fused=False).double()
    plain.load_state_dict(rnn.state_dict())
    x = torch.randn(batch, time, 3, dtype=torch.float64, requires_grad=needs_x)
    for n, (value, twin) in enumerate(
        zip(run_with_gradients(rnn, x, lengths), run_with_gradients(plain, x, lengths), strict=True)
    ):
        close(value, twin, f"value {n}, lengths {lengths}, time {time}")


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("time", [1, 8, 11, 19])
def test_the_loop_in_parts_equals_the_loop(time):
    torch.manual_seed(0)
    same_as_the_loop(PeepholeCell, 2, True, 3, time, [time, 1, (time + 1) // 2], True)


@pytest.mark.usefixtures("eager")
def test_few_graphs_serve_batches_of_every_size_and_length():
    """torch compiles a function eight times at most, and then, with a warning, no more."""
    torch._dynamo.utils.counters.clear()
    for batch, time, lengths in ((3, 9, None), (4, 16, None), (5, 17, None), (4, 10, [10, 3, 9, 8])):
        for needs_x in (False, True):
            same_as_the_loop(PeepholeCell, 1, False, batch, time, lengths, needs_x)
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] <= 3


@pytest.mark.slow
@COMPILER
def test_the_compiled_loop_equals_the_loop():
    """Several models of a class in one process, both directions, rows of different lengths, a rest of three steps."""
    torch.manual_seed(0)
    unrolling._compiled.cache_clear()
    for layers, bidirectional, lengths in ((2, True, [19, 3, 8]), (1, True, [5, 19, 8]), (1, False, None)):
        same_as_the_loop(PeepholeCell, layers, bidirectional, 3, 19, lengths, True)


def test_what_needs_no_gradient_is_not_compiled(monkeypatch):
    monkeypatch.setattr("unrolled.nn.rnn.compiled_loop", lambda *_: pytest.fail("compiled"))
    rnn, x = RNN(PeepholeCell, 3, 5, fused=True), torch.randn(2, 9, 3)
    with torch.no_grad():
        assert torch.equal(rnn(x)[0], loop(rnn.cells[0], x, rnn.cells[0].initial_state(2))[0])


def test_fused_true_takes_the_fast_path_where_there_is_one(monkeypatch):
    monkeypatch.setattr("unrolled.nn.rnn.compiled_loop", lambda *_: pytest.fail("compiled"))
    monkeypatch.setattr("unrolled.nn.rnn.loop", lambda *_: pytest.fail("looped"))
    RNN(LSTMCell, 3, 5, bidirectional=True, fused=True)(torch.randn(2, 9, 3))


def no_compiler(graph, example):
    raise RuntimeError("no working C++ compiler\nand more")


def test_a_cell_that_cannot_be_compiled_says_what_to_do(monkeypatch):
    torch._dynamo.reset()
    unrolling._compiled.cache_clear()
    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend=no_compiler))
    with pytest.raises(SettingsError) as caught:
        RNN(PeepholeCell, 3, 5, fused=True)(torch.randn(2, 9, 3))
    unrolling._compiled.cache_clear()
    text = str(caught.value)
    assert text.startswith("fused=True compiles PeepholeCell, which has no kernel, and that failed (")
    assert text.endswith("no working C++ compiler); leave out fused=True")
    assert "\n" not in text
