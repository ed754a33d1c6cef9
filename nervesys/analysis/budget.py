"""How much may be asked: requests a minute, tokens a day, and not at all for a while after a failure."""

from collections import deque
from dataclasses import dataclass, field

from nervesys.analysis.memory import Memory
from nervesys.analysis.verdict import NoAnswer
from nervesys.contract.paths import time_fields

MINUTE = 60.0
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 30.0, 3600.0
"""After a failure; doubled with each one that follows."""


@dataclass
class Budget:
    """What is left.

    Attributes:
        requests_per_minute: that may be made.
        tokens_per_day: that may be used, UTC.
        memory: what was used today, across restarts.
    """

    requests_per_minute: int
    tokens_per_day: int
    memory: Memory
    _asked: deque[float] = field(default_factory=deque)
    _pause: float = 0.0
    _closed_until: float = 0.0

    def take(self, tokens: int, now: float) -> None:
        """Take one request.

        Args:
            tokens: that it may cost at most.
            now: Unix seconds.

        Raises:
            NoAnswer: there is nothing left, or the model failed only just now.
        """
        while self._asked and self._asked[0] <= now - MINUTE:
            self._asked.popleft()
        if now < self._closed_until:
            raise NoAnswer("not asked: the model failed, and is left alone for a while")
        if len(self._asked) >= self.requests_per_minute:
            raise NoAnswer(f"not asked: {self.requests_per_minute} requests a minute are the limit")
        if self.memory.spent(_day(now)) + tokens > self.tokens_per_day:
            raise NoAnswer(f"not asked: the budget of {self.tokens_per_day} tokens a day is used up")
        self._asked.append(now)

    def spend(self, tokens: int, now: float) -> None:
        """Count what an answer cost, whether it was of use or not."""
        self.memory.spend(_day(now), tokens)

    def worked(self) -> None:
        """Note an answer that was of use."""
        self._pause = self._closed_until = 0.0

    def failed(self, now: float) -> None:
        """Leave the model alone for a while."""
        self._pause = min(max(2 * self._pause, FIRST_PAUSE_SECONDS), LONGEST_PAUSE_SECONDS)
        self._closed_until = now + self._pause


def _day(now: float) -> str:
    return time_fields(now)["date"]
