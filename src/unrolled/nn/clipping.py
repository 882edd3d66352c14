"""Gradient clipping by norm, by value and by a quantile of recent norms, with a report of what it did."""

import math
from collections import deque
from typing import NamedTuple

import torch
from torch import Tensor, nn

from unrolled.errors import SettingsError, TrainingError


class Clipped(NamedTuple):
    """What a call of clip_gradients found and did; printed, it is one line.

    ``norm`` is the length of the whole gradient before clipping, ``limit`` what it was held against, ``share`` the part
    of the entries that changed: 0 or 1 by norm and by quantile, anything between by value.
    """

    norm: float
    limit: float
    clipped: bool
    share: float
    rule: str  # norm, value or quantile

    def __str__(self) -> str:
        limit = (
            f"the quantile {self.limit:.4g} of recent norms" if self.rule == "quantile" else f"the limit {self.limit:g}"
        )
        if self.rule == "value":
            share = f"{self.share:.2%} of the" if self.clipped else "all"
            done = f"{share} entries {'cut to' if self.clipped else 'within'} ±{self.limit:g}"
        else:
            done = f"scaled by {self.limit / self.norm:.3g} to {limit}" if self.clipped else f"within {limit}"
        return f"gradient of norm {self.norm:.4g}, {done}"


@torch.no_grad()
def clip_gradients(
    module: nn.Module,
    *,
    norm: float | None = None,
    value: float | None = None,
    quantile: float | None = None,
    history: list[float] | deque[float] | None = None,
) -> Clipped:
    """Shortens the gradients of a module's parameters in place, by exactly one of three rules::

        norm:      g ← g · norm / ‖g‖   where ‖g‖ > norm        ‖g‖ over all parameters together
        value:     g ← min(max(g, -value), value)               each entry for itself; turns the gradient
        quantile:  as norm, with the quantile of ``history``    0.9: about one step in ten is clipped

    ``history`` is the caller's own record of norms: this call appends ‖g‖ to it, and the quantile counts it in. A
    ``deque(maxlen=…)`` forgets. A gradient that is not longer than the limit stays as it is, bit for bit; one that is
    gets the bits of ``torch.nn.utils.clip_grad_norm_``.

    Raises TrainingError where a gradient is not finite, naming the parameter and leaving all gradients and the history
    as they were, or where there is no gradient at all; SettingsError for settings that can't be.

    Sources: norm: Pascanu, Mikolov & Bengio 2013, "On the difficulty of training recurrent neural networks",
    algorithm 1; quantile: Seetharaman et al. 2020, "AutoClip: adaptive gradient clipping for source separation
    networks", eq. 1.

    >>> linear = nn.Linear(1, 1)
    >>> linear(torch.ones(1, 1)).mul(3).sum().backward()
    >>> print(clip_gradients(linear, norm=1.0))
    gradient of norm 4.243, scaled by 0.236 to the limit 1
    """
    rule = _check_settings(norm, value, quantile, history)
    parameters = [p for p in module.parameters() if p.grad is not None]
    gradients = [p.grad for p in parameters if p.grad is not None]
    if not gradients:
        count = sum(1 for _ in module.parameters())
        raise TrainingError(
            f"clipping was asked for before backward(): none of the {count} parameters of {type(module).__name__} "
            f"has a gradient; call loss.backward() first"
        )
    total = nn.utils.get_total_norm(gradients)
    share = _share_above(gradients, value).to(total.device) if value is not None else torch.zeros_like(total)
    length, beyond = torch.stack([total, share]).tolist()  # together, for they are all that waits for the device
    overflows = not math.isfinite(length)
    if overflows:
        _refuse_non_finite(module)
        length = _careful_norm(gradients)

    if value is not None:
        nn.utils.clip_grad_value_(parameters, value)
        return Clipped(length, float(value), beyond > 0, beyond, rule)
    if quantile is not None and history is not None:
        history.append(length)
        limit = torch.quantile(torch.tensor(list(history), dtype=torch.float64), quantile).item()
    else:
        limit = float(norm or 0)
    if length > limit and not overflows:
        nn.utils.clip_grads_with_norm_(parameters, limit, total)
    elif length > limit:
        for gradient in gradients:
            gradient.mul_(limit / length)
    return Clipped(length, limit, length > limit, float(length > limit), rule)


def _check_settings(norm: float | None, value: float | None, quantile: float | None, history: object) -> str:
    given = {n: v for n, v in (("norm", norm), ("value", value), ("quantile", quantile)) if v is not None}
    if len(given) != 1:
        raise SettingsError(f"give exactly one of norm, value and quantile, got {' and '.join(given) or 'none'}")
    ((rule, limit),) = given.items()
    if rule == "quantile":
        if not 0 <= limit <= 1:
            raise SettingsError(f"quantile has to be from 0 to 1, got {limit:g}; 0.9 is the 90th percentile")
        if history is None:
            raise SettingsError("quantile needs history=, a list of your own that gets the norm of each call")
    else:
        if not limit > 0:
            raise SettingsError(f"{rule} has to be above 0, got {limit:g}")
        if history is not None:
            raise SettingsError(f"history goes with quantile, and {rule} makes no use of it; leave it out")
    return rule


def _share_above(gradients: list[Tensor], value: float) -> Tensor:
    first = gradients[0].device
    beyond = torch.stack([(g.abs() > value).sum().to(first) for g in gradients]).sum()
    return beyond / sum(g.numel() for g in gradients)


def _refuse_non_finite(module: nn.Module) -> None:
    names = {id(p): name for name, p in reversed(module.state_dict(keep_vars=True).items())}  # the first name counts
    bad = []
    for name, p in module.named_parameters():
        if p.grad is not None and not p.grad.isfinite().all():
            bad.append((names.get(id(p), name), p.grad))
    if not bad:
        return
    name, gradient = bad[0]
    counts = ((int(gradient.isnan().sum()), "NaN"), (int(gradient.isinf().sum()), "infinite"))
    what = " and ".join(f"{count} {kind}" for count, kind in counts if count)
    others = f", and {len(bad) - 1} other parameters have such gradients" if len(bad) > 2 else ""
    others = ", and 1 other parameter has such a gradient" if len(bad) == 2 else others
    raise TrainingError(
        f"the gradient of {name} is not finite: {what} of {gradient.numel()} entries{others}; "
        f"look for extreme values in the data, or lower the learning rate"
    )


def _careful_norm(gradients: list[Tensor]) -> float:
    """The norm where the squares are too large for the dtype: m ‖g / m‖ with m the largest entry."""
    largest = max(g.abs().max().item() for g in gradients if g.numel())
    return largest * nn.utils.get_total_norm([g / largest for g in gradients]).item()
