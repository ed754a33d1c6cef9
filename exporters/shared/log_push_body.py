"""Requests that push log records to a log database: Loki, VictoriaLogs, or any that takes OpenTelemetry. Pure."""

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from exporters.shared.push_sender import PushRequest
from nervesys.contract import Level
from nervesys.logs.entries import LogEntry
from nervesys.logs.logql.engine import nanoseconds
from nervesys.logs.logql.pipeline import STREAM_LABELS, stream_labels
from nervesys.settings.logs import LogDatabaseKind

SEVERITIES = {Level.DEBUG: 5, Level.INFO: 9, Level.WARN: 13, Level.ERROR: 17, Level.OTHER: 0}
"""`SeverityNumber` of OpenTelemetry (opentelemetry.io/docs/specs/otel/logs/data-model)."""


def push_request(kind: LogDatabaseKind, entries: Sequence[LogEntry]) -> PushRequest:
    """The request that pushes some records.

    Args:
        kind: of the log database.
        entries: at least one.
    """
    return _REQUESTS[kind](entries)


def _loki(entries: Sequence[LogEntry]) -> PushRequest:
    """`POST /loki/api/v1/push`: lines by stream, in the order of time (grafana.com/docs/loki, HTTP API)."""
    streams: defaultdict[tuple[tuple[str, str], ...], list[list[str]]] = defaultdict(list)
    for entry in sorted(entries, key=lambda entry: entry.at):
        streams[tuple(stream_labels(entry).items())].append([str(nanoseconds(entry)), _text(entry)])
    found = [
        {"stream": {name: value for name, value in labels if value}, "values": lines}
        for labels, lines in streams.items()
    ]
    return PushRequest("/loki/api/v1/push", "application/json", json.dumps({"streams": found}).encode())


def _victorialogs(entries: Sequence[LogEntry]) -> PushRequest:
    """`POST /insert/jsonline` (docs.victoriametrics.com/victorialogs/data-ingestion)."""
    query = f"_stream_fields={','.join(STREAM_LABELS)}&_time_field=_time&_msg_field=message"
    lines = []
    for entry in entries:
        fields = {**entry.fields, **{name: value for name, value in stream_labels(entry).items() if value}}
        fields |= {"_time": str(nanoseconds(entry)), "message": entry.message or entry.action or "-"}
        lines.append(json.dumps(fields).encode())
    return PushRequest(f"/insert/jsonline?{query}", "application/stream+json", b"\n".join(lines) + b"\n")


def _otlp(entries: Sequence[LogEntry]) -> PushRequest:
    """`POST /v1/logs` in JSON (opentelemetry.io/docs/specs/otlp, OTLP/HTTP)."""
    resources: defaultdict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for entry in entries:
        attributes = {"category": entry.category.value, "action": entry.action, "log.record.original": _text(entry)}
        record = {
            "timeUnixNano": str(nanoseconds(entry)),
            "severityNumber": SEVERITIES[entry.level],
            "severityText": entry.level.value,
            "body": {"stringValue": entry.message},
            "attributes": _attributes(attributes),
        }
        resources[entry.agent, entry.server].append(record)
    found = [
        {
            "resource": {"attributes": _attributes({"service.name": agent, "host.name": server})},
            "scopeLogs": [{"scope": {"name": "nervesys"}, "logRecords": records}],
        }
        for (agent, server), records in resources.items()
    ]
    return PushRequest("/v1/logs", "application/json", json.dumps({"resourceLogs": found}).encode())


def _attributes(values: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"key": key, "value": {"stringValue": value}} for key, value in values.items() if value]


def _text(entry: LogEntry) -> str:
    return entry.line.decode(errors="replace")


_REQUESTS: Mapping[LogDatabaseKind, Callable[[Sequence[LogEntry]], PushRequest]] = {
    LogDatabaseKind.LOKI: _loki,
    LogDatabaseKind.VICTORIALOGS: _victorialogs,
    LogDatabaseKind.OTLP: _otlp,
}
