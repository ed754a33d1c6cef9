"""The lease of the fleet's round: held by the program that first pushes its name to the brain's state branch.

Of two concurrent pushes one is rejected: its program then reads the other's name, and gives up.
"""

from dataclasses import dataclass

from nervesys.clock import Clock
from nervesys.contract import RoundLease
from nervesys.contract.brain import ROUND
from nervesys.contract.paths import time_fields
from nervesys.errors import BadObject, NervesysError
from nervesys.stores.brain import GitBrain

LEASE_SECONDS = 7200.0
"""After which another program may take over the round; the holder itself continues at once after a restart."""


class NotLeader(NervesysError):
    """Another program holds the lease, or the round is done."""


@dataclass(frozen=True)
class Leader:
    """Takes and releases the lease of a day's round.

    Attributes:
        brain: its state branch holds the lease.
        me: name of the holder: stable over restarts, unique among programs.
        clock: gives the current day.
    """

    brain: GitBrain
    me: str
    clock: Clock

    def take(self, *, again: bool = False) -> None:
        """Take the lease of today's round.

        Args:
            again: also if today's round is done.

        Raises:
            NotLeader: another program holds it, or today's round is done.
            BrainUnavailable: the lease cannot be read or pushed.
        """
        today, until = time_fields(self.clock())["date"], self.clock() + LEASE_SECONDS

        def claim(before: bytes | None) -> bytes:
            lease = _parse_lease(before)
            if lease and lease.done == today and not again:
                raise NotLeader(f"today's round was done by {lease.holder}")
            if lease and lease.holder != self.me and lease.until > self.clock():
                raise NotLeader(f"{lease.holder} is running the round")
            return RoundLease(holder=self.me, until=until, done=lease.done if lease else None).body() + b"\n"

        self.brain.commit({ROUND: claim}, f"{self.me} runs the round of {today}", self.me)

    def other_holder(self) -> str | None:
        """Who holds the lease, if another program does; as last fetched."""
        tree = self.brain.tree(self.brain.state_branch)
        lease = _parse_lease(tree.read(ROUND) if tree else None)
        return lease.holder if lease and lease.holder != self.me and lease.until > self.clock() else None

    def done(self) -> None:
        """Release the lease and record that today's round is done.

        Raises:
            BrainUnavailable: it cannot be pushed; the round will be run once more.
        """
        today = time_fields(self.clock())["date"]
        lease = RoundLease(holder=self.me, until=self.clock(), done=today)
        self.brain.commit({ROUND: lease.body() + b"\n"}, f"The round of {today} is done", self.me)


def _parse_lease(body: bytes | None) -> RoundLease | None:
    """Parse the lease; None if the file is invalid."""
    try:
        return RoundLease.parse(body) if body else None
    except BadObject:
        return None
