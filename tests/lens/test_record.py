"""record on torch's and our modules, in float64, against the same networks written out by hand."""

import functools

import pytest
import torch
from by_hand import LEAVES, ByHand, PeepholeCell, check, options, stock, weights_of
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from unrolled.lens import record
from unrolled.nn.cells import ElmanCell, GRUCell, LSTMCell
from unrolled.nn.rnn import RNN

KINDS = ("tanh", "relu", "lstm", "gru")
CELLS = {
    "tanh": ElmanCell,
    "relu": functools.partial(ElmanCell, nonlinearity="relu"),
    "lstm": LSTMCell,
    "gru": GRUCell,
    "peephole": PeepholeCell,
}
LENGTHS = [3, 5, 1]  # of the rows, unsorted


@pytest.fixture(autouse=True)
def _double():
    torch.manual_seed(0)
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def _loss(output, leaves, on="both"):
    """A scalar in which every number of the output, of the last states, or of both has a weight of its own."""
    parts = {"output": [output], "state": leaves, "both": [output, *leaves]}[on]
    torch.manual_seed(7)
    return sum((torch.randn(part.shape) * part).sum() for part in parts)


def _by_hand(kind, module, x, directions=1, lengths=None, before=None, on="both", kept=None):
    weights = weights_of(module)
    if before is not None:
        before = [dict(zip(LEAVES[kind], leaves, strict=True)) for leaves in zip(*before, strict=True)]
    hand = ByHand(kind, weights, x, lengths, directions, before, kept)
    leaves = [torch.stack([hand.last(n, leaf) for n in range(len(weights))]) for leaf in LEAVES[kind]]
    _loss(hand.output, leaves, on).backward()
    return hand


def _listed(state):
    return [state] if isinstance(state, torch.Tensor) else list(state)


@pytest.mark.parametrize("form", ["batch first", "time first", "packed", "packed, sorted", "alone"])
@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_torch_modules(kind, directions, layers, given, form):
    batch_first = form in ("batch first", "packed")
    module = stock(kind)(2, 3, layers, bidirectional=directions == 2, batch_first=batch_first, **options(kind))
    lengths = {"packed": LENGTHS, "packed, sorted": [5, 3, 1]}.get(form)
    x = torch.randn(1 if form == "alone" else 3, 5, 2)
    before = [torch.randn(layers * directions, len(x), 3) for _ in LEAVES[kind]] if given else None
    hx = None if before is None else [leaf[:, 0] for leaf in before] if form == "alone" else before
    if hx is not None:
        hx = tuple(hx) if kind == "lstm" else hx[0]

    data = x[0] if form == "alone" else x if batch_first else x.transpose(0, 1)
    if lengths:
        data = pack_padded_sequence(data, lengths, batch_first=batch_first, enforce_sorted=form != "packed")
    with record(module) as tape:
        output, after = module(data, hx)
    if lengths:
        output, _ = pad_packed_sequence(output, batch_first=True)
    elif form == "alone":
        output = output[None]
    elif not batch_first:
        output = output.transpose(0, 1)
    leaves = [leaf[:, None] if form == "alone" else leaf for leaf in _listed(after)]
    _loss(output, leaves).backward()

    hand = _by_hand(kind, module, x, directions, lengths, before)
    name = type(module).__name__.lower()
    check(tape, name, hand)
    assert tape.difference < 1e-14
    if lengths:
        assert tape.lengths[name].tolist() == lengths
    else:
        assert len(tape.lengths) == 0


@pytest.mark.parametrize("lengths", [None, LENGTHS])
@pytest.mark.parametrize("directions", [1, 2])
def test_projection(directions, lengths):
    module = nn.LSTM(2, 4, 2, proj_size=3, batch_first=True, bidirectional=directions == 2)
    x = torch.randn(3, 5, 2)
    with record(module) as tape:
        data = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False) if lengths else x
        output, after = module(data)
    output = pad_packed_sequence(output, batch_first=True)[0] if lengths else output
    _loss(output, list(after)).backward()
    check(tape, "lstm", _by_hand("lstm", module, x, directions, lengths))
    assert tape.states["lstm.1.h"].shape == (3, 5, 3)
    assert tape.states["lstm.1.c"].shape == (3, 5, 4)


