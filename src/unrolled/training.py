"""The one training loop: shuffling, clipping, schedule, validation, early stopping, checkpoints, resume.

It knows no task: a model, a loss over numbered examples, and a validation score (lower is better) come in. Under a
budget of epochs, the same seed, threads and dtype give the same bits, also after a kill and a resume. A budget of
minutes promises a usable model on time, and no bits.
"""

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn

from unrolled.calibration import compiling_pays, fastest_threads, loops
from unrolled.checkpoint import MOST_THREADS, TrainingState
from unrolled.errors import SettingsError, TrainingError
from unrolled.formats import append_line, write_lines
from unrolled.nn.clipping import clip_gradients

CHECKPOINT_SECONDS = 15  # between checkpoints inside a long epoch
LONGEST_ROUND = 500  # steps between validations, however long an epoch is; a short epoch has two of them


@dataclass(frozen=True)
class TrainingSettings:
    """How to train: for ``epochs`` or for ``minutes`` (without either 8 epochs), ended early by ``patience``.

    Batch size and learning rate are None until a task has `filled` them in: what suits tables isn't what suits texts.
    """

    epochs: int | None = None
    minutes: float | None = None
    batch_size: int = None  # type: ignore[assignment]
    learning_rate: float = None  # type: ignore[assignment]
    weight_decay: float = 1e-2
    clip: float = 1.0  # the largest norm of the gradient
    patience: int = 8  # validations without a new best before training stops
    seed: int = 0
    threads: int | None = None  # None: measured at start
    device: str = "auto"

    def __post_init__(self):
        if self.epochs is not None and self.minutes is not None:
            raise SettingsError("got both epochs and minutes, and each ends the training; give one of them")
        for name in ("epochs", "minutes", "batch_size", "learning_rate", "clip", "patience", "threads"):
            value = getattr(self, name)
            if value is not None and not (value > 0 and math.isfinite(value)):
                finite = "" if math.isfinite(value) else " and finite"
                raise SettingsError(f"{name} has to be above 0{finite}, got {value}")
        for name in ("epochs", "batch_size", "patience", "seed", "threads"):
            value = getattr(self, name)
            if value is not None and not isinstance(value, int):
                raise SettingsError(f"{name} has to be a whole number, got {value!r}")
        if not (self.weight_decay >= 0 and math.isfinite(self.weight_decay)):
            raise SettingsError(f"weight_decay has to be at least 0, got {self.weight_decay}")
        if not 0 <= self.seed < 2**32:
            raise SettingsError(f"seed has to be at least 0 and below 2**32, got {self.seed}")
        if self.threads is not None and self.threads > MOST_THREADS:
            raise SettingsError(f"threads has to be at most {MOST_THREADS}, got {self.threads}")

    def filled(self, batch_size: int = 64, learning_rate: float = 2e-3) -> "TrainingSettings":
        """These settings, with batch size and learning rate where none was asked for.

        >>> TrainingSettings(epochs=3, batch_size=8).filled(32, 3e-3).learning_rate
        0.003
        """
        return replace(
            self,
            batch_size=batch_size if self.batch_size is None else self.batch_size,
            learning_rate=learning_rate if self.learning_rate is None else self.learning_rate,
        )

    @property
    def longest(self) -> int | None:
        """Epochs to train at most; None when minutes count."""
        return None if self.minutes is not None else (self.epochs or 8)


class Batches(Protocol):
    """Which examples each step of an epoch reads."""

    def __len__(self) -> int:
        """Steps an epoch: the same for all epochs."""
        ...

    def epoch(self, number: int, seed: int) -> Sequence[Tensor]:
        """The numbers of the examples of each step: by ``number`` and ``seed`` alone, so that training can go on."""
        ...


@dataclass(frozen=True)
class Shuffled:
    """Examples 0 … ``examples`` - 1 in an order drawn anew each epoch, ``size`` a step.

    >>> [len(batch) for batch in Shuffled(examples=5, size=2).epoch(0, seed=0)]
    [2, 2, 1]
    """

    examples: int
    size: int

    def __len__(self) -> int:
        return math.ceil(self.examples / self.size)

    def epoch(self, number: int, seed: int) -> Sequence[Tensor]:
        generator = torch.Generator().manual_seed(seed * 1_000_003 + number)
        return torch.randperm(self.examples, generator=generator).split(self.size)


