"""What a sentence becomes depends on it alone; options that can't be are refused; limits hold."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from unrolled.errors import SettingsError
from unrolled.text import decoding as module
from unrolled.text.architecture import Architecture
from unrolled.text.decoding import Decoding, decode

SIZE = 14


def model(**options) -> torch.nn.Module:
    shape = {"model": "recurrent", "cell": "lstm", "attention": "dot", "input_feeding": False, "layers": 1} | options
    torch.manual_seed(1)
    built = Architecture(source_size=SIZE, target_size=SIZE, embedding=8, hidden=8, dropout=0.3, **shape).build()
    for parameter in built.parameters():
        parameter.data.mul_(4)  # far from uniform, so that no two hypotheses are equally good
    return built


MODELS = {
    "attention": model(),
    "context vector": model(attention=None),
    "input feeding": model(input_feeding=True, attention="additive"),
    "transformer": model(model="transformer"),
}
OPTIONS = {
    "greedy": Decoding(beam=1),
    "beam": Decoding(beam=5),
    "n best": Decoding(beam=5, n_best=4, no_repeat=2),
    "sampled": Decoding(temperature=1.0, n_best=2, seed=3),
    "sampled from few": Decoding(temperature=0.7, top_k=5, top_p=0.9, beam=1),
}
SENTENCES = st.lists(st.lists(st.integers(3, SIZE - 1), max_size=7), min_size=1, max_size=8)


@pytest.mark.parametrize("decoding", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("network", MODELS.values(), ids=MODELS)
def test_neighbours_and_batches_change_nothing(network, decoding, monkeypatch):
    generator = torch.Generator().manual_seed(0)
    lengths = [3, 1, 9, 0, 4, 4, 2, 0, 7, 5, 1]
    sources = [torch.randint(3, SIZE, (n,), generator=generator).tolist() for n in lengths]
    together = decode(network, sources, decoding)
    alone = [decode(network, [source], decoding)[0] for source in sources]
    backwards = decode(network, sources[::-1], decoding)[::-1]
    monkeypatch.setattr(module, "AT_ONCE", 30)
    apart = decode(network, sources, decoding)
    for source, *found in zip(sources, together, alone, backwards, apart, strict=True):
        assert bool(source) == bool(found[0])
        for other in found[1:]:
            assert [h.tokens for h in other] == [h.tokens for h in found[0]]
            assert [h.score for h in other] == pytest.approx([h.score for h in found[0]], abs=1e-4)


def test_a_language_of_more_pieces_has_room_for_them():
    lengths = [1, 4, 100]
    assert Decoding().limits(lengths).longest == [12, 18, 210]
    assert Decoding().limits(lengths, 3.5).longest == [14, 24, 360]
    assert Decoding(longest=7).limits(lengths, 3.5).longest == [7, 7, 7]
    assert Decoding(shortest=15).limits(lengths, 3.5).longest == [15, 24, 360]


@settings(max_examples=20)
@given(sources=SENTENCES, seed=st.integers(0, 10**12))
def test_the_same_sentence_and_seed_are_the_same_draw(sources, seed):
    decoding = Decoding(temperature=1.0, seed=seed)
    drawn = decode(MODELS["attention"], [*sources, *map(list, sources)], decoding)
    half = len(sources)
    assert [[h.tokens for h in one] for one in drawn[:half]] == [[h.tokens for h in one] for one in drawn[half:]]


def test_seeds_and_numbers_of_a_draw_differ():
    source = [[4, 5, 6, 7, 8]]
    texts = {
        tuple(decode(MODELS["attention"], source, Decoding(temperature=2.0, seed=s))[0][0].tokens) for s in range(8)
    }
    assert len(texts) > 4
    many = decode(MODELS["attention"], source, Decoding(temperature=2.0, n_best=8))[0]
    assert len({tuple(h.tokens) for h in many}) > 4
    assert [h.score for h in many] == sorted((h.score for h in many), reverse=True)


@settings(max_examples=20)
@given(sources=SENTENCES, n_best=st.integers(1, 5))
def test_n_best_is_sorted_distinct_and_begins_with_the_best(sources, n_best):
    many = decode(MODELS["attention"], sources, Decoding(beam=5, n_best=n_best))
    one = decode(MODELS["attention"], sources, Decoding(beam=5))
    for source, found, best in zip(sources, many, one, strict=True):
        assert [h.tokens for h in found[:1]] == [h.tokens for h in best]
        assert len(found) == (n_best if source else 0)
        assert len({tuple(h.tokens) for h in found}) == len(found)
        assert [h.score for h in found] == sorted((h.score for h in found), reverse=True)


@pytest.mark.parametrize("penalty", [0.0, 1.0, 0.6])
def test_scores_are_normalised_alike_whatever_the_search(penalty):
    sources = [[4, 5, 6], [7, 8]]
    for decoding in (Decoding(beam=1, length_penalty=penalty), Decoding(temperature=1.0, length_penalty=penalty)):
        for (h,) in decode(MODELS["attention"], sources, decoding):
            assert h.score == pytest.approx(sum(h.logprobs) / len(h.logprobs) ** penalty)
    greedy = decode(MODELS["attention"], sources, Decoding(beam=1, length_penalty=penalty))
    trees = [module.Tree() for _ in sources]
    beam = decode(MODELS["attention"], sources, Decoding(beam=1, length_penalty=penalty), trees)
    assert [found[0].tokens for found in greedy] == [found[0].tokens for found in beam]
    assert [found[0].score for found in greedy] == pytest.approx([found[0].score for found in beam], abs=1e-5)
    assert all(tree.levels for tree in trees)


@pytest.mark.parametrize("search", [{"beam": 1}, {"beam": 4, "n_best": 3}, {"temperature": 1.5}], ids=str)
def test_lengths_and_repeats_are_as_asked(search):
    sources = [[4, 5, 6], [7], [8, 9, 4, 4, 5]]
    for found in decode(MODELS["attention"], sources, Decoding(longest=4, shortest=3, **search)):
        assert all(3 <= len(h.tokens) <= 4 for h in found)
    for source, found in zip(sources, decode(MODELS["attention"], sources, Decoding(**search)), strict=True):
        assert all(len(h.tokens) <= 2 * len(source) + 10 for h in found)
    for found in decode(MODELS["attention"], sources, Decoding(shortest=40, **search)):
        assert all(len(h.tokens) == 40 for h in found)
    for found in decode(MODELS["attention"], sources, Decoding(shortest=9, longest=9, no_repeat=1, **search)):
        assert all(len(set(h.tokens)) == len(h.tokens) for h in found)
    repeating = decode(MODELS["attention"], sources, Decoding(shortest=9, longest=9, **search))
    assert any(len(set(h.tokens)) < len(h.tokens) for found in repeating for h in found)


def test_no_special_sign_is_written():
    for found in decode(MODELS["attention"], [[3], [4, 5]] * 5, Decoding(temperature=50.0, n_best=20)):
        assert all(token > 3 for h in found for token in h.tokens)


def test_a_model_in_training_stays_in_training():
    network = model()
    before = torch.get_rng_state()
    first = decode(network.train(), [[4, 5]], Decoding(beam=1))
    assert network.training
    assert first[0][0].tokens == decode(network.eval(), [[4, 5]], Decoding(beam=1))[0][0].tokens
    assert not network.training
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"beam": 0}, "beam has to be a whole number of at least 1, got 0"),
        ({"beam": 2.5}, "beam has to be a whole number of at least 1, got 2.5"),
        ({"beam": "5"}, "beam has to be a whole number of at least 1, got 5"),
        ({"beam": True}, "beam has to be a whole number of at least 1, got True"),
        ({"n_best": 0}, "n_best has to be a whole number of at least 1, got 0"),
        ({"beam": 2, "n_best": 3}, "n_best has to be at most the beam, 2, got 3; widen the beam"),
        ({"top_k": 3}, "top_k and top_p are for sampling; give a temperature, such as 1, as well"),
        ({"top_p": 0.5}, "top_k and top_p are for sampling; give a temperature, such as 1, as well"),
        ({"temperature": 0}, "temperature has to be above 0, got 0; beam=1 is its limit at 0"),
        ({"temperature": float("nan")}, "temperature has to be a finite number, got nan"),
        ({"temperature": 1, "top_k": 0}, "top_k has to be a whole number of at least 1, got 0"),
        ({"temperature": 1, "top_p": 1.5}, "top_p has to be above 0 and at most 1, got 1.5"),
        ({"no_repeat": 0}, "no_repeat has to be a whole number of at least 1, got 0"),
        ({"shortest": -1}, "shortest has to be a whole number of at least 0, got -1"),
        ({"longest": 0}, "longest has to be a whole number of at least 1, got 0"),
        ({"longest": 3, "shortest": 4}, "longest, 3, has to be at least shortest, 4"),
        ({"length_penalty": float("inf")}, "length_penalty has to be a finite number, got inf"),
        ({"coverage_penalty": "much"}, "coverage_penalty has to be a finite number, got much"),
        ({"seed": -1}, "seed has to be a whole number of at least 0, got -1"),
    ],
    ids=str,
)
def test_options_that_can_not_be(options, text):
    with pytest.raises(SettingsError) as error:
        Decoding(**options)
    assert str(error.value) == text


@pytest.mark.parametrize("beam", [1, 3])
def test_coverage_needs_attention(beam):
    with pytest.raises(SettingsError, match="a coverage penalty needs attention, and this model has none; set it to 0"):
        decode(MODELS["context vector"], [[4, 5]], Decoding(beam=beam, coverage_penalty=0.2))
