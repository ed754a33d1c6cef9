"""Reads the agents' heartbeats from the store, and checks whether agents may be judged by them.

Reads   one LIST of the agents' area a check; one GET for each state object that is asked for and has changed.
Errors  none are raised: a store that cannot be read gives a listing that is blind, with the reason.
"""

import logging
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from alerting.journal.store_reads import StoreReads
from alerting.receiver.decision_input import AgentObservation
from nervesys.clock import Clock
from nervesys.contract import AgentState, PathTemplate, Status, agent_name
from nervesys.contract.state import STATE_BYTES
from nervesys.errors import BadObject, StoreUnavailable
from nervesys.settings import Settings
from nervesys.settings.monitoring import fresh_seconds
from nervesys.stores.objects import Listing, ObjectInfo, ObjectStore
from nervesys.stores.state_text import decrypt_text

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class HeartbeatListing:
    """One LIST of the agents' area.

    Attributes:
        at: when, by the receiver's clock; Unix seconds.
        blind: why no agent may be judged by it; empty when agents may.
        clock: the store's; Unix seconds.
        heartbeats: the newest state object of each agent.
        clock_off: this machine's clock differs too much from the store's: leases and due times that it would write to
            the journal would be wrong for other receivers.
    """

    at: float
    blind: str = ""
    clock: float = 0.0
    heartbeats: Mapping[str, ObjectInfo] = field(default_factory=dict)
    clock_off: bool = False


class HeartbeatReader:
    """Reads the agents' area of the store.

    Args:
        store: read only.
        settings: thresholds and the area's layout.
    """

    def __init__(self, store: ObjectStore, settings: Settings, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._heartbeat = settings.thresholds.heartbeat
        self._offset = settings.thresholds.store_clock_offset_seconds
        self._template = PathTemplate(settings.storage.storj.paths.agents)
        self._every_seconds = settings.monitoring.every_seconds("store", "agents")
        self._list_seconds = 0.0
        self._unbroken_since = self._last_success = -math.inf
        self._states: dict[str, tuple[str, AgentState | None]] = {}
        self._clock_off = False
        self._listed: tuple[float, Mapping[str, ObjectInfo]] = (-math.inf, {})

    @property
    def fresh_seconds(self) -> float:
        """Between two reads that are no break: more where a listing takes long, as for the store's exporter."""
        return fresh_seconds(self._every_seconds, self._list_seconds)

    @property
    def reads(self) -> StoreReads | None:
        """The unbroken run of reads so far; None before the first."""
        return StoreReads(self._unbroken_since, self._last_success) if self._last_success > -math.inf else None

    def resume(self, reads: StoreReads) -> None:
        """Go on from a run of reads before this receiver started; it counts unless it ended too long ago."""
        self._unbroken_since, self._last_success = reads.unbroken_since, reads.last_success

    def list_heartbeats(self) -> HeartbeatListing:
        """List the area now; blocks for as long as the store takes."""
        began, limit = self._clock(), self.fresh_seconds
        try:
            listing = self._store.list(self._template.prefix())
        except StoreUnavailable as err:
            return HeartbeatListing(
                now := self._clock(), f"the store cannot be read: {err}", clock_off=self._is_clock_off(now, err.clock)
            )
        now = self._clock()
        if abs(began - self._last_success) > limit:
            self._unbroken_since = began
        self._last_success, self._list_seconds = now, max(0.0, now - began)
        store_clock = now if listing.clock is None else listing.clock
        if self._is_clock_off(now, listing.clock):
            return HeartbeatListing(
                now, f"the store's clock and this machine's are {abs(store_clock - now):.0f} s apart", clock_off=True
            )
        self._listed = now, self._heartbeats(listing)
        return HeartbeatListing(now, self._reason_not_to_judge(now), store_clock, self._listed[1])

    def observe(self, agent: str, listing: HeartbeatListing) -> AgentObservation:
        """One agent as a listing shows it; its state object is fetched where its version changed, which blocks."""
        if listing.blind:
            return AgentObservation(blind=listing.blind)
        info = listing.heartbeats.get(agent)
        if info is None:
            return AgentObservation()
        try:
            state = self._state(agent, info)
        except StoreUnavailable as err:
            return AgentObservation(blind=f"the store cannot be read: {err}")
        ahead = info.modified - listing.clock > self._heartbeat.future_seconds
        return AgentObservation(
            age=math.inf if ahead else max(listing.clock - info.modified, 0), version=info.version, state=state
        )

    def last_state(self, agent: str) -> tuple[float, AgentState | None] | None:
        """The time of an agent's last heartbeat, by the store's clock, and its state; None where it has none.

        It is for people to read, and no decision is based on it; a recent listing is not made anew. Without an identity
        for it, encrypted text is `[encrypted]`.

        Raises:
            StoreUnavailable: the store cannot be read.
        """
        listed_at, heartbeats = self._listed
        if agent not in heartbeats or abs(self._clock() - listed_at) > self._every_seconds:
            heartbeats = self._heartbeats(self._store.list(self._template.prefix()))
        info = heartbeats.get(agent)
        state = self._state(agent, info) if info else None
        return (info.modified, state and decrypt_text(state)) if info else None

    def last_error(self, agent: str) -> str | None:
        """`last_error` of an agent's state; None where it has none, or the store cannot be read."""
        try:
            found = self.last_state(agent)
        except StoreUnavailable:
            return None
        return found[1].last_error if found and found[1] else None

    def list_down(self, agents: Iterable[str], listing: HeartbeatListing) -> set[str]:
        """The agents without a fresh heartbeat that were not stopped; those that never had one are left out."""
        silent = [
            agent
            for agent in agents
            if agent in listing.heartbeats
            and listing.clock - listing.heartbeats[agent].modified > self._heartbeat.grace_seconds
        ]
        states = {agent: self.observe(agent, listing).state for agent in silent}
        return {agent for agent, state in states.items() if state is None or state.status is not Status.STOPPED}

    def _is_clock_off(self, now: float, store_clock: float | None) -> bool:
        """Whether this machine's clock and the store's are too far apart; logged once, when that begins."""
        apart = 0.0 if store_clock is None else abs(store_clock - now)
        before, self._clock_off = self._clock_off, apart > self._offset
        if self._clock_off and not before:
            log.warning(
                "the store's clock and this machine's are %.0f s apart; no decision is made until they agree", apart
            )
        return self._clock_off

    def _reason_not_to_judge(self, now: float) -> str:
        """Why heartbeats may not be judged yet; empty once the store has been readable for the grace period."""
        unbroken = now - self._unbroken_since
        if unbroken < self._heartbeat.grace_seconds:
            return f"the store has been readable without a break for only {unbroken:.0f} s"
        return ""

    def _heartbeats(self, listing: Listing) -> dict[str, ObjectInfo]:
        newest: dict[str, ObjectInfo] = {}
        for info in listing.objects:
            fields = self._template.parse(info.key)
            try:
                agent = agent_name(fields["agent"]) if fields else ""
            except BadObject:
                continue
            if agent and (agent not in newest or newest[agent].modified < info.modified):
                newest[agent] = info
        return newest

    def _state(self, agent: str, info: ObjectInfo) -> AgentState | None:
        """The state in an object, fetched once a version; None where it is invalid, or of another agent."""
        version, state = self._states.get(agent, ("", None))
        if version == info.version:
            return state
        try:
            state = AgentState.parse(self._store.get(info.key, max_bytes=STATE_BYTES))
        except BadObject:
            state = None
        if state is not None and state.agent_id != agent:
            state = None
        self._states[agent] = (info.version, state)
        return state
