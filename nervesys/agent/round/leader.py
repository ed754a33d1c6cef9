"""The lease of the fleet's round: held by the program that first pushes its name to the brain's state branch.

Of two concurrent pushes one is rejected: its program then reads the other's name, and gives up.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Thread

from nervesys.clock import Clock
from nervesys.contract import RoundLease
from nervesys.contract.brain import ROUND
from nervesys.contract.paths import time_fields
from nervesys.errors import BadObject, NervesysError
from nervesys.stores.brain import GitBrain

LEASE_SECONDS = 7200.0
"""After which another program may take over the round; the holder itself continues at once after a restart."""

RENEWALS = 4
"""Of a lease until it would end: three may fail, since the brain may be away."""

log = logging.getLogger(__name__)


class NotLeader(NervesysError):
    """Another program holds the lease, or the round is done."""


@dataclass(frozen=True)
class Leader:
    """Takes and releases the lease of a day's round.

    Attributes:
        brain: its state branch holds the lease.
        me: name of the holder: stable over restarts, unique among programs.
        clock: gives the current day.
        renew_seconds: between two renewals of the lease.
    """

    brain: GitBrain
    me: str
    clock: Clock
    renew_seconds: float = LEASE_SECONDS / RENEWALS

    def take(self, *, again: bool = False) -> str:
        """Take the lease of today's round.

        Args:
            again: also if today's round is done.

        Returns:
            The day of the round, in UTC, for `done`: a round may end after midnight.

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
        return today

    @contextmanager
    def renewing(self) -> Iterator[Event]:
        """Renew the lease while the `with` block runs; yields what is set once another program has taken it."""
        ended, lost = Event(), Event()
        thread = Thread(target=self._renew_until, args=(ended, lost), name="round lease", daemon=True)
        thread.start()
        try:
            yield lost
        finally:
            ended.set()
            thread.join()

    def _renew_until(self, ended: Event, lost: Event) -> None:
        while not ended.wait(self.renew_seconds):
            try:
                self._renew()
            except NotLeader as reason:
                log.warning("daily round: the lease is lost: %s", reason)
                lost.set()
                return
            except NervesysError as err:
                log.warning("daily round: renew the lease: %s", err)

    def _renew(self) -> None:
        def claim(before: bytes | None) -> bytes:
            lease = _parse_lease(before)
            if lease and lease.holder != self.me:
                raise NotLeader(f"{lease.holder} has taken over the round")
            until, done = self.clock() + LEASE_SECONDS, lease.done if lease else None
            return RoundLease(holder=self.me, until=until, done=done).body() + b"\n"

        self.brain.commit({ROUND: claim}, f"{self.me} still runs the round", self.me)

    def other_holder(self) -> str | None:
        """Who holds the lease, if another program does; as last fetched."""
        tree = self.brain.tree(self.brain.state_branch)
        lease = _parse_lease(tree.read(ROUND) if tree else None)
        return lease.holder if lease and lease.holder != self.me and lease.until > self.clock() else None

    def done(self, day: str) -> None:
        """Release the lease and record that a day's round is done; a lease that another program has stays.

        Args:
            day: as `take` returned it.

        Raises:
            BrainUnavailable: it cannot be pushed; the round will be run once more.
        """

        def release(before: bytes | None) -> bytes:
            lease = _parse_lease(before)
            if before and lease and lease.holder != self.me and lease.until > self.clock():
                return before
            newest = max(day, lease.done or "") if lease else day
            return RoundLease(holder=self.me, until=self.clock(), done=newest).body() + b"\n"

        self.brain.commit({ROUND: release}, f"The round of {day} is done", self.me)


def _parse_lease(body: bytes | None) -> RoundLease | None:
    """Parse the lease; None if the file is invalid."""
    try:
        return RoundLease.parse(body) if body else None
    except BadObject:
        return None
