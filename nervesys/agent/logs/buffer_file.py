"""The buffer's file: made, opened, and set aside where it is damaged, for an agent that cannot log is blind."""

import os
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Any

from nervesys.errors import NervesysError

VERSION = 2
WAL_BYTES = 4 << 20
"""Beside the file, once its content is in the file."""

_SCHEMA = f"""
CREATE TABLE runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at REAL NOT NULL, level INTEGER NOT NULL, category TEXT NOT NULL, records INTEGER NOT NULL, lines BLOB NOT NULL
);
CREATE TABLE batches (key TEXT PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL, category TEXT);
CREATE TABLE dropped (level INTEGER PRIMARY KEY, records INTEGER NOT NULL);
PRAGMA user_version = {VERSION};
"""


class Reserve:
    """Room that is given up when the disk is full: to delete what was shipped takes room first.

    Nothing is written without it, or the disk would fill up with what could not be deleted any more.

    Args:
        path: of the file that holds it.
        size: bytes.
    """

    def __init__(self, path: Path, size: int) -> None:
        self._path, self._size = path, size
        self.held = False
        """Whether the room is taken."""

    def make(self) -> bool:
        """Take the room, where it is not taken yet; False where the disk has none."""
        if self.held:
            return True
        try:
            with self._path.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, self._size)
            self.held = True
        except OSError:
            self.give_up()
        return self.held

    def give_up(self) -> bool:
        """Whether there was any room to give up."""
        held, self.held = self.held, False
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
        return held


class Unreadable(Exception):
    """The file is no buffer, or no longer."""


def open_file(path: Path) -> tuple[sqlite3.Connection, str | None]:
    """Open the file, made where it is missing; a damaged one is set aside and a new one begun.

    Returns:
        The connection, and what was wrong with the file that was there, if anything.

    Raises:
        NervesysError: there can be no file.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return _opened(path), None
        except (sqlite3.Error, Unreadable) as err:
            if not is_damage(err):
                raise
            told = set_aside(path, err)
            return _opened(path), told
    except (sqlite3.Error, OSError) as err:
        raise NervesysError(f"open the buffer {path}: {err}") from err


def is_damage(err: Exception) -> bool:
    """Whether an error says that the file itself is broken, rather than that the disk is full or slow."""
    code = getattr(err, "sqlite_errorcode", 0) & 0xFF
    return isinstance(err, Unreadable) or code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def set_aside(path: Path, why: Exception) -> str:
    """Move the file out of the way, over the one that was moved before; returns what was done, in words.

    Raises:
        OSError: it cannot be moved.
    """
    for end in ("", "-wal"):
        if (file := Path(f"{path}{end}")).exists():
            file.replace(f"{path}.damaged{end}")
    Path(f"{path}-shm").unlink(missing_ok=True)
    return f"the buffer {path} is damaged ({why}): it is set aside as {path.name}.damaged, and a new one is begun"


def _opened(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, check_same_thread=False, timeout=5)
    try:
        db.execute("PRAGMA auto_vacuum = INCREMENTAL")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute(f"PRAGMA journal_size_limit = {WAL_BYTES}")
        if not _first(db, "SELECT count(*) FROM sqlite_schema"):
            db.executescript(_SCHEMA)
        _check(db)
    except BaseException:
        db.close()
        raise
    return db


def _check(db: sqlite3.Connection) -> None:
    version, problem = _first(db, "PRAGMA user_version"), _first(db, "PRAGMA quick_check(1)")
    if version != VERSION:
        raise Unreadable(f"it is of version {version}, not {VERSION}")
    if problem != "ok":
        raise Unreadable(" ".join(problem.split()))


def _first(db: sqlite3.Connection, query: str) -> Any:
    return db.execute(query).fetchone()[0]
