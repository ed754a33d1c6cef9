"""The agent itself: reads from the brain who it is, then keeps its promises while its author's code works."""

import logging
import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, Self

from nervesys.agent.artifacts import OpenedArtifacts
from nervesys.agent.bootstrap import Copy
from nervesys.agent.duties import LEAVE_SECONDS, Duties, Pillars
from nervesys.agent.heartbeat import Heart
from nervesys.agent.host import MB, Host
from nervesys.agent.identity import Identity, identify, named
from nervesys.agent.knowledge import learning_of
from nervesys.agent.lock import Lock
from nervesys.agent.logs.buffer import Buffer
from nervesys.agent.logs.handler import BufferHandler
from nervesys.agent.logs.records import Scribe
from nervesys.agent.replication.databases import databases_of
from nervesys.agent.replication.projects import Projects
from nervesys.agent.round import Reports, no_reports
from nervesys.agent.work import Task, Work
from nervesys.clock import Clock, system_clock
from nervesys.contract import AgentState, Status
from nervesys.errors import NervesysError
from nervesys.settings import Settings, StartupSettings
from nervesys.stores.objects import ObjectStore
from nervesys.stores.open_stores import open_store
from nervesys.stores.s3 import ATTEMPTS
from nervesys.workspace import Workspace
from nervesys.workspace.workspace import checked_project

if TYPE_CHECKING:
    from nervesys.artifacts.client import Artifacts

log = logging.getLogger(__name__)


