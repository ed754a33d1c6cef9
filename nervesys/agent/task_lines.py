"""Lines of JSON by which a wrapped program reports its tasks, its queue and its messages.

`{"task": {"state": "started", "name": "code_review", "id": 7}}`, `{"queue": {"waiting": 3}}` and
`{"message": {"to": "gemini", "text": "the draft is ready"}}`; the states and their fields are documented in
docs/how-to/wrap-a-program.md. A line of another form is an ordinary line of its log.
"""

import json
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from nervesys.agent.agent import Agent
from nervesys.agent.messages import log_message
from nervesys.agent.work import Task, TaskFailed
from nervesys.clock import Clock
from nervesys.contract.logs import MAX_TOKENS
from nervesys.contract.messages import AgentMessage
from nervesys.contract.tasks import Ratio, TaskQueue, TaskText

MAX_RUNNING = 100
"""Most tasks of a program that are followed at once; the oldest is forgotten for a further one."""


class TaskState(StrEnum):
    """What happened to a task."""

    STARTED = "started"
    PROGRESS = "progress"
    RETRIED = "retried"
    COMPLETED = "completed"
    FAILED = "failed"
    VERIFIED = "verified"
    REJECTED = "rejected"


class TaskLine(BaseModel):
    """A report about a task; a task is known by its name and id.

    Attributes:
        tokens: that the task has used so far.
        details: what the task or step is about; the same ones again and again count as a loop.
        error: why it failed.
    """

    state: TaskState
    name: TaskText = "task"
    id: TaskText | None = None
    step: TaskText | None = None
    progress: Ratio | None = None
    tokens: int | None = Field(default=None, ge=0, le=MAX_TOKENS)
    model: str | None = None
    limit_seconds: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    details: dict[str, Any] = Field(default_factory=dict)
    error: str = "no reason given"


class _Report(BaseModel):
    task: TaskLine | None = None
    queue: TaskQueue | None = None
    message: AgentMessage | None = None


class TaskLines:
    """Follows the tasks of one wrapped program.

    Args:
        agent: whose work they are.
        clock: of their durations.
    """

    def __init__(self, agent: Agent, clock: Clock) -> None:
        self._agent, self._clock = agent, clock
        self._running: dict[tuple[str, str | None], Task] = {}

    def take(self, line: str) -> bool:
        """Take in a line; returns False for one that is no report, which is then logged."""
        if not line.startswith("{"):
            return False
        try:
            report = _Report.model_validate(json.loads(line))
        except (ValueError, ValidationError, RecursionError):
            return False
        if report.queue and report.queue.waiting is not None:
            self._agent.work.set_queue(report.queue.waiting, report.queue.oldest)
        if report.task:
            self._take_task(report.task)
        if report.message:
            log_message(self._agent.log, report.message)
        return bool(report.task or report.queue or report.message)

    def _take_task(self, line: TaskLine) -> None:
        work, key = self._agent.work, (line.name, line.id)
        if line.state in (TaskState.VERIFIED, TaskState.REJECTED):
            work.count_optional(line.state)
            return
        task = self._running.get(key)
        if task is None or line.state is TaskState.STARTED:
            task = self._start(key, line)
        task.tokens = task.tokens if line.tokens is None else line.tokens
        task.model = line.model or task.model
        if line.state is TaskState.RETRIED:
            work.retry(task)
        elif line.state in (TaskState.COMPLETED, TaskState.FAILED):
            del self._running[key]
            error = TaskFailed(line.error) if line.state is TaskState.FAILED else None
            self._agent.end_task(task, self._clock() - task.started_at, error)
        elif line.state is TaskState.PROGRESS:
            work.report(task, line.step, line.progress, line.details)

    def _start(self, key: tuple[str, str | None], line: TaskLine) -> Task:
        """Begin to follow a task; one that was lost, or never ended, is dropped without being counted."""
        too_many = max(len(self._running) - MAX_RUNNING + 1, 0)
        for lost in [key] if key in self._running else list(self._running)[:too_many]:
            self._agent.work.abandon(self._running.pop(lost))
        context = line.details if line.state is TaskState.STARTED else {}
        task = Task(line.name, context=dict(context), id=line.id, limit_seconds=line.limit_seconds)
        self._running[key] = task
        self._agent.work.begin(task)
        return task
