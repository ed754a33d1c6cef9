"""Encodes requests of OTLP as OTLP/JSON, without secrets and, unless the settings keep them, contents of messages.

protobuf's own encoder writes ids in base64, where OTLP/JSON has hexadecimal digits, and takes ten times as long
(https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding).
"""

import math
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import blake2b
from secrets import token_bytes
from typing import Any, TypeAlias

import orjson
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from nervesys.agent.telemetry.content import ARGUMENTS, EVENTS, is_content
from nervesys.contract.otlp_names import AGENT, ARGUMENTS_HASH, IDS, LINE_BYTES, Signal
from nervesys.redact import MASK, TEXT_CHARACTERS, Redactor

Json: TypeAlias = dict[str, Any]
Convert: TypeAlias = Callable[[Any], Any]

KEY_VALUE, ANY_VALUE = "opentelemetry.proto.common.v1.KeyValue", "opentelemetry.proto.common.v1.AnyValue"
BIG_INTEGERS = {
    FieldDescriptor.TYPE_INT64,
    FieldDescriptor.TYPE_UINT64,
    FieldDescriptor.TYPE_FIXED64,
    FieldDescriptor.TYPE_SFIXED64,
    FieldDescriptor.TYPE_SINT64,
}
"""Texts in JSON, whose numbers have 53 bits."""
BULKY = ("attributes", "events", "links", "body")
DROPPED_COUNTS: Mapping[Signal, tuple[str, ...]] = {
    Signal.TRACES: ("attributes", "events", "links"),
    Signal.LOGS: ("attributes",),
    Signal.METRICS: (),
}
"""What OTLP counts where it is missing: `droppedAttributesCount` and the like."""
TOO_LARGE, SHORTENED = "too_large", "shortened"
"""What became of an item too long for a line: dropped, or stored without attributes, events, links and body."""


class OtlpEncoder:
    """Encodes requests.

    Args:
        agent: its name, set as an attribute of every resource.
        redactor: masks secrets.
        keep_content: returns whether contents of messages are kept.
    """

    def __init__(self, agent: str, redactor: Redactor, keep_content: Callable[[], bool]) -> None:
        self._agent = {"key": AGENT, "value": {"stringValue": agent}}
        self._redactor, self._keep_content = redactor, keep_content
        self._drop_content = True
        self._hash_key = token_bytes(16)  # new at each start: short arguments could else be guessed from their hash
        self._plans: dict[str, dict[str, tuple[str, Convert]]] = {}

    def lines(self, signal: Signal, request: Message, losses: Counter[str] | None = None) -> Iterator[bytes]:
        """Encode a request as lines: one, or several if it would be too long for readers.

        Args:
            signal: what it holds.
            request: as received.
            losses: items that are too long for a line by themselves are counted here, by what became of them.
        """
        self._drop_content = not self._keep_content()
        data = self._message(request)
        for group in data.get(signal.outer, ()):
            resource = group.setdefault("resource", {})
            kept = [item for item in resource.get("attributes", ()) if item["key"] != AGENT]
            resource["attributes"] = [*kept, self._agent]
            if signal is Signal.LOGS and self._drop_content:
                _drop_bodies(group)
        if data.get(signal.outer):
            yield from split(data, signal, Counter() if losses is None else losses)

    def _message(self, message: Message) -> Json:
        plan = self._plans.get(message.DESCRIPTOR.full_name) or self._make_plan(message.DESCRIPTOR)
        encoded = {}
        for field, value in message.ListFields():
            name, convert = plan[field.name]
            encoded[name] = convert(value)
        return encoded

    def _make_plan(self, descriptor: Descriptor) -> dict[str, tuple[str, Convert]]:
        """How each field of a kind of message is encoded."""
        plan = {field.name: (field.json_name, self._converter(field)) for field in descriptor.fields}
        self._plans[descriptor.full_name] = plan
        return plan

    def _converter(self, field: FieldDescriptor) -> Convert:
        if field.message_type is not None and field.message_type.full_name == KEY_VALUE:
            return self._attributes
        convert = self._single(field)
        return (lambda values: [convert(value) for value in values]) if field.is_repeated else convert

    def _single(self, field: FieldDescriptor) -> Convert:
        if field.message_type is not None:
            return self._any_value if field.message_type.full_name == ANY_VALUE else self._message
        if field.type == FieldDescriptor.TYPE_STRING:
            return self._text
        if field.type == FieldDescriptor.TYPE_BYTES:
            return bytes.hex if field.json_name in IDS else _base64
        if field.type in (FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_FLOAT):
            return _double
        return str if field.type in BIG_INTEGERS else lambda value: value

    def _attributes(self, attributes: Iterable[Any]) -> list[Json]:
        encoded = []
        for attribute in attributes:
            name = attribute.key
            if self._drop_content and is_content(name):
                if name in ARGUMENTS:
                    hashed = blake2b(attribute.value.SerializeToString(), digest_size=8, key=self._hash_key).hexdigest()
                    encoded.append({"key": ARGUMENTS_HASH, "value": {"stringValue": hashed}})
                continue
            value = self._any_value(attribute.value)
            if self._redactor.is_secret_name(name, next(iter(value.values()), None)):
                value = {"stringValue": MASK}
            encoded.append({"key": name, "value": value})
        return encoded

    def _any_value(self, value: Any) -> Json:
        match value.WhichOneof("value"):
            case "string_value":
                return {"stringValue": self._text(value.string_value)}
            case "int_value":
                return {"intValue": str(value.int_value)}
            case "bool_value":
                return {"boolValue": value.bool_value}
            case "double_value":
                return {"doubleValue": _double(value.double_value)}
            case "array_value":
                return {"arrayValue": {"values": [self._any_value(item) for item in value.array_value.values]}}
            case "kvlist_value":
                return {"kvlistValue": {"values": self._attributes(value.kvlist_value.values)}}
            case "bytes_value":
                return {"bytesValue": _base64(value.bytes_value)}
        return {}

    def _text(self, text: str) -> str:
        if len(text) <= TEXT_CHARACTERS and not self._redactor.suspects(text):
            return text
        return self._redactor.text(text)


