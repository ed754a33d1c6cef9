"""The agent itself: reads from the brain who it is, then keeps its promises while its author's code works."""

import logging
import os
import random
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

from nervesys.agent.backup import Backup
from nervesys.agent.buffer import Buffer
from nervesys.agent.handler import BufferHandler
from nervesys.agent.heart import Heart
from nervesys.agent.host import MB, Host
from nervesys.agent.identity import Identity, identify
from nervesys.agent.loop import Loop
from nervesys.agent.report import Reporter
from nervesys.agent.round import Schedule, has_archive
from nervesys.agent.ship import Shipper
from nervesys.agent.work import Task, Work
from nervesys.clock import Clock, system_clock
from nervesys.contract import PathTemplate, Status
from nervesys.errors import NervesysError
from nervesys.settings import Settings
from nervesys.stores.brain import open_brain
from nervesys.stores.objects import ObjectStore
from nervesys.stores.opened import opened
from nervesys.stores.s3 import ATTEMPTS, S3Store
from nervesys.workspace import Workspace

log = logging.getLogger(__name__)

COMMIT_SECONDS = 1.0
"""Between two writes of the buffer to the disk."""
BACKUP_SECONDS = 600.0
"""Between two looks whether the day has its backup of the configuration."""
CLOSE_SECONDS = 8.0
"""For flushing, shipping and the last state; a stopped agent is gone within ten seconds."""
ROUND_SECONDS = 3600.0
"""Between two looks whether the fleet's round of today is done."""
FIRST_ROUND_SECONDS = 600.0
"""Within which an agent looks first, at a random instant, so that not all agents ask at once."""
REPORT_SECONDS = 5.0
"""Between two looks whether a report to the brain is due."""


