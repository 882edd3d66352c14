"""Noun phrases, deeds and clauses: one meaning, rendered by an English and a Japanese side.

>>> from unrolled.data.phrasebook.dice import Dice
>>> talk = Talk(Dice(3))
>>> act = talk.done(talk.deed("D"), PEOPLE[0])
>>> english(act, past=True), japanese(act, lambda word: finite(word, polite=True, past=True), "私は")
('I waited for my friend', '私は友達を待ちました')
"""

from collections.abc import Callable
from typing import NamedTuple

from unrolled.data.phrasebook import numbers
from unrolled.data.phrasebook.adjectives import describing
from unrolled.data.phrasebook.dice import Dice
from unrolled.data.phrasebook.english import Subject, article, clause, predicate
from unrolled.data.phrasebook.japanese import Word, before_noun, finite
from unrolled.data.phrasebook.nouns import PEOPLE, THINGS, Person, Thing, people, places, things
from unrolled.data.phrasebook.times import When, at, bare_hour, daily_times, dated, future_times, lasting, past_times
from unrolled.data.phrasebook.verbs import Deed, deeds

__all__ = ["PEOPLE", "Act", "Phrase", "Retry", "Talk", "english", "finite", "japanese", "later"]


class Phrase(NamedTuple):
    """A noun phrase, with the quantity that follows the Japanese particle."""

    en: str
    ja: str
    quantity: str = ""


class Act(NamedTuple):
    """A subject with what it does, when, where, with whom and for how long; everything but tense and ending."""

    who: Person
    verb: str
    rest: str
    front: str
    word: Word
    key: str = ""
    when: When | None = None
    hour: When | None = None
    where: tuple[str, str] | None = None
    company: tuple[str, str] | None = None
    lasts: tuple[str, str] | None = None
    deed: Deed | None = None


class Retry(Exception):
    """What was drawn makes no sentence; draw again from the beginning, so that no tag of it is left."""


