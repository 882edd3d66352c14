"""Words as whitespace separates them: for text that is split already."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from unrolled.text.tokenizer import Kind
from unrolled.text.tokenizers.vocabulary import Vocabulary


class Words:
    """The most frequent words of a text; all others are unknown.

    For known words, ``decode(encode(text)) == text`` but for runs of whitespace, which come back as one space.

    >>> words = Words.learn(["a rose is a rose"], size=7)
    >>> words.pieces(words.encode("is a rose red")), words.decode(words.encode("a  rose"))
    (['is', 'a', 'rose', '<unk>'], 'a rose')
    """

    kind: Kind = "words"

    def __init__(self, vocabulary: Vocabulary):
        self.vocabulary = vocabulary

    @classmethod
    def learn(cls, texts: Iterable[str], size: int, minimum: int = 1) -> "Words":
        counts = Counter[str]()
        for text in texts:
            counts.update(text.split())
        return cls(Vocabulary.count(counts, size, minimum))

    @classmethod
    def load(cls, saved: Mapping[str, Any]) -> "Words":
        return cls(Vocabulary.load("words", saved))

    def save(self) -> dict[str, Any]:
        return self.vocabulary.save("words")

    def __len__(self) -> int:
        return len(self.vocabulary)

    def encode(self, text: str) -> list[int]:
        return self.vocabulary.encode(text.split())

    def encode_many(self, texts: Sequence[str]) -> list[list[int]]:
        return [self.encode(text) for text in texts]

    def decode(self, ids: Iterable[int]) -> str:
        return " ".join(self.vocabulary.decode(ids))

    def pieces(self, ids: Iterable[int]) -> list[str]:
        return self.vocabulary.pieces(ids)
