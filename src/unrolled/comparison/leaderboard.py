"""Which of the saved runs forecasts best: those that were scored on the same windows, beside each other."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from unrolled.errors import RunError

UNKNOWN = "its run.json doesn't say what it was scored on; train again"


class Scored(NamedTuple):
    """What makes two runs comparable on a target: the same values of it, forecast as far, in as many same windows."""

    target: str
    horizon: int
    fingerprint: str
    begins: str  # the test part
    ends: str
    windows: int


@dataclass(frozen=True)
class Entry:
    """A run's line: its model, how it did, and its own best baseline with that one's error."""

    run: Path
    model: str
    seed: int
    members: int
    mae: float
    mase: float | None
    coverage: float | None
    level: float | None  # that its intervals promise
    seconds: float | None
    baseline: str
    baseline_mae: float | None

    @property
    def seeds(self) -> str:
        """Its seed, or the first and the last of an ensemble's.

        >>> Entry(Path("runs/a-1"), "5 × LSTM", 0, 5, 1.0, None, None, None, None, "naive", 2.0).seeds
        '0–4'
        """
        return str(self.seed) if self.members == 1 else f"{self.seed}–{self.seed + self.members - 1}"


@dataclass(frozen=True)
class Leaderboard:
    """The runs that were scored on the same windows, the lowest mean absolute error first."""

    scored: Scored
    entries: tuple[Entry, ...]

    @property
    def best_baseline(self) -> Entry | None:
        """The run whose best baseline is the best of all: the linear autoregression reads what its network reads."""
        known = [one for one in self.entries if one.baseline_mae is not None]
        return min(known, key=lambda one: one.baseline_mae or 0.0, default=None)

    def skill(self, entry: Entry) -> float | None:
        """1 - MAE / MAE of the best baseline of all these runs."""
        best = self.best_baseline
        return None if best is None or not best.baseline_mae else 1 - entry.mae / best.baseline_mae


def leaderboards(
    runs: Iterable[tuple[Path, dict[str, Any] | RunError]],
) -> tuple[list[Leaderboard], list[tuple[Path, str]]]:
    """A leaderboard for each target, horizon and test part that several runs share, and the runs that stand on none,
    each with the reason.

    ``runs`` as :func:`unrolled.store.list_runs` gives them. A run of several targets may stand on several.
    """
    groups: dict[Scored, list[Entry]] = {}
    left: list[tuple[Path, str]] = []
    for path, manifest in runs:
        if isinstance(manifest, RunError):
            left.append((path, str(manifest)))
        elif manifest.get("kind") == "translation":
            left.append((path, f"it translates; compare two such runs: unrolled translate score {path} --against RUN"))
        elif manifest.get("status") != "finished":
            left.append((path, f"it is not finished; go on with it: unrolled forecast --resume {path}"))
        else:
            try:
                found = list(zip(_scored(manifest), _entries(path, manifest), strict=True))
            except (KeyError, TypeError, ValueError, AttributeError, IndexError):
                left.append((path, UNKNOWN))
                continue
            for scored, entry in found:
                groups.setdefault(scored, []).append(entry)
    boards = [
        Leaderboard(scored, tuple(sorted(entries, key=lambda one: one.mae)))
        for scored, entries in groups.items()
        if len(entries) > 1
    ]
    alone = [(entries[0].run, _alone(scored, groups)) for scored, entries in groups.items() if len(entries) == 1]
    return boards, [*alone, *left]


def _alone(scored: Scored, groups: dict[Scored, list[Entry]]) -> str:
    """Why nothing can be compared with the only run of a group: what the most similar other run has in another way."""
    others = [one for one in groups if one != scored and one.target == scored.target]
    steps = f"{scored.horizon} steps" if scored.horizon > 1 else "1 step"
    if not others:
        return f"no other run forecasts {scored.target!r}"
    if not (others := [one for one in others if one.horizon == scored.horizon]):
        return f"no other run forecasts {scored.target!r} {steps} ahead"
    test = f"{scored.begins} to {scored.ends}"
    if not (others := [one for one in others if (one.begins, one.ends) == (scored.begins, scored.ends)]):
        return f"no other run of {scored.target!r}, {steps} ahead, was tested on {test}"
    if not (others := [one for one in others if one.fingerprint == scored.fingerprint]):
        return f"no other run of {scored.target!r}, {steps} ahead, has the same values and series"
    return f"it was scored in {scored.windows:,} windows of {test}, others in {others[0].windows:,}: gaps in its inputs"


def _scored(manifest: dict[str, Any]) -> list[Scored]:
    data, horizon = manifest["data"], _whole(manifest["architecture"]["horizon"])
    return [
        Scored(
            _text(one["target"]),
            horizon,
            _text(data["targets"][one["target"]]),
            _text(data["test_begins"]),
            _text(data["ends"]),
            _whole(one["windows"]),
        )
        for one in manifest["evaluations"]
    ]


def _entries(path: Path, manifest: dict[str, Any]) -> list[Entry]:
    training, members = manifest["training"], _whole(manifest["fitted"]["members"])
    found = []
    for one in manifest["evaluations"]:
        model, errors = next(iter(one["overall"].items()))
        held = one["intervals"]
        baseline = _text(one["best_baseline"])
        mae = _number(errors["MAE"])
        if mae is None:
            raise ValueError("the model's error is missing")
        found.append(
            Entry(
                path,
                _text(model),
                _whole(training["seed"]),
                members,
                mae,
                _number(errors["MASE"]),
                None if held is None else _number(held["methods"][held["used"]]["coverage"]),
                None if held is None else _number(held["level"]),
                _number(manifest["seconds"]),
                baseline,
                _number(one["overall"][baseline]["MAE"]),
            )
        )
    return found


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{str(value)[:40]!r} is no text")
    return value


def _whole(value: Any) -> int:
    if type(value) is not int:
        raise TypeError(f"{str(value)[:40]!r} is no whole number")
    return value


def _number(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TypeError(f"{str(value)[:40]!r} is no number")
    return float(value)
