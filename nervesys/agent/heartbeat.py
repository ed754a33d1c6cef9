"""The heartbeat: the agent's state object in the store, rewritten at every interval."""

from dataclasses import dataclass

from nervesys import __version__
from nervesys.agent.host import Host
from nervesys.agent.identity import Identity
from nervesys.agent.logs.buffer import LogBuffer
from nervesys.agent.work import Work
from nervesys.clock import Clock
from nervesys.contract import AgentState, BrainCopy, Status
from nervesys.contract.paths import time_fields
from nervesys.stores.objects import ObjectStore
from nervesys.stores.state_text import encrypt_text


@dataclass
class HeartbeatWriter:
    """Writes the state object.

    Attributes:
        me: the agent.
        store: that holds the state object.
        work: running and finished tasks.
        buffer: logs not shipped yet.
        host: the server's load.
        clock: timestamps the state.
        last_state: the newest state that the store has confirmed.
        final_status: status written at the end, instead of the one computed.
        degraded: logs cannot be buffered or shipped.
        gave_way: another instance has the name: no state is written any more.
        brain: commit of the brain's copy, and whether the brain is reachable.
    """

    me: Identity
    store: ObjectStore
    work: Work
    buffer: LogBuffer
    host: Host
    clock: Clock
    last_state: AgentState | None = None
    final_status: Status | None = None
    degraded: bool = False
    gave_way: bool = False
    brain: BrainCopy | None = None

    @property
    def key(self) -> str:
        """Key of the state object."""
        return self.me.key(self.me.settings.storage.storj.paths.agents)

    def write_state(self) -> None:
        """Write one heartbeat; the first has the status `starting`.

        Raises:
            StoreUnavailable: the next heartbeat is the next attempt.
        """
        if self.gave_way:
            return
        state = self.state()
        written = encrypt_text(state, self.me.settings.storage.encryption.recipients)
        self.store.put(self.key, written.body(), content_type="application/json")
        self.last_state = state

    def put_metrics(self) -> None:
        """Write the newest server metrics as an object of their own, for the history.

        Raises:
            StoreUnavailable: this minute is missing in the history.
        """
        if self.last_state is None or self.last_state.metrics is None:
            return
        template = self.me.settings.storage.storj.paths.metrics
        key = self.me.key(template, **time_fields(self.last_state.timestamp))
        self.store.put(key, self.last_state.metrics.body(), content_type="application/json")

    def state(self) -> AgentState:
        """The current state."""
        now, done, buffer = self.clock(), self.work.snapshot(), self.buffer.state()
        return AgentState(
            agent_id=self.me.name,
            instance_id=self.me.instance_id,
            server=self.me.server,
            status=self._status(done.busy),
            timestamp=now,
            started_at=self.me.started_at,
            role=self.me.config.role,
            model=self.me.config.model or None,
            version=__version__,
            current_task=done.current,
            progressed_at=done.progressed_at,
            repeated=done.repeated,
            tasks=done.tasks,
            queue=done.queue,
            tokens_used=done.tokens,
            counters=done.counters or None,
            lost_telemetry=done.lost_telemetry or None,
            buffer=buffer,
            usage=self.host.usage(),
            last_error=done.last_error,
            brain=self.brain,
            metrics=self.host.metrics(now, int(buffer.bytes)),
        )

    def _status(self, busy: bool) -> Status:
        if self.final_status:
            return self.final_status
        if self.last_state is None:
            return Status.STARTING
        if self.degraded:
            return Status.DEGRADED
        return Status.RUNNING if busy else Status.IDLE
