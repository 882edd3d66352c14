"""What every benchmark is made of: figures with their spread and target, clocks, and the machine they ran on."""

import json
import math
import operator
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from unrolled.store import environment

ROOT = Path(__file__).parent.parent
BOUNDS = {"at most": operator.le, "under": operator.lt, "at least": operator.ge}
SIGNS = {"at most": "≤", "under": "<", "at least": "≥"}


@dataclass(frozen=True)
class Target:
    """What a figure should be: ``bound`` is "at most", "under" or "at least"."""

    bound: str
    value: float

    def met(self, value: float) -> bool:
        return BOUNDS[self.bound](value, self.value)  # NaN meets nothing


@dataclass(frozen=True)
class Figure:
    """A measured quantity over its repeats, one value each.

    The headline ``value`` is their median, or what ``statistic`` says it is; a target is judged by it.
    """

    name: str
    unit: str
    values: Sequence[float]
    target: Target | None = None
    statistic: str = "median"
    given: float | None = None  # the headline, where it is neither median nor mean of the values

    @property
    def value(self) -> float:
        if self.given is not None:
            return self.given
        return {"median": statistics.median, "mean": statistics.fmean}[self.statistic](self.values)

    @property
    def sd(self) -> float:
        """The standard deviation over repeats (n - 1), 0 for a single one."""
        return statistics.stdev(self.values) if len(self.values) > 1 else 0.0

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None without one."""
        return None if self.target is None else self.target.met(self.value)

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "unit": self.unit,
            "value": self.value,
            "statistic": self.statistic,
            "target": None if self.target is None else {"bound": self.target.bound, "value": self.target.value},
            "met": self.met,
            "median": statistics.median(self.values),
            "mean": statistics.fmean(self.values),
            "sd": self.sd,
            "low": min(self.values),
            "high": max(self.values),
            "repeats": len(self.values),
            "values": list(self.values),
        }


@dataclass(frozen=True)
class Result:
    """What a benchmark hands back: its figures, the seeds it used, its settings, and what else is worth a word."""

    figures: Sequence[Figure]
    seeds: Sequence[int] = ()
    settings: dict[str, Any] = field(default_factory=dict)
    notes: Sequence[str] = ()


class Clock:
    """Wall and CPU seconds since it was started; the CPU's are those of all threads, and of children that have ended.

    >>> clock = Clock()
    >>> clock.wall >= 0 and clock.cpu >= 0
    True
    """

    def __init__(self):
        self._wall, self._cpu = time.perf_counter(), self._spent()

    @property
    def wall(self) -> float:
        return time.perf_counter() - self._wall

    @property
    def cpu(self) -> float:
        return self._spent() - self._cpu

    @staticmethod
    def _spent() -> float:
        own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def child(command: Sequence[str | Path], cwd: Path = ROOT) -> tuple[str, Clock, float]:
    """Run a program to its end: its standard output, the clock that ran with it, and its own CPU seconds.

    Raises RuntimeError, with the end of what it said, when it fails.
    """
    before, clock = resource.getrusage(resource.RUSAGE_CHILDREN), Clock()
    done = subprocess.run([str(word) for word in command], cwd=cwd, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise RuntimeError(f"{command[0]} ended with code {done.returncode}: {(done.stderr or done.stdout)[-2000:]}")
    return done.stdout, clock, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def program() -> Path:
    """The command `unrolled` of the Python that runs now."""
    return Path(sys.executable).parent / "unrolled"


def report(name: str, about: str, result: Result, **run: Any) -> dict[str, Any]:
    """The JSON of a benchmark's result; ``run`` is what the run itself adds, such as its CPU seconds."""
    packages = environment()
    return _readable(
        {
            "benchmark": name,
            "about": about,
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            **commit(),
            "met": all(figure.met is not False for figure in result.figures),
            "figures": [figure.as_json() for figure in result.figures],
            "seeds": list(result.seeds),
            "settings": result.settings,
            "notes": list(result.notes),
            **run,
            "machine": machine(),
            "packages": packages,
        }
    )


def write(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def machine() -> dict[str, Any]:
    """The processor, how many of its cores are ours, the memory, how busy it is, and the GPU, where there is one."""
    import torch  # here, so that what is measured doesn't begin with it

    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "cpu": _processor(),
        "cores": cores,
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "memory_gb": round(memory / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "load_average": [round(load, 2) for load in os.getloadavg()],
    }


def commit() -> dict[str, Any]:
    """The commit that was measured, and whether files differ from it (results do not count); None without git."""
    git = ["git", "-C", str(ROOT)]
    try:
        head = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
        changed = subprocess.run(
            [*git, "status", "--porcelain", "--", ":/", ":(exclude,top)benchmarks/results"],
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return {"commit": None, "changed": None}
    return {"commit": head.stdout.strip(), "changed": bool(changed.stdout.strip())}


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line.partition(":")[2].strip() for line in info.read_text().splitlines() if "model name" in line]
        if names:
            return names[0]
    if platform.system() == "Darwin":
        asked = subprocess.run(
            ["sysctl", "-n", "machdep.cpu.brand_string"], capture_output=True, text=True, check=False
        )
        return asked.stdout.strip() or platform.processor()
    return platform.processor() or platform.machine()


def _readable(value: Any) -> Any:
    """Six significant digits; what isn't finite is null."""
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _readable(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_readable(part) for part in value]
    return value
