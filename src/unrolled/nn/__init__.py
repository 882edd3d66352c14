"""The networks: cells that are one step in time, RNN, which runs any cell over time, and what training them takes."""

from unrolled.nn import bptt
from unrolled.nn.attention import ATTENTIONS, AdditiveAttention, DotAttention, GeneralAttention, attend, attention_named
from unrolled.nn.cells import ElmanCell, ElmanState, GRUCell, GRUState, LSTMCell, LSTMState
from unrolled.nn.clipping import Clipped, clip_gradients
from unrolled.nn.initialisation import INITIALISATIONS, initialise
from unrolled.nn.linear_attention import LinearAttentionCell
from unrolled.nn.mingru import MinGRUCell
from unrolled.nn.multihead import MultiHeadAttention
from unrolled.nn.names import CELLS, cell_named
from unrolled.nn.rnn import RNN
from unrolled.nn.scan import scan
from unrolled.nn.search import Hypothesis, Limits, Tree, beam_search, greedy, sample
from unrolled.nn.seq2seq import Seq2Seq
from unrolled.nn.transformer import Transformer, positions
from unrolled.nn.truncated import Chunk, chunks, truncated_bptt

__all__ = [
    "ATTENTIONS",
    "CELLS",
    "INITIALISATIONS",
    "RNN",
    "AdditiveAttention",
    "Chunk",
    "Clipped",
    "DotAttention",
    "ElmanCell",
    "ElmanState",
    "GRUCell",
    "GRUState",
    "GeneralAttention",
    "Hypothesis",
    "LSTMCell",
    "LSTMState",
    "Limits",
    "LinearAttentionCell",
    "MinGRUCell",
    "MultiHeadAttention",
    "Seq2Seq",
    "Transformer",
    "Tree",
    "attend",
    "attention_named",
    "beam_search",
    "bptt",
    "cell_named",
    "chunks",
    "clip_gradients",
    "greedy",
    "initialise",
    "positions",
    "sample",
    "scan",
    "truncated_bptt",
]
