"""The budget of the model: requests per minute, tokens per day, and a back-off after failures."""

from collections import deque
from dataclasses import dataclass, field

from nervesys.analysis.verdict import NoModelAnswer
from nervesys.analysis.verdict_cache import VerdictCache
from nervesys.contract.paths import time_fields
from nervesys.plural import count

MINUTE = 60.0
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 30.0, 3600.0
"""Back-off after a failure; doubled with each further one."""


@dataclass
class Budget:
    """Limits requests and tokens.

    Attributes:
        requests_per_minute: limit of requests.
        tokens_per_day: limit of tokens per day, UTC.
        memory: stores today's use across restarts.
    """

    requests_per_minute: int
    tokens_per_day: int
    memory: VerdictCache
    _requests: deque[float] = field(default_factory=deque)
    _pause: float = 0.0
    _closed_until: float = 0.0

    def take(self, tokens: int, now: float) -> None:
        """Reserve one request.

        Args:
            tokens: its maximum cost.
            now: Unix seconds.

        Raises:
            NoAnswer: a limit is reached, or the model failed recently.
        """
        while self._requests and self._requests[0] <= now - MINUTE:
            self._requests.popleft()
        if now < self._closed_until:
            raise NoModelAnswer("no request sent: the model failed recently")
        if len(self._requests) >= self.requests_per_minute:
            raise NoModelAnswer(
                f"no request sent: the limit of {count(self.requests_per_minute, 'request')} a minute is reached"
            )
        if self.memory.spent(_day(now)) + tokens > self.tokens_per_day:
            raise NoModelAnswer(
                f"no request sent: the budget of {count(self.tokens_per_day, 'token')} a day is used up"
            )
        self._requests.append(now)

    def spend(self, tokens: int, now: float) -> None:
        """Count the tokens of an answer, whether it was useful or not."""
        self.memory.spend(_day(now), tokens)

    def record_success(self) -> None:
        """Reset the back-off after a useful answer."""
        self._pause = self._closed_until = 0.0

    def record_failure(self, now: float) -> None:
        """Back off after a failure."""
        self._pause = min(max(2 * self._pause, FIRST_PAUSE_SECONDS), LONGEST_PAUSE_SECONDS)
        self._closed_until = now + self._pause


def _day(now: float) -> str:
    return time_fields(now)["date"]
