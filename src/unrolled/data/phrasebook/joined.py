"""Two clauses: before and after, while, when, as a child, but and and; and which of two."""

from unrolled.data.phrasebook.causes import Effect
from unrolled.data.phrasebook.english import ing, sentence
from unrolled.data.phrasebook.japanese import Word, progressive, stem, ta, te
from unrolled.data.phrasebook.nouns import Person, places
from unrolled.data.phrasebook.phrases import Act, Retry, Talk, english, japanese
from unrolled.data.phrasebook.reasons import effect
from unrolled.data.phrasebook.times import When
from unrolled.data.phrasebook.told import I, Pair, deeds_of

# the order of a day, with what is done in it
_ROUTINE = """
1|get|up||起きる 1
2|take|a shower|シャワーを|浴びる 1
3|have|breakfast|朝ご飯を|食べる 1
4|brush|{my} teeth|歯を|磨く 5
4|read|the newspaper|新聞を|読む 5
5|go|to work|仕事に|行く 5
4|walk|the dog|犬を散歩に|連れて行く 5
7|come|home|家に|帰る 5
8|do|{my} homework|宿題を|する s
8|cook|dinner|晩ご飯を|作る 5
9|have|dinner|晩ご飯を|食べる 1
10|wash|the dishes|お皿を|洗う 5
10|watch|TV|テレビを|見る 1
10|take|a bath|お風呂に|入る 5
10|read|a book|本を|読む 5
10|listen|to music|音楽を|聞く 5
11|go|to bed||寝る 1
"""
# what is done beside something else, and what that may be, by the first verb
_ALONG = """
listen|to music|音楽を|聞く 5
listen|to the radio|ラジオを|聞く 5
drink|coffee|コーヒーを|飲む 5
watch|TV|テレビを|見る 1
drink|tea|お茶を|飲む 5
sing|||歌う 5
"""
_WITH = """
listen|study|||勉強する s
listen|cook|dinner|晩ご飯を|作る 5
listen|drive|{my} car|車を|運転する s
listen|clean|{my} room|部屋を|掃除する s
listen|read|a book|本を|読む 5
listen|run|in the park|公園を|走る 5
drink|read|the newspaper|新聞を|読む 5
drink|watch|the news|ニュースを|見る 1
drink|talk|with {p}|{p}と|話す 5
drink|write|e-mails|メールを|書く 5
drink|read|a magazine|雑誌を|読む 5
watch|have|dinner|晩ご飯を|食べる 1
watch|have|breakfast|朝ご飯を|食べる 1
watch|do|{my} homework|宿題を|する s
watch|eat|ice cream|アイスクリームを|食べる 1
watch|talk|with {p}|{p}と|話す 5
sing|take|a shower|シャワーを|浴びる 1
sing|wash|the dishes|お皿を|洗う 5
sing|clean|the kitchen|台所を|掃除する s
sing|play|the guitar|ギターを|弾く 5
sing|play|the piano|ピアノを|弾く 5
"""


def _effects(table: str) -> list[tuple[str, Effect]]:
    """The rows of a table: what stands before the effect, and the effect."""
    rows = [line.split("|") for line in table.strip().splitlines()]
    return [("|".join(row[:-4]), Effect(row[-4], row[-3], row[-2], Word(*row[-1].split()))) for row in rows]


ROUTINE = tuple((int(order), effect) for order, effect in _effects(_ROUTINE))
ALONG = tuple(effect for _, effect in _effects(_ALONG))
WITH = {verb: tuple(effect for key, effect in _effects(_WITH) if key == verb) for verb in {a.verb for a in ALONG}}


