"""Training a forecasting network on examples: its loss, its validation score, its starting weights."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from unrolled.checkpoint import TrainingState
from unrolled.series.examples import Examples
from unrolled.series.models import StepForecaster, forecast
from unrolled.series.plan import Architecture
from unrolled.training import Progress, TrainingSettings, train

VALIDATION_WINDOWS = 4096  # spread evenly over the validation part; more would cost time and change no choice


def fit_network(
    architecture: Architecture,
    cell: type[nn.Module],
    examples: Examples,
    settings: TrainingSettings,
    *,
    checkpoint: Path | None = None,
    metrics: Path | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> tuple[StepForecaster, TrainingState]:
    """A network trained on the training windows of ``examples``, with the best weights by the validation windows.

    Where the split left no validation part, the last weights count.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        model = architecture.build(cell).to(examples.inputs.device)
    train_on, choose_on = examples.windows("train"), examples.windows("validation")

    def loss(index: Tensor) -> Tensor:
        past, future = train_on.batch(index)
        return absolute_error(model(past), future)

    def validate() -> float:
        index = torch.linspace(0, len(choose_on) - 1, min(len(choose_on), VALIDATION_WINDOWS)).long()
        past, future = choose_on.batch(index.to(examples.inputs.device))
        return float(absolute_error(forecast(model, past.split(1024)), future.cpu()))

    state = train(
        model,
        loss,
        len(train_on),
        validate if len(choose_on) else None,
        settings,
        checkpoint=checkpoint,
        metrics=metrics,
        on_progress=on_progress,
    )
    return model, state


def absolute_error(forecast: Tensor, actual: Tensor) -> Tensor:
    """Mean absolute error over what was observed: NaN in ``actual`` counts for nothing, in value and in gradient."""
    observed = ~actual.isnan()
    return (forecast - actual.where(observed, forecast.detach())).abs().sum() / observed.sum()
