"""Reads log records from store and archive, as a stream, with as few requests as the question needs."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import groupby, takewhile

from nervesys.clock import Clock
from nervesys.contract.times import parse_time
from nervesys.logs.budget import ReadBudget
from nervesys.logs.entries import LogEntry
from nervesys.logs.ordering import TopEntries, merge_entries
from nervesys.logs.query import LogQuery
from nervesys.logs.running_query import SEAL_SECONDS, RunningQuery
from nervesys.logs.segments import LogSegment, OpenArchive, SegmentFinder, split_late
from nervesys.plural import count
from nervesys.settings.storage import Storage
from nervesys.stores.objects import ObjectReader


@dataclass
class LogReader:
    """Answers queries; may be used by several threads.

    Attributes:
        store: holds the last days.
        open_archive: opens the archive, when the first query needs it.
        storage: path templates and retention.
        clock: gives the current day.
    """

    store: ObjectReader
    open_archive: OpenArchive
    storage: Storage
    clock: Clock
    _pool: ThreadPoolExecutor = field(init=False)

    def __post_init__(self) -> None:
        self._pool = ThreadPoolExecutor(self.storage.storj.concurrency, thread_name_prefix="log-reader")

    def in_order(self, query: LogQuery, budget: ReadBudget, *, newest_first: bool = False) -> Iterator[LogEntry]:
        """All records, by time; meant for one agent, for each of its servers is a stream of its own.

        Raises:
            StoreUnavailable: the store does not answer.
            ArchiveUnavailable: the archive does not answer.
        """
        reading = self._reading(query, budget)
        found = [segment for day in reading.finder.days for segment in reading.of_day(day)]
        found.sort(key=lambda segment: (str(segment.chain), segment.sealed, segment.key))
        streams = [
            reading.chain(list(parts), newest_first=newest_first)
            for _, parts in groupby(found, key=lambda segment: segment.chain)
        ]
        return merge_entries(streams, newest_first=newest_first)

    def first(self, query: LogQuery, limit: int, budget: ReadBudget, *, newest_first: bool = True) -> list[LogEntry]:
        """The newest or oldest records, by time, in that direction; stops as soon as no other can be among them.

        Args:
            query: the question.
            limit: number of records.
            budget: limits of reading.
            newest_first: False for the oldest.

        Raises:
            StoreUnavailable: the store does not answer.
            ArchiveUnavailable: the archive does not answer.
        """
        reading, top = self._reading(query, budget), TopEntries(limit, newest_first=newest_first)
        for day in reversed(reading.finder.days) if newest_first else reading.finder.days:
            midnight = parse_time(day.isoformat())
            bound = top.bound
            if bound is not None and (bound > _end_of(midnight) if newest_first else bound < midnight):
                break
            reading.take_first(reading.of_day(day), top, newest_first=newest_first)
            if budget.exceeded:
                break
        found = top.sorted()
        if top.is_shortened:
            budget.shortened = f"shows {count(len(found), 'record')}: more are too large for one result"
        return found

    def scan(self, query: LogQuery, budget: ReadBudget) -> Iterator[LogEntry]:
        """All records, day by day, in no particular order within a day.

        Raises:
            StoreUnavailable: the store does not answer.
            ArchiveUnavailable: the archive does not answer.
        """
        reading = self._reading(query, budget)
        for day in reading.finder.days:
            sealed, late = split_late(reading.of_day(day), query.until)
            yield from reading.read_all(sealed)
            for parts in late:
                yield from reading.late(parts)
            if budget.exceeded:
                return

    def segments(self, query: LogQuery, budget: ReadBudget) -> list[LogSegment]:
        """What may hold records of a query, as far as the budget's time allows; some of it may turn out to be later.

        Raises:
            StoreUnavailable: the store does not answer.
            ArchiveUnavailable: the archive does not answer.
        """
        finder = self._reading(query, budget).finder
        days = takewhile(lambda _: budget.check_time(), finder.days)
        return [segment for day in days for segment in finder.of_day(day)]

    def servers(self, query: LogQuery, budget: ReadBudget) -> set[str]:
        """The servers that have logs in the store, or in the archive within a query's range.

        Raises:
            StoreUnavailable: the store does not answer.
            ArchiveUnavailable: the archive does not answer.
        """
        return self._reading(query, budget).finder.servers()

    def read(self, segments: Iterable[LogSegment], query: LogQuery, budget: ReadBudget) -> Iterator[LogEntry]:
        """The matching records of segments, in their order.

        Raises:
            StoreUnavailable: the store does not answer.
            ArchiveUnavailable: the archive does not answer.
        """
        return self._reading(query, budget).read_all(segments)

    def _reading(self, query: LogQuery, budget: ReadBudget) -> RunningQuery:
        finder = SegmentFinder(self.store, self.open_archive, self.storage, self.clock, self._pool, query, budget)
        ahead = self.storage.storj.concurrency
        return RunningQuery(self.store, self.open_archive, self._pool, ahead, finder, query, budget)


def _end_of(midnight: float) -> float:
    return midnight + 86_400 + SEAL_SECONDS
