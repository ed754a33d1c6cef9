"""The runner: one place that times, catches and counts.

Covers: exporters.runner, exporters.runner.cache, exporters.runner.health, exporters.runner.model,
exporters.runner.open_runner, exporters.runner.runner.
"""

import logging
import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from exporters.runner import Area, Cache, Refresh, Runner, Shard, Source, open_source
from exporters.runner.health import Health, join_problems
from nervesys.errors import NervesysError, StoreUnavailable
from nervesys.metrics import Family
from nervesys.settings import StartupSettings, load
from tests.exporters.kit import HandClock, context

THINGS = Family("things", "gauge", "Things seen.")


class World:
    """A source of one area whose every pass can be made to fail."""

    def __init__(self, cache: Cache | None = None) -> None:
        self.clock = HandClock()
        self.error: Exception | None = None
        self.things = 0
        self.context = context(self.clock, cache, source="toy")
        self.runner = Runner(self.source(), self.context)

    def source(self) -> Source:
        return Source("toy", "A toy.", (THINGS,), lambda _: [Area("box", [THINGS], 15, self.refresh)])

    def refresh(self, out: Refresh) -> None:
        if self.error:
            raise self.error
        self.things += 1
        out.put("things", self.things, [THINGS.sample(self.things)])

    def shown(self, name: str) -> str | None:
        """The value that a scrape shows, of the first series whose name begins so."""
        text = self.runner.snapshot().plain.decode()
        found = [line.rpartition(" ")[2] for line in text.splitlines() if line.startswith(f"nervesys_{name}")]
        return found[0] if found else None


def test_a_failed_pass_keeps_the_last_snapshot_and_says_so() -> None:
    world = World()
    assert world.runner.run_once("box")
    assert (world.shown("things"), world.shown("exporter_up")) == ("1", "1.0")
    world.error = StoreUnavailable("list box/: timed out after 10 s")
    assert not world.runner.run_once("box")
    assert (world.shown("things"), world.shown("exporter_up")) == ("1", "0.0")


def test_not_ready_until_the_first_snapshot_and_says_why() -> None:
    world = World()
    assert world.runner.not_ready() == "box: not read yet"
    world.error = StoreUnavailable("list box/: timed out")
    world.runner.run_once("box")
    assert world.runner.not_ready() == "box: list box/: timed out"
    world.error = None
    world.runner.run_once("box")
    assert world.runner.not_ready() is None
    world.error = StoreUnavailable("gone again")
    world.runner.run_once("box")
    assert world.runner.not_ready() is None, "what was read once stays served"


