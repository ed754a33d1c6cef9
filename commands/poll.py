"""Repeats a check until a newly started stack has all its data."""

import time
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")

AGAIN_SECONDS = 5


def settled(ask: Callable[[], list[Answer]], fine: Callable[[Answer], bool], wait: float) -> list[Answer]:
    """Repeat until all answers are fine, or the time is up; return the last answers.

    Args:
        ask: returns all answers.
        fine: whether an answer is fine.
        wait: longest time in seconds.
    """
    deadline = time.monotonic() + wait
    while True:
        answers = ask()
        if all(map(fine, answers)) or time.monotonic() >= deadline:
            return answers
        time.sleep(AGAIN_SECONDS)
