"""What training minimises: losses between forecasts and what was observed.

Dimensions: batch; horizon, the steps ahead; target; level, one for each quantile, or a single one. What was not
observed, NaN in ``batch.future``, counts for nothing, in value and in gradient; where nothing was, the loss is NaN.
"""

from collections.abc import Callable, Sequence
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from unrolled.errors import SettingsError, ShapeError, nearest
from unrolled.series.windows.batch import Batch

Forecast = Float[Tensor, "batch horizon target level"]
Criterion = Callable[[Tensor, Batch], Tensor]


def mae(forecast: Forecast, batch: Batch) -> Tensor:
    """Mean absolute error, on the scaled values: mean of |ŷ - y|; its best forecast is the median.

    >>> nothing = torch.zeros(1, 2, 0)
    >>> future = torch.tensor([[[1.0], [torch.nan]]])
    >>> batch = Batch(nothing, nothing, nothing[:, 0], future, torch.zeros(1, 1), torch.ones(1, 1))
    >>> mae(torch.tensor([[[[3.0]], [[5.0]]]]), batch)
    tensor(2.)
    """
    return _mean(lambda ŷ, y: (ŷ - y).abs(), forecast, batch.future)


def mse(forecast: Forecast, batch: Batch) -> Tensor:
    """Mean squared error, on the scaled values: mean of (ŷ - y)²; its best forecast is the mean."""
    return _mean(lambda ŷ, y: (ŷ - y).square(), forecast, batch.future)


def huber(forecast: Forecast, batch: Batch) -> Tensor:
    """Squares near the truth, absolute values further out, so that an outlier pulls no harder than 1::

        e² / 2      where |e| ≤ 1,      e = ŷ - y, scaled
        |e| - 1/2   elsewhere

    Source: Huber 1964, "Robust estimation of a location parameter", with δ = 1.
    """
    return _mean(lambda ŷ, y: torch.nn.functional.huber_loss(ŷ, y, reduction="none"), forecast, batch.future)


def smape(forecast: Forecast, batch: Batch) -> Tensor:
    """Symmetric relative error, on the table's own scale: mean of 2 |ŷ - y| / (|ŷ| + |y|), from 0 to 2.

    Where both are 0 it is 0. Source: Makridakis, Spiliotis & Assimakopoulos 2020, "The M4 competition", which counts
    in percent, from 0 to 200.
    """
    centre, scale = (part.to(forecast.dtype)[:, None, :] for part in (batch.centre, batch.scale))  # (batch, 1, target)

    def relative(ŷ: Tensor, y: Tensor) -> Tensor:
        total = ŷ.abs() + y.abs()
        return 2 * (ŷ - y).abs() / total.where(total > 0, 1.0)

    return _mean(relative, forecast * scale[..., None] + centre[..., None], batch.future * scale + centre)


def quantile(forecast: Forecast, batch: Batch, quantiles: Sequence[float]) -> Tensor:
    """The pinball loss, on the scaled values: the mean over levels τ and observed values of ρ_τ(y - ŷ_τ)::

        ρ_τ(e) = τ e          where e ≥ 0
                 (τ - 1) e    elsewhere

    The best ŷ_τ is what y lies below with probability τ; at τ = 1/2 this is half the absolute error. Raises ShapeError
    where the forecast has another number of levels. Source: Koenker & Bassett 1978, "Regression quantiles".
    """
    if forecast.shape[-1] != len(quantiles):
        raise ShapeError(
            f"the quantile loss needs one level for each of {len(quantiles)} quantiles, got {forecast.shape[-1]}; "
            f"build the network with levels={len(quantiles)}"
        )
    τ = forecast.new_tensor(quantiles)

    def pinball(ŷ: Tensor, y: Tensor) -> Tensor:
        e = y - ŷ
        return torch.where(e >= 0, τ * e, (τ - 1) * e)

    return _mean(pinball, forecast, batch.future)


def _mean(error: Callable[[Tensor, Tensor], Tensor], forecast: Tensor, future: Tensor) -> Tensor:
    """The mean of ``error(ŷ, y)`` over levels and over what was observed."""
    y = future[..., None]  # (batch, horizon, target, 1)
    observed = ~y.isnan()
    errors = error(forecast, y.where(observed, forecast.detach()))  # a NaN would come back in the gradient, as 0 · NaN
    return errors.where(observed, 0.0).sum() / (observed.sum() * forecast.shape[-1])


LOSSES: dict[str, Callable[..., Tensor]] = {
    "mae": mae,
    "mse": mse,
    "huber": huber,
    "smape": smape,
    "quantile": quantile,
}


def criterion(name: str, quantiles: Sequence[float] = ()) -> Criterion:
    """The loss that goes by ``name``, as a function of a forecast and its batch; "quantile" needs its levels.

    Raises SettingsError for an unknown name, for quantiles that aren't ascending between 0 and 1, and for quantiles
    with a loss that has none.

    >>> criterion("mae").__name__
    'mae'
    """
    if name not in LOSSES:
        raise SettingsError(f"unknown loss {name!r}{nearest(name, LOSSES)}")
    if name != "quantile":
        if quantiles:
            raise SettingsError(
                f"the loss {name!r} has no quantiles, got {list(quantiles)}; leave them out, or take "
                "the loss 'quantile'"
            )
        return LOSSES[name]
    ascending = all(a < b for a, b in zip([0.0, *quantiles], [*quantiles, 1.0], strict=True))
    if not (quantiles and ascending):
        raise SettingsError(f"quantiles have to ascend between 0 and 1, such as 0.05, 0.5, 0.95, got {list(quantiles)}")
    return partial(quantile, quantiles=tuple(quantiles))
