"""A fitted translator: network and tokenizers. It needs no data to translate, and it goes to disk and back."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from unrolled.checkpoint import MOST_THREADS
from unrolled.errors import RunError, SettingsError
from unrolled.formats import load_tensors, read_json, save_tensors, write_json
from unrolled.nn.search import Hypothesis, Tree
from unrolled.text.architecture import Architecture
from unrolled.text.corpus import normal
from unrolled.text.decoding import EXPANSION, Decoding, decode
from unrolled.text.tokenizer import END, SPECIAL, Tokenizer, load
from unrolled.training import threads

WEIGHTS, TOKENIZERS = "model.safetensors", "tokenizers.json"
MOST_EXPANSION = 1000.0  # ids of target for one of source, in a file that isn't damaged
LONGEST = 250  # ids of a sentence that are translated at once; longer ones in pieces
STOPS = (".", "!", "?", "。", "！", "？", "…", ";", "；", "।", "؟")  # where a long sentence is rather cut


@dataclass(frozen=True)
class Translation:
    """One translation of a sentence: its text, its score (see `beam_search`), and where it comes from.

    ``pieces`` are those of the target, with the end mark, and ``logprobs`` theirs; ``source`` the pieces of the source,
    and ``sentence`` its text. ``attention`` (pieces, source) has a row a piece: what was looked at when it was written.
    A sentence that was translated in parts has none.
    """

    text: str
    score: float
    pieces: list[str]
    logprobs: list[float]
    source: list[str]
    attention: Tensor | None = None
    sentence: str = ""


@dataclass(frozen=True)
class Fitted:
    """Everything that translating needs."""

    architecture: Architecture
    model: nn.Module
    source: Tokenizer
    target: Tokenizer
    threads: int = 1
    expansion: float = EXPANSION

    def translate(
        self, texts: Sequence[str], decoding: Decoding, trees: list[Tree] | None = None
    ) -> list[list[Translation]]:
        """The translations of each text, best first; an empty text's is empty. See :class:`Decoding`.

        A text of more than 250 ids is translated in parts, cut after a full stop where there is one.
        """
        texts = [normal(text) for text in texts]
        ids = self.source.encode_many(texts)
        parts = [_parts(row, self.source) for row in ids]
        flat = [part for row in parts for part in row]
        if trees is not None and (unfit := [len(row) for row, cut in zip(ids, parts, strict=True) if len(cut) != 1]):
            give = "give a shorter one" if unfit[0] else "give a sentence"
            raise SettingsError(f"a tree is of a sentence of 1 to {LONGEST} ids, and this has {unfit[0]:,}; {give}")
        with threads(self.threads):
            found = iter(decode(self.model, flat, decoding, trees, self.expansion))
        return [
            self._joined(text, [(part, next(found)) for part in row])
            if row
            else [Translation("", 0.0, [], [], [], sentence=text)]
            for text, row in zip(texts, parts, strict=True)
        ]

    def _joined(self, text: str, parts: list[tuple[Sequence[int], list[Hypothesis]]]) -> list[Translation]:
        if len(parts) == 1:
            (ids, hypotheses) = parts[0]
            return [self._translation(text, ids, h) for h in hypotheses]
        best = [(ids, hypotheses[0]) for ids, hypotheses in parts]
        tokens = [token for _, h in best for token in h.tokens]
        logprobs = [value for _, h in best for value in h.logprobs[: len(h.tokens)]]
        read = [i for ids, _ in best for i in ids]
        whole = Hypothesis(tokens, sum(h.score for _, h in best) / len(best), logprobs)
        return [self._translation(text, read, whole)]

    def _translation(self, text: str, ids: Sequence[int], h: Hypothesis) -> Translation:
        ended = [SPECIAL[END]] if len(h.logprobs) > len(h.tokens) else []
        return Translation(
            normal(self.target.decode(h.tokens)),  # a base and a mark may come as two pieces
            h.score,
            [*self.target.pieces(h.tokens), *ended],
            h.logprobs,
            self.source.pieces(ids),
            None if h.attention is None else h.attention[:, : len(ids)].cpu().clone(),  # without its batch's padding
            text,
        )


def _parts(ids: Sequence[int], tokenizer: Tokenizer) -> list[Sequence[int]]:
    """The ids of a sentence, cut so that no part is longer than ``LONGEST``; none of an empty one."""
    parts = []
    while len(ids) > LONGEST:
        pieces = tokenizer.pieces(ids[:LONGEST])
        stops = [i + 1 for i, piece in enumerate(pieces) if piece.endswith(STOPS)]
        at = stops[-1] if stops else LONGEST
        parts.append(ids[:at])
        ids = ids[at:]
    return [*parts, ids] if len(ids) else parts


def save_fitted(fitted: Fitted, folder: Path) -> None:
    """Write weights and tokenizers."""
    save_tensors(folder / WEIGHTS, fitted.model.state_dict())
    save_tokenizers((fitted.source, fitted.target), folder)


def save_tokenizers(both: tuple[Tokenizer, Tokenizer], folder: Path) -> None:
    write_json(folder / TOKENIZERS, dict(zip(("source", "target"), (each.save() for each in both), strict=True)))


def load_tokenizers(folder: Path, architecture: Architecture) -> tuple[Tokenizer, Tokenizer]:
    """Raises RunError for a file that holds none, or others than the network reads and writes."""
    saved = read_json(folder / TOKENIZERS, limit=64 << 20)
    sides = [saved.get(side) for side in ("source", "target")]
    if not all(isinstance(side, dict) for side in sides):
        raise RunError(f"{folder / TOKENIZERS} has no tokenizers of source and target; restore it, or train again")
    source, target = load(sides[0]), load(sides[1])  # type: ignore[arg-type]
    if (len(source), len(target)) != (architecture.source_size, architecture.target_size):
        raise RunError(
            f"{folder / TOKENIZERS} has {len(source)} and {len(target)} pieces, and the network "
            f"{architecture.source_size} and {architecture.target_size}; restore it, or train again"
        )
    return source, target


def load_fitted(
    folder: Path, architecture: Architecture, threads: Any, expansion: Any, cell: type[nn.Module] | None
) -> Fitted:
    """Raises RunError for files that don't fit the architecture, are damaged, or are missing."""
    if type(threads) is not int or not 1 <= threads <= MOST_THREADS:
        raise RunError(f"{folder / 'run.json'} is damaged: its threads are {str(threads)[:40]}; restore it")
    if type(expansion) is not float or not EXPANSION <= expansion <= MOST_EXPANSION:
        raise RunError(f"{folder / 'run.json'} is damaged: its expansion is {str(expansion)[:40]}; restore it")
    source, target = load_tokenizers(folder, architecture)
    weights, _ = load_tensors(folder / WEIGHTS)
    try:
        if architecture.layers > len(weights):
            raise ValueError(f"{architecture.layers} layers for {len(weights)} tensors")
        # Sizes in a file are claims: compare them before any memory is taken for them.
        for name, shape in architecture.tables().items():
            if name not in weights or weights[name].shape != shape:
                raise ValueError(f"{name} isn't {shape}")
        with torch.random.fork_rng(devices=[]):
            model = architecture.build(cell)
        own = model.state_dict()
        for name in sorted(own.keys() | weights.keys()):
            if name not in own or name not in weights:
                raise ValueError(f"{name} is {'missing' if name in own else 'one too many'}")
            if (weights[name].shape, weights[name].dtype) != (own[name].shape, own[name].dtype):
                raise ValueError(f"{name} is {weights[name].dtype} {tuple(weights[name].shape)}")
            if not weights[name].isfinite().all():
                raise ValueError(f"{name} has numbers that are not finite")
        model.load_state_dict(weights)
    except (ValueError, RuntimeError, TypeError, SettingsError) as error:
        why = " ".join(str(error).split())[:200]
        raise RunError(f"{folder / WEIGHTS} is not of this network ({why}); restore it, or train again") from error
    return Fitted(architecture, model.eval(), source, target, threads, expansion)
