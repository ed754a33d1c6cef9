"""Databases that promise something: opened by URL, brought up to date, written to in groups."""

from nervesys.database.database import Database
from nervesys.database.reading import Reader
from nervesys.database.writer import Writer

__all__ = ["Database", "Reader", "Writer"]
