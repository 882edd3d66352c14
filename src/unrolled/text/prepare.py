"""From what a user has, files or lists, to what training reads: cleaned, split, tokenized, encoded."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unrolled.errors import DataError, SettingsError
from unrolled.text.batching import Encoded
from unrolled.text.choosing import choose
from unrolled.text.cleaning import clean
from unrolled.text.corpus import Corpus
from unrolled.text.decoding import expansion
from unrolled.text.fit import DEV, Examples
from unrolled.text.parts import Parts, split
from unrolled.text.scoring import bleu_tokenizer
from unrolled.text.tokenizer import SPECIAL, Kind, Tokenizer, check_kind

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


def check_asked(kind: Kind | None, size: int | None) -> None:
    """Refuse a tokenizer that there isn't, and a vocabulary without room."""
    if kind is not None:
        check_kind(kind)
    if size is not None and (type(size) is not int or size <= len(SPECIAL)):
        raise SettingsError(
            f"vocabulary has to be a whole number of at least {len(SPECIAL) + 1}, {len(SPECIAL)} of them for special "
            f"signs, got {str(size)[:40]}"
        )


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
        if not (hasattr(side, "__len__") and hasattr(side, "__iter__")):
            raise DataError(f"a side of the {name} is {type(side).__name__}; give a file, or a list of sentences")
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
    if dev is not None:
        dev, said = _whole(dev)
        notes += said
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
    facts = {
        "fingerprint": fingerprint(parts),
        **{n: len(getattr(parts, n)) for n in ("train", "dev", "test")},
        "expansion": expansion(examples[0].lengths, examples[1].lengths),
    }
    return Prepared(parts, source, target, examples, _dev(parts.dev, source, target), scored_by, facts, notes)


def _whole(dev: Corpus) -> tuple[Corpus, list[str]]:
    """A given dev without the pairs that have an empty side: nothing can be read, or be said, there."""
    kept = [i for i, (source, target) in enumerate(dev) if source and target]
    if not kept:
        raise DataError(f"the {dev.name} has no pair with both sides; give sentences and their translations")
    gone = len(dev) - len(kept)
    if not gone:
        return dev, list(dev.notes)
    return dev.take(kept), [*dev.notes, f"Left out of {dev.name}: {gone:,} with an empty side."]


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
