"""The exceptions of the package: each message says what was expected, what came, and how to mend it."""

from collections.abc import Iterable
from difflib import get_close_matches


class UnrolledError(Exception):
    """Anything that the user can mend; the command line prints it as one line and exits with 1."""


class DataError(UnrolledError):
    """A table or a text that can't be used as it is."""


class RunError(UnrolledError):
    """A run folder that is missing, damaged, foreign or of another version."""


class ShapeError(UnrolledError):
    """A tensor of the wrong shape or kind."""


class SettingsError(UnrolledError):
    """An option that is unknown, out of range, or contradicts another."""


class TrainingError(UnrolledError):
    """Training that can't go on, such as a loss that is not finite."""


def nearest(name: str, choices: Iterable[str]) -> str:
    """The choices most like ``name``, as the end of an error message.

    >>> nearest("tmp", ["time", "temp", "wind"])
    "; nearest: 'temp'"
    >>> nearest("x", ["time", "temp"])
    '; there are: time, temp'
    """
    choices = list(choices)
    close = get_close_matches(name.lower(), {c.lower() for c in choices}, n=3)
    like = [c for c in choices if c.lower() in close]
    if like:
        return "; nearest: " + ", ".join(repr(c) for c in like)
    shown = ", ".join(choices[:8]) + (f" and {len(choices) - 8} more" if len(choices) > 8 else "")
    return f"; there are: {shown}" if choices else ""
