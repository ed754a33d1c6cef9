"""Applies the limits of the whole fleet to the decisions of one turn: the blast radius, and the hourly cap of restarts.

All of it runs in the transaction in which the decisions are written, which runs alone, so no other receiver checks the
limits meanwhile.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import ceil

from sqlalchemy import Connection

from alerting.actions import REMEDIES, RESTART_AGENT, STOP_AGENT, Proof
from alerting.journal import OPEN_STATES, ActionState, Episode, EpisodeVerdict, StateChange, episodes, incidents
from alerting.journal.states import FLEET
from alerting.receiver.blast_radius import Admission, BlastRadius, FleetIncident, admit_restarts
from alerting.receiver.decision_input import Case, Decision
from nervesys.plural import count

HOUR_SECONDS = 3600
HELD_CHECKS = 4
"""Intervals between two looks at an agent that is held back: thousands may be, and room wakes those that it is for."""
NO_TRIALS = incidents.Trials({})

Decisions = Sequence[tuple[Case, Decision]]


@dataclass
class TurnLimits:
    """What the limits allow in one turn.

    Attributes:
        admission: which episodes the blast radius lets through.
        room: restarts that are left of the hour's; those that an incident lets through are limited by proof instead.
        stops: that are left of the hour's.
        incident: id of the fleet's open incident, if there is one.
    """

    admission: Admission
    room: int
    stops: int
    incident: int | None

    def apply(self, case: Case, decision: Decision) -> Decision:
        """The decision, or a deferral where the blast radius or the hourly cap of restarts does not allow it."""
        if case.stops and decision.verdict is EpisodeVerdict.ACT and self.stops <= 0:
            detail = "the hourly cap of stops is reached"
            return Decision(EpisodeVerdict.CAPPED, ActionState.DEFERRED, detail, case.now + case.policy.check_interval)
        if not _is_limited(case, decision):
            return decision
        if case.episode.id not in self.admission.allowed:
            verdict = EpisodeVerdict.BLAST_RADIUS
            detail = "a large share of the fleet is down; waiting for proof of the restarts before it"
        elif self.room <= 0 and not self._is_let_through(case.episode):
            verdict, detail = EpisodeVerdict.CAPPED, "the hourly cap of restarts is reached"
        else:
            return decision
        return Decision(verdict, ActionState.DEFERRED, detail, case.now + HELD_CHECKS * case.policy.check_interval)

    def trial_of(self, episode: Episode) -> int | None:
        """The incident that the episode is a trial of."""
        return self.incident if self.incident and episode.id in self.admission.admitted else episode.trial_of

    def count_attempt(self, case: Case) -> None:
        """Count an attempt that has begun."""
        self.stops -= case.stops
        self.room -= case.restarts and not self._is_let_through(case.episode)

    def _is_let_through(self, episode: Episode) -> bool:
        return self.incident is not None and self.trial_of(episode) == self.incident


@dataclass(frozen=True)
class RestartCap:
    """Restarts of the whole fleet in an hour.

    Attributes:
        fixed: the number; None where it follows the fleet.
        share: of the configured agents.
        at_least: however small the fleet is.
    """

    fixed: int | None = None
    share: float = 0.1
    at_least: int = 60

    def of(self, fleet: int) -> int:
        """The cap of a fleet of so many agents."""
        return max(ceil(self.share * fleet), self.at_least) if self.fixed is None else self.fixed


@dataclass(frozen=True)
class FleetLimits:
    """The limits of the whole fleet.

    Attributes:
        radius: how much of the fleet may be down at once before restarts are held back.
        cap: restarts of the whole fleet in an hour.
    """

    radius: BlastRadius
    cap: RestartCap

    def open_turn(
        self,
        connection: Connection,
        decisions: Decisions,
        affected: int,
        fleet: int,
        now: float,
        unapproved: Collection[int] = (),
    ) -> tuple[TurnLimits, list[StateChange]]:
        """Open or end the fleet's incident; returns what this turn may do, and what changed.

        Args:
            connection: an open transaction that runs alone.
            decisions: of this turn.
            affected: number of agents that are down, or to be restarted for another cause.
            fleet: number of configured agents.
            now: Unix seconds.
            unapproved: ids of episodes that will wait for approval where the limits let them act.
        """
        incident = read_incident(connection, now)
        admission = admit_restarts(restarts_wanted(decisions), incident, affected, fleet, self.radius, unapproved)
        changes = self._latch(connection, incident, admission, now)
        if incident.waiting and not admission.trips:
            room = incident.room(self.radius) - len(admission.admitted) if incident.open else incident.waiting
            incidents.wake_held(connection, RESTART_AGENT, now, max(room, 0))
        latch = incidents.open_incident(connection, RESTART_AGENT)
        room = self.cap.of(fleet) - episodes.count_attempts(connection, _restarting(), now - HOUR_SECONDS)
        stops = self.cap.of(fleet) - episodes.count_attempts(connection, [STOP_AGENT], now - HOUR_SECONDS)
        return TurnLimits(admission, room, stops, latch.id if latch else None), changes

    def _latch(
        self, connection: Connection, incident: FleetIncident, admission: Admission, now: float
    ) -> list[StateChange]:
        """Open the fleet's incident where the blast radius is exceeded; end it once nobody waits any more."""
        if admission.trips:
            detail = "a large share of the fleet is down; trial restarts first, then waves as proof arrives"
            episodes.open_episode(
                connection, RESTART_AGENT, FLEET, EpisodeVerdict.BLAST_RADIUS, detail, now, state=ActionState.ESCALATED
            )
            return [StateChange(FLEET, RESTART_AGENT, ActionState.ESCALATED, detail)]
        if incident.open is not None and incident.over:
            detail = f"{count(incident.proven, 'agent')} recovered, and nobody waits"
            return episodes.decide(connection, incident.open, ActionState.RECOVERED, EpisodeVerdict.PROVEN, detail, now)
        return []


