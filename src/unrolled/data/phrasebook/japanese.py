"""How Japanese words inflect: verbs, い- and な-adjectives, and the copula.

>>> finite(Word("食べる", "1"), polite=True, past=True, negative=True)
'食べませんでした'
>>> finite(desire(Word("行く", "5")), polite=False, past=True)
'行きたかった'

A word is its dictionary form and its kind: "5" godan, "1" ichidan, "s" する, "k" 来る, "i" and "na" adjectives, and
"n" a noun with the copula. The words い-adjectives and nouns are written without the copula: 高い, 静か, 学生.
"""

from typing import NamedTuple

# last kana of the dictionary form: its rows a, i, e and o, and the beginnings of the te- and the ta-form
_GODAN = {
    "う": ("わ", "い", "え", "お", "って", "った"),
    "く": ("か", "き", "け", "こ", "いて", "いた"),
    "ぐ": ("が", "ぎ", "げ", "ご", "いで", "いだ"),
    "す": ("さ", "し", "せ", "そ", "して", "した"),
    "つ": ("た", "ち", "て", "と", "って", "った"),
    "ぬ": ("な", "に", "ね", "の", "んで", "んだ"),
    "ぶ": ("ば", "び", "べ", "ぼ", "んで", "んだ"),
    "む": ("ま", "み", "め", "も", "んで", "んだ"),
    "る": ("ら", "り", "れ", "ろ", "って", "った"),
}
VERBS = ("5", "1", "s", "k")


class Word(NamedTuple):
    """A word that inflects: its dictionary form and its kind."""

    text: str
    kind: str


def stem(word: Word) -> str:
    """The stem before ます: 書き, 食べ, し, 来."""
    text, kind = word
    if kind == "5":
        return text[:-1] + _GODAN[text[-1]][1]
    return text[:-2] + "し" if kind == "s" else text[:-1]


def negative_stem(word: Word) -> str:
    """What stands before ない: 書か, 食べ, し, 来, and for adjectives 高く, 静かじゃ."""
    text, kind = word
    if kind == "5":
        return text[:-2] if text.endswith("ある") else text[:-1] + _GODAN[text[-1]][0]
    if kind == "i":
        return _good(text)[:-1] + "く"
    return text + "じゃ" if kind in {"na", "n"} else stem(word)


def te(word: Word) -> str:
    """The te-form: 書いて, 食べて, して, 高くて, 静かで."""
    text, kind = word
    if kind == "5":
        return text[:-1] + ("って" if text.endswith("行く") else _GODAN[text[-1]][4])
    if kind == "i":
        return _good(text)[:-1] + "くて"
    return text + "で" if kind in {"na", "n"} else stem(word) + "て"


def ta(word: Word) -> str:
    """The plain past: 書いた, 食べた, した, 高かった, 静かだった."""
    text, kind = word
    if kind == "5":
        return text[:-1] + ("った" if text.endswith("行く") else _GODAN[text[-1]][5])
    if kind == "i":
        return _good(text)[:-1] + "かった"
    return text + "だった" if kind in {"na", "n"} else stem(word) + "た"


def finite(word: Word, *, polite: bool = False, past: bool = False, negative: bool = False) -> str:
    """The form that ends a sentence: polite (食べます, 高いです) or plain (食べる, 高い)."""
    if word.kind in VERBS:
        if not polite:
            if negative:
                return negative_stem(word) + ("なかった" if past else "ない")
            return ta(word) if past else word.text
        return stem(word) + {(0, 0): "ます", (1, 0): "ました", (0, 1): "ません", (1, 1): "ませんでした"}[past, negative]
    if word.kind == "i":
        if negative:
            ending = "なかった" if past else "ない"
            return negative_stem(word) + ending + ("です" if polite else "")
        return (ta(word) if past else word.text) + ("です" if polite else "")
    plain = {(0, 0): "だ", (1, 0): "だった", (0, 1): "じゃない", (1, 1): "じゃなかった"}
    formal = {(0, 0): "です", (1, 0): "でした", (0, 1): "ではありません", (1, 1): "ではありませんでした"}
    return word.text + (formal if polite else plain)[past, negative]


def before_noun(word: Word, *, past: bool = False, negative: bool = False) -> str:
    """The form before a noun: 食べた(人), 高い(山), 静かな(町), 学生の(時)."""
    if word.kind in {"na", "n"} and not past and not negative:
        return word.text + ("な" if word.kind == "na" else "の")
    return finite(word, past=past, negative=negative)


def before_no(word: Word, *, past: bool = False, negative: bool = False) -> str:
    """The form before の and ので: that of before_noun, but 学生な(ので)."""
    if word.kind == "n" and not past and not negative:
        return word.text + "な"
    return before_noun(word, past=past, negative=negative)


def tara(word: Word) -> str:
    """The conditional: 食べたら, 高かったら, 静かだったら."""
    return ta(word) + "ら"


def volitional(word: Word, *, polite: bool = False) -> str:
    """Let us: 行きましょう, 行こう."""
    if polite:
        return stem(word) + "ましょう"
    if word.kind == "5":
        return word.text[:-1] + _GODAN[word.text[-1]][3] + "う"
    return stem(word) + "よう"


def potential(word: Word) -> Word:
    """The verb that says that it can be done: 書ける, 食べられる, できる, 来られる."""
    text, kind = word
    if kind == "5":
        return Word(text[:-1] + _GODAN[text[-1]][2] + "る", "1")
    return Word(text[:-2] + "できる" if kind == "s" else text[:-1] + "られる", "1")


def desire(word: Word) -> Word:
    """The adjective of wanting to: 食べたい."""
    return Word(stem(word) + "たい", "i")


def others_desire(word: Word) -> Word:
    """The same of a third person, whose wishes are only seen: 食べたがっている."""
    return Word(stem(word) + "たがっている", "1")


def progressive(word: Word) -> Word:
    """Going on, or the state that a change has left: 食べている, 知っている."""
    return Word(te(word) + "いる", "1")


def _good(text: str) -> str:
    """いい inflects as よい; かわいい only ends like it."""
    return text[:-2] + "よい" if text.endswith("いい") and not text.endswith("わいい") else text
