"""The report and the explanation of translations: documents that render, whatever the sentences and the network."""

import json
import math
import re
from html.parser import HTMLParser
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from unrolled.checkpoint import TrainingState
from unrolled.errors import SettingsError
from unrolled.nn.search import Tree
from unrolled.report import render
from unrolled.report.document import check
from unrolled.text.architecture import Architecture
from unrolled.text.fit import Objective
from unrolled.text.fitted import Translation
from unrolled.text.plan import Plan
from unrolled.text.prepare import Asked
from unrolled.text.report import explain_document, translation_document
from unrolled.text.scoring import measure
from unrolled.text.tokenizer import END
from unrolled.training import TrainingSettings
from unrolled.translate import Translator

HOSTILE = ("<script>alert(1)</script>", "\"'><img src=x onerror=alert(1)>", "\u202eمرحبا", "`</code>`", "長い" * 800)


def plan_of(attention: str | None = "dot", **asked: Any) -> Plan:
    shape = Architecture(
        model="recurrent",
        cell="lstm",
        source_size=20,
        target_size=30,
        embedding=8,
        hidden=16,
        layers=1,
        attention=attention,
        input_feeding=False,
        dropout=0.35,
    )
    files = Asked(**{"source": "a/train.en", "target": "a/train.ja", **asked})
    training = TrainingSettings(epochs=2, learning_rate=3e-3).filled(32)
    facts = {"fingerprint": "0", "train": 1000, "dev": 50, "test": 3}
    return Plan(shape, Objective(label_smoothing=0.05), training, files, "char", facts, ("All pairs are used.",))


def state_of(dev: bool = True) -> TrainingState:
    state = TrainingState({}, step=40, seconds=150.0, ended="budget", best_step=40)
    for step in (20, 40):
        record: dict[str, Any] = {
            "step": step,
            "epoch": step / 20,
            "loss": 60 / step,
            "validation": -1.0,
            "seconds": 9.0,
        }
        if dev:
            record |= {"dev_loss": 50 / step, "perplexity": math.exp(50 / step), "bleu": 400 / step, "samples": []}
        state.records.append(record)
    return state


def translation(text: str, source: list[str], attention: bool = True) -> Translation:
    pieces = [*text, "</s>"]
    weights = torch.rand(len(pieces), len(source), generator=torch.Generator().manual_seed(0)).softmax(dim=1)
    return Translation(text, -0.5, pieces, [-0.5] * len(pieces), source, weights if attention else None)


def document_of(sources, references, written, plan=None, state=None) -> dict[str, Any]:
    measured = measure([one.text for one in written], references, "char")
    scores = {
        one.metric: {k: getattr(one, k) for k in ("value", "low", "high", "signature")} for one in measured.scores()
    }
    evaluation = scores | {"sentences": len(sources)}
    return translation_document(plan or plan_of(), state or state_of(), evaluation, measured, sources, written)


SOURCES, REFERENCES = ["I ran", "You ran", "He ran"], ["私は走った", "君は走った", "彼は走った"]
WRITTEN = [translation(text, ["▁I", "▁r", "an"]) for text in ("私は走った", "君も走った", "雨")]


