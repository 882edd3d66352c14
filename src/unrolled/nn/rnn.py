"""RNN: runs any cell over time: layers, both directions, rows of different lengths.

Dimensions: batch; time, the steps; feature, the inputs of one step; hidden, the units of a layer.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from unrolled.errors import SettingsError, ShapeError
from unrolled.nn.unroll import compiled_loop, has_fast_path, loop
from unrolled.shapes import check_lengths, mask, reverse

State = tuple[Any, ...]
"""One NamedTuple a layer, such as (LSTMState(h, c), LSTMState(h, c)), with both directions a pair (forward, backward)
of them a layer; every leaf is (batch, hidden)."""


class RNN(nn.Module):
    """Runs a cell over time, layer above layer::

        y_t, s_t = cell(x_t, s_{t-1})        t = 1 … time; y is the input of the next layer

    ``cell`` is a class such as LSTMCell, one's own (the contract is at the top of ``unrolled.nn.cells``), or any
    function of (input_size, hidden_size) that gives a cell. With ``bidirectional`` a second cell a layer reads each row
    from its end, and y is (forward, backward), twice as wide. ``dropout`` is the probability that an output of a layer
    is zeroed on its way to the next one, in training only. ``fused=None`` takes the cell's own fast path, torch's
    kernels for ours, where it has one, and loops over the steps otherwise; ``fused=False`` always loops: slower, and
    every step is there to read; ``fused=True`` compiles the loop of a cell without a fast path, which takes some
    seconds at the first call and pays in training.

    The state dict has the flat names of ``torch.nn.RNN``, ``LSTM`` and ``GRU`` (``weight_ih_l0`` …) and goes to and
    from them unchanged. The cells themselves are the submodules ``cells.0``, ``cells.1`` … in torch's order: with both
    directions the backward one of a layer comes after the forward one. Source of both directions: Schuster & Paliwal
    1997, "Bidirectional recurrent neural networks".

    Raises SettingsError for settings that can't be.

    >>> from unrolled.nn import LSTMCell
    >>> lstm = RNN(LSTMCell, 3, 5, layers=2)
    >>> output, state = lstm(torch.zeros(4, 7, 3), lengths=[7, 7, 5, 2])
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
        bidirectional: bool = False,
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
        self.bidirectional, self.fused = bidirectional, fused
        self.directions = 2 if bidirectional else 1
        widths = [input_size] + [self.directions * hidden_size] * (layers - 1)
        self.cells = nn.ModuleList(cell(width, hidden_size) for width in widths for _ in range(self.directions))
        self.register_state_dict_post_hook(_flatten_names)
        self.register_load_state_dict_pre_hook(_unflatten_names)

    @property
    def loops(self) -> bool:
        """Whether it steps through time in Python for want of a fast path, and could be compiled."""
        return self.fused is None and not all(map(has_fast_path, self.cells))

    def initial_state(self, batch: int) -> State:
        """The state before the first step: that of each cell, one a layer, or a pair."""
        return self._by_layer([cell.initial_state(batch) for cell in self.cells])  # type: ignore[operator]

    def forward(
        self,
        x: Float[Tensor, "batch time feature"],
        state: State | None = None,
        lengths: Int[Tensor, " batch"] | Sequence[int] | None = None,
    ) -> tuple[Float[Tensor, "batch time output"], State]:
        """The last layer's output at every step, and every layer's state after each row's last one.

        ``state`` is the state before the first step (``initial_state`` if None), as an earlier call returned it.
        ``lengths`` says how many steps of each row are real: what lies past them, be it NaN, changes no output, state
        or gradient, and the output is 0 there.
        Raises ShapeError for an input, a state or lengths of the wrong shape or kind.
        """
        self._check_input(x)
        batch, time, _ = x.shape
        real = None
        if lengths is not None:
            lengths = check_lengths(lengths, batch, time, x.device)
            real = mask(lengths, time)
            x = x.masked_fill(~real[..., None], 0)  # 0 times NaN would be NaN in a gradient
        if state is None:
            state = self.initial_state(batch)
        else:
            self._check_state(state, batch)
        before = [s for pair in state for s in pair] if self.bidirectional else list(state)

        after = []
        for layer in range(self.layers):
            if layer > 0:
                x = nn.functional.dropout(x, self.dropout, self.training)
            n = layer * self.directions
            y, s = self._run(self.cells[n], x, before[n], lengths, real)
            after.append(s)
            if self.bidirectional:
                backwards, s = self._run(self.cells[n + 1], reverse(x, lengths), before[n + 1], lengths, real)
                after.append(s)
                y = torch.cat([y, reverse(backwards, lengths)], dim=-1)  # (batch, time, 2 hidden)
            x = y if real is None else y.masked_fill(~real[..., None], 0)
        return x, self._by_layer(after)

    def _run(
        self, cell: nn.Module, x: Tensor, state: Any, lengths: Tensor | None, real: Tensor | None
    ) -> tuple[Tensor, Any]:
        if self.fused is not False and has_fast_path(cell):
            return cell.unroll(x, state, lengths)  # type: ignore[operator]
        # Without gradients there is less to gain, and each combination would be compiled anew.
        run = compiled_loop if self.fused and torch.is_grad_enabled() else loop
        return run(cell, x, state, real)

    def _by_layer(self, states: list[Any]) -> State:
        return tuple(zip(states[::2], states[1::2], strict=True)) if self.bidirectional else tuple(states)

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
        first = expected[0][0] if self.bidirectional else expected[0]
        kind = f"pair of {type(first).__name__}" if self.bidirectional else type(first).__name__
        if not isinstance(state, tuple | list) or len(state) != self.layers:
            came = f"{type(state).__name__} of {len(state)}" if hasattr(state, "__len__") else type(state).__name__
            raise ShapeError(f"the state must be a tuple of {self.layers}, one {kind} a layer, got {came}")
        for layer, (given, like) in enumerate(zip(state, expected, strict=True)):
            pair = isinstance(given, tuple | list) and not hasattr(given, "_fields") and len(given) == 2
            if self.bidirectional and not pair:
                raise ShapeError(f"the state of layer {layer} must be a {kind}, got {type(given).__name__}")
            for g, e in zip(given, like, strict=True) if self.bidirectional else [(given, like)]:
                self._check_leaves(g, e, layer, batch)

    @staticmethod
    def _check_leaves(given: Any, like: Any, layer: int, batch: int) -> None:
        kind = type(like).__name__
        if type(given) is not type(like):
            raise ShapeError(f"the state of layer {layer} must be {kind}, got {type(given).__name__}")
        shapes, expected_shapes = ([tuple(leaf.shape) for leaf in leaves] for leaves in (given, like))
        if shapes != expected_shapes:
            raise ShapeError(
                f"the state of layer {layer} must be {kind} with leaves of shape {expected_shapes}, got {shapes}; "
                f"initial_state({batch}) makes one"
            )

    def extra_repr(self) -> str:
        options = "".join(
            f", {name}={value}"
            for name, value, usual in (
                ("layers", self.layers, 1),
                ("bidirectional", self.bidirectional, False),
                ("dropout", self.dropout, 0.0),
                ("fused", self.fused, None),
            )
            if value != usual
        )
        return f"{self.input_size}, {self.hidden_size}{options}"


