"""Attention: for each step that is written, a weighted mean of the steps that were read.

Dimensions: batch; tgt, the steps that ask; src, the steps that are asked; hidden, the units of either. A mask is True
where the data is real. Every kind is a module whose ``forward(query, keys, values, mask)`` gives (context, weights);
kinds differ in how they score a query against a key, and `attend` does the rest for all of them. What a kind makes of
the keys alone, ``prepare`` gives once; a decoder that asks step by step calls ``scores`` with it and then `attend`.
"""

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from unrolled.errors import SettingsError, ShapeError, nearest


def attend(
    scores: Float[Tensor, "batch tgt src"],
    values: Float[Tensor, "batch src value"],
    mask: Bool[Tensor, "batch src"] | Bool[Tensor, "batch tgt src"] | None = None,
) -> tuple[Float[Tensor, "batch tgt value"], Float[Tensor, "batch tgt src"]]:
    """The context of every step that asks, and the weights it is made of::

        α_ts = exp(e_ts) / Σ_s' exp(e_ts')    over the s that are real
        c_t  = Σ_s α_ts v_s

    ``mask`` says which keys are real, for all queries alike or for each. Where nothing is real, all weights are 0, and
    so is the context.
    Source: Bahdanau, Cho & Bengio 2015, "Neural machine translation by jointly learning to align and translate", eqs.
    5 and 6.
    """
    if mask is None:
        weights = scores.softmax(dim=-1)
    else:
        mask = mask[:, None] if mask.ndim == 2 else mask
        weights = scores.masked_fill(~mask, -torch.inf).softmax(dim=-1)
        weights = weights.masked_fill(~mask, 0)  # softmax of nothing is NaN
    return weights @ values, weights


class Attention(nn.Module):
    """What every kind has alike; a kind says how it scores."""

    def prepare(self, keys: Float[Tensor, "batch src key"]) -> Float[Tensor, "batch src prepared"]:
        """What the scores need of the keys: the same for all queries."""
        return keys

    def scores(
        self, query: Float[Tensor, "batch tgt query"], prepared: Float[Tensor, "batch src prepared"]
    ) -> Float[Tensor, "batch tgt src"]:
        """e_ts of every query and every key."""
        raise NotImplementedError

    def forward(
        self,
        query: Float[Tensor, "batch tgt query"],
        keys: Float[Tensor, "batch src key"],
        values: Float[Tensor, "batch src value"] | None = None,
        mask: Bool[Tensor, "batch src"] | Bool[Tensor, "batch tgt src"] | None = None,
    ) -> tuple[Float[Tensor, "batch tgt value"], Float[Tensor, "batch tgt src"]]:
        """The contexts and the weights; ``values`` are the keys if None.

        ``mask`` says which keys are real, for all queries alike or for each. What lies where a mask for all is False,
        be it NaN, changes nothing. Raises ShapeError for shapes that don't fit.
        """
        values = keys if values is None else values
        self._check(query, keys, values, mask)
        if mask is not None and mask.ndim == 2:
            keys, values = (part.masked_fill(~mask[..., None], 0) for part in (keys, values))
        return attend(self.scores(query, self.prepare(keys)), values, mask)

    sizes: tuple[int, int] | None = None
    """Of a query and of a key; None: of any size, which is the same for both."""

    def _check(self, query: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None) -> None:
        for name, part in (("queries", query), ("keys", keys), ("values", values)):
            if part.ndim != 3:
                raise ShapeError(
                    f"attention takes {name} of (batch, time, hidden), got {tuple(part.shape)}; add an axis"
                )
        if self.sizes is None:
            if query.shape[0] != keys.shape[0] or query.shape[2] != keys.shape[2]:
                raise ShapeError(
                    f"a dot product needs queries and keys of one batch and one size, got {tuple(query.shape)} and "
                    f"{tuple(keys.shape)}; project one of them"
                )
        elif query.shape[0] != keys.shape[0] or (query.shape[2], keys.shape[2]) != self.sizes:
            raise ShapeError(
                f"this {type(self).__name__} takes queries of {self.sizes[0]} units and keys of {self.sizes[1]} in one "
                f"batch, got {tuple(query.shape)} and {tuple(keys.shape)}; build it with their sizes"
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


class DotAttention(Attention):
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

    def scores(self, query: Tensor, prepared: Tensor) -> Tensor:
        e = query @ prepared.transpose(1, 2)  # (batch, tgt, src)
        return e / math.sqrt(query.shape[-1]) if self.scaled else e

    def extra_repr(self) -> str:
        return "scaled=True" if self.scaled else ""


class GeneralAttention(Attention):
    """Scores by a bilinear form, so that queries and keys may be of other sizes and speak other languages::

        e_ts = q_t · W k_s

    Source: Luong, Pham & Manning 2015, "Effective approaches to attention-based neural machine translation", section
    3.1, "general".

    >>> GeneralAttention(3, 4)(torch.zeros(2, 5, 3), torch.zeros(2, 6, 4))[0].shape
    torch.Size([2, 5, 4])
    """

    def __init__(self, query_size: int, key_size: int):
        super().__init__()
        self.sizes = (query_size, key_size)
        self.weight = nn.Linear(key_size, query_size, bias=False)

    def prepare(self, keys: Tensor) -> Tensor:
        return self.weight(keys)  # W k_s: (batch, src, query)

    def scores(self, query: Tensor, prepared: Tensor) -> Tensor:
        return query @ prepared.transpose(1, 2)


class AdditiveAttention(Attention):
    """Scores by a small network of one hidden layer, of ``hidden`` units (None: as many as a query has)::

        e_ts = v · tanh(W q_t + U k_s)

    Source: Bahdanau, Cho & Bengio 2015, "Neural machine translation by jointly learning to align and translate",
    appendix A.1.2, where q is the decoder's state before the step; ours asks with the state after it, as Luong's
    decoder does, so that all steps can be asked at once.

    >>> AdditiveAttention(3, 4)(torch.zeros(2, 5, 3), torch.zeros(2, 6, 4))[0].shape
    torch.Size([2, 5, 4])
    """

    def __init__(self, query_size: int, key_size: int, hidden: int | None = None):
        super().__init__()
        self.sizes, hidden = (query_size, key_size), hidden or query_size
        self.query = nn.Linear(query_size, hidden, bias=False)
        self.key = nn.Linear(key_size, hidden, bias=False)
        self.score = nn.Linear(hidden, 1, bias=False)

    def prepare(self, keys: Tensor) -> Tensor:
        return self.key(keys)  # U k_s: (batch, src, hidden)

    def scores(self, query: Tensor, prepared: Tensor) -> Tensor:
        a = self.query(query)[:, :, None] + prepared[:, None]  # (batch, tgt, src, hidden)
        return self.score(a.tanh()).squeeze(-1)


# By name: what makes one for queries and keys of these sizes.
ATTENTIONS = {
    "dot": lambda _query, _key: DotAttention(),
    "scaled-dot": lambda _query, _key: DotAttention(scaled=True),
    "general": GeneralAttention,
    "additive": AdditiveAttention,
}


def attention_named(name: str, query_size: int, key_size: int) -> Attention:
    """The attention that goes by this name; raises SettingsError, with the nearest names, where there is none.

    >>> attention_named("scaled-dot", 4, 4)
    DotAttention(scaled=True)
    """
    if name not in ATTENTIONS:
        raise SettingsError(f"unknown attention {name!r}{nearest(name, ATTENTIONS)}")
    return ATTENTIONS[name](query_size, key_size)