class Talk:
    """What one sentence keeps to: its register, its way of writing numbers, what it calls the speaker; and its tags.

    ``tags`` says what is in the sentence, so that combinations and places can be held out: "did:eat/apple/yesterday",
    "as:subject/umbrella", "depth:2", "list:5".
    """

    def __init__(self, dice: Dice) -> None:
        self.dice = dice
        self.polite = dice.chance(0.62)
        self.contract = dice.chance(0.6)
        self.digits = dice.chance(0.4)
        self.me = "私" if self.polite or dice.chance(0.5) else "僕"
        self.quiet = False  # within quotes nobody says 私は
        self.tags: set[str] = set()

    def end(self, word: Word, *, past: bool = False, negative: bool = False) -> str:
        """The word as it ends a sentence of this register."""
        return finite(word, polite=self.polite, past=past, negative=negative)

    def topic(self, who: Person, particle: str = "は", *, drop: float = 0.6) -> str:
        """The subject with its particle; the speaker is mostly left out."""
        self.tags.add(f"as:subject/{who.key}")
        if self.quiet and who.group in {"me", "we"}:
            return ""
        if who.group == "me":
            return "" if self.dice.chance(drop) else self.me + particle
        if who.group == "we":
            return "" if self.dice.chance(drop / 2) else who.ja + particle
        return who.ja + particle

    def name(self, who: Person) -> str:
        """The person in Japanese, where not a subject."""
        return self.me if who.group == "me" else who.ja

    def someone(self, *, but: tuple[Person, ...] = (), first: float = 0.3) -> Person:
        """A subject: the speaker with the probability ``first``, or somebody else."""
        if self.dice.chance(first) and all(p.group != "me" for p in but):
            return PEOPLE[0]
        groups = self.dice.weighted([(5, ("name",)), (6, ("kin",)), (2, ("friend",)), (2, ("role",)),
                                     (4, ("he", "she")),
                                     (1, ("we",)), (0.7, ("they",))])  # fmt: skip
        if but and but[0].group not in {"me", "he", "she", "they"}:
            groups = ("name", "kin") if groups[0] in {"he", "they"} else groups
        unclear = {p.he for p in but} | ({"we"} if but else set())  # nobody would know who "he" is
        choices = [p for p in people(*groups) if p.en not in unclear and not any(alike(p, b) for b in but)]
        choices = choices or [p for p in people("name", "kin") if not any(alike(p, b) for b in but)]
        return self.dice.pick(choices)

    def other(self, *but: Person) -> Person:
        """Somebody who is met, called or helped: not a pronoun, and none of those."""
        groups = self.dice.weighted([(5, ("name",)), (3, ("kin",)), (2, ("friend",)), (3.5, ("role",))])
        choices = [p for p in people(*groups) if not any(alike(p, b) for b in but)]
        return self.dice.pick(choices or [p for p in people("name") if not any(alike(p, b) for b in but)])

    def friend(self, *but: Person) -> Person:
        """Somebody in whose company things are done."""
        groups = ("name",) if but and but[0].key == "you" else ("name", "kin", "friend")
        return self.dice.pick([p for p in people(*groups) if not any(alike(p, b) for b in but)])

    def asked_about(self) -> Person:
        """Whom one asks about: not one's own family."""
        return self.dice.pick(people("name", "he", "she", "they", "teacher", "manager", "students", "nurse"))

    def phrase(self, thing: Thing, form: str, *, place: str = "") -> Phrase:
        """The thing in one of its forms; see ``verbs``. ``place`` is where it stands, unless as an object."""
        if place:
            self.tags.add(f"as:{place}/{thing.en}")
        one, ja = thing.en, thing.ja
        if "plural" in thing.classes and form in "anjdt":
            form = "s"
        if one.startswith("the "):
            return Phrase(one, ja)
        if form == "j":
            adjective = describing(self.dice, thing)
            if adjective is None:
                form = "a"
            else:
                words, prefix = f"{adjective.en} {one}", before_noun(adjective.word)
                en = article(words) if thing.many else words
                return Phrase(en, prefix + ja)
        if form == "n" and thing.counter and not thing.measure and thing.many:
            many = {"postal", "photo", "gift"} & set(thing.classes)
            few = {"print", "goods", "clothes"} & set(thing.classes)
            n = self.dice.whole(2, 12 if many else 3 if few else 6)
            en, count = numbers.counted(n, one, thing.many, thing.counter, digits=self.digits)
            return Phrase(en, ja, count)
        if form in "an" and thing.measure:
            measure, counter = thing.measure.split(":")
            n = 1 if form == "a" else self.dice.whole(2, 4)
            en, count = numbers.counted(
                n, measure, measure + ("es" if measure.endswith("s") else "s"), counter, digits=self.digits and n > 1
            )
            en = article(measure) if n == 1 else en
            return Phrase(f"{en} of {one}", ja, count if n > 1 or self.dice.chance(0.6) else "")
        if form in "ab" and not thing.many:
            return Phrase(one, ja)
        if form == "a" or (form == "n" and thing.many):
            count = "一" + thing.counter if thing.counter and self.dice.chance(0.3) else ""
            return Phrase(article(one), ja, count)
        if form == "y":
            return Phrase(f"any {thing.many or one}", ja)
        if form == "s":
            return Phrase(f"some {thing.many or one}", ja)
        if form == "d":
            that = self.dice.chance(0.4)
            return Phrase(f"{'that' if that else 'this'} {one}", ("その" if that else "この") + ja)
        if form == "m":
            return Phrase("{my} " + one, ja)
        return Phrase({"t": f"the {one}"}.get(form, thing.many or one), ja)

    def deed(self, marks: str = "", without: str = "") -> Deed:
        """Something that people do, with all of these marks, and none of those."""
        return self.dice.pick(deeds(marks, without))

    def done(
        self,
        deed: Deed,
        who: Person,
        *,
        negative: bool = False,
        forms: str = "",
        but: tuple[Person, ...] = (),
        counts: bool = True,
    ) -> Act:
        """The deed with its object drawn. ``but``: who else is in the sentence already."""
        dice, en, ja, quantity, object_ = self.dice, "", "", "", ""
        if deed.slots and deed.slots != ("!",):
            choices = [t for slot in deed.slots for t in ((THINGS[slot],) if slot in THINGS else things(slot))]
            thing = dice.pick(choices)
            # not "I didn't eat two apples": what did not happen has no number
            allowed = [f for f in deed.forms if not negative or f not in "nsj"] or ["y"]
            allowed = [f for f in allowed if not forms or f in forms] or [f for f in allowed if f != "n"] or ["b"]
            en, ja, quantity = self.phrase(thing, dice.pick(allowed))
            quantity = quantity if counts else ""
            object_ = thing.en
        person = self.other(who, *but) if "{p}" in deed.rest else None
        if person is not None and not object_:
            object_ = person.key
        city = dice.pick(places("city")) if "{city}" in deed.rest else None
        city = dice.pick(places("abroad")) if "{abroad}" in deed.rest else city
        if city is not None:
            object_ = city.en
        fill = {"o": en, "p": person.en if person else "", "city": city.en if city else "", "my": "{my}"}
        fill["abroad"] = fill["city"]
        rest = deed.rest.format(**fill)
        fill = {"o": ja, "q": quantity, "p": person.ja if person else "", "city": city.ja if city else ""}
        fill["abroad"] = fill["city"]
        key = f"{deed.verb}/{object_ or rest.replace('{my} ', '')}"
        return Act(who, deed.verb, rest, deed.front.format(**fill), deed.word, key, deed=deed)

    def around(self, act: Act, *, where: float = 0.35, company: float = 0.25, lasts: float = 0.25) -> Act:
        """The act with a place, company or duration, each with its probability and where it fits."""
        dice, deed = self.dice, act.deed
        if deed is None:
            return act
        if deed.places and dice.chance(where):
            place = dice.pick(places(*deed.places))
            act = act._replace(where=(place.at, place.ja + "で"))
        if "c" in deed.marks and dice.chance(company):
            other = self.friend(act.who)
            together = "と一緒に" if dice.chance(0.6) else "と"
            act = act._replace(company=(f"with {other.en}", other.ja + together))
        elif "u" in deed.marks and act.front[-1:] in {"を", "と", ""} and dice.chance(lasts):
            act = act._replace(lasts=lasting(dice, digits=self.digits))
        return act

    def timed(self, act: Act, tense: str, *, clock: float = 0.25) -> Act:
        """The act at a time of this tense ("past", "future" or "daily"), and for a day's scale at an hour too."""
        dice, deed = self.dice, act.deed
        assert deed is not None
        scales = "".join(s for s in ("hw" if tense == "daily" else "DWY") if s in deed.marks)
        if not scales:
            self.tags.add(f"did:{act.key}/{act.who.key}")
            return act
        chosen = dice.pick(scales)
        span, digits = deed.hours, self.digits
        dates = tense != "daily" and deed.marks & {"W", "Y"} and not (tense == "future" and chosen == "Y")
        if dates and dice.chance(0.12):
            when = dated(dice, chosen)
        else:
            times = {"past": past_times, "future": future_times, "daily": daily_times}[tense](chosen, span)
            # what is done daily is not told of a weekend or of three days ago
            when = dice.pick(
                [t for t in times if t.scales == "D"] if chosen == "D" and "W" not in deed.marks else times
            )
        hour = None
        daily = when.en in ("every day", "usually", "always", "every morning")
        daily = daily or ("z" in deed.marks and tense == "daily")
        if (
            ((chosen == "D" and "ago" not in when.en and "week" not in when.en) or daily)
            and act.lasts is None
            and dice.chance(1 if "z" in deed.marks else clock)
        ):
            low, high = max(span[0], when.hours[0]), min(span[1], when.hours[1])
            part = when.hours != (0, 24)
            hour = bare_hour(dice, (low, high), digits=digits) if part else at(dice, (low, high), digits=digits)
        self.tags.add(f"did:{act.key}/{when.name}")
        return act._replace(when=when, hour=hour)


