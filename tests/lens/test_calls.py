"""record on models as people run them: many modules, many calls, changing weights, and no model the worse for it."""

import copy
import gc
import pickle
import weakref

import pytest
import torch
from by_hand import PeepholeCell, options, stock
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

from unrolled.errors import UnrolledError
from unrolled.lens import record
from unrolled.nn.cells import ElmanCell, GRUCell, LSTMCell, has_lstm_in
from unrolled.nn.rnn import RNN

KINDS = ("tanh", "relu", "lstm", "gru")


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(2, 3, batch_first=True)
        self.norm = nn.LayerNorm(3)

    def forward(self, x):
        return self.norm(self.rnn(x)[0])


class Model(nn.Module):
    """Modules of every sort, nested: GRU, LSTM with both directions, our RNN, a cell of torch's and a newcomer's."""

    def __init__(self):
        super().__init__()
        self.encoder = Encoder()
        self.both = nn.LSTM(3, 4, bidirectional=True)
        self.blocks = nn.ModuleList([RNN(LSTMCell, 8, 3), RNN(PeepholeCell, 3, 3, layers=2)])
        self.cell = nn.GRUCell(3, 3)
        self.own = PeepholeCell(3, 2)

    def forward(self, x):
        x = self.both(self.encoder(x))[0]
        for block in self.blocks:
            x, _ = block(x)
        h, state, ys = None, self.own.initial_state(len(x)), []
        for x_t in x.unbind(dim=1):
            h = self.cell(x_t, h)
            y, state = self.own(h, state)
            ys.append(y)
        return torch.stack(ys, dim=1)


def test_names():
    model = Model()
    with record(model) as tape:
        model(torch.randn(2, 5, 2)).sum().backward()
    assert list(tape.inputs) == ["encoder.rnn.0", "both.0", "blocks.0.0", "blocks.1.0", "blocks.1.1", "cell", "own"]
    assert {name for name in tape.states if name.endswith(".c")} == {
        "both.0.c",
        "both.0.reverse.c",
        "blocks.0.0.c",
        "blocks.1.0.c",
        "blocks.1.1.c",
        "own.c",
    }
    assert tape.gates["own.forget"].shape == (2, 5, 2)
    # time first, as nn.LSTM reads by default: the rows are what it takes for time
    assert tape.gates["both.0.reverse.forget"].shape == (5, 2, 4)
    wanted = {*(f"{name}.x" for name in tape.inputs), *tape.states, *tape.gates}
    assert set(tape.gradients) == wanted
    assert all(norms.shape == (5,) for name, norms in tape.gradient_norms().items() if not name.startswith("both"))


def test_a_model_that_is_a_module_goes_by_its_class():
    for module, name in ((nn.LSTM(2, 3), "lstm.0"), (nn.GRUCell(2, 3), "grucell"), (RNN(GRUCell, 2, 3), "rnn.0")):
        with record(module) as tape:
            module(torch.zeros(4, 2) if isinstance(module, nn.GRUCell) else torch.zeros(4, 5, 2))
        assert list(tape.inputs) == [name]


