"""A state and what comes of it: because, although, if, even if, and whenever."""

from collections.abc import Callable

from unrolled.data.phrasebook.causes import CAUSES, STATES, Cause, Effect
from unrolled.data.phrasebook.english import sentence
from unrolled.data.phrasebook.japanese import Word, before_no, before_noun, finite, tara, te
from unrolled.data.phrasebook.nouns import Person
from unrolled.data.phrasebook.phrases import Act, Retry, Talk, english, japanese
from unrolled.data.phrasebook.times import When
from unrolled.data.phrasebook.told import YOU, I, Pair

End = Callable[[Word], str]

PAST = (
    When("yesterday", "昨日", "D"),
    When("this morning", "今朝", "D"),
    When("last Sunday", "先週の日曜日", "D"),
    When("last Saturday", "先週の土曜日", "D"),
    When("the day before yesterday", "おととい", "D"),
)

TODAY = (When("today", "今日", "D"),)

NEXT = (
    When("tomorrow", "明日", "D"),
    When("tonight", "今夜", "D"),
    When("this weekend", "今週末", "D"),
    When("next Sunday", "来週の日曜日", "D"),
)


def nobody(cause: Cause) -> Person:
    """What is hot or nice, as a subject."""
    agrees = "3p" if cause.it == "the neighbors" else "3s"
    return Person(cause.it, "", agrees, cause.it, "its", cause.it, "it", "it")


def caused(talk: Talk, cause: Cause, who: Person) -> Act:
    """The state as an act of the person, or of the weather."""
    subject = nobody(cause) if cause.it else who
    return Act(subject, cause.verb, cause.rest, cause.front, cause.word)


def effect(talk: Talk, what: Effect, who: Person) -> Act:
    """What comes of it."""
    rest = what.rest
    if who.agrees in {"3p", "1p"} and what.verb == "wear":
        rest = rest.removeprefix("a ") + "s"
    act = Act(who, what.verb, rest, what.front, what.word)
    if "{p}" in what.rest:
        other = talk.friend(who)
        act = act._replace(rest=what.rest.replace("{p}", other.en), front=what.front.replace("{p}", other.ja))
    return act


def plain(past: bool = False, negative: bool = False) -> End:
    """The plain end, before と, から and けど."""
    return lambda word: finite(word, past=past, negative=negative)


def because_end(talk: Talk, past: bool = False, negative: bool = False) -> tuple[End, str]:
    """Because: ので or から, each with the form before it."""
    if talk.dice.chance(0.6):
        return (lambda word: before_no(word, past=past, negative=negative)), "ので"
    return plain(past, negative), "から"


def but_end(talk: Talk, past: bool = False, negative: bool = False) -> tuple[End, str]:
    """But: が or けど, in the register of the sentence."""
    return (lambda word: talk.end(word, past=past, negative=negative)), talk.dice.pick(
        ("が", "けど") if talk.polite else ("けど", "けど", "が")
    )


class Reason:
    """A state and what came of it, for one person and one time: the two acts, their polarity, and which came first.

    ``against`` takes what one would not expect: tired, but went shopping.
    """

    def __init__(
        self, talk: Talk, who: Person, names: tuple[str, ...], *, against: bool = False, when: When | None = None
    ) -> None:
        self.talk, self.who, dice = talk, who, talk.dice
        self.name = dice.pick(names)
        if (self.name == "noisy" and who.key == "neighbor") or (
            self.name in {"lost", "headache"} and who.agrees in {"3p", "1p"}
        ):
            self.name = "tired"
        cause = CAUSES[self.name]
        positive = dice.chance(0.65) or not cause.keeps
        positive = positive and not (against and not cause.keeps)
        if against and self.name == "poor":  # no money, but bought something: not, but didn't walk home
            positive = True
        pool = cause.leads if positive != against else cause.keeps
        what = dice.pick(pool)
        self.negative = not positive
        if self.negative:  # not "didn't drink two cups of coffee"
            few = what.rest.replace("a glass of ", "any ").replace("some ", "any ").replace("two cups of ", "any ")
            what = what._replace(
                rest=few.replace("two ", "any "),
                front=what.front.replace("二杯", "").replace("二本", "").replace("一杯", ""),
            )
        if not self.negative and "any " in what.rest:
            what = what._replace(rest=what.rest.replace("any ", "some "))
        self.state, self.main, self.when = caused(talk, cause, who), effect(talk, what, who), when
        talk.tags.add(f"why:{self.name}/{what.verb} {what.rest}/{when.en if when else who.key}")

    def topic(self, *, first: bool) -> tuple[str, str]:
        """The Japanese before the state and before the main clause: the subject goes to the first it belongs to."""
        when = self.when.ja if self.when else ""
        who = self.talk.topic(self.who)
        if self.state.who is not self.who:  # the weather
            return (when + ("は" if when and (when == "今日" or self.talk.dice.chance(0.5)) else paused(when)), who)
        return (
            when + paused(when) + who if self.talk.dice.chance(0.5) else who + when + ("" if who else paused(when))
        ), ""


