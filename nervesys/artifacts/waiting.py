"""What could not be said to the service waits on this machine's disk, in the order in which it is to be said.

No write-ahead log: whoever only watches may read it from a folder that it cannot write to.
"""

import sqlite3
import threading
from pathlib import Path
from typing import Any, NamedTuple

from nervesys.errors import NervesysError

FILE = "artifacts.sqlite3"
"""In an agent's own folder."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS requests (
    number INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, path TEXT NOT NULL, body BLOB NOT NULL, refused TEXT
)
"""
_STATE = """
SELECT count(*) FILTER (WHERE refused IS NULL), min(at) FILTER (WHERE refused IS NULL), count(refused) FROM requests
"""


class Request(NamedTuple):
    """One thing to say.

    Attributes:
        path: below the service's URL.
        body: JSON.
    """

    number: int
    path: str
    body: bytes


class State(NamedTuple):
    """What waits.

    Attributes:
        waiting: requests to be said.
        oldest: when the first of them was made, in Unix seconds; None where none waits.
        refused: requests that the service will not take; they are kept to be looked at.
    """

    waiting: int
    oldest: float | None
    refused: int


class Waiting:
    """The requests of one agent; any thread may use it.

    Args:
        path: of the file; its folder is made.

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
        """Keep a request; it is on the disk when this returns.

        Raises:
            NervesysError: the disk refuses.
        """
        self._write("INSERT INTO requests (at, path, body) VALUES (?, ?, ?)", at, path, body)

    def first(self) -> Request | None:
        """What is to be said next."""
        found = self._read("SELECT number, path, body FROM requests WHERE refused IS NULL ORDER BY number LIMIT 1")
        return Request(*found) if found else None

    def said(self, request: Request) -> None:
        """Forget what the service has taken."""
        self._write("DELETE FROM requests WHERE number = ?", request.number)

    def refused(self, request: Request, why: str) -> None:
        """Pass over what the service will never take; it stays to be looked at."""
        self._write("UPDATE requests SET refused = ? WHERE number = ?", why, request.number)

    def forget_refused(self, before: float) -> int:
        """Forget what was refused and made before an instant; how many."""
        return self._write("DELETE FROM requests WHERE refused IS NOT NULL AND at < ?", before)

    def state(self) -> State:
        """What waits."""
        return State(*self._read(_STATE))

    def close(self) -> None:
        """Release the file."""
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


def state_of(path: Path) -> State:
    """What waits in somebody else's file, which is only read.

    Raises:
        NervesysError: it cannot be read.
    """
    return State(*_looked(path, _STATE))


def refused_before(path: Path, before: float) -> int:
    """How many requests in somebody else's file were refused and made before an instant.

    Raises:
        NervesysError: it cannot be read.
    """
    return int(_looked(path, "SELECT count(*) FROM requests WHERE refused IS NOT NULL AND at < ?", before)[0])


def _looked(path: Path, query: str, *values: Any) -> Any:
    try:
        db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=1)
        try:
            return db.execute(query, values).fetchone()
        finally:
            db.close()
    except sqlite3.Error as err:
        raise NervesysError(f"read {path}: {err}") from err
