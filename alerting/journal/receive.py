"""Journals the alerts of webhooks: every alert as evidence, an episode for every remedy, a record for every log line.

Alerts that are journalled together share their SQL: nine statements in all, and one more for each whose episode ended.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Connection, Table, and_, exists, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from alerting.journal.batches import open_episodes, schedule_checks
from alerting.journal.episodes import AT_ONCE, latest_of
from alerting.journal.states import ENDED_BY_PEOPLE, FIRING, ActionState, Episode, StateChange
from alerting.journal.tables import alerts, evidence, records

FIRING_SECONDS = 600.0
"""An alert that fires is received again many times within this; after it, it counts as resolved."""
_IDENTITY = ("alertname", "fingerprint", "starts_at", "status")
_CONTENT = ("sender", "agent", "labels", "annotations", "rejected")


@dataclass(frozen=True)
class Arrival:
    """One alert of a request, and what it leads to.

    Attributes:
        fingerprint: of its labels, as the sender gave it; evidence only.
        starts_at: as the sender gave it; evidence only.
        agent: a configured agent; empty where the alert has none, or none that is known.
        labels: JSON text.
        annotations: JSON text.
        test: observed, never acted upon.
        because: why its remedies help, as alerts.yaml says; may be empty.
        rejected: why it leads to nothing; empty where it is accepted.
        remedies: actions on the agent.
        records: (action, target) of what is to be written down.
    """

    alertname: str
    fingerprint: str
    starts_at: str
    status: str
    sender: str
    agent: str
    labels: str
    annotations: str
    test: bool = False
    because: str = ""
    rejected: str = ""
    remedies: tuple[str, ...] = ()
    records: tuple[tuple[str, str], ...] = ()

    @property
    def identity(self) -> tuple[str, ...]:
        """The key of its row."""
        return self.alertname, self.fingerprint, self.starts_at, self.status


@dataclass(frozen=True)
class _StoredAlert:
    """An alert that has its row.

    Attributes:
        id: of the row.
        new: whether the alert was never received before.
    """

    arrival: Arrival
    id: int
    new: bool


def receive(connection: Connection, arrivals: Sequence[Arrival], now: float) -> list[StateChange]:
    """Journal alerts; each is stored once by name, fingerprint, start and status, however often it comes.

    Args:
        connection: an open transaction, beside which nobody else journals alerts.
        arrivals: the alerts of one or more requests; at least one.
        now: Unix seconds.

    Returns:
        The alerts that were rejected for the first time, and the episodes and records that were opened.
    """
    stored = _store(connection, arrivals, now)
    return [*_rejected(stored), *_remedies(connection, stored, now), *_records(connection, stored, now)]


def _store(connection: Connection, arrivals: Sequence[Arrival], now: float) -> list[_StoredAlert]:
    """Insert each alert, or update the row that it has; PostgreSQL takes the same row only once in a statement."""
    times = Counter(arrival.identity for arrival in arrivals)
    distinct: dict[tuple[str, ...], Arrival] = {}
    for arrival in arrivals:
        distinct.setdefault(arrival.identity, arrival)
    rows = [
        {name: getattr(arrival, name) for name in (*_IDENTITY, *_CONTENT)}
        | {"first_at": now, "last_at": now, "times": times[identity]}
        for identity, arrival in distinct.items()
    ]
    written = connection.execute(_keep_alerts(connection.dialect.name), rows)
    found = {tuple(identity): (row_id, count) for row_id, count, *identity in written}  # in no promised order
    return [
        _StoredAlert(arrival, found[identity][0], new=found[identity][1] == times[identity])
        for identity, arrival in distinct.items()
    ]


def _rejected(stored: Iterable[_StoredAlert]) -> Iterator[StateChange]:
    for alert in stored:
        if alert.arrival.rejected and alert.new:
            yield StateChange(alert.arrival.agent or "unknown", "none", ActionState.REJECTED, alert.arrival.rejected)


def _remedies(connection: Connection, stored: Iterable[_StoredAlert], now: float) -> list[StateChange]:
    """Let each alert join its agent's newest episode, or open one."""
    by_action: dict[tuple[str, bool], list[_StoredAlert]] = defaultdict(list)
    for alert in stored:
        for action in alert.arrival.remedies:
            by_action[action, alert.arrival.test].append(alert)
    return [
        change for (action, test), some in by_action.items() for change in _remedy(connection, action, test, some, now)
    ]


def _remedy(
    connection: Connection, action: str, test: bool, stored: Sequence[_StoredAlert], now: float
) -> list[StateChange]:
    newest = latest_of(connection, action, {alert.arrival.agent for alert in stored}, test=test)
    opening: dict[str, Arrival] = {}
    to_check: set[int] = set()
    joined: list[_StoredAlert] = []
    for alert in stored:
        arrival = alert.arrival
        episode = newest.get(arrival.agent)
        if arrival.agent not in opening:
            if episode is not None and _belongs(connection, arrival, episode, now):
                to_check |= {episode.id} if _needs_check(arrival, episode, now) else set()
            elif arrival.status == FIRING:
                opening[arrival.agent] = arrival
            else:
                continue
        joined.append(alert)
    schedule_checks(connection, to_check, AT_ONCE)
    details = {agent: _opened_because(arrival) for agent, arrival in opening.items()}
    opened = open_episodes(
        connection,
        action,
        [(agent, arrival.alertname, details[agent]) for agent, arrival in opening.items()],
        now,
        test=test,
    )
    ids = {agent: episode.id for agent, episode in newest.items()} | opened
    rows = [{"episode_id": ids[alert.arrival.agent], "alert_id": alert.id} for alert in joined]
    if rows:
        connection.execute(_insert_once(connection.dialect.name, evidence), rows)
    return [StateChange(agent, action, ActionState.PENDING, detail) for agent, detail in details.items()]


