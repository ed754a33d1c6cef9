"""Who does the fleet's round: whoever first pushes its name to the brain's state branch.

Two who push at once are told apart by the push that is refused: the second sees the first one's name, and steps back.
"""

from dataclasses import dataclass

from nervesys.clock import Clock
from nervesys.contract import RoundLease
from nervesys.contract.brain import ROUND
from nervesys.contract.paths import time_fields
from nervesys.errors import BadObject, NervesysError
from nervesys.stores.brain import GitBrain

LEASE_SECONDS = 7200.0
"""After which the round of a leader that fell silent is another's; one that is restarted goes on at once."""


class NotLeader(NervesysError):
    """The round is another's, or done."""


@dataclass(frozen=True)
class Leader:
    """Takes the lead of a day's round.

    Attributes:
        brain: its state branch holds the lease.
        me: the same name after a restart, another one for every program that may lead.
        clock: says which day it is.
    """

    brain: GitBrain
    me: str
    clock: Clock

    def take(self, *, again: bool = False) -> None:
        """Take the lead of today's round.

        Args:
            again: also where today's round is done.

        Raises:
            NotLeader: another one leads, or today's round is done.
            BrainUnavailable: nobody knows who leads.
        """
        today, until = time_fields(self.clock())["date"], self.clock() + LEASE_SECONDS

        def claim(before: bytes | None) -> bytes:
            lease = _lease(before)
            if lease and lease.done == today and not again:
                raise NotLeader(f"today's round is done, by {lease.holder}")
            if lease and lease.holder != self.me and lease.until > self.clock():
                raise NotLeader(f"{lease.holder} does the round")
            return RoundLease(holder=self.me, until=until, done=lease.done if lease else None).body() + b"\n"

        self.brain.commit({ROUND: claim}, f"{self.me} does the round of {today}", self.me)

    def done(self) -> None:
        """Give the lead back: today's round is done.

        Raises:
            BrainUnavailable: the brain does not know; the round is done once more.
        """
        today = time_fields(self.clock())["date"]
        lease = RoundLease(holder=self.me, until=self.clock(), done=today)
        self.brain.commit({ROUND: lease.body() + b"\n"}, f"The round of {today} is done", self.me)


def _lease(body: bytes | None) -> RoundLease | None:
    """Who leads; nobody, where the file is broken."""
    try:
        return RoundLease.parse(body) if body else None
    except BadObject:
        return None
