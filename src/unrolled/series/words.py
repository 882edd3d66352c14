"""How tables are talked about: foreign exceptions turned into ours, values and names that fit on one line."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from polars.exceptions import PanicException

from unrolled.errors import DataError, UnrolledError, nearest


def refuse(text: str) -> DataError:
    """A `DataError` whose message is one line, whatever names and values stand in it."""
    return DataError(" ".join(text.split()))


def near(name: str, names: Iterable[str]) -> str:
    """`nearest`, on one line."""
    return " ".join(nearest(name, names).split())


def shown(value: object) -> str:
    """A value as it is quoted in a message: shortened, in quotes if it is text.

    >>> shown("a" * 50), shown(1.5)
    ("'aaaaaaaaaaaaaaaaaaaaaaaaaaaaa…'", '1.5')
    """
    text = value if isinstance(value, str) else str(value)
    text = text if len(text) <= 30 else text[:29] + "…"
    return repr(text) if isinstance(value, str) else text


def counted(count: int, noun: str) -> str:
    """A count with its noun: "1 row", "1,204 rows".

    >>> counted(1, "row"), counted(1204, "row"), counted(2, "series")
    ('1 row', '1,204 rows', '2 series')
    """
    return f"{count:,} {noun}" + ("" if count == 1 or noun.endswith("s") else "s")


def percent(share: float) -> str:
    """A share as it was asked for, with all its digits.

    >>> percent(0.9), percent(0.995)
    ('90%', '99.5%')
    """
    return f"{100 * share:.6g}%"


def listed(names: Iterable[str], most: int = 6) -> str:
    """Names in quotes, joined by commas; of many only the first.

    >>> listed(["a", "b"]), listed("abcd", most=2)
    ("'a', 'b'", "'a', 'b' and 2 more")
    """
    names = list(names)
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(shown(name) for name in names[:most]) + rest


@contextmanager
def foreign(doing: str) -> Iterator[None]:
    """Turn whatever another library raises while ``doing`` into a `DataError`; polars' panics are no `Exception`."""
    try:
        yield
    except (UnrolledError, MemoryError):
        raise
    except (Exception, PanicException) as error:
        lines = [line for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
        raise refuse(f"{doing}: {lines[0][:200]}") from error
