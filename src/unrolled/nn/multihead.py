"""Multi-head attention: several attentions beside each other, each in a projection of its own.

Dimensions: batch; tgt, the steps that ask; src, the steps that are asked; heads; each, the units of one head. A mask is
True where the data is real.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from unrolled.errors import SettingsError, ShapeError


class Projected(NamedTuple):
    """Keys and values of each head, (batch, heads, src, each): what can be kept while a decoder asks step by step."""

    keys: Tensor
    values: Tensor


class MultiHeadAttention(nn.Module):
    """Attention in several heads, whose contexts are put together again::

        head_i = softmax(Q W_i^Q (K W_i^K)ᵀ / √each) V W_i^V        each = size / heads
        output = [head_1, …, head_heads] W^O

    Self-attention is the case of one sequence that asks itself. Names and shapes of the parameters are those of
    ``torch.nn.MultiheadAttention(size, heads, batch_first=True)``, whose state dict loads as it is. ``dropout`` acts on
    the weights, in training only.

    Source: Vaswani et al. 2017, "Attention is all you need", section 3.2.2.

    Raises SettingsError where the heads don't divide the size.

    >>> attention = MultiHeadAttention(8, heads=2)
    >>> output, weights = attention(torch.zeros(3, 5, 8), causal=True)
    >>> output.shape, weights.shape, weights[0, 0, 0].tolist()
    (torch.Size([3, 5, 8]), torch.Size([3, 2, 5, 5]), [1.0, 0.0, 0.0, 0.0, 0.0])
    """

    def __init__(self, size: int, heads: int, dropout: float = 0.0):
        super().__init__()
        if heads < 1 or size < 1 or size % heads:
            raise SettingsError(f"heads have to divide the size, got {heads} heads and a size of {size}")
        self.size, self.heads, self.dropout = size, heads, dropout
        self.in_proj_weight = nn.Parameter(torch.empty(3 * size, size))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * size))
        self.out_proj = nn.Linear(size, size)
        nn.init.xavier_uniform_(self.in_proj_weight)
        nn.init.zeros_(self.out_proj.bias)

    def project(self, keys: Float[Tensor, "batch src size"], values: Tensor | None = None) -> Projected:
        """The keys and values of every head."""
        return Projected(self._heads(keys, 1), self._heads(keys if values is None else values, 2))

    def read(
        self,
        query: Float[Tensor, "batch tgt size"],
        memory: Projected,
        mask: Bool[Tensor, "batch src"] | Bool[Tensor, "batch tgt src"] | None = None,
        *,
        causal: bool = False,
        need_weights: bool = True,
    ) -> tuple[Float[Tensor, "batch tgt size"], Float[Tensor, "batch heads tgt src"] | None]:
        """The output, and the weights of every head where they are needed: without them torch's kernel computes it all.

        With ``causal`` a step asks itself and earlier ones only; queries and keys are then of one length.
        """
        q = self._heads(query, 0)
        real = None if mask is None else (mask[:, None, None] if mask.ndim == 2 else mask[:, None])
        if causal:
            earlier = torch.ones(q.shape[2], memory.keys.shape[2], dtype=torch.bool, device=q.device).tril()
            real = earlier if real is None else real & earlier
        dropout = self.dropout if self.training else 0.0
        if need_weights:
            e = q @ memory.keys.transpose(-1, -2) / math.sqrt(q.shape[-1])  # (batch, heads, tgt, src)
            weights = e.softmax(-1) if real is None else _softmax_of_real(e, real)
            context = nn.functional.dropout(weights, dropout) @ memory.values
        else:
            weights = None
            context = nn.functional.scaled_dot_product_attention(q, *memory, attn_mask=real, dropout_p=dropout)
        return self.out_proj(context.transpose(1, 2).flatten(2)), weights

    def forward(
        self,
        query: Float[Tensor, "batch tgt size"],
        keys: Float[Tensor, "batch src size"] | None = None,
        values: Float[Tensor, "batch src size"] | None = None,
        mask: Bool[Tensor, "batch src"] | Bool[Tensor, "batch tgt src"] | None = None,
        *,
        causal: bool = False,
        need_weights: bool = True,
    ) -> tuple[Float[Tensor, "batch tgt size"], Float[Tensor, "batch heads tgt src"] | None]:
        """The output and the weights; ``keys`` are the queries if None, ``values`` the keys.

        Where nothing is real, weights are 0. Raises ShapeError for shapes that don't fit.
        """
        keys = query if keys is None else keys
        values = keys if values is None else values
        for name, part in (("queries", query), ("keys", keys), ("values", values)):
            if part.ndim != 3 or part.shape[2] != self.size or part.shape[0] != query.shape[0]:
                raise ShapeError(
                    f"this MultiHeadAttention takes {name} of (batch, time, {self.size}) in one batch, got "
                    f"{tuple(part.shape)}"
                )
        if keys.shape[1] != values.shape[1]:
            raise ShapeError(f"each key has one value, got keys {tuple(keys.shape)} and values {tuple(values.shape)}")
        if causal and query.shape[1] != keys.shape[1]:
            raise ShapeError(
                f"causal attention is that of a sequence to itself, got {query.shape[1]} queries and "
                f"{keys.shape[1]} keys"
            )
        each = (*query.shape[:2], keys.shape[1])
        if mask is not None and (mask.dtype != torch.bool or tuple(mask.shape) not in (each, each[::2])):
            raise ShapeError(
                f"the mask must be bool, True where the data is real, of shape {each[::2]} or {each}, got {mask.dtype} "
                f"of {tuple(mask.shape)}"
            )
        if mask is not None and mask.ndim == 2:
            keys, values = (part.masked_fill(~mask[..., None], 0) for part in (keys, values))
        return self.read(query, self.project(keys, values), mask, causal=causal, need_weights=need_weights)

    def _heads(self, x: Tensor, part: int) -> Tensor:
        """The projection for queries (0), keys (1) or values (2), head by head: (batch, heads, time, each)."""
        rows = slice(part * self.size, (part + 1) * self.size)
        y = nn.functional.linear(x, self.in_proj_weight[rows], self.in_proj_bias[rows])
        return y.unflatten(2, (self.heads, -1)).transpose(1, 2)

    def extra_repr(self) -> str:
        return f"{self.size}, heads={self.heads}" + (f", dropout={self.dropout}" if self.dropout else "")


def _softmax_of_real(e: Tensor, real: Tensor) -> Tensor:
    return e.masked_fill(~real, -torch.inf).softmax(-1).masked_fill(~real, 0)  # softmax of nothing is NaN
