"""Areas `agents` and `metrics`: heartbeats from one LIST, bodies only when they changed, one reporter a server.

Covers: exporters.store.agents, exporters.store.agent_families, exporters.store.agent_samples, exporters.store.metrics,
exporters.store.bodies, exporters.store.shared_state.
"""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from exporters.runner import WHOLE, Cache, Refresh, Shard
from exporters.shared.admission import NameAdmission
from exporters.store import agent_families, bodies, metrics
from exporters.store.agents import AgentsArea
from exporters.store.metrics import MetricsArea, choose_reporters
from exporters.store.pass_budget import PassBudget
from exporters.store.shared_state import ServerReport, SharedState
from nervesys.contract import ServerMetrics
from nervesys.contract.logs import LEVELS
from nervesys.contract.state import COUNTERS
from nervesys.contract.times import format_time
from nervesys.errors import ObjectRefused, StoreUnavailable
from nervesys.stores.objects import Listing
from tests.exporters.kit import HandClock, Rejections, context
from tests.exporters.store.bucket import Bucket, read_series

KEY = "db/agents/grok_state.json"
BEAT = 'agent_heartbeat_timestamp_seconds{agent="grok"}'
RUNNING = 'agent_status{agent="grok",status="running"}'


class World:
    """A bucket, a cache on disk, and the two areas, which may be started again."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.bucket = Bucket(home / "bucket")
        self.clock = HandClock(1_800_000_000.0)
        self.pins: dict[str, str] = {}
        self.shard = WHOLE
        self.start()

    def start(self) -> None:
        opened = context(self.clock, Cache(self.home / "cache.sqlite3"), shard=self.shard)
        self.shared = shared = SharedState()
        pinned = {
            name: config.model_copy(update={"server": self.pins.get(name)}) for name, config in opened.agents.items()
        }
        opened = replace(opened, agents=pinned)
        self.rejections = Rejections(opened.health.reject)
        self.areas = [
            (AgentsArea(self.bucket, opened, shared).refresh, Refresh(agent_families.FAMILIES, self.rejections)),
            (MetricsArea(self.bucket, opened, shared).refresh, Refresh(metrics.FAMILIES, self.rejections)),
        ]

    def beat(self, agent: str = "grok", *, ahead: float = 0, **state: object) -> None:
        """An agent writes its state now."""
        at = self.clock.now + ahead
        body = {"agent_id": agent, "server": "srv1", "status": "running", "timestamp": format_time(at), **state}
        self.bucket.lay(f"db/agents/{agent}_state.json", json.dumps(body).encode(), at)

    def run(self, later: float = 15) -> dict[str, float]:
        """One pass over both areas; what they show afterwards."""
        self.clock.now += later
        self.bucket.forget()
        seen: dict[str, float] = {}
        for refresh, out in self.areas:
            refresh(out)
            seen |= read_series(out.snapshot().plain)
        return seen


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_body_is_fetched_once_for_each_version_and_not_again_after_a_restart(world: World) -> None:
    world.beat()
    world.run()
    assert world.bucket.gets == [KEY]
    world.run()
    world.start()
    assert world.run()[RUNNING] == 1
    assert world.bucket.gets == []


def test_last_modified_that_moved_alone_moves_the_heartbeat_without_a_fetch(world: World) -> None:
    world.beat()
    before = world.run()
    world.bucket.lay(KEY, (world.bucket.root / KEY).read_bytes(), world.clock.now)
    assert world.run() == {**before, BEAT: world.clock.now - 15}
    assert world.bucket.gets == []


def test_skew_is_measured_against_the_date_of_the_response_with_the_body(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.beat()
    listing, listed = world.bucket.list, world.clock.now

    def list_and_write_again(prefix: str, *, recursive: bool = True) -> Listing:
        before = listing(prefix, recursive=recursive)
        world.clock.now = listed + 60
        world.beat()
        return before

    monkeypatch.setattr(world.bucket, "list", list_and_write_again)
    assert world.run()['agent_clock_skew_seconds{agent="grok"}'] == 0


@pytest.fixture
def one_body_a_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passes that have time for a single body."""
    monkeypatch.setattr(bodies, "TURN_OBJECTS", 1)
    monkeypatch.setattr(PassBudget, "turn_seconds", lambda _: 0)


