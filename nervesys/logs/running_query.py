"""One query on its way: fetches segments, parses their lines, keeps what matches."""

import hashlib
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date
from io import BytesIO
from itertools import chain
from math import inf
from typing import IO

from nervesys.errors import BadObject, ObjectRefused
from nervesys.logs.budget import ReadBudget
from nervesys.logs.entries import LogEntry, parse_entry
from nervesys.logs.ordering import TopEntries, sort_entries
from nervesys.logs.query import LogQuery
from nervesys.logs.segments import LogSegment, OpenArchive, SegmentFinder, split_late
from nervesys.stores.encryption import check_readable
from nervesys.stores.lines import lines_of
from nervesys.stores.objects import ObjectReader

AHEAD_BYTES = 4 << 20
"""Packed size up to which an object is fetched before it is read; larger ones are streamed when their turn comes."""
ARCHIVE_BYTES = 16 << 30
"""Unpacked, of one file of the archive."""
SEAL_SECONDS = 1.0
"""Keys name whole seconds."""


@dataclass
class RunningQuery:
    """One query on its way.

    Attributes:
        finder: finds what to read.
        ahead: objects that are fetched before their turn.
    """

    store: ObjectReader
    open_archive: OpenArchive
    pool: ThreadPoolExecutor
    ahead: int
    finder: SegmentFinder
    query: LogQuery
    budget: ReadBudget
    _archived_lines: dict[tuple[str, date], Counter[bytes]] = field(default_factory=dict)
    _latest: dict[object, float] = field(default_factory=dict)

    def of_day(self, day: date) -> list[LogSegment]:
        """The segments of a day. Where store and archive both have it, what both hold is noted, to be read once."""
        segments = self.finder.of_day(day)
        archived = [segment for segment in segments if segment.archived]
        stored = {segment.server for segment in segments if not segment.archived}
        for segment in archived:
            if segment.server in stored:
                lines = self._archived_lines.setdefault((segment.server, day), Counter())
                lines.update(_digest(entry.line) for entry in self._read(segment))
        return segments

    def read_all(self, segments: Iterable[LogSegment]) -> Iterator[LogEntry]:
        """The matching records of segments, in their order."""
        for segment, body in self._fetch(segments):
            yield from self._read(segment, body)
            if self.budget.exceeded:
                return

    def late(self, parts: Sequence[LogSegment]) -> Iterator[LogEntry]:
        """The matching records of the later parts of a chain, up to the part that goes beyond the query's end."""
        for part in parts:
            span = _RecordSpan()
            yield from self._read(part, span=span)
            if self.budget.exceeded or span.latest >= self.query.until:
                return

    def chain(self, parts: Sequence[LogSegment], *, newest_first: bool) -> Iterator[LogEntry]:
        """The matching records of a chain, by time."""
        sealed, late = split_late(parts, self.query.until)
        last = sort_entries(chain.from_iterable(map(self.late, late)), newest_first=newest_first)
        if newest_first:
            yield from last
        for segment, body in self._fetch(reversed(sealed) if newest_first else sealed):
            yield from sort_entries(self._read(segment, body), newest_first=newest_first)
            if self.budget.exceeded:
                return
        if not newest_first:
            yield from last

    def take_first(self, segments: Sequence[LogSegment], top: TopEntries, *, newest_first: bool) -> None:
        """Add the matching records of a day's segments, as far as they may be among the first."""
        sealed, late = split_late(segments, self.query.until)
        sealed.sort(key=lambda segment: segment.sealed, reverse=newest_first)
        for parts in late if newest_first else ():
            self._add(self.late(parts), top)
        wanted = (segment for segment in sealed if self._may_be_first(segment, top, newest_first))
        for segment, body in self._fetch(wanted):
            if self._may_be_first(segment, top, newest_first):
                self._add(self._read(segment, body), top)
            if self.budget.exceeded:
                return
        for parts in () if newest_first else late:
            if self._may_be_first(parts[0], top, newest_first):
                self._add(self.late(parts), top)

    def _add(self, entries: Iterable[LogEntry], top: TopEntries) -> None:
        for entry in entries:
            top.add(entry)

    def _may_be_first(self, segment: LogSegment, top: TopEntries, newest_first: bool) -> bool:
        """Whether a segment may have a record that belongs to the first.

        Records are not later than their segment was sealed, and not earlier than those of the part before it.
        """
        if top.bound is None:
            return True
        if newest_first:
            return segment.sealed + SEAL_SECONDS >= top.bound
        return self._latest.get(segment.chain, -1.0) <= top.bound

    def _fetch(self, segments: Iterable[LogSegment]) -> "Iterator[tuple[LogSegment, _FetchedBody | None]]":
        """Segments with their bodies; small objects are fetched ahead, several at a time."""
        waiting: deque[tuple[LogSegment, Future[bytes] | None]] = deque()
        source = iter(segments)
        try:
            while True:
                while len(waiting) < self.ahead and (segment := next(source, None)) is not None:
                    waiting.append((segment, self._get_ahead(segment)))
                if not waiting:
                    return
                segment, future = waiting.popleft()
                yield segment, _FetchedBody(future) if future else None
        finally:
            for _, future in waiting:
                if future is not None:
                    future.cancel()

    def _get_ahead(self, segment: LogSegment) -> Future[bytes] | None:
        if segment.archived or segment.size > AHEAD_BYTES:
            return None
        return self.pool.submit(self._get, segment)

    def _get(self, segment: LogSegment) -> bytes:
        check_readable(segment.key)
        return self.store.get(segment.key, max_bytes=AHEAD_BYTES)

    def _read(
        self, segment: LogSegment, body: "_FetchedBody | None" = None, span: "_RecordSpan | None" = None
    ) -> Iterator[LogEntry]:
        """The matching records of a segment; one that is bad costs only itself."""
        if not self.budget.check_time():
            return
        doubled = None if segment.archived else self._archived_lines.get((segment.server, segment.day))
        try:
            check_readable(segment.key)
            with body or self._open(segment) as stream:
                for line in lines_of(stream, segment.key, max_bytes=ARCHIVE_BYTES if segment.archived else None):
                    if not self.budget.spend(len(line)):
                        return
                    entry = self._parse(line.rstrip(b"\r\n"), segment)
                    if entry is not None and span is not None:
                        span.latest = max(span.latest, entry.at)
                    if entry is None or not self.query.matches(entry):
                        continue
                    if doubled and doubled[digest := _digest(entry.line)] > 0:
                        doubled[digest] -= 1
                        continue
                    yield entry
        except (BadObject, ObjectRefused) as err:
            self.budget.reject(str(err))
        self.budget.finish_object()

    def _open(self, segment: LogSegment) -> AbstractContextManager[IO[bytes]]:
        if segment.archived:
            archive = self.open_archive()
            assert archive is not None, "the segment was found there"
            return archive.open(segment.key)
        return self.store.open(segment.key)

    def _parse(self, line: bytes, segment: LogSegment) -> LogEntry | None:
        """The record of a line; None for a blank line, one of another agent, or one that is no record."""
        if not line or (segment.agent is None and not self.query.may_hold(line)):
            return None
        try:
            entry = parse_entry(line, segment.server, segment.agent)
        except BadObject:
            self.budget.rejected += 1
            return None
        if entry.at > self._latest.get(segment.chain, -1.0):
            self._latest[segment.chain] = entry.at
        return entry


@dataclass
class _RecordSpan:
    """The time of the latest record of a segment, whether it matches or not; Unix seconds."""

    latest: float = -inf


class _FetchedBody(AbstractContextManager[IO[bytes]]):
    """A body that is being fetched."""

    def __init__(self, future: Future[bytes]) -> None:
        self._future = future

    def __enter__(self) -> IO[bytes]:
        return BytesIO(self._future.result())

    def __exit__(self, *_: object) -> None:
        """A body in memory needs no end."""


def _digest(line: bytes) -> bytes:
    return hashlib.blake2b(line, digest_size=16).digest()
