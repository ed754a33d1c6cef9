"""What an agent does beside its author's work: a loop for each duty, and the last deeds when it ends."""

import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nervesys.agent.artifacts import OpenedArtifacts
from nervesys.agent.bootstrap import Copy
from nervesys.agent.config_reload import Change, adopt
from nervesys.agent.duplicate_detection import Watch
from nervesys.agent.heartbeat import Heart
from nervesys.agent.host import MB, give_back
from nervesys.agent.identity import Identity
from nervesys.agent.knowledge import Learning
from nervesys.agent.logs.buffer import Buffer
from nervesys.agent.logs.shipping import Shipper
from nervesys.agent.loop import Loop
from nervesys.agent.replication.backup import Backup
from nervesys.agent.replication.databases import Databases
from nervesys.agent.replication.projects import Projects
from nervesys.agent.report import Reporter
from nervesys.agent.round import Reports, Schedule, has_archive
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
"""Between two writes of the buffer to the disk; with the time that one takes, a second is lost at most."""
BACKUP_SECONDS = 600.0
"""Between two looks whether the day has its backup of the configuration."""
ROUND_SECONDS = 3600.0
"""Between two looks whether the fleet's round of today is done."""
FIRST_ROUND_SECONDS = 600.0
"""Within which an agent looks first, at a random instant, so that not all agents ask at once."""
REPORT_SECONDS = 5.0
"""Between two looks whether a report to the brain is due."""
JITTER = 0.1
"""Share of the interval by which agents that started together look at the brain apart."""
RETURN_SECONDS = 60.0
"""Between two looks for a brain that is away, at most."""
TURN_SECONDS = 5.0
"""Between two looks whether an error waits to be judged."""
LEAVE_SECONDS = 9.0
"""For all last deeds; a stopped agent is gone within ten."""
FAREWELL_SECONDS = 3.0
"""Of these that the brain has, should the store take all others."""


@dataclass
class Pillars:
    """Where an agent's duties lead to.

    Attributes:
        copy: of the brain's configuration.
        brain: takes reports; None where the brain is a plain folder.
        store: with time limits that let all attempts end within one heartbeat.
        patient: the same store, with the time limits that are configured.
        artifacts: what waits for their service.
        databases: of the agent itself.
        learning: its part of what all agents know.
        projects: copies of its workspaces; None where the settings want none.
        reports: makes the fleet's reports, within the daily round.
    """

    copy: Copy
    brain: GitBrain | None
    store: ObjectStore
    patient: Callable[[], ObjectStore]
    artifacts: OpenedArtifacts
    databases: Databases
    learning: Learning
    projects: Projects | None
    reports: Reports


