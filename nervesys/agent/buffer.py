"""Log records on the agent's disk until the store has confirmed them.

Appending only touches memory; `commit` writes what was appended, once a second, so that `kill -9` costs at most that
second. A batch is sealed under its key before it is sent: sent twice after a crash, it replaces itself.
"""

import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from pydantic_core import to_json

from nervesys.contract.state import Buffer as BufferState
from nervesys.errors import NervesysError

PENDING_RECORDS = 20_000
"""Held in memory at most, should the disk refuse them."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at REAL NOT NULL, severity INTEGER NOT NULL, category TEXT NOT NULL, line BLOB NOT NULL, batch TEXT
);
CREATE INDEX IF NOT EXISTS by_batch ON records (batch);
"""
_PARTS = """
SELECT CASE WHEN :apart THEN category ELSE '' END AS part, min(id) FROM records WHERE batch IS NULL GROUP BY part
"""
_SEAL = "UPDATE records SET batch = :batch WHERE batch IS NULL AND (category = :part OR NOT :apart)"
_DROP = """
DELETE FROM records WHERE id IN (SELECT id FROM records ORDER BY severity, id LIMIT ?) RETURNING length(line)
"""


class Entry(NamedTuple):
    """A record on its way.

    Attributes:
        at: Unix seconds.
        severity: as the logging module counts it; the lowest goes first when the buffer is full.
        category: of the contract.
        fields: the record in the contract's form.
    """

    at: float
    severity: int
    category: str
    fields: dict[str, Any]


class Buffer:
    """Records in one SQLite file; any thread may use it.

    Args:
        path: of the file; its folder is made.
        max_bytes: cap; beyond it the least severe and oldest records are dropped and counted.

    Raises:
        NervesysError: the file cannot be opened, or is no buffer.
    """

    def __init__(self, path: Path, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        """Cap; may change at any time."""
        self._lock = threading.Lock()
        self._pending: deque[Entry] = deque()
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._db = sqlite3.connect(path, check_same_thread=False, timeout=5)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.executescript(_SCHEMA)
        except sqlite3.Error as err:
            raise NervesysError(f"open the buffer {path}: {err}") from err
        self.bytes: int = self._db.execute("SELECT coalesce(sum(length(line)), 0) FROM records").fetchone()[0]
        """Waiting on disk."""
        self.dropped = 0
        """Records lost to the cap since the start."""

    def append(self, entry: Entry) -> None:
        """Take a record; only memory is touched."""
        if len(self._pending) >= PENDING_RECORDS:
            self._pending.popleft()
            self.dropped += 1
        self._pending.append(entry)

    def commit(self) -> None:
        """Write what was appended to the disk, and keep below the cap.

        Raises:
            NervesysError: the disk refuses; the records stay in memory, up to `PENDING_RECORDS`.
        """
        taken = [self._pending.popleft() for _ in range(len(self._pending))]
        if not taken:
            return
        rows = [(entry.at, entry.severity, entry.category, _line(entry)) for entry in taken]
        try:
            with self._lock, self._db:
                self._db.executemany("INSERT INTO records (at, severity, category, line) VALUES (?, ?, ?, ?)", rows)
                self.bytes += sum(len(line) for *_, line in rows)
                while self.bytes > self.max_bytes:
                    self._drop()
        except sqlite3.Error as err:
            self._pending.extendleft(reversed(taken))
            raise NervesysError(f"write the buffer: {err}") from err

    def seal(self, key: Callable[[str, int], str], by_category: bool) -> None:
        """Give all records without a batch one, under a key that no other batch has.

        Args:
            key: makes the key from a category and the number of the batch's first record.
            by_category: one batch for each category; else one for all, whose category is empty.
        """
        with self._lock, self._db:
            for part, first in self._db.execute(_PARTS, {"apart": by_category}).fetchall():
                self._db.execute(_SEAL, {"apart": by_category, "part": part, "batch": key(part, first)})

    def batches(self) -> list[str]:
        """The keys of all sealed batches, oldest first."""
        with self._lock:
            found = self._db.execute("SELECT batch FROM records WHERE batch IS NOT NULL GROUP BY 1 ORDER BY min(id)")
            return [key for (key,) in found]

    def lines(self, batch: str) -> bytes:
        """A batch as JSON lines."""
        with self._lock:
            rows = self._db.execute("SELECT line FROM records WHERE batch = ? ORDER BY id", (batch,))
            return b"".join(line for (line,) in rows)

    def delete(self, batch: str) -> None:
        """Forget a batch that the store has confirmed."""
        with self._lock, self._db:
            self._freed(self._db.execute("DELETE FROM records WHERE batch = ? RETURNING length(line)", (batch,)))

    def state(self) -> BufferState:
        """What waits, for the agent's state."""
        with self._lock:
            records, oldest = self._db.execute("SELECT count(*), min(at) FROM records").fetchone()
            return BufferState(bytes=self.bytes, records=records, oldest_timestamp=oldest)

    def close(self) -> None:
        """Release the file."""
        with self._lock:
            self._db.close()

    def _drop(self) -> None:
        """Drop the least severe, oldest tenth."""
        records = self._db.execute("SELECT count(*) FROM records").fetchone()[0]
        share = max(1, records // 10)
        self.dropped += share
        self._freed(self._db.execute(_DROP, (share,)))

    def _freed(self, sizes: Iterable[tuple[int]]) -> None:
        self.bytes -= sum(size for (size,) in sizes)


def _line(entry: Entry) -> bytes:
    """The record as one line of JSON; where a text in it is beyond UTF-8, its own texts mended and nothing else."""
    try:
        return to_json(entry.fields, serialize_unknown=True, inf_nan_mode="null", bytes_mode="base64") + b"\n"
    except ValueError:
        texts = {key: value for key, value in entry.fields.items() if isinstance(value, str)}
        return to_json({key: text.encode(errors="replace").decode() for key, text in texts.items()}) + b"\n"
