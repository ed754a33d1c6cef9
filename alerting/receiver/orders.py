"""Requests of operators from the page: restart, cancel, acknowledge. They are journalled; the healer carries them out.

Each function returns what changed, or None where the episode is not in a state in which this can be done.
"""

from collections.abc import Callable

from sqlalchemy import Connection

from alerting.actions import RESTART_AGENT, START_AGENT
from alerting.journal import ActionState, Episode, EpisodeVerdict, StateChange, approvals, episodes
from alerting.journal.approvals import Answer

BY_HAND = "by hand"
"""In place of the alert's name in an episode that an operator opened."""

CANCELLABLE = (ActionState.PENDING, ActionState.DEFERRED, ActionState.SUCCEEDED)
"""States in which an episode waits, but neither for a driver call nor for people."""
NO_LEASE = {"lease_owner": None, "lease_until": None}
"""Clears the lease, so that a decision that another receiver is making at this moment is not written."""

OperatorOrder = Callable[[Connection, str, int, float], list[StateChange] | None]


def restart(connection: Connection, agent: str, _: int, now: float) -> list[StateChange] | None:
    """Restart an agent now, whatever the limits say; not while a driver call is under way."""
    episode = _open_episode(connection, RESTART_AGENT, agent, "opened by an operator", now)
    if episode.state is ActionState.RUNNING:
        return None
    detail = "restart requested by an operator"
    approvals.end_open(connection, episode.id, Answer.UNNEEDED, detail, now)
    return episodes.decide(
        connection, episode, ActionState.PENDING, EpisodeVerdict.ORDERED, detail, now, due_at=now, **NO_LEASE
    )


def start(
    connection: Connection, agent: str, _: int, now: float, why: str = "start requested by an operator"
) -> list[StateChange] | None:
    """Start an agent now that was stopped; not while a driver call is under way."""
    episode = _open_episode(connection, START_AGENT, agent, why, now)
    if episode.state is ActionState.RUNNING:
        return None
    return episodes.decide(
        connection, episode, ActionState.PENDING, EpisodeVerdict.ORDERED, why, now, due_at=now, **NO_LEASE
    )


def cancel(connection: Connection, agent: str, episode_id: int, now: float) -> list[StateChange] | None:
    """End an episode that waits; repeats of the firing that opened it open no other."""
    episode = episodes.read_episode(connection, episode_id, lock=True)
    if episode is None or episode.agent != agent or episode.state not in CANCELLABLE:
        return None
    detail = "cancelled by an operator"
    return episodes.decide(
        connection, episode, ActionState.FAILED, EpisodeVerdict.CANCELLED, detail, now, due_at=None, **NO_LEASE
    )


def _open_episode(connection: Connection, action: str, agent: str, detail: str, now: float) -> Episode:
    """The open episode of an action and agent, locked; a new one where there is none."""
    newest = episodes.latest(connection, action, agent)
    episode = episodes.read_episode(connection, newest.id, lock=True) if newest else None
    if episode is None or not episode.open:
        return episodes.open_episode(connection, action, agent, BY_HAND, detail, now)
    return episode


def acknowledge(connection: Connection, _: str, episode_id: int, now: float) -> list[StateChange] | None:
    """End an escalated episode because people take over; of the fleet's incident, which releases all who wait."""
    return episodes.acknowledge(connection, episode_id, now)


ORDERS: dict[str, OperatorOrder] = {"restart": restart, "start": start, "cancel": cancel, "acknowledge": acknowledge}
