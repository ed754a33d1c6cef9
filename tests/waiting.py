"""Waiting for what other threads and processes do."""

import time
from collections.abc import Callable

PAUSE_SECONDS = 0.05


def until(condition: Callable[[], object], seconds: float = 90) -> None:
    """Wait until a condition is true; fail if it is not within so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s"
        time.sleep(PAUSE_SECONDS)
