"""A list of pieces, each with its id: what words and characters are both made of."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from unrolled.errors import RunError
from unrolled.text.tokenizer import BEGIN, END, PAD, SPECIAL, UNKNOWN, UNKNOWN_TEXT, Kind


class Vocabulary:
    """Pieces and their ids, the special ones first."""

    def __init__(self, pieces: list[str]):
        self.names = pieces
        self.ids = {piece: i for i, piece in enumerate(pieces, len(SPECIAL))}

    @classmethod
    def count(cls, counts: Counter[str], size: int, minimum: int) -> "Vocabulary":
        """The most frequent pieces, those of equal count in the order of their code points."""
        kept = sorted((piece for piece, n in counts.items() if n >= minimum), key=lambda piece: (-counts[piece], piece))
        return cls(kept[: size - len(SPECIAL)])

    @classmethod
    def load(cls, kind: Kind, saved: Mapping[str, Any]) -> "Vocabulary":
        """From what ``save`` gave. Raises RunError for anything else."""
        pieces = saved.get("pieces")
        if not isinstance(pieces, list) or not all(isinstance(piece, str) and piece for piece in pieces):
            raise RunError(f"the tokenizer of {kind} is damaged: its pieces should be a list of texts; train again")
        if len(set(pieces)) != len(pieces):
            raise RunError(f"the tokenizer of {kind} is damaged: a piece is there twice; train again")
        return cls(pieces)

    def save(self, kind: Kind) -> dict[str, Any]:
        return {"kind": kind, "pieces": self.names}

    def __len__(self) -> int:
        return len(SPECIAL) + len(self.names)

    def encode(self, pieces: Iterable[str]) -> list[int]:
        get = self.ids.get
        return [get(piece, UNKNOWN) for piece in pieces]

    def decode(self, ids: Iterable[int]) -> list[str]:
        """The pieces of a sentence, without PAD, BEGIN and END."""
        kept = (i for i in ids if i not in (PAD, BEGIN, END))
        return [UNKNOWN_TEXT if i == UNKNOWN else self.names[i - len(SPECIAL)] for i in kept]

    def pieces(self, ids: Iterable[int]) -> list[str]:
        return [SPECIAL[i] if i < len(SPECIAL) else self.names[i - len(SPECIAL)] for i in ids]
