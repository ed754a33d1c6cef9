"""The input and the result of a decision about one agent, as plain values."""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from alerting.actions import Proof
from alerting.journal.states import ActionState, Episode, EpisodeVerdict
from alerting.receiver.causes import RestartCause
from alerting.receiver.firing import Firing
from alerting.receiver.progress import has_nothing_to_do, has_progressed, refutes
from nervesys.contract import AgentState, Instances, Status
from nervesys.settings.thresholds import ProgressThresholds

WORKING = (Status.RUNNING, Status.IDLE)
NO_INSTANCES = Instances()
"""No instance of the agent was seen yet."""


@dataclass(frozen=True)
class AgentObservation:
    """The state of one agent as read from the store.

    Attributes:
        blind: why the agent cannot be judged; empty when it can.
        age: seconds since the last heartbeat, by the store's clock; infinite where there is none, or only one in the
            future.
        version: ETag of the state object; it changes with every heartbeat.
        state: None where there is none, or where it cannot be read.
    """

    blind: str = ""
    age: float = math.inf
    version: str = ""
    state: AgentState | None = None

    @property
    def server(self) -> str:
        """Where the agent last wrote from; empty where it is not known."""
        return (self.state.server if self.state else None) or ""

    @property
    def instance(self) -> str:
        """Which instance last wrote; empty where it is not known."""
        return (self.state.instance_id if self.state else None) or ""


@dataclass(frozen=True)
class Policy:
    """The times and numbers that decisions go by; seconds.

    Attributes:
        grace: a heartbeat no older than this is fresh.
        down: a silence longer than this is one that alerts.
        check_interval: between two checks.
        settle: that a new episode waits before it acts, so that agents that go down together are counted together.
        proof: in which a restarted agent must prove that it works: its start, and two heartbeats.
        cooldown: between two attempts on one agent.
        window: in which attempts are counted.
        flap_window: in which recoveries are counted.
        flaps: recoveries in that window after which people are asked instead of restarting again.
        observe: decide and journal, but call no driver.
        approval: that people have to approve an action.
        heartbeat: between two heartbeats of an agent; 0 where it is not known.
    """

    grace: float
    down: float
    check_interval: float
    settle: float
    proof: float
    cooldown: float
    window: float
    flap_window: float
    flaps: int
    observe: bool = False
    approval: float = 3600
    heartbeat: float = 0


@dataclass(frozen=True)
class Eligibility:
    """What the brain and the receiver's local file allow for an agent.

    Attributes:
        configured: it is in the brain.
        may_restart: its file allows it.
        max_attempts: in the window.
        unreachable: why no driver reaches it; empty when one does.
        may_stop: a budget permits that it is stopped.
        held: it was stopped because a budget is spent, and not started since.
        progress: its thresholds of progress; None where the alerts are about something else.
        maintenance: the maintenance window or silence that is in force; empty where there is none.
        proof: what proves the episode's action; None where this receiver has no such action.
    """

    configured: bool = True
    may_restart: bool = True
    max_attempts: int = 3
    unreachable: str = ""
    maintenance: str = ""
    proof: Proof | None = Proof.NEW_INSTANCE
    may_stop: bool = False
    held: bool = False
    progress: ProgressThresholds | None = None


