"""Reads and writes many episodes at once: as many statements for five hundred of them as for one.

A storm makes thousands of episodes due together; with statements of their own for each, one turn of the receiver held
up its pages and webhooks for a second.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, select, update

from alerting.journal.episodes import AT_ONCE, NEW, decided_columns
from alerting.journal.states import ActionState, Episode, EpisodeVerdict, StateChange
from alerting.journal.tables import attempts, episodes, history

_AGENTS: Any = bindparam("agents", expanding=True)
_ATTEMPTS = (
    select(attempts.c.agent, attempts.c.started_at)
    .where(
        attempts.c.agent.in_(_AGENTS),
        attempts.c.action == bindparam("action"),
        attempts.c.started_at > bindparam("since"),
    )
    .order_by(attempts.c.started_at)
)
_VERDICTS = (
    select(episodes.c.agent, func.count())
    .select_from(history)
    .join(episodes)
    .where(episodes.c.agent.in_(_AGENTS), episodes.c.action == bindparam("action"))
    .where(history.c.verdict == bindparam("verdict"), history.c.at > bindparam("since"))
    .group_by(episodes.c.agent)
)
_LOCK = (
    select(*episodes.c["id", "updated_at", "lease_owner"])
    .where(episodes.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(episodes.c.id)
    .with_for_update()
)
_WRITTEN = (
    *("state", "verdict", "detail", "opened_at", "updated_at", "closed_at", "due_at", "attempts", "driver_errors"),
    *("attempt_at", "baseline", "sign", "waited", "looked_at", "trial_of", "lease_owner", "lease_until"),
    *("driver", "server"),
)
"""The columns of an episode that decisions change."""
_WRITE = (
    update(episodes)
    .where(episodes.c.id == bindparam("episode"))
    .values({column: bindparam(f"new_{column}") for column in _WRITTEN})
)
_NOTE = insert(history)
_END_CHECKS = (
    update(episodes)
    .where(episodes.c.agent.in_(_AGENTS), episodes.c.action == bindparam("of_action"))
    .where(episodes.c.test == bindparam("of_test"), episodes.c.due_at.is_not(None))
    .values(due_at=None)
)
_OPEN = insert(episodes).returning(*episodes.c["agent", "id"])
_SCHEDULE = update(episodes).where(episodes.c.id.in_(bindparam("ids", expanding=True))).values(due_at=bindparam("at"))
_BEGIN = insert(attempts).returning(attempts.c.id, attempts.c.episode_id)


@dataclass(frozen=True)
class EpisodeChange:
    """A decision about an episode that is to be written.

    Attributes:
        episode: as it was read when the decision was made.
        state: that it enters, or stays in.
        verdict: why, in a word.
        detail: why, in a sentence.
        fields: further columns.
    """

    episode: Episode
    state: ActionState
    verdict: str
    detail: str
    fields: Mapping[str, Any] = field(default_factory=dict)


def open_episodes(
    connection: Connection, action: str, opened: Sequence[tuple[str, str, str]], now: float, *, test: bool
) -> dict[str, int]:
    """Open episodes that are due at once; earlier episodes of their agents are no longer checked.

    Args:
        connection: an open transaction.
        action: its name.
        opened: agent, name of the alert and detail of each; every agent once.
        now: Unix seconds.
        test: observed only, never acted upon.

    Returns:
        The episodes' ids by agent.
    """
    if not opened:
        return {}
    agents = [agent for agent, _, _ in opened]
    connection.execute(_END_CHECKS, {"agents": agents, "of_action": action, "of_test": test})
    first = {"state": ActionState.PENDING, "verdict": EpisodeVerdict.RECEIVED}
    rows = [
        NEW
        | first
        | {"action": action, "agent": agent, "test": test, "alert": alert, "detail": detail}
        | {"opened_at": now, "updated_at": now, "due_at": AT_ONCE}
        for agent, alert, detail in opened
    ]
    ids = {row[0]: row[1] for row in connection.execute(_OPEN, rows)}
    notes = [{"episode_id": ids[agent], "at": now, **first, "detail": detail} for agent, _, detail in opened]
    connection.execute(_NOTE, notes)
    return ids


def schedule_checks(connection: Connection, ids: Collection[int], at: float) -> None:
    """Set when these episodes are due."""
    if ids:
        connection.execute(_SCHEDULE, {"ids": list(ids), "at": at})


def list_attempts(
    connection: Connection, action: str, agents: Collection[str], since: float
) -> dict[str, tuple[float, ...]]:
    """When an action's attempts on each of these agents began, oldest first, across episodes and alerts."""
    begun: dict[str, list[float]] = defaultdict(list)
    for agent, at in connection.execute(_ATTEMPTS, {"action": action, "agents": agents, "since": since}):
        begun[agent].append(at)
    return {agent: tuple(instants) for agent, instants in begun.items()}


