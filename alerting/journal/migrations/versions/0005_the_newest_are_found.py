"""What changed last is found at once, however much the journal holds."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Index when episodes, records and rejected alerts last changed, and whom alerts are about."""
    rejected = sa.text("rejected != ''")
    op.create_index("ix_episodes_changed", "episodes", ["updated_at", "id"])
    changed = sa.text("coalesce(closed_at, opened_at)")
    op.create_index("ix_records_changed", "records", [changed, "id", "state", "action"])
    op.create_index("ix_alerts_rejected", "alerts", ["last_at", "id"], sqlite_where=rejected, postgresql_where=rejected)
    op.create_index(op.f("ix_alerts_agent"), "alerts", ["agent"])
