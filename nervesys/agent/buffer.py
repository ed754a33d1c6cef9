"""Log records on the agent's disk until the store has confirmed them.

Appending only touches memory; `commit` writes what was appended, once a second, so that `kill -9` costs at most that
second. A batch is sealed under its key before it is sent, and untouched from then on: sent twice after a crash, it
replaces itself.
"""

import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from nervesys.agent.disk import WAL_BYTES, Reserve, is_damage, open_file, set_aside
from nervesys.agent.handler import Said
from nervesys.agent.pending import Pending
from nervesys.agent.records import Row
from nervesys.contract.logs import LEVELS
from nervesys.contract.state import Buffer as BufferState
from nervesys.errors import NervesysError

ROW_BYTES = 48
"""That the file needs for a record beside its line."""
RESERVE_SHARE = 20
"""One part of so many of the cap is kept free for deleting, up to `WAL_BYTES`."""
COMMIT_RECORDS = 1000
"""Written in one transaction."""
READ_RECORDS = 500
"""Taken from the file at once; who logs waits no longer than that."""

_DROP = """
DELETE FROM records WHERE id IN (
    SELECT id FROM records WHERE id > (SELECT coalesce(max(last), 0) FROM batches) ORDER BY level, id LIMIT ?
) RETURNING level, length(line)
"""
_OF_BATCH = "FROM records WHERE id BETWEEN :first AND :last AND (:category IS NULL OR category = :category)"


class Batch(NamedTuple):
    """Records that are sent as one object.

    Attributes:
        key: of the object.
        first: number of its first record.
        last: number of its last record.
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
        row: makes of what was said what is kept.

    Raises:
        NervesysError: the file cannot be made or opened.
    """

    def __init__(self, path: Path, max_bytes: int, row: Callable[[Said], Row]) -> None:
        self._path, self._row = path, row
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
            key: makes a key that no other batch has from a category and the number of the batch's first record.
            max_bytes: of the lines in all of them, unless a single one is longer.
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
            span = {"first": done + 1, "last": batch.last, "category": batch.category, "limit": READ_RECORDS}
            with self._writing("read a batch"):
                rows = self._db.execute(f"SELECT id, line {_OF_BATCH} ORDER BY id LIMIT :limit", span).fetchall()
            if not rows:
                return
            done = rows[-1][0]
            yield b"".join(line for _, line in rows)

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
                oldest = self._db.execute("SELECT at FROM records ORDER BY id LIMIT 1").fetchone()
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
        self._records, size = self._db.execute("SELECT count(*), total(length(line)) FROM records").fetchone()
        self.bytes = int(size) + self._records * ROW_BYTES
        self._dropped = Counter(dict(self._db.execute("SELECT level, records FROM dropped")))

    def _commit_some(self) -> int:
        """Write the oldest records; few at once, so that a disk that refuses costs little. Returns how many."""
        taken = self._pending.take(COMMIT_RECORDS)
        if not taken and not self._pending.dropped:
            return 0
        rows = [self._row(said) for said in taken]
        try:
            with self._writing("write the buffer"):
                counts = self._insert(rows)
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

    def _insert(self, rows: list[Row]) -> tuple[int, int, Counter[int]]:
        """Returns how many records are there then, their bytes, and what was dropped by level."""
        if not self._reserve.make():
            raise NervesysError("write the buffer: the disk is full")
        self._db.executemany("INSERT INTO records (at, level, category, line) VALUES (?, ?, ?, ?)", rows)
        records, size = self._records + len(rows), self.bytes + sum(len(row.line) + ROW_BYTES for row in rows)
        dropped = self._pending.dropped.copy()
        while size > self.max_bytes:
            gone = self._db.execute(_DROP, (max(1, records // 10),)).fetchall()
            if not gone:
                break
            records -= len(gone)
            size -= sum(length + ROW_BYTES for _, length in gone)
            dropped.update(level for level, _ in gone)
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
            parts = "SELECT category, min(id) FROM records WHERE id BETWEEN ? AND ? GROUP BY category"
            batches = self._db.execute(parts, span).fetchall() if by_category else [(None, span[0])]
            for category, first in batches:
                batch = Batch(key(category or "", first), first, span[1], category)
                self._db.execute("INSERT INTO batches VALUES (?, ?, ?, ?)", batch)

    def _delete(self, batch: Batch) -> None:
        with self._writing("delete a batch"):
            count, size = self._db.execute(
                f"SELECT count(*), total(length(line)) {_OF_BATCH}", batch._asdict()
            ).fetchone()
            self._db.execute(f"DELETE {_OF_BATCH}", batch._asdict())
            self._db.execute("DELETE FROM batches WHERE key = ?", (batch.key,))
        self.bytes -= int(size) + count * ROW_BYTES
        self._records -= count
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
        """The first and last number of the oldest records that fit."""
        first = last = None
        for number, length in self._db.execute("SELECT id, length(line) FROM records ORDER BY id"):
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
