"""The OTLP/HTTP listener: what it answers, and when.

Covers: nervesys.agent.telemetry.listener, nervesys.agent.telemetry.intake.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from google.protobuf.json_format import ParseDict
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from starlette.testclient import TestClient

from nervesys.agent.identity import Identity
from nervesys.agent.logs.buffer import LogBuffer
from nervesys.agent.telemetry import encoding, listener
from nervesys.agent.telemetry import intake as limits
from nervesys.agent.telemetry.encoding import OtlpEncoder
from nervesys.agent.telemetry.intake import FULL_SECONDS, Intake, runs
from nervesys.agent.telemetry.listener import ENDPOINT, RESOURCE, OtlpEndpoint, variables
from nervesys.redact import Redactor
from tests import otlp

JSON = "application/json"
PROTOBUF = "application/x-protobuf"


@dataclass
class World:
    buffer: LogBuffer
    client: TestClient = field(init=False)
    lost: list[tuple[str, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        encoder = OtlpEncoder("grok", Redactor(), lambda: False)
        intake = Intake(self.buffer, encoder, lambda: 1.0, on_loss=lambda *loss: self.lost.append(loss))
        self.client = TestClient(OtlpEndpoint(intake).application())

    def post(self, body: Any, kind: str = JSON, path: str = "traces", **headers: str) -> Any:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.client.post(f"/v1/{path}", content=content, headers={"content-type": kind, **headers})

    def lines(self) -> bytes:
        self.buffer.commit()
        self.buffer.seal(lambda _, first: f"{first}", 10**9, by_category=False)
        return b"".join(line for batch in self.buffer.batches() for line in self.buffer.lines(batch))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    buffer = LogBuffer(tmp_path / "traces.sqlite3", 1_000_000, runs)
    yield World(buffer)
    buffer.close()


@pytest.mark.parametrize(("kind", "body"), [(JSON, b"{}"), (PROTOBUF, b"")])
def test_an_accepted_request_is_answered_in_its_own_form(world: World, kind: str, body: bytes) -> None:
    answer = world.post(b"{}" if kind == JSON else b"", kind)
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, body, kind)


def test_what_was_accepted_is_in_the_buffer_line_by_line(world: World) -> None:
    assert world.post(otlp.request(otlp.chat(name="å"))).status_code == 200
    logs = {"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"stringValue": "hello"}}]}]}]}
    assert world.post(logs, path="logs").status_code == 200
    first, second = world.lines().splitlines()
    assert "å" in first.decode()
    assert b"hello" in second


@pytest.mark.parametrize(
    ("request_of", "status"),
    [
        (lambda world: world.post(b"{"), 400),
        (lambda world: world.post(b"\xff\xff", PROTOBUF), 400),
        (lambda world: world.post(b"{}", "text/plain"), 415),
        (lambda world: world.post(b"{}", **{"content-encoding": "br"}), 415),
        (lambda world: world.post(b" " * 2000), 413),
        (lambda world: world.post(b"{}", path="profiles"), 404),
        (lambda world: world.client.get("/v1/traces"), 405),
    ],
)
def test_a_wrong_request_is_refused_for_good(
    world: World, monkeypatch: pytest.MonkeyPatch, request_of: Callable[[World], Any], status: int
) -> None:
    monkeypatch.setattr(listener, "BODY_BYTES", 1000)
    answer = request_of(world)
    assert answer.status_code == status
    assert "retry-after" not in answer.headers


def test_a_refusal_says_why_in_the_form_of_the_request(world: World) -> None:
    assert "not a request of traces in application/json" in world.post(b"{").json()["message"]
    assert "not a request" in Status.FromString(world.post(b"\xff\xff", PROTOBUF).content).message


def test_items_too_long_for_a_line_are_counted_and_answered_as_a_partial_success(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(encoding, "LINE_BYTES", 1000)
    points = {"name": "m", "gauge": {"dataPoints": [{"asInt": str(number)} for number in range(200)]}}
    data = {"resourceMetrics": [{"scopeMetrics": [{"metrics": [points, {"name": "kept"}]}]}]}
    partial = world.post(data, path="metrics").json()["partialSuccess"]
    assert (partial["rejectedDataPoints"], "200 too_large" in partial["errorMessage"]) == ("200", True)
    long = otlp.span(name="long", text="x" * 2000) | {"events": [{"name": "e"}] * 2}
    answer = world.post(ParseDict(otlp.request(long), ExportTraceServiceRequest()).SerializeToString(), PROTOBUF)
    response = ExportTraceServiceResponse.FromString(answer.content)
    assert response.partial_success.rejected_spans == 0, "only its attributes are missing, which is a warning"
    assert "1 shortened" in response.partial_success.error_message
    metric, span = map(json.loads, world.lines().splitlines())
    assert [item["name"] for item in metric["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]] == ["kept"]
    [stored] = span["resourceSpans"][0]["scopeSpans"][0]["spans"]
    assert (stored["droppedAttributesCount"], stored["droppedEventsCount"]) == (1, 2)
    assert world.lost == [("too_large", 200), ("shortened", 1)]
    assert caplog.text.count("not stored as they were sent") == 1, "once a minute"


def test_a_full_buffer_asks_to_try_again_and_drops_nothing_that_it_accepted(world: World) -> None:
    world.buffer.max_bytes = 20_000
    data = otlp.request(*(otlp.span(text="x" * 1000) for _ in range(4)))
    answers = [world.post(data) for _ in range(6)]
    accepted = [answer.status_code for answer in answers].count(200)
    assert [answer.status_code for answer in answers] == [200] * accepted + [503] * (6 - accepted)
    assert 2 <= accepted <= 4
    assert answers[-1].headers["retry-after"] == str(FULL_SECONDS)
    assert len(world.lines().splitlines()) == accepted
    assert not any(world.buffer.state().dropped.values())
    for batch in world.buffer.batches():
        world.buffer.delete(batch)
    assert world.post(data).status_code == 200


def test_too_many_requests_are_slowed_down(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REQUESTS_A_SECOND", 1e-6)
    monkeypatch.setattr(limits, "BURST", 2)
    answers = [world.post(b"{}") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[-1].headers["retry-after"] == "1"


ME = cast("Identity", SimpleNamespace(name="grok", server="host-1", instance_id="i-1"))
OWN = "service.instance.id=i-1,host.name=host-1,nervesys.agent=grok"


def test_the_variables_lead_a_program_to_the_listener() -> None:
    assert variables(ME, 4000, {}) == {
        ENDPOINT: "http://127.0.0.1:4000",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        RESOURCE: OWN,
        "OTEL_SERVICE_NAME": "grok",
        "OTEL_BSP_SCHEDULE_DELAY": "500",
        "OTEL_BLRP_SCHEDULE_DELAY": "500",
    }


def test_what_the_program_has_chosen_stays_and_a_proxy_is_passed_by() -> None:
    given = {"OTEL_SERVICE_NAME": "shop", RESOURCE: "team=a", "HTTP_PROXY": "http://p", "no_proxy": "x"}
    chosen = variables(ME, 1, given)
    assert "OTEL_SERVICE_NAME" not in chosen
    assert chosen[RESOURCE] == f"{OWN},team=a"
    assert chosen["no_proxy"] == chosen["NO_PROXY"] == "x,127.0.0.1"
