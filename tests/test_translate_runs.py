"""Saved translators: back to the same bits; damaged, foreign, cut off or changed ones are refused in one line."""

import itertools
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from newcomer import PeepholeCell  # pyright: ignore[reportMissingImports]

import unrolled as ur
from damage import damage_run
from unrolled import training as loop
from unrolled.errors import RunError
from unrolled.formats import load_tensors, read_lines, save_tensors
from unrolled.store import read_run
from unrolled.translate import Translator, load_translator

SOURCES = [" ".join(words) for words in itertools.product(["red", "big", "old"], ["cat", "dog", "fox"], "abcdefg")]
TARGETS = [" ".join(reversed(source.upper().split())) for source in SOURCES]
TEXTS = [*SOURCES[:6], "", "unknown words", "red " * 300]


def small(**options) -> Translator:
    training = ur.TrainingSettings(epochs=3, batch_size=16, learning_rate=1e-2, threads=1)
    return Translator(**{"hidden": 8, "training": training, "tokenizer": "words"} | options)


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("text")
    for name, sentences in (("train.en", SOURCES), ("train.xx", TARGETS)):
        (folder / name).write_text("".join(f"{sentence}\n" for sentence in sentences))
    return folder / "train.en", folder / "train.xx"


@pytest.fixture(scope="module")
def run(files, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "sound"
    small().fit(*files, run=folder)
    return folder


@pytest.fixture
def copied(run, tmp_path) -> Path:
    return Path(shutil.copytree(run, tmp_path / "run"))


def found(translator: Translator) -> list[Any]:
    searches: tuple[dict[str, Any], ...] = ({"beam": 1}, {"beam": 4, "n_best": 3}, {"temperature": 1.0})
    return [
        [(one.text, one.score, one.logprobs) for one in each]
        for options in searches
        for each in translator.candidates(TEXTS, **options)
    ]


def change(folder: Path, edit: dict[str, Any]) -> None:
    """Set parts of run.json by their dotted names; a part that is ``...`` is taken out."""
    manifest = json.loads((folder / "run.json").read_text())
    for name, value in edit.items():
        *path, last = name.split(".")
        part = manifest
        for key in path:
            part = part[key]
        if value is ...:
            del part[last]
        else:
            part[last] = value
    (folder / "run.json").write_text(json.dumps(manifest))


def refused(action: Callable[[], Any]) -> str:
    with pytest.raises(RunError) as error:
        action()
    text = str(error.value)
    assert "\n" not in text
    assert len(text) < 600
    return text


# ---- back from disk


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"attention": None, "cell": "gru", "tokenizer": "characters"},
        {"input_feeding": True, "attention": "additive", "layers": 2, "embedding": 6},
        {"model": "transformer", "layers": 2},
    ],
    ids=str,
)
def test_what_is_saved_translates_to_the_same_bits(tmp_path, options):
    before = small(**options).fit(SOURCES, TARGETS)
    before.save(tmp_path / "run")
    state = torch.get_rng_state()
    after = load_translator(tmp_path / "run")
    assert found(after) == found(before)
    assert torch.equal(torch.get_rng_state(), state)
    assert after.evaluation == before.evaluation
    assert after.score(SOURCES[:5], TARGETS[:5]).scores() == before.score(SOURCES[:5], TARGETS[:5]).scores()


def test_the_run_of_a_training_is_that_of_save(run, files, tmp_path):
    again = small().fit(*files)
    again.save(tmp_path / "run")
    for name in ("model.safetensors", "tokenizers.json"):
        assert (tmp_path / "run" / name).read_bytes() == (run / name).read_bytes()
    assert found(load_translator(run)) == found(again)
    with pytest.raises(RunError, match="was loaded from a run, which has its report and files already; copy it"):
        load_translator(run).save(tmp_path / "other")


def test_a_cell_of_ones_own(tmp_path):
    before = small(cell=PeepholeCell).fit(SOURCES, TARGETS, run=tmp_path / "run")
    assert found(load_translator(tmp_path / "run", cell=PeepholeCell)) == found(before)
    expected = "this run's cell is PeepholeCell, which isn't one of ours; give its class: load(run, cell=PeepholeCell)"
    assert refused(lambda: load_translator(tmp_path / "run")) == expected
    text = refused(lambda: load_translator(tmp_path / "run", cell=ur.GRUCell))
    assert text == "this run's cell is PeepholeCell, got gru; give the class that it was trained with"


# ---- cut off, and on again


