"""The agent's tasks: running and finished ones, tokens used, the last error."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from typing import Any

from nervesys.contract.state import COUNTER, COUNTERS, Tasks
from nervesys.redact import DEFAULT_REDACTOR

ERROR_CHARACTERS = 300
"""Length of `last_error`: the state object stays small."""


@dataclass(eq=False)
class Task:
    """A running task; the code that runs it fills in its cost.

    Attributes:
        action: name of the task, such as `code_review`.
        tokens: language model tokens used.
        model: language model used; None for the agent's own.
        context: further fields for the log record, such as `repository` and `file`.
    """

    action: str
    tokens: int = 0
    model: str | None = None
    context: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class WorkDone:
    """Snapshot of `Work`.

    Attributes:
        current: action of the newest running task.
        busy: a task is running, or ended since the last snapshot.
        tasks: finished since the start.
        tokens: used since the start.
        counters: the author's own counters, since the start.
        last_error: the newest, as a single line.
    """

    current: str | None
    busy: bool
    tasks: Tasks
    tokens: int
    counters: dict[str, float]
    last_error: str | None


class Work:
    """Counts of tasks, tokens and errors; thread-safe.

    Args:
        redact: removes secrets from a text.
    """

    def __init__(self, redact: Callable[[str], str] = DEFAULT_REDACTOR.text) -> None:
        self._redact = redact
        self._lock = threading.Lock()
        self._under_way: list[Task] = []
        self._completed = self._failed = self._tokens = self._ended_at_look = 0
        self._counters: dict[str, float] = {}
        self._last_error: str | None = None
        self.occupied = False
        """A wrapped program is running, whose tasks are not seen here."""

    def begin(self, task: Task) -> None:
        """Add a running task."""
        with self._lock:
            self._under_way.append(task)

    def end(self, task: Task, error: BaseException | None) -> None:
        """Count a finished task.

        Args:
            task: that `begin` was called with.
            error: that it failed with; None if it succeeded.
        """
        with self._lock:
            self._under_way.remove(task)
            self._count(task.tokens, as_single_line(error, self._redact) if error else None)

    def count_finished(self, tokens: int, error: str | None) -> None:
        """Count a finished task of a wrapped program.

        Args:
            tokens: used by it.
            error: message; None if it succeeded.
        """
        with self._lock:
            self._count(tokens, error and as_single_line(error, self._redact))

    def count(self, name: str, amount: float) -> None:
        """Add to one of the author's own counters.

        Raises:
            ValueError: the name is invalid, there are too many counters, or the amount is negative.
        """
        if not COUNTER.fullmatch(name):
            raise ValueError(
                f"count {name!r}: use a lower-case letter, then at most 63 lower-case letters, digits and underscores"
            )
        if not 0 <= amount < inf:
            raise ValueError(f"count {name}: {amount} is not a finite number of 0 or more")
        with self._lock:
            if name not in self._counters and len(self._counters) >= COUNTERS:
                raise ValueError(f"count {name}: an agent has at most {COUNTERS} counters, since each is a series")
            self._counters[name] = self._counters.get(name, 0) + amount

    def abandon(self, task: Task) -> None:
        """Drop a task that neither succeeded nor failed: the agent was stopped."""
        with self._lock:
            self._under_way.remove(task)

    def record_error(self, error: BaseException) -> None:
        """Record an error that belongs to no task."""
        with self._lock:
            self._last_error = as_single_line(error, self._redact)

    def snapshot(self) -> WorkDone:
        """The current counts."""
        with self._lock:
            count_finished = self._completed + self._failed
            busy = self.occupied or bool(self._under_way) or count_finished > self._ended_at_look
            self._ended_at_look = count_finished
            return WorkDone(
                current=self._redact(self._under_way[-1].action) if self._under_way else None,
                busy=busy,
                tasks=Tasks(completed=self._completed, failed=self._failed),
                tokens=self._tokens,
                counters=dict(self._counters),
                last_error=self._last_error,
            )

    def _count(self, tokens: int, error: str | None) -> None:
        self._tokens += tokens
        if error is None:
            self._completed += 1
        else:
            self._failed += 1
            self._last_error = error


def as_single_line(error: BaseException | str, redact: Callable[[str], str] = DEFAULT_REDACTOR.text) -> str:
    """Type and message of an error, without secrets and line breaks, cut to `ERROR_CHARACTERS`."""
    text = error if isinstance(error, str) else f"{type(error).__name__}: {error}"
    return " ".join(redact(text).split())[:ERROR_CHARACTERS]