def _belongs(connection: Connection, arrival: Arrival, newest: Episode, now: float) -> bool:
    """Whether an alert belongs to the agent's newest episode."""
    return newest.open or _is_same_firing(connection, arrival, newest) or _is_refused(connection, newest, now)


def _needs_check(arrival: Arrival, newest: Episode, now: float) -> bool:
    """Whether the receiver has to look at the agent again; what people have ended stays ended."""
    ended_by_people = newest.state is ActionState.FAILED or newest.verdict in ENDED_BY_PEOPLE
    wanted = newest.open or (arrival.status == FIRING and not ended_by_people)
    return wanted and (newest.due_at is None or newest.due_at > now)


def _opened_because(arrival: Arrival) -> str:
    return f"{arrival.alertname} is firing{arrival.because and f': {arrival.because}'}"


def _is_same_firing(connection: Connection, arrival: Arrival, episode: Episode) -> bool:
    """Whether this firing (same name, fingerprint and start) belongs to an ended episode: then it is no new one."""
    seen = (
        select(alerts.c.id)
        .join(evidence, evidence.c.alert_id == alerts.c.id)
        .where(
            evidence.c.episode_id == episode.id,
            alerts.c.alertname == arrival.alertname,
            alerts.c.fingerprint == arrival.fingerprint,
            alerts.c.starts_at == arrival.starts_at,
            alerts.c.status == FIRING,
        )
    )
    return connection.execute(seen.limit(1)).first() is not None


def _is_refused(connection: Connection, episode: Episode, now: float) -> bool:
    """Whether people refused the action for a firing that lasts: the refusal holds for all alerts of the agent."""
    if episode.verdict not in ENDED_BY_PEOPLE:
        return False
    other = alerts.alias()
    same = and_(*(other.c[name] == alerts.c[name] for name in ("alertname", "fingerprint")))
    resolved = and_(other.c.starts_at == alerts.c.starts_at, other.c.status != FIRING)
    newer = and_(other.c.starts_at != alerts.c.starts_at, other.c.id > alerts.c.id)
    lasting = (
        select(alerts.c.id)
        .join(evidence, evidence.c.alert_id == alerts.c.id)
        .where(evidence.c.episode_id == episode.id, alerts.c.status == FIRING, alerts.c.last_at > now - FIRING_SECONDS)
        .where(~exists().where(same, or_(resolved, newer)))
    )
    return connection.execute(lasting.limit(1)).first() is not None


def _records(connection: Connection, stored: Iterable[_StoredAlert], now: float) -> list[StateChange]:
    """Open a record for each log line; one that is there already stays as it is."""
    waiting = {"state": ActionState.PENDING, "detail": "", "opened_at": now}
    agents = {alert.id: alert.arrival.agent for alert in stored}
    rows = [
        {"alert_id": alert.id, "action": action, "target": target, **waiting}
        for alert in stored
        for action, target in alert.arrival.records
    ]
    if not rows:
        return []
    opened = connection.execute(_open_records(connection.dialect.name), rows)
    return [StateChange(agents[alert_id], action, ActionState.PENDING) for alert_id, action in opened]


def alert_names(connection: Connection, episode_ids: Collection[int]) -> dict[int, set[str]]:
    """The names of the alerts that joined each of these episodes."""
    query = (
        select(evidence.c.episode_id, alerts.c.alertname)
        .join(alerts, alerts.c.id == evidence.c.alert_id)
        .where(evidence.c.episode_id.in_(episode_ids), alerts.c.status == FIRING)
        .distinct()
    )
    names: dict[int, set[str]] = defaultdict(set)
    for episode_id, name in connection.execute(query):
        names[episode_id].add(name)
    return names


def list_firing_labels(connection: Connection, names: Collection[str], since: float) -> list[dict[str, str]]:
    """The labels of the alerts with these names that were received as firing since then, and not as resolved."""
    end = alerts.alias()
    same = and_(*(end.c[name] == alerts.c[name] for name in ("alertname", "fingerprint", "starts_at")))
    query = select(alerts.c.labels).where(
        alerts.c.alertname.in_(names),
        alerts.c.status == FIRING,
        alerts.c.last_at > since,
        ~exists().where(same, end.c.status != FIRING),
    )
    return [json.loads(labels) for labels in connection.scalars(query)]


def _insert(dialect: str, table: Table) -> Any:
    """An INSERT of the dialect, which is needed for ON CONFLICT."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


@cache  # making a statement costs as much as running it
def _keep_alerts(dialect: str) -> Any:
    new = _insert(dialect, alerts)
    seen = {"last_at": new.excluded.last_at, "rejected": new.excluded.rejected}
    seen["times"] = alerts.c.times + new.excluded.times
    again = new.on_conflict_do_update(index_elements=_IDENTITY, set_=seen)
    return again.returning(alerts.c.id, alerts.c.times, *alerts.c[_IDENTITY])


@cache
def _insert_once(dialect: str, table: Table) -> Any:
    return _insert(dialect, table).on_conflict_do_nothing()


@cache
def _open_records(dialect: str) -> Any:
    return _insert_once(dialect, records).returning(records.c.alert_id, records.c.action)