class Killed(BaseException):
    """Stands for the end of the process: nothing of ours catches it."""


def killed(step: int, monkeypatch, action: Callable[[], Any]) -> None:
    """The action, dead before the step of this number, with a checkpoint after every one before it."""
    usual, calls = loop.clip_gradients, itertools.count(1)

    def dying(*arguments, **keywords):
        if next(calls) == step:
            raise Killed
        return usual(*arguments, **keywords)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "clip_gradients", dying)
        patch.setattr(loop, "CHECKPOINT_SECONDS", -1)
        with pytest.raises(Killed):
            action()


def outcome(folder: Path) -> dict[str, Any]:
    manifest = read_run(folder)
    names = ("status", "architecture", "objective", "training", "facts", "evaluation", "threads", "notes", "asked")
    return {
        "weights": (folder / "model.safetensors").read_bytes(),
        "tokenizers": (folder / "tokenizers.json").read_bytes(),
        "metrics": [record | {"seconds": 0} for record in read_lines(folder / "metrics.jsonl")],
        **{name: manifest[name] for name in names},
    }


@pytest.mark.parametrize("options", [{}, {"teacher_forcing": 0.5, "schedule": "linear", "cell": PeepholeCell}], ids=str)
@pytest.mark.parametrize("step", [2, 6, 11])
def test_killed_and_resumed_is_uninterrupted(files, tmp_path, monkeypatch, step, options):
    small(**options).fit(*files, run=tmp_path / "whole")
    folder = tmp_path / "killed"
    killed(step, monkeypatch, lambda: small(**options).fit(*files, run=folder))
    text = refused(lambda: load_translator(folder))
    assert text == f"{folder} was cut off in training; go on with it: unrolled translate train --resume {folder}"
    resumed = Translator.resume(folder, cell=options.get("cell"))
    assert outcome(folder) == outcome(tmp_path / "whole")
    assert found(resumed) == found(load_translator(tmp_path / "whole", cell=options.get("cell")))


def test_a_finished_run_stays_as_it_is_or_trains_longer(copied):
    before = outcome(copied)
    Translator.resume(copied)
    assert outcome(copied) == before
    Translator.resume(copied, epochs=5)
    after = outcome(copied)
    assert after["training"]["epochs"] == 5
    assert after["metrics"][: len(before["metrics"])] == before["metrics"]
    assert len(after["metrics"]) > len(before["metrics"])


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("edit", [lambda lines: lines[:-1], lambda lines: [*lines[:-1], "other words Z"]], ids="12")
def test_text_that_was_changed_is_refused(files, copied, which, edit):
    path = files[which]
    before = path.read_text()
    try:
        for each in files if edit(["a"]) == [] else [path]:
            original = each.read_text()
            each.write_text("".join(f"{line}\n" for line in edit(original.splitlines())))
        assert "is not what" in refused(lambda: Translator.resume(copied))
    finally:
        for each, sentences in zip(files, (SOURCES, TARGETS), strict=True):
            each.write_text("".join(f"{sentence}\n" for sentence in sentences))
    assert path.read_text() == before


def test_text_in_memory_can_not_be_found_again(files, tmp_path):
    small().fit(SOURCES, TARGETS, run=tmp_path / "lists")
    small().fit(*files, dev=(["red cow"], ["COW RED"]), run=tmp_path / "dev")
    for name in ("lists", "dev"):
        text = refused(lambda name=name: Translator.resume(tmp_path / name))
        assert "was trained on text that was in memory, and not in files; fit it anew" in text


def test_other_tokenizers_are_not_trained_on(copied):
    saved = json.loads((copied / "tokenizers.json").read_text())
    saved["target"]["pieces"] += ["one", "more"]
    (copied / "tokenizers.json").write_text(json.dumps(saved))
    for action in (load_translator, Translator.resume):
        assert "pieces, and the network" in refused(lambda action=action: action(copied))


# ---- damaged

