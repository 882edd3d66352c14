"""Temperature at three stations, 24 and 72 hours ahead: one network for all or one each, one variable out or all.

Mean absolute error on the test part, mean of the three stations, over three seeds, beside naive and the linear
autoregression on the same inputs; all variables are read, gaps are filled with the last value. Nothing was chosen on
the test part, and the training is shorter than the defaults' 8 epochs, so that all of it takes a few minutes.
"""

from statistics import fmean
from typing import Any

import unrolled as ur
from benchmarks._measure import Figure, Result
from unrolled import data

SEEDS, HORIZONS, LOOKBACK, EPOCHS = (0, 1, 2), (24, 72), 72, 3
STATIONS = ("EWR", "JFK", "LGA")
TARGET, OTHERS = "temp", ("dewp", "humid", "wind_speed", "pressure", "precip", "visib")
LINE, NAIVE = "linear autoregression", "naive"


def run(quick: bool = False) -> Result:
    seeds, horizons = (SEEDS[:1], (6, 12)) if quick else (SEEDS, HORIZONS)
    unit = next(column.unit for column in data.describe("weather").columns if column.name == TARGET)
    figures, notes = [], []
    for horizon in horizons:
        together = [_errors(horizon, seed, quick) for seed in seeds]
        alone = [_each_alone(horizon, seed, quick) for seed in seeds]
        all_out = [_errors(horizon, seed, quick, others=OTHERS) for seed in seeds]
        network = next(iter(together[0]))
        for name, found in (
            ("stations together", together),
            ("each station alone", alone),
            ("stations together, all variables out", all_out),
        ):
            values = [errors[network] for errors in found]
            figures.append(Figure(f"{network}, {horizon} h, {name}: MAE", unit, values, statistic="mean"))
        for name, found in (("stations together", together), ("each station alone", alone)):
            figures.append(Figure(f"{LINE}, {horizon} h, {name}: MAE", unit, [found[0][LINE]]))
        figures.append(Figure(f"{NAIVE}, {horizon} h: MAE", unit, [together[0][NAIVE]]))
        notes.append(f"{horizon} h, all variables out: {', '.join((TARGET, *OTHERS))}; the error is that of {TARGET}.")
    return Result(
        figures,
        seeds=seeds,
        settings={"lookback": LOOKBACK, "epochs": 1 if quick else EPOCHS, "stations": STATIONS, "target": TARGET},
        notes=notes,
    )


def _errors(
    horizon: int, seed: int, quick: bool, others: tuple[str, ...] = (), only: tuple[str, ...] = STATIONS
) -> dict[str, float]:
    """The error of each method on the target, mean of the stations."""
    training = ur.TrainingSettings(epochs=1 if quick else EPOCHS, seed=seed)
    shape: dict[str, Any] = {"hidden": 8} if quick else {}
    forecaster = ur.Forecaster(horizon, lookback=LOOKBACK, level=None, training=training, **shape)
    forecaster.fit("weather", target=(TARGET, *others), only=only)
    by_series = forecaster.evaluation.by_series
    return {method: fmean(float(errors[name] or "nan") for name in only) for method, errors in by_series.items()}


def _each_alone(horizon: int, seed: int, quick: bool) -> dict[str, float]:
    """The same of a network for each station, which sees no other."""
    found = [_errors(horizon, seed, quick, only=(station,)) for station in STATIONS]
    return {method: fmean(errors[method] for errors in found) for method in found[0]}
