"""How training went: loss and quality by epoch."""

import math
from typing import Any

from unrolled.checkpoint import TrainingState
from unrolled.text.report.words import table


def best_record(state: TrainingState) -> dict[str, Any] | None:
    """The validation whose weights were kept; None where nothing was validated."""
    return next((one for one in state.records if one["step"] == state.best_step and "bleu" in one), None)


def curves(state: TrainingState) -> list[dict[str, Any]]:
    """A chart of the losses, one of BLEU on dev, and all of it as a table."""
    dev = [record for record in state.records if "bleu" in record]
    best = best_record(state)
    marks = [{"at": round(best["epoch"], 2), "label": "kept"}] if best else []
    losses = [_line(state.records, "training", "loss", "dashed")]
    if dev:
        losses.append({**_line(dev, "dev", "dev_loss"), "emphasis": True})
    both = (
        "Training: with smoothed labels and dropout, which dev is measured without, so the two can't be subtracted."
        if dev
        else "There is no dev part, so the last weights were kept."
    )
    charts = [_chart("Loss by epoch", "−log p of a piece", losses, marks, both)]
    if dev:
        bleu = [{**_line(dev, "BLEU on dev", "bleu"), "emphasis": True}]
        greedy = "Translated by greedy search; the test part by a beam, which is slower."
        charts.append(_chart("BLEU on dev by epoch", "BLEU", bleu, marks, greedy))
    return [*charts, {"type": "details", "summary": "Every validation", "blocks": [_validations(state)]}]


def _line(records: list[dict[str, Any]], name: str, key: str, style: str = "solid") -> dict[str, Any]:
    values = [record[key] for record in records]
    return {
        "name": name,
        "x": [round(record["epoch"], 2) for record in records],
        "y": [None if v is None or not math.isfinite(v) else float(f"{v:.6g}") for v in values],
        "style": style,
    }


def _chart(
    title: str, label: str, series: list[dict[str, Any]], marks: list[dict[str, Any]], caption: str
) -> dict[str, Any]:
    return {
        "type": "chart",
        "kind": "line",
        "title": title,
        "x": {"label": "epoch", "type": "value"},
        "y": {"label": label},
        "series": series,
        "marks": marks,
        "height": 280,
        "caption": caption,
    }


def _validations(state: TrainingState) -> dict[str, Any]:
    keys = {
        "epoch": ("epoch", ".3g"),
        "step": ("step", ",d"),
        "training loss": ("loss", ".3f"),
        "dev loss": ("dev_loss", ".3f"),
        "perplexity": ("perplexity", ".4g"),
        "BLEU": ("bleu", ".1f"),
        "seconds": ("seconds", ".0f"),
    }
    rows = [
        [None if record.get(key) is None else format(record[key], spec) for key, spec in keys.values()]
        for record in state.records
    ]
    return table(list(keys), rows, "Perplexity: exp of the loss on dev.", **dict.fromkeys(keys, "right"))
