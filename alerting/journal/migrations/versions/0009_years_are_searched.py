"""No query passes all that the journal holds, after years of it either."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Index states, the ends of episodes, the starts of attempts, and the alerts that something refers to."""
    changed = sa.text("coalesce(closed_at, opened_at)")
    op.create_index("ix_episodes_state", "episodes", ["state", "updated_at", "id"])
    op.create_index("ix_episodes_closed", "episodes", ["closed_at"])
    op.create_index("ix_attempts_started", "attempts", ["started_at"])
    op.create_index("ix_alerts_last", "alerts", ["last_at"])
    op.create_index(op.f("ix_evidence_alert_id"), "evidence", ["alert_id"])
    op.create_index("ix_records_state", "records", ["state", changed, "id"])