def test_failures_are_logged_once_a_minute_whatever_they_are(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    for number in range(9):
        world.error = StoreUnavailable(f"list box/: refused for the {number}. time")
        world.runner.run_once("box")
        world.clock.now += 15
    assert caplog.messages == [f"toy: box: list box/: refused for the {number}. time" for number in (0, 4, 8)]
    assert "Traceback" not in caplog.text


def test_a_line_names_every_area_that_fails_and_another_the_end(caplog: pytest.LogCaptureFixture) -> None:
    clock = HandClock(0.0)
    health = Health("toy", clock)
    for clock.now in (0.0, 60.0):
        health.record_failure("logs", "refused")
        health.record_failure("agents", "refused")
    caplog.clear()
    with caplog.at_level(logging.INFO):
        clock.now = 120.0
        health.record_failure("logs", "refused")
        health.record_success("logs", 121.0, 121.0, 60.0)
        health.record_success("agents", 121.0, 121.0, 60.0)
    assert caplog.messages == ["toy: agents, logs: refused", "toy: all areas are refreshed again"]


def test_a_reason_that_areas_share_is_printed_once() -> None:
    store = "in bucket logs at http://127.0.0.1:9: cannot connect"
    assert join_problems({"agents": f"list db/agents/ {store}", "logs": f"list db/logs/ {store}", "sizes": "x"}) == (
        "agents, logs: bucket logs at http://127.0.0.1:9: cannot connect; sizes: x"
    )
    assert join_problems({"agents": f"list db/agents/ {store}"}) == f"agents: list db/agents/ {store}"
    assert join_problems({}) == ""


def test_a_bug_in_an_area_is_logged_with_its_trace_and_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    world.error = ZeroDivisionError("oh")
    assert not world.runner.run_once("box")
    assert "ZeroDivisionError" in caplog.text
    assert "Traceback" in caplog.text
    world.error = None
    assert world.runner.run_once("box")


@pytest.mark.parametrize(
    ("pauses", "restarts_after", "begins_at"),
    [
        pytest.param([15, 15, 15], None, 0, id="steady passes are one run"),
        pytest.param([15, 60, 15], None, 0, id="a gap of the freshness limit is borne"),
        pytest.param([15, 61, 15], None, 76, id="a longer gap begins a new run"),
        pytest.param([15, 15, 30], 2, 0, id="a quick restart continues the run, for the cache remembers it"),
        pytest.param([15, 15, 500], 2, 530, id="a long night begins a new run"),
    ],
)
def test_unbroken_since(pauses: list[int], restarts_after: int | None, begins_at: int) -> None:
    cache = Cache()
    world = World(cache)
    start = world.clock.now
    world.runner.run_once("box")
    for number, pause in enumerate(pauses):
        now = world.clock.now + pause
        if number == restarts_after:
            world = World(cache)
        world.clock.now = now
        world.runner.run_once("box")
    assert float(world.shown("exporter_unbroken_since") or 0) == start + begins_at


def test_passes_that_have_not_seen_everything_begin_no_unbroken_run() -> None:
    world = World()
    started, unseen = world.clock.now, [2, 1, 0, 0]

    def first_look(out: Refresh) -> None:
        out.complete = not unseen.pop(0)

    source = Source("toy", "A toy.", (THINGS,), lambda _: [Area("box", [THINGS], 15, first_look)])
    world.runner = Runner(source, world.context, timer=world.clock)
    runs = []
    for _ in range(4):
        world.runner.run_once("box")
        runs.append(float(world.shown("exporter_unbroken_since") or 0) - started)
        world.clock.now += 15
    assert runs == [0, 15, 15, 15]  # what the second did not see counts as missing from the third on


@pytest.mark.parametrize(
    ("duration", "pause", "continues", "limit"),
    [
        pytest.param(99.0, 0, True, 357, id="passes over the limit are one run"),
        pytest.param(99.0, 600, False, 357, id="an outage between slow passes begins a new run"),
        pytest.param(5.0, 61, False, 60, id="short passes have four intervals"),
        pytest.param(9000.0, 0, False, 600, id="a pass of hours is an outage"),
    ],
)
def test_the_limit_follows_the_duration_of_passes_and_data_is_dated_by_their_beginning(
    duration: float, pause: float, continues: bool, limit: float
) -> None:
    world = World()
    start = world.clock.now

    def slow(_: Refresh) -> None:
        world.clock.now += duration

    source = Source("toy", "A toy.", (THINGS,), lambda _: [Area("box", [THINGS], 15, slow)])
    world.runner = Runner(source, world.context, timer=world.clock)
    world.runner.run_once("box")
    assert float(world.shown("exporter_last_success") or 0) == start
    world.clock.now += pause
    world.runner.run_once("box")
    assert float(world.shown("exporter_unbroken_since") or 0) == start + (0 if continues else duration + pause)
    assert float(world.shown("exporter_fresh_limit") or 0) == limit


def test_reading_everything_goes_on_until_nothing_is_left() -> None:
    seen: list[int] = []

    def refresh(out: Refresh) -> None:
        seen.append(1)
        out.backlog = 3 - len(seen)

    source = Source("toy", "A toy.", (THINGS,), lambda _: [Area("box", [THINGS], 15, refresh)])
    assert Runner(source, context(source="toy")).read_everything()
    assert len(seen) == 3


def test_areas_refresh_in_the_background_each_at_its_own_interval(wait_until: Callable[..., None]) -> None:
    passes: list[str] = []
    areas = [
        Area(name, [], every_seconds, lambda _, name=name: passes.append(name))  # type: ignore[misc]  # bound now
        for name, every_seconds in (("slow", 86_400), ("quick", 0.01))
    ]
    opened = context(source="toy")
    runner = Runner(Source("toy", "A toy.", (), lambda _: areas), opened)
    runner.start()
    try:
        wait_until(lambda: passes.count("quick") >= 3 and "slow" in passes)
    finally:
        runner.stop()
    assert passes.count("slow") == 1
    assert opened.stopping.is_set()


def test_an_area_that_ended_its_pass_early_is_served_and_continues_at_once(wait_until: Callable[..., None]) -> None:
    world = World()
    shown: list[str | None] = []

    def refresh(out: Refresh) -> None:
        shown.append(world.shown("things"))
        world.refresh(out)
        out.continues = world.things < 3

    source = Source("toy", "A toy.", (THINGS,), lambda _: [Area("box", [THINGS], 86_400, refresh)])
    world.runner = Runner(source, context(source="toy"))
    world.runner.start()
    try:
        wait_until(lambda: world.shown("things") == "3")
    finally:
        world.runner.stop()
    assert shown == [None, "1", "2"]


def test_one_process_a_source(tmp_path: Path) -> None:
    world, place, loaded = World(), StartupSettings(tmp_path), load()
    with open_source(world.source(), place, loaded, world.clock):
        with (
            pytest.raises(NervesysError, match="another toy exporter"),
            open_source(world.source(), place, loaded, world.clock),
        ):
            pass
        with open_source(world.source(), place, loaded, world.clock, once=True) as beside:
            assert beside.read_everything()
    with open_source(world.source(), place, loaded, world.clock):
        pass


def test_shards_run_side_by_side_with_a_memory_of_their_own(tmp_path: Path) -> None:
    world, place, loaded = World(), StartupSettings(tmp_path), load()

    def opened(number: int, count: int) -> AbstractContextManager[Runner]:
        return open_source(world.source(), place, loaded, world.clock, shard=Shard(number, count))

    with opened(1, 2), opened(2, 2), opened(1, 3), pytest.raises(NervesysError, match="another toy"), opened(1, 2):
        pass
    caches = sorted(path.name for path in tmp_path.rglob("*.sqlite3"))
    assert caches == ["toy-1-of-2-by-server.sqlite3", "toy-1-of-3-by-server.sqlite3", "toy-2-of-2-by-server.sqlite3"]


def test_a_home_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where a folder should be")
    world = World()
    with (
        pytest.raises(NervesysError, match="--home"),
        open_source(world.source(), StartupSettings(tmp_path), load(), world.clock),
    ):
        pass


def test_a_full_disk_fails_a_pass_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    world.error = sqlite3.OperationalError("database or disk is full")
    assert not world.runner.run_once("box")
    assert [record.message for record in caplog.records] == ["toy: box: database or disk is full"]
    assert "Traceback" not in caplog.text
