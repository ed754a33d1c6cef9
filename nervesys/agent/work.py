"""The agent's tasks: running and finished ones, tokens used, progress, the last error."""

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Any

from nervesys.agent.progress import ProgressTracker
from nervesys.agent.task_times import TaskTimes
from nervesys.agent.usage import UsageRule
from nervesys.clock import Clock, system_clock
from nervesys.contract import CurrentTask, RepeatedAction, TaskQueue, Tasks
from nervesys.contract.objects import MAX_COUNT
from nervesys.contract.state import COUNTER, COUNTERS
from nervesys.errors import NervesysError
from nervesys.redact import DEFAULT_REDACTOR

ERROR_CHARACTERS = 300
"""Length of `last_error`: the state object stays small."""


class TaskFailed(NervesysError):
    """A task failed in another program, which reported the reason."""


@dataclass(eq=False)
class Task:
    """A running task; the code that runs it fills in its cost.

    Attributes:
        action: name of the task, such as `code_review`.
        tokens: language model tokens used.
        model: language model used; None for the agent's own.
        context: further fields for the log record, such as `repository` and `file`.
        id: which task of that name it is.
        limit_seconds: after which it counts as stuck; None for what is usual.
        retries: how often it was started again.
        step: what it does at the moment.
        progress: share that is done, 0 to 1.
        started_at: Unix seconds; 0 until it begins.
        from_spans: its author reports no tasks; a trace stands for it.
    """

    action: str
    tokens: int = 0
    model: str | None = None
    context: dict[str, Any] = field(default_factory=dict)
    id: str | None = None
    limit_seconds: float | None = None
    retries: int = 0
    step: str | None = None
    progress: float | None = None
    started_at: float = 0.0
    from_spans: bool = False


@dataclass(frozen=True)
class StuckLimits:
    """After which a task counts as stuck, in seconds.

    Attributes:
        own: of tasks that have no limit of their own; None for what is usual.
        least: lowest limit that follows from what is usual.
    """

    own: float | None = None
    least: float = 0.0


@dataclass(frozen=True)
class WorkDone:
    """Snapshot of `Work`.

    Attributes:
        current: the newest running task.
        busy: a task is running, or ended since the last snapshot.
        tasks: finished since the start.
        tokens: used since the start, by running tasks too.
        counters: the author's own counters, since the start.
        last_error: the newest, as a single line.
        progressed_at: when the work last moved; Unix seconds.
        repeated: the newest action, and how often it was repeated.
        queue: tasks that wait; None if the author reports none.
        lost_telemetry: items of OpenTelemetry that were dropped or shortened since the start, by reason.
    """

    current: CurrentTask | None
    busy: bool
    tasks: Tasks
    tokens: int
    counters: dict[str, float]
    last_error: str | None
    progressed_at: float | None = None
    repeated: RepeatedAction | None = None
    queue: TaskQueue | None = None
    lost_telemetry: dict[str, int] = field(default_factory=dict)