@pytest.mark.usefixtures("one_body_a_pass")
def test_the_last_state_of_an_agent_is_read_before_those_of_agents_that_write_on(world: World) -> None:
    agents = ("chatgpt", "copilot", "deepseek", "grok")
    for _ in agents:
        for agent in agents:
            world.beat(agent)
        world.run()
    for agent in agents:
        world.beat(agent, status="stopped" if agent == "grok" else "running")
    world.clock.now += 91
    for agent in agents[:-1]:
        world.beat(agent)
    shown = world.run(0)
    assert world.bucket.gets == [KEY]
    assert shown['agent_status{agent="grok",status="stopped"}'] == 1
    reads = []
    for _ in range(2 * len(agents)):
        for agent in agents[:-1]:
            world.beat(agent)
        shown = world.run(20)
        reads += world.bucket.gets
        heartbeats = [shown[f'agent_heartbeat_timestamp_seconds{{agent="{agent}"}}'] for agent in agents[:-1]]
        assert heartbeats == [world.clock.now - 20] * 3, "a heartbeat needs no body"
    assert len(set(reads[:3])) == 3, "in turns"


@pytest.mark.usefixtures("one_body_a_pass")
def test_at_a_start_every_heartbeat_shows_at_once_and_bodies_follow(world: World) -> None:
    agents = ("chatgpt", "copilot", "grok")
    for agent in agents:
        server = f"srv-of-{agent}"
        world.beat(agent, server=server, metrics=metrics_of(server, world.clock.now))
        world.bucket.lay(f"db/metrics/{server}/2027-01-15/08/0000_{agent}.json", b"{", world.clock.now)
    backlogs = []
    for number in range(1, 4):
        shown = world.run()
        assert len([series for series in shown if series.startswith("agent_heartbeat")]) == 3
        assert len([series for series in shown if series.startswith("server_cpu")]) == number
        assert not [prefix for prefix in world.bucket.lists if prefix.startswith("db/metrics/srv")]
        assert (world.shared.known_agents is None) == (number < 3)
        backlogs.append((world.areas[0][1].backlog, world.areas[0][1].continues))
        world.areas[0][1].continues = False
    assert backlogs == [(2, True), (1, True), (0, False)]


@pytest.mark.usefixtures("one_body_a_pass")
def test_a_body_that_waits_for_its_turn_is_dated_by_itself_and_not_shown_for_ever(world: World) -> None:
    skew = 'agent_clock_skew_seconds{agent="grok"}'
    world.beat()
    world.beat("gimai")
    world.run()
    world.run()
    world.bucket.refused = {KEY: ObjectRefused}
    world.clock.now += 60
    world.beat("gimai", status="degraded")
    world.beat()
    waiting = world.run()
    assert (waiting[skew], waiting[RUNNING]) == (0, 1)
    world.clock.now += 270
    world.beat("gimai", status="degraded")
    world.beat()
    shown = world.run()
    assert shown[BEAT] == world.clock.now - 15
    assert skew not in shown
    assert RUNNING not in shown


def test_a_rejected_body_is_counted_once_and_its_heartbeat_stands(world: World) -> None:
    world.bucket.lay(KEY, b"{", world.clock.now)
    for _ in range(3):
        assert world.run()[BEAT] == 1_800_000_000
    world.start()
    world.run()
    assert world.rejections.all == []
    world.bucket.lay(KEY, b"[", world.clock.now)
    world.run()
    assert world.rejections.all == [("bad_json", KEY)]


def test_the_gauges_of_a_silent_agent_end_but_its_heartbeat_stays(world: World) -> None:
    world.beat(buffer={"bytes": 5})
    assert world.run(300)[RUNNING] == 1
    gone = world.run(1)
    assert RUNNING not in gone
    assert 'agent_buffer_bytes{agent="grok"}' not in gone
    assert gone[BEAT] == 1_800_000_000


def test_dropped_records_are_exported_for_every_level(world: World) -> None:
    world.beat(buffer={"bytes": 5, "dropped": {"DEBUG": 7, "WARNING": 2}})
    series = world.run()
    dropped = {level: series[f'agent_dropped_records_total{{agent="grok",level="{level}"}}'] for level in LEVELS}
    assert dropped == {"DEBUG": 7, "INFO": 0, "WARN": 2, "ERROR": 0}
    world.beat(buffer={"bytes": 5})
    assert not [series for series in world.run() if "dropped" in series]


def test_damaged_buffers_are_exported_also_once_the_agent_is_gone(world: World) -> None:
    damaged = 'agent_damaged_buffers_total{agent="grok"}'
    world.beat(buffer={"bytes": 5})
    assert damaged not in world.run()
    world.beat(buffer={"bytes": 5, "set_aside": 1})
    assert world.run()[damaged] == world.run(301)[damaged] == 1


def test_a_heartbeat_from_the_future_leaves_the_agent_at_its_last_valid_heartbeat(world: World) -> None:
    world.beat()
    world.run()
    world.beat(ahead=3600)
    for _ in range(3):
        assert world.run()[BEAT] == 1_800_000_000
    assert world.rejections.all == [("future", KEY)]


