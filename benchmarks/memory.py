"""Peak memory from a CSV of 1,000,000 rows to a batch of windows, against the table's own size.

The file is read, prepared, split, scaled and windowed, and one batch is drawn.

In a process of its own: growth is the peak of its resident memory less what it had with the imports done. The steps
are those of `Forecaster.fit`, and as there the table stays in memory to the end.
"""

import json
import os
import resource
import sys
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl

from benchmarks._measure import Clock, Figure, Result, Target, child

ROWS, COVARIATES, HORIZON, BATCH = 1_000_000, 7, 24, 64
SEED = 0
MB = 1e6


def write_table(path: Path, rows: int) -> None:
    """Hourly stamps, a target with a daily season, and covariates that wander; three decimals each."""
    random = np.random.default_rng(SEED)
    hours = np.arange(rows)
    columns = {"target": 10 * np.sin(2 * np.pi * hours / 24) + random.normal(size=rows)}
    columns |= {f"covariate_{i}": random.normal(size=rows).cumsum() for i in range(1, COVARIATES + 1)}
    first = datetime(1900, 1, 1)
    stamps = pl.datetime_range(first, first + timedelta(hours=rows - 1), "1h", eager=True)
    frame = pl.DataFrame({"time": stamps} | {name: values.round(3) for name, values in columns.items()})
    frame.write_csv(path, datetime_format="%Y-%m-%d %H:%M:%S")


def run(quick: bool = False) -> Result:
    rows, repeats = (20_000, 1) if quick else (ROWS, 3)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "large.csv"
        write_table(path, rows)
        size = path.stat().st_size
        runs = [json.loads(child([sys.executable, "-m", "benchmarks.memory", path])[0]) for _ in range(repeats)]
    tables = [one["table"] for one in runs]
    ratios = [one["growth"] / one["table"] for one in runs]
    return Result(
        [
            Figure("peak growth / the table's own size", "times", ratios, Target("under", 6)),
            Figure("peak growth of resident memory", "MB", [one["growth"] / MB for one in runs]),
            Figure("the table in memory", "MB", [table / MB for table in tables]),
            Figure("from the file to a batch, wall", "s", [one["wall"] for one in runs]),
            Figure("from the file to a batch, CPU", "s", [one["cpu"] for one in runs]),
        ],
        seeds=[SEED],
        settings={
            "rows": rows,
            "columns": COVARIATES + 2,
            "file_mb": size / MB,
            "lookback": runs[0]["lookback"],
            "horizon": HORIZON,
            "windows": runs[0]["windows"],
            "repeats": repeats,
        },
        notes=["the peak by the end of each step, in MB above the imports: " + _words(one["steps"]) for one in runs],
    )


def _words(steps: dict[str, float]) -> str:
    return ", ".join(f"{name} {growth / MB:.0f}" for name, growth in steps.items())


def peak() -> int:
    """The most resident memory that this process has had, in bytes."""
    status = Path("/proc/self/status")
    if status.exists():  # getrusage would count what the parent had before it became this program
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def measure(path: str) -> dict[str, object]:
    """From the file to a batch, as a forecaster does it; the peak after each step."""
    import torch

    from unrolled import forecast  # noqa: F401 - everything that a fit needs, so that imports are done
    from unrolled.series.panels.roles import Columns
    from unrolled.series.panels.source import Source
    from unrolled.series.windows.examples import Examples
    from unrolled.series.windows.split import check_length, default_lookback, split

    before, clock, steps = peak(), Clock(), {}
    source = Source.open(path)
    steps["read"] = peak() - before
    panel = Columns("target").read(source.frame)
    steps["prepare"] = peak() - before
    cuts = split(panel)
    lookback = default_lookback(panel, cuts, HORIZON)
    check_length(panel, cuts, lookback, HORIZON)
    steps["split"] = peak() - before
    examples = Examples.build(panel, cuts, lookback, HORIZON)
    steps["scale"] = peak() - before
    parts = [examples.windows(part) for part in ("train", "validation", "test")]
    steps["window"] = peak() - before
    batch = parts[0].batch(torch.randperm(len(parts[0]))[:BATCH])
    steps["batch"] = peak() - before
    assert batch.past.shape == (BATCH, lookback, COVARIATES + 1)
    assert batch.future.shape == (BATCH, HORIZON, 1)
    return {
        "growth": peak() - before,
        "table": source.frame.estimated_size(),
        "steps": steps,
        "wall": clock.wall,
        "cpu": clock.cpu,
        "lookback": lookback,
        "windows": sum(map(len, parts)),
        "process": os.getpid(),
    }


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1])))
