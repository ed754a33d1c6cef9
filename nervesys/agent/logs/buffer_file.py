"""The buffer's file: created, opened, and moved aside if it is damaged, so that an agent can always log."""

import os
import sqlite3
from contextlib import suppress
from pathlib import Path

from nervesys import sqlite_file
from nervesys.errors import NervesysError

WAL_BYTES = 4 << 20
"""The write-ahead log is truncated to this after a checkpoint."""

PRAGMAS = ("auto_vacuum = INCREMENTAL", *sqlite_file.WAL_PRAGMAS, f"journal_size_limit = {WAL_BYTES}")
SCHEMA = sqlite_file.Schema(
    version=2,
    sql="""
CREATE TABLE runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at REAL NOT NULL, level INTEGER NOT NULL, category TEXT NOT NULL, records INTEGER NOT NULL, lines BLOB NOT NULL
);
CREATE TABLE batches (key TEXT PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL, category TEXT);
CREATE TABLE dropped (level INTEGER PRIMARY KEY, records INTEGER NOT NULL);
""",
)


class Reserve:
    """Reserved room on the disk, released when the disk is full: deleting shipped records takes room in the log first.

    Nothing is written without it, or the disk would fill up with records that cannot be deleted any more.

    Args:
        path: of the file that occupies the room.
        size: in bytes.
    """

    def __init__(self, path: Path, size: int) -> None:
        self._path, self._size = path, size
        self.allocated = False
        """Whether the room is reserved."""

    def allocate(self) -> bool:
        """Reserve the room, if it is not reserved yet; returns False if the disk has none."""
        if self.allocated:
            return True
        try:
            with self._path.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, self._size)
            self.allocated = True
        except OSError:
            self.release()
        return self.allocated

    def release(self) -> bool:
        """Free the room; returns whether any was reserved."""
        allocated, self.allocated = self.allocated, False
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
        return allocated


class UnreadableBuffer(Exception):
    """The file is not a buffer, or is damaged."""


def open_file(path: Path) -> tuple[sqlite3.Connection, str | None]:
    """Open the file, which is created if missing; a damaged one is moved aside and replaced by a new one.

    Returns:
        The connection, and what was wrong with the existing file, if anything.

    Raises:
        NervesysError: the file cannot be created or opened.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return _connect(path), None
        except (sqlite3.Error, UnreadableBuffer, sqlite_file.OtherVersion) as err:
            if not is_damage(err):
                raise
            problem = set_aside(path, err)
            return _connect(path), problem
    except (sqlite3.Error, OSError) as err:
        raise NervesysError(f"open the buffer {path}: {err}") from err


def is_damage(err: Exception) -> bool:
    """Whether an error means that the file itself is damaged, rather than that the disk is full or slow."""
    return isinstance(err, UnreadableBuffer | sqlite_file.OtherVersion) or sqlite_file.is_damage(err)


def set_aside(path: Path, why: Exception) -> str:
    """Move the file aside, over an earlier moved one; returns a message about it.

    Raises:
        OSError: it cannot be moved.
    """
    for end in ("", "-wal"):
        if (file := Path(f"{path}{end}")).exists():
            file.replace(f"{path}.damaged{end}")
    Path(f"{path}-shm").unlink(missing_ok=True)
    return f"the buffer {path} is damaged ({why}): it is moved to {path.name}.damaged, and a new one is created"


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite_file.open_file(path, SCHEMA, PRAGMAS, timeout_seconds=5)
    try:
        _check(db)
    except BaseException:
        db.close()
        raise
    return db


def _check(db: sqlite3.Connection) -> None:
    (problem,) = db.execute("PRAGMA quick_check(1)").fetchone()
    if problem != "ok":
        raise UnreadableBuffer(" ".join(problem.split()))