def paused(when: str) -> str:
    """The comma that a long time needs before what follows."""
    return "、" if when.endswith("曜日") else ""


def english_reason(r: Reason, *, past: bool, future: bool = False, link: str = "") -> str:
    """Because A, B; B because A; or A, so B."""
    dice, talk = r.talk.dice, r.talk
    link = link or dice.pick(("because", "because", "back", "so"))
    own = r.state.who is r.who
    state, main = r.state, r.main
    contract = talk.contract
    if link == "back":
        a = english(main, past=past, future=future, negative=r.negative, contract=contract)
        when = f" {r.when.en}" if r.when else ""
        b = english(state, r.who.again if own else None, past=past, contract=contract)
        return f"{a}{when} because {b}"
    when = f" {r.when.en}" if r.when else ""
    a = english(state, past=past, contract=contract)
    b = english(main, r.who.again if own else None, past=past, future=future, negative=r.negative, contract=contract)
    front = r.when is not None and link == "so" and dice.chance(0.4)
    a = f"{r.when.en}, {a}" if front and r.when else a + when  # type: ignore[union-attr]
    if link == "so":
        return f"{a}, so {b}"
    if link == "but":
        return f"{a}, but {b}"
    if link == "although":
        return f"although {a}, {b}"
    return f"because {a}, {b}"


def because(talk: Talk) -> Pair:
    """Why somebody did something, does it today, or didn't do it."""
    dice = talk.dice
    who, past = talk.someone(first=0.35), dice.chance(0.75)
    when = dice.pick(PAST) if past and dice.chance(0.75) else None if past else TODAY[0]
    names = tuple(CAUSES) if past else STATES
    r = Reason(talk, who, names, when=when)
    end, link = because_end(talk, past)
    before, topic = r.topic(first=True)
    ja = before + japanese(r.state, end, "") + link + "、" + topic
    ja += japanese(r.main, lambda w: talk.end(w, past=past, negative=r.negative), "")
    return sentence(english_reason(r, past=past, future=not past)), ja + "。"


def although(talk: Talk) -> Pair:
    """What somebody did in spite of something."""
    dice = talk.dice
    who = talk.someone(first=0.35)
    r = Reason(
        talk,
        who,
        tuple(n for n in CAUSES if n not in {"noisy", "late", "lost"}),
        against=True,
        when=dice.pick(PAST) if dice.chance(0.7) else None,
    )
    before, topic = r.topic(first=True)
    if dice.chance(0.7):
        end, link = but_end(talk, True)
    else:
        end, link = (lambda word: before_no(word, past=True)), "のに"
        if not r.negative and r.name in {"fine"}:
            end, link = but_end(talk, True)
    ja = before + japanese(r.state, end, "") + link + "、" + topic
    ja += japanese(r.main, lambda w: talk.end(w, past=True, negative=r.negative), "")
    link = "although" if dice.chance(0.3) else "but"
    return sentence(english_reason(r, past=True, link=link)), ja + "。"


SUPPOSED = ("rain", "snow", "fine", "cold", "hot", "free", "tired")


