"""Area `traces`: counters and histograms of model and tool calls, and the slowest traces.

Reads   a pass: one LIST for the agents with a state, and what `CountedObjects` reads.
Units   seconds, counts, tokens.
Errors  those of `CountedObjects`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from sqlite3 import Connection

from exporters.runner import Refresh, SourceContext
from exporters.shared import spans
from exporters.shared.admission import NameAdmission
from exporters.shared.counting import Series
from exporters.shared.push_queue import PushQueue
from exporters.store.counted_objects import CountedObjects
from exporters.store.counted_store import CountedStore
from exporters.store.ledger import Reading
from exporters.store.shared_state import SharedState
from exporters.traces.exemplars import Exemplars
from exporters.traces.slowest import SLOWEST, SlowestTraces
from nervesys.contract import PathTemplate, agent_name
from nervesys.contract.otlp import Span
from nervesys.errors import BadObject
from nervesys.metrics import Sample
from nervesys.stores.objects import ObjectReader

FAMILIES = (*spans.FAMILIES, SLOWEST)
SLOWEST_KEY = "/slowest"
"""Key of the slowest traces in the output; no agent has this name."""


class TracesArea(CountedObjects):
    """Counts the calls of each object once.

    Args:
        store: the store.
        context: settings, cache, clock and shard.
        queue: of objects that are handed on; None hands nothing on.
    """

    def __init__(self, store: ObjectReader, context: SourceContext, queue: PushQueue | None = None) -> None:
        self._queue = queue
        self._exemplars, self._slowest = Exemplars(), SlowestTraces(context.cache)
        counted = CountedStore(store, context)
        self._states, self._agents = counted, PathTemplate(context.settings.storage.storj.paths.agents)
        self._admission = NameAdmission()
        self._state, self._clock = SharedState(), context.clock
        tally = partial(spans.tally, on_span=self._on_span)
        super().__init__(counted, context, self._state, "active_traces", replace(spans.COUNTING, tally=tally))

    def refresh(self, out: Refresh) -> None:
        """One pass."""
        listing = self._states.list(self._agents.prefix())
        if listing.clock is not None:
            self._state.clock_offset = listing.clock - self._clock()
        names = filter(None, (self._agent_of(info.key) for info in listing.objects))
        self._state.known_agents = frozenset(self._admission.admit(names))
        super().refresh(out)
        slowest = self._slowest.newest(self._state.now(self._clock))
        out.put(SLOWEST_KEY, slowest, (trace.sample() for trace in slowest))

    def samples(self, agent: str) -> Iterator[Sample]:
        """Its counters, with exemplars."""
        return map(self._exemplars.attach, super().samples(agent))

    def end_pass(self, agents: set[str]) -> set[str]:
        """Forget the exemplars of all other agents."""
        self._exemplars.keep_only(agents)
        self._slowest.save()
        return {SLOWEST_KEY}

    def on_count(self, db: Connection, new: Sequence[Reading]) -> None:
        """Queue what was counted for the first time, in the transaction that counts it."""
        if self._queue:
            self._queue.add(db, [reading.info for reading in new if reading.sums is not None])

    def _on_span(self, agent: str, span: Span, series: Series | None) -> None:
        self._exemplars.observe(span, series)
        self._slowest.observe(agent, span)

    def _agent_of(self, key: str) -> str | None:
        try:
            return agent_name((self._agents.parse(key) or {}).get("agent", ""))
        except BadObject:
            return None
