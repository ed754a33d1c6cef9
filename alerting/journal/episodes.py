"""Reads and writes episodes. Every function takes an open transaction and says nothing to anyone but the database."""

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, bindparam, func, insert, or_, select, update

from alerting.journal.states import FLEET, OPEN_STATES, Change, Episode, State
from alerting.journal.tables import attempts, episodes, history

AT_ONCE = 0.0
"""When an episode is due that was just received: by every receiver's clock."""
BATCH = 500
"""Episodes looked at in one turn."""

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
"""Made once, as is the next: alerts run them, and making a statement costs as much as running it."""
_LOOK_AGAIN = update(episodes).where(episodes.c.id == bindparam("episode")).values(due_at=bindparam("at"))


def open_episode(
    connection: Connection,
    action: str,
    agent: str,
    alert: str,
    detail: str,
    now: float,
    *,
    test: bool = False,
    state: State = State.PENDING,
    due_at: float | None = None,
) -> Episode:
    """Open an episode; those before it are not looked at any more."""
    before = (episodes.c.action == action, episodes.c.agent == agent, episodes.c.test.is_(test))
    connection.execute(update(episodes).where(*before).values(due_at=None))
    row = {"action": action, "agent": agent, "test": test, "alert": alert, "state": state, "detail": detail}
    row |= {"verdict": "received", "opened_at": now, "updated_at": now, "due_at": due_at}
    row |= {"attempts": 0, "driver_errors": 0, "baseline": "", "sign": "", "waited": 0.0, "driver": "", "server": ""}
    opened = _episode(connection.execute(insert(episodes).returning(episodes), row).mappings().one())
    note(connection, opened.id, now, state, "received", detail)
    return opened


def note(connection: Connection, episode_id: int, at: float, state: str, verdict: str, detail: str) -> None:
    """A line of an episode's history: what was seen and decided."""
    row = {"episode_id": episode_id, "at": at, "state": state, "verdict": verdict, "detail": detail}
    connection.execute(insert(history), row)


def latest(connection: Connection, action: str, agent: str, *, test: bool = False) -> Episode | None:
    """The newest episode of an action and agent, open or ended."""
    return latest_of(connection, action, [agent], test=test).get(agent)


def latest_of(
    connection: Connection, action: str, agents: Collection[str], *, test: bool = False
) -> dict[str, Episode]:
    """The newest episode of an action and each of these agents, by agent; none where an agent never had one."""
    rows = connection.execute(_LATEST, {"action": action, "agents": agents, "test": test}).mappings()
    return {row["agent"]: _episode(row) for row in rows}


def claim(connection: Connection, now: float, *, owner: str, until: float) -> list[Episode]:
    """Take the episodes that want a look into this receiver's hands.

    Args:
        connection: an open transaction.
        now: Unix seconds.
        owner: this receiver.
        until: Unix seconds, after which another may take them.

    Returns:
        Those taken, longest waiting first; what others hold, or are writing to, is left out.
    """
    wanted = (
        select(episodes).where(episodes.c.due_at <= now, _free(now)).order_by(*episodes.c["due_at", "id"]).limit(BATCH)
    )
    rows = connection.execute(wanted.with_for_update(skip_locked=True)).mappings().all()
    these = episodes.c.id.in_([row["id"] for row in rows])
    connection.execute(update(episodes).where(these).values(lease_owner=owner, lease_until=until))
    return [replace(_episode(row), lease_owner=owner, lease_until=until) for row in rows]


def next_due(connection: Connection, now: float) -> float | None:
    """When the next episode wants a look; None where none does."""
    instant: float | None = connection.execute(select(func.min(episodes.c.due_at)).where(_free(now))).scalar_one()
    return instant


def incident(connection: Connection, action: str) -> Episode | None:
    """The fleet's open incident: the latch of the blast radius."""
    newest = latest(connection, action, FLEET)
    return newest if newest and newest.open else None


def released_at(connection: Connection, action: str) -> float | None:
    """When the fleet's last incident was closed."""
    mine = (episodes.c.action == action, episodes.c.agent == FLEET)
    instant: float | None = connection.execute(select(func.max(episodes.c.closed_at)).where(*mine)).scalar_one()
    return instant


def trials(connection: Connection, incident_id: int) -> list[Episode]:
    """The episodes that an incident let through for trial."""
    query = select(episodes).where(episodes.c.trial_of == incident_id).order_by(episodes.c.id)
    return [_episode(row) for row in connection.execute(query).mappings()]


def standing_at(connection: Connection, action: str, verdict: str) -> int:
    """How many open episodes were last decided so."""
    mine = (episodes.c.action == action, episodes.c.verdict == verdict, episodes.c.closed_at.is_(None))
    return int(connection.execute(select(func.count()).where(*mine)).scalar_one())


def attempts_since(connection: Connection, agent: str, since: float) -> list[float]:
    """When an agent's attempts began, oldest first, across episodes and alerts."""
    mine = (attempts.c.agent == agent, attempts.c.started_at > since)
    return list(connection.scalars(select(attempts.c.started_at).where(*mine).order_by(attempts.c.started_at)))


def attempts_of_fleet(connection: Connection, action: str, since: float) -> int:
    """How many attempts began, whichever agent's."""
    mine = (attempts.c.action == action, attempts.c.started_at > since)
    return int(connection.execute(select(func.count()).where(*mine)).scalar_one())


