"""Many series at once: CPU seconds to predict 10,000 of 1,000 points, peak memory to train on 1,000 of 10,000.

The panels are synthetic: a daily season of each series' own size and phase, a random walk, noise. Each part runs in a
process of its own and reads a Parquet file. The training is short, for its length changes neither figure; the
evaluation, its intervals and the report are whole.
"""

import json
import sys
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import polars as pl

from benchmarks._measure import Clock, Figure, Result, Target, child
from benchmarks.memory import peak

SEED, HORIZON, REPEATS = 0, 24, 3
WIDE, LONG = (10_000, 1_000), (1_000, 10_000)  # series, points of each
MINUTES = 0.1  # of training
MB, GB = 1e6, 1e9


def panel(series: int, points: int) -> pl.DataFrame:
    """Hourly series behind each other: the columns series, time and value."""
    random, hours = np.random.default_rng(SEED), np.arange(points)
    size, phase = random.uniform(1, 10, (series, 1)), random.integers(0, 24, (series, 1))
    values = size * np.sin(2 * np.pi * (hours + phase) / 24) + random.normal(size=(series, points))
    values += 0.1 * random.normal(size=(series, points)).cumsum(axis=1)
    first = datetime(2020, 1, 1)
    stamps = pl.datetime_range(first, first + timedelta(hours=points - 1), "1h", eager=True).to_numpy()
    names = pl.Series([f"s{i:05d}" for i in range(series)]).gather(np.repeat(np.arange(series), points))
    return pl.DataFrame({"series": names, "time": np.tile(stamps, series), "value": values.ravel().round(3)})


def run(quick: bool = False) -> Result:
    wide, long = ((20, 300), (10, 500)) if quick else (WIDE, LONG)
    repeats = 1 if quick else REPEATS
    with TemporaryDirectory() as folder:
        found = {}
        for part, shape in (("predict", wide), ("train", long)):
            path = Path(folder) / f"{part}.parquet"
            panel(*shape).write_parquet(path)
            command = [sys.executable, "-m", "benchmarks.panels", part, path, str(repeats)]
            found[part] = json.loads(child(command)[0])
    many, deep = found["predict"], found["train"]
    predicted, trained = (f"{series:,} series of {points:,} points" for series, points in (wide, long))
    return Result(
        [
            Figure(f"{predicted}: prediction, CPU", "s", many["predict"], Target("under", 10)),
            Figure(f"{predicted}: prediction from {HORIZON} newer points, CPU", "s", many["newer"]),
            Figure(f"{predicted}: Parquet file to panel, CPU", "s", many["read"]),
            Figure(f"{predicted}: frame in memory to panel, CPU", "s", many["panel"]),
            Figure(f"{predicted}: a fit with its evaluation, CPU", "s", [many["fit"]]),
            Figure(f"{trained}: training, peak memory", "GB", [deep["peak"] / GB], Target("under", 2)),
            Figure(f"{trained}: peak above the imports", "GB", [(deep["peak"] - deep["imports"]) / GB]),
            Figure(f"{trained}: the table in memory", "GB", [deep["table"] / GB]),
            Figure(f"{trained}: a fit with its evaluation, CPU", "s", [deep["fit"]]),
        ],
        seeds=[SEED],
        settings={"horizon": HORIZON, "minutes": MINUTES, "threads": 1, "repeats": repeats, "windows": deep["windows"]},
        notes=[*many["notes"], *deep["notes"]],
    )


def measure(part: str, path: str, repeats: int) -> dict[str, Any]:
    """One part, in this process: a fit from the file, then what is asked of it."""
    import unrolled as ur
    from unrolled import forecast  # noqa: F401 - everything that a fit needs, so that imports are done
    from unrolled.series.panels.roles import Columns
    from unrolled.series.panels.source import Source

    imports, clock = peak(), Clock()
    columns: dict[str, Any] = {"target": "value", "time": "time", "series": "series"}
    training = ur.TrainingSettings(minutes=MINUTES, threads=1, seed=SEED, device="cpu")
    forecaster = ur.Forecaster(HORIZON, training=training).fit(path, **columns)
    found: dict[str, Any] = {
        "fit": clock.cpu,
        "imports": imports,
        "peak": peak(),
        "windows": forecaster.evaluation.windows,
    }
    frame = Source.open(path).frame
    found |= {"table": frame.estimated_size(), "notes": forecaster.evaluation.sentences()}
    if part == "train":
        return found

    def seconds(does) -> list[float]:
        spent = []
        for _ in range(repeats):
            clock = Clock()
            does()
            spent.append(clock.cpu)
        return spent

    day = timedelta(hours=HORIZON)
    newer = frame.filter(pl.col("time") > pl.col("time").max() - day).with_columns(pl.col("time") + day)
    return found | {
        "newer": seconds(lambda: forecaster.predict(newer)),
        "predict": seconds(lambda: forecaster.predict(frame)),
        "read": seconds(lambda: Columns(**columns).read(Source.open(path).frame)),
        "panel": seconds(lambda: Columns(**columns).read(frame)),
    }


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
