"""Translator from Python: it learns, a text's translation is its own, and what can't be used is said in one line."""

import itertools
import logging
import unicodedata

import pytest
import torch

import unrolled as ur
from unrolled.cli.translate.train import progress
from unrolled.data import phrasebook
from unrolled.errors import DataError, SettingsError, UnrolledError
from unrolled.nn.search import Limits, Tree, greedy
from unrolled.text.fitted import LONGEST
from unrolled.text.tokenizer import BEGIN, END, PAD, UNKNOWN
from unrolled.translate import Translator

SOURCES = [" ".join(words) for words in itertools.product(["red", "big", "old"], ["cat", "dog", "fox"], "abcdefg")]
TARGETS = [" ".join(reversed(source.upper().split())) for source in SOURCES]


def small(**options) -> Translator:
    training = ur.TrainingSettings(epochs=3, batch_size=8, learning_rate=1e-2, threads=1)
    return Translator(**{"hidden": 16, "training": training, "tokenizer": "words"} | options)


@pytest.fixture(scope="module")
def translator() -> Translator:
    return small().fit(SOURCES, TARGETS)


# ---- learning

KINDS = [
    ({"attention": "dot"}, 1e-2, (1, 5)),
    # A network that has learnt by heart is as sure of nonsense: divided by its length, a loop may be better than the
    # truth, and a beam finds it where greedy search doesn't.
    pytest.param({"attention": None}, 1e-2, (1,), marks=pytest.mark.slow),
    pytest.param({"input_feeding": True}, 1e-2, (1,), marks=pytest.mark.slow),
    pytest.param({"model": "transformer", "layers": 2}, 3e-3, (1,), marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("options", "rate", "beams"), KINDS, ids=str)
def test_32_pairs_are_learnt_to_the_letter(options, rate, beams):
    pairs = [pair for pair in phrasebook.load(0, 2000).train if len(pair.english) < 30][:33]
    english, japanese = [pair.english for pair in pairs], [pair.japanese for pair in pairs]
    training = ur.TrainingSettings(epochs=90, batch_size=8, learning_rate=rate, patience=1000, threads=1)
    t = Translator(
        hidden=64,
        dropout=0.0,
        label_smoothing=0.0,
        tokenizer="characters",
        training=training,
        **options,
    )
    t.fit(english, japanese, dev=(english, japanese))  # the weights that know all of it best, by BLEU
    for beam in beams:
        written = t.translate(english, beam=beam)
        assert sum(a == b for a, b in zip(written, japanese, strict=True)) >= 32  # one of the 33 is the test part


def test_progress_says_tokens_a_second_and_what_was_validated_last():
    told = []
    small().fit(SOURCES, TARGETS, on_progress=lambda step, record: told.append((step, record)))
    step, record = told[0]
    assert set(record) == {"tokens_per_second"}
    assert record["tokens_per_second"] == pytest.approx(4 * step.examples_per_second)  # three words and the end
    _, record = told[-1]
    assert {"perplexity", "bleu", "samples"} <= set(record)
    assert "tokens/s" in progress(*told[0])
    assert "dev perplexity" in progress(*told[-2])
    assert progress(*told[-1]) == "translating the test part, 1 sentence"


def test_where_one_letter_becomes_many_nothing_is_cut_off(tmp_path):
    letters = {letter: letter * 6 for letter in "abcdefgh"}
    sources = ["".join(each) for each in itertools.product("abcdefgh", repeat=3)]
    targets = ["".join(letters[letter] for letter in source) for source in sources]
    t = small(tokenizer="characters").fit(sources, targets, run=tmp_path / "run")
    for one in (t, ur.load(tmp_path / "run")):
        lengths = [len(found.pieces) for found in one.candidates(sources[:50], beam=1, no_repeat=None)[0]]
        assert one._fitted().fitted.expansion == 2.7  # 18 letters for 3, where 16 would be twice as many and 10
        assert max(lengths) <= 1 + round(2.7 * 3) + 10


def test_every_tree_is_of_one_sentence(translator):
    """An empty sentence and one in two parts are as many parts as texts, and no tree would be its sentence's own."""
    with pytest.raises(SettingsError, match="a tree is of a sentence of 1 to 250 ids, and this has 0; give a sentence"):
        translator.candidates(["", "red " * (LONGEST + 1)], trees=[Tree(), Tree()])


def test_the_network_and_its_tokenizers_are_those_that_translate():
    t = small().fit(SOURCES, TARGETS)
    source, target = t.tokenizers
    (ids,) = source.encode_many([SOURCES[0]])
    with torch.no_grad():
        memory, state = t.network.encode(torch.tensor([list(ids)]), torch.tensor([len(ids)]))
        (found,) = greedy(t.network.step, state, memory, 1, Limits(BEGIN, END, 20, 1, (PAD, BEGIN, UNKNOWN)))
    assert not t.network.training
    assert target.decode(found.tokens) == t.translate(SOURCES[0], beam=1)[0]
    for name in ("network", "tokenizers"):
        with pytest.raises(SettingsError, match="has not been fitted; call fit"):
            getattr(small(), name)


TEXTS = {
    "japanese": "猫が好きです。",
    "emoji": "👩‍👩‍👧 と 🐈",
    "full-width digits": "１２３ 円",
    "combining marks": "café x̂ ñ q̣̇",
    "right to left": "שלום عليكم",
    "decomposed": unicodedata.normalize("NFD", "Ångström がぎぐ 한글"),
}


@pytest.mark.parametrize("kind", [pytest.param("characters", marks=pytest.mark.slow), "words"])
def test_texts_of_every_script_go_through_and_come_back_composed(kind):
    """Learnt by heart, each comes back as it went in, in NFC."""
    texts = [f"{text} {k}" for k in "abcdef" for text in TEXTS.values()]
    training = ur.TrainingSettings(epochs=80, batch_size=8, learning_rate=1e-2, patience=1000, threads=1)
    t = Translator(hidden=48, dropout=0.0, label_smoothing=0.0, tokenizer=kind, choose_by="loss", training=training)
    t.fit([f"{i % 6} {text}" for i, text in enumerate(texts)], texts, dev=(["0 " + texts[0]], [texts[0]]))
    written = t.translate([f"{i % 6} {text}" for i, text in enumerate(texts)], beam=1)
    assert all(unicodedata.is_normalized("NFC", text) for text in written)
    right = sum(a == unicodedata.normalize("NFC", b) for a, b in zip(written, texts, strict=True))
    assert right >= len(texts) - 2  # one, or by words two, are of the test part and hold what train doesn't


def test_pieces_that_compose_are_composed(translator):
    from dataclasses import replace

    from unrolled.nn.search import Hypothesis
    from unrolled.text.tokenizer import learn

    tokenizer, _ = learn("characters", ["x\u0302 e z\u0301"], 100)
    fitted = replace(translator._result.fitted, target=tokenizer)  # type: ignore[union-attr]
    ids = [*tokenizer.encode("e"), *tokenizer.encode("\u0301")]
    assert fitted._translation("b", [4], Hypothesis(ids, 0.0, [0.0, 0.0])).text in ("é", "e⁇")


def test_scheduled_sampling_trains():
    t = small(teacher_forcing=0.5, schedule="linear").fit(SOURCES, TARGETS)
    losses = [record["dev_loss"] for record in t._result.records]  # type: ignore[union-attr]
    assert losses[-1] < losses[0]


# ---- each text on its own


@pytest.mark.parametrize(
    "options",
    [{"beam": 1}, {"beam": 5}, {"beam": 4, "n_best": 3}, {"temperature": 1.0, "seed": 4, "n_best": 2}],
    ids=str,
)
def test_a_text_is_translated_alike_whatever_stands_beside_it(translator, options):
    long = " ".join(["red cat a ."] * (LONGEST // 4 + 30))
    texts = [*SOURCES[:5], "", long, "dog", "nothing here is known", "  ", *SOURCES[5:8], SOURCES[0]]
    together = translator.candidates(texts, **options)
    shuffled = translator.candidates(texts[::-1], **options)[::-1]
    for text, *found in zip(texts, together, shuffled, strict=True):
        found.append(translator.candidates(text, **options)[0])
        for other in found[1:]:
            assert [one.text for one in other] == [one.text for one in found[0]]
            assert [one.score for one in other] == pytest.approx([one.score for one in found[0]], abs=1e-4)
            assert [one.score for one in other] == sorted((one.score for one in other), reverse=True)
    if "temperature" not in options:
        assert all(len({one.text for one in found}) == len(found) for found in together)
        assert len(together[0]) == options.get("n_best", 1)


def test_every_text_has_an_answer(translator):
    texts = ["", "zebra yak", "red " * 10_000, "\u200b", "\ud800", "a\0b", "red\ncat", "\t"]
    written = translator.translate(texts, beam=2)
    assert [bool(text) for text in written] == [False, True, True, True, True, True, True, False]
    assert translator.translate([]) == []
    assert translator.translate("") == [""]


def test_what_is_written_is_made_of_known_words(translator):
    for found in translator.candidates(SOURCES[:10], beam=3, n_best=3):
        for one in found:
            assert one.text.split() == [piece for piece in one.pieces if piece != "</s>"]
            assert len(one.pieces) == len(one.logprobs)
            assert one.attention.shape == (len(one.pieces), len(one.source))
            torch.testing.assert_close(one.attention.sum(1), torch.ones(len(one.pieces)))


def test_limits_are_kept(translator):
    for text in translator.translate(SOURCES[:8], shortest=4, longest=6):
        assert 4 <= len(text.split()) <= 6
    for text in translator.translate(SOURCES[:8], shortest=5, longest=5, no_repeat=1):
        assert len(set(text.split())) == 5


def test_attention_of_one_text(translator):
    best = translator.attention(SOURCES[0])
    assert best.source == SOURCES[0].split()
    for text in ("", "red " * 400):
        with pytest.raises(SettingsError, match="there is no attention to show"):
            translator.attention(text)
    with pytest.raises(SettingsError, match="this network has none"):
        small(attention=None).fit(SOURCES, TARGETS).attention("red cat a")


def test_scores_are_of_what_it_translates(translator):
    measured = translator.score(SOURCES[:9], TARGETS[:9], beam=2)
    assert measured.hypotheses == translator.translate(SOURCES[:9], beam=2)
    assert {"BLEU", "chrF", "sentences"} == set(translator.evaluation)


# ---- what is said of the data


def test_a_dev_that_stands_in_train_is_counted_and_warned_of(caplog):
    with caplog.at_level(logging.INFO, "unrolled"):
        t = small().fit(SOURCES, TARGETS, dev=([*SOURCES[:4], "new one"], [*TARGETS[:4], "ENO WEN"]))
    (warning,) = (note for note in t._result.plan.notes if note.startswith("Warning"))  # type: ignore[union-attr]
    assert " of the 5 sources of dev also stand in train" in warning
    assert warning in caplog.messages


def test_a_dev_with_empty_sides_is_used_without_them():
    t = small().fit(SOURCES, TARGETS, dev=(["red cat z", "", "dog"], ["Z CAT RED", "X", ""]))
    assert "Left out of dev: 2 with an empty side." in t._result.plan.notes  # type: ignore[union-attr]
    with pytest.raises(DataError, match="the dev has no pair with both sides; give sentences and their translations"):
        small().fit(SOURCES, TARGETS, dev=([""], ["X"]))


BAD = [
    ((SOURCES, TARGETS[1:]), "the corpus has 63 sources and 62 targets; give one target a source"),
    ((SOURCES, None), "the corpus has sources and no targets; give the targets too"),
    ((SOURCES, "train.ja"), "the corpus has a file on one side and a list on the other; give two of a kind"),
    ((["a", 5], ["b", "c"]), "sentence 2 of the corpus is int, and text is needed"),
    ((["a", "b"], ["b", None]), "sentence 2 of the corpus is NoneType, and text is needed"),
    ((["a", b"b"], ["b", "c"]), "sentence 2 of the corpus is bytes, and text is needed"),
    ((5, ["b"]), "a side of the corpus is int; give a file, or a list of sentences"),
    (((s for s in SOURCES), TARGETS), "a side of the corpus is generator; give a file, or a list of sentences"),
    (([], []), "the corpus has no sentences; give at least one pair"),
    ((["a b"], ["x y"]), "the corpus has 1 pair, too few that share no sentence with others to split off"),
    ((SOURCES, SOURCES), "none can be used: 63 whose target is the source; give a target in another language"),
    (([""] * 9, TARGETS[:9]), "none can be used: 9 with an empty side"),
    (("nowhere.en", "nowhere.ja"), "can't read"),
]


@pytest.mark.parametrize(("sides", "text"), BAD, ids=[text for _, text in BAD])
def test_text_that_can_not_be_used(sides, text):
    with pytest.raises(UnrolledError) as error:
        small().fit(*sides)
    assert text in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("dev", [SOURCES, (SOURCES,), (SOURCES, TARGETS, SOURCES), "dev.en"], ids=["1", "2", "3", "4"])
def test_a_dev_that_is_no_pair(dev):
    with pytest.raises(SettingsError, match="dev is a pair"):
        small().fit(SOURCES, TARGETS, dev=dev)


@pytest.mark.parametrize(
    ("texts", "text"),
    [
        ([5], "text 1 of 1 is int, and text is needed"),
        (["a", None], "text 2 of 2 is NoneType, and text is needed"),
        (b"a", "what is to be translated is bytes; give a text, or a list of texts"),
        (5, "what is to be translated is int; give a text, or a list of texts"),
    ],
)
def test_what_is_no_text_is_not_translated(translator, texts, text):
    with pytest.raises(DataError) as error:
        translator.translate(texts)
    assert str(error.value) == text


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"cell": "lsmt"}, "unknown cell 'lsmt'; nearest: 'lstm'"),
        ({"cell": 5}, "cell has to be a name or the class of a cell, got 5"),
        ({"model": "transformers"}, "unknown model 'transformers'; nearest: 'transformer'"),
        ({"attention": "dott"}, "unknown attention 'dott'; nearest: 'dot'"),
        ({"attention": ["dot"]}, "unknown attention"),
        ({"hidden": 7}, "an encoder of both directions shares out the hidden units, got 7; take an even"),
        ({"hidden": 7, "model": "transformer"}, "positions are pairs of sine and cosine, got a size of 7"),
        ({"hidden": 0}, "hidden has to be a whole number from 1 to 2,147,483,647, got 0"),
        ({"hidden": "8"}, "hidden has to be a whole number from 1"),
        ({"embedding": 0}, "embedding has to be a whole number from 1"),
        ({"layers": 10**9}, "layers has to be a whole number from 1 to 1,000, got 1000000000"),
        ({"dropout": 1.0}, "dropout has to be at least 0 and below 1, got 1.0"),
        ({"input_feeding": 1}, "input_feeding true or false"),
        ({"label_smoothing": 1.5}, "label_smoothing has to be at least 0 and below 1, got 1.5"),
        ({"teacher_forcing": 2}, "teacher_forcing, a probability, has to be from 0 to 1, got 2"),
        ({"cell": "gru", "model": "transformer"}, "cell, attention and input_feeding are for the recurrent model"),
        ({"attention": None, "model": "transformer"}, "cell, attention and input_feeding are for the recurrent model"),
        ({"input_feeding": True, "model": "transformer"}, "cell, attention and input_feeding are for the recurrent"),
        ({"teacher_forcing": 0.5, "model": "transformer"}, "a Transformer reads all of the truth at once"),
        ({"schedule": "linear", "model": "transformer"}, "a Transformer reads all of the truth at once"),
        ({"tokenizer": "word"}, "there is no tokenizer 'word'; nearest: 'words'"),
        ({"vocabulary": 4}, "vocabulary has to be a whole number of at least 5, 4 of them for special signs, got 4"),
        ({"vocabulary": 1e4}, "vocabulary has to be a whole number of at least 5"),
        ({"choose_by": "chrf"}, "weights can't be chosen by 'chrf'"),
    ],
    ids=str,
)
def test_options_that_can_not_be_are_said_at_once(options, text):
    with pytest.raises(SettingsError) as error:
        Translator(**options)
    assert text in str(error.value)
    assert "\n" not in str(error.value)


def test_making_a_translator_moves_nobody_elses_random_numbers():
    before = torch.get_rng_state()
    Translator(hidden=16)
    assert torch.equal(torch.get_rng_state(), before)


def test_search_options_that_there_are_not(translator):
    with pytest.raises(SettingsError, match="unexpected keyword argument 'beams'; the options of search are beam, n_b"):
        translator.translate("red", beams=3)


def test_a_translator_that_is_not_fitted_says_so():
    for use in (lambda t: t.translate("a"), lambda t: t.evaluation, lambda t: t.save("x"), lambda t: t.score([], [])):
        with pytest.raises(UnrolledError):
            use(small())
