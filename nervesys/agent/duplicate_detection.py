"""Two agents with one name on two hosts: the one that came later finds out, and gives way.

Only what was there before counts as a rival: whoever comes later watches this one, and gives way by itself. Two that
start within the same instant see each other too late for that; the receiver notices two that alternate.
"""

import logging
from dataclasses import dataclass

from nervesys.contract import AgentState, Status
from nervesys.errors import BadObject, StoreUnavailable
from nervesys.stores.objects import ObjectReader

QUIET_HEARTBEATS = 2
"""In a row without another's write, after which the agent is alone."""
PROOF_WRITES = 2
"""Of the other, after this one's first: one alone may be a dead predecessor's last, which was under way."""
STATE_BYTES = 1 << 20
ENDING = {Status.STOPPING, Status.STOPPED}
"""What a predecessor says that makes room."""

log = logging.getLogger(__name__)


@dataclass
class Watch:
    """Looks before each heartbeat whether another wrote since the last one, until it is sure.

    Attributes:
        store: that both write to.
        key: of the state that both write.
        instance_id: of this agent.
        over: nobody else is at work.
    """

    store: ObjectReader
    key: str
    instance_id: str
    over: bool = False
    _began: bool = False
    _other: AgentState | None = None
    _quiet: int = 0
    _writes: int = 0

    def look(self) -> AgentState | None:
        """The rival's state, once it is proven to be at work."""
        if self.over:
            return None
        try:
            seen = self._seen()
        except StoreUnavailable as err:  # the heartbeat itself is worth an attempt
            log.debug("no look for another instance: %s", err)
            return None
        if not self._began:
            self._began, self._other = True, seen
        elif self._wrote_again(seen):
            self._other, self._quiet = seen, 0
            self._writes += 1
        else:
            self._quiet += 1
            self.over = self._quiet >= QUIET_HEARTBEATS
        return self._other if self._writes >= PROOF_WRITES else None

    def _seen(self) -> AgentState | None:
        """Another's state; None where there is none, or none that can be read."""
        try:
            state = AgentState.parse(self.store.get(self.key, max_bytes=STATE_BYTES))
        except BadObject:
            return None
        return None if state.instance_id == self.instance_id or state.status in ENDING else state

    def _wrote_again(self, seen: AgentState | None) -> bool:
        before = self._other
        if seen is None or before is None:
            return False
        return seen.instance_id == before.instance_id and seen.timestamp != before.timestamp
