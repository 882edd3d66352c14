"""The tokenizer that suits a corpus, with its reason."""

import os
import re
from pathlib import Path

import numpy as np
import pytest

from unrolled.errors import SettingsError
from unrolled.text.choosing import choose
from unrolled.text.corpus import Corpus
from unrolled.text.scripts import writing

ENJA = Path(os.environ.get("UNROLLED_DATA", "no such folder"), "enja")


def made(n: int, source: str, target: str, kinds: int = 50) -> Corpus:
    """n pairs, with words drawn of some kinds: {} in a side is one."""
    words = np.random.default_rng(0).integers(kinds, size=(2, n)).tolist()
    return Corpus([source.format(f"w{k}") for k in words[0]], [target.format(f"語{k}") for k in words[1]], name="made")


@pytest.mark.parametrize(
    ("texts", "script", "words", "split"),
    [
        (["Das ist gut.", "Wirklich?"], "spaced", True, False),
        (["das ist gut .", "wirklich ?"], "spaced", True, True),
        (["안녕하세요.", "저는 학생입니다."], "korean", True, False),
        (["我很好。", "我们 走吧，你呢？"], "chinese", False, False),
        (["我 很 好 。", "你 好 吗 ？"], "chinese", True, True),
        (["はい。", "終電に乗り遅れた。"], "japanese", False, False),
        (["ฉันพลาดรถไฟขบวนสุดท้าย", "สวัสดี"], "unspaced", False, False),
        (["مرحبا بالعالم ."], "spaced", True, True),
        ([""], "spaced", True, True),
    ],
)
def test_how_a_text_is_written(texts, script, words, split):
    found = writing(texts)
    assert (found.script, found.words, found.split) == (script, words, split)


def test_split_text_is_words_and_from_ten_thousand_pairs_on_rare_ones_are_unknown():
    few = choose(made(100, "a {} is here .", "{} が いる 。"))
    assert (few.source.kind, few.source.minimum, few.target.kind) == ("words", 1, "words")
    many = choose(made(10_000, "a {} is here .", "{} が いる 。"))
    assert many.source.minimum == 2
    assert many.why == (
        "words are separated by spaces in both files; 54 and 53 kinds of words; those seen once become unknown"
    )


def test_raw_text_is_subwords_as_many_as_the_corpus_supports():
    choice = choose(made(5000, "A {} is here.", "{}がいる。"))
    assert (choice.source.kind, choice.source.size, choice.target.size) == ("unigram", 2000, 2000)
    assert choice.why == (
        "source: words are separated by spaces, but punctuation is attached to them, so 2,000 subwords; "
        "target: no spaces stand between words, so 2,000 subwords"
    )
    assert choose(made(60_000, "A {} is here.", "{}がいる。")).source.size == 8000


def test_too_many_kinds_of_words_are_subwords():
    corpus = made(100_000, "{} .", "{} 。", kinds=10**6)
    assert choose(corpus).source.kind == "unigram"
    assert re.match(
        r"the \d,\d{3} most frequent of 9\d,\d{3} kinds of words leave \d\d% unknown", choose(corpus).source.why
    )


def test_few_raw_pairs_are_characters():
    choice = choose(made(200, "A {} is here.", "{} が いる 。"))
    assert (choice.source.kind, choice.target.kind) == ("characters", "words")
    assert choice.why == (
        "source: a corpus of 200 pairs is too small for subwords; target: words are separated by spaces, of 53 kinds"
    )


def test_what_is_asked_for_is_taken():
    corpus = made(200, "a {} is here .", "{} が いる 。")
    choice = choose(corpus, "unigram", 600)
    assert (choice.source.kind, choice.target.size, choice.why) == ("unigram", 600, "subwords, as asked for")
    assert choose(corpus, size=30).source.size == 30
    with pytest.raises(SettingsError, match="no tokenizer 'bpe'"):
        choose(corpus, "bpe")  # pyright: ignore[reportArgumentType]


def test_learning_gives_both_sides_and_says_which_is_smaller():
    corpus = made(200, "a {} is here .", "{} が いる 。")
    source, target, notes = choose(corpus, size=54).learn(corpus)
    assert (len(source), len(target)) == (54, 54)
    assert notes == []
    _, _, notes = choose(corpus, "words", 1000).learn(corpus)
    assert [note.split(" ")[0] for note in notes] == ["Source:", "Target:"]
    assert notes[0].startswith("Source: the vocabulary has ")


@pytest.mark.skipif(not ENJA.is_dir(), reason="enja is not there; UNROLLED_DATA names the folder of the data")
def test_enja_is_words():
    choice = choose(Corpus.open(ENJA / "train.en", ENJA / "train.ja", name="train"))
    assert choice.why == (
        "words are separated by spaces in both files; 6,634 and 8,774 kinds of words; those seen once become unknown"
    )
    assert (choice.source.size, choice.target.size) == (4109, 4906)
