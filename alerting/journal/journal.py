"""The journal as a database."""

from pathlib import Path

from nervesys.database import Database
from nervesys.errors import DatabaseUnavailable


class JournalUnavailable(DatabaseUnavailable):
    """The journal could not be opened, read or written; nothing may be promised to a sender."""


class Journal(Database):
    """A database of episodes, which several receivers may share."""

    called = "the journal"
    unavailable = JournalUnavailable
    migrations = Path(__file__).parent / "migrations"
