"""Round trips, vocabularies, saving and loading, and damage, for each kind."""

import base64
import json
import os
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.errors import DataError, RunError, SettingsError
from unrolled.text.corpus import normal
from unrolled.text.tokenizer import BEGIN, END, KINDS, PAD, SPECIAL, UNKNOWN, Tokenizer, learn, load

ENJA = Path(os.environ.get("UNROLLED_DATA", "no such folder"), "enja")

HARD = [
    "私は昨日、東京タワーに登りました。",
    "👩\u200d👩\u200d👧\u200d👦 と 🏳️\u200d🌈 と 👍🏽",
    "全角の １２３，４５６ 円",
    unicodedata.normalize("NFC", "q\u0323\u0307 cafe\u0301 n\u0303"),
    "אני אוהב תות, 3 שעות",
    "مرحبا بالعالم",
    "a  b\tc\u00a0d",
    "<s> </s> <unk> <pad> <0x41>",
]
TEXTS = HARD * 3 + ["the cat sat on the mat .", "that hat is flat ."] * 20
SIZES = {"unigram": 700, "words": 100, "characters": 500}


@pytest.fixture(scope="module", params=KINDS)
def tokenizer(request) -> Tokenizer:
    return learn(request.param, TEXTS, SIZES[request.param])[0]


def test_hard_text_comes_back(tokenizer):
    for text in HARD:
        expected = " ".join(text.split()) if tokenizer.kind == "words" else text
        assert tokenizer.decode(tokenizer.encode(text)) == expected


def test_many_are_as_one_by_one(tokenizer):
    assert tokenizer.encode_many([*HARD, ""]) == [tokenizer.encode(text) for text in HARD] + [[]]
    assert tokenizer.encode_many([]) == []


def test_ids_are_within_the_vocabulary_and_pieces_name_them(tokenizer):
    ids = [i for text in TEXTS for i in tokenizer.encode(text)]
    assert len(SPECIAL) <= min(ids) <= max(ids) < len(tokenizer)
    assert tokenizer.pieces([PAD, BEGIN, END, UNKNOWN]) == list(SPECIAL)
    assert all(tokenizer.pieces(range(len(tokenizer))))


def test_special_ids_are_nothing_and_unknown_is_a_sign(tokenizer):
    ids = tokenizer.encode("the cat sat")
    assert tokenizer.decode([BEGIN, *ids, END, PAD, PAD]) == "the cat sat"
    assert "⁇" in tokenizer.decode([UNKNOWN, *ids])
    assert tokenizer.decode([]) == tokenizer.decode([BEGIN, END]) == ""


def test_what_is_saved_is_json_and_loads_the_same(tokenizer):
    loaded = load(json.loads(json.dumps(tokenizer.save())))
    assert (loaded.kind, len(loaded)) == (tokenizer.kind, len(tokenizer))
    assert loaded.encode_many(HARD) == tokenizer.encode_many(HARD)


def test_the_same_text_gives_the_same_tokenizer(tokenizer):
    assert learn(tokenizer.kind, TEXTS, SIZES[tokenizer.kind])[0].save() == tokenizer.save()


def test_half_a_surrogate_pair_is_no_crash(tokenizer):
    assert tokenizer.decode(tokenizer.encode("cat \ud800"))


SUBWORDS = learn("unigram", TEXTS, 700)[0]


@given(st.text(st.characters(exclude_characters="\u2581", exclude_categories=["Cs"]), max_size=30))
def test_subwords_bring_any_text_back(text: str):
    text = normal(text)
    assert SUBWORDS.decode(SUBWORDS.encode(text)) == text


def test_text_without_spaces_gets_none_in_front():
    tokenizer = learn("unigram", ["私は猫が好きです。", "猫は私が好きです。"] * 20, 600)[0]
    assert tokenizer.pieces(tokenizer.encode("私は"))[0][0] == "私"
    assert tokenizer.decode(tokenizer.encode("私は犬")) == "私は犬"


def test_more_characters_than_the_vocabulary_has_room_for():
    texts = ["".join(map(chr, range(0x4E00 + 50 * k, 0x4E00 + 50 * k + 50))) for k in range(20)] + ["一二三"] * 50
    tokenizer, _ = learn("unigram", texts, 600)
    assert len(tokenizer) <= 600
    assert [tokenizer.decode(tokenizer.encode(text)) for text in texts] == texts


def test_rare_and_less_frequent_words_are_unknown():
    texts = ["b b b a a", "c c d"]
    by_count, _ = learn("words", texts, 100, minimum=2)
    assert by_count.pieces(range(4, len(by_count))) == ["b", "a", "c"]
    by_size, _ = learn("words", texts, 6)
    assert by_size.encode("a b c d") == [5, 4, UNKNOWN, UNKNOWN]
    assert by_size.decode([5, UNKNOWN]) == "a ⁇"


@pytest.mark.parametrize("kind", KINDS)
def test_a_vocabulary_that_the_text_does_not_support_is_lowered_and_said(kind):
    tokenizer, notes = learn(kind, TEXTS, 20_000)
    assert len(tokenizer) < 1500
    assert notes[0].startswith(f"The vocabulary has {len(tokenizer):,} ")
    assert notes[0].endswith("the text has no more, and might have 20,000.")


def test_what_can_not_be_learnt_is_refused():
    with pytest.raises(SettingsError, match="there is no tokenizer 'word'; nearest: 'words'"):
        learn("word", TEXTS, 100)  # pyright: ignore[reportArgumentType]
    with pytest.raises(SettingsError, match=r"at least 5 pieces, 4 of them special, .* got size 4 and minimum 1"):
        learn("words", TEXTS, 4)
    with pytest.raises(SettingsError, match="at least 520 pieces, 256 of them for bytes, got 519; ask for more"):
        learn("unigram", TEXTS, 519)
    with pytest.raises(DataError, match="the text has no words that 2 sentences"):
        learn("words", ["each word once"], 100, minimum=2)
    for kind in KINDS:
        with pytest.raises(DataError, match="give"):
            learn(kind, ["", ""], 600)


@pytest.mark.parametrize(
    "saved",
    [
        {},
        {"kind": "bpe", "pieces": []},
        {"kind": ["words"]},
        {"kind": "words"},
        {"kind": "words", "pieces": ["a", 1]},
        {"kind": "words", "pieces": ["a", ""]},
        {"kind": "characters", "pieces": ["a", "a"]},
        {"kind": "unigram"},
        {"kind": "unigram", "model": 7},
        {"kind": "unigram", "model": ""},
        {"kind": "unigram", "model": "not base64 !"},
        {"kind": "unigram", "model": base64.b64encode(b"junk" * 50).decode()},
        {"kind": "unigram", "model": SUBWORDS.save()["model"][:400]},
    ],
)
def test_damage_is_said_in_one_line(saved):
    with pytest.raises(RunError, match=r"^the tokenizer .*damaged: .*; train again$"):
        load(saved)


@pytest.mark.slow
@pytest.mark.skipif(not ENJA.is_dir(), reason="enja is not there; UNROLLED_DATA names the folder of the data")
def test_japanese_it_has_not_seen_comes_back():
    train, dev = (
        (ENJA / name).read_text(encoding="utf-8").replace(" ", "").split("\n") for name in ("train.ja", "dev.ja")
    )
    tokenizer, _ = learn("unigram", train[:10_000], 2000)
    ids = tokenizer.encode_many(dev)
    assert [tokenizer.decode(row) for row in ids] == dev
    assert sum(map(len, ids)) / len(dev) < 11.5
