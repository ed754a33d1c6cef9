"""Counts failed attempts to sign in, and makes those who go on failing wait."""

import logging
import math
from dataclasses import dataclass, field
from http import HTTPStatus
from ipaddress import IPv6Address, ip_address, ip_network

from alerting.receiver import metrics
from nervesys.clock import Clock
from nervesys.contract import format_time
from nervesys.metrics import Instruments
from nervesys.metrics.body import HttpRefused

FREE_FAILURES = 5
"""Of one client, before it has to wait."""
LONGEST_WAIT = 60.0
FREE_FAILURES_OF_ALL = 30
"""Of all clients together, before each attempt has to wait for a second."""
WAIT_OF_ALL = 1.0
FORGET_SECONDS = 900.0
CLIENTS = 1000
"""Clients that are remembered; the one that failed longest ago is forgotten first."""
IPV6_NETWORK = 64
"""Bits of an IPv6 address that one client has for itself."""
REASONS = ("wrong_token", "too_many")

log = logging.getLogger(__name__)


@dataclass
class _Failures:
    count: int = 0
    last: float = float("-inf")


@dataclass
class SignInGuard:
    """Remembers who failed to sign in.

    Attributes:
        instruments: count the failures.
    """

    instruments: Instruments
    clock: Clock
    _of_all: _Failures = field(default_factory=_Failures)
    _by_client: dict[str, _Failures] = field(default_factory=dict)
    _total: int = 0
    _latest: str = ""

    def start(self) -> None:
        """Expose every counter at 0 before its first event, so that `increase` sees it."""
        for reason in REASONS:
            self.instruments.add(metrics.SIGN_IN_FAILURES, reason, by=0)

    def check_wait(self, client: str) -> None:
        """Refuse an attempt that comes too early; its token is not even looked at.

        Raises:
            HttpRefused: the client has to wait.
        """
        now, client = self.clock(), _network(client)
        mine = self._by_client.get(client, _Failures())
        wait = max(
            _wait(mine, FREE_FAILURES, LONGEST_WAIT, now), _wait(self._of_all, FREE_FAILURES_OF_ALL, WAIT_OF_ALL, now)
        )
        if wait > 0:
            self.instruments.add(metrics.SIGN_IN_FAILURES, "too_many")
            message = f"too many failed attempts to sign in; try again in {math.ceil(wait)} s"
            raise HttpRefused(HTTPStatus.TOO_MANY_REQUESTS, "too_many", message)

    def record_failure(self, client: str) -> None:
        """Note a wrong token."""
        now, network = self.clock(), _network(client)
        mine = self._by_client.pop(network, _Failures())
        self._by_client[network] = mine  # the newest is last
        for failures in (mine, self._of_all):
            failures.count = failures.count + 1 if now - failures.last < FORGET_SECONDS else 1
            failures.last = now
        if len(self._by_client) > CLIENTS:
            del self._by_client[next(iter(self._by_client))]
        self._total += 1
        self._latest = f"{format_time(now)[:19]}Z from {client}"
        self.instruments.add(metrics.SIGN_IN_FAILURES, "wrong_token")
        if mine.count in (1, FREE_FAILURES):
            log.warning("failed to sign in to the page: %s, failure %s", client, mine.count)

    def record_success(self, client: str) -> None:
        """The client knows the token: forget its failures."""
        self._by_client.pop(_network(client), None)

    @property
    def summary(self) -> str:
        """Failures since the receiver was started, for who signed in; empty if there were none."""
        if not self._total:
            return ""
        attempts = "1 failed attempt" if self._total == 1 else f"{self._total} failed attempts"
        return f"{attempts} to sign in since this receiver was started; the last one {self._latest}"


def _wait(failures: _Failures, free: int, longest: float, now: float) -> float:
    """Seconds that an attempt has to wait for: 1, 2, 4, … after more failures than are free."""
    since = now - failures.last
    if failures.count < free or not 0 <= since < FORGET_SECONDS:
        return 0
    return float(min(longest, 2 ** min(failures.count - free, 30)) - since)


def _network(client: str) -> str:
    """Who counts as one client: an address, or a network of IPv6."""
    try:
        address = ip_address(client)
    except ValueError:
        return client
    return str(ip_network((address, IPV6_NETWORK), strict=False)) if isinstance(address, IPv6Address) else client
