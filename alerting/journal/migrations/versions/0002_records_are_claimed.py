"""Records are taken by one receiver at a time."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Give records a lease."""
    op.add_column("records", sa.Column("lease_until", sa.Double(), nullable=True))
