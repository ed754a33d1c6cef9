"""Log objects are sent to a log database once, whatever fails on the way.

Covers: exporters.shared.log_push_body, exporters.shared.push, exporters.shared.push_sender, nervesys.settings.push.
"""

import dataclasses
import gzip
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from exporters.runner import Cache, Refresh
from exporters.shared import push_queue
from exporters.shared.push import PushArea
from exporters.shared.push_queue import PushQueue
from exporters.shared.push_sender import Sender
from exporters.store import areas_of, log_push, logs
from exporters.store.log_push import LogTarget
from exporters.store.logs import LogsArea
from exporters.store.shared_state import SharedState
from nervesys.contract import PathTemplate
from nervesys.contract.times import utc
from nervesys.settings.logs import LogPushSettings
from tests.exporters.kit import HandClock, Rejections, context
from tests.exporters.store.bucket import Bucket, read_series


@dataclass
class LogDatabase:
    """A server that keeps what is pushed, and answers as it is bidden."""

    url: str = ""
    status: int = 204
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Lines of all streams, as Loki takes them."""
        bodies = [json.loads(body) for _, _, body in self.requests]
        return [text for body in bodies for stream in body["streams"] for _, text in stream["values"]]


@pytest.fixture
def database() -> Iterator[LogDatabase]:
    made = LogDatabase()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            assert self.headers["content-encoding"] == "gzip"
            if made.status < 300:
                made.requests.append((self.path, dict(self.headers), gzip.decompress(body)))
            self.send_response(made.status)
            self.send_header("content-length", "9")
            self.end_headers()
            self.wfile.write(b"too old\r\n")

        def log_message(self, *_: Any) -> None:
            """Nothing is printed."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_port}"
    yield made
    server.shutdown()
    server.server_close()
    thread.join()


class World:
    """A store, an exporter that may be started again, and a log database."""

    def __init__(self, home: Path, database: LogDatabase, **settings: Any) -> None:
        self.home, self.database, self.settings = home, database, settings
        self.store, self.clock = Bucket(home / "bucket"), HandClock(1_800_000_000.0)
        self.start()

    def start(self) -> None:
        opened = context(self.clock, Cache(self.home / "cache.sqlite3"), home=self.home)
        self.rejections = Rejections(opened.health.reject)
        self.counted = Refresh(logs.FAMILIES, self.rejections)
        self.out = Refresh(log_push.FAMILIES.all, self.rejections)
        shared = SharedState()
        shared.known_agents = frozenset()
        self.queue = PushQueue(opened.cache, log_push.QUEUE)
        self.logs = LogsArea(self.store, opened, shared, self.queue)
        push = LogPushSettings.model_validate({"url": self.database.url, "kind": "loki"} | self.settings)
        target = LogTarget(push.kind, PathTemplate(opened.settings.storage.storj.paths.active_logs))
        sender = Sender(str(push.url), push, opened.place.home / "secrets")
        self.push = PushArea(self.store, opened, self.queue, target, sender)
        self.place = opened.place

    def ship(self, name: str, *messages: str, body: bytes | None = None, **more: Any) -> str:
        at = utc(self.clock.now)
        key = f"db/active_logs/srv1/{at:%Y-%m-%d}/{at:%H%M%S}_grok_{name}.jsonl.gz"
        lines = [
            json.dumps({"timestamp": at.isoformat(), "agent_id": "grok", "message": message, **more})
            for message in messages
        ]
        self.store.lay(key, gzip.compress("\n".join(lines).encode()) if body is None else body, self.clock.now)
        return key

    def run(self, later: float = 60) -> dict[str, float]:
        self.clock.now += later
        self.logs.refresh(self.counted)
        self.push.refresh(self.out)
        return read_series(self.out.snapshot().plain)


@pytest.fixture
def world(tmp_path: Path, database: LogDatabase) -> World:
    made = World(tmp_path, database)
    made.run()
    return made


def test_each_object_is_sent_once(world: World) -> None:
    world.ship("1", "a", "b")
    series = world.run()
    assert series['log_push_records_total{outcome="accepted"}'] == 2
    assert series["log_push_complete_timestamp_seconds"] == world.clock.now
    world.ship("2", "c")
    world.run()
    world.run()
    assert [json.loads(line)["message"] for line in world.database.lines()] == ["a", "b", "c"]
    world.start()
    world.run()
    assert len(world.database.requests) == 2
    path, headers, body = world.database.requests[0]
    assert path == "/loki/api/v1/push"
    [stream] = json.loads(body)["streams"]
    assert stream["stream"] == {"agent": "grok", "server": "srv1", "level": "info", "category": "activity"}
    assert stream["values"][0][0] == str(1_800_000_060 * 10**9)
    assert "X-Scope-Orgid" not in headers


