"""What came of a comparison: scores over seeds, costs, and a recommendation that follows from the numbers."""

import math
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

from unrolled.comparison.cost import Cost
from unrolled.comparison.trial import Trial
from unrolled.formats import write_json
from unrolled.store import environment

if TYPE_CHECKING:
    from polars import DataFrame

LEARNT = 0.9  # of the chance loss: what stays above it has learnt next to nothing


@dataclass(frozen=True)
class Row:
    """A cell over its seeds."""

    cell: str
    scores: list[float]
    right: float | None
    half_life_before: float
    half_life_after: float
    cost: Cost

    @property
    def mean(self) -> float:
        return fmean(self.scores)

    @property
    def sd(self) -> float:
        """The standard deviation over seeds (n - 1); NaN for a single one."""
        return stdev(self.scores) if len(self.scores) > 1 else math.nan

    def clearly_worse(self, other: "Row") -> bool:
        """Whether its mean lies above the other's by more than twice the standard error of their difference."""
        error = math.sqrt((self.sd**2 + other.sd**2) / len(self.scores))
        return self.mean - other.mean > 2 * error  # never with a single seed


@dataclass(frozen=True)
class Comparison:
    """Cells against each other, on equal budgets; what `compare` returns.

    ``measure`` is what a score is, lower is better; ``best`` what a perfect answer would score, if that is known;
    ``reference`` what to be held against: the chance loss of a task, or the best baseline's error on a table.
    """

    what: str
    measure: str
    budget: str
    reference_name: str
    reference: float
    best: float | None
    trials: list[Trial]
    costs: dict[str, Cost]
    others: dict[str, float]  # what else to hold against: every baseline's error

    @cached_property
    def rows(self) -> list[Row]:
        """A row a cell, the lowest mean score first."""
        found = []
        for cell, cost in self.costs.items():
            own = [trial for trial in self.trials if trial.cell == cell]
            right = [trial.right for trial in own if trial.right is not None]
            before, after = ([getattr(t, name) for t in own] for name in ("half_life_before", "half_life_after"))
            scores = [trial.score for trial in own]
            found.append(Row(cell, scores, fmean(right) if right else None, fmean(before), fmean(after), cost))
        return sorted(found, key=lambda row: row.mean)

    @property
    def recommended(self) -> Row | None:
        """The cheapest of those that are not clearly worse than the best; None where none is worth having."""
        best = self.rows[0]
        if best.mean >= (LEARNT if self.best is not None else 1.0) * self.reference:
            return None
        level = [row for row in self.rows if not row.clearly_worse(best)]
        cheapest = min(level, key=lambda row: row.cost.milliseconds)
        return cheapest if cheapest.cost.milliseconds < 0.9 * best.cost.milliseconds else best

    @property
    def verdict(self) -> str:
        """The recommendation in words, and what it rests on."""
        best, chosen, seeds = self.rows[0], self.recommended, len(self.rows[0].scores)
        if chosen is None:
            what = "None of the cells has learnt it" if self.best is not None else "None of the cells is worth having"
            return (
                f"{what}: the best, {best.cell}, scores {_said(best)}, against {self.reference:.4g} for "
                f"{self.reference_name}. Give it a longer budget, or keep to the simpler answer."
            )
        level = [row for row in self.rows if row is not best and not row.clearly_worse(best)]
        worse = [row for row in self.rows if row.clearly_worse(best)]
        if chosen is best:
            parts = [f"Take {best.cell}: it has the lowest {self.measure}, {_said(best)}"]
        else:
            share = chosen.cost.milliseconds / best.cost.milliseconds
            parts = [
                f"Take {chosen.cell}: its {self.measure}, {_said(chosen)}, is level with the lowest, "
                f"{best.cell}'s {_said(best)}, and a training step takes {share:.0%} of the time"
            ]
        others = [row.cell for row in level if row is not chosen]
        if others and seeds > 1:
            parts.append(f"{_listed(others)} {'is' if len(others) == 1 else 'are'} within the seeds' spread of it")
        if worse:
            lost = [f"{row.cell} ({_said(row)})" for row in worse]
            parts.append(f"clearly worse: {_listed(lost)}")
        if seeds == 1:
            parts.append("one seed says nothing of the spread; give more")
        idle = [row.cell for row in self.rows if self.best is not None and row.mean >= LEARNT * self.reference]
        if idle:
            parts.append(f"{_listed(idle)} stayed at {self.reference_name}, {self.reference:.4g}")
        return "; ".join(parts) + "."

    def table(self) -> "DataFrame":
        """A row a cell, the lowest mean score first."""
        import polars as pl

        return pl.DataFrame(
            [
                {
                    "cell": row.cell,
                    "score": row.mean,
                    "sd": row.sd,
                    "right": row.right,
                    "parameters": row.cost.parameters,
                    "operations_per_step": row.cost.operations,
                    "milliseconds": row.cost.milliseconds,
                    "memory_mb": row.cost.memory / 1e6,
                    "half_life_before": row.half_life_before,
                    "half_life_after": row.half_life_after,
                }
                for row in self.rows
            ],
            schema_overrides={"right": pl.Float64},
        )

    def as_json(self) -> dict[str, Any]:
        """Everything: the table, every trial with its curve, what it was held against, the machine's packages."""
        return {
            "what": self.what,
            "measure": self.measure,
            "budget": self.budget,
            "reference": {"name": self.reference_name, "score": self.reference},
            "best": self.best,
            "others": self.others,
            "verdict": self.verdict,
            "recommended": self.recommended.cell if self.recommended else None,
            "table": self.table().to_dicts(),
            "trials": [asdict(trial) for trial in self.trials],
            "environment": environment(),
        }

    def save(self, path: str | Path) -> None:
        """Write ``as_json`` to a file."""
        write_json(path, self.as_json())

    def report(self, path: str | Path) -> None:
        """Write the report, one HTML file that opens offline: table, curves, verdict."""
        from unrolled.comparison.report import comparison_document
        from unrolled.files import atomic_write
        from unrolled.report import render

        atomic_write(path, render(comparison_document(self)))


def _said(row: Row) -> str:
    return f"{row.mean:.3g}" + ("" if math.isnan(row.sd) else f" ± {row.sd:.2g}")


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]
