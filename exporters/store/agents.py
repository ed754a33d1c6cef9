"""Area `agents`: heartbeats, and what agents report about themselves.

Reads   one LIST a pass; one GET for each state object whose ETag moved, several at a time.
Units   Unix seconds by the store's clock (LastModified), seconds of skew, bytes, counts. No ages: PromQL subtracts.
Errors  StoreUnavailable is raised: the runner keeps the last snapshot and drops exporter_up.
        BadObject costs one body: counted by reason; the heartbeat is still exported, because it comes from the listing.
"""

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from exporters.runner import Refresh, SourceContext
from exporters.store.agent_families import (
    ALTERNATIONS,
    BUFFER,
    CLOCK_OFFSET,
    COUNTED,
    CPU,
    DAMAGED,
    DROPPED,
    HEARTBEAT,
    INFO,
    MEMORY,
    REACHED,
    SKEW,
    START,
    STATUS,
    TASKS,
    TOKENS,
)
from exporters.store.bodies import Bodies
from exporters.store.shared_state import ServerReport, SharedState
from nervesys.contract import AgentState, Instances, PathTemplate, Status
from nervesys.contract.logs import LEVELS, level_of
from nervesys.contract.state import COUNTER, COUNTERS, STATE_BYTES
from nervesys.errors import BadObject, Reason
from nervesys.metrics import Sample
from nervesys.stores.objects import ObjectInfo, ObjectReader

CLOCK = "/clock"
"""Key of the clock's offset; it has a slash, which no agent's name has."""


def agent_samples(
    agent: str, heartbeat: float | None, state: AgentState | None, written: float | None, *, live: bool
) -> Iterator[Sample]:
    """The samples of one state object. An unknown value is absent, never 0 or -1.

    Args:
        agent: its name.
        heartbeat: Unix seconds by the store's clock; None where the only one known is rejected.
        state: the body; None where it is rejected.
        written: Unix seconds by the store's clock at which this body was written, where that is known.
        live: False once the heartbeat is stale. Then status and gauges are left out, for they may no longer be true;
            status `stopped` stays, because it is the last that an agent writes and remains true.
    """
    if heartbeat is not None:
        yield HEARTBEAT.sample(heartbeat, agent)
    if state is None:
        return
    yield INFO.sample(1, agent, state.server or "", state.role or "", state.model or "", state.version or "")
    if state.started_at is not None:
        yield START.sample(state.started_at, agent)
    if state.tasks is not None:
        yield TASKS.sample(state.tasks.completed, agent, "completed")
        yield TASKS.sample(state.tasks.failed, agent, "failed")
    if state.tokens_used is not None:
        yield TOKENS.sample(state.tokens_used, agent)
    if state.buffer is not None and state.buffer.dropped:
        dropped = {level_of(level): count for level, count in state.buffer.dropped.items()}
        for level in LEVELS:
            yield DROPPED.sample(dropped.get(level, 0), agent, level)
    if state.buffer is not None and "set_aside" in state.buffer.model_fields_set:
        yield DAMAGED.sample(state.buffer.set_aside, agent)
    if live or state.status is Status.STOPPED:
        for status in Status:
            yield STATUS.sample(state.status is status, agent, status)
    if live and written is not None:
        yield SKEW.sample(round(state.timestamp - written, 3), agent)
    if live and state.buffer is not None:
        yield BUFFER.sample(state.buffer.bytes, agent)
    names = sorted(name for name in state.counters or {} if COUNTER.fullmatch(name))
    for name in names[:COUNTERS]:
        yield COUNTED.sample((state.counters or {})[name], agent, name)
    if live and state.usage is not None:
        yield from (
            family.sample(value / whole, agent)
            for family, value, whole in ((CPU, state.usage.cpu_percent, 100), (MEMORY, state.usage.memory_bytes, 1))
            if value is not None
        )
    if live and state.brain is not None:
        yield REACHED.sample(state.brain.reachable, agent)


