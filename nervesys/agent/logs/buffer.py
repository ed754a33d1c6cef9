"""Log records on the agent's disk until the store has confirmed them.

Appending only touches memory; `commit` writes what was appended, twice a second, so that `kill -9` costs less than one.
A batch is sealed under its key before it is sent, and untouched from then on: sent twice after a crash, it replaces
itself.
"""

import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from nervesys.agent.logs.buffer_file import WAL_BYTES, Reserve, is_damage, open_file, set_aside
from nervesys.agent.logs.handler import Said
from nervesys.agent.logs.memory_queue import Pending
from nervesys.agent.logs.records import Run
from nervesys.contract.logs import LEVELS
from nervesys.contract.state import Buffer as BufferState
from nervesys.errors import NervesysError

RUN_BYTES = 48
"""That the file needs for a run of records beside their lines."""
RESERVE_SHARE = 20
"""One part of so many of the cap is kept free for deleting, up to `WAL_BYTES`."""
COMMIT_RECORDS = 1000
"""Written in one transaction."""
READ_RUNS = 10
"""Taken from the file at once; who logs waits no longer than that."""

_DROP = """
DELETE FROM runs WHERE id IN (
    SELECT id FROM runs WHERE id > (SELECT coalesce(max(last), 0) FROM batches)
    ORDER BY level, id LIMIT 1 + (SELECT count(*) FROM runs) / 10
) RETURNING level, records, length(lines)
"""
_HELD = f"total(records), total(length(lines) + {RUN_BYTES})"
_OF_ALL = "FROM runs"
_OF_BATCH = "FROM runs WHERE id BETWEEN :first AND :last AND (:category IS NULL OR category = :category)"


class Batch(NamedTuple):
    """Records that are sent as one object.

    Attributes:
        key: of the object.
        first: number of its first run of records.
        last: number of its last run.
        category: of all its records; None where they may differ.
    """

    key: str
    first: int
    last: int
    category: str | None