def test_only_the_outermost_is_opened():
    """The cells inside of an RNN are its layers; a model with an initial_state of its own is no cell."""

    class Stateful(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = RNN(GRUCell, 2, 3)

        def initial_state(self, batch):
            return self.rnn.initial_state(batch)

        def forward(self, x):
            return self.rnn(x, self.initial_state(len(x)))

    model = Stateful()
    with record(model) as tape:
        model(torch.randn(2, 4, 2))
    assert list(tape.states) == ["rnn.0.h"]


# ---- many calls


def test_sequences_of_their_own_get_numbers():
    module = nn.LSTM(2, 3, batch_first=True)
    xs = [torch.randn(2, time, 2) for time in (4, 6, 3)]
    with record(module) as tape:
        for x in xs:
            module(x)
    assert list(tape.inputs) == ["lstm.0", "lstm#2.0", "lstm#3.0"]
    for name, x in zip(tape.inputs, xs, strict=True):
        assert torch.equal(tape.inputs[name], x)


def test_interleaved_sequences_are_told_apart():
    cell = nn.GRUCell(2, 3)
    a, b = torch.randn(2, 1, 3), torch.randn(2, 1, 3)
    x = torch.randn(2, 5, 1, 2)
    with record(cell) as tape:
        for t in range(5):
            a, b = cell(x[0, t], a[0] if t == 0 else a), cell(x[1, t], b[0] if t == 0 else b)
    assert torch.equal(tape.inputs["grucell"], x[0].transpose(0, 1))
    assert torch.equal(tape.inputs["grucell#2"], x[1].transpose(0, 1))


@pytest.mark.parametrize("cut", [False, True])
@pytest.mark.parametrize("kind", [*KINDS, "ours", "newcomer"])
@settings(max_examples=6)
@given(data=st.data())
def test_pieces_are_one_sequence(kind, cut, data):
    """Cutting a sequence anywhere, with the state handed on, changes nothing on the tape."""
    torch.manual_seed(data.draw(st.integers(0, 9)))
    cuts = sorted(data.draw(st.sets(st.integers(1, 5), max_size=3)))
    if kind in KINDS:
        module = stock(kind)(2, 3, 2, batch_first=True, **options(kind)).double()
    else:
        module = RNN(LSTMCell if kind == "ours" else PeepholeCell, 2, 3, layers=2).double()
    x = torch.randn(2, 6, 2).double()
    with record(module) as whole:
        output, _ = module(x)
    if not cut:  # a state that is detached stops the gradient, as it should
        output.square().sum().backward()
    with record(module) as pieces:
        state, outputs = None, []
        for part in x.tensor_split(cuts, dim=1):
            output, state = module(part, state)
            outputs.append(output)
            if cut and kind in KINDS:
                state = tuple(leaf.detach() for leaf in state) if kind == "lstm" else state.detach()
            elif cut:
                state = tuple(type(s)(*(leaf.detach() for leaf in s)) for s in state)
    groups = ["inputs", "states", "gates"]
    if not cut:
        torch.cat(outputs, dim=1).square().sum().backward()
        groups.append("gradients")
    for group in groups:
        a, b = getattr(whole, group), getattr(pieces, group)
        assert list(a) == list(b)
        for name in a:
            torch.testing.assert_close(a[name], b[name], rtol=0, atol=1e-12)


def test_pieces_that_cannot_be_one_sequence():
    """Backwards the later piece is read first, and after rows of different lengths a step has no one time."""
    x = torch.randn(2, 4, 2)
    both = nn.GRU(2, 3, batch_first=True, bidirectional=True)
    with record(both) as tape:
        _, h = both(x)
        both(x, h)
    assert list(tape.inputs) == ["gru.0", "gru#2.0"]
    one = nn.GRU(2, 3, batch_first=True)
    with record(one) as tape:
        _, h = one(pack_padded_sequence(x, [4, 2], batch_first=True))
        one(x, h)
        one(pack_padded_sequence(x, [4, 2], batch_first=True), h)
    assert list(tape.inputs) == ["gru.0", "gru#2.0", "gru#3.0"]
    assert list(tape.lengths) == ["gru", "gru#3"]
    assert tape.states["gru#2.0.h"].abs().min() > 0


@pytest.mark.parametrize("way", ["optimizer", "data", "no_grad", "load"])
def test_each_call_is_replayed_with_the_weights_of_its_time(way):
    torch.manual_seed(3)
    module = nn.LSTM(2, 3, batch_first=True)
    older = copy.deepcopy(module)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.5)
    x = torch.randn(2, 5, 2)
    with record(module) as tape:
        output, _ = module(x)
        output.square().sum().backward()
        if way == "optimizer":
            optimizer.step()
        elif way == "load":
            module.load_state_dict({name: p + 0.1 for name, p in module.state_dict().items()})
        else:
            for p in module.parameters():
                assert p.grad is not None
                if way == "data":
                    p.data.add_(p.grad.data, alpha=-0.5)  # leaves no trace in the version of p
                else:
                    with torch.no_grad():
                        p.sub_(0.5 * p.grad)
        module(x)
    assert tape.difference < 1e-6
    for name, model in (("lstm.0", older), ("lstm#2.0", module)):
        with record(model) as fresh:
            model(x)
        for gate in ("input", "forget", "candidate", "output"):
            assert torch.equal(tape.gates[f"{name}.{gate}"], fresh.gates[f"lstm.0.{gate}"])
    assert not torch.equal(tape.gates["lstm.0.forget"], tape.gates["lstm#2.0.forget"])


