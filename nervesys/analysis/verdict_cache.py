"""The cache of verdicts by kind of error, and the count of today's tokens, in a small SQLite file.

The file may be deleted at any time; then the model is asked again, and today's budget starts anew.
"""

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from nervesys.analysis.verdict import ErrorSeverity, ErrorVerdict
from nervesys.sqlite_file import Schema, open_or_rebuild

SCHEMA = Schema(
    version=1,
    sql="""
CREATE TABLE verdict (kind TEXT PRIMARY KEY, severity TEXT NOT NULL, reason TEXT NOT NULL, at REAL NOT NULL);
CREATE TABLE spent (day TEXT PRIMARY KEY, tokens INTEGER NOT NULL) WITHOUT ROWID;
""",
)
LASTS_SECONDS = 86_400.0
"""How long a verdict is cached."""


@dataclass(frozen=True)
class VerdictCache:
    """The file.

    Attributes:
        database: with its tables; see `open_cache`.
    """

    database: sqlite3.Connection
    lock: Lock

    def verdict(self, kind: str, now: float) -> ErrorVerdict | None:
        """The cached verdict on a kind of error."""
        query = "SELECT severity, reason FROM verdict WHERE kind = ? AND at > ?"
        with self.lock:
            row = self.database.execute(query, (kind, now - LASTS_SECONDS)).fetchone()
        return ErrorVerdict(severity=ErrorSeverity(row[0]), reason=row[1]) if row else None

    def keep(self, kind: str, verdict: ErrorVerdict, now: float) -> None:
        """Cache a verdict, and delete expired ones."""
        row = (kind, verdict.severity, verdict.reason, now)
        with self.lock, self.database:
            self.database.execute("DELETE FROM verdict WHERE at <= ?", (now - LASTS_SECONDS,))
            self.database.execute("INSERT OR REPLACE INTO verdict VALUES (?, ?, ?, ?)", row)

    def spent(self, day: str) -> int:
        """Tokens used on a day."""
        with self.lock:
            row = self.database.execute("SELECT tokens FROM spent WHERE day = ?", (day,)).fetchone()
        return int(row[0]) if row else 0

    def spend(self, day: str, tokens: int) -> None:
        """Count tokens, and delete the counts of other days."""
        add = "INSERT INTO spent VALUES (?, ?) ON CONFLICT (day) DO UPDATE SET tokens = tokens + excluded.tokens"
        with self.lock, self.database:
            self.database.execute("DELETE FROM spent WHERE day != ?", (day,))
            self.database.execute(add, (day, tokens))

    def close(self) -> None:
        """Close the file."""
        self.database.close()


def open_cache(path: Path) -> VerdictCache:
    """Open the cache; a damaged file is replaced, one of another version is rebuilt."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return VerdictCache(open_or_rebuild(path, SCHEMA), Lock())
