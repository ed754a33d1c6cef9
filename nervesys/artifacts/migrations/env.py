"""Alembic's entry: the connection is handed in by `nervesys.database`."""

from alembic import context

from nervesys.artifacts.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