class Work:
    """Counts of tasks, tokens and errors; thread-safe.

    Args:
        redact: removes secrets from a text.
        clock: of all instants.
        limits: returns the limits that apply now.
        usage: decides which tokens count where both the author and spans report some.
    """

    def __init__(
        self,
        redact: Callable[[str], str] = DEFAULT_REDACTOR.text,
        clock: Clock = system_clock,
        limits: Callable[[], StuckLimits] = StuckLimits,
        usage: UsageRule | None = None,
    ) -> None:
        self._redact, self._clock, self._limits = redact, clock, limits
        self.usage = usage or UsageRule()
        """Decides which tokens count."""
        self._lock = threading.Lock()
        self._under_way: list[Task] = []
        self._completed = self._failed = self._tokens = self._ended_at_look = self._tokens_at_look = 0
        self._span_tokens = 0.0
        self._lost_telemetry: Counter[str] = Counter()
        self._optional: dict[str, int] = {}
        self._counters: dict[str, float] = {}
        self._last_error: str | None = None
        self._times = TaskTimes()
        self._queue: TaskQueue | None = None
        self.tracker = ProgressTracker(clock)
        """When the work last moved."""
        self.occupied = False
        """A wrapped program is running, whose tasks are not seen here."""
        self.has_own_tasks = False
        """The author reports tasks: traces then stand for none."""

    def begin(self, task: Task) -> None:
        """Add a running task."""
        with self._lock:
            task.started_at = task.started_at or self._clock()
            self.has_own_tasks |= not task.from_spans
            self._under_way.append(task)
            self.tracker.moved()
            self.tracker.acted(task.action, task.context)

    def end(self, task: Task, error: BaseException | str | None) -> None:
        """Count a finished task.

        Args:
            task: that `begin` was called with.
            error: that it failed with; None if it succeeded.
        """
        with self._lock:
            self._under_way.remove(task)
            self._times.add(task.action, self._clock() - task.started_at)
            self._count(task.tokens, as_single_line(error, self._redact) if error else None)

    def report(
        self,
        task: Task | None = None,
        step: str | None = None,
        progress: float | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        """Take in how far a task has come; the same report again is no progress.

        Args:
            task: a running one; None for the newest.
            step: what it does now; None keeps the last one.
            progress: share that is done; None keeps the last one.
            details: what the step is done to, by which its repetition is recognised.

        Raises:
            ValueError: the share is not within 0 and 1.
        """
        if progress is not None and not 0 <= progress <= 1:
            raise ValueError(f"progress {progress}: give a share from 0 to 1")
        with self._lock:
            task = task or (self._under_way[-1] if self._under_way else None)
            if task is not None:
                before = task.step, task.progress
                task.step = task.step if step is None else step
                task.progress = task.progress if progress is None else progress
                if before != (task.step, task.progress):
                    self.tracker.moved()
            self.tracker.acted(step or "", details or {})

    def report_call(self, step: str, tokens: float, arguments_hash: str = "") -> None:
        """Take in a call of a model or a tool that a span reports.

        Args:
            step: such as `execute_tool search`.
            tokens: of the call.
            arguments_hash: equal for calls with equal arguments; empty where the span has none.
        """
        with self._lock:
            self._span_tokens += tokens
            self.tracker.moved()
            if arguments_hash:
                self.tracker.called(step, arguments_hash)

    def lose_telemetry(self, reason: str, items: int) -> None:
        """Count items of OpenTelemetry that were dropped, or shortened."""
        with self._lock:
            self._lost_telemetry[reason] += items

    @property
    def action(self) -> str | None:
        """Name of the newest running task."""
        with self._lock:
            return self._under_way[-1].action if self._under_way else None

    def retry(self, task: Task) -> None:
        """Count one more start of a running task."""
        with self._lock:
            task.retries += 1
        self.count_optional("retried")

    def count_optional(self, outcome: str) -> None:
        """Count a task that was retried, verified or rejected."""
        with self._lock:
            self._optional[outcome] = self._optional.get(outcome, 0) + 1
            self.tracker.moved()

    def set_queue(self, waiting: float, oldest: float | None) -> None:
        """Set how many tasks wait, and since when the oldest does, in Unix seconds."""
        with self._lock:
            self._queue = TaskQueue(waiting=waiting, oldest=oldest)

    def count_finished(self, tokens: int, error: str | None) -> None:
        """Count a finished task of a wrapped program.

        Args:
            tokens: used by it.
            error: message; None if it succeeded.
        """
        with self._lock:
            self.has_own_tasks = True
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
            self._tokens += task.tokens

    def record_error(self, error: BaseException) -> None:
        """Record an error that belongs to no task."""
        with self._lock:
            self._last_error = as_single_line(error, self._redact)

    def snapshot(self) -> WorkDone:
        """The current counts."""
        with self._lock:
            finished = self._completed + self._failed
            busy = self.occupied or bool(self._under_way) or finished > self._ended_at_look
            own = self._tokens + sum(task.tokens for task in self._under_way)
            # Never lower than before, which Prometheus takes for a restart; and no number that a state cannot hold.
            total = self.usage.total(own, self._span_tokens)
            tokens = int(min(max(self._tokens_at_look, total), MAX_COUNT))
            if tokens > self._tokens_at_look:
                self.tracker.moved()
            self._ended_at_look, self._tokens_at_look = finished, tokens
            return WorkDone(
                current=self._describe(self._under_way[-1]) if self._under_way else None,
                busy=busy,
                tasks=Tasks(completed=self._completed, failed=self._failed, **self._optional),
                tokens=tokens,
                counters=dict(self._counters),
                last_error=self._last_error,
                progressed_at=self.tracker.at,
                repeated=self._redacted(self.tracker.repeated),
                queue=self._queue,
                lost_telemetry=dict(self._lost_telemetry),
            )

    def _describe(self, task: Task) -> CurrentTask:
        limits = self._limits()
        limit = limits.own if task.limit_seconds is None else task.limit_seconds
        if limit is None or not limit >= 0:  # NaN neither
            limit = self._times.limit(task.action, limits.least)
        return CurrentTask(
            id=task.id and self._redact(task.id),
            name=self._redact(task.action),
            started_at=task.started_at,
            step=task.step and self._redact(task.step),
            progress=task.progress,
            retries=task.retries,
            limit_seconds=None if limit is None else min(limit, MAX_COUNT),
        )

    def _redacted(self, repeated: RepeatedAction | None) -> RepeatedAction | None:
        return repeated and repeated.model_copy(update={"action": self._redact(repeated.action)})

    def _count(self, tokens: int, error: str | None) -> None:
        self._tokens += tokens
        self.tracker.moved()
        if error is None:
            self._completed += 1
        else:
            self._failed += 1
            self._last_error = error


def as_single_line(error: BaseException | str, redact: Callable[[str], str] = DEFAULT_REDACTOR.text) -> str:
    """Type and message of an error, without secrets and line breaks, cut to `ERROR_CHARACTERS`."""
    text = error if isinstance(error, str) else f"{type(error).__name__}: {error}"
    return " ".join(redact(text).split())[:ERROR_CHARACTERS]
