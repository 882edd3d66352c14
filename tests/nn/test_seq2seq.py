"""Laws of every sequence-to-sequence model: recurrent with each attention or none, with input feeding, Transformer."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from newcomer import PeepholeCell

from unrolled.errors import SettingsError, ShapeError
from unrolled.nn import CELLS, ElmanCell, GRUCell, LSTMCell
from unrolled.nn.attention import ATTENTIONS
from unrolled.nn.search import Limits, beam_search, greedy
from unrolled.nn.seq2seq import Seq2Seq
from unrolled.nn.transformer import Transformer
from unrolled.shapes import select

SMALL = {"embedding": 6, "hidden": 8}
MODELS = {
    "context vector": lambda: Seq2Seq(LSTMCell, 9, 11, attention=None, **SMALL),
    **{name: lambda name=name: Seq2Seq(LSTMCell, 9, 11, attention=name, **SMALL) for name in ATTENTIONS},
    "two layers": lambda: Seq2Seq(GRUCell, 9, 11, layers=2, dropout=0.3, **SMALL),
    "one direction": lambda: Seq2Seq(ElmanCell, 9, 11, bidirectional=False, attention="general", **SMALL),
    "input feeding": lambda: Seq2Seq(LSTMCell, 9, 11, input_feeding=True, attention="additive", **SMALL),
    "a newcomer's cell": lambda: Seq2Seq(PeepholeCell, 9, 11, **SMALL),
    "transformer": lambda: Transformer(9, 11, size=8, heads=2, layers=2, feedforward=16, dropout=0.3),
}
EVERY = pytest.mark.parametrize("name", MODELS)


def made(name):
    torch.manual_seed(0)
    return MODELS[name]().double().eval()


def drawn(batch=3, src=5, tgt=4, seed=0):
    generator = torch.Generator().manual_seed(seed)
    source = torch.randint(4, 9, (batch, src), generator=generator)
    target = torch.randint(4, 11, (batch, tgt), generator=generator)
    return source, torch.randint(1, src + 1, (batch,), generator=generator), target


def close(a, b):
    torch.testing.assert_close(a, b, rtol=0, atol=1e-10)


@EVERY
@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 99), more=st.integers(1, 4))
def test_padding_changes_no_output_and_no_gradient(name, seed, more):
    model, (source, lengths, target) = made(name), drawn(seed=seed)
    junk = torch.randint(4, 9, (3, more), generator=torch.Generator().manual_seed(seed))
    longer = torch.cat([source, junk], dim=1)
    longer = torch.where(torch.arange(longer.shape[1]) < lengths[:, None], longer, 3)
    results = []
    for read in (source, longer):
        hidden, weights = model(read, lengths, target)
        gradients = torch.autograd.grad(hidden.square().sum(), list(model.parameters()), allow_unused=True)
        results.append((hidden, weights, gradients))
    close(results[0][0], results[1][0])
    for a, b in zip(results[0][2], results[1][2], strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            close(a, b)
    if results[1][1] is not None:
        weights = results[1][1]
        close(weights.sum(dim=-1), torch.ones(3, 4).double())
        real = torch.arange(longer.shape[1]) < lengths[:, None]
        assert (weights.transpose(1, 2)[~real] == 0).all()


@EVERY
@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 99), order=st.permutations(range(3)))
def test_neighbours_and_their_order_change_nothing(name, seed, order):
    model, (source, lengths, target) = made(name), drawn(seed=seed)
    together, _ = model(source, lengths, target)
    shuffled, _ = model(source[list(order)], lengths[list(order)], target[list(order)])
    close(shuffled, together[list(order)])
    alone, _ = model(source[:1, : lengths[0]], lengths[:1], target[:1])
    close(alone, together[:1])


@EVERY
@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 99), t=st.integers(1, 3))
def test_a_later_target_changes_no_earlier_step(name, seed, t):
    model, (source, lengths, target) = made(name), drawn(seed=seed)
    other = target.clone()
    other[:, t:] = (other[:, t:] - 3) % 7 + 4  # another word, whatever it was
    assert (other[:, t:] != target[:, t:]).all()
    before, after = model(source, lengths, target)[0], model(source, lengths, other)[0]
    close(before[:, :t], after[:, :t])
    assert not torch.equal(before[:, t:], after[:, t:])


@EVERY
def test_stepping_is_the_teacher_forced_pass_in_values_and_gradients(name):
    model, (source, lengths, target) = made(name), drawn()
    results = []
    hidden, weights = model(source, lengths, target)
    memory, state = model.encode(source, lengths)
    logits, looks = [], []
    for token in target.unbind(dim=1):
        scores, state, look = model.step(token, state, memory)
        logits.append(scores)
        looks.append(look)
    for output in (model.project(hidden), torch.stack(logits, dim=1)):
        loss = output.log_softmax(-1)[..., 5].sum()
        gradients = torch.autograd.grad(loss, list(model.parameters()), retain_graph=True, allow_unused=True)
        results.append([output, *(g for g in gradients if g is not None)])
    for a, b in zip(*results, strict=True):
        close(a, b)
    if weights is not None:
        close(weights, torch.stack(looks, dim=1))


@EVERY
def test_hypotheses_behind_each_other_are_each_their_own_sentence(name):
    """A step of two hypotheses a sentence is the step of each alone, and a state is reordered by its rows."""
    model, (source, lengths, _) = made(name), drawn()
    memory, state = model.encode(source, lengths)
    twice = torch.arange(3).repeat_interleave(2)
    both = select(state, twice)
    tokens = torch.tensor([4, 5, 6, 7, 8, 9])
    for _ in range(2):
        scores, after, _ = model.step(tokens, both, memory)
        for k in (0, 1):
            own, _, _ = model.step(tokens[k::2], select(both, torch.arange(k, 6, 2)), memory)
            close(scores[k::2], own)
        order = torch.tensor([1, 1, 3, 2, 4, 4])
        both, tokens = select(after, order), tokens[order]


@EVERY
def test_a_model_is_searched_and_a_beam_of_one_is_greedy(name):
    model, (source, lengths, _) = made(name), drawn()
    limits = Limits(1, 2, longest=6, forbidden=(0, 1))
    with torch.no_grad():
        memory, state = model.encode(source, lengths)
        ones = greedy(model.step, state, memory, 3, limits)
        assert [h[0].tokens for h in beam_search(model.step, state, memory, 3, limits, beam=1)] == [
            h.tokens for h in ones
        ]
        wide = beam_search(model.step, state, memory, 3, limits, beam=4, n_best=4, length_penalty=0.0)
        for n, found in enumerate(wide):
            memory, state = model.encode(source[n : n + 1, : lengths[n]], lengths[n : n + 1])
            (alone,) = beam_search(model.step, state, memory, 1, limits, beam=4, n_best=4, length_penalty=0.0)
            assert [h.tokens for h in alone] == [h.tokens for h in found]
            for h in found:  # its score is that of the teacher-forced pass
                hidden, _ = model(source[n : n + 1, : lengths[n]], lengths[n : n + 1], torch.tensor([[1, *h.tokens]]))
                logs = model.project(hidden)[0].log_softmax(-1)
                said = [*h.tokens, 2][: len(h.logprobs)]
                assert h.score == pytest.approx(float(logs[range(len(said)), said].sum()), abs=1e-4)


def test_scheduled_sampling_reads_its_own_words_and_never_the_later_truth():
    model, (source, lengths, target) = made("dot"), drawn()
    hidden, weights = model(source, lengths, target, teacher_forcing=0.0)
    other = target.clone()
    other[:, 1:] = 4  # without teacher forcing only the first token is read
    close(model(source, lengths, other, teacher_forcing=0.0)[0], hidden)
    memory, state = model.encode(source, lengths)
    token = target[:, 0]
    for t in range(4):
        scores, state, _ = model.step(token, state, memory)
        close(scores, model.project(hidden[:, t]))
        token = scores.argmax(-1)
    assert weights.shape == (3, 4, 5)
    torch.manual_seed(3)
    half = model(source, lengths, target, teacher_forcing=0.5)[0]
    close(half[:, 0], hidden[:, 0])
    assert not torch.equal(half, hidden)


def test_the_context_vector_is_all_that_the_decoder_without_attention_reads():
    model, (source, lengths, target) = made("context vector"), drawn()
    memory, state = model.encode(source, lengths)
    assert model(source, lengths, target)[1] is None
    changed = memory._replace(values=memory.values + 1, prepared=memory.prepared + 1)
    close(model.step(target[:, 0], state, memory)[0], model.step(target[:, 0], state, changed)[0])
    n, each = 1, 4
    assert torch.equal(memory.context[n, :each], memory.values[n, lengths[n] - 1, :each])
    assert torch.equal(memory.context[n, each:], memory.values[n, 0, each:])


def test_the_first_state_is_the_encoders_last_in_both_directions():
    model, (source, lengths, _) = made("dot"), drawn()
    _, state = model.encode(source, lengths)
    _, ((forward, backward),) = model.encoder(model.source(source), lengths=lengths)
    close(state.rnn[0].c, torch.cat([forward.c, backward.c], dim=1))


@pytest.mark.parametrize("tied", [True, False])
def test_tied_embeddings_are_one_tensor(tied):
    model = Seq2Seq(LSTMCell, 9, 11, tied=tied, **SMALL)
    assert (model.output.weight is model.target.weight) == tied
    assert sum("output.weight" in name for name, _ in model.named_parameters()) == (not tied)


@pytest.mark.parametrize("cell", [cell for name, cell in CELLS.items() if name != "rnn"])
def test_any_cell_learns_to_copy_and_to_reverse(cell):
    """Two sentences, one copied and one reversed: learnt by heart in a few steps."""
    torch.manual_seed(1)
    model = Seq2Seq(cell, 9, 9, embedding=16, hidden=32)
    source, lengths = torch.tensor([[4, 5, 6, 7], [7, 5, 4, 0]]), torch.tensor([4, 3])
    target = torch.tensor([[1, 4, 5, 6, 7, 2], [1, 4, 5, 7, 2, 0]])
    optimizer = torch.optim.Adam(model.parameters(), 0.02)
    for _ in range(60):
        hidden, _ = model(source, lengths, target[:, :-1])
        loss = torch.nn.functional.cross_entropy(model.project(hidden).flatten(0, 1), target[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        memory, state = model.encode(source, lengths)
        written = greedy(model.step, state, memory, 2, Limits(1, 2, 9, forbidden=(0, 1)))
    assert [h.tokens for h in written] == [[4, 5, 6, 7], [4, 5, 7]]


def test_dropout_acts_in_training_only():
    model, (source, lengths, target) = made("two layers"), drawn()
    assert torch.equal(model(source, lengths, target)[0], model(source, lengths, target)[0])
    model.train()
    assert not torch.equal(model(source, lengths, target)[0], model(source, lengths, target)[0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hidden": 7}, "shares out the hidden units, got 7; take an even"),
        ({"embedding": 0}, "embedding must be at least 1, got 0"),
        ({"dropout": 1.0}, "dropout must be at least 0 and below 1, got 1.0"),
        ({"attention": "dott"}, "unknown attention 'dott'; nearest: 'dot'"),
        ({"layers": 0}, "layers must be at least 1, got 0"),
    ],
)
def test_sizes_that_cannot_be(options, message):
    with pytest.raises(SettingsError, match=message):
        Seq2Seq(LSTMCell, 9, 11, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 7}, "heads have to divide|a size of 7; take an even one"),
        ({"size": 8, "heads": 3}, "heads have to divide the size, got 3 heads and a size of 8"),
        ({"layers": 0}, "layers must be at least 1, got 0"),
        ({"dropout": -0.1}, "dropout must be at least 0 and below 1, got -0.1"),
    ],
)
def test_sizes_of_a_transformer_that_cannot_be(options, message):
    with pytest.raises(SettingsError, match=message):
        Transformer(9, 11, **options)


@EVERY
def test_lengths_that_cannot_be(name):
    with pytest.raises(ShapeError, match="a length can't exceed the 5 steps"):
        made(name)(torch.zeros(2, 5, dtype=torch.long), torch.tensor([5, 6]), torch.zeros(2, 3, dtype=torch.long))


def test_positions_are_those_of_the_formula():
    from unrolled.nn.transformer import positions

    p = positions(50, 6, torch.empty(0, dtype=torch.float64))
    for t, i in ((0, 0), (7, 1), (49, 2)):
        angle = t / 10000 ** (2 * i / 6)
        assert (float(p[t, 2 * i]), float(p[t, 2 * i + 1])) == pytest.approx((math.sin(angle), math.cos(angle)))
