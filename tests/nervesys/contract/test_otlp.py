"""Lines of OTLP/JSON."""

import json
from typing import Any

import pytest

from nervesys.contract.otlp import AnyValue, ArrayValue, parse_line, values_of
from nervesys.errors import BadObject, Reason
from tests import otlp


def test_a_line_holds_spans_with_the_attributes_of_their_resource() -> None:
    made = otlp.span(2.5, name="work", count=3, ratio=0.5, on=True, names=["a", "b"], failed="no")
    ((resource, span),) = parse_line(otlp.line(made, service__name="grok"))
    assert resource == {"service.name": "grok"}
    assert (span.name, span.seconds, span.begin, span.failed) == ("work", 2.5, 1_800_000_000.0, True)
    assert values_of(span.attributes) == {"count": 3, "ratio": 0.5, "on": True, "names": ["a", "b"]}


@pytest.mark.parametrize("line", [b'{"resourceLogs": [{"scopeLogs": []}]}', b'{"resourceMetrics": []}', b"{}"])
def test_logs_and_metrics_hold_no_spans(line: bytes) -> None:
    assert list(parse_line(line)) == []


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", Reason.BAD_JSON),
        (b"\xff", Reason.BAD_JSON),
        (b"[" * 100_000, Reason.BAD_VALUE),
        (b'{"other": ' + b"[" * 100_000, Reason.BAD_JSON),
        (b"[]", Reason.BAD_VALUE),
        (b'{"resourceSpans": 1}', Reason.BAD_VALUE),
        (b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"name": 1}]}]}]}', Reason.BAD_VALUE),
    ],
)
def test_what_is_no_otlp_is_rejected_by_reason(line: bytes, reason: Reason) -> None:
    with pytest.raises(BadObject) as caught:
        list(parse_line(line))
    assert caught.value.reason is reason


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (AnyValue(), None),
        (AnyValue(int_value="12"), 12),
        (AnyValue(int_value="many"), None),
        (AnyValue(double_value="NaN"), None),
        (AnyValue(double_value=1), 1.0),
        (AnyValue(array_value=ArrayValue([AnyValue(int_value=1), AnyValue(string_value="a")])), ["a"]),
    ],
)
def test_a_value_that_cannot_be_read_is_absent(value: AnyValue, expected: Any) -> None:
    assert value.scalar == expected


def test_wrong_times_are_no_duration() -> None:
    made = {**otlp.span(), "startTimeUnixNano": "soon"}
    reversed_times = {**otlp.span(), "endTimeUnixNano": "0"}
    line = json.dumps(otlp.request(made, reversed_times)).encode()
    assert [span.seconds >= 0 for _, span in parse_line(line)] == [True, True]
    assert [span.begin for _, span in parse_line(line)] == [0.0, 1_800_000_000.0]
