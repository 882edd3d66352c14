"""Requests and questions."""

from unrolled.data.phrasebook.english import question, sentence
from unrolled.data.phrasebook.japanese import Word, before_no, finite, negative_stem, ta, te, volitional
from unrolled.data.phrasebook.nouns import PEOPLE, things
from unrolled.data.phrasebook.phrases import Act, Talk, english, japanese
from unrolled.data.phrasebook.times import When
from unrolled.data.phrasebook.told import YOU, I, Pair, deeds_of, talk_deeds


def asked_for(talk: Talk) -> Pair:
    """A request, a refusal of one, or a suggestion."""
    dice = talk.dice
    kind = dice.weighted(
        [(4, "please"), (2, "don't"), (3, "lets"), (2, "shall"), (3, "may"), (2, "mustn't"), (2, "could")]
    )
    we = kind in {"lets", "shall"}
    deed = talk.deed("D g m" if we else "r")
    while kind == "could" and deed.rest.startswith(("{my}", "the flowers")):
        deed = talk.deed("r")
    if kind == "may":
        deed = dice.pick((*deeds_of("use"), *deeds_of("open"), *deeds_of("turn"), *deeds_of("close")))
    if kind in {"don't", "mustn't"}:
        deed = dice.pick([*deeds_of("open"), *deeds_of("close"), *deeds_of("use"), *deeds_of("turn")])
    who = next(p for p in PEOPLE if p.group == "we") if we else YOU
    forms = "" if we else "tdmsb"
    act = talk.done(deed, who if kind != "may" else I, negative=kind in {"don't", "mustn't"}, forms=forms)
    if we:
        act = talk.timed(talk.around(act, where=0.5, company=0, lasts=0), "future", clock=0)
    else:
        talk.tags.add(f"did:{act.key}/{kind}")
    plain = " ".join(english(act, bare=True, future=True).removeprefix("will ").split())
    body = japanese(act, lambda w: "", "")
    word, polite = act.word, talk.polite
    if kind == "please":
        en = f"please {plain}" if dice.chance(0.6) else f"{plain}, please"
        return sentence(en), body + te(word) + ("ください。" if polite else "。")
    if kind == "don't":
        return sentence(f"please don't {plain}"), body + negative_stem(word) + (
            "ないでください。" if polite else "ないで。"
        )
    if kind == "lets":
        return sentence(f"let's {plain}"), body + volitional(word, polite=polite) + "。"
    if kind == "shall":
        en = dice.pick((f"shall we {plain}", f"why don't we {plain}"))
        return sentence(en, "?"), body + (
            volitional(word, polite=True) + "か。" if polite else volitional(word) + "か。"
        )
    if kind == "may":
        en = dice.pick((f"may I {plain}", f"can I {plain}"))
        return sentence(en, "?"), body + te(word) + ("もいいですか。" if polite else "もいい？")
    if kind == "mustn't":
        return sentence(f"you must not {plain}"), body + te(word) + ("はいけません。" if polite else "はいけない。")
    en = dice.pick((f"could you {plain}", f"would you {plain}"))
    return sentence(en, "?"), body + te(word) + ("くれませんか。" if polite else "くれる？")


def ask(talk: Talk, body: str, word: Word, *, past: bool = False, negative: bool = False) -> str:
    """A Japanese question: ますか, or plain の？."""
    if talk.polite:
        return body + finite(word, polite=True, past=past, negative=negative) + "か。"
    return body + before_no(word, past=past, negative=negative) + "の？"


def asked(talk: Talk) -> Pair:
    """A question to be answered by yes or no."""
    dice = talk.dice
    who = YOU if dice.chance(0.65) else talk.asked_about()
    tense = dice.weighted([(5, "past"), (3, "future"), (3, "daily")])
    marks = {"past": ("D", "W"), "future": ("D m", "W m"), "daily": ("h", "w")}[tense]
    act = talk.done(talk.deed(dice.pick(marks)), who, forms="bmp" if tense == "daily" else "abstmdp")
    act = talk.timed(talk.around(act, lasts=0.05), tense, clock=0.1)
    how = {"past": {"past": True}, "future": {"future": True}, "daily": {}}[tense]
    topic = "" if who is YOU else talk.topic(who)
    return _question(talk, act, topic, **how)  # type: ignore[arg-type]


