"""The agent itself: reads from the brain who it is, then keeps its promises while its author's code works."""

import logging
import os
import signal
import socket
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any, Self

from nervesys import __version__
from nervesys.agent.buffer import Buffer
from nervesys.agent.handler import BufferHandler
from nervesys.agent.host import MB, Host
from nervesys.agent.loop import Loop
from nervesys.agent.ship import Shipper
from nervesys.agent.work import Task, Work
from nervesys.clock import Clock, system_clock
from nervesys.contract import AgentState, PathTemplate, Status, server_name
from nervesys.contract.paths import time_fields
from nervesys.errors import BadObject, Mistake, SettingsError
from nervesys.settings import AgentConfig
from nervesys.settings.storage import Store
from nervesys.stores.objects import ObjectStore
from nervesys.stores.opened import opened
from nervesys.stores.s3 import ATTEMPTS, S3Store

log = logging.getLogger(__name__)

COMMIT_SECONDS = 1.0
"""Between two writes of the buffer to the disk."""
CLOSE_SECONDS = 8.0
"""For flushing, shipping and the last state; a stopped agent is gone within ten seconds."""


class Agent:
    """One agent of the fleet, alive within `with`.

    Heartbeats, server metrics and logs leave by threads of their own; none of them ever waits for another, or lets the
    author's code wait. SIGTERM and SIGINT end the `with` block by `SystemExit(0)`.

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
        self.name = name.lower()
        self.server = _server(server or environ.get("NERVESYS_SERVER") or socket.gethostname())
        self.instance_id = str(uuid.uuid4())
        base = opened(f"agent-{self.name}", environ, home=home, brain=brain)
        self.config = _config(base.loaded.agents, self.name)
        self.log = logging.getLogger(f"agents.{self.name}")
        """The agent's own logger: what it says is shipped, whatever the root logger's level is."""
        storj = base.loaded.settings.storage.storj
        self._clock = clock
        self._started_at = clock()
        self._store = store or S3Store(_patience(storj, base.loaded.settings.thresholds.heartbeat.interval_seconds))
        self._state_key = PathTemplate(storj.paths.agents).build(agent=self.name, server=self.server)
        self._metrics_template = PathTemplate(storj.paths.metrics)
        folder = base.place.home / "agents" / self.name
        self._buffer = Buffer(folder / "buffer.sqlite3", int(self.config.buffer.max_size_mb * MB))
        self._handler = BufferHandler(self.name, self._buffer)
        self._work = Work()
        self._host = Host(self.server, self.name, folder)
        self._shipper = Shipper(
            self._store, self._buffer, PathTemplate(storj.paths.active_logs), self.name, self.server, clock
        )
        self._metrics = self._host.metrics(self._started_at, 0)
        self._said: Status | None = None
        self._ending: Status | None = None
        flush_seconds = self.config.buffer.flush_interval_minutes * 60
        history_seconds = self.config.metrics.interval_seconds
        self._heart = Loop("heartbeat", self._beat, base.loaded.settings.thresholds.heartbeat.interval_seconds)
        self._history = Loop("server metrics", self._put_metrics, history_seconds, first=history_seconds)
        self._ship = Loop("shipping logs", self._shipper.ship, flush_seconds, first=flush_seconds)
        self._commit = Loop("buffering logs", self._keep, COMMIT_SECONDS, first=COMMIT_SECONDS)
        self._loops = (self._heart, self._history, self._ship, self._commit)

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
        began = self._clock()
        self._work.begin(task)
        try:
            yield task
        except Exception as err:
            self._end(task, began, err)
            raise
        except BaseException:
            self._work.abandon(task)
            raise
        self._end(task, began, None)

    def __enter__(self) -> Self:
        logging.getLogger().addHandler(self._handler)
        self.log.setLevel(self.config.logging.level)
        for number in (signal.SIGTERM, signal.SIGINT):
            _on_signal(number, _leave)
        log.info("agent %s starts on %s as %s", self.name, self.server, self.instance_id)
        for loop in self._loops:
            loop.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            _on_signal(number, signal.SIG_IGN)
        deliberate = error is None or (isinstance(error, SystemExit) and not error.code)
        closing = threading.Thread(target=self._close, args=(None if deliberate else error,), daemon=True)
        closing.start()
        closing.join(CLOSE_SECONDS)

    def _close(self, error: BaseException | None) -> None:
        """The last deeds: after a deliberate stop `stopped`; after a crash the last status stays, with its error."""
        for loop in self._loops:
            loop.stop()
        if error is None:
            log.info("agent %s stops", self.name)
            self._ending = Status.STOPPING
            self._heart.once()
        else:
            self._work.error(error)
            self.log.error("the agent crashed", exc_info=error)
        logging.getLogger().removeHandler(self._handler)
        self._ship.once()
        self._ending = Status.STOPPED if error is None else self._said
        self._heart.once()
        self._buffer.close()

    def _beat(self) -> None:
        """One heartbeat: the state object, rewritten. The first says `starting`, and the next follows at once."""
        state = self._state()
        self._store.put(self._state_key, state.body(), content_type="application/json")
        if self._said is None:
            self._heart.wake()
        self._said = state.status

    def _state(self) -> AgentState:
        now, done, buffer = self._clock(), self._work.look(), self._buffer.state()
        self._metrics = self._host.metrics(now, int(buffer.bytes))
        return AgentState(
            agent_id=self.name,
            instance_id=self.instance_id,
            server=self.server,
            status=self._ending or self._status(done.busy),
            timestamp=now,
            started_at=self._started_at,
            role=self.config.role,
            model=self.config.model or None,
            version=__version__,
            current_task=done.current,
            tasks=done.tasks,
            tokens_used=done.tokens,
            buffer=buffer,
            last_error=done.last_error,
            metrics=self._metrics,
        )

    def _status(self, busy: bool) -> Status:
        if self._said is None:
            return Status.STARTING
        if self._ship.trouble or self._commit.trouble:
            return Status.DEGRADED
        return Status.RUNNING if busy else Status.IDLE

    def _put_metrics(self) -> None:
        fields = {"agent": self.name, "server": self.server}
        key = self._metrics_template.build(**time_fields(self._metrics.timestamp), **fields)
        self._store.put(key, self._metrics.body(), content_type="application/json")

    def _keep(self) -> None:
        self._buffer.commit()
        if self._buffer.bytes >= self.config.buffer.flush_on_size_mb * MB:
            self._ship.wake()

    def _end(self, task: Task, began: float, error: Exception | None) -> None:
        self._work.end(task, error)
        model = task.model or self.config.model
        extra = {
            "action": task.action,
            "context": {**task.context, "duration_ms": round((self._clock() - began) * 1000)},
            "metadata": {"model_version": model, "tokens_used": task.tokens},
        }
        if error is None:
            self.log.info("%s done", task.action, extra=extra)
        else:
            self.log.error("%s failed", task.action, extra=extra, exc_info=error)


def _server(raw: str) -> str:
    try:
        return server_name(raw)
    except BadObject as bad:
        raise SettingsError([Mistake("NERVESYS_SERVER", "", f"{bad}; set it, or pass --server")]) from None


def _config(agents: Mapping[str, AgentConfig], name: str) -> AgentConfig:
    if name not in agents:
        problem = f"the brain has no config/agents/{name}.yaml; it knows: {', '.join(sorted(agents)) or 'no agent'}"
        raise SettingsError([Mistake("agent", name, problem)])
    return agents[name]


def _patience(storj: Store, heartbeat_seconds: float) -> Store:
    """The store's settings with time limits that let all attempts end within one heartbeat."""
    limit = min(storj.timeout_seconds, heartbeat_seconds / ATTEMPTS)
    return storj.model_copy(update={"timeout_seconds": limit})


def _on_signal(number: signal.Signals, action: Any) -> None:
    if threading.current_thread() is threading.main_thread():
        signal.signal(number, action)


def _leave(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)