class Buffer:
    """Records in one SQLite file; any thread may use it.

    Args:
        path: of the file; its folder is made.
        max_bytes: cap; beyond it the least severe and oldest records are dropped and counted.
        runs: makes of what was said what is kept.

    Raises:
        NervesysError: the file cannot be made or opened.
    """

    def __init__(self, path: Path, max_bytes: int, runs: Callable[[Iterable[Said]], Iterable[Run]]) -> None:
        self._path, self._runs = path, runs
        self.max_bytes = max_bytes
        """Cap; may change at any time."""
        self._lock = threading.RLock()
        self._pending = Pending()
        self._failing = False
        self._set_aside = 0
        self.bytes = 0
        """Waiting on disk."""
        self._told: str | None = None
        self._open()
        self._reserve = Reserve(Path(f"{path}.reserve"), min(WAL_BYTES, max_bytes // RESERVE_SHARE))

    def append(self, said: Said) -> None:
        """Take a record; only memory is touched, unless records come faster than they are written."""
        if not self._pending.append(said):
            self._relieve()

    def commit(self) -> None:
        """Write what was appended to the disk, and keep below the cap.

        Raises:
            NervesysError: the disk refuses, and the records stay in memory as far as there is room; or the file was
                damaged, and a new one is begun.
        """
        with self._lock:
            if self._told:
                told, self._told = self._told, None
                raise NervesysError(told)
            while self._commit_some() == COMMIT_RECORDS:
                pass

    def seal(self, key: Callable[[str, int], str], max_bytes: int, *, by_category: bool) -> None:
        """Make the oldest records one batch, or one for each category; not before the last ones are deleted.

        Args:
            key: makes a key that no other batch has from a category and the number of the batch's first run.
            max_bytes: of the lines in all of them, unless a single run is longer.
            by_category: one batch for each category; else one for all, whose category is empty.

        Raises:
            NervesysError: the disk refuses.
        """
        self._even_if_full(lambda: self._seal(key, max_bytes, by_category))

    def batches(self) -> list[Batch]:
        """All sealed batches, oldest first.

        Raises:
            NervesysError: the file cannot be read.
        """
        with self._writing("list the batches"):
            return [Batch(*row) for row in self._db.execute("SELECT * FROM batches ORDER BY first")]

    def lines(self, batch: Batch) -> Iterator[bytes]:
        """A batch's lines of JSON, some at a time.

        Raises:
            NervesysError: the file cannot be read.
        """
        done = batch.first - 1
        while True:
            span = {"first": done + 1, "last": batch.last, "category": batch.category, "limit": READ_RUNS}
            with self._writing("read a batch"):
                rows = self._db.execute(f"SELECT id, lines {_OF_BATCH} ORDER BY id LIMIT :limit", span).fetchall()
            if not rows:
                return
            done = rows[-1][0]
            yield b"".join(lines for _, lines in rows)

    def delete(self, batch: Batch) -> None:
        """Forget a batch that the store has confirmed.

        Raises:
            NervesysError: the disk refuses; the batch will be sent once more.
        """
        self._even_if_full(lambda: self._delete(batch))

    def state(self) -> BufferState:
        """What waits and what was lost, for the agent's state."""
        with self._lock:
            oldest = None
            with suppress(sqlite3.Error):  # a heartbeat must not fail for it
                oldest = self._db.execute("SELECT at FROM runs ORDER BY id LIMIT 1").fetchone()
            dropped = self._dropped + self._pending.dropped
            return BufferState(
                bytes=self.bytes,
                records=self._records,
                oldest_timestamp=oldest and oldest[0],
                dropped={name: dropped[level] for level, name in enumerate(LEVELS)},
                set_aside=self._set_aside,
            )

    def close(self) -> None:
        """Release the file."""
        with self._lock:
            self._db.close()

    def _open(self) -> None:
        self._db, self._told = open_file(self._path)
        self._set_aside += self._told is not None
        self._count()

    def _count(self) -> None:
        self._records, self.bytes = map(int, self._db.execute(f"SELECT {_HELD} {_OF_ALL}").fetchone())
        self._dropped = Counter(dict(self._db.execute("SELECT level, records FROM dropped")))

    def _commit_some(self) -> int:
        """Write the oldest records; few at once, so that a disk that refuses costs little. Returns how many."""
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
        self._records, self.bytes, self._dropped = counts  # now that it is written
        self._failing = False
        self._pending.dropped.clear()
        return len(taken)

    @contextmanager
    def _writing(self, what: str) -> Iterator[None]:
        """One transaction; what SQLite raises becomes our error, and a file that is found damaged is replaced."""
        with self._lock:
            try:
                with self._db:
                    yield
            except sqlite3.Error as err:
                if not is_damage(err):
                    raise NervesysError(f"{what}: {err}") from err
                self._db.close()
                told = set_aside(self._path, err)
                self._open()
                self._set_aside += 1
                raise NervesysError(f"{what}: {told}") from err

    def _insert(self, runs: list[Run]) -> tuple[int, int, Counter[int]]:
        """Returns how many records are there then, their bytes, and what was dropped by level."""
        if not self._reserve.make():
            raise NervesysError("write the buffer: the disk is full")
        self._db.executemany("INSERT INTO runs (at, level, category, records, lines) VALUES (?, ?, ?, ?, ?)", runs)
        records = self._records + sum(run.records for run in runs)
        size = self.bytes + sum(len(run.lines) + RUN_BYTES for run in runs)
        dropped = self._pending.dropped.copy()
        while size > self.max_bytes:
            gone = self._db.execute(_DROP).fetchall()
            if not gone:
                break
            for level, count, length in gone:
                records -= count
                size -= length + RUN_BYTES
                dropped[level] += count
        for level, count in dropped.items():
            self._db.execute(
                "INSERT INTO dropped VALUES (?, ?) ON CONFLICT DO UPDATE SET records = records + excluded.records",
                (level, count),
            )
        return records, size, self._dropped + dropped

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
            records, size = self._db.execute(f"SELECT {_HELD} {_OF_BATCH}", batch._asdict()).fetchone()
            self._db.execute(f"DELETE {_OF_BATCH}", batch._asdict())
            self._db.execute("DELETE FROM batches WHERE key = ?", (batch.key,))
        self.bytes -= int(size)
        self._records -= int(records)
        with suppress(NervesysError), self._writing("give room back"):
            self._db.executescript("PRAGMA incremental_vacuum")  # `execute` takes its first step only

    def _even_if_full(self, deed: Callable[[], None]) -> None:
        """Do what makes room, on the room that was kept for it where there is no other."""
        with self._lock:
            try:
                deed()
            except NervesysError:
                if not self._reserve.give_up():
                    raise
                self._empty_log()
                deed()
            if not self._reserve.held:
                self._empty_log()
                self._reserve.make()

    def _empty_log(self) -> None:
        """Bring the write-ahead log into the file, so that its room is free."""
        with suppress(NervesysError), self._writing("empty the write-ahead log"):
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def _span(self, max_bytes: int) -> tuple[int, int] | None:
        """The first and last number of the oldest runs that fit."""
        first = last = None
        for number, length in self._db.execute("SELECT id, length(lines) FROM runs ORDER BY id"):
            max_bytes -= length
            if max_bytes < 0 and last is not None:
                break
            first, last = first or number, number
        return None if first is None or last is None else (first, last)

    def _relieve(self) -> None:
        """Memory is full: write it down, or lose what matters least where the disk does not take it."""
        if not self._failing:
            try:
                self.commit()
            except NervesysError:
                self._failing = True
            else:
                return
        with self._lock:
            self._pending.shed()
