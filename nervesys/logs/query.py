"""What a reader asks for: a time range, and conditions on each record."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

from nervesys.contract import Category, Level
from nervesys.contract.logs import LEVELS
from nervesys.contract.times import utc
from nervesys.logs.entries import LogEntry
from nervesys.logs.text_search import TextSearch


@dataclass(frozen=True)
class LogQuery:
    """A time range, and conditions that all must hold; an empty one permits every value.

    Attributes:
        since: Unix seconds, included.
        until: Unix seconds, excluded.
        agents: names.
        servers: names.
        levels: severities.
        categories: see `Category`.
        action: of the record.
        search: in action and message, or in the record as JSON.
        agent_test: a condition on the agent's name, so that objects of others need not be read.
        server_test: likewise, on the server's.
        accepts: a further condition.
    """

    since: float
    until: float
    agents: frozenset[str] = frozenset()
    servers: frozenset[str] = frozenset()
    levels: frozenset[Level] = frozenset()
    categories: frozenset[Category] = frozenset()
    action: str = ""
    search: TextSearch | None = None
    agent_test: Callable[[str], bool] | None = field(default=None, compare=False)
    server_test: Callable[[str], bool] | None = field(default=None, compare=False)
    accepts: Callable[[LogEntry], bool] | None = field(default=None, compare=False)

    def matches(self, entry: LogEntry) -> bool:
        """Whether a record meets all conditions."""
        return (
            self.since <= entry.at < self.until
            and self.wants_agent(entry.agent)
            and self.wants_server(entry.server)
            and (not self.levels or entry.level in self.levels)
            and (not self.categories or entry.category in self.categories)
            and (not self.action or entry.action == self.action)
            and (self.search is None or self._finds(entry))
            and (self.accepts is None or self.accepts(entry))
        )

    def wants_agent(self, name: str) -> bool:
        """Whether records of an agent may match."""
        return (not self.agents or name in self.agents) and (self.agent_test is None or self.agent_test(name))

    def wants_server(self, name: str) -> bool:
        """Whether records of a server may match."""
        return (not self.servers or name in self.servers) and (self.server_test is None or self.server_test(name))

    def may_hold(self, line: bytes) -> bool:
        """Whether a line may be of one of the agents; cheap, and never wrongly False."""
        if not self.agents or len(self.agents) > MOST_NEEDLES:
            return True
        lower = line.lower()
        return any(agent.encode() in lower for agent in self.agents) or b"\\u00" in lower

    def may_be_in(self, category: str | None) -> bool:
        """Whether an object of this category may hold a record; unknown categories are archived as `system`."""
        if category is None or not self.categories:
            return True
        kept = {Category.SYSTEM if wanted is Category.OTHER else wanted for wanted in self.categories}
        return Category(category) in kept

    def days(self, last: float) -> Iterator[date]:
        """The days, UTC, in whose folders objects may lie, oldest first.

        Args:
            last: Unix seconds; later days are left out.
        """
        until = min(self.until + SHIPPING_SECONDS, last)
        if until < max(self.since, 0):  # no date can be made of an instant after the year 9999
            return
        day, end = utc(max(self.since, 0)).date(), utc(until).date()
        while day <= end:
            yield day
            day += timedelta(days=1)

    def _finds(self, entry: LogEntry) -> bool:
        assert self.search is not None, "checked by the caller"
        text = f"{entry.action} {entry.message}"
        return self.search.finds(text) or self.search.finds(entry.line.decode(errors="replace"))


MOST_NEEDLES = 20
"""Agents up to which a line is searched for their names before it is parsed."""
SHIPPING_SECONDS = 3600
"""After so long, what was logged before an instant has been shipped to the store."""


def from_level(lowest: Level) -> frozenset[Level]:
    """A level and all that are more severe."""
    return frozenset(LEVELS[LEVELS.index(lowest) :])
