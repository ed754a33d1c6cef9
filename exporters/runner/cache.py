"""A source's cache across restarts: one SQLite file under `NERVESYS_HOME`.

The file may be deleted at any time: everything is read again, and counters restart. `PRAGMA user_version` holds the
schema's version; a file of another version is rebuilt, but for the counters' totals, which survive and only grow.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from nervesys.sqlite_file import MEMORY, WAL_PRAGMAS, Schema, open_or_rebuild

SCHEMA = Schema(
    version=2,
    sql="""
CREATE TABLE success (area TEXT PRIMARY KEY, at REAL NOT NULL, unbroken_since REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE body (area TEXT, key TEXT, version TEXT NOT NULL, body BLOB, PRIMARY KEY (area, key)) WITHOUT ROWID;
CREATE TABLE log_agent_gone (agent TEXT PRIMARY KEY, since REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE log_birth (at REAL NOT NULL);
CREATE TABLE log_object (
    folder TEXT, key TEXT, version TEXT NOT NULL, sums TEXT, PRIMARY KEY (folder, key)
) WITHOUT ROWID;
CREATE TABLE log_folder (folder TEXT PRIMARY KEY, checked REAL NOT NULL, counted BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE size (
    area TEXT, folder TEXT, objects INTEGER NOT NULL, bytes INTEGER NOT NULL, newest REAL NOT NULL,
    checked REAL NOT NULL, PRIMARY KEY (area, folder)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS total (series TEXT PRIMARY KEY, sums TEXT NOT NULL) WITHOUT ROWID;
""",
    kept=frozenset({"total"}),
)
"""Series and sums in `total` are JSON lists."""


class Cache:
    """The cache of one source.

    Args:
        path: the file, made where it is missing, in a folder that is there; `MEMORY` forgets at exit.
    """

    def __init__(self, path: Path | str = MEMORY) -> None:
        self._db = open_or_rebuild(path, SCHEMA, WAL_PRAGMAS)
        self._lock = Lock()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """The database, by one thread at a time; committed at the end, undone on an error."""
        with self._lock, self._db:
            yield self._db

    def last_success(self, area: str) -> tuple[float, float] | None:
        """When a pass last succeeded and since when successes are unbroken; None before the first."""
        with self.transaction() as db:
            row: tuple[float, float] | None = db.execute(
                "SELECT at, unbroken_since FROM success WHERE area = ?", (area,)
            ).fetchone()
        return row

    def record_success(self, area: str, at: float, unbroken_since: float) -> None:
        """Remember a success."""
        with self.transaction() as db:
            db.execute("INSERT OR REPLACE INTO success VALUES (?, ?, ?)", (area, at, unbroken_since))

    def bodies(self, area: str) -> list[tuple[str, str, bytes | None]]:
        """Key, version and body of every object that an area holds; None for a rejected body."""
        with self.transaction() as db:
            return db.execute("SELECT key, version, body FROM body WHERE area = ?", (area,)).fetchall()

    def keep_bodies(self, area: str, fresh: Iterable[tuple[str, str, bytes | None]], gone: Iterable[str] = ()) -> None:
        """Remember an area's fresh bodies, and forget those that are gone."""
        with self.transaction() as db:
            db.executemany("DELETE FROM body WHERE area = ? AND key = ?", ((area, key) for key in gone))
            db.executemany("INSERT OR REPLACE INTO body VALUES (?, ?, ?, ?)", ((area, *row) for row in fresh))

    def close(self) -> None:
        """Close the file."""
        self._db.close()
