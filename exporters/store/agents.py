"""Area `agents`: heartbeats, and what agents report about themselves.

Reads   one LIST a pass; one GET for each state object whose ETag moved, several at a time.
Units   Unix seconds by the store's clock (LastModified), seconds of skew, bytes, counts. No ages: PromQL subtracts.
Errors  StoreUnavailable is raised: the runner keeps the last snapshot and drops exporter_up.
        BadObject costs one body: counted by reason; the heartbeat is still exported, because it comes from the listing.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from exporters.runner import Refresh, SourceContext
from exporters.shared.admission import NameAdmission
from exporters.shared.first_seen import FirstSeen
from exporters.store.agent_families import ALTERNATIONS, CLOCK_OFFSET
from exporters.store.agent_samples import agent_samples
from exporters.store.bodies import Bodies
from exporters.store.ownership import Ownership
from exporters.store.shared_state import ServerReport, SharedState
from nervesys.contract import AgentState, Instances, PathTemplate, agent_name
from nervesys.contract.state import COUNTERS, STATE_BYTES
from nervesys.errors import BadObject, Reason
from nervesys.metrics import Sample
from nervesys.stores.objects import ObjectInfo, ObjectReader

CLOCK = "/clock"
"""Key of the clock's offset; it has a slash, which no agent's name has."""


class AgentsArea:
    """Exports the state object of each agent, and keeps what the next refresh needs of it.

    Only configured agents, and a bounded number of others that have a valid state, get series.

    Args:
        store: the store.
        context: settings, clock and shard.
        shared: where the other areas find what states show.
    """

    def __init__(self, store: ObjectReader, context: SourceContext, shared: SharedState) -> None:
        self._store = store
        self._context = context
        self._shared = shared
        self._template = PathTemplate(context.settings.storage.storj.paths.agents)
        self._limits = context.settings.thresholds.heartbeat
        self._bodies = Bodies("agents", store, context, AgentState.parse, STATE_BYTES)
        self._ownership = Ownership(context.agents)
        self._counters = FirstSeen(context.cache, "agent-counters", COUNTERS)
        parsed = map(self._template.parse, self._bodies.keys())
        self._known = {fields["agent"].lower() for fields in parsed if fields}
        """Agents whose state was valid at some time: a single bad body must not end their series."""
        self._admission = NameAdmission(admitted=sorted(self._known.difference(context.agents)))
        self._other_shards, self._elsewhere = NameAdmission(), set[str]()
        """Agents whose states other shards read: their records may lie in a log of this shard."""
        self._heartbeats: dict[str, float] = {}
        self._written: dict[str, tuple[str, float | None]] = {}
        self._instances: dict[str, Instances] = {}

    def refresh(self, out: Refresh) -> None:
        """One pass: fetch what changed, render it, forget what is gone."""
        listing = self._store.list(self._template.prefix())
        local_time = self._context.clock()
        now = local_time if listing.clock is None else listing.clock
        listed = self._admitted(self._by_agent(listing.objects, out), out)
        states = self._own_states(listed, out)
        self._known = self._known.intersection(listed).union(states)
        objects = {agent: info for agent, info in listed.items() if agent in self._known or self._is_configured(agent)}
        self._forget_all_but(objects)
        out.keep_only({*objects, CLOCK})
        reports, stale_after = [], self._limits.stale_after_seconds
        for agent, info in objects.items():
            heartbeat, state = self._heartbeat(agent, info, now, out), states.get(agent)
            written = self._written_at(agent, info, heartbeat)
            live = heartbeat is not None and now - heartbeat <= stale_after
            self._record_instance(agent, state, now)
            stamp = (info, heartbeat, live, state is not None, written)
            out.put(agent, stamp, self._samples(agent, heartbeat, state, written, live=live))
            if state is not None and state.metrics is not None and written is not None:
                reports.append(ServerReport.of_state(agent, written, state.timestamp, state.metrics))
        self._shared.from_states = tuple(reports)
        self._shared.known_agents = frozenset(self._known | self._elsewhere)
        self._shared.clock_offset = round(now - local_time, 3)
        if listing.clock is not None:
            out.put(CLOCK, now, [CLOCK_OFFSET.sample(self._shared.clock_offset)])

    def _is_configured(self, agent: str) -> bool:
        return agent in self._context.agents

    def _by_agent(self, objects: Iterable[ObjectInfo], out: Refresh) -> dict[str, ObjectInfo]:
        """The state object of each agent of this shard; of several, as where one lies under each server, the newest."""
        newest: dict[str, ObjectInfo] = {}
        elsewhere: set[str] = set()
        for info in objects:
            try:
                agent = self._agent_of(info.key)
            except BadObject as bad:
                out.reject(info.key, info.version, bad)
                continue
            if not self._context.shard.owns(agent):
                elsewhere.add(agent)
            elif agent not in newest or newest[agent].modified < info.modified:
                newest[agent] = info
        self._elsewhere = self._other_shards.admit(sorted(elsewhere))
        return newest

    def _agent_of(self, key: str) -> str:
        fields = self._template.parse(key)
        if fields is None:
            raise BadObject(Reason.BAD_KEY, f"not of {self._template.text}")
        agent = agent_name(fields["agent"])
        self._ownership.check_key(agent, _server_of(fields))
        return agent

    def _admitted(self, objects: dict[str, ObjectInfo], out: Refresh) -> dict[str, ObjectInfo]:
        """The objects of all configured agents, and of a bounded number of others."""
        others = [agent for agent in objects if not self._is_configured(agent)]
        admitted = self._admission.admit(others)
        for agent in others:
            if agent not in admitted:
                info = objects.pop(agent)
                out.reject(info.key, 0, BadObject(Reason.LABEL_LIMIT, "too many agents that the brain does not name"))
        return objects

    def _own_states(self, objects: Mapping[str, ObjectInfo], out: Refresh) -> dict[str, AgentState]:
        """The valid states by agent, without what they claim about others."""
        bodies = self._bodies.read(objects.values(), out)
        states: dict[str, AgentState] = {}
        for agent, info in objects.items():
            if info.key not in bodies:
                continue
            try:
                server = _server_of(self._template.parse(info.key) or {})
                states[agent], foreign = self._ownership.own_part(agent, bodies[info.key], server)
            except BadObject as bad:
                foreign = bad
            if foreign:
                out.reject(info.key, info.version, foreign)
        return states

    def _heartbeat(self, agent: str, info: ObjectInfo, now: float, out: Refresh) -> float | None:
        """LastModified; one from the future is rejected, and the last good one stays in use."""
        ahead = info.modified - now
        if ahead <= self._limits.future_seconds:
            self._heartbeats[agent] = info.modified
        else:
            bad = BadObject(Reason.FUTURE, f"heartbeat {ahead:.0f} s ahead of the store's clock")
            out.reject(info.key, info.version, bad)
        return self._heartbeats.get(agent)

    def _written_at(self, agent: str, info: ObjectInfo, heartbeat: float | None) -> float | None:
        """When this body was written: LastModified when it was first seen, for a copy moves LastModified alone."""
        if self._written.get(agent, ("", None))[0] != info.version:
            rejected = heartbeat != info.modified
            self._written[agent] = info.version, heartbeat if rejected else self._bodies.modified(info)
        return self._written[agent][1]

    def _record_instance(self, agent: str, state: AgentState | None, now: float) -> None:
        """Remember the instance that wrote; two that write in turn are two processes under one name."""
        if state is not None and state.instance_id:
            self._instances[agent] = self._instances.get(agent, Instances()).observe(state.instance_id, now)

    def _samples(
        self, agent: str, heartbeat: float | None, state: AgentState | None, written: float | None, *, live: bool
    ) -> Iterator[Sample]:
        counters = self._counters.observe(agent, (state and state.counters) or ())
        yield from agent_samples(agent, heartbeat, state, written, live=live, counters=counters)
        if agent in self._instances:
            yield ALTERNATIONS.sample(self._instances[agent].returns, agent)

    def _forget_all_but(self, agents: Collection[str]) -> None:
        remembered: tuple[dict[str, Any], ...] = (self._heartbeats, self._written, self._instances)
        for values in remembered:
            for agent in values.keys() - agents:
                del values[agent]
        self._counters.keep_only(agents)


def _server_of(fields: Mapping[str, str]) -> str | None:
    """The server that a key names, if its template has one."""
    return fields["server"].lower() if "server" in fields else None
