"""From sources to what is written: search with its options, batch by batch, each sentence on its own.

What is written for a sentence doesn't depend on its neighbours, but for the last bits of sums in batches of another
shape: models read no padding.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

import numpy as np
import torch
from torch import nn

from unrolled.errors import SettingsError
from unrolled.nn.search import Hypothesis, Limits, Tree, beam_search, greedy, sample
from unrolled.text.batching import pad
from unrolled.text.tokenizer import BEGIN, END, PAD, UNKNOWN

Row = Sequence[int] | np.ndarray
EXPANSION, SLACK = 2.0, 10  # an output has at most so many ids for each of its source's, and so many more
AT_ONCE = 4096  # ids of sources times beam in a batch: more gains no speed and takes memory


@dataclass(frozen=True)
class Decoding:
    """How to search: ``beam`` 1 is greedy search; with ``temperature`` tokens are drawn instead, by ``seed`` and the
    sentence.

    An output has at least ``shortest`` ids, by default one, so that only what is empty becomes empty, and at most
    ``longest``, or by default those of its source times the network's expansion (see `decode`), and 10.
    """

    beam: int = 5
    n_best: int = 1
    length_penalty: float = 1.0
    coverage_penalty: float = 0.0
    no_repeat: int | None = None
    shortest: int = 1
    longest: int | None = None
    temperature: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    seed: int = 0

    def __post_init__(self):
        least = {"beam": 1, "n_best": 1, "no_repeat": 1, "shortest": 0, "longest": 1, "top_k": 1, "seed": 0}
        for name, smallest in least.items():
            value = getattr(self, name)
            if value is None and name in ("no_repeat", "longest", "top_k"):
                continue
            if type(value) is not int or value < smallest:
                raise SettingsError(f"{name} has to be a whole number of at least {smallest}, got {str(value)[:40]}")
        for name in ("length_penalty", "coverage_penalty", "temperature", "top_p"):
            value = getattr(self, name)
            if value is None and name in ("temperature", "top_p"):
                continue
            if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
                raise SettingsError(f"{name} has to be a finite number, got {str(value)[:40]}")
        if self.temperature is not None and self.temperature <= 0:
            raise SettingsError(f"temperature has to be above 0, got {self.temperature}; beam=1 is its limit at 0")
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise SettingsError(f"top_p has to be above 0 and at most 1, got {self.top_p}")
        if self.longest is not None and self.longest < self.shortest:
            raise SettingsError(f"longest, {self.longest}, has to be at least shortest, {self.shortest}")
        if self.n_best > self.beam and self.temperature is None:
            raise SettingsError(f"n_best has to be at most the beam, {self.beam}, got {self.n_best}; widen the beam")
        if self.temperature is None and (self.top_k, self.top_p) != (None, None):
            raise SettingsError("top_k and top_p are for sampling; give a temperature, such as 1, as well")

    def limits(self, lengths: Sequence[int], expansion: float = EXPANSION) -> Limits:
        """The limits for sources of these lengths."""
        usual = [max(self.shortest, round(expansion * n) + SLACK) for n in lengths]
        longest = usual if self.longest is None else [self.longest] * len(usual)
        return Limits(BEGIN, END, longest, self.shortest, (PAD, BEGIN, UNKNOWN), self.no_repeat)


def expansion(sources: np.ndarray, targets: np.ndarray) -> float:
    """How many ids of target there may be for one of source: all but a thousandth of the pairs have fewer.

    A letter of Japanese may become four of English, so it is measured on the training part, and is 2 at the least.

    >>> expansion(np.array([10, 20, 30]), np.array([45, 80, 112]))
    3.5
    """
    share = np.quantile((targets - SLACK) / np.maximum(sources, 1), 0.999)
    return max(EXPANSION, float(np.round(share, 1)))


def decode(
    model: nn.Module,
    sources: Sequence[Row],
    decoding: Decoding,
    trees: list[Tree] | None = None,
    expansion: float = EXPANSION,
) -> list[list[Hypothesis]]:
    """The hypotheses of each source, best first; none of an empty one. ``trees``, one a source: see `beam_search`.

    Where ``decoding`` has no ``longest``, there are at most ``expansion`` ids for each one of the source, and 10.
    """
    found: list[list[Hypothesis]] = [[] for _ in sources]
    was_training = model.training
    model.eval()
    with torch.inference_mode():
        for indices in _batches(sources, decoding):
            own = None if trees is None else [trees[i] for i in indices]
            written = _search(model, [sources[i] for i in indices], decoding, own, expansion)
            for i, hypotheses in zip(indices, written, strict=True):
                found[i] = hypotheses
    model.train(was_training)
    return found


def _batches(sources: Sequence[Row], decoding: Decoding) -> Iterator[list[int]]:
    """Sources of like length together."""
    order = sorted((i for i, source in enumerate(sources) if len(source)), key=lambda i: len(sources[i]))
    batch: list[int] = []
    for i in order:
        length = len(sources[i])
        if batch and (len(batch) + 1) * length * decoding.beam > AT_ONCE:
            yield batch
            batch = []
        batch.append(i)
    if batch:
        yield batch


def _search(
    model: Any, sources: list[Row], decoding: Decoding, trees: list[Tree] | None, expansion: float
) -> list[list[Hypothesis]]:
    device = next(model.parameters()).device
    ids, lengths = pad(sources)
    memory, state = model.encode(ids.to(device), lengths.to(device))
    limits = decoding.limits(lengths.tolist(), expansion)
    common: tuple[Any, Any, Any, int, Limits] = (model.step, state, memory, len(sources), limits)

    def normalised(h: Hypothesis) -> Hypothesis:
        return replace(h, score=h.score / len(h.logprobs) ** decoding.length_penalty)  # as beam_search has it

    if decoding.temperature is not None:
        drawn = [
            sample(
                *common,
                temperature=decoding.temperature,
                top_k=decoding.top_k,
                top_p=decoding.top_p,
                generators=[_generator(decoding.seed, k, source) for source in sources],
            )
            for k in range(decoding.n_best)
        ]
        return [sorted(map(normalised, each), key=lambda h: -h.score) for each in zip(*drawn, strict=True)]
    if decoding.beam == 1 and trees is None and not decoding.coverage_penalty:
        return [[normalised(one)] for one in greedy(*common)]
    return beam_search(
        *common,
        beam=decoding.beam,
        n_best=decoding.n_best,
        length_penalty=decoding.length_penalty,
        coverage_penalty=decoding.coverage_penalty,
        trees=trees,
    )


def _generator(seed: int, number: int, source: Row) -> torch.Generator:
    """What a sentence is drawn by: the sentence itself, so that neither its batch nor its neighbours matter."""
    state = np.random.SeedSequence([seed, number, *map(int, source)]).generate_state(1)
    return torch.Generator().manual_seed(int(state[0]))