class Agent:
    """One agent of the fleet, alive within `with`.

    Heartbeats, server metrics, logs and reports leave by threads of their own; none of them waits for another, or lets
    the author's code wait. SIGTERM and SIGINT end the `with` block by `SystemExit(0)`.

    Args:
        name: of the agent; the brain must hold `config/agents/{name}.yaml`.
        home: folder of everything kept; wins over `NERVESYS_HOME`.
        brain: a Git URL or a folder; wins over `NERVESYS_BRAIN`.
        server: the host's name; wins over `NERVESYS_SERVER` and the machine's own name.
        environ: environment variables.
        clock: of all timestamps.
        store: in place of the one that the settings name.

    Raises:
        SettingsError: the configuration is wrong, or does not know the agent.
        BrainUnavailable: the brain cannot be read and no earlier copy is there.
    """

    def __init__(
        self,
        name: str,
        *,
        home: str | None = None,
        brain: str | None = None,
        server: str | None = None,
        environ: Mapping[str, str] = os.environ,
        clock: Clock = system_clock,
        store: ObjectStore | None = None,
    ) -> None:
        program = f"agent-{name.lower()}"
        base = opened(program, environ, home=home, brain=brain)
        self.me = identify(name.lower(), server, base, environ, clock())
        """Who it is."""
        self.log = logging.getLogger(f"agents.{self.me.name}")
        """The agent's own logger: what it says is shipped, whatever the root logger's level is."""
        self.work = Work()
        """What it does and did; `task` writes to it."""
        self._clock = clock
        self._projects = base.place.home / self.me.settings.storage.workspace.path
        self._workspaces: dict[str, Workspace] = {}
        self._buffer = _buffer(self.me)
        patient = store or S3Store(self.me.settings.storage.storj)
        store = store or _store(self.me.settings)
        host = Host(self.me.server, self.me.name, self.me.folder)
        self._heart = Heart(self.me, store, self.work, self._buffer, host, clock)
        repository = open_brain(base.place, program, self.me.settings.storage.brain, environ)
        self._reporter = Reporter(repository, self.me, clock)
        self._handlers = (BufferHandler(self.me.name, self._buffer), self._reporter.handler)
        flush, history = self.me.config.buffer.flush_interval_minutes * 60, self.me.config.metrics.interval_seconds
        self._beating = Loop("heartbeat", self._beat, self.me.settings.thresholds.heartbeat.interval_seconds)
        self._shipping = Loop("shipping logs", Shipper(store, self._buffer, self.me, clock).ship, flush, first=flush)
        self._keeping = Loop("buffering logs", self._keep, COMMIT_SECONDS, first=COMMIT_SECONDS)
        self._reporting = Loop("reporting to the brain", self._report, REPORT_SECONDS, first=REPORT_SECONDS)
        metrics = Loop("server metrics", self._heart.put_metrics, history, first=history)
        backup = Backup(store, PathTemplate(self.me.settings.storage.storj.paths.config_backups), base.tree, clock)
        backing_up = Loop("backing up the configuration", backup.keep, BACKUP_SECONDS)
        self._loops = [self._beating, self._shipping, self._keeping, self._reporting, metrics, backing_up]
        if repository is not None and has_archive(self.me.settings.storage):
            schedule = Schedule(self.me, base.tree, repository, patient, clock)
            first = random.uniform(0, FIRST_ROUND_SECONDS)  # noqa: S311  # jitter, no secret
            self._loops.append(Loop("daily round", schedule.keep, ROUND_SECONDS, first=first))

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

    def workspace(self, project: str | None = None) -> Workspace:
        """The workspace of a project; its files are kept in a snapshot at the end of each task that changed them.

        Args:
            project: where None, the one of `PROJECT_ID`, of the agent's file in the brain, or of the agent's own name.

        Raises:
            NervesysError: the name is none, or the files cannot be opened.
        """
        said = self.me.settings.storage.workspace
        name = project or said.project or self.me.config.project or self.me.name
        if name not in self._workspaces:
            path = self._projects if said.persistent else None
            self._workspaces[name] = Workspace(path, name, self.me.name, self._clock)
        return self._workspaces[name]

    def __enter__(self) -> Self:
        for handler in self._handlers:
            logging.getLogger().addHandler(handler)
        self.log.setLevel(self.me.config.logging.level)
        self._signals = _on_signals(_leave)
        log.info("agent %s starts on %s as %s", self.me.name, self.me.server, self.me.instance_id)
        for loop in self._loops:
            loop.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _on_signals(signal.SIG_IGN)
        deliberate = error is None or (isinstance(error, SystemExit) and not error.code)
        closing = threading.Thread(target=self._close, args=(None if deliberate else error,), daemon=True)
        closing.start()
        closing.join(CLOSE_SECONDS)
        for number, before in self._signals.items():
            signal.signal(number, before)

    def _close(self, error: BaseException | None) -> None:
        """The last deeds: after a deliberate stop `stopped`; after a crash the last status stays, with its error."""
        for loop in self._loops:
            loop.stop()
        if error is None:
            log.info("agent %s stops", self.me.name)
            self._heart.ending = Status.STOPPING
            self._beating.once()
        else:
            self._heart.crashed = True
            self.work.error(error)
            told = isinstance(error, NervesysError)  # it says all by itself
            self.log.error("the agent crashed: %s", error, exc_info=None if told else error)
        for handler in self._handlers:
            logging.getLogger().removeHandler(handler)
        self._shipping.once()
        if error is None:
            self._heart.ending = Status.STOPPED
        self._beating.once()
        self._reporting.once()
        self._buffer.close()
        for workspace in self._workspaces.values():
            workspace.close()

    def _beat(self) -> None:
        first = self._heart.said is None
        self._heart.degraded = bool(self._shipping.trouble or self._keeping.trouble)
        self._heart.beat()
        if first:
            self._beating.wake()  # what was `starting` is at work by now

    def _keep(self) -> None:
        self._buffer.commit()
        if self._buffer.bytes >= self.me.config.buffer.flush_on_size_mb * MB:
            self._shipping.wake()

    def _report(self) -> None:
        if self._heart.said is not None:
            self._reporter.report(self._heart.said)

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


def _store(settings: Settings) -> S3Store:
    """The store, with time limits that let all attempts end within one heartbeat."""
    storj, heartbeat = settings.storage.storj, settings.thresholds.heartbeat.interval_seconds
    limit = min(storj.timeout_seconds, heartbeat / ATTEMPTS)
    return S3Store(storj.model_copy(update={"timeout_seconds": limit}))


def _buffer(me: Identity) -> Buffer:
    """The buffer; a path that the brain gives is completed by the agent's name, for it may be said to all agents."""
    path = Path(me.config.buffer.path or "buffer.sqlite3")
    own = me.folder / (path.with_stem(f"{path.stem}-{me.name}") if me.config.buffer.path else path)
    return Buffer(own, int(me.config.buffer.max_size_mb * MB))


def _on_signals(action: Any) -> dict[signal.Signals, Any]:
    """Say what SIGTERM and SIGINT do, and return what they did before; only the main thread may."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    return {number: signal.signal(number, action) for number in (signal.SIGTERM, signal.SIGINT)}


def _leave(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)