def in_order(talk: Talk) -> Pair:
    """Before and after: 寝る前に, 食べた後で, 食べてから."""
    dice = talk.dice
    who = talk.someone(first=0.4)
    (_, a), (hour, b) = dice.pick(
        [(a, b) for a in ROUTINE for b in ROUTINE if a[0] < b[0] <= a[0] + 3 and a[1].word != b[1].word]
    )
    if who.key == "students":
        who = I
    first, second = (Act(who, *deed) for deed in (a, b))
    past = dice.chance(0.45)
    when = (
        dice.pick((When("yesterday", "昨日", "D"), When("this morning", "今朝", "D")))
        if past
        else dice.pick(
            (
                When("every day", "毎日", "h"),
                When("usually", "たいてい", "h", mid=True),
                When("always", "いつも", "h", mid=True),
                When("", "", "h"),
            )
        )
    )
    if past and when.en == "this morning" and hour > 5:
        when = When("yesterday", "昨日", "D")
    before = dice.chance(0.5) and a.verb not in {"get", "come"}
    main, side = (first, second) if before else (second, first)
    talk.tags.add(f"order:{a.verb} {a.rest}/{b.verb} {b.rest}/{when.en or who.key}")
    main = main._replace(when=when if when.en else None)
    link = "before" if before else "after"
    gerund = dice.chance(0.4)
    clause_en = (
        english(side, who.again, past=past) if not gerund else f"{ing(side.verb)} {side.rest}".replace("{my}", who.his)
    )
    front = dice.chance(0.5)
    if front:
        late = f" {when.en}" if past else ""
        head = (english(side, past=past) if not gerund else clause_en) + late
        body = english(main._replace(when=None) if late else main, None if gerund else who.again, past=past)
        en = f"{link} {head}, {body}"
    else:
        body = english(main._replace(when=None) if when.en and not when.mid else main, past=past)
        en = f"{body} {link} {clause_en}" + (f" {when.en}" if when.en and not when.mid else "")
    if before:
        linked = side.front + side.word.text + "前に"
    else:
        linked = side.front + (
            ta(side.word) + dice.pick(("後", "後で")) if dice.chance(0.6) else te(side.word) + "から"
        )
    topic = talk.topic(who)
    time = when.ja
    head = (topic + time) if when.mid or dice.chance(0.5) else (time + topic)
    return sentence(en), f"{head}{linked}、{main.front}{talk.end(main.word, past=past)}。"


def meanwhile(talk: Talk) -> Pair:
    """Two things at once: 聞きながら."""
    dice = talk.dice
    who = talk.someone(first=0.35)
    side = dice.pick(ALONG)
    main = effect(talk, dice.pick(WITH[side.verb]), who)
    tense = dice.weighted([(3, "past"), (3, "daily"), (2, "now")])
    when = None
    if tense == "past":
        when = dice.pick(
            (
                When("yesterday", "昨日", "D"),
                When("last Sunday", "先週の日曜日に", "D"),
                When("last weekend", "先週末", "D"),
            )
        )
    elif tense == "daily":
        when = dice.pick(
            (
                When("often", "よく", "h", mid=True),
                When("always", "いつも", "h", mid=True),
                When("usually", "たいてい", "h", mid=True),
                When("sometimes", "時々", "h", mid=True),
            )
        )
    main = main._replace(when=when)
    talk.tags.add(f"while:{side.verb} {side.rest}/{main.verb} {main.rest}/{when.en if when else who.key}")
    past, going = tense == "past", tense == "now"
    late = f" {when.en}" if when and not when.mid else ""
    by_verb = main._replace(when=when if when and when.mid else None)
    en = english(by_verb, contract=talk.contract, past=past, progressive=going)
    en = f"{en} while {ing(side.verb)} {side.rest}".strip() + late
    topic = talk.topic(who)
    time = when.ja if when else ""
    head = time + topic if when and not when.mid and dice.chance(0.5) else topic + time
    word = progressive(main.word) if tense == "now" else main.word
    comma = "、" if dice.chance(0.3) else ""
    ja = f"{head}{side.front}{stem(side.word)}ながら{comma}{main.front}{talk.end(word, past=past)}。"
    return sentence(en), ja


