"""The tape itself: its one claim, `difference`; names and their errors; files; the table."""

import json
import math
import re

import polars as pl
import pytest
import safetensors.torch
import torch
from by_hand import PeepholeCell
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

from unrolled.errors import RunError, UnrolledError
from unrolled.lens import Tape, record
from unrolled.nn.cells import GRUCell, LSTMCell
from unrolled.nn.rnn import RNN

GROUPS = ("inputs", "states", "gates", "gradients", "lengths")


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def _recorded(dtype=torch.float32):
    """A packed LSTM and a GRU after it, with gradients."""

    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.LSTM(2, 3, batch_first=True, bidirectional=True)
            self.second = nn.GRU(6, 2, batch_first=True)

        def forward(self, x):
            output, (h, _) = self.first(pack_padded_sequence(x, [4, 2, 1], batch_first=True))
            return output.data.sum() + self.second(h.transpose(0, 1).flatten(1)[:, None].expand(-1, 3, -1))[0].sum()

    model = Two().to(dtype)
    with record(model) as tape:
        model(torch.randn(3, 4, 2, dtype=dtype)).backward()
    return tape


# ---- difference


class NoisyLSTM(nn.LSTM):
    def forward(self, input, hx=None):
        output, state = super().forward(input, hx)
        return output + 1e-3 * torch.randn_like(output), state


def _scale(module, args, result):
    return result[0] * 1.001, result[1]


def _state_of_zeros(module, args, result):
    return result[0], torch.zeros_like(result[1])


def _nan(module, args, result):
    output = result[0].clone()
    output[0, 2, 1] = torch.nan
    return output, result[1]


class LeakyCell(LSTMCell):
    """A newcomer whose step draws noise."""

    def forward(self, x, state):
        y, state = super().forward(x, state)
        return y + 1e-3 * torch.randn_like(y), state


def _hooked(module, hook):
    module.register_forward_hook(hook)
    return module


@pytest.mark.parametrize(
    ("inner", "why"),
    [
        (lambda: NoisyLSTM(2, 3), "'1' (NoisyLSTM) can't be replayed: computed again from its weights, it is 0.00"),
        (lambda: _hooked(nn.GRU(2, 3), _scale), "'1' (GRU) can't be replayed: computed again from its weights, it is"),
        (lambda: _hooked(nn.GRU(2, 3), _state_of_zeros), "'1' (GRU) can't be replayed"),
        (
            lambda: _hooked(nn.GRU(2, 3), _nan),
            "'1' (GRU) can't be replayed: computed again from its weights, it is inf",
        ),
        (lambda: RNN(LeakyCell, 2, 3), "'1' (RNN) can't be replayed"),
    ],
)
def test_what_does_more_than_its_equations_is_refused_by_name(inner, why):
    model = nn.Sequential(nn.Identity(), inner())
    with record(model) as tape:
        model(torch.randn(4, 3, 2))
    for ask in (lambda: tape.states, lambda: tape.difference, lambda: tape.gradients, tape.to_table):
        with pytest.raises(UnrolledError, match="^" + re.escape(why)) as caught:
            ask()
        assert str(caught.value).endswith(
            "1e-05 is allowed for torch.float32; it does more than its equations say "
            "(noise, a hook, a forward of its own)"
        )
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize(
    "module",
    [
        lambda layers: nn.RNN(3, 32, layers, batch_first=True),
        lambda layers: nn.LSTM(3, 32, layers, batch_first=True, bidirectional=True),
        lambda layers: nn.GRU(3, 32, layers, batch_first=True),
        lambda layers: RNN(GRUCell, 3, 32, layers),
        lambda layers: RNN(GRUCell, 3, 32, layers, fused=False),
        lambda layers: RNN(PeepholeCell, 3, 32, layers),
    ],
)
def test_chaos_is_not_refused(module, layers):
    """Recurrent weights of gain 8: two runs that differ by rounding part ways long before step 300."""
    model = module(layers)
    with torch.no_grad():
        for name, p in model.named_parameters():
            if "weight_hh" in name or "mix" in name:
                p.normal_(0, 8 / math.sqrt(32))
    with record(model) as tape:
        model(torch.randn(2, 300, 3))
    largest = max(float(value.abs().max()) for value in tape.states.values())  # c of an LSTM counts the steps
    assert tape.difference < 1e-5 * max(1, largest)


def test_numbers_that_are_not_finite_are_shown():
    """A tape is what one looks at when a model gives NaN."""
    lstm, x = nn.LSTM(2, 3, batch_first=True), torch.randn(2, 5, 2)
    x[1, 2] = torch.nan
    with record(lstm) as tape:
        lstm(x)
    assert tape.difference < 1e-6
    assert tape.gates["lstm.0.forget"].isnan().any(dim=2).tolist() == [[False] * 5, [False, False, True, True, True]]
    relu = nn.RNN(2, 3, batch_first=True, nonlinearity="relu")
    with torch.no_grad():
        relu.weight_hh_l0.fill_(1e10)
        relu.bias_hh_l0.fill_(1.0)
    with record(relu) as tape:
        relu(torch.zeros(2, 8, 2))
    h = tape.states["rnn.0.h"]
    assert h.isinf().any()
    assert tape.difference < 1e-6 * float(h[h.isfinite()].max())