def split(data: Json, signal: Signal, losses: Counter[str]) -> Iterator[bytes]:
    """Encode as lines that readers accept; an item too long by itself loses what makes it long."""
    line = orjson.dumps(data)
    if len(line) <= LINE_BYTES:
        yield line
        return
    scopes = [(group, scope) for group in data[signal.outer] for scope in group.get(signal.inner, ())]
    if len(scopes) > 1:
        for group, scope in scopes:
            yield from split({signal.outer: [{**group, signal.inner: [scope]}]}, signal, losses)
        return
    for group, scope in scopes:
        items = scope.get(signal.items, [])
        half = len(items) // 2
        parts = [items[:half], items[half:]] if half else [[_without_bulk(item, signal) for item in items]]
        for part in parts:
            smaller = {signal.outer: [{**group, signal.inner: [{**scope, signal.items: part}]}]}
            if half:
                yield from split(smaller, signal, losses)
            elif len(short := orjson.dumps(smaller)) <= LINE_BYTES and part:
                losses[SHORTENED] += 1
                yield short
            else:
                losses[TOO_LARGE] += sum(map(_count, part))


def _count(item: Json) -> int:
    """Of a metric its data points, which OTLP counts; else 1."""
    return sum(len(value.get("dataPoints", ())) for value in item.values() if isinstance(value, dict)) or 1


def _without_bulk(item: Json, signal: Signal) -> Json:
    """The item without what may be long; OTLP has fields for how much of it is missing."""
    short = {name: value for name, value in item.items() if name not in BULKY}
    for name in DROPPED_COUNTS[signal]:
        field = f"dropped{name.capitalize()}Count"
        if missing := len(item.get(name, ())) + int(item.get(field, 0)):
            short[field] = missing
    return short


def _drop_bodies(group: Json) -> None:
    """Remove the bodies of events that are messages of a conversation."""
    for scope in group.get(Signal.LOGS.inner, ()):
        for record in scope.get(Signal.LOGS.items, ()):
            attributes = {item["key"]: item["value"] for item in record.get("attributes", ())}
            name = record.get("eventName") or attributes.get("event.name", {}).get("stringValue") or ""
            if name.startswith(EVENTS):
                record.pop("body", None)


def _base64(value: bytes) -> str:
    return b64encode(value).decode()


def _double(value: float) -> float | str:
    """A number, or the text for a value that JSON has no number for."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
