"""Reads and writes records: what is to be written down elsewhere, and waits here until it is."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, or_, select, update

from alerting.journal.states import Change, State
from alerting.journal.tables import alerts, records

BATCH = 1000
"""Records written in one go."""


@dataclass(frozen=True)
class Record:
    """One alert that is to be written down.

    Attributes:
        target: where, as alerts.yaml says.
        received_at: Unix seconds.
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


def claim(connection: Connection, action: str, now: float, *, until: float) -> list[Record]:
    """Take what waits for an action into this receiver's hands.

    Args:
        connection: an open transaction.
        action: its name.
        now: Unix seconds.
        until: Unix seconds, after which another may take them.

    Returns:
        Those taken, oldest first; what others hold is left out.
    """
    free = or_(records.c.lease_until.is_(None), records.c.lease_until < now)
    query = (
        select(
            *records.c["id", "action", "target"],
            records.c.opened_at.label("received_at"),
            *alerts.c["alertname", "fingerprint", "starts_at", "status", "sender", "agent", "labels", "annotations"],
        )
        .join(alerts, alerts.c.id == records.c.alert_id)
        .where(records.c.closed_at.is_(None), records.c.action == action, free)
        .order_by(records.c.id)
        .limit(BATCH)
        .with_for_update(of=records, skip_locked=True)
    )
    taken = [
        Record(**{**row, "labels": json.loads(row["labels"]), "annotations": json.loads(row["annotations"])})
        for row in connection.execute(query).mappings()
    ]
    connection.execute(update(records).where(_these(taken)).values(lease_until=until))
    return taken


def settle(
    connection: Connection, done: Sequence[Record], state: State, detail: str, closed_at: float | None
) -> list[Change]:
    """Write down how a batch ended, or why it goes on waiting.

    Args:
        connection: an open transaction.
        done: the batch.
        state: that all of it is in now.
        detail: in words.
        closed_at: Unix seconds; None while it waits.
    """
    values = {"state": state, "detail": detail, "closed_at": closed_at, "lease_until": None}
    connection.execute(update(records).where(_these(done)).values(values))
    return [Change(one.agent, one.action, state, detail) for one in done] if closed_at is not None else []


def _these(some: Sequence[Record]) -> ColumnElement[bool]:
    return records.c.id.in_([record.id for record in some])