def restarts_wanted(decisions: Decisions) -> list[Episode]:
    """The episodes of which the limits may hold a restart back."""
    return [case.episode for case, decision in decisions if _is_limited(case, decision)]


def restarted_for_cause(connection: Connection, causes: Collection[str]) -> set[str]:
    """The agents that are being restarted, or wait for it, because of an alert that is not about silence."""
    return episodes.agents_with_open(connection, RESTART_AGENT, causes) if causes else set()


def _is_limited(case: Case, decision: Decision) -> bool:
    """Whether the decision is a restart that the blast radius and the hourly cap may hold back."""
    return decision.verdict is EpisodeVerdict.ACT and case.restarts and not case.ordered


def _restarting() -> list[str]:
    """The actions that restart agents."""
    return [name for name, remedy in REMEDIES.items() if remedy.PROOF is Proof.NEW_INSTANCE]


def read_incident(connection: Connection, now: float) -> FleetIncident:
    """The incident as the journal has it."""
    latch = incidents.open_incident(connection, RESTART_AGENT)
    trials = incidents.read_trials(connection, latch.id) if latch else NO_TRIALS
    by_state = {**trials.by_state}
    by_state.pop(ActionState.WAITING_FOR_APPROVAL, None)  # a person may take an hour: another agent is tried meanwhile
    unfinished = sum(number for state, number in by_state.items() if state in OPEN_STATES)
    proven = by_state.get(ActionState.RECOVERED, 0)  # what ended without proof counts for nothing
    return FleetIncident(
        open=latch,
        admitted=proven + unfinished,
        proven=proven,
        trying=unfinished > by_state.get(ActionState.ESCALATED, 0),
        waiting=episodes.count_with_verdict(connection, RESTART_AGENT, EpisodeVerdict.BLAST_RADIUS) + trials.forgiven,
        released_at=incidents.released_at(connection, RESTART_AGENT),
        first_proven=trials.first_proven,
        idle_seconds=abs(now - trials.last) if trials.last is not None else 0.0,
    )
