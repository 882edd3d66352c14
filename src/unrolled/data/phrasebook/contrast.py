"""One thing but not the other, one person but not the other, one more than the other."""

from unrolled.data.phrasebook.english import sentence
from unrolled.data.phrasebook.japanese import Word, te
from unrolled.data.phrasebook.nouns import things
from unrolled.data.phrasebook.phrases import Act, Retry, Talk, english, japanese
from unrolled.data.phrasebook.reasons import PAST, but_end, paused
from unrolled.data.phrasebook.told import Pair, deeds_of

LIKED = Word("好き", "na")


def contrast(talk: Talk) -> Pair:
    """One thing but not the other; one person but not the other: the は of contrast."""
    dice = talk.dice
    kind = dice.pick(("objects", "people", "people", "likes", "both"))
    who = talk.someone(first=0.4)
    if kind == "objects":
        deed = dice.pick(
            [
                d
                for v in ("eat", "drink", "buy", "read", "study", "play")
                for d in deeds_of(v)
                if d.slots and len(d.slots) <= 2 and "{p}" not in d.rest and not {"goods", "gift"} & set(d.slots)
            ]
        )
        pool = things(*deed.slots)
        if len(pool) < 2:
            raise Retry
        a, b = dice.some(pool, 2)
        form = "t" if deed.verb == "read" or "print" in deed.slots else "b"
        daily = deed.verb in {"eat", "drink", "study", "play"} and dice.chance(0.5)
        past = not daily
        if form == "t" and not (a.many and b.many):
            form = "b"
        pa, pb = talk.phrase(a, form), talk.phrase(b, form)
        when = dice.pick(PAST) if past and dice.chance(0.6) else None
        talk.tags.add(f"both:{deed.verb}/{a.en}/{b.en}")
        one = Act(who, deed.verb, deed.rest.format(o=pa.en, my="{my}"), f"{pa.ja}は", deed.word)
        two = Act(who, deed.verb, deed.rest.format(o=pb.en, my="{my}"), f"{pb.ja}は", deed.word)
        if deed.verb == "play" and "sport" not in deed.slots and past:
            when = None
        en1 = english(one, past=past) + (f" {when.en}" if when else "")
        en2 = english(two, who.again, past=past, negative=True, contract=talk.contract)
        end, link = but_end(talk, past)
        topic = talk.topic(who)
        time = when.ja + paused(when.ja) if when else ""
        ja = (
            time
            + topic
            + japanese(one, end, "")
            + link
            + "、"
            + japanese(two, lambda w: talk.end(w, past=past, negative=True), "")
        )
        return sentence(f"{en1}, but {en2}"), ja + "。"
    other = talk.someone(but=(who,), first=0.2)
    if kind in {"likes", "both"}:
        thing = dice.pick(
            [
                t
                for t in things("food", "drink", "sport", "pet", "listening", "subject")
                if t.en not in {"egg", "the radio", "water"}
            ]
        )
        name = thing.many or thing.en
        talk.tags.add(f"likes:{thing.en}/{who.key}/{other.key}/{kind}")
        a = english(Act(who, "like", name, "", LIKED))
        first = talk.topic(who, drop=0) + thing.ja + "が"
        if kind == "both":
            it = dice.pick(("it" if not thing.many else "them",))
            b = english(Act(other, "like", f"{it}, too", "", LIKED))
            return sentence(f"{a}, and {b}"), f"{first}{te(LIKED)}、{talk.name(other)}も{talk.end(LIKED)}。"
        do = "do not" if other.agrees != "3s" else "does not"
        b = f"{other.en} {do.replace(' not', chr(110) + chr(39) + 't') if talk.contract else do}"
        end, link = but_end(talk)
        return (
            sentence(f"{a}, but {b}"),
            f"{first}{end(LIKED)}{link}、{talk.topic(other, drop=0)}{talk.end(LIKED, negative=True)}。",
        )
    deed = talk.deed(dice.pick(("D g", "D w", "W g")))
    act = talk.done(deed, who, forms="bmtda", but=(other,), counts=False)
    if "{p}" in deed.rest or deed.rest in {"dinner", "lunch"}:
        raise Retry
    act = talk.timed(act, "past", clock=0)
    talk.tags.add(f"unlike:{act.key}/{who.key}/{other.key}")
    front = dice.chance(0.5)
    en1 = english(act, past=True, front=front)
    en2 = f"{other.en} {'didnXt' if talk.contract else 'did not'}".replace("X", "'")
    end, link = but_end(talk, True)
    time = act.when.ja if act.when else ""
    bare = act._replace(when=None, hour=None)
    comma = "、" if front and dice.chance(0.5) else ""
    ja = f"{time}{comma}{talk.topic(who, drop=0)}{japanese(bare, end, '')}{link}、"
    ja += talk.topic(other, drop=0) + talk.end(act.word, past=True, negative=True) + "。"
    return sentence(f"{en1}, but {en2}"), ja


def rather(talk: Talk) -> Pair:
    """Which of two: どちら."""
    dice = talk.dice
    pool = dice.pick(
        (
            things("hotdrink", "colddrink"),
            things("fruit"),
            things("sport"),
            things("pet"),
            things("language"),
            things("sweet"),
            things("dish"),
            things("subject"),
        )
    )
    a, b = dice.some(pool, 2)
    na, nb = a.many or a.en, b.many or b.en
    kind = dice.pick(("which", "like", "prefer"))
    talk.tags.add(f"rather:{a.en}/{b.en}/{kind}")
    if kind == "which":
        en = f"which do you like better, {na} or {nb}"
        body = f"{a.ja}と{b.ja}と、どちらが" if dice.chance(0.5) else f"{a.ja}と{b.ja}では、どちらが"
        return sentence(en, "?"), body + ("好きですか。" if talk.polite else "好き？")
    who = talk.someone(first=0.5)
    if kind == "like":
        en = english(Act(who, "like", f"{na} better than {nb}", "", LIKED))
        return sentence(en), f"{talk.topic(who)}{b.ja}より{a.ja}のほうが{talk.end(LIKED)}。"
    en = english(Act(who, "like", f"both {na} and {nb}", "", LIKED))
    return sentence(en), f"{talk.topic(who)}{a.ja}も{b.ja}も{talk.end(LIKED)}。"
