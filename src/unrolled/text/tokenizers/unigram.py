"""Subwords by sentencepiece's unigram language model, learnt with the translator and kept in its run.

Source: Kudo 2018, "Subword regularization", section 3.2; Kudo & Richardson 2018, "SentencePiece".
"""

import base64
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from unrolled.errors import RunError, SettingsError
from unrolled.series.words import refuse
from unrolled.text.tokenizer import BEGIN, END, PAD, SPECIAL, UNKNOWN, UNKNOWN_TEXT, Kind

if TYPE_CHECKING:
    pass

BYTES = 256  # pieces that stand for a byte each
SENTENCES = 50_000  # at most that pieces are learnt from, evenly spaced: 9 s of a CPU, if of 20 characters
SMALLEST = 2 * (len(SPECIAL) + BYTES)


class Unigram:
    """Pieces of words, so frequent ones stay whole and rare ones are spelt.

    Text isn't rewritten (sentencepiece's own default turns full-width digits into ASCII), so that every text comes
    back exactly, ``decode(encode(text)) == text``, but for U+2581 "▁", sentencepiece's sign for a space. What has no
    piece is spelt in bytes. Measured on Japanese without spaces, 500 sentences of dev: without those 256 pieces, 9 had
    an unknown character with 2,000 pieces learnt from 10,000 sentences, and 1 with 8,000 from 50,000; with them none
    has, and sentences are 9% and 0.5% longer.

    >>> unigram = Unigram.learn(["the cat sat on the mat", "the hat", "that cat"] * 9, size=600)
    >>> unigram.decode(unigram.encode("the dog １２ 👩‍👩‍👧 שלום"))
    'the dog １２ 👩‍👩‍👧 שלום'
    """

    kind: Kind = "unigram"

    def __init__(self, model: bytes):
        from sentencepiece import SentencePieceProcessor, set_min_log_level

        set_min_log_level(3)  # errors come as exceptions; stderr is for progress
        self.model = model
        self._processor: SentencePieceProcessor = SentencePieceProcessor(model_proto=model)

    @classmethod
    def learn(cls, texts: Iterable[str], size: int, minimum: int = 1) -> "Unigram":
        """``minimum`` is of no use here: what is rare is spelt."""
        from sentencepiece import SentencePieceTrainer

        if size < SMALLEST:
            raise SettingsError(
                f"a vocabulary of subwords needs at least {SMALLEST} pieces, {BYTES} of them for bytes, got {size}; "
                "ask for more, or for characters"
            )
        # A zero byte is a control sign of sentencepiece's trainer, and no file that we read has one.
        lines = [text.replace("\0", " ") for text in texts if text]
        lines = lines[:: -(-len(lines) // SENTENCES)] if lines else lines
        counts = Counter[str]()
        for line in lines:
            counts.update(line)
        if not counts:
            raise refuse("there is no text to learn subwords from; give sentences")
        room = (size - len(SPECIAL) - BYTES) // 2  # half is left for longer pieces
        if rare := {ord(character): "\n" for character, _ in counts.most_common()[room:]}:  # these are spelt in bytes
            lines = [part for line in lines for part in line.translate(rare).split("\n") if part]
        model = io.BytesIO()
        try:
            SentencePieceTrainer.train(
                sentence_iterator=iter(lines),
                model_writer=model,
                model_type="unigram",
                vocab_size=size,
                hard_vocab_limit=False,
                normalization_rule_name="identity",
                remove_extra_whitespaces=False,
                # In a text without spaces, one in front would make other pieces of a sentence's first word.
                add_dummy_prefix=counts[" "] * 20 > counts.total(),
                byte_fallback=True,
                character_coverage=1.0,
                max_sentence_length=1 << 20,
                pad_id=PAD,
                bos_id=BEGIN,
                eos_id=END,
                unk_id=UNKNOWN,
                unk_surface=UNKNOWN_TEXT,
                num_threads=1,  # the same pieces each time
                minloglevel=3,
            )
        except RuntimeError as error:
            raise refuse(f"no subwords can be learnt from this text ({str(error)[:120]}); give more") from error
        return cls(model.getvalue())

    @classmethod
    def load(cls, saved: Mapping[str, Any]) -> "Unigram":
        try:
            loaded = cls(base64.b64decode(saved["model"], validate=True))
            whole = [loaded._processor.piece_to_id(name) for name in SPECIAL] == [PAD, BEGIN, END, UNKNOWN]
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise RunError(
                f"the tokenizer of subwords is damaged: its model can't be read ({error!r:.80}); train again"
            ) from error
        if not whole:
            raise RunError("the tokenizer of subwords is damaged: its special pieces have other ids; train again")
        return loaded

    def save(self) -> dict[str, Any]:
        return {"kind": "unigram", "model": base64.b64encode(self.model).decode()}

    def __len__(self) -> int:
        return len(self._processor)

    def encode(self, text: str) -> list[int]:
        return self.encode_many([text])[0]

    def encode_many(self, texts: Sequence[str]) -> list[list[int]]:
        # Half a surrogate pair, which no UTF-8 file has but a Python string may, is no text to sentencepiece.
        return self._processor.encode([text.encode("utf-8", "replace").decode() for text in texts], num_threads=1)

    def decode(self, ids: Iterable[int]) -> str:
        return self._processor.decode([int(i) for i in ids])

    def pieces(self, ids: Iterable[int]) -> list[str]:
        return [self._processor.id_to_piece(int(i)) for i in ids]
