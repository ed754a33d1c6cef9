"""Availability of each agent: the share of the monitored time in which it had a fresh heartbeat.

The time is sampled once a minute, or once a heartbeat if that is shorter. A sample counts for an agent if the store's
exporter had read the agents' states recently, and the agent was configured in the brain. The agent was available if its
newest heartbeat was younger than the threshold at which it counts as down. So a blind exporter shortens the monitored
time, but does not lower availability. An agent that was never seen, or was stopped on purpose, was not available.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from nervesys.clients.prometheus import Series
from nervesys.settings import Loaded

STEP_SECONDS = 60
"""Longest sampling interval."""


@dataclass(frozen=True)
class AgentAvailability:
    """Availability of one agent.

    Attributes:
        available: seconds with a fresh heartbeat.
        monitored: monitored seconds.
    """

    agent: str
    available: float
    monitored: float

    @property
    def share(self) -> float | None:
        """Availability, from 0 to 1; None if it was not monitored."""
        return self.available / self.monitored if self.monitored else None


def monitored_query(loaded: Loaded, seconds: float) -> str:
    """PromQL: monitored seconds of each agent before an instant."""
    return _seconds_of(_monitored_agents(loaded), loaded, seconds)


def available_query(loaded: Loaded, seconds: float) -> str:
    """PromQL: available seconds of each agent before an instant."""
    limits = own_limits(loaded)
    common = loaded.settings.thresholds.heartbeat.down_after_seconds
    others = f'{{agent!~"{"|".join(sorted(limits))}"}}' if limits else ""
    available = [
        _available_agents(others, common),
        *(_available_agents(f'{{agent="{agent}"}}', limit) for agent, limit in limits.items()),
    ]
    return _seconds_of(f"({' or '.join(available)}) and on (agent) ({_monitored_agents(loaded)})", loaded, seconds)


def own_limits(loaded: Loaded) -> dict[str, float]:
    """The agents with a `down_after_seconds` of their own."""
    common = loaded.settings.thresholds
    limits = {name: own.over(common).heartbeat.down_after_seconds for name, own in loaded.own_thresholds.items()}
    return {name: limit for name, limit in sorted(limits.items()) if limit != common.heartbeat.down_after_seconds}


def agent_availabilities(
    available: Iterable[Sequence[Series]], monitored: Iterable[Sequence[Series]]
) -> tuple[AgentAvailability, ...]:
    """Availability of each agent over several days, sorted by name; the arguments have one result for each day."""
    good, all_ = _seconds(available), _seconds(monitored)
    return tuple(AgentAvailability(agent, good.get(agent, 0), seconds) for agent, seconds in sorted(all_.items()))


def fleet_availability(fleet: Sequence[AgentAvailability]) -> float | None:
    """Availability of the whole fleet; None if it was not monitored."""
    return AgentAvailability("", sum(agent.available for agent in fleet), sum(agent.monitored for agent in fleet)).share


def _seconds(answers: Iterable[Sequence[Series]]) -> Mapping[str, float]:
    seconds: dict[str, float] = {}
    for answer in answers:
        for series in answer:
            agent = series.labels["agent"]
            seconds[agent] = seconds.get(agent, 0) + series.points[-1][1]
    return seconds


def _seconds_of(condition: str, loaded: Loaded, seconds: float) -> str:
    step = max(1, round(min(STEP_SECONDS, loaded.settings.thresholds.heartbeat.interval_seconds)))
    return f"{step} * count_over_time(({condition})[{seconds:.0f}s:{step}s])"


def _available_agents(labels: str, limit: float) -> str:
    return f"time() - max by (agent) (nervesys_agent_heartbeat_timestamp_seconds{labels}) <= {limit:g}"


def _monitored_agents(loaded: Loaded) -> str:
    """PromQL: the monitored agents. With several shards of the store's exporter, the slowest one counts."""
    limit = loaded.settings.monitoring.fresh_seconds("store", "agents")
    read = 'nervesys_exporter_last_success_timestamp_seconds{source="store",area="agents"}'
    return f"group by (agent) (nervesys_brain_agent_info) and on () (time() - min({read}) < {limit:g})"
