"""What is measured before a training starts, since only a clock tells: how many threads, and whether compiling pays.

Both run the loss for nothing, so the caller keeps the random numbers that dropout draws where they were.
"""

import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from unrolled.errors import SettingsError
from unrolled.nn.rnn import RNN

COMPILING_PAYS = 120  # seconds of training, from which on it may be worth some 20 of compiling


def fastest_threads(loss: Callable[[Tensor], Tensor], index: Tensor) -> int:
    """One thread or all that torch would take, whichever does a forward and backward pass over the examples ``index``
    sooner on this machine, now.

    On a busy machine two threads can be several times slower than one, and nothing but a clock tells.
    """
    most = torch.get_num_threads()
    if index.device.type != "cpu" or most == 1:
        return most

    def seconds(count: int) -> float:
        torch.set_num_threads(count)
        times = []
        for _ in range(6):
            began = time.perf_counter()
            loss(index).backward()
            times.append(time.perf_counter() - began)
        return sorted(times[1:])[len(times) // 2]

    took = {count: seconds(count) for count in (1, most)}
    return min(took, key=lambda count: took[count])


def loops(model: nn.Module) -> list[RNN]:
    """The networks that step through time in Python, since their cell has no faster way."""
    return [module for module in model.modules() if isinstance(module, RNN) and module.loops]


def compiling_pays(
    model: nn.Module, loss: Callable[[Tensor], Tensor], index: Tensor, steps: float, seconds: float
) -> bool:
    """Whether a training of so many steps or seconds is sooner done with loops compiled; measured, if it may be.

    Decided once and kept with the state: compiled code rounds otherwise, and a resumed training has to give the bits
    of one that was never interrupted.
    """
    found = loops(model)
    if not found:
        return False

    def once() -> float:
        began = time.perf_counter()
        loss(index).backward()
        if index.device.type == "cuda":
            torch.cuda.synchronize(index.device)
        return time.perf_counter() - began

    try:
        once()
        loop = min(once(), once())
        if min(seconds, loop * steps) < COMPILING_PAYS:
            return False
        for rnn in found:
            rnn.fused = True
        try:
            once()
            return min(once(), once()) < loop
        except SettingsError:  # no C++ compiler, say: the loop does the same
            return False
        finally:
            for rnn in found:
                rnn.fused = None
    finally:
        model.zero_grad(set_to_none=True)
