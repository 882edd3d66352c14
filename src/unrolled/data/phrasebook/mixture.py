"""How often each kind of sentence is drawn."""

from bisect import bisect
from collections.abc import Callable
from contextlib import suppress
from itertools import accumulate

from unrolled.data.phrasebook import links, nested, patterns, states, stories
from unrolled.data.phrasebook.dice import Dice
from unrolled.data.phrasebook.patterns import Pair
from unrolled.data.phrasebook.phrases import Retry, Talk
from unrolled.data.phrasebook.taste import odd

KINDS: tuple[tuple[float, Callable[[Talk], Pair]], ...] = (
    (7, patterns.told_past), (4, patterns.told_future), (4, patterns.told_daily), (3, patterns.told_now),
    (3, patterns.wanted), (3, patterns.owed), (1, patterns.skilled), (3, patterns.asked_for),
    (3, patterns.asked), (3, patterns.asked_what), (2.5, patterns.given), (4, patterns.went), (2, patterns.errand),
    (1.2, patterns.experienced), (1.5, patterns.already), (1.2, patterns.wearing), (1, patterns.lives),
    (1.2, states.quality), (1.2, states.trait), (0.7, states.job), (1.5, states.liked), (1.5, states.exists),
    (0.8, states.people_there), (1, states.owned), (1, states.compared), (1, states.priced), (1.6, states.measured),
    (1.8, states.dated), (0.8, states.weather), (1, states.knows),
    (4, links.because), (2, links.although), (1.5, links.supposed), (1.5, links.in_order), (1.5, links.meanwhile),
    (2, links.when_it_happened), (1.5, links.as_a_child), (1, links.whenever), (2.5, links.contrast),
    (4.5, links.both_reasons), (0.8, links.rather),
    (1.5, nested.relative_quality), (1, nested.relative_this), (1, nested.relative_where), (1.5, nested.relative_object),
    (2, nested.relative_person), (0.6, nested.relative_deep), (3, nested.said), (0.5, nested.said_deep),
    (2, nested.thought), (1, nested.wondered), (2, nested.quoted),
    (2, stories.short_day), (4, stories.day), (4, stories.long_day), (3.5, stories.reasoned_day),
    (1, stories.two_of_family), (2.5, stories.whole_family), (3.5, stories.week), (2.5, stories.shopping),
    (0.7, stories.long_shopping), (4.5, stories.two_days),
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