# ---- names


def test_errors_of_names():
    tape = _recorded()
    for group, asked, message in (
        (
            "gates",
            "first.0.forgot",
            "the tape has no gate 'first.0.forgot'; nearest: 'first.0.forget', 'first.0.output', ",
        ),
        ("states", "first.0.C", "the tape has no state 'first.0.C'; nearest: 'first.0.h', 'first.0.c', "),
        ("inputs", "frist.0", "the tape has no input 'frist.0'; nearest: 'first.0'"),
        ("gradients", "x", "the tape has no gradient 'x'; there are: first.0.x, first.0.h, first.0.c, first.0.input, "),
        ("lengths", "zzz", "the tape has no length 'zzz'; there are: first"),
    ):
        names = getattr(tape, group)
        assert asked not in names
        with pytest.raises(UnrolledError, match="^" + re.escape(message)) as caught:
            names[asked]
        assert "\n" not in str(caught.value)
        assert len(names) == len(list(names)) > 0


def test_nothing_recorded():
    message = r"^nothing is on the tape: run the model inside `with record\(model\) as tape:`$"
    with record(nn.GRU(2, 3)) as tape:
        for ask in (lambda: tape.states, lambda: tape.difference, tape.to_table, tape.strands, lambda: repr(tape)):
            with pytest.raises(UnrolledError, match=message):
                ask()
    with pytest.raises(UnrolledError, match=message):
        Tape().save("nowhere")


def test_gradients_before_backward():
    module = nn.GRU(2, 3)
    with record(module) as tape:
        module(torch.zeros(4, 1, 2))
    with pytest.raises(UnrolledError) as caught:
        tape.gradient_norms()
    assert str(caught.value) == (
        "no gradient has reached 'gru'; call backward() on a loss that is computed from its output, without "
        "torch.no_grad(), before asking for gradients"
    )


def test_a_model_without_recurrent_modules():
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
    with (
        pytest.raises(
            UnrolledError, match=r"^Sequential has no recurrent module to record; it has Linear, ReLU, Sequential$"
        ),
        record(model),
    ):
        pass
    many = nn.Sequential(
        nn.Linear(1, 1), nn.ReLU(), nn.Tanh(), nn.GELU(), nn.SiLU(), nn.ELU(), nn.SELU(), nn.Sigmoid(), nn.Softplus()
    )
    with pytest.raises(UnrolledError, match=r" and 2 more$"), record(many):
        pass


def test_what_looks_like_a_cell_and_is_none():
    class Head(nn.Linear):
        def initial_state(self, batch):
            return torch.zeros(batch, 3)

    model = nn.Sequential(Head(2, 3))
    with pytest.raises(UnrolledError) as caught, record(model):
        model(torch.zeros(1, 2))
    assert str(caught.value) == (
        "'0' (Head) has an initial_state, as a cell has, and can't be replayed as one: cell(x, state) must give "
        "(output, state), with both states the same NamedTuple"
    )


def test_repr_shows_names_and_shapes():
    lines = repr(_recorded()).splitlines()
    assert lines[0] == "first.0  (3, 4, 2)"
    assert "second.0.update  (3, 3, 2)" in lines
    assert len(lines) == 2 + 5 + 11


def test_gradient_norms():
    tape = _recorded(torch.float64)
    norms = tape.gradient_norms()
    assert set(norms) == set(tape.gradients)
    g = tape.gradients["first.0.c"]
    assert norms["first.0.c"].tolist() == pytest.approx([float((g[:, t] ** 2).sum()) ** 0.5 for t in range(4)])


# ---- files


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_to_a_file_and_back(tmp_path, dtype):
    tape = _recorded(dtype)
    tape.save(tmp_path / "deep" / "tape.safetensors")
    back = Tape.load(str(tmp_path / "deep" / "tape.safetensors"))
    for group in GROUPS:
        a, b = getattr(tape, group), getattr(back, group)
        assert list(a) == list(b)
        assert all(a[name].dtype == b[name].dtype and torch.equal(a[name], b[name]) for name in a)
    assert back.difference == tape.difference
    assert back.gradient_norms().keys() == tape.gradient_norms().keys()
    assert back.to_table().equals(tape.to_table())
    with pytest.raises(UnrolledError, match=r"^the tape has no gate 'first.0.forgot'; nearest: .*'first.0.forget'"):
        back.gates["first.0.forgot"]


