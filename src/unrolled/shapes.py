"""Lengths, masks and states: what sequences of different lengths in one batch need.

Dimensions: batch; time, the steps. A mask is True where the data is real. Lengths travel; masks are derived from them.
"""

from typing import Any

import torch
from torch import Tensor

from unrolled.errors import ShapeError


def check_lengths(lengths: Any, batch: int, time: int, device: torch.device | str | None = None) -> Tensor:
    """The lengths of the rows as a LongTensor (batch,) on ``device``, for sequences padded to ``time`` steps.

    Raises ShapeError unless there is a whole number from 1 to ``time`` for each row.
    """
    try:
        lengths = torch.as_tensor(lengths)
    except (TypeError, ValueError, RuntimeError):
        raise ShapeError(f"lengths must be {batch} whole numbers, one a row, got {repr(lengths)[:60]}") from None
    if batch == 0:
        raise ShapeError("lengths need at least one row, got an empty batch")
    if lengths.shape != (batch,) or lengths.is_floating_point() or lengths.is_complex() or lengths.dtype == torch.bool:
        raise ShapeError(
            f"lengths must be {batch} whole numbers, one a row, got {lengths.dtype} of shape {tuple(lengths.shape)}"
        )
    if torch.compiler.is_compiling():  # a graph doesn't know the numbers in it
        return lengths.to(device or lengths.device, torch.long)
    shortest, longest = int(lengths.min()), int(lengths.max())
    if shortest < 1:
        raise ShapeError(
            f"a length must be at least 1, got {shortest} in row {int(lengths.argmin())}; leave out rows without a step"
        )
    if longest > time:
        raise ShapeError(
            f"a length can't exceed the {time} steps of the time axis, got {longest} in row {int(lengths.argmax())}"
        )
    return lengths.to(device or lengths.device, torch.long)


def mask(lengths: Tensor, time: int) -> Tensor:
    """True where a step is real: (batch, time).

    >>> mask(torch.tensor([1, 3]), 3).int()
    tensor([[1, 0, 0],
            [1, 1, 1]], dtype=torch.int32)
    """
    return torch.arange(time, device=lengths.device) < lengths[:, None]


def reverse(x: Tensor, lengths: Tensor | None = None) -> Tensor:
    """(batch, time, ...) backwards in time, each row within its own length; what lies past it stays where it is.

    >>> reverse(torch.tensor([[1, 2, 3], [4, 5, 0]]), torch.tensor([3, 2]))
    tensor([[3, 2, 1],
            [5, 4, 0]])
    """
    if lengths is None:
        return x.flip(1)
    t = torch.arange(x.shape[1], device=x.device)
    index = torch.where(t < lengths[:, None], lengths[:, None] - 1 - t, t)  # (batch, time)
    return x[torch.arange(x.shape[0], device=x.device)[:, None], index]


def last(x: Tensor, lengths: Tensor | None = None) -> Tensor:
    """The last real step of each row of (batch, time, ...)."""
    if lengths is None:
        return x[:, -1]
    return x[torch.arange(x.shape[0], device=x.device), lengths - 1]


def detach(state: Any) -> Any:
    """The same state, cut off from the graph that computed it: tensors in tuples and NamedTuples of any depth."""
    if state is None:
        return None
    if isinstance(state, Tensor):
        return state.detach()
    if isinstance(state, tuple | list):
        leaves = [detach(leaf) for leaf in state]
        return type(state)(*leaves) if hasattr(state, "_fields") else type(state)(leaves)
    raise ShapeError(f"a state is made of tensors in tuples, got {type(state).__name__}")


def select(tree: Any, index: Tensor) -> Any:
    """The rows ``index`` of every tensor in tuples and NamedTuples of any depth: a state of other hypotheses.

    >>> select((torch.tensor([1, 2, 3]), None), torch.tensor([2, 0]))
    (tensor([3, 1]), None)
    """
    if tree is None:
        return None
    if isinstance(tree, Tensor):
        return tree.index_select(0, index)
    leaves = [select(leaf, index) for leaf in tree]
    return type(tree)(*leaves) if hasattr(tree, "_fields") else type(tree)(leaves)
