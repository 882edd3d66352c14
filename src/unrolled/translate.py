"""Translator: from two texts, aligned line by line, to a network that translates, and back from disk."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import nn

from unrolled.errors import DataError, RunError, SettingsError
from unrolled.files import atomic_write, remove_leftovers
from unrolled.formats import write_lines
from unrolled.nn.names import cell_name, cell_named, class_named
from unrolled.nn.search import Tree
from unrolled.report import render
from unrolled.store import check_free, environment, new_run, read_run, write_run
from unrolled.text.architecture import Architecture
from unrolled.text.decoding import Decoding
from unrolled.text.fit import BATCH, RATE, Objective, fit
from unrolled.text.fitted import Fitted, Translation, load_fitted, load_tokenizers, save_fitted, save_tokenizers
from unrolled.text.plan import Plan
from unrolled.text.prepare import Asked, Prepared, Side, check_asked, corpus_of, prepare
from unrolled.text.report import translation_document
from unrolled.text.scoring import Measured, measure
from unrolled.text.tokenizer import Kind, Tokenizer
from unrolled.training import Progress, TrainingSettings, device_named

log = logging.getLogger("unrolled")
KIND, METRICS, REPORT = "translation", "metrics.jsonl", "report.html"
EVALUATED = ("BLEU", "chrF", "sentences")  # what the evaluation holds


class Translator:
    """A recurrent encoder and decoder that translates sentences, trained on pairs of them.

    ``cell`` is "rnn", "lstm", "gru", "mingru", or a cell class of one's own; ``attention`` "dot", "scaled-dot",
    "general", "additive", or None for the context vector alone; ``input_feeding`` as in Luong et al. 2015.
    ``model`` "transformer" is a small Transformer in their place, of size ``hidden``. ``embedding`` is the size of the
    word vectors (None: that of hidden). ``label_smoothing``, ``teacher_forcing`` and ``schedule`` as in
    :class:`unrolled.text.fit.Objective`; the best weights are those with the highest BLEU on dev, or by ``choose_by``
    "loss" with the lowest loss. ``tokenizer`` is "unigram", "words" or "characters", with at most ``vocabulary`` ids;
    None: chosen by the corpus, and said.

    >>> import unrolled as ur
    >>> source, target = ["a b", "b a", "b b", "a a"] * 25, ["x y", "y x", "y y", "x x"] * 25
    >>> t = ur.Translator(hidden=16, training=ur.TrainingSettings(epochs=1, batch_size=8))
    >>> t = t.fit([f"{n} {s}" for n, s in enumerate(source)], [f"{n} {t}" for n, t in enumerate(target)])
    >>> type(t.translate("a b")[0])
    <class 'str'>
    """

    def __init__(
        self,
        cell: str | type[nn.Module] = "lstm",
        *,
        model: str = "recurrent",
        hidden: int = 256,
        embedding: int | None = None,
        layers: int = 1,
        attention: str | None = "dot",
        input_feeding: bool = False,
        dropout: float = 0.2,
        tokenizer: Kind | None = None,
        vocabulary: int | None = None,
        label_smoothing: float = 0.1,
        teacher_forcing: float = 1.0,
        schedule: str = "constant",
        choose_by: str = "bleu",
        training: TrainingSettings | None = None,
    ):
        if not isinstance(cell, str | type):
            raise SettingsError(f"cell has to be a name or the class of a cell, got {str(cell)[:40]}")
        self.cell: type[nn.Module] = cell_named(cell) if isinstance(cell, str) else cell
        self.training = (training or TrainingSettings()).filled(BATCH, RATE)
        self.objective = Objective(label_smoothing, teacher_forcing, schedule, choose_by)
        self.tokenizer: Kind | None = tokenizer
        self.vocabulary = vocabulary
        self._shape: dict[str, Any] = {
            "model": model,
            "cell": cell_name(self.cell),
            "embedding": hidden if embedding is None else embedding,
            "hidden": hidden,
            "layers": layers,
            "attention": attention,
            "input_feeding": input_feeding,
            "dropout": dropout,
        }
        architecture = Architecture(source_size=8, target_size=8, **self._shape)
        architecture.check(self.cell)  # what can't be is said now
        self.objective.check(architecture)
        check_asked(tokenizer, vocabulary)
        self._result: Result | None = None

    def fit(
        self,
        source: Side,
        target: Side | None = None,
        *,
        dev: tuple[Side, Side] | None = None,
        run: str | Path | bool = False,
        on_progress: Callable[[Progress, dict[str, Any]], None] | None = None,
    ) -> "Translator":
        """Clean, split off dev (unless given) and test, learn the tokenizers on train alone, train, score on test.

        ``source`` and ``target`` are files of one sentence a line, or lists of sentences; without ``target`` the
        source is a file with a tab between the two. ``run`` is a new folder that holds checkpoints while it trains and
        everything when it's done; True makes ``runs/<name>-<n>``. ``on_progress`` gets what
        :func:`unrolled.text.fit.fit` says, and at the end how many sentences of the test part are "testing".

        Raises DataError for text that can't be used, SettingsError for options that contradict each other.
        """
        device_named(self.training.device)
        if not isinstance(run, bool):
            check_free(run)  # before the work
        corpus = corpus_of(source, target, "corpus")
        if dev is not None and not (isinstance(dev, tuple | list) and len(dev) == 2):
            raise SettingsError("dev is a pair, (source, target), of files or of lists of sentences")
        given = None if dev is None else corpus_of(*dev, "dev")
        prepared = prepare(corpus, given, kind=self.tokenizer, size=self.vocabulary, seed=self.training.seed)
        sides = (source, target, *(dev or (None, None)))
        files = [str(side) if isinstance(side, str | Path) else None for side in sides]
        if dev is not None and files[2] is None:  # text in memory can't be found again, neither this nor the other
            files = [None] * 4
        plan = Plan(
            Architecture(source_size=len(prepared.source), target_size=len(prepared.target), **self._shape),
            self.objective,
            self.training,
            Asked(files[0], files[1], files[2], files[3], self.tokenizer, self.vocabulary),
            prepared.bleu_tokenizer,
            prepared.facts,
            tuple(prepared.notes),
        )
        folder = None
        if run:
            stem = Path(files[0] or "text").name.split(".")[0] or "text"
            folder = new_run(stem, out=None if run is True else run)
            save_tokenizers((prepared.source, prepared.target), folder)
            _write_manifest(folder, plan, "training")
        return self._carry_out(plan, prepared, folder, on_progress)

    @classmethod
    def resume(
        cls,
        run: str | Path,
        *,
        epochs: int | None = None,
        minutes: float | None = None,
        cell: type[nn.Module] | None = None,
        on_progress: Callable[[Progress, dict[str, Any]], None] | None = None,
    ) -> "Translator":
        """Go on with a run that was cut off, to the same bits under a budget of epochs; or train longer.

        Raises RunError where its files are not what they were, or its text was given as lists.
        """
        folder = Path(run)
        plan = _plan(read_run(folder), folder)
        remove_leftovers(folder)
        asked = plan.asked
        if asked.source is None:
            raise RunError(f"{folder} was trained on text that was in memory, and not in files; fit it anew")
        corpus = corpus_of(asked.source, asked.target, "corpus")
        dev = None if asked.dev_source is None else corpus_of(asked.dev_source, asked.dev_target, "dev")
        tokenizers = load_tokenizers(folder, plan.architecture)
        prepared = prepare(corpus, dev, seed=plan.training.seed, tokenizers=tokenizers)
        if prepared.facts != plan.facts:
            raise RunError(f"the text in {asked.source} is not what {folder} was trained on; restore it, or train anew")
        if epochs is not None or minutes is not None:
            plan = replace(plan, training=replace(plan.training, epochs=epochs, minutes=minutes))
        return cls._planned(plan, cell)._carry_out(plan, prepared, folder, on_progress)

    @property
    def run(self) -> Path | None:
        """The folder of the run, where there is one."""
        return self._fitted().folder

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended the training early; the best weights up to then are the model's."""
        return self._fitted().ended == "interrupted"

    @property
    def evaluation(self) -> dict[str, Any]:
        """The scores on the test part: BLEU and chrF with their 95% intervals and signatures."""
        return self._fitted().evaluation

    @property
    def network(self) -> nn.Module:
        """The trained network, a :class:`~unrolled.nn.seq2seq.Seq2Seq` or ``Transformer``, in evaluation mode on the
        CPU. It is the one that translates: what is changed in it changes the translations.

        Raises SettingsError before ``fit``.
        """
        return self._fitted().fitted.model

    @property
    def tokenizers(self) -> tuple[Tokenizer, Tokenizer]:
        """Those of source and target, which make the network's ids of text, and text of ids.

        Raises SettingsError before ``fit``.
        """
        return self._fitted().fitted.source, self._fitted().fitted.target

    @property
    def document(self) -> dict[str, Any]:
        """The report as JSON, which :func:`unrolled.report.render` makes a page of.

        Raises RunError for a translator that was loaded.
        """
        document = self._fitted().document
        if document is None:
            raise RunError("this Translator was loaded from a run, which has its report and files already; copy it")
        return document

    def translate(self, texts: str | Sequence[str], *, beam: int = 5, **options: Any) -> list[str]:
        """The best translation of each text, by a beam of ``beam`` (1: greedy search); an empty one's is empty.

        ``options`` are the other fields of :class:`unrolled.text.decoding.Decoding`. A text's translation doesn't
        depend on its neighbours.
        """
        return [found[0].text for found in self.candidates(texts, beam=beam, **options)]

    def candidates(
        self, texts: str | Sequence[str], *, beam: int = 5, trees: list[Tree] | None = None, **options: Any
    ) -> list[list[Translation]]:
        """The ``n_best`` best translations of each text with scores, pieces and attention; see :meth:`translate`.

        ``trees``, one a text, are filled with what the beam kept and dropped.
        """
        texts = [texts] if isinstance(texts, str) else texts
        if not isinstance(texts, Sequence) or isinstance(texts, bytes):
            raise DataError(f"what is to be translated is {type(texts).__name__}; give a text, or a list of texts")
        for i, text in enumerate(texts):
            if not isinstance(text, str):
                raise DataError(f"text {i + 1} of {len(texts)} is {type(text).__name__}, and text is needed")
        try:
            decoding = Decoding(beam=beam, **options)
        except TypeError as error:
            known = ", ".join(Decoding.__dataclass_fields__)
            raise SettingsError(f"{str(error).partition('() ')[2]}; the options of search are {known}") from None
        return self._fitted().fitted.translate(texts, decoding, trees)

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """What to write beside ids of the target, such as those in a :class:`~unrolled.nn.search.Tree`."""
        return self._fitted().fitted.target.pieces(ids)

    def attention(self, text: str, *, beam: int = 5) -> Translation:
        """The best translation of one text, with what was looked at when each of its pieces was written.

        Raises SettingsError for a network without attention, and for a text that is empty or too long for one piece.
        """
        ((best, *_),) = self.candidates(text, beam=beam)
        if best.attention is None:
            why = "this network has none" if self._fitted().plan.architecture.attention is None else "give a sentence"
            raise SettingsError(f"there is no attention to show of {text[:40]!r}: {why}")
        return best

    def score(self, source: Side, reference: Side | None = None, *, beam: int = 5, **options: Any) -> Measured:
        """Translate the sources and hold them against their references: BLEU and chrF as sacrebleu has them.

        ``.scores()`` of what comes back gives both with their intervals; see :mod:`unrolled.text.quality` for paired
        tests, quality by length and the worst sentences.
        """
        corpus = corpus_of(source, reference, "test")
        written = self.translate(list(corpus.sources()), beam=beam, **options)
        return measure(written, list(corpus.targets()), self._fitted().plan.bleu_tokenizer)

    def report(self, path: str | Path) -> None:
        """Write the report, one HTML file that opens offline."""
        atomic_write(Path(path), render(self.document))

    def save(self, run: str | Path) -> Path:
        """Write everything into a new folder, which :func:`unrolled.load` reads."""
        _ = self.document  # a loaded one has none
        folder = new_run("translation", out=run)
        _write(folder, self._fitted())
        return folder

    def _fitted(self) -> "Result":
        if self._result is None:
            raise SettingsError("this Translator has not been fitted; call fit(source, target) first, or load(run)")
        return self._result

    @classmethod
    def _planned(cls, plan: Plan, cell: type[nn.Module] | None) -> "Translator":
        shape, objective = plan.architecture, plan.objective
        same = ("model", "hidden", "embedding", "layers", "attention", "input_feeding", "dropout")
        return cls(
            class_named(shape.cell, cell),
            tokenizer=plan.asked.tokenizer,
            vocabulary=plan.asked.vocabulary,
            training=plan.training,
            **{name: getattr(shape, name) for name in same},
            **{name: getattr(objective, name) for name in objective.__dataclass_fields__},
        )

    def _carry_out(self, plan: Plan, prepared: Prepared, folder: Path | None, on_progress: Any) -> "Translator":
        """Train, score on the test part, write everything down."""
        for note in plan.notes:
            log.info(note)
        told = []  # the last progress

        def tell(step: Progress, record: dict[str, Any]) -> None:
            told[:] = step, record
            on_progress(step, record)

        model, state = fit(
            plan.architecture,
            self.cell,
            prepared.examples,
            prepared.dev,
            prepared.target,
            plan.training,
            plan.objective,
            bleu_tokenizer=plan.bleu_tokenizer,
            device=device_named(plan.training.device),
            expansion=plan.facts["expansion"],
            checkpoint=folder and folder / "checkpoints" / "fit.safetensors",
            metrics=folder and folder / METRICS,
            on_progress=on_progress and tell,
        )
        fitted = Fitted(
            plan.architecture,
            model.cpu().eval(),
            prepared.source,
            prepared.target,
            state.threads,
            plan.facts["expansion"],
        )
        test = prepared.parts.test
        sources, targets = list(test.sources()), list(test.targets())
        if told:
            on_progress(told[0], told[1] | {"testing": len(sources)})  # which takes as long as some of the training
        written = [found[0] for found in fitted.translate(sources, Decoding())]
        measured = measure([one.text for one in written], targets, plan.bleu_tokenizer)
        evaluation = {score.metric: _as_json(score) for score in measured.scores()} | {"sentences": len(sources)}
        document = translation_document(plan, state, evaluation, measured, sources, written)
        self._result = Result(plan, fitted, evaluation, state.records, state.ended, document, folder)
        if folder is not None:
            _write(folder, self._result)
        return self


