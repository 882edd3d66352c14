"""Encoder and decoder against torch's own layers, and teacher forcing by what it may see."""

import re

import pytest
import torch
from torch import nn

from unrolled.errors import SettingsError
from unrolled.nn import CELLS, GRUCell, LSTMCell
from unrolled.series.models import Seq2SeqForecaster, Sizes
from unrolled.series.models.losses import criterion

SIZES = Sizes(horizon=4, targets=2, past=1, known=1, static=1)
CELL = pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
ATTENTION = pytest.mark.parametrize("attention", [None, "dot", "scaled-dot"])


def trained_with(model, batch):
    """What the model says under teacher forcing: what its criterion gets."""
    kept = []
    model.loss(batch, lambda forecast, _: kept.append(forecast) or forecast.sum())
    return kept[0]


def by_hand(model, batch, previous):
    """The equations with torch's LSTM; ``previous(row, k, said)`` is the target that is read for step k, 1, 2, …"""
    encoder, decoder = (nn.LSTM(size, 5, batch_first=True).double() for size in (5, 4))
    encoder.load_state_dict(model.encoder.state_dict())
    decoder.load_state_dict(model.decoder.state_dict())
    rows = []
    for row in range(len(batch.past)):
        x, known, static = batch.past[row], batch.known[row], batch.static[row]
        read = torch.stack([torch.cat([step[:3] - x[-1, :3], step[3:], static]) for step in x])
        memory, state = encoder(read[None])
        d, said = memory[0, -1], []
        for k in range(4):
            if k:
                y = previous(row, k, said)
                output, state = decoder(torch.cat([y - x[-1, :2], known[k], static])[None, None], state)
                d = output[0, 0]
            read_out = d
            if model.attention is not None:
                scores = torch.stack([d @ h for h in memory[0]])
                weights = (scores / 5**0.5 if model.attention.scaled else scores).softmax(0)
                context = sum(w * h for w, h in zip(weights, memory[0], strict=True))
                read_out = (model.combine.weight @ torch.cat([context, d]) + model.combine.bias).tanh()
            effect = model.known
            a = effect.from_state(read_out) + effect.from_known(known[k])
            said.append(x[-1, :2] + model.head(read_out) + effect.out(a.tanh()))
        rows.append(torch.stack(said))
    return torch.stack(rows)[..., None]


@ATTENTION
def test_it_reads_what_it_said_and_in_training_the_truth(attention, windows, shaken):
    model, batch = shaken("seq2seq", LSTMCell, SIZES, attention=attention), windows(SIZES)
    free = by_hand(model, batch, lambda row, k, said: said[-1])
    torch.testing.assert_close(model(batch.past, batch.known, batch.static), free, rtol=0, atol=1e-12)
    forced = by_hand(model, batch, lambda row, k, said: batch.future[row, k - 1])
    torch.testing.assert_close(trained_with(model, batch), forced, rtol=0, atol=1e-12)
    model.progress(1.0)
    torch.testing.assert_close(trained_with(model, batch), free, rtol=0, atol=1e-12)
    expected = (free[..., 0] - batch.future).abs().mean()
    torch.testing.assert_close(model.loss(batch, criterion("mae")), expected, rtol=0, atol=1e-12)


@CELL
@ATTENTION
def test_stepping_equals_the_teacher_forced_pass_in_values_and_gradients(cell, attention, windows, shaken, monkeypatch):
    about = {"attention": attention, "layers": 2, "schedule": "constant"}
    sizes = Sizes(horizon=4, targets=2, past=1, known=1, static=1, levels=3)
    model, batch = shaken("seq2seq", cell, sizes, **about), windows(sizes)
    batch.future[0, 1, 0] = batch.future[1, 0] = torch.nan  # what wasn't observed is read alike as well
    loss = criterion("quantile", (0.1, 0.5, 0.9))
    results = []
    for ratio in (1.0, 1.0 - 1e-12):
        monkeypatch.setattr(model, "ratio", ratio)
        model.zero_grad()
        value = model.loss(batch, loss)
        value.backward()
        results.append([value.detach(), *(parameter.grad.clone() for parameter in model.parameters())])
    for a, b in zip(*results, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-12)


@CELL
def test_with_ratio_1_training_calls_the_decoder_once(cell, windows, shaken, monkeypatch):
    model, batch = shaken("seq2seq", cell, SIZES), windows(SIZES)
    calls = []
    model.decoder.register_forward_hook(lambda _, inputs, __: calls.append(inputs[0].shape[1]))
    trained_with(model, batch)
    assert calls == [3]
    model.progress(0.5)
    trained_with(model, batch)
    assert calls == [3, 1, 1, 1]


