"""What to think of a model beside its baselines, in plain sentences."""

import math
from typing import TYPE_CHECKING

from unrolled.series.judging.significance import Comparison, p_words
from unrolled.series.metrics import skill

if TYPE_CHECKING:
    from unrolled.series.judging.evaluation import Evaluation

WALK = "random walk"  # what the naive forecast is called where prices are read as returns


def verdict(evaluation: "Evaluation") -> str:
    """Whether an update was worth it, where it was one; then how the model stands beside its baselines."""
    return " ".join(one for one in (_beside_earlier(evaluation), beside_baselines(evaluation)) if one)


def beside_baselines(evaluation: "Evaluation") -> str:
    """Who won, by how much, and whether that is more than chance; and whether there were windows enough to tell."""
    rival = WALK if WALK in evaluation.overall else evaluation.best_baseline
    test = _tested(evaluation, rival)
    said = _beside_walk(evaluation, test) if rival == WALK else _beside_best(evaluation, test)
    if test is None or not test.too_few:
        return said
    blocks = max(1, test.n // test.overlap)
    return (
        f"{said} The test part is short for that: its forecasts overlap, and amount to no more than "
        f"{'one independent one' if blocks == 1 else f'{blocks} independent ones'}. With so few, p is too "
        "optimistic: chance is likelier than it says."
    )


def _tested(evaluation: "Evaluation", baseline: str) -> Comparison | None:
    """The Diebold-Mariano test against a baseline, where it could tell anything."""
    test = evaluation.test(baseline)
    return None if test is None or math.isnan(test.p_value) else test


def _beside_best(evaluation: "Evaluation", test: Comparison | None) -> str:
    model, best, gain = evaluation.model, evaluation.best_baseline, evaluation.skill(evaluation.model)
    errors = f"mean absolute error {_beside(evaluation, model, best)}"
    p = "" if test is None else f", {p_words(test.p_value)}"
    if gain > 0:
        said = f"The {model} is {_percent(gain)} better than the best baseline, the {best} forecast ({errors})."
        if test is None:
            return said
        sure = "That is more than chance" if test.significant else "It may well be chance"
        return f"{said} {sure} (Diebold-Mariano test{p})."
    return f"The {model} does not beat the {best} forecast: {_behind(gain)} ({errors}{p}). Use the simpler one."


def _beside_walk(evaluation: "Evaluation", test: Comparison | None) -> str:
    """The verdict on prices: whether the model beats the random walk by more than chance, and nothing less."""
    model, best = evaluation.model, evaluation.best_baseline
    error, walk, lowest = (evaluation.mae(method) for method in (model, WALK, best))
    gain = float(skill(error, walk))
    p = "" if test is None else f", Diebold-Mariano test {p_words(test.p_value)}"
    errors = f"mean absolute error {_beside(evaluation, model, WALK)}{p}"
    if gain > 0 and test is not None and test.significant:
        said = f"The {model} beats the random walk: it is {_percent(gain)} better, more than chance ({errors})."
        return (
            said if best == WALK or lowest >= error else f"{said} The {best} forecast is better still ({lowest:.4g})."
        )
    chance = "too few windows to tell from chance" if test is None else "and that may well be chance"
    how = f"it is {_percent(gain)} better, {chance}" if gain > 0 else _behind(gain)
    return (
        f"The {model} does not beat the random walk, which says that the price stays what it is: {how} ({errors}). "
        "Use the simpler one."
    )


def _behind(gain: float) -> str:
    return f"it is {_percent(-gain)} worse" if gain < 0 else "they are equally good" if gain == 0 else "that is perfect"


def _beside_earlier(evaluation: "Evaluation") -> str | None:
    """Whether an update improved on the network as it was before, where it was an update."""
    earlier = evaluation.earlier
    if earlier is None:
        return None
    now, before = (evaluation.overall[method]["MAE"] for method in (evaluation.model, earlier))
    if now is None or before is None:
        return None
    errors = f"mean absolute error {_beside(evaluation, evaluation.model, earlier)}"
    test = _tested(evaluation, earlier)
    sure = ""
    if test is not None and now != before:
        sure = ", more than chance" if test.significant else ", which may well be chance"
        errors += f", {p_words(test.p_value)}"
    if now < before:
        return f"The update improved on the earlier network{sure} ({errors})."
    if now > before:
        return f"The update made it worse than the earlier network was{sure} ({errors}); keep that one."
    return f"The update changed nothing: it is as good as the earlier network ({errors})."


def _beside(evaluation: "Evaluation", one: str, other: str) -> str:
    """Two mean absolute errors, "1.25 against 1", with as many digits as tell them apart."""
    a, b = (evaluation.overall[method]["MAE"] for method in (one, other))
    if a is None or b is None:
        a, b = ("unknown" if error is None else f"{error:.4g}" for error in (a, b))
        return f"{a} against {b}"
    digits = next((n for n in range(4, 10) if f"{a:.{n}g}" != f"{b:.{n}g}"), 4)
    return f"{a:.{digits}g} against {b:.{digits}g}"


def _percent(share: float) -> str:
    return "less than 0.1%" if 0 < share < 0.0005 else f"{share:.1%}"
