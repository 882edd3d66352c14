"""check_model: the usual mistakes with recurrent modules, found by running the model, not by reading it."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from unrolled.lens.mistakes import axes, backwards, padding
from unrolled.lens.mistakes.batch import Batch
from unrolled.lens.mistakes.examination import Examination
from unrolled.lens.mistakes.findings import NAMES, Checks, Finding
from unrolled.lens.mistakes.trial import random_state_kept
from unrolled.lens.modules import recurrent_modules
from unrolled.lens.record import record

__all__ = ["NAMES", "Checks", "Finding", "check_model"]


@torch.inference_mode(mode=False)
def check_model(
    model: nn.Module, batch: Any, lengths: Any = None, loss: Callable[[Any], Tensor] | None = None
) -> Checks:
    """Find the usual mistakes with recurrent modules in a model, by changing its batch and asking for gradients.

    - ``batch-first``: a module takes the rows of the batch for steps, or the axes of its output are mixed up;
    - ``state-layout``: a state is reshaped so that a row's result is computed from other rows' states;
    - ``padding``: what lies past a row's end changes its result, or the loss;
    - ``last-from-padding``: the last step is taken at the end of the time axis, past the end of shorter rows;
    - ``directions``: one direction is taken where it has read a single step, or not at all;
    - ``dead-gradient``: recurrent parameters without gradient, a gradient that is lost on its way to the first step
      (below 1e-12 of that at the last), half of the relu units at zero throughout;
    - ``no-detach``: a state is carried to the next call together with its graph.

    ``batch`` is what the model is called with: a tensor, a tuple of arguments, or a dict of keywords; (batch, time, …),
    padded at the end. A model that reads (time, batch, …) on purpose is wrapped in one that swaps the axes.
    ``lengths`` (batch,) are the real lengths of its rows; without them, whole numbers (batch,) from 1 to time or a mask
    in the batch are taken for them. ``loss`` maps what the model gives to a scalar; by default all of it is summed with
    fixed random weights. A copy is run, in eval mode; the model itself is left as it is.

    Raises UnrolledError for a model without recurrent modules or one that can't run on this batch, ShapeError for wrong
    lengths or a loss that is no scalar.

    >>> class Classifier(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.rnn, self.head = nn.GRU(3, 8, batch_first=True), nn.Linear(8, 2)
    ...     def forward(self, x):
    ...         return self.head(self.rnn(x)[0][:, -1])
    >>> checks = check_model(Classifier(), torch.randn(4, 6, 3), lengths=[6, 5, 2, 6])
    >>> [(finding.name, finding.module) for finding in checks.findings]
    [('padding', 'rnn')]
    """
    if not recurrent_modules(model):
        with record(model):  # which says what it has instead
            pass
    with random_state_kept():
        return _examined(Examination(model, Batch(batch, lengths), loss))


def _examined(e: Examination) -> Checks:
    if e.starts():
        axes.look(e)
        padding.look(e)
        backwards.look(e)
    return e.checks
