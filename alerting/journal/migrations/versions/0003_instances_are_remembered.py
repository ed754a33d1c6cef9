"""Which instances of an agent spoke is remembered across episodes."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """One row an agent."""
    op.create_table(
        "instances",
        sa.Column("agent", sa.String(), nullable=False),
        sa.Column("known", sa.Text(), nullable=False),
        sa.Column("returns", sa.Integer(), nullable=False),
        sa.Column("returned_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("agent", name=op.f("pk_instances")),
    )
