"""What a comparison says follows from its numbers: planted trials and costs."""

import json
import math

import polars as pl
import pytest

from unrolled.comparison.comparison import Comparison
from unrolled.comparison.cost import Cost
from unrolled.comparison.report import comparison_document
from unrolled.comparison.trial import Trial
from unrolled.report.document import check


def planted(scores: dict[str, list[float]], milliseconds: dict[str, float], task: bool = True, reference: float = 1.0):
    trials = [
        Trial(cell, seed, score, 0.5 if task else None, [(50, 1.0), (100, score)], 2.0, math.inf, 100, 1.0)
        for cell, own in scores.items()
        for seed, score in enumerate(own)
    ]
    costs = {cell: Cost(1000, 2000, 3_000_000, milliseconds[cell]) for cell in scores}
    others = {} if task else {"naive": 2.0, "linear": reference}
    name = "chance" if task else "the best baseline, the linear forecast"
    return Comparison(
        "adding, 50 steps", "mean squared error", "equal", name, reference, 0.0 if task else None, trials, costs, others
    )


def test_a_clear_winner_is_named_with_those_it_beats():
    found = planted({"rnn": [1.0, 0.99], "lstm": [0.01, 0.012], "gru": [0.1, 0.11]}, {"rnn": 1, "lstm": 4, "gru": 3})
    assert [row.cell for row in found.rows] == ["lstm", "gru", "rnn"]
    assert found.recommended.cell == "lstm"
    assert found.verdict == (
        "Take lstm: it has the lowest mean squared error, 0.011 ± 0.0014; clearly worse: gru (0.105 ± 0.0071) and rnn "
        "(0.995 ± 0.0071); rnn stayed at chance, 1."
    )


def test_among_equals_the_cheaper_is_taken():
    scores = {"lstm": [0.10, 0.12, 0.11], "gru": [0.11, 0.13, 0.12]}
    found = planted(scores, {"lstm": 4, "gru": 2})
    assert found.recommended.cell == "gru"
    assert found.verdict == (
        "Take gru: its mean squared error, 0.12 ± 0.01, is level with the lowest, lstm's 0.11 ± 0.01, and a training "
        "step takes 50% of the time."
    )
    same = planted(scores, {"lstm": 2, "gru": 1.9})  # 5% is nothing to choose by
    assert same.verdict == (
        "Take lstm: it has the lowest mean squared error, 0.11 ± 0.01; gru is within the seeds' spread of it."
    )


def test_where_none_has_learnt_none_is_recommended():
    found = planted({"rnn": [1.0, 0.95], "lstm": [0.95, 0.96]}, {"rnn": 1, "lstm": 4})
    assert found.recommended is None
    assert found.verdict == (
        "None of the cells has learnt it: the best, lstm, scores 0.955 ± 0.0071, against 1 for chance. Give it a "
        "longer budget, or keep to the simpler answer."
    )


def test_on_a_table_the_baseline_has_to_be_beaten():
    lost = planted({"rnn": [1.1, 1.2], "lstm": [1.05, 1.15]}, {"rnn": 1, "lstm": 4}, task=False)
    assert lost.recommended is None
    assert (
        "None of the cells is worth having: the best, lstm, scores 1.1 ± 0.071, against 1 for the best base"
        in lost.verdict
    )
    won = planted({"rnn": [0.99, 0.98]}, {"rnn": 1}, task=False)
    assert won.recommended.cell == "rnn"


def test_one_seed_says_nothing_of_the_spread():
    found = planted({"rnn": [0.9], "lstm": [0.1]}, {"rnn": 1, "lstm": 4})
    assert math.isnan(found.rows[0].sd)
    assert not found.rows[1].clearly_worse(found.rows[0])
    assert found.recommended.cell == "rnn", "nothing is known to be worse, and it is cheaper"
    assert found.verdict.endswith("one seed says nothing of the spread; give more; rnn stayed at chance, 1.")


def test_worse_is_more_than_twice_the_standard_error_of_the_difference():
    a = [0.0, 0.1, 0.2]  # sd 0.1, so the standard error of a difference of two is 0.1 √(2/3) = 0.0816
    for gap, worse in ((0.16, False), (0.17, True)):
        found = planted({"a": a, "b": [score + gap for score in a]}, {"a": 1, "b": 1})
        assert found.rows[1].clearly_worse(found.rows[0]) is worse


def test_the_table_the_json_and_the_report_say_the_same(tmp_path):
    found = planted({"rnn": [0.3, 0.5], "lstm": [0.1, 0.2]}, {"rnn": 1, "lstm": 4})
    table = found.table()
    assert table.select("cell", "score", "sd").rows() == [
        ("lstm", pytest.approx(0.15), pytest.approx(0.1 / 2**0.5)),
        ("rnn", pytest.approx(0.4), pytest.approx(0.2 / 2**0.5)),
    ]
    assert table["half_life_before"].to_list() == [2.0, 2.0]
    assert isinstance(table, pl.DataFrame)
    found.save(tmp_path / "c.json")
    saved = json.loads((tmp_path / "c.json").read_text())
    assert saved["verdict"] == found.verdict
    assert len(saved["trials"]) == 4
    assert saved["table"][0]["half_life_after"] is None, "JSON has no infinity"
    document = check(comparison_document(found))
    assert document["sections"][1]["blocks"][0]["rows"][0][:2] == ["lstm", "0.15 ± 0.071"]
    assert document["sections"][2]["blocks"][0]["series"][0] == {"name": "rnn", "x": [50.0, 100.0], "y": [1.0, 0.4]}
    found.report(tmp_path / "c.html")
    assert "Which cell?" in (tmp_path / "c.html").read_text(encoding="utf-8")
