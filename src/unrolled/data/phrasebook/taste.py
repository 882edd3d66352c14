"""What the grammar can say, and nobody would.

>>> odd("The children will drink wine."), odd("The children will drink milk.")
(True, False)
"""

import re

_GROWN = r"beer|wine|coffee|drive|taxi|work\b|office|shave|sell|sold|report|doctor|dentist|haircut|cell phone|computer|move|laundry"
_ODD = (
    rf"\b[Tt]he children\b[^,]*\b({_GROWN})",
    r"\b(beer|wine)\b[^,]*\b(cafe|park|convenience store at \d)",
    r"\b(gave|give) the (children|students) (an?|one) ",
    r"\b(sometimes|often|twice a|three times a|once a) (goes|go|went|week go) to work",
    r"\b(goes|go|went|going) to work\b[^,]*\b(once|twice|three times|on weekends|Sundays?|Saturdays?|weekend)\b",
    r"\bteach\w*\b[^,]* to (the (manager|doctor|nurse|lawyer|police officer|teacher)|my (boss|grandfather|grandmother))",
    r"\btaught\b[^,]* to (the (manager|doctor|nurse|lawyer|police officer|teacher)|my (boss|grandfather|grandmother))",
    r"\bwas (taking|playing|eating|running|drinking|listening|talking)\b[^,]* (at|in) the (bookstore|bank|hospital|post office|station|museum)",
    r"\b(school|office|breakfast|lunch|early|for a run|laundry)\b[^,]* last night",
    r"last night, [^,]*\b(school|office|breakfast|lunch|up early)\b",
    r"\b(buy|buys|bought|buying|gives?|gave|gets?|got|receive|received) (me )?an? (old|heavy|boring|difficult)\b",
    r"\b(uncle|aunt|father|mother|boss|doctor|nurse|lawyer|manager|officer)\b[^,]*\b(go|goes|went) to school",
    r"\b(school|work|office)\b[^,]* (last|next) S\w+day|(last|next) S\w+day, [^,]*\b(go|went) to (school|work)",
    r"\b(sometimes|often) (takes?|has|have|goes|go|gets?) (a shower|a bath|breakfast|lunch|dinner|to bed|up)\b[^,]*\.",
    r"\b(dinner|curry)\b[^,]* this morning|this morning, [^,]*\bdinner\b",
    r"\bwater at the cafe\b",
    r"\bto bed early (this|yesterday) morning|this morning, [^,]*to bed early",
    r"\bhave (dinner|lunch) every \w+\?",
    r"\b(homework|high school)\b.*\b(office|work)\b",
    r"\b[Mm]y (grand)?(father|mother)\b[^,]*\b(do|does|did|doing|done) (his|her) homework",
    r"\b([Mm]y (boss|uncle|aunt|father|mother|grandfather|grandmother)|[Tt]he (teacher|doctor|nurse|lawyer|manager|police officer))\b[^,]*\b(an exam)",
    r"\b([Mm]y (boss|uncle|aunt)|[Tt]he (teacher|doctor|nurse|lawyer|manager|police officer))\b[^,]*\bhomework",
)
_PATTERN = re.compile("|".join(f"(?:{pattern})" for pattern in _ODD))


def odd(english: str) -> bool:
    """Whether the sentence is one that nobody would say."""
    return _PATTERN.search(english) is not None