def count_verdicts(
    connection: Connection, action: str, agents: Collection[str], verdict: str, since: float
) -> dict[str, int]:
    """How often the history of an action and each of these agents holds a verdict since then, across episodes."""
    asked = {"action": action, "agents": agents, "verdict": verdict, "since": since}
    return {row[0]: row[1] for row in connection.execute(_VERDICTS, asked)}


def decide_all(connection: Connection, wanted: Sequence[EpisodeChange], now: float) -> dict[int, list[StateChange]]:
    """Write decisions, each as `episodes.decide` does; at most one for each episode.

    Args:
        connection: an open transaction.
        wanted: the decisions.
        now: Unix seconds.

    Returns:
        By episode, its change of state; none for the others, such as those that another receiver has changed since.
    """
    rows: list[dict[str, Any]] = []
    notes: list[dict[str, Any]] = []
    changes: dict[int, list[StateChange]] = {}
    unchanged = _lock_unchanged(connection, [change.episode for change in wanted])
    for change in wanted:
        episode = change.episode
        if episode.id not in unchanged:
            continue
        values, news = decided_columns(episode, change.state, change.verdict, change.detail, now)
        rows.append(_row(replace(episode, **{**values, **change.fields})))
        if news:
            notes.append(_note(episode, now, change.state, change.verdict, change.detail))
        if change.state != episode.state:
            changes[episode.id] = [StateChange(episode.agent, episode.action, change.state, change.detail)]
    _execute(connection, _WRITE, rows)
    _execute(connection, _NOTE, notes)
    return changes


def begin_attempts(connection: Connection, begun: Sequence[EpisodeChange], now: float) -> list[tuple[Episode, int]]:
    """Enter the state `running` and add the attempts, so that all are on disk before a driver is called.

    Args:
        connection: an open transaction.
        begun: the episodes; `detail` is added to the attempt's line of the history, and may be empty. The fields have
            `driver`, and the lease.
        now: Unix seconds.

    Returns:
        The episodes as they are now and the attempts' ids; those that were changed, or claimed by another receiver,
        since they were read are left out.
    """
    unchanged = _lock_unchanged(connection, [change.episode for change in begun])
    running: dict[int, Episode] = {}
    for change in begun:
        if change.episode.id in unchanged:
            number = change.episode.attempts + 1
            why = f"attempt {number} by {change.fields['driver']}{change.detail and f'; {change.detail}'}"
            values = {"state": change.state, "verdict": change.verdict, "detail": why, "updated_at": now}
            values |= {"attempts": number, "attempt_at": now}
            running[change.episode.id] = replace(change.episode, **{**values, **change.fields})
    if not running:
        return []
    notes = [_note(episode, now, episode.state, episode.verdict, episode.detail) for episode in running.values()]
    rows = [
        {"episode_id": episode.id, "agent": episode.agent, "action": episode.action, "number": episode.attempts}
        | {"driver": episode.driver, "started_at": now, "detail": ""}
        for episode in running.values()
    ]
    _execute(connection, _WRITE, list(map(_row, running.values())))
    _execute(connection, _NOTE, notes)
    ids = {episode_id: attempt_id for attempt_id, episode_id in connection.execute(_BEGIN, rows)}
    return [(episode, ids[episode.id]) for episode in running.values()]


def _lock_unchanged(connection: Connection, seen: Sequence[Episode]) -> set[int]:
    """Lock the rows; returns those that have the `updated_at` and the lease owner that were read."""
    if not seen:
        return set()
    rows = connection.execute(_LOCK, {"ids": [episode.id for episode in seen]})
    now = {row.id: (row.updated_at, row.lease_owner) for row in rows}
    return {episode.id for episode in seen if now.get(episode.id) == (episode.updated_at, episode.lease_owner)}


def _row(episode: Episode) -> dict[str, Any]:
    return {"episode": episode.id} | {f"new_{column}": getattr(episode, column) for column in _WRITTEN}


def _note(episode: Episode, at: float, state: str, verdict: str, detail: str) -> dict[str, Any]:
    return {"episode_id": episode.id, "at": at, "state": state, "verdict": verdict, "detail": detail}


def _execute(connection: Connection, statement: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        connection.execute(statement, rows)
