"""Area `logs`: every record counted once, at a cost that follows change.

Covers: exporters.store.logs, exporters.store.counted_objects, exporters.store.unread,
exporters.store.folder_scheduler, exporters.store.folder_listings, exporters.store.rounds, exporters.store.totals,
exporters.store.newest_logs, exporters.shared.records.
"""

import gzip
import json
import sqlite3
from pathlib import Path

import pyrage
import pytest
from pydantic import SecretStr

from exporters.runner import WHOLE, Cache, Refresh, Shard
from exporters.shared.records import MAX_RECIPIENTS
from exporters.store import counted_objects, folder_listings, logs, rounds
from exporters.store.counted_objects import GONE_DAYS, RECHECKS
from exporters.store.logs import LogsArea
from exporters.store.ownership import Ownership
from exporters.store.shared_state import SharedState
from nervesys.contract.times import utc
from nervesys.errors import ObjectRefused, Reason, StoreUnavailable
from nervesys.stores import lines as limits
from nervesys.stores.encryption import encrypt, set_identity
from nervesys.stores.objects import Listing
from tests.exporters.kit import HandClock, Rejections, context
from tests.exporters.store.bucket import Bucket, read_series

DAY = 86_400.0
AREA = "db/active_logs"
INFO = 'log_records_total{agent="grok",category="activity",level="INFO"}'


