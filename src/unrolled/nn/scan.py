"""The linear recurrence h_t = a_t h_{t-1} + b_t over all steps at once, by a chunked scan.

Dimensions: batch; time, the steps; hidden, the units; chunks of about √time steps each.
"""

import math
from typing import Any

import torch
from torch import Tensor


def scan(a: Tensor, b: Tensor, h: Tensor) -> Tensor:
    """Every h_t of ``h_t = a_t h_{t-1} + b_t``, element by element: (batch, time, hidden).

    ``a`` and ``b`` are (batch, time, hidden), ``h`` the state before the first step, (batch, hidden). Step by step
    inside all chunks at once, then from chunk to chunk: 2 √time operations one after the other instead of time. No
    logarithms and no division, so that any a does, 0 too. Source: Blelloch 1990, "Prefix sums and their applications",
    section 1.4.1, the first-order recurrence, here in two levels.

    >>> scan(torch.tensor([[[0.5], [2.0]]]), torch.tensor([[[1.0], [1.0]]]), torch.tensor([[4.0]])).flatten()
    tensor([3., 7.])
    """
    return _Scan.apply(a, b, h)  # type: ignore[return-value]


class _Scan(torch.autograd.Function):
    """Its gradient is the same recurrence backwards in time: g_t = ∂L/∂h_t + a_{t+1} g_{t+1}."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor, h: Tensor) -> Tensor:
        y = _chunked(a, b, h)
        ctx.save_for_backward(a, h, y)
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        (d_y,) = gradients
        a, h, y = ctx.saved_tensors
        later = torch.cat([a[:, 1:], torch.zeros_like(a[:, :1])], dim=1)  # a_{t+1}; nothing comes after the last step
        g = scan(later.flip(1), d_y.flip(1), torch.zeros_like(h)).flip(1)  # ∂L/∂b_t
        before = torch.cat([h[:, None], y[:, :-1]], dim=1)  # h_{t-1}
        return g * before, g, g[:, 0] * a[:, 0]


def _chunked(a: Tensor, b: Tensor, h: Tensor) -> Tensor:
    batch, time, hidden = b.shape
    steps = math.isqrt(time)
    chunks = -(-time // steps)
    spare = chunks * steps - time
    shape = (batch, chunks, steps, hidden)
    # Step first, so that each step of all chunks is one piece of memory. p is the product of a since the chunk's start.
    p = torch.nn.functional.pad(a, (0, 0, 0, spare)).view(shape).permute(2, 0, 1, 3).contiguous()
    y = torch.nn.functional.pad(b, (0, 0, 0, spare)).view(shape).permute(2, 0, 1, 3).contiguous()
    for s in range(1, steps):
        y[s].addcmul_(p[s], y[s - 1])
        p[s].mul_(p[s - 1])
    starts = [h]  # the state before each chunk
    for k in range(chunks - 1):
        starts.append(torch.addcmul(y[-1, :, k], p[-1, :, k], starts[-1]))
    y.addcmul_(p, torch.stack(starts, dim=1))
    return y.permute(1, 2, 0, 3).reshape(batch, chunks * steps, hidden)[:, :time]
