"""What the area `agents` passes to the others: the server metrics contained in states, and whose state is valid."""

from dataclasses import dataclass
from typing import Self

from nervesys.clock import Clock
from nervesys.contract import ServerMetrics


@dataclass(frozen=True, slots=True)
class ServerReport:
    """The metrics of one server as reported by one agent.

    Attributes:
        agent: who reports.
        at: when it was measured, in Unix seconds by the store's clock.
        metrics: what was measured.
    """

    agent: str
    at: float
    metrics: ServerMetrics

    @classmethod
    def of_state(cls, agent: str, heartbeat: float, state_time: float, metrics: ServerMetrics) -> Self:
        """The report in a state object, dated by the heartbeat less its age at that time, by the agent's clock."""
        return cls(agent, heartbeat - max(0.0, state_time - metrics.timestamp), metrics)


class SharedState:
    """Shared by areas, which run in different threads; each attribute is replaced by one assignment.

    Attributes:
        from_states: the reports in the states of the last pass.
        known_agents: agents with a valid state; None until the area `agents` has read all of them once.
        clock_offset: seconds that the store's clock is ahead of this machine's.
    """

    def __init__(self) -> None:
        self.from_states: tuple[ServerReport, ...] = ()
        self.known_agents: frozenset[str] | None = None
        self.clock_offset = 0.0

    def now(self, clock: Clock) -> float:
        """What the store's clock shows, in Unix seconds."""
        return clock() + self.clock_offset
