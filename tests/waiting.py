"""Waiting for what other threads and processes do."""

import time
from collections.abc import Callable

PAUSE_SECONDS = 0.05


def until(condition: Callable[[], object], seconds: float = 90) -> None:
    """Wait for something to become true; fail where it does not within so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(PAUSE_SECONDS)
