"""How a translator was trained, in words, and how to train it again: a command, and Python."""

from dataclasses import asdict
from typing import Any

from unrolled.checkpoint import TrainingState
from unrolled.nn.names import CELLS
from unrolled.series.words import counted
from unrolled.text.decoding import Decoding
from unrolled.text.fit import BATCH, RATE, Objective
from unrolled.text.plan import Plan
from unrolled.text.report.words import duration
from unrolled.training import TrainingSettings

ENDED = {
    "budget": "until the budget was spent",
    "patience": "until it got no better",
    "interrupted": "until it was interrupted",
}


def settings(plan: Plan, state: TrainingState) -> list[str]:
    shape, training, objective = plan.architecture, plan.training, plan.objective
    network = f"{shape.name}: {counted(shape.layers, 'layer')} of {shape.hidden} units"
    network += "" if shape.model == "transformer" else f", word vectors of {shape.embedding}"
    budget = (
        f"{training.minutes:g} minutes" if training.minutes else f"at most {counted(training.longest or 0, 'epoch')}"
    )
    forced = "" if objective.teacher_forcing == 1 else f", teacher forcing {objective.teacher_forcing:g}"
    falling = "" if objective.schedule == "constant" else " falling to 0" if forced else ""
    return [
        f"{network}; {shape.source_size:,} source pieces and {shape.target_size:,} target pieces; dropout "
        f"{shape.dropout:g}.",
        f"AdamW, learning rate {training.learning_rate:g}, batches of about {training.batch_size} sentences, gradient "
        f"norm clipped at {training.clip:g}, label smoothing {objective.label_smoothing:g}{forced}{falling}, {budget}, "
        f"seed {training.seed}.",
        f"Trained for {duration(state.seconds)} on {counted(state.threads, 'thread')}, {state.step:,} steps, "
        f"{ENDED.get(state.ended, 'until now')}. The test part was translated with a beam of {Decoding().beam}.",
    ]


def again(plan: Plan) -> list[dict[str, Any]]:
    """The command, where the text came from files, and Python."""
    code = [{"type": "code", "code": plan.command(), "language": "sh"}] if plan.asked.source is not None else []
    return [*code, {"type": "code", "code": python(plan), "language": "python"}]


def python(plan: Plan) -> str:
    """The same in Python."""
    shape, asked = plan.architecture, plan.asked
    recurrent = {name: getattr(shape, name) for name in ("embedding", "attention", "input_feeding")}
    words = {
        **({"model": shape.model} if shape.model != "recurrent" else {}),
        **{name: getattr(shape, name) for name in ("hidden", "layers", "dropout")},
        **(recurrent if shape.model == "recurrent" else {}),
        **{name: value for name in ("tokenizer", "vocabulary") if (value := getattr(asked, name)) is not None},
        **_changed(plan.objective, Objective()),
    }
    cell = repr(shape.cell) if shape.cell in CELLS else shape.cell  # one's own class, by its name
    first = f"cell={cell}, " if shape.model == "recurrent" else ""
    training = f"ur.TrainingSettings({_keywords(_changed(plan.training, TrainingSettings().filled(BATCH, RATE)))})"
    dev = "" if asked.dev_source is None else f", dev=({asked.dev_source!r}, {asked.dev_target!r})"
    if asked.source is None:
        sides = f"sources, targets{dev}"
    else:
        sides = ", ".join(repr(side) for side in (asked.source, asked.target) if side is not None) + dev
    return (
        "import unrolled as ur\n\n"
        f"t = ur.Translator({first}{_keywords(words)}, training={training})\n"
        f"t.fit({sides})\n"
        "print(t.evaluation)\n"
        't.translate(["…"])\n'
    )


def _changed(given: Any, usual: Any) -> dict[str, Any]:
    return {name: value for name, value in asdict(given).items() if value != getattr(usual, name)}


def _keywords(values: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in values.items())
