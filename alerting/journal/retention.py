"""Deletes old ended episodes, records and alerts, in steps so short that they delay no other transaction."""

from typing import Any

from sqlalchemy import Connection, Select, delete, exists, select, update

from alerting.journal.tables import alerts, approval_messages, approvals, attempts, episodes, evidence, history, records

BATCH = 500
"""Rows of each kind deleted in one step."""


def delete_ended(connection: Connection, before: float) -> bool:
    """Delete episodes and records that ended before an instant, and alerts that neither of them refers to.

    An episode is kept while one of its alerts is still received: without it, the repeat would open a new episode.

    Args:
        connection: an open transaction.
        before: Unix seconds.

    Returns:
        Whether there may be more.
    """
    still_received = exists().where(
        evidence.c.episode_id == episodes.c.id, evidence.c.alert_id == alerts.c.id, alerts.c.last_at >= before
    )
    ended = _some(connection, select(episodes.c.id).where(episodes.c.closed_at < before, ~still_received))
    asked = select(approvals.c.id).where(approvals.c.episode_id.in_(ended))
    connection.execute(delete(approval_messages).where(approval_messages.c.approval_id.in_(asked)))
    for table in (history, attempts, evidence, approvals):
        connection.execute(delete(table).where(table.c.episode_id.in_(ended)))
    connection.execute(update(episodes).where(episodes.c.trial_of.in_(ended)).values(trial_of=None))
    connection.execute(delete(episodes).where(episodes.c.id.in_(ended)))
    settled = _some(connection, select(records.c.id).where(records.c.closed_at < before))
    connection.execute(delete(records).where(records.c.id.in_(settled)))
    used = [exists().where(table.c.alert_id == alerts.c.id) for table in (evidence, records)]
    unused = _some(connection, select(alerts.c.id).where(alerts.c.last_at < before, *(~each for each in used)))
    connection.execute(delete(alerts).where(alerts.c.id.in_(unused)))
    return BATCH in (len(ended), len(settled), len(unused))


def _some(connection: Connection, query: Select[Any]) -> list[int]:
    return list(connection.scalars(query.limit(BATCH)))