def _flatten_names(module: nn.Module, state_dict: dict[str, Any], prefix: str, _metadata: Any) -> None:
    """cells.1.weight_ih -> weight_ih_l1, or with both directions weight_ih_l0_reverse"""
    assert isinstance(module, RNN)
    pattern = re.compile(re.escape(prefix) + r"cells\.(\d+)\.(.+)", re.DOTALL)
    for key in list(state_dict):
        if match := pattern.fullmatch(key):
            layer, backward = divmod(int(match[1]), module.directions)
            state_dict[f"{prefix}{match[2]}_l{layer}{'_reverse' * backward}"] = state_dict.pop(key)


def _unflatten_names(module: nn.Module, state_dict: dict[str, Any], prefix: str, *_: Any) -> None:
    """weight_ih_l1 -> cells.1.weight_ih, or with both directions cells.2.weight_ih"""
    assert isinstance(module, RNN)
    reverse = "(_reverse)?" if module.bidirectional else "()"
    pattern = re.compile(re.escape(prefix) + r"(.+)_l(\d+)" + reverse, re.DOTALL)
    for key in list(state_dict):
        if match := pattern.fullmatch(key):
            n = int(match[2]) * module.directions + bool(match[3])
            state_dict[f"{prefix}cells.{n}.{match[1]}"] = state_dict.pop(key)
