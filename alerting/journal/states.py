"""What the journal's rows say: states, episodes, and how one entered a state."""

from dataclasses import dataclass
from enum import StrEnum

FIRING = "firing"
"""Status of an alert that is not over."""
FLEET = "*"
"""Stands for the whole fleet where an agent's name is expected; no agent can be named so."""


class State(StrEnum):
    """Where an action stands.

    `pending → running → succeeded → recovered` is the good way. `deferred` waits for an instant or a condition;
    `escalated` asks for people and stays open until proof or acknowledgement. `skipped`, `failed`, `rejected` end it.
    """

    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    RECOVERED = "recovered"
    DEFERRED = "deferred"
    SKIPPED = "skipped"
    ESCALATED = "escalated"
    FAILED = "failed"
    REJECTED = "rejected"


OPEN_STATES = (State.PENDING, State.RUNNING, State.SUCCEEDED, State.DEFERRED, State.ESCALATED)
"""An episode in one of these absorbs every alert of its action and agent."""


@dataclass(frozen=True)
class Episode:
    """One row of `episodes`: everything about healing one agent once. Instants are Unix seconds.

    Attributes:
        test: observed only, never acted upon.
        alert: name of the alert that opened it.
        verdict: name of the last decision.
        detail: that decision in words.
        due_at: when to look next; None leaves it until something is received.
        attempts: driver calls in this episode.
        driver_errors: of them, the last ones in a row that the driver could not carry out.
        attempt_at: when the last attempt began.
        baseline: the agent's `instance_id` before the last attempt; empty where it had none.
        sign: version of the state object in which a new instance was first seen.
        waited: seconds of clear sight since the last attempt; blind time does not count.
        looked_at: the last look, clear or blind.
        trial_of: the fleet's incident that this agent is a trial for.
        lease_owner: the receiver that decides about it, or makes a driver call.
        lease_until: after which another may take over.
    """

    id: int
    action: str
    agent: str
    test: bool
    alert: str
    state: State
    verdict: str
    detail: str
    opened_at: float
    updated_at: float
    closed_at: float | None
    due_at: float | None
    attempts: int
    driver_errors: int
    attempt_at: float | None
    baseline: str
    sign: str
    waited: float
    looked_at: float | None
    trial_of: int | None
    lease_owner: str | None
    lease_until: float | None
    driver: str
    server: str

    @property
    def open(self) -> bool:
        """Whether it still absorbs what is received."""
        return self.closed_at is None


@dataclass(frozen=True)
class Change:
    """An action entered a state: counted and logged once it is committed."""

    agent: str
    action: str
    state: State
    detail: str = ""
