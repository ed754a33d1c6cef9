"""What an agent does beside its author's code: background loops, and the final writes when it ends."""

import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nervesys.agent.artifacts import LazyArtifacts
from nervesys.agent.bootstrap import LocalBrain
from nervesys.agent.config_reload import SettingChange, adopt
from nervesys.agent.duplicate_detection import DuplicateCheck
from nervesys.agent.heartbeat import HeartbeatWriter
from nervesys.agent.host import MB, trim_memory
from nervesys.agent.identity import Identity
from nervesys.agent.knowledge import Learning
from nervesys.agent.logs.buffer import LogBuffer
from nervesys.agent.logs.shipping import Shipper
from nervesys.agent.loop import Loop
from nervesys.agent.replication.backup import Backup
from nervesys.agent.replication.databases import Databases
from nervesys.agent.replication.workspaces import WorkspaceReplica
from nervesys.agent.report import Reporter
from nervesys.agent.round import Reports, RoundSchedule
from nervesys.agent.telemetry.optional import OptionalTelemetry
from nervesys.analysis.model import EXTRA
from nervesys.clock import Clock
from nervesys.contract import AgentState, PathTemplate, Status
from nervesys.errors import NervesysError
from nervesys.stores.brain import GitBrain
from nervesys.stores.objects import ObjectStore

if TYPE_CHECKING:
    from nervesys.agent.triage import Triage

log = logging.getLogger(__name__)

COMMIT_SECONDS = 0.5
"""Between two writes of the buffer to the disk; with the duration of a write, at most a second of logs is lost."""
BACKUP_SECONDS = 600.0
"""Between two checks whether today's backup of the configuration exists."""
ROUND_SECONDS = 3600.0
"""Between two checks whether today's round of the fleet is done."""
FIRST_ROUND_SECONDS = 600.0
"""The first check is made at a random instant within these, so that not all agents ask at once."""
REPORT_SECONDS = 5.0
"""Between two checks whether a report to the brain is due."""
JITTER = 0.1
"""Share of the interval that spreads the reads of the brain of agents that started together."""
RETURN_SECONDS = 60.0
"""Longest time between two attempts to reach a brain that is away."""
TRIAGE_SECONDS = 5.0
"""Between two checks whether an error waits for triage."""
LEAVE_SECONDS = 9.0
"""For all final writes; a stopped agent has exited within ten seconds."""
LAST_REPORT_SECONDS = 3.0
"""Of `LEAVE_SECONDS`, reserved for the brain if the store uses up the rest."""


@dataclass
class AgentResources:
    """What the background loops read from and write to.

    Attributes:
        local_brain: copy of the brain's configuration.
        brain: repository for reports; None if the brain is a plain folder.
        store: with a timeout so short that all attempts end within one heartbeat interval.
        open_patient_store: opens the same store, with the configured timeout.
        artifacts: requests that wait for the artifact service.
        databases: the agent's own SQLite files.
        learning: its part of the shared knowledge.
        projects: copies of its workspaces; None if the settings disable them.
        reports: makes the fleet's reports, within the daily round.
        telemetry: OpenTelemetry of the program.
    """

    local_brain: LocalBrain
    brain: GitBrain | None
    store: ObjectStore
    open_patient_store: Callable[[], ObjectStore]
    artifacts: LazyArtifacts
    databases: Databases
    learning: Learning
    projects: WorkspaceReplica | None
    reports: Reports
    telemetry: OptionalTelemetry


