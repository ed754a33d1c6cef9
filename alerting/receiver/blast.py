"""The blast radius: where much of the fleet is down at once, the cause is likely common, and restarts are held back.

An open episode of the agent `*` is the latch, so the journal keeps it and people see one incident. The first few
agents are restarted one by one; the rest wait for their proof.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from alerting.journal.states import Episode, State


@dataclass(frozen=True)
class Radius:
    """How much of the fleet may be down before restarts are held back, and how many are then tried first."""

    share: float
    at_least: int
    trial: int

    def tripped(self, down: int, fleet: int) -> bool:
        """Whether more than the share of the fleet is down, and no fewer than it takes."""
        return down >= self.at_least and down > self.share * fleet


@dataclass(frozen=True)
class Incident:
    """What is known of the latch.

    Attributes:
        open: the latch, where it holds.
        trials: the episodes that were let through for trial.
        waiting: open episodes that are held back.
        released_at: when the latch before it was released; who fell before that has waited long enough.
    """

    open: Episode | None = None
    trials: tuple[Episode, ...] = ()
    waiting: int = 0
    released_at: float | None = None

    @property
    def trying(self) -> bool:
        """Whether a trial has not ended yet; one that was escalated is not waited for."""
        return any(trial.open and trial.state is not State.ESCALATED for trial in self.trials)

    def released(self, radius: Radius) -> bool:
        """Whether every trial has ended well, and there are enough of them or nobody is left to try."""
        ended = bool(self.trials) and not any(trial.open for trial in self.trials)
        return ended and (len(self.trials) >= radius.trial or not self.waiting)


@dataclass(frozen=True)
class Admission:
    """Who may act now.

    Attributes:
        allowed: ids of episodes whose agents may be restarted.
        trial: of them, the one that is a new trial.
        trips: whether the latch closes now.
    """

    allowed: frozenset[int]
    trial: int | None = None
    trips: bool = False


def admit(wanting: Sequence[Episode], incident: Incident, down: int, fleet: int, radius: Radius) -> Admission:
    """Who of those that want to act may do so.

    Args:
        wanting: episodes about to act, longest waiting first.
        incident: the latch as the journal has it.
        down: configured agents that are silent, by the receiver's own look.
        fleet: configured agents.
        radius: the limits.
    """
    tried = {trial.id for trial in incident.trials}
    free = {one.id for one in wanting if one.id in tried or one.opened_at <= (incident.released_at or 0)}
    held = [one.id for one in wanting if one.id not in free]
    trips = incident.open is None and radius.tripped(down, fleet)
    if incident.open is None and not trips:
        return Admission(frozenset(free.union(held)))
    if not held or incident.trying or len(tried) >= radius.trial:
        return Admission(frozenset(free), trips=trips and bool(held))
    return Admission(frozenset(free | {held[0]}), held[0], trips)
