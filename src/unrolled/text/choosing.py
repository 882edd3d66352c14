"""Which tokenizer suits a corpus: by its size and scripts, with the reason in words."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from unrolled.text.corpus import Corpus
from unrolled.text.scripts import writing
from unrolled.text.tokenizer import SPECIAL, Kind, Tokenizer, check_kind, learn, noun

SAMPLE = 200_000  # pairs at most that vocabularies are learnt from, evenly spaced
MOST_WORDS = 30_000  # kinds of words; the output layer costs as much as all the rest at some 10,000
UNKNOWN_WORDS = 0.03  # share of the running words that may be unknown, else subwords
FEW = 2_000  # pairs; below, subwords are learnt from too little to be more than characters
ONCE = 10_000  # pairs; from here on, words seen once become unknown, so that the model learns what unknown means
SUBWORDS = ((10_000, 2_000), (50_000, 4_000), (500_000, 8_000), (2_000_000, 16_000))  # up to so many pairs, so many
MOST_SUBWORDS = 32_000


@dataclass(frozen=True)
class Plan:
    """What is to be learnt of one side, and why."""

    kind: Kind
    size: int
    minimum: int
    why: str
    kinds: int = 0  # of words, where they were counted


@dataclass(frozen=True)
class Choice:
    """What is to be learnt of both sides, and why, in words that follow "because"."""

    source: Plan
    target: Plan
    why: str

    def learn(self, corpus: Corpus) -> tuple[Tokenizer, Tokenizer, list[str]]:
        """Both tokenizers, and what there is to say of them."""
        sample = corpus.sample(SAMPLE)
        learnt, notes = [], []
        for side, plan, texts in (
            ("source", self.source, sample.sources()),
            ("target", self.target, sample.targets()),
        ):
            tokenizer, said = learn(plan.kind, texts, plan.size, plan.minimum)
            learnt.append(tokenizer)
            notes += [f"{side.capitalize()}: {note[0].lower()}{note[1:]}" for note in said]
        return *learnt, notes


def choose(corpus: Corpus, kind: Kind | None = None, size: int | None = None) -> Choice:
    """The tokenizers for a corpus; ``kind`` and ``size``, where given, are taken as they are.

    - Words are separated by spaces and punctuation stands apart, as in text that was split before: **words**, if at
      most 3% of the running ones are none of the 30,000 most frequent kinds.
    - Else **subwords**, 2,000 to 32,000 as the corpus grows; a small corpus learns few pieces well (Sennrich & Zhang
      2019, "Revisiting low-resource neural machine translation").
    - Else, with fewer than 2,000 pairs, **characters**.

    >>> corpus = Corpus(["i am here .", "you are ."] * 2, ["私 は いる 。", "君 は いる 。"] * 2, name="few")
    >>> choose(corpus).why
    'words are separated by spaces in both files; 6 and 5 kinds of words'
    >>> choose(Corpus(["I am here."], ["私はいる。"], name="one")).why
    'source: a corpus of 1 pair is too small for subwords; target: a corpus of 1 pair is too small for subwords'

    Raises SettingsError for a kind that there isn't.
    """
    if kind is not None:
        check_kind(kind)
    sample = corpus.sample(SAMPLE)
    source, target = (_side(texts, len(corpus), kind, size) for texts in (sample.sources, sample.targets))
    if source.kind == target.kind == "words" and kind is None:
        unknown = "; those seen once become unknown" if source.minimum > 1 else ""
        kinds = f"{source.kinds:,} and {target.kinds:,} kinds of words"
        return Choice(source, target, f"words are separated by spaces in both files; {kinds}{unknown}")
    if source.why == target.why and kind is not None:
        return Choice(source, target, source.why)
    return Choice(source, target, f"source: {source.why}; target: {target.why}")


def _side(texts: Callable[[], Iterator[str]], pairs: int, asked: Kind | None, size: int | None) -> Plan:
    """The plan for one side; ``texts()`` begins its stream."""
    minimum = 2 if pairs >= ONCE else 1
    if asked is not None:
        sizes: dict[Kind, int] = {"words": MOST_WORDS, "characters": MOST_WORDS, "unigram": _subwords(pairs)}
        return Plan(asked, size or sizes[asked], minimum, f"{noun(asked)}, as asked for")
    written = writing(text for text, _ in zip(texts(), range(1000), strict=False))
    if written.split:
        counts = Counter[str]()
        for text in texts():
            counts.update(text.split())
        kept = sorted((n for n in counts.values() if n >= minimum), reverse=True)[: size or MOST_WORDS]
        if sum(kept) >= (1 - UNKNOWN_WORDS) * counts.total():
            why = f"words are separated by spaces, of {len(counts):,} kinds"
            why += ", and those seen once become unknown" if minimum > 1 else ""
            return Plan("words", size or len(kept) + len(SPECIAL), minimum, why, len(counts))
        share = 1 - sum(kept) / counts.total()
        reason = f"the {len(kept):,} most frequent of {len(counts):,} kinds of words leave {share:.0%} unknown"
    elif written.words:
        reason = "words are separated by spaces, but punctuation is attached to them"
    else:
        reason = "no spaces stand between words"
    if pairs < FEW:
        few = f"a corpus of {pairs:,} pair{'s' if pairs > 1 else ''} is too small for subwords"
        return Plan("characters", size or MOST_WORDS, 1, few)
    size = size or _subwords(pairs)
    return Plan("unigram", size, minimum, f"{reason}, so {size:,} subwords")


def _subwords(pairs: int) -> int:
    return next((size for limit, size in SUBWORDS if pairs < limit), MOST_SUBWORDS)
