"""Generated data sets that need memory, each with the loss of a perfect answer and that of the best one without memory.

>>> import unrolled.data
>>> task = unrolled.data.task("adding", length=50)
>>> x, y = task.batch(32, torch.Generator().manual_seed(0))
>>> x.shape, y.shape, round(task.chance, 3)
(torch.Size([32, 50, 2]), torch.Size([32, 1]), 0.167)

Dimensions: batch; time, the ``length`` steps of a sequence; feature; outputs, what a model's head gives a step.
"""

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from numbers import Integral
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Generator, Tensor
from torch.nn import functional as F

from unrolled.errors import SettingsError, ShapeError, nearest

__all__ = ["TASKS", "Task", "adding", "copy", "flip_flop", "parity", "task", "temporal_order"]

SURE = 50.0  # a logit so far above the others that the cross entropy is 0 to the last bit
SYMBOLS, BLANK, DELIMITER, COPIED = 8, 8, 9, 10  # copy: 0 to 7 are the symbols, ten of which are to be copied
X, Y, E, B = 0, 1, 6, 7  # temporal order: 2 to 5 are the distractors a, b, c, d
PULSE = 0.1  # flip-flop: the probability of a pulse, so that pulses are 10 steps apart on average


@dataclass(frozen=True)
class Task:
    """A task: what it looks like, how well it can be done, and the functions that make and judge it.

    ``at`` says where the answer is due: "last", after the last step, or at "every" step. ``best`` is the loss of a
    perfect predictor. ``chance`` is the expected loss of the best one that has no memory: it knows the number of a step
    and the input at it, but nothing of the steps before. Tasks are equal that have the same name and sizes.
    """

    name: str
    length: int
    features: int
    outputs: int
    at: Literal["last", "every"]
    kind: Literal["regression", "classification"]
    best: float
    chance: float
    source: str
    _batch: Callable[[int, Generator], tuple[Tensor, Tensor]] = field(repr=False, compare=False)
    _perfect: Callable[[Tensor], Tensor] = field(repr=False, compare=False)
    _ignorant: Callable[[Tensor], Tensor] = field(repr=False, compare=False)
    _right: Callable[[Tensor, Tensor], Tensor] = field(repr=False, compare=False)

    def batch(self, size: int, generator: Generator) -> tuple[Float[Tensor, "batch time feature"], Tensor]:
        """``size`` new sequences and their answers, (x, y), drawn from ``generator`` alone and on its device.

        y is (batch, outputs) for a regression and (batch,) class numbers for a classification at the last step, with
        time after batch at every step. Raises SettingsError for a size that is not a whole number of at least 1, and
        without a generator.

        >>> x, y = parity(length=5).batch(1, torch.Generator().manual_seed(0))
        >>> x[0, :, 0].tolist(), y[0].tolist()
        ([0.0, 1.0, 1.0, 0.0, 1.0], [0, 1, 0, 0, 1])
        """
        if not isinstance(generator, Generator):
            raise SettingsError(
                f"batch needs a torch.Generator, got {type(generator).__name__}; give torch.Generator().manual_seed(0)"
            )
        return self._batch(_whole("the size of a batch", size, 1), generator)

    def loss(self, output: Float[Tensor, "batch time outputs"], y: Tensor) -> Float[Tensor, ""]:
        """The loss of a head's output at every step: the mean squared error, or the cross entropy of logits in nats.

        It is the mean over rows, and over steps or outputs where there are several answers in a row. Where the answer
        is due at the last step, only the last step counts. Raises ShapeError unless output and y fit the task.

        >>> task = adding(length=4)
        >>> task.loss(torch.ones(2, 4, 1), torch.tensor([[1.0], [1.5]]))
        tensor(0.1250)
        """
        answer = self._answer(output, y)
        if self.kind == "regression":
            return F.mse_loss(answer, y)
        return F.cross_entropy(answer.flatten(0, -2), y.flatten())

    def accuracy(self, output: Float[Tensor, "batch time outputs"], y: Tensor) -> float:
        """The share of right answers, from 0 to 1; what counts as right is told with each task.

        Raises ShapeError unless output and y fit the task.

        >>> task = adding(length=4)
        >>> task.accuracy(torch.ones(2, 4, 1), torch.tensor([[1.05], [1.5]]))
        0.5
        """
        return self._right(self._answer(output, y), y).double().mean().item()

    def perfect(self, x: Float[Tensor, "batch time feature"]) -> Float[Tensor, "batch time outputs"]:
        """The output of a predictor that knows the rule and remembers: its loss is ``best``.

        At a step it has seen that step and those before. Raises ShapeError unless x fits the task.

        >>> task = flip_flop(length=4, bits=1)
        >>> task.perfect(torch.tensor([[[1.0], [0.0], [-1.0], [0.0]]])).flatten().tolist()
        [1.0, 1.0, -1.0, -1.0]
        """
        return self._perfect(self._sequences(x))

    def ignorant(self, x: Float[Tensor, "batch time feature"]) -> Float[Tensor, "batch time outputs"]:
        """The output of the best predictor without memory: its expected loss is ``chance``.

        Raises ShapeError unless x fits the task.

        >>> task = flip_flop(length=4, bits=1)
        >>> task.ignorant(torch.tensor([[[1.0], [0.0], [-1.0], [0.0]]])).flatten().tolist()
        [1.0, 0.0, -1.0, 0.0]
        """
        return self._ignorant(self._sequences(x))

    def _sequences(self, x: Tensor) -> Tensor:
        if x.dim() != 3 or x.shape[1:] != (self.length, self.features):
            raise ShapeError(
                f"x of {self.name} must be (batch, {self.length}, {self.features}), got {tuple(x.shape)}; "
                f"its dimensions are batch, time and feature"
            )
        return x

    def _answer(self, output: Tensor, y: Tensor) -> Tensor:
        """The output where an answer is due: (batch, outputs), or with time after batch."""
        due = (*([self.length] if self.at == "every" else []), *([self.outputs] if self.kind == "regression" else []))
        if y.dim() != len(due) + 1 or y.shape[1:] != due:
            expected = ", ".join(["batch", *map(str, due)]) + ("," if not due else "")
            raise ShapeError(
                f"y of {self.name} must be ({expected}), got {tuple(y.shape)}; take it as batch() gives it"
            )
        if output.shape != (len(y), self.length, self.outputs):
            raise ShapeError(
                f"output for {self.name} must be ({len(y)}, {self.length}, {self.outputs}), got {tuple(output.shape)}; "
                f"give the head's output at every step, (batch, time, outputs)"
            )
        return output[:, -1] if self.at == "last" else output


