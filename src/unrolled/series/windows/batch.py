"""A batch of windows: what a forecasting network reads, and what it is scored by.

Dimensions: batch (windows); lookback, the steps read; horizon, the steps ahead; channel, in the order targets, past
covariates, known covariates; target; known; static.
"""

from typing import NamedTuple

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
