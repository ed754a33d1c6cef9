"""Shares the CPU time of a pass: agents take turns, and those that cost the most come last in each round."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice, zip_longest
from threading import Lock
from time import thread_time
from typing import TypeVar

Item = TypeVar("Item")
NEGLIGIBLE_SECONDS = 0.01
OBJECT_SECONDS = 5.0
"""CPU time for one object; 256 MiB of usual lines take less."""
SHORT_SECONDS = 1.0
"""The same once the pass has overspent; an object of 10 MB, as agents ship them, takes a tenth of it."""


class CpuBudget:
    """CPU time that threads share.

    Args:
        seconds: in all.
    """

    def __init__(self, seconds: float) -> None:
        self._left = seconds
        self._lock = Lock()

    @property
    def used_up(self) -> bool:
        """Whether nothing is left."""
        return self._left <= 0

    def spend(self, seconds: float) -> None:
        """Take some of it."""
        with self._lock:
            self._left -= seconds


class Meter:
    """The CPU time that a thread takes for one object, charged to the budget as it goes.

    Args:
        budget: that all objects of a pass share.
    """

    def __init__(self, budget: CpuBudget) -> None:
        self._budget = budget
        self._began = self._charged = thread_time()

    @property
    def seconds(self) -> float:
        """What was charged so far."""
        return self._charged - self._began

    def is_used_up(self) -> bool:
        """Whether the object has had its time: less of it where the pass has overspent, for several may run at once."""
        now = thread_time()
        self._budget.spend(now - self._charged)
        self._charged = now
        return self.seconds > (SHORT_SECONDS if self._budget.used_up else OBJECT_SECONDS)


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
    def charged(self, agent: str, budget: CpuBudget) -> Iterator[Meter]:
        """Charge the CPU time of this thread to an agent, and to a budget."""
        meter = Meter(budget)
        try:
            yield meter
        finally:
            meter.is_used_up()
            with self._lock:
                self._cost[agent] = self._cost.get(agent, 0.0) + meter.seconds

    def end_pass(self) -> None:
        """Forget half of the costs."""
        with self._lock:
            self._cost = {agent: cost / 2 for agent, cost in self._cost.items() if cost > NEGLIGIBLE_SECONDS}
