"""Finds the spans of a trace in the store, newest objects first.

No index says where a trace lies. An object holds only spans that began before it was sealed, and its key says when that
was: once spans are found, older objects are left out.
"""

import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice

from nervesys.clock import Clock
from nervesys.contract import PathTemplate
from nervesys.contract.otlp import Span, parse_line
from nervesys.contract.otlp_names import AGENT
from nervesys.contract.times import DAY_SECONDS
from nervesys.errors import BadObject
from nervesys.logs.budget import ReadBudget
from nervesys.settings.storage import Storage
from nervesys.stores.folders import Folders, instant_of
from nervesys.stores.lines import lines_of
from nervesys.stores.objects import ObjectReader

TRACE_ID = re.compile(r"[0-9a-f]{32}")
LONGEST_DAYS = 30
"""Looked back, where the store keeps traces for ever."""
SPANS = 5000
"""Spans of one trace, at most."""
CLOCKS_APART_SECONDS = 60.0


@dataclass(frozen=True)
class TraceSpan:
    """A span, and the agent that sent it."""

    agent: str
    span: Span


@dataclass
class TraceFinder:
    """Finds traces; may be used by several threads.

    Attributes:
        store: holds the traces of the last days.
        storage: path template, retention, concurrency.
        clock: gives the current day.
    """

    store: ObjectReader
    storage: Storage
    clock: Clock
    _pool: ThreadPoolExecutor = field(init=False)

    def __post_init__(self) -> None:
        self._pool = ThreadPoolExecutor(self.storage.storj.concurrency, thread_name_prefix="trace-finder")

    def find(self, trace_id: str, agent: str, budget: ReadBudget) -> list[TraceSpan]:
        """The spans of a trace, each once; as many as the budget allows.

        Args:
            trace_id: 32 hexadecimal digits.
            agent: whose objects are read; empty for all.
            budget: limits, and what was read.

        Raises:
            StoreUnavailable: the store does not answer.
        """
        found: dict[str, TraceSpan] = {}
        began = float("inf")
        objects = self._objects(agent, budget)
        while step := list(islice(objects, self.storage.storj.concurrency)):
            if step[0][0] < began - CLOCKS_APART_SECONDS and found:
                break
            for spans in self._pool.map(lambda item: list(self._read(item[1], trace_id, budget)), step):
                found.update((trace_span.span.span_id, trace_span) for trace_span in spans)
            began = min((trace_span.span.begin for trace_span in found.values()), default=began)
            if budget.exceeded or len(found) >= SPANS or not budget.check_time():
                break
        return list(found.values())[:SPANS]

    def _objects(self, agent: str, budget: ReadBudget) -> Iterator[tuple[float, str]]:
        """Instants and keys of the objects of the last days, newest first."""
        template = PathTemplate(self.storage.storj.paths.active_traces)
        folders, now = Folders(template), self.clock()
        roots = folders.roots(self.store)
        budget.listed += 1
        for day in range((self.storage.retention.active_traces or LONGEST_DAYS) + 2):
            objects: list[tuple[float, str]] = []
            for root in roots:
                if not budget.check_time():
                    return
                for info in self.store.list(folders.period(root, now - (day - 1) * DAY_SECONDS)).objects:
                    fields = template.parse(info.key)
                    if fields and (not agent or fields.get("agent", agent).lower() == agent):
                        objects.append((_instant(fields), info.key))
                budget.listed += 1
            yield from sorted(objects, reverse=True)

    def _read(self, key: str, trace_id: str, budget: ReadBudget) -> Iterator[TraceSpan]:
        """The spans of the trace in an object; what is damaged is left out."""
        try:
            with self.store.open(key) as stream:
                yield from _matching(lines_of(stream, key), trace_id, budget)
        except BadObject as bad:
            budget.reject(f"{key}: {bad}")
        budget.finish_object()


def _matching(lines: Iterable[bytes], trace_id: str, budget: ReadBudget) -> Iterator[TraceSpan]:
    needle = trace_id.encode()
    for line in lines:
        if not budget.spend(len(line)):
            return
        if needle not in line.lower():
            continue
        try:
            for resource, span in parse_line(line):
                if span.trace_id.lower() == trace_id:
                    yield TraceSpan(str(resource.get(AGENT, "")), span)
        except BadObject:
            budget.rejected += 1


def _instant(fields: dict[str, str]) -> float:
    try:
        return instant_of(fields) or 0.0
    except BadObject:
        return 0.0