@pytest.mark.parametrize("kind", KINDS)
def test_without_bias(kind):
    module = stock(kind)(2, 3, 2, bias=False, batch_first=True, **options(kind))
    x = torch.randn(3, 5, 2)
    with record(module) as tape:
        output, after = module(x)
    _loss(output, _listed(after)).backward()
    check(tape, type(module).__name__.lower(), _by_hand(kind, module, x))


@pytest.mark.parametrize("on", ["output", "state", "both"])
@pytest.mark.parametrize("kind", KINDS)
def test_where_the_loss_is_does_not_matter(kind, on):
    """Only on the outputs, only on the last state, or on both: every gradient is counted once."""
    torch_module = stock(kind)(2, 3, 2, batch_first=True, **options(kind))
    x = torch.randn(3, 5, 2)
    hand = _by_hand(kind, torch_module, x, on=on)
    for fused in (None, False):
        ours = RNN(CELLS[kind], 2, 3, layers=2, fused=fused)
        ours.load_state_dict(torch_module.state_dict())
        with record(ours) as tape:
            output, state = ours(x)
        leaves = [torch.stack(leaf) for leaf in zip(*state, strict=True)]
        _loss(output, leaves, on).backward()
        check(tape, "rnn", hand)
    with record(torch_module) as tape:
        output, after = torch_module(x)
    _loss(output, _listed(after), on).backward()
    check(tape, type(torch_module).__name__.lower(), hand)


@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize("lengths", [None, LENGTHS])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("kind", CELLS)
def test_our_modules(kind, directions, layers, lengths, given):
    x = torch.randn(3, 5, 2)
    before = [torch.randn(layers * directions, 3, 3) for _ in LEAVES[kind]] if given else None
    for fused in (None, False):
        module = RNN(CELLS[kind], 2, 3, layers, directions == 2, fused=fused)
        state = None
        if before is not None:
            like = module.cells[0].initial_state(3)
            flat = [type(like)(*leaves) for leaves in zip(*before, strict=True)]
            state = tuple(zip(flat[::2], flat[1::2], strict=True)) if directions == 2 else tuple(flat)
        dirty = x.clone()
        for row, length in enumerate(lengths or []):
            dirty[row, length:] = torch.nan
        with record(module) as tape:
            output, after = module(dirty, state, lengths)
        flat = [s for pair in after for s in pair] if directions == 2 else after
        leaves = [torch.stack(leaf) for leaf in zip(*flat, strict=True)]
        _loss(output, leaves).backward()
        check(tape, "rnn", _by_hand(kind, module, x, directions, lengths, before))
        assert tape.difference < 1e-14


# ---- cells by themselves


def _torch_cell(kind):
    cell = {"tanh": nn.RNNCell, "relu": nn.RNNCell, "lstm": nn.LSTMCell, "gru": nn.GRUCell}[kind]
    return cell(2, 3, **options(kind))


class _Decoder(nn.Module):
    """The loop that everybody writes: reads its own last output, and hands the state on."""

    def __init__(self, cell):
        super().__init__()
        self.cell, self.head = cell, nn.Linear(3, 2)

    def forward(self, y, state, steps, cut=False):
        ys, hs = [], []
        for _ in range(steps):
            if isinstance(self.cell, nn.RNNCellBase):
                state = self.cell(y, state)
                h = state[0] if isinstance(state, tuple) else state
            else:
                h, state = self.cell(y, state)
            y = self.head(h)
            ys.append(y)
            hs.append(h)
            if cut and isinstance(state, torch.Tensor):
                state = state.detach()
            elif cut:
                parts = [leaf.detach() for leaf in state]
                state = type(state)(*parts) if hasattr(state, "_fields") else tuple(parts)
        return torch.stack(ys, dim=1), torch.stack(hs, dim=1), state