def test_saved_without_gradients(tmp_path):
    module = nn.GRU(2, 3)
    with record(module) as tape:
        module(torch.zeros(4, 1, 2))
    tape.save(tmp_path / "tape")
    back = Tape.load(tmp_path / "tape")
    assert "gradient" not in back.to_table().columns
    with pytest.raises(UnrolledError) as caught:
        _ = back.gradients
    assert str(caught.value) == "this tape was saved without gradients; call backward() before tape.save()"


def _written(path, about, tensors=None):
    tensors = tensors or {"inputs/a": torch.zeros(1, 2, 3)}
    if about:
        about.setdefault("names", list(tensors))
    safetensors.torch.save_file(tensors, path, None if about is None else {"unrolled": json.dumps(about)})


@pytest.mark.parametrize(
    ("about", "tensors", "message"),
    [
        (None, None, "is not a tape; Tape.load reads what tape.save wrote"),
        ({}, None, "is not a tape; Tape.load reads what tape.save wrote"),
        ({"tape": "1", "difference": 0.0}, None, "is not a tape;"),
        ({"tape": 1, "difference": None}, None, "is not a tape;"),
        ({"tape": 2, "difference": 0.0}, None, "was written by a newer unrolled: format 2, this one reads 1"),
        (
            {"tape": 1, "difference": 0.0},
            {"weights/a": torch.zeros(1, 2, 3)},
            "is damaged: it has a tensor 'weights/a'",
        ),
        ({"tape": 1, "difference": 0.0}, {"gates/a": torch.zeros(3)}, "is damaged: it has a tensor 'gates/a' of shape"),
        ({"tape": 1, "difference": 0.0, "names": ["gates/a"]}, None, "is damaged: it doesn't have the tensors that it"),
        ({"tape": 1, "difference": 0.0, "names": [["a"]]}, None, "is damaged: it doesn't have the tensors that it"),
        ({"tape": 1, "difference": 0.0, "names": None}, None, "is damaged: it doesn't have the tensors that it lists"),
        (
            {"tape": 1, "difference": 0.0},
            {"inputs/a.0": torch.zeros(2, 2, 3), "lengths/a": torch.ones(2)},
            "is damaged: it has a tensor 'lengths/a' of shape (2,)",
        ),
    ],
)
def test_files_that_are_no_tapes(tmp_path, about, tensors, message):
    path = tmp_path / "tape"
    _written(path, about, tensors)
    with pytest.raises(RunError) as caught:
        Tape.load(path)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_damaged_files(tmp_path):
    path = tmp_path / "a\ntape"
    _recorded().save(path)
    whole = path.read_bytes()
    for damaged in (b"", b"{}", whole[:20], whole[:-5], whole.replace(b'\\"tape\\"', b'\\"tape\\\\'), b"PK" + whole):
        path.write_bytes(damaged)
        with pytest.raises(RunError) as caught:
            Tape.load(path)
        assert "\n" not in str(caught.value)
    with pytest.raises(RunError, match=r"^can't read .*missing: no such file"):
        Tape.load(tmp_path / "missing")


# ---- the table


def test_the_table_has_every_number():
    tape = _recorded(torch.float64)
    table = tape.to_table()
    assert table.columns == ["strand", "row", "step", "quantity", "unit", "value", "gradient"]
    # 4 + 2 + 1 real steps, of 2 inputs and, in both directions, h, c and four gates of 3 units; and 3 rows of 3 steps
    # of 6 inputs, and h and three gates of 2 units
    assert len(table) == 7 * (2 + 2 * 6 * 3) + 9 * (6 + 4 * 2)
    assert table.filter(pl.col("strand").str.starts_with("first") & (pl.col("row") == 1))["step"].max() == 2
    for strand, quantity, tensor in (
        ("first.0", "x", tape.inputs["first.0"]),
        ("first.0.reverse", "c", tape.states["first.0.reverse.c"]),
        ("second.0", "update", tape.gates["second.0.update"]),
    ):
        mine = table.filter((pl.col("strand") == strand) & (pl.col("quantity") == quantity))
        gradient = tape.gradients[f"{strand}.{quantity}"]
        for row, step, unit, value, slope in mine.select("row", "step", "unit", "value", "gradient").iter_rows():
            assert value == tensor[row, step - 1, unit]
            assert slope == gradient[row, step - 1, unit]


def test_the_table_of_cells_and_of_half_precision():
    cell = nn.GRUCell(2, 3).bfloat16()
    with record(cell) as tape:
        cell(torch.ones(1, 2, dtype=torch.bfloat16))
    table = tape.to_table()
    assert set(table["strand"]) == {"grucell"}
    assert set(table["quantity"]) == {"x", "h", "reset", "update", "candidate"}
    h = table.filter(pl.col("quantity") == "h")["value"]
    assert h.to_list() == tape.states["grucell.h"].float().flatten().tolist()
