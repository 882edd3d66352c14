"""Mean absolute error on the embedded weather, 24 hours ahead: LSTMs over five seeds, baselines, intervals.

The same forecaster as `unrolled forecast weather --target temp`, the same with `--skip linear`, and with `--skip mean
--hidden 32 --epochs 3`, which was chosen on what comes before the test part: networks that learn from the first 60% of
the time and are scored on the validation part. The baselines depend on no seed. A gain is 100 (1 - MAE / MAE of the
other), in percent.
"""

from typing import Any

from benchmarks._measure import Clock, Figure, Result, Target
from unrolled import data
from unrolled.forecast import Forecaster
from unrolled.training import TrainingSettings

SEEDS = (0, 1, 2, 3, 4)
BASELINES = ("naive", "seasonal naive", "drift", "moving average", "linear autoregression")
FOLDS = 5


def run(quick: bool = False) -> Result:
    known = data.describe("weather").defaults
    plain, skipping = _fitted(quick), _fitted(quick, skip="linear")
    averaged = _fitted(quick, epochs=3, skip="mean", hidden=32)
    seconds = [spent for _, spent in plain]
    evaluations = [forecaster.evaluation for forecaster, _ in plain]
    hybrid, halved = ([forecaster.evaluation for forecaster, _ in found] for found in (skipping, averaged))

    def errors(found: list[Any], method: str) -> list[float]:
        return [float(evaluation.overall[method]["MAE"] or "nan") for evaluation in found]

    network = evaluations[0].model
    mae, line = errors(evaluations, network), errors(evaluations, "linear autoregression")[0]
    simple = min(errors(evaluations, "naive")[0], errors(evaluations, "seasonal naive")[0])
    with_line, with_mean = errors(hybrid, network), errors(halved, network)
    unit = next(column.unit for column in data.describe("weather").columns if column.name == known["target"])
    backtest = skipping[0][0].backtest(folds=2 if quick else FOLDS).evaluations[0].intervals
    coverage = {name: 100 * own["coverage"] for name, own in backtest["methods"].items()} if backtest else {}
    return Result(
        [
            Figure(
                "gain over the better of both naives",
                "%",
                [100 * (1 - error / simple) for error in mae],
                Target("at least", 20),
                "mean",
            ),
            Figure(f"{network}, test MAE", unit, mae, statistic="mean"),
            Figure(f"{network} with a linear skip, test MAE", unit, with_line, statistic="mean"),
            Figure(f"{network} averaged with a line, test MAE", unit, with_mean, Target("under", line), "mean"),
            *(Figure(f"{name}, test MAE", unit, errors(evaluations, name)[:1]) for name in BASELINES),
            Figure("skill against the linear autoregression", "%", [100 * (1 - e / line) for e in mae], None, "mean"),
            Figure(
                "skill with a linear skip against the linear autoregression",
                "%",
                [100 * (1 - e / line) for e in with_line],
                None,
                "mean",
            ),
            Figure(
                "skill averaged with a line against the linear autoregression",
                "%",
                [100 * (1 - e / line) for e in with_mean],
                None,
                "mean",
            ),
            *(
                Figure(f"intervals of 90% held, backtest of {FOLDS} folds, {name}", "%", [held])
                for name, held in coverage.items()
            ),
            Figure("a fit with its evaluation, CPU", "s", seconds),
        ],
        seeds=SEEDS,
        settings={"horizon": known["horizon"], "lookback": known["lookback"], "windows": evaluations[0].windows},
        notes=[evaluation.verdict() for evaluation in (*evaluations, *hybrid, *halved)],
    )


def _fitted(quick: bool, epochs: int | None = None, **shape: Any) -> list[tuple[Forecaster, float]]:
    """A forecaster a seed, and the CPU seconds that each took."""
    known, found = data.describe("weather").defaults, []
    for seed in SEEDS[:1] if quick else SEEDS:
        clock = Clock()
        training = TrainingSettings(epochs=1 if quick else epochs, seed=seed)
        forecaster = Forecaster(known["horizon"], lookback=known["lookback"], training=training, **shape)
        forecaster.fit("weather", target=known["target"], only=["JFK"] if quick else None)
        found.append((forecaster, clock.cpu))
    return found
