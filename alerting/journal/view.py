"""Read-only queries for pages and metrics: the list of actions, one episode with its history, and what is open."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, func, literal, select, union_all

from alerting.journal.states import ActionState
from alerting.journal.tables import RECORD_CHANGED, REJECTED, alerts, attempts, episodes, evidence, history, records


@dataclass(frozen=True)
class ActionFilter:
    """Which actions to list; None for all.

    Attributes:
        limit: newest first, at most so many.
    """

    state: str | None = None
    agent: str | None = None
    action: str | None = None
    alert: str | None = None
    limit: int = 100


_EPISODES = select(
    literal("episode").label("kind"),
    *episodes.c["id", "action", "agent", "alert", "state", "verdict", "detail", "attempts", "driver", "server"],
    *episodes.c["test", "opened_at", "updated_at", "closed_at"],
)
_NO_DRIVER = (
    literal(0).label("attempts"),
    literal("").label("driver"),
    literal("").label("server"),
    literal(False).label("test"),
)
_RECORDS = select(
    literal("record").label("kind"),
    *records.c["id", "action"],
    alerts.c.agent,
    alerts.c.alertname.label("alert"),
    records.c.state,
    literal("recorded").label("verdict"),
    records.c.detail,
    *_NO_DRIVER,
    records.c.opened_at,
    RECORD_CHANGED.label("updated_at"),
    records.c.closed_at,
).join(alerts, alerts.c.id == records.c.alert_id)
_REJECTED = select(
    literal("alert").label("kind"),
    alerts.c.id,
    literal("none").label("action"),
    alerts.c.agent,
    alerts.c.alertname.label("alert"),
    literal(ActionState.REJECTED.value).label("state"),
    alerts.c.rejected.label("verdict"),
    alerts.c.labels.label("detail"),
    *_NO_DRIVER,
    alerts.c.first_at.label("opened_at"),
    alerts.c.last_at.label("updated_at"),
    alerts.c.first_at.label("closed_at"),
).where(REJECTED)


def actions(connection: Connection, wanted: ActionFilter) -> list[dict[str, Any]]:
    """Episodes, records and rejected alerts as one list, what changed last first."""
    newest = union_all(*(_newest(kind, wanted) for kind in (_EPISODES, _RECORDS, _REJECTED))).subquery().c
    query = select(*newest).order_by(newest.updated_at.desc(), newest.id.desc(), newest.kind).limit(wanted.limit)
    return [{**row, "test": bool(row["test"])} for row in connection.execute(query).mappings()]


def _newest(kind: Select[Any], wanted: ActionFilter) -> Select[Any]:
    """The newest of one kind: limited by itself, so that its index ends the search."""
    columns = kind.selected_columns
    wanted_values = {column: getattr(wanted, column) for column in ("state", "agent", "action", "alert")}
    matching = kind.where(*(columns[column] == value for column, value in wanted_values.items() if value is not None))
    # Of one agent there are few: they are found by the index of agents, not by passing those of all in their order.
    changed = columns.updated_at + 0 if wanted.agent is not None else columns.updated_at
    return select(matching.order_by(changed.desc(), columns.id.desc()).limit(wanted.limit).subquery())


def read_details(connection: Connection, episode_id: int) -> dict[str, Any] | None:
    """One episode with its history, attempts and alerts; None where there is none with this id."""
    row = connection.execute(select(episodes).where(episodes.c.id == episode_id)).mappings().first()
    if row is None:
        return None
    lines = select(*history.c["at", "state", "verdict", "detail"]).where(history.c.episode_id == episode_id)
    calls = select(*attempts.c["number", "driver", "started_at", "ended_at", "outcome", "detail"]).where(
        attempts.c.episode_id == episode_id
    )
    seen = (
        select(alerts)
        .join(evidence, evidence.c.alert_id == alerts.c.id)
        .where(evidence.c.episode_id == episode_id)
        .order_by(alerts.c.id)
    )
    return {
        **row,
        "history": [dict(row) for row in connection.execute(lines.order_by(history.c.id)).mappings()],
        "calls": [dict(row) for row in connection.execute(calls.order_by(attempts.c.id)).mappings()],
        "evidence": [
            {**alert, "labels": json.loads(alert["labels"]), "annotations": json.loads(alert["annotations"])}
            for alert in connection.execute(seen).mappings()
        ],
    }


def escalations(connection: Connection, ids: Sequence[int]) -> dict[int, str]:
    """Verdict and detail with which each of these episodes was last escalated; later verdicts do not say why."""
    lines = select(*history.c["episode_id", "state", "verdict", "detail"]).where(history.c.episode_id.in_(ids))
    why: dict[int, str] = {}
    before: dict[int, str] = {}
    for line in connection.execute(lines.order_by(history.c.id)).mappings():
        episode = line["episode_id"]
        if line["state"] == ActionState.ESCALATED and before.get(episode) != ActionState.ESCALATED:
            why[episode] = f"{line['verdict']}: {line['detail']}"
        before[episode] = line["state"]
    return why


def open_counts(connection: Connection) -> list[tuple[str, str, str, int]]:
    """(agent, action, state, how many) of the open episodes; tests are left out."""
    key = episodes.c["agent", "action", "state"]
    still_open = (episodes.c.closed_at.is_(None), episodes.c.test.is_(False))
    query = select(*key, func.count()).where(*still_open).group_by(*key)
    return [(row[0], row[1], row[2], row[3]) for row in connection.execute(query)]


def pending(connection: Connection) -> tuple[int, float | None]:
    """How many episodes and records are open, and when the oldest of them was opened."""
    count, oldest = 0, []
    for table in (episodes, records):
        query = select(func.count(), func.min(table.c.opened_at)).where(table.c.closed_at.is_(None))
        number, since = connection.execute(query).one()
        count += number
        oldest += [since] if since is not None else []
    return count, min(oldest, default=None)