class World:
    """A store, a cache on disk, and an exporter that may be started again."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.store = Bucket(home / "bucket")
        self.clock = HandClock(1_800_000_000.0)
        self.known: frozenset[str] | None = frozenset()
        self.start()

    def start(self, *, once: bool = False, shard: Shard = WHOLE) -> None:
        opened = context(self.clock, Cache(self.home / "cache.sqlite3"), once=once, shard=shard)
        self.rejections = Rejections(opened.health.reject)
        self.out = Refresh(logs.FAMILIES, self.rejections)
        self.shared = SharedState()
        self.shared.known_agents = self.known
        self.area = LogsArea(self.store, opened, self.shared)

    def ship(
        self, name: str = "1", *, server: str = "srv1", agent: str = "grok", lines: int = 1, **record: object
    ) -> str:
        """An agent ships a batch now; returns its key."""
        at = utc(self.clock.now)
        key = f"{AREA}/{server}/{at:%Y-%m-%d}/{at:%H%M%S}_{agent}_{name}.jsonl.gz"
        line = json.dumps({"timestamp": at.isoformat(), "agent_id": agent, **record}).encode() + b"\n"
        self.put(key, gzip.compress(line * lines, mtime=0))
        return key

    def put(self, key: str, body: bytes) -> None:
        self.store.lay(key, body, self.clock.now)

    def run(self, later: float = 60) -> dict[str, float]:
        """One pass; what it shows afterwards."""
        self.clock.now += later
        self.store.forget()
        self.area.refresh(self.out)
        return read_series(self.out.snapshot().plain)


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path)
    made.run()
    return made


def test_a_new_series_is_0_for_one_pass_and_then_its_count(world: World) -> None:
    world.ship(lines=50)
    assert world.run()[INFO] == 0
    assert world.run()[INFO] == 50
    world.ship("2", lines=3)
    assert world.run()[INFO] == 53


SHIPPED = 'log_last_shipped_timestamp_seconds{agent="grok"}'


def test_at_a_first_start_the_newest_log_is_what_the_store_shows(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.ship()
    shipped = world.clock.now
    shown = world.run(300)
    assert (shown[SHIPPED], INFO in shown) == (shipped, False)
    world.start()
    assert world.run()[SHIPPED] == shipped
    world.ship("2")
    assert world.run()[SHIPPED] == shipped + 360


def test_an_object_that_was_shipped_during_a_long_pass_is_not_from_the_future(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    listing = world.store.list

    def list_slowly(prefix: str, *, recursive: bool = True) -> Listing:
        if recursive:
            world.clock.now += 200
            world.ship()
        return listing(prefix, recursive=recursive)

    world.ship("0")
    monkeypatch.setattr(world.store, "list", list_slowly)
    world.run()
    assert world.rejections.all == []


def test_the_newest_log_is_found_in_the_folder_of_the_day_before(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.clock.now = 1_800_000_000.0 // DAY * DAY - 60
    world.ship()
    shipped = world.clock.now
    assert world.run(2400)[SHIPPED] == shipped


def test_what_was_counted_before_the_instants_were_kept_is_dated_at_the_start(world: World) -> None:
    world.ship()
    shipped = world.clock.now
    world.run()
    with sqlite3.connect(world.home / "cache.sqlite3") as db:
        db.execute("DELETE FROM body")
    world.start()
    assert world.run()[SHIPPED] == shipped


def test_an_encrypted_log_is_counted_by_who_holds_an_identity_and_named_by_who_does_not(world: World) -> None:
    ours = pyrage.x25519.Identity.generate()
    plain = world.ship(lines=5)
    body = encrypt((world.home / "bucket" / plain).read_bytes(), [str(ours.to_public())])
    (world.home / "bucket" / plain).unlink()
    world.put(f"{plain}.age", body)
    world.run()
    assert world.store.gets == [], "not even fetched"
    assert world.rejections.all == [(Reason.NO_IDENTITY, f"{plain}.age")]
    set_identity(SecretStr(str(ours)))
    try:
        world.run()
        assert world.run()[INFO] == 5
    finally:
        set_identity(None)


def test_a_log_for_others_is_fetched_once_for_each_identity_that_is_held(world: World, tmp_path: Path) -> None:
    ours, others = pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate()
    file = tmp_path / "identity"
    file.write_text(f"{others}\n")
    plain = world.ship(lines=5)
    key = f"{plain}.age"
    body = encrypt((world.home / "bucket" / plain).read_bytes(), [str(ours.to_public())])
    (world.home / "bucket" / plain).unlink()
    world.put(key, body)

    def fetched(later: float = 60) -> list[str]:
        """In some passes, for what is over is looked at in turn."""
        passes = [(world.run(later), world.store.gets) for later in (later, 60, 60)]
        return [key for _, gets in passes for key in gets]

    try:
        set_identity(SecretStr(str(others)), str(file))
        assert fetched() == [key]
        assert world.rejections.all == [(Reason.NO_IDENTITY, key)]
        assert fetched() + fetched(DAY) + fetched() == [], "also once its day is over"
        world.start()
        assert fetched() == [key], "a new start may hold another identity"
        file.write_text(f"{others}\n{ours}\n")
        assert fetched() == [key]
        assert world.run()[INFO] == 5
        world.start()
        assert fetched() == []
        assert world.run()[INFO] == 5
    finally:
        set_identity(None)


def test_errors_of_configured_agents_exist_from_the_start(world: World) -> None:
    now = world.run()
    assert now['log_records_total{agent="grok",category="errors",level="ERROR"}'] == 0


def test_an_object_is_fetched_once_and_a_restart_fetches_nothing(world: World) -> None:
    key = world.ship(lines=5)
    world.run()
    assert world.store.gets == [key]
    assert world.run()[INFO] == 5
    world.start()
    assert world.run()[INFO] == 5, "known to Prometheus already, so not shown at 0 again"
    assert world.store.gets == []


def test_what_lay_there_before_counting_began_is_not_counted(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.ship(lines=1000)
    world.run()
    world.ship("2", lines=2)
    world.run()
    assert world.run()[INFO] == 2


def test_totals_survive_a_new_schema_and_nothing_is_counted_twice(world: World) -> None:
    world.ship(lines=5)
    world.run()
    with sqlite3.connect(world.home / "cache.sqlite3") as db:
        db.execute("PRAGMA user_version = 0")
    world.start()
    assert world.run()[INFO] == 5
    world.ship("2", lines=1)
    assert world.run()[INFO] == 6


def test_a_damaged_cache_is_replaced(world: World) -> None:
    (world.home / "cache.sqlite3").write_bytes(b"no database at all, but long enough to be read as one" * 100)
    for left in ("cache.sqlite3-wal", "cache.sqlite3-shm"):
        (world.home / left).unlink(missing_ok=True)
    world.start()
    world.run()
    world.ship(lines=1)
    world.run()
    assert world.run()[INFO] == 1


def test_an_object_that_is_written_again_adds_only_what_is_more(world: World) -> None:
    key = world.ship(lines=5)
    world.run()
    world.put(key, gzip.compress(gzip.decompress((world.home / "bucket" / key).read_bytes()), 1, mtime=7))
    assert world.run()[INFO] == 5, "the same batch, uploaded twice"
    world.put(key, gzip.compress(gzip.decompress((world.home / "bucket" / key).read_bytes()) * 2))
    assert world.run()[INFO] == 10, "a file that grew"


def test_a_rejected_object_is_counted_once_and_read_again_once_it_is_mended(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    key = world.ship(lines=5)
    whole = (world.home / "bucket" / key).read_bytes()
    world.put(key, whole[:20])
    world.run()
    world.run()
    assert world.rejections.all == [("bad_gzip", key)]
    assert [line.count("bad_gzip") for line in caplog.messages] == [1]
    world.run(2 * DAY)
    world.put(key, whole)
    for _ in range(3):
        now = world.run()
    assert now[INFO] == 5


def test_around_midnight_both_days_are_listed_then_only_the_new_day(world: World) -> None:
    world.clock.now = 1_800_000_000.0 // DAY * DAY + DAY - 120
    world.ship(lines=1)
    world.run()
    world.run(300)
    assert len([folder for folder in world.store.lists if folder.startswith(f"{AREA}/srv1/2")]) == 2
    world.run(3600)
    world.run()
    today = f"{AREA}/srv1/{utc(world.clock.now):%Y-%m-%d}/"
    assert today in world.store.lists


def test_a_straggler_in_a_day_that_is_over_is_found_in_turn(world: World) -> None:
    world.ship(lines=1)
    world.run()
    world.run()
    key = world.ship("late", lines=2)
    (world.home / "bucket" / key).unlink()
    world.run(2 * DAY)
    world.put(key, gzip.compress(b'{"timestamp": 0, "agent_id": "grok"}\n' * 2))
    passes = [world.run()[INFO] for _ in range(4)]
    assert passes[-1] == 3
    world.start()
    assert world.run()[INFO] == 3


@pytest.mark.parametrize("days", [3, 30])
def test_a_steady_pass_lists_one_folder_a_server_however_many_days(tmp_path: Path, days: int) -> None:
    world = World(tmp_path)
    world.clock.now -= days * DAY
    for _ in range(days):
        for server in ("srv1", "srv2"):
            world.ship(server=server)
        world.clock.now += DAY
    world.clock.now -= DAY
    world.run()
    world.run()
    for _ in range(3):
        world.run()
        assert len(world.store.lists) <= 1 + 2 + RECHECKS
        assert world.store.gets == []
    assert world.out.backlog == 0


def test_without_time_for_all_folders_those_are_listed_that_waited_longest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, servers = World(tmp_path), [f"srv{number}" for number in range(5)]
    for server in servers:
        world.ship(server=server, agent=f"agent-of-{server}")
    world.run()
    monkeypatch.setattr(folder_listings, "LISTING_SECONDS", 0)
    monkeypatch.setattr(world.area._listings, "_step", 2)
    listed: list[list[str]] = []
    for number in range(6):
        for server in servers:
            world.ship(str(number), server=server)
        world.run()
        listed.append([prefix.split("/")[2] for prefix in world.store.lists if prefix.count("/") == 4])
    assert [len(folders) for folders in listed] == [2] * 6
    assert {server for folders in listed[:3] for server in folders} == set(servers)
    monkeypatch.setattr(folder_listings, "LISTING_SECONDS", 60)
    world.run()
    assert world.run()[INFO] == 6 * len(servers), "late, and none is lost"


def test_a_start_without_time_for_all_folders_has_a_backlog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path)
    for number in range(3):
        world.ship(server=f"srv{number}")
    monkeypatch.setattr(folder_listings, "LISTING_SECONDS", 0)
    monkeypatch.setattr(world.area._listings, "_step", 1)
    backlog = []
    for _ in range(3):
        world.run()
        backlog.append(world.out.backlog)
    assert backlog[0] > backlog[1] > backlog[2] == 0


def test_no_agent_seems_late_while_folders_in_use_are_not_listed_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path)
    world.clock.now -= 3 * DAY
    agents = ("chatgpt", "copilot", "deepseek", "grok")
    for _ in range(4):
        for agent in agents:
            world.ship(server=f"server-of-{agent}", agent=agent)
        world.clock.now += DAY
    world.clock.now -= DAY
    for _ in range(2):
        world.start()
        monkeypatch.setattr(folder_listings, "LISTING_SECONDS", 0)
        monkeypatch.setattr(world.area._listings, "_step", 1)
        for _ in range(12):
            shown = {name: at for name, at in world.run(60).items() if name.startswith("log_last_shipped")}
            assert all(world.clock.now - at < 3600 for at in shown.values())
            assert world.out.complete is bool(shown)  # a missing instant accuses nobody before
        assert len(shown) == len(agents)


def test_all_folders_in_use_are_listed_within_ten_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path)
    monkeypatch.setattr(folder_listings, "LISTING_SECONDS", 0)
    monkeypatch.setattr(world.area._listings, "_step", 1)
    for number in range(25):
        world.ship(server=f"srv{number:02}")
    world.run()
    assert len([prefix for prefix in world.store.lists if prefix.count("/") == 4]) == 3


def test_a_backlog_is_worked_off_in_bounded_steps(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counted_objects, "OBJECTS_A_PASS", 2)
    for number in range(5):
        world.ship(str(number))
    backlog = []
    for _ in range(3):
        world.run()
        backlog.append(world.out.backlog)
    assert backlog == [3, 1, 0]
    assert world.run()[INFO] == 5


def test_what_was_read_before_a_failure_is_kept_and_counted_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counted_objects, "OBJECTS_A_COMMIT", 1)
    for number in range(4):
        world.ship(str(number))
    world.store.gets_left = 2
    with pytest.raises(StoreUnavailable):
        world.run()
    world.store.gets_left = 100
    world.start()
    world.run()
    assert len(world.store.gets) == 2
    assert world.run()[INFO] == 4


def test_what_retention_deleted_is_forgotten(world: World) -> None:
    key = world.ship(lines=4)
    world.run()
    world.run(2 * DAY)
    assert world.area._ledger.folded
    (world.home / "bucket" / key).unlink()
    (world.home / "bucket" / key).parent.rmdir()
    for _ in range(4):
        now = world.run()
    assert not world.area._ledger.folded
    assert now[INFO] == 4, "totals only grow"


def test_messages_are_counted_by_sender_and_known_recipient(world: World) -> None:
    world.known = frozenset({"gemini"})
    world.start()
    for to in ("GEMINI", "gemini", "nobody", 5, None):
        world.ship(str(to), category="message", context={"to": to})
    world.ship("plain", context={"to": "gemini"})
    world.run()
    shown = {name: value for name, value in world.run().items() if "messages" in name}
    assert shown == {
        'agent_messages_total{from="grok",to="gemini"}': 2,
        'agent_messages_total{from="grok",to="other"}': 3,
    }


def test_recipients_past_fifty_are_counted_as_other(world: World) -> None:
    peers = [f"agent-{number}" for number in range(MAX_RECIPIENTS + 5)]
    world.known = frozenset(peers)
    world.start()
    for to in peers:
        world.ship(to, category="message", context={"to": to})
    world.run()
    shown = {name: value for name, value in world.run().items() if "messages" in name}
    assert len(shown) == MAX_RECIPIENTS + 1
    assert shown['agent_messages_total{from="grok",to="other"}'] == 5


def test_models_past_twenty_are_counted_as_other(world: World) -> None:
    for number in range(23):
        world.ship(str(number), metadata={"model_version": f"m{number:02}", "tokens_used": 10})
    world.run()
    tokens = {series: value for series, value in world.run().items() if "log_tokens_total" in series}
    assert len(tokens) == 21
    assert tokens['log_tokens_total{agent="grok",model="other"}'] == 30
    assert [reason for reason, _ in world.rejections.all] == ["label_limit"] * 3


@pytest.mark.parametrize(
    ("limit", "value"),
    [
        pytest.param("MAX_LINE_BYTES", 20, id="a line without end"),
        pytest.param("MAX_BYTES", 300, id="a small object that inflates to a large one"),
    ],
)
def test_limits_hold_while_a_log_is_streamed(
    world: World, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    monkeypatch.setattr(limits, limit, value)
    key = world.ship(lines=100)
    world.run()
    assert world.rejections.all == [("too_large", key)]
    assert INFO not in world.run()


def test_shards_read_every_object_exactly_once(world: World) -> None:
    agents = ["grok", "gimai", "deepseek", "chatgpt"]
    for agent in agents:
        world.ship(agent=agent)
    read: list[str] = []
    for number in (1, 2):
        (world.home / "cache.sqlite3").unlink()
        world.start(once=True, shard=Shard(number, 2))
        read += [series for series, count in world.run().items() if "activity" in series and count]
    assert sorted(read) == sorted(INFO.replace("grok", agent) for agent in agents)


def test_shards_list_the_folders_of_their_own_servers_only(world: World) -> None:
    servers = [f"srv{number}" for number in range(8)]
    for server in servers:
        world.ship(server=server, agent=server.replace("srv", "agent-"))
    world.known = frozenset(server.replace("srv", "agent-") for server in servers)
    listed: list[set[str]] = []
    counted: list[str] = []
    for number in (1, 2):
        (world.home / "cache.sqlite3").unlink()
        world.start(once=True, shard=Shard(number, 2))
        counted += [series for series, count in world.run().items() if "activity" in series and count]
        listed.append({prefix.split("/")[2] for prefix in world.store.lists if "srv" in prefix})
    assert listed[0] | listed[1] == set(servers)
    assert not listed[0] & listed[1]
    assert min(map(len, listed)) > 0
    assert len(counted) == len(set(counted)) == len(servers)


OTHER_INFO = 'log_records_total{agent="other",category="activity",level="INFO"}'


def agents_shown(shown: dict[str, float]) -> set[str]:
    return {series.split('agent="')[1].split('"')[0] for series in shown if 'agent="' in series} - {""}


def test_invented_agents_count_as_other_also_after_a_restart(world: World) -> None:
    before = agents_shown(world.run())
    for number in range(50):
        world.ship(agent=f"fake-{number}", metadata={"model_version": f"m{number}", "tokens_used": 1})
    world.run()
    shown = world.run()
    assert agents_shown(shown) == {*before, "other"}
    assert shown[OTHER_INFO] == 50
    world.start()
    assert agents_shown(world.run()) == {*before, "other"}


def test_an_agent_with_a_valid_state_has_series_and_loses_them_after_the_retention(world: World) -> None:
    series = INFO.replace("grok", "visitor")
    world.shared.known_agents = world.known = frozenset({"visitor"})
    world.ship(agent="visitor", lines=3)
    world.run()
    assert world.run()[series] == 3
    world.shared.known_agents = world.known = frozenset()
    days = context().settings.storage.retention.active_logs or GONE_DAYS
    assert world.run()[series] == 3
    world.start()
    assert world.run((days - 1) * DAY)[series] == 3
    assert series not in world.run(2 * DAY)
    world.start()
    assert series not in world.run()


def test_before_the_states_were_read_only_logs_of_configured_agents_are_counted(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.known = None
    world.start()
    world.run()
    world.ship(agent="visitor")
    world.ship(agent="grok")
    world.run()
    assert (world.run()[INFO], world.out.backlog) == (1, 1)
    world.shared.known_agents = frozenset({"visitor"})
    world.run()
    assert (world.run()[INFO.replace("grok", "visitor")], world.out.backlog) == (1, 0)


@pytest.mark.parametrize("error", [ObjectRefused, StoreUnavailable])
def test_a_log_that_cannot_be_read_costs_itself_and_is_read_again_later(
    world: World, error: type[StoreUnavailable]
) -> None:
    bad = world.ship("0", agent="gimai")
    world.ship(lines=5)
    world.store.refused = {bad: error}
    world.run()
    assert world.run()[INFO] == 5
    assert (Reason.UNREADABLE, bad) in world.rejections.all
    world.store.refused = {}
    world.run(3600)
    assert world.run()[INFO.replace("grok", "gimai")] == 1


def test_the_objects_of_one_agent_do_not_delay_the_others(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counted_objects, "OBJECTS_A_PASS", 10)
    for number in range(100):
        world.ship(f"{number:03}", agent="deepseek")
        world.ship(f"{number:03}", agent=f"fake-{number}")
    world.ship("zzz", lines=5)
    world.run()
    assert world.run()[INFO] == 5


def test_a_round_ends_when_its_cpu_time_is_used_up_and_the_next_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds, "ROUND_CPU_SECONDS", 1e-9)
    for number in range(30):
        world.ship(str(number))
    world.run()
    assert 0 < len(world.store.gets) < 30
    assert not world.out.continues, "the CPU time is that of a round, however many passes it has"
    monkeypatch.setattr(rounds, "ROUND_CPU_SECONDS", 100)
    world.run()
    assert world.run()[INFO] == 30


def test_a_pass_that_ran_out_of_time_is_shown_and_the_next_reads_on_without_listing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds, "PASS_SECONDS", 0)
    monkeypatch.setattr(counted_objects, "OBJECTS_A_COMMIT", 2)
    for number in range(5):
        world.ship(str(number))
    passes = []
    for _ in range(3):
        world.run()
        passes.append((len(world.store.gets), bool(world.store.lists), world.out.backlog, world.out.continues))
    assert passes == [(2, True, 3, True), (2, False, 1, True), (1, False, 0, False)]
    assert world.run()[INFO] == 5
    assert world.store.lists


def test_folders_are_listed_again_after_a_while_whatever_is_left_to_read(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds, "PASS_SECONDS", 0)
    monkeypatch.setattr(rounds, "ROUND_SECONDS", 0)
    monkeypatch.setattr(counted_objects, "OBJECTS_A_COMMIT", 1)
    for number in range(3):
        world.ship(str(number))
    for _ in range(2):
        world.run()
        assert world.store.lists
        assert world.out.continues


def test_a_log_under_another_server_than_the_pinned_one_is_not_counted(world: World) -> None:
    config = context().agents["grok"].model_copy(update={"server": "srv2"})
    world.area._ownership = Ownership({"grok": config})
    bad = world.ship()
    world.ship(server="srv2", lines=4)
    world.run()
    assert world.run()[INFO] == 4
    assert world.rejections.all == [("wrong_owner", bad)]
