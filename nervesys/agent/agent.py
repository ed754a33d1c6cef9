"""The agent itself: reads its configuration from the brain, and runs its background loops beside the author's code."""

import logging
import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, Self

from nervesys.agent.artifacts import LazyArtifacts
from nervesys.agent.background_loops import LEAVE_SECONDS, AgentResources, BackgroundLoops
from nervesys.agent.bootstrap import LocalBrain
from nervesys.agent.checkpointer import Checkpointer
from nervesys.agent.heartbeat import HeartbeatWriter
from nervesys.agent.host import MB, Host
from nervesys.agent.identity import Identity, identify, resolve_name
from nervesys.agent.knowledge import open_learning
from nervesys.agent.lock import AgentLock
from nervesys.agent.logs.buffer import LogBuffer
from nervesys.agent.logs.handler import BufferHandler
from nervesys.agent.logs.records import RecordEncoder
from nervesys.agent.messages import log_message
from nervesys.agent.progress import ProgressHandler
from nervesys.agent.replication.databases import open_databases
from nervesys.agent.replication.workspaces import WorkspaceReplica
from nervesys.agent.round import Reports, no_reports
from nervesys.agent.telemetry.optional import OptionalTelemetry
from nervesys.agent.telemetry.span_sinks import SpanSinks
from nervesys.agent.usage import UsageRule
from nervesys.agent.work import StuckLimits, Task, TaskFailed, Work
from nervesys.agent.work_reports import WorkReports
from nervesys.agent.workspace_snapshots import WorkspaceSnapshots
from nervesys.clock import Clock, system_clock
from nervesys.contract import AgentState, Status
from nervesys.contract.messages import AgentMessage
from nervesys.errors import NervesysError
from nervesys.settings import Settings, StartupSettings
from nervesys.settings.env_files import read_env_files
from nervesys.stores.objects import ObjectStore
from nervesys.stores.open_stores import open_store
from nervesys.stores.s3 import ATTEMPTS
from nervesys.workspace import Workspace
from nervesys.workspace.snapshots import SnapshotKind
from nervesys.workspace.workspace import checked_project

if TYPE_CHECKING:
    from langgraph.checkpoint.base import BaseCheckpointSaver

    from nervesys.artifacts.client import Artifacts

log = logging.getLogger(__name__)

COMPRESS_DAYS = 7
"""Age from which the contents of versions that were replaced are gzipped."""


