"""How much of the time each agent was there: looks at a fresh heartbeat, of those at which the fleet was watched.

A look, once a minute or a heartbeat, counts for an agent where the store's exporter had read the agents' states shortly
before, and the brain said that the agent belongs to the fleet. It is a good one where the agent's newest heartbeat was
no older than the threshold at which it is called down. So a blind exporter makes a period shorter, not an agent worse;
an agent that was configured and never seen, or stopped on purpose, was not there.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from nervesys.prometheus import Series
from nervesys.settings import Loaded

STEP_SECONDS = 60
"""Between two looks, at most."""


@dataclass(frozen=True)
class Presence:
    """How long an agent was there.

    Attributes:
        fresh: seconds with a fresh heartbeat.
        watched: seconds in which that could be known.
    """

    agent: str
    fresh: float
    watched: float

    @property
    def share(self) -> float | None:
        """From 0 to 1; None where nobody watched."""
        return self.fresh / self.watched if self.watched else None


def watched_query(loaded: Loaded, seconds: float) -> str:
    """For how many seconds before an instant each agent was watched."""
    return _seconds_of(_watched(loaded), loaded, seconds)


def fresh_query(loaded: Loaded, seconds: float) -> str:
    """For how many of them each agent was there."""
    limits = own_limits(loaded)
    common = loaded.settings.thresholds.heartbeat.down_after_seconds
    others = f'{{agent!~"{"|".join(sorted(limits))}"}}' if limits else ""
    fresh = [_fresh(others, common), *(_fresh(f'{{agent="{agent}"}}', limit) for agent, limit in limits.items())]
    return _seconds_of(f"({' or '.join(fresh)}) and on (agent) ({_watched(loaded)})", loaded, seconds)


def own_limits(loaded: Loaded) -> dict[str, float]:
    """The agents that may be silent for another time than all others, in seconds."""
    common = loaded.settings.thresholds
    limits = {name: own.over(common).heartbeat.down_after_seconds for name, own in loaded.own_thresholds.items()}
    return {name: limit for name, limit in sorted(limits.items()) if limit != common.heartbeat.down_after_seconds}


def presences(fresh: Iterable[Sequence[Series]], watched: Iterable[Sequence[Series]]) -> tuple[Presence, ...]:
    """Each agent over several days, by its name; the arguments hold an answer for each day."""
    good, all_ = _seconds(fresh), _seconds(watched)
    return tuple(Presence(agent, good.get(agent, 0), seconds) for agent, seconds in sorted(all_.items()))


def overall(fleet: Sequence[Presence]) -> float | None:
    """The share of the whole fleet; None where nobody watched."""
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
    """Where the store is read by several shards, the one that last did so longest ago speaks for all."""
    limit = loaded.settings.monitoring.fresh_seconds("store", "agents")
    read = 'nervesys_exporter_last_success_timestamp_seconds{source="store",area="agents"}'
    return f"group by (agent) (nervesys_brain_agent_configured) and on () (time() - min({read}) < {limit:g})"
