"""Windows: a look-back and the horizon after it, cut out of flat data without copying it.

Dimensions: batch (windows), time (steps of the look-back), channel (target first, then covariates), horizon.
"""

from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor


class Windows:
    """The windows that begin their forecasts at the given rows.

    ``inputs`` (rows, channel) is what the network reads; ``targets`` (rows,) what it has to say, NaN where nothing
    was observed, so that a filled gap is read but never scored. Both stay as they are: windows are strided views of
    them, and only the windows of one batch are ever copied.

    >>> ramp = torch.arange(6.0)
    >>> windows = Windows(ramp[:, None], ramp, origins=np.array([3, 4]), lookback=3, horizon=2)
    >>> past, future = windows.batch(torch.tensor([1]))
    >>> past.squeeze(-1).tolist(), future.tolist()
    ([[1.0, 2.0, 3.0]], [[4.0, 5.0]])
    """

    def __init__(
        self,
        inputs: Float[Tensor, "rows channel"],
        targets: Float[Tensor, " rows"],
        origins: np.ndarray,
        lookback: int,
        horizon: int,
    ):
        self.origins, self.lookback, self.horizon = origins, lookback, horizon
        # Both unfolded over rows: entry i is the window of rows i, i + 1, …
        self._past = inputs.unfold(0, lookback, 1).transpose(1, 2)  # (rows - lookback + 1, lookback, channel)
        self._future = targets.unfold(0, horizon, 1)  # (rows - horizon + 1, horizon)
        self._at = torch.from_numpy(origins).to(inputs.device)

    def __len__(self) -> int:
        return len(self.origins)

    def batch(
        self, index: Int[Tensor, " batch"]
    ) -> tuple[Float[Tensor, "batch lookback channel"], Float[Tensor, "batch horizon"]]:
        """The look-backs and the horizons of the windows numbered ``index``."""
        at = self._at[index]
        return self._past[at - self.lookback], self._future[at]

    def batches(self, size: int = 1024) -> Iterator[tuple[Tensor, Tensor]]:
        """All windows in order, ``size`` at a time."""
        for index in torch.arange(len(self), device=self._at.device).split(size):
            yield self.batch(index)
