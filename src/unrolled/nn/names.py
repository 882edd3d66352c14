"""The cells by the names that the command line and saved runs have for them."""

from unrolled.errors import SettingsError, nearest
from unrolled.nn.cells import Cell, ElmanCell, GRUCell, LSTMCell
from unrolled.nn.mingru import MinGRUCell

CELLS: dict[str, type[Cell]] = {"rnn": ElmanCell, "lstm": LSTMCell, "gru": GRUCell, "mingru": MinGRUCell}


def cell_named(name: str) -> type[Cell]:
    """The cell class that goes by this name; raises SettingsError, with the nearest names, where there is none.

    >>> cell_named("lstm").__name__
    'LSTMCell'
    """
    if name not in CELLS:
        raise SettingsError(f"unknown cell {name!r}{nearest(name, CELLS)}")
    return CELLS[name]
