"""Puts the receiver together: its HTTP application, and the background tasks that run beside it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette

from alerting.actions import ANALYZE, LOG_TO, REMEDIES, Proof
from alerting.journal import ActionState, Journal, StateChange, Writer
from alerting.journal.retention import delete_ended
from alerting.overlay import WATCHDOG
from alerting.receiver import alert_log_writer, llm_triage, metrics
from alerting.receiver.agent_facts import SECONDS
from alerting.receiver.alert_log_writer import AlertLogWriter
from alerting.receiver.approval_desk import ApprovalDesk
from alerting.receiver.approval_links import PATH, LinkSigner
from alerting.receiver.approval_messages import ApprovalMessages
from alerting.receiver.approval_site import ApprovalSite
from alerting.receiver.blast_radius import BlastRadius
from alerting.receiver.calls import AttemptRunner
from alerting.receiver.change_log import describe_changes
from alerting.receiver.channel_threads import ChannelThreads
from alerting.receiver.deadman import DeadmanSwitch
from alerting.receiver.episode_context import EpisodeContextReader
from alerting.receiver.exposition import Exposition
from alerting.receiver.firing import FiringReader
from alerting.receiver.fleet import FleetSource
from alerting.receiver.healer import Healer, make_policy
from alerting.receiver.inbox import Inbox
from alerting.receiver.limits import FleetLimits, RestartCap
from alerting.receiver.llm_triage import AlertTriage
from alerting.receiver.local import LocalFile
from alerting.receiver.page import STYLE, OperatorPage
from alerting.receiver.series import AgentSeries
from alerting.receiver.session import Sessions
from alerting.receiver.sign_in import SignInGuard
from alerting.receiver.tasks import fixed_pause, run_repeatedly
from alerting.receiver.telegram_buttons import TelegramButtons
from alerting.receiver.watch import HeartbeatReader
from alerting.receiver.web import ACKNOWLEDGE, RESTART, SENDERS, ReceiverApi
from nervesys.analysis import Analyst
from nervesys.analysis.alert import REFRESH_SECONDS
from nervesys.audit import AUDIT, AuditAction, AuditResult
from nervesys.clients.alertmanager import Cluster
from nervesys.clients.prometheus import Prometheus
from nervesys.clock import Clock, system_clock
from nervesys.contract.times import DAY_SECONDS
from nervesys.metrics import Instruments
from nervesys.metrics.pages import HttpProgram, application
from nervesys.stores.brain import GitBrain
from nervesys.stores.objects import ObjectStore

FLEET_SECONDS = 60
"""Between two reads of the brain."""
DEADMAN_SECONDS = 5
ADVICE_SECONDS = 2
APPROVAL_SECONDS = 1
FORGET_SECONDS = 3600
LINKS = {"/?state=escalated": "Escalated", "/actions": "JSON", "/metrics": "Metrics", "/-/ready": "Readiness"}

AUDITED_STATES = {
    ActionState.RUNNING: AuditResult.OK,
    ActionState.RECOVERED: AuditResult.OK,
    ActionState.FAILED: AuditResult.FAILED,
    ActionState.ESCALATED: AuditResult.FAILED,
}
"""States of actions that the audit trail has: attempts, and their ends."""
NOBODY = "none"
"""Label value of `agent` where an alert has none."""

log = logging.getLogger(__name__)


class Receiver:
    """Everything that one receiver holds.

    Args:
        fleet: the newest version of the brain.
        local: the receiver's own file.
        journal: open; closed by this receiver.
        store: read only.
        brain: that records are written to; None where it is a plain folder.
        analyst: the client of the language model; None where there is none.
    """

    def __init__(
        self,
        fleet: FleetSource,
        local: LocalFile,
        journal: Journal,
        store: ObjectStore,
        brain: GitBrain | None,
        clock: Clock = system_clock,
        analyst: Analyst | None = None,
    ) -> None:
        settings, limits = fleet.now.settings, local.limits
        self._fleet, self._journal, self._local = fleet, journal, local
        self._settings = settings
        self._instruments = instruments = Instruments("receiver", metrics.INSTRUMENTS)
        self._series = series = AgentSeries(clock)
        self._exposition = Exposition(journal, instruments, series)
        self._wake = asyncio.Event()
        self._writer = writer = Writer(journal, lambda: instruments.add(metrics.COMMIT_FAILURES))
        self._drivers = drivers = local.drivers.configured()
        self._attempts = AttemptRunner(drivers, writer, instruments, clock, self._on_changes, limits.lease_seconds)
        self._deadman = DeadmanSwitch(
            settings.monitoring.deadman.silence_seconds, local.deadman_url, instruments, clock
        )
        self._log_writer = AlertLogWriter(brain, journal, writer, instruments, clock, self._on_changes)
        watch = HeartbeatReader(store, settings, clock)
        paths, prometheus = settings.storage.storj.paths, Prometheus(settings.monitoring.prometheus_url, SECONDS)
        self._context_reader = EpisodeContextReader(
            watch, store, paths.active_logs, paths.active_traces, brain, prometheus, clock, settings.logs_url
        )
        cluster = Cluster.of(settings.monitoring)
        self._triage = analyst and AlertTriage(
            analyst, cluster, settings, watch.last_error, journal, writer, instruments, clock, self._on_changes
        )
        self._healer = Healer(
            fleet=lambda: fleet.now,
            watch=watch,
            drivers=drivers,
            calls=self._attempts,
            policy=make_policy(settings, limits, observe=local.actions.mode == "observe"),
            limits=FleetLimits(
                BlastRadius(limits.blast_share, limits.blast_at_least, limits.blast_trial, limits.blast_pause_seconds),
                RestartCap(limits.restarts_per_hour, limits.restarts_share, limits.restarts_at_least),
            ),
            silences=cluster.silenced,
            firing=FiringReader(lambda: fleet.now, cluster, journal, clock).read,
            journal=journal,
            writer=writer,
            instruments=instruments,
            clock=clock,
            on_changes=self._on_changes,
        )
        self._clock, self._threads = clock, ChannelThreads()
        self._desk = ApprovalDesk(journal, writer, cluster, lambda: fleet.now, instruments, clock, self._received)

    def application(self) -> Starlette:
        """The HTTP application; the background tasks start and stop with it."""
        assert self._local.token is not None, "open_local reads one; an empty token would let everybody in"
        token = self._local.token
        api = ReceiverApi(
            journal=self._journal,
            inbox=Inbox(self._writer, self._clock, self._received),
            writer=self._writer,
            fleet=lambda: self._fleet.now,
            instruments=self._instruments,
            token=token,
            body_bytes=self._local.limits.body_bytes,
            clock=self._clock,
            journalled=self._received,
            watchdog=self._deadman.record_watchdog,
        )
        approvals = self._local.approvals
        signer = LinkSigner(approvals.key) if approvals.key else None
        self._desk.start()
        guard = SignInGuard(self._instruments, self._clock)
        page = OperatorPage(
            journal=self._journal,
            writer=self._writer,
            fleet=lambda: self._fleet.now,
            context_reader=self._context_reader,
            sessions=Sessions(token, self._journal, self._writer, self._clock),
            guard=guard,
            clock=self._clock,
            journalled=self._received,
            links=LINKS,
        )
        site = ApprovalSite(page, self._desk, signer)
        api.start()
        guard.start()
        self._start_series()
        program = HttpProgram(
            name="receiver",
            about="Receives alerts, journals them, acts, and checks whether that helped.",
            snapshot=self._exposition.snapshot,
            not_ready=lambda: self._writer.failure,
            routes=[*api.routes(), *page.routes(), *site.routes()],
            self_guarded=frozenset({*SENDERS, ACKNOWLEDGE, RESTART, PATH, STYLE}),
            lifespan=self._background_tasks,
            audited=(
                AuditAction.SIGN_IN,
                AuditAction.SIGN_OUT,
                AuditAction.ORDER,
                AuditAction.ACTION,
                AuditAction.CONFIGURE,
            ),
        )
        return application(program, self._settings.monitoring.web)

    @asynccontextmanager
    async def _background_tasks(self, _: Starlette) -> AsyncIterator[None]:
        never = asyncio.Event()
        work = [
            run_repeatedly(self._healer.pause, "heal", self._healer.turn, self._wake),
            run_repeatedly(fixed_pause(self._local.limits.log_seconds), LOG_TO, self._log_writer.turn, never),
            run_repeatedly(fixed_pause(FORGET_SECONDS), "retention", self._delete_ended, never),
            run_repeatedly(fixed_pause(FLEET_SECONDS), "brain", self._refresh_fleet, never),
        ]
        if self._triage:
            work.append(run_repeatedly(fixed_pause(ADVICE_SECONDS), ANALYZE, self._triage.judge, never))
            work.append(run_repeatedly(fixed_pause(REFRESH_SECONDS), "post what is critical", self._triage.post, never))
        if self._fleet.now.alerts.named(WATCHDOG):
            work.append(run_repeatedly(fixed_pause(DEADMAN_SECONDS), "dead-man's switch", self._deadman.turn, never))
        work += self._approval_tasks(never)
        tasks = [asyncio.create_task(task) for task in work]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._attempts.close()
            self._threads.close()
            self._journal.close()

    def _approval_tasks(self, never: asyncio.Event) -> list[Coroutine[None, None, None]]:
        """The tasks that send messages about approvals, and read the buttons of Telegram."""
        settings = self._local.approvals
        secrets = Path(settings.secrets_folder or "")
        messages = ApprovalMessages(
            journal=self._journal,
            writer=self._writer,
            fleet=lambda: self._fleet.now,
            signer=LinkSigner(settings.key) if settings.key else None,
            secrets=secrets,
            telegram_url=settings.telegram_url,
            can_silence=lambda: self._desk.can_silence,
            instruments=self._instruments,
            clock=self._clock,
            threads=self._threads,
        )
        buttons = TelegramButtons(
            journal=self._journal,
            writer=self._writer,
            fleet=lambda: self._fleet.now,
            desk=self._desk,
            owner=self._attempts.owner,
            secrets=secrets,
            url=settings.telegram_url,
            clock=self._clock,
            threads=self._threads,
        )
        return [
            run_repeatedly(fixed_pause(APPROVAL_SECONDS), "messages about approvals", messages.turn, never),
            run_repeatedly(fixed_pause(APPROVAL_SECONDS), "buttons of Telegram", buttons.turn, never),
        ]

    async def _refresh_fleet(self) -> None:
        await self._fleet.refresh()
        self._start_series()

    async def _delete_ended(self) -> None:
        before = self._clock() - self._local.limits.retention_days * DAY_SECONDS
        while await self._writer.commit(lambda connection: delete_ended(connection, before)):
            pass

    def _start_series(self) -> None:
        """Let every series that is about no agent exist before its first event, so that `increase` sees that event."""
        self._instruments.start(metrics.DURATION, LOG_TO, alert_log_writer.DRIVER)
        if self._triage:
            self._instruments.start(metrics.DURATION, ANALYZE, llm_triage.DRIVER)
        for driver in self._drivers:
            self._instruments.start(metrics.RECOVERY, driver)
        agents = self._fleet.now.agents
        for action, remedy in REMEDIES.items():
            # These can use every driver of this receiver, for agents that the brain gets later, too.
            used = self._drivers if remedy.PROOF is not Proof.OUTCOME else map(remedy.driver_name, agents.values())
            for driver in set(used):
                self._instruments.start(metrics.DURATION, action, driver)
        self._series.start(NOBODY, LOG_TO, alert_log_writer.STATES)
        if self._triage:
            self._series.start(NOBODY, ANALYZE, alert_log_writer.STATES)

    def _received(self, changes: list[StateChange]) -> None:
        self._on_changes(changes)
        self._wake.set()

    def _on_changes(self, changes: list[StateChange]) -> None:
        for line in describe_changes(changes):
            log.info("%s", line)
        for change in changes:
            if change.action in REMEDIES and change.state in AUDITED_STATES:
                target, result = f"{change.action} {change.agent}", AUDITED_STATES[change.state]
                AUDIT.record(AuditAction.ACTION, result, "receiver", target, detail=f"{change.state}: {change.detail}")
            self._series.add(change.agent or NOBODY, change.action, change.state)
