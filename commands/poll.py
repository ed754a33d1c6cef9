"""Repeats a check until a newly started stack has all its data."""

import time
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")

INTERVAL_SECONDS = 5


def poll_until(check: Callable[[], list[Result]], passes: Callable[[Result], bool], wait: float) -> list[Result]:
    """Repeat a check until all results pass, or the time is up; return the last results.

    Args:
        check: returns all results.
        passes: whether a result passes.
        wait: longest time in seconds.
    """
    deadline = time.monotonic() + wait
    while True:
        results = check()
        if all(map(passes, results)) or time.monotonic() >= deadline:
            return results
        time.sleep(INTERVAL_SECONDS)