@ATTENTION
@pytest.mark.parametrize("fraction", [0.0, 0.3])
def test_early_steps_never_see_later_truths(attention, fraction, windows, shaken):
    model, batch = shaken("seq2seq", GRUCell, SIZES, attention=attention), windows(SIZES, batch=8)
    model.progress(fraction)

    def said(future):
        torch.manual_seed(1)  # the same truths are read
        return trained_with(model, batch._replace(future=future))

    before = said(batch.future)
    for k in range(4):
        future = batch.future.clone()
        future[:, k:] += 1.0
        after = said(future)
        assert torch.equal(before[:, : k + 1], after[:, : k + 1])
        assert k == 3 or not torch.equal(before[:, k + 1], after[:, k + 1])


def test_the_forecast_never_sees_a_truth(windows, shaken):
    model, batch = shaken("seq2seq", GRUCell, SIZES), windows(SIZES)
    model.progress(1.0)
    assert torch.equal(trained_with(model, batch), trained_with(model, batch._replace(future=batch.future + 1)))


def test_each_truth_is_read_with_the_probability_of_the_schedule(windows, shaken):
    sizes = Sizes(horizon=5)
    model, batch = shaken("seq2seq", GRUCell, sizes, teacher_forcing=0.8), windows(sizes, batch=2000)
    model.progress(0.5)
    assert model.teacher_forcing == pytest.approx(0.4)
    read = []
    model.decoder.register_forward_hook(lambda _, inputs, __: read.append(inputs[0][:, 0, :1]))
    torch.manual_seed(0)
    trained_with(model, batch)
    truth = (batch.future - batch.past[:, -1:])[:, :-1]
    forced = torch.cat(read, dim=1) == truth[..., 0]  # (batch, 4)
    assert forced.double().mean(dim=0) == pytest.approx([0.4] * 4, abs=0.05)
    assert ((forced[:, 0] & forced[:, 1]).double().mean() - 0.16).abs() < 0.04  # drawn anew for each step


@pytest.mark.parametrize(
    ("about", "by_fraction"),
    [
        ({}, {0.0: 1.0, 0.25: 0.75, 1.0: 0.0, 1.5: 0.0, -1.0: 1.0}),
        ({"ratio": 0.5}, {0.0: 0.5, 0.5: 0.25, 1.0: 0.0}),
        ({"ratio": 0.5, "schedule": "constant"}, {0.0: 0.5, 1.0: 0.5}),
        ({"ratio": 0.0}, {0.0: 0.0, 1.0: 0.0}),
    ],
)
def test_schedules(about, by_fraction):
    model = Seq2SeqForecaster(GRUCell, Sizes(horizon=2), 3, **about)
    for fraction, expected in by_fraction.items():
        model.progress(fraction)
        assert model.teacher_forcing == pytest.approx(expected)
        assert model.state_dict().keys() == Seq2SeqForecaster(GRUCell, Sizes(horizon=2), 3).state_dict().keys()


def test_a_truth_that_was_not_observed_is_read_as_the_last_one_that_was(windows, shaken):
    sizes = Sizes(horizon=6)
    model, batch = shaken("seq2seq", GRUCell, sizes, schedule="constant"), windows(sizes, batch=2)
    nan = torch.nan
    gaps = batch._replace(future=torch.tensor([[nan, 1.0, nan, nan, 2.0, 3.0], [nan] * 6]).double()[..., None])
    y = batch.past[:, -1, 0].tolist()
    carried = torch.tensor([[y[0], 1.0, 1.0, 1.0, 2.0, 3.0], [y[1]] * 6]).double()[..., None]
    torch.testing.assert_close(trained_with(model, gaps), trained_with(model, batch._replace(future=carried)))


@pytest.mark.parametrize(
    ("about", "message"),
    [
        ({"ratio": 1.5}, "ratio, the probability of teacher forcing, must be from 0 to 1, got 1.5"),
        ({"ratio": float("nan")}, "ratio, the probability of teacher forcing, must be from 0 to 1, got nan"),
        ({"schedule": "liner"}, "unknown schedule 'liner'; nearest: 'linear'"),
        ({"attention": "scaleddot"}, "unknown attention 'scaleddot'; nearest: 'scaled-dot'"),
    ],
)
def test_settings_that_cannot_be_are_refused(about, message):
    with pytest.raises(SettingsError, match=f"^{re.escape(message)}$"):
        Seq2SeqForecaster(GRUCell, Sizes(horizon=2), 3, **about)
