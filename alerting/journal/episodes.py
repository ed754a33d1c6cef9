"""Reads and writes episodes; every function works within the open transaction that it is given."""

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    bindparam,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)

from alerting.journal.states import OPEN_STATES, ActionState, Episode, EpisodeVerdict, StateChange
from alerting.journal.tables import attempts, episodes, history

AT_ONCE = 0.0
"""`due_at` of an episode that is due at once: in the past by the clock of every receiver."""
BATCH = 500
"""Episodes claimed in one turn."""

NEW = {"attempts": 0, "driver_errors": 0, "baseline": "", "sign": "", "waited": 0.0, "driver": "", "server": ""}
"""Columns of an episode of which nothing is known yet."""

_NEWEST = (
    select(func.max(episodes.c.id))
    .where(
        episodes.c.action == bindparam("action"),
        episodes.c.agent.in_(bindparam("agents", expanding=True)),
        episodes.c.test == bindparam("test"),
    )
    .group_by(episodes.c.agent)
)
_LATEST = select(episodes).where(episodes.c.id.in_(_NEWEST))
"""Made once, as are the next: alerts run them, and making a statement costs as much as running it."""
_LATEST_ATTEMPTED = select(episodes).where(episodes.c.id.in_(_NEWEST.where(episodes.c.attempt_at.is_not(None))))
_BEFORE = (
    episodes.c.action == bindparam("of_action"),
    episodes.c.agent == bindparam("of_agent"),
    episodes.c.test == bindparam("of_test"),
)
_END_CHECKS = update(episodes).where(*_BEFORE).values(due_at=None)
_OPEN = insert(episodes).returning(episodes)
_NOTE = insert(history)


def open_episode(
    connection: Connection,
    action: str,
    agent: str,
    alert: str,
    detail: str,
    now: float,
    *,
    test: bool = False,
    state: ActionState = ActionState.PENDING,
    due_at: float | None = None,
) -> Episode:
    """Open an episode; earlier episodes are no longer checked."""
    connection.execute(_END_CHECKS, {"of_action": action, "of_agent": agent, "of_test": test})
    row = {"action": action, "agent": agent, "test": test, "alert": alert, "state": state, "detail": detail}
    row |= NEW | {"verdict": EpisodeVerdict.RECEIVED, "opened_at": now, "updated_at": now, "due_at": due_at}
    opened = _episode(connection.execute(_OPEN, row).mappings().one())
    note(connection, opened.id, now, state, EpisodeVerdict.RECEIVED, detail)
    return opened


def note(connection: Connection, episode_id: int, at: float, state: str, verdict: str, detail: str) -> None:
    """Add a line to an episode's history."""
    row = {"episode_id": episode_id, "at": at, "state": state, "verdict": verdict, "detail": detail}
    connection.execute(_NOTE, row)


def read_episode(connection: Connection, episode_id: int, *, lock: bool = False) -> Episode | None:
    """The episode with this id; None where there is none.

    Args:
        connection: an open transaction.
        episode_id: its id.
        lock: let no receiver claim it before the transaction ends, so that `decide` writes to what was read.
    """
    query = select(episodes).where(episodes.c.id == episode_id)
    row = connection.execute(query.with_for_update() if lock else query).mappings().first()
    return _episode(row) if row else None


def latest(connection: Connection, action: str, agent: str, *, test: bool = False) -> Episode | None:
    """The newest episode of an action and agent, open or ended."""
    return latest_of(connection, action, [agent], test=test).get(agent)


def latest_of(
    connection: Connection, action: str, agents: Collection[str], *, test: bool = False
) -> dict[str, Episode]:
    """The newest episode of an action and each of these agents, by agent; none where an agent never had one."""
    rows = connection.execute(_LATEST, {"action": action, "agents": agents, "test": test}).mappings()
    return {row["agent"]: _episode(row) for row in rows}


def latest_attempted(connection: Connection, action: str, agents: Collection[str]) -> dict[str, Episode]:
    """As `latest_of`, among the episodes with an attempt: those that were skipped change nothing about an agent."""
    rows = connection.execute(_LATEST_ATTEMPTED, {"action": action, "agents": agents, "test": False}).mappings()
    return {row["agent"]: _episode(row) for row in rows}


def claim(connection: Connection, now: float, *, owner: str, until: float) -> list[Episode]:
    """Take leases on the episodes that are due.

    Args:
        connection: an open transaction.
        now: Unix seconds.
        owner: this receiver.
        until: end of the leases, Unix seconds; after it another receiver may claim the episodes.

    Returns:
        The claimed episodes: trials first, for all others wait for them, then by when they were due. Those that another
        receiver has a lease on, or is writing to at this moment, are left out.
    """
    wanted = (
        select(episodes)
        .where(episodes.c.due_at <= now, _free(now))
        .order_by(episodes.c.trial_of.is_(None), *episodes.c["due_at", "id"])
        .limit(BATCH)
    )
    rows = connection.execute(wanted.with_for_update(skip_locked=True)).mappings().all()
    these = episodes.c.id.in_([row["id"] for row in rows])
    connection.execute(update(episodes).where(these).values(lease_owner=owner, lease_until=until))
    return [replace(_episode(row), lease_owner=owner, lease_until=until) for row in rows]


def next_due(connection: Connection, now: float) -> float | None:
    """When the next episode without a lease is due; None where none is."""
    instant: float | None = connection.execute(select(func.min(episodes.c.due_at)).where(_free(now))).scalar_one()
    return instant


def count_with_verdict(connection: Connection, action: str, verdict: str) -> int:
    """How many open episodes have this verdict."""
    mine = (episodes.c.action == action, episodes.c.verdict == verdict, episodes.c.closed_at.is_(None))
    return int(connection.execute(select(func.count()).where(*mine)).scalar_one())


