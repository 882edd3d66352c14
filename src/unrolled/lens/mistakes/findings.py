"""What is looked for, and what was found."""

from dataclasses import dataclass, field

NAMES = ("batch-first", "state-layout", "padding", "last-from-padding", "directions", "dead-gradient", "no-detach")


@dataclass(frozen=True)
class Finding:
    """A mistake: which, in which module, what was seen, and how to mend it."""

    name: str
    module: str
    seen: str
    mend: str

    def __str__(self) -> str:
        return f"{self.name} in '{self.module}': {self.seen}. To mend: {self.mend}."


@dataclass
class Checks:
    """What `check_model` found; ``print`` says all of it.

    ``findings``: the mistakes; ``passed``: the names of the checks that found none; ``skipped``: those that could not
    be run, or not in full, with the reason; ``notes``: what was taken for granted. ``ok``: something could be checked,
    and no mistake was found.
    """

    model: str
    findings: list[Finding] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return bool(self.passed) and not self.findings

    @property
    def passed(self) -> list[str]:
        found = {finding.name for finding in self.findings}
        return [name for name in NAMES if name not in found and name not in self.skipped]

    def __str__(self) -> str:
        n = len(self.findings)
        checked = bool(self.passed or self.findings)
        found = f"{n or 'no'} mistake{'s' * (n != 1)} found" if checked else "nothing could be checked"
        lines = [f"{self.model}: {found}"]
        lines += [f"  {finding}" for finding in self.findings]
        lines += [f"  passed: {', '.join(self.passed)}"] if self.passed else []
        lines += [f"  skipped: {name}, {reason}" for name, reason in self.skipped.items()]
        lines += [f"  note: {note}" for note in self.notes]
        return "\n".join(lines)
