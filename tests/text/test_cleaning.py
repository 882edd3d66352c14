"""What goes before training, counted, with one example of each."""

import os
from pathlib import Path

import pytest

from unrolled.errors import DataError
from unrolled.text.cleaning import Limits, clean
from unrolled.text.corpus import Corpus

ENJA = Path(os.environ.get("UNROLLED_DATA", "no such folder"), "enja")


def test_each_reason_is_counted_once_with_its_first_line():
    good = [(f"this is sentence number {i} .", f"これ は {i} 番目 の 文 です 。") for i in range(20)]
    bad = [
        ("", "空"),
        ("lost \ufffd", "失う"),
        ("word " * 101, "語 " * 50),
        ("same", "same"),
        ("yes", "は い " * 40),
        good[3],
        ("empty too", " \u3000 "),
    ]
    pairs = good + bad
    cleaned = clean(Corpus(*map(list, zip(*pairs, strict=True)), name="train"))
    assert cleaned.counts == {"empty": 2, "damaged": 1, "long": 1, "copied": 1, "ratio": 1, "duplicate": 1}
    assert list(cleaned.corpus) == good
    assert cleaned.examples["empty"] == (21, "", "空")
    assert cleaned.notes[0] == "7 of 27 pairs were left out."
    assert "Left out: 1 that were there before, such as line 26: 'this is sentence number 3 .' | " in cleaned.notes[-1]


def test_long_is_in_words_where_they_are_apart_and_in_characters_where_not():
    spaced, unspaced = "a few words " * 5, "日本語の文" * 4
    limits = Limits(words=15, characters=20, ratio=100)
    same = [("nothing", "無")]
    kept = clean(Corpus(*zip(*same, (spaced, unspaced), strict=True), name="t"), limits)
    assert len(kept.corpus) == 2
    for source, target in ((spaced + "more", unspaced), (spaced, unspaced + "。"), ("x" * 151, unspaced)):
        cleaned = clean(Corpus(*zip(*same, (source, target), strict=True), name="t"), limits)
        assert cleaned.counts == {"long": 1}


def test_decomposed_text_is_counted_and_the_same_as_composed():
    cleaned = clean(Corpus(["cafe\u0301 !", "caf\u00e9 !"], ["コーヒー", "コーヒー"], name="t"))
    assert (cleaned.counts, cleaned.composed) == ({"duplicate": 1}, 1)
    assert cleaned.notes[-1] == "Brought to Unicode's NFC: 1 pair."


def test_nothing_left_says_why():
    with pytest.raises(DataError, match="of 2 pairs of the train none can be used: 2 whose target is the source; give"):
        clean(Corpus(["a", "b"], ["a", "b"], name="train"))


@pytest.mark.skipif(not ENJA.is_dir(), reason="enja is not there; UNROLLED_DATA names the folder of the data")
def test_a_clean_corpus_keeps_all_but_its_duplicates():
    cleaned = clean(Corpus.open(ENJA / "train.en", ENJA / "train.ja", name="train"))
    assert cleaned.counts == {"duplicate": 4}
    assert len(cleaned.corpus) == 49_996
