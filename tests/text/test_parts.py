"""Train, dev and test: no sentence straddles, given parts are checked, the seed decides alone."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.errors import DataError
from unrolled.text.corpus import Corpus
from unrolled.text.parts import overlap, split

ENJA = Path(os.environ.get("UNROLLED_DATA", "no such folder"), "enja")


@given(
    pairs=st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=1, max_size=120),
    seed=st.integers(0, 5),
)
def test_no_source_and_no_target_straddles(pairs: list[tuple[int, int]], seed: int):
    corpus = Corpus([f"S {a}" for a, _ in pairs], [f"t{b}" for _, b in pairs], name="made")
    try:
        parts = split(corpus, seed)
    except DataError:
        return  # one group of all, or nearly
    all_parts = [list(part) for part in (parts.train, parts.dev, parts.test)]
    assert sorted(pair for part in all_parts for pair in part) == sorted(corpus)
    for side in (0, 1):
        sets = [{pair[side] for pair in part} for part in all_parts]
        assert len(set.union(*sets)) == sum(map(len, sets))


def test_sizes_follow_the_rule_and_the_seed_the_draw():
    corpus = Corpus([f"s {i}" for i in range(60_000)], [f"t {i}" for i in range(60_000)], name="made")
    parts = split(corpus, seed=3)
    assert (len(parts.train), len(parts.dev), len(parts.test)) == (58_000, 1000, 1000)
    assert list(split(corpus, seed=3).dev) == list(parts.dev)
    assert list(split(corpus, seed=4).dev) != list(parts.dev)
    assert parts.notes == [
        "Split off 1,000 for dev and 1,000 for test, by seed 3; no sentence of theirs is in train, which has 58,000."
    ]


def test_case_and_spaces_make_no_new_sentence():
    corpus = Corpus(["Good night.", "good night ."] * 40 + [*"abcde"], [f"t{i}" for i in range(85)], name="made")
    parts = split(corpus)
    assert len(parts.train) == 81
    assert {pair[0] for pair in (*parts.dev, *parts.test)} < set("abcde")


def test_given_parts_are_kept_and_their_overlap_is_said():
    corpus = Corpus([f"s {i}" for i in range(200)], [f"t {i}" for i in range(200)], name="train")
    dev = Corpus(["s 1", "S 2", "new"], ["t 1", "other", "t 3"], name="dev")
    parts = split(corpus, dev=dev)
    assert parts.dev is dev
    assert (len(parts.train), len(parts.test)) == (196, 4)
    shared = overlap(dev, corpus)
    assert (shared.sources, shared.pairs, shared.unseen.tolist()) == (2, 1, [False, False, True])
    assert (
        split(corpus, dev=dev, test=dev)
        .notes[1]
        .startswith("Warning: 2 of the 3 sources of test also stand in train, 1 of them with the same target")
    )


def test_a_corpus_of_one_group_can_not_be_split():
    with pytest.raises(DataError, match=r"the few has 3 pairs, too few .* to split off dev and test; give more"):
        split(Corpus(["a", "a", "a"], ["b", "c", "d"], name="few"))


@pytest.mark.skipif(not ENJA.is_dir(), reason="enja is not there; UNROLLED_DATA names the folder of the data")
def test_the_known_overlap_is_found():
    train, test = (Corpus.open(ENJA / f"{part}.en", ENJA / f"{part}.ja", name=part) for part in ("train", "test"))
    assert overlap(test, train).sources == 60