def adding(length: int = 200) -> Task:
    """The adding problem: the sum of the two marked numbers in a row of random ones, after the last step::

        x_t = (u_t, m_t), u_t uniform in [0, 1];  m_t = 1 at one step of each half, elsewhere 0;  y = Σ_t m_t u_t
        chance = E (y - 1)² = 2 Var(u) = 1/6 = 0.167

    The first half has ``length // 2`` steps. Chance is that of the best constant, 1, as in the papers; it leaves out
    what the last step gives away where the second mark falls on it, 1 / (12 (length - length // 2)). Right is an answer
    whose mean of the two numbers is off by less than 0.04: the criterion of 1997, where that mean was the target.

    Raises SettingsError for a length that is not a whole number of at least 2.

    Sources: Hochreiter & Schmidhuber 1997, "Long short-term memory", section 5.4; in the form of Le, Jaitly & Hinton
    2015, "A simple way to initialize recurrent networks of rectified linear units", and Arjovsky, Shah & Bengio 2016,
    "Unitary evolution recurrent neural networks".

    >>> adding(length=200).chance == 1 / 6
    True
    """
    length = _whole("the length of adding", length, 2)
    return Task(
        name="adding",
        length=length,
        features=2,
        outputs=1,
        at="last",
        kind="regression",
        best=0.0,
        chance=1 / 6,
        source="Hochreiter & Schmidhuber 1997, section 5.4; as in Le, Jaitly & Hinton 2015, Arjovsky et al. 2016",
        _batch=partial(_adding_batch, length),
        _perfect=_running_sum,
        _ignorant=_one,
        _right=_mean_within_004,
    )


