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
    r"\bwas (taking|playing|eating|running|drinking)\b[^,]* (at|in) the (bookstore|bank|hospital|post office|station|museum)",
    r"\b(homework|high school)\b.*\b(office|work)\b",
    r"\b[Mm]y (grand)?(father|mother)\b[^,]*\b(do|does|did|doing|done) (his|her) homework",
    r"\b([Mm]y (boss|uncle|aunt|father|mother|grandfather|grandmother)|[Tt]he (teacher|doctor|nurse|lawyer|manager|police officer))\b[^,]*\b(an exam)",
    r"\b([Mm]y (boss|uncle|aunt)|[Tt]he (teacher|doctor|nurse|lawyer|manager|police officer))\b[^,]*\bhomework",
)
_PATTERN = re.compile("|".join(f"(?:{pattern})" for pattern in _ODD))


def odd(english: str) -> bool:
    """Whether the sentence is one that nobody would say."""
    return _PATTERN.search(english) is not None
