"""New records as they are shipped."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from nervesys.contract.times import DAY_SECONDS
from nervesys.logs.budget import ReadBudget
from nervesys.logs.entries import LogEntry
from nervesys.logs.ordering import sort_entries
from nervesys.logs.query import SHIPPING_SECONDS, LogQuery
from nervesys.logs.reader import LogReader


@dataclass
class LogFollower:
    """Reads each object once.

    Attributes:
        reader: of store and archive.
        query: conditions, and since when; its end is not used.
    """

    reader: LogReader
    query: LogQuery
    _read: set[str] = field(default_factory=set)

    def new_entries(self, budget: ReadBudget) -> Iterator[LogEntry]:
        """The records of objects that arrived since the last call, by time; at first, all since the query's start.

        Raises:
            StoreUnavailable: the store does not answer; the next call continues.
        """
        now = self.reader.clock()
        look_back = now - SHIPPING_SECONDS if self._read else self.query.since
        window = replace(self.query, since=min(look_back, now), until=now + DAY_SECONDS)
        wanted = replace(self.query, until=now + DAY_SECONDS)
        found = self.reader.segments(window, budget)
        fresh = [segment for segment in found if segment.key not in self._read]
        yield from sort_entries(self.reader.read(fresh, wanted, budget), newest_first=False)
        self._read = {segment.key for segment in found}
