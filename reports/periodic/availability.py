"""Availability of each agent: the share of the monitored time in which it was available; see `dashboards.availability`.

The time is sampled once a minute, or once a heartbeat if that is shorter.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dashboards.availability import available_agents, monitored_agents
from nervesys.clients.prometheus import Series
from nervesys.settings import Loaded

HOUR_SECONDS = 3600
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


@dataclass(frozen=True)
class HourAvailability:
    """Availability of the fleet in one hour: seconds of all agents together.

    Attributes:
        begin: its first instant, in Unix seconds.
        available: seconds with a fresh heartbeat.
        monitored: monitored seconds; above 0.
    """

    begin: float
    available: float
    monitored: float

    @property
    def share(self) -> float:
        """Availability, from 0 to 1."""
        return self.available / self.monitored


def monitored_query(loaded: Loaded, seconds: float) -> str:
    """PromQL: monitored seconds of each agent before an instant."""
    return _seconds_of(monitored_agents(loaded), loaded, seconds)


def available_query(loaded: Loaded, seconds: float) -> str:
    """PromQL: available seconds of each agent before an instant."""
    return _seconds_of(available_agents(loaded), loaded, seconds)


def agent_availabilities(
    available: Iterable[Sequence[Series]], monitored: Iterable[Sequence[Series]]
) -> tuple[AgentAvailability, ...]:
    """Availability of each agent over several days, sorted by name; the arguments have one result for each day."""
    good, all_ = _seconds(available), _seconds(monitored)
    return tuple(AgentAvailability(agent, good.get(agent, 0), seconds) for agent, seconds in sorted(all_.items()))


def fleet_hours(available: Iterable[Series], monitored: Iterable[Series]) -> tuple[HourAvailability, ...]:
    """Availability of the fleet in each monitored hour, oldest first; a point stands for the hour that it ends."""
    good, all_ = (
        {
            round(at / HOUR_SECONDS) * HOUR_SECONDS - HOUR_SECONDS: value
            for series in found
            for at, value in series.points
        }
        for found in (available, monitored)
    )
    return tuple(HourAvailability(begin, good.get(begin, 0), value) for begin, value in sorted(all_.items()) if value)


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
