"""More of what people do: giving, going, wearing, living somewhere, and what they have done already or never."""

from unrolled.data.phrasebook.asking import ask
from unrolled.data.phrasebook.english import question, sentence
from unrolled.data.phrasebook.japanese import Word, progressive, stem, ta
from unrolled.data.phrasebook.nouns import PEOPLE, THINGS, Person, places, things
from unrolled.data.phrasebook.phrases import Act, Retry, Talk, english, japanese
from unrolled.data.phrasebook.times import When
from unrolled.data.phrasebook.told import YOU, I, Pair, deeds_of, talk_deeds, told


def given(talk: Talk) -> Pair:
    """Giving, seen from the giver (あげる), towards the speaker (くれる), or from who gets it (もらう)."""
    dice = talk.dice
    thing = dice.pick(
        things("small", "bag", "print", "gift", "clothes")
        + tuple(THINGS[t] for t in ("cake", "chocolate", "picture", "plate"))
    )
    if thing.en in {"skirt", "kimono", "coat", "cell phone", "key"}:
        thing = THINGS["book"]
    form = "s" if "gift" in thing.classes or not thing.many else dice.pick("aaj")
    item = talk.phrase(thing, form)
    obj = f"{item.ja}を{item.quantity}"
    other = talk.other()
    kind = dice.weighted([(3, "give"), (3, "me"), (3, "get"), (2, "third")])
    if kind == "give":
        act = Act(
            I,
            "give",
            dice.pick((f"{other.en} {item.en}", f"{item.en} to {other.en}")),
            f"{other.ja}に{obj}",
            Word("あげる", "1"),
        )
    elif kind == "me":
        who = talk.someone(first=0)
        while who.group == "we" or who.key == "they":
            who = talk.someone(first=0)
        act = Act(who, "give", f"me {item.en}", dice.pick(("", talk.me + "に")) + obj, Word("くれる", "1"))
    elif kind == "get":
        act = Act(
            I,
            dice.pick(("get", "receive")),
            f"{item.en} from {other.en}",
            other.ja + dice.pick(("に", "から")) + obj,
            Word("もらう", "5"),
        )
    else:
        who = talk.someone(first=0)
        while who.group in {"we"} or who.ja == other.ja:
            who = talk.someone(first=0)
        act = Act(who, "give", f"{other.en} {item.en}", f"{other.ja}に{obj}", Word("あげる", "1"))
    act = act._replace(key=f"{act.verb}/{thing.en}", deed=deeds_of("send")[0])
    act = talk.timed(act, "past", clock=0)
    return told(talk, act, past=True)


def went(talk: Talk) -> Pair:
    """Where somebody goes or went, how, with whom, and what for."""
    dice = talk.dice
    who = talk.someone()
    tense = dice.weighted([(5, "past"), (3, "future"), (3, "daily")])
    place = dice.pick(places("quiet", "outdoor") if tense == "daily" else places("town", "sight", "city"))
    scale = deeds_of("buy")[2] if "city" not in place.classes else deeds_of("move")[0]
    if tense == "daily":
        scale = deeds_of("study")[0]
    act = Act(
        who, "go", place.to, place.ja + dice.pick(("に", "に", "へ")), Word("行く", "5"), f"go/{place.en}", deed=scale
    )
    act = talk.timed(act, tense, clock=0.15)
    if dice.chance(0.4):
        by = dice.pick(
            [
                t
                for t in things("vehicle", "car", "bicycle")
                if t.en not in {"bicycle", "the subway", "taxi"} or "city" not in place.classes
            ]
        )
        act = act._replace(rest=f"{act.rest} by {by.en.removeprefix('the ')}", front=f"{by.ja}で{act.front}")
    if dice.chance(0.35):
        other = talk.friend(who)
        act = act._replace(company=(f"with {other.en}", other.ja + dice.pick(("と", "と一緒に"))))
    return told(talk, act, past=tense == "past", future=tense == "future")


def errand(talk: Talk) -> Pair:
    """Going somewhere to do something: 本を借りに図書館へ行く."""
    dice = talk.dice
    who = talk.someone()
    deed = talk.deed("D e")
    inner = talk.done(deed, who)
    place = dice.pick(places(*deed.places)) if deed.places else None
    past = dice.chance(0.6)
    purpose = inner.front + stem(inner.word) + "に"
    rest = f"to {inner.verb} {inner.rest}".strip()
    if place is None or place.en == "home" or "inside" in place.classes:
        raise Retry
    front = purpose + place.ja + "へ" if dice.chance(0.4) else place.ja + "に" + purpose
    act = Act(who, "go", f"{place.to} {rest}", front, Word("行く", "5"), inner.key, deed=deed)
    act = talk.timed(act, "past" if past else "future", clock=0)
    return told(talk, act, past=past, future=not past)