@dataclass(frozen=True)
class Result:
    """What a fit leaves behind; ``document`` is the report's, which a loaded run doesn't have."""

    plan: Plan
    fitted: Fitted
    evaluation: dict[str, Any]
    records: list[dict[str, Any]]
    ended: str
    document: dict[str, Any] | None
    folder: Path | None


def load_translator(run: str | Path, *, cell: type[nn.Module] | None = None) -> Translator:
    """The translator of a saved run. ``cell`` is the class of a cell of one's own: no name in a file is imported.

    Raises RunError when the folder is missing, damaged, of another kind or version, or holds no finished translator.
    """
    folder = Path(run)
    manifest = read_run(folder)
    plan = _plan(manifest, folder)
    evaluation = manifest.get("evaluation")
    if manifest.get("status") not in ("finished", "interrupted") or not isinstance(evaluation, dict):
        raise RunError(f"{folder} was cut off in training; go on with it: unrolled translate train --resume {folder}")
    if sorted(evaluation) != sorted(EVALUATED) or not all(map(_is_score, map(evaluation.get, ("BLEU", "chrF")))):
        raise RunError(f"{folder / 'run.json'} has no scores as it should; restore it, or train again")
    fitted = load_fitted(folder, plan.architecture, manifest.get("threads"), plan.facts.get("expansion"), cell)
    translator = Translator._planned(plan, cell)
    status = str(manifest["status"])
    translator._result = Result(plan, fitted, evaluation, [], status, None, folder)
    return translator