@pytest.mark.parametrize("cut", [False, True])
@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_a_decoder_of_torch_cells(kind, given, cut):
    model = _Decoder(_torch_cell(kind))
    y = torch.randn(4, 2)
    state = [torch.randn(4, 3) for _ in LEAVES[kind]] if given else None
    hx = None if state is None else tuple(state) if kind == "lstm" else state[0]
    with record(model) as tape:
        ys, _, after = model(y, hx, 5, cut)
    _loss(ys, _listed(after)).backward()
    assert list(tape.inputs) == ["cell"]
    _check_decoder(tape, kind, model, y, state, cut)


@pytest.mark.parametrize("cut", [False, True])
@pytest.mark.parametrize("kind", CELLS)
def test_a_decoder_of_our_cells(kind, cut):
    model = _Decoder(CELLS[kind](2, 3))
    y = torch.randn(4, 2)
    state = [torch.randn(4, 3) for _ in LEAVES[kind]]
    with record(model) as tape:
        ys, _, after = model(y, type(model.cell.initial_state(4))(*state), 5, cut)
    _loss(ys, list(after)).backward()
    assert list(tape.inputs) == ["cell"]
    _check_decoder(tape, kind, model, y, state, cut)


def _check_decoder(tape, kind, model, y, state, cut):
    """Against the same loop by hand, one row after the other; ``cut`` detaches the state at every step."""
    from by_hand import STEPS

    w = {name: p.detach() for name, p in model.cell.named_parameters()}
    W, b = model.head.weight.detach(), model.head.bias.detach()
    nodes, ys, ends = {}, [], []
    for row in range(len(y)):
        at, out = y[row].clone().requires_grad_(), []
        s = {leaf: torch.zeros(3) if state is None else state[n][row] for n, leaf in enumerate(LEAVES[kind])}
        for t in range(5):
            at = 1 * at  # what the cell reads, apart from what the loss reads
            at.retain_grad()
            s, gates = STEPS[kind](at, s, w)
            for what, value in (("x", at), *s.items(), *gates.items()):
                value.retain_grad()
                nodes.setdefault(what, {})[row, t] = value
            at = W @ s["h"] + b
            out.append(at)
            end = s
            s = {leaf: value.detach() for leaf, value in s.items()} if cut else s
        ends.append({leaf: value.detach() for leaf, value in end.items()} if cut else end)
        ys.append(torch.stack(out))
    leaves = [torch.stack([end[leaf] for end in ends]) for leaf in LEAVES[kind]]
    _loss(torch.stack(ys), leaves).backward()
    assert {f"cell.{name}" for name in nodes if name != "x"} == {*tape.states, *tape.gates}
    for name, steps in nodes.items():
        group = tape.inputs if name == "x" else tape.states if name in LEAVES[kind] else tape.gates
        full = "cell" if name == "x" else f"cell.{name}"
        for (row, t), value in steps.items():
            torch.testing.assert_close(group[full][row, t], value.detach(), rtol=0, atol=1e-10)
            gradient = torch.zeros_like(value) if value.grad is None else value.grad
            torch.testing.assert_close(
                tape.gradients[f"cell.{name}"][row, t], gradient, rtol=0, atol=1e-10, msg=lambda m, n=name: f"{n}: {m}"
            )


