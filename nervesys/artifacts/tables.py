"""The database of manifests and traces; only the service writes to it. Instants are Unix seconds.

Every row holds the number of its last change. The number grows by one with each change, in commit order, so that an
exporter that remembers the highest number it has seen reads only the rows that changed since.
"""

from pathlib import Path

from sqlalchemy import BigInteger, Column, Double, Index, Integer, MetaData, PrimaryKeyConstraint, String, Table, Text

from nervesys.database import NAMING, Database


class ManifestDatabase(Database):
    """Manifests and traces."""

    called = "the manifests"
    migrations = Path(__file__).parent / "migrations"


metadata = MetaData(naming_convention=NAMING)

manifests = Table(
    "manifests",
    metadata,
    Column("id", String, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("supersedes", String, index=True),
    Column("trace_id", String),
    Column("step_id", String),
    Column("created_by", String, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("artifact_type", String, nullable=False),
    Column("content_type", String, nullable=False),
    Column("uri", String, nullable=False, index=True),
    Column("size_bytes", BigInteger, nullable=False),
    Column("checksum", String, nullable=False),
    Column("status", String, nullable=False),
    Column("retention", Integer),
    Column("owner", String, nullable=False),
    Column("visibility", String, nullable=False),
    Column("context", Text, nullable=False),
    Column("expires_at", Double, index=True),
    Column("registered", BigInteger, nullable=False),
    Column("change", BigInteger, nullable=False, unique=True),
    Index("ix_manifests_trace", "trace_id", "id"),
    Index("ix_manifests_status", "status", "created_at"),
)
"""`registered` is the number of the first change of a row, `change` that of the last."""

traces = Table(
    "traces",
    metadata,
    Column("id", String, primary_key=True),
    Column("owner", String, nullable=False),
    Column("status", String, nullable=False),
    Column("started_at", Double, nullable=False),
    Column("ended_at", Double),
    Column("registered", BigInteger, nullable=False),
    Column("change", BigInteger, nullable=False, unique=True),
)

members = Table(
    "members",
    metadata,
    Column("trace_id", String, nullable=False),
    Column("agent", String, nullable=False),
    PrimaryKeyConstraint("trace_id", "agent"),
)

steps = Table(
    "steps",
    metadata,
    Column("trace_id", String, nullable=False),
    Column("id", String, nullable=False),
    Column("agent", String, nullable=False),
    Column("status", String, nullable=False),
    Column("started_at", Double, nullable=False),
    Column("ended_at", Double),
    Column("registered", BigInteger, nullable=False),
    Column("change", BigInteger, nullable=False, unique=True),
    PrimaryKeyConstraint("trace_id", "id"),
)
