"""Adjectives, and what they may be said of.

>>> [a.en for a in ADJECTIVES if "pet" in a.classes]
['cute']
"""

from functools import cache
from typing import NamedTuple

from unrolled.data.phrasebook.dice import Dice
from unrolled.data.phrasebook.japanese import Word
from unrolled.data.phrasebook.nouns import Thing


class Adjective(NamedTuple):
    """An adjective with the classes of things that it describes; ``before`` a noun, or ``after`` it, or both."""

    en: str
    word: Word
    classes: frozenset[str]
    before: bool
    after: bool


_ADJECTIVES = """
delicious|おいしい i|dish fruit sweet hot|ba
expensive|高い i|goods clothes machine furniture car bicycle|ba
cheap|安い i|goods clothes furniture dishware|a
big|大きい i|box bag desk dog room house fruit|ba
small|小さい i|box bag desk dog room house camera|ba
new|新しい i|goods clothes machine own print furniture|ba
old|古い i|goods machine own print furniture house|ba
interesting|面白い i|reading watching subject|ba
boring|つまらない i|reading watching|a
difficult|難しい i|reading language subject lesson|ba
easy|簡単 na|lesson language|ba
easy|易しい i|lesson|ba
red|赤い i|clothes umbrella bag box own flower|b
white|白い i|clothes umbrella bag cat rabbit flower box|b
black|黒い i|clothes umbrella bag cat dog car wallet|b
blue|青い i|clothes umbrella bag car box|b
heavy|重い i|box bag computer desk|ba
light|軽い i|bag camera chair umbrella|ba
beautiful|きれい na|flower picture kimono photo plate|ba
beautiful|美しい i|picture song|ba
cute|かわいい i|pet bag|ba
useful|便利 na|dictionary map camera notebook|ba
convenient|便利 na|car bicycle|a
long|長い i|novel report letter movie|ba
sad|悲しい i|novel movie song drama|b
warm|暖かい i|warm|ba
quiet|静か na|room|ba
good|いい i|reading watching own camera watch|ba
"""


def _rows() -> tuple[Adjective, ...]:
    rows = [line.split("|") for line in _ADJECTIVES.strip().splitlines()]
    return tuple(
        Adjective(en, Word(*word.split()), frozenset(classes.split()), "b" in where, "a" in where)
        for en, word, classes, where in rows
    )


ADJECTIVES: tuple[Adjective, ...] = _rows()


@cache
def fitting(thing: Thing, *, before: bool) -> tuple[Adjective, ...]:
    """The adjectives that may stand before this thing, or be said of it."""
    named = {thing.en, *thing.classes}
    return tuple(a for a in ADJECTIVES if a.classes & named and (a.before if before else a.after))


def describing(dice: Dice, thing: Thing) -> Adjective | None:
    """An adjective to stand before the thing; None where there is none."""
    choices = fitting(thing, before=True)
    return dice.pick(choices) if choices else None
