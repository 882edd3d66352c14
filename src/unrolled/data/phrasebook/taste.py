"""What the grammar can say, and nobody would.

>>> odd("The children will drink wine."), odd("The children will drink milk.")
(True, False)
"""

import re

_ADULT = r"(grand)?(father|mother)|uncle|aunt|boss|teacher|doctor|nurse|lawyer|manager|police officer"
_DAILY = "(takes?|has|have|goes|go|gets?) (a shower|a bath|breakfast|lunch|dinner|to bed|up)"
_GROWN = (
    "beer|wine|coffee|drive|taxi|work|office|sell|sold|report|doctor|dentist|haircut|cell phone|computer|move|laundry"
)
# a word without which the pattern need not be tried, and the pattern
_ODD = (
    ("children", rf"\b[Tt]he children\b[^,]*\b({_GROWN})"),
    ("e children", r"\b(gave|give) the children (an?|one) "),
    ("e students", r"\b(gave|give) the students (an?|one) "),
    (" cafe", r"\b(beer|wine|water)\b[^,]* cafe"),
    (" park", r"\b(beer|wine)\b[^,]* park"),
    (" to work", r"\b(sometimes|often|twice a|three times a|once a) (goes|go|went) to work"),
    (" to work", r"\bto work\b[^,]*\b(once|twice|three times|on weekends|weekend|S\w+days?)\b"),
    (" to work", r"\b(Sun|Satur)day\b.* to work\b|grand\w+er\b[^,]* to work"),
    (" to school", rf"\b({_ADULT})\b[^,]*\b(go|goes|went) to school"),
    (" to school", r"\b(Sun|Satur)day\b.* to school|to school\b[^,]* S\w+day"),
    ("day", r"\b(last|next) S\w+day\b[^,]*\b(the office|to work|to school)"),
    ("day", r"\b(the office|to work|to school)\b[^,]* (last|next) S\w+day"),
    (" to ", rf"\bt(each|aught|eaches|eaching)\b[^,]* to (the|my) ({_ADULT})\b"),
    ("omework", rf"\b({_ADULT})\b[^,]*\bhomework|\bhomework\b.*\b(office|work)\b|\b(office|work)\b.*\bhomework\b"),
    ("n exam", rf"\b({_ADULT})\b[^,]*\ban exam"),
    ("ast night", r"\b(school|office|breakfast|lunch|early|for a run|laundry|umbrella)\b[^,]* last night"),
    ("ast night, ", r"ast night, [^,]*\b(school|office|breakfast|lunch|up early)\b"),
    ("his morning", r"\b(to bed early|dinner|curry|late)\b[^,]* (this|yesterday) morning"),
    ("his morning", r"his morning\b.*\b(to bed early|dinner|until late|home late)"),
    (" a", r"\b(buy|buys|bought|buying|gives?|gave|gets?|got|received?) (me )?an? (old|heavy|boring|difficult)\b"),
    ("every", r"\bhave (dinner|lunch) every \w+\?"),
    (" brush", r"\b(often|sometimes) brush"),
    ("often", rf"\boften {_DAILY}\b[^,]*\."),
    ("sometimes", rf"\bsometimes {_DAILY}\b[^,]*\."),
    (" get up", r"\b(didn't|did not|won't|will not) get up"),
    ("n", r"\b(didn't|did not|haven't|hasn't|won't|will not) (lose|find|break|lost|found|broken)\b"),
)
_PATTERNS = tuple((word, re.compile(pattern)) for word, pattern in _ODD)


def odd(english: str) -> bool:
    """Whether the sentence is one that nobody would say."""
    return any(word in english and pattern.search(english) is not None for word, pattern in _PATTERNS)