@dataclass(frozen=True)
class Case:
    """Everything that a decision about one episode needs.

    Attributes:
        attempts: when attempts of this action on this agent began, oldest first, across episodes.
        now: Unix seconds.
        recoveries: of this agent in the window of flaps, across episodes.
        instances: that were seen under its name, this observation's among them.
        causes: the episode's alerts that are not about silence.
        firing: names of those of them that fire now; None where that cannot be found out.
        cause_gone: its attempts failed for the cause of an incident that others have recovered from since; they are not
            among `attempts`.
    """

    episode: Episode
    observation: AgentObservation
    eligibility: Eligibility
    attempts: tuple[float, ...]
    policy: Policy
    now: float
    recoveries: int = 0
    instances: Instances = NO_INSTANCES
    causes: tuple[RestartCause, ...] = ()
    firing: frozenset[str] | None = frozenset()
    cause_gone: bool = False

    @property
    def age(self) -> float:
        """Seconds since the episode began; never negative, for a clock may have been set back since."""
        return abs(self.now - self.episode.opened_at)

    @property
    def restarts(self) -> bool:
        """Whether the action restarts the agent, so that the blast radius and the cap of restarts apply."""
        return self.eligibility.proof is Proof.NEW_INSTANCE

    @property
    def stops(self) -> bool:
        """Whether the action stops the agent, of which there is an hourly cap too."""
        return self.eligibility.proof is Proof.STOPPED

    @property
    def acted(self) -> bool:
        """Whether an attempt of this episode may still prove itself."""
        return self.episode.attempt_at is not None

    @property
    def escalated(self) -> bool:
        """Whether people have been asked."""
        return self.episode.state is ActionState.ESCALATED

    @property
    def ordered(self) -> bool:
        """Whether an operator ordered the restart, which the limits do not hold back."""
        return self.episode.verdict == EpisodeVerdict.ORDERED

    @property
    def fresh(self) -> bool:
        """Whether the last heartbeat is recent."""
        return self.observation.age <= self.policy.grace

    @property
    def instance(self) -> str:
        """`instance_id` of the newest state; empty where none is known."""
        return self.observation.instance

    @property
    def duplicated(self) -> bool:
        """Whether two instances of the agent write in turn, which means that both run."""
        return self.instances.is_alternating(self.now, self.policy.down)

    @property
    def replaced(self) -> bool:
        """Whether the state comes from another instance than before the attempt."""
        return self.instance not in ("", self.episode.baseline)

    @property
    def firing_causes(self) -> tuple[RestartCause, ...]:
        """The causes for which the agent is to be restarted though its heartbeat is fresh."""
        return tuple(cause for cause in self.causes if cause.alert in (self.firing or ()))

    @property
    def progress_subjects(self) -> frozenset[str]:
        """What the alerts are about that say that the agent gets nowhere."""
        return frozenset(cause.subject for cause in self.causes if cause.subject)

    @property
    def refuted(self) -> bool:
        """Whether all that fires is about progress, and the agent's state shows that it makes progress."""
        firing, limits = self.firing_causes, self.eligibility.progress
        if not firing or limits is None or not all(cause.subject for cause in firing):
            return False
        return refutes(self.observation.state, frozenset(cause.subject for cause in firing), limits)

    @property
    def lacks_progress(self) -> bool:
        """Whether a new instance has yet to show the progress that proves the restart; an idle agent is given time."""
        if not self.progress_subjects or has_progressed(self.observation.state, self.progress_subjects):
            return False
        return not has_nothing_to_do(self.observation.state) or self.waited < self.policy.proof

    @property
    def firing_unknown(self) -> bool:
        """Whether nothing can be decided, because the agent is not silent and its alerts cannot be asked for."""
        return bool(self.causes) and self.firing is None and self.fresh

    @property
    def proof_seconds(self) -> float:
        """How long proof is waited for: longer where a new instance runs that must get to work, or its alert quiet."""
        running = self.replaced and self.working and self.fresh
        quiet = max((cause.quiet_seconds for cause in self.firing_causes), default=0.0) if running else 0.0
        limits = self.eligibility.progress
        work = limits.none_after_seconds if running and limits is not None and self.progress_subjects else 0.0
        return self.policy.proof + max(quiet, work)

    @property
    def working(self) -> bool:
        """Whether the agent's status is one of work: running or idle."""
        return self.observation.state is not None and self.observation.state.status in WORKING

    @property
    def stopping(self) -> bool:
        """Whether the agent's status is `stopping` though no restart of ours can be the cause."""
        stopping = self.observation.state is not None and self.observation.state.status is Status.STOPPING
        return stopping and not self.acted and not self.escalated

    @property
    def waited(self) -> float:
        """Seconds since the attempt in which the receiver could see the store.

        Time in which the store was unreadable does not count, and a gap between two checks counts for two intervals at
        most: the receiver may have been down, or its clock may have been set.
        """
        if self.observation.blind or self.firing_unknown or self.episode.looked_at is None:
            return self.episode.waited
        return self.episode.waited + min(max(self.now - self.episode.looked_at, 0), 2 * self.policy.check_interval)


@dataclass(frozen=True)
class Decision:
    """What to do about an episode, and what to write to its row.

    Attributes:
        state: that the episode enters, or stays in.
        due_at: when to check next, Unix seconds; None until an alert is received.
        fields: further columns of the episode.
    """

    verdict: EpisodeVerdict
    state: ActionState
    detail: str
    due_at: float | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)


def with_causes(case: Case, names: Collection[str], causes: Mapping[str, RestartCause], firing: Firing | None) -> Case:
    """A case with the causes of its restart that are not silence.

    Where silence is no cause at all, only one that would alert counts: the agent may be restarted for it, too.

    Args:
        case: without them.
        names: of the alerts that joined the episode.
        causes: by alertname, those of all alerts.
        firing: the alerts that fire; None where that cannot be found out.
    """
    found = tuple(causes[name] for name in sorted(names) if name in causes)
    if not found:
        return case
    agent, test = case.episode.agent, case.episode.test
    own = None if firing is None else frozenset(cause.alert for cause in found if (cause.alert, agent, test) in firing)
    silence = len(found) < len(names)
    policy = case.policy if silence else replace(case.policy, grace=case.policy.down)
    return replace(case, causes=found, firing=own, policy=policy)


def stay(case: Case, verdict: EpisodeVerdict, detail: str, **fields: Any) -> Decision:
    """Check again at the next interval; an episode that was acted upon or escalated keeps its state."""
    state = case.episode.state if case.acted or case.escalated else ActionState.DEFERRED
    return Decision(verdict, state, detail, case.now + case.policy.check_interval, fields)


def escalate(case: Case, verdict: EpisodeVerdict, detail: str) -> Decision:
    """Ask people; the instance that ran before the last attempt remains the one to be replaced."""
    baseline = case.episode.baseline if case.acted else case.instance
    return Decision(
        verdict, ActionState.ESCALATED, detail, case.now + case.policy.check_interval, {"baseline": baseline}
    )