# ---- gradients


def test_backward_passes_add_up():
    module = nn.LSTM(2, 3, batch_first=True).double()
    x = torch.randn(2, 5, 2).double()
    with record(module) as tape:
        output, (h, _) = module(x)
    output.sum().backward(retain_graph=True)
    first = dict(tape.gradients)
    h.square().sum().backward(retain_graph=True)
    both = dict(tape.gradients)
    with record(module) as other:
        output, (h, _) = module(x)
    (output.sum() + h.square().sum()).backward()
    for name, gradient in other.gradients.items():
        torch.testing.assert_close(both[name], gradient, rtol=0, atol=1e-12)
        assert not torch.equal(both[name], first[name])


def test_an_output_used_twice():
    module = RNN(LSTMCell, 2, 3).double()
    x = torch.randn(2, 5, 2).double()
    found = []
    for times in (1, 2):
        with record(module) as tape:
            output, state = module(x)
        loss = output.square().sum() + state[0].c.sum() + state[0].h.sum()
        (sum([loss] * times)).backward()
        found.append(tape.gradients["rnn.0.c"])
    torch.testing.assert_close(found[1], 2 * found[0])


def test_a_call_without_a_gradient_has_zeros():
    cell = nn.GRUCell(2, 3)
    with record(cell) as tape:
        h = cell(torch.ones(1, 2))
        h.sum().backward()
        cell(torch.ones(1, 2), h.detach())
    assert tape.gradients["grucell.h"][0, :, 0].tolist() == [1.0, 0.0]


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_without_gradients(mode):
    model = Model()
    x = torch.randn(2, 5, 2)
    with record(model) as tape:
        model(x)
    with mode(), record(model) as without:
        model(x)
        inside = dict(without.states)  # read where no gradient is kept
    for name, value in tape.states.items():
        torch.testing.assert_close(without.states[name], value)  # another kernel of torch's, with other rounding
        assert torch.equal(without.states[name], inside[name])
        assert not inside[name].is_inference()  # may be computed with, gradients and all
    with pytest.raises(UnrolledError, match=r"^no gradient has reached 'encoder.rnn'; call backward\(\) on a loss"):
        _ = without.gradients


def test_weights_made_in_inference_mode():
    with torch.inference_mode():
        module = nn.GRU(2, 3)
        with record(module) as tape:
            module(torch.randn(5, 2, 2))
    assert tape.difference < 1e-6


@pytest.mark.parametrize("fused", [None, False])
@pytest.mark.parametrize("cell", [ElmanCell, LSTMCell, GRUCell, PeepholeCell])
def test_autocast(cell, fused):
    module = RNN(cell, 3, 8, layers=2, fused=fused)
    x = torch.randn(4, 6, 3)
    with record(module) as exact:
        module(x)[0].sum().backward()
    with torch.autocast("cpu", torch.bfloat16), record(module) as tape:
        output, _ = module(x)
        tape.states  # noqa: B018 - read under autocast; gradients after it
    output.float().sum().backward()
    assert 0 <= tape.difference < 5e-2
    for group in ("states", "gates", "gradients"):
        for name, value in getattr(exact, group).items():
            torch.testing.assert_close(getattr(tape, group)[name].float(), value, rtol=0.1, atol=0.1)