class Progress(NamedTuple):
    """What a progress bar shows after a step."""

    fraction: float  # of the budget
    epoch: int
    loss: float  # mean since the last validation
    best: float  # best validation score so far, inf before the first
    examples_per_second: float
    seconds_left: float


def train(
    model: nn.Module,
    loss: Callable[[Tensor], Tensor],
    examples: "int | Batches",
    validate: Callable[[], float | tuple[float, dict[str, Any]]] | None,
    settings: TrainingSettings,
    *,
    checkpoint: Path | None = None,
    metrics: Path | None = None,
    before_step: Callable[[float], None] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> TrainingState:
    """Minimise the mean of ``loss(index)`` over examples 0 … ``examples`` - 1; leave the best weights in ``model``.

    ``examples`` is how many there are, in batches of ``settings.batch_size``, or says itself how they are batched.
    ``loss`` takes an index (batch,) on the model's device. ``validate`` scores the model, lower is better, and may say
    more, for the record; "best" is by the score, and without it (None) the last weights are the best. With
    ``checkpoint`` the state is kept in that file as training goes; when the file is there, training goes on from it.
    ``metrics`` gets a JSON line a validation. ``before_step`` is told how much of the budget is spent, 0 … 1. Ctrl-C
    ends the training after the step under way (``ended`` says so).

    Raises TrainingError when the loss, the gradient or the score is not finite, and when there are no examples.
    """
    settings = settings.filled()
    if examples == 0:
        raise TrainingError("there is no example to train on; give more data, or data with fewer missing values")
    batches = Shuffled(examples, settings.batch_size) if isinstance(examples, int) else examples
    device = next(model.parameters()).device
    optimizer = torch.optim.AdamW(
        model.parameters(),
        settings.learning_rate,
        weight_decay=settings.weight_decay,
        fused=device.type in ("cpu", "cuda"),
    )
    steps_per_epoch = len(batches)
    round_length = min(math.ceil(steps_per_epoch / 2), LONGEST_ROUND)
    state = TrainingState.start(model)

    def spent() -> float:
        """How much of the budget is used up: by steps, or by the clock."""
        if settings.longest is not None:
            return state.step / (settings.longest * steps_per_epoch)
        return state.seconds / (60 * (settings.minutes or math.inf))

    def ended() -> str:
        if spent() >= 1:
            return "budget"
        return "patience" if state.rounds_since_best >= settings.patience else ""

    def total(used: float) -> float:
        """Seconds that the whole budget takes; on a coarse clock the first steps may have taken none."""
        return 60 * settings.minutes if settings.minutes is not None else state.seconds / used

    def round_off(rate: float) -> None:
        """Score the weights, and keep them if they are the best so far."""
        found = validate() if validate else None
        score, more = found if isinstance(found, tuple) else (found, {})
        if score is not None and not math.isfinite(score):
            raise TrainingError(
                f"the validation score is {score:g} at step {state.step}; look for extreme values in the data, or "
                f"lower the learning rate (it is {rate:g} here)"
            )
        record = state.round(score, model, epoch=state.step / steps_per_epoch, learning_rate=rate, **more)
        if metrics is not None:
            append_line(metrics, record)
        model.train()

    with _private_randomness(device, settings.seed), threads(), _interrupts() as interrupted:
        if checkpoint is not None and checkpoint.exists():
            state.load(checkpoint, model, optimizer)
            state.ended = ended() if state.records else ""
        else:
            typical = batches.epoch(0, settings.seed)[0].to(device)
            with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
                state.threads = settings.threads or fastest_threads(loss, typical)
                torch.set_num_threads(state.threads)
                steps = math.inf if settings.longest is None else settings.longest * steps_per_epoch
                state.compiled = compiling_pays(model, loss, typical, steps, 60 * (settings.minutes or math.inf))
        torch.set_num_threads(state.threads)
        compiled = loops(model) if state.compiled else []
        for rnn in compiled:
            rnn.fused = True
        if metrics is not None:
            write_lines(metrics, state.records)

        order, order_epoch = [], -1
        began, seen = time.monotonic(), 0
        before, saved = state.seconds, began
        model.train()
        while not state.ended:
            epoch, position = divmod(state.step, steps_per_epoch)
            if epoch != order_epoch:  # the order depends on seed and epoch alone, so that a checkpoint needn't hold it
                order, order_epoch = batches.epoch(epoch, settings.seed), epoch
            index = order[position].to(device)

            rate = settings.learning_rate * schedule(spent())
            for group in optimizer.param_groups:
                group["lr"] = rate
            if before_step is not None:
                before_step(min(1.0, spent()))
            optimizer.zero_grad(set_to_none=True)
            value = loss(index)  # a scalar
            value.backward()
            number = value.item()
            where = f"step {state.step + 1} (epoch {epoch + 1}, batch {position + 1} of {steps_per_epoch})"
            if not math.isfinite(number):
                raise TrainingError(
                    f"{where}: the loss is {number:g}; look for extreme values in the data, or lower the learning rate "
                    f"(it is {rate:g} here)"
                )
            try:
                clipped = clip_gradients(model, norm=settings.clip)
            except TrainingError as error:
                raise TrainingError(f"{where}: {error} (it is {rate:g} here)") from error
            optimizer.step()

            now, seen = time.monotonic(), seen + len(index)
            state.count(number, clipped=clipped.clipped, seconds=before + now - began)
            if on_progress is not None:
                used = min(1.0, spent())
                on_progress(
                    Progress(
                        fraction=used,
                        epoch=epoch + 1,
                        loss=state.mean_loss,
                        best=state.best,
                        examples_per_second=seen / max(now - began, 1e-9),
                        seconds_left=total(used) * (1 - used),
                    )
                )
            due = state.step % round_length == 0 or spent() >= 1
            if due:
                round_off(rate)
            state.ended = "interrupted" if interrupted.is_set() else ended()
            if checkpoint is not None and (due or state.ended or now - saved > CHECKPOINT_SECONDS):
                state.save(checkpoint, model, optimizer)
                saved = time.monotonic()
            if state.ended and not due and (validate is None or not state.records):
                round_off(rate)  # after saving: training that goes on from there must not see a round that was not due
    for rnn in compiled:
        rnn.fused = None
    model.load_state_dict(state.best_weights)
    model.eval()
    return state


def schedule(spent: float) -> float:
    """The learning rate's factor: a linear warm-up over the first 5% of the budget, then half a cosine down to 1%.

    >>> [round(schedule(s), 2) for s in (0.0, 0.025, 0.05, 0.525, 1.0)]
    [0.02, 0.5, 1.0, 0.5, 0.01]
    """
    warm_up = 0.05
    if spent < warm_up:
        return max(0.02, spent / warm_up)
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, (spent - warm_up) / (1 - warm_up))))


