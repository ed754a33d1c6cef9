"""The database of manifests and traces; only the service writes to it."""

from pathlib import Path

from nervesys.database import Database


class Manifests(Database):
    """Manifests and traces."""

    called = "the manifests"
    migrations = Path(__file__).parent / "migrations"
