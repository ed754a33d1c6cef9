"""What an agent's author reports of the work beside its tasks: progress, results, the queue, counters."""

from collections.abc import Callable
from typing import Any

from nervesys.agent.work import Task, Work
from nervesys.clock import Clock


class WorkReports:
    """The reporting methods of an agent.

    Args:
        work: takes them.
        clock: of all instants.
    """

    def __init__(self, work: Work, clock: Clock) -> None:
        self.work = work
        """Running and finished tasks; `task` writes to it."""
        self._clock: Callable[[], float] = clock

    def progress(
        self, step: str | None = None, progress: float | None = None, *, task: Task | None = None, **details: Any
    ) -> None:
        """Report how far the running task has come; an agent that is busy without progress raises an alert.

        Args:
            step: what it does now, such as `reading the diff`; None keeps the last one.
            progress: share that is done, 0 to 1; None keeps the last one.
            task: which one, where several run; None for the newest.
            details: what the step is done to, such as `query="…"`. The same step with the same details many times in a
                row, while tokens are used, counts as a loop. Only their hash is kept.

        Raises:
            ValueError: the share is not within 0 and 1.
        """
        self.work.report(task, step, progress, details)

    def retry(self, task: Task) -> None:
        """Count one more start of a running task, after an error that is worth another attempt."""
        self.work.retry(task)

    def verified(self) -> None:
        """Count a result that a check, or a person, accepted."""
        self.work.count_optional("verified")

    def rejected(self) -> None:
        """Count a result that a check, or a person, refused."""
        self.work.count_optional("rejected")

    def queue(self, waiting: float, oldest_seconds: float | None = None) -> None:
        """Report the queue of tasks that wait for this agent.

        Args:
            waiting: how many.
            oldest_seconds: how long the oldest of them has been waiting.
        """
        self.work.set_queue(waiting, None if oldest_seconds is None else self._clock() - oldest_seconds)

    def count(self, name: str, amount: float = 1) -> None:
        """Add to a counter of your own, which becomes a series in Prometheus.

        Args:
            name: such as `pull_requests`; small letters, digits and underscores. An agent has at most twenty.
            amount: 0 or more.

        Raises:
            ValueError: the name is invalid, there are too many counters, or the amount is negative.
        """
        self.work.count(name, amount)
