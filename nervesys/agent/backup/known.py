"""The contents that earlier backups hold, in a small SQLite file: unchanged files are neither read nor stored again.

It is a cache: without it, files are read again, and an interrupted backup stores its contents again.
"""

import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from nervesys.sqlite_file import MEMORY, Schema, open_or_rebuild

SCHEMA = Schema(
    2,
    """
    CREATE TABLE packs (pack TEXT PRIMARY KEY, bytes INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE contents (sha TEXT PRIMARY KEY, size INTEGER NOT NULL, pack TEXT NOT NULL) WITHOUT ROWID;
    CREATE INDEX contents_pack ON contents (pack);
    CREATE TABLE stamps (name TEXT PRIMARY KEY, stamp TEXT NOT NULL, sha TEXT NOT NULL) WITHOUT ROWID;
    """,
)


class KnownContents:
    """Contents by their SHA-256, and the last known content of each file.

    Args:
        path: of the SQLite file; None for memory.
    """

    def __init__(self, path: Path | None) -> None:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._db: sqlite3.Connection = open_or_rebuild(path or MEMORY, SCHEMA, ("synchronous = OFF",))

    def add(self, pack: str, stored: int, contents: Iterable[tuple[str, int]]) -> None:
        """Remember the contents of a pack, by SHA-256 and size, and the pack's stored size in bytes."""
        with self._db:
            self._db.execute("INSERT OR REPLACE INTO packs VALUES (?, ?)", (pack, stored))
            rows = ((sha, size, pack) for sha, size in contents)
            self._db.executemany("INSERT OR REPLACE INTO contents VALUES (?, ?, ?)", rows)

    def keep_packs(self, present: Mapping[str, int]) -> None:
        """Forget the contents of all packs but these; also of one whose stored size has changed, for it is damaged."""
        with self._db:
            self._db.execute("CREATE TEMP TABLE present (pack TEXT, bytes INTEGER, PRIMARY KEY (pack, bytes))")
            self._db.executemany("INSERT INTO present VALUES (?, ?)", present.items())
            self._db.execute("DELETE FROM packs WHERE (pack, bytes) NOT IN (SELECT pack, bytes FROM present)")
            self._db.execute("DELETE FROM contents WHERE pack NOT IN (SELECT pack FROM packs)")
            self._db.execute("DROP TABLE present")

    def find(self, sha: str) -> tuple[int, str] | None:
        """Size and pack of a content; None if it is not stored."""
        row = self._row("SELECT size, pack FROM contents WHERE sha = ?", sha)
        return (int(row[0]), str(row[1])) if row else None

    def contents_of(self, pack: str) -> dict[str, int]:
        """Sizes of the contents of a pack, by SHA-256."""
        return dict(self._db.execute("SELECT sha, size FROM contents WHERE pack = ?", (pack,)).fetchall())

    def sha_of(self, name: str, stamp: str) -> str | None:
        """SHA-256 of a file that did not change since it was stored; None if it changed, or is unknown."""
        row = self._row("SELECT sha FROM stamps WHERE name = ? AND stamp = ?", name, stamp) if stamp else None
        return row[0] if row else None

    def remember(self, name: str, stamp: str, sha: str) -> None:
        """Remember the content of a file."""
        if stamp:
            self._db.execute("INSERT OR REPLACE INTO stamps VALUES (?, ?, ?)", (name, stamp, sha))

    def close(self) -> None:
        """Close the file."""
        self._db.commit()
        self._db.close()

    def _row(self, query: str, *values: str) -> Any:
        return self._db.execute(query, values).fetchone()
