"""The text of `/metrics`: gauges are read from the journal, and all is rendered in a thread, not on the event loop."""

import asyncio
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sqlalchemy import Connection

from alerting.actions import RESTART_AGENT
from alerting.journal import EpisodeVerdict, Journal, JournalUnavailable, episodes, view
from alerting.journal.approvals import count_open
from alerting.receiver.metrics import CAPPED, JOURNALLED, OLDEST_PENDING, PENDING, WAITING_APPROVALS
from alerting.receiver.series import AgentCounts, AgentSeries
from nervesys.metrics import Fragments, Instruments, MetricsSnapshot, Sample

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class OpenWork:
    """What is open in the journal at one instant.

    Attributes:
        open: (agent, action, state, how many) of the open episodes.
        pending: open episodes and records.
        oldest: when the oldest of them was opened, Unix seconds; None where none is open.
        capped: open episodes that the hourly cap of restarts holds back.
        approvals: that nobody has answered.
    """

    open: tuple[tuple[str, str, str, int], ...] = ()
    pending: int = 0
    oldest: float | None = None
    capped: int = 0
    approvals: int = 0

    @classmethod
    def read(cls, connection: Connection) -> "OpenWork":
        """Read it now."""
        capped = episodes.count_with_verdict(connection, RESTART_AGENT, EpisodeVerdict.CAPPED)
        asked = count_open(connection)
        return cls(tuple(view.open_counts(connection)), *view.pending(connection), capped, asked)

    def samples(self) -> Iterator[Sample]:
        """The series that are about no single agent."""
        yield PENDING.sample(self.pending)
        yield CAPPED.sample(self.capped)
        yield WAITING_APPROVALS.sample(self.approvals)
        if self.oldest is not None:
            yield OLDEST_PENDING.sample(self.oldest)


class Exposition:
    """Makes the text, for one scrape at a time.

    Args:
        journal: read at each scrape; where that fails, the gauges as last read stay served.
        instruments: counters and histograms that are updated as things happen.
        series: those of each agent.
    """

    def __init__(self, journal: Journal, instruments: Instruments, series: AgentSeries) -> None:
        self._journal, self._instruments, self._series = journal, instruments, series
        self._waiting = OpenWork()
        self._lock = asyncio.Lock()

    async def snapshot(self) -> MetricsSnapshot:
        """The text as of now."""
        async with self._lock:
            try:
                self._waiting = await self._journal.read(OpenWork.read)
            except JournalUnavailable as err:
                log.warning("the gauges as last read stay served: %s", err)
            self._series.set_open(self._waiting.open)
            return await asyncio.to_thread(self._render, self._series.changed(), self._waiting)

    def _render(self, changed: Iterable[AgentCounts], waiting: OpenWork) -> MetricsSnapshot:
        journalled = Fragments(JOURNALLED)
        journalled.put("journal", waiting.samples())
        parts = [self._instruments.snapshot(), self._series.render(changed), journalled.snapshot()]
        return MetricsSnapshot.concatenate(parts)
