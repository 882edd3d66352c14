"""Mean absolute error on the embedded weather, 24 hours ahead: the LSTM over three seeds, and the baselines.

The same forecaster as `unrolled forecast weather --target temp`. The baselines depend on no seed. A gain is
100 (1 - MAE / MAE of the other), in percent.
"""

from benchmarks._measure import Clock, Figure, Result, Target
from unrolled import data
from unrolled.forecast import Forecaster
from unrolled.training import TrainingSettings

SEEDS = (0, 1, 2)
BASELINES = ("naive", "seasonal naive", "drift", "linear autoregression")


def run(quick: bool = False) -> Result:
    known = data.describe("weather").defaults
    forecasters, seconds = [], []
    for seed in SEEDS:
        clock = Clock()
        training = TrainingSettings(epochs=1 if quick else None, seed=seed)
        forecaster = Forecaster(known["horizon"], lookback=3 if quick else known["lookback"], training=training)
        forecaster.fit("weather", target=known["target"], only=["JFK"] if quick else None, past=() if quick else None)
        forecasters.append(forecaster)
        seconds.append(clock.cpu)
    evaluations = [forecaster.evaluation for forecaster in forecasters]

    def errors(method: str) -> list[float]:
        return [float(evaluation.overall[method]["MAE"] or "nan") for evaluation in evaluations]

    network = evaluations[0].model
    mae, simple = errors(network), min(errors("naive")[0], errors("seasonal naive")[0])
    best = evaluations[0].best_baseline
    unit = next(column.unit for column in data.describe("weather").columns if column.name == known["target"])
    gains = [100 * (1 - error / simple) for error in mae]
    skills = [100 * evaluation.skill(network) for evaluation in evaluations]
    return Result(
        [
            Figure("gain over the better of both naives", "%", gains, Target("at least", 20), "mean"),
            Figure(f"{network}, test MAE", unit, mae, statistic="mean"),
            *(Figure(f"{name}, test MAE", unit, errors(name)[:1]) for name in BASELINES),
            Figure(f"skill against the {best}", "%", skills, statistic="mean"),
            Figure("a fit with its evaluation, CPU", "s", seconds),
        ],
        seeds=SEEDS,
        settings={
            "horizon": forecasters[0].horizon,
            "lookback": forecasters[0].lookback,
            "hidden": forecasters[0].hidden,
            "epochs": forecasters[0].training.longest,
            "test_windows": evaluations[0].windows,
        },
        notes=[evaluation.verdict() for evaluation in evaluations],
    )