def supposed(talk: Talk) -> Pair:
    """If and even if: たら and ても."""
    dice = talk.dice
    name = dice.pick(SUPPOSED)
    cause = CAUSES[name]
    even = dice.chance(0.25) and name not in {"free", "fine", "busy"}
    who = I if dice.chance(0.7) else talk.someone(first=0)
    asks = who is I and not cause.it and dice.chance(0.35) and not even
    if asks:  # if you are tired, please rest
        who = YOU
    what = dice.pick(cause.keeps if even else cause.leads)
    if "{p}" in what.rest or any(w in what.rest for w in ("late", "home early")):
        what = dice.pick(
            [w for w in (cause.keeps if even else cause.leads) if "{p}" not in w.rest and "late" not in w.rest]
        )
    when = None if asks else dice.pick(NEXT) if not even else NEXT[0]
    if when is not None and ("home early" in what.rest or (name in {"hot", "fine"} and when.en == "tonight")):
        when = NEXT[0]
    talk.tags.add(f"if:{name}/{what.verb} {what.rest}/{when.en if when else who.key}")
    state, main = caused(talk, cause, who), effect(talk, what, who)
    word = state.word
    en = english(state, contract=talk.contract)
    if name in {"rain", "snow"}:
        en, word = f"it {name}s", Word("降る", "5")
    if when is not None:
        en += f" {when.en}"
    if asks:
        b = f"please {main.verb} {main.rest}".replace("{my}", "your")
    else:
        b = english(main, who.again if state.who is who else None, future=True, contract=talk.contract)
    iff = "even if" if even else "if"
    en = f"{iff} {en}, {b}" if dice.chance(0.7) or state.who is who else f"{b} {iff} {en}"
    topic = "" if who is YOU or (state.who is who and who.group == "me") else talk.topic(who)
    time = when.ja + paused(when.ja) if when else ""
    linked = (te(word) + "も") if even else tara(word)
    if state.who is who:
        ja = (
            f"{time}{topic}{state.front}{linked}、"
            if dice.chance(0.5)
            else f"{topic}{time.rstrip('、')}{state.front}{linked}、"
        )
    else:
        ja = f"{time}{state.front}{linked}、{topic}"
    ja += main.front
    if asks:
        ja += te(main.word) + ("ください" if talk.polite else "")
    else:
        ja += talk.end(main.word)
    return sentence(en.strip()), ja + "。"


def whenever(talk: Talk) -> Pair:
    """What somebody does in a state, as a habit: 疲れている時は."""
    dice = talk.dice
    who = talk.someone(first=0.5)
    name = dice.pick([n for n in STATES if n not in {"poor", "noisy", "exam"}])
    cause = CAUSES[name]
    positive = dice.chance(0.7) or not cause.keeps
    what = dice.pick(
        [
            e
            for e in (cause.leads if positive else cause.keeps)
            if "{p}" not in e.rest
            and "the movie" not in e.rest
            and "the camera" not in e.rest
            and "the party" not in e.rest
        ]
    )
    state, main = caused(talk, cause, who), effect(talk, what, who)
    often = (
        dice.pick((("", ""), ("usually", "たいてい"), ("often", "よく"), ("always", "いつも")))
        if positive
        else ("", "")
    )
    talk.tags.add(f"whenever:{name}/{what.verb} {what.rest}/{who.key}{often[0]}")
    main = main._replace(when=When(often[0], often[1], "h", mid=True) if often[0] else None)
    own = state.who is who
    if dice.chance(0.6):
        body = english(main, who.again if own else None, negative=not positive, contract=talk.contract)
        en = f"when {english(state)}, {body}"
    else:
        body = english(main, negative=not positive, contract=talk.contract)
        en = f"{body} when {english(state, who.again if own else None)}"
    topic = talk.topic(who)
    word = before_noun(state.word)
    ja = f"{topic}{state.front}{word}時は、" if own else f"{state.front}{word}時は、{topic}"
    return sentence(en), f"{ja}{often[1]}{main.front}{talk.end(main.word, negative=not positive)}。"


def both_reasons(talk: Talk) -> Pair:
    """Two people and why each did what they did: for long sentences."""
    dice = talk.dice
    who = talk.someone(first=0.3)
    other = talk.someone(but=(who,), first=0.3)
    weather = ("rain", "snow", "fine", "cold", "hot")
    when = dice.pick(PAST)
    a = Reason(talk, who, tuple(CAUSES), when=when)
    names = tuple(n for n in CAUSES if n != a.name and not (n in weather and a.name in weather))
    b = Reason(talk, other, names, when=None)
    if a.main[1:5] == b.main[1:5] or (a.negative and b.negative and a.main.verb == b.main.verb):
        raise Retry
    link = "but" if a.negative != b.negative or dice.chance(0.5) else "and"
    en = f"{english_reason(a, past=True, link='back')}, {link} {english_reason(b, past=True, link='back')}"
    end, because_ja = because_end(talk, True)
    if link == "but":
        end1, join = but_end(talk, True, a.negative)
    elif a.negative:
        end1, join = (lambda w: finite(w, negative=True)[:-1] + "くて"), ""
        end1, join = but_end(talk, True, True)
    else:
        end1, join = te, ""
    one = when.ja + paused(when.ja) + talk.topic(who, drop=0) if dice.chance(0.6) else talk.topic(who, drop=0) + when.ja
    ja = one + japanese(a.state, end, "") + because_ja + "、" + japanese(a.main, end1, "") + join + "、"
    ja += talk.topic(other, drop=0) + japanese(b.state, end, "") + because_ja + "、"
    ja += japanese(b.main, lambda w: talk.end(w, past=True, negative=b.negative), "")
    return sentence(en), ja + "。"
