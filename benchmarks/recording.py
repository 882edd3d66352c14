"""What it costs to record: a forward pass of torch.nn.LSTM under `record` against the same without."""

import torch
from torch import nn

from benchmarks._measure import Figure, Result, Target
from benchmarks.recurrent import ratio, turns
from unrolled.lens import Tape, gradient_flow, record

SIZE = (32, 168, 128)  # batch, time, hidden


def run(quick: bool = False) -> Result:
    batch, time, hidden = (2, 5, 4) if quick else SIZE
    repeats = 3 if quick else 15
    x = torch.randn(batch, time, hidden, generator=torch.Generator().manual_seed(0))
    model = nn.LSTM(hidden, hidden, batch_first=True)

    def plain() -> None:
        model(x)

    def recorded() -> Tape:
        with record(model) as tape:
            model(x)
        return tape

    def recorded_only() -> None:
        recorded()

    def gates() -> None:
        _ = recorded().gates

    def trained() -> None:
        model.zero_grad(set_to_none=True)
        model(x)[0].sum().backward()

    def gradients() -> None:
        model.zero_grad(set_to_none=True)
        with record(model) as tape:
            model(x)[0].sum().backward()
        _ = tape.gradients

    def flow() -> None:
        gradient_flow(model, x)

    a, b, c = turns(repeats, plain, recorded_only, gates)
    d, e = turns(max(3, repeats // 3), trained, gradients)
    (f,) = turns(2, flow)
    return Result(
        [
            ratio("a recorded forward pass / a plain one", b, a, Target("at most", 3)),
            ratio("a recorded one, every state and gate read / a plain one", c, a, Target("at most", 3)),
            ratio("recorded, forward, backward and every gradient read / plain, forward and backward", e, d),
            Figure("gradient_flow, 4 rows", "s", f),
            Figure(
                "the largest difference of a replay from the module's output",
                "",
                [recorded().difference],
                Target("under", 1e-5),
            ),
        ],
        seeds=[0],
        settings={
            "batch": batch,
            "time": time,
            "hidden": hidden,
            "repeats": repeats,
            "threads": torch.get_num_threads(),
        },
    )