def verdicts_since(connection: Connection, episode: Episode, verdict: str, since: float) -> int:
    """How often something was decided about an action and agent, across episodes."""
    mine = (episodes.c.action == episode.action, episodes.c.agent == episode.agent)
    noted = (history.c.verdict == verdict, history.c.at > since)
    query = select(func.count()).select_from(history).join(episodes).where(*mine, *noted)
    return int(connection.execute(query).scalar_one())


def decide(
    connection: Connection, episode: Episode, state: State, verdict: str, detail: str, now: float, **fields: Any
) -> list[Change]:
    """Write a decision down: the row, and a line of history where it says something new.

    Args:
        connection: an open transaction.
        episode: as it was when the decision was made.
        state: that it enters, or stays in.
        verdict: the decision's name.
        detail: the decision in words.
        now: Unix seconds.
        fields: further columns.

    Returns:
        The change of state, if there was one; nothing is written where somebody else decided, or took it, meanwhile.
    """
    closed = None if state in OPEN_STATES else episode.closed_at or now
    values = {"state": state, "verdict": verdict, "detail": detail, "closed_at": closed, **fields}
    news = (state, verdict) != (episode.state, episode.verdict) or bool(closed) == episode.open
    values["updated_at"] = now if news else episode.updated_at
    if connection.execute(update(episodes).where(*_unchanged(episode)).values(**values)).rowcount != 1:
        return []
    if news:
        note(connection, episode.id, now, state, verdict, detail)
    moved = state != episode.state
    return [Change(episode.agent, episode.action, state, detail)] if moved else []


def begin_attempt(
    connection: Connection, episode: Episode, driver: str, now: float, *, owner: str, lease_until: float, **fields: Any
) -> tuple[Episode, int] | None:
    """Enter `running`: the attempt's number and time are on disk before the driver is called.

    Args:
        connection: an open transaction.
        episode: as it was when the decision was made.
        driver: that will be called.
        now: Unix seconds.
        owner: this receiver.
        lease_until: Unix seconds.
        fields: further columns, such as `baseline`.

    Returns:
        The episode as it is now and the attempt's id, or None where somebody else was first.
    """
    number = episode.attempts + 1
    detail = f"attempt {number} by {driver}"
    values = {
        "state": State.RUNNING,
        "verdict": "act",
        "detail": detail,
        "updated_at": now,
        "driver": driver,
        "attempts": number,
        "attempt_at": now,
        "lease_owner": owner,
        "lease_until": lease_until,
        **fields,
    }
    if connection.execute(update(episodes).where(*_unchanged(episode)).values(**values)).rowcount != 1:
        return None
    note(connection, episode.id, now, State.RUNNING, "act", detail)
    row = {"episode_id": episode.id, "agent": episode.agent, "action": episode.action, "number": number}
    statement = insert(attempts).values(**row, driver=driver, started_at=now, detail="").returning(attempts.c.id)
    return replace(episode, **values), int(connection.execute(statement).scalar_one())


def end_attempt(connection: Connection, attempt_id: int, now: float, outcome: str, detail: str) -> None:
    """How the driver call ended."""
    values = {"ended_at": now, "outcome": outcome, "detail": detail}
    connection.execute(update(attempts).where(attempts.c.id == attempt_id).values(**values))


def acknowledge(connection: Connection, episode_id: int, now: float) -> list[Change] | None:
    """End an escalated episode by the word of people; None where no escalated episode has this id."""
    chosen = (episodes.c.id == episode_id, episodes.c.state == State.ESCALATED)
    row = connection.execute(select(episodes).where(*chosen).with_for_update()).mappings().first()
    if row is None:
        return None
    return decide(connection, _episode(row), State.FAILED, "acknowledged", "people look after it", now, due_at=None)


def extend_lease(connection: Connection, episode_id: int, owner: str, until: float) -> None:
    """Keep what is under way in this receiver's hands."""
    mine = (episodes.c.id == episode_id, episodes.c.lease_owner == owner)
    connection.execute(update(episodes).where(*mine).values(lease_until=until))


def look_again(connection: Connection, episode_id: int, at: float | None) -> None:
    """When an episode is looked at once more; None leaves it in peace."""
    connection.execute(_LOOK_AGAIN, {"episode": episode_id, "at": at})


def leave(connection: Connection, episode: Episode, due_at: float | None) -> None:
    """Let go of an ended episode that nothing new is said of; None leaves it in peace."""
    free = {"due_at": due_at, "lease_owner": None, "lease_until": None}
    connection.execute(update(episodes).where(*_unchanged(episode)).values(free))


def _unchanged(episode: Episode) -> tuple[ColumnElement[bool], ...]:
    """Whether it still is what was decided about, in the same hands: decisions and attempts move `updated_at`."""
    same_hands = episodes.c.lease_owner.is_not_distinct_from(episode.lease_owner)
    return episodes.c.id == episode.id, episodes.c.updated_at == episode.updated_at, same_hands


def _free(now: float) -> ColumnElement[bool]:
    """Whether no receiver is at work on it."""
    return or_(episodes.c.lease_until.is_(None), episodes.c.lease_until < now)


def _episode(row: RowMapping) -> Episode:
    return Episode(**{**row, "state": State(row["state"])})
