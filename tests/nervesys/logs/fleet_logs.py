"""A store and an archive with the logs of a small fleet, and a plain scan of them."""

import gzip
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from nervesys.contract import format_time
from nervesys.contract.paths import time_fields
from nervesys.contract.times import DAY_SECONDS, parse_time
from nervesys.logs.budget import ReadBudget
from nervesys.logs.entries import LogEntry
from nervesys.logs.query import LogQuery
from nervesys.logs.reader import LogReader
from nervesys.settings import load
from nervesys.settings.storage import Storage
from nervesys.stores.folder import FolderArchive
from nervesys.stores.objects import Listing
from tests.stores import FolderStore

NOW = parse_time("2026-03-20T12:00:00Z")
STORAGE = load().settings.storage


class CountingStore(FolderStore):
    """Counts requests."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.listed: list[str] = []
        self.fetched: list[str] = []

    def list(self, prefix: str, *, recursive: bool = True) -> Listing:
        self.listed.append(prefix)
        return super().list(prefix, recursive=recursive)

    @contextmanager
    def open(self, key: str) -> Iterator[IO[bytes]]:
        self.fetched.append(key)
        with super().open(key) as stream:
            yield stream


@dataclass
class FleetLogs:
    """Logs in a folder.

    Attributes:
        root: of store and archive.
        storage: path templates.
        lines: every record that was written, with its server.
    """

    root: Path
    storage: Storage = STORAGE
    lines: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name in ("store", "archive"):
            (self.root / name).mkdir(exist_ok=True)
        self.store, self.archive = CountingStore(self.root / "store"), FolderArchive(self.root / "archive")

    @property
    def reader(self) -> LogReader:
        return LogReader(self.store, lambda: self.archive, self.storage, lambda: NOW)

    def ship(self, server: str, agent: str, sealed: float, records: Iterable[dict[str, Any]], seq: int = 1) -> str:
        """Write an object of the store."""
        fields = time_fields(sealed)
        key = f"db/active_logs/{server}/{fields['date']}/{fields['time']}_{agent}_{seq:08}.jsonl.gz"
        self.store.put(key, self._packed(server, records))
        return key

    def file(self, server: str, day: float, category: str, records: Iterable[dict[str, Any]]) -> str:
        """Write a file of the archive."""
        fields = time_fields(day)
        name = f"{server}_{fields['date']}_{category}.json.gz"
        path = f"Archive/logs/{fields['year']}/{fields['month']}/{name}"
        self.archive.put(path, self._packed(server, records))
        return path

    def scan(self, query: LogQuery) -> list[str]:
        """Ids of all records that a plain scan finds, by time."""
        found = [(server, fields) for server, fields in self.lines if self._matches(query, server, fields)]
        return [fields["id"] for _, fields in sorted(found, key=lambda row: row[1]["timestamp"])]

    def _matches(self, query: LogQuery, server: str, fields: dict[str, Any]) -> bool:
        at = parse_time(fields["timestamp"])
        return (
            query.since <= at < query.until
            and (not query.agents or fields["agent_id"] in query.agents)
            and (not query.servers or server in query.servers)
            and (not query.levels or fields["level"] in query.levels)
            and (not query.categories or fields["category"] in query.categories)
        )

    def _packed(self, server: str, records: Iterable[dict[str, Any]]) -> bytes:
        records = list(records)
        self.lines += [(server, fields) for fields in records]
        return gzip.compress(b"".join(json.dumps(fields).encode() + b"\n" for fields in records))


def record(at: float, number: int = 0, agent: str = "grok", **more: Any) -> dict[str, Any]:
    """A log record."""
    return {
        "timestamp": format_time(at),
        "id": f"{agent}-{number}",
        "agent_id": agent,
        "level": "INFO",
        "category": "activity",
        "action": "review",
        "message": f"line {number}",
        **more,
    }


def ids(entries: Iterable[LogEntry]) -> list[str]:
    """The ids of records."""
    return [str(entry.fields["id"]) for entry in entries]


def busy_day(logs: FleetLogs, server: str, agent: str, midnight: float, every: float = 600) -> Iterator[str]:
    """Ship a day of records, ten in each batch; returns the keys."""
    for number, sealed in enumerate(range(int(every), DAY_SECONDS, int(every))):
        began = midnight + sealed - every
        first = number * 10
        yield logs.ship(
            server,
            agent,
            midnight + sealed,
            (record(began + every / 10 * i + 1, first + i, agent) for i in range(10)),
            number,
        )


__all__ = ["NOW", "STORAGE", "FleetLogs", "ReadBudget", "busy_day", "ids", "record"]
