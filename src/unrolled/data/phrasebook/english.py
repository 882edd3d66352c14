"""How English words inflect, and how a clause is put together from subject, verb and the rest.

>>> clause(Subject("my father", "3s"), "eat", "two apples", past=True, negative=True, contract=True)
"my father didn't eat two apples"
>>> question(Subject("you", "2"), "be", "tired", past=True)
'were you tired'
"""

from typing import NamedTuple

IRREGULAR = {
    "be": ("was", "been"), "have": ("had", "had"), "do": ("did", "done"), "go": ("went", "gone"),
    "eat": ("ate", "eaten"), "drink": ("drank", "drunk"), "read": ("read", "read"), "write": ("wrote", "written"),
    "see": ("saw", "seen"), "buy": ("bought", "bought"), "sell": ("sold", "sold"), "make": ("made", "made"),
    "take": ("took", "taken"), "give": ("gave", "given"), "get": ("got", "got"), "lose": ("lost", "lost"),
    "find": ("found", "found"), "lend": ("lent", "lent"), "send": ("sent", "sent"), "teach": ("taught", "taught"),
    "meet": ("met", "met"), "run": ("ran", "run"), "swim": ("swam", "swum"), "ride": ("rode", "ridden"),
    "drive": ("drove", "driven"), "sing": ("sang", "sung"), "sleep": ("slept", "slept"), "come": ("came", "come"),
    "leave": ("left", "left"), "know": ("knew", "known"), "forget": ("forgot", "forgotten"), "wear": ("wore", "worn"),
    "put": ("put", "put"), "draw": ("drew", "drawn"), "speak": ("spoke", "spoken"), "say": ("said", "said"),
    "think": ("thought", "thought"), "hear": ("heard", "heard"), "break": ("broke", "broken"), "cost": ("cost", "cost"),
    "understand": ("understood", "understood"), "tell": ("told", "told"), "begin": ("began", "begun"),
    "show": ("showed", "shown"), "keep": ("kept", "kept"), "rise": ("rose", "risen"), "feed": ("fed", "fed"),
    "spend": ("spent", "spent"), "bring": ("brought", "brought"), "feel": ("felt", "felt"), "wake": ("woke", "woken"),
    "pay": ("paid", "paid"), "choose": ("chose", "chosen"), "fall": ("fell", "fallen"), "catch": ("caught", "caught"),
}  # fmt: skip
_DOUBLED = ("stop", "plan", "get", "put", "run", "swim", "forget", "begin", "shop", "jog", "chat")
_CONTRACTED = {"am": "'m", "is": "'s", "are": "'re", "will": "'ll", "have": "'ve", "has": "'s"}
_PRONOUNS = ("I", "you", "he", "she", "it", "we", "they")


class Subject(NamedTuple):
    """A subject and what the verb agrees with: "1s", "2", "3s", "1p" or "3p"."""

    en: str
    agrees: str


def third(verb: str) -> str:
    """The third person singular: eats, watches, studies."""
    if verb in {"be", "have"}:
        return {"be": "is", "have": "has"}[verb]
    if verb.endswith(("s", "sh", "ch", "x", "o")):
        return verb + "es"
    return verb[:-1] + "ies" if _consonant_y(verb) else verb + "s"


def preterite(verb: str) -> str:
    """The simple past: ate, watched, studied."""
    return IRREGULAR[verb][0] if verb in IRREGULAR else _regular_past(verb)


def participle(verb: str) -> str:
    """The past participle: eaten, watched, studied."""
    return IRREGULAR[verb][1] if verb in IRREGULAR else _regular_past(verb)


def ing(verb: str) -> str:
    """The present participle: eating, taking, swimming."""
    if verb in _DOUBLED:
        return verb + verb[-1] + "ing"
    if verb.endswith("e") and not verb.endswith(("ee", "be")):
        return verb[:-1] + "ing"
    return verb + "ing"


def article(words: str) -> str:
    """A or an before these words: an egg, a university, an hour."""
    first = words.split()[0].lower()
    if first.startswith(("uni", "use", "eu", "one")):
        return "a " + words
    return ("an " if first[0] in "aeiou" or first.startswith("hour") else "a ") + words


def be(agrees: str, *, was: bool = False) -> str:
    """The form of be: am, are, is, was, were."""
    if was:
        return "was" if agrees in {"1s", "3s"} else "were"
    return {"1s": "am", "3s": "is"}.get(agrees, "are")


def listed(items: list[str], last: str = "and") -> str:
    """A list with its commas: "a and b", "a, b, and c"."""
    if len(items) < 3:
        return f" {last} ".join(items)
    return ", ".join(items[:-1]) + f", {last} {items[-1]}"


def clause(who: Subject, verb: str, rest: str = "", *, contract: bool = False, adverb: str = "", **how: object) -> str:
    """A statement. ``how``: past, negative, future, progressive, perfect, can; ``adverb`` stands by the verb."""
    auxiliary, main = _group(who.agrees, verb, **how)  # type: ignore[arg-type]
    subject = who.en
    if how.get("negative"):
        auxiliary = _negated(auxiliary, contract)
    elif contract and subject in _PRONOUNS and auxiliary in _CONTRACTED and not (verb == "have" and not main):
        subject, auxiliary = subject + _CONTRACTED[auxiliary], ""
    return _joined(subject, auxiliary, adverb, main, rest)


def question(who: Subject, verb: str, rest: str = "", *, adverb: str = "", **how: object) -> str:
    """A question without its question word: "did you eat two apples"."""
    auxiliary, main = _group(who.agrees, verb, asks=True, **how)  # type: ignore[arg-type]
    return _joined(auxiliary, who.en, adverb, main, rest)


def predicate(verb: str, agrees: str, rest: str = "", **how: object) -> str:
    """A statement without its subject, as the later parts of a list of deeds."""
    return clause(Subject("", agrees), verb, rest, **how)  # type: ignore[arg-type]


def sentence(text: str, end: str = ".") -> str:
    """The text with a capital and its end."""
    return text[0].upper() + text[1:] + end


def _group(
    agrees: str, verb: str, *, past: bool = False, negative: bool = False, future: bool = False,
    progressive: bool = False, perfect: bool = False, can: bool = False, asks: bool = False,
) -> tuple[str, str]:  # fmt: skip
    """The auxiliary, "" where there is none, and the main verb."""
    if can:
        return ("could" if past else "can"), verb
    if future:  # past and future: what was to come, in reported speech
        return ("would" if past else "will"), verb
    if perfect:
        return ("had" if past else "has" if agrees == "3s" else "have"), participle(verb)
    if progressive or verb == "be":
        return be(agrees, was=past), (ing(verb) if progressive else "")
    if negative or asks:
        return ("did" if past else "does" if agrees == "3s" else "do"), verb
    if past:
        return "", preterite(verb)
    return "", (third(verb) if agrees == "3s" else verb)


def _negated(auxiliary: str, contract: bool) -> str:
    if auxiliary == "can":
        return "can't" if contract else "cannot"
    if not contract or auxiliary == "am":
        return auxiliary + " not"
    return "won't" if auxiliary == "will" else auxiliary + "n't"


def _regular_past(verb: str) -> str:
    if verb in _DOUBLED:
        return verb + verb[-1] + "ed"
    if verb.endswith("e"):
        return verb + "d"
    return verb[:-1] + "ied" if _consonant_y(verb) else verb + "ed"


def _consonant_y(verb: str) -> bool:
    return verb.endswith("y") and verb[-2] not in "aeiou"


def _joined(*parts: str) -> str:
    return " ".join(part for part in parts if part)
