"""The text of `/metrics`: read from the journal and rendered beside the event loop, however large the fleet is."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from sqlalchemy import Connection

from alerting.actions import RESTART_AGENT
from alerting.journal import Journal, JournalUnavailable, episodes, view
from alerting.receiver.case import Verdict
from alerting.receiver.metrics import CAPPED, JOURNALLED, OLDEST_PENDING, PENDING
from alerting.receiver.series import AgentSeries, News
from nervesys.metrics import Fragments, Instruments, Sample, Snapshot

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Waiting:
    """What the journal says at one instant.

    Attributes:
        open: (agent, action, state, how many) of the open episodes.
        pending: open episodes and records.
        oldest: since when the oldest of them has waited, Unix seconds; None where nothing waits.
        capped: open episodes that wait for an hour with fewer restarts.
    """

    open: tuple[tuple[str, str, str, int], ...] = ()
    pending: int = 0
    oldest: float | None = None
    capped: int = 0

    @classmethod
    def read(cls, connection: Connection) -> "Waiting":
        """What it says now."""
        capped = episodes.standing_at(connection, RESTART_AGENT, Verdict.CAPPED)
        return cls(tuple(view.open_counts(connection)), *view.pending(connection), capped)

    def samples(self) -> Iterator[Sample]:
        """What is told of it beside the agents' series."""
        yield PENDING.sample(self.pending)
        yield CAPPED.sample(self.capped)
        if self.oldest is not None:
            yield OLDEST_PENDING.sample(self.oldest)


class Exposition:
    """Makes the text, for one scrape at a time.

    Args:
        journal: read at each scrape; while it cannot be, what it said last stays served.
        instruments: kept as it happens.
        series: those of each agent.
        agents: returns who is configured.
    """

    def __init__(
        self, journal: Journal, instruments: Instruments, series: AgentSeries, agents: Callable[[], Iterable[str]]
    ) -> None:
        self._journal, self._instruments, self._series, self._agents = journal, instruments, series, agents
        self._waiting = Waiting()
        self._one = asyncio.Lock()

    async def snapshot(self) -> Snapshot:
        """The text as of now."""
        async with self._one:
            try:
                self._waiting = await self._journal.run(Waiting.read)
            except JournalUnavailable as err:
                log.warning("the gauges as last read stay served: %s", err)
            self._series.see(self._waiting.open, self._agents())
            return await asyncio.to_thread(self._rendered, self._series.news(), self._waiting)

    def _rendered(self, news: Iterable[News], waiting: Waiting) -> Snapshot:
        journalled = Fragments(JOURNALLED)
        journalled.put("journal", waiting.samples())
        parts = [self._instruments.snapshot(), self._series.rendered(news), journalled.snapshot()]
        return Snapshot.joined(parts)
