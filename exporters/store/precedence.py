"""Lets the area `agents` go first: while its pass runs, the other areas begin no request.

All areas share one interpreter, of which a pass of ten thousand agents needs a second; beside a pass over logs, it
would get a third of the time.
"""

import time
from collections.abc import Callable
from threading import Event

from exporters.runner import Refresh

LONGEST_WAIT_SECONDS = 5.0
"""A pass that takes longer, as where the store hangs, holds up nothing more."""


class Precedence:
    """The right of way of one area."""

    def __init__(self) -> None:
        self._free = Event()
        self._free.set()
        self._until = 0.0

    def of(self, refresh: Callable[[Refresh], None]) -> Callable[[Refresh], None]:
        """The refresh of the area that goes first."""

        def refresh_first(out: Refresh) -> None:
            self._until = time.monotonic() + LONGEST_WAIT_SECONDS
            self._free.clear()
            try:
                refresh(out)
            finally:
                self._free.set()

        return refresh_first

    def wait(self) -> None:
        """Wait until that area's pass is over; for the others, before each request."""
        if not self._free.is_set():
            self._free.wait(max(0.0, self._until - time.monotonic()))