def blocks_of(document: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    def walk(blocks):
        for block in blocks:
            if block["type"] == kind:
                yield block
            for inner in (block, *block.get("tabs", ())):
                yield from walk(inner.get("blocks", ()))

    return [block for section in document["sections"] for block in walk(section["blocks"])]


def section(document: dict[str, Any], id: str) -> Any:
    return next(one for one in document["sections"] if one.get("id") == id)


class Tags(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        assert not [key for key, _ in attrs if key.startswith("on")]


def test_a_report_says_scores_kept_weights_samples_and_the_command():
    document = document_of(SOURCES, REFERENCES, WRITTEN)
    assert json.loads(json.dumps(document)) == document
    page = render(document)
    said = section(document, "short")["blocks"][0]["text"]
    assert re.match(r"BLEU is \d+\.\d \(95%: \d+\.\d to \d+\.\d\) on 3 sentences that training never saw\.", said)
    assert "trained for 2.5 minutes, 2 epochs; the weights of epoch 2, the best by BLEU on dev, were kept." in said
    assert "nrefs:1|case:mixed" in page
    assert [row[0] for row in section(document, "samples")["blocks"][0]["rows"]] == [
        "among the best",
        "better than most",
        "among the worst",
    ]
    worst = section(document, "worst")["blocks"][0]["rows"][0]
    assert worst[:4] == ["3", "He ran", "彼は走った", "雨"]
    codes = [block["code"] for block in blocks_of(document, "code")]
    assert codes[0].startswith("unrolled translate train --source a/train.en --target a/train.ja")
    assert "t.fit('a/train.en', 'a/train.ja')" in codes[1]


def test_the_python_of_a_report_makes_the_same_translator():
    document = document_of(SOURCES, REFERENCES, WRITTEN)
    code = blocks_of(document, "code")[1]["code"]
    made: dict[str, Any] = {"ur": SimpleNamespace(Translator=Translator, TrainingSettings=TrainingSettings)}
    exec(code.removeprefix("import unrolled as ur\n").partition("t.fit")[0], made)
    translator, plan = made["t"], plan_of()
    assert isinstance(translator, Translator)
    assert (translator.training, translator.objective) == (plan.training, plan.objective)
    shape = plan.architecture
    assert translator._shape == {name: getattr(shape, name) for name in translator._shape}


def test_alignments_are_drawn_of_what_can_be_read():
    document = document_of(SOURCES, REFERENCES, WRITTEN)
    maps = blocks_of(document, "heat")
    assert len(maps) == 3
    assert maps[0]["rows"] == [*"私は走った", "</s>"]
    assert maps[0]["columns"] == ["I", "r", "an"]
    assert WRITTEN[0].attention is not None
    assert maps[0]["values"] == [[pytest.approx(v, abs=5e-4) for v in row] for row in WRITTEN[0].attention.tolist()]
    long = [translation("長" * 60, ["a"]) for _ in SOURCES]
    assert not blocks_of(document_of(SOURCES, REFERENCES, long), "heat")


def test_a_network_without_attention_has_no_section_on_it():
    written = [translation(one.text, one.source, attention=False) for one in WRITTEN]
    document = document_of(SOURCES, REFERENCES, written, plan_of(attention=None))
    render(document)
    assert not blocks_of(document, "heat")
    assert "alignment" not in [one["id"] for one in document["sections"]]
    assert "with the context vector alone" in document["subtitle"]


def test_empty_translations_and_a_run_without_dev_are_shown():
    written = [Translation("", 0.0, [], [], []), *WRITTEN[1:]]
    document = document_of(SOURCES, REFERENCES, written, state=state_of(dev=False))
    page = render(document)
    assert "(nothing)" in page
    assert [chart["title"] for chart in blocks_of(document, "chart")] == [
        "BLEU and chrF by length of the reference",
        "Loss by epoch",
    ]
    assert "Best epoch" not in page
    every = [Translation("", 0.0, [], [], [])] * 3
    render(document_of(SOURCES, REFERENCES, every))


def test_lists_of_sentences_have_no_command():
    document = document_of(SOURCES, REFERENCES, WRITTEN, plan_of(source=None, target=None))
    (code,) = blocks_of(document, "code")
    assert "t.fit(sources, targets)" in code["code"]
    assert document["title"] == "Translation"


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_sentences_stay_text(text):
    plain = Tags(render(document_of(SOURCES, REFERENCES, WRITTEN))).tags
    written = [translation(text[:20], [text, text]) for _ in SOURCES]
    page = render(document_of([text] * 3, [text] * 3, written, plan_of(source=text, target=text)))
    assert Tags(page).tags <= plain
    explained = render(explain_document(written, [tree_of(text) for _ in written], lambda ids: [text for _ in ids]))
    assert Tags(explained).tags <= plain | {"path", "g", "rect", "text", "title", "svg"}


def tree_of(_: str = "") -> Tree:
    """Two steps of a beam of two and the end: 7 8 END is the best, found by way of the second."""
    return Tree(
        [
            [(0, 5, -0.4, True), (0, 7, -0.5, True), (0, 6, -2.0, False)],
            [(0, END, -0.6, True), (1, 8, -1.0, True), (0, 9, -1.1, True), (1, 9, -3.0, False)],
            [(0, END, -1.5, True), (1, 4, -2.0, True)],
        ]
    )


def test_an_explanation_has_probabilities_alignment_and_what_nobody_looked_at():
    weights = torch.tensor([[0.9, 0.04, 0.06], [0.95, 0.05, 0.0]])
    logprobs, pieces = [math.log(0.5), math.log(0.25)], ["▁ran", "▁so", "▁`far"]
    document = explain_document([Translation("走", -0.5, ["走", "</s>"], logprobs, pieces, weights, "ran so `☃")])
    page = render(document)
    (table,) = blocks_of(document, "table")
    assert table["rows"] == [["走", "50.0%", "ran", "90%"], ["</s>", "25.0%", "ran", "95%"]]
    assert "“ran so `☃” became “走”." in page
    assert "Hardly looked at, less than 0.1 in all rows together: “so”, “`far”." in page
    assert len(blocks_of(document, "heat")) == 1
    assert not blocks_of(document, "tree")


def test_an_explanation_without_attention_says_so():
    document = explain_document([translation("走", ["ran"], attention=False), Translation("", 0.0, [], [], [])])
    page = render(document)
    assert "There is no alignment" in page
    assert "An empty sentence: there was nothing to translate." in page
    assert not blocks_of(document, "heat")


def test_the_tree_names_the_parents_that_the_search_meant():
    one = Translation("ab", -0.5, ["a", "b", "</s>"], [-0.5] * 3, ["x"])
    document = explain_document([one], [tree_of()], lambda ids: [f"▁{i}" for i in ids])
    check(document)
    (tree,) = blocks_of(document, "tree")
    # Parents count only what went on: the end at the second level is not among them.
    assert [[node.get("parent") for node in level] for level in tree["levels"]] == [
        [None] * 3,
        [0, 1, 0, 1],
        [1, 2],
    ]
    best = [[node["label"] for node in level if node["best"]] for level in tree["levels"]]
    assert best == [["7"], ["8"], [str(END)]]
    numbered = explain_document([one], [tree_of()])
    assert blocks_of(numbered, "tree")[0]["levels"][1][1]["label"] == "8"


def test_trees_of_another_number_are_refused():
    with pytest.raises(SettingsError, match="got 2 for 1; give one each, or none"):
        explain_document([WRITTEN[0]], [tree_of(), tree_of()])
    with pytest.raises(SettingsError, match="got 1 names for 3 ids"):
        explain_document([WRITTEN[0]], [tree_of()], lambda ids: ["a"])


def test_a_real_search_fits_its_explanation():
    source = [f"{n} {s}" for n, s in enumerate(["a b", "b a", "b b", "a a c c c"] * 25)]
    target = [text.upper() for text in source]
    t = Translator(hidden=16, training=TrainingSettings(epochs=1, batch_size=8, threads=1)).fit(source, target)
    texts = ["1 a b", "2 b a a a c c"]
    trees = [Tree() for _ in texts]
    found = [each[0] for each in t.candidates(texts, beam=3, trees=trees)]
    shapes = [None if one.attention is None else tuple(one.attention.shape) for one in found]
    assert shapes == [(len(one.pieces), len(one.source)) for one in found], "no columns for the padding of a batch"
    document = explain_document(found, trees, t.pieces)
    render(document)
    for one, tree in zip(found, blocks_of(document, "tree"), strict=True):
        path = [next(node for node in level if node["best"]) for level in tree["levels"][: len(one.pieces)]]
        assert [node["label"] for node in path] == [piece.removeprefix("▁") or piece for piece in one.pieces]
        steps = [path[0]["score"], *(b["score"] - a["score"] for a, b in pairwise(path))]
        assert steps == pytest.approx(one.logprobs, abs=1e-4)
