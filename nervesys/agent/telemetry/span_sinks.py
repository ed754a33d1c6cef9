"""What spans show of an agent's work goes here; apart from the modules that need OpenTelemetry's packages."""

from collections.abc import Callable
from dataclasses import dataclass

from nervesys.agent.logs.handler import LoggedRecord
from nervesys.agent.work import Task, Work


@dataclass(frozen=True)
class SpanSinks:
    """Where it goes.

    Attributes:
        work: of the agent.
        append: adds a record to the agent's log.
        end_task: counts and logs a task that has ended: the task, its seconds, and its error or None.
    """

    work: Work
    append: Callable[[LoggedRecord], None]
    end_task: Callable[[Task, float, Exception | None], None]
