"""A small Transformer, encoder and decoder, with the methods of `unrolled.nn.seq2seq`.

Dimensions: batch; src and tgt, the steps of source and target; vocab; size, the units of every layer.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from unrolled.errors import SettingsError
from unrolled.nn.multihead import MultiHeadAttention, Projected
from unrolled.shapes import check_lengths, mask


class TransformerMemory(NamedTuple):
    """What the encoder leaves: keys and values for each layer of the decoder, and which steps are real."""

    layers: tuple[Projected, ...]
    real: Tensor  # (batch, src), bool


class Transformer(nn.Module):
    """Encoder and decoder of attention alone; each sublayer reads what was normalised and adds to it::

        x ← x + attention(norm(x))        x ← x + W_2 relu(W_1 norm(x))

    The encoder's attend to all of the source; those of the decoder to what was written so far, then to the source.
    Positions are sines and cosines, embeddings are scaled by √size, and the output layer is tied to the target's.
    ``dropout`` acts on embeddings, on every sublayer and on the attention weights.

    Sources: Vaswani et al. 2017, "Attention is all you need"; Xiong et al. 2020, "On layer normalization in the
    Transformer architecture", for the norm before each sublayer, which trains without warm-up.

    Raises SettingsError for sizes that can't be.

    >>> model = Transformer(10, 12, size=8, heads=2, layers=1)
    >>> source, target = torch.randint(10, (2, 5)), torch.randint(12, (2, 7))
    >>> hidden, weights = model(source, torch.tensor([5, 3]), target)
    >>> model.project(hidden).shape, weights.shape
    (torch.Size([2, 7, 12]), torch.Size([2, 7, 5]))
    """

    def __init__(
        self,
        source_size: int,
        target_size: int,
        *,
        size: int = 256,
        heads: int = 4,
        layers: int = 3,
        feedforward: int | None = None,
        dropout: float = 0.0,
    ):
        super().__init__()
        feedforward = 4 * size if feedforward is None else feedforward
        sizes = {"source_size": source_size, "target_size": target_size, "layers": layers, "feedforward": feedforward}
        for name, value in sizes.items():
            if value < 1:
                raise SettingsError(f"{name} must be at least 1, got {value}")
        if not 0 <= dropout < 1:
            raise SettingsError(f"dropout must be at least 0 and below 1, got {dropout}")
        if size % 2:
            raise SettingsError(f"positions are pairs of sine and cosine, got a size of {size}; take an even one")
        self.size, self.dropout = size, nn.Dropout(dropout)
        self.source, self.target = nn.Embedding(source_size, size), nn.Embedding(target_size, size)
        for table in (self.source, self.target):
            nn.init.normal_(table.weight, std=size**-0.5)
        shape = (size, heads, feedforward, dropout)
        self.encoder = nn.ModuleList(_Layer(*shape, cross=False) for _ in range(layers))
        self.decoder = nn.ModuleList(_Layer(*shape, cross=True) for _ in range(layers))
        self.encoder_norm, self.decoder_norm = nn.LayerNorm(size), nn.LayerNorm(size)
        self.output = nn.Linear(size, target_size)
        self.output.weight = self.target.weight

    def encode(
        self, source: Int[Tensor, "batch src"], lengths: Int[Tensor, " batch"]
    ) -> tuple[TransformerMemory, tuple[Projected, ...]]:
        """The memory of each sentence, and the state before the first step: nothing was written."""
        lengths = check_lengths(lengths, source.shape[0], source.shape[1], source.device)
        real = mask(lengths, source.shape[1])
        x = self._embedded(self.source, source, 0)
        for layer in self.encoder:
            x, _ = layer(x, mask=real)  # type: ignore[operator]
        x = self.encoder_norm(x).masked_fill(~real[..., None], 0)
        memory = TransformerMemory(tuple(layer.cross.project(x) for layer in self.decoder), real)  # type: ignore
        nothing = x.new_zeros(len(x), self.decoder[0].own.heads, 0, self.size // self.decoder[0].own.heads)  # type: ignore
        return memory, tuple(Projected(nothing, nothing) for _ in self.decoder)

    def forward(
        self, source: Int[Tensor, "batch src"], lengths: Int[Tensor, " batch"], target: Int[Tensor, "batch tgt"]
    ) -> tuple[Float[Tensor, "batch tgt size"], Float[Tensor, "batch tgt src"]]:
        """What the decoder says at every step when it reads ``target``: y_0 … y_{T-1}, of which y_0 marks the
        beginning; and the last layer's attention to the source, the mean of its heads.
        """
        memory, _ = self.encode(source, lengths)
        x, weights = self._embedded(self.target, target, 0), None
        for layer, cross in zip(self.decoder, memory.layers, strict=True):
            x, weights = layer(x, causal=True, memory=cross, real=memory.real)
        assert weights is not None
        return self.decoder_norm(x), weights.mean(dim=1)

    def project(self, hidden: Float[Tensor, "... size"]) -> Float[Tensor, "... vocab"]:
        """V o + b: the scores of the words, before softmax."""
        return self.output(hidden)

    def step(
        self, tokens: Int[Tensor, " hypotheses"], state: tuple[Projected, ...], memory: TransformerMemory
    ) -> tuple[Float[Tensor, "hypotheses vocab"], tuple[Projected, ...], Float[Tensor, "hypotheses src"]]:
        """The scores of what comes after ``tokens``, the keys and values of all that was written, and what was looked
        at.
        """
        written = state[0].keys.shape[2]
        x, after, weights = self._embedded(self.target, tokens[:, None], written), [], None
        for layer, before, cross in zip(self.decoder, state, memory.layers, strict=True):
            x, kept, weights = layer.step(x, before, cross, memory.real)  # type: ignore[operator]
            after.append(kept)
        assert weights is not None
        return self.project(self.decoder_norm(x[:, 0])), tuple(after), weights

    def _embedded(self, table: nn.Module, tokens: Tensor, begin: int) -> Tensor:
        x = table(tokens) * math.sqrt(self.size)
        return self.dropout(x + positions(begin + tokens.shape[1], self.size, x)[begin:])


class _Layer(nn.Module):
    """Self-attention, with ``cross`` attention to the source, and a network of one hidden layer."""

    def __init__(self, size: int, heads: int, feedforward: int, dropout: float, cross: bool):
        super().__init__()
        self.own, self.own_norm = MultiHeadAttention(size, heads, dropout), nn.LayerNorm(size)
        self.cross = MultiHeadAttention(size, heads, dropout) if cross else None
        self.cross_norm = nn.LayerNorm(size) if cross else None
        self.network = nn.Sequential(nn.Linear(size, feedforward), nn.ReLU(), nn.Linear(feedforward, size))
        self.norm, self.dropout = nn.LayerNorm(size), nn.Dropout(dropout)

    def forward(
        self,
        x: Tensor,
        mask: Tensor | None = None,
        causal: bool = False,
        memory: Projected | None = None,
        real: Tensor | None = None,
    ) -> tuple[Tensor, Tensor | None]:
        y = self.own_norm(x)
        y, _ = self.own.read(y, self.own.project(y), mask, causal=causal, need_weights=False)
        return self._rest(x + self.dropout(y), memory, real)

    def step(self, x: Tensor, before: Projected, memory: Projected, real: Tensor) -> tuple[Tensor, Projected, Tensor]:
        """One step (hypotheses, 1, size) after what was written ``before``."""
        y = self.own_norm(x)
        kept = Projected(*(torch.cat(pair, dim=2) for pair in zip(before, self.own.project(y), strict=True)))
        y, _ = self.own.read(y, kept, need_weights=False)
        x = (x + self.dropout(y)).view(len(real), -1, x.shape[-1])  # the hypotheses of a sentence ask together
        x, weights = self._rest(x, memory, real)
        assert weights is not None
        return x.reshape(-1, 1, x.shape[-1]), kept, weights.mean(dim=1).reshape(-1, real.shape[1])

    def _rest(self, x: Tensor, memory: Projected | None, real: Tensor | None) -> tuple[Tensor, Tensor | None]:
        weights = None
        if self.cross is not None and self.cross_norm is not None and memory is not None:
            y, weights = self.cross.read(self.cross_norm(x), memory, real)
            x = x + self.dropout(y)
        return x + self.dropout(self.network(self.norm(x))), weights


def positions(time: int, size: int, like: Tensor | None = None) -> Float[Tensor, "time size"]:
    """Where a step is, as points on circles of other speeds, like the hands of a clock::

        P[t, 2i] = sin(t / 10000^(2i / size))        P[t, 2i + 1] = cos(t / 10000^(2i / size))

    Source: Vaswani et al. 2017, section 3.5.

    >>> positions(2, 4)[0]
    tensor([0., 1., 0., 1.])
    """
    like = torch.empty(0) if like is None else like
    speed = 10000.0 ** (-torch.arange(0, size, 2, device=like.device, dtype=torch.float64) / size)
    angle = torch.arange(time, device=like.device, dtype=torch.float64)[:, None] * speed
    return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1).to(like.dtype)
