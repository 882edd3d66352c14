"""The networks: cells that are one step in time, and RNN, which runs any cell over a sequence."""

from unrolled.nn.cells import CELLS, ElmanCell, ElmanState, GRUCell, GRUState, LSTMCell, LSTMState, cell_named
from unrolled.nn.rnn import RNN

__all__ = ["CELLS", "RNN", "ElmanCell", "ElmanState", "GRUCell", "GRUState", "LSTMCell", "LSTMState", "cell_named"]
