"""The blast radius: where a large share of the fleet is down at once, most restarts are held back.

The cause is then likely a common one, which restarts do not mend. An open episode of the agent `*`, the incident, is
kept in the journal while that holds, so that all receivers go by it and people see one incident. A few agents are
restarted as a trial, one by one; once those have recovered, the others follow in waves that double as proof arrives.
While no trial recovers, another agent is tried from time to time, so that the end of the cause is noticed. Its proof
shows that the earlier ones failed for the common cause: they are restarted with the others.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from alerting.journal.states import Episode

GROWTH = 2
"""Restarts that each proof admits: waves of 2, 4, 8, … after two trials, without waiting for the slowest of a wave."""


@dataclass(frozen=True)
class BlastRadius:
    """How much of the fleet may be down before restarts are held back, and how many are then tried first.

    Attributes:
        share: of the fleet; more is a common cause.
        at_least: agents that must be down before the share counts.
        trial: agents that are tried first, one by one.
        pause: seconds after the last attempt until another agent is tried, where no trial recovers.
    """

    share: float
    at_least: int
    trial: int
    pause: float = 120.0

    def is_exceeded(self, down: int, fleet: int) -> bool:
        """Whether more than the share of the fleet is down, and no fewer than it takes."""
        return down >= self.at_least and down > self.share * fleet


@dataclass(frozen=True)
class FleetIncident:
    """The incident as the journal has it.

    Attributes:
        open: the open incident; None where there is none.
        admitted: number of episodes that were let through and are open, or ended with proof; without those that wait
            for approval, or whose last attempt is older than the first one that was proven.
        proven: of them, those that ended with proof.
        trying: whether one of them has not ended yet; one that was escalated or waits for approval is not waited for.
        waiting: open episodes that are held back.
        released_at: when the last incident ended; episodes from before that may act.
        first_proven: when the attempt began that was proven first; what failed before it failed for the cause.
        idle_seconds: since the last attempt began.
    """

    open: Episode | None = None
    admitted: int = 0
    proven: int = 0
    trying: bool = False
    waiting: int = 0
    released_at: float | None = None
    first_proven: float | None = None
    idle_seconds: float = 0.0

    def room(self, radius: BlastRadius) -> int:
        """How many more may be let through: trials one by one, then `GROWTH` for each proof."""
        wave = radius.trial + GROWTH * self.proven - self.admitted if self.proven >= radius.trial else 0
        may_try = not self.trying and (self.admitted < radius.trial or self.idle_seconds >= radius.pause)
        return max(wave, int(may_try))

    def failed_for_cause(self, episode: Episode) -> bool:
        """Whether the episode's attempts failed before the first proof, so that they say nothing about its agent."""
        if self.open is None or self.first_proven is None or episode.trial_of != self.open.id:
            return False
        return episode.attempt_at is not None and episode.attempt_at < self.first_proven

    @property
    def over(self) -> bool:
        """Whether restarts helped, nobody is held back and all that were let through have ended or are escalated."""
        return self.proven > 0 and not self.waiting and not self.trying


@dataclass(frozen=True)
class Admission:
    """Who may act now.

    Attributes:
        allowed: ids of episodes whose agents may be restarted.
        admitted: of them, those that the incident lets through now, as a trial or in a wave.
        trips: whether an incident is opened now.
    """

    allowed: frozenset[int]
    admitted: frozenset[int] = frozenset()
    trips: bool = False


def admit_restarts(
    candidates: Sequence[Episode],
    incident: FleetIncident,
    down: int,
    fleet: int,
    radius: BlastRadius,
    unapproved: Collection[int] = (),
) -> Admission:
    """Who of those that want to act may do so; of those held back, the longest waiting go first.

    Args:
        candidates: episodes about to act.
        incident: as the journal has it.
        down: number of configured agents without a fresh heartbeat.
        fleet: number of configured agents.
        radius: the limits.
        unapproved: ids of candidates that will wait for approval. As many are let through, to ask; they are no trials.
    """
    number = incident.open.id if incident.open else None
    free = {
        episode.id
        for episode in candidates
        if (number is not None and episode.trial_of == number and not incident.failed_for_cause(episode))
        or episode.opened_at <= (incident.released_at or 0)
    }
    held = sorted((episode for episode in candidates if episode.id not in free), key=_since)
    trips = incident.open is None and radius.is_exceeded(down, fleet)
    if incident.open is None and not trips:
        return Admission(frozenset(free.union(episode.id for episode in held)))
    room = incident.room(radius)
    admitted = frozenset([episode.id for episode in held if episode.id not in unapproved][:room])
    asking = [episode.id for episode in held if episode.id in unapproved][:room]
    return Admission(admitted.union(free, asking), admitted, trips=trips and bool(held))


def _since(episode: Episode) -> tuple[float, int]:
    return episode.opened_at, episode.id