def test_a_database_that_is_away_is_tried_again_later_and_nothing_is_lost(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.database.status = 503
    world.ship("1", "a")
    with caplog.at_level(logging.WARNING):
        shipped, series = world.clock.now, world.run()
    assert series["log_push_complete_timestamp_seconds"] == shipped
    assert world.out.backlog == 1
    assert "HTTP 503; trying again in 5 s" in caplog.text
    world.database.status = 204
    world.run(4)
    assert world.out.backlog == 1, "it waits"
    world.start()
    world.run(4)
    assert world.out.backlog == 0
    assert [json.loads(line)["message"] for line in world.database.lines()] == ["a"]


def test_pauses_double_up_to_five_minutes(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.database.status = 500
    world.ship("1", "a")
    with caplog.at_level(logging.WARNING):
        for _ in range(9):
            world.run(301)
    pauses = [text.split(" in ")[1] for text in caplog.text.splitlines() if "trying again" in text]
    assert pauses == ["5 s", "10 s", "20 s", "40 s", "80 s", "160 s", "300 s", "300 s", "300 s"]
    world.push._failures = 5000
    world.run(301)
    assert "trying again in 300 s" in caplog.text.splitlines()[-1], "after an outage of weeks as well"


def test_what_the_database_refuses_and_what_cannot_be_read_cost_only_themselves(world: World) -> None:
    world.database.status = 400
    world.ship("1", "old")
    assert world.run()['log_push_records_total{outcome="rejected"}'] == 1
    world.database.status = 204
    gone = world.ship("2", "gone")
    world.clock.now += 60
    world.logs.refresh(world.counted)
    world.store.delete(gone)
    world.ship("3", body=b"broken")
    world.ship("4", "good")
    world.run()
    assert world.out.backlog == 0
    assert [json.loads(line)["message"] for line in world.database.lines()] == ["good"]


def test_large_objects_are_several_requests(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_push, "REQUEST_RECORDS", 2)
    monkeypatch.setattr(log_push, "REQUEST_BYTES", 500)
    world.ship("1", *"abc", "x" * 400, "y" * 400)
    world.run()
    assert [len(json.loads(body)["streams"][0]["values"]) for _, _, body in world.database.requests] == [2, 1, 1, 1]


def test_a_long_queue_is_sent_in_the_order_of_time_a_few_objects_at_a_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(push_queue, "AHEAD", 2)
    for name in ("5", "3", "1", "4", "2"):
        world.clock.now += 1
        world.ship(name, name)
    world.logs.refresh(world.counted)
    assert [key[-10:-9] for key, _ in world.queue.oldest()] == ["5", "3"]
    assert world.queue.waiting() == (5, world.clock.now - 4)
    world.run()
    assert [json.loads(line)["message"] for line in world.database.lines()] == ["5", "3", "1", "4", "2"]
    assert world.queue.waiting() == (0, None)


def test_credentials_are_read_from_their_file_and_a_tenant_is_named(tmp_path: Path, database: LogDatabase) -> None:
    world = World(tmp_path, database, token_file="loki_token", tenant="fleet")
    world.run()
    world.ship("1", "a")
    world.run()
    assert (world.out.backlog, database.requests) == (1, [])
    secrets = world.place.home / "secrets"
    secrets.mkdir(parents=True, exist_ok=True)
    (secrets / "loki_token").write_text("a-token")
    world.run(400)
    [(_, headers, _)] = database.requests
    assert headers["Authorization"] == "Bearer a-token"
    assert headers["X-Scope-OrgID"] == "fleet"


def test_victorialogs_gets_lines_of_json(tmp_path: Path, database: LogDatabase) -> None:
    world = World(tmp_path, database, kind="victorialogs")
    world.run()
    world.ship("1", "a", "", level="ERROR", context={"file": "x"})
    world.run()
    [(path, _, body)] = database.requests
    assert path.startswith("/insert/jsonline?_stream_fields=agent,server,level,category&_time_field=_time")
    first, second = map(json.loads, body.splitlines())
    assert (first["message"], first["level"], first["agent"], first["server"]) == ("a", "error", "grok", "srv1")
    assert first["context"] == {"file": "x"}
    assert second["message"] == "-", "a record without a message has none that VictoriaLogs would take"


def test_opentelemetry_gets_log_records(tmp_path: Path, database: LogDatabase) -> None:
    world = World(tmp_path, database, kind="otlp")
    world.run()
    world.ship("1", "a", level="ERROR", action="review")
    world.run()
    [(path, _, body)] = database.requests
    [resource] = json.loads(body)["resourceLogs"]
    [record] = resource["scopeLogs"][0]["logRecords"]
    assert path == "/v1/logs"
    assert (record["severityNumber"], record["body"]) == (17, {"stringValue": "a"})
    names = {item["key"]: item["value"]["stringValue"] for item in resource["resource"]["attributes"]}
    assert names == {"service.name": "grok", "host.name": "srv1"}
    assert {item["key"] for item in record["attributes"]} == {"category", "action", "log.record.original"}


def test_there_is_an_area_only_where_a_log_database_is_configured(world: World) -> None:
    opened = context(world.clock, Cache())
    assert "push" not in [area.name for area in areas_of(world.store, opened)]
    logs_settings = opened.settings.logs.model_copy(
        update={"push": LogPushSettings.model_validate({"url": "http://127.0.0.1:1", "kind": "loki"})}
    )
    configured = opened.settings.model_copy(update={"logs": logs_settings})
    assert [area.name for area in areas_of(world.store, dataclasses.replace(opened, settings=configured))][-1] == "push"
