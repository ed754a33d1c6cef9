"""The series about each agent's actions; only those of agents whose counts changed are rendered anew."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from alerting.receiver.metrics import ACTIONS, OF_AGENTS, OPEN
from nervesys.clock import Clock
from nervesys.metrics import Fragments, MetricsSnapshot, Sample

Counts = Mapping[tuple[str, str], int]
"""By action and state."""
NOTHING: Counts = {}
KEPT_SECONDS = 86400.0
"""For which the counters of an agent are served after its last event, so that all are bounded by what a day brings."""


@dataclass(frozen=True)
class AgentCounts:
    """The counts of one agent.

    Attributes:
        entered: how often each state was entered.
        open: how many episodes are open.
    """

    agent: str
    entered: Counts
    open: Counts

    def samples(self) -> Iterator[Sample]:
        """As they are exposed."""
        for (action, state), count in self.entered.items():
            yield ACTIONS.sample(count, self.agent, action, state)
        for (action, state), count in self.open.items():
            yield OPEN.sample(count, self.agent, action, state)


class AgentSeries:
    """Counts and open episodes of the agents that have any.

    A counter begins with its first event, and is served as 0 once before it counts it, so that `increase` sees it. All
    methods are for the event loop, but `render`, which one thread at a time may call.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._fragments = Fragments(OF_AGENTS)
        self._entered: dict[str, dict[tuple[str, str], int]] = {}
        self._served: dict[str, frozenset[tuple[str, str]]] = {}
        self._last: dict[str, float] = {}
        self._open: dict[str, Counts] = {}
        self._changed: set[str] = set()

    def start(self, agent: str, action: str, states: Iterable[str]) -> None:
        """Serve counters of these states as 0 from now on, whatever happens, and for good."""
        counts = self._entered.setdefault(agent, {})
        if missing := [state for state in states if (action, state) not in counts]:
            counts.update(dict.fromkeys([(action, state) for state in missing], 0))
            self._last[agent] = math.inf
            self._changed.add(agent)

    def add(self, agent: str, action: str, state: str) -> None:
        """An action of an agent entered a state."""
        counts = self._entered.setdefault(agent, {})
        counts[action, state] = counts.get((action, state), 0) + 1
        self._last[agent] = max(self._clock(), self._last.get(agent, 0))
        self._changed.add(agent)

    def set_open(self, counts: Iterable[tuple[str, str, str, int]]) -> None:
        """Take in which episodes are open, as (agent, action, state, how many); forget agents without news for long."""
        before, now = self._open, dict[str, dict[tuple[str, str], int]]()
        for agent, action, state, count in counts:
            now.setdefault(agent, {})[action, state] = count
        self._changed |= {agent for agent in before.keys() | now.keys() if before.get(agent) != now.get(agent)}
        self._open = dict(now)
        limit = self._clock() - KEPT_SECONDS
        for agent in [agent for agent, at in self._last.items() if at < limit and agent not in now]:
            for kept in (self._entered, self._served, self._last):
                kept.pop(agent, None)
            self._changed.add(agent)

    def changed(self) -> list[AgentCounts]:
        """The agents whose counts are to be rendered anew; those that were served as 0 come again the next time."""
        names, self._changed = self._changed, set()
        return [AgentCounts(agent, self._counters(agent), self._open.get(agent, NOTHING)) for agent in names]

    def render(self, changed: Iterable[AgentCounts]) -> MetricsSnapshot:
        """Render the changed agents anew, and join all."""
        for counts in changed:
            if counts.entered or counts.open:
                self._fragments.put(counts.agent, counts.samples())
            else:
                self._fragments.drop(counts.agent)
        return self._fragments.snapshot()

    def _counters(self, agent: str) -> Counts:
        """What each counter of an agent is served as: at first as 0."""
        counts, served = self._entered.get(agent, NOTHING), self._served.get(agent, frozenset())
        new = counts.keys() - served
        if new:
            self._served[agent] = frozenset(counts)
            self._changed.add(agent)
        return {key: 0 if key in new else count for key, count in counts.items()}