def agents_with_open(connection: Connection, action: str, alerts: Collection[str]) -> set[str]:
    """The agents with an open episode of this action that one of these alerts opened; tests are left out."""
    mine = (episodes.c.action == action, episodes.c.alert.in_(alerts), episodes.c.test.is_(False))
    return set(connection.scalars(select(episodes.c.agent).where(*mine, episodes.c.closed_at.is_(None))))


def attempts_since(connection: Connection, action: str, agent: str, since: float) -> list[float]:
    """When an action's attempts on an agent began, oldest first, across episodes and alerts."""
    mine = (attempts.c.action == action, attempts.c.agent == agent, attempts.c.started_at > since)
    return list(connection.scalars(select(attempts.c.started_at).where(*mine).order_by(attempts.c.started_at)))


def count_attempts(connection: Connection, actions: Collection[str], since: float) -> int:
    """How many attempts of these actions began since then, of all agents; those of trials and waves are left out."""
    # Not by a join, for which PostgreSQL would read every episode: few are trials, and an index has them.
    trial = exists().where(episodes.c.id == attempts.c.episode_id, episodes.c.trial_of.is_not(None))
    mine = (attempts.c.action.in_(actions), attempts.c.started_at > since, ~trial)
    query = select(func.count()).select_from(attempts).where(*mine)
    return int(connection.execute(query).scalar_one())


def decided_columns(
    episode: Episode, state: ActionState, verdict: str, detail: str, now: float
) -> tuple[dict[str, Any], bool]:
    """The columns of an episode that a decision changes, and whether its history gets a line; see `decide`."""
    closed = None if state in OPEN_STATES else episode.closed_at or now
    news = (state, verdict) != (episode.state, episode.verdict) or bool(closed) == episode.open
    values = {"state": state, "verdict": verdict, "detail": detail, "closed_at": closed}
    return values | {"updated_at": now if news else episode.updated_at}, news


def decide(
    connection: Connection, episode: Episode, state: ActionState, verdict: str, detail: str, now: float, **fields: Any
) -> list[StateChange]:
    """Write a decision to the episode's row, and to its history where state or verdict changed.

    Args:
        connection: an open transaction.
        episode: as it was read when the decision was made.
        state: that it enters, or stays in.
        verdict: why, in a word.
        detail: why, in a sentence.
        now: Unix seconds.
        fields: further columns.

    Returns:
        The change of state, if there was one. Nothing is written where the row was changed, or claimed by another
        receiver, since the episode was read.
    """
    values, news = decided_columns(episode, state, verdict, detail, now)
    values |= fields
    if connection.execute(update(episodes).where(*_unchanged(episode)).values(**values)).rowcount != 1:
        return []
    if news:
        note(connection, episode.id, now, state, verdict, detail)
    moved = state != episode.state
    return [StateChange(episode.agent, episode.action, state, detail)] if moved else []


def end_attempt(connection: Connection, attempt_id: int, now: float, outcome: str, detail: str) -> None:
    """Write down how the driver call ended."""
    values = {"ended_at": now, "outcome": outcome, "detail": detail}
    connection.execute(update(attempts).where(attempts.c.id == attempt_id).values(**values))


def withdraw_attempt(connection: Connection, episode: Episode, attempt_id: int) -> dict[str, Any]:
    """Delete an attempt that was none; returns the episode's columns as they were before it."""
    connection.execute(delete(attempts).where(attempts.c.id == attempt_id))
    rest = select(func.max(attempts.c.started_at)).where(attempts.c.episode_id == episode.id)
    return {"attempts": episode.attempts - 1, "attempt_at": connection.execute(rest).scalar_one()}


def acknowledge(connection: Connection, episode_id: int, now: float) -> list[StateChange] | None:
    """End an escalated episode because an operator took it over; None where no escalated episode has this id."""
    chosen = (episodes.c.id == episode_id, episodes.c.state == ActionState.ESCALATED)
    row = connection.execute(select(episodes).where(*chosen).with_for_update()).mappings().first()
    if row is None:
        return None
    return decide(
        connection,
        _episode(row),
        ActionState.FAILED,
        EpisodeVerdict.ACKNOWLEDGED,
        "acknowledged by an operator",
        now,
        due_at=None,
    )


def extend_leases(connection: Connection, ids: Collection[int], owner: str, until: float) -> None:
    """Renew the leases on episodes, where this receiver still has them."""
    mine = (episodes.c.id.in_(ids), episodes.c.lease_owner == owner)
    connection.execute(update(episodes).where(*mine).values(lease_until=until))


def release(connection: Connection, episode: Episode, due_at: float | None) -> None:
    """Give up the lease on an ended episode that stays ended, and set when it is due again; None for never."""
    free = {"due_at": due_at, "lease_owner": None, "lease_until": None}
    connection.execute(update(episodes).where(*_unchanged(episode)).values(free))


def _unchanged(episode: Episode) -> tuple[ColumnElement[bool], ...]:
    """Conditions of an optimistic lock: the row has the `updated_at` and the lease owner that were read."""
    same_owner = episodes.c.lease_owner.is_not_distinct_from(episode.lease_owner)
    return episodes.c.id == episode.id, episodes.c.updated_at == episode.updated_at, same_owner


def _free(now: float) -> ColumnElement[bool]:
    """Condition that no receiver has a lease that is still valid."""
    return or_(episodes.c.lease_until.is_(None), episodes.c.lease_until < now)


def _episode(row: RowMapping) -> Episode:
    return Episode(**{**row, "state": ActionState(row["state"])})
