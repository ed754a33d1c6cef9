"""Records in memory until the next commit to the disk, bounded in number and in size."""

from collections import Counter, deque

from nervesys.agent.logs.handler import LoggedRecord
from nervesys.agent.logs.records import rank_of

RECORDS = 20_000
CHARACTERS = 16_000_000
"""Of all messages, contexts and metadata together."""
SHED_SHARE = 10
"""1/10 of the records is dropped when the queue is full."""


class MemoryQueue:
    """A queue; any thread may append, all other methods need the caller's lock."""

    def __init__(self) -> None:
        self._queue: deque[LoggedRecord] = deque()
        self._characters = 0
        self.dropped: Counter[int] = Counter()
        """Dropped records by index in `LEVELS`; cleared by the caller once they are written to the disk."""

    @property
    def characters(self) -> int:
        """Of all messages, contexts and metadata together."""
        return self._characters

    def append(self, record: LoggedRecord) -> bool:
        """Add a record; returns False if the queue is full."""
        self._queue.append(record)
        self._characters += len(record.message) + len(record.context or "") + len(record.metadata or "")
        return len(self._queue) < RECORDS and self._characters < CHARACTERS

    def take(self, limit: int = RECORDS) -> list[LoggedRecord]:
        """Remove and return the oldest records, at most `limit`."""
        taken = [self._queue.popleft() for _ in range(min(limit, len(self._queue)))]
        self._characters = self._characters - _size(taken) if self._queue else 0
        return taken

    def put_back(self, taken: list[LoggedRecord]) -> None:
        """Put records back that could not be written."""
        self._queue.extendleft(reversed(taken))
        self._characters += _size(taken)

    def drop_least_severe(self) -> None:
        """Drop 1/10 of the records, the least severe and of these the oldest."""
        queued = self.take(len(self._queue))
        by_severity = sorted(range(len(queued)), key=lambda place: rank_of(queued[place].severity))
        dropped_places = set(by_severity[: max(1, len(queued) // SHED_SHARE)])
        self.dropped.update(rank_of(queued[place].severity) for place in dropped_places)
        self.put_back([record for place, record in enumerate(queued) if place not in dropped_places])


def _size(records: list[LoggedRecord]) -> int:
    return sum(len(record.message) + len(record.context or "") + len(record.metadata or "") for record in records)
