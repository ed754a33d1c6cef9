"""The one place that reads the machine's clock; everything else is given a `Clock`."""

import time
from collections.abc import Callable

Clock = Callable[[], float]
"""Returns Unix seconds."""


def system_clock() -> float:
    """The machine's clock, in Unix seconds."""
    return time.time()
