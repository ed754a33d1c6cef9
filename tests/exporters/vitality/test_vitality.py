"""Source `vitality`: what entities write and serve in, the exposition out; then what it costs, refuses and survives.

Covers: exporters.vitality, exporters.vitality.http_entities, exporters.vitality.signs,
exporters.vitality.store_entities, nervesys.stores.http_get.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from exporters import vitality
from exporters.runner import Area, Cache, Runner
from exporters.shared.admission import UNCONFIGURED_LIMIT
from exporters.vitality import VitalityArea
from exporters.vitality.signs import AREA, FAMILIES, KINDS_LIMIT
from nervesys.contract import format_time
from tests.exporters.kit import HandClock, context
from tests.exporters.store.bucket import Bucket, read_series

NOW = 1_800_000_000.0
SIGNS: dict[str, Any] = {
    "timestamp": format_time(NOW),
    "pulses": {"received": 1200, "answered": 1193},
    "reaction_seconds": {"buckets": {"0.05": 870, "0.2": 310, "1": 12, "+Inf": 1}, "sum": 71.4},
    "entropy_gain": -0.5,
    "memory_decay": 0.04,
    "errors": {"timeout": 5, 'a"b\n': 2},
    "clients": 17,
}


class Entity(ThreadingHTTPServer):
    """An entity that serves what the test gives it, over real HTTP, with the faults that the test wants."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.signs: bytes = json.dumps(SIGNS).encode()
        self.status, self.headers = 200, {"ETag": '"1"'}
        self.asked: list[int] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/vitality"


class Answer(BaseHTTPRequestHandler):
    server: Entity

    def do_GET(self) -> None:
        entity = self.server
        same = self.headers["If-None-Match"] == entity.headers.get("ETag", "")
        status = 304 if same else entity.status
        entity.asked.append(status)
        self.send_response(status)
        for name, value in entity.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if status != 304:
            self.wfile.write(entity.signs)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving() -> Iterator[Entity]:
    with Entity() as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server
        server.shutdown()


class World:
    """A bucket and URLs, and the source over them, which may be started again."""

    def __init__(self, home: Path, urls: dict[str, str] | None = None) -> None:
        self.bucket, self.clock, self.cache = Bucket(home / "bucket"), HandClock(NOW), Cache()
        self.urls = urls or {}
        self.start()

    def start(self) -> None:
        opened = context(self.clock, self.cache, source="vitality")
        monitoring = opened.settings.monitoring
        served = monitoring.vitality.model_copy(update={"urls": self.urls, "timeout_seconds": 1})
        settings = opened.settings.model_copy(update={"monitoring": monitoring.model_copy(update={"vitality": served})})
        refresh = VitalityArea(self.bucket, replace(opened, settings=settings)).refresh
        areas = [Area(AREA, FAMILIES, 15, refresh)]
        self.runner = Runner(replace(vitality.SOURCE, areas=lambda _: areas), opened)

    def lay(self, entity: str, body: bytes | None = None, ahead: float = 0) -> None:
        body = json.dumps(SIGNS).encode() if body is None else body
        self.bucket.lay(f"vitality/{entity}_state.json", body, self.clock.now + ahead)

    def run(self, *, works: bool = True) -> dict[str, float]:
        assert self.runner.run_once(AREA) is works, self.runner.problems()
        return read_series(self.runner.snapshot().plain)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_exposition(tmp_path: Path, golden_exposition: Callable[[Path, Runner], None]) -> None:
    with serving() as iris:
        world = World(tmp_path, {"iris": iris.url})
        world.lay("Aurora")
        world.lay("quiet", json.dumps({"timestamp": format_time(NOW)}).encode())
        world.lay("gone", ahead=-301)
        world.lay("broken", b'{"timestamp": "2026-')
        world.lay("no name", b"{}")
        world.bucket.lay("vitality/readme.txt", b"", NOW)
        world.run()
        golden_exposition(Path(__file__).with_name("entities.prom"), world.runner)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"timestamp": "soon"}, "bad_value"),
        ({"more": "x" * (1 << 16)}, "too_large"),
    ],
)
def test_what_breaks_the_format_is_counted_by_reason_and_costs_no_other(
    world: World, wrong: dict[str, Any], reason: str
) -> None:
    world.lay("aurora", json.dumps(SIGNS | wrong).encode())
    world.lay("lumen")
    for _ in range(2):
        seen = world.run()
    assert seen[f'exporter_rejected_objects_total{{reason="{reason}",source="vitality"}}'] == 1
    assert seen['vitality_heartbeat_timestamp_seconds{entity="aurora"}'] == NOW, "it did write"
    assert 'vitality_clients{entity="aurora"}' not in seen
    assert seen['vitality_clients{entity="lumen"}'] == 17


@pytest.mark.parametrize(
    "wrong",
    [
        {"pulses": {"received": 1, "answered": 2}},
        {"pulses": {"received": -1, "answered": -1}},
        {"reaction_seconds": {"buckets": {"fast": 1}, "sum": 1}},
        {"memory_decay": 4},
    ],
)
def test_a_wrong_sign_costs_itself_alone(world: World, wrong: dict[str, Any]) -> None:
    world.lay("aurora", json.dumps(SIGNS | wrong).encode())
    seen = world.run()
    assert seen['vitality_clients{entity="aurora"}'] == 17
    assert not any(str(*wrong) in series and "aurora" in series for series in seen)