class BackgroundLoops:
    """An agent's background loops; none waits for another, or blocks the author's code.

    Args:
        me: the agent.
        resources: what the loops read from and write to.
        heartbeat: writes its state.
        buffer: holds its logs.
        clock: of all timestamps.
        on_duplicate: called once with the state of another instance; the agent ends soon after.
    """

    def __init__(
        self,
        me: Identity,
        resources: AgentResources,
        heartbeat: HeartbeatWriter,
        buffer: LogBuffer,
        clock: Clock,
        on_duplicate: Callable[[AgentState], None],
    ) -> None:
        self._me, self._resources, self._heartbeat, self._buffer = me, resources, heartbeat, buffer
        self._on_duplicate = on_duplicate
        self._duplicate_check = DuplicateCheck(resources.store, heartbeat.key, me.instance_id)
        self.reporter = Reporter(resources.brain, me, clock)
        """Pushes reports to the brain."""
        self.handlers: list[logging.Handler] = [self.reporter.handler]
        """Handlers for the root logger."""
        self._reported_changes: list[SettingChange] = []
        self._jitter = random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311  # no secret
        store = resources.store
        self._heartbeat_loop = Loop(
            "heartbeat", self._write_heartbeat, lambda: me.settings.thresholds.heartbeat.interval_seconds, first=0
        )
        self._shipper = Shipper(store, buffer, me, clock)
        self._shipping_loop = Loop("shipping logs", self._shipper.ship, self._shipper.pause)
        self._commit_loop = Loop("buffering logs", self._commit_logs, lambda: COMMIT_SECONDS)
        self._report_loop = Loop("reporting to the brain", self._report, lambda: REPORT_SECONDS)
        self._refresh_loop = Loop("reading the configuration", self._refresh, self._refresh_seconds)
        metrics = Loop("server metrics", heartbeat.put_metrics, lambda: me.config.metrics.interval_seconds)
        backup = Backup(
            store,
            PathTemplate(me.settings.storage.storj.paths.config_backups),
            resources.local_brain,
            clock,
            self._recipients,
        )
        backing_up = Loop("backing up the configuration", backup.keep, lambda: BACKUP_SECONDS, first=0)
        registering = Loop(
            "registering artifacts", resources.artifacts.sync, lambda: me.settings.thresholds.heartbeat.interval_seconds
        )
        self._database_loop = Loop(
            "copying databases", resources.databases.save, lambda: me.config.databases.copy_minutes * 60
        )
        self._knowledge_loop = Loop(
            "sharing knowledge",
            resources.learning.sync,
            lambda: me.settings.thresholds.heartbeat.interval_seconds,
        )
        self._loops = [
            self._knowledge_loop,
            self._database_loop,
            self._heartbeat_loop,
            self._shipping_loop,
            self._commit_loop,
            self._report_loop,
            self._refresh_loop,
            metrics,
            backing_up,
            registering,
        ]
        self._workspace_loop: Loop | None = None
        if resources.projects:
            minutes = me.settings.storage.workspace.sync_minutes or 0  # a change needs a restart
            self._workspace_loop = Loop("copying workspaces", resources.projects.sync, lambda: minutes * 60)
            self._loops.append(self._workspace_loop)
        self._triage = _open_triage(me, clock)
        if self._triage:
            self.handlers.append(self._triage.handler)
            self._loops.append(Loop("triage of errors", self._triage.judge_waiting, lambda: TRIAGE_SECONDS))
            if self._triage.edge:
                self._shipper.reduce = self._triage.edge.reduce
        if resources.brain is not None and me.settings.storage.archive.is_configured:
            store, local = resources.open_patient_store(), resources.local_brain
            schedule = RoundSchedule(me, local, resources.brain, store, clock, resources.reports, local.place)
            first = random.uniform(0, FIRST_ROUND_SECONDS)  # noqa: S311  # jitter, no secret
            self._loops.append(Loop("daily round", schedule.keep, lambda: ROUND_SECONDS, first=first))

    def start(self) -> None:
        """Start all loops."""
        for loop in self._loops:
            loop.start()
        self._resources.telemetry.start()

    def configure(self) -> None:
        """Apply the settings that are not read at each use."""
        self._buffer.max_bytes = int(self._me.config.buffer.max_size_mb * MB)
        self._resources.telemetry.configure()
        self._me.log.setLevel(self._me.config.logging.level)

    def end(self, last: Status | None, until: float) -> None:
        """Stop all loops; write logs and state to the store, then, even if that failed, the report to the brain.

        Args:
            last: status to end with; None keeps the last one written, as after a crash.
            until: deadline, as `time.monotonic` counts.
        """
        for loop in (*self._loops, *self._resources.telemetry.loops):
            loop.stop()
        shipped = self._run_until(until - LAST_REPORT_SECONDS, lambda: self._last_to_store(last))
        self._run_until(until, lambda: self._last_to_brain(last, until))
        if not self._heartbeat.gave_way:
            self._run_until(until, self._knowledge_loop.run_now)
            self._run_until(until, self._database_loop.run_now)
            if self._workspace_loop:
                self._run_until(until, self._workspace_loop.run_now)
        if shipped:
            self._buffer.close()
            self._resources.telemetry.close()

    @staticmethod
    def _run_until(until: float, action: Callable[[], None]) -> bool:
        """Call a function in a daemon thread, so that a hanging call does not keep the process; returns if it ended."""
        thread = threading.Thread(target=action, daemon=True)
        thread.start()
        thread.join(max(0.0, until - time.monotonic()))
        return not thread.is_alive()

    def _last_to_store(self, last: Status | None) -> None:
        if last:
            self._heartbeat.final_status = Status.STOPPING
            self._heartbeat_loop.run_now()
        self._shipping_loop.run_now()
        self._resources.telemetry.ship()
        self._heartbeat.final_status = last or self._last_status
        self._heartbeat_loop.run_now()

    def _last_to_brain(self, last: Status | None, until: float) -> None:
        if self._heartbeat.gave_way:
            return
        self._heartbeat.final_status = last or self._last_status
        if self._resources.brain:
            self._resources.brain.timeout_seconds = max(1.0, until - time.monotonic())
        try:
            self.reporter.report(self._heartbeat.state(), leaving=last is not None)
        except NervesysError as err:
            log.warning("the last report was not pushed to the brain: %s", err)

    def _recipients(self) -> Sequence[str]:
        return self._me.settings.storage.encryption.recipients

    @property
    def _last_status(self) -> Status:
        return self._heartbeat.last_state.status if self._heartbeat.last_state else Status.STARTING

    def _write_heartbeat(self) -> None:
        if other := self._duplicate_check.check():
            self._heartbeat.gave_way = True
            self._heartbeat_loop.stop()
            self._on_duplicate(other)
        writers = (self._shipping_loop, self._commit_loop, *self._resources.telemetry.loops)
        self._heartbeat.degraded = any(loop.last_error for loop in writers)
        self._heartbeat.brain = self._resources.local_brain.status
        first = self._heartbeat.last_state is None
        self._heartbeat.write_state()
        if self._triage and self._heartbeat.last_state:
            self._triage.observe(self._heartbeat.last_state.metrics)
        if first:
            trim_memory()
            self._heartbeat_loop.wake()  # replaces `starting` at once

    def _commit_logs(self) -> None:
        self._buffer.commit()
        if self._shipper.full:
            self._shipping_loop.wake()

    def _report(self) -> None:
        if self._heartbeat.last_state is not None:
            self.reporter.report(self._heartbeat.last_state)

    def _refresh(self) -> None:
        changes = adopt(self._me, self._resources.local_brain.refresh())
        for change in changes:
            if change in self._reported_changes:
                continue
            if change.takes_effect_now:
                log.info("configuration: %s", change, extra={"category": "audit", "action": "configure"})
            else:
                log.warning("configuration: %s, from the next start on", change, extra={"action": "configure"})
        self._reported_changes = [change for change in changes if not change.takes_effect_now]
        self.configure()
        for loop in (*self._loops, *self._resources.telemetry.loops):
            loop.reschedule()

    def _refresh_seconds(self) -> float:
        """Seconds until the next read of the brain: few while it is away."""
        usual = self._me.config.bootstrap.refresh_minutes * 60 * self._jitter
        return usual if self._resources.local_brain.status.reachable else min(usual, RETURN_SECONDS)


def _open_triage(me: Identity, clock: Clock) -> "Triage | None":
    """The triage of errors; imported only if a model is enabled, to save memory in all other agents."""
    if not me.settings.alibaba.alibaba_cloud.enabled:
        return None
    try:
        from nervesys.agent.triage import open_triage
    except ImportError as err:
        log.warning("triage of errors is off: %s; type: %s", err, EXTRA)
        return None
    return open_triage(me, clock)
