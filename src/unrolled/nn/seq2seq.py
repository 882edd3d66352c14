"""Sequence to sequence: an encoder reads the source, a decoder writes the target, with attention or without.

Dimensions: batch; src and tgt, the steps of source and target; vocab; embedding; hidden. Any model that `search` and
training take has these methods:

- ``encode(source, lengths)``: the memory, tensors a sentence, and the decoder's first state, tensors a hypothesis;
- ``forward(source, lengths, target)``: what the decoder says at each step under teacher forcing, before the output
  layer, and the attention weights; ``project`` is the output layer;
- ``step(tokens, state, memory)``: one step of the decoder.

The first dimension of every tensor in memory is the sentence, in a state the hypothesis; where a sentence has several
hypotheses, theirs are behind each other.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from unrolled.errors import SettingsError
from unrolled.nn.attention import attend, attention_named
from unrolled.nn.rnn import RNN
from unrolled.shapes import check_lengths, mask


class Memory(NamedTuple):
    """What the encoder leaves: its outputs, what attention prepared of them, which are real, the context vector."""

    values: Float[Tensor, "batch src hidden"]
    prepared: Float[Tensor, "batch src prepared"]
    real: Tensor  # (batch, src), bool
    context: Float[Tensor, "batch hidden"]  # the last output in each direction


class DecoderState(NamedTuple):
    """The decoder's recurrent state, and what it said at its last step."""

    rnn: Any
    said: Float[Tensor, "batch embedding"]