def _plan(manifest: dict[str, Any], folder: Path) -> Plan:
    if manifest["kind"] != KIND:
        raise RunError(f"{folder} holds a {manifest['kind']} run, and a {KIND} run is needed")
    return Plan.from_json(manifest, folder)


def _is_score(saved: Any) -> bool:
    return (
        isinstance(saved, dict)
        and isinstance(saved.get("signature"), str)
        and all(type(saved.get(name)) in (int, float) for name in ("value", "low", "high"))
    )


def _as_json(score: Any) -> dict[str, Any]:
    return {name: getattr(score, name) for name in ("value", "low", "high", "signature")}


def _write(folder: Path, result: Result) -> None:
    """Everything of a finished run; run.json comes last, so that a folder that has it whole is whole."""
    assert result.document is not None

    save_fitted(result.fitted, folder)
    write_lines(folder / METRICS, result.records)
    atomic_write(folder / REPORT, render(result.document))
    status = "interrupted" if result.ended == "interrupted" else "finished"
    _write_manifest(folder, result.plan, status, evaluation=result.evaluation, threads=result.fitted.threads)


def _write_manifest(folder: Path, plan: Plan, status: str, **parts: Any) -> None:
    write_run(folder, {"kind": KIND, "status": status, **plan.as_json(), "environment": environment(), **parts})
