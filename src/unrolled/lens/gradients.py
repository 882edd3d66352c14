"""How far a gradient travels: the norms of ∂h_T/∂h_k at every distance, half-life, and a verdict.

Dimensions: rows of the batch; time, the steps; hidden, the units; units, the width of the output.
"""

import copy
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from unrolled.errors import SettingsError, ShapeError, UnrolledError, nearest
from unrolled.lens.record import record
from unrolled.lens.replay import Strand
from unrolled.nn.cells import ElmanCell, LSTMCell
from unrolled.shapes import reverse

LOST, BURST = 0.01, 100.0  # a gradient that shrinks below, or grows above, this between the ends of the sequence


@dataclass(frozen=True)
class GradientFlow:
    """How a gradient travels through one layer in one direction.

    ``norms[leaf]`` is (rows, time + 1): the spectral norm of ∂h_T/∂leaf_{T-d} at distance d, with T the last step of
    the row; 1 at distance 0; at distance T stands the state before the first step, and NaN beyond it in shorter rows.
    ``norms["state"]`` takes all leaves together: for an LSTM, ∂h_T/∂(h, c). ``loss_norms[leaf]`` is (time,):
    ‖∂L/∂leaf_t‖ at every step, if a loss was given. ``radii``: the spectral radius of the recurrent matrix, by gate.
    """

    name: str
    cell: type[nn.Module]
    norms: dict[str, Tensor]
    loss_norms: dict[str, Tensor]
    radii: dict[str, float]

    @property
    def curve(self) -> Tensor:
        """The norm at every distance, (time + 1,): the geometric mean over the rows that reach so far."""
        logs = self.norms["state"].log()
        return logs.nanmean(dim=0).exp()

    @property
    def decay(self) -> float:
        """The factor by which the gradient changes a step: exp of the slope of log ‖∂h_T/∂h_k‖ over the distance."""
        curve = self.curve[1:]
        kept = curve.isfinite() & (curve > torch.finfo(curve.dtype).tiny)  # below that, digits are lost
        if kept.sum() < 2:
            return math.inf if curve.isinf().any() else 0.0
        y, d = curve[kept].log(), 1.0 + kept.nonzero()[:, 0]
        slope = ((d - d.mean()) * (y - y.mean())).sum() / ((d - d.mean()) ** 2).sum()
        return float(slope.exp())

    @property
    def half_life(self) -> float:
        """Steps in which the gradient halves, log ½ / log decay; infinite where it doesn't shrink."""
        if self.decay >= 1 - 1e-12:
            return math.inf
        return 0.0 if self.decay <= 0 else math.log(0.5) / math.log(self.decay)

    @property
    def survives(self) -> float:
        """What is left at the farthest distance of what there was one step back."""
        curve = self.curve[~self.curve.isnan()]
        return float(curve[-1] / curve[1]) if float(curve[1]) > 0 else 0.0

    @property
    def verdict(self) -> str:
        """Vanishing where less than 1% survives the way to the first step, exploding above 100 times, or healthy."""
        if not math.isfinite(self.survives) or self.survives > BURST:
            return "exploding"
        return "vanishing" if self.survives < LOST else "healthy"

    @property
    def advice(self) -> str:
        """What to try."""
        if self.verdict == "exploding":
            return 'clip the gradient, clip_gradients(model, norm=1.0), or start from initialise(model, "orthogonal")'
        if self.verdict == "healthy":
            return "nothing has to be done"
        far = int((self.curve > LOST * self.curve[1]).nonzero().max())
        shorter = f"what lies more than {far} steps back has less than 1% of its weight: shorten the sequence"
        if issubclass(self.cell, LSTMCell):
            return f'{shorter}, open the forget gates by initialise(model, "forget-bias"), or add attention'
        if issubclass(self.cell, ElmanCell):
            return f'{shorter}, take an LSTM or a GRU, or start from initialise(model, "orthogonal")'
        return f"{shorter}, or add attention"

    def __str__(self) -> str:
        way = "falls" if self.survives < 1 else "grows"
        curve = self.curve[~self.curve.isnan()]
        life = f"half is lost in {self.half_life:.3g} steps" if math.isfinite(self.half_life) else "nothing is lost"
        radii = ", ".join(f"{gate} {radius:.3g}" for gate, radius in self.radii.items())
        return (
            f"{self.name}: {self.verdict}. ‖∂h_T/∂h_k‖ {way} from {float(curve[1]):.3g} one step back to "
            f"{float(curve[-1]):.3g} at {len(curve) - 1} steps, by {self.decay:.3g} a step: {life}."
            + (f" Spectral radius of the recurrent matrix: {radii}." if radii else "")
            + f" To do: {self.advice}."
        )


