"""A batch of windows: what a forecasting network reads, and what it is scored by.

Dimensions: batch (windows); lookback, the steps read; horizon, the steps ahead; channel, in the order targets, past
covariates, known covariates; target; known; static.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor


class Batch(NamedTuple):
    """Windows on the network's scale; a value z of a target is z · scale + centre on the table's own."""

    past: Float[Tensor, "batch lookback channel"]
    known: Float[Tensor, "batch horizon known"]  # what is known of the steps ahead; no columns where nothing is
    static: Float[Tensor, "batch static"]  # one value a series; no columns where there is none
    future: Float[Tensor, "batch horizon target"]  # NaN where nothing was observed
    centre: Float[Tensor, "batch target"]
    scale: Float[Tensor, "batch target"]


def as_changes(past: Float[Tensor, "batch lookback channel"], known: int) -> Float[Tensor, "batch lookback channel"]:
    """A look-back as a line reads it, whose forecasts are changes from the last row: of all but the last ``known``
    channels the change to the next row, and 0 in the last row.

    >>> as_changes(torch.tensor([[[1.0], [4.0], [9.0]]]), known=0).flatten()
    tensor([3., 5., 0.])
    """
    unknown = past.shape[2] - known
    x = past[..., :unknown]
    changes = torch.diff(x, dim=1, append=x[:, -1:])
    return torch.cat([changes, past[..., unknown:]], dim=2)
