"""Clipping against torch's functions bit by bit and numpy's quantile, laws, the report, and the errors' texts."""

import copy
import math
from collections import deque

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from unrolled.errors import SettingsError, TrainingError
from unrolled.nn import RNN, LSTMCell
from unrolled.nn.clipping import Clipped, clip_gradients


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = RNN(LSTMCell, 2, 3, layers=2)
        self.head = nn.Linear(3, 1)


def with_gradients(seed=0, size=1.0, dtype=torch.float32):
    torch.manual_seed(seed)
    model = Model().to(dtype)
    for p in model.parameters():
        p.grad = torch.randn_like(p) * size
    return model


def flat(model):
    return torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@given(seed=st.integers(0, 99), size=st.floats(1e-3, 1e3), limit=st.floats(1e-3, 1e3))
def test_by_norm_gives_the_bits_of_torch(dtype, seed, size, limit):
    ours = with_gradients(seed, size, dtype)
    theirs = copy.deepcopy(ours)
    for p, twin in zip(ours.parameters(), theirs.parameters(), strict=True):
        twin.grad = p.grad.clone()
    norm = nn.utils.clip_grad_norm_(theirs.parameters(), limit)
    report = clip_gradients(ours, norm=limit)
    assert torch.equal(flat(ours), flat(theirs))
    assert report == Clipped(norm.item(), limit, norm.item() > limit, float(norm.item() > limit), "norm")


@given(seed=st.integers(0, 99), value=st.floats(1e-3, 10))
def test_by_value_gives_the_bits_of_torch_and_counts_what_it_cut(seed, value):
    ours = with_gradients(seed)
    before = flat(ours)
    theirs = nn.ParameterList([nn.Parameter(torch.zeros_like(before))])
    theirs[0].grad = before.clone()
    nn.utils.clip_grad_value_(theirs.parameters(), value)
    report = clip_gradients(ours, value=value)
    assert torch.equal(flat(ours), theirs[0].grad)
    assert flat(ours).abs().max() <= value
    changed = (before != flat(ours)).sum().item()
    assert report.share == pytest.approx(changed / before.numel(), rel=1e-6)
    assert report.clipped == (changed > 0)
    assert report.norm == pytest.approx(before.double().norm().item(), rel=1e-5)


@given(seed=st.integers(0, 99), size=st.floats(1e-3, 1e3), limit=st.floats(1e-2, 1e3))
def test_by_norm_shortens_to_the_limit_and_keeps_the_direction(seed, size, limit):
    model = with_gradients(seed, size, torch.float64)
    before = flat(model)
    report = clip_gradients(model, norm=limit)
    after = flat(model)
    assert after.norm() <= limit * (1 + 1e-12)
    if report.clipped:
        assert after.norm().item() == pytest.approx(limit, rel=1e-3)
        assert torch.cosine_similarity(before, after, dim=0).item() == pytest.approx(1, abs=1e-12)
    else:
        assert torch.equal(before, after)


def test_what_is_as_long_as_the_limit_is_not_touched():
    model = nn.Linear(2, 1, bias=False)
    model.weight.grad = torch.tensor([[3e-7, 4e-7]])
    before = model.weight.grad.clone()
    report = clip_gradients(model, norm=clip_gradients(model, norm=1.0).norm)
    assert torch.equal(model.weight.grad, before)
    assert not report.clipped


@given(q=st.floats(0, 1), norms=st.lists(st.floats(1e-3, 1e3), max_size=20), size=st.floats(0.1, 100))
def test_the_quantile_is_numpys_over_the_history_with_the_current_norm(q, norms, size):
    model = with_gradients(0, size, torch.float64)
    before = flat(model)
    history = list(norms)
    report = clip_gradients(model, quantile=q, history=history)
    assert history == [*norms, report.norm]
    assert report.norm == pytest.approx(before.norm().item(), rel=1e-12)
    assert report.limit == pytest.approx(np.quantile(history, q), rel=1e-12)
    assert report.clipped == (report.norm > report.limit)
    assert flat(model).norm().item() == pytest.approx(min(report.norm, report.limit), rel=1e-2)
    assert report.rule == "quantile"


def test_the_first_norm_of_a_history_is_its_own_limit():
    model, history = with_gradients(), []
    before = flat(model)
    report = clip_gradients(model, quantile=0.1, history=history)
    assert report.limit == report.norm
    assert not report.clipped
    assert torch.equal(flat(model), before)


def test_a_deque_forgets():
    history = deque([100.0, 1.0], maxlen=2)
    report = clip_gradients(with_gradients(), quantile=1.0, history=history)
    assert list(history) == [1.0, report.norm]
    assert report.limit == report.norm


