"""Area `agents`: heartbeats, and what agents report about themselves.

Reads   one LIST a pass; one GET for each state object whose ETag moved, several at a time, while the pass has time. A
        heartbeat needs no body: of ten thousand agents, a pass reads those that matter first, and the others in turns.
Units   Unix seconds by the store's clock (LastModified), seconds of skew, bytes, counts. No ages: PromQL subtracts.
Errors  StoreUnavailable is raised: the runner keeps the last snapshot and drops exporter_up.
        BadObject costs one body: counted by reason; the heartbeat is still exported, because it comes from the listing.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from exporters.runner import Refresh, SourceContext
from exporters.shared.admission import NameAdmission
from exporters.shared.first_seen import FirstSeen
from exporters.store.agent_families import ALTERNATIONS, CLOCK_OFFSET, HEARTBEAT
from exporters.store.agent_samples import agent_samples
from exporters.store.bodies import Bodies
from exporters.store.ownership import Ownership
from exporters.store.pass_budget import PassBudget
from exporters.store.shared_state import ServerReport, SharedState
from nervesys.contract import AgentState, Instances, PathTemplate, Status, agent_name
from nervesys.contract.state import COUNTERS, STATE_BYTES
from nervesys.errors import BadObject, Reason
from nervesys.metrics import Sample
from nervesys.stores.objects import ObjectInfo, ObjectReader

CLOCK = "/clock"
"""Key of the clock's offset; it has a slash, which no agent's name has."""
WELL = frozenset({Status.RUNNING, Status.IDLE})
QUIET_HEARTBEATS = 1.5
"""Intervals without a heartbeat after which the state may be the agent's last."""


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
        self._time = PassBudget()
        self._instances: dict[str, Instances] = {}

    def refresh(self, out: Refresh) -> None:
        """One pass: fetch what changed, render it, forget what is gone."""
        self._time.begin()
        listing = self._store.list(self._template.prefix())
        local_time = self._context.clock()
        now = local_time if listing.clock is None else listing.clock
        listed = self._admitted(self._by_agent(listing.objects, out), out)
        states = self._own_states(listed, now, out)
        self._known = self._known.intersection(listed).union(states)
        objects = {agent: info for agent, info in listed.items() if agent in self._known or self._is_configured(agent)}
        self._forget_all_but(objects)
        out.keep_only({CLOCK, *objects, *map(heartbeat_key, objects)})
        reports = []
        for agent, info in objects.items():
            heartbeat, state = self._heartbeat(agent, info, now, out), states.get(agent)
            written = self._written_at(agent, info, heartbeat)
            live = self._is_live(info, heartbeat, written, now)
            self._record_instance(agent, state, now)
            if heartbeat is not None:
                out.put(heartbeat_key(agent), heartbeat, [HEARTBEAT.sample(heartbeat, agent)])
            stamp = (self._bodies.version(info), live, state is not None, written)
            out.put(agent, stamp, self._samples(agent, state, written, live=live))
            if state is not None and state.metrics is not None and written is not None:
                reports.append(ServerReport.of_state(agent, written, state.timestamp, state.metrics))
        self._shared.from_states = tuple(reports)
        out.backlog = self._bodies.unread
        out.continues = out.backlog > 0
        if not out.backlog:
            self._shared.known_agents = frozenset(self._known | self._elsewhere)
        self._shared.clock_offset = round(now - local_time, 3)
        if listing.clock is not None:
            out.put(CLOCK, now, [CLOCK_OFFSET.sample(self._shared.clock_offset)])
        self._time.end()

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

    def _own_states(self, objects: Mapping[str, ObjectInfo], now: float, out: Refresh) -> dict[str, AgentState]:
        """The valid states by agent, without what they claim about others."""
        bodies = self._bodies.read(objects.values(), out, partial(self._rank, now), self._time.turn_seconds())
        self._time.end_bodies()
        states: dict[str, AgentState] = {}
        for agent, info in objects.items():
            body = bodies.get(info.key)
            if body is None:
                continue
            try:
                server = _server_of(self._template.parse(info.key) or {})
                states[agent], foreign = self._ownership.own_part(agent, bodies[info.key], server)
            except BadObject as bad:
                foreign = bad
            if foreign:
                out.reject(info.key, info.version, foreign)
        return states

    def _rank(self, now: float, info: ObjectInfo, state: AgentState | None) -> int:
        """First what may be the last state of an agent, for it may say `stopped`; then what was not well; then all."""
        if now - info.modified > QUIET_HEARTBEATS * self._limits.interval_seconds:
            return 0
        return 2 if state is not None and state.status in WELL else 1

    def _is_live(self, info: ObjectInfo, heartbeat: float | None, written: float | None, now: float) -> bool:
        """Whether gauges may still be true: the agent writes, and what was read of it is not too old either."""
        stale_after = self._limits.stale_after_seconds
        if heartbeat is None or now - heartbeat > stale_after:
            return False
        return self._bodies.version(info) == info.version or (written is not None and now - written <= stale_after)

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
        """When the held body was written: LastModified when it was first seen, for a copy moves LastModified alone."""
        held, (version, written) = self._bodies.version(info), self._written.get(agent, ("", None))
        if held == info.version != version:
            rejected = heartbeat != info.modified
            version, written = self._written[agent] = (held, heartbeat if rejected else self._bodies.modified(info))
        return written if held == version else None

    def _record_instance(self, agent: str, state: AgentState | None, now: float) -> None:
        """Remember the instance that wrote; two that write in turn are two processes under one name."""
        if state is not None and state.instance_id:
            self._instances[agent] = self._instances.get(agent, Instances()).observe(state.instance_id, now)

    def _samples(self, agent: str, state: AgentState | None, written: float | None, *, live: bool) -> Iterator[Sample]:
        counters = self._counters.observe(agent, (state and state.counters) or ())
        yield from agent_samples(agent, state, written, live=live, counters=counters)
        if agent in self._instances:
            yield ALTERNATIONS.sample(self._instances[agent].returns, agent)

    def _forget_all_but(self, agents: Collection[str]) -> None:
        remembered: tuple[dict[str, Any], ...] = (self._heartbeats, self._written, self._instances)
        for values in remembered:
            for agent in values.keys() - agents:
                del values[agent]
        self._counters.keep_only(agents)


def heartbeat_key(agent: str) -> str:
    """Key of an agent's heartbeat: it moves each minute, and the rest is not rendered again for that."""
    return f"{agent}/heartbeat"


def _server_of(fields: Mapping[str, str]) -> str | None:
    """The server that a key names, if its template has one."""
    return fields["server"].lower() if "server" in fields else None
