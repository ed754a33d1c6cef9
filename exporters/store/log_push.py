"""Area `push`: sends the records of each counted log object to a log database, once.

The area `logs` adds an object when it counts it, so neither waits for the other: a log database that is away delays no
counter. What is not sent yet stays in the cache across restarts.

Reads   one GET for each object that was counted.
Errors  StoreUnavailable is raised. A log database that does not answer is tried again, after 5 s, 10 s, … 5 minutes.
        An object that cannot be read, and a request that the log database refuses, cost only themselves.
"""

import gzip
import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from sqlite3 import Connection

import requests

from exporters.runner import Cache, Refresh, SourceContext
from exporters.shared.log_push_body import push_request
from nervesys.clients.http_errors import cause
from nervesys.contract import PathTemplate, agent_name, server_name
from nervesys.errors import BadObject, NervesysError, Reason
from nervesys.logs.entries import LogEntry, parse_entry
from nervesys.metrics import ConditionTerm, Family, Period, SourceArea
from nervesys.plural import count
from nervesys.settings.logs import LogPushSettings
from nervesys.settings.secret_file import read_secret_text
from nervesys.stores.lines import lines_of
from nervesys.stores.objects import ObjectInfo, ObjectReader

AREA = "log-push"
"""Names the waiting objects in the cache; no area of objects has this name."""
ORIGIN = SourceArea("store", "push")
COMPLETE = Family(
    "log_push_complete_timestamp_seconds",
    "gauge",
    "Time up to which all log objects were sent to the log database, by the store's clock.",
    period=Period.SHIP,
    conditions=(
        ConditionTerm(word="log push", kind="age", labels=(), origin=ORIGIN, threshold=lambda t: t.logs_late_seconds),
    ),
)
RECORDS = Family(
    "log_push_records_total",
    "counter",
    "Log records sent to the log database since the exporter started, by whether it accepted them.",
    ("outcome",),
    period=Period.SHIP,
)
FAMILIES = (COMPLETE, RECORDS)
ACCEPTED, REJECTED = "accepted", "rejected"
OBJECTS_A_PASS = 500
REQUEST_RECORDS, REQUEST_BYTES = 1000, 1 << 20
"""Of one request: Loki refuses more than 4 MB by default."""
REFUSED = {400, 413, 422}
"""The request itself is wrong, such as lines that are too old: sent again, it would be refused again."""
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 5.0, 300.0
DOUBLINGS = 10
"""Of the pause, at most: no float holds the thousandth."""

log = logging.getLogger(__name__)


class LogPushFailed(NervesysError):
    """The log database did not answer, or cannot take anything now."""


class LogPushQueue:
    """Objects that are to be sent.

    Args:
        cache: where they are kept: by key, with the time that they were written.
    """

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    def add(self, db: Connection, objects: Iterable[ObjectInfo]) -> None:
        """Add objects within a transaction of the cache."""
        rows = ((AREA, info.key, f"{info.modified:017.6f}", b"") for info in objects)
        db.executemany("INSERT OR IGNORE INTO body VALUES (?, ?, ?, ?)", rows)

    def waiting(self) -> list[tuple[str, float]]:
        """Keys with their LastModified in Unix seconds, oldest first."""
        found = ((key, float(modified)) for key, modified, _ in self._cache.bodies(AREA))
        return sorted(found, key=lambda item: item[1])

    def remove(self, key: str) -> None:
        """An object was sent, or never can be."""
        self._cache.keep_bodies(AREA, (), [key])


