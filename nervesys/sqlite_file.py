"""Small SQLite files with a schema version in `PRAGMA user_version`; one of another version is refused or rebuilt."""

import logging
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

MEMORY = ":memory:"
WAL_PRAGMAS = ("journal_mode = WAL", "synchronous = NORMAL")

log = logging.getLogger(__name__)


class OtherVersion(Exception):
    """The file's schema has another version than expected, or is not ours."""


@dataclass(frozen=True)
class Schema:
    """The tables of a file.

    Attributes:
        version: 1 or more; increased with every change of the tables.
        sql: creates the tables, by statements that end in `;`.
        kept: names of tables that a rebuild leaves as they are; `sql` creates them `IF NOT EXISTS`.
    """

    version: int
    sql: str
    kept: frozenset[str] = frozenset()


def open_file(
    path: Path | str, schema: Schema, pragmas: Sequence[str] = (), *, timeout_seconds: float = 10
) -> sqlite3.Connection:
    """Open a file, which is created if missing.

    Args:
        path: of the file, in an existing folder, or `MEMORY`.
        schema: its tables.
        pragmas: run before the tables are created, such as `synchronous = NORMAL`.
        timeout_seconds: how long to wait for another process that writes to it.

    Returns:
        A connection that any thread may use.

    Raises:
        OtherVersion: the file has another schema.
        sqlite3.Error: it cannot be opened, or is damaged.
    """
    db = _connect(path, pragmas, timeout_seconds)
    try:
        _create_or_check(db, schema)
    except BaseException:
        db.close()
        raise
    return db


def open_or_rebuild(path: Path | str, schema: Schema, pragmas: Sequence[str] = ()) -> sqlite3.Connection:
    """Open a file whose content can be recomputed: a damaged one is replaced, one of another version is rebuilt.

    Raises:
        sqlite3.Error: it cannot be opened.
    """
    try:
        return open_file(path, schema, pragmas)
    except OtherVersion as err:
        log.info("rebuild %s: %s", path, err)
        return _rebuild(path, schema, pragmas)
    except sqlite3.DatabaseError as err:
        if not is_damage(err):
            raise
        log.warning("%s is damaged, and is replaced by an empty one: %s", path, err)
        Path(path).unlink()
        return open_file(path, schema, pragmas)


def is_damage(err: Exception) -> bool:
    """Whether an error means that the file itself is damaged, rather than that the disk is full or slow."""
    # the low byte is the primary code: extended codes such as SQLITE_CORRUPT_INDEX are damage too
    code = getattr(err, "sqlite_errorcode", 0) & 0xFF
    return code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def _rebuild(path: Path | str, schema: Schema, pragmas: Sequence[str]) -> sqlite3.Connection:
    with closing(_connect(path, pragmas, 10)) as db:
        _create(db, schema, drop=_tables(db) - schema.kept)
    return open_file(path, schema, pragmas)


def _connect(path: Path | str, pragmas: Sequence[str], timeout_seconds: float) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=timeout_seconds, check_same_thread=False)
    try:
        for pragma in pragmas:
            db.execute(f"PRAGMA {pragma}")
    except BaseException:
        db.close()
        raise
    return db


def _create(db: sqlite3.Connection, schema: Schema, drop: frozenset[str] = frozenset()) -> None:
    drops = "".join(f'DROP TABLE "{table}";' for table in sorted(drop))
    db.executescript(f"BEGIN; {drops} {schema.sql} PRAGMA user_version = {schema.version}; COMMIT;")


def _create_or_check(db: sqlite3.Connection, schema: Schema) -> None:
    (found,) = db.execute("PRAGMA user_version").fetchone()
    if found == 0 and not _tables(db):
        _create(db, schema)
    elif found != schema.version:
        raise OtherVersion(f"its schema version is {found}, not {schema.version}")


def _tables(db: sqlite3.Connection) -> frozenset[str]:
    # SQLite's own tables, such as sqlite_sequence, cannot be dropped
    query = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    return frozenset(name for (name,) in db.execute(query))
