"""Has the language model judge alerts, and posts an alert to Alertmanager while one that it calls critical fires."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from alerting.actions import ANALYZE, analyze
from alerting.drivers.outcome import Done, Failed
from alerting.journal import ActionState, Journal, StateChange, Writer, records
from alerting.journal.receive import FIRING_SECONDS
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
SPARE_SECONDS = 30.0
"""Added to the longest time that the questions of a lease may take."""


@dataclass
class AlertTriage:
    """Judges alerts and posts the critical ones.

    Attributes:
        analyst: the client of the model.
        cluster: that critical alerts are posted to.
        settings: time limits, and addresses for links.
        last_error: returns `last_error` of an agent's newest state; may block.
        on_changes: called with what changed, once it is on disk.
    """

    analyst: Analyst
    cluster: Cluster
    settings: Settings
    last_error: Callable[[str], str | None]
    journal: Journal
    writer: Writer
    instruments: Instruments
    clock: Clock
    on_changes: Callable[[list[StateChange]], None]
    _posted: Mapping[str, Record] = field(default_factory=dict)

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
            lambda connection: records.list_firing(connection, ANALYZE, ErrorSeverity.CRITICAL, now - FIRING_SECONDS)
        )
        critical_by_agent = {record.agent: record for record in critical}
        resolved = [
            self._alert(record, end=now) for agent, record in self._posted.items() if agent not in critical_by_agent
        ]
        alerts = [*resolved, *(self._alert(record, end=now + LASTS_SECONDS) for record in critical_by_agent.values())]
        if alerts:
            await asyncio.to_thread(self.cluster.post, alerts)
        self._posted = critical_by_agent

    async def _judge(self, record: Record) -> None:
        began = self.clock()
        judged = await asyncio.to_thread(analyze.send, self.analyst, record, self.last_error, began)
        now, outcome, verdict = self.clock(), judged.outcome, judged.verdict
        self.instruments.observe(metrics.DURATION, now - began, ANALYZE, DRIVER)
        state = {Done: ActionState.SUCCEEDED, Failed: ActionState.FAILED}.get(type(outcome), ActionState.PENDING)
        closed_at = None if state is ActionState.PENDING else now
        severity = str(verdict.severity) if verdict else ""
        changes = await self.writer.commit(
            lambda connection: records.finish(connection, [record], state, outcome.detail, closed_at, severity)
        )
        self.on_changes(changes)

    def _alert(self, record: Record, end: float) -> dict[str, object]:
        reason = record.detail.partition(": ")[2]
        return alert_body(record.agent, record.alertname, reason, self.settings, record.received_at, end)
