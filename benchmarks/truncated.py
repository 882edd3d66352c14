"""Peak memory of truncated backpropagation through time over a stream of 100,000 steps against one of 1,000.

Each in a process of its own; the stream comes from a generator, chunk by chunk, as from a file.
"""

import json
import sys

import torch

from benchmarks._measure import Figure, Result, Target, child
from benchmarks.memory import peak
from unrolled.nn import RNN, LSTMCell, truncated_bptt

STEPS, BATCH, HIDDEN = 50, 16, 64
MB = 1e6


def run(quick: bool = False) -> Result:
    lengths = (100, 1_000) if quick else (1_000, 100_000)
    repeats = 1 if quick else 3
    runs = {
        length: [
            json.loads(child([sys.executable, "-m", "benchmarks.truncated", str(length)])[0]) for _ in range(repeats)
        ]
        for length in lengths
    }
    short, long = ([one["peak"] for one in runs[length]] for length in lengths)
    return Result(
        [
            Figure(
                f"peak memory at {lengths[1]:,} steps / at {lengths[0]:,}",
                "times",
                [b / a for a, b in zip(short, long, strict=True)],
                Target("at most", 1.1),
            ),
            Figure(f"peak memory at {lengths[0]:,} steps", "MB", [one / MB for one in short]),
            Figure(f"peak memory at {lengths[1]:,} steps", "MB", [one / MB for one in long]),
            Figure("full backpropagation through 1,000 steps, peak memory", "MB", [_full(1_000) / MB]),
            Figure("steps a second", "steps/s", [lengths[1] / one["seconds"] for one in runs[lengths[1]]]),
        ],
        seeds=[0],
        settings={"chunk": STEPS, "batch": BATCH, "hidden": HIDDEN, "repeats": repeats},
    )


def _full(length: int) -> int:
    return json.loads(child([sys.executable, "-m", "benchmarks.truncated", str(length), "full"])[0])["peak"]


def measure(length: int, steps: int) -> dict[str, float]:
    """Train an LSTM to say the next value of a stream of that length, ``steps`` steps a chunk."""
    from benchmarks._measure import Clock

    torch.manual_seed(0)
    model = RNN(LSTMCell, 1, HIDDEN)
    optimizer = torch.optim.SGD(model.parameters(), 0.01)

    def stream():
        for _ in range(0, length, steps):
            x = torch.randn(BATCH, steps + 1, 1)
            yield x[:, :-1], x[:, 1:]

    clock = Clock()
    for _ in truncated_bptt(model, stream(), lambda output, y: ((output.mean(dim=-1, keepdim=True) - y) ** 2).mean()):
        optimizer.step()
        optimizer.zero_grad()
    return {"peak": peak(), "seconds": clock.wall}


if __name__ == "__main__":
    length = int(sys.argv[1])
    print(json.dumps(measure(length, length if sys.argv[2:] else STEPS)))
