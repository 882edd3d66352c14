"""The networks: cells that are one step in time, RNN, which runs any cell over time, and what training them takes."""

from unrolled.nn import bptt
from unrolled.nn.cells import ElmanCell, ElmanState, GRUCell, GRUState, LSTMCell, LSTMState
from unrolled.nn.clipping import Clipped, clip_gradients
from unrolled.nn.initialisation import INITIALISATIONS, initialise
from unrolled.nn.mingru import MinGRUCell
from unrolled.nn.names import CELLS, cell_named
from unrolled.nn.rnn import RNN
from unrolled.nn.scan import scan
from unrolled.nn.truncated import Chunk, chunks, truncated_bptt

__all__ = [
    "CELLS",
    "INITIALISATIONS",
    "RNN",
    "Chunk",
    "Clipped",
    "ElmanCell",
    "ElmanState",
    "GRUCell",
    "GRUState",
    "LSTMCell",
    "LSTMState",
    "MinGRUCell",
    "bptt",
    "cell_named",
    "chunks",
    "clip_gradients",
    "initialise",
    "scan",
    "truncated_bptt",
]
