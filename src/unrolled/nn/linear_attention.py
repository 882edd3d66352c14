"""Linear attention, which is a recurrent network: causal self-attention without softmax, as a cell.

Dimensions: batch; time, the steps; input, the features of one step; hidden, the units of keys, values and output.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from unrolled.nn.cells import Cell
from unrolled.shapes import mask


class LinearAttentionState(NamedTuple):
    """What was read so far: the sum of φ(k) vᵀ, and the sum of φ(k)."""

    S: Float[Tensor, "batch hidden hidden"]
    z: Float[Tensor, "batch hidden"]


class LinearAttentionCell(Cell):
    """One step of causal self-attention with a kernel in place of softmax::

        q, k, v = W_q x, W_k x, W_v x          φ(a) = elu(a) + 1 > 0
        S' = S + φ(k) vᵀ                       z' = z + φ(k)
        h  = S'ᵀ φ(q) / (z' · φ(q))

    Softmax attention has exp(q · k) for its weights, and has to keep every key; φ(q) · φ(k) can be summed beforehand,
    and what is kept is one matrix, whatever the length: a recurrent state. ``unroll`` computes the same as attention
    does, all steps at once::

        h_t = Σ_{s ≤ t} (φ(q_t) · φ(k_s)) v_s / Σ_{s ≤ t} φ(q_t) · φ(k_s)

    W_q, W_k and W_v are the rows of ``weight_ih``, in this order.

    Source: Katharopoulos et al. 2020, "Transformers are RNNs: fast autoregressive transformers with linear attention",
    eqs. 9 and 16 to 20.

    >>> cell = LinearAttentionCell(3, 5)
    >>> output, state = cell(torch.zeros(2, 3), cell.initial_state(2))
    >>> output.shape, state.S.shape
    (torch.Size([2, 5]), torch.Size([2, 5, 5]))
    """

    def __init__(self, input_size: int, hidden_size: int):
        super().__init__(input_size, hidden_size)
        self.weight_ih = nn.Parameter(torch.empty(3 * hidden_size, input_size))
        nn.init.uniform_(self.weight_ih, -1 / math.sqrt(input_size), 1 / math.sqrt(input_size))

    def initial_state(self, batch: int) -> LinearAttentionState:
        """Nothing was read: zeros, on the parameters' device and in their dtype."""
        new, hidden = self.weight_ih.new_zeros, self.hidden_size
        return LinearAttentionState(new(batch, hidden, hidden), new(batch, hidden))

    def forward(
        self, x: Float[Tensor, "batch input"], state: LinearAttentionState
    ) -> tuple[Float[Tensor, "batch hidden"], LinearAttentionState]:
        """The output h and the state after input x."""
        self._check(x, (state.z,))
        q, k, v = self._projected(x)
        S = state.S + k[:, :, None] * v[:, None, :]  # (batch, key, value)
        z = state.z + k
        h = (q[:, None] @ S).squeeze(1) / (z * q).sum(-1, keepdim=True)
        return h, LinearAttentionState(S, z)

    def unroll(
        self, x: Float[Tensor, "batch time input"], state: LinearAttentionState, lengths: Tensor | None = None
    ) -> tuple[Float[Tensor, "batch time hidden"], LinearAttentionState]:
        """All steps at once, as attention: every h, and the state after each row's last step."""
        q, k, v = self._projected(x)
        if lengths is not None:
            k = k.masked_fill(~mask(lengths, x.shape[1])[..., None], 0)  # what is past a row's end is not read
        weights = (q @ k.transpose(1, 2)).tril()  # (batch, time, time): φ(q_t) · φ(k_s) for s ≤ t
        above = weights @ v + q @ state.S
        below = weights.sum(-1, keepdim=True) + q @ state.z[..., None]
        return above / below, LinearAttentionState(state.S + k.transpose(1, 2) @ v, state.z + k.sum(1))

    def _projected(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """φ(q), φ(k) and v."""
        q, k, v = nn.functional.linear(x, self.weight_ih).chunk(3, dim=-1)
        return nn.functional.elu(q) + 1, nn.functional.elu(k) + 1, v
