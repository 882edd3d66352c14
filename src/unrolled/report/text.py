"""Text and numbers as a page shows them: cleaned, shortened, escaped."""

import html
import math
import re

# Controls, lone surrogates and non-characters: HTML forbids them, and UTF-8 can't write the surrogates.
_UNFIT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_PARAGRAPHS = re.compile(r"\n[ \t]*\n\s*")
_CODE = re.compile(r"`([^`\n]+)`")

LONG = 96  # characters of a name that a page shows


def clean(text: str) -> str:
    """``text`` without characters that HTML or UTF-8 forbid; each becomes U+FFFD."""
    return _UNFIT.sub("\ufffd", text)


def escape(text: str) -> str:
    """``text`` for an element's content or a quoted attribute."""
    return html.escape(clean(text), quote=True)


def short(text: str, most: int = LONG) -> str:
    """``text``, or its two ends around an ellipsis where it has more than ``most`` characters.

    >>> short("abcdefghij", 5)
    'abc…j'
    """
    if len(text) <= most:
        return text
    head = (most - 1) * 3 // 4
    return text[:head] + "…" + text[len(text) - (most - 1 - head) :]


def name(text: str, most: int = LONG) -> str:
    """A name from the user's data as HTML: shortened, apart from its neighbours' direction, longer as a tooltip."""
    hint = f' title="{escape(short(text, 400))}"' if len(text) > most else ""
    return f"<bdi{hint}>{escape(short(text, most))}</bdi>"


def paragraphs(text: str) -> str:
    """Plain text as HTML: a blank line parts paragraphs, `backticks` set code."""
    parts = [part for part in _PARAGRAPHS.split(text.strip()) if part]
    return "".join(f"<p>{inline(part)}</p>" for part in parts)


def inline(text: str) -> str:
    """One run of plain text as HTML, with `backticks` as code."""
    return _CODE.sub(r"<code>\1</code>", escape(text))


def number(value: object, spec: str | None = None) -> str:
    """A table's cell as text. ``spec`` is one of Python's ``format`` for numbers; without it, four significant digits.

    >>> number(0.123456), number(0.5), number(1234.5), number(123456), number(2013), number(None), number(float("nan"))
    ('0.1235', '0.5', '1,234', '123,456', '2013', '–', '–')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return format(value, spec) if spec else (f"{value:,d}" if abs(value) >= 10_000 else str(value))
    if not isinstance(value, float):
        return "–" if value is None else str(value)
    if not math.isfinite(value):
        return "–"
    if spec:
        return format(value, spec)
    size = abs(value)
    if size >= 1e15 or 0 < size < 1e-4:
        return f"{value:.3e}"
    digits = min(max(3 - math.floor(math.log10(size)), 0), 7) if size else 0
    while digits and round(value, digits - 1) == value:  # 0.5, not 0.5000
        digits -= 1
    return f"{value:,.{digits}f}"
