"""Area `sizes`: whole sums or none, days that are over listed once, and what retention should have deleted.

Covers: exporters.store.sizes, exporters.store.folder_scheduler, exporters.store.folder_size,
exporters.store.running_days.
"""

from pathlib import Path

import pytest

from exporters.runner import WHOLE, Cache, Refresh, Shard
from exporters.store import folder_scheduler, sizes
from exporters.store.shared_state import SharedState
from exporters.store.sizes import SizesArea, is_overdue, parts_of
from nervesys.settings.storage import StorePaths
from tests.exporters.kit import HandClock, context
from tests.exporters.store.bucket import Bucket, read_series

DAY = 86_400.0
LOGS = 'store_objects{area="active_logs"}'
OVERDUE = 'store_overdue_objects{area="active_logs"}'


class World:
    """Ten days of logs on one server."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.bucket = Bucket(home / "bucket")
        self.clock = HandClock(1_800_000_000.0)  # 2027-01-15T08:00:00Z
        for day in range(6, 16):
            at = self.clock.now - (15 - day) * DAY
            self.bucket.lay(f"db/active_logs/srv1/2027-01-{day:02}/000000_grok_1.jsonl.gz", b"12345", at)
        self.start()

    def start(self) -> None:
        self.out = Refresh(sizes.FAMILIES, lambda *_: None)
        self.area = SizesArea(self.bucket, context(self.clock, Cache(self.home / "cache.sqlite3")), SharedState())

    def run(self) -> dict[str, float]:
        self.clock.now += 600
        self.bucket.forget()
        self.area.refresh(self.out)
        return read_series(self.out.snapshot().plain)


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path)
    made.run()
    return made


def test_days_that_are_over_are_added_from_memory_and_a_restart_remembers(world: World) -> None:
    world.run()
    world.start()
    world.area._parts[2]._scheduler._rechecks = 0
    assert world.run()[LOGS] == 10
    assert [prefix for prefix in world.bucket.lists if "2027" in prefix] == ["db/active_logs/srv1/2027-01-15/"]


def test_half_a_sum_is_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_scheduler, "LISTS_A_PASS", 4)
    world = World(tmp_path)
    passes = [world.run() for _ in range(4)]
    assert [LOGS in seen for seen in passes] == [False, False, False, True]
    assert passes[-1][LOGS] == 10


METRICS = 'store_objects{area="metrics"}'


def test_of_a_day_that_runs_each_hour_that_is_over_is_listed_once(world: World) -> None:
    world.clock.now += 2 * 3600 - 600
    day = "db/metrics/srv1/2027-01-15"
    for hour in range(11):
        for name in ("0000_grok", "3000_grok"):
            world.bucket.lay(f"{day}/{hour:02}/{name}.json", b"{}", 1_800_000_000 + 3600 * (hour - 8))
    assert world.run()[METRICS] == 22
    hours = [f"{day}/{hour:02}/" for hour in range(24)]

    def listed() -> list[str]:
        return [prefix for prefix in world.bucket.lists if prefix in hours]

    assert listed() == hours[:11]
    world.run()
    assert listed() == [hours[10]]
    world.start()
    world.bucket.lay(f"{day}/10/4500_grok.json", b"{}", world.clock.now)
    assert world.run()[METRICS] == 23
    assert listed() == [hours[10]], "a restart remembers"
    world.clock.now += 2400
    world.run()
    assert listed() == hours[10:12], "what is written late counts with its hour"
    world.bucket.lay(f"{day}/09/5959_grok.json", b"{}", world.clock.now)
    world.clock.now += 15 * 3600
    assert world.run()[METRICS] == 24, "what is written later still is counted once the day is over"
    assert f"{day}/" in world.bucket.lists
    assert not listed()


def test_overdue_is_what_retention_left_a_day_too_long(world: World) -> None:
    assert world.run()[OVERDUE] == 2
    world.clock.now += DAY
    assert world.run()[OVERDUE] == 3
    for file in (world.bucket.root / "db/active_logs/srv1/2027-01-06").iterdir():
        file.unlink()
    seen = world.run()
    assert (seen[LOGS], seen[OVERDUE]) == (9, 2)


def test_a_folder_dated_ahead_is_counted_once_when_its_day_comes(world: World) -> None:
    world.bucket.lay("db/active_logs/srv1/2027-01-16/000000_grok_1.jsonl.gz", b"12345", world.clock.now)
    for _ in range(3):
        assert world.run()[LOGS] in (10, 11)
    world.clock.now += DAY
    for _ in range(3):
        assert world.run()[LOGS] == 11


@pytest.mark.parametrize(
    ("age_days", "days", "overdue"),
    [(7.9, 7, False), (8.1, 7, True), (1000, None, False)],
    ids=["a day is granted", "and no more", "kept for ever"],
)
def test_is_overdue(age_days: float, days: int | None, overdue: bool) -> None:
    assert is_overdue(0, days, age_days * DAY) is overdue


def test_shards_list_different_parts_of_the_store() -> None:
    parts = [parts_of(Shard(number, 4)) for number in range(1, 5)]
    assert (
        sorted(part for listed in parts for part in listed)
        == sorted(parts_of(WHOLE))
        == sorted(StorePaths.model_fields)
    )
    largest = [
        next(number for number, listed in enumerate(parts) if part in listed) for part in ("metrics", "active_logs")
    ]
    assert len(set(largest)) == 2
    assert parts_of(Shard(64, 64)) == []
