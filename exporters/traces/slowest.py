"""The slowest traces of the last hour, a bounded number: each has a series of its own for as long."""

import json
from dataclasses import astuple, dataclass, fields
from threading import Lock

from exporters.runner import Cache
from exporters.shared.spans import ORIGIN
from exporters.traces.exemplars import TRACE_ID
from nervesys.contract.otlp import Span
from nervesys.metrics import ConditionTerm, Family, Period, Sample
from nervesys.metrics.family import shorten

LIMIT, AGENT_LIMIT = 20, 5
"""Traces in all, and of one agent."""
KEPT = 100
"""Of each agent, before those of the last hour are chosen."""
RECENT_SECONDS = 3600.0
AREA = "trace-slowest"
"""Names them in the cache; no area of objects has this name."""
SLOWEST = Family(
    "trace_slow_duration_seconds",
    "gauge",
    "Duration of the slowest traces that began within the last hour, at most 20.",
    ("agent", "trace_id", "name"),
    Period.SHIP,
    conditions=(ConditionTerm(word="slow trace", kind="level", labels=("agent",), origin=ORIGIN),),
)


@dataclass(frozen=True, order=True)
class SlowTrace:
    """A trace, as far as one agent shows it.

    Attributes:
        seconds: duration of its root.
        agent: that sent the root.
        trace_id: 32 hexadecimal digits.
        name: of the root.
        begin: Unix seconds.
    """

    seconds: float
    agent: str
    trace_id: str
    name: str
    begin: float

    def sample(self) -> Sample:
        """Its series."""
        return SLOWEST.sample(self.seconds, self.agent, self.trace_id, self.name)


COLUMNS = ",".join(field.name for field in fields(SlowTrace))
"""Version of what is remembered: rows of another release with other columns are forgotten, within the hour anyway."""


class SlowestTraces:
    """The slowest traces, remembered across restarts; several threads may observe.

    Args:
        cache: where they are remembered.
    """

    def __init__(self, cache: Cache) -> None:
        self._cache, self._lock, self._changed = cache, Lock(), False
        self._traces: dict[str, dict[str, SlowTrace]] = {}
        for _, version, body in cache.bodies(AREA):
            for row in json.loads(body or b"[]") if version == COLUMNS else ():
                self._add(SlowTrace(*row))

    def observe(self, agent: str, span: Span) -> None:
        """A span was read; the root of a trace stands for it."""
        if not span.parent_span_id and TRACE_ID.fullmatch(trace_id := span.trace_id.lower()):
            with self._lock:
                self._add(SlowTrace(span.seconds, agent, trace_id, shorten(span.name), span.begin))
                self._changed = True

    def newest(self, now: float) -> tuple[SlowTrace, ...]:
        """The slowest first; all that began more than an hour before, or after, are forgotten.

        Args:
            now: Unix seconds.
        """
        with self._lock:
            slowest: list[SlowTrace] = []
            for agent, traces in list(self._traces.items()):
                recent = {key: trace for key, trace in traces.items() if abs(now - trace.begin) < RECENT_SECONDS}
                self._traces[agent] = recent
                slowest += sorted(recent.values(), reverse=True)[:AGENT_LIMIT]
                if not recent:
                    del self._traces[agent]
            return tuple(sorted(slowest, reverse=True)[:LIMIT])

    def save(self) -> None:
        """Remember them, if they changed."""
        if not self._changed:
            return
        self._changed = False
        with self._lock:
            traces = [astuple(trace) for of_agent in self._traces.values() for trace in of_agent.values()]
        self._cache.keep_bodies(AREA, [("all", COLUMNS, json.dumps(traces).encode())])

    def _add(self, trace: SlowTrace) -> None:
        traces = self._traces.setdefault(trace.agent, {})
        traces[trace.trace_id] = max(trace, traces.get(trace.trace_id, trace))
        if len(traces) > KEPT:
            del traces[min(traces, key=lambda key: traces[key])]
