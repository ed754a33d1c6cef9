"""Area `push`: hands each object that was counted on to a collector, line by line, as OTLP/JSON.

Reads   one GET for each object of the queue.
Writes  one POST for each line. Queue and position survive restarts: a crash sends one line twice at most.
Errors  PushFailed, a SourceError, is raised while the collector does not accept: the next pass sends the line again.
        A line that it refuses for good, and an object that cannot be read, cost themselves alone.
"""

import gzip
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from sqlite3 import Connection

import requests

from exporters.runner import Cache, Refresh, SourceContext
from exporters.store.counted_store import CountedStore
from nervesys.clients.http_errors import cause
from nervesys.contract.otlp_names import Signal
from nervesys.errors import BadObject, Reason, SourceError
from nervesys.settings.monitoring import TracesPushSettings
from nervesys.settings.secret_file import read_secret_text
from nervesys.stores.lines import lines_of
from nervesys.stores.objects import ObjectInfo, ObjectReader

AREA = "trace-push"
"""Names the queue in the cache; no area of objects has this name."""
PASS_SECONDS = 20.0
"""For one pass; what is left waits for the next."""
RETRYABLE = frozenset({408, 429, 500, 502, 503, 504})
AUTHENTICATION = frozenset({401, 403, 404, 407})
"""The settings are wrong, not the line: it is kept until they are mended."""
GZIP_LEVEL = 5


class PushFailed(SourceError):
    """The collector does not accept now."""


class PushQueue:
    """Objects that are to be handed on, oldest first.

    Args:
        cache: where they are kept: by key, with the time that they were written and the number of lines sent.
    """

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    def add(self, db: Connection, objects: Iterable[ObjectInfo]) -> None:
        """Add objects within a transaction of the cache."""
        rows = ((AREA, info.key, f"{info.modified:017.6f}", b"0") for info in objects)
        db.executemany("INSERT OR IGNORE INTO body VALUES (?, ?, ?, ?)", rows)

    def waiting(self) -> list[tuple[str, int]]:
        """Key and number of lines sent of each object."""
        rows = sorted(self._cache.bodies(AREA), key=lambda row: (row[1], row[0]))
        return [(key, int(sent or b"0")) for key, _, sent in rows]

    def advance(self, key: str, sent: int) -> None:
        """So many lines of an object were sent."""
        with self._cache.transaction() as db:
            db.execute("UPDATE body SET body = ? WHERE area = ? AND key = ?", (b"%d" % sent, AREA, key))

    def remove(self, key: str) -> None:
        """An object was sent, or never can be."""
        self._cache.keep_bodies(AREA, (), (key,))


@dataclass
class Collector:
    """A receiver of OTLP/HTTP.

    Attributes:
        settings: its address and credentials.
        secrets: folder of relative names of files.
    """

    settings: TracesPushSettings
    secrets: Path
    _session: requests.Session = field(default_factory=requests.Session)

    def send(self, line: bytes) -> str:
        """Send a line; returns why it is refused for good, or an empty text.

        Raises:
            PushFailed: it may be sent again.
        """
        signal = next((signal for signal in Signal if line.startswith(f'{{"{signal.outer}"'.encode())), None)
        if signal is None:
            return "not a request of OTLP/JSON"
        url = f"{str(self.settings.otlp).rstrip('/')}/v1/{signal.path}"
        headers = {"content-type": "application/json", "content-encoding": "gzip", **self._authorization()}
        try:
            response = self._session.post(
                url,
                gzip.compress(line, GZIP_LEVEL),
                headers=headers,
                auth=self._basic(),
                timeout=self.settings.timeout_seconds,
                allow_redirects=False,
            )
        except requests.RequestException as err:
            raise PushFailed(f"push to {url}: {cause(err)}") from None
        if response.status_code in RETRYABLE | AUTHENTICATION or 300 <= response.status_code < 400:
            raise PushFailed(f"push to {url}: HTTP {response.status_code}")
        return "" if response.ok else f"the collector answered HTTP {response.status_code}"

    def _authorization(self) -> dict[str, str]:
        token = self._secret(self.settings.token_file)
        return {"authorization": f"Bearer {token}"} if token else {}

    def _basic(self) -> tuple[str, str] | None:
        password = self._secret(self.settings.password_file)
        return (self.settings.user, password) if self.settings.user and password else None

    def _secret(self, name: str | None) -> str:
        """The content of a file, read each time so that it can be rotated."""
        if name is None:
            return ""
        try:
            return read_secret_text(self.secrets / name)
        except (OSError, ValueError) as err:
            raise PushFailed(f"read {name}: {getattr(err, 'strerror', None) or err}") from None


class PushArea:
    """Works off the queue.

    Args:
        store: holds the objects.
        context: counts requests.
        queue: of objects.
        collector: takes their lines.
        timer: seconds, for the limit of a pass.
    """

    def __init__(
        self,
        store: ObjectReader,
        context: SourceContext,
        queue: PushQueue,
        collector: Collector,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._context = CountedStore(store, context), context
        self._queue, self._collector, self._timer = queue, collector, timer
        context.health.expect("push")

    def refresh(self, out: Refresh) -> None:
        """One pass: send, oldest first, until nothing waits or the time is over."""
        deadline = self._timer() + PASS_SECONDS
        waiting = self._queue.waiting()
        out.backlog = len(waiting)
        for key, sent in waiting:
            if self._context.stopping.is_set() or not self._send(key, sent, deadline, out):
                return
            self._queue.remove(key)
            out.backlog -= 1

    def _send(self, key: str, sent: int, deadline: float, out: Refresh) -> bool:
        """Send the lines of an object that were not sent yet; returns whether all of them were."""
        try:
            with self._store.open(key) as stream:
                for line in islice(lines_of(stream, key), sent, None):
                    if self._timer() > deadline:
                        return False
                    with self._context.health.request("push"):
                        refused = self._collector.send(line)
                    if refused:
                        out.reject(key, sent, BadObject(Reason.BAD_VALUE, f"line {sent + 1}: {refused}"))
                    sent += 1
                    self._queue.advance(key, sent)
        except BadObject as bad:
            out.reject(key, "push", bad)
        return True
