"""A receiver that starts again knows that the store was readable before."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """One row, and an index of the episodes that an incident let through."""
    op.create_table(
        "store_reads",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("unbroken_since", sa.Double(), nullable=False),
        sa.Column("last_success", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_store_reads")),
    )
    let_through = sa.text("trial_of IS NOT NULL")
    op.create_index(
        "ix_episodes_trials", "episodes", ["trial_of"], sqlite_where=let_through, postgresql_where=let_through
    )
