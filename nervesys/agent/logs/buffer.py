"""Log records on the agent's disk until the store has confirmed them.

Appending only touches memory; `commit` writes appended records to the disk twice a second, so that `kill -9` loses less
than one second. A batch gets its key before it is sent, and never changes after that: sent twice after a crash, it
overwrites itself.
"""

import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from nervesys.agent.logs.buffer_file import WAL_BYTES, Reserve, is_damage, open_file, set_aside
from nervesys.agent.logs.handler import LoggedRecord
from nervesys.agent.logs.memory_queue import MemoryQueue
from nervesys.agent.logs.records import RecordRun
from nervesys.contract.logs import LEVELS
from nervesys.contract.state import Buffer as BufferState
from nervesys.errors import NervesysError

RUN_BYTES = 48
"""Overhead in the file for a run of records, beside their lines."""
RESERVE_SHARE = 20
"""1/20 of the cap, up to `WAL_BYTES`, is reserved on the disk for deleting."""
ROOM_SHARE = 0.95
"""Of the cap; the rest is for the overhead of runs not written yet."""
COMMIT_RECORDS = 1000
"""Written in one transaction."""
READ_RUNS = 10
"""Read under the lock at once, so that a caller of `append` never waits long."""

_DROP = """
DELETE FROM runs WHERE id IN (
    SELECT id FROM runs WHERE id > (SELECT coalesce(max(last), 0) FROM batches)
    ORDER BY level, id LIMIT 1 + (SELECT count(*) FROM runs) / 10
) RETURNING level, records, length(lines)
"""
_TOTALS = f"total(records), total(length(lines) + {RUN_BYTES})"
_FROM_ALL = "FROM runs"
_FROM_BATCH = "FROM runs WHERE id BETWEEN :first AND :last AND (:category IS NULL OR category = :category)"


class Batch(NamedTuple):
    """Records that are shipped as one object.

    Attributes:
        key: of the object.
        first: id of its first run of records.
        last: id of its last run.
        category: of all its records; None if they may differ.
    """

    key: str
    first: int
    last: int
    category: str | None


