"""English forms against those of a grammar, written by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.data.phrasebook import english as en
from unrolled.data.phrasebook.english import Subject
from unrolled.data.phrasebook.verbs import DEEDS

I, HE, THEY, KIN = Subject("I", "1s"), Subject("he", "3s"), Subject("they", "3p"), Subject("my father", "3s")  # noqa: E741


@pytest.mark.parametrize(
    ("verb", "forms"),
    [
        ("eat", "eats ate eaten eating"),
        ("go", "goes went gone going"),
        ("watch", "watches watched watched watching"),
        ("study", "studies studied studied studying"),
        ("play", "plays played played playing"),
        ("swim", "swims swam swum swimming"),
        ("take", "takes took taken taking"),
        ("have", "has had had having"),
        ("be", "is was been being"),
        ("write", "writes wrote written writing"),
        ("wash", "washes washed washed washing"),
        ("close", "closes closed closed closing"),
        ("meet", "meets met met meeting"),
    ],
)
def test_verbs(verb, forms):
    assert " ".join((en.third(verb), en.preterite(verb), en.participle(verb), en.ing(verb))) == forms


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("apple", "an apple"),
        ("old book", "an old book"),
        ("university", "a university"),
        ("hour", "an hour"),
        ("useful map", "a useful map"),
        ("umbrella", "an umbrella"),
        ("e-mail", "an e-mail"),
        ("red hat", "a red hat"),
    ],
)
def test_articles(words, expected):
    assert en.article(words) == expected


@pytest.mark.parametrize(
    ("got", "expected"),
    [
        (en.clause(I, "be", "tired"), "I am tired"),
        (en.clause(I, "be", "tired", contract=True), "I'm tired"),
        (en.clause(I, "be", "tired", negative=True, contract=True), "I am not tired"),
        (en.clause(HE, "be", "busy", negative=True, contract=True), "he isn't busy"),
        (en.clause(THEY, "be", "busy", past=True, negative=True, contract=True), "they weren't busy"),
        (en.clause(KIN, "study", "math"), "my father studies math"),
        (en.clause(KIN, "eat", "fish", negative=True), "my father does not eat fish"),
        (en.clause(KIN, "eat", "fish", past=True, negative=True, contract=True), "my father didn't eat fish"),
        (en.clause(HE, "go", "home", future=True, contract=True), "he'll go home"),
        (en.clause(HE, "go", "home", future=True, negative=True, contract=True), "he won't go home"),
        (en.clause(HE, "go", "home", future=True, past=True), "he would go home"),
        (en.clause(HE, "go", "home", perfect=True, past=True), "he had gone home"),
        (en.clause(THEY, "see", "it", perfect=True, contract=True), "they've seen it"),
        (en.clause(I, "swim", "here", can=True, negative=True), "I cannot swim here"),
        (en.clause(I, "swim", "here", can=True, past=True, negative=True, contract=True), "I couldn't swim here"),
        (en.clause(I, "run", "", progressive=True, past=True), "I was running"),
        (en.clause(KIN, "read", "books", adverb="often"), "my father often reads books"),
        (en.clause(KIN, "be", "late", adverb="often"), "my father is often late"),
        (en.clause(I, "have", "two cats", contract=True), "I have two cats"),
        (en.question(Subject("you", "2"), "do", "it", past=True), "did you do it"),
        (en.question(HE, "have", "a cat"), "does he have a cat"),
        (en.question(HE, "be", "sick"), "is he sick"),
        (
            en.question(Subject("you", "2"), "be", "to Kyoto", adverb="ever", perfect=True),
            "have you ever been to Kyoto",
        ),
        (en.predicate("go", "3s", "home"), "goes home"),
        (en.listed(["a"]), "a"),
        (en.listed(["a", "b"]), "a and b"),
        (en.listed(["a", "b", "c"]), "a, b, and c"),
    ],
)
def test_clauses(got, expected):
    assert got == expected


@given(st.sampled_from(DEEDS), st.sampled_from(["1s", "2", "3s", "1p", "3p"]))
def test_laws_of_every_verb_in_the_lexicon(deed, agrees):
    # a denial and a question take the same auxiliary and the bare verb; a statement of now agrees with its subject
    subject = Subject("X", agrees)
    for past in (False, True):
        denied = en.clause(subject, deed.verb, negative=True, past=past)
        asked = en.question(subject, deed.verb, past=past)
        assert denied.split()[1] == asked.split()[0]
        assert denied.split()[-1] == asked.split()[-1] == deed.verb
    assert en.clause(subject, deed.verb) == f"X {en.third(deed.verb) if agrees == '3s' else deed.verb}"
