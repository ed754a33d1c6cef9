"""Divides counting into rounds: one pass lists, and where its time does not suffice, others only read what it found.

So passes stay short, and what was counted is shown, however much there is to read.
"""

import math
from collections.abc import Callable
from time import monotonic

from exporters.store.turns import CpuBudget

PASS_SECONDS = 2.0
"""After which a pass begins no further objects; the next follows at once."""
ROUND_SECONDS = 60.0
"""After which folders are listed again, whatever is left to read."""
ROUND_CPU_SECONDS = 15.0
"""CPU time for the objects of one round; what is left waits for the next."""


class Rounds:
    """The rounds of one area.

    Args:
        timer: seconds that only ever grow.
    """

    def __init__(self, timer: Callable[[], float] = monotonic) -> None:
        self._timer = timer
        self._listed_at, self._deadline = -math.inf, 0.0
        self._ended_early = False
        self.budget = CpuBudget(0)

    def begin_pass(self) -> bool:
        """A pass begins; returns whether it lists."""
        now = self._timer()
        self._deadline = now + PASS_SECONDS
        lists = not self._ended_early or now - self._listed_at >= ROUND_SECONDS
        if lists:
            self._listed_at, self.budget = now, CpuBudget(ROUND_CPU_SECONDS)
        self._ended_early = False
        return lists

    @property
    def pass_is_over(self) -> bool:
        """Whether the pass has had its time."""
        return self._timer() >= self._deadline

    def end_pass(self, *, left: bool) -> bool:
        """A pass ends; returns whether the next follows at once, where objects are left and only time ran out."""
        self._ended_early = left and self.pass_is_over and not self.budget.used_up
        return self._ended_early
