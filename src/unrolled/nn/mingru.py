"""The minimal GRU: gates that see the input alone, so that all steps can be computed at once.

Dimensions: batch; time, the steps; input, the features of one step; hidden, the units of the cell.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from unrolled.nn.cells import Cell, GRUState
from unrolled.nn.scan import scan
from unrolled.shapes import last


class MinGRUGates(NamedTuple):
    """The update gate z of one step, in (0, 1), and the candidate n, any number."""

    update: Float[Tensor, "batch hidden"]
    candidate: Float[Tensor, "batch hidden"]


class MinGRUCell(Cell):
    """One step of the minimal gated recurrent unit::

        z  = σ(W_iz x + b_iz)          update gate: how much of the past to replace
        n  = W_in x + b_in             candidate
        h' = (1 - z) h + z n

    A GRU whose gates don't look at h, without reset gate and tanh. So every z and n is known before the first step, and
    h follows from them by a linear recurrence, which `scan` computes in 2 √time operations instead of time. In the
    paper z replaces the past; in `GRUCell`, as in torch, it keeps it. W_i* are rows of ``weight_ih``, b_i* of
    ``bias_ih``.

    Source: Feng et al. 2024, "Were RNNs all we needed?", section 3.1.2.

    >>> cell = MinGRUCell(3, 5)
    >>> output, state = cell(torch.zeros(2, 3), cell.initial_state(2))
    >>> output.shape
    torch.Size([2, 5])
    """

    def __init__(self, input_size: int, hidden_size: int):
        super().__init__(input_size, hidden_size)
        self.weight_ih = nn.Parameter(torch.empty(2 * hidden_size, input_size))
        self.bias_ih = nn.Parameter(torch.empty(2 * hidden_size))
        bound = 1 / math.sqrt(input_size)
        for weight in self.parameters():
            nn.init.uniform_(weight, -bound, bound)  # as torch.nn.Linear, which these are

    def initial_state(self, batch: int) -> GRUState:
        """Zeros, on the parameters' device and in their dtype."""
        return GRUState(self.weight_ih.new_zeros(batch, self.hidden_size))

    def gates(self, x: Float[Tensor, "batch input"], state: GRUState) -> MinGRUGates:
        """The gate and the candidate. Raises ShapeError for an input or a state of the wrong size or kind."""
        self._check(x, state)
        z, n = nn.functional.linear(x, self.weight_ih, self.bias_ih).chunk(2, dim=-1)  # each (batch, hidden)
        return MinGRUGates(z.sigmoid(), n)

    def forward(
        self, x: Float[Tensor, "batch input"], state: GRUState
    ) -> tuple[Float[Tensor, "batch hidden"], GRUState]:
        """The output h' and the state after input x."""
        z, n = self.gates(x, state)
        h = (1 - z) * state.h + z * n
        return h, GRUState(h)

    def unroll(
        self, x: Float[Tensor, "batch time input"], state: GRUState, lengths: Tensor | None = None
    ) -> tuple[Float[Tensor, "batch time hidden"], GRUState]:
        """All steps at once by a scan: every h, and the state after each row's last step."""
        z, n = nn.functional.linear(x, self.weight_ih, self.bias_ih).chunk(2, dim=-1)  # each (batch, time, hidden)
        z = z.sigmoid()
        h = scan(1 - z, z * n, state.h.to(z.dtype))
        return h, GRUState(last(h, lengths))
