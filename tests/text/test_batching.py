"""Batches: every example once an epoch, within the budget, by seed and epoch alone."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import stats

from unrolled.errors import SettingsError, ShapeError
from unrolled.text.batching import Batches, Encoded, pad
from unrolled.text.tokenizer import PAD, learn

LENGTHS = st.lists(st.tuples(st.integers(1, 60), st.integers(1, 60)), min_size=1, max_size=200)


@given(LENGTHS, st.integers(1, 200), st.integers(1, 40), st.integers(0, 3))
def test_every_example_once_within_the_budget_in_equally_many_batches(lengths, tokens, sentences, seed):
    source, target = np.array(lengths).T
    batches = Batches(source, target, tokens=tokens, sentences=sentences)
    for number in range(3):
        epoch = batches.epoch(number, seed)
        assert len(epoch) == len(batches)
        assert sorted(torch.cat(epoch).tolist()) == list(range(len(lengths)))
        for batch in epoch:
            assert batch.dtype == torch.long
            width = max(source[batch].max(), target[batch].max())
            assert len(batch) <= sentences
            assert len(batch) * width <= tokens or len(batch) == 1


@given(LENGTHS, st.integers(1, 200))
@example([(1, 1)] * 3 + [(1, 3)] * 3, 6)
def test_no_batch_could_take_the_next_ones_first_sentence(lengths, tokens):
    source, target = np.array(lengths).T
    batches = Batches(source, target, tokens=tokens, sentences=1000)
    rank = stats.rankdata(100 * target + source)  # equal ones share a rank
    # Of batches of equal sentences the last may be the smaller one.
    by_length = sorted(batches.epoch(0, 0), key=lambda batch: (rank[batch].mean(), -len(batch)))
    for batch, following in pairwise(by_length):
        first = min(following.tolist(), key=lambda i: (target[i], source[i]))
        together = np.append(batch.numpy(), first)
        assert len(together) * max(source[together].max(), target[together].max()) > tokens


def test_epochs_depend_on_seed_and_number_alone():
    source, target = np.random.default_rng(0).integers(1, 20, (2, 500))
    first = Batches(source, target, tokens=200)
    epochs = {(number, seed): first.epoch(number, seed) for number in range(2) for seed in range(2)}
    again = Batches(source, target, tokens=200)
    for (number, seed), epoch in reversed(epochs.items()):
        assert [b.tolist() for b in again.epoch(number, seed)] == [b.tolist() for b in epoch]
    together = {tuple(sorted(tuple(sorted(b.tolist())) for b in epoch)) for epoch in epochs.values()}
    assert len(together) == 4  # neighbours change too, not the order of batches alone


def test_sentences_of_like_length_stand_together():
    source, target = np.random.default_rng(0).integers(3, 30, (2, 5000))
    padded = real = 0
    for batch in Batches(source, target).epoch(0, 0):
        padded, real = padded + len(batch) * int(target[batch].max()), real + int(target[batch].sum())
    assert real / padded > 0.97
    at_random = np.random.default_rng(1).permutation(5000).reshape(-1, 50)
    assert target.sum() / sum(50 * target[batch].max() for batch in at_random) < 0.7


def test_wrong_limits_and_lengths_are_refused():
    ones = np.ones(3, int)
    with pytest.raises(SettingsError, match="at least 1 token and 1 sentence, got 0 and 128"):
        Batches(ones, ones, tokens=0)
    with pytest.raises(ShapeError, match=r"got \(3,\) and \(2,\)"):
        Batches(ones, ones[:2])
    with pytest.raises(ShapeError, match=r"\(examples,\), got \(0,\)"):
        Batches(ones[:0], ones[:0])


@given(st.lists(st.lists(st.integers(4, 1000), max_size=12), min_size=1, max_size=8))
def test_padding_takes_nothing_and_adds_only_padding(rows):
    padded, lengths = pad(rows)
    assert padded.shape == (len(rows), max(map(len, rows)))
    assert [row[:n].tolist() for row, n in zip(padded, lengths.tolist(), strict=True)] == rows
    assert all((row[n:] == PAD).all() for row, n in zip(padded, lengths.tolist(), strict=True))
    encoded = Encoded(rows)
    assert torch.equal(pad(encoded.take(torch.arange(len(rows))))[0], padded)
    assert encoded.lengths.tolist() == lengths.tolist()


def test_no_row_is_no_batch():
    with pytest.raises(ShapeError, match="at least one row"):
        pad([])


def test_a_stream_is_encoded_in_order():
    texts = [f"a {'b ' * (i % 7)}c" for i in range(2500)]
    tokenizer, _ = learn("words", texts, 10)
    encoded = Encoded.of(tokenizer, iter(texts))
    assert len(encoded) == 2500
    assert all(encoded[i].tolist() == tokenizer.encode(texts[i]) for i in range(0, 2500, 97))
    assert encoded.ids.dtype == np.int32
    assert len(Encoded([])) == 0
