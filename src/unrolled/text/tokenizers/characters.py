"""Characters, that is Unicode's code points, spaces among them: for very small corpora."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from unrolled.text.tokenizer import Kind
from unrolled.text.tokenizers.vocabulary import Vocabulary


class Characters:
    """The most frequent characters of a text; all others are unknown.

    For known characters, ``decode(encode(text)) == text`` exactly. A space is shown as "▁".

    >>> characters = Characters.learn(["to be"], size=100)
    >>> characters.pieces(characters.encode("to bo x"))
    ['t', 'o', '▁', 'b', 'o', '▁', '<unk>']
    """

    kind: Kind = "characters"

    def __init__(self, vocabulary: Vocabulary):
        self.vocabulary = vocabulary

    @classmethod
    def learn(cls, texts: Iterable[str], size: int, minimum: int = 1) -> "Characters":
        counts = Counter[str]()
        for text in texts:
            counts.update(text)
        return cls(Vocabulary.count(counts, size, minimum))

    @classmethod
    def load(cls, saved: Mapping[str, Any]) -> "Characters":
        return cls(Vocabulary.load("characters", saved))

    def save(self) -> dict[str, Any]:
        return self.vocabulary.save("characters")

    def __len__(self) -> int:
        return len(self.vocabulary)

    def encode(self, text: str) -> list[int]:
        return self.vocabulary.encode(text)

    def encode_many(self, texts: Sequence[str]) -> list[list[int]]:
        return [self.encode(text) for text in texts]

    def decode(self, ids: Iterable[int]) -> str:
        return "".join(self.vocabulary.decode(ids))

    def pieces(self, ids: Iterable[int]) -> list[str]:
        return ["▁" if piece == " " else piece for piece in self.vocabulary.pieces(ids)]
