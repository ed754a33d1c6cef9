"""The heartbeat: what the agent says of itself, rewritten every interval."""

from dataclasses import dataclass

from nervesys import __version__
from nervesys.agent.host import Host
from nervesys.agent.identity import Identity
from nervesys.agent.logs.buffer import Buffer
from nervesys.agent.work import Work
from nervesys.clock import Clock
from nervesys.contract import AgentState, BrainCopy, Status
from nervesys.contract.paths import time_fields
from nervesys.stores.objects import ObjectStore


@dataclass
class Heart:
    """Puts the state object.

    Attributes:
        me: whose heart it is.
        store: that takes the state.
        work: what the agent does.
        buffer: what waits to be shipped.
        host: the server's load.
        clock: dates the state.
        said: the newest state that the store has confirmed.
        ending: said in place of what the work would tell.
        degraded: logs cannot be kept or shipped.
        silent: says nothing any more, for the name is another's.
        brain: what is known of the brain.
    """

    me: Identity
    store: ObjectStore
    work: Work
    buffer: Buffer
    host: Host
    clock: Clock
    said: AgentState | None = None
    ending: Status | None = None
    degraded: bool = False
    silent: bool = False
    brain: BrainCopy | None = None

    @property
    def key(self) -> str:
        """Of the state object."""
        return self.me.key(self.me.settings.storage.storj.paths.agents)

    def beat(self) -> None:
        """One heartbeat; the first of all says `starting`.

        Raises:
            StoreUnavailable: the next heartbeat is the next attempt.
        """
        if self.silent:
            return
        state = self.state()
        self.store.put(self.key, state.body(), content_type="application/json")
        self.said = state

    def put_metrics(self) -> None:
        """Leave the newest server metrics as an object of their own, for the history.

        Raises:
            StoreUnavailable: this minute stays a gap.
        """
        if self.said is None or self.said.metrics is None:
            return
        template = self.me.settings.storage.storj.paths.metrics
        key = self.me.key(template, **time_fields(self.said.timestamp))
        self.store.put(key, self.said.metrics.body(), content_type="application/json")

    def state(self) -> AgentState:
        """What it would say now."""
        now, done, buffer = self.clock(), self.work.look(), self.buffer.state()
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
            tasks=done.tasks,
            tokens_used=done.tokens,
            counters=done.counters or None,
            buffer=buffer,
            usage=self.host.usage(),
            last_error=done.last_error,
            brain=self.brain,
            metrics=self.host.metrics(now, int(buffer.bytes)),
        )

    def _status(self, busy: bool) -> Status:
        if self.ending:
            return self.ending
        if self.said is None:
            return Status.STARTING
        if self.degraded:
            return Status.DEGRADED
        return Status.RUNNING if busy else Status.IDLE
