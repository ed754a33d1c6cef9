"""Sorts records by time in bounded memory."""

import heapq
import pickle
from collections.abc import Iterable, Iterator
from itertools import islice
from tempfile import TemporaryFile
from typing import IO

from nervesys.logs.entries import LogEntry

RUN_ENTRIES = 20_000
"""Records that are sorted in memory; more are merged from temporary files."""
RESULT_BYTES = 32 << 20
"""Of the lines of one result, as long as it has a second record."""


def sort_entries(entries: Iterable[LogEntry], *, newest_first: bool) -> Iterator[LogEntry]:
    """Records by time; of any number, with at most `RUN_ENTRIES` in memory."""
    source = iter(entries)
    files: list[IO[bytes]] = []
    try:
        run = _sorted_run(source, newest_first)
        if len(run) < RUN_ENTRIES:
            yield from run
            return
        while run:
            files.append(_write_run(run))
            run = _sorted_run(source, newest_first)
        yield from merge_entries(map(_read_run, files), newest_first=newest_first)
    finally:
        for file in files:
            file.close()


def merge_entries(streams: Iterable[Iterable[LogEntry]], *, newest_first: bool) -> Iterator[LogEntry]:
    """Records of several streams, each by time already."""
    return heapq.merge(*streams, key=_at, reverse=newest_first)


class TopEntries:
    """The first records of a query, in either direction.

    Args:
        limit: their number.
        newest_first: True keeps the newest, False the oldest.
        max_bytes: of their lines, `RESULT_BYTES` by default; a single record is kept whatever its size.
    """

    def __init__(self, limit: int, *, newest_first: bool, max_bytes: int | None = None) -> None:
        self._limit, self._newest_first, self._max_bytes = limit, newest_first, max_bytes or RESULT_BYTES
        self._heap: list[tuple[float, int, LogEntry]] = []
        self._count = self._bytes = 0
        self.is_shortened = False

    def add(self, entry: LogEntry) -> None:
        """Keep a record, if it is one of the first; of equal times, those that were added before are kept."""
        self._count += 1
        item = (entry.at if self._newest_first else -entry.at, -self._count, entry)
        if len(self._heap) < self._limit:
            heapq.heappush(self._heap, item)
        elif item > self._heap[0]:
            self._bytes -= len(heapq.heapreplace(self._heap, item)[2].line)
        else:
            return
        self._bytes += len(entry.line)
        while self._bytes > self._max_bytes and len(self._heap) > 1:
            self._bytes -= len(heapq.heappop(self._heap)[2].line)
            # What comes after a record that was dropped must not be kept either: there would be a gap.
            self._limit, self.is_shortened = len(self._heap), True

    @property
    def bound(self) -> float | None:
        """The time of the last record that is kept; None while any other would be kept too."""
        return abs(self._heap[0][0]) if len(self._heap) >= self._limit else None

    def sorted(self) -> list[LogEntry]:
        """The records, the first of the direction first."""
        return [entry for _, _, entry in sorted(self._heap, reverse=True)]


def _at(entry: LogEntry) -> float:
    return entry.at


def _sorted_run(source: Iterator[LogEntry], newest_first: bool) -> list[LogEntry]:
    return sorted(islice(source, RUN_ENTRIES), key=_at, reverse=newest_first)


def _write_run(run: list[LogEntry]) -> IO[bytes]:
    file = TemporaryFile()  # noqa: SIM115  # the caller closes it
    for entry in run:
        pickle.dump(entry, file)
    file.seek(0)
    return file


def _read_run(file: IO[bytes]) -> Iterator[LogEntry]:
    while True:
        try:
            yield pickle.load(file)  # noqa: S301  # written above, to a file without a name
        except EOFError:
            return
