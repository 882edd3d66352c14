"""What a network costs: parameters, operations a step, memory and time of a training step."""

import copy
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

import torch
from torch import Tensor, nn

from unrolled.nn.rnn import RNN

TURNS = 7


@dataclass(frozen=True)
class Cost:
    """Of one network; ``memory`` is the peak of a forward and backward pass above the weights, in bytes."""

    parameters: int
    operations: int  # floating-point, of the recurrent layers' matrix products, a step and row, forward
    memory: int
    milliseconds: float  # of a forward and backward pass over a batch


def costs(models: dict[str, nn.Module], losses: dict[str, Callable[[nn.Module], Tensor]]) -> dict[str, Cost]:
    """The cost of each network, by name; ``losses`` compute the loss of a batch.

    Their timings take turns (A B C A B C …), so that a machine that slows down slows all; each is a median.
    """
    taken: dict[str, list[float]] = {name: [] for name in models}
    copies = {name: copy.deepcopy(model).train() for name, model in models.items()}
    for turn in range(TURNS + 1):
        for name, model in copies.items():
            began = time.perf_counter()
            _pass(model, losses[name])
            if turn:
                taken[name].append(1000 * (time.perf_counter() - began))
    return {
        name: Cost(
            parameters=sum(p.numel() for p in model.parameters()),
            operations=_operations(model),
            memory=_peak(model, losses[name]),
            milliseconds=median(taken[name]),
        )
        for name, model in copies.items()
    }


def _pass(model: nn.Module, loss: Callable[[nn.Module], Tensor]) -> None:
    model.zero_grad(set_to_none=True)
    loss(model).backward()
    if next(model.parameters()).is_cuda:
        torch.cuda.synchronize()


def _operations(model: nn.Module) -> int:
    from torch.utils.flop_counter import FlopCounterMode

    total = 0
    for rnn in (module for module in model.modules() if isinstance(module, RNN)):
        plain = copy.deepcopy(rnn).eval()
        plain.fused = False  # the counter sees the products of single steps, and not into a kernel
        x = next(rnn.parameters()).new_zeros(1, 1, rnn.input_size)
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            plain(x)
        total += counter.get_total_flops()
    return total


def _peak(model: nn.Module, loss: Callable[[nn.Module], Tensor]) -> int:
    model.zero_grad(set_to_none=True)
    if next(model.parameters()).is_cuda:
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        _pass(model, loss)
        return torch.cuda.max_memory_allocated() - before
    from torch.profiler import ProfilerActivity, profile

    os.environ.setdefault("KINETO_LOG_LEVEL", "6")  # it writes to the terminal otherwise
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
        loss(model).backward()
    now = top = 0
    for event in sorted(_allocations(profiled), key=lambda event: event.start_ns()):
        now += event.nbytes()
        top = max(top, now)
    return top


def _allocations(profiled: Any) -> list[Any]:
    """What was allocated and given back; public summaries of the profiler have no order in time."""
    return [event for event in profiled.profiler.kineto_results.events() if event.name() == "[memory]"]
