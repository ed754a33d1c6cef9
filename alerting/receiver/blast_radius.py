"""The blast radius: where a large share of the fleet is down at once, most restarts are held back.

The cause is then likely a common one, which restarts do not mend. An open episode of the agent `*`, the incident, is
kept in the journal while that holds, so that all receivers go by it and people see one incident. A few agents are
restarted as a trial, one by one; the others wait until those have recovered.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from alerting.journal.states import ActionState, Episode


@dataclass(frozen=True)
class BlastRadius:
    """How much of the fleet may be down before restarts are held back, and how many are then tried first."""

    share: float
    at_least: int
    trial: int

    def is_exceeded(self, down: int, fleet: int) -> bool:
        """Whether more than the share of the fleet is down, and no fewer than it takes."""
        return down >= self.at_least and down > self.share * fleet


@dataclass(frozen=True)
class FleetIncident:
    """The incident as the journal has it.

    Attributes:
        open: the open incident; None where there is none.
        trials: the episodes that were let through for trial.
        waiting: open episodes that are held back.
        released_at: when the last incident ended; episodes from before that may act.
    """

    open: Episode | None = None
    trials: tuple[Episode, ...] = ()
    waiting: int = 0
    released_at: float | None = None

    @property
    def trying(self) -> bool:
        """Whether a trial has not ended yet; one that was escalated is not waited for."""
        return any(trial.open and trial.state is not ActionState.ESCALATED for trial in self.trials)

    def released(self, radius: BlastRadius) -> bool:
        """Whether every trial has ended well, and there are enough of them or nobody is left to try."""
        ended = bool(self.trials) and not any(trial.open for trial in self.trials)
        return ended and (len(self.trials) >= radius.trial or not self.waiting)


@dataclass(frozen=True)
class Admission:
    """Who may act now.

    Attributes:
        allowed: ids of episodes whose agents may be restarted.
        trial: of them, the one that is a new trial.
        trips: whether an incident is opened now.
    """

    allowed: frozenset[int]
    trial: int | None = None
    trips: bool = False


def admit_restarts(
    candidates: Sequence[Episode], incident: FleetIncident, down: int, fleet: int, radius: BlastRadius
) -> Admission:
    """Who of those that want to act may do so.

    Args:
        candidates: episodes about to act, longest waiting first.
        incident: as the journal has it.
        down: number of configured agents without a fresh heartbeat.
        fleet: number of configured agents.
        radius: the limits.
    """
    tried = {trial.id for trial in incident.trials}
    free = {
        episode.id for episode in candidates if episode.id in tried or episode.opened_at <= (incident.released_at or 0)
    }
    held = [episode.id for episode in candidates if episode.id not in free]
    trips = incident.open is None and radius.is_exceeded(down, fleet)
    if incident.open is None and not trips:
        return Admission(frozenset(free.union(held)))
    if not held or incident.trying or len(tried) >= radius.trial:
        return Admission(frozenset(free), trips=trips and bool(held))
    return Admission(frozenset(free | {held[0]}), held[0], trips)
