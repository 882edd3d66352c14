"""Multi-head attention against torch's, in values and gradients; linear attention in both its forms."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from unrolled.errors import SettingsError, ShapeError
from unrolled.nn import RNN
from unrolled.nn.linear_attention import LinearAttentionCell
from unrolled.nn.multihead import MultiHeadAttention


def draw(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def pair(size=8, heads=2):
    torch.manual_seed(0)
    theirs = torch.nn.MultiheadAttention(size, heads, batch_first=True).double()
    torch.nn.init.normal_(theirs.in_proj_bias)
    ours = MultiHeadAttention(size, heads).double()
    ours.load_state_dict(theirs.state_dict())
    return ours, theirs


@settings(max_examples=20, deadline=None)
@given(
    tgt=st.integers(1, 4),
    src=st.integers(1, 5),
    heads=st.sampled_from([1, 2, 4]),
    lengths=st.lists(st.integers(1, 5), min_size=3, max_size=3),
    need=st.booleans(),
)
def test_values_weights_and_gradients_are_those_of_torch(tgt, src, heads, lengths, need):
    ours, theirs = pair(heads=heads)
    query, keys, values = draw(3, tgt, 8), draw(3, src, 8, seed=1), draw(3, src, 8, seed=2)
    mask = torch.arange(src) < torch.tensor(lengths)[:, None]
    results = []
    for run in (
        lambda q, k, v: ours(q, k, v, mask, need_weights=need),
        lambda q, k, v: theirs(q, k, v, key_padding_mask=~mask, need_weights=need, average_attn_weights=False),
    ):
        parts = [part.clone().requires_grad_() for part in (query, keys, values)]
        output, weights = run(*parts)
        assert (weights is not None) == need
        results.append([output, *([weights] if need else []), *torch.autograd.grad(output.square().sum(), parts)])
    for a, b in zip(*results, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-10)


@pytest.mark.parametrize("need", [True, False])
def test_causal_self_attention_is_that_of_torch_and_sees_no_later_step(need):
    ours, theirs = pair()
    x = draw(2, 5, 8)
    later = torch.ones(5, 5, dtype=torch.bool).triu(1)
    expected, _ = theirs(x, x, x, attn_mask=later)
    output, _ = ours(x, causal=True, need_weights=need)
    torch.testing.assert_close(output, expected, rtol=0, atol=1e-10)
    x[:, 3:] += 1
    torch.testing.assert_close(ours(x, causal=True, need_weights=need)[0][:, :3], output[:, :3], rtol=0, atol=1e-12)


def test_a_mask_of_its_own_for_each_query():
    ours, theirs = pair(heads=1)
    query, keys = draw(2, 3, 8), draw(2, 4, 8, seed=1)
    mask = draw(2, 3, 4, seed=2) > 0
    mask[..., 0] = True
    torch.testing.assert_close(ours(query, keys, mask=mask)[0], theirs(query, keys, keys, attn_mask=~mask)[0])


def test_where_nothing_is_real_weights_are_zero():
    ours, _ = pair()
    _, weights = ours(draw(1, 2, 8), draw(1, 3, 8, seed=1), mask=torch.zeros(1, 3, dtype=torch.bool))
    assert (weights == 0).all()


def test_dropout_acts_on_the_weights_in_training_only():
    attention = MultiHeadAttention(8, 2, dropout=0.5).double()
    x = draw(2, 5, 8)
    assert not torch.equal(attention(x)[0], attention(x)[0])
    attention.eval()
    assert torch.equal(attention(x)[0], attention(x)[0])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda a: MultiHeadAttention(8, 3),
            SettingsError,
            "heads have to divide the size, got 3 heads and a size of 8",
        ),
        (lambda a: a(draw(2, 3, 7)), ShapeError, r"takes queries of \(batch, time, 8\) in one batch, got \(2, 3, 7\)"),
        (lambda a: a(draw(2, 3, 8), draw(1, 3, 8)), ShapeError, r"takes keys of .* got \(1, 3, 8\)"),
        (lambda a: a(draw(2, 3, 8), draw(2, 3, 8), draw(2, 4, 8)), ShapeError, "each key has one value"),
        (lambda a: a(draw(2, 3, 8), draw(2, 4, 8), causal=True), ShapeError, "got 3 queries and 4 keys"),
        (lambda a: a(draw(2, 3, 8), mask=torch.ones(2, 3)), ShapeError, "the mask must be bool"),
    ],
)
def test_what_does_not_fit(call, error, message):
    with pytest.raises(error, match=message):
        call(pair()[0])


# ---- linear attention


@settings(max_examples=20, deadline=None)
@given(time=st.integers(1, 7), seed=st.integers(0, 99), lengths=st.lists(st.integers(1, 7), min_size=3, max_size=3))
def test_linear_attention_is_a_recurrent_network(time, seed, lengths):
    """All at once by attention, or step by step by a state: the same values, the same gradients."""
    torch.manual_seed(seed)
    cell = LinearAttentionCell(4, 5).double()
    lengths = torch.tensor(lengths).clamp(max=time)
    results = []
    for fused in (None, False):
        rnn = RNN(lambda *_: cell, 4, 5, fused=fused)
        x = draw(3, time, 4, seed=seed).requires_grad_()
        output, (state,) = rnn(x, lengths=lengths)
        loss = output.square().sum() + state.S.sum() + state.z.square().sum()
        results.append([output, *state, *torch.autograd.grad(loss, [x, cell.weight_ih])])
    for a, b in zip(*results, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-9)


def test_linear_attention_is_the_weighted_mean_of_its_definition():
    torch.manual_seed(0)
    cell, x = LinearAttentionCell(4, 5).double(), draw(1, 6, 4)
    q, k, v = (x[0] @ cell.weight_ih.T).chunk(3, dim=-1)
    phi = lambda a: torch.where(a > 0, a + 1, a.exp())  # noqa: E731 - elu(a) + 1
    output, _ = cell.unroll(x, cell.initial_state(1))
    for t in range(6):
        weights = torch.stack([phi(q[t]) @ phi(k[s]) for s in range(t + 1)])
        torch.testing.assert_close(output[0, t], (weights[:, None] * v[: t + 1]).sum(0) / weights.sum())


def test_linear_attention_goes_on_from_a_state():
    torch.manual_seed(0)
    rnn, x = RNN(LinearAttentionCell, 4, 5).double(), draw(2, 6, 4)
    whole, _ = rnn(x)
    first, state = rnn(x[:, :2])
    second, _ = rnn(x[:, 2:], state)
    torch.testing.assert_close(torch.cat([first, second], dim=1), whole)
