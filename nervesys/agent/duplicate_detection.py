"""Two agents with the same name on two hosts: the one that started later detects it, and stops.

Only an instance that wrote before this one started counts as a duplicate: a later one detects this one, and stops by
itself. Two that start at the same instant do not detect each other; the receiver notices two that alternate.
"""

import logging
from dataclasses import dataclass

from nervesys.contract import AgentState, Status
from nervesys.contract.state import STATE_BYTES
from nervesys.errors import BadObject, StoreUnavailable
from nervesys.stores.objects import ObjectReader

QUIET_HEARTBEATS = 2
"""Heartbeats in a row without a write of another instance, after which there is none."""
PROOF_WRITES = 2
"""Writes of the other instance after this one's first: a single one may be a dead predecessor's last, delayed."""
ENDING_STATUSES = {Status.STOPPING, Status.STOPPED}
"""Statuses of a predecessor that is stopping."""

log = logging.getLogger(__name__)


@dataclass
class DuplicateCheck:
    """Checks before each heartbeat whether another instance wrote since the last one, until the answer is certain.

    Attributes:
        store: that holds the state object.
        key: of the state object.
        instance_id: of this agent.
        finished: no other instance is running.
    """

    store: ObjectReader
    key: str
    instance_id: str
    finished: bool = False
    _began: bool = False
    _other: AgentState | None = None
    _quiet: int = 0
    _writes: int = 0

    def check(self) -> AgentState | None:
        """The other instance's state, once it is proven to be running."""
        if self.finished:
            return None
        try:
            other = self._read_other()
        except StoreUnavailable as err:  # the heartbeat itself is attempted all the same
            log.debug("cannot check for another instance: %s", err)
            return None
        if not self._began:
            self._began, self._other = True, other
        elif self._wrote_again(other):
            self._other, self._quiet = other, 0
            self._writes += 1
        else:
            self._quiet += 1
            self.finished = self._quiet >= QUIET_HEARTBEATS
        return self._other if self._writes >= PROOF_WRITES else None

    def _read_other(self) -> AgentState | None:
        """State of another instance; None if there is none, or it cannot be parsed."""
        try:
            state = AgentState.parse(self.store.get(self.key, max_bytes=STATE_BYTES))
        except BadObject:
            return None
        return None if state.instance_id == self.instance_id or state.status in ENDING_STATUSES else state

    def _wrote_again(self, other: AgentState | None) -> bool:
        before = self._other
        if other is None or before is None:
            return False
        return other.instance_id == before.instance_id and other.timestamp != before.timestamp
