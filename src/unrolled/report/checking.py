"""What every check of a document is made of: the error with its place, the kinds of values, an object's fields."""

from collections.abc import Mapping
from typing import Any, NoReturn

from unrolled.errors import UnrolledError, nearest
from unrolled.report.text import short

Object = Mapping[str, Any]


class DocumentError(UnrolledError, ValueError):
    """A report's document that doesn't follow the schema."""


def refuse(where: str, what: str) -> NoReturn:
    raise DocumentError(f"{where}: {what}")


_WORDS = {
    str: "text",
    bool: "true or false",
    int: "a whole number",
    list: "a list",
    dict: "an object",
    float: "a number",
}


def fits(value: object, wanted: type) -> bool:
    if wanted is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if wanted is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if wanted is list:
        return isinstance(value, list | tuple)
    return isinstance(value, Mapping if wanted is dict else wanted)


def fields(
    where: str, value: object, required: Mapping[str, type], optional: Mapping[str, type] | None = None
) -> Object:
    """``value`` as an object with every required key, none unknown, each of its kind; null stands for absent."""
    if not isinstance(value, Mapping):
        refuse(where, f"expected an object with {', '.join(required)}, got {kind(value)}")
    known = {**required, **(optional or {})}
    for key in required:
        if value.get(key) is None:
            refuse(where, f"no {key!r}; it needs {', '.join(required)}")
    for key, item in value.items():
        if key not in known:
            refuse(where, f"unknown key {short(str(key), 60)!r}{nearest(str(key), known)}")
        if item is not None and not fits(item, known[key]):
            refuse(where, f"{key!r} is {kind(item)}; expected {_WORDS[known[key]]}")
    return value


def kind(value: object) -> str:
    for each in (bool, str, int, float, list, dict):
        if fits(value, each):
            return _WORDS[each]
    return "null" if value is None else f"a {type(value).__name__}"


def choice(where: str, key: str, value: object, choices: tuple[str, ...]) -> None:
    if value is not None and value not in choices:
        refuse(where, f"{key!r} is {short(str(value), 60)!r}; there are: {', '.join(choices)}")