@pytest.mark.parametrize("rule", ["norm", "value"])
def test_squares_beyond_the_dtype_are_clipped_all_the_same(rule):
    model = nn.Linear(2, 1, bias=False)
    model.weight.grad = torch.tensor([[3e30, -4e30]])
    report = clip_gradients(model, **{rule: 2.0})
    assert report.norm == pytest.approx(5e30)
    expected = [1.2, -1.6] if rule == "norm" else [2.0, -2.0]
    assert model.weight.grad.flatten().tolist() == pytest.approx(expected)


def test_frozen_parameters_are_left_out():
    model = with_gradients()
    model.head.weight.grad = None
    report = clip_gradients(model, norm=0.5)
    assert model.head.weight.grad is None
    assert report.clipped
    assert flat(model).norm().item() == pytest.approx(0.5, rel=1e-5)


@pytest.mark.parametrize(
    ("gradient", "settings", "line"),
    [
        ([30.0, 40.0], {"norm": 1.0}, "gradient of norm 50, scaled by 0.02 to the limit 1"),
        ([0.3, 0.4], {"norm": 1.0}, "gradient of norm 0.5, within the limit 1"),
        ([30.0, 0.4], {"value": 0.5}, "gradient of norm 30, 50.00% of the entries cut to ±0.5"),
        ([0.3, 0.4], {"value": 0.5}, "gradient of norm 0.5, all entries within ±0.5"),
        (
            [30.0, 40.0],
            {"quantile": 0.5, "history": [10.0]},
            "gradient of norm 50, scaled by 0.6 to the quantile 30 of recent norms",
        ),
        (
            [0.3, 0.4],
            {"quantile": 0.5, "history": [10.0]},
            "gradient of norm 0.5, within the quantile 5.25 of recent norms",
        ),
    ],
)
def test_the_report_prints_as_a_line(gradient, settings, line):
    model = nn.Linear(2, 1, bias=False)
    model.weight.grad = torch.tensor([gradient])
    assert str(clip_gradients(model, **settings)) == line


def refused(error, model, **settings):
    with pytest.raises(error) as raised:
        clip_gradients(model, **settings)
    return str(raised.value)


@pytest.mark.parametrize(
    "settings", [{"norm": 0.1}, {"value": 0.1}, {"quantile": 0.5, "history": []}], ids=["norm", "value", "quantile"]
)
def test_a_gradient_that_is_not_finite_is_named_and_nothing_changes(settings):
    model = with_gradients()
    mend = "look for extreme values in the data, or lower the learning rate"
    second = model.rnn.cells[1].weight_hh.grad
    second[0, 0] = math.nan
    second[2, 1] = -math.inf
    second[3, 1] = math.inf
    before = flat(model)

    def message():
        text = refused(TrainingError, model, **settings)
        assert torch.equal(flat(model).nan_to_num(nan=7), before.nan_to_num(nan=7))
        assert settings.get("history", []) == []
        return text

    start = "the gradient of rnn.weight_hh_l1 is not finite: 1 NaN and 2 infinite of 36 entries"
    assert message() == f"{start}; {mend}"
    model.head.bias.grad[0] = math.inf
    before = flat(model)
    assert message() == f"{start}, and 1 other parameter has such a gradient; {mend}"
    model.head.weight.grad[0] = math.inf
    before = flat(model)
    assert message() == f"{start}, and 2 other parameters have such gradients; {mend}"
    second.zero_()
    model.head.bias.grad.zero_()
    before = flat(model)
    assert message() == f"the gradient of head.weight is not finite: 3 infinite of 3 entries; {mend}"


def test_without_gradients_clipping_is_refused():
    assert refused(TrainingError, nn.Linear(2, 1), norm=1.0) == (
        "clipping was asked for before backward(): none of the 2 parameters of Linear has a gradient; "
        "call loss.backward() first"
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "give exactly one of norm, value and quantile, got none"),
        ({"norm": 1.0, "value": 1.0}, "give exactly one of norm, value and quantile, got norm and value"),
        ({"norm": 0.0}, "norm has to be above 0, got 0"),
        ({"norm": math.nan}, "norm has to be above 0, got nan"),
        ({"value": -1.0}, "value has to be above 0, got -1"),
        ({"quantile": 90, "history": []}, "quantile has to be from 0 to 1, got 90; 0.9 is the 90th percentile"),
        ({"quantile": 0.9}, "quantile needs history=, a list of your own that gets the norm of each call"),
        ({"norm": 1.0, "history": []}, "history goes with quantile, and norm makes no use of it; leave it out"),
    ],
)
def test_settings_that_cannot_be(settings, message):
    model = with_gradients()
    before = flat(model)
    assert refused(SettingsError, model, **settings) == message
    assert torch.equal(flat(model), before)
