"""The series about each agent's actions; only those of agents whose counts changed are render anew."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from alerting.actions import REMEDIES
from alerting.journal import OPEN_STATES, ActionState
from alerting.receiver.metrics import ACTIONS, OF_AGENTS, OPEN
from nervesys.metrics import Fragments, MetricsSnapshot, Sample

Counts = Mapping[tuple[str, str], int]
"""By action and state."""
RARE = (ActionState.WAITING_FOR_APPROVAL,)
"""States without a series until they happened: most fleets have none of them, and each costs a series an agent."""
NONE_OPEN: Counts = {(action, state.value): 0 for action in REMEDIES for state in OPEN_STATES if state not in RARE}
NOTHING: Counts = {}


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
    """Counts and open episodes of every agent.

    All methods are for the event loop, but `render`, which one thread at a time may call.
    """

    def __init__(self) -> None:
        self._fragments = Fragments(OF_AGENTS)
        self._entered: dict[str, dict[tuple[str, str], int]] = {}
        self._open: dict[str, Counts] = {}
        self._agents: frozenset[str] = frozenset()
        self._changed: set[str] = set()

    def start(self, agent: str, action: str, states: Iterable[str]) -> None:
        """Let every series exist before its first event, so that `increase` sees that event."""
        for state in states:
            if state in RARE:
                continue
            self.add(agent, action, state, by=0)

    def add(self, agent: str, action: str, state: str, *, by: int = 1) -> None:
        """An action of an agent entered a state."""
        counts = self._entered.setdefault(agent, {})
        if by or (action, state) not in counts:
            counts[action, state] = counts.get((action, state), 0) + by
            self._changed.add(agent)

    def set_open(self, counts: Iterable[tuple[str, str, str, int]], agents: Iterable[str]) -> None:
        """Take in which episodes are open, as (agent, action, state, how many), and who is configured."""
        before, configured, now = self._open, frozenset(agents), dict[str, dict[tuple[str, str], int]]()
        for agent, action, state, count in counts:
            now.setdefault(agent, {})[action, state] = count
        self._changed |= {agent for agent in before.keys() | now.keys() if before.get(agent) != now.get(agent)}
        self._changed |= configured ^ self._agents
        self._open, self._agents = dict(now), configured

    def changed(self) -> list[AgentCounts]:
        """The agents whose counts changed since the last call."""
        names, self._changed = self._changed, set()
        return [AgentCounts(agent, dict(self._entered.get(agent, NOTHING)), self._open_of(agent)) for agent in names]

    def render(self, changed: Iterable[AgentCounts]) -> MetricsSnapshot:
        """Render the changed agents anew, and join all."""
        for counts in changed:
            self._fragments.put(counts.agent, counts.samples())
        return self._fragments.snapshot()

    def _open_of(self, agent: str) -> Counts:
        none = NONE_OPEN if agent in self._agents else NOTHING
        return {**none, **self._open.get(agent, NOTHING)}