class GradientFlows(Mapping[str, GradientFlow]):
    """A `GradientFlow` for each layer and direction, by name; ``print`` says all in words."""

    def __init__(self, flows: dict[str, GradientFlow]):
        self._flows = flows

    @property
    def worst(self) -> GradientFlow:
        """The one through which least or most survives."""
        return max(self._flows.values(), key=lambda flow: abs(math.log(max(flow.survives, 1e-300))))

    def __getitem__(self, name: str) -> GradientFlow:
        if name not in self._flows:
            raise SettingsError(f"there is no layer {name!r}{nearest(name, self._flows)}")
        return self._flows[name]

    def get(self, name: str, default: Any = None) -> Any:
        return self._flows.get(name, default)

    def __contains__(self, name: object) -> bool:
        return name in self._flows

    def __iter__(self) -> Iterator[str]:
        return iter(self._flows)

    def __len__(self) -> int:
        return len(self._flows)

    def __str__(self) -> str:
        return "\n".join(str(flow) for flow in self._flows.values())


@torch.inference_mode(mode=False)
def gradient_flow(
    model: nn.Module, *inputs: Any, loss: Callable[[Any], Tensor] | None = None, rows: int = 4
) -> GradientFlows:
    """How far gradients travel back through the recurrent layers of a model, on this very input::

        ∂h_T/∂h_k = ∏_{t=k+1…T} ∂h_t/∂h_{t-1}

    computed exactly, in float64, as products of the steps' Jacobians from the last step of each row backwards, along
    the trajectory of ``model(*inputs)``; for the first ``rows`` rows of the batch. ``loss`` takes what the model
    returns and gives a scalar L: then ‖∂L/∂h_t‖ is there too. ``model`` is any module that `record` can open; its
    gradients, mode and random state stay as they are.

    Source: Bengio, Simard & Frasconi 1994; Pascanu, Mikolov & Bengio 2013, eqs. 5-7.
    Raises UnrolledError as `record` does, ShapeError for a sequence of one step or a loss that is no scalar.

    >>> flow = gradient_flow(nn.RNN(3, 5, batch_first=True), torch.zeros(2, 30, 3))
    >>> flow["rnn.0"].verdict, flow["rnn.0"].curve.shape
    ('vanishing', torch.Size([31]))
    """
    if rows < 1:
        raise SettingsError(f"rows must be at least 1, got {rows}")
    given = [value for value in inputs if isinstance(value, Tensor) and value.is_leaf]
    random, kept = torch.get_rng_state(), {leaf: leaf.grad for leaf in (*model.parameters(), *given)}
    try:
        with record(model) as tape, torch.set_grad_enabled(loss is not None):
            result = model(*inputs)
            if loss is not None:
                value = loss(result)
                if not isinstance(value, Tensor) or value.ndim != 0:
                    what = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
                    raise ShapeError(f"loss must give a scalar tensor, got {what}; take its mean or its sum")
                if not value.requires_grad:
                    raise UnrolledError(
                        "no gradient can reach the model from this loss; compute it from what the model returns, "
                        "and unfreeze the model by model.requires_grad_()"
                    )
                for leaf in kept:
                    leaf.grad = None
                value.backward()
    finally:
        torch.set_rng_state(random)
        for leaf, gradient in kept.items():
            leaf.grad = gradient
    loss_norms = tape.gradient_norms() if loss is not None else {}
    flows = {}
    for name, strand in tape.strands().items():
        if strand.x.shape[1] < 2:
            raise ShapeError(
                f"'{name}' ran a single step, and a gradient that travels needs two; give a longer sequence"
            )
        flows[name] = GradientFlow(
            name,
            type(strand.cells[0][0]),
            _jacobian_norms(strand, rows),
            {leaf: loss_norms[f"{name}.{leaf}"] for leaf in strand.states if f"{name}.{leaf}" in loss_norms},
            _radii(strand),
        )
    return GradientFlows(flows)


