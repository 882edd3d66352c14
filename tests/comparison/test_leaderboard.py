"""The leaderboard over saved runs: who stands beside whom, in which order, and why the others don't."""

from pathlib import Path
from typing import Any

import pytest

from unrolled.comparison.leaderboard import UNKNOWN, leaderboards
from unrolled.errors import RunError


def manifest(mae: float = 1.0, target: str = "y", **about: Any) -> dict[str, Any]:
    """What run.json says of a finished run that was scored on ``target``; ``about`` replaces parts by name."""
    parts = {"values": "sha256:a", "horizon": 6, "begins": "2024-01-01", "windows": 75, "baseline": 2.0, "seed": 0}
    parts |= {"members": 1, "status": "finished"} | about
    evaluation = {
        "target": target,
        "windows": parts["windows"],
        "overall": {
            "LSTM": {"MAE": mae, "MASE": mae / 2},
            "naive": {"MAE": 9.0, "MASE": 9.0},
            "drift": {"MAE": parts["baseline"], "MASE": None},
        },
        "best_baseline": "drift",
        "intervals": {"used": "split", "level": 0.9, "methods": {"split": {"coverage": 0.88}}},
    }
    return {
        "status": parts["status"],
        "architecture": {"horizon": parts["horizon"]},
        "data": {"targets": {target: parts["values"]}, "test_begins": parts["begins"], "ends": "2024-02-01"},
        "training": {"seed": parts["seed"]},
        "fitted": {"members": parts["members"]},
        "seconds": 12.5,
        "evaluations": [evaluation],
    }


def named(*manifests: Any) -> list[tuple[Path, Any]]:
    return [(Path(f"runs/{letter}"), one) for letter, one in zip("abcdefgh", manifests, strict=False)]


def test_the_lowest_error_comes_first_and_skill_is_against_the_best_baseline_of_all():
    boards, left = leaderboards(named(manifest(1.5, baseline=2.0), manifest(1.0, baseline=4.0, seed=3, members=5)))
    assert left == []
    [board] = boards
    assert [str(one.run) for one in board.entries] == ["runs/b", "runs/a"]
    assert board.best_baseline is board.entries[1]
    assert [board.skill(one) for one in board.entries] == [0.5, 0.25]
    first = board.entries[0]
    assert (first.model, first.seeds, first.mae, first.mase) == ("LSTM", "3–7", 1.0, 0.5)
    assert (first.coverage, first.level, first.seconds, first.baseline) == (0.88, 0.9, 12.5, "drift")


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"target": "z"}, "no other run forecasts 'y'"),
        ({"horizon": 7}, "no other run forecasts 'y' 6 steps ahead"),
        ({"begins": "2023-12-31"}, "no other run of 'y', 6 steps ahead, was tested on 2024-01-01 to 2024-02-01"),
        ({"values": "sha256:b"}, "no other run of 'y', 6 steps ahead, has the same values and series"),
        ({"windows": 70}, "it was scored in 75 windows of 2024-01-01 to 2024-02-01, others in 70: gaps in its inputs"),
    ],
)
def test_what_differs_is_said_of_runs_that_stand_alone(other, why):
    boards, left = leaderboards(named(manifest(), manifest(**other)))
    assert boards == []
    assert dict(left)[Path("runs/a")] == why
    assert len(left) == 2


def test_a_run_of_two_targets_stands_on_two_boards():
    both = manifest()
    other = manifest(3.0, target="z", values="sha256:z")
    both["data"]["targets"] |= other["data"]["targets"]
    both["evaluations"] += other["evaluations"]
    boards, left = leaderboards(named(both, manifest(0.5), manifest(2.0, target="z", values="sha256:z")))
    assert left == []
    assert [(one.scored.target, [str(e.run) for e in one.entries]) for one in boards] == [
        ("y", ["runs/b", "runs/a"]),
        ("z", ["runs/c", "runs/a"]),
    ]


def test_what_is_not_finished_or_can_not_be_read_is_said():
    unfinished, damaged = manifest(status="interrupted"), RunError("runs/b/run.json is damaged")
    earlier, text, many = manifest(), manifest(), manifest()
    del earlier["data"]["targets"]
    text["evaluations"][0]["overall"]["LSTM"]["MAE"] = "low"
    many["evaluations"] = [1, 2]
    boards, left = leaderboards(named(unfinished, damaged, earlier, text, many, manifest(), manifest()))
    assert [len(one.entries) for one in boards] == [2]
    assert dict(left) == {
        Path("runs/a"): "it is not finished; go on with it: unrolled forecast --resume runs/a",
        Path("runs/b"): "runs/b/run.json is damaged",
        Path("runs/c"): UNKNOWN,
        Path("runs/d"): UNKNOWN,
        Path("runs/e"): UNKNOWN,
    }


def test_a_run_without_intervals_or_with_a_perfect_baseline_has_dashes_and_no_error():
    bare = manifest(baseline=0.0)
    bare["evaluations"][0]["intervals"] = None
    [board], _ = leaderboards(named(bare, manifest(2.0)))
    assert board.entries[0].coverage is None
    assert board.skill(board.entries[0]) is None
