"""Two clauses: before and after, while, when, as a child, but and and; and which of two."""

from unrolled.data.phrasebook.causes import Effect
from unrolled.data.phrasebook.english import ing, sentence
from unrolled.data.phrasebook.japanese import Word, progressive, stem, ta, te
from unrolled.data.phrasebook.nouns import Person, places, things
from unrolled.data.phrasebook.phrases import Act, Retry, Talk, english, japanese
from unrolled.data.phrasebook.reasons import PAST, but_end, effect, paused
from unrolled.data.phrasebook.times import When
from unrolled.data.phrasebook.told import I, Pair, deeds_of

ROUTINE = (
    (1, "get", "up", "", Word("起きる", "1")), (2, "take", "a shower", "シャワーを", Word("浴びる", "1")), (3, "have", "breakfast", "朝ご飯を", Word("食べる", "1")),
    (4, "brush", "{my} teeth", "歯を", Word("磨く", "5")), (4, "read", "the newspaper", "新聞を", Word("読む", "5")), (5, "go", "to work", "仕事に", Word("行く", "5")),
    (4, "walk", "the dog", "犬を散歩に", Word("連れて行く", "5")), (7, "come", "home", "家に", Word("帰る", "5")), (8, "do", "{my} homework", "宿題を", Word("する", "s")),
    (8, "cook", "dinner", "晩ご飯を", Word("作る", "5")), (9, "have", "dinner", "晩ご飯を", Word("食べる", "1")), (10, "wash", "the dishes", "お皿を", Word("洗う", "5")), (10, "watch", "TV", "テレビを", Word("見る", "1")),
    (10, "take", "a bath", "お風呂に", Word("入る", "5")), (10, "read", "a book", "本を", Word("読む", "5")), (10, "listen", "to music", "音楽を", Word("聞く", "5")), (11, "go", "to bed", "", Word("寝る", "1")),
)  # fmt: skip


def in_order(talk: Talk) -> Pair:
    """Before and after: 寝る前に, 食べた後で, 食べてから."""
    dice = talk.dice
    who = talk.someone(first=0.4)
    a, b = dice.pick([(a, b) for a in ROUTINE for b in ROUTINE if a[0] < b[0] <= a[0] + 3 and a[4] != b[4]])
    if who.key == "students":
        who = I
    first, second = (Act(who, r[1], r[2], r[3], r[4]) for r in (a, b))
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
    if past and when.en == "this morning" and b[0] > 5:
        when = When("yesterday", "昨日", "D")
    before = dice.chance(0.5) and a[1] not in {"get", "come"}
    main, side = (first, second) if before else (second, first)
    talk.tags.add(f"order:{a[1]} {a[2]}/{b[1]} {b[2]}/{when.en or who.key}")
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


ALONG = (
    ("listen", "to music", "音楽を", Word("聞く", "5")),
    ("listen", "to the radio", "ラジオを", Word("聞く", "5")),
    ("drink", "coffee", "コーヒーを", Word("飲む", "5")),
    ("watch", "TV", "テレビを", Word("見る", "1")),
    ("drink", "tea", "お茶を", Word("飲む", "5")),
    ("sing", "", "", Word("歌う", "5")),
)

WITH = {
    "listen": (("study", "", "", Word("勉強する", "s")), ("cook", "dinner", "晩ご飯を", Word("作る", "5")), ("drive", "{my} car", "車を", Word("運転する", "s")), ("clean", "{my} room", "部屋を", Word("掃除する", "s")), ("read", "a book", "本を", Word("読む", "5")), ("run", "in the park", "公園を", Word("走る", "5"))),
    "drink": (("read", "the newspaper", "新聞を", Word("読む", "5")), ("watch", "the news", "ニュースを", Word("見る", "1")), ("talk", "with {p}", "{p}と", Word("話す", "5")), ("write", "e-mails", "メールを", Word("書く", "5")), ("read", "a magazine", "雑誌を", Word("読む", "5"))),
    "watch": (("have", "dinner", "晩ご飯を", Word("食べる", "1")), ("have", "breakfast", "朝ご飯を", Word("食べる", "1")), ("do", "{my} homework", "宿題を", Word("する", "s")), ("eat", "ice cream", "アイスクリームを", Word("食べる", "1")), ("talk", "with {p}", "{p}と", Word("話す", "5"))),
    "sing": (("take", "a shower", "シャワーを", Word("浴びる", "1")), ("wash", "the dishes", "お皿を", Word("洗う", "5")), ("clean", "the kitchen", "台所を", Word("掃除する", "s")), ("play", "the guitar", "ギターを", Word("弾く", "5")), ("play", "the piano", "ピアノを", Word("弾く", "5"))),
}  # fmt: skip


