"""Tasks of a program that reports none itself: each trace with calls of models or tools stands for one.

A task is the root of a trace within the program. Spans that are received from another process show only what has ended:
a span whose parent is of the same program shows that the parent still runs.
"""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Any

from nervesys.agent.telemetry.span_sinks import SpanSinks
from nervesys.agent.work import Task, TaskFailed
from nervesys.clock import Clock
from nervesys.contract.gen_ai import is_call, is_single_call
from nervesys.contract.otlp import Span, values_of

NAME, ID, STEP, PROGRESS, LIMIT = (
    f"nervesys.task.{name}" for name in ("name", "id", "step", "progress", "limit_seconds")
)
"""Attributes of any span of a trace that say more of its task."""
NAMES = (NAME, "gen_ai.agent.name", "gen_ai.workflow.name")
"""Of a task; else the name of its root."""
MAX_RUNNING = 100
"""Most traces that are followed at once; the oldest is forgotten for a further one."""
MAX_ENDED = 1000
"""Newest traces whose late spans begin no further task."""
LOST_SECONDS = 600.0
"""After which a trace without a new span is given up once another one has ended: its root was never sent."""


@dataclass(frozen=True)
class RunningSpan:
    """A span from its begin on.

    Attributes:
        begin: Unix seconds.
        is_root: whether its parent is of another program, or there is none.
    """

    trace_id: str
    span_id: str
    name: str
    begin: float
    is_root: bool
    attributes: Mapping[str, Any]


@dataclass
class _Trace:
    """A trace whose root has not ended.

    Attributes:
        active_at: time of its newest span.
        root: known from its begin only where that is seen.
        task: that it stands for; None until a call within it.
        is_name_guessed: the name is that of the newest root, because this one's has not been received.
    """

    active_at: float
    root: RunningSpan | None = None
    task: Task | None = None
    is_name_guessed: bool = False


class SpanTasks:
    """Follows the traces of an agent; thread-safe.

    Args:
        agent: its name, for tasks of which nothing else is known.
        sinks: take the tasks.
        clock: of the host.
    """

    def __init__(self, agent: str, sinks: SpanSinks, clock: Clock) -> None:
        self._usual_name, self._sinks, self._clock = agent, sinks, clock
        self.sees_begins = False
        """Spans of this process are followed from their begin on."""
        self._lock = threading.RLock()
        self._traces: OrderedDict[str, _Trace] = OrderedDict()
        self._ended: OrderedDict[str, None] = OrderedDict()

    def begin(self, span: RunningSpan) -> None:
        """A span of this process begins."""
        with self._lock:
            if self._is_ignored(span.trace_id):
                return
            if span.is_root:
                self._open(span.trace_id).root = span
            trace = self._traces.get(span.trace_id)
            if trace and _shows_task(span):
                self._start(trace, span)

    def end(self, span: RunningSpan, *, failed: bool) -> None:
        """A span of this process has ended."""
        with self._lock:
            trace = self._traces.get(span.trace_id)
            if trace is None:
                return
            if trace.task is not None:  # its attributes may have come after its begin
                self._start(trace, span)
            if trace.root and trace.root.span_id == span.span_id:
                self._finish(span, trace, max(0.0, self._clock() - span.begin), failed=failed)

    def observe(self, span: Span) -> None:
        """A span of another process has ended and was received."""
        attributes = values_of(span.attributes)
        with self._lock:
            if self.sees_begins or self._is_ignored(span.trace_id):
                return
            is_root, trace = span.is_local_root, self._traces.get(span.trace_id)
            seen = RunningSpan(span.trace_id, span.span_id, span.name, span.begin, is_root, attributes)
            if trace is None and not _shows_task(seen):
                return
            trace = trace or self._open(span.trace_id)
            if is_root or span.has_local_parent:  # else nothing shows whether the task still runs
                self._start(trace, seen)
            if is_root:
                self._finish(seen, trace, span.seconds, failed=span.failed)

    @property
    def follows_any(self) -> bool:
        """Whether the end of a trace is waited for, which any span may be."""
        return bool(self._traces)

    def _is_ignored(self, trace_id: str) -> bool:
        if self._sinks.work.has_own_tasks:
            while self._traces:
                self._abandon(next(iter(self._traces)))
            return True
        return not trace_id or trace_id in self._ended

    def _open(self, trace_id: str) -> _Trace:
        while len(self._traces) >= MAX_RUNNING:
            self._abandon(next(iter(self._traces)))
        return self._traces.setdefault(trace_id, _Trace(self._clock()))

    def _start(self, trace: _Trace, span: RunningSpan) -> None:
        """Begin the task of a trace, or bring it up to date by a span."""
        trace.active_at = self._clock()
        task = trace.task
        if task is None:
            first = trace.root or span
            name = next(filter(None, (_text(each.attributes, name) for name in NAMES for each in (first, span))), "")
            trace.is_name_guessed = not (name or first.is_root)
            name = name or (first.name if first.is_root else self._usual_name)
            task = trace.task = Task(name, id=first.trace_id, started_at=first.begin, from_spans=True)
            self._sinks.work.begin(task)
        task.id = _text(span.attributes, ID) or task.id
        task.limit_seconds = _number(span.attributes, LIMIT, inf) or task.limit_seconds
        step = _text(span.attributes, STEP) or (None if span.is_root else span.name)
        self._sinks.work.report(task, step, _number(span.attributes, PROGRESS, 1))

    def _finish(self, span: RunningSpan, trace: _Trace, seconds: float, *, failed: bool) -> None:
        """The root of a trace has ended."""
        del self._traces[span.trace_id]
        self._ended[span.trace_id] = None
        if len(self._ended) > MAX_ENDED:
            self._ended.popitem(last=False)
        if trace.task is not None:
            if trace.is_name_guessed:
                trace.task.action = self._usual_name = span.name
            error = TaskFailed(f"its trace {span.trace_id} failed") if failed else None
            self._sinks.end_task(trace.task, seconds, error)
        for lost, other in list(self._traces.items()):
            # A root whose begin was seen has not ended, however long its last call takes.
            if other.root is None and self._clock() - other.active_at > LOST_SECONDS:
                self._abandon(lost)

    def _abandon(self, trace_id: str) -> None:
        task = self._traces.pop(trace_id).task
        if task is not None:
            self._sinks.work.abandon(task)


def _shows_task(span: RunningSpan) -> bool:
    """Whether the trace of a span is a task: it has calls. A root that is one call itself is none."""
    if NAME in span.attributes:
        return True
    return is_call(span.attributes) and not (span.is_root and is_single_call(span.attributes))


def _text(attributes: Mapping[str, Any], name: str) -> str:
    value = attributes.get(name)
    return value if isinstance(value, str) else ""


def _number(attributes: Mapping[str, Any], name: str, most: float) -> float | None:
    value = attributes.get(name)
    return float(value) if isinstance(value, int | float) and 0 <= value <= most else None
