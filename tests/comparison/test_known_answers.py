"""compare where the answer is known: what needs memory of 50 steps, and what needs none."""

import pytest
import torch

from unrolled import compare
from unrolled.data.tasks import Task
from unrolled.training import TrainingSettings


def recall(steps: int) -> Task:
    """Say at the end which sign was the marked one, among signs that don't matter: up to ``steps`` before it."""
    length = steps + 1

    def batch(size: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        x = torch.zeros(size, length, 2)
        x[..., 0] = 2 * torch.randint(0, 2, (size, length), generator=generator) - 1
        marked = torch.randint(0, length, (size,), generator=generator)
        x[torch.arange(size), marked, 1] = 1.0
        return x, x[torch.arange(size), marked, :1].clone()

    def right(answer: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return answer.sign() == y

    chance = steps / length if steps else 1.0  # without memory the last step's sign is known if it is the marked one
    sizes = {"length": length, "features": 2, "outputs": 1, "at": "last", "kind": "regression"}
    return Task(
        f"recall {steps}", **sizes, best=0.0, chance=chance, source="", _batch=batch, _perfect=lambda x: x,
        _ignorant=lambda x: x, _right=right,
    )  # fmt: skip


SETTINGS = TrainingSettings(learning_rate=1e-2, threads=1)


@pytest.mark.slow
def test_memory_of_fifty_steps_tells_the_cells_apart():
    found = compare(recall(50), ["rnn", "lstm", "gru"], seeds=2, steps=800, hidden=32, training=SETTINGS)
    scores = {row.cell: row.mean for row in found.rows}
    assert scores["gru"] < 0.05
    assert scores["lstm"] < 0.05
    assert scores["rnn"] > 0.9
    assert found.recommended.cell in ("gru", "lstm")
    assert "rnn" in found.verdict.partition("clearly worse")[2]
    gru = next(row for row in found.rows if row.cell == "gru")
    assert gru.right > 0.98
    assert gru.half_life_after > gru.half_life_before, "what has learnt to remember lets gradients through"


@pytest.mark.slow
def test_where_no_memory_is_needed_all_do_and_the_cheap_one_is_good_enough():
    found = compare(recall(0), ["rnn", "lstm", "gru"], seeds=2, steps=300, hidden=16, training=SETTINGS)
    assert all(row.mean < 0.02 for row in found.rows)
    assert found.recommended is not None
    assert "stayed at" not in found.verdict