def _question(talk: Talk, act: Act, topic: str, *, asks: Pair = ("", ""), past: bool = False, **how: object) -> Pair:
    when = act.when
    tail = [
        act.rest,
        act.company[0] if act.company else "",
        act.where[0] if act.where else "",
        act.lasts[0] if act.lasts else "",
    ]
    adverb = when.en if when is not None and when.mid else ""
    tail += [act.hour.en if act.hour is not None else "", when.en if when is not None and not when.mid else ""]
    words = " ".join(part for part in tail if part).replace("{my}", act.who.his)
    en = question(act.who.subject, act.verb, words, adverb=adverb, past=past, **how)
    front = talk.dice.chance(0.6) and not (when is not None and when.mid)
    body = japanese(act, lambda w: "", topic, front=front, swap=talk.dice.chance(0.2))
    return sentence(f"{asks[0]} {en}".strip(), "?"), ask(talk, body, act.word, past=past)


def asked_what(talk: Talk) -> Pair:
    """A question with what, where, who, when or why."""
    dice = talk.dice
    who = YOU if dice.chance(0.65) else talk.asked_about()
    topic = "" if who is YOU else talk.topic(who)
    past = dice.chance(0.65)
    how = {"past": True} if past else {"future": True}
    tense = "past" if past else "future"
    kind = dice.pick(("what", "what", "where", "who", "when", "why", "many"))
    if kind == "what":
        deed = dice.pick(
            [
                d
                for v in ("eat", "drink", "read", "watch", "buy", "study", "borrow", "make")
                for d in deeds_of(v)
                if "D" in d.marks and "{p}" not in d.rest
            ]
        )
        act = talk.done(deed, who)._replace(rest="", front="何を")
        act = talk.timed(talk.around(act, lasts=0, company=0.1), tense, clock=0)
        return _question(talk, act, topic, asks=("what", ""), **how)
    if kind == "where":
        deed = dice.pick(
            [d for d in talk_deeds() if d.places and "g" in d.marks and not {"home", "quiet", "swim"} & set(d.places)]
        )
        act = talk.timed(talk.done(deed, who, forms="btad"), tense, clock=0)
        return _question(talk, act._replace(where=("", "どこで")), topic, asks=("where", ""), **how)
    if kind == "who":
        deed = dice.pick([d for d in talk_deeds() if "c" in d.marks and "D" in d.marks and "g" in d.marks])
        act = talk.timed(talk.done(deed, who, forms="btsd"), tense, clock=0)
        return _question(talk, act._replace(company=("with", "誰と")), topic, asks=("who", ""), **how)
    if kind == "when":
        deed = talk.deed("D m e")
        while deed.slots and not set("btd") & set(deed.forms):
            deed = talk.deed("D m e")
        act = talk.done(deed, who, forms="btd")
        talk.tags.add(f"did:{act.key}/when/{who.key}")
        return _question(talk, act._replace(when=When("", "いつ", "")), topic, asks=("when", ""), **how)
    if kind == "why":
        deed = dice.pick(("sell", "lose", "move", "open", "learn", "buy", "turn"))
        act = talk.done(dice.pick(deeds_of(deed)), who, forms="tmd")
        talk.tags.add(f"did:{act.key}/why/{who.key}")
        why = dice.pick(("どうして", "なぜ"))
        en, _ = _question(talk, act, "", asks=("why", ""), past=True)
        body = topic + why + japanese(act, lambda w: "", "")
        ending = ta(act.word) + ("んですか。" if talk.polite else "の？")
        return en, body + ending
    thing = dice.pick([t for t in things("fruit", "goods", "print", "postal") if t.counter and t.many])
    act = talk.timed(
        Act(who, "buy", "", "", Word("買う", "5"), f"buy/{thing.en}", deed=deeds_of("buy")[2]), tense, clock=0
    )
    count = "いくつ" if thing.counter == "つ" else "何" + thing.counter
    act = act._replace(front=f"{thing.ja}を{count}")
    return _question(talk, act, topic, asks=(f"how many {thing.many}", ""), **how)
