"""Databases: opened by URL, migrated, and written to with group commit."""

from nervesys.database.database import NAMING, Database
from nervesys.database.read_only import ReadOnlyDatabase
from nervesys.database.writer import Writer

__all__ = ["NAMING", "Database", "ReadOnlyDatabase", "Writer"]
