"""What people order by hand. It is journalled, and carried out by the receiver as its own decisions are.

Each returns what changed, or None where the episode is not one to which this can be done.
"""

from collections.abc import Callable

from sqlalchemy import Connection

from alerting.actions import RESTART_AGENT
from alerting.journal import Change, State, episodes
from alerting.receiver.case import Verdict

BY_HAND = "by hand"
"""Stands where an episode has the name of an alert."""

CANCELLABLE = (State.PENDING, State.DEFERRED, State.SUCCEEDED)
"""It waits, and neither for a driver call nor for people."""
LET_GO = {"lease_owner": None, "lease_until": None}
"""A receiver that is deciding about the episode at this moment writes nothing, for it has changed under its hands."""

Order = Callable[[Connection, str, int, float], list[Change] | None]


def restart(connection: Connection, agent: str, _: int, now: float) -> list[Change] | None:
    """Restart an agent now, whatever the receiver would do; a driver call that is under way is not doubled."""
    episode = episodes.latest(connection, RESTART_AGENT, agent)
    if episode is None or not episode.open:
        episode = episodes.open_episode(connection, RESTART_AGENT, agent, BY_HAND, "people look after it", now)
    if episode.state is State.RUNNING:
        return None
    detail = "people want it restarted now"
    return episodes.decide(connection, episode, State.PENDING, Verdict.ORDERED, detail, now, due_at=now, **LET_GO)


def cancel(connection: Connection, agent: str, episode_id: int, now: float) -> list[Change] | None:
    """End an episode that waits; the firing that opened it opens no other."""
    episode = episodes.latest(connection, RESTART_AGENT, agent)
    if episode is None or episode.id != episode_id or episode.state not in CANCELLABLE:
        return None
    detail = "people cancelled it"
    return episodes.decide(connection, episode, State.FAILED, Verdict.CANCELLED, detail, now, due_at=None, **LET_GO)


def acknowledge(connection: Connection, _: str, episode_id: int, now: float) -> list[Change] | None:
    """Take over an escalated episode; the latch of the blast radius is released so too."""
    return episodes.acknowledge(connection, episode_id, now)


ORDERS: dict[str, Order] = {"restart": restart, "cancel": cancel, "acknowledge": acknowledge}
