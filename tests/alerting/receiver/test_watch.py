"""The receiver's eyes: what it sees, and when it says that it cannot judge."""

import math
import os
from dataclasses import replace
from pathlib import Path

import pytest

from alerting.receiver.watch import Watch
from nervesys.contract import Status
from nervesys.errors import StoreUnavailable
from nervesys.settings import Settings, load
from nervesys.stores.objects import Listing
from tests.alerting.receiver.world import START, BreakableStore, World, a_fleet


class ClockedStore(BreakableStore):
    """A store that tells the time, as S3 servers do."""

    offset = 0.0
    now = START

    def list(self, prefix: str, *, recursive: bool = True) -> Listing:
        return replace(super().list(prefix, recursive=recursive), clock=self.now + self.offset)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Agents that have been watched for a while."""
    world = World(tmp_path, a_fleet("grok", "gimai"))
    world.lives("grok", "one")
    world.passes(30)
    return world


def put(world: World, name: str, body: bytes, at: float) -> None:
    world.store.put(f"db/agents/{name}_state.json", body)
    os.utime(world.store._root / f"db/agents/{name}_state.json", (at, at))


def test_it_sees_age_and_state(world: World) -> None:
    world.now += 7
    seen = world.healer.watch.sight("grok", world.healer.watch.look())
    assert (seen.blind, seen.age, seen.server) == ("", 7, "alpha")
    assert seen.state is not None
    assert seen.state.instance_id == "one"


def test_an_agent_that_never_spoke_is_infinitely_silent(world: World) -> None:
    seen = world.healer.watch.sight("gimai", world.healer.watch.look())
    assert (seen.age, seen.state) == (math.inf, None)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="cut short"),
        pytest.param(b'{"agent_id": 7}', id="no state"),
        pytest.param(b" " * ((1 << 20) + 1), id="beyond all measure"),
    ],
)
def test_a_bad_body_costs_the_state_and_not_the_heartbeat(world: World, body: bytes) -> None:
    put(world, "gimai", body, world.now - 3)
    seen = world.healer.watch.sight("gimai", world.healer.watch.look())
    assert (seen.blind, seen.age, seen.state) == ("", 3, None)


def test_a_heartbeat_from_the_future_is_not_believed(world: World) -> None:
    world.now += 3600
    world.beats("gimai", "one")
    world.now -= 3600
    assert world.healer.watch.sight("gimai", world.healer.watch.look()).age == math.inf


def test_names_in_capitals_are_the_same_agent_and_other_names_are_nobody(world: World) -> None:
    world.beats("GIMAI", "one")
    put(world, "not_a_name!", b"{}", world.now)
    assert set(world.healer.watch.look().heartbeats) == {"grok", "gimai"}


@pytest.mark.parametrize(("capitals", "small"), [(5, 100), (100, 5)])
def test_of_two_names_of_one_agent_the_newest_heartbeat_counts(world: World, capitals: float, small: float) -> None:
    put(world, "GIMAI", b"{}", world.now - capitals)
    put(world, "gimai", b"{}", world.now - small)
    assert world.healer.watch.sight("gimai", world.healer.watch.look()).age == 5


def test_a_state_is_fetched_once_for_each_heartbeat(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    watch, fetched, get = world.healer.watch, list[str](), world.store.get

    def counted(key: str, *, max_bytes: int) -> bytes:
        fetched.append(key)
        return get(key, max_bytes=max_bytes)

    monkeypatch.setattr(world.store, "get", counted)
    world.beats("grok", "two")
    for _ in range(3):
        seen = watch.sight("grok", watch.look())
        assert seen.state is not None
        assert seen.state.instance_id == "two"
    assert fetched == ["db/agents/grok_state.json"]


@pytest.fixture
def settings() -> Settings:
    return load(profile="local").settings


def test_it_judges_only_after_an_unbroken_while(world: World, settings: Settings) -> None:
    watch = Watch(world.store, settings, world.clock)
    doubts = []
    for seconds in (0, 5, 9, 1, 30, 15):
        world.now += seconds
        doubts.append(bool(watch.look().blind))
    assert doubts == [True, True, True, False, True, False], "GRACE is 15 s, and a gap of 30 s breaks the run"


def test_clocks_far_apart_make_it_blind(world: World, settings: Settings, tmp_path: Path) -> None:
    store = ClockedStore(tmp_path / "bucket")
    watch = Watch(store, settings, lambda: store.now)
    for store.offset, blind in ((0.0, True), (29.0, False), (31.0, True), (-31.0, True), (0.0, False)):
        store.now += 15
        look = watch.look()
        assert bool(look.blind) is blind
        assert look.astray is (abs(store.offset) > 30)


def test_a_store_that_refuses_our_clock_has_told_its_own(world: World, settings: Settings) -> None:
    watch, world.store.broken = Watch(world.store, settings, world.clock), True
    for clock, astray in ((None, False), (world.now, False), (world.now - 3600, True)):
        world.store.refusal = StoreUnavailable("list: RequestTimeTooSkewed", clock)
        look = watch.look()
        assert (bool(look.blind), look.astray) == (True, astray)


def test_only_those_count_as_down_that_fell(world: World) -> None:
    world.passes(5)
    world.beats("gimai", "one", Status.STOPPED)
    put(world, "copilot", b"{", world.now)
    world.dies("grok")
    world.passes(60)
    look = world.healer.watch.look()
    assert world.healer.watch.down(["grok", "gimai", "copilot", "unseen"], look) == 2