def experienced(talk: Talk) -> Pair:
    """What somebody has, or has never, done: 〜たことがある."""
    dice = talk.dice
    who = YOU if dice.chance(0.3) else talk.someone(first=0.5)
    negative = dice.chance(0.4) and who is not YOU
    if dice.chance(0.5):
        place = dice.pick(places("city", "abroad"))
        act = Act(who, "be", f"to {place.en}", place.ja + "に", Word("行く", "5"), f"go/{place.en}")
    else:
        known = ("fishing", "camping", "tennis", "baseball")
        choices = [d for v in ("play", "drive", "climb", "travel") for d in deeds_of(v)]
        choices += [d for d in deeds_of("go") if d.rest in known]
        act = talk.done(dice.pick(choices), who, forms="ba")
    talk.tags.add(f"did:{act.key}/ever/{who.key}")
    word = Word(ta(act.word) + "ことがある", "5")
    if who is YOU:
        en = question(who.subject, act.verb, act.rest, adverb="ever", perfect=True)
        return sentence(en, "?"), ask(talk, japanese(act, lambda w: "", ""), word)
    en = english(act, perfect=True, contract=talk.contract).replace("{my}", who.his)
    if negative:
        aux = "has" if who.agrees == "3s" else "have"
        en = english(act, perfect=True).replace(f"{who.en} {aux} ", f"{who.en} {aux} never ", 1)
    often = (
        ("", "")
        if negative or dice.chance(0.5)
        else dice.pick(((" once", "一度"), (" twice", "二度"), (" many times", "何度も")))
    )
    ja = (
        talk.topic(who)
        + ("一度も" if negative and dice.chance(0.5) else often[1])
        + japanese(act, lambda w: "", "")
        + talk.end(word, negative=negative)
    )
    return sentence(en + often[0]), ja + "。"


def already(talk: Talk) -> Pair:
    """What has been done already, もう, or not yet, まだ〜ていない."""
    dice = talk.dice
    who, yet = (YOU if dice.chance(0.25) else talk.someone(first=0.5)), dice.chance(0.5)
    deed = dice.pick(
        [
            d
            for d in talk_deeds()
            if d.verb in {"have", "read", "write", "buy", "do", "clean", "wash", "watch", "return", "brush", "answer"}
            and not {"postal", "gift"} & set(d.slots)
        ]
    )
    act = talk.done(deed, who, negative=True, forms="tm")
    talk.tags.add(f"did:{act.key}/already/{who.key}")
    topic = "" if who is YOU else talk.topic(who)
    body = japanese(act, lambda w: "", "")
    if who is YOU:
        en = question(who.subject, act.verb, f"{act.rest} yet".replace("{my}", "your"), perfect=True)
        return sentence(en, "?"), ask(talk, "もう" + body, act.word, past=True)
    if yet:
        en = english(act, perfect=True, negative=True, contract=talk.contract) + " yet"
        return sentence(en), topic + "まだ" + body + talk.end(progressive(act.word), negative=True) + "。"
    aux = "has" if who.agrees == "3s" else "have"
    en = english(act, perfect=True).replace(f"{who.en} {aux} ", f"{who.en} {aux} already ", 1)
    return sentence(en), topic + "もう" + body + talk.end(act.word, past=True) + "。"


def wearing(talk: Talk) -> Pair:
    """What somebody wears: the verb is 着る, 履く or かぶる, as the garment says."""
    dice = talk.dice
    thing = dice.pick(things("clothes"))
    who = talk.someone(first=0.1)
    word = (
        Word("着る", "1")
        if "kiru" in thing.classes
        else Word("履く", "5")
        if "haku" in thing.classes
        else Word("かぶる", "5")
    )
    if thing.en == "skirt" or thing.en == "kimono":
        who = dice.pick([p for p in PEOPLE if p.he == "she" and p.group in {"kin", "name", "she"}])
        talk.tags.add(f"as:subject/{who.key}")
    if who.agrees in {"3p", "1p"}:
        who = I
    item = talk.phrase(thing, "j")
    past = dice.chance(0.4)
    act = Act(who, "wear", item.en, f"{item.ja}を", progressive(word), f"wear/{thing.en}")
    if past:
        act = act._replace(when=When(*dice.pick((("yesterday", "昨日"), ("that day", "その日"))), "D"))
    elif dice.chance(0.4):
        act = act._replace(when=When("today", "今日", "D"))
    talk.tags.add(f"did:{act.key}/{act.when.name if act.when else who.key}")
    return told(talk, act, past=past, progressive=True)


def lives(talk: Talk) -> Pair:
    """Where somebody lives or works, in the state that ている describes."""
    who = talk.someone(first=0.2)
    act = state(talk, who)
    return told(talk, act, negative=talk.dice.chance(0.15) and act.verb in {"live", "work"})


def state(talk: Talk, who: Person) -> Act:
    """Where somebody lives, works or studies, or what they teach."""
    dice = talk.dice
    city = dice.pick(places("city", "abroad"))
    kind = dice.weighted([(4, "live"), (3, "work"), (2, "study"), (2, "teach")])
    if kind == "live":
        act = Act(who, "live", f"in {city.en}", f"{city.ja}に", progressive(Word("住む", "5")), f"live/{city.en}")
    elif kind == "work":
        at = dice.pick(
            [
                ("a bank", "銀行"),
                ("a hospital", "病院"),
                ("a post office", "郵便局"),
                ("a library", "図書館"),
                ("a restaurant", "レストラン"),
                ("a hotel", "ホテル"),
                ("a bookstore", "本屋"),
                ("a supermarket", "スーパー"),
            ]
        )
        near = dice.chance(0.4)
        rest, front = f"at {at[0]}", f"{at[1]}で"
        if near:
            rest, front = f"{rest} in {city.en}", f"{city.ja}の{front}"
        act = Act(who, "work", rest, front, progressive(Word("働く", "5")), f"work/{at[0]}")
    else:
        subject = dice.pick(things("language", "subject"))
        verb, word = ("study", Word("勉強する", "s")) if kind == "study" else ("teach", Word("教える", "1"))
        school = (
            dice.pick((("at a university", "大学で"), ("at a school", "学校で")))
            if kind == "teach"
            else ("at a university", "大学で")
        )
        act = Act(
            who,
            verb,
            f"{subject.en} {school[0]}",
            f"{school[1]}{subject.ja}を",
            progressive(word),
            f"{verb}/{subject.en}",
        )
    talk.tags.add(f"did:{act.key}/lives/{who.key}")
    return act
