"""How long tasks usually take, from which follows when a running one counts as stuck."""

from collections import deque
from math import ceil

KEPT_TIMES = 200
"""Newest durations kept for each name of a task."""
KEPT_NAMES = 100
"""Most names; programs that put ids into names would else fill the memory."""
ENOUGH = 20
"""Durations without which nothing is usual."""
SHARE, FACTOR = 0.95, 4


class TaskTimes:
    """The newest durations of tasks, by their name; kept in memory only."""

    def __init__(self) -> None:
        self._seconds: dict[str, deque[float]] = {}

    def add(self, name: str, seconds: float) -> None:
        """Add a task that has ended."""
        if name in self._seconds or len(self._seconds) < KEPT_NAMES:
            self._seconds.setdefault(name, deque(maxlen=KEPT_TIMES)).append(seconds)

    def limit(self, name: str, least: float) -> float | None:
        """After how many seconds a task counts as stuck: 4 times the 95th percentile; None while too few are known.

        Args:
            name: of the task.
            least: lowest limit, for tasks that usually take seconds.
        """
        known = sorted(self._seconds.get(name, ()))
        if len(known) < ENOUGH:
            return None
        return max(FACTOR * known[ceil(SHARE * len(known)) - 1], least)
