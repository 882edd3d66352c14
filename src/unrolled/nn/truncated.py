"""Truncated backpropagation through time: learning from a stream of any length, a chunk at a time.

The state is carried from chunk to chunk, the gradient is not: it stops at the cut. So memory depends on the length of a
chunk, and no longer on that of the stream.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from torch import Tensor

from unrolled.errors import SettingsError, ShapeError, TrainingError
from unrolled.shapes import detach


class Chunk(NamedTuple):
    """What a chunk gave: its loss, the state after it and its output, both cut from the graph."""

    loss: float
    state: Any
    output: Tensor


def truncated_bptt(
    model: Callable[[Any, Any], tuple[Tensor, Any]],
    chunks: Iterable[tuple[Any, Any]],
    loss: Callable[[Tensor, Any], Tensor],
    state: Any = None,
) -> Iterator[Chunk]:
    """Runs ``model(x, state) -> (output, state)`` over consecutive chunks (x, target), and adds up gradients::

        L_k = loss(output_k, target_k)        ∂L_k/∂θ with the state before chunk k held constant

    ``loss(output, target)`` is a scalar. A chunk's gradient is there when the chunk is handed out, so the caller steps
    and clears between chunks; without that the gradients of all chunks add up. ``chunks`` may be a generator: nothing
    of an earlier chunk is kept but its last state. ``state`` is the state before the first chunk, None for the model's
    own; it is held constant as well. Nothing runs until the result is iterated.

    Raises TrainingError where there is no chunk, ShapeError for a chunk that is not (x, target), a model that does not
    return (output, state), and a loss that is not a scalar.

    Source: Williams & Peng 1990, "An efficient gradient-based algorithm for on-line training of recurrent network
    trajectories": BPTT(h; h'), here with h = h' = the chunk; Sutskever 2013, "Training recurrent neural networks",
    section 2.8.6.

    >>> import torch
    >>> from unrolled.nn import LSTMCell, RNN
    >>> rnn, stream = RNN(LSTMCell, 1, 1), torch.zeros(4, 1000, 1)
    >>> optimizer = torch.optim.SGD(rnn.parameters(), 0.1)
    >>> for chunk in truncated_bptt(rnn, chunks(100, stream, stream), torch.nn.functional.mse_loss):
    ...     optimizer.step()
    ...     optimizer.zero_grad()
    """
    empty = True
    for chunk in chunks:
        empty = False
        x, target = _pair("a chunk", "(x, target)", chunk)
        output, state = _pair("the model", "(output, state)", model(x, detach(state)))
        value = loss(output, target)
        if not isinstance(value, Tensor) or value.numel() != 1:
            raise ShapeError(f"the loss must be a scalar, got {_described(value)}; take its mean or its sum")
        value.backward()
        # While the caller has the chunk, these names must not hold the graph.
        value, output, state = value.item(), output.detach(), detach(state)
        yield Chunk(value, state, output)
    if empty:
        raise TrainingError("there is no chunk to learn from: chunks is empty, or a generator that was used up before")


def chunks(steps: int, *streams: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """Cuts streams (batch, time, ...) along time into consecutive views of ``steps`` steps; the last may be shorter.

    Raises SettingsError for less than one step a chunk or no stream, ShapeError where batch or time of the streams
    differ.

    >>> import torch
    >>> [x.shape[1] for x, y in chunks(4, torch.zeros(2, 10, 3), torch.zeros(2, 10))]
    [4, 4, 2]
    """
    if not isinstance(steps, int) or steps < 1:
        raise SettingsError(f"a chunk must have a whole number of steps, at least 1, got {steps!r}")
    if not streams:
        raise SettingsError("chunks needs a stream to cut: chunks(100, x, target)")
    for stream in streams:
        if stream.ndim < 2:
            raise ShapeError(f"a stream must be (batch, time, ...), got {tuple(stream.shape)}")
    leading = [tuple(stream.shape[:2]) for stream in streams]
    if len(set(leading)) > 1:
        raise ShapeError(f"the streams must have the same (batch, time), got {' and '.join(map(str, leading))}")
    time = leading[0][1]
    return (tuple(stream[:, t : t + steps] for stream in streams) for t in range(0, time, steps))


def _pair(who: str, expected: str, came: Any) -> tuple[Any, Any]:
    if not isinstance(came, tuple | list) or len(came) != 2:
        verb = "return" if who == "the model" else "be"
        raise ShapeError(f"{who} must {verb} {expected}, got {_described(came)}")
    return came[0], came[1]


def _described(came: Any) -> str:
    if isinstance(came, Tensor):
        return f"a tensor of shape {tuple(came.shape)}"
    return f"a {type(came).__name__}" + (f" of {len(came)}" if isinstance(came, tuple | list) else "")