class AgentsArea:
    """Exports the state object of each agent, and keeps what the next refresh needs of it.

    Args:
        store: the store.
        context: settings, clock and shard.
        shared: where the server metrics that states carry are handed to the area `metrics`.
    """

    def __init__(self, store: ObjectReader, context: SourceContext, shared: SharedState) -> None:
        self._store = store
        self._context = context
        self._shared = shared
        self._template = PathTemplate(context.settings.storage.storj.paths.agents)
        self._limits = context.settings.thresholds.heartbeat
        self._bodies = Bodies("agents", store, context, AgentState.parse, STATE_BYTES)
        self._heartbeats: dict[str, float] = {}
        self._written: dict[str, tuple[str, float | None]] = {}
        self._instances: dict[str, Instances] = {}

    def refresh(self, out: Refresh) -> None:
        """One pass: fetch what changed, render it, forget what is gone."""
        listing = self._store.list(self._template.prefix())
        local_time = self._context.clock()
        now = local_time if listing.clock is None else listing.clock
        objects = self._by_agent(listing.objects, out)
        states = self._bodies.read(objects.values(), out)
        self._forget_all_but(objects)
        out.keep_only({*objects, CLOCK})
        reports, stale_after = [], self._limits.stale_after_seconds
        for agent, info in objects.items():
            heartbeat, state = self._heartbeat(agent, info, now, out), states.get(info.key)
            written = self._written_at(agent, info.version, heartbeat)
            live = heartbeat is not None and now - heartbeat <= stale_after
            self._record_instance(agent, state, now)
            out.put(agent, (info, heartbeat, live), self._samples(agent, heartbeat, state, written, live=live))
            if state is not None and state.metrics is not None and written is not None:
                reports.append(ServerReport.of_state(agent, written, state.timestamp, state.metrics))
        self._shared.from_states = tuple(reports)
        self._shared.clock_offset = round(now - local_time, 3)
        if listing.clock is not None:
            out.put(CLOCK, now, [CLOCK_OFFSET.sample(self._shared.clock_offset)])

    def _by_agent(self, objects: Iterable[ObjectInfo], out: Refresh) -> dict[str, ObjectInfo]:
        """The state object of each agent of this shard; of several, as where one lies under each server, the newest."""
        newest: dict[str, ObjectInfo] = {}
        for info in objects:
            fields = self._template.parse(info.key)
            if fields is None:
                out.reject(info.key, info.version, BadObject(Reason.BAD_KEY, f"not of {self._template.text}"))
                continue
            agent = fields["agent"].lower()
            if self._context.shard.owns(agent) and (agent not in newest or newest[agent].modified < info.modified):
                newest[agent] = info
        return newest

    def _heartbeat(self, agent: str, info: ObjectInfo, now: float, out: Refresh) -> float | None:
        """LastModified; one from the future is rejected, and the last good one stays in use."""
        ahead = info.modified - now
        if ahead <= self._limits.future_seconds:
            self._heartbeats[agent] = info.modified
        else:
            bad = BadObject(Reason.FUTURE, f"heartbeat {ahead:.0f} s ahead of the store's clock")
            out.reject(info.key, info.version, bad)
        return self._heartbeats.get(agent)

    def _written_at(self, agent: str, version: str, heartbeat: float | None) -> float | None:
        """When this body was written: LastModified when it was first seen, for a copy moves LastModified alone."""
        if self._written.get(agent, ("", None))[0] != version:
            self._written[agent] = version, heartbeat
        return self._written[agent][1]

    def _record_instance(self, agent: str, state: AgentState | None, now: float) -> None:
        """Remember the instance that wrote; two that write in turn are two processes under one name."""
        if state is not None and state.instance_id:
            self._instances[agent] = self._instances.get(agent, Instances()).observe(state.instance_id, now)

    def _samples(
        self, agent: str, heartbeat: float | None, state: AgentState | None, written: float | None, *, live: bool
    ) -> Iterator[Sample]:
        yield from agent_samples(agent, heartbeat, state, written, live=live)
        if agent in self._instances:
            yield ALTERNATIONS.sample(self._instances[agent].returns, agent)

    def _forget_all_but(self, agents: Collection[str]) -> None:
        remembered: tuple[dict[str, Any], ...] = (self._heartbeats, self._written, self._instances)
        for values in remembered:
            for agent in values.keys() - agents:
                del values[agent]
