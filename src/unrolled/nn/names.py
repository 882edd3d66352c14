"""The cells by the names that the command line and saved runs have for them."""

from torch import nn

from unrolled.errors import RunError, SettingsError, nearest
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


def cell_name(cell: type[nn.Module]) -> str:
    """The name under which a cell is saved: ours by its name here, one's own by that of its class.

    >>> cell_name(LSTMCell)
    'lstm'
    """
    return next((name for name, known in CELLS.items() if known is cell), cell.__name__)


def class_named(name: str, cell: type[nn.Module] | None = None) -> type[nn.Module]:
    """The class of a saved cell: ours by its name, one's own as given, since no name in a file is imported.

    Raises RunError when it isn't the one named.
    """
    cell = CELLS.get(name) if cell is None else cell
    if cell is None:
        raise RunError(f"this run's cell is {name}, which isn't one of ours; give its class: load(run, cell={name})")
    if cell_name(cell) != name:
        raise RunError(f"this run's cell is {name}, got {cell_name(cell)}; give the class that it was trained with")
    return cell