def when_it_happened(talk: Talk) -> Pair:
    """When something happened, somebody was doing something."""
    dice = talk.dice
    who = talk.someone(first=0.5)
    other = talk.someone(but=(who,), first=0.4 if who.group != "me" else 0)
    if other.group == "we" or who.group == "we":
        raise Retry
    kind = dice.pick(("home", "call", "rang", "rain", "came"))
    if kind == "home" and not ({who.group, other.group} <= {"me", "kin"}):
        kind = "rang"
    if kind == "home":
        side, ja = (
            english(Act(who, dice.pick(("get", "come")), "home", "", Word("帰る", "5")), past=True),
            f"{_ga(talk, who)}家に帰った時、",
        )
    elif kind == "call":
        who = talk.someone(but=(other,), first=0)
        if other.group == "me":
            side, ja = english(Act(who, "call", "me", "", Word("する", "s")), past=True), f"{who.ja}が電話をくれた時、"
        else:
            side, ja = (
                english(Act(I, "call", other.him, "", Word("する", "s")), past=True),
                f"{talk.me}が電話をかけた時、",
            )
            side = f"I called {other.en}"
            who = I
    elif kind == "rang":
        side, ja = "the phone rang", "電話が鳴った時、"
    elif kind == "rain":
        side, ja = "it started to rain", "雨が降り始めた時、"
    else:
        place = dice.pick(
            [
                p
                for p in places("town")
                if p.en not in {"the sea", "school", "the hospital", "the bank", "the post office"}
            ]
        )
        if other.group == "me":
            raise Retry
        side, ja = (
            english(Act(who, "arrive", place.at.replace("in the", "at the"), "", Word("着く", "5")), past=True),
            f"{_ga(talk, who)}{place.ja}に着いた時、",
        )
        act = Act(
            other,
            "wait",
            f"for {who.him}" if who.key != other.key else "for me",
            f"{talk.name(who)}を",
            Word("待つ", "5"),
            "wait/for",
        )
        pron = other
        en = english(act, past=True, progressive=True)
        topic = talk.topic(other, drop=0.5)
        waiting = "" if who.group == "me" and dice.chance(0.4) else act.front
        talk.tags.add(f"when:{kind} {place.en}/{who.key}/{pron.key}")
        end = talk.end(progressive(act.word), past=True)
        return sentence(f"when {side}, {en}"), f"{ja}{topic}{waiting}{end}。"
    marks = "p c" if kind == "rain" else "p"
    deed = talk.deed(f"D {marks}")
    if kind == "rain":
        deed = dice.pick(
            [
                *[d for d in deeds_of("take") if d.rest == "a walk"],
                *[d for d in deeds_of("play") if "sport" in d.slots],
                *deeds_of("run"),
                *deeds_of("do")[:1],
            ]
        )
    while kind in {"home", "rang"} and (
        deed.places in {("outdoor",), ("meet",)} or deed.verb in {"run", "meet", "wait"}
    ):
        deed = talk.deed("D p")
    act = talk.done(deed, other, forms="abtdjm", but=(who,))
    if other.en == who.en and kind in {"home"}:
        raise Retry
    talk.tags.add(f"when:{kind}/{act.key}/{other.key}")
    # the pronoun only where it can't be mistaken
    en = english(act, past=True, progressive=True)
    main = talk.topic(other, drop=0.5) + japanese(act, lambda w: talk.end(progressive(w), past=True), "")
    if kind == "call" and who is I and other.en == other.he:  # she was … when I called her: who?
        raise Retry
    if kind == "call" and who is I:
        en = english(act, other.again, past=True, progressive=True)
        ja = f"{talk.me}が{other.ja}に電話をかけた時、" if dice.chance(0.5) else f"{other.ja}に電話をかけた時、"
        main = dice.pick(("", other.he and {"he": "彼は", "she": "彼女は"}.get(other.he, "彼らは"))) + japanese(
            act, lambda w: talk.end(progressive(w), past=True), ""
        )
        if not main.startswith(("彼", "彼女")):
            main = {"he": "彼は", "she": "彼女は"}.get(other.he, "彼らは") + main
    if dice.chance(0.25) and not (kind == "call" and who is I):
        return sentence(f"{en} when {side}"), ja + main + "。"
    return sentence(f"when {side}, {en}"), ja + main + "。"


def _ga(talk: Talk, who: Person) -> str:
    return talk.topic(who, "が", drop=0.6)


def as_a_child(talk: Talk) -> Pair:
    """What somebody often did in earlier days."""
    dice = talk.dice
    who = talk.someone(first=0.6)
    if who.key in {"children", "students", "we", "they"}:
        who = I
    once_en, once_ja = dice.pick((("a child", "子供"), ("a student", "学生"), ("a high school student", "高校生")))
    deed = talk.deed(dice.pick(("D w g", "D w", "W w")))
    act = talk.around(talk.done(deed, who, forms="bs"), lasts=0, company=0.35)
    if deed.verb in {"buy", "return", "do", "answer"} or deed.forms == "t":
        raise Retry
    if (
        (deed.verb in {"take", "drive"} and "vehicle" in deed.slots)
        or "m" in deed.forms
        or "wine" in act.rest
        or "beer" in act.rest
        or "{my}" in act.rest
    ):
        raise Retry
    often = dice.pick((("often", "よく"), ("sometimes", "時々")))
    talk.tags.add(f"child:{act.key}/{who.key}/{once_en}")
    where = act._replace(when=When(often[0], often[1], "h", mid=True))
    front = dice.chance(0.6)
    if front:
        en = f"when {who.en} was {once_en}, {english(where, who.again, past=True)}"
    else:
        en = f"{english(where, past=True)} when {who.he} was {once_en}"
    topic = talk.topic(who)
    ja = (
        f"{topic}{once_ja}の{dice.pick(('時', '頃'))}、{often[1]}"
        if dice.chance(0.7)
        else f"{once_ja}の{dice.pick(('時', '頃'))}、{topic}{often[1]}"
    )
    return sentence(en), ja + japanese(act, lambda w: talk.end(w, past=True), "") + "。"