class Agent(WorkReports):
    """One agent of the fleet; it runs within `with`.

    Heartbeats, server metrics, logs and reports are sent by threads of their own; none of them waits for another, or
    blocks the author's code. SIGTERM and SIGINT end the `with` block by `SystemExit(0)`.

    Args:
        name: of the agent, for which the brain must hold `config/agents/{name}.yaml`; wins over `NERVESYS_AGENT` and
            the machine's own name.
        home: folder of all local files; wins over `NERVESYS_HOME`.
        brain: a Git URL or a folder; wins over `NERVESYS_BRAIN`.
        server: the host's name; wins over `NERVESYS_SERVER` and the machine's own name.
        environ: environment variables.
        clock: of all timestamps.
        store: used instead of the store in the settings.
        reports: makes the fleet's reports, if this agent runs the daily round.
        otel: set global providers of OpenTelemetry's SDK, so that what instrumentations record is shipped.

    Raises:
        SettingsError: the configuration is wrong, or the agent is not in it.
        BrainUnavailable: the brain cannot be read and there is no earlier copy.
        NervesysError: another process on this host is this agent, the buffer cannot be opened, or `otel` needs packages
            that are not installed.
    """

    def __init__(
        self,
        name: str | None = None,
        *,
        home: str | None = None,
        brain: str | None = None,
        server: str | None = None,
        environ: Mapping[str, str] = os.environ,
        clock: Clock = system_clock,
        store: ObjectStore | None = None,
        reports: Reports = no_reports,
        otel: bool = False,
    ) -> None:
        environ = {**environ, **read_env_files(environ, home)}
        name = resolve_name(name, environ)
        local_brain = LocalBrain(name, StartupSettings.of(environ, home, brain), environ, clock)
        self.me = identify(name, server, local_brain.as_opened(), environ, clock())
        """Name, server, instance and configuration of this agent."""
        self.log = self.me.log
        """The agent's own logger: its records are shipped, whatever the root logger's level is."""
        usage = UsageRule(lambda: self.me.config.telemetry.usage)
        super().__init__(Work(self.me.redactor.text, clock, self._stuck_limits, usage), clock)
        self._projects = local_brain.place.home / self.me.settings.storage.workspace.path
        self._workspaces: dict[str, Workspace] = {}
        self._snapshots = WorkspaceSnapshots(self._workspaces, lambda: self.me.settings.storage.workspace, self.log)
        self._lock = AgentLock(self.me.folder / "lock")
        self._buffer = _buffer(self.me)
        storj = self.me.settings.storage.storj
        self._artifacts = LazyArtifacts(self.me, local_brain.place.home, clock)
        store_within_heartbeat = store or _store(self.me.settings)
        self._databases = open_databases(self.me, store_within_heartbeat, clock)
        self._checkpointer = Checkpointer(environ, self._databases.path)
        self._learning = open_learning(self.me, store_within_heartbeat, clock)
        self._replica = self._open_replica(store_within_heartbeat)
        sinks = SpanSinks(self.work, self._buffer.append, self.end_task)
        self._telemetry, self._otel = OptionalTelemetry(self.me, store_within_heartbeat, clock, sinks), otel
        if otel:
            self._telemetry.open()
        resources = AgentResources(
            local_brain,
            local_brain.open_for_push(),
            store_within_heartbeat,
            lambda: store or open_store(storj),
            self._artifacts,
            self._databases,
            self._learning,
            self._replica,
            reports,
            self._telemetry,
        )
        host = Host(self.me.server, self.me.name, self.me.folder)
        heartbeat = HeartbeatWriter(self.me, resources.store, self.work, self._buffer, host, clock)
        self._loops = BackgroundLoops(self.me, resources, heartbeat, self._buffer, clock, self._on_duplicate)
        self._handlers = (
            BufferHandler(self._buffer.append, self.me.redactor.text, usage),
            ProgressHandler(self.work.tracker),
            *self._loops.handlers,
        )
        self._stop_requested_at: float | None = None
        self._reason: str | None = None

    @contextmanager
    def task(
        self, action: str, *, task_id: str | None = None, limit_seconds: float | None = None, **context: Any
    ) -> Iterator[Task]:
        """Time one task, count it, and log a record about it.

        Args:
            action: name of the task, such as `code_review`.
            task_id: which task of that name it is, such as an issue's number.
            limit_seconds: after which it counts as stuck; default: `thresholds.progress.task_limit_seconds` of the
                agent, or 4 times the 95th percentile of earlier tasks of that name.
            context: fields for the log record, such as `repository` and `file`. The same action with the same fields
                many times in a row, while tokens are used, counts as a loop.

        Raises:
            Exception: any that the task raises, after it was counted as failed.
        """
        task = Task(action, context=context, id=task_id, limit_seconds=limit_seconds)
        began = time.monotonic()
        self.work.begin(task)
        try:
            yield task
        except Exception as err:
            self.end_task(task, time.monotonic() - began, err)
            raise
        except BaseException:
            self.work.abandon(task)
            raise
        self.end_task(task, time.monotonic() - began, None)

    def message(self, to: str, text: str, *, thread: str | int | None = None) -> None:
        """Log a message that this agent sent to another one: who to whom, in which thread, and what.

        It delivers nothing: send the message by your own means, and log it here.

        Args:
            to: name of the recipient; metrics count those that are no agents of the fleet as `other`.
            text: of the message; secrets in it are redacted, as in every log record.
            thread: names the conversation that it belongs to.

        Raises:
            ValueError: `to` is empty.
        """
        log_message(self.log, AgentMessage.model_validate({"to": to, "text": text, "thread": thread}))

    def workspace(self, project: str | None = None) -> Workspace:
        """The workspace of a project; a snapshot of its files is taken at the end of each task that changed them.

        Args:
            project: default: `PROJECT_ID`, the project in the agent's file in the brain, or the agent's name.

        Raises:
            NervesysError: the name is invalid, the files cannot be opened, or they must be restored and cannot be.
        """
        workspace_settings = self.me.settings.storage.workspace
        name = project or workspace_settings.project or self.me.config.project or self.me.name
        if name not in self._workspaces:
            path = self._projects if workspace_settings.persistent else None
            if self._replica:
                self._replica.open(checked_project(name))
            self._workspaces[name] = Workspace(path, name, self.me.name, self._clock)
        return self._workspaces[name]

    def database(self, name: str) -> Path:
        """Path of an SQLite file of your own: copied to the store when it changes, and restored on a new server.

        Args:
            name: such as `memory`; 1 to 63 of `a-z 0-9 - _`.

        Raises:
            NervesysError: the name is invalid, or there is no local file and the store does not answer.
        """
        return self._databases.path(name)

    def checkpointer(self) -> "BaseCheckpointSaver[Any]":
        """LangGraph's checkpointer: `graph.compile(checkpointer=agent.checkpointer())`.

        It is LangGraph's PostgresSaver or SqliteSaver for the URL in `NERVESYS_CHECKPOINTS_URL` or `DATABASE_URL`.
        Without one, checkpoints lie in the agent's own database `checkpoints`, which is copied to the store.

        Raises:
            SettingsError: the URL is of no supported database.
            NervesysError: a package is not installed, or the database cannot be opened.
        """
        return self._checkpointer.open()

    def learn(self, key: str, value: Any) -> None:
        """Store a value for all agents; the daily round merges the values of all agents, the newest of a key wins.

        Args:
            key: path of the value, such as `deploy/window`.
            value: any JSON value; each value of an object is stored on its own.

        Raises:
            NervesysError: the key is invalid, the value is not JSON, or it cannot be written to the disk.
        """
        self._learning.learn(key, value)

    @property
    def knowledge(self) -> dict[str, Any]:
        """Values of all agents as of the last daily round, and this agent's own until now.

        They are read from the store; while it does not answer, they are those that were read last.

        Raises:
            NervesysError: it is encrypted for others, or the local files cannot be read.
        """
        return self._learning.all()

    def use_opentelemetry(self) -> None:
        """Set global providers of OpenTelemetry's SDK, so that what instrumentations record is shipped.

        Raises:
            NervesysError: a package is not installed, or the buffer cannot be opened.
        """
        self._telemetry.set_providers()

    def listen_for_telemetry(self) -> AbstractContextManager[Mapping[str, str]]:
        """Receive OpenTelemetry of a program by OTLP/HTTP on a port of this host, within a `with` block.

        Returns:
            A context with the environment variables that lead the program to the port; none if it is disabled.

        Raises:
            NervesysError: at its begin: it is enabled and a package is not installed, or no port can be opened.
        """
        return self._telemetry.listen()

    @property
    def artifacts(self) -> "Artifacts":
        """Client of the fleet's artifacts, with this agent's rights.

        Raises:
            NervesysError: it has no token, or a package is not installed; the message names the extra to install.
        """
        return self._artifacts.client()

    def __enter__(self) -> Self:
        for handler in self._handlers:
            logging.getLogger().addHandler(handler)
        self._loops.configure()
        self._signals = _set_signal_handlers(self._on_stop_signal)
        log.info("agent %s starts on %s as %s", self.me.name, self.me.server, self.me.instance_id)
        try:
            self._loops.start()
            if self._otel:
                self.use_opentelemetry()
        except SystemExit as stop:  # a signal arrived while the loops were starting: `__exit__` is not called by itself
            self.__exit__(SystemExit, stop, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _set_signal_handlers(signal.SIG_IGN)
        self._telemetry.flush()
        self._snapshots.close()
        deliberate = error is None or (isinstance(error, SystemExit) and not error.code)
        if deliberate:
            log.info("agent %s stops", self.me.name)
            self._snapshots.take("", SnapshotKind.END)
        elif error is not None:
            self._log_crash(error)
        for handler in self._handlers:
            logging.getLogger().removeHandler(handler)
        self._loops.end(
            Status.STOPPED if deliberate else None, (self._stop_requested_at or time.monotonic()) + LEAVE_SECONDS
        )
        for workspace in self._workspaces.values():
            with suppress(NervesysError):  # a full disk must not keep the agent from ending
                workspace.files.compress(COMPRESS_DAYS)
            workspace.close()
        self._artifacts.close()
        self._checkpointer.close()
        self._lock.release()
        for number, before in self._signals.items():
            signal.signal(number, before)

    def _open_replica(self, store: ObjectStore) -> WorkspaceReplica | None:
        """Copies of the workspaces in the store, if the settings enable them."""
        workspace_settings, paths = self.me.settings.storage.workspace, self.me.settings.storage.storj.paths
        if not (workspace_settings.persistent and workspace_settings.sync_minutes):
            return None
        return WorkspaceReplica(
            self._projects,
            self.me.folder / "workspaces",
            lambda project: self.me.key(paths.workspaces, project=project),
            store,
            self.me.instance_id,
            lambda: self.me.settings.storage.encryption.recipients,
        )

    def _stuck_limits(self) -> StuckLimits:
        own = self.me.config.thresholds
        least = own.over(self.me.settings.thresholds).progress.stuck_after_seconds
        return StuckLimits(own.progress.task_limit_seconds, least)

    def _log_crash(self, error: BaseException) -> None:
        """Log the error; the status in the store stays as it is."""
        self.work.record_error(error)
        expected = isinstance(error, NervesysError | SystemExit)  # its message is complete without a traceback
        self.log.error("the agent crashed: %s", error, exc_info=None if expected else error)

    def _on_duplicate(self, other: AgentState) -> None:
        """End the author's code by SIGTERM, if signals are handled: another instance has the name."""
        self._reason = (
            f"{self.me.name} is already running on {other.server} as {other.instance_id}: this instance stops"
        )
        self.log.error(self._reason)
        if self._signals:
            os.kill(os.getpid(), signal.SIGTERM)

    def _on_stop_signal(self, _number: int, _frame: FrameType | None) -> None:
        _set_signal_handlers(signal.SIG_IGN)
        self._stop_requested_at = time.monotonic()
        raise SystemExit(self._reason or 0)

    def end_task(self, task: Task, seconds: float, error: Exception | None) -> None:
        """Count and log the end of a task that `Work.begin` was called with.

        Args:
            task: that ended.
            seconds: that it took.
            error: why it failed; None if it succeeded.
        """
        self.work.end(task, error)
        if task.from_spans:
            self._snapshots.take_soon(task.action)
        else:
            self._snapshots.take(task.action, SnapshotKind.TASK)
        extra = {
            "action": task.action,
            "context": {**task.context, "duration_ms": round(seconds * 1000)},
            "metadata": {"model_version": task.model or self.me.config.model, "tokens_used": task.tokens},
        }
        if task.from_spans:
            del extra["metadata"]  # its calls have records of their own
        if error is None:
            self.log.info("%s done", task.action, extra=extra)
        elif isinstance(error, TaskFailed):
            self.log.error("%s failed: %s", task.action, error, extra=extra)
        else:
            self.log.error("%s failed", task.action, extra=extra, exc_info=error)


def _store(settings: Settings) -> ObjectStore:
    """The store, with a timeout so short that all attempts end within one heartbeat interval."""
    storj, heartbeat = settings.storage.storj, settings.thresholds.heartbeat.interval_seconds
    limit = min(storj.timeout_seconds, heartbeat / ATTEMPTS)
    return open_store(storj.model_copy(update={"timeout_seconds": limit}))


def _buffer(me: Identity) -> LogBuffer:
    """The log buffer; the agent's name is added to a configured path, for all agents may share that setting."""
    path = Path(me.config.buffer.path or "buffer.sqlite3")
    own = me.folder / (path.with_stem(f"{path.stem}-{me.name}") if me.config.buffer.path else path)
    encoder = RecordEncoder(me.name, me.instance_id, me.redactor)
    return LogBuffer(own, int(me.config.buffer.max_size_mb * MB), encoder.runs)


def _set_signal_handlers(action: Any) -> dict[signal.Signals, Any]:
    """Set what SIGTERM and SIGINT do, and return what they did before; does nothing outside the main thread."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    return {number: signal.signal(number, action) for number in (signal.SIGTERM, signal.SIGINT)}
