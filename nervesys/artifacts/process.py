"""Traces and their steps: the processes that artifacts belong to."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from nervesys.artifacts.manifest import Key
from nervesys.contract.state import AgentName, Instant

MAX_MEMBERS = 1000


class Progress(StrEnum):
    """How far a trace or a step is."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED = frozenset(Progress) - {Progress.RUNNING}


class Said(BaseModel):
    """What an agent says of a trace or a step.

    Attributes:
        at: when it became so, by the agent's clock.
        members: agents that join the trace; those that are there stay.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    status: Progress = Progress.RUNNING
    at: Instant
    members: tuple[AgentName, ...] = Field(default=(), max_length=MAX_MEMBERS)


class Step(BaseModel):
    """One step of a trace.

    Attributes:
        agent: that does it.
        ended_at: Unix seconds; None while it runs.
    """

    model_config = ConfigDict(frozen=True)

    id: Key
    agent: AgentName
    status: Progress
    started_at: Instant
    ended_at: Instant | None = None


class Trace(BaseModel):
    """One process, of one agent or several.

    Attributes:
        owner: who began it.
        members: who take part, the owner among them.
        ended_at: Unix seconds; None while it runs.
    """

    model_config = ConfigDict(frozen=True)

    id: Key
    owner: AgentName
    members: tuple[AgentName, ...]
    status: Progress
    started_at: Instant
    ended_at: Instant | None = None
    steps: tuple[Step, ...] = ()