def english(
    act: Act, subject: Subject | None = None, *, contract: bool = False, front: bool = False, bare: bool = False,
    verb: str = "", rest: str = "", timed: bool = True, **how: object,
) -> str:  # fmt: skip
    """The English clause, without its capital and end. ``bare`` leaves out the subject; ``front`` puts the time first.

    ``verb`` and ``rest`` take the place of the deed's own, for what is wanted or owed: "want", "to eat an apple".
    """
    when = act.when if timed else None
    adverb = when.en if when is not None and when.mid else ""
    late = when.en if when is not None and not when.mid and not front else ""
    tail = [(verb and rest) or act.rest, act.company[0] if act.company else "", act.where[0] if act.where else ""]
    tail += [act.lasts[0] if act.lasts else ""]
    hour = act.hour.en if act.hour is not None and timed else ""
    tail += [hour, late]
    words = mine(" ".join(part for part in tail if part), act.who)
    if bare:
        text = predicate(verb or act.verb, act.who.agrees, words, adverb=adverb, **how)
    else:
        text = clause(subject or act.who.subject, verb or act.verb, words, contract=contract, adverb=adverb, **how)  # type: ignore[arg-type]
    return f"{when.en}, {text}" if front and when is not None and not when.mid else text


def japanese(
    act: Act, end: Callable[[Word], str], topic: str, *, front: bool = False, comma: bool = False, timed: bool = True,
    word: Word | None = None, swap: bool = False, object_: str | None = None,
) -> str:  # fmt: skip
    """The Japanese clause. ``topic`` comes with its particle or is ""; ``front`` puts the time before it.

    ``swap`` puts the place before the company, and how long something lasts after its object.
    """
    when = (act.when.ja if act.when is not None else "") if timed else ""
    hour = (act.hour.ja if act.hour is not None else "") if timed else ""
    daily = act.when is not None and set(act.when.scales) & set("hw")
    if when and hour and not daily:
        when = when.removesuffix("に") + "の"
    time = when + hour
    middle = [act.company[1] if act.company else "", act.where[1] if act.where else ""]
    front_ = act.front if object_ is None else object_
    last = [act.lasts[1] if act.lasts else "", front_]
    if swap:
        middle.reverse()
        last.reverse()
    head = time + ("、" if comma and time else "") + topic if front else topic + time
    return head + "".join(middle) + "".join(last) + end(word or act.word)


def alike(one: Person, other: Person) -> bool:
    """Whether two would be taken for the same: 姉 and 妹 are both my sister, and my friend Ken is Ken."""
    if one.group == other.group == "friend":
        return True
    return one.en.rpartition(" ")[2] == other.en.rpartition(" ")[2] or one.ja == other.ja


def mine(words: str, who: Person) -> str:
    """The words with the subject's possessive in its place."""
    return words.replace("{my}", who.his)


def later(who: Person) -> Person:
    """The same person, named again: by a pronoun."""
    return who._replace(en=who.he)
