"""A cell that is not ours, and the one that CONTRIBUTING.md shows: what works with every cell works with them."""

import inspect
import re
from datetime import date, timedelta
from pathlib import Path

import newcomer
import numpy as np
import polars as pl
import pytest
import torch
from newcomer import PeepholeCell, PeepholeState
from polars.testing import assert_frame_equal
from torch.utils._pytree import tree_leaves

import unrolled
from unrolled.errors import RunError
from unrolled.nn import RNN

CONTRIBUTING = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text(encoding="utf-8")
(BLOCK,) = re.findall(r"^```python\n(.*?)^```$", CONTRIBUTING, re.MULTILINE | re.DOTALL)


def lines_of_code(text):
    return [line for line in text.splitlines() if line.strip() and not line.strip().startswith('"""')]


def test_it_is_short_and_alone():
    assert len(lines_of_code(inspect.getsource(PeepholeCell))) <= 30
    assert "unrolled" not in inspect.getsource(newcomer)
    for file in Path(unrolled.__file__).parent.rglob("*.py"):
        assert "class PeepholeCell" not in file.read_text(encoding="utf-8"), file


def one_row(cell, x):
    """The equations of Gers & Schmidhuber 2000 for one row and one direction, number by number."""

    def σ(a):
        return 1 / (1 + np.exp(-a))

    w, b, p = (value.detach().numpy() for value in (cell.mix.weight, cell.mix.bias, cell.peephole))
    units = p.shape[1]
    h, c, outputs = np.zeros(units), np.zeros(units), []
    for x_t in x:
        a = [sum(w[k, n] * v for n, v in enumerate([*x_t, *h])) + b[k] for k in range(4 * units)]
        new_h, new_c = np.zeros(units), np.zeros(units)
        for k in range(units):
            i, f = σ(a[k] + p[0, k] * c[k]), σ(a[units + k] + p[1, k] * c[k])
            new_c[k] = f * c[k] + i * np.tanh(a[2 * units + k])
            new_h[k] = σ(a[3 * units + k] + p[2, k] * new_c[k]) * np.tanh(new_c[k])
        h, c = new_h, new_c
        outputs.append(h)
    return np.stack(outputs), c


def test_it_runs_in_layers_both_directions_and_rows_of_different_lengths():
    torch.manual_seed(0)
    rnn = RNN(PeepholeCell, 3, 4, layers=2, bidirectional=True).double()
    lengths = [6, 2, 5]
    x = torch.randn(3, 6, 3, dtype=torch.float64)
    output, state = rnn(x, lengths=lengths)
    for row, length in enumerate(lengths):
        y = x[row, :length].numpy()
        for layer in range(2):
            forward, c = one_row(rnn.cells[2 * layer], y)
            backward, c_reverse = one_row(rnn.cells[2 * layer + 1], y[::-1])
            y = np.concatenate([forward, backward[::-1]], axis=1)
            for s, h, memory in ((state[layer][0], forward, c), (state[layer][1], backward, c_reverse)):
                assert isinstance(s, PeepholeState)
                np.testing.assert_allclose(s.h[row].detach(), h[-1], atol=1e-12)
                np.testing.assert_allclose(s.c[row].detach(), memory, atol=1e-12)
        np.testing.assert_allclose(output[row, :length].detach(), y, atol=1e-12)
        assert (output[row, length:] == 0).all()


def test_its_state_dict_goes_to_a_twin():
    rnn, twin = (RNN(PeepholeCell, 3, 4, layers=2, bidirectional=True) for _ in range(2))
    assert {"mix.weight_l0", "mix.bias_l0_reverse", "peephole_l1", "mix.weight_l1_reverse"} < set(rnn.state_dict())
    twin.load_state_dict(rnn.state_dict())
    x = torch.randn(2, 5, 3)
    assert torch.equal(twin(x)[0], rnn(x)[0])


def test_it_is_recorded_and_measured():
    torch.manual_seed(0)
    rnn, x = RNN(PeepholeCell, 3, 4), torch.randn(2, 5, 3)
    with unrolled.record(rnn) as tape:
        output, state = rnn(x)
    output.sum().backward()
    assert torch.equal(tape.states["rnn.0.h"], output)
    assert torch.equal(tape.states["rnn.0.c"][:, -1], state[0].c)
    cell = rnn.cells[0]
    first = cell.gates(x[:, 0], cell.initial_state(2))
    for name, gate in first._asdict().items():
        torch.testing.assert_close(tape.gates[f"rnn.0.{name}"][:, 0], gate)
    assert tape.gradients["rnn.0.c"].shape == (2, 5, 4)
    (flow,) = unrolled.gradient_flow(rnn, x).values()
    assert flow.cell is PeepholeCell
    norms = flow.norms["c"]  # of ∂c_T/∂c_k, from the end, where it is 1, back to the beginning
    assert norms.shape == (2, 6)
    assert (norms[:, 0] == 1).all()
    assert ((norms > 0) & (norms <= 1)).all()


def test_it_forecasts_and_comes_back_from_disk(tmp_path):
    days = [date(2020, 1, 1) + timedelta(days=n) for n in range(120)]
    table = pl.DataFrame({"day": days, "y": np.sin(np.arange(120) / 4)})
    settings = unrolled.TrainingSettings(epochs=2, threads=1)
    f = unrolled.Forecaster(horizon=3, lookback=8, hidden=6, layers=2, cell=PeepholeCell, training=settings)
    f.fit(table, target="y", run=tmp_path / "run").save(tmp_path / "copy")
    for run in (tmp_path / "run", tmp_path / "copy"):
        assert_frame_equal(unrolled.load(run, cell=PeepholeCell).predict(), f.predict(), check_exact=True)
        with pytest.raises(RunError, match=r"isn't one of ours; .* load\(run, cell=PeepholeCell\)$") as caught:
            unrolled.load(run)
        assert "\n" not in str(caught.value)


def test_the_example_in_contributing_is_the_same_cell():
    names: dict = {"__name__": "example"}
    exec(compile(BLOCK, "CONTRIBUTING.md", "exec"), names)
    assert len(lines_of_code(BLOCK)) <= 30
    shown = RNN(names["PeepholeCell"], 3, 4, layers=2, bidirectional=True)
    ours = RNN(PeepholeCell, 3, 4, layers=2, bidirectional=True)
    shown.load_state_dict(ours.state_dict())
    x = torch.randn(3, 6, 3)
    (output, state), (expected, expected_state) = (rnn(x, lengths=[6, 2, 5]) for rnn in (shown, ours))
    torch.testing.assert_close(output, expected)
    for leaf, twin in zip(tree_leaves(state), tree_leaves(expected_state), strict=True):
        torch.testing.assert_close(leaf, twin)
    cell = names["PeepholeCell"](3, 4)
    assert cell.gates(x[:, 0], cell.initial_state(3))._fields == ("input", "forget", "candidate", "output")


def test_what_contributing_says_of_rnn_runs():
    (shown,) = re.findall(r"`(RNN\(PeepholeCell, .*?\))`", CONTRIBUTING)
    assert eval(shown, {"RNN": RNN, "PeepholeCell": PeepholeCell})(torch.zeros(2, 5, 32))[0].shape == (2, 5, 128)