def _adding_batch(length: int, size: int, generator: Generator) -> tuple[Tensor, Tensor]:
    on: dict[str, Any] = {"generator": generator, "device": generator.device}
    u = torch.rand(size, length, **on)
    t1 = torch.randint(0, length // 2, (size, 1), **on)
    t2 = torch.randint(length // 2, length, (size, 1), **on)
    m = torch.zeros_like(u).scatter_(1, t1, 1.0).scatter_(1, t2, 1.0)
    return torch.stack([u, m], dim=2), u.gather(1, t1) + u.gather(1, t2)


def _running_sum(x: Tensor) -> Tensor:
    return x.prod(2, keepdim=True).cumsum(1)


def _one(x: Tensor) -> Tensor:
    return torch.ones_like(x[..., :1])


def _mean_within_004(answer: Tensor, y: Tensor) -> Tensor:
    return (answer - y).abs() / 2 < 0.04


def copy(delay: int = 100) -> Task:
    """Copy memory: ten symbols, a wait, and on a sign the same ten symbols again; the answer is due at every step::

        x:  s_1 … s_10, delay - 1 blanks, the delimiter, 10 blanks        s_i uniform from 8 symbols
        y:  delay + 10 blanks, s_1 … s_10                                 length = delay + 20
        chance = 10 log 8 / (delay + 20)

    x is one-hot: the symbols 0 to 7, the blank 8, the delimiter 9; y has no delimiter. Chance is that of a predictor
    that says blank until the ten last steps, and there that all symbols are equally likely. Right is the share of the
    ten symbols; the blanks, which need no memory, don't count.

    Raises SettingsError for a delay that is not a whole number of at least 1.

    Source: Arjovsky, Shah & Bengio 2016, "Unitary evolution recurrent neural networks", section 4.1.

    >>> task = copy(delay=100)
    >>> task.length, round(task.chance, 4)
    (120, 0.1733)
    """
    delay = _whole("the delay of copy", delay, 1)
    length = delay + 2 * COPIED
    return Task(
        name="copy",
        length=length,
        features=SYMBOLS + 2,
        outputs=SYMBOLS + 1,
        at="every",
        kind="classification",
        best=0.0,
        chance=COPIED * math.log(SYMBOLS) / length,
        source="Arjovsky, Shah & Bengio 2016, section 4.1",
        _batch=partial(_copy_batch, delay),
        _perfect=_copied,
        _ignorant=_any_symbol,
        _right=_same_symbols,
    )


def _copy_batch(delay: int, size: int, generator: Generator) -> tuple[Tensor, Tensor]:
    s = torch.randint(SYMBOLS, (size, COPIED), generator=generator, device=generator.device)
    x = F.pad(s, (0, delay + COPIED), value=BLANK)
    x[:, delay + COPIED - 1] = DELIMITER
    y = F.pad(s, (delay + COPIED, 0), value=BLANK)
    return F.one_hot(x, SYMBOLS + 2).float(), y


def _copied(x: Tensor) -> Tensor:
    output = x.new_zeros(*x.shape[:2], SYMBOLS + 1)
    output[:, :-COPIED, BLANK] = SURE
    output[:, -COPIED:] = SURE * x[:, :COPIED, : SYMBOLS + 1]
    return output


def _any_symbol(x: Tensor) -> Tensor:
    output = x.new_zeros(*x.shape[:2], SYMBOLS + 1)
    output[:, :-COPIED, BLANK] = SURE
    output[:, -COPIED:, BLANK] = -SURE
    return output


def _same_symbols(answer: Tensor, y: Tensor) -> Tensor:
    return _same_class(answer, y)[:, -COPIED:]


def temporal_order(length: int = 100) -> Task:
    """Temporal order: which of X and Y came first and which second, after the last step; all else distracts::

        x:  E, then random symbols from {a, b, c, d}, then the trigger B;  at t₁ and t₂ instead X or Y
        t₁ in [L/10, 2L/10), t₂ in [5L/10, 6L/10);  y:  XX → 0, XY → 1, YX → 2, YY → 3
        chance = log 4 = 1.386

    x is one-hot, in the order X, Y, a, b, c, d, E, B; steps count from 0, and L/10 is rounded down. For L = 100 it is
    task 6a of the source, but for its random length of 100 to 110; other lengths scale t₁ and t₂, as in the code of
    Pascanu et al. (their data lack E and B). Right is an answer whose largest logit is that of the class.

    Raises SettingsError for a length that is not a whole number of at least 10.

    Sources: Hochreiter & Schmidhuber 1997, "Long short-term memory", section 5.6, task 6a; Pascanu, Mikolov & Bengio
    2013, "On the difficulty of training recurrent neural networks", and its code, tempOrder.py.

    >>> x, y = temporal_order(length=10).batch(1, torch.Generator().manual_seed(0))
    >>> "".join("XYabcdEB"[symbol] for symbol in x[0].argmax(1)), y.item()
    ('EXbadYddbB', 1)
    """
    length = _whole("the length of temporal-order", length, 10)
    return Task(
        name="temporal-order",
        length=length,
        features=8,
        outputs=4,
        at="last",
        kind="classification",
        best=0.0,
        chance=math.log(4),
        source="Hochreiter & Schmidhuber 1997, section 5.6, task 6a; lengths as in Pascanu, Mikolov & Bengio 2013",
        _batch=partial(_temporal_order_batch, length),
        _perfect=_order_so_far,
        _ignorant=_any_order,
        _right=_same_class,
    )


def _temporal_order_batch(length: int, size: int, generator: Generator) -> tuple[Tensor, Tensor]:
    on: dict[str, Any] = {"generator": generator, "device": generator.device}
    x = torch.randint(Y + 1, E, (size, length), **on)
    x[:, 0], x[:, -1] = E, B
    t = torch.randint(length // 10, (size, 2), **on) + torch.tensor([length // 10, length // 2], device=x.device)
    s = torch.randint(X, Y + 1, (size, 2), **on)
    return F.one_hot(x.scatter_(1, t, s), 8).float(), 2 * s[:, 0] + s[:, 1]


def _order_so_far(x: Tensor) -> Tensor:
    seen = x[..., : Y + 1].sum(2).cumsum(1)  # (batch, time): 1 from t₁ on, 2 from t₂ on
    y = (x[..., Y] * 2 / seen.clamp(min=1)).cumsum(1)  # a Y counts 2 at t₁ and 1 at t₂
    return SURE * F.one_hot(y.long(), 4).to(x)


def _any_order(x: Tensor) -> Tensor:
    return x.new_zeros(*x.shape[:2], 4)


def _same_class(answer: Tensor, y: Tensor) -> Tensor:
    return answer.argmax(-1) == y


def parity(length: int = 30) -> Task:
    """Running parity: whether the ones so far are odd in number, at every step::

        x_t in {0, 1}, equally likely;  y_t = (x_1 + … + x_t) mod 2
        chance = (length - 1) / length · log 2

    At step 1 the bit itself is the answer; after it, each bit leaves both answers equally likely to who has forgotten
    those before. One forgotten bit is as bad as all. Right is an answer whose larger logit is that of the class.

    Raises SettingsError for a length that is not a whole number of at least 2.

    Source: Bengio, Simard & Frasconi 1994, "Learning long-term dependencies with gradient descent is difficult", the
    parity problem, whose answer is due after the last step; here it is at every step.

    >>> round(parity(length=30).chance, 4)
    0.67
    """
    length = _whole("the length of parity", length, 2)
    return Task(
        name="parity",
        length=length,
        features=1,
        outputs=2,
        at="every",
        kind="classification",
        best=0.0,
        chance=(length - 1) / length * math.log(2),
        source="Bengio, Simard & Frasconi 1994, the parity problem, at every step",
        _batch=partial(_parity_batch, length),
        _perfect=_running_parity,
        _ignorant=_first_bit,
        _right=_same_class,
    )


def _parity_batch(length: int, size: int, generator: Generator) -> tuple[Tensor, Tensor]:
    x = torch.randint(2, (size, length), generator=generator, device=generator.device)
    return x[..., None].float(), x.cumsum(1) % 2


def _running_parity(x: Tensor) -> Tensor:
    return SURE * F.one_hot(x[..., 0].long().cumsum(1) % 2, 2).to(x)


def _first_bit(x: Tensor) -> Tensor:
    output = x.new_zeros(*x.shape[:2], 2)
    output[:, 0] = _running_parity(x[:, :1])[:, 0]
    return output


def flip_flop(length: int = 50, bits: int = 3) -> Task:
    """The flip-flop: each of ``bits`` outputs is the sign of the last pulse on its channel, at every step::

        x_t = ±1 with probability p/2 each, else 0;  at the first step ±1 on every channel;  p = 0.1
        y_t = x_s with s ≤ t the last step that has a pulse on the channel
        chance = (length - 1) / length · (1 - p)

    Without memory a pulse is copied, and 0 is the best answer where there is none: there y is ±1, equally likely, and
    costs 1. Right is an answer of the right sign, each bit for itself. The choice of p is ours: pulses are 10 steps
    apart on average. The pulse at the first step, as in the examples of FixedPointFinder (Golub & Sussillo 2018), makes
    the answer defined from the start.

    Raises SettingsError for a length that is not a whole number of at least 2, or bits of at least 1.

    Source: Sussillo & Barak 2013, "Opening the black box: low-dimensional dynamics in high-dimensional recurrent neural
    networks", the 3-bit flip-flop.

    >>> flip_flop(length=50).chance
    0.882
    """
    length, bits = _whole("the length of flip-flop", length, 2), _whole("the bits of flip-flop", bits, 1)
    return Task(
        name="flip-flop",
        length=length,
        features=bits,
        outputs=bits,
        at="every",
        kind="regression",
        best=0.0,
        chance=(length - 1) / length * (1 - PULSE),
        source="Sussillo & Barak 2013, the 3-bit flip-flop",
        _batch=partial(_flip_flop_batch, length, bits),
        _perfect=_last_pulse,
        _ignorant=_this_pulse,
        _right=_same_sign,
    )


def _flip_flop_batch(length: int, bits: int, size: int, generator: Generator) -> tuple[Tensor, Tensor]:
    on: dict[str, Any] = {"generator": generator, "device": generator.device}
    pulse = torch.rand(size, length, bits, **on) < PULSE
    pulse[:, 0] = True
    sign = 2.0 * torch.randint(2, pulse.shape, **on) - 1
    x = sign.where(pulse, 0.0)
    return x, _last_pulse(x)


def _last_pulse(x: Tensor) -> Tensor:
    t = torch.arange(x.shape[1], device=x.device)[:, None]
    s = t.where(x != 0, 0).cummax(1).values  # (batch, time, bits): the last step with a pulse
    return x.gather(1, s)


def _this_pulse(x: Tensor) -> Tensor:
    return x.clone()


def _same_sign(answer: Tensor, y: Tensor) -> Tensor:
    return answer * y > 0


TASKS: dict[str, Callable[..., Task]] = {
    "adding": adding,
    "copy": copy,
    "temporal-order": temporal_order,
    "parity": parity,
    "flip-flop": flip_flop,
}


def task(name: str, **options: int) -> Task:
    """The task of that name: ``task("adding", length=200)`` is ``adding(length=200)``.

    Raises SettingsError for a name that is not in ``TASKS``, an option that the task doesn't have, and a value that it
    can't have.

    >>> task("flip-flop", bits=2).features
    2
    """
    if name not in TASKS:
        raise SettingsError(f"no task is named {name!r}{nearest(str(name), TASKS)}")
    known = inspect.signature(TASKS[name]).parameters
    for option in options:
        if option not in known:
            raise SettingsError(f"{name} has no option {option!r}{nearest(option, known)}")
    return TASKS[name](**options)


def _whole(what: str, value: Any, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise SettingsError(f"{what} must be a whole number of at least {least}, got {value!r}")
    return int(value)