@pytest.mark.parametrize("kind", KINDS)
def test_autocast_of_torch(kind):
    if kind == "lstm" and not has_lstm_in(torch.bfloat16):
        pytest.skip("torch.nn.LSTM itself doesn't run under autocast to bfloat16 on this CPU")
    module = stock(kind)(3, 8, 2, batch_first=True, **options(kind))
    x = torch.randn(4, 6, 3)
    with record(module) as exact:
        module(x)[0].sum().backward()
    with torch.autocast("cpu", torch.bfloat16), record(module) as tape:
        output, _ = module(x)
    output.float().sum().backward()
    for name, value in exact.gradients.items():
        torch.testing.assert_close(tape.gradients[name].float(), value, rtol=0.1, atol=0.1)


def test_read_under_autocast():
    """What ran in float32 is computed again in float32, wherever the tape is read."""
    module = nn.GRU(3, 40)
    with record(module) as tape:
        module(torch.randn(50, 2, 3))
    with torch.autocast("cpu", torch.bfloat16):
        assert tape.difference < 1e-6


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision(dtype):
    module = nn.LSTM(3, 4, batch_first=True).to(dtype)
    with record(module) as tape:
        module(torch.randn(2, 5, 3, dtype=dtype))[0].sum().backward()
    assert tape.states["lstm.0.c"].dtype == tape.gradients["lstm.0.c"].dtype == dtype


# ---- with a tape as without


def _run(model, x, taped):
    torch.manual_seed(5)
    model.zero_grad()
    if taped:
        with record(model) as tape:
            output = model(x)
            output.square().sum().backward()
            after = torch.get_rng_state()
        assert tape.difference < 1e-5
        assert len(tape.gradients) > 0
    else:
        output = model(x)
        output.square().sum().backward()
        after = torch.get_rng_state()
    assert torch.equal(after, torch.get_rng_state())  # reading draws nothing
    return output.detach(), [p.grad.clone() for p in model.parameters()], after


class First(nn.Module):
    """The output alone."""

    def __init__(self, rnn):
        super().__init__()
        self.rnn = rnn

    def forward(self, x):
        output, state = self.rnn(x)
        while not isinstance(state, torch.Tensor):
            state = state[-1]
        return output.sum() + state


MODELS = {
    "all sorts": Model,
    **{f"torch {kind}": lambda kind=kind: First(stock(kind)(2, 8, 2, dropout=0.3, **options(kind))) for kind in KINDS},
    **{
        f"{cell.__name__} {fused}": lambda cell=cell, fused=fused: First(
            RNN(cell, 2, 8, layers=2, dropout=0.3, fused=fused)
        )
        for cell in (ElmanCell, LSTMCell, GRUCell, PeepholeCell)
        for fused in (None, False)
    },
}


@pytest.mark.parametrize("name", MODELS)
def test_the_model_runs_as_without_a_tape(name):
    """The same bits of output and of every parameter's gradient, and the same random numbers afterwards."""
    model = MODELS[name]()
    x = torch.randn(3, 20, 2)
    plain, taped = _run(model, x, False), _run(model, x, True)
    assert torch.equal(plain[0], taped[0])
    assert all(map(torch.equal, plain[1], taped[1]))
    assert torch.equal(plain[2], taped[2])


def test_a_state_may_be_changed_in_place():
    """As in truncated backpropagation, ``h.detach_()``, and in a reset of the rows that have ended."""
    cell = LSTMCell(2, 3)
    state = cell.initial_state(2)
    with record(cell) as tape:
        for _ in range(3):
            y, state = cell(torch.ones(2, 2), state)
            for leaf in state:
                leaf.detach_()
    assert y is state.h
    assert tape.states["lstmcell.h"].shape == (2, 3, 3)


def _hooks(model):
    return [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules()]


def test_nothing_stays_on_the_model():
    model = Model().train()
    before, state = _hooks(model), copy.deepcopy(model.state_dict())
    with record(model) as tape:
        assert _hooks(model) != before
        model(torch.randn(2, 5, 2))
    assert len(tape.states) > 0
    assert _hooks(model) == before
    assert all(module.training for module in model.modules())
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    assert "gates" not in vars(model.own)
    twin = pickle.loads(pickle.dumps(copy.deepcopy(model)))
    x = torch.randn(2, 5, 2)
    assert torch.equal(twin(x), model(x))


