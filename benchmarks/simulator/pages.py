"""How long the pages of people and of Prometheus take to answer, asked again and again beside everything else."""

import re
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

EVERY_SECONDS, TIMEOUT_SECONDS = 10, 60
DRAWN_BY_BROWSER = {"cookie": "width=1400"}
"""The cookie by which a browser reports that it draws the graphs of our page itself."""
NOTIFICATIONS = re.compile(r'^alertmanager_(notification\w+)\{[^}]*integration="webhook"[^}]*\} (\S+)$', re.MULTILINE)


@dataclass
class WatchedPages:
    """The answers to each page.

    Attributes:
        urls: of the pages, by name.
        seconds: that each took, by name; an error counts as `TIMEOUT_SECONDS`.
        largest: bytes of the largest answer, by name.
    """

    urls: Mapping[str, str]
    seconds: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    largest: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Ask for the pages in threads of their own, until the block is left."""
        end = threading.Event()
        threads = [threading.Thread(target=self._watch, args=(name, end), daemon=True) for name in self.urls]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            end.set()
            for thread in threads:
                thread.join(TIMEOUT_SECONDS)

    def _watch(self, name: str, end: threading.Event) -> None:
        with httpx.Client(follow_redirects=True, timeout=TIMEOUT_SECONDS, headers=DRAWN_BY_BROWSER) as client:
            while not end.wait(EVERY_SECONDS):
                began = time.monotonic()
                try:
                    self.largest[name] = max(
                        self.largest[name], len(client.get(self.urls[name]).raise_for_status().content)
                    )
                    self.seconds[name].append(time.monotonic() - began)
                except httpx.HTTPError:
                    self.seconds[name].append(TIMEOUT_SECONDS)


@dataclass(frozen=True)
class Webhooks:
    """What Alertmanager counts of its webhooks.

    Attributes:
        sent: notifications.
        failed: of them, those that were given up.
        failed_requests: attempts that failed, or timed out.
        mean_seconds: of an attempt.
    """

    sent: int
    failed: int
    failed_requests: int
    mean_seconds: float


def read_webhooks(address: str) -> Webhooks:
    """Read an Alertmanager's metrics."""
    sums: defaultdict[str, float] = defaultdict(float)
    for name, value in NOTIFICATIONS.findall(httpx.get(f"http://{address}/metrics", timeout=TIMEOUT_SECONDS).text):
        sums[name] += float(value)
    seconds, count = sums["notification_latency_seconds_sum"], sums["notification_latency_seconds_count"]
    return Webhooks(
        sent=round(sums["notifications_total"]),
        failed=round(sums["notifications_failed_total"]),
        failed_requests=round(sums["notification_requests_failed_total"]),
        mean_seconds=seconds / count if count else 0,
    )
