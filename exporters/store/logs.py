"""Area `logs`: counters of the agents' log records, and when each agent last shipped any.

Reads   what `CountedObjects` reads.
Units   counts, seconds.
Errors  those of `CountedObjects`.
"""

from collections.abc import Hashable, Iterator
from itertools import chain

from exporters.runner import SourceContext
from exporters.shared import records
from exporters.store.counted_objects import CountedObjects
from exporters.store.newest_logs import LAST_SHIPPED, NewestLogs
from exporters.store.shared_state import SharedState
from nervesys.metrics import Sample
from nervesys.stores.objects import ObjectInfo, ObjectReader

FAMILIES = (*records.FAMILIES, LAST_SHIPPED)


class LogsArea(CountedObjects):
    """Counts the records of each log object once.

    Args:
        store: the store.
        context: settings, cache, clock and shard.
        shared: knows the store's clock, and which agents have a state.
    """

    def __init__(self, store: ObjectReader, context: SourceContext, shared: SharedState) -> None:
        super().__init__(store, context, shared, "active_logs", records.COUNTING)
        self._newest = NewestLogs(context.cache)

    def samples(self, agent: str) -> Iterator[Sample]:
        """Its counters, and when it last shipped."""
        return chain(super().samples(agent), self._newest.samples(agent))

    def stamp(self, agent: str) -> Hashable:
        """When it last shipped."""
        return self._newest.of(agent)

    def observe(self, agent: str, info: ObjectInfo) -> None:
        """Date the newest logs by an object."""
        self._newest.observe(agent, info.modified)

    def end_pass(self, agents: set[str]) -> set[str]:
        """Remember the instants of these agents."""
        self._newest.keep_only(agents)
        self._newest.save()
        return set()
