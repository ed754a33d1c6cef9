"""The only module that reads the machine's clock; all other code is passed a `Clock`."""

import time
from collections.abc import Callable

Clock = Callable[[], float]
"""Returns Unix seconds."""


def system_clock() -> float:
    """The machine's clock, in Unix seconds."""
    return time.time()
