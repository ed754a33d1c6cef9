"""What operators order on the page: restart, cancel, acknowledge. An order is journalled; the healer carries it out.

Each function returns what changed, or None where the episode is not in a state in which this can be done.
"""

from collections.abc import Callable

from sqlalchemy import Connection

from alerting.actions import RESTART_AGENT
from alerting.journal import Change, State, Verdict, episodes

BY_HAND = "by hand"
"""In place of the alert's name in an episode that an operator opened."""

CANCELLABLE = (State.PENDING, State.DEFERRED, State.SUCCEEDED)
"""States in which an episode waits, but neither for a driver call nor for people."""
LET_GO = {"lease_owner": None, "lease_until": None}
"""Clears the lease, so that a decision that another receiver is making at this moment is not written."""

Order = Callable[[Connection, str, int, float], list[Change] | None]


def restart(connection: Connection, agent: str, _: int, now: float) -> list[Change] | None:
    """Restart an agent now, whatever the limits say; not while a driver call is under way."""
    episode = episodes.latest(connection, RESTART_AGENT, agent)
    if episode is None or not episode.open:
        episode = episodes.open_episode(connection, RESTART_AGENT, agent, BY_HAND, "people look after it", now)
    if episode.state is State.RUNNING:
        return None
    detail = "people want it restarted now"
    return episodes.decide(connection, episode, State.PENDING, Verdict.ORDERED, detail, now, due_at=now, **LET_GO)


def cancel(connection: Connection, agent: str, episode_id: int, now: float) -> list[Change] | None:
    """End an episode that waits; repeats of the firing that opened it open no other."""
    episode = episodes.read_episode(connection, episode_id)
    if episode is None or episode.agent != agent or episode.state not in CANCELLABLE:
        return None
    detail = "people cancelled it"
    return episodes.decide(connection, episode, State.FAILED, Verdict.CANCELLED, detail, now, due_at=None, **LET_GO)


def acknowledge(connection: Connection, _: str, episode_id: int, now: float) -> list[Change] | None:
    """End an escalated episode because people take over; of the fleet's incident, which releases all who wait."""
    return episodes.acknowledge(connection, episode_id, now)


ORDERS: dict[str, Order] = {"restart": restart, "cancel": cancel, "acknowledge": acknowledge}
