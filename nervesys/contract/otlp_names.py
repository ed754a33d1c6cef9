"""Names of OTLP/JSON that writers and readers share; apart from `otlp`, which needs msgspec."""

from enum import Enum

AGENT = "nervesys.agent"
"""Attribute of a resource: the agent that received it, set over whatever the program sent."""
ARGUMENTS_HASH = "nervesys.arguments_hash"
"""Attribute of a tool's span: shows whether two calls had the same arguments, which are left out themselves."""
IDS = frozenset({"traceId", "spanId", "parentSpanId"})
"""Hexadecimal digits in JSON, bytes in protobuf."""
LINE_BYTES = 1_000_000
"""Longest line that is written; readers refuse lines from 1 MiB on."""
OPERATION_BUCKETS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
"""Seconds; of `gen_ai.client.operation.duration` in the semantic conventions of OpenTelemetry."""


class Signal(Enum):
    """A kind of data: the last part of its path, and the names of its three levels."""

    TRACES = ("traces", "resourceSpans", "scopeSpans", "spans")
    LOGS = ("logs", "resourceLogs", "scopeLogs", "logRecords")
    METRICS = ("metrics", "resourceMetrics", "scopeMetrics", "metrics")

    def __init__(self, path: str, outer: str, inner: str, items: str) -> None:
        self.path, self.outer, self.inner, self.items = path, outer, inner, items
