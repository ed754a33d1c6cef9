import time
from collections.abc import Callable

import pytest


@pytest.fixture
def wait_until() -> Callable[..., None]:
    """Wait for a condition, generously."""

    def wait(condition: Callable[[], bool], seconds: float = 20) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "waited in vain"
            time.sleep(0.02)

    return wait
