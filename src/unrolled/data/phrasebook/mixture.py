"""How often each kind of sentence is drawn."""

from bisect import bisect
from collections.abc import Callable
from contextlib import suppress
from itertools import accumulate

from unrolled.data.phrasebook import (
    amounts,
    asking,
    contrast,
    doing,
    joined,
    qualities,
    reasons,
    relative,
    speech,
    stories,
    told,
)
from unrolled.data.phrasebook.dice import Dice
from unrolled.data.phrasebook.phrases import Retry, Talk
from unrolled.data.phrasebook.taste import odd
from unrolled.data.phrasebook.told import Pair

KINDS: tuple[tuple[float, Callable[[Talk], Pair]], ...] = (
    (7, told.told_past), (4, told.told_future), (4, told.told_daily), (3, told.told_now), (3, told.wanted),
    (3, told.owed), (1, told.skilled), (3, asking.asked_for), (3, asking.asked), (3, asking.asked_what),
    (2.5, doing.given), (4, doing.went), (2, doing.errand), (1.2, doing.experienced), (1.5, doing.already),
    (1.2, doing.wearing), (1, doing.lives), (1.2, qualities.quality), (1.2, qualities.trait), (0.7, qualities.job),
    (1.5, qualities.liked), (1.5, amounts.exists), (0.8, amounts.people_there), (1, qualities.owned),
    (1, qualities.compared), (1, amounts.priced), (1.6, amounts.measured), (1.8, amounts.dated),
    (0.8, amounts.weather), (1, qualities.knows), (4, reasons.because), (2, reasons.although),
    (1.5, reasons.supposed), (1.5, joined.in_order), (1.5, joined.meanwhile), (2, joined.when_it_happened),
    (1.5, joined.as_a_child), (1, reasons.whenever), (2.5, contrast.contrast), (4.5, reasons.both_reasons),
    (0.8, contrast.rather), (1.5, relative.relative_quality), (1, relative.relative_this),
    (1, relative.relative_where), (1.5, relative.relative_object), (2, relative.relative_person),
    (0.6, relative.relative_deep), (3, speech.said), (0.5, speech.said_deep), (2, speech.thought),
    (1, speech.wondered), (2, speech.quoted), (2, stories.short_day), (4, stories.day), (4, stories.long_day),
    (3.5, stories.reasoned_day), (1, stories.two_of_family), (2.5, stories.whole_family), (3.5, stories.week),
    (2.5, stories.shopping), (0.7, stories.long_shopping), (4.5, stories.two_days),
)  # fmt: skip
_ENDS = list(accumulate(weight for weight, _ in KINDS))


def drawn(dice: Dice) -> tuple[str, str, set[str]]:
    """One sentence on both sides, with its tags: one that somebody would say."""
    _, kind = KINDS[bisect(_ENDS, dice.share() * _ENDS[-1])]
    while True:
        talk = Talk(dice)
        with suppress(Retry):
            english, japanese = kind(talk)
            if not odd(english):
                return english, japanese, talk.tags
