"""RNN: runs any cell over time, through torch's fused kernel where the cell has one.

Dimensions: batch; time, the steps; feature, the inputs of one step; hidden, the units of a layer.
"""

import re
from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from unrolled.errors import SettingsError, ShapeError
from unrolled.nn.cells import ElmanCell, ElmanState, GRUCell, GRUState, LSTMCell, LSTMState

State = tuple[tuple[Tensor, ...], ...]
"""One NamedTuple a layer, such as (LSTMState(h, c), LSTMState(h, c)); every leaf is (batch, hidden)."""

# By exact class: a subclass may change the step, and the kernel would not know.
KERNELS: dict[type, tuple[Callable[..., tuple[Tensor, ...]], type]] = {
    ElmanCell: (torch.rnn_tanh, ElmanState),
    LSTMCell: (torch.lstm, LSTMState),
    GRUCell: (torch.gru, GRUState),
}


class RNN(nn.Module):
    """Runs a cell over time, layer above layer::

        y_t, s_t = cell(x_t, s_{t-1})        t = 1 … time; y is the input of the next layer

    ``cell`` is a class such as LSTMCell, one's own (the contract is at the top of ``unrolled.nn.cells``), or any
    function of (input_size, hidden_size) that gives a cell. ``dropout`` is the probability that an output of a layer is
    zeroed on its way to the next one, in training only. ``fused=None`` takes torch's kernel where the cell has one, and
    loops over the steps otherwise; ``fused=False`` always loops: slower, and every step is there to read.

    The state dict has the flat names of ``torch.nn.RNN``, ``LSTM`` and ``GRU`` (``weight_ih_l0`` …) and goes to and
    from them unchanged. The cells themselves are the submodules ``cells.0``, ``cells.1`` …

    Raises SettingsError for settings that can't be.

    >>> lstm = RNN(LSTMCell, 3, 5, layers=2)
    >>> output, state = lstm(torch.zeros(4, 7, 3))
    >>> output.shape, len(state), state[1].c.shape
    (torch.Size([4, 7, 5]), 2, torch.Size([4, 5]))
    >>> _ = torch.nn.LSTM(3, 5, 2).load_state_dict(lstm.state_dict())
    """

    def __init__(
        self,
        cell: Callable[[int, int], nn.Module],
        input_size: int,
        hidden_size: int,
        layers: int = 1,
        dropout: float = 0.0,
        fused: bool | None = None,
    ):
        super().__init__()
        if not callable(cell):
            raise SettingsError(
                f"cell must be a class such as LSTMCell, got {cell!r}; cell_named finds one by its name"
            )
        for name, size in (("input_size", input_size), ("hidden_size", hidden_size), ("layers", layers)):
            if size < 1:
                raise SettingsError(f"{name} must be at least 1, got {size}")
        if not 0 <= dropout < 1:
            raise SettingsError(f"dropout must be at least 0 and below 1, got {dropout}")
        if dropout and layers == 1:
            raise SettingsError(f"dropout acts between layers: with layers=1, dropout={dropout} would do nothing")
        self.input_size, self.hidden_size, self.layers, self.dropout = input_size, hidden_size, layers, dropout
        self.cells = nn.ModuleList(cell(input_size if n == 0 else hidden_size, hidden_size) for n in range(layers))

        kernel = KERNELS.get(type(self.cells[0]))
        if fused and kernel is None:
            raise SettingsError(f"{type(self.cells[0]).__name__} has no fused kernel; leave out fused=True")
        self._kernel = None if fused is False else kernel
        self.register_state_dict_post_hook(_flatten_names)
        self.register_load_state_dict_pre_hook(_unflatten_names)

    def initial_state(self, batch: int) -> State:
        """The state before the first step: that of each cell, one a layer."""
        return tuple(cell.initial_state(batch) for cell in self.cells)  # type: ignore[operator]

    def forward(
        self, x: Float[Tensor, "batch time feature"], state: State | None = None
    ) -> tuple[Float[Tensor, "batch time hidden"], State]:
        """The last layer's output at every step, and every layer's state after the last one.

        ``state`` is the state before the first step (zeros if None), as an earlier call returned it.
        Raises ShapeError for an input or a state of the wrong shape or kind.
        """
        self._check_input(x)
        if state is not None:
            self._check_state(state, x.shape[0])
        if self._kernel is not None:
            return self._run_fused(x, state)
        return self._run_loop(x, self.initial_state(x.shape[0]) if state is None else state)

    def _run_loop(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        after = []
        for layer, (cell, s) in enumerate(zip(self.cells, state, strict=True)):
            if layer > 0:
                x = nn.functional.dropout(x, self.dropout, self.training)
            outputs = []
            for x_t in x.unbind(dim=1):  # (batch, feature) or (batch, hidden)
                y_t, s = cell(x_t, s)
                outputs.append(y_t)
            x = torch.stack(outputs, dim=1)  # (batch, time, hidden)
            after.append(s)
        return x, tuple(after)

    def _run_fused(self, x: Tensor, state: State | None) -> tuple[Tensor, State]:
        assert self._kernel is not None
        kernel, state_type = self._kernel
        weights: Any = [w for c in self.cells for w in (c.weight_ih, c.weight_hh, c.bias_ih, c.bias_hh)]
        if state is None:
            zeros = weights[1].new_zeros(self.layers, x.shape[0], self.hidden_size)
            before = [zeros] * len(state_type._fields)  # type: ignore[attr-defined]
        else:
            before = [torch.stack(leaves) for leaves in zip(*state, strict=True)]  # each (layers, batch, hidden)
        output, *after = kernel(
            x,
            before if len(before) > 1 else before[0],
            weights,
            True,  # has biases
            self.layers,
            self.dropout,
            self.training,
            False,  # bidirectional
            True,  # batch first
        )
        return output, tuple(state_type(*leaves) for leaves in zip(*after, strict=True))

    def _check_input(self, x: Tensor) -> None:
        if x.ndim != 3 or x.shape[2] != self.input_size:
            raise ShapeError(
                f"RNN reads (batch, time, feature) with {self.input_size} features a step, got {tuple(x.shape)}; "
                + (f"build it with input_size={x.shape[2]}, or select the columns" if x.ndim == 3 else "add an axis")
            )
        if 0 in x.shape:
            axis = "batch" if x.shape[0] == 0 else "time"
            raise ShapeError(f"RNN needs at least one row and one time step, got {tuple(x.shape)}: no {axis}")
        if not x.is_floating_point():
            raise ShapeError(f"RNN reads real numbers, got {x.dtype}; convert the input with .float(), or embed it")
        dtype = next(self.parameters(), x).dtype
        if x.dtype != dtype and not torch.is_autocast_enabled(x.device.type):
            raise ShapeError(f"this RNN computes in {dtype}, got an input of {x.dtype}; convert one of them with .to()")

    def _check_state(self, state: State, batch: int) -> None:
        expected = self.initial_state(batch)
        kind = type(expected[0]).__name__
        if not isinstance(state, tuple | list) or len(state) != self.layers:
            came = f"{type(state).__name__} of {len(state)}" if hasattr(state, "__len__") else type(state).__name__
            raise ShapeError(f"the state must be a tuple of {self.layers}, one {kind} a layer, got {came}")
        for layer, (given, like) in enumerate(zip(state, expected, strict=True)):
            if type(given) is not type(like):
                raise ShapeError(f"the state of layer {layer} must be {kind}, got {type(given).__name__}")
            shapes, expected_shapes = ([tuple(leaf.shape) for leaf in leaves] for leaves in (given, like))
            if shapes != expected_shapes:
                raise ShapeError(
                    f"the state of layer {layer} must be {kind} with leaves of shape {expected_shapes}, got {shapes}; "
                    f"initial_state({batch}) makes one"
                )

    def extra_repr(self) -> str:
        path = "fused" if self._kernel else "loop"
        return f"{self.input_size}, {self.hidden_size}, layers={self.layers}, dropout={self.dropout}, {path}"


def _flatten_names(module: nn.Module, state_dict: dict[str, Any], prefix: str, _metadata: Any) -> None:
    """cells.0.weight_ih -> weight_ih_l0"""
    pattern = re.compile(re.escape(prefix) + r"cells\.(\d+)\.(.+)", re.DOTALL)
    for key in list(state_dict):
        if match := pattern.fullmatch(key):
            state_dict[f"{prefix}{match[2]}_l{match[1]}"] = state_dict.pop(key)


def _unflatten_names(module: nn.Module, state_dict: dict[str, Any], prefix: str, *_: Any) -> None:
    """weight_ih_l0 -> cells.0.weight_ih"""
    pattern = re.compile(re.escape(prefix) + r"(.+)_l(\d+)", re.DOTALL)
    for key in list(state_dict):
        if match := pattern.fullmatch(key):
            state_dict[f"{prefix}cells.{match[2]}.{match[1]}"] = state_dict.pop(key)
