"""Approvals that people are asked for: when, by which messages, and what was answered by whom.

Every function works within the open transaction that it is given.
"""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from alerting.journal.tables import approval_messages, approvals, telegram_updates

NONCE_BYTES = 16
MESSAGES = 50
"""Messages claimed at once."""


class Answer(StrEnum):
    """How an approval ended."""

    APPROVE = "approve"
    REFUSE = "refuse"
    SILENCE = "silence"
    EXPIRED = "expired"
    UNNEEDED = "unneeded"


CHOICES = (Answer.APPROVE, Answer.REFUSE, Answer.SILENCE)
"""What people may choose."""


@dataclass(frozen=True)
class Approval:
    """One question to people. Instants are Unix seconds.

    Attributes:
        nonce: random text that names it in links; never logged.
        ended_at: None while nobody has answered.
        outcome: an `Answer`; empty while there is none.
        ended_by: who answered, or why no answer is needed.
    """

    id: int
    episode_id: int
    nonce: str
    asked_at: float
    expires_at: float
    ended_at: float | None
    outcome: str
    ended_by: str


@dataclass(frozen=True)
class OutgoingMessage:
    """A message that is due.

    Attributes:
        channel: name in config/alerts.yaml.
        asks: whether it asks for the approval; otherwise it reports how that ended.
        attempts: to send it, so far.
        reference: the channel's name of the message that asked, to edit it; may be empty.
    """

    id: int
    approval: Approval
    channel: str
    asks: bool
    attempts: int
    reference: str


def ask(connection: Connection, episode_id: int, channels: Collection[str], now: float, expires_at: float) -> Approval:
    """Store a question, and the messages that ask it, which are due at once."""
    row = {"episode_id": episode_id, "nonce": secrets.token_urlsafe(NONCE_BYTES), "asked_at": now}
    row |= {"expires_at": expires_at, "outcome": "", "ended_by": ""}
    asked = Approval(**connection.execute(insert(approvals).returning(approvals), row).mappings().one())
    _enqueue(connection, asked.id, channels, now, asks=True)
    return asked


def newest_of(connection: Connection, episode_ids: Collection[int]) -> dict[int, Approval]:
    """The newest approval of each of these episodes; none where nobody was asked."""
    newest = select(func.max(approvals.c.id)).where(approvals.c.episode_id.in_(episode_ids))
    query = select(approvals).where(approvals.c.id.in_(newest.group_by(approvals.c.episode_id)))
    return {row["episode_id"]: Approval(**row) for row in connection.execute(query).mappings()}


def find(connection: Connection, nonce: str) -> Approval | None:
    """The approval that a link names; None where it was deleted."""
    row = connection.execute(select(approvals).where(approvals.c.nonce == nonce)).mappings().first()
    return Approval(**row) if row else None


def end(connection: Connection, approval_id: int, outcome: Answer, by: str, now: float) -> bool:
    """End an approval once, and report that by the channels that asked; False where it had ended before."""
    still_open = (approvals.c.id == approval_id, approvals.c.ended_at.is_(None))
    ended = {"ended_at": now, "outcome": outcome, "ended_by": by}
    if connection.execute(update(approvals).where(*still_open).values(ended)).rowcount != 1:
        return False
    mine = approval_messages.c.approval_id == approval_id
    channels = list(connection.scalars(select(approval_messages.c.channel).where(mine)))
    connection.execute(update(approval_messages).where(mine).values(due_at=None))
    _enqueue(connection, approval_id, channels, now, asks=False)
    return True


def end_open(connection: Connection, episode_id: int, outcome: Answer, by: str, now: float) -> None:
    """End the open approval of an episode, if it has one."""
    query = select(approvals.c.id).where(approvals.c.episode_id == episode_id, approvals.c.ended_at.is_(None))
    for approval_id in list(connection.scalars(query)):
        end(connection, approval_id, outcome, by, now)