class Duties:
    """An agent's duties; none waits for another, or lets the author's code wait.

    Args:
        me: whose they are.
        pillars: where they lead to.
        heart: makes its state.
        buffer: holds its logs.
        clock: of all timestamps.
        give_way: called once with a rival's state; the agent ends soon after.
    """

    def __init__(
        self,
        me: Identity,
        pillars: Pillars,
        heart: Heart,
        buffer: Buffer,
        clock: Clock,
        give_way: Callable[[AgentState], None],
    ) -> None:
        self._me, self._pillars, self._heart, self._buffer = me, pillars, heart, buffer
        self._give_way = give_way
        self._watch = Watch(pillars.store, heart.key, me.instance_id)
        self.reporter = Reporter(pillars.brain, me, clock)
        """Reports to the brain."""
        self.handlers: list[logging.Handler] = [self.reporter.handler]
        """Take errors from the logging module."""
        self._told: list[Change] = []
        self._jitter = random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311  # no secret
        store = pillars.store
        self._beating = Loop(
            "heartbeat", self._beat, lambda: me.settings.thresholds.heartbeat.interval_seconds, first=0
        )
        self._shipper = Shipper(store, buffer, me, clock)
        self._shipping = Loop("shipping logs", self._shipper.ship, self._shipper.pause)
        self._keeping = Loop("buffering logs", self._keep, lambda: COMMIT_SECONDS)
        self._reporting = Loop("reporting to the brain", self._report, lambda: REPORT_SECONDS)
        self._refreshing = Loop("reading the configuration", self._refresh, self._refresh_seconds)
        metrics = Loop("server metrics", heart.put_metrics, lambda: me.config.metrics.interval_seconds)
        backup = Backup(
            store, PathTemplate(me.settings.storage.storj.paths.config_backups), pillars.copy, clock, self._recipients
        )
        backing_up = Loop("backing up the configuration", backup.keep, lambda: BACKUP_SECONDS, first=0)
        registering = Loop(
            "registering artifacts", pillars.artifacts.sync, lambda: me.settings.thresholds.heartbeat.interval_seconds
        )
        self._copying = Loop("copying databases", pillars.databases.save, lambda: me.config.databases.copy_minutes * 60)
        self._sharing = Loop(
            "sharing what was learned", pillars.learning.sync, lambda: me.settings.thresholds.heartbeat.interval_seconds
        )
        self._loops = [
            self._sharing,
            self._copying,
            self._beating,
            self._shipping,
            self._keeping,
            self._reporting,
            self._refreshing,
            metrics,
            backing_up,
            registering,
        ]
        self._syncing: Loop | None = None
        if pillars.projects:
            minutes = me.settings.storage.workspace.sync_minutes or 0  # taken at the start
            self._syncing = Loop("copying workspaces", pillars.projects.sync, lambda: minutes * 60)
            self._loops.append(self._syncing)
        if triage := _triage(me, clock):
            self.handlers.append(triage.handler)
            self._loops.append(Loop("judging errors", triage.turn, lambda: TURN_SECONDS))
        if pillars.brain is not None and has_archive(me.settings.storage):
            schedule = Schedule(me, pillars.copy, pillars.brain, pillars.patient(), clock, pillars.reports)
            first = random.uniform(0, FIRST_ROUND_SECONDS)  # noqa: S311  # jitter, no secret
            self._loops.append(Loop("daily round", schedule.keep, lambda: ROUND_SECONDS, first=first))

    def start(self) -> None:
        """Begin all of them."""
        for loop in self._loops:
            loop.start()

    def configure(self) -> None:
        """Take over what is configured and not read at each use."""
        self._buffer.max_bytes = int(self._me.config.buffer.max_size_mb * MB)
        self._me.log.setLevel(self._me.config.logging.level)

    def end(self, last: Status | None, until: float) -> None:
        """The last deeds: logs and state to the store, then, whatever became of these, the report to the brain.

        Args:
            last: status to end with; None leaves the one that was said, as after a crash.
            until: when they must be over, as `time.monotonic` counts.
        """
        for loop in self._loops:
            loop.stop()
        shipped = self._within(until - FAREWELL_SECONDS, lambda: self._last_to_store(last))
        self._within(until, lambda: self._last_to_brain(last, until))
        if not self._heart.silent:
            self._within(until, self._sharing.once)
            self._within(until, self._copying.once)
            if self._syncing:
                self._within(until, self._syncing.once)
        if shipped:
            self._buffer.close()

    @staticmethod
    def _within(until: float, deed: Callable[[], None]) -> bool:
        """Whether it was done in time; a daemon thread does it, for one that hangs must not keep the process."""
        thread = threading.Thread(target=deed, daemon=True)
        thread.start()
        thread.join(max(0.0, until - time.monotonic()))
        return not thread.is_alive()

    def _last_to_store(self, last: Status | None) -> None:
        if last:
            self._heart.ending = Status.STOPPING
            self._beating.once()
        self._shipping.once()
        self._heart.ending = last or self._said
        self._beating.once()

    def _last_to_brain(self, last: Status | None, until: float) -> None:
        if self._heart.silent:
            return
        self._heart.ending = last or self._said
        if self._pillars.brain:
            self._pillars.brain.timeout_seconds = max(1.0, until - time.monotonic())
        try:
            self.reporter.report(self._heart.state(), leaving=last is not None)
        except NervesysError as err:
            log.warning("the last report did not reach the brain: %s", err)

    def _recipients(self) -> Sequence[str]:
        return self._me.settings.storage.encryption.recipients

    @property
    def _said(self) -> Status:
        return self._heart.said.status if self._heart.said else Status.STARTING

    def _beat(self) -> None:
        if rival := self._watch.look():
            self._heart.silent = True
            self._beating.stop()
            self._give_way(rival)
        self._heart.degraded = bool(self._shipping.trouble or self._keeping.trouble)
        self._heart.brain = self._pillars.copy.said
        first = self._heart.said is None
        self._heart.beat()
        if first:
            give_back()
            self._beating.wake()  # what was `starting` is at work by now

    def _keep(self) -> None:
        self._buffer.commit()
        if self._shipper.full:
            self._shipping.wake()

    def _report(self) -> None:
        if self._heart.said is not None:
            self.reporter.report(self._heart.said)

    def _refresh(self) -> None:
        changes = adopt(self._me, self._pillars.copy.refresh())
        for change in changes:
            if change in self._told:
                continue
            if change.live:
                log.info("configuration: %s", change, extra={"category": "audit", "action": "configure"})
            else:
                log.warning("configuration: %s, from the next start on", change, extra={"action": "configure"})
        self._told = [change for change in changes if not change.live]
        self.configure()
        for loop in self._loops:
            loop.retime()

    def _refresh_seconds(self) -> float:
        """Soon where the brain was away."""
        usual = self._me.config.bootstrap.refresh_minutes * 60 * self._jitter
        return usual if self._pillars.copy.said.reachable else min(usual, RETURN_SECONDS)


def _triage(me: Identity, clock: Clock) -> "Triage | None":
    """Who has errors judged; imported only where a model is enabled, for most agents are lean."""
    if not me.settings.alibaba.alibaba_cloud.enabled:
        return None
    try:
        from nervesys.agent.triage import triage_of
    except ImportError as err:
        log.warning("errors are not judged: %s; type: %s", err, EXTRA)
        return None
    return triage_of(me, clock)
