"""The database of manifests; the service alone writes to it."""

from pathlib import Path

from nervesys.database import Database


class Manifests(Database):
    """Manifests and processes."""

    called = "the manifests"
    migrations = Path(__file__).parent / "migrations"