class Agent:
    """One agent of the fleet, alive within `with`.

    Heartbeats, server metrics, logs and reports leave by threads of their own; none of them waits for another, or lets
    the author's code wait. SIGTERM and SIGINT end the `with` block by `SystemExit(0)`.

    Args:
        name: of the agent, for which the brain must hold `config/agents/{name}.yaml`; wins over `NERVESYS_AGENT` and
            the machine's own name.
        home: folder of everything kept; wins over `NERVESYS_HOME`.
        brain: a Git URL or a folder; wins over `NERVESYS_BRAIN`.
        server: the host's name; wins over `NERVESYS_SERVER` and the machine's own name.
        environ: environment variables.
        clock: of all timestamps.
        store: in place of the one that the settings name.
        reports: makes the fleet's reports, where this agent does the daily round.

    Raises:
        SettingsError: the configuration is wrong, or does not know the agent.
        BrainUnavailable: the brain cannot be read and no earlier copy is there.
        NervesysError: another process on this host is this agent, or the buffer cannot be opened.
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
    ) -> None:
        name = named(name, environ)
        copy = Copy(f"agent-{name}", StartupSettings.of(environ, home, brain), environ, clock)
        self.me = identify(name, server, copy.opened(), environ, clock())
        """Who it is."""
        self.log = self.me.log
        """The agent's own logger: what it says is shipped, whatever the root logger's level is."""
        self.work = Work(self.me.redactor.text)
        """What it does and did; `task` writes to it."""
        self._clock = clock
        self._projects = copy.place.home / self.me.settings.storage.workspace.path
        self._workspaces: dict[str, Workspace] = {}
        self._lock = Lock(self.me.folder / "lock")
        self._buffer = _buffer(self.me)
        storj = self.me.settings.storage.storj
        self._artifacts = OpenedArtifacts(self.me, copy.place.home, clock)
        usual = store or _store(self.me.settings)
        self._databases = databases_of(self.me, usual, clock)
        self._learning = learning_of(self.me, usual, clock)
        self._copies = self._kept_projects(usual)
        pillars = Pillars(
            copy,
            copy.pushing(),
            usual,
            lambda: store or open_store(storj),
            self._artifacts,
            self._databases,
            self._learning,
            self._copies,
            reports,
        )
        host = Host(self.me.server, self.me.name, self.me.folder)
        heart = Heart(self.me, pillars.store, self.work, self._buffer, host, clock)
        self._duties = Duties(self.me, pillars, heart, self._buffer, clock, self._give_way)
        self._handlers = (BufferHandler(self._buffer.append, self.me.redactor.text), *self._duties.handlers)
        self._leaves: float | None = None
        self._reason: str | None = None

    @contextmanager
    def task(self, action: str, **context: Any) -> Iterator[Task]:
        """Time one piece of work, count it, and leave a log record about it.

        Args:
            action: what is done, such as `code_review`.
            context: facts for the log record, such as `repository` and `file`.

        Raises:
            Exception: whatever the work raises, after it was counted as failed.
        """
        task = Task(action, context=context)
        began = time.monotonic()
        self.work.begin(task)
        try:
            yield task
        except Exception as err:
            self._end(task, began, err)
            raise
        except BaseException:
            self.work.abandon(task)
            raise
        self._end(task, began, None)

    def count(self, name: str, amount: float = 1) -> None:
        """Add to a counter of your own, which is one series in Prometheus.

        Args:
            name: such as `pull_requests`; small letters, digits and underscores. An agent has at most twenty.
            amount: not below 0.

        Raises:
            ValueError: the name is none, it is one too many, or the amount is negative.
        """
        self.work.count(name, amount)

    def workspace(self, project: str | None = None) -> Workspace:
        """The workspace of a project; its files are kept in a snapshot at the end of each task that changed them.

        Args:
            project: where None, the one of `PROJECT_ID`, of the agent's file in the brain, or of the agent's own name.

        Raises:
            NervesysError: the name is none, the files cannot be opened, or the store that has them does not answer.
        """
        said = self.me.settings.storage.workspace
        name = project or said.project or self.me.config.project or self.me.name
        if name not in self._workspaces:
            path = self._projects if said.persistent else None
            if self._copies:
                self._copies.open(checked_project(name))
            self._workspaces[name] = Workspace(path, name, self.me.name, self._clock)
        return self._workspaces[name]

    def database(self, name: str) -> Path:
        """Where an SQLite file of your own lies: copied to the store as it changes, and brought back on a new server.

        Args:
            name: such as `memory`; 1 to 63 of `a-z 0-9 - _`.

        Raises:
            NervesysError: the name is none, or the file is not here and the store does not answer.
        """
        return self._databases.path(name)

    def learn(self, key: str, value: Any) -> None:
        """Keep a value for all agents; the daily round merges what they learned, and of each value the newest counts.

        Args:
            key: where it belongs, such as `deploy/window`.
            value: what JSON can hold; of an object, each value is learned apart.

        Raises:
            NervesysError: the key is none, the value is nothing that JSON can hold, or the disk takes no more.
        """
        self._learning.learn(key, value)

    @property
    def knowledge(self) -> dict[str, Any]:
        """What all agents learned, as of the last daily round, and this one until now; read from the store each time.

        Raises:
            NervesysError: the store does not answer, or what lies there cannot be read.
        """
        return self._learning.all()

    @property
    def artifacts(self) -> "Artifacts":
        """The artifacts of the fleet, as this agent sees them.

        Raises:
            NervesysError: it has no token, or a package is not installed; says which extra holds it.
        """
        return self._artifacts.opened()

    def __enter__(self) -> Self:
        for handler in self._handlers:
            logging.getLogger().addHandler(handler)
        self._duties.configure()
        self._signals = _on_signals(self._told_to_stop)
        log.info("agent %s starts on %s as %s", self.me.name, self.me.server, self.me.instance_id)
        try:
            self._duties.start()
        except SystemExit as told:  # stopped this early
            self.__exit__(SystemExit, told, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _on_signals(signal.SIG_IGN)
        deliberate = error is None or (isinstance(error, SystemExit) and not error.code)
        if deliberate:
            log.info("agent %s stops", self.me.name)
        elif error is not None:
            self._crashed(error)
        for handler in self._handlers:
            logging.getLogger().removeHandler(handler)
        self._duties.end(Status.STOPPED if deliberate else None, (self._leaves or time.monotonic()) + LEAVE_SECONDS)
        for workspace in self._workspaces.values():
            workspace.close()
        self._artifacts.close()
        self._lock.release()
        for number, before in self._signals.items():
            signal.signal(number, before)

    def _kept_projects(self, store: ObjectStore) -> Projects | None:
        """Copies of the workspaces in the store, where the settings want them."""
        said, paths = self.me.settings.storage.workspace, self.me.settings.storage.storj.paths
        if not (said.persistent and said.sync_minutes):
            return None
        return Projects(
            self._projects,
            self.me.folder / "workspaces",
            lambda project: self.me.key(paths.workspaces, project=project),
            store,
            self.me.instance_id,
        )

    def _crashed(self, error: BaseException) -> None:
        """Tell what happened; the last status stays."""
        self.work.error(error)
        told = isinstance(error, NervesysError | SystemExit)  # it says all by itself
        self.log.error("the agent crashed: %s", error, exc_info=None if told else error)

    def _give_way(self, rival: AgentState) -> None:
        """End the author's code, where that is possible from here: the name is another's."""
        self._reason = f"{self.me.name} is at work on {rival.server} as {rival.instance_id}: this one gives way"
        self.log.error(self._reason)
        if self._signals:
            os.kill(os.getpid(), signal.SIGTERM)

    def _told_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        _on_signals(signal.SIG_IGN)
        self._leaves = time.monotonic()
        raise SystemExit(self._reason or 0)

    def _end(self, task: Task, began: float, error: Exception | None) -> None:
        self.work.end(task, error)
        for workspace in self._workspaces.values():
            try:
                workspace.end_of_task(task.action)
            except NervesysError:  # the work itself is done
                self.log.exception("the files of %s are not kept in a snapshot", workspace.project)
        extra = {
            "action": task.action,
            "context": {**task.context, "duration_ms": round((time.monotonic() - began) * 1000)},
            "metadata": {"model_version": task.model or self.me.config.model, "tokens_used": task.tokens},
        }
        if error is None:
            self.log.info("%s done", task.action, extra=extra)
        else:
            self.log.error("%s failed", task.action, extra=extra, exc_info=error)


def _store(settings: Settings) -> ObjectStore:
    """The store, with time limits that let all attempts end within one heartbeat."""
    storj, heartbeat = settings.storage.storj, settings.thresholds.heartbeat.interval_seconds
    limit = min(storj.timeout_seconds, heartbeat / ATTEMPTS)
    return open_store(storj.model_copy(update={"timeout_seconds": limit}))


def _buffer(me: Identity) -> Buffer:
    """The buffer; a path that the brain gives is completed by the agent's name, for it may be said to all agents."""
    path = Path(me.config.buffer.path or "buffer.sqlite3")
    own = me.folder / (path.with_stem(f"{path.stem}-{me.name}") if me.config.buffer.path else path)
    scribe = Scribe(me.name, me.instance_id, me.redactor)
    return Buffer(own, int(me.config.buffer.max_size_mb * MB), scribe.runs)


def _on_signals(action: Any) -> dict[signal.Signals, Any]:
    """Say what SIGTERM and SIGINT do, and return what they did before; only the main thread may."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    return {number: signal.signal(number, action) for number in (signal.SIGTERM, signal.SIGINT)}