def test_an_agent_that_is_taken_out_of_the_store_vanishes(world: World) -> None:
    world.beat()
    world.run()
    world.bucket.delete(KEY)
    assert world.run() == {}


def test_a_store_that_returns_no_object_at_all_fails_the_pass(world: World) -> None:
    for agent in ("a", "b", "c"):
        world.beat(agent)
    world.bucket.gets_left = 0
    with pytest.raises(StoreUnavailable):
        world.run()
    world.bucket.gets_left = 100
    assert len(world.run()) > 3
    assert len(world.bucket.gets) == 3


@pytest.mark.parametrize("error", [ObjectRefused, StoreUnavailable])
def test_an_object_that_cannot_be_read_costs_itself_and_is_read_again_later(
    world: World, error: type[StoreUnavailable]
) -> None:
    world.beat()
    world.beat("gimai")
    world.bucket.refused = {"db/agents/gimai_state.json": error}
    shown = world.run()
    assert (shown[RUNNING], shown['agent_heartbeat_timestamp_seconds{agent="gimai"}']) == (1, 1_800_000_000)
    assert 'agent_status{agent="gimai",status="running"}' not in shown
    assert world.rejections.all == [("unreadable", "db/agents/gimai_state.json")]
    world.beat()
    world.run()
    assert world.bucket.gets == [KEY], "not at every pass"
    world.bucket.refused = {}
    assert world.run(60)['agent_status{agent="gimai",status="running"}'] == 1


def test_where_only_refused_objects_changed_one_that_was_read_before_shows_that_the_store_is_well(world: World) -> None:
    world.beat()
    world.run()
    world.beat("gimai")
    world.bucket.refused = {"db/agents/gimai_state.json": ObjectRefused}
    assert world.run()[RUNNING] == 1
    world.beat("chatgpt")
    world.bucket.refused |= {KEY: ObjectRefused, "db/agents/chatgpt_state.json": ObjectRefused}
    with pytest.raises(ObjectRefused):
        world.run()


def test_only_configured_agents_and_those_with_a_valid_state_have_series(world: World) -> None:
    for agent in ("grok", "visitor", "bad name!", "fake"):
        world.beat(agent)
    world.bucket.lay("db/agents/fake_state.json", b"{", world.clock.now)
    world.bucket.lay("db/agents/gimai_state.json", b"{", world.clock.now)
    heartbeats = {series for series in world.run() if series.startswith("agent_heartbeat")}
    names = ("gimai", "grok", "visitor")
    assert heartbeats == {f'agent_heartbeat_timestamp_seconds{{agent="{name}"}}' for name in names}
    world.bucket.lay("db/agents/visitor_state.json", b"{", world.clock.now)
    assert 'agent_heartbeat_timestamp_seconds{agent="visitor"}' in world.run(), "one bad body does not end its series"


def test_agents_of_other_shards_are_known_but_not_shown(world: World) -> None:
    names = [f"visitor-{number}" for number in range(8)]
    for agent in names:
        world.beat(agent)
    world.shard = Shard(1, 2)
    world.start()
    shown = [series for series in world.run() if series.startswith("agent_heartbeat")]
    assert len(shown) == sum(map(world.shard.owns, names)) < len(names)
    assert world.shared.known_agents == frozenset(names)


