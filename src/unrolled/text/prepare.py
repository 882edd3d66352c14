"""From what a user has, files or lists, to what training reads: cleaned, split, tokenized, encoded."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from unrolled.errors import DataError, SettingsError
from unrolled.text.batching import Encoded
from unrolled.text.choosing import choose
from unrolled.text.cleaning import clean
from unrolled.text.corpus import Corpus
from unrolled.text.fit import DEV, Examples
from unrolled.text.parts import Parts, split
from unrolled.text.scoring import bleu_tokenizer
from unrolled.text.tokenizer import Kind, Tokenizer

Side = str | Path | Sequence[str]


@dataclass(frozen=True)
class Asked:
    """The data of a run, as it was asked for: names of files, or None for text that was given as lists."""

    source: str | None
    target: str | None
    dev_source: str | None = None
    dev_target: str | None = None
    tokenizer: Kind | None = None
    vocabulary: int | None = None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Prepared:
    """What training reads, how the target is scored, and what there is to say."""

    parts: Parts
    source: Tokenizer
    target: Tokenizer
    examples: tuple[Encoded, Encoded]
    dev: Examples
    bleu_tokenizer: str
    facts: dict[str, Any]
    notes: list[str]


def corpus_of(source: Side, target: Side | None, name: str) -> Corpus:
    """A corpus of files or of lists of sentences.

    Raises DataError for what can't be used, SettingsError for a file beside a list.
    """
    if isinstance(source, str | Path) and (target is None or isinstance(target, str | Path)):
        return Corpus.open(source, target, name=name)
    if target is None:
        raise SettingsError(f"the {name} has sources and no targets; give the targets too")
    if isinstance(source, str | Path) or isinstance(target, str | Path):
        raise SettingsError(f"the {name} has a file on one side and a list on the other; give two of a kind")
    for side in (source, target):
        for i, sentence in enumerate(side):
            if not isinstance(sentence, str):
                raise DataError(f"sentence {i + 1} of the {name} is {type(sentence).__name__}, and text is needed")
    return Corpus(list(source), list(target), name=name)


def prepare(
    corpus: Corpus,
    dev: Corpus | None,
    *,
    kind: Kind | None = None,
    size: int | None = None,
    seed: int = 0,
    tokenizers: tuple[Tokenizer, Tokenizer] | None = None,
) -> Prepared:
    """Clean, split off what isn't given, learn the tokenizers from train alone (or take those given), and encode.

    Raises DataError where too little is left.
    """
    cleaned = clean(corpus)
    notes = [*corpus.notes, *cleaned.notes]
    parts = split(cleaned.corpus, seed, dev)
    notes += parts.notes
    if tokenizers is None:
        choice = choose(parts.train, kind, size)
        source, target, said = choice.learn(parts.train)
        notes += [f"Tokenizers: {choice.why}.", *said]
    else:
        source, target = tokenizers
    examples = Encoded.of(source, parts.train.sources()), Encoded.of(target, parts.train.targets())
    references = list(parts.dev.sample(1000).targets())
    scored_by, why = bleu_tokenizer(references)
    notes.append(f"BLEU by the tokenizer {scored_by}: {why}.")
    facts = {"fingerprint": fingerprint(parts), **{n: len(getattr(parts, n)) for n in ("train", "dev", "test")}}
    return Prepared(parts, source, target, examples, _dev(parts.dev, source, target), scored_by, facts, notes)


def _dev(dev: Corpus, source: Tokenizer, target: Tokenizer) -> Examples:
    some = dev.sample(DEV)
    sources, targets = list(some.sources()), list(some.targets())
    return Examples(Encoded.of(source, sources), Encoded.of(target, targets), sources, targets)


def fingerprint(parts: Parts) -> str:
    """What knows the data again: a hash of every sentence of every part."""
    digest = hashlib.sha256()
    for corpus in (parts.train, parts.dev, parts.test):
        for side in (corpus.sources(), corpus.targets()):
            for sentence in side:
                digest.update(sentence.encode("utf-8", "surrogatepass") + b"\n")
            digest.update(b"\0")
    return digest.hexdigest()[:16]