def claim_messages(connection: Connection, now: float, until: float) -> list[OutgoingMessage]:
    """Take the messages that are due, so that no other receiver sends them before an instant."""
    due = select(approval_messages).where(approval_messages.c.due_at <= now).order_by(approval_messages.c.id)
    rows = connection.execute(due.limit(MESSAGES).with_for_update(skip_locked=True)).mappings().all()
    ids = [row["id"] for row in rows]
    connection.execute(update(approval_messages).where(approval_messages.c.id.in_(ids)).values(due_at=until))
    return [_outgoing(connection, row) for row in rows]


def settle_message(
    connection: Connection, message_id: int, now: float, *, reference: str = "", error: str = "", due_at: float | None
) -> None:
    """Write down how sending a message ended; with an error it is sent again when it is due, if ever."""
    values: dict[str, Any] = {"due_at": due_at, "error": error, "attempts": approval_messages.c.attempts + 1}
    if not error:
        values |= {"sent_at": now, "reference": reference}
    connection.execute(update(approval_messages).where(approval_messages.c.id == message_id).values(values))


def list_messages(connection: Connection, episode_id: int) -> Sequence[dict[str, Any]]:
    """The messages that asked for approvals of an episode, for its page."""
    query = (
        select(*approval_messages.c["channel", "asks", "sent_at", "error", "attempts"])
        .join(approvals, approvals.c.id == approval_messages.c.approval_id)
        .where(approvals.c.episode_id == episode_id)
        .order_by(approval_messages.c.id)
    )
    return [dict(row) for row in connection.execute(query).mappings()]


def channels_asked(connection: Connection) -> set[str]:
    """The channels with a message that was sent and still asks."""
    query = (
        select(approval_messages.c.channel)
        .join(approvals, approvals.c.id == approval_messages.c.approval_id)
        .where(approvals.c.ended_at.is_(None), approval_messages.c.reference != "")
    )
    return set(connection.scalars(query))


def count_open(connection: Connection) -> int:
    """How many approvals nobody has answered."""
    query = select(func.count()).select_from(approvals).where(approvals.c.ended_at.is_(None))
    return int(connection.execute(query).scalar_one())


def lease_updates(connection: Connection, bot: str, owner: str, now: float, until: float) -> int | None:
    """The id of the next update to read of a bot; None while another receiver reads them."""
    mine = telegram_updates.c.bot == bot
    row = connection.execute(select(telegram_updates).where(mine)).mappings().first()
    if row and row["lease_owner"] != owner and now < row["lease_until"]:
        return None
    next_update = row["next_update"] if row else 0
    keep_updates(connection, bot, owner, until, next_update)
    return int(next_update)


def keep_updates(connection: Connection, bot: str, owner: str, until: float, next_update: int) -> None:
    """Store which updates of a bot were read, and who reads on."""
    connection.execute(delete(telegram_updates).where(telegram_updates.c.bot == bot))
    row = {"bot": bot, "next_update": next_update, "lease_owner": owner, "lease_until": until}
    connection.execute(insert(telegram_updates), row)


def _enqueue(connection: Connection, approval_id: int, channels: Collection[str], now: float, *, asks: bool) -> None:
    row = {"approval_id": approval_id, "asks": asks, "attempts": 0, "due_at": now, "reference": "", "error": ""}
    if rows := [{**row, "channel": channel} for channel in sorted(set(channels))]:
        connection.execute(insert(approval_messages), rows)


def _outgoing(connection: Connection, row: Any) -> OutgoingMessage:
    found = connection.execute(select(approvals).where(approvals.c.id == row["approval_id"])).mappings().one()
    asked = select(approval_messages.c.reference).where(
        approval_messages.c.approval_id == row["approval_id"],
        approval_messages.c.channel == row["channel"],
        approval_messages.c.asks.is_(True),
    )
    reference = connection.execute(asked).scalar_one_or_none() or ""
    return OutgoingMessage(row["id"], Approval(**found), row["channel"], bool(row["asks"]), row["attempts"], reference)
