"""Shares the CPU time of a pass: agents take turns, and those that cost the most come last in each round."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice, zip_longest
from threading import Lock
from time import thread_time
from typing import TypeVar

Item = TypeVar("Item")
NEGLIGIBLE_SECONDS = 0.01


class CpuBudget:
    """CPU time that threads share.

    Args:
        seconds: in all.
    """

    def __init__(self, seconds: float) -> None:
        self._left = seconds

    @property
    def used_up(self) -> bool:
        """Whether nothing is left."""
        return self._left <= 0

    def spend(self, seconds: float) -> None:
        """Take some of it; by one thread at a time."""
        self._left -= seconds


class Turns:
    """Remembers what each agent cost, and half of it from pass to pass."""

    def __init__(self) -> None:
        self._cost: dict[str, float] = {}
        self._lock = Lock()

    def order(self, items: Iterable[tuple[str, Item]], limit: int) -> list[Item]:
        """The next items, round by round: the first of each agent, then the second of each, and so on.

        Args:
            items: with the agent whose turn each takes.
            limit: of items.
        """
        queues: dict[str, list[Item]] = {}
        for agent, item in items:
            queues.setdefault(agent, []).append(item)
        cheapest = sorted(queues, key=lambda agent: self._cost.get(agent, 0.0))
        rounds = zip_longest(*(queues[agent] for agent in cheapest))
        return list(islice((item for row in rounds for item in row if item is not None), limit))

    @contextmanager
    def charged(self, agent: str, budget: CpuBudget) -> Iterator[None]:
        """Charge the CPU time of this thread to an agent, and to a budget."""
        began = thread_time()
        try:
            yield
        finally:
            seconds = thread_time() - began
            with self._lock:
                self._cost[agent] = self._cost.get(agent, 0.0) + seconds
                budget.spend(seconds)

    def end_pass(self) -> None:
        """Forget half of the costs."""
        with self._lock:
            self._cost = {agent: cost / 2 for agent, cost in self._cost.items() if cost > NEGLIGIBLE_SECONDS}