def test_nothing_stays_on_a_model_that_fails():
    model = Model()
    before = _hooks(model)
    with pytest.raises(RuntimeError), record(model):
        model(torch.randn(2, 5, 7))
    assert _hooks(model) == before
    with record(model) as tape:
        model(torch.randn(2, 5, 2))
    assert len(tape.inputs) == 7


def test_a_cell_is_copied_without_what_was_recorded():
    """Its own hooks hold the tape; with them, every copy of the weights would copy all that went before."""
    cell = PeepholeCell(2, 3)
    seen = []
    cell.register_forward_hook(lambda *_: seen.append(1))
    state = cell.initial_state(2)
    with record(cell) as tape:
        for _ in range(4):
            _, state = cell(torch.ones(2, 2), state)
            cell.peephole.data.add_(0.1)
    assert tape.difference < 1e-6
    assert len(seen) == 4  # reading doesn't call what hangs on the model
    assert len({id(cell) for cell, _ in tape.strands()["peepholecell"].cells}) == 4
    assert all(not twin._forward_hooks for twin, _ in tape.strands()["peepholecell"].cells)


def test_a_tape_holds_no_graph():
    model = Model()

    class Marked(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.clone()

        @staticmethod
        def backward(ctx, gradient):
            return gradient

    x = torch.randn(2, 5, 2, requires_grad=True)
    with record(model) as tape:
        marked = Marked.apply(x)
        node = weakref.ref(marked.grad_fn)
        output = model(marked)
        output.sum().backward()
    assert len(tape.gradients) > 0
    del marked, output
    gc.collect()
    assert node() is None
    assert not any(t.requires_grad for group in (tape.inputs, tape.states, tape.gates) for t in group.values())


def test_a_graph_holds_no_tape_longer_than_itself():
    module = nn.GRU(2, 3)
    with record(module) as tape:
        output, _ = module(torch.randn(5, 2, 2))
    assert len(tape.states) == 1
    gone = weakref.ref(tape)
    call = weakref.ref(tape._sequences[0].calls[0])
    del tape, output, _
    gc.collect()
    assert gone() is None
    assert call() is None


# ---- laws


@settings(max_examples=10)
@given(st.permutations(range(4)), st.sampled_from(KINDS), st.booleans())
def test_the_order_of_the_rows_does_not_matter(order, kind, both):
    torch.manual_seed(1)
    module = stock(kind)(2, 3, batch_first=True, bidirectional=both, **options(kind)).double()
    x, lengths = torch.randn(4, 6, 2).double(), torch.tensor([6, 3, 1, 5])
    tapes = []
    for rows in (list(range(4)), order):
        with record(module) as tape:
            packed = pack_padded_sequence(x[rows], lengths[rows], batch_first=True, enforce_sorted=False)
            module(packed)[0].data.square().sum().backward()
        tapes.append(tape)
    a, b = tapes
    for group in ("inputs", "states", "gates", "gradients"):
        for name, value in getattr(a, group).items():
            torch.testing.assert_close(value[order], getattr(b, group)[name], rtol=0, atol=1e-12)


@settings(max_examples=10)
@given(st.floats(allow_nan=True, allow_infinity=True), st.sampled_from([ElmanCell, LSTMCell, GRUCell, PeepholeCell]))
def test_padding_is_not_on_the_tape(padding, cell):
    torch.manual_seed(1)
    module = RNN(cell, 2, 3, bidirectional=True).double()
    x = torch.randn(3, 6, 2).double()
    lengths = [6, 2, 4]
    tapes = []
    for value in (0.0, padding):
        dirty = x.clone()
        for row, length in enumerate(lengths):
            dirty[row, length:] = value
        with record(module) as tape:
            module(dirty, lengths=lengths)[0].sum().backward()
        tapes.append(tape)
    for group in ("inputs", "states", "gates", "gradients"):
        for name, value in getattr(tapes[0], group).items():
            assert torch.equal(value, getattr(tapes[1], group)[name])
            assert all((value[row, length:] == 0).all() for row, length in enumerate(lengths))
