"""Choices from a seed that are the same on every machine and under every version of Python."""

import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """Every choice is made by ``Random.random``, the one method whose sequence Python promises to keep.

    >>> Dice(0).pick("abc"), Dice(0).some("abcdef", 3)
    ('c', ['f', 'd', 'b'])
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed).random

    def chance(self, p: float) -> bool:
        """True with probability p."""
        return self._random() < p

    def share(self) -> float:
        """A number from 0 to below 1."""
        return self._random()

    def pick(self, choices: Sequence[T]) -> T:
        """One of the choices, each as likely."""
        return choices[int(self._random() * len(choices))]

    def weighted(self, choices: Sequence[tuple[float, T]]) -> T:
        """One of the choices, as likely as the weight before it says."""
        total = 0.0
        for weight, _ in choices:
            total += weight
        left = self._random() * total
        for weight, choice in choices:
            left -= weight
            if left < 0:
                return choice
        return choices[-1][1]

    def whole(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return low + int(self._random() * (high - low + 1))

    def some(self, choices: Sequence[T], count: int) -> list[T]:
        """So many different choices, in an order of their own; all of them where there are fewer."""
        left = list(choices)
        return [left.pop(int(self._random() * len(left))) for _ in range(min(count, len(left)))]
