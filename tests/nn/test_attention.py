"""Attention against torch's own, by hand, and by its laws."""

import itertools
import math
import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import scaled_dot_product_attention

from unrolled.errors import SettingsError, ShapeError
from unrolled.nn.attention import (
    ATTENTIONS,
    AdditiveAttention,
    DotAttention,
    GeneralAttention,
    attend,
    attention_named,
)

SCALED = pytest.mark.parametrize("scaled", [False, True])


def draw(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@SCALED
@settings(max_examples=30)
@given(
    tgt=st.integers(1, 4), src=st.integers(1, 5), hidden=st.integers(1, 6), seed=st.integers(0, 999), each=st.booleans()
)
def test_values_and_gradients_are_those_of_torch(scaled, tgt, src, hidden, seed, each):
    query, keys, values = draw(3, tgt, hidden), draw(3, src, hidden, seed=1), draw(3, src, 2, seed=2)
    mask = draw(3, tgt, src, seed=seed) > 0
    mask[..., 0] = True
    mask = mask if each else mask[:, 0]
    results = []
    for run in (
        lambda q, k, v: DotAttention(scaled)(q, k, v, mask)[0],
        lambda q, k, v: scaled_dot_product_attention(
            q, k, v, mask if each else mask[:, None], scale=None if scaled else 1.0
        ),
    ):
        parts = [part.clone().requires_grad_() for part in (query, keys, values)]
        context = run(*parts)
        results.append([context, *torch.autograd.grad(context.square().sum(), parts)])
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-10)


def test_by_hand():
    """Scores ln 1, ln 2 and ln 5: weights 1/8, 2/8 and 5/8; with the scale √4 the roots of 1, 2 and 5 count."""
    keys = torch.tensor([1.0, 2.0, 5.0]).log().view(1, 3, 1) * torch.tensor([1.0, 0.0, 0.0, 0.0])
    query, values = torch.tensor([[[1.0, 7.0, 7.0, 7.0]]]), torch.tensor([[[8.0], [16.0], [24.0]]])
    context, weights = DotAttention()(query, keys, values)
    torch.testing.assert_close(weights, torch.tensor([[[0.125, 0.25, 0.625]]]))
    torch.testing.assert_close(context, torch.tensor([[[20.0]]]))
    roots = [1.0, math.sqrt(2), math.sqrt(5)]
    _, weights = DotAttention(scaled=True)(query, keys, values)
    torch.testing.assert_close(weights, torch.tensor([[[root / sum(roots) for root in roots]]]))


@SCALED
@given(lengths=st.lists(st.integers(1, 5), min_size=3, max_size=3))
def test_rows_sum_to_one_and_what_is_padding_changes_nothing_be_it_nan(scaled, lengths):
    query, keys, values = draw(3, 2, 4).requires_grad_(), draw(3, 5, 4, seed=1), draw(3, 5, 2, seed=2)
    mask = torch.arange(5) < torch.tensor(lengths)[:, None]
    keys[~mask], values[~mask] = math.nan, math.inf
    context, weights = DotAttention(scaled)(query, keys, values, mask)
    torch.testing.assert_close(weights.sum(dim=-1), torch.ones(3, 2).double())
    assert (weights.transpose(1, 2)[~mask] == 0).all()
    (slope,) = torch.autograd.grad(context.sum(), query)
    for row, length in enumerate(lengths):
        alone = [part[row : row + 1, :length] for part in (keys, values)]
        expected, _ = DotAttention(scaled)(query[row : row + 1], *alone)
        torch.testing.assert_close(context[row : row + 1], expected, rtol=0, atol=1e-12)
        (own,) = torch.autograd.grad(expected.sum(), query)
        torch.testing.assert_close(slope[row], own[row], rtol=0, atol=1e-12)


def test_where_nothing_is_real_nothing_is_read_and_no_gradient_is_nan():
    query, keys = draw(2, 1, 3).requires_grad_(), draw(2, 4, 3, seed=1).requires_grad_()
    mask = torch.tensor([[True, True, False, False], [False] * 4])
    context, weights = DotAttention()(query, keys, mask=mask)
    assert (weights[1] == 0).all()
    assert (context[1] == 0).all()
    slopes = torch.autograd.grad(context.sum(), [query, keys])
    assert all(slope.isfinite().all() and (slope[1] == 0).all() for slope in slopes)


def test_the_order_of_what_is_read_does_not_matter():
    query, keys, values = draw(2, 3, 4), draw(2, 5, 4, seed=1), draw(2, 5, 2, seed=2)
    order = [3, 0, 4, 1, 2]
    context, weights = DotAttention()(query, keys, values)
    turned, turned_weights = DotAttention()(query, keys[:, order], values[:, order])
    torch.testing.assert_close(turned, context)
    torch.testing.assert_close(turned_weights, weights[..., order])


