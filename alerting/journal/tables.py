"""The journal's tables. Times are Unix seconds; texts were cleaned by `alerting.receiver.webhook` before."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    func,
    literal_column,
    text,
)

from nervesys.database import NAMING

metadata = MetaData(naming_convention=NAMING)

episodes = Table(
    "episodes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("action", String, nullable=False),
    Column("agent", String, nullable=False),
    Column("test", Boolean(create_constraint=False), nullable=False),
    Column("alert", String, nullable=False),
    Column("state", String, nullable=False),
    Column("verdict", String, nullable=False),
    Column("detail", Text, nullable=False),
    Column("opened_at", Double, nullable=False),
    Column("updated_at", Double, nullable=False),
    Column("closed_at", Double),
    Column("due_at", Double),
    Column("attempts", Integer, nullable=False),
    Column("driver_errors", Integer, nullable=False),
    Column("attempt_at", Double),
    Column("baseline", String, nullable=False),
    Column("sign", String, nullable=False),
    Column("waited", Double, nullable=False),
    Column("looked_at", Double),
    Column("trial_of", ForeignKey("episodes.id")),
    Column("lease_owner", String),
    Column("lease_until", Double),
    Column("driver", String, nullable=False),
    Column("server", String, nullable=False),
)
OPEN = text("closed_at IS NULL")
Index("uq_episodes_open", *episodes.c["action", "agent", "test"], unique=True, sqlite_where=OPEN, postgresql_where=OPEN)
"""At most one open episode for each action and agent; every further alert joins it."""
Index("ix_episodes_due", episodes.c.due_at)
Index("ix_episodes_agent", *episodes.c["agent", "id"])
Index("ix_episodes_changed", *episodes.c["updated_at", "id"])
Index("ix_episodes_state", *episodes.c["state", "updated_at", "id"])
Index("ix_episodes_closed", episodes.c.closed_at)

TRIALS = text("trial_of IS NOT NULL")
Index("ix_episodes_trials", episodes.c.trial_of, sqlite_where=TRIALS, postgresql_where=TRIALS)

attempts = Table(
    "attempts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("episode_id", ForeignKey("episodes.id"), nullable=False, index=True),
    Column("agent", String, nullable=False),
    Column("action", String, nullable=False),
    Column("number", Integer, nullable=False),
    Column("driver", String, nullable=False),
    Column("started_at", Double, nullable=False),
    Column("ended_at", Double),
    Column("outcome", String),
    Column("detail", Text, nullable=False),
    Index("ix_attempts_agent", "agent", "started_at"),
    Index("ix_attempts_started", "started_at"),
)

history = Table(
    "history",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("episode_id", ForeignKey("episodes.id"), nullable=False, index=True),
    Column("at", Double, nullable=False),
    Column("state", String, nullable=False),
    Column("verdict", String, nullable=False),
    Column("detail", Text, nullable=False),
)

alerts = Table(
    "alerts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("alertname", String, nullable=False),
    Column("fingerprint", String, nullable=False),
    Column("starts_at", String, nullable=False),
    Column("status", String, nullable=False),
    Column("sender", String, nullable=False),
    Column("agent", String, nullable=False, index=True),
    Column("labels", Text, nullable=False),
    Column("annotations", Text, nullable=False),
    Column("rejected", String, nullable=False),
    Column("first_at", Double, nullable=False),
    Column("last_at", Double, nullable=False),
    Column("times", Integer, nullable=False),
    UniqueConstraint("alertname", "fingerprint", "starts_at", "status"),
    Index("ix_alerts_last", "last_at"),
)
REJECTED = alerts.c.rejected != literal_column("''")
"""With the value written out: of a bound parameter, no planner could tell that the index has all these alerts."""
Index("ix_alerts_rejected", *alerts.c["last_at", "id"], sqlite_where=REJECTED, postgresql_where=REJECTED)

evidence = Table(
    "evidence",
    metadata,
    Column("episode_id", ForeignKey("episodes.id"), primary_key=True),
    Column("alert_id", ForeignKey("alerts.id"), primary_key=True, index=True),
)

instances = Table(
    "instances",
    metadata,
    Column("agent", String, primary_key=True),
    Column("known", Text, nullable=False),
    Column("returns", Integer, nullable=False),
    Column("returned_at", Double),
)

store_reads = Table(
    "store_reads",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("unbroken_since", Double, nullable=False),
    Column("last_success", Double, nullable=False),
)

records = Table(
    "records",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("alert_id", ForeignKey("alerts.id"), nullable=False),
    Column("action", String, nullable=False),
    Column("target", String, nullable=False),
    Column("state", String, nullable=False),
    Column("detail", Text, nullable=False),
    Column("opened_at", Double, nullable=False),
    Column("closed_at", Double),
    Column("lease_until", Double),
    Column("verdict", String, nullable=False, server_default=""),
    UniqueConstraint("alert_id", "action", "target"),
    Index("ix_records_open", "closed_at"),
)
RECORD_CHANGED = func.coalesce(records.c.closed_at, records.c.opened_at)
"""When a record last changed."""
Index("ix_records_changed", RECORD_CHANGED, *records.c["id", "state", "action"])
"""State and action are part of it, so that a row which is filtered out by them is not read."""
Index("ix_records_state", records.c.state, RECORD_CHANGED, records.c.id)

sessions = Table(
    "sessions",
    metadata,
    Column("id", String, primary_key=True),
    Column("signature", String, nullable=False),
    Column("until", Double, nullable=False),
)

approvals = Table(
    "approvals",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("episode_id", ForeignKey("episodes.id"), nullable=False, index=True),
    Column("nonce", String, nullable=False),
    Column("asked_at", Double, nullable=False),
    Column("expires_at", Double, nullable=False),
    Column("ended_at", Double),
    Column("outcome", String, nullable=False),
    Column("ended_by", Text, nullable=False),
    UniqueConstraint("nonce"),
)
UNANSWERED = text("ended_at IS NULL")
Index("ix_approvals_open", approvals.c.asked_at, sqlite_where=UNANSWERED, postgresql_where=UNANSWERED)

approval_messages = Table(
    "approval_messages",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("approval_id", ForeignKey("approvals.id"), nullable=False),
    Column("channel", String, nullable=False),
    Column("asks", Boolean(create_constraint=False), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", Double, index=True),
    Column("sent_at", Double),
    Column("reference", String, nullable=False),
    Column("error", Text, nullable=False),
    UniqueConstraint("approval_id", "channel", "asks"),
)

telegram_updates = Table(
    "telegram_updates",
    metadata,
    Column("bot", String, primary_key=True),
    Column("next_update", BigInteger, nullable=False),
    Column("lease_owner", String, nullable=False),
    Column("lease_until", Double, nullable=False),
)
