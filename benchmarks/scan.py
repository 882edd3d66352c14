"""MinGRU's scan against its own loop and against torch.nn.GRU, forward and backward, taking turns."""

import torch
from torch import nn

from benchmarks._measure import Result, Target
from benchmarks.recurrent import ratio, step, turns
from unrolled.nn import RNN, MinGRUCell

SHORT, LONG = (8, 1_024, 64), (8, 4_096, 64)  # batch, time, hidden


def run(quick: bool = False) -> Result:
    repeats = 3 if quick else 11
    short, long = ((2, 20, 4), (2, 40, 4)) if quick else (SHORT, LONG)
    batch, time, hidden = short
    x = torch.randn(batch, time, hidden, generator=torch.Generator().manual_seed(0))
    scan, loop = RNN(MinGRUCell, hidden, hidden), RNN(MinGRUCell, hidden, hidden, fused=False)
    a, b = turns(repeats, step(scan, lambda: scan(x)[0]), step(loop, lambda: loop(x)[0]))
    figures = [ratio(f"the loop / the scan, seconds, {short}", b, a, Target("at least", 5))]

    batch, time, hidden = long
    y = torch.randn(batch, time, hidden, generator=torch.Generator().manual_seed(0))
    gru = nn.GRU(hidden, hidden, batch_first=True)
    a, b = turns(repeats, step(scan, lambda: scan(y)[0]), step(gru, lambda: gru(y)[0]))
    figures.append(ratio(f"torch.nn.GRU / the scan, seconds, {long}", b, a, Target("at least", 1)))
    return Result(figures, seeds=[0], settings={"repeats": repeats, "threads": torch.get_num_threads()})
