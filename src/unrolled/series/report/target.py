"""All there is to say of one target, topic by topic: each a title, a note and blocks, ready to be a section."""

from collections.abc import Callable
from typing import Any

from unrolled.series.judging.evaluation import Evaluation
from unrolled.series.report.charts import coverage_chart, future_chart, lag_chart, steps_chart, test_chart
from unrolled.series.report.tables import errors_table, intervals_table, series_table, significance_table, steps_table
from unrolled.series.report.told import Told, skills
from unrolled.series.report.words import number, percent, share

Block = dict[str, Any]


def topics(told: Told) -> list[dict[str, Any]]:
    """The sections of a target: what comes, how the test went, the errors, the tests, the intervals, the lag."""
    evaluation, horizon = told.evaluation, told.examples.horizon
    every = "step" if horizon == 1 else f"{horizon} steps"
    whose = "the table" if told.examples.panel.series is None else "each series"
    found = [
        _topic("The future", f"After the last row of {whose}.{_which(told)}", per_series(told, future_chart)),
        _topic(
            "Test forecasts against what came",
            f"One forecast every {every}, from what was known then; the line joins them.",
            per_series(told, test_chart),
        ),
        _topic("Errors by step ahead", None, [steps_chart(evaluation)] if horizon > 1 else []),
        _topic("All errors on the test part", None, errors(evaluation)),
        _topic("More than chance?", None, [made] if (made := significance_table(evaluation)) else []),
        _topic("Beside Theta and exponential smoothing", None, statistical(evaluation)),
        _topic("The intervals", None, intervals(evaluation)),
        _topic("The last value, shifted?", None, lag(evaluation)),
    ]
    return [topic for topic in found if topic["blocks"]]


def _topic(title: str, note: str | None, blocks: list[Block]) -> dict[str, Any]:
    return {"title": title, "blocks": blocks} | ({"note": note} if note else {})


def verdict(evaluation: Evaluation) -> Block:
    """What to think of it, in plain sentences; the caveat stands below the errors."""
    return {"type": "text", "text": "\n\n".join(s for s in evaluation.sentences() if s != evaluation.caveat)}


def cards(evaluation: Evaluation) -> Block:
    model, best, skill = evaluation.model, evaluation.best_baseline, evaluation.skill(evaluation.model)
    errors = evaluation.overall
    found = [
        _card("Mean absolute error", number(errors[model]["MAE"]), model),
        _card("Best baseline", number(errors[best]["MAE"]), best),
        _card("Skill", share(skill), "1 − error / best baseline's", "good" if skill > 0 else "bad"),
        _card("MASE", number(errors[model]["MASE"]), "below 1 beats seasonal naive in training"),
    ]
    if evaluation.intervals is not None:
        used = evaluation.intervals["methods"][evaluation.intervals["used"]]
        held = f"of the test values, in {percent(evaluation.intervals['level'])} intervals"
        found += [
            _card("Coverage", f"{used['coverage']:.1%}", held),
            _card("Mean width", number(used["width"]), "of these intervals"),
        ]
    return {"type": "cards", "cards": found}


def _card(label: str, value: str, detail: str, tone: str = "plain") -> dict[str, str]:
    return {"label": label, "value": value, "detail": detail, "tone": tone}


def per_series(told: Told, chart: Callable[[Told, int], Block]) -> list[Block]:
    """The chart of one series as it is, of several as tabs, which say each series' skill."""
    if len(told.panel.names) == 1:
        return [chart(told, 0)]
    found = skills(told.evaluation)
    tabs = []
    for i in told.series:
        name = told.panel.names[i]
        skill = share(found[name])
        tabs.append({"label": f"{name} {skill}" if skill != "–" else name, "blocks": [chart(told, i)]})
    return [{"type": "tabs", "tabs": tabs}]


def _which(told: Told) -> str:
    """Which of several series are drawn, as the end of a note."""
    count, shown = len(told.panel.names), len(told.series)
    if count == 1:
        return ""
    skill = f"skill on the test part, against the {told.evaluation.best_baseline}"
    if shown == count:
        return f" The series forecast worst comes first, by its {skill}."
    worst, best = (each if each > 1 else "one" for each in (shown // 2, shown - shown // 2))
    return f" Of {count:,} series the {worst} forecast worst and the {best} forecast best are drawn, by their {skill}."


def errors(evaluation: Evaluation) -> list[Block]:
    blocks: list[Block] = [errors_table(evaluation)]
    if evaluation.caveat:
        blocks.append({"type": "text", "text": evaluation.caveat})
    count = len(next(iter(evaluation.by_series.values())))
    if count > 1:
        blocks.append({"type": "details", "summary": f"By series ({count:,})", "blocks": [series_table(evaluation)]})
    if len(next(iter(evaluation.by_step.values()))["MAE"]) > 1:
        blocks.append({"type": "details", "summary": "By step ahead", "blocks": [steps_table(evaluation)]})
    return blocks


def statistical(evaluation: Evaluation) -> list[Block]:
    """Every error in the windows in which the two were fitted, where those are not all."""
    if (some := evaluation.statistical) is None:
        return []
    tests = significance_table(some)
    sentence = {"type": "text", "text": evaluation.statistical_sentence()}
    more: list[Block] = [{"type": "details", "summary": "More than chance?", "blocks": [tests]}] if tests else []
    return [sentence, errors_table(some), *more]


def intervals(evaluation: Evaluation) -> list[Block]:
    if evaluation.intervals is None:
        return []
    steps = len(evaluation.intervals["methods"][evaluation.intervals["used"]]["by_step"])
    chart = [coverage_chart(evaluation.intervals)] if steps > 1 else []
    return [{"type": "text", "text": evaluation.coverage_sentence()}, *chart, intervals_table(evaluation.intervals)]


def lag(evaluation: Evaluation) -> list[Block]:
    sentence = evaluation.lag_sentence()
    if evaluation.lag is None or sentence is None:
        return []
    return [{"type": "text", "text": sentence}, lag_chart(evaluation.lag)]
