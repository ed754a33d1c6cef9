"""Lines of OTLP/JSON for tests."""

import json
from itertools import count
from typing import Any

TRACE = "5b8efff798038103d269b633813fc60c"
_ids = count(1)


def attribute(name: str, value: Any) -> dict[str, Any]:
    """A name with its value, in the form of its type."""
    match value:
        case bool():
            return {"key": name, "value": {"boolValue": value}}
        case int():
            return {"key": name, "value": {"intValue": str(value)}}
        case float():
            return {"key": name, "value": {"doubleValue": value}}
        case list():
            return {"key": name, "value": {"arrayValue": {"values": [{"stringValue": text} for text in value]}}}
    return {"key": name, "value": {"stringValue": value}}


def span(
    seconds: float = 1.0,
    *,
    name: str = "chat gpt-5",
    trace: str = TRACE,
    identity: str = "",
    parent: str = "",
    begin: float = 1_800_000_000.0,
    failed: str | None = None,
    exception: tuple[str, str] | None = None,
    **attributes: Any,
) -> dict[str, Any]:
    """A span; dots in names of attributes are written `__`."""
    events = []
    if exception:
        names = ("exception.type", "exception.message")
        events = [{"name": "exception", "attributes": list(map(attribute, names, exception))}]
    return {
        "traceId": trace,
        "spanId": identity or f"{next(_ids):016x}",
        "parentSpanId": parent,
        "name": name,
        "kind": 3,
        "startTimeUnixNano": str(round(begin * 1e9)),
        "endTimeUnixNano": str(round((begin + seconds) * 1e9)),
        "attributes": [attribute(key.replace("__", "."), value) for key, value in attributes.items()],
        "events": events,
        "status": {} if failed is None else {"code": 2, "message": failed},
    }


def chat(seconds: float = 1.0, *, model: str = "gpt-5", **attributes: Any) -> dict[str, Any]:
    """A call of a model."""
    given = {"gen_ai__operation__name": "chat", "gen_ai__request__model": model}
    return span(seconds, **{**given, **attributes})


def request(*spans: dict[str, Any], **resource: Any) -> dict[str, Any]:
    """A request of these spans."""
    attributes = [attribute(key.replace("__", "."), value) for key, value in resource.items()]
    scopes = [{"scope": {"name": "test"}, "spans": list(spans)}]
    return {"resourceSpans": [{"resource": {"attributes": attributes}, "scopeSpans": scopes}]}


def line(*spans: dict[str, Any], **resource: Any) -> bytes:
    """The request as a line of an object."""
    return json.dumps(request(*spans, **resource)).encode() + b"\n"
