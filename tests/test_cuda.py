"""On a GPU: the numbers of the CPU, cuDNN equal to the equations, and what was trained there used here."""

import polars as pl
import pytest
import torch
from torch import nn

import unrolled as ur
from unrolled.data import phrasebook
from unrolled.nn.search import Limits, beam_search, greedy
from unrolled.nn.transformer import Transformer
from unrolled.training import train

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
CUDA = torch.device("cuda")
CELLS = {ur.ElmanCell: nn.RNN, ur.LSTMCell: nn.LSTM, ur.GRUCell: nn.GRU}


def batch(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def values_and_gradients(model: nn.Module, x: torch.Tensor, *more) -> list[torch.Tensor]:
    x = x.clone().requires_grad_()
    model.zero_grad()
    output = model(x, *more)[0]
    output.square().sum().backward()
    return [output, x.grad, *(p.grad for p in model.parameters())]


def same(found, wanted) -> None:
    for a, b in zip(found, wanted, strict=True):
        torch.testing.assert_close(a.detach().cpu(), b.detach().cpu(), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("cell", CELLS, ids=lambda c: c.__name__)
def test_a_cell_equals_cudnn_and_the_cpu(cell, bidirectional):
    x, lengths = batch(5, 9, 3), torch.tensor([9, 1, 4, 7, 2])
    ours = ur.RNN(cell, 3, 6, layers=2, bidirectional=bidirectional).double()
    on_cpu = values_and_gradients(ours, x, None, lengths)
    loop = ur.RNN(cell, 3, 6, layers=2, bidirectional=bidirectional, fused=False).double().to(CUDA)
    loop.load_state_dict(ours.state_dict())
    ours.to(CUDA)
    same(values_and_gradients(ours, x.to(CUDA), None, lengths.to(CUDA)), on_cpu)
    same(values_and_gradients(loop, x.to(CUDA), None, lengths.to(CUDA)), on_cpu)
    torchs = CELLS[cell](3, 6, num_layers=2, bidirectional=bidirectional, batch_first=True).double().to(CUDA)
    torchs.load_state_dict(ours.state_dict())
    same(values_and_gradients(torchs, x.to(CUDA)), values_and_gradients(ours, x.to(CUDA)))


def test_the_scan_of_mingru_equals_the_cpu():
    x, ours = batch(4, 300, 3), ur.RNN(ur.MinGRUCell, 3, 6).double()
    on_cpu = values_and_gradients(ours, x)
    same(values_and_gradients(ours.to(CUDA), x.to(CUDA)), on_cpu)


@pytest.mark.parametrize("training", [False, True])
def test_a_recorded_lstm_is_replayed(training):
    lstm, x = nn.LSTM(3, 6, batch_first=True).double().to(CUDA).train(training), batch(4, 9, 3).to(CUDA)
    with ur.record(lstm) as tape:
        output, _ = lstm(x)
    torch.testing.assert_close(tape.states["lstm.0.h"].to(output), output, rtol=1e-9, atol=1e-9)


def network(kind: str) -> nn.Module:
    torch.manual_seed(0)
    if kind == "transformer":
        return Transformer(12, 12, size=16, layers=2, heads=4).double().eval()
    return (
        ur.Seq2Seq(ur.LSTMCell, 12, 12, embedding=16, hidden=16, attention=None if kind == "none" else kind)
        .double()
        .eval()
    )


@pytest.mark.parametrize("kind", ["none", "dot", "scaled-dot", "general", "additive", "transformer"])
def test_search_writes_what_it_writes_on_the_cpu(kind):
    model, limits = network(kind), Limits(1, 2, 9, 1, (0, 1, 3))
    source, lengths = torch.randint(4, 12, (7, 6)), torch.tensor([6, 5, 1, 4, 6, 2, 3])
    found = {}
    for device in ("cpu", "cuda"):
        model.to(device)
        with torch.inference_mode():
            memory, state = model.encode(source.to(device), lengths.to(device))
            best = greedy(model.step, state, memory, 7, limits)
            wide = beam_search(model.step, state, memory, 7, limits, beam=4, n_best=3)
        found[device] = [one.tokens for one in best], [[one.tokens for one in each] for each in wide]
        scores = torch.tensor([[one.score for one in each] for each in wide])
        found[device] += (scores,)
    assert found["cuda"][:2] == found["cpu"][:2]
    torch.testing.assert_close(found["cuda"][2], found["cpu"][2], rtol=1e-5, atol=1e-5)


def test_a_translator_trained_there_translates_here(tmp_path):
    pairs = phrasebook.load(0, 2000).train[:600]
    settings = ur.TrainingSettings(epochs=2, batch_size=32, learning_rate=3e-3, device="cuda")
    t = ur.Translator(hidden=32, training=settings).fit(
        [p.english for p in pairs], [p.japanese for p in pairs], run=tmp_path / "run"
    )
    texts = [p.english for p in pairs[:20]]
    assert ur.load(tmp_path / "run").translate(texts) == t.translate(texts)


@pytest.mark.parametrize("model", ["step", "seq2seq"])
def test_a_forecaster_trained_there_predicts_here(model, tmp_path):
    wave = [float(v) for v in 10 + 3 * torch.arange(600).mul(0.26).sin() + 0.1 * batch(600)]
    hours = pl.datetime_range(pl.datetime(2024, 1, 1), pl.datetime(2024, 1, 25, 23), "1h", eager=True)
    table = pl.DataFrame({"time": hours, "y": wave})
    settings = ur.TrainingSettings(epochs=2, device="cuda")
    f = ur.Forecaster(horizon=6, lookback=24, model=model, hidden=16, training=settings).fit(table, target="y")
    f.save(tmp_path / "run")
    again = ur.load(tmp_path / "run").predict(table)
    assert again.equals(f.predict(table))


def test_training_does_not_move_the_callers_random_numbers():
    model, x = nn.Sequential(nn.Linear(2, 8), nn.Dropout(0.5), nn.Linear(8, 1)).to(CUDA), batch(64, 2).float().to(CUDA)
    before = torch.cuda.get_rng_state()
    train(model, lambda i: model(x[i]).square().mean(), 64, None, ur.TrainingSettings(epochs=1, batch_size=8))
    assert torch.equal(torch.cuda.get_rng_state(), before)
