"""Providers of OpenTelemetry's SDK for a Python program that is an agent: they write to the agent's buffer directly."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from google.protobuf.message import Message
from opentelemetry import _logs, metrics, trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk._logs import LoggerProvider, ReadableLogRecord
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    MetricExporter,
    MetricExportResult,
    MetricsData,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import StatusCode

from nervesys.agent.identity import Identity
from nervesys.agent.telemetry.intake import Intake, Refused
from nervesys.agent.telemetry.span_tasks import RunningSpan, SpanTasks
from nervesys.contract.otlp import NANOSECONDS
from nervesys.contract.otlp_names import Signal

DELAY_MILLISECONDS = 500
"""Between two exports, of which `kill -9` loses the spans in between."""
FLUSH_MILLISECONDS = 2000
"""For the last export."""

log = logging.getLogger(__name__)


class _Export:
    """Appends what the SDK exports; what finds no room is counted in one log line."""

    def __init__(self, intake: Intake) -> None:
        self._intake, self._refused = intake, 0

    def __call__(self, signal: Signal, request: Message, items: int) -> bool:
        try:
            self._intake.accept(signal, request)
        except Refused as err:
            if not self._refused:
                log.warning("traces are dropped: %s", err)
            self._refused += 1
            self._intake.lose("buffer_full", items)
            return False
        if self._refused:
            log.warning("traces are recorded again; %d exports were dropped", self._refused)
            self._refused = 0
        return True


class BufferSpanExporter(SpanExporter):
    """Exports spans to the buffer."""

    def __init__(self, export: _Export) -> None:
        self._export = export

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Append spans."""
        accepted = self._export(Signal.TRACES, encode_spans(spans), len(spans))
        return SpanExportResult.SUCCESS if accepted else SpanExportResult.FAILURE


class BufferLogExporter(LogRecordExporter):
    """Exports log records, among them events of generative AI, to the buffer."""

    def __init__(self, export: _Export) -> None:
        self._export = export

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        """Append records."""
        accepted = self._export(Signal.LOGS, encode_logs(batch), len(batch))
        return LogRecordExportResult.SUCCESS if accepted else LogRecordExportResult.FAILURE

    def shutdown(self) -> None:
        """Do nothing: the agent closes its buffer."""

    def force_flush(self, timeout_millis: int = 0) -> bool:
        """Do nothing: what was exported is in the buffer."""
        return True


class BufferMetricExporter(MetricExporter):
    """Exports metrics to the buffer."""

    def __init__(self, export: _Export) -> None:
        super().__init__()
        self._export = export

    def export(self, metrics_data: MetricsData, timeout_millis: float = 0, **_: Any) -> MetricExportResult:
        """Append metrics."""
        accepted = self._export(Signal.METRICS, encode_metrics(metrics_data), 1)
        return MetricExportResult.SUCCESS if accepted else MetricExportResult.FAILURE

    def shutdown(self, timeout_millis: float = 0, **_: Any) -> None:
        """Do nothing: the agent closes its buffer."""

    def force_flush(self, timeout_millis: float = 0) -> bool:
        """Do nothing: what was exported is in the buffer."""
        return True


class RunningSpans(SpanProcessor):
    """Follows spans from their begin on, which an export shows only at their end.

    Args:
        tasks: that traces stand for.
    """

    def __init__(self, tasks: SpanTasks) -> None:
        self._tasks = tasks
        tasks.sees_begins = True

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """A span begins."""
        with _reported("begin"):
            self._tasks.begin(_running(span))

    def on_end(self, span: ReadableSpan) -> None:
        """A span has ended."""
        with _reported("end"):
            self._tasks.end(_running(span), failed=span.status.status_code is StatusCode.ERROR)


@contextmanager
def _reported(event: str) -> Iterator[None]:
    """Log an error: the SDK would raise it where the author's code begins or ends a span."""
    try:
        yield
    except Exception:
        log.exception("follow the %s of a span", event)


def _running(span: ReadableSpan) -> RunningSpan:
    context, parent = span.context, span.parent
    return RunningSpan(
        trace_id=f"{context.trace_id:032x}" if context else "",
        span_id=f"{context.span_id:016x}" if context else "",
        name=span.name,
        begin=(span.start_time or 0) / NANOSECONDS,
        is_root=parent is None or parent.is_remote,
        attributes=dict(span.attributes or {}),
    )


def install(me: Identity, intake: Intake, tasks: SpanTasks) -> Callable[[], None]:
    """Set the global providers; where the program has set one of the SDK already, add to it.

    Args:
        me: the agent.
        intake: takes what is exported.
        tasks: that traces stand for.

    Returns:
        A function that flushes them, to be called when the agent ends.
    """
    export = _Export(intake)
    resource = Resource.create({"service.name": me.name, "service.instance.id": me.instance_id, "host.name": me.server})
    tracers, loggers = trace.get_tracer_provider(), _logs.get_logger_provider()
    if not isinstance(tracers, TracerProvider):
        tracers = TracerProvider(resource=resource)
        trace.set_tracer_provider(tracers)
    tracers.add_span_processor(RunningSpans(tasks))
    tracers.add_span_processor(
        spans := BatchSpanProcessor(BufferSpanExporter(export), schedule_delay_millis=DELAY_MILLISECONDS)
    )
    if not isinstance(loggers, LoggerProvider):
        loggers = LoggerProvider(resource=resource)
        _logs.set_logger_provider(loggers)
    loggers.add_log_record_processor(
        records := BatchLogRecordProcessor(BufferLogExporter(export), schedule_delay_millis=DELAY_MILLISECONDS)
    )
    meters = None
    if not isinstance(metrics.get_meter_provider(), MeterProvider):
        meters = MeterProvider([PeriodicExportingMetricReader(BufferMetricExporter(export))], resource)
        metrics.set_meter_provider(meters)

    def end() -> None:
        spans.shutdown()
        records.shutdown()
        if meters is not None:
            meters.shutdown(FLUSH_MILLISECONDS)

    return end