def _jacobian_norms(strand: Strand, rows: int) -> dict[str, Tensor]:
    """‖∂h_T/∂leaf_{T-d}‖ for every distance d and row, each leaf by itself and all together as "state"."""
    cells = [cell for cell, steps in strand.cells for _ in range(steps)]
    exact = {cell: copy.deepcopy(cell).double().requires_grad_(False) for cell in set(cells)}
    x, *states = (_as_read(value, strand)[:rows].double() for value in (strand.x, *strand.states.values()))
    kind, (batch, time, _) = type(strand.before), x.shape
    before = [leaf[:rows].double() for leaf in strand.before]
    lengths = torch.full((batch,), time) if strand.lengths is None else strand.lengths[:rows].cpu()
    norms = {leaf: torch.full((batch, time + 1), torch.nan, dtype=torch.float64) for leaf in (*strand.states, "state")}
    for values in norms.values():
        values[:, 0] = 1.0

    with torch.no_grad():
        units = exact[cells[0]](x[:, 0], kind(*before))[0].shape[1]
    # P holds ∂h_T/∂leaf_t of each row, (rows, units, hidden), divided by exp(log): 500 steps would underflow otherwise.
    P = [leaf.new_zeros(batch, units, leaf.shape[1]) for leaf in before]
    log = torch.zeros(batch, dtype=torch.float64)
    eye = torch.eye(units, dtype=torch.float64, device=x.device)
    for t in reversed(range(time)):
        last = (lengths - 1 == t).to(x)[:, None, None]
        previous = [leaf[:, t - 1] for leaf in states] if t else before
        # One copy of the step for each unit of h_T, so that one backward pass gives all rows of the product.
        leaves = [leaf.repeat_interleave(units, dim=0).requires_grad_() for leaf in previous]
        with torch.enable_grad():
            y, after = exact[cells[t]](x[:, t].repeat_interleave(units, dim=0), kind(*leaves))
            found = torch.autograd.grad(
                [y, *after], leaves, [(last * eye).flatten(0, 1), *(p.flatten(0, 1) for p in P)], allow_unused=True
            )
        P = [torch.zeros_like(p) if g is None else g.view_as(p) for p, g in zip(P, found, strict=True)]
        largest = torch.stack([p.abs().amax(dim=(1, 2)) for p in P]).amax(dim=0).cpu()
        scale = torch.where((largest > 0) & largest.isfinite(), largest, 1.0)
        P, log = [p / scale.to(p)[:, None, None] for p in P], log + scale.log()
        here = (lengths > t).nonzero()[:, 0]
        grams = [p @ p.mT for p in P]
        for leaf, gram in zip(norms, [*grams, torch.stack(grams).sum(dim=0)], strict=True):
            finite = gram.isfinite().all(dim=2).all(dim=1)
            gram = gram.where(finite[:, None, None], 0)
            largest = torch.linalg.eigvalsh(gram)[:, -1].clamp(min=0).sqrt().where(finite, torch.inf).cpu()
            norms[leaf][here, (lengths - t)[here]] = (log + largest.log()).exp()[here]
    return norms


def _as_read(value: Tensor, strand: Strand) -> Tensor:
    return reverse(value, strand.lengths) if strand.backward else value


def _radii(strand: Strand) -> dict[str, float]:
    """The spectral radius of each gate's block of the recurrent matrix; none for a cell that calls it otherwise."""
    cell: Any = strand.cells[-1][0]
    weight = getattr(cell, "weight_hh", None)
    if not isinstance(weight, Tensor) or not strand.gates or weight.shape[0] % len(strand.gates):
        return {}
    blocks = weight.detach().double().chunk(len(strand.gates))
    if isinstance(projection := getattr(cell, "weight_hr", None), Tensor):  # h = W_hr (o tanh c)
        blocks = [block @ projection.detach().double() for block in blocks]
    if any(block.shape[0] != block.shape[1] for block in blocks):
        return {}
    names = ["W_hh"] if len(blocks) == 1 else list(strand.gates)
    return {name: float(torch.linalg.eigvals(b).abs().max()) for name, b in zip(names, blocks, strict=True)}
