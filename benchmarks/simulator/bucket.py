"""The store of a simulated fleet, in the shipped layout: states, metrics and logs are computed, other objects kept."""

import gzip
import hashlib
import io
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO

from benchmarks.simulator.agents import (
    HEARTBEAT,
    SHIPPING,
    STATE_PREFIX,
    SimulatedAgents,
    name_of,
    number_of,
    server_metrics,
    version_of,
)
from nervesys.clock import Clock
from nervesys.contract.times import DAY_SECONDS, parse_time
from nervesys.stores.objects import DatedBody, Listing, ObjectInfo, gone, too_large

METRICS_BYTES = 512
LINES = [
    {"timestamp": "2026-01-31T10:10:00Z", "level": level, "category": "activity", "context": {"duration_ms": 250}}
    for level in ("INFO",) * 19 + ("WARN",)
]
LOG_BODY = gzip.compress(b"".join(json.dumps({"agent_id": "x", **line}).encode() + b"\n" for line in LINES), mtime=0)


@dataclass(frozen=True)
class HistoryArea:
    """A part of the store that keeps a history.

    Attributes:
        prefix: of its keys.
        every: seconds between two objects of an agent.
        name: of an object, below the folder of its day.
        size: bytes of each object.
        hours: whether days have a folder for each hour.
    """

    prefix: str
    every: float
    name: Callable[[int, int, int], str]
    size: int
    hours: bool


def _metrics_name(number: int, second: int, _sequence: int) -> str:
    return f"{second // 3600:02}/{second % 3600 // 60:02}{second % 60:02}_{name_of(number)}.json"


def _log_name(number: int, second: int, sequence: int) -> str:
    return f"{second // 3600:02}{second % 3600 // 60:02}{second % 60:02}_{name_of(number)}_{sequence:08}.jsonl.gz"


AREAS = (
    HistoryArea("db/metrics/", HEARTBEAT, _metrics_name, METRICS_BYTES, hours=True),
    HistoryArea("db/active_logs/", SHIPPING, _log_name, len(LOG_BODY), hours=False),
)


class SimulatedBucket:
    """An object store; listings are in the order of keys.

    Args:
        agents: who writes.
        clock: the store's.
    """

    def __init__(self, agents: SimulatedAgents, clock: Clock) -> None:
        self.agents = agents
        self.clock = clock
        self._kept: dict[str, tuple[ObjectInfo, bytes]] = {}

    def list(self, prefix: str, *, recursive: bool = True) -> Listing:
        """All objects below a prefix."""
        now = self.clock()
        area = next((area for area in AREAS if prefix.startswith(area.prefix)), None)
        if area is not None:
            objects, folders = self._history(area, prefix.removeprefix(area.prefix).split("/")[:-1], recursive, now)
        else:
            objects, folders = tuple(self.agents.states(now)) if prefix == STATE_PREFIX else (), ()
        kept = [info for key, (info, _) in self._kept.items() if key.startswith(prefix)]
        if kept:
            objects = sorted([*objects, *kept], key=lambda info: info.key)
        return Listing(tuple(objects), tuple(folders), clock=now)

    def read(self, key: str) -> tuple[ObjectInfo, bytes]:
        """An object and its content.

        Raises:
            BadObject: `gone`.
        """
        if key in self._kept:
            return self._kept[key]
        if key.startswith(STATE_PREFIX):
            return self.agents.state(key, self.clock())
        for area in AREAS:
            if key.startswith(area.prefix):
                return _read_history(area, key)
        raise gone(key)

    def get(self, key: str, *, max_bytes: int) -> bytes:
        """An object's content."""
        return self.get_dated(key, max_bytes=max_bytes).content

    def get_dated(self, key: str, *, max_bytes: int) -> DatedBody:
        """An object's content and when it was written."""
        info, body = self.read(key)
        if len(body) > max_bytes:
            raise too_large(key, max_bytes)
        return DatedBody(body, info.modified)

    @contextmanager
    def open(self, key: str) -> Iterator[IO[bytes]]:
        """An object's content as a stream."""
        yield io.BytesIO(self.read(key)[1])

    def put(self, key: str, body: bytes | IO[bytes], *, content_type: str = "application/octet-stream") -> str:
        """Keep an object; it takes the place of a computed one."""
        content = body if isinstance(body, bytes) else body.read()
        version = hashlib.md5(content, usedforsecurity=False).hexdigest()
        self._kept[key] = ObjectInfo(key, version, len(content), self.clock()), content
        return version

    def delete(self, key: str) -> None:
        """Delete a kept object."""
        self._kept.pop(key, None)

    def _history(
        self, area: HistoryArea, path: Sequence[str], recursive: bool, now: float
    ) -> tuple[Sequence[ObjectInfo], Sequence[str]]:
        """Objects and folders below the folder of a server, a day or an hour."""
        depth = 3 if area.hours else 2
        if not recursive and len(path) < depth:
            return [], [f"{area.prefix}{'/'.join([*path, name])}/" for name in self._folder_names(path, now)]
        days = path[1:2] or self._days(now)
        servers = path[:1] if path else self.agents.servers
        objects = [info for server in servers for day in days for info in self._day(area, server, day, path[2:3], now)]
        return sorted(objects, key=lambda info: info.key), []

    def _folder_names(self, path: Sequence[str], now: float) -> Sequence[str]:
        if not path:
            return self.agents.servers
        if len(path) == 1:
            return self._days(now)
        hours = 1 + int(now % DAY_SECONDS // 3600) if path[1] == _day_of(now) else 24
        return [f"{hour:02}" for hour in range(hours)]

    def _days(self, now: float) -> Sequence[str]:
        """The days that the store holds, the oldest first."""
        return [_day_of(now - DAY_SECONDS * ago) for ago in reversed(range(self.agents.days + 1))]

    def _day(self, area: HistoryArea, server: str, day: str, hour: Sequence[str], now: float) -> Iterator[ObjectInfo]:
        """The objects of a server's day, or of one hour of it."""
        midnight = parse_time(f"{day}T00:00:00Z")
        begin = midnight + 3600 * int(hour[0]) if hour else midnight
        end = min(begin + (3600 if hour else DAY_SECONDS), now)
        folder, name, every = f"{area.prefix}{server}/{day}/", area.name, area.every
        for number in self.agents.on_server(server):
            for at in self.agents.writes(number, every, begin, end):
                key = f"{folder}{name(number, int(at - midnight), int(at // every))}"
                yield ObjectInfo(key, version_of(number, at), area.size, at)


def _read_history(area: HistoryArea, key: str) -> tuple[ObjectInfo, bytes]:
    number = number_of(key.rpartition("/")[2].partition("_")[2][: len(name_of(0))])
    if number is None:
        raise gone(key)
    _, day, rest = key.removeprefix(area.prefix).split("/", 2)
    digits = rest.replace("/", "")[:6]
    at = parse_time(f"{day}T{digits[:2]}:{digits[2:4]}:{digits[4:6]}Z")
    info = ObjectInfo(key, version_of(number, at), area.size, at)
    if not area.hours:
        return info, LOG_BODY
    return info, json.dumps(server_metrics(number, at)).encode().ljust(METRICS_BYTES)


def _day_of(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")
