"""Heartbeats as the receiver reads them, and when it must not judge by them.

Covers: alerting.journal.store_reads.
"""

import math
import os
from dataclasses import replace
from pathlib import Path

import pytest

from alerting.journal import Journal
from alerting.journal.store_reads import StoreReads, keep_store_reads, read_store_reads
from alerting.receiver.watch import HeartbeatReader
from nervesys.contract import Status
from nervesys.errors import StoreUnavailable
from nervesys.settings import Settings, load
from nervesys.stores.objects import Listing
from tests.alerting.receiver.simulation import START, BreakableStore, Simulation, a_fleet, agent_down


class ClockedStore(BreakableStore):
    """A store that has a clock, as S3 servers do."""

    offset = 0.0
    now = START

    def list(self, prefix: str, *, recursive: bool = True) -> Listing:
        return replace(super().list(prefix, recursive=recursive), clock=self.now + self.offset)


@pytest.fixture
def sim(tmp_path: Path) -> Simulation:
    """Agents that have been watched for a while."""
    sim = Simulation(tmp_path, a_fleet("grok", "gimai"))
    sim.lives("grok", "one")
    sim.passes(30)
    return sim


def put(sim: Simulation, name: str, body: bytes, at: float) -> None:
    sim.store.put(f"db/agents/{name}_state.json", body)
    os.utime(sim.store._root / f"db/agents/{name}_state.json", (at, at))


def test_it_sees_age_and_state(sim: Simulation) -> None:
    sim.now += 7
    seen = sim.healer.watch.observe("grok", sim.healer.watch.list_heartbeats())
    assert (seen.blind, seen.age, seen.server) == ("", 7, "alpha")
    assert seen.state is not None
    assert seen.state.instance_id == "one"


