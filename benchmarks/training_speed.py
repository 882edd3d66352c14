"""Windows a second of the library's training on the embedded weather, against a plain loop over torch.nn.LSTM.

Both have the same network, loss, batch size, optimizer, clipping, data and threads; tests/test_benchmarks.py holds the
plain loop to our network's values and gradients. Neither validates, which would cost both the same and hide a
difference. They take turns (A B A B …), an epoch each from new weights, so that a machine that slows down slows both.
"""

from dataclasses import replace
from statistics import fmean

import torch
from torch import Tensor, nn

from benchmarks._measure import Clock, Figure, Result, Target
from unrolled import data
from unrolled.nn import LSTMCell
from unrolled.series.learning.architecture import Architecture
from unrolled.series.learning.fit import fit_network
from unrolled.series.panels.roles import Columns
from unrolled.series.panels.source import Source
from unrolled.series.windows.examples import Examples
from unrolled.series.windows.split import Split, split
from unrolled.training import TrainingSettings, threads

HIDDEN = 64


class PlainForecaster(nn.Module):
    """The same network as `StepForecaster`, in plain PyTorch: changes in, change out, from zero."""

    def __init__(self, channels: int, hidden: int, horizon: int):
        super().__init__()
        self.lstm = nn.LSTM(channels, hidden, batch_first=True)
        self.head = nn.Linear(hidden, horizon)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, past: Tensor) -> Tensor:
        last = past[:, -1:]
        output, _ = self.lstm(past - last)
        return last[:, 0, :1] + self.head(output[:, -1])


def plain_loss(model: nn.Module, past: Tensor, future: Tensor) -> Tensor:
    """The mean absolute error over what was observed."""
    observed = ~future.isnan()
    return (model(past) - future)[observed].abs().mean()


def plain_training(past: Tensor, future: Tensor, settings: TrainingSettings) -> tuple[PlainForecaster, float]:
    """The loop that one writes by hand, over windows that lie in memory; the model and its last epoch's mean loss."""
    torch.manual_seed(settings.seed)
    model = PlainForecaster(past.shape[2], HIDDEN, future.shape[1])
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True
    )
    mean = float("nan")
    for _ in range(settings.epochs or 1):
        losses = []
        for index in torch.randperm(len(past)).split(settings.batch_size):
            loss = plain_loss(model, past[index], future[index])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), settings.clip)
            optimizer.step()
            losses.append(loss.item())
        mean = sum(losses) / len(losses)
    return model, mean


def weather(quick: bool = False) -> Examples:
    """The embedded weather as a forecaster reads it, cut into a training part and a test part."""
    source, known = Source.open("weather"), data.describe("weather").defaults
    columns = {name: known[name] for name in ("target", "time", "series", "frequency", "fill")}
    panel = Columns(**columns, only=["JFK"] if quick else None, past=() if quick else None).read(source.frame)
    train = split(panel).train // (10 if quick else 1)
    return Examples.build(panel, Split(train, train, split(panel).test), known["lookback"], known["horizon"])


def run(quick: bool = False) -> Result:
    repeats = 2 if quick else 7
    examples = weather(quick)
    windows = examples.windows("train")
    batch = windows.batch(torch.arange(len(windows)))
    past, future = batch.past, batch.future[:, :, 0]
    sizes = {"lookback": examples.lookback, "horizon": examples.horizon, "hidden": HIDDEN}
    shape = Architecture.of(examples.panel, cell="lstm", **sizes)
    settings = TrainingSettings(epochs=1).filled()

    _, (state,) = fit_network(shape, LSTMCell, examples, settings)  # warms up, and measures how many threads are best
    settings = replace(settings, threads=state.threads)
    ours, plain, cpu, losses = [], [], [], []
    with threads(state.threads):
        plain_training(past, future, settings)
        for repeat in range(repeats):
            settings = replace(settings, seed=repeat)
            clock = Clock()
            _, (state,) = fit_network(shape, LSTMCell, examples, settings)
            wall, spent = clock.wall, clock.cpu
            ours.append(len(windows) / wall)
            clock = Clock()
            _, loss = plain_training(past, future, settings)
            plain.append(len(windows) / clock.wall)
            cpu.append(spent / clock.cpu)
            losses.append(f"seed {repeat}: ours {fmean(r['loss'] for r in state.records):.4f}, plain {loss:.4f}")
    library, by_hand = Figure("the library", "windows/s", ours), Figure("plain torch.nn.LSTM", "windows/s", plain)
    pairs = [a / b for a, b in zip(ours, plain, strict=True)]
    return Result(
        [
            Figure(
                "the library / plain loop, windows a second",
                "times",
                pairs,
                Target("at least", 0.95),
                "ratio of medians",
                given=library.value / by_hand.value,
            ),
            library,
            by_hand,
            Figure("the library / plain loop, CPU seconds", "times", cpu),
        ],
        seeds=range(repeats),
        settings={
            "windows": len(windows),
            "channels": past.shape[2],
            "lookback": examples.lookback,
            "horizon": examples.horizon,
            "hidden": HIDDEN,
            "batch_size": settings.batch_size,
            "epochs": settings.epochs,
            "threads": state.threads,
            "repeats": repeats,
        },
        notes=["mean training loss of the epoch (ours has a schedule for the learning rate):", *losses],
    )
