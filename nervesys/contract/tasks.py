"""What an agent reports of its work: the running task, ended tasks, its queue. All of it is optional."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from nervesys.contract.objects import BoundedObject, Count, Instant

TEXT_LIMIT = 200
"""Longest name, id or step of a task, in characters; longer ones are truncated."""


def _text(value: object) -> object:
    """Numbers are accepted as steps and ids, because many programs number them."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = f"{value:g}" if isinstance(value, float) else str(value)
    return value[:TEXT_LIMIT] if isinstance(value, str) else value


TaskText = Annotated[str, BeforeValidator(_text)]
Ratio = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class CurrentTask(BoundedObject):
    """The newest running task.

    Attributes:
        id: which task of that name it is, such as an issue's number.
        step: what it does at the moment.
        progress: share that is done, 0 to 1.
        retries: how often it was started again.
        limit_seconds: after which it counts as stuck: the author's own, or 4 times the 95th percentile of earlier tasks
            of that name; absent where neither is known.
    """

    id: TaskText | None = None
    name: TaskText | None = None
    started_at: Instant | None = None
    step: TaskText | None = None
    progress: Ratio | None = None
    retries: Count | None = None
    limit_seconds: Count | None = None


def _named_task(value: Any) -> Any:
    """Agents before 1.1 wrote the name alone."""
    return {"name": value} if isinstance(value, str) else value


RunningTask = Annotated[CurrentTask, BeforeValidator(_named_task)]


class Tasks(BoundedObject):
    """Number of ended tasks since the start.

    Attributes:
        retried: starts of a task after the first.
        verified: results that a check or a person accepted.
        rejected: results that a check or a person refused.
    """

    completed: Count = 0
    failed: Count = 0
    retried: Count | None = None
    verified: Count | None = None
    rejected: Count | None = None


class TaskQueue(BoundedObject):
    """Tasks that wait for the agent.

    Attributes:
        oldest: since when the oldest of them waits.
    """

    waiting: Count | None = None
    oldest: Instant | None = None


class RepeatedAction(BoundedObject):
    """The newest action with arguments, and how often it was done in a row with the same ones.

    Attributes:
        action: name of the task, step or tool.
        times: 1 for an action that was not repeated.
    """

    action: TaskText
    times: Count