def test_for_people_a_recent_listing_is_not_made_anew(sim: Simulation, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of ten thousand agents it takes ten requests."""
    listed: list[str] = []
    whole = sim.store.list

    def counted(prefix: str) -> Listing:
        listed.append(prefix)
        return whole(prefix)

    monkeypatch.setattr(sim.store, "list", counted)
    sim.healer.watch.list_heartbeats()
    last = sim.healer.watch.last_state("grok")
    assert last is not None
    assert last[0] == sim.now
    assert len(listed) == 1
    assert sim.healer.watch.last_state("gimai") is None
    assert len(listed) == 2, "it may have started since"
    sim.now += 60
    sim.healer.watch.last_state("grok")
    assert len(listed) == 3


def test_an_agent_that_never_spoke_is_infinitely_silent(sim: Simulation) -> None:
    seen = sim.healer.watch.observe("gimai", sim.healer.watch.list_heartbeats())
    assert (seen.age, seen.state) == (math.inf, None)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="cut short"),
        pytest.param(b'{"agent_id": 7}', id="no state"),
        pytest.param(b" " * ((1 << 16) + 1), id="beyond all measure"),
        pytest.param(b'{"agent_id": "grok", "status": "stopped", "timestamp": 0}', id="the state of another agent"),
    ],
)
def test_a_bad_body_costs_the_state_and_not_the_heartbeat(sim: Simulation, body: bytes) -> None:
    put(sim, "gimai", body, sim.now - 3)
    seen = sim.healer.watch.observe("gimai", sim.healer.watch.list_heartbeats())
    assert (seen.blind, seen.age, seen.state) == ("", 3, None)


def test_a_heartbeat_from_the_future_is_not_believed(sim: Simulation) -> None:
    sim.now += 3600
    sim.beats("gimai", "one")
    sim.now -= 3600
    assert sim.healer.watch.observe("gimai", sim.healer.watch.list_heartbeats()).age == math.inf


def test_names_in_capitals_are_the_same_agent_and_other_names_are_nobody(sim: Simulation) -> None:
    sim.beats("GIMAI", "one")
    put(sim, "not_a_name!", b"{}", sim.now)
    assert set(sim.healer.watch.list_heartbeats().heartbeats) == {"grok", "gimai"}


@pytest.mark.parametrize(("capitals", "small"), [(5, 100), (100, 5)])
def test_of_two_names_of_one_agent_the_newest_heartbeat_counts(sim: Simulation, capitals: float, small: float) -> None:
    put(sim, "GIMAI", b"{}", sim.now - capitals)
    put(sim, "gimai", b"{}", sim.now - small)
    assert sim.healer.watch.observe("gimai", sim.healer.watch.list_heartbeats()).age == 5


def test_a_state_is_fetched_once_for_each_heartbeat(sim: Simulation, monkeypatch: pytest.MonkeyPatch) -> None:
    watch, fetched, get = sim.healer.watch, list[str](), sim.store.get

    def counted(key: str, *, max_bytes: int) -> bytes:
        fetched.append(key)
        return get(key, max_bytes=max_bytes)

    monkeypatch.setattr(sim.store, "get", counted)
    sim.beats("grok", "two")
    for _ in range(3):
        seen = watch.observe("grok", watch.list_heartbeats())
        assert seen.state is not None
        assert seen.state.instance_id == "two"
    assert fetched == ["db/agents/grok_state.json"]


@pytest.fixture
def settings() -> Settings:
    return load(profile="local").settings


def test_it_judges_only_after_an_unbroken_while(sim: Simulation, settings: Settings) -> None:
    watch = HeartbeatReader(sim.store, settings, sim.clock)
    doubts = []
    for seconds in (0, 5, 9, 1, 30, 15):
        sim.now += seconds
        doubts.append(bool(watch.list_heartbeats().blind))
    assert doubts == [True, True, True, False, True, False], "GRACE is 15 s, and a gap of 30 s breaks the run"


def test_listings_that_take_long_are_one_run(tmp_path: Path, settings: Settings) -> None:
    class SlowStore(BreakableStore):
        now = START

        def list(self, prefix: str, *, recursive: bool = True) -> Listing:
            self.now += 100.0
            return super().list(prefix, recursive=recursive)

    (tmp_path / "bucket").mkdir()
    store = SlowStore(tmp_path / "bucket")
    watch = HeartbeatReader(store, settings, lambda: store.now)
    limit = watch.fresh_seconds
    for _ in range(3):
        watch.list_heartbeats()
        store.now += limit
    assert watch.reads is not None
    assert watch.reads.unbroken_since == START
    assert watch.fresh_seconds > limit, "a receiver that starts again grants the same pause"


def test_clocks_far_apart_make_it_blind(sim: Simulation, settings: Settings, tmp_path: Path) -> None:
    store = ClockedStore(tmp_path / "bucket")
    watch = HeartbeatReader(store, settings, lambda: store.now)
    for store.offset, blind in ((0.0, True), (29.0, False), (31.0, True), (-31.0, True), (0.0, False)):
        store.now += 15
        look = watch.list_heartbeats()
        assert bool(look.blind) is blind
        assert look.clock_off is (abs(store.offset) > 30)


def test_a_store_that_refuses_the_clock_reports_its_own(sim: Simulation, settings: Settings) -> None:
    watch, sim.store.broken = HeartbeatReader(sim.store, settings, sim.clock), True
    for clock, astray in ((None, False), (sim.now, False), (sim.now - 3600, True)):
        sim.store.refusal = StoreUnavailable("list: RequestTimeTooSkewed", clock)
        look = watch.list_heartbeats()
        assert (bool(look.blind), look.clock_off) == (True, astray)


def test_only_those_count_as_down_that_fell(sim: Simulation) -> None:
    sim.passes(5)
    sim.beats("gimai", "one", Status.STOPPED)
    put(sim, "copilot", b"{", sim.now)
    sim.dies("grok")
    sim.passes(60)
    look = sim.healer.watch.list_heartbeats()
    assert len(sim.healer.watch.list_down(["grok", "gimai", "copilot", "unseen"], look)) == 2


def dead_for_a_while(tmp_path: Path) -> Simulation:
    sim = Simulation(tmp_path, a_fleet("grok", "gimai", "copilot", "chatgpt"))
    for agent in sim.fleet.agents:
        sim.lives(agent, "one")
    sim.passes(30)
    sim.dies("grok")
    sim.passes(35)
    return sim


def test_a_restart_of_the_receiver_makes_nobody_blind(tmp_path: Path) -> None:
    sim = dead_for_a_while(tmp_path)
    sim.start()
    sim.receive(agent_down("grok"))
    sim.passes(10)
    assert sim.driver.calls == ["grok"], "at once, and not after the grace period"


def test_a_receiver_that_was_away_for_long_waits_for_the_grace_period(tmp_path: Path) -> None:
    sim = dead_for_a_while(tmp_path)
    sim.now += 300
    sim.beat_all()
    sim.start()
    sim.receive(agent_down("grok"))
    sim.passes(5)
    assert sim.driver.calls == []
    assert sim.story()[-1] == "blind"


def test_the_run_of_another_receiver_counts_and_a_break_ends_it(tmp_path: Path) -> None:
    journal = Journal.open(f"sqlite:///{tmp_path / 'journal.sqlite3'}")
    stored = []
    with journal.alone() as connection:
        for since, last in ((100, 200), (190, 205), (190, 220), (500, 500)):
            keep_store_reads(connection, StoreReads(since, last), fresh=60, every=15)
            stored.append(read_store_reads(connection))
    assert stored == [StoreReads(100, 200), StoreReads(100, 200), StoreReads(100, 220), StoreReads(500, 500)]
