"""Encoded sentences, and batches of them: sentences of like length together, by tokens.

Dimensions: batch, the sentences; time, the ids of one.
"""

from array import array
from collections.abc import Iterable, Sequence
from itertools import chain, islice

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from unrolled.errors import SettingsError, ShapeError
from unrolled.text.tokenizer import PAD, Tokenizer


class Encoded:
    """Sentences as ids, all in one array: 4 bytes an id and 8 a sentence.

    >>> rows = Encoded([[5, 6, 7], [8]])
    >>> len(rows), rows[1], rows.lengths
    (2, array([8], dtype=int32), array([3, 1]))
    """

    def __init__(self, rows: Iterable[Sequence[int]]):
        ids, offsets = array("i"), array("q", [0])
        for row in rows:
            ids.extend(row)
            offsets.append(len(ids))
        self.ids = np.frombuffer(ids, np.int32) if ids else np.empty(0, np.int32)  # (all ids,)
        self.offsets = np.frombuffer(offsets, np.int64)  # (sentences + 1,), where each begins

    @classmethod
    def of(cls, tokenizer: Tokenizer, texts: Iterable[str]) -> "Encoded":
        """Encode a stream of texts, a thousand at a time."""
        stream = iter(texts)
        some = iter(lambda: list(islice(stream, 1000)), [])
        return cls(chain.from_iterable(map(tokenizer.encode_many, some)))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, i: int) -> np.ndarray:
        return self.ids[self.offsets[i] : self.offsets[i + 1]]

    @property
    def lengths(self) -> np.ndarray:
        """How many ids each sentence has: int64 (sentences,)."""
        return np.diff(self.offsets)

    def take(self, indices: Iterable[int] | Tensor) -> list[np.ndarray]:
        """The rows at ``indices``, ready to be padded."""
        numbers = indices.tolist() if isinstance(indices, Tensor) else indices
        return [self[int(i)] for i in numbers]


def pad(rows: Sequence[Sequence[int] | np.ndarray]) -> tuple[Int[Tensor, "batch time"], Int[Tensor, " batch"]]:
    """Rows of different length as one tensor, filled up with PAD at the end, and their lengths.

    >>> pad([[5, 6, 7], [8]])
    (tensor([[5, 6, 7],
            [8, 0, 0]]), tensor([3, 1]))

    Raises ShapeError where there is no row.
    """
    if not len(rows):
        raise ShapeError("a batch needs at least one row, got none")
    lengths = [len(row) for row in rows]
    padded = np.full((len(rows), max(lengths)), PAD, np.int64)
    for row, place, length in zip(rows, padded, lengths, strict=True):
        place[:length] = row
    return torch.from_numpy(padded), torch.tensor(lengths)


class Batches:
    """Which examples go together, epoch by epoch.

    Examples are sorted by the length of the target, then of the source; equal ones are shuffled, a batch is filled
    until one more would make it too large, and the batches are shuffled. Sorted lengths are the same in every epoch,
    and so are the cuts: only who stands beside whom changes, and the order. A batch of B sentences has at most
    ``sentences`` of them, and::

        B · max(longest source, longest target)  ≤  tokens

    but for a sentence longer than ``tokens``, which is a batch of its own. Lengths are those given; what the model
    adds, such as END, isn't counted.

    >>> batches = Batches(np.array([3, 4, 9, 2]), np.array([3, 3, 8, 2]), tokens=9)
    >>> len(batches), [sorted(batch.tolist()) for batch in batches.epoch(0, seed=0)]
    (3, [[1], [2], [0, 3]])

    Raises ShapeError for lengths that aren't as many on both sides, SettingsError for limits below 1.
    """

    def __init__(
        self, source_lengths: np.ndarray, target_lengths: np.ndarray, *, tokens: int = 2048, sentences: int = 128
    ):
        if source_lengths.shape != target_lengths.shape or source_lengths.ndim != 1 or not len(source_lengths):
            raise ShapeError(
                "batches need a length of source and target for each example, (examples,), got "
                f"{source_lengths.shape} and {target_lengths.shape}"
            )
        if tokens < 1 or sentences < 1:
            raise SettingsError(f"a batch has at least 1 token and 1 sentence, got {tokens} and {sentences}")
        self.source_lengths, self.target_lengths = source_lengths, target_lengths
        order = np.lexsort((source_lengths, target_lengths))
        longer = np.maximum(source_lengths, target_lengths)[order].tolist()
        self._cuts, first, width = [0], 0, 0
        for i, length in enumerate(longer):
            width = max(width, length)
            if i > first and ((i + 1 - first) * width > tokens or i - first == sentences):
                self._cuts.append(i)
                first, width = i, length
        self._cuts.append(len(longer))

    def __len__(self) -> int:
        """Batches an epoch: the same in each."""
        return len(self._cuts) - 1

    def epoch(self, number: int, seed: int) -> list[Int[Tensor, " batch"]]:
        """The examples of each batch of an epoch, every example once; depends on the number and the seed alone."""
        random = np.random.default_rng([seed, number])
        order = np.lexsort((random.random(len(self.source_lengths)), self.source_lengths, self.target_lengths))
        examples = torch.from_numpy(order)
        return [examples[self._cuts[k] : self._cuts[k + 1]] for k in random.permutation(len(self)).tolist()]
