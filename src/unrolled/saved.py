"""What is saved comes back as what it was: a forecaster, or a translator."""

from pathlib import Path
from typing import Any

from torch import nn

from unrolled.store import read_run


def load(run: str | Path, *, cell: type[nn.Module] | None = None) -> Any:
    """The :class:`unrolled.Forecaster` or :class:`unrolled.Translator` of a saved run, by what ``run.json`` says it is.

    ``cell`` is the class of a cell of one's own: no name in a file is ever imported.

    >>> load("nowhere")
    Traceback (most recent call last):
    unrolled.errors.RunError: nowhere is not there; `unrolled runs` lists those that there are

    Raises RunError when the folder is missing, damaged, foreign, of a newer version, or holds nothing finished.
    """
    if read_run(run)["kind"] == "translation":
        from unrolled.translate import load_translator

        return load_translator(run, cell=cell)
    from unrolled.forecast import load as load_forecaster

    return load_forecaster(run, cell=cell)
