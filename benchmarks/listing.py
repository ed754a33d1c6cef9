"""Benchmark 1: a steady pass over a store with many logs, against listing them all.

The S3 server is the real rclone over plain files; its own work is not in the CPU seconds.
"""

import gzip
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from benchmarks.measure import BenchmarkReport, Cost, measure_once, seconds
from exporters.runner import Cache, Health, Refresh, SourceContext
from exporters.store.counted_objects import GRACE_SECONDS, RECHECKS
from exporters.store.logs import FAMILIES, LogsArea
from exporters.store.shared_state import SharedState
from nervesys.clock import system_clock
from nervesys.contract.times import utc
from nervesys.settings import StartupSettings, load
from nervesys.stores.objects import Listing, ObjectReader
from nervesys.stores.s3 import S3Store
from tests.servers.s3 import BUCKET, rclone, settings_of

AREA = "db/active_logs/"
LINE = b'{"timestamp":"2026-01-31T10:10:00Z","agent_id":"grok","level":"INFO","category":"activity"}\n'
BODY = gzip.compress(LINE * 20)


@dataclass(frozen=True)
class StoreShape:
    """A store.

    Attributes:
        servers: folders of the area.
        days: folders of each, today's among them.
        objects: in each day's folder.
    """

    servers: int
    days: int
    objects: int

    def __str__(self) -> str:
        return f"{self.servers * self.days * self.objects:,} objects, {self.servers} servers by {self.days} days"


class CountingStore:
    """Counts what a store is asked for."""

    def __init__(self, store: ObjectReader) -> None:
        self._store = store
        self.get, self.get_dated, self.open = store.get, store.get_dated, store.open
        self.lists = self.keys = 0

    def list(self, prefix: str, *, recursive: bool = True) -> Listing:
        """All objects below a prefix."""
        listing = self._store.list(prefix, recursive=recursive)
        self.lists += listing.pages
        self.keys += len(listing.objects)
        return listing


@dataclass(frozen=True)
class ListingResult:
    """What was measured of one store.

    Attributes:
        whole: listing it all.
        whole_lists: LISTs that this took.
        first: all passes until nothing is left, from an empty cache.
        first_lists: LISTs that these took.
        steady: one pass after that, with one new object to read.
        lists: LISTs of the steady pass.
        keys: keys that these returned.
    """

    whole: Cost
    whole_lists: int
    first: Cost
    first_lists: int
    steady: Cost
    lists: int
    keys: int


def run(report: BenchmarkReport, *, large: bool, short: bool) -> None:
    """Measure stores of 30 and 60 days, and of a million objects where asked."""
    servers, objects = (2, 5) if short else (20, 167)
    shapes = [StoreShape(servers, days, objects) for days in ((3, 6) if short else (30, 60))]
    results = {shape: measure(shape) for shape in shapes}
    for shape, result in results.items():
        _add_rows(report, shape, result)
    month, season = results.values()
    report.ratio("twice the days: wall", season.steady.wall, month.steady.wall, at_most=1.3)
    report.ratio("twice the days: CPU", season.steady.cpu, month.steady.cpu, at_most=1.3)
    if large:
        shape = StoreShape(20, 300, 167)
        _add_rows(report, shape, measure(shape))


def measure(shape: StoreShape) -> ListingResult:
    """Make a store of this shape, and measure it."""
    with _serve_store(shape) as store, tempfile.TemporaryDirectory() as home:
        plain, counting = CountingStore(store), CountingStore(store)
        logs, out = _area(counting, Path(home))
        first = measure_once(lambda: _until_done(logs, out))
        whole = measure_once(lambda: plain.list(AREA))  # second, for at the first listing the server hashes every file
        first_lists, steady = counting.lists, []
        for number in range(4):
            now = utc(system_clock())
            store.put(f"{AREA}server-00/{now:%Y-%m-%d}/{now:%H%M%S}_new_{number}.jsonl.gz", BODY)
            counting.lists = counting.keys = 0
            steady.append(measure_once(lambda: logs.refresh(out)))
        cheapest = min(steady, key=lambda cost: cost.wall)
        return ListingResult(whole, plain.lists, first, first_lists, cheapest, counting.lists, counting.keys)


def _add_rows(report: BenchmarkReport, shape: StoreShape, result: ListingResult) -> None:
    report.fact(f"[bold]{shape}[/]", "")
    report.fact("listing it all", f"{result.whole_lists} LISTs, {seconds(result.whole.wall)}")
    report.fact("first start, empty cache", f"{result.first_lists} LISTs, {seconds(result.first.wall)}")
    report.fact("steady pass: keys returned", f"{result.keys:,}")
    report.limit("steady pass: LISTs", result.lists, shape.servers * _days_not_over() + 1 + RECHECKS)
    report.ratio("steady pass: wall against listing it all", result.steady.wall, result.whole.wall, at_most=1 / 20)
    report.ratio("steady pass: CPU against listing it all", result.steady.cpu, result.whole.cpu, at_most=1 / 20)


def _days_not_over() -> int:
    """Days whose folders every pass lists: today's, and for a while after midnight yesterday's."""
    now = system_clock()
    return len({utc(now).date(), utc(now - GRACE_SECONDS).date()})


@contextmanager
def _serve_store(shape: StoreShape) -> Iterator[S3Store]:
    with tempfile.TemporaryDirectory() as folder:
        _fill(Path(folder) / BUCKET / AREA, shape)
        with rclone(Path(folder)) as endpoint:
            yield S3Store(settings_of(endpoint, timeout_seconds=600))


def _fill(area: Path, shape: StoreShape) -> None:
    today = utc(system_clock()).date()
    for server in range(shape.servers):
        for ago in range(shape.days):
            folder = area / f"server-{server:02}" / str(today - timedelta(ago))
            folder.mkdir(parents=True)
            for number in range(shape.objects):
                (folder / f"0000{number % 60:02}_agent-{server}_{number}.jsonl.gz").write_bytes(BODY)


def _area(store: ObjectReader, home: Path) -> tuple[LogsArea, Refresh]:
    loaded, health = load(), Health("store", system_clock)
    cache = Cache(home / "store.sqlite3")
    context = SourceContext(StartupSettings(home), loaded.settings, loaded.agents, system_clock, cache, health)
    return LogsArea(store, context, SharedState()), Refresh(FAMILIES, health.reject)


def _until_done(logs: LogsArea, out: Refresh) -> None:
    out.backlog = 1
    while out.backlog:
        logs.refresh(out)