def test_scores_of_another_kind_need_no_more_than_attend():
    """Any function of a query and a key; here the least distance, far beyond what exp can take."""
    query, keys = draw(1, 2, 3) * 1e3, draw(1, 4, 3, seed=1) * 1e3
    context, weights = attend(-torch.cdist(query, keys), keys)
    nearest = torch.cdist(query, keys)[0].argmin(dim=1)
    torch.testing.assert_close(context[0], keys[0, nearest])
    assert weights[0].argmax(dim=1).equal(nearest)


@pytest.mark.parametrize("name", ATTENTIONS)
def test_names_give_modules_that_work(name):
    attention = attention_named(name, 4, 4)
    context, weights = attention(torch.randn(2, 3, 4), torch.randn(2, 5, 4))
    assert context.shape == (2, 3, 4)
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, 3))


@pytest.mark.parametrize("kind", [GeneralAttention, AdditiveAttention])
@given(lengths=st.lists(st.integers(1, 5), min_size=3, max_size=3))
@settings(max_examples=20, deadline=None)
def test_scores_with_weights_are_those_of_the_equation_loop_by_loop(kind, lengths):
    torch.manual_seed(0)
    attention = kind(3, 4).double()
    query, keys, values = draw(3, 2, 3), draw(3, 5, 4, seed=1), draw(3, 5, 2, seed=2)
    mask = torch.arange(5) < torch.tensor(lengths)[:, None]
    keys[~mask], values[~mask] = math.nan, math.inf
    context, weights = attention(query, keys, values, mask)
    parameters = dict(attention.named_parameters())
    for b, t in itertools.product(range(3), range(2)):
        scores = []
        for s in range(lengths[b]):
            if kind is GeneralAttention:
                scores.append(query[b, t] @ (parameters["weight.weight"] @ keys[b, s]))
            else:
                a = parameters["query.weight"] @ query[b, t] + parameters["key.weight"] @ keys[b, s]
                scores.append((parameters["score.weight"] @ a.tanh())[0])
        α = torch.stack(scores).softmax(0)
        torch.testing.assert_close(weights[b, t, : lengths[b]], α)
        torch.testing.assert_close(context[b, t], α @ values[b, : lengths[b]])
        assert (weights[b, t, lengths[b] :] == 0).all()


@pytest.mark.parametrize("kind", [GeneralAttention, AdditiveAttention])
def test_kinds_with_weights_say_which_sizes_they_take(kind):
    with pytest.raises(ShapeError, match=r"takes queries of 3 units and keys of 4 in one batch, got \(2, 5, 4\)"):
        kind(3, 4)(torch.zeros(2, 5, 4), torch.zeros(2, 6, 4))


def test_unknown_names_are_refused():
    with pytest.raises(SettingsError, match=r"^unknown attention 'dott'; nearest: 'dot'$"):
        attention_named("dott", 4, 4)


@pytest.mark.parametrize(
    ("query", "keys", "values", "mask", "message"),
    [
        ((2, 4), (2, 5, 4), None, None, "attention takes queries of (batch, time, hidden), got (2, 4); add an axis"),
        ((2, 3, 4), (5, 4), None, None, "attention takes keys of (batch, time, hidden), got (5, 4); add an axis"),
        ((2, 3, 4), (2, 5, 4), (5,), None, "attention takes values of (batch, time, hidden), got (5,); add an axis"),
        (
            (2, 3, 4),
            (2, 5, 3),
            None,
            None,
            "a dot product needs queries and keys of one batch and one size, got (2, 3, 4) and (2, 5, 3); project one "
            "of them",
        ),
        (
            (1, 3, 4),
            (2, 5, 4),
            None,
            None,
            "a dot product needs queries and keys of one batch and one size, got (1, 3, 4) and (2, 5, 4); project one "
            "of them",
        ),
        ((2, 3, 4), (2, 5, 4), (2, 6, 4), None, "each key has one value, got keys (2, 5, 4) and values (2, 6, 4)"),
        (
            (2, 3, 4),
            (2, 5, 4),
            None,
            torch.ones(2, 5),
            "the mask must be bool, True where the data is real, of shape (2, 5) or (2, 3, 5), got torch.float32 of "
            "(2, 5)",
        ),
        (
            (2, 3, 4),
            (2, 5, 4),
            None,
            torch.ones(2, 3, dtype=torch.bool),
            "the mask must be bool, True where the data is real, of shape (2, 5) or (2, 3, 5), got torch.bool of "
            "(2, 3)",
        ),
    ],
)  # fmt: skip
def test_shapes_that_do_not_fit_are_refused(query, keys, values, mask, message):
    values = None if values is None else torch.zeros(values)
    with pytest.raises(ShapeError, match=f"^{re.escape(message)}$"):
        DotAttention()(torch.zeros(query), torch.zeros(keys), values, mask)
