"""Records that wait in memory for the next write to the disk, bounded in number and in size."""

from collections import Counter, deque

from nervesys.agent.logs.handler import Said
from nervesys.agent.logs.records import rank_of

RECORDS = 20_000
CHARACTERS = 16_000_000
"""Of all messages, contexts and metadata together."""
SHED_SHARE = 10
"""One part of so many goes when there is no room for more."""


class Pending:
    """A queue; any thread may append to it, and one at a time do the rest."""

    def __init__(self) -> None:
        self._queue: deque[Said] = deque()
        self._characters = 0
        self.dropped: Counter[int] = Counter()
        """Records lost here, by their places in `LEVELS`; whoever writes that down clears it."""

    def append(self, said: Said) -> bool:
        """Take a record; False when there is room for no more."""
        self._queue.append(said)
        self._characters += len(said.message) + len(said.context or "") + len(said.metadata or "")
        return len(self._queue) < RECORDS and self._characters < CHARACTERS

    def take(self, most: int = RECORDS) -> list[Said]:
        """The oldest records, so many at most."""
        taken = [self._queue.popleft() for _ in range(min(most, len(self._queue)))]
        self._characters = self._characters - _size(taken) if self._queue else 0
        return taken

    def put_back(self, taken: list[Said]) -> None:
        """Take records back that could not be written."""
        self._queue.extendleft(reversed(taken))
        self._characters += _size(taken)

    def shed(self) -> None:
        """Drop the least severe, oldest part."""
        held = self.take(len(self._queue))
        by_worth = sorted(range(len(held)), key=lambda place: rank_of(held[place].severity))
        lost = set(by_worth[: max(1, len(held) // SHED_SHARE)])
        self.dropped.update(rank_of(held[place].severity) for place in lost)
        self.put_back([said for place, said in enumerate(held) if place not in lost])


def _size(records: list[Said]) -> int:
    return sum(len(said.message) + len(said.context or "") + len(said.metadata or "") for said in records)
