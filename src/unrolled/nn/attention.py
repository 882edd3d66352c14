"""Attention: for each step that is written, a weighted mean of the steps that were read.

Dimensions: batch; tgt, the steps that ask; src, the steps that are asked; hidden, the units of either. A mask is True
where the data is real. Every kind is a module whose ``forward(query, keys, values, mask)`` gives (context, weights);
kinds differ in how they score a query against a key, and `attend` does the rest for all of them.
"""

import math
from collections.abc import Callable

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from unrolled.errors import SettingsError, ShapeError, nearest


def attend(
    scores: Float[Tensor, "batch tgt src"],
    values: Float[Tensor, "batch src value"],
    mask: Bool[Tensor, "batch tgt src"] | None = None,
) -> tuple[Float[Tensor, "batch tgt value"], Float[Tensor, "batch tgt src"]]:
    """The context of every step that asks, and the weights it is made of::

        α_ts = exp(e_ts) / Σ_s' exp(e_ts')    over the s that are real
        c_t  = Σ_s α_ts v_s

    Where nothing is real, all weights are 0, and so is the context.
    Source: Bahdanau, Cho & Bengio 2015, "Neural machine translation by jointly learning to align and translate", eqs.
    5 and 6.
    """
    if mask is None:
        weights = scores.softmax(dim=-1)
    else:
        weights = scores.masked_fill(~mask, -torch.inf).softmax(dim=-1)
        weights = weights.masked_fill(~mask, 0)  # softmax of nothing is NaN
    return weights @ values, weights


class DotAttention(nn.Module):
    """Scores by the dot product, with ``scaled`` by its size::

        e_ts = q_t · k_s              Luong, Pham & Manning 2015, section 3.1, "dot"
        e_ts = q_t · k_s / √hidden    Vaswani et al. 2017, eq. 1

    The product of two random vectors grows as √hidden, and softmax of large scores is all but a choice of one; the
    scale keeps it soft. It has no parameters.

    >>> keys = torch.tensor([[[10.0, 0.0], [0.0, 10.0]]])
    >>> context, weights = DotAttention()(torch.tensor([[[3.0, 0.0]]]), keys)
    >>> context.round(), weights.round()
    (tensor([[[10.,  0.]]]), tensor([[[1., 0.]]]))
    """

    def __init__(self, scaled: bool = False):
        super().__init__()
        self.scaled = scaled

    def forward(
        self,
        query: Float[Tensor, "batch tgt hidden"],
        keys: Float[Tensor, "batch src hidden"],
        values: Float[Tensor, "batch src value"] | None = None,
        mask: Bool[Tensor, "batch src"] | Bool[Tensor, "batch tgt src"] | None = None,
    ) -> tuple[Float[Tensor, "batch tgt value"], Float[Tensor, "batch tgt src"]]:
        """The contexts and the weights; ``values`` are the keys if None.

        ``mask`` says which keys are real, for all queries alike or for each. What lies where a mask for all is False,
        be it NaN, changes nothing. Raises ShapeError for shapes that don't fit.
        """
        values = keys if values is None else values
        _check(query, keys, values, mask)
        if mask is not None and mask.ndim == 2:
            keys, values = (part.masked_fill(~mask[..., None], 0) for part in (keys, values))
            mask = mask[:, None].expand(-1, query.shape[1], -1)
        scores = query @ keys.transpose(1, 2)  # (batch, tgt, src)
        return attend(scores / math.sqrt(query.shape[-1]) if self.scaled else scores, values, mask)

    def extra_repr(self) -> str:
        return "scaled=True" if self.scaled else ""


# By name: what makes one for queries and keys of these sizes.
ATTENTIONS: dict[str, Callable[[int, int], nn.Module]] = {
    "dot": lambda _query, _key: DotAttention(),
    "scaled-dot": lambda _query, _key: DotAttention(scaled=True),
}


def attention_named(name: str, query_size: int, key_size: int) -> nn.Module:
    """The attention that goes by this name; raises SettingsError, with the nearest names, where there is none.

    >>> attention_named("scaled-dot", 4, 4)
    DotAttention(scaled=True)
    """
    if name not in ATTENTIONS:
        raise SettingsError(f"unknown attention {name!r}{nearest(name, ATTENTIONS)}")
    return ATTENTIONS[name](query_size, key_size)


def _check(query: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None) -> None:
    for name, part in (("queries", query), ("keys", keys), ("values", values)):
        if part.ndim != 3:
            raise ShapeError(f"attention takes {name} of (batch, time, hidden), got {tuple(part.shape)}; add an axis")
    if query.shape[0] != keys.shape[0] or query.shape[2] != keys.shape[2]:
        raise ShapeError(
            f"a dot product needs queries and keys of one batch and one size, got {tuple(query.shape)} and "
            f"{tuple(keys.shape)}; project one of them"
        )
    if keys.shape[:2] != values.shape[:2]:
        raise ShapeError(f"each key has one value, got keys {tuple(keys.shape)} and values {tuple(values.shape)}")
    if mask is not None:
        each = (*query.shape[:2], keys.shape[1])
        if mask.dtype != torch.bool or tuple(mask.shape) not in (each, each[::2]):
            raise ShapeError(
                f"the mask must be bool, True where the data is real, of shape {each[::2]} or {each}, got "
                f"{mask.dtype} of {tuple(mask.shape)}"
            )