def test_agents_that_the_brain_does_not_name_are_bounded_and_the_first_ones_stay(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(NameAdmission.__init__, "__defaults__", (2, ()))
    world.start()
    world.beat("zoe")
    world.run()
    for agent in ("a", "b", "c", "grok"):
        world.beat(agent)
    expected = {f'agent_heartbeat_timestamp_seconds{{agent="{name}"}}' for name in ("a", "grok", "zoe")}
    assert {series for series in world.run() if series.startswith("agent_heartbeat")} == expected
    world.start()
    assert {series for series in world.run() if series.startswith("agent_heartbeat")} == expected


def test_custom_counters_that_were_first_keep_their_series(world: World) -> None:
    first = {f"m{number:02}": 1 for number in range(COUNTERS)}
    world.beat(counters=first)
    world.run()
    world.beat(counters={"a": 1, **first})
    shown = {series for series in world.run() if series.startswith("agent_custom")}
    assert shown == {f'agent_custom_events_total{{agent="grok",counter="{name}"}}' for name in first}


def metrics_of(server: str, at: float, cpu: float = 50) -> dict[str, object]:
    return {"timestamp": format_time(at), "server": server, "cpu_percent": cpu}


def test_a_state_says_nothing_about_a_server_that_is_pinned_to_others(world: World) -> None:
    world.pins = {"grok": "srv1", "gimai": "srv2"}
    world.start()
    now = world.clock.now
    world.beat("visitor", metrics=metrics_of("srv1", now, 99))
    world.beat("gimai", metrics=metrics_of("srv1", now, 99))
    world.beat("chatgpt", server="srv3", metrics=metrics_of("srv4", now))
    shown = world.run()
    assert not [series for series in shown if series.startswith("server_cpu_ratio")]
    assert 'agent_info{agent="gimai",server="srv2",role="",model="",version=""}' in shown
    assert {reason for reason, _ in world.rejections.all} == {"wrong_owner"}
    assert len(world.rejections.all) == 3
    world.beat("grok", metrics=metrics_of("srv1", world.clock.now, 10))
    assert world.run()['server_cpu_ratio{server="srv1"}'] == 0.1


def test_the_state_of_one_agent_under_the_name_of_another_is_no_state(world: World) -> None:
    world.beat(agent_id="gimai")
    shown = world.run()
    assert RUNNING not in shown
    assert world.rejections.all == [("wrong_owner", KEY)]


def test_a_metrics_object_is_about_the_server_of_its_key_and_by_a_known_agent(world: World) -> None:
    now = world.clock.now
    day = "2027-01-15/08"

    def lay(folder: str, agent: str, **more: object) -> None:
        body = metrics_of(folder, now) | more
        world.bucket.lay(f"db/metrics/{folder}/{day}/0000_{agent}.json", json.dumps(body).encode(), now)

    lay("srv5", "grok")
    lay("srv6", "grok", server="srv9")
    lay("srv7", "fake")
    lay("srv8", "grok", agent_id="gimai")
    cpu = {series for series in world.run() if series.startswith("server_cpu_ratio")}
    assert cpu == {'server_cpu_ratio{server="srv5"}'}
    assert sorted(reason for reason, _ in world.rejections.all) == ["unknown_agent", "wrong_owner", "wrong_owner"]


def test_just_after_the_hour_the_hour_before_is_read_too(world: World) -> None:
    world.clock.now = 1_800_000_000 // 3600 * 3600 - 10.0
    key = "db/metrics/srv9/2027-01-15/07/5950_grok.json"
    body = {"timestamp": format_time(world.clock.now), "server": "srv9", "cpu_percent": 50}
    world.bucket.lay(key, json.dumps(body).encode(), world.clock.now)
    assert world.run(20)['server_cpu_ratio{server="srv9"}'] == 0.5
    assert 'server_cpu_ratio{server="srv9"}' not in world.run(600)


def test_nothing_is_listed_below_a_server_that_a_state_reports(world: World) -> None:
    world.beat(metrics={"timestamp": format_time(world.clock.now), "server": "srv1", "cpu_percent": 10})
    world.bucket.lay("db/metrics/srv1/2027-01-15/08/0000_grok.json", b"never read", world.clock.now)
    assert world.run()['server_cpu_ratio{server="srv1"}'] == 0.1
    assert world.bucket.lists == ["db/agents/", "db/metrics/"]


def report(agent: str, at: float) -> ServerReport:
    return ServerReport(agent, at, ServerMetrics(timestamp=at, server="srv1"))


@pytest.mark.parametrize(
    ("before", "reports", "chosen"),
    [
        pytest.param({}, [report("a", 99), report("b", 100)], "b", id="at first the newest"),
        pytest.param({"srv1": "a"}, [report("a", 91), report("b", 100)], "a", id="it stays while it is live"),
        pytest.param({"srv1": "a"}, [report("a", 10), report("b", 95)], "b", id="a stale one is replaced"),
        pytest.param({"srv1": "b"}, [report("a", 10), report("b", 5)], "b", id="of the stale it stays too"),
        pytest.param({"srv1": "gone"}, [report("a", 95)], "a", id="one that is gone is replaced"),
    ],
)
def test_a_server_has_one_reporter(before: dict[str, str], reports: list[ServerReport], chosen: str) -> None:
    found = choose_reporters(reports, before, lambda it: it.at > 90)
    assert {server: it.agent for server, it in found.items()} == {"srv1": chosen}


def test_two_instances_that_take_turns_are_counted_and_a_restart_is_not(world: World) -> None:
    alternations, seen = 'agent_alternations_total{agent="grok"}', []
    for instance in ("one", "one", "two", "two", "one", "two", "two"):
        world.beat(instance_id=instance)
        seen.append(world.run()[alternations])
    assert seen == [0, 0, 0, 0, 1, 2, 2]
