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
class Presence:
    """Availability of one agent.

    Attributes:
        fresh: seconds with a fresh heartbeat.
        watched: monitored seconds.
    """

    agent: str
    fresh: float
    watched: float

    @property
    def share(self) -> float | None:
        """Availability, from 0 to 1; None if it was not monitored."""
        return self.fresh / self.watched if self.watched else None


def watched_query(loaded: Loaded, seconds: float) -> str:
    """PromQL: monitored seconds of each agent before an instant."""
    return _seconds_of(_watched(loaded), loaded, seconds)


def fresh_query(loaded: Loaded, seconds: float) -> str:
    """PromQL: available seconds of each agent before an instant."""
    limits = own_limits(loaded)
    common = loaded.settings.thresholds.heartbeat.down_after_seconds
    others = f'{{agent!~"{"|".join(sorted(limits))}"}}' if limits else ""
    fresh = [_fresh(others, common), *(_fresh(f'{{agent="{agent}"}}', limit) for agent, limit in limits.items())]
    return _seconds_of(f"({' or '.join(fresh)}) and on (agent) ({_watched(loaded)})", loaded, seconds)


def own_limits(loaded: Loaded) -> dict[str, float]:
    """The agents with a `down_after_seconds` of their own."""
    common = loaded.settings.thresholds
    limits = {name: own.over(common).heartbeat.down_after_seconds for name, own in loaded.own_thresholds.items()}
    return {name: limit for name, limit in sorted(limits.items()) if limit != common.heartbeat.down_after_seconds}


def presences(fresh: Iterable[Sequence[Series]], watched: Iterable[Sequence[Series]]) -> tuple[Presence, ...]:
    """Availability of each agent over several days, sorted by name; the arguments have one result for each day."""
    good, all_ = _seconds(fresh), _seconds(watched)
    return tuple(Presence(agent, good.get(agent, 0), seconds) for agent, seconds in sorted(all_.items()))


def overall(fleet: Sequence[Presence]) -> float | None:
    """Availability of the whole fleet; None if it was not monitored."""
    return Presence("", sum(one.fresh for one in fleet), sum(one.watched for one in fleet)).share


def _seconds(answers: Iterable[Sequence[Series]]) -> Mapping[str, float]:
    seconds: dict[str, float] = {}
    for answer in answers:
        for one in answer:
            agent = one.labels["agent"]
            seconds[agent] = seconds.get(agent, 0) + one.points[-1][1]
    return seconds


def _seconds_of(condition: str, loaded: Loaded, seconds: float) -> str:
    step = max(1, round(min(STEP_SECONDS, loaded.settings.thresholds.heartbeat.interval_seconds)))
    return f"{step} * count_over_time(({condition})[{seconds:.0f}s:{step}s])"


def _fresh(labels: str, limit: float) -> str:
    return f"time() - max by (agent) (nervesys_agent_heartbeat_timestamp_seconds{labels}) <= {limit:g}"


def _watched(loaded: Loaded) -> str:
    """PromQL: the monitored agents. With several shards of the store's exporter, the slowest one counts."""
    limit = loaded.settings.monitoring.fresh_seconds("store", "agents")
    read = 'nervesys_exporter_last_success_timestamp_seconds{source="store",area="agents"}'
    return f"group by (agent) (nervesys_brain_agent_configured) and on () (time() - min({read}) < {limit:g})"