@pytest.mark.parametrize("kind", KINDS)
def test_a_cell_without_a_batch(kind):
    cell = _torch_cell(kind)
    x, state = torch.randn(4, 2), None
    with record(cell) as tape:
        for x_t in x:
            state = cell(x_t, state)
    sum(leaf.sum() for leaf in _listed(state)).backward()
    whole, after = stock(kind)(2, 3, batch_first=True, **options(kind)), None
    whole.load_state_dict({f"{name}_l0": p for name, p in cell.state_dict().items()})
    with record(whole) as other:
        _, after = whole(x[None])
    sum(leaf.sum() for leaf in _listed(after)).backward()
    name, other_name = type(cell).__name__.lower(), f"{type(whole).__name__.lower()}.0"
    for leaf in LEAVES[kind]:
        torch.testing.assert_close(tape.states[f"{name}.{leaf}"], other.states[f"{other_name}.{leaf}"])
        torch.testing.assert_close(tape.gradients[f"{name}.{leaf}"], other.gradients[f"{other_name}.{leaf}"])


# ---- dropout between layers


@pytest.mark.parametrize("form", ["batch first", "time first", "packed", "alone"])
@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_dropout_of_torch(kind, directions, form):
    """The tape finds the same masks again; what it found multiplies the layers' inputs by hand."""
    module = stock(kind)(
        2, 8, 3, dropout=0.4, bidirectional=directions == 2, batch_first=form != "time first", **options(kind)
    )
    lengths = LENGTHS if form == "packed" else None
    x = _positive(kind, module, torch.randn(1 if form == "alone" else 3, 5, 2))
    data = x[0] if form == "alone" else x.transpose(0, 1) if form == "time first" else x
    if lengths:
        data = pack_padded_sequence(data, lengths, batch_first=True, enforce_sorted=False)
    with record(module) as tape:
        output, after = module(data)
    if lengths:
        output = pad_packed_sequence(output, batch_first=True)[0]
    elif form != "batch first":
        output = output[None] if form == "alone" else output.transpose(0, 1)
    leaves = [leaf[:, None] if form == "alone" else leaf for leaf in _listed(after)]
    _loss(output, leaves).backward()
    _check_dropout(tape, kind, module, x, directions, lengths, output)


@pytest.mark.parametrize("lengths", [None, LENGTHS])
@pytest.mark.parametrize("fused", [None, False])
@pytest.mark.parametrize("kind", CELLS)
def test_dropout_of_ours(kind, fused, lengths):
    module = RNN(CELLS[kind], 2, 8, 3, dropout=0.4, fused=fused)
    x = _positive(kind, module, torch.randn(3, 5, 2))
    with record(module) as tape:
        output, state = module(x, lengths=lengths)
    _loss(output, [torch.stack(leaf) for leaf in zip(*state, strict=True)]).backward()
    _check_dropout(tape, kind, module, x, 1, lengths, output)


def _positive(kind, module, x):
    """Of relu no output may be 0: what multiplies it couldn't be told."""
    if kind != "relu":
        return x
    with torch.no_grad():
        for p in module.parameters():
            p.abs_()
    return x.abs()


def _check_dropout(tape, kind, module, x, directions, lengths, output):
    name = type(module).__name__.lower()
    kept = {}
    for layer in (1, 2):
        ends = [f"{name}.{layer - 1}{end}.h" for end in ("", ".reverse")[:directions]]
        below = torch.cat([tape.states[end] for end in ends], dim=-1)
        kept[layer] = torch.where(below == 0, 1 / 0.6, tape.inputs[f"{name}.{layer}"] / below)
        assert ((kept[layer].abs() < 1e-9) | ((kept[layer] - 1 / 0.6).abs() < 1e-9)).all()
        assert (kept[layer].abs() < 1e-9).any()
    hand = _by_hand(kind, module, x, directions, lengths, kept=kept)
    torch.testing.assert_close(output.detach(), hand.output.detach(), rtol=0, atol=1e-10)
    check(tape, name, hand)


def test_no_dropout_in_eval_mode():
    module = nn.LSTM(2, 3, 2, dropout=0.5, batch_first=True).eval()
    x = torch.randn(3, 5, 2)
    with record(module) as tape:
        output, after = module(x)
    _loss(output, list(after)).backward()
    check(tape, "lstm", _by_hand("lstm", module, x))
