"""Search against brute force, and by its laws, over small step functions whose every output can be listed."""

import itertools
import math
from collections.abc import Iterator

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from unrolled.errors import SettingsError
from unrolled.nn.search import Hypothesis, Limits, Tree, beam_search, greedy, sample

BEGIN, END = 0, 1


class Table:
    """A model whose next token depends on the sentence and the last two tokens: log-probabilities from a table.

    State: the last token but one. Memory: the number of the sentence. Its attention looks at the sentence's number.
    """

    def __init__(self, seed: int, vocab: int = 4, sentences: int = 3, sharp: float = 2.0):
        generator = torch.Generator().manual_seed(seed)
        self.vocab, self.sentences = vocab, sentences
        self.scores = sharp * torch.randn(sentences, vocab, vocab, vocab, generator=generator)

    def step(self, tokens, state, memory):
        number = memory.repeat_interleave(len(tokens) // len(memory))
        weights = torch.nn.functional.one_hot(number, self.sentences).float()
        return self.scores[number, state, tokens], tokens, weights

    def start(self, numbers=None):
        numbers = list(range(self.sentences)) if numbers is None else numbers
        return self.step, torch.zeros(len(numbers), dtype=torch.long), torch.tensor(numbers), len(numbers)

    def every(self, number: int, limits: Limits) -> Iterator[tuple[list[int], list[float]]]:
        """Every output within the limits, with the log-probability of each of its tokens and of its end."""
        words = [w for w in range(self.vocab) if w != END and w not in limits.forbidden]
        for length in range(limits.shortest, limits.longest + 1):
            for tokens in itertools.product(words, repeat=length):
                logs, before, last = [], 0, BEGIN
                for token in (*tokens, END):
                    logs.append(float(self.scores[number, before, last].log_softmax(0)[token]))
                    before, last = last, token
                yield list(tokens), logs


LIMITS = Limits(BEGIN, END, longest=4, forbidden=(BEGIN,))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 999), penalty=st.sampled_from([0.0, 0.6, 1.0]))
def test_a_beam_as_wide_as_the_space_is_exhaustive_search(seed, penalty):
    model = Table(seed)
    found = beam_search(*model.start(), LIMITS, beam=40, n_best=31, length_penalty=penalty)
    for number, hypotheses in enumerate(found):
        expected = sorted(
            ((sum(logs) / len(logs) ** penalty, tokens) for tokens, logs in model.every(number, LIMITS)), reverse=True
        )
        assert len(hypotheses) == len(expected) == 31  # 1 + 2 + 4 + 8 + 16
        assert [h.tokens for h in hypotheses[:1]] == [tokens for _, tokens in expected[:1]]
        for h, (score, _) in zip(hypotheses, expected, strict=True):
            assert h.score == pytest.approx(score, abs=1e-4)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 999), shortest=st.integers(0, 3), no_repeat=st.sampled_from([None, 1, 2]))
def test_a_beam_of_one_is_greedy_search(seed, shortest, no_repeat):
    model = Table(seed, vocab=6)
    limits = Limits(BEGIN, END, 7, shortest, (BEGIN,), no_repeat)
    ones = beam_search(*model.start(), limits, beam=1, length_penalty=0.0)
    for (one,), other in zip(ones, greedy(*model.start(), limits), strict=True):
        assert one.tokens == other.tokens
        assert one.logprob == pytest.approx(other.logprob, abs=1e-5)
        torch.testing.assert_close(one.attention, other.attention)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 999), beam=st.integers(1, 6), order=st.permutations(range(3)))
def test_neighbours_and_their_order_change_nothing(seed, beam, order):
    model = Table(seed, vocab=6)
    together = beam_search(*model.start(), LIMITS, beam=beam, n_best=beam)
    for place, number in enumerate(order):
        (alone,) = beam_search(*model.start([number]), LIMITS, beam=beam, n_best=beam)
        mixed = beam_search(*model.start(list(order)), LIMITS, beam=beam, n_best=beam)[place]
        assert [h.tokens for h in alone] == [h.tokens for h in mixed] == [h.tokens for h in together[number]]


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 999), beam=st.integers(2, 8))
def test_n_best_is_sorted_distinct_and_its_scores_are_the_model_s(seed, beam):
    model = Table(seed, vocab=6)
    for number, hypotheses in enumerate(beam_search(*model.start(), LIMITS, beam=beam, n_best=beam)):
        scores = [h.score for h in hypotheses]
        assert scores == sorted(scores, reverse=True)
        assert len({tuple(h.tokens) for h in hypotheses}) == len(hypotheses)
        known = {tuple(tokens): logs for tokens, logs in model.every(number, LIMITS)}
        for h in hypotheses:
            assert h.logprobs == pytest.approx(known[tuple(h.tokens)], abs=1e-5)
            assert h.attention.argmax(dim=1).tolist() == [number] * len(h.logprobs)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 999), share=st.sampled_from([0.2, 0.5, 0.7]), beam=st.sampled_from([1, 2, 40]))