class LogBuffer:
    """Records in one SQLite file; thread-safe.

    Args:
        path: of the file; its folder is created.
        max_bytes: cap; beyond it the least severe and oldest records are dropped and counted.
        runs: encodes records as runs.

    Raises:
        NervesysError: the file cannot be created or opened.
    """

    def __init__(
        self, path: Path, max_bytes: int, runs: Callable[[Iterable[LoggedRecord]], Iterable[RecordRun]]
    ) -> None:
        self._path, self._runs = path, runs
        self.max_bytes = max_bytes
        """Cap; may be changed at any time."""
        self._lock = threading.RLock()
        self._pending = MemoryQueue()
        self._failing = False
        self._set_aside = 0
        self.bytes = 0
        """Size of the records on the disk."""
        self._open_problem: str | None = None
        self._open()
        self._reserve = Reserve(Path(f"{path}.reserve"), min(WAL_BYTES, max_bytes // RESERVE_SHARE))

    def append(self, record: LoggedRecord) -> None:
        """Add a record in memory; writes to the disk only if records arrive faster than they are committed."""
        if not self._pending.append(record):
            self._free_memory()

    def has_room(self, size: int) -> bool:
        """Whether a record can be added without dropping any: the disk can be written, and the cap is not reached.

        Args:
            size: of the record, in bytes.
        """
        return not self._failing and self.bytes + self._pending.characters + size <= ROOM_SHARE * self.max_bytes

    def commit(self) -> None:
        """Write appended records to the disk, and enforce the cap.

        Raises:
            NervesysError: writing failed, and the records stay in memory as far as there is room; or the file was
                damaged, and was replaced by a new one.
        """
        with self._lock:
            if self._open_problem:
                problem, self._open_problem = self._open_problem, None
                raise NervesysError(problem)
            while self._commit_some() == COMMIT_RECORDS:
                pass

    def seal(self, key: Callable[[str, int], str], max_bytes: int, *, by_category: bool) -> None:
        """Make the oldest records a batch, or one for each category; does nothing while earlier batches exist.

        Args:
            key: returns a unique key for a category and the id of the batch's first run.
            max_bytes: limit of the lines of all batches together, unless a single run is longer.
            by_category: one batch for each category; else one for all, with an empty category.

        Raises:
            NervesysError: the disk cannot be written.
        """
        self._with_reserve(lambda: self._seal(key, max_bytes, by_category))

    def batches(self) -> list[Batch]:
        """All sealed batches, oldest first.

        Raises:
            NervesysError: the file cannot be read.
        """
        with self._writing("list the batches"):
            return [Batch(*row) for row in self._db.execute("SELECT * FROM batches ORDER BY first")]

    def lines(self, batch: Batch) -> Iterator[bytes]:
        """A batch's lines of JSON, in chunks.

        Raises:
            NervesysError: the file cannot be read.
        """
        done = batch.first - 1
        while True:
            span = {"first": done + 1, "last": batch.last, "category": batch.category, "limit": READ_RUNS}
            with self._writing("read a batch"):
                rows = self._db.execute(f"SELECT id, lines {_FROM_BATCH} ORDER BY id LIMIT :limit", span).fetchall()
            if not rows:
                return
            done = rows[-1][0]
            yield b"".join(lines for _, lines in rows)

    def delete(self, batch: Batch) -> None:
        """Delete a batch that the store has confirmed.

        Raises:
            NervesysError: the disk cannot be written; the batch will be sent once more.
        """
        self._with_reserve(lambda: self._delete(batch))

    def state(self) -> BufferState:
        """Counts of buffered and dropped records, for the agent's state."""
        with self._lock:
            oldest = None
            with suppress(sqlite3.Error):  # a heartbeat must not fail because of it
                oldest = self._db.execute("SELECT at FROM runs ORDER BY id LIMIT 1").fetchone()
            dropped = self._dropped_counts + self._pending.dropped
            return BufferState(
                bytes=self.bytes,
                records=self._records,
                oldest_timestamp=oldest and oldest[0],
                dropped={name: dropped[level] for level, name in enumerate(LEVELS)},
                set_aside=self._set_aside,
            )

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def _open(self) -> None:
        self._db, self._open_problem = open_file(self._path)
        self._set_aside += self._open_problem is not None
        self._load_counts()

    def _load_counts(self) -> None:
        self._records, self.bytes = map(int, self._db.execute(f"SELECT {_TOTALS} {_FROM_ALL}").fetchone())
        self._dropped_counts = Counter(dict(self._db.execute("SELECT level, records FROM dropped")))

    def _commit_some(self) -> int:
        """Write the oldest records, few at once, so that a failed write costs little; returns how many."""
        taken = self._pending.take(COMMIT_RECORDS)
        if not taken and not self._pending.dropped:
            return 0
        runs = list(self._runs(taken))
        try:
            with self._writing("write the buffer"):
                counts = self._insert(runs)
        except NervesysError:
            self._failing = True
            self._pending.put_back(taken)
            raise
        self._records, self.bytes, self._dropped_counts = counts  # only after the transaction has been committed
        self._failing = False
        self._pending.dropped.clear()
        return len(taken)

    @contextmanager
    def _writing(self, what: str) -> Iterator[None]:
        """One transaction; SQLite's errors become `NervesysError`, and a damaged file is replaced."""
        with self._lock:
            try:
                with self._db:
                    yield
            except sqlite3.Error as err:
                if not is_damage(err):
                    raise NervesysError(f"{what}: {err}") from err
                self._db.close()
                problem = set_aside(self._path, err)
                self._open()
                self._set_aside += 1
                raise NervesysError(f"{what}: {problem}") from err

    def _insert(self, runs: list[RecordRun]) -> tuple[int, int, Counter[int]]:
        """Insert runs and enforce the cap; returns the new totals: records, bytes, and dropped records by level."""
        if not self._reserve.allocate():
            raise NervesysError("write the buffer: the disk is full")
        self._db.executemany("INSERT INTO runs (at, level, category, records, lines) VALUES (?, ?, ?, ?, ?)", runs)
        records = self._records + sum(run.records for run in runs)
        size = self.bytes + sum(len(run.lines) + RUN_BYTES for run in runs)
        dropped = self._pending.dropped.copy()
        while size > self.max_bytes:
            rows = self._db.execute(_DROP).fetchall()
            if not rows:
                break
            for level, count, length in rows:
                records -= count
                size -= length + RUN_BYTES
                dropped[level] += count
        for level, count in dropped.items():
            self._db.execute(
                "INSERT INTO dropped VALUES (?, ?) ON CONFLICT DO UPDATE SET records = records + excluded.records",
                (level, count),
            )
        return records, size, self._dropped_counts + dropped

    def _seal(self, key: Callable[[str, int], str], max_bytes: int, by_category: bool) -> None:
        with self._writing("seal a batch"):
            if self._db.execute("SELECT 1 FROM batches").fetchone():
                return
            span = self._span(max_bytes)
            if span is None:
                return
            parts = "SELECT category, min(id) FROM runs WHERE id BETWEEN ? AND ? GROUP BY category"
            batches = self._db.execute(parts, span).fetchall() if by_category else [(None, span[0])]
            for category, first in batches:
                batch = Batch(key(category or "", first), first, span[1], category)
                self._db.execute("INSERT INTO batches VALUES (?, ?, ?, ?)", batch)

    def _delete(self, batch: Batch) -> None:
        with self._writing("delete a batch"):
            records, size = self._db.execute(f"SELECT {_TOTALS} {_FROM_BATCH}", batch._asdict()).fetchone()
            self._db.execute(f"DELETE {_FROM_BATCH}", batch._asdict())
            self._db.execute("DELETE FROM batches WHERE key = ?", (batch.key,))
        self.bytes -= int(size)
        self._records -= int(records)
        with suppress(NervesysError), self._writing("shrink the file"):
            self._db.executescript("PRAGMA incremental_vacuum")  # `execute` would run its first step only

    def _with_reserve(self, action: Callable[[], None]) -> None:
        """Call a function that frees room; if the disk is full, release the reserve and call it again."""
        with self._lock:
            try:
                action()
            except NervesysError:
                if not self._reserve.release():
                    raise
                self._empty_log()
                action()
            if not self._reserve.allocated:
                self._empty_log()
                self._reserve.allocate()

    def _empty_log(self) -> None:
        """Move the write-ahead log into the file, which frees its room."""
        with suppress(NervesysError), self._writing("empty the write-ahead log"):
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def _span(self, max_bytes: int) -> tuple[int, int] | None:
        """First and last id of the oldest runs that fit."""
        first = last = None
        for number, length in self._db.execute("SELECT id, length(lines) FROM runs ORDER BY id"):
            max_bytes -= length
            if max_bytes < 0 and last is not None:
                break
            first, last = first or number, number
        return None if first is None or last is None else (first, last)

    def _free_memory(self) -> None:
        """Memory is full: commit it, or drop the least severe records if the disk cannot be written."""
        if not self._failing:
            try:
                self.commit()
            except NervesysError:
                self._failing = True
            else:
                return
        with self._lock:
            self._pending.drop_least_severe()