class Seq2Seq(nn.Module):
    """A recurrent encoder and decoder, with attention or with the context vector alone::

        h_1 … h_S = encoder(E_x x_1 … E_x x_S)        both directions put together, from the same hidden size
        s_t = decoder([E_y y_{t-1}], s_{t-1})         s_0 = the encoder's last state
        c_t = Σ_s α_ts h_s                            the context; without attention the encoder's last output, always
        o_t = tanh(W_c [c_t, s_t])
        p(y_t | y_<t, x) = softmax(V o_t + b)         V = E_y where they are tied

    ``attention`` is "dot", "scaled-dot", "general", "additive" or None. With ``input_feeding`` the decoder reads
    [E_y y_{t-1}, o_{t-1}]: what it looked at so far, and one step after the other also in training. Without it, all
    steps of a known target are one pass of the decoder and one batched product of attention. ``dropout`` acts on
    embeddings, between layers and on o. ``cell`` is any whose state has leaves of (batch, hidden).

    Sources: Sutskever, Vinyals & Le 2014, "Sequence to sequence learning with neural networks"; Cho et al. 2014,
    "Learning phrase representations using RNN encoder-decoder", where the context vector is read at each step; Luong,
    Pham & Manning 2015, "Effective approaches to attention-based neural machine translation", eq. 5 and section 3.3;
    Press & Wolf 2017, "Using the output embedding to improve language models".

    Raises SettingsError for sizes that can't be.

    >>> from unrolled.nn import LSTMCell
    >>> model = Seq2Seq(LSTMCell, 10, 12, embedding=4, hidden=6)
    >>> source, target = torch.randint(10, (2, 5)), torch.randint(12, (2, 7))
    >>> hidden, weights = model(source, torch.tensor([5, 3]), target)
    >>> model.project(hidden).shape, weights.shape
    (torch.Size([2, 7, 12]), torch.Size([2, 7, 5]))
    """

    def __init__(
        self,
        cell: Callable[[int, int], nn.Module],
        source_size: int,
        target_size: int,
        *,
        embedding: int = 256,
        hidden: int = 256,
        layers: int = 1,
        bidirectional: bool = True,
        attention: str | None = "dot",
        input_feeding: bool = False,
        dropout: float = 0.0,
        tied: bool = True,
    ):
        super().__init__()
        sizes = {"source_size": source_size, "target_size": target_size, "embedding": embedding, "hidden": hidden}
        for name, size in (sizes | {"layers": layers}).items():
            if size < 1:
                raise SettingsError(f"{name} must be at least 1, got {size}")
        if bidirectional and hidden % 2:
            raise SettingsError(
                f"an encoder of both directions shares out the hidden units, got {hidden}; take an even"
            )
        if not 0 <= dropout < 1:
            raise SettingsError(f"dropout must be at least 0 and below 1, got {dropout}")
        between = dropout if layers > 1 else 0.0
        each = hidden // 2 if bidirectional else hidden
        self.source = nn.Embedding(source_size, embedding)
        self.target = nn.Embedding(target_size, embedding)
        self.encoder = RNN(cell, embedding, each, layers, bidirectional, between)
        self.decoder = RNN(cell, embedding * (2 if input_feeding else 1), hidden, layers, dropout=between)
        self.attention = attention_named(attention, hidden, hidden) if attention else None
        self.combine = nn.Linear(2 * hidden, embedding)
        self.output = nn.Linear(embedding, target_size)
        self.input_feeding, self.dropout = input_feeding, nn.Dropout(dropout)
        for table in (self.source, self.target):
            nn.init.normal_(table.weight, std=embedding**-0.5)
        if tied:
            self.output.weight = self.target.weight

    def encode(self, source: Int[Tensor, "batch src"], lengths: Int[Tensor, " batch"]) -> tuple[Memory, DecoderState]:
        """The memory of each sentence, and the state before the first step of its target."""
        lengths = check_lengths(lengths, source.shape[0], source.shape[1], source.device)
        values, state = self.encoder(self.dropout(self.source(source)), lengths=lengths)
        if self.encoder.bidirectional:
            state = tuple(_together(*pair) for pair in state)
            each = values.shape[2] // 2
            rows, last = torch.arange(len(source), device=source.device), lengths - 1
            context = torch.cat([values[rows, last, :each], values[:, 0, each:]], dim=1)  # where each direction ends
        else:
            context = values[torch.arange(len(source), device=source.device), lengths - 1]
        prepared = values if self.attention is None else self.attention.prepare(values)
        said = values.new_zeros(len(source), self.combine.out_features)
        return Memory(values, prepared, mask(lengths, source.shape[1]), context), DecoderState(state, said)

    def forward(
        self,
        source: Int[Tensor, "batch src"],
        lengths: Int[Tensor, " batch"],
        target: Int[Tensor, "batch tgt"],
        teacher_forcing: float = 1.0,
    ) -> tuple[Float[Tensor, "batch tgt embedding"], Float[Tensor, "batch tgt src"] | None]:
        """o at every step, and the attention weights, when the decoder reads ``target``: y_0 … y_{T-1}, of which y_0
        marks the beginning.

        With ``teacher_forcing`` below 1 it reads, with the rest of the probability, drawn a row and a step, what it
        holds likeliest itself in the place of y_1 … y_{T-1}: Bengio et al. 2015, "Scheduled sampling for sequence
        prediction with recurrent neural networks".
        """
        memory, state = self.encode(source, lengths)
        if not self.input_feeding and teacher_forcing == 1:
            s, _ = self.decoder(self.dropout(self.target(target)), state.rnn)
            return self._said(s, memory)
        teach = torch.rand(target.shape, device=target.device) < teacher_forcing
        said, weights = [], []
        for t, token in enumerate(target.unbind(dim=1)):
            if t and teacher_forcing < 1:
                own = self.project(said[-1]).detach().argmax(-1).squeeze(1)
                token = torch.where(teach[:, t], token, own)
            o, state, α = self._step(token, state, memory)
            said.append(o)
            weights.append(α)
        return torch.cat(said, dim=1), None if self.attention is None else torch.cat(weights, dim=1)

    def project(self, hidden: Float[Tensor, "... embedding"]) -> Float[Tensor, "... vocab"]:
        """V o + b: the scores of the words, before softmax."""
        return self.output(hidden)

    def step(
        self, tokens: Int[Tensor, " hypotheses"], state: DecoderState, memory: Memory
    ) -> tuple[Float[Tensor, "hypotheses vocab"], DecoderState, Float[Tensor, "hypotheses src"] | None]:
        """The scores of what comes after ``tokens``, the state after them, and what was looked at."""
        o, state, α = self._step(tokens, state, memory)
        return self.project(o[:, 0]), state, None if α is None else α[:, 0]

    def _step(self, tokens: Tensor, state: DecoderState, memory: Memory) -> tuple[Tensor, DecoderState, Tensor | None]:
        x = self.dropout(self.target(tokens))  # (hypotheses, embedding)
        if self.input_feeding:
            x = torch.cat([x, state.said], dim=-1)
        s, rnn = self.decoder(x[:, None], state.rnn)  # (hypotheses, 1, hidden)
        # The hypotheses of a sentence ask its memory together, as the steps of a target do.
        o, α = self._said(s.view(len(memory.real), -1, s.shape[-1]), memory)
        o = o.reshape(len(tokens), 1, -1)
        return o, DecoderState(rnn, o[:, 0]), None if α is None else α.reshape(len(tokens), 1, -1)

    def _said(self, s: Tensor, memory: Memory) -> tuple[Tensor, Tensor | None]:
        """o and the weights of decoder outputs s (batch, steps, hidden)."""
        if self.attention is None:
            c, α = memory.context[:, None].expand(-1, s.shape[1], -1), None
        else:
            c, α = attend(self.attention.scores(s, memory.prepared), memory.values, memory.real)
        return self.dropout(self.combine(torch.cat([c, s], dim=-1)).tanh()), α


def _together(forward: Any, backward: Any) -> Any:
    """One state of the states of both directions, twice as wide."""
    return type(forward)(*(torch.cat(leaves, dim=-1) for leaves in zip(forward, backward, strict=True)))
