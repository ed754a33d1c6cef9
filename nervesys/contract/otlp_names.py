"""Names of OTLP/JSON that writers and readers share."""

from enum import Enum

AGENT = "nervesys.agent"
"""Attribute of a resource: the agent that received it, set over whatever the program sent."""
IDS = frozenset({"traceId", "spanId", "parentSpanId"})
"""Hexadecimal digits in JSON, bytes in protobuf."""
LINE_BYTES = 1_000_000
"""Longest line that is written; readers refuse lines from 1 MiB on."""


class Signal(Enum):
    """A kind of data: the last part of its path, and the names of its three levels."""

    TRACES = ("traces", "resourceSpans", "scopeSpans", "spans")
    LOGS = ("logs", "resourceLogs", "scopeLogs", "logRecords")
    METRICS = ("metrics", "resourceMetrics", "scopeMetrics", "metrics")

    def __init__(self, path: str, outer: str, inner: str, items: str) -> None:
        self.path, self.outer, self.inner, self.items = path, outer, inner, items
