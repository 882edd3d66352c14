"""One trial: a cell with one seed, trained and scored, with its curve and how far its gradient reached."""

from dataclasses import dataclass

from torch import Tensor, nn

from unrolled.errors import UnrolledError
from unrolled.lens.gradients import gradient_flow


@dataclass(frozen=True)
class Trial:
    """``score`` is the loss on the test part, lower is better; ``curve`` is (steps, validation loss) pairs."""

    cell: str
    seed: int
    score: float
    right: float | None  # share of right answers, where the task knows what that is
    curve: list[tuple[int, float]]
    half_life_before: float  # of the gradient, in steps, untrained
    half_life_after: float
    steps: int
    seconds: float


def half_life(model: nn.Module, x: Tensor) -> float:
    """Steps in which the gradient halves in the network's worst layer, on these inputs."""
    training = model.training
    try:
        return gradient_flow(model.eval(), x, rows=2).worst.half_life
    except UnrolledError:  # a cell that can't be replayed has no half-life to show
        return float("nan")
    finally:
        model.train(training)