def test_what_cannot_go_on_displaces_nothing_that_can(seed, share, beam):
    """Tokens that may not follow, and whole rows of them: a wide beam lists every output that is left, and no other."""
    model = Table(seed, sentences=1)
    barred = torch.rand(model.scores.shape, generator=torch.Generator().manual_seed(seed)) < share
    model.scores = model.scores.masked_fill(barred, -torch.inf)
    possible = {tuple(tokens): sum(logs) for tokens, logs in model.every(0, LIMITS) if sum(logs) > -math.inf}
    try:
        (found,) = beam_search(*model.start(), LIMITS, beam=beam, n_best=beam, length_penalty=0.0)
    except SettingsError:
        assert not possible or beam < 40
        return
    assert found
    for h in found:
        assert h.score == pytest.approx(possible[tuple(h.tokens)], abs=1e-4)
    if beam == 40:
        assert [h.score for h in found] == pytest.approx(sorted(possible.values(), reverse=True), abs=1e-4)


@pytest.mark.parametrize("score", [-math.inf, math.nan])
@pytest.mark.parametrize(
    "search",
    [greedy, lambda *a: sample(*a, top_k=2), lambda *a: beam_search(*a, beam=3)],
    ids=["greedy", "sample", "beam"],
)
def test_a_sentence_of_which_nothing_can_be_written_is_named(search, score):
    model = Table(0)
    model.scores[..., END] = -50.0
    model.scores[1, 0, BEGIN] = score  # before the first token
    with pytest.raises(SettingsError, match=r"sentence 2 can't go on after 0 tokens: every token .* -inf or NaN; see"):
        search(*model.start(), LIMITS)
    model.scores = Table(0).scores
    model.scores[2, :, 2:] = score  # after the first
    model.scores[2, 0, BEGIN, END] = -math.inf
    with pytest.raises(SettingsError, match=r"sentence 3 can't go on after 1 token: "):
        search(*model.start(), LIMITS)


def test_a_wider_beam_finds_what_greedy_search_misses():
    """Token 2 is likelier at first, and what follows token 3 makes up for it."""
    scores = torch.full((1, 4, 4, 4), -50.0)
    scores[0, 0, BEGIN, 2:] = torch.tensor([0.55, 0.45]).log()
    scores[0, BEGIN, 2] = torch.tensor([1e-9, 0.5, 0.25, 0.25]).log()
    scores[0, BEGIN, 3, END] = 0.0
    model = Table(0, sentences=1)
    model.scores = scores
    assert greedy(*model.start(), LIMITS)[0].tokens == [2]
    (best,) = beam_search(*model.start(), LIMITS, beam=2, length_penalty=0.0)[0]
    assert (best.tokens, best.logprob) == ([3], pytest.approx(math.log(0.45), abs=1e-4))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 999), n=st.integers(1, 3), beam=st.integers(1, 4))
def test_no_n_tokens_twice_and_no_length_outside_the_limits(seed, n, beam):
    model = Table(seed, vocab=5)
    limits = Limits(BEGIN, END, 9, 2, (BEGIN, 4), n)
    for hypotheses in beam_search(*model.start(), limits, beam=beam, n_best=beam):
        for h in hypotheses:
            runs = [tuple(h.tokens[i : i + n]) for i in range(len(h.tokens) - n + 1)]
            assert len(set(runs)) == len(runs)
            assert len(h.tokens) <= 9
            assert set(h.tokens) <= {2, 3}


def test_each_sentence_has_its_own_longest_output():
    model = Table(3)
    model.scores[..., END] = -20.0
    limits = Limits(BEGIN, END, [1, 3, 5], forbidden=(BEGIN,))
    assert [len(h.tokens) for h in greedy(*model.start(), limits)] == [1, 3, 5]
    assert [len(found[0].tokens) for found in beam_search(*model.start(), limits, beam=3)] == [1, 3, 5]


def test_where_everything_is_forbidden_the_end_is_written():
    model = Table(0)
    assert greedy(*model.start(), Limits(BEGIN, END, 9, 5, (0, 2, 3)))[0].tokens == []


