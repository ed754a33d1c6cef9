"""What the agent does: tasks under way, tasks ended, tokens used, the last error."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from typing import Any

from nervesys.contract.state import COUNTER, COUNTERS, Tasks
from nervesys.redact import KNOWN

ERROR_CHARACTERS = 300
"""That `last_error` keeps: the state stays tiny."""


@dataclass(eq=False)
class Task:
    """One piece of work, under way; whoever does it fills in what it cost.

    Attributes:
        action: what is done, such as `code_review`.
        tokens: that it used of a language model.
        model: that it asked; the agent's own where None.
        context: further facts for the log record, such as `repository` and `file`.
    """

    action: str
    tokens: int = 0
    model: str | None = None
    context: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class WorkDone:
    """The ledger at one instant.

    Attributes:
        current: action of the newest task under way.
        busy: a task is under way, or ended since the last look.
        tasks: ended since the start.
        tokens: used since the start.
        counters: what the author counts, since the start.
        last_error: the newest, in one line.
    """

    current: str | None
    busy: bool
    tasks: Tasks
    tokens: int
    counters: dict[str, float]
    last_error: str | None


class Work:
    """The ledger of tasks; any thread may write to it.

    Args:
        redact: takes the secrets out of a text.
    """

    def __init__(self, redact: Callable[[str], str] = KNOWN.text) -> None:
        self._redact = redact
        self._lock = threading.Lock()
        self._under_way: list[Task] = []
        self._completed = self._failed = self._tokens = self._ended_at_look = 0
        self._counters: dict[str, float] = {}
        self._last_error: str | None = None
        self.occupied = False
        """Work goes on of which the ledger sees no tasks: another program's."""

    def begin(self, task: Task) -> None:
        """Note that a task is under way."""
        with self._lock:
            self._under_way.append(task)

    def end(self, task: Task, error: BaseException | None) -> None:
        """Note how a task ended."""
        with self._lock:
            self._under_way.remove(task)
            self._count(task.tokens, in_one_line(error, self._redact) if error else None)

    def ended(self, tokens: int, error: str | None) -> None:
        """Note a task that another program did.

        Args:
            tokens: that it used.
            error: why it failed; None where it did not.
        """
        with self._lock:
            self._count(tokens, error and in_one_line(error, self._redact))

    def count(self, name: str, amount: float) -> None:
        """Add to a counter of the author's.

        Raises:
            ValueError: the name is none, it is one too many, or the amount is negative.
        """
        if not COUNTER.fullmatch(name):
            raise ValueError(
                f"count {name!r}: use a letter, then at most 63 letters, digits and underscores, all small"
            )
        if not 0 <= amount < inf:
            raise ValueError(f"count {name}: {amount} is no amount to add")
        with self._lock:
            if name not in self._counters and len(self._counters) >= COUNTERS:
                raise ValueError(f"count {name}: an agent has at most {COUNTERS} counters, for each is a series")
            self._counters[name] = self._counters.get(name, 0) + amount

    def abandon(self, task: Task) -> None:
        """Forget a task that neither succeeded nor failed: the agent was told to stop."""
        with self._lock:
            self._under_way.remove(task)

    def error(self, error: BaseException) -> None:
        """Note an error that belongs to no task."""
        with self._lock:
            self._last_error = in_one_line(error, self._redact)

    def look(self) -> WorkDone:
        """The ledger now."""
        with self._lock:
            ended = self._completed + self._failed
            busy = self.occupied or bool(self._under_way) or ended > self._ended_at_look
            self._ended_at_look = ended
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


def in_one_line(error: BaseException | str, redact: Callable[[str], str] = KNOWN.text) -> str:
    """Kind and message of an error, without secrets and line breaks, cut to a bounded length."""
    text = error if isinstance(error, str) else f"{type(error).__name__}: {error}"
    return " ".join(redact(text).split())[:ERROR_CHARACTERS]