class LogPushArea:
    """Sends what waits.

    Args:
        store: the store.
        context: settings, cache, clock.
        queue: what waits.
        settings: of the log database.
    """

    def __init__(
        self, store: ObjectReader, context: SourceContext, queue: LogPushQueue, settings: LogPushSettings
    ) -> None:
        self._store, self._context, self._queue, self._settings = store, context, queue, settings
        self._template = PathTemplate(context.settings.storage.storj.paths.active_logs)
        self._session = requests.Session()
        self._records = Counter({ACCEPTED: 0, REJECTED: 0})
        self._failures, self._next_attempt = 0, 0.0

    def refresh(self, out: Refresh) -> None:
        """One pass: send the oldest objects, unless the log database is to be left alone for now."""
        now = self._context.clock()
        if now >= self._next_attempt:
            try:
                self._send_oldest(out)
                self._failures = 0
            except LogPushFailed as err:
                pause = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** min(self._failures, DOUBLINGS))
                self._failures, self._next_attempt = self._failures + 1, now + pause
                log.warning("%s; trying again in %g s", err, pause)
        waiting = self._queue.waiting()
        out.backlog, oldest = len(waiting), waiting[0][1] if waiting else now
        samples = [COMPLETE.sample(min(oldest, now))]
        samples += [RECORDS.sample(records, outcome) for outcome, records in self._records.items()]
        out.put("push", (oldest, *self._records.items()), samples)

    def _send_oldest(self, out: Refresh) -> None:
        for key, _ in self._queue.waiting()[:OBJECTS_A_PASS]:
            if self._context.stopping.is_set():
                return
            try:
                with self._store.open(key) as stream:
                    for batch in _batches(self._entries(lines_of(stream, key), key)):
                        self._send(batch)
            except BadObject as bad:
                out.reject(key, "", bad)
            self._queue.remove(key)

    def _entries(self, lines: Iterable[bytes], key: str) -> Iterator[LogEntry]:
        fields = self._template.parse(key)
        if fields is None:
            raise BadObject(Reason.BAD_KEY, f"not of {self._template.text}")
        agent = agent_name(fields["agent"]) if "agent" in fields else None
        server = server_name(fields["server"]) if "server" in fields else ""
        for line in lines:
            with suppress(BadObject):  # counted by the area `logs`
                yield parse_entry(line.rstrip(b"\r\n"), server, agent)

    def _send(self, batch: list[LogEntry]) -> None:
        """Send one request.

        Raises:
            LogPushFailed: it may succeed later.
        """
        settings, request = self._settings, push_request(self._settings.kind, batch)
        headers = {"Content-Type": request.content_type, "Content-Encoding": "gzip", **self._credentials()}
        try:
            response = self._session.post(
                str(settings.url).rstrip("/") + request.path,
                data=gzip.compress(request.body, 1),
                headers=headers,
                timeout=settings.timeout_seconds,
                allow_redirects=False,  # credentials go to the configured host only
            )
        except requests.RequestException as err:
            raise LogPushFailed(f"push logs to {settings.url}: {cause(err)}") from None
        if response.status_code in REFUSED:
            self._records[REJECTED] += len(batch)
            reason = response.text[:200].strip()
            log.warning("push logs to %s: refused %s: %s", settings.url, count(len(batch), "record"), reason)
        elif 200 <= response.status_code < 300:
            self._records[ACCEPTED] += len(batch)
        else:
            raise LogPushFailed(f"push logs to {settings.url}: HTTP {response.status_code}")

    def _credentials(self) -> dict[str, str]:
        """Headers; the file is read each time, so that a secret can be replaced while the exporter runs."""
        headers = {"X-Scope-OrgID": self._settings.tenant} if self._settings.tenant else {}
        if self._settings.token_file is None:
            return headers
        path = self._context.place.home / "secrets" / self._settings.token_file
        try:
            return {**headers, "Authorization": f"Bearer {read_secret_text(path)}"}
        except (OSError, ValueError) as err:
            reason = getattr(err, "strerror", None) or str(err)
            raise LogPushFailed(f"push logs to {self._settings.url}: read {path}: {reason}") from None


def _batches(entries: Iterable[LogEntry]) -> Iterator[list[LogEntry]]:
    batch: list[LogEntry] = []
    size = 0
    for entry in entries:
        if batch and (len(batch) >= REQUEST_RECORDS or size + len(entry.line) > REQUEST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(entry)
        size += len(entry.line)
    if batch:
        yield batch
