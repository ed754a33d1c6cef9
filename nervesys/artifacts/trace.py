"""Traces and their steps: the units of work that artifacts belong to."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from nervesys.artifacts.manifest import Creator, Key
from nervesys.contract.objects import Instant

MAX_MEMBERS = 1000


class Progress(StrEnum):
    """State of a trace or a step."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED = frozenset(Progress) - {Progress.RUNNING}


class Update(BaseModel):
    """An agent's report of the progress of a trace or a step.

    Attributes:
        at: when the state changed, by the agent's clock.
        members: agents to add to the trace.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    status: Progress = Progress.RUNNING
    at: Instant
    members: tuple[Creator, ...] = Field(default=(), max_length=MAX_MEMBERS)


class Step(BaseModel):
    """One step of a trace.

    Attributes:
        agent: the agent that works on it.
        ended_at: Unix seconds; None while it runs.
    """

    model_config = ConfigDict(frozen=True)

    id: Key
    agent: Creator
    status: Progress
    started_at: Instant
    ended_at: Instant | None = None


class Trace(BaseModel):
    """A unit of work of one agent or several.

    Attributes:
        owner: the agent that began it.
        members: the agents that take part, the owner among them.
        ended_at: Unix seconds; None while it runs.
    """

    model_config = ConfigDict(frozen=True)

    id: Key
    owner: Creator
    members: tuple[Creator, ...]
    status: Progress
    started_at: Instant
    ended_at: Instant | None = None
    steps: tuple[Step, ...] = ()
