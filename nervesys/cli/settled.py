"""Asks again and again until a young stack has everything."""

import time
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")

AGAIN_SECONDS = 5


def settled(ask: Callable[[], list[Answer]], fine: Callable[[Answer], bool], wait: float) -> list[Answer]:
    """The answers once all are fine, or the last ones.

    Args:
        ask: for all answers.
        fine: whether one of them is as it should be.
        wait: seconds to wait at most.
    """
    deadline = time.monotonic() + wait
    while True:
        answers = ask()
        if all(map(fine, answers)) or time.monotonic() >= deadline:
            return answers
        time.sleep(AGAIN_SECONDS)
