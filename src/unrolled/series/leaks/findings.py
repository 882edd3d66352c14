"""What a leak check found, in words."""

from dataclasses import dataclass

from unrolled.errors import DataError
from unrolled.series.words import counted, shown


@dataclass(frozen=True)
class Leak:
    """A column whose values from the cut-off on are known before it (None: all at once, or other series).

    ``change`` says what was changed and where, ``moved`` what changed with it, and ``what`` that is: a "tensor", a
    "statistic", a "choice" or a "forecast"; "copy" is a column that holds the target of a later row. ``more`` says by
    how much it changed, and what with it.
    """

    column: str | None
    change: str
    moved: str
    what: str
    more: str = ""

    def __str__(self) -> str:
        if self.what == "copy":
            return f"{self.change} {self.moved}"
        return f"when {self.change}, {self.moved} changes{self.more}"


@dataclass(frozen=True)
class LeakCheck:
    """What `check_leaks` found; ``print`` says it, and ``require`` raises it."""

    findings: tuple[Leak, ...]
    checked: str  # in words
    notes: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        return not self.findings

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that leak."""
        return tuple(dict.fromkeys(leak.column for leak in self.findings if leak.column is not None))

    @property
    def sentence(self) -> str:
        if self.passed:
            return f"Leak check: passed. {self.checked}."
        first, *rest = self.findings
        more = f", and {counted(len(rest), 'more finding')}" if rest else ""
        return f"Leak check: failed: {first}{more}."

    def __str__(self) -> str:
        said = [] if self.passed else [f"  {leak}" for leak in self.findings]
        return "\n".join([self.sentence, *said, *(f"  note: {note}" for note in self.notes)])

    def require(self) -> "LeakCheck":
        """Itself, if it passed. Raises DataError with the first finding otherwise."""
        if not self.passed:
            raise DataError(self.sentence)
        return self


def copy_of_target(name: str, ahead: int, target: str) -> Leak:
    return Leak(name, f"column {shown(name)}", f"holds the {shown(target)} of {counted(ahead, 'row')} later", "copy")


def change_words(name: str | None, where: str, kind: str) -> str:
    what = "all columns are" if name is None else f"column {shown(name)} is"
    return f"{what} changed {where} ({kind})"