def test_the_gauges_of_a_silent_entity_end(world: World) -> None:
    world.lay("aurora")
    assert world.run()['vitality_clients{entity="aurora"}'] == 17
    world.clock.now += 301
    seen = world.run()
    assert 'vitality_clients{entity="aurora"}' not in seen
    assert seen['vitality_pulses_received_total{entity="aurora"}'] == 1200


def test_a_heartbeat_from_the_future_is_none(world: World) -> None:
    world.lay("aurora", ahead=3600)
    assert not [series for series in world.run() if series.startswith("vitality_")]


def test_only_what_changed_is_fetched_and_a_restart_fetches_nothing(tmp_path: Path) -> None:
    with serving() as iris:
        world = World(tmp_path, {"iris": iris.url})
        world.lay("aurora")
        world.run()
        world.start()
        assert world.run()['vitality_clients{entity="iris"}'] == 17
        assert (world.bucket.gets, iris.asked) == (["vitality/aurora_state.json"], [200, 304])


def test_kinds_of_errors_are_bounded(world: World) -> None:
    errors = {f"kind-{number:02}": 1 for number in range(KINDS_LIMIT + 5)} | {"other": 7}
    world.lay("aurora", json.dumps(SIGNS | {"errors": errors}).encode())
    seen = [value for series, value in world.run().items() if series.startswith("vitality_errors_total")]
    assert (len(seen), max(seen), sum(seen)) == (KINDS_LIMIT + 1, 12, sum(errors.values()))


def test_kinds_seen_first_keep_their_series_when_more_come_also_after_a_restart(world: World) -> None:
    first = {f"m-{number}": 5 for number in range(KINDS_LIMIT)}
    world.lay("aurora", json.dumps(SIGNS | {"errors": first}).encode())
    before = errors_of(world.run())
    world.lay("aurora", json.dumps(SIGNS | {"errors": first | {"a": 3}}).encode())
    assert errors_of(world.run()) == before | {'vitality_errors_total{entity="aurora",kind="other"}': 3}
    world.start()
    assert errors_of(world.run()) == before | {'vitality_errors_total{entity="aurora",kind="other"}': 3}


def errors_of(shown: dict[str, float]) -> dict[str, float]:
    return {series: value for series, value in shown.items() if series.startswith("vitality_errors_total")}


def test_invented_entities_are_bounded_and_those_that_were_first_stay(
    world: World,
) -> None:
    world.lay("zoe")
    world.run()
    for number in range(UNCONFIGURED_LIMIT + 5):
        world.lay(f"fake-{number}", b"{}")
    shown = world.run()
    assert shown['vitality_clients{entity="zoe"}'] == 17
    assert sum(series.startswith("vitality_heartbeat") for series in shown) == UNCONFIGURED_LIMIT
    world.start()
    assert world.run()['vitality_clients{entity="zoe"}'] == 17


@pytest.mark.parametrize(
    "unkind",
    [
        {"status": 500},
        {"status": 302, "headers": {"Location": "http://127.0.0.1:1/"}},
        {"signs": b"x" * (1 << 17), "headers": {}},
        {"signs": b"[]", "headers": {}},
        {"signs": b'{"timestamp": 1e15}', "headers": {}},
        {"signs": json.dumps({"timestamp": NOW + 3600}).encode(), "headers": {}},
        {"headers": {"Content-Length": "100000"}},
        {"headers": {"Content-Encoding": "gzip"}},
    ],
)
def test_whatever_is_served_one_entity_is_silent_and_the_rest_is_shown(tmp_path: Path, unkind: dict[str, Any]) -> None:
    with serving() as iris, serving() as rose:
        world = World(tmp_path, {"iris": iris.url, "rose": rose.url})
        world.run()
        iris.headers = {}
        for name, value in unkind.items():
            setattr(iris, name, value)
        world.clock.now += 200
        rose.signs, rose.headers = json.dumps(SIGNS | {"timestamp": format_time(NOW + 200)}).encode(), {}
        seen = world.run()
        beats = [seen[f'vitality_heartbeat_timestamp_seconds{{entity="{entity}"}}'] for entity in ("iris", "rose")]
        assert beats == [NOW, NOW + 200]


def test_an_answer_that_drips_ends_at_its_time_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from time import monotonic, sleep

    def drip(self: Answer) -> None:
        self.send_response(200)
        self.end_headers()
        for _ in range(100):
            self.wfile.write(b" ")
            sleep(0.1)

    monkeypatch.setattr(Answer, "do_GET", drip)
    with serving() as iris:
        world, began = World(tmp_path, {"iris": iris.url}), monotonic()
        seen = world.run()
    assert monotonic() - began < 8
    assert seen['exporter_requests_total{operation="fetch",outcome="failed",source="vitality"}'] == 1


def test_what_is_served_is_shown_while_the_store_is_away(tmp_path: Path) -> None:
    with serving() as iris:
        world = World(tmp_path, {"iris": iris.url})
        world.lay("aurora")
        world.run()
        world.bucket.root.rename(tmp_path / "away")
        iris.signs, iris.headers = json.dumps(SIGNS | {"clients": 18}).encode(), {}
        seen = world.run(works=False)
    assert seen['exporter_up{area="vitality",source="vitality"}'] == 0
    assert (seen['vitality_clients{entity="iris"}'], seen['vitality_clients{entity="aurora"}']) == (18, 17)
