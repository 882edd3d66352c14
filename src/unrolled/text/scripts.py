"""How a language is written, seen from a sample of its sentences: which script, and are its words apart?"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Script = Literal["japanese", "chinese", "korean", "unspaced", "spaced"]

_KANA = re.compile("[\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f]")
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af]")
_HANGUL = re.compile("[\u1100-\u11ff\u3130-\u318f\uac00-\ud7af]")
_UNSPACED = re.compile("[\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff]")  # Thai, Lao, Tibetan, Burmese, Khmer
_LETTER = re.compile(r"[^\W\d_]")
_END = re.compile(r"[.,!?;:。、！？…]")
_GAPS = 1 / 6  # spaces between characters, a share; split words of a script without spaces have 1/2, sentences 1/20


@dataclass(frozen=True)
class Writing:
    """``script``; ``words``: whether spaces stand between words; ``split``: whether punctuation is apart too."""

    script: Script
    words: bool
    split: bool


def writing(texts: Iterable[str]) -> Writing:
    """How the sentences are written.

    >>> writing(["I missed the last train.", "Good night, Tom."])
    Writing(script='spaced', words=True, split=False)
    >>> writing(["i missed the last train .", "good night , tom ."])
    Writing(script='spaced', words=True, split=True)
    >>> writing(["終電に乗り遅れた。", "おやすみなさい、トム。"])
    Writing(script='japanese', words=False, split=False)
    >>> writing(["終電 に 乗り遅れ た 。", "おやすみ なさ い 、 トム 。"])
    Writing(script='japanese', words=True, split=True)
    """
    counts, places, gaps, apart, attached = Counter[str](), 0, 0, 0, 0
    for text in texts:
        for name, pattern in (("kana", _KANA), ("han", _HAN), ("hangul", _HANGUL), ("unspaced", _UNSPACED)):
            counts[name] += len(pattern.findall(text))
        counts["letters"] += len(_LETTER.findall(text))
        if not (found := text.split()):
            continue
        places, gaps = places + sum(map(len, found)) - 1, gaps + len(found) - 1
        for word in found:
            if _END.search(word[-1]):
                alone = len(word) == 1 or all(_END.match(c) for c in word)
                apart, attached = apart + alone, attached + (not alone)
    script = _script(counts)
    words = script in ("spaced", "korean") or gaps >= _GAPS * places > 0
    return Writing(script, words, words and apart >= 9 * attached)


def _script(counts: Counter[str]) -> Script:
    half = counts["letters"] / 2
    if counts["kana"] + counts["han"] > half:
        return "japanese" if 10 * counts["kana"] > counts["han"] else "chinese"
    if counts["hangul"] > half:
        return "korean"
    # Vowels and tones of these scripts are marks, not letters, so they are counted for both.
    return "unspaced" if counts["unspaced"] > half > 0 else "spaced"
