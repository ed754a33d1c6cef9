"""Has the language model judge alerts, and posts an alert to Alertmanager while one that it calls critical fires."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from alerting.actions import ANALYZE, analyze
from alerting.drivers.outcome import Done, Failed
from alerting.journal import Change, Journal, State, Writer, records
from alerting.journal.records import Record
from alerting.receiver import metrics
from nervesys.analysis import Analyst, ErrorSeverity
from nervesys.analysis.alert import LASTS_SECONDS, alert_body
from nervesys.clients.alertmanager import Cluster
from nervesys.clock import Clock
from nervesys.metrics import Instruments
from nervesys.settings import Settings

DRIVER = "model"
AT_ONCE = 5
"""Alerts judged in one turn."""
HEARD_SECONDS = 600.0
"""An alert that fires is received again many times within this; after it, it counts as resolved."""
SPARE_SECONDS = 30.0
"""Added to the longest time that the questions of a lease may take."""


@dataclass
class Advisor:
    """Asks, and posts.

    Attributes:
        analyst: who asks the model.
        cluster: who is told of what is critical.
        settings: time limits, and addresses for links.
        last_error: what an agent last said of itself; may block.
        told: called with what changed, once it is on disk.
    """

    analyst: Analyst
    cluster: Cluster
    settings: Settings
    last_error: Callable[[str], str | None]
    journal: Journal
    writer: Writer
    instruments: Instruments
    clock: Clock
    told: Callable[[list[Change]], None]
    _standing: Mapping[str, Record] = field(default_factory=dict)

    async def judge(self) -> None:
        """Judge the next alerts that wait for it."""
        now = self.clock()
        until = now + AT_ONCE * self.settings.alibaba.alibaba_cloud.timeout_seconds + SPARE_SECONDS
        batch = await self.journal.run(
            lambda connection: records.claim(connection, ANALYZE, now, until=until, limit=AT_ONCE)
        )
        for record in batch:
            await self._judge(record)

    async def post(self) -> None:
        """Post what is critical, and resolve what no longer is.

        Raises:
            AlertmanagerUnavailable: no Alertmanager took it; the next turn posts it again.
        """
        now = self.clock()
        critical = await self.journal.read(
            lambda connection: records.standing(connection, ANALYZE, ErrorSeverity.CRITICAL, now - HEARD_SECONDS)
        )
        standing = {record.agent: record for record in critical}
        over = [self._alert(one, end=now) for agent, one in self._standing.items() if agent not in standing]
        alerts = [*over, *(self._alert(one, end=now + LASTS_SECONDS) for one in standing.values())]
        if alerts:
            await asyncio.to_thread(self.cluster.post, alerts)
        self._standing = standing

    async def _judge(self, record: Record) -> None:
        began = self.clock()
        judged = await asyncio.to_thread(analyze.send, self.analyst, record, self.last_error, began)
        now, outcome, verdict = self.clock(), judged.outcome, judged.verdict
        self.instruments.observe(metrics.DURATION, now - began, ANALYZE, DRIVER)
        state = {Done: State.SUCCEEDED, Failed: State.FAILED}.get(type(outcome), State.PENDING)
        closed_at = None if state is State.PENDING else now
        said = str(verdict.severity) if verdict else ""
        changes = await self.writer.commit(
            lambda connection: records.settle(connection, [record], state, outcome.detail, closed_at, said)
        )
        self.told(changes)

    def _alert(self, record: Record, end: float) -> dict[str, object]:
        reason = record.detail.partition(": ")[2]
        return alert_body(record.agent, record.alertname, reason, self.settings, record.received_at, end)
