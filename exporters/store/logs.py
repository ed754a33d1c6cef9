"""Area `logs`: counters of the agents' log records and their cost, budgets, and when each agent last shipped any.

Reads   what `CountedObjects` reads.
Units   counts, seconds.
Errors  those of `CountedObjects`.
"""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from sqlite3 import Connection

from exporters.runner import Refresh, SourceContext
from exporters.shared import costs, records
from exporters.shared.push_queue import PushQueue
from exporters.store import budgets
from exporters.store.counted_objects import CountedObjects
from exporters.store.earlier_costs import EarlierCosts
from exporters.store.ledger import Reading
from exporters.store.newest_logs import LAST_SHIPPED, NewestLogs
from exporters.store.shared_state import SharedState
from nervesys.metrics import Sample
from nervesys.stores.objects import ObjectInfo, ObjectReader

FAMILIES = (*records.COUNTED_FAMILIES, *budgets.FAMILIES, LAST_SHIPPED)
BUDGETS_KEY = "/budgets"
"""Key of the budgets in the output; no agent has this name."""


class LogsArea(CountedObjects):
    """Counts the records of each log object once.

    Args:
        store: the store.
        context: settings, cache, clock and shard.
        shared: knows the store's clock, and which agents have a state.
        queue: what is counted is sent to a log database too; None where there is none.
    """

    def __init__(
        self, store: ObjectReader, context: SourceContext, shared: SharedState, queue: PushQueue | None = None
    ) -> None:
        self._settings = context.settings
        tally = partial(records.tally, prices=context.settings.prices)
        super().__init__(store, context, shared, "active_logs", replace(records.COUNTING, tally=tally))
        self._newest = NewestLogs(context.cache)
        self._queue = queue
        self._earlier = EarlierCosts(context)

    def refresh(self, out: Refresh) -> None:
        """One pass; then the budgets, as of now: a period may have ended without new logs."""
        super().refresh(out)
        now, totals = self._shared.now(self._context.clock), self._ledger.totals
        sums = list(totals.of_family(costs.OF_PERIOD.name))
        began = 0 if self._context.once else self._ledger.counting_since(now)
        self._ledger.drop([series for series, _ in sums if budgets.is_over(series, now, began)])
        settings = self._settings
        spent = budgets.spent_of(sums, now, self._earlier.missing(sums, began, now))
        samples = budgets.budget_samples(spent, settings.budgets, settings.prices.currency, now)
        out.put(BUDGETS_KEY, now, samples)

    def samples(self, agent: str) -> Iterator[Sample]:
        """Its counters; and when it last shipped, once all folders in use were listed: older ones would accuse it."""
        return chain(super().samples(agent), self._newest.samples(agent) if self.knows_newest else ())

    def stamp(self, agent: str) -> Hashable:
        """When it last shipped."""
        return self._newest.of(agent) if self.knows_newest else None

    def observe(self, agent: str, info: ObjectInfo) -> None:
        """Date the newest logs by an object."""
        self._newest.observe(agent, info.modified)

    def on_count(self, db: Connection, new: Sequence[Reading]) -> None:
        """Queue what is to be sent to a log database, in the transaction that counts it."""
        if self._queue is not None:
            self._queue.add(db, [reading.info for reading in new if reading.sums is not None])

    def end_pass(self, agents: set[str]) -> set[str]:
        """Remember the instants of these agents."""
        self._newest.keep_only(agents)
        self._newest.save()
        return {BUDGETS_KEY}
