"""Reads the fleet's incident, which the blast radius opens, and the episodes that it let through or holds back."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, func, select, update

from alerting.journal.episodes import AT_ONCE, latest
from alerting.journal.states import FLEET, ActionState, Episode, EpisodeVerdict
from alerting.journal.tables import episodes

GIVEN_UP = (EpisodeVerdict.ATTEMPTS_EXHAUSTED, EpisodeVerdict.DRIVER_FAILED, EpisodeVerdict.WAITING)
"""Verdicts of an escalated episode that only waits for people."""


@dataclass(frozen=True)
class Trials:
    """The episodes that the fleet's incident let through.

    Attributes:
        by_state: how many are in each state. Those whose last attempt is older than that of the first proven one are
            left out: what failed before it, failed for the cause that is over now.
        first_proven: when the last attempt of the first one began that ended with proof, Unix seconds.
        last: when the last attempt of any began, Unix seconds.
        forgiven: those left out that were given up, and are to be tried again.
    """

    by_state: Mapping[ActionState, int]
    first_proven: float | None = None
    last: float | None = None
    forgiven: int = 0


def open_incident(connection: Connection, action: str) -> Episode | None:
    """The fleet's open incident, which the blast radius opens; None where there is none."""
    newest = latest(connection, action, FLEET)
    return newest if newest and newest.open else None


def released_at(connection: Connection, action: str) -> float | None:
    """When the fleet's last incident was closed."""
    mine = (episodes.c.action == action, episodes.c.agent == FLEET)
    instant: float | None = connection.execute(select(func.max(episodes.c.closed_at)).where(*mine)).scalar_one()
    return instant


def read_trials(connection: Connection, incident_id: int) -> Trials:
    """The episodes that an incident let through."""
    of_incident = (episodes.c.trial_of == incident_id,)
    columns = (episodes.c.state, func.count(), func.min(episodes.c.attempt_at), func.max(episodes.c.attempt_at))
    rows = connection.execute(select(*columns).where(*of_incident).group_by(episodes.c.state)).all()
    by_state = {ActionState(state): number for state, number, _, _ in rows}
    first_proven = next((first for state, _, first, _ in rows if state == ActionState.RECOVERED), None)
    last = max((at for *_, at in rows if at is not None), default=None)
    if first_proven is None:
        return Trials(by_state, None, last)
    unproven = (*of_incident, episodes.c.closed_at.is_(None), episodes.c.attempt_at < first_proven)
    before = select(episodes.c.state, episodes.c.verdict, func.count()).where(*unproven)
    forgiven = 0
    for state, verdict, number in connection.execute(before.group_by(*episodes.c["state", "verdict"])):
        by_state[ActionState(state)] -= number
        forgiven += number if verdict in GIVEN_UP else 0
    return Trials(by_state, first_proven, last, forgiven)


def wake_held(connection: Connection, action: str, now: float, limit: int) -> None:
    """Make the episodes due that the blast radius has held back for longest, at most so many."""
    held = (
        select(episodes.c.id)
        .where(episodes.c.action == action, episodes.c.closed_at.is_(None))
        .where(episodes.c.verdict == EpisodeVerdict.BLAST_RADIUS, episodes.c.due_at > now)
        .order_by(*episodes.c["opened_at", "id"])
        .limit(limit)
    )
    connection.execute(update(episodes).where(episodes.c.id.in_(held)).values(due_at=AT_ONCE))
