"""Search: from a decoder's steps to what it writes: greedy, by chance, or by a beam, over any step function.

Dimensions: batch, the sentences; beam, the hypotheses kept of each; vocab. A step function is

    step(tokens (hypotheses,), state, memory) -> (scores (hypotheses, vocab), state, weights (hypotheses, src) or None)

where scores become log-probabilities by log_softmax, ``state`` is a tree of tensors with a row a hypothesis, ``memory``
one with a row a sentence, and the hypotheses of a sentence are behind each other. A score of -inf is a token that may
not follow; a row of nothing else is a hypothesis that can't be finished, and it never displaces one that can. A
sentence's result depends on that sentence alone: not on what else is in the batch, but for the last bits of
floating-point sums.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from unrolled.errors import SettingsError
from unrolled.shapes import select

Step = Callable[[Tensor, Any, Any], tuple[Tensor, Any, Tensor | None]]


@dataclass(frozen=True)
class Hypothesis:
    """What was written, without the marks of beginning and end.

    ``logprobs`` are those of each token and, if it was written, of the end. ``score`` is what hypotheses are ranked by.
    ``attention`` (steps, src) has a row for each of ``logprobs``, where the step function gives weights.
    """

    tokens: list[int]
    score: float
    logprobs: list[float]
    attention: Tensor | None = None

    @property
    def logprob(self) -> float:
        """log p(target | source)"""
        return sum(self.logprobs)


@dataclass(frozen=True)
class Limits:
    """What may be written: at least ``shortest`` and at most ``longest`` tokens before the end (a number, or one a
    sentence), none of ``forbidden``, and with ``no_repeat`` n no n tokens twice in the same order.
    """

    begin: int
    end: int
    longest: int | list[int] = 200
    shortest: int = 0
    forbidden: tuple[int, ...] = ()
    no_repeat: int | None = None

    def __post_init__(self):
        longest = [self.longest] if isinstance(self.longest, int) else self.longest
        if any(n < max(1, self.shortest) for n in longest):
            raise SettingsError(
                f"the longest output has to be at least 1 and at least the shortest ({self.shortest}), got "
                f"{min(longest)}"
            )
        if self.shortest < 0:
            raise SettingsError(f"the shortest output has to be at least 0, got {self.shortest}")
        if self.no_repeat is not None and self.no_repeat < 1:
            raise SettingsError(f"no_repeat has to be at least 1, got {self.no_repeat}")

    def of(self, batch: int, device: torch.device) -> Tensor:
        """The longest output of each sentence."""
        if isinstance(self.longest, int):
            return torch.full((batch,), self.longest, device=device)
        if len(self.longest) != batch:
            raise SettingsError(
                f"longest has to be one number, or one for each of {batch} sentences, got {len(self.longest)}"
            )
        return torch.tensor(self.longest, device=device)

    def apply(self, logprobs: Tensor, written: Tensor, longest: Tensor) -> Tensor:
        """Log-probabilities (hypotheses, vocab) after ``written`` (hypotheses, steps), with -inf where nothing may be.

        They are changed in place. Where nothing else is left the end may be written.
        """
        n, t, end = self.no_repeat, written.shape[1], logprobs[:, self.end].clone()
        logprobs[:, list(self.forbidden)] = -torch.inf
        if n is not None and t >= n:
            windows = written.unfold(1, n, 1)  # (hypotheses, t - n + 1, n)
            again = (windows[:, :, :-1] == written[:, None, t - n + 1 :]).all(dim=-1)
            rows, places = again.nonzero(as_tuple=True)
            logprobs[rows, windows[rows, places, -1]] = -torch.inf
        logprobs[longest <= t] = -torch.inf
        logprobs[:, self.end] = -torch.inf  # to see what else is left
        may_end = torch.full_like(longest, t >= self.shortest, dtype=torch.bool) | logprobs.isinf().all(dim=1)
        logprobs[:, self.end] = end.masked_fill(~may_end, -torch.inf)
        return logprobs


def _logprobs(scores: Tensor) -> Tensor:
    """log p of each token; where every score is -inf there is no p, and nothing may follow."""
    nothing = scores.amax(dim=-1, keepdim=True) == -torch.inf
    return scores.float().log_softmax(dim=-1).masked_fill(nothing, -torch.inf)


def _no_output(sentence: int, tokens: int) -> SettingsError:
    return SettingsError(
        f"sentence {sentence + 1} can't go on after {tokens} token{'s' * (tokens != 1)}: every token that may be "
        "written has a score of -inf or NaN; see what the step function gives, and what is forbidden"
    )


def greedy(step: Step, state: Any, memory: Any, batch: int, limits: Limits) -> list[Hypothesis]:
    """The likeliest token at each step, for each sentence; the score is log p::

    y_t = argmax_v p(v | y_<t, x)

    Raises SettingsError where nothing can be written.
    """
    return _write(step, state, memory, batch, limits, lambda logprobs, _: logprobs.argmax(dim=-1))


def sample(
    step: Step,
    state: Any,
    memory: Any,
    batch: int,
    limits: Limits,
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    generators: list[torch.Generator] | None = None,
) -> list[Hypothesis]:
    """A token drawn at each step, from the ``top_k`` likeliest, and from the fewest that hold ``top_p`` of what is
    left::

        y_t ~ softmax(log p / temperature)

    ``generators``, one a sentence, make a draw repeatable, whatever else is in the batch. ``logprobs`` are those of the
    model itself. Sources: Fan, Lewis & Dauphin 2018, "Hierarchical neural story generation" (top-k); Holtzman et al.
    2020, "The curious case of neural text degeneration" (top-p, or nucleus).
    """
    if not temperature > 0:
        raise SettingsError(f"temperature has to be above 0, got {temperature}; greedy search is its limit at 0")
    if top_k is not None and top_k < 1:
        raise SettingsError(f"top_k has to be at least 1, got {top_k}")
    if top_p is not None and not 0 < top_p <= 1:
        raise SettingsError(f"top_p has to be above 0 and at most 1, got {top_p}")

    def draw(logprobs: Tensor, sentences: Tensor) -> Tensor:
        p = (logprobs / temperature).softmax(dim=-1)
        if top_k is not None or top_p is not None:
            ordered, index = p.sort(dim=-1, descending=True, stable=True)
            if top_k is not None:
                ordered[:, top_k:] = 0
            if top_p is not None:
                total = ordered.sum(dim=-1, keepdim=True)
                ordered = ordered.masked_fill(ordered.cumsum(dim=-1) - ordered >= top_p * total, 0)
            p = torch.zeros_like(p).scatter(1, index, ordered)
        at = p.cumsum(dim=-1)  # in the vocabulary's order: two tokens that are all but alike change no other's place
        if generators is None:
            u = torch.rand(len(p), 1, device=p.device)
        else:
            u = torch.stack([torch.rand(1, generator=generators[n]) for n in sentences.tolist()]).to(p.device)
        return (at <= u * at[:, -1:]).sum(dim=-1).clamp(max=p.shape[1] - 1)

    return _write(step, state, memory, batch, limits, draw)


def _write(
    step: Step, state: Any, memory: Any, batch: int, limits: Limits, choose: Callable[[Tensor, Tensor], Tensor]
) -> list[Hypothesis]:
    """One hypothesis a sentence; sentences that have ended leave the batch."""
    device = _device(memory, state)
    longest, alive = limits.of(batch, device), torch.arange(batch, device=device)
    tokens = torch.full((batch,), limits.begin, device=device)
    written = torch.empty(batch, 0, dtype=torch.long, device=device)
    found = [Hypothesis([], 0.0, [], None) for _ in range(batch)]
    logs = torch.empty(batch, 0, device=device)
    looks: list[Tensor] | None = []
    while len(alive):
        scores, state, weights = step(tokens, state, memory)
        logprobs = limits.apply(_logprobs(scores), written, longest)
        tokens = choose(logprobs, alive)
        logs = torch.cat([logs, logprobs.gather(1, tokens[:, None])], dim=1)
        if not (possible := logs[:, -1].isfinite()).all():
            raise _no_output(int(alive[~possible][0]), written.shape[1])
        looks = None if weights is None or looks is None else [*looks, weights]
        ended = tokens == limits.end
        for row in ended.nonzero().flatten().tolist():
            own = logs[row].tolist()
            attention = torch.stack([look[row] for look in looks]) if looks else None
            found[int(alive[row])] = Hypothesis(written[row].tolist(), sum(own), own, attention)
        written = torch.cat([written, tokens[:, None]], dim=1)
        if ended.any():
            stay = (~ended).nonzero().flatten()
            alive, tokens, written, logs, longest = (v[stay] for v in (alive, tokens, written, logs, longest))
            state, memory = select(state, stay), select(memory, stay)
            looks = None if looks is None else [look[stay] for look in looks]
    return found


@dataclass
class Tree:
    """What a beam kept and dropped, a level a step: for a picture of the search.

    Each level lists (parent, token, score, kept): the place of its parent among those kept at the step before, the
    token, the sum of log-probabilities, and whether it stayed in the beam.
    """

    levels: list[list[tuple[int, int, float, bool]]] = field(default_factory=list)


def beam_search(
    step: Step,
    state: Any,
    memory: Any,
    batch: int,
    limits: Limits,
    *,
    beam: int = 5,
    n_best: int = 1,
    length_penalty: float = 1.0,
    coverage_penalty: float = 0.0,
    trees: list[Tree] | None = None,
) -> list[list[Hypothesis]]:
    """The ``n_best`` best hypotheses of each sentence, best first, of those that a beam finds::

        score(y) = log p(y | x) / |y|^length_penalty + coverage_penalty · Σ_s log min(Σ_t α_ts, 1)

    where |y| counts the end as well. At each step every hypothesis of the beam is continued by every token, and the
    ``beam`` likeliest go on. One that ends among them is finished; a sentence is done when as many have finished as the
    beam is wide, or all have. A beam of 1 is greedy search, one as wide as the space of outputs exhaustive search.
    ``trees``, one a sentence, are filled with what was kept and dropped.

    Sources: Graves 2012, "Sequence transduction with recurrent neural networks"; Wu et al. 2016, "Google's neural
    machine translation system", eq. 14, for the coverage penalty, and, in another form, the normalisation by length.

    Raises SettingsError for settings that can't be, and for a sentence of which no output can be finished.
    """
    if beam < 1:
        raise SettingsError(f"beam has to be at least 1, got {beam}")
    if not 1 <= n_best <= beam:
        raise SettingsError(f"n_best has to be from 1 to the beam, {beam}, got {n_best}; widen the beam")
    search = _Beam(step, state, memory, batch, limits, beam, length_penalty, coverage_penalty, trees)
    while len(search.alive):
        search.advance()
    return [sorted(found, key=lambda h: -h.score)[:n_best] for found in search.found]


class _Beam:
    """The beams of a batch under way. Rows of ``state`` and of the flat tensors are hypotheses, ``beam`` a sentence."""

    def __init__(self, step, state, memory, batch, limits, beam, length_penalty, coverage_penalty, trees):
        self.step, self.memory, self.limits, self.beam = step, memory, limits, beam
        self.length_penalty, self.coverage_penalty, self.trees = length_penalty, coverage_penalty, trees
        device = _device(memory, state)
        self.alive = torch.arange(batch, device=device)
        self.longest = limits.of(batch, device)
        self.state = select(state, self.alive.repeat_interleave(beam))
        self.tokens = torch.full((batch * beam,), limits.begin, device=device)
        self.written = torch.empty(batch * beam, 0, dtype=torch.long, device=device)
        self.logs = torch.empty(batch * beam, 0, device=device)
        self.looks: Tensor | None = None  # (hypotheses, steps, src)
        self.scores = torch.full((batch, beam), -torch.inf, device=device)
        self.scores[:, 0] = 0.0  # all hypotheses are the same at first
        self.done = torch.zeros(batch, dtype=torch.long, device=device)
        self.found: list[list[Hypothesis]] = [[] for _ in range(batch)]

    def advance(self) -> None:
        """One step of every hypothesis."""
        scores, self.state, weights = self.step(self.tokens, self.state, self.memory)
        if weights is None and self.coverage_penalty:
            raise SettingsError("a coverage penalty needs attention, and this model has none; set it to 0")
        longest = self.longest.repeat_interleave(self.beam)
        logprobs = self.limits.apply(_logprobs(scores), self.written, longest)
        sentences, vocab = len(self.alive), logprobs.shape[1]
        total = (self.scores.flatten()[:, None] + logprobs).view(sentences, -1)  # (batch, beam * vocab)
        # At most one continuation of each hypothesis ends it, so that these hold the best that go on.
        best, place = total.topk(min(2 * self.beam, total.shape[1]), dim=1)  # NaN would be the first
        for i in (~(best[:, 0] > -torch.inf)).nonzero().flatten().tolist():
            sentence = int(self.alive[i])
            if best[i, 0].isnan() or not self.found[sentence]:
                raise _no_output(sentence, self.written.shape[1])
        parent, token = place // vocab, place % vocab
        rows = torch.arange(sentences, device=total.device)[:, None] * self.beam + parent  # flat
        self.logs = torch.cat([self.logs[rows], logprobs[rows, token][..., None]], dim=2)  # (batch, 2 beam, steps)
        self.written = self.written[rows]
        if weights is not None:
            looks = weights[:, None] if self.looks is None else torch.cat([self.looks, weights[:, None]], dim=1)
            self.looks = looks[rows]
        ends = (token == self.limits.end) & best.isfinite()
        among = torch.arange(best.shape[1], device=total.device) < self.beam
        for i, k in (ends & among).nonzero().tolist():
            self._finish(i, k)
        self.done += (ends & among).sum(dim=1)
        goes_on = best.masked_fill(token == self.limits.end, -torch.inf)
        self.scores, order = goes_on.topk(self.beam, dim=1)
        if self.trees is not None:
            self._grow(parent, token, best, ends & among, order)
        self._go_on(order, rows, token)

    def _finish(self, i: int, k: int) -> None:
        """Keep the k-th candidate of the i-th sentence alive, which has ended."""
        logs = self.logs[i, k].tolist()
        attention = None if self.looks is None else self.looks[i, k]
        score = sum(logs) / len(logs) ** self.length_penalty
        if self.coverage_penalty and attention is not None:
            looked = attention.sum(dim=0)
            # What is padding, nobody looks at; nor does it count.
            real = looked[looked > 0].clamp(max=1).log().sum()
            score += self.coverage_penalty * float(real)
        self.found[int(self.alive[i])].append(Hypothesis(self.written[i, k].tolist(), score, logs, attention))

    def _go_on(self, order: Tensor, rows: Tensor, token: Tensor) -> None:
        """Take the candidates ``order`` (batch, beam) for the hypotheses, and leave out sentences that are done."""
        stay = ((self.done < self.beam) & self.scores.isfinite().any(dim=1)).nonzero().flatten()
        order, chosen = order[stay], stay[:, None]
        self.tokens = token[chosen, order].flatten()
        self.written = torch.cat([self.written[chosen, order].flatten(0, 1), self.tokens[:, None]], dim=1)
        self.logs = self.logs[chosen, order].flatten(0, 1)
        self.looks = None if self.looks is None else self.looks[chosen, order].flatten(0, 1)
        self.state = select(self.state, rows[chosen, order].flatten())
        if len(stay) < len(self.alive):
            self.memory = select(self.memory, stay)
            self.alive, self.longest, self.done = self.alive[stay], self.longest[stay], self.done[stay]
        self.scores = self.scores[stay]

    def _grow(self, parent: Tensor, token: Tensor, best: Tensor, finished: Tensor, order: Tensor) -> None:
        assert self.trees is not None
        for i, sentence in enumerate(self.alive.tolist()):
            kept = set(order[i].tolist()) | set(finished[i].nonzero().flatten().tolist())
            level = [
                (int(parent[i, k]), int(token[i, k]), float(best[i, k]), k in kept)
                for k in range(best.shape[1])
                if best[i, k].isfinite()
            ]
            self.trees[sentence].levels.append(level)


def _device(*trees: Any) -> torch.device:
    for tree in trees:
        if isinstance(tree, Tensor):
            return tree.device
        if isinstance(tree, tuple | list):
            found = [leaf for leaf in tree if leaf is not None]
            if found:
                return _device(*found)
    return torch.device("cpu")
