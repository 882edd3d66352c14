"""Durations, pieces and tables as the reports of translators write them."""

from collections.abc import Sequence
from typing import Any

WORD = "▁"  # what sentencepiece writes for a space


def duration(seconds: float) -> str:
    """Time in the unit that suits it.

    >>> duration(41.7), duration(150), duration(7300)
    ('42 s', '2.5 minutes', '2.0 hours')
    """
    if seconds < 100:
        return f"{seconds:.2g} s"
    return f"{seconds / 60:.1f} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"


def labels(pieces: Sequence[str]) -> list[str]:
    """Pieces as they stand beside a picture: without the mark of a space before them.

    >>> labels(["▁break", "fast", "▁"])
    ['break', 'fast', '▁']
    """
    return [piece.removeprefix(WORD) or piece for piece in pieces]


def table(columns: Sequence[str], rows: list[list[Any]], caption: str = "", **kinds: str) -> dict[str, Any]:
    """A table; ``kinds`` says of a column that it is "right" (numbers) or "long" (sentences), by its name."""
    made = []
    for name in columns:
        kind = kinds.get(name)
        made.append({"name": name, "align": "right" if kind == "right" else "left", "long": kind == "long"})
    return {"type": "table", "columns": made, "rows": rows, **({"caption": caption} if caption else {})}
