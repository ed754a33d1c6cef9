"""From requests to lines: readable, without secrets and contents.

Covers: nervesys.agent.telemetry.encoding, nervesys.agent.telemetry.content, nervesys.agent.telemetry.requests,
nervesys.contract.otlp_names.
"""

import gzip
import json
import zlib
from typing import Any

import pytest

from nervesys.agent.telemetry import requests
from nervesys.agent.telemetry.encoding import OtlpEncoder
from nervesys.agent.telemetry.requests import BadRequest, Form, TooLarge, parse_request
from nervesys.contract.otlp import parse_line, values_of
from nervesys.contract.otlp_names import AGENT, ARGUMENTS_HASH, LINE_BYTES, Signal
from nervesys.redact import MASK, Redactor
from tests import otlp

SECRET = "sk-abcdefghijklmnopqrstuvwxyz"


def encode(data: dict[str, Any], signal: Signal = Signal.TRACES, *, content: bool = False) -> list[bytes]:
    """The lines of a request in JSON."""
    request = parse_request(json.dumps(data).encode(), signal, Form.JSON, "")
    return list(OtlpEncoder("grok", Redactor(), lambda: content).lines(signal, request))


def values(*spans: dict[str, Any], content: bool = False) -> dict[str, Any]:
    """The attributes of the first span, once encoded."""
    (line,) = encode(otlp.request(*spans), content=content)
    return values_of(next(parse_line(line))[1].attributes)


def test_json_and_protobuf_become_the_same_line_with_the_agent_as_resource() -> None:
    data = otlp.request(otlp.chat(parent="00000000000000aa", count=2**60, ratio=0.5, on=False), **{AGENT: "liar"})
    (line,) = encode(data)
    request = parse_request(json.dumps(data).encode(), Signal.TRACES, Form.JSON, "")
    body = gzip.compress(request.SerializeToString())
    again = parse_request(body, Signal.TRACES, Form.PROTOBUF, "gzip")
    assert list(OtlpEncoder("grok", Redactor(), lambda: False).lines(Signal.TRACES, again)) == [line]
    written = json.loads(line)["resourceSpans"][0]
    assert written["resource"]["attributes"] == [{"key": AGENT, "value": {"stringValue": "grok"}}]
    span = written["scopeSpans"][0]["spans"][0]
    assert (span["traceId"], span["parentSpanId"]) == (otlp.TRACE, "00000000000000aa")
    assert {"key": "count", "value": {"intValue": str(2**60)}} in span["attributes"]


CONTENT: dict[str, Any] = {
    "gen_ai.input.messages": "hi",
    "gen_ai.prompt.0.content": "hi",
    "gen_ai.completion.0.tool_calls.0.arguments": "{}",
    "gen_ai.tool.call.result": "42",
    "llm.input_messages.0.message.content": "hi",
    "input.value": "hi",
    "traceloop.entity.output": "hi",
    "gen_ai.user.message": "hi",
}
DESCRIPTION: dict[str, Any] = {
    "gen_ai.system": "openai",
    "gen_ai.completion.0.finish_reason": "stop",
    "gen_ai.prompt.0.role": "user",
    "gen_ai.usage.input_tokens": 5,
    "gen_ai.completion.0.tool_calls.0.name": "search",
    "llm.token_count.prompt": 5,
    "embedding.model_name": "ada",
}


def test_contents_of_messages_are_left_out_unless_the_settings_keep_them() -> None:
    made = otlp.span(**CONTENT, **DESCRIPTION)
    kept = values(made)
    assert kept.pop(ARGUMENTS_HASH)
    assert kept == DESCRIPTION
    assert values(made, content=True) == CONTENT | DESCRIPTION


def test_secrets_are_masked_whatever_their_place() -> None:
    held: dict[str, Any] = {"api_key": "opensesame", "header": f"Bearer {SECRET}", "names": [SECRET]}
    made = otlp.span(failed=f"no {SECRET}", name=SECRET, **held)
    (line,) = encode(otlp.request(made))
    assert SECRET.encode() not in line
    assert b"opensesame" not in line
    assert values(made, content=True)["api_key"] == MASK


def test_an_event_that_is_a_message_loses_its_body_and_any_other_log_keeps_it() -> None:
    message = {"body": {"stringValue": "my prompt"}, "eventName": "gen_ai.user.message"}
    older = {"body": {"stringValue": "my prompt"}, "attributes": [otlp.attribute("event.name", "gen_ai.choice")]}
    plain = {"body": {"stringValue": "started"}, "severityNumber": "SEVERITY_NUMBER_INFO"}
    data = {"resourceLogs": [{"scopeLogs": [{"logRecords": [message, older, plain]}]}]}
    (line,) = encode(data, Signal.LOGS)
    assert b"my prompt" not in line
    assert b"started" in line
    assert encode(data, Signal.LOGS, content=True)[0].count(b"my prompt") == 2


def test_metrics_keep_their_numbers() -> None:
    points = [{"count": "3", "sum": "NaN", "bucketCounts": ["1", "2"], "explicitBounds": [0.5]}]
    metric = {"name": "gen_ai.client.token.usage", "histogram": {"dataPoints": points, "aggregationTemporality": 2}}
    (line,) = encode({"resourceMetrics": [{"scopeMetrics": [{"metrics": [metric]}]}]}, Signal.METRICS)
    (written,) = json.loads(line)["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]
    assert written == metric


def test_a_request_too_long_for_a_line_becomes_several_and_loses_only_what_is_too_long_by_itself() -> None:
    wide = [otlp.span(name=f"s{number}", text="x" * 30_000) for number in range(100)]
    texts: dict[str, Any] = {f"n{number}": "x" * 30_000 for number in range(40)}
    huge = otlp.span(name="huge", **texts)
    lines = encode(otlp.request(*wide, huge))
    assert max(map(len, lines)) <= LINE_BYTES
    spans = [span for line in lines for _, span in parse_line(line)]
    assert [span.name for span in spans] == [*(f"s{number}" for number in range(100)), "huge"]
    assert spans[-1].attributes == []


def test_an_empty_request_is_no_line() -> None:
    assert encode({}) == []


@pytest.mark.parametrize(
    ("body", "form", "packing"),
    [
        (b"\xff\xff", Form.PROTOBUF, ""),
        (b"{", Form.JSON, ""),
        (b"[]", Form.JSON, ""),
        (b'"text"', Form.JSON, ""),
        (b'{"resourceSpans": 1}', Form.JSON, ""),
        (b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "xyz"}]}]}]}', Form.JSON, ""),
        (b'{"resourceSpans": ' + b"[" * 5000 + b"]" * 5000 + b"}", Form.JSON, ""),
        (b"not packed", Form.JSON, "gzip"),
        (gzip.compress(b"{}", mtime=0)[:-4], Form.JSON, "gzip"),
        (gzip.compress(b"{}", mtime=0) + b"more", Form.JSON, "gzip"),
    ],
)
def test_what_is_no_request_is_refused_with_a_reason(body: bytes, form: Form, packing: str) -> None:
    with pytest.raises(BadRequest, match="not"):
        parse_request(body, Signal.TRACES, form, packing)


def test_a_body_is_bounded_when_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "BODY_BYTES", 1000)
    with pytest.raises(TooLarge, match="more than 1000 bytes"):
        parse_request(zlib.compress(b" " * 100_000), Signal.TRACES, Form.JSON, "deflate")
