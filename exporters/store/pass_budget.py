"""Keeps the passes of an area short: bodies are read in the time that the rest of the pass leaves."""

from collections.abc import Callable
from time import monotonic

PASS_SECONDS = 2.0
"""Of which nearly a second goes to the listing, and to what is rendered of ten thousand agents."""
SHORTEST_TURN_SECONDS, LONGEST_TURN_SECONDS = 0.2, 1.5
FIRST_REST_SECONDS = 1.0
"""After the bodies of the first pass, which renders every heartbeat: 0.1 ms of CPU time each."""


class PassBudget:
    """Divides the time of each pass; the part after the bodies is taken to last as long as in the pass before.

    Args:
        timer: seconds that only ever grow.
    """

    def __init__(self, timer: Callable[[], float] = monotonic) -> None:
        self._timer = timer
        self._began = self._bodies_ended = timer()
        self._rest = FIRST_REST_SECONDS

    def begin(self) -> None:
        """A pass begins."""
        self._began = self._timer()

    def turn_seconds(self) -> float:
        """For how long bodies may be read now."""
        left = PASS_SECONDS - (self._timer() - self._began) - self._rest
        return min(max(left, SHORTEST_TURN_SECONDS), LONGEST_TURN_SECONDS)

    def end_bodies(self) -> None:
        """The bodies were read."""
        self._bodies_ended = self._timer()

    def end(self) -> None:
        """The pass ended."""
        self._rest = self._timer() - self._bodies_ended
