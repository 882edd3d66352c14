"""Training a translation network: teacher forcing, the loss, and what is measured on dev as it goes.

Dimensions: batch; src and tgt, the steps of source and target; vocab.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor, nn

from unrolled.checkpoint import TrainingState
from unrolled.errors import SettingsError, nearest
from unrolled.nn.seq2seq import Seq2Seq
from unrolled.shapes import mask
from unrolled.text.architecture import Architecture
from unrolled.text.batching import Batches, Encoded, pad
from unrolled.text.decoding import EXPANSION, Decoding, decode
from unrolled.text.scoring import measure
from unrolled.text.tokenizer import BEGIN, END, Tokenizer
from unrolled.training import Progress, TrainingSettings, train

BATCH = 32  # sentences
RATE = 3e-3  # of learning: the best of 1.5, 3 and 6e-3 on the dev part of 50,000 pairs (benchmarks/attention_rates.py)
DEV = 500  # sentences, evenly spread, that are translated and scored at each validation
SAMPLES = 2  # translations that are shown
CHOICES = ("bleu", "loss")  # what the best weights are chosen by
SCHEDULES: dict[str, Callable[[float], float]] = {"constant": lambda _: 1.0, "linear": lambda spent: 1.0 - spent}


@dataclass(frozen=True)
class Objective:
    """What training minimises, and chooses by.

    ``label_smoothing`` spreads that much of each target's probability evenly over the vocabulary (Szegedy et al. 2016,
    "Rethinking the inception architecture", section 7). ``teacher_forcing`` is the probability that the decoder reads
    the truth, times what ``schedule`` leaves of it: "constant", or "linear" down to 0 at the end (Bengio et al. 2015).
    """

    label_smoothing: float = 0.1
    teacher_forcing: float = 1.0
    schedule: str = "constant"
    choose_by: str = "bleu"

    def __post_init__(self):
        for name in ("label_smoothing", "teacher_forcing"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise SettingsError(f"{name} has to be a number, got {str(value)[:40]!r}")
        if not 0 <= self.label_smoothing < 1:
            raise SettingsError(f"label_smoothing has to be at least 0 and below 1, got {self.label_smoothing}")
        if not 0 <= self.teacher_forcing <= 1:
            raise SettingsError(f"teacher_forcing, a probability, has to be from 0 to 1, got {self.teacher_forcing}")
        if str(self.schedule) not in SCHEDULES:
            named = str(self.schedule)[:40]
            raise SettingsError(f"unknown schedule {named!r}{nearest(named, SCHEDULES)}")
        if str(self.choose_by) not in CHOICES:
            chosen = str(self.choose_by)[:40]
            raise SettingsError(f"weights can't be chosen by {chosen!r}{nearest(chosen, CHOICES)}")

    def check(self, architecture: Architecture) -> None:
        """Refuse scheduled sampling where all steps are computed at once."""
        if architecture.model != "recurrent" and (self.teacher_forcing < 1 or self.schedule != "constant"):
            raise SettingsError(
                "a Transformer reads all of the truth at once; leave out teacher_forcing and schedule, or take the "
                "recurrent model"
            )


@dataclass(frozen=True)
class Examples:
    """Encoded pairs, with their text where they are scored."""

    source: Encoded
    target: Encoded
    sources: list[str]
    targets: list[str]


def shifted(
    target: Int[Tensor, "batch tgt"], lengths: Int[Tensor, " batch"]
) -> tuple[Int[Tensor, "batch tgt+1"], Int[Tensor, "batch tgt+1"], Tensor]:
    """Teacher forcing, the one place where targets are shifted: what the decoder reads, what it is to say, and which
    steps are real::

        reads   BEGIN y_1 … y_T
        says    y_1 … y_T END

    >>> shifted(torch.tensor([[5, 6], [7, 0]]), torch.tensor([2, 1]))[:2]
    (tensor([[1, 5, 6],
            [1, 7, 0]]), tensor([[5, 6, 2],
            [7, 2, 0]]))
    """
    reads = torch.cat([target.new_full((len(target), 1), BEGIN), target], dim=1)
    says = torch.cat([target, target.new_zeros(len(target), 1)], dim=1)
    says = says.scatter(1, lengths[:, None], END)
    return reads, says, mask(lengths + 1, says.shape[1])


def loss_of(
    model: nn.Module,
    source: Encoded,
    target: Encoded,
    index: Tensor,
    *,
    smoothing: float = 0.0,
    teacher_forcing: float = 1.0,
) -> Tensor:
    """The mean of -log p(y_t | y_<t, x) over the real steps of the pairs ``index``, with smoothed labels::

        (1 - ε) (-log p(y_t)) + ε / |vocab| Σ_v (-log p(v))

    What is padding never comes to the output layer.
    """
    device = index.device
    (x, x_lengths), (y, y_lengths) = (tuple(t.to(device) for t in pad(rows.take(index))) for rows in (source, target))
    reads, says, real = shifted(y, y_lengths)
    if teacher_forcing < 1:
        assert isinstance(model, Seq2Seq)
        hidden, _ = model(x, x_lengths, reads, teacher_forcing)
    else:
        hidden, _ = model(x, x_lengths, reads)
    logits = model.project(hidden[real])  # type: ignore[operator] - (real steps, vocab)
    return nn.functional.cross_entropy(logits, says[real], label_smoothing=smoothing)


def fit(
    architecture: Architecture,
    cell: type[nn.Module] | None,
    examples: tuple[Encoded, Encoded],
    dev: Examples,
    tokenizer: Tokenizer,
    settings: TrainingSettings,
    objective: Objective,
    *,
    bleu_tokenizer: str,
    device: torch.device,
    expansion: float = EXPANSION,
    checkpoint: Path | None = None,
    metrics: Path | None = None,
    on_progress: Callable[[Progress, dict[str, Any]], None] | None = None,
) -> tuple[nn.Module, TrainingState]:
    """A network trained on the examples, with the best weights by dev.

    ``tokenizer`` is the target's. ``settings.batch_size`` is in sentences of the mean length: batches are filled by
    tokens. ``expansion`` is that of `decode`. ``on_progress`` gets "tokens_per_second", those of the target, as well,
    and after the first validation its record, with sample translations.
    """
    objective.check(architecture)
    settings = settings.filled(BATCH, RATE)
    source, target = examples
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        model = architecture.build(cell).to(device)
    longer = torch.maximum(*(torch.from_numpy(rows.lengths) for rows in examples))
    tokens = max(1, round(settings.batch_size * float(longer.double().mean())))
    batches = Batches(source.lengths, target.lengths, tokens=tokens, sentences=4 * settings.batch_size)
    fraction, last = 0.0, {}
    said_a_pair = float(target.lengths.mean()) + 1  # the end too

    def before_step(spent: float) -> None:
        nonlocal fraction
        fraction = spent

    def loss(index: Tensor) -> Tensor:
        p = objective.teacher_forcing * SCHEDULES[objective.schedule](fraction)
        return loss_of(model, source, target, index, smoothing=objective.label_smoothing, teacher_forcing=p)

    def validate() -> tuple[float, dict[str, Any]]:
        nonlocal last
        nll = dev_loss(model, dev, device)
        written = decode(model, dev.source.take(range(len(dev.source))), Decoding(beam=1), None, expansion)
        texts = [tokenizer.decode(h[0].tokens) if h else "" for h in written]
        score = measure(texts, dev.targets, bleu_tokenizer).value()
        beside = islice(zip(dev.sources, dev.targets, texts, strict=True), SAMPLES)
        shown = [{"source": x, "target": y, "translation": said} for x, y, said in beside]
        last = {"dev_loss": nll, "perplexity": math.exp(min(nll, 700)), "bleu": score, "samples": shown}
        # While nothing matches yet, BLEU is 0 whatever is learnt: the loss breaks such ties.
        return (-score + min(nll, 1e3) * 1e-3 if objective.choose_by == "bleu" else nll), last

    state = train(
        model,
        loss,
        batches,
        validate if len(dev.source) else None,
        settings,
        checkpoint=checkpoint,
        metrics=metrics,
        before_step=before_step,
        on_progress=on_progress
        and (lambda step: on_progress(step, {"tokens_per_second": step.examples_per_second * said_a_pair, **last})),
    )
    return model, state


@torch.no_grad()
def dev_loss(model: nn.Module, dev: Examples, device: torch.device, sentences: int = 64) -> float:
    """-log p a step, teacher-forced, without smoothing and dropout; exp of it is the perplexity."""
    was_training = model.training
    model.eval()
    order = torch.from_numpy(dev.target.lengths).argsort(stable=True)
    total = steps = 0.0
    for index in order.split(sentences):
        count = int(dev.target.lengths[index.numpy()].sum()) + len(index)
        total += float(loss_of(model, dev.source, dev.target, index.to(device))) * count
        steps += count
    model.train(was_training)
    return total / steps
