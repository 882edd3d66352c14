"""Sentences to ids and back: what every kind of tokenizer has in common, and the way to one.

The kinds are in ``unrolled.text.tokenizers``: ``words``, ``characters`` and ``unigram``, the subwords of sentencepiece.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, Protocol, get_args

from unrolled.errors import RunError, SettingsError, nearest
from unrolled.series.words import refuse

PAD, BEGIN, END, UNKNOWN = 0, 1, 2, 3
SPECIAL = ("<pad>", "<s>", "</s>", "<unk>")  # how they are shown beside pieces
UNKNOWN_TEXT = "⁇"  # what an unknown piece is decoded to; U+2047, as sentencepiece has it

Kind = Literal["unigram", "words", "characters"]
KINDS: tuple[Kind, ...] = get_args(Kind)


class Tokenizer(Protocol):
    """What models, search and reports ask of a tokenizer; texts are normal (see ``unrolled.text.corpus.normal``)."""

    kind: Kind

    def __len__(self) -> int:
        """How many ids there are, the special ones among them."""
        ...

    def encode(self, text: str) -> list[int]:
        """The ids of a sentence, without BEGIN and END; none for an empty one."""
        ...

    def encode_many(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of each sentence."""
        ...

    def decode(self, ids: Iterable[int]) -> str:
        """The sentence. PAD, BEGIN and END are nothing, and UNKNOWN is "⁇"."""
        ...

    def pieces(self, ids: Iterable[int]) -> list[str]:
        """What to write beside each id, such as on the axes of an attention map."""
        ...

    def save(self) -> dict[str, Any]:
        """What ``load`` needs, as JSON can say it."""
        ...


def learn(kind: Kind, texts: Iterable[str], size: int, minimum: int = 1) -> tuple[Tokenizer, list[str]]:
    """A tokenizer of at most ``size`` ids learnt from sentences, and what there is to say of it.

    Words and characters seen fewer than ``minimum`` times become unknown. Where the sentences don't support as many
    pieces as asked for, there are fewer, and it is said. The same sentences give the same tokenizer.

    >>> tokenizer, notes = learn("words", ["a rose is a rose", "is it"], size=100)
    >>> tokenizer.encode("it is a tulip"), tokenizer.decode([6, 5, 4, 3, 2])
    ([7, 5, 4, 3], 'rose is a ⁇')
    >>> notes
    ['The vocabulary has 8 words, 4 special ones among them: the text has no more, and might have 100.']

    Raises SettingsError for a kind that there isn't or a size with no room for a piece, DataError for sentences without
    a piece.
    """
    check_kind(kind)
    if size <= len(SPECIAL) or minimum < 1:
        raise SettingsError(
            f"a vocabulary needs at least {len(SPECIAL) + 1} pieces, {len(SPECIAL)} of them special, and a minimum of "
            f"at least 1, got size {size} and minimum {minimum}"
        )
    if kind == "unigram":
        from unrolled.text.tokenizers.unigram import Unigram as Learner
    elif kind == "words":
        from unrolled.text.tokenizers.words import Words as Learner
    else:
        from unrolled.text.tokenizers.characters import Characters as Learner
    tokenizer = Learner.learn(texts, size, minimum)
    if len(tokenizer) <= len(SPECIAL):
        raise refuse(f"the text has no {noun(kind)} that {minimum:,} sentences have; give more text")
    if len(tokenizer) >= size:
        return tokenizer, []
    return tokenizer, [
        f"The vocabulary has {len(tokenizer):,} {noun(kind)}, {len(SPECIAL)} special ones among them: the text has no "
        f"more, and might have {size:,}."
    ]


def load(saved: Mapping[str, Any]) -> Tokenizer:
    """A tokenizer from what its ``save`` gave. Nothing in it is imported or unpickled.

    >>> tokenizer, _ = learn("characters", ["猫が好き"], size=100)
    >>> load(tokenizer.save()).decode(tokenizer.encode("猫が好き"))
    '猫が好き'

    Raises RunError for what no tokenizer saved.
    """
    kind = saved.get("kind")
    if kind == "unigram":
        from unrolled.text.tokenizers.unigram import Unigram

        return Unigram.load(saved)
    if kind == "words":
        from unrolled.text.tokenizers.words import Words

        return Words.load(saved)
    if kind == "characters":
        from unrolled.text.tokenizers.characters import Characters

        return Characters.load(saved)
    raise RunError(
        f"the tokenizer is damaged: its kind should be {', '.join(KINDS)}, and is {repr(kind)[:40]}; train again"
    )


def check_kind(kind: str) -> None:
    """Refuse a kind that there isn't."""
    if kind not in KINDS:
        raise SettingsError(f"there is no tokenizer {repr(kind)[:40]}{nearest(str(kind)[:40], KINDS)}")


def noun(kind: Kind) -> str:
    """What its pieces are called.

    >>> noun("unigram")
    'subwords'
    """
    return {"unigram": "subwords", "words": "words", "characters": "characters"}[kind]