def device_named(name: str) -> torch.device:
    """The device of that name; ``auto`` is CUDA where there is one, else the CPU."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device).item()  # no number comes back from the device "meta"
    except (RuntimeError, AssertionError, ImportError) as error:  # NotImplementedError is a RuntimeError
        why = str(error).splitlines()[0]
        why = "PyTorch knows no such device" if why.startswith("Expected one of") else why[:200]
        raise SettingsError(f"device '{name}' can't be used here: {why}; try auto, cpu or cuda") from error
    return device


@contextmanager
def _private_randomness(device: torch.device, seed: int) -> Iterator[None]:
    """Dropout draws from torch's global generators and from no other: fork them, so that nobody else's numbers move."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


@contextmanager
def threads(count: int | None = None) -> Iterator[None]:
    """Compute with ``count`` threads (None: as many as now), and afterwards with as many as before."""
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(count or before)
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _interrupts() -> Iterator[threading.Event]:
    """Turn the first Ctrl-C into a flag, so that no step is cut in half; a second one interrupts as usual."""
    flag = threading.Event()
    if threading.current_thread() is not threading.main_thread():  # signals reach the main thread only
        yield flag
        return
    usual = signal.getsignal(signal.SIGINT)

    def on_interrupt(number, frame) -> None:
        signal.signal(signal.SIGINT, usual)
        flag.set()

    signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield flag
    finally:
        signal.signal(signal.SIGINT, usual)
