"""Journals what a webhook brought: evidence for every alert, an episode for every remedy, a record for every log."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Connection, Table, select
from sqlalchemy.dialects import postgresql, sqlite

from alerting.journal.episodes import AT_ONCE, latest, look_again, open_episode
from alerting.journal.states import FIRING, Change, Episode, State
from alerting.journal.tables import alerts, evidence, records

_SAME = ("alertname", "fingerprint", "starts_at", "status")
_TOLD = (*_SAME, "sender", "agent", "labels", "annotations", "rejected")


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
    rejected: str = ""
    remedies: tuple[str, ...] = ()
    records: tuple[tuple[str, str], ...] = ()


def receive(connection: Connection, arrivals: Sequence[Arrival], now: float) -> list[Change]:
    """Journal alerts; each is kept once by name, fingerprint, start and status, however often it comes."""
    changes: list[Change] = []
    for arrival in arrivals:
        alert_id, times = _alert(connection, arrival, now)
        if arrival.rejected and times == 1:
            changes.append(Change(arrival.agent or "unknown", "none", State.REJECTED, arrival.rejected))
        for action in arrival.remedies:
            changes += _remedy(connection, arrival, alert_id, action, now)
        changes += _records(connection, arrival, alert_id, now)
    return changes


def _alert(connection: Connection, arrival: Arrival, now: float) -> tuple[int, int]:
    """The alert's row, new or seen once more: its id and how often it was seen."""
    row = {name: getattr(arrival, name) for name in _TOLD} | {"first_at": now, "last_at": now, "times": 1}
    alert_id, times = connection.execute(_again(connection.dialect.name), row).one()
    return alert_id, times


def _remedy(connection: Connection, arrival: Arrival, alert_id: int, action: str, now: float) -> list[Change]:
    """Let the alert join its episode, or open one; an open episode is looked at, whatever was received."""
    episode = latest(connection, action, arrival.agent, test=arrival.test)
    firing = arrival.status == FIRING
    if episode is not None and (episode.open or _same_firing(connection, arrival, episode)):
        _join(connection, episode.id, alert_id)
        wanted = episode.open or (firing and episode.state is not State.FAILED)  # what people have ended stays ended
        if wanted and (episode.due_at is None or episode.due_at > now):
            look_again(connection, episode.id, AT_ONCE)
        return []
    if not firing:
        return []
    detail = f"{arrival.alertname} is firing"
    opened = open_episode(
        connection, action, arrival.agent, arrival.alertname, detail, now, test=arrival.test, due_at=AT_ONCE
    )
    _join(connection, opened, alert_id)
    return [Change(arrival.agent, action, State.PENDING, detail)]


def _same_firing(connection: Connection, arrival: Arrival, episode: Episode) -> bool:
    """Whether an ended episode has seen this very firing: then this is its repeat or its end, and no new trouble."""
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


def _join(connection: Connection, episode_id: int, alert_id: int) -> None:
    row = {"episode_id": episode_id, "alert_id": alert_id}
    connection.execute(_once(connection.dialect.name, evidence), row)


def _records(connection: Connection, arrival: Arrival, alert_id: int, now: float) -> Iterable[Change]:
    for action, target in arrival.records:
        row = {"alert_id": alert_id, "action": action, "target": target}
        row |= {"state": State.PENDING, "detail": "", "opened_at": now}
        if connection.execute(_once(connection.dialect.name, records), row).rowcount:
            yield Change(arrival.agent, action, State.PENDING)


def _insert(dialect: str, table: Table) -> Any:
    """An INSERT that may say what happens on a conflict, in the words of the database at hand."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


@cache  # making a statement costs as much as running it
def _once(dialect: str, table: Table) -> Any:
    """Keep a row; the one that is there already stays as it is."""
    return _insert(dialect, table).on_conflict_do_nothing()


@cache
def _again(dialect: str) -> Any:
    """Keep an alert, or count it once more."""
    new = _insert(dialect, alerts)
    seen = {"last_at": new.excluded.last_at, "times": alerts.c.times + 1, "rejected": new.excluded.rejected}
    return new.on_conflict_do_update(index_elements=_SAME, set_=seen).returning(alerts.c.id, alerts.c.times)