def meanwhile(talk: Talk) -> Pair:
    """Two things at once: 聞きながら."""
    dice = talk.dice
    who = talk.someone(first=0.35)
    side = dice.pick(ALONG)
    main = effect(talk, Effect(*dice.pick(WITH[side[0]])), who)
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
    talk.tags.add(f"while:{side[0]} {side[1]}/{main.verb} {main.rest}/{when.en if when else who.key}")
    how = {"past": tense == "past", "progressive": tense == "now"}
    late = f" {when.en}" if when and not when.mid else ""
    en = english(main._replace(when=when if when and when.mid else None), contract=talk.contract, **how)
    en = f"{en} while {ing(side[0])} {side[1]}".strip() + late
    topic = talk.topic(who)
    time = when.ja if when else ""
    head = time + topic if when and not when.mid and dice.chance(0.5) else topic + time
    word = progressive(main.word) if tense == "now" else main.word
    return sentence(
        en
    ), f"{head}{side[2]}{stem(side[3])}ながら、{main.front}{talk.end(word, past=tense == 'past')}。" if dice.chance(
        0.3
    ) else f"{head}{side[2]}{stem(side[3])}ながら{main.front}{talk.end(word, past=tense == 'past')}。"


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


def contrast(talk: Talk) -> Pair:
    """One thing but not the other; one person but not the other: the は of contrast."""
    dice = talk.dice
    kind = dice.pick(("objects", "people", "people", "likes", "both"))
    who = talk.someone(first=0.4)
    if kind == "objects":
        deed = dice.pick(
            [
                d
                for v in ("eat", "drink", "buy", "read", "study", "play", "clean")
                for d in deeds_of(v)
                if d.slots and len(d.slots) <= 2 and "{p}" not in d.rest
            ]
        )
        form = "t" if deed.verb == "read" or "print" in deed.slots else "b" if deed.verb != "clean" else "m"
        pool = [t for slot in deed.slots for t in things(slot)]
        if len(pool) < 2:
            pool = list(things("language", "subject"))
            deed = deeds_of("study")[0]
        a, b = dice.some(pool, 2)
        if not (a.many and b.many) and form == "t":
            form = "b"
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
        a = english(Act(who, "like", name, "", Word("好き", "na")))
        first = talk.topic(who, drop=0) + thing.ja + "が"
        if kind == "both":
            it = dice.pick(("it" if not thing.many else "them",))
            b = english(Act(other, "like", f"{it}, too", "", Word("好き", "na")))
            return sentence(
                f"{a}, and {b}"
            ), f"{first}{te(Word('好き', 'na'))}、{talk.name(other)}も{talk.end(Word('好き', 'na'))}。"
        do = "do not" if other.agrees != "3s" else "does not"
        b = f"{other.en} {do.replace(' not', chr(110) + chr(39) + 't') if talk.contract else do}"
        end, link = but_end(talk)
        return (
            sentence(f"{a}, but {b}"),
            f"{first}{end(Word('好き', 'na'))}{link}、{talk.topic(other, drop=0)}{talk.end(Word('好き', 'na'), negative=True)}。",
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
    ja = f"{time}{'、' if front and dice.chance(0.5) else ''}{talk.topic(who, drop=0)}{japanese(bare, end, '')}{link}、{talk.topic(other, drop=0)}{talk.end(act.word, past=True, negative=True)}。"
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
        en = english(Act(who, "like", f"{na} better than {nb}", "", Word("好き", "na")))
        return sentence(en), f"{talk.topic(who)}{b.ja}より{a.ja}のほうが{talk.end(Word('好き', 'na'))}。"
    en = english(Act(who, "like", f"both {na} and {nb}", "", Word("好き", "na")))
    return sentence(en), f"{talk.topic(who)}{a.ja}も{b.ja}も{talk.end(Word('好き', 'na'))}。"