EDITS: list[dict[str, Any]] = [
    *(
        {f"architecture.{name}": value}
        for name in ("hidden", "embedding", "layers")
        for value in (10**9, 0, -1, 3, "4")
    ),
    *({f"architecture.{name}": value} for name in ("source_size", "target_size") for value in (10**9, 7, None, 1.5)),
    {"architecture.hidden": 10**30},
    {"architecture.hidden": 16},
    {"architecture.cell": "gru"},
    {"architecture.cell": "nope"},
    {"architecture.cell": ["lstm"]},
    {"architecture.attention": "additive"},
    {"architecture.attention": ["dot"]},
    {"architecture.model": "transformer"},
    {"architecture.model": None},
    {"architecture.input_feeding": True},
    {"architecture.dropout": "0.1"},
    {"architecture.surprise": 1},
    {"architecture.hidden": ...},
    {"architecture": ...},
    {"architecture": []},
    {"objective.label_smoothing": 2},
    {"objective.label_smoothing": "a"},
    {"objective.schedule": ["linear"]},
    {"objective.choose_by": 5},
    {"objective": None},
    {"training.epochs": -1},
    {"training.batch_size": 10**400},
    {"training.threads": 10**9},
    {"training": ...},
    {"asked.source": 5},
    {"asked.vocabulary": "many"},
    {"asked.vocabulary": 2},
    {"asked.vocabulary": True},
    {"asked.tokenizer": "nope"},
    {"asked.surprise": 5},
    {"asked": ...},
    {"bleu_tokenizer": "nope"},
    {"bleu_tokenizer": 5},
    {"facts": []},
    {"facts.expansion": ...},
    {"facts.expansion": 1.0},
    {"facts.expansion": 2},
    {"facts.expansion": 1e9},
    {"notes": "abc"},
    {"threads": 0},
    {"threads": 10**9},
    {"threads": True},
    {"threads": ...},
    {"evaluation": {}},
    {"evaluation": []},
    {"evaluation.BLEU": 5},
    {"evaluation.BLEU.value": "high"},
    {"evaluation.chrF": ...},
    {"status": ...},
    {"status": "training"},
    {"status": 5},
    {"kind": "forecast"},
    {"kind": "nope"},
    {"kind": ...},
    {"format": 99},
]


@pytest.mark.parametrize("edit", EDITS, ids=str)
def test_a_changed_run_is_refused_in_one_line(copied, edit):
    change(copied, edit)
    refused(lambda: load_translator(copied))


def test_runs_of_another_kind_or_version_say_so(copied):
    change(copied, {"kind": "forecast"})
    text = f"{copied} holds a forecast run, and a translation run is needed"
    assert refused(lambda: load_translator(copied)) == text
    assert refused(lambda: Translator.resume(copied)) == text
    change(copied, {"kind": "translation", "format": 99})
    assert "was written by a newer unrolled: format 99" in refused(lambda: load_translator(copied))


WEIGHTS: dict[str, Callable[[dict[str, torch.Tensor]], Any]] = {
    "another type": lambda t: t.update({"combine.weight": t["combine.weight"].double()}),
    "not finite": lambda t: t["combine.bias"].fill_(float("nan")),
    "another shape": lambda t: t.update({"combine.bias": torch.zeros(3)}),
    "one missing": lambda t: t.pop("combine.bias"),
    "one too many": lambda t: t.update({"extra": torch.zeros(3)}),
    "nothing": lambda t: t.clear(),
}


@pytest.mark.parametrize("edit", WEIGHTS.values(), ids=WEIGHTS)
def test_changed_weights_are_refused(copied, edit):
    tensors, about = load_tensors(copied / "model.safetensors")
    edit(tensors)
    save_tensors(copied / "model.safetensors", tensors, about)
    assert "is not of this network" in refused(lambda: load_translator(copied))


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizers.json", "run.json"])
@pytest.mark.parametrize("content", [None, b"", b"\x00" * 200, b"a,b\n1,2\n", b"{}", b'{"source": 5}', "half"])
def test_files_that_are_gone_or_something_else_are_refused(copied, name, content):
    path = copied / name
    if content is None:
        path.unlink()
    else:
        data = path.read_bytes()
        path.write_bytes(data[: len(data) // 2] if content == "half" else content)
    refused(lambda: load_translator(copied))


WORDS = ["lstm", "gru", "dot", "transformer", "words", "char", "none", "loss", "finished"]


@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_whatever_stands_in_run_json_it_works_or_is_refused(run, tmp_path_factory, data):
    """Any part replaced by anything: a run translates and is scored, or is a RunError of one line."""
    folder = tmp_path_factory.getbasetemp() / "fuzzed"
    damage_run(data, run, folder, WORDS)
    t, text = None, ""
    try:
        t = load_translator(folder)
    except RunError as error:
        text = str(error)
    assert "\n" not in text
    if t is not None:
        assert len(t.translate(["red cat a", ""], beam=1)) == 2
        assert set(t.evaluation) == {"BLEU", "chrF", "sentences"}
        t.score(SOURCES[:2], TARGETS[:2], beam=1)
