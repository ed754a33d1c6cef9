"""Records of the language model's work keep its verdict."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Give records a verdict."""
    op.add_column("records", sa.Column("verdict", sa.String(), nullable=False, server_default=""))
