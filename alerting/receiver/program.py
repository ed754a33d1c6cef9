"""The receiver as one program: pages in front, the journal behind, and what runs beside them."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from starlette.applications import Starlette

from alerting.journal import Change, Journal, JournalUnavailable, State, Writer
from alerting.model import AUTO_ACTIONS
from alerting.receiver import metrics
from alerting.receiver.fleet import FleetSource
from alerting.receiver.gauges import journalled
from alerting.receiver.local import LocalFile
from alerting.receiver.web import SENDERS, Desk
from nervesys.clock import Clock, system_clock
from nervesys.metrics import Instruments, Snapshot
from nervesys.metrics.pages import Program, application

FLEET_SECONDS = 60
"""Between two reads of the brain."""
LINKS = {"/actions": "actions", "/actions?state=escalated": "escalated actions", "/actions?state=rejected": "rejected"}

log = logging.getLogger(__name__)


class Receiver:
    """Everything that one receiver holds.

    Args:
        fleet: the newest version of the brain.
        local: the receiver's own file.
        journal: open, and only this receiver's.
    """

    def __init__(self, fleet: FleetSource, local: LocalFile, journal: Journal, clock: Clock = system_clock) -> None:
        assert local.token is not None, "open_local fills it in"
        self._fleet, self._journal, self._clock = fleet, journal, clock
        self._instruments = Instruments("receiver", metrics.INSTRUMENTS)
        self._writer = Writer(journal, lambda: self._instruments.add(metrics.COMMIT_FAILURES))
        self._gauges = Snapshot.of(b"")
        self._desk = Desk(
            journal=journal,
            writer=self._writer,
            fleet=lambda: fleet.now,
            instruments=self._instruments,
            token=local.token.get_secret_value(),
            body_bytes=local.limits.body_bytes,
            clock=clock,
            journalled=self._count,
            watchdog=lambda: None,
        )

    def application(self) -> Starlette:
        """The pages; what runs beside them starts and stops with them."""
        self._desk.start()
        self._start_counters()
        program = Program(
            name="receiver",
            about="Takes alerts, journals them, acts, and looks whether it helped.",
            snapshots=self._snapshots,
            not_ready=lambda: None,
            routes=self._desk.routes(),
            links=LINKS,
            self_guarded=frozenset(SENDERS),
            lifespan=self._beside,
        )
        return application(program, self._fleet.now.settings.monitoring.web)

    @asynccontextmanager
    async def _beside(self, _: Starlette) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(_every(FLEET_SECONDS, self._refresh_fleet), name="fleet")]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._journal.close()

    async def _refresh_fleet(self) -> None:
        await self._fleet.refresh()
        self._start_counters()

    def _start_counters(self) -> None:
        for agent in self._fleet.now.agents:
            for action in AUTO_ACTIONS:
                for state in State:
                    self._instruments.add(metrics.ACTIONS, agent, action, state, by=0)

    def _count(self, changes: list[Change]) -> None:
        for change in changes:
            log.info("%s of %s: %s %s", change.action, change.agent, change.state, change.detail)
            self._instruments.add(metrics.ACTIONS, change.agent, change.action, change.state)

    def _snapshots(self) -> Sequence[Snapshot]:
        try:
            self._gauges = journalled(self._journal, self._fleet.now.agents)
        except JournalUnavailable as err:
            log.warning("the gauges as last read stay served: %s", err)
        return (self._instruments.snapshot(), self._gauges)


async def _every(seconds: float, work: Callable[[], Awaitable[None]]) -> None:
    while True:
        await asyncio.sleep(seconds)
        await work()
