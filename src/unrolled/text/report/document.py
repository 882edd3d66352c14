"""The report of a translation run, top to bottom."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from unrolled.checkpoint import TrainingState
from unrolled.series.words import counted
from unrolled.text.fitted import Translation
from unrolled.text.plan import Plan
from unrolled.text.report.again import again, settings
from unrolled.text.report.curves import best_record, curves
from unrolled.text.report.lengths import lengths
from unrolled.text.report.samples import alignments, samples, worst_table
from unrolled.text.report.words import duration
from unrolled.text.scoring import Measured


def translation_document(
    plan: Plan,
    state: TrainingState,
    evaluation: dict[str, Any],
    measured: Measured,
    sources: Sequence[str],
    written: Sequence[Translation],
) -> dict[str, Any]:
    """Scores, curves, samples with their alignment, quality by length, the worst sentences, how to do it again.

    ``measured``, ``sources`` and ``written`` are of the test part, sentence by sentence; ``evaluation`` its scores.
    """
    maps = alignments(measured, sources, written)
    names = [Path(name).name for name in (plan.asked.source, plan.asked.target) if name is not None]
    facts = plan.facts
    return {
        "title": f"Translation: {' to '.join(names)}" if names else "Translation",
        "subtitle": f"{plan.architecture.name} · {counted(facts['train'], 'pair')} to train on, {facts['dev']:,} for "
        f"dev, {facts['test']:,} for test",
        "language": "en",
        "footer": "Made by Unrolled. This page is one file: it needs no network, and makes no request.",
        "sections": [
            {"title": "In short", "id": "short", "blocks": _in_short(plan, state, evaluation)},
            {
                "title": "Translations",
                "id": "samples",
                "note": "From the test part, which training never saw.",
                "blocks": [samples(measured, sources)],
            },
            *([maps] if maps else []),
            {
                "title": "Quality by length",
                "id": "length",
                "note": f"Length in BLEU's tokens ({plan.bleu_tokenizer}), of the reference.",
                "blocks": lengths(measured),
            },
            {
                "title": "The worst translations",
                "id": "worst",
                "note": "Those with the lowest chrF on the test part. Some of them may be right in other words.",
                "blocks": [worst_table(measured, sources)],
            },
            {"title": "Learning", "id": "learning", "blocks": curves(state)},
            {"title": "The data", "id": "data", "blocks": [{"type": "list", "items": list(plan.notes)}]},
            {
                "title": "How it was trained, and how to do it again",
                "id": "again",
                "blocks": [{"type": "list", "items": settings(plan, state)}, *again(plan)],
            },
        ],
    }


def _in_short(plan: Plan, state: TrainingState, evaluation: dict[str, Any]) -> list[dict[str, Any]]:
    bleu, chrf = evaluation["BLEU"], evaluation["chrF"]
    best, last = best_record(state), state.records[-1]
    epochs = f"{last['epoch']:.3g} {'epoch' if last['epoch'] == 1 else 'epochs'}"
    by = "BLEU" if plan.objective.choose_by == "bleu" else "loss"
    kept = (
        f"the weights of epoch {best['epoch']:.3g}, the best by {by} on dev, were kept"
        if best
        else "the last weights were kept"
    )
    cut = " It was interrupted." if state.ended == "interrupted" else ""
    said = (
        f"BLEU is {bleu['value']:.1f} ({_interval(bleu)}) on {counted(evaluation['sentences'], 'sentence')} that "
        f"training never saw. The {plan.architecture.name} was trained for {duration(state.seconds)}, {epochs}; "
        f"{kept}.{cut}"
    )
    signed = f"As sacrebleu signs them: BLEU `{bleu['signature']}`, chrF `{chrf['signature']}`."
    cards = [
        {"label": name, "value": f"{evaluation[name]['value']:.1f}", "detail": _interval(evaluation[name])}
        for name in ("BLEU", "chrF")
    ]
    cards.append(
        {"label": "Trained for", "value": duration(state.seconds), "detail": f"{epochs}, seed {plan.training.seed}"}
    )
    if best and "bleu" in best:
        detail = f"on dev: BLEU {best['bleu']:.1f}, perplexity {best['perplexity']:.3g}"
        cards.append({"label": "Best epoch", "value": f"{best['epoch']:.3g}", "detail": detail})
    return [{"type": "text", "text": said}, {"type": "cards", "cards": cards}, {"type": "text", "text": signed}]


def _interval(score: dict[str, Any]) -> str:
    return f"95%: {score['low']:.1f} to {score['high']:.1f}"
