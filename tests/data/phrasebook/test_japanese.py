"""Conjugation against forms written by hand, as a grammar of Japanese has them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.data.phrasebook import japanese as ja
from unrolled.data.phrasebook.causes import CAUSES
from unrolled.data.phrasebook.japanese import Word
from unrolled.data.phrasebook.verbs import DEEDS

# word: ます, て, た, ない, volitional, potential
VERBS = {
    ("買う", "5"): "買います 買って 買った 買わない 買おう 買える",
    ("書く", "5"): "書きます 書いて 書いた 書かない 書こう 書ける",
    ("泳ぐ", "5"): "泳ぎます 泳いで 泳いだ 泳がない 泳ごう 泳げる",
    ("話す", "5"): "話します 話して 話した 話さない 話そう 話せる",
    ("待つ", "5"): "待ちます 待って 待った 待たない 待とう 待てる",
    ("死ぬ", "5"): "死にます 死んで 死んだ 死なない 死のう 死ねる",
    ("運ぶ", "5"): "運びます 運んで 運んだ 運ばない 運ぼう 運べる",
    ("飲む", "5"): "飲みます 飲んで 飲んだ 飲まない 飲もう 飲める",
    ("乗る", "5"): "乗ります 乗って 乗った 乗らない 乗ろう 乗れる",
    ("行く", "5"): "行きます 行って 行った 行かない 行こう 行ける",
    ("持って行く", "5"): "持って行きます 持って行って 持って行った 持って行かない 持って行こう 持って行ける",
    ("食べる", "1"): "食べます 食べて 食べた 食べない 食べよう 食べられる",
    ("見る", "1"): "見ます 見て 見た 見ない 見よう 見られる",
    ("勉強する", "s"): "勉強します 勉強して 勉強した 勉強しない 勉強しよう 勉強できる",
    ("来る", "k"): "来ます 来て 来た 来ない 来よう 来られる",
}


@pytest.mark.parametrize(("word", "forms"), VERBS.items(), ids=lambda value: value[0])
def test_verbs(word, forms):
    verb = Word(*word)
    polite = ja.finite(verb, polite=True)
    got = [
        polite,
        ja.te(verb),
        ja.ta(verb),
        ja.finite(verb, negative=True),
        ja.volitional(verb),
        ja.potential(verb).text,
    ]
    assert " ".join(got) == forms


@pytest.mark.parametrize(
    ("word", "polite", "past", "negative", "form"),
    [
        (Word("ある", "5"), False, False, True, "ない"),
        (Word("ある", "5"), False, True, True, "なかった"),
        (Word("ある", "5"), True, False, True, "ありません"),
        (Word("食べる", "1"), True, True, False, "食べました"),
        (Word("食べる", "1"), True, False, True, "食べません"),
        (Word("食べる", "1"), True, True, True, "食べませんでした"),
        (Word("食べる", "1"), False, True, True, "食べなかった"),
        (Word("高い", "i"), False, False, False, "高い"),
        (Word("高い", "i"), True, True, False, "高かったです"),
        (Word("高い", "i"), True, False, True, "高くないです"),
        (Word("高い", "i"), False, True, True, "高くなかった"),
        (Word("いい", "i"), False, True, False, "よかった"),
        (Word("いい", "i"), True, False, True, "よくないです"),
        (Word("かわいい", "i"), False, True, False, "かわいかった"),
        (Word("かわいい", "i"), False, False, True, "かわいくない"),
        (Word("静か", "na"), False, False, False, "静かだ"),
        (Word("静か", "na"), True, False, False, "静かです"),
        (Word("静か", "na"), True, True, False, "静かでした"),
        (Word("静か", "na"), True, False, True, "静かではありません"),
        (Word("静か", "na"), True, True, True, "静かではありませんでした"),
        (Word("静か", "na"), False, False, True, "静かじゃない"),
        (Word("学生", "n"), False, True, False, "学生だった"),
        (Word("学生", "n"), False, True, True, "学生じゃなかった"),
    ],
)
def test_ends_of_sentences(word, polite, past, negative, form):
    assert ja.finite(word, polite=polite, past=past, negative=negative) == form


@pytest.mark.parametrize(
    ("got", "form"),
    [
        (ja.te(Word("高い", "i")), "高くて"),
        (ja.te(Word("いい", "i")), "よくて"),
        (ja.te(Word("静か", "na")), "静かで"),
        (ja.tara(Word("降る", "5")), "降ったら"),
        (ja.tara(Word("いい", "i")), "よかったら"),
        (ja.tara(Word("暇", "na")), "暇だったら"),
        (ja.volitional(Word("行く", "5"), polite=True), "行きましょう"),
        (ja.finite(ja.desire(Word("飲む", "5")), polite=True, negative=True), "飲みたくないです"),
        (ja.finite(ja.others_desire(Word("行く", "5")), polite=True), "行きたがっています"),
        (ja.finite(ja.progressive(Word("待つ", "5")), past=True), "待っていた"),
        (ja.finite(ja.potential(Word("話す", "5")), polite=True, negative=True), "話せません"),
        (ja.before_noun(Word("静か", "na")), "静かな"),
        (ja.before_noun(Word("病気", "n")), "病気の"),
        (ja.before_noun(Word("買う", "5"), past=True), "買った"),
        (ja.before_no(Word("学生", "n")), "学生な"),
        (ja.before_no(Word("忙しい", "i"), past=True), "忙しかった"),
        (ja.negative_stem(Word("会う", "5")) + "なければなる", "会わなければなる"),
        (ja.stem(Word("借りる", "1")) + "に", "借りに"),
    ],
)
def test_other_forms(got, form):
    assert got == form


words = [deed.word for deed in DEEDS]
words += [e.word for cause in CAUSES.values() for e in (*cause.leads, *cause.keeps)]


@given(st.sampled_from(words), st.booleans())
def test_laws_of_every_verb_in_the_lexicon(word, polite):
    # te and ta differ by their vowel alone; the past is ta; the polite forms are built on one stem
    assert ja.te(word)[:-1] == ja.ta(word)[:-1]
    assert ja.ta(word)[-1] == {"て": "た", "で": "だ"}[ja.te(word)[-1]]
    assert ja.finite(word, past=True) == ja.ta(word)
    for past in (False, True):
        for negative in (False, True):
            assert ja.finite(word, polite=True, past=past, negative=negative).startswith(ja.stem(word) + "ま")
    # what can be done, wanted or is going on inflects in its turn
    for derived in (ja.potential(word), ja.desire(word), ja.progressive(word), ja.others_desire(word)):
        assert ja.finite(derived, polite=polite, negative=True).endswith(("ません", "ないです") if polite else "ない")
