"""Handing traces on to a collector: each line once, whatever fails in between."""

import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from exporters.runner import Cache, Refresh
from exporters.shared import push as pushing
from exporters.traces import areas_of, push
from nervesys.agent.logs.buffer import LogBuffer
from nervesys.agent.telemetry.encoding import OtlpEncoder
from nervesys.agent.telemetry.intake import Intake, runs
from nervesys.agent.telemetry.listener import listen
from nervesys.contract.otlp import parse_line
from nervesys.redact import Redactor
from nervesys.settings.monitoring import TracesPushSettings
from tests import otlp
from tests.exporters.kit import HandClock, Rejections, context
from tests.exporters.store.bucket import Bucket, read_series

DAY = "2027-01-15"


class FakeCollector:
    """A receiver of OTLP; `answers` are its next statuses, then 200."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/"
        self.answers: list[int] = []
        self.received: list[str] = []
        self.requests = 0
        self.partial: dict[str, Any] = {}
        self.headers: dict[str, str] = {}


@pytest.fixture
def collector() -> Iterator[FakeCollector]:
    with served() as made:
        yield made


@contextmanager
def served() -> Iterator[FakeCollector]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(gzip.decompress(self.rfile.read(int(self.headers["content-length"]))))
            status = made.answers.pop(0) if made.answers else 200
            if status == 200:
                groups = [scope["spans"] for group in body["resourceSpans"] for scope in group["scopeSpans"]]
                made.received += [f"{self.path} {span['name']}" for spans in groups for span in spans]
                made.requests += 1
                made.headers = {name.lower(): value for name, value in self.headers.items()}
            answer = json.dumps({"partialSuccess": made.partial} if status == 200 else {}).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made = FakeCollector(server.server_address[1])
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class World:
    """An exporter with both areas, that may be started again."""

    def __init__(self, home: Path, **settings: Any) -> None:
        self.home, self.settings = home, TracesPushSettings(**settings)
        self.store, self.clock = Bucket(home / "bucket"), HandClock(1_800_000_000.0)
        self.start()
        self.count()

    def start(self) -> None:
        opened = context(self.clock, Cache(self.home / "cache.sqlite3"), source="traces", home=self.home)
        monitoring = opened.settings.monitoring
        traces = monitoring.traces.model_copy(update={"push": self.settings})
        settings = opened.settings.model_copy(update={"monitoring": monitoring.model_copy(update={"traces": traces})})
        opened = replace(opened, settings=settings)
        self.rejections = Rejections(opened.health.reject)
        self.traces, self.pushing = areas_of(self.store, opened)
        self.out = {area.name: Refresh(area.families, self.rejections) for area in (self.traces, self.pushing)}

    def ship(self, *lines: str, name: str = "1") -> str:
        key = f"db/traces/srv1/{DAY}/080000_grok_{name}.jsonl.gz"
        body = b"".join(otlp.line(otlp.span(name=line)) for line in lines)
        self.store.lay(key, gzip.compress(body, mtime=0), self.clock.now)
        return key

    def count(self) -> None:
        self.clock.now += 60
        self.traces.refresh(self.out["traces"])

    def send(self) -> int:
        """One pass; what still waits afterwards."""
        self.pushing.refresh(self.out["push"])
        return self.out["push"].backlog


def test_each_line_is_sent_once_in_the_order_of_objects(tmp_path: Path, collector: FakeCollector) -> None:
    world = World(tmp_path, otlp=collector.url)
    world.clock.now += 100
    world.ship("b1", "b2", name="2")
    world.clock.now -= 10
    world.ship("a1", name="9")
    world.count()
    assert world.send() == 0
    assert collector.received == ["/v1/traces a1", "/v1/traces b1", "/v1/traces b2"]
    assert collector.requests == 2, "lines of an object are one request"
    world.start()
    world.count()
    assert world.send() == 0
    assert len(collector.received) == 3


def test_a_collector_that_is_away_gets_the_rest_later(
    tmp_path: Path, collector: FakeCollector, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(push, "REQUEST_LINES", 1)
    world = World(tmp_path, otlp=collector.url)
    world.ship("a", "b", "c")
    world.count()
    collector.answers = [200, 503]
    assert world.send() == 1
    assert "HTTP 503; trying again in 5 s" in caplog.text
    world.start()
    assert world.send() == 0
    assert collector.received == ["/v1/traces a", "/v1/traces b", "/v1/traces c"]


def test_where_nothing_listens_the_queue_waits_and_its_age_is_shown(tmp_path: Path) -> None:
    with served() as gone:
        pass
    world = World(tmp_path, otlp=gone.url)
    world.ship("a")
    shipped = world.clock.now
    world.count()
    assert world.send() == 1
    assert read_series(world.out["push"].snapshot().plain)["trace_push_complete_timestamp_seconds"] == shipped


def test_what_is_refused_for_good_costs_itself_alone(tmp_path: Path, collector: FakeCollector) -> None:
    world = World(tmp_path, otlp=collector.url)
    world.ship("a", "b", "c")
    gone = world.ship("c", name="2")
    world.count()
    collector.answers = [400, 200, 400]
    (world.store.root / gone).unlink()
    assert world.send() == 0
    assert collector.received == ["/v1/traces a", "/v1/traces c"]
    assert [reason for reason, _ in world.rejections.all] == ["bad_value", "gone"]
    series = read_series(world.out["push"].snapshot().plain)
    assert [series[f'trace_push_lines_total{{outcome="{name}"}}'] for name in ("accepted", "rejected")] == [2, 1]


def test_a_receiver_made_from_the_protocols_own_messages_takes_every_line(tmp_path: Path) -> None:
    buffer = LogBuffer(tmp_path / "received.sqlite3", 10_000_000, runs)
    intake = Intake(buffer, OtlpEncoder("collector", Redactor(), lambda: True), lambda: 1.0)
    with listen(intake) as port:
        world = World(tmp_path, otlp=f"http://127.0.0.1:{port}")
        world.ship("a", "b", "c")
        world.count()
        assert world.send() == 0
    buffer.commit()
    buffer.seal(lambda _, first: f"{first}", 10**9, by_category=False)
    lines = [line for batch in buffer.batches() for part in buffer.lines(batch) for line in part.splitlines()]
    buffer.close()
    assert [span.name for line in lines for _, span in parse_line(line)] == ["a", "b", "c"]
    series = read_series(world.out["push"].snapshot().plain)
    assert series['trace_push_lines_total{outcome="accepted"}'] == 3


def test_logs_and_metrics_go_to_their_own_paths_and_other_lines_are_left_out() -> None:
    lines = [b'{"resourceLogs":[1]}\n', b'{"resourceLogs":[2,{"a":[]}]}\n', b"no JSON\n", b'{"resourceMetrics":[3]}\n']
    batches = list(push.TraceTarget().batches("", lines))
    assert [(batch.lines, batch.items) for batch in batches] == [(2, 2), (1, 0), (1, 1)]
    assert [batch.request.path for batch in batches] == ["/v1/logs", "", "/v1/metrics"]
    assert batches[0].request.body == b'{"resourceLogs":[1,2,{"a":[]}]}'


@pytest.mark.parametrize(("reported", "counted"), [("1", [1, 1]), ("-3", [2, 0]), ("99", [0, 2])])
def test_what_a_collector_rejects_of_a_request_is_counted(
    tmp_path: Path, collector: FakeCollector, reported: str, counted: list[int]
) -> None:
    world = World(tmp_path, otlp=collector.url)
    collector.partial = {"rejectedSpans": reported, "errorMessage": "too old"}
    world.ship("a", "b")
    world.count()
    assert world.send() == 0
    series = read_series(world.out["push"].snapshot().plain)
    assert [series[f'trace_push_lines_total{{outcome="{name}"}}'] for name in ("accepted", "rejected")] == counted


def test_a_pass_ends_in_time_and_the_next_goes_on(
    tmp_path: Path, collector: FakeCollector, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path, otlp=collector.url)
    world.ship("a", "b")
    world.count()
    monkeypatch.setattr(pushing, "PASS_SECONDS", -1)
    assert world.send() == 1
    monkeypatch.undo()
    assert world.send() == 0
    assert len(collector.received) == 2


def test_credentials_come_from_files_and_wrong_ones_lose_nothing(
    tmp_path: Path, collector: FakeCollector, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    world = World(tmp_path, otlp=collector.url, token_file="tempo")
    world.ship("a")
    world.count()
    assert world.send() == 1
    assert "read tempo" in caplog.text
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/tempo").write_text("t0ken\n")
    collector.answers = [401]
    world.clock.now += 60
    assert world.send() == 1
    world.clock.now += 60
    assert world.send() == 0
    assert collector.headers["authorization"] == "Bearer t0ken"
    (tmp_path / "plain").mkdir()
    plain = World(tmp_path / "plain", otlp=collector.url)
    plain.ship("a")
    plain.count()
    assert plain.send() == 0
    assert "authorization" not in collector.headers, "not that of ~/.netrc"


def test_a_single_reading_hands_nothing_on(tmp_path: Path) -> None:
    opened = context(source="traces", once=True, flags={"NERVESYS_TRACES_OTLP": "http://127.0.0.1:1"})
    assert [area.name for area in areas_of(Bucket(tmp_path / "bucket"), opened)] == ["traces"]


@pytest.mark.parametrize("wrong", [{"user": "a"}, {"user": "a", "password_file": "b", "token_file": "c"}])
def test_half_of_the_credentials_is_an_error(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"go together|either"):
        TracesPushSettings(otlp="http://a", **wrong)
