"""The values of the journal: states, episodes, and changes of state."""

from dataclasses import dataclass
from enum import StrEnum

FIRING = "firing"
"""Status of an alert that is not resolved."""
FLEET = "*"
"""Stands for the whole fleet where an agent's name is expected; no agent can be named so."""


class ActionState(StrEnum):
    """Where an action stands.

    `pending → running → succeeded → recovered` is the good way. `deferred` waits for an instant or a condition,
    `waiting_for_approval` for a person; `escalated` asks for people and stays open until proof or acknowledgement.
    `skipped`, `failed`, `rejected` end it.
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
    WAITING_FOR_APPROVAL = "waiting_for_approval"


OPEN_STATES = (
    ActionState.PENDING,
    ActionState.RUNNING,
    ActionState.SUCCEEDED,
    ActionState.DEFERRED,
    ActionState.ESCALATED,
    ActionState.WAITING_FOR_APPROVAL,
)
"""An episode in one of these absorbs every alert of its action and agent."""


class EpisodeVerdict(StrEnum):
    """The reason for an episode's state: the last thing that was received, seen, decided, ordered or done."""

    UNKNOWN_AGENT = "unknown_agent"
    UNKNOWN_ACTION = "unknown_action"
    BLIND = "blind"
    FIRST_SIGN = "first_sign"
    PROVEN = "proven"
    FRESH = "fresh"
    QUIET = "quiet"
    STILL_FIRING = "still_firing"
    PROGRESSING = "progressing"
    NO_PROGRESS = "no_progress"
    STARTING = "starting"
    NOT_WORKING = "not_working"
    STOPPED = "stopped"
    STOPPING = "stopping"
    WAITING = "waiting"
    NO_PROOF = "no_proof"
    MAINTENANCE = "maintenance"
    RESTART_DISABLED = "restart_disabled"
    UNREACHABLE_SERVER = "unreachable_server"
    SETTLING = "settling"
    ATTEMPTS_EXHAUSTED = "attempts_exhausted"
    BACKING_OFF = "backing_off"
    COOLING_DOWN = "cooling_down"
    FLAPPING = "flapping"
    BLAST_RADIUS = "blast_radius"
    CAPPED = "capped"
    OBSERVED = "observed"
    DUPLICATE_AGENT = "duplicate_agent"
    ORDERED = "ordered"
    CANCELLED = "cancelled"
    HELD = "held"
    NO_BUDGET = "no_budget"
    ACT = "act"
    RECEIVED = "received"
    CALLED = "called"
    DRIVER_ERROR = "driver_error"
    DRIVER_FAILED = "driver_failed"
    NO_RESOURCES = "no_resources"
    ACKNOWLEDGED = "acknowledged"
    WAITING_FOR_APPROVAL = "waiting_for_approval"
    APPROVED = "approved"
    REFUSED = "refused"
    SILENCED = "silenced"
    NOT_APPROVED = "not_approved"


@dataclass(frozen=True)
class Episode:
    """One row of `episodes`: everything about healing one agent once. Instants are Unix seconds.

    Attributes:
        test: observed only, never acted upon.
        alert: name of the alert that opened it.
        verdict: name of the last decision.
        detail: that decision in words.
        due_at: when to look at the agent next; None for not before an alert of it is received.
        attempts: driver calls in this episode.
        driver_errors: driver errors in a row, up to the last call.
        attempt_at: when the last attempt began.
        baseline: the agent's `instance_id` before the last attempt; empty where it had none.
        sign: new instance and version of the state object in which it was first seen.
        waited: seconds since the last attempt in which the store could be read.
        looked_at: when the receiver last looked, whether or not it could read the store.
        trial_of: id of the fleet's incident whose trial this episode is.
        lease_owner: the receiver that has the lease: it alone decides about the episode and calls the driver.
        lease_until: end of the lease, after which another receiver may claim the episode.
    """

    id: int
    action: str
    agent: str
    test: bool
    alert: str
    state: ActionState
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
        """Whether it has not ended, so that further alerts join it."""
        return self.closed_at is None


ENDED_BY_PEOPLE = (EpisodeVerdict.REFUSED, EpisodeVerdict.SILENCED)
"""Verdicts of episodes that no alert opens again while the firing lasts. Those that failed stay ended for it, too."""


@dataclass(frozen=True)
class StateChange:
    """An action entered a state; counted and logged once that is committed."""

    agent: str
    action: str
    state: ActionState
    detail: str = ""
