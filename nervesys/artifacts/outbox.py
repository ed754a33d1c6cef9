"""The outbox of an agent: requests to the artifact service that could not be sent yet, in order, in SQLite.

It uses no write-ahead log, so that an exporter can read it from a folder that it must not write to.
"""

import sqlite3
import threading
from pathlib import Path
from typing import Any, NamedTuple

from nervesys.errors import NervesysError

FILE = "artifacts.sqlite3"
"""File name within the agent's folder."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS requests (
    number INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, path TEXT NOT NULL, body BLOB NOT NULL, refused TEXT
)
"""
_STATE = """
SELECT count(*) FILTER (WHERE refused IS NULL), min(at) FILTER (WHERE refused IS NULL), count(refused) FROM requests
"""


class StoredRequest(NamedTuple):
    """One stored request.

    Attributes:
        path: below the service's URL.
        body: JSON.
    """

    number: int
    path: str
    body: bytes


class OutboxState(NamedTuple):
    """How full an outbox is.

    Attributes:
        waiting: number of requests to be sent.
        oldest: time of the oldest of them, in Unix seconds; None if there is none.
        refused: number of requests that the service refused; they are kept for inspection.
    """

    waiting: int
    oldest: float | None
    refused: int


class Outbox:
    """The outbox of one agent. Thread-safe.

    Args:
        path: the file; its folder is created.

    Raises:
        NervesysError: the file cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, check_same_thread=False, timeout=5)
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.execute(_SCHEMA)
        except (OSError, sqlite3.Error) as err:
            raise NervesysError(f"open {path}: {err}") from err

    def add(self, at: float, path: str, body: bytes) -> None:
        """Store a request durably.

        Raises:
            NervesysError: the file cannot be written.
        """
        self._write("INSERT INTO requests (at, path, body) VALUES (?, ?, ?)", at, path, body)

    def first(self) -> StoredRequest | None:
        """The request to send next."""
        found = self._read("SELECT number, path, body FROM requests WHERE refused IS NULL ORDER BY number LIMIT 1")
        return StoredRequest(*found) if found else None

    def remove(self, request: StoredRequest) -> None:
        """Remove a request that the service accepted."""
        self._write("DELETE FROM requests WHERE number = ?", request.number)

    def set_aside(self, request: StoredRequest, why: str) -> None:
        """Set aside a request that the service refused; it is kept for inspection."""
        self._write("UPDATE requests SET refused = ? WHERE number = ?", why, request.number)

    def delete_refused(self, before: float) -> int:
        """Remove refused requests older than an instant; returns how many."""
        return self._write("DELETE FROM requests WHERE refused IS NOT NULL AND at < ?", before)

    def state(self) -> OutboxState:
        """How full it is."""
        return OutboxState(*self._read(_STATE))

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def _read(self, query: str) -> Any:
        try:
            with self._lock:
                return self._db.execute(query).fetchone()
        except sqlite3.Error as err:
            raise NervesysError(f"read {self._path}: {err}") from err

    def _write(self, statement: str, *values: Any) -> int:
        try:
            with self._lock, self._db:
                return self._db.execute(statement, values).rowcount
        except sqlite3.Error as err:
            raise NervesysError(f"write {self._path}: {err}") from err


def read_state(path: Path) -> OutboxState:
    """The state of another process's outbox, opened read-only.

    Raises:
        NervesysError: it cannot be read.
    """
    return OutboxState(*_query_read_only(path, _STATE))


def count_refused(path: Path, before: float) -> int:
    """The number of refused requests older than an instant in another process's outbox, opened read-only.

    Raises:
        NervesysError: it cannot be read.
    """
    return int(_query_read_only(path, "SELECT count(*) FROM requests WHERE refused IS NOT NULL AND at < ?", before)[0])


def _query_read_only(path: Path, query: str, *values: Any) -> Any:
    try:
        db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=1)
        try:
            return db.execute(query, values).fetchone()
        finally:
            db.close()
    except sqlite3.Error as err:
        raise NervesysError(f"read {path}: {err}") from err
