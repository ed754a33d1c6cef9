"""Reads and writes records: the alerts that `log_to` and `analyze` still have to deal with, as an outbox."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, exists, or_, select, update

from alerting.journal.states import FIRING, ActionState, StateChange
from alerting.journal.tables import alerts, records

BATCH = 1000
"""Records claimed at once."""


@dataclass(frozen=True)
class Record:
    """One alert that an action has to deal with.

    Attributes:
        target: where, as alerts.yaml says.
        received_at: Unix seconds.
        detail: how the last try ended, in words.
    """

    id: int
    action: str
    target: str
    received_at: float
    alertname: str
    fingerprint: str
    starts_at: str
    status: str
    sender: str
    agent: str
    labels: dict[str, str]
    annotations: dict[str, str]
    detail: str = ""


_COLUMNS = (
    *records.c["id", "action", "target", "detail"],
    records.c.opened_at.label("received_at"),
    *alerts.c["alertname", "fingerprint", "starts_at", "status", "sender", "agent", "labels", "annotations"],
)


def claim(connection: Connection, action: str, now: float, *, until: float, limit: int = BATCH) -> list[Record]:
    """Take leases on the open records of an action.

    Args:
        connection: an open transaction.
        action: its name.
        now: Unix seconds.
        until: end of the leases, Unix seconds; after it another receiver may claim the records.
        limit: how many at most.

    Returns:
        The claimed records, oldest first. Those that another receiver has a lease on, or is writing to at this moment,
        are left out.
    """
    free = or_(records.c.lease_until.is_(None), records.c.lease_until < now)
    query = (
        select(*_COLUMNS)
        .join(alerts, alerts.c.id == records.c.alert_id)
        .where(records.c.closed_at.is_(None), records.c.action == action, free)
        .order_by(records.c.id)
        .limit(limit)
        .with_for_update(of=records, skip_locked=True)
    )
    taken = _read(connection, query)
    connection.execute(update(records).where(_ids_in(taken)).values(lease_until=until))
    return taken


def finish(
    connection: Connection,
    done: Sequence[Record],
    state: ActionState,
    detail: str,
    closed_at: float | None,
    verdict: str = "",
) -> list[StateChange]:
    """Write the outcome of a batch to its records, and give up the leases.

    Args:
        connection: an open transaction.
        done: the batch.
        state: that all of them enter.
        detail: of the outcome, in words.
        closed_at: Unix seconds; None where the action is to be tried again.
        verdict: of the language model; empty where it was not asked.
    """
    values = {"state": state, "detail": detail, "closed_at": closed_at, "lease_until": None, "verdict": verdict}
    connection.execute(update(records).where(_ids_in(done)).values(values))
    return [StateChange(record.agent, record.action, state, detail) for record in done] if closed_at is not None else []


def list_firing(connection: Connection, action: str, verdict: str, since: float) -> list[Record]:
    """The records with a verdict whose alert still fires, oldest first.

    Args:
        connection: an open transaction.
        action: its name.
        verdict: such as `critical`.
        since: Unix seconds; an alert that was not received since then counts as resolved, for the resolved one may have
            come with another start.
    """
    end = alerts.alias()
    same = and_(*(end.c[name] == alerts.c[name] for name in ("alertname", "fingerprint", "starts_at")))
    query = (
        select(*_COLUMNS)
        .join(alerts, alerts.c.id == records.c.alert_id)
        .where(records.c.action == action, records.c.verdict == verdict, alerts.c.last_at > since)
        .where(~exists().where(same, end.c.status != FIRING))
        .order_by(records.c.id)
    )
    return _read(connection, query)


def _read(connection: Connection, query: Select[Any]) -> list[Record]:
    return [
        Record(**{**row, "labels": json.loads(row["labels"]), "annotations": json.loads(row["annotations"])})
        for row in connection.execute(query).mappings()
    ]


def _ids_in(some: Sequence[Record]) -> ColumnElement[bool]:
    return records.c.id.in_([record.id for record in some])