def test_the_coverage_penalty_is_the_formula_s():
    """Attention of 0.5, 0.25 and 1.25 in all: ln 0.5 + ln 0.25 + ln 1."""

    def step(tokens, state, memory):
        scores = torch.tensor([[-50.0, -50.0, 0.0], [-50.0, 0.0, -50.0]])[int(state[0])].expand(len(tokens), 3)
        return scores, state + 1, torch.tensor([[0.25, 0.125, 0.625]]).expand(len(tokens), 3)

    start = (step, torch.zeros(1, dtype=torch.long), torch.zeros(1), 1)
    (plain,) = beam_search(*start, Limits(BEGIN, END), beam=1)[0]
    (covered,) = beam_search(*start, Limits(BEGIN, END), beam=1, coverage_penalty=0.3)[0]
    assert plain.tokens == covered.tokens == [2]
    assert covered.score - plain.score == pytest.approx(0.3 * math.log(0.125), abs=1e-5)


def test_the_tree_holds_what_was_kept_and_dropped():
    model = Table(5)
    trees = [Tree() for _ in range(3)]
    found = beam_search(*model.start(), LIMITS, beam=2, trees=trees, length_penalty=0.0)
    for tree, (best,) in zip(trees, found, strict=True):
        assert all(len(level) <= 4 for level in tree.levels)
        assert all(2 <= sum(kept for *_, kept in level) <= 4 for level in tree.levels[:1])
        ends = [score for level in tree.levels for _, token, score, kept in level if token == END and kept]
        assert max(ends) == pytest.approx(best.score, abs=1e-5)


def test_sampling_draws_as_often_as_is_likely_and_is_repeatable():
    model = Table(1, sentences=1, vocab=5)
    step, state, memory, _ = model.start([0] * 4000)
    limits = Limits(BEGIN, END, 1, forbidden=(BEGIN,))

    def first(**options):
        generators = [torch.Generator().manual_seed(i) for i in range(4000)]
        drawn = sample(step, state, memory, 4000, limits, generators=generators, **options)
        return [h.tokens[0] if h.tokens else END for h in drawn]

    p = model.scores[0, 0, BEGIN].log_softmax(0).exp()
    p[BEGIN] = 0
    p = p / p.sum()
    drawn = first()
    for word in range(1, 5):
        assert drawn.count(word) / 4000 == pytest.approx(float(p[word]), abs=0.03)
    assert drawn == first()
    warm = (p / p.sum()).sqrt() / p.sqrt().sum()
    assert first(temperature=2.0).count(2) / 4000 == pytest.approx(float(warm[2]), abs=0.03)
    likeliest = p.argsort(descending=True).tolist()
    assert set(first(top_k=2)) == set(likeliest[:2])
    assert set(first(top_k=1)) == {likeliest[0]}
    assert set(first(top_p=float(p[likeliest[0]]) - 0.01)) == {likeliest[0]}
    assert set(first(top_p=float(p[likeliest[0]]) + 0.01)) == set(likeliest[:2])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: beam_search(*m.start(), LIMITS, beam=0), "beam has to be at least 1, got 0"),
        (lambda m: beam_search(*m.start(), LIMITS, beam=2, n_best=3), "n_best has to be from 1 to the beam, 2, got 3"),
        (lambda m: sample(*m.start(), LIMITS, temperature=0), "temperature has to be above 0, got 0"),
        (lambda m: sample(*m.start(), LIMITS, top_k=0), "top_k has to be at least 1, got 0"),
        (lambda m: sample(*m.start(), LIMITS, top_p=1.5), "top_p has to be above 0 and at most 1, got 1.5"),
        (lambda m: Limits(BEGIN, END, 0), r"at least 1 and at least the shortest \(0\), got 0"),
        (lambda m: Limits(BEGIN, END, 3, 4), r"at least the shortest \(4\), got 3"),
        (lambda m: Limits(BEGIN, END, 3, -1), "the shortest output has to be at least 0, got -1"),
        (lambda m: Limits(BEGIN, END, no_repeat=0), "no_repeat has to be at least 1, got 0"),
        (lambda m: greedy(*m.start(), Limits(BEGIN, END, [1, 2])), "one for each of 3 sentences, got 2"),
    ],
)
def test_settings_that_cannot_be(call, message):
    with pytest.raises(SettingsError, match=message):
        call(Table(0))


def test_a_coverage_penalty_without_attention_is_refused():
    def step(tokens, state, memory):
        return torch.zeros(len(tokens), 4), state, None

    with pytest.raises(SettingsError, match="a coverage penalty needs attention, and this model has none"):
        beam_search(step, torch.zeros(1), torch.zeros(1), 1, LIMITS, coverage_penalty=0.2)


def test_a_hypothesis_sums_its_logprobs():
    assert Hypothesis([2], -0.5, [-0.25, -0.75]).logprob == -1.0
