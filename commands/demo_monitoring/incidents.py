"""The made-up incidents of the demo: agents that fell silent, and the receiver's restarts of them. Pure."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from nervesys.contract.times import DAY_SECONDS
from nervesys.settings import Loaded

DAYS = 31
"""As far back as a monthly report and the windows of objectives look."""
GAP_SECONDS = 600
"""Between the end of the history and now: Prometheus returns a sample for five minutes, and it shall not count as
live."""
QUIET_SECONDS = 7200
"""Before now, without an incident: none counts against the receiver's limits, nor in an alert's window."""
A_DAY = (0, 1, 1, 2)
"""Numbers of incidents in a day, to choose from."""
YESTERDAY = 2
"""Least number of them yesterday, so that its report has some."""
START_SECONDS = (8, 45)
"""Shortest and longest time from the driver's call to the proof."""
CALL_SECONDS = 2
"""From the alert to the driver's call."""
CALL_LASTS = 1.5
SETTLES_SECONDS = 15
"""How long an alert goes on firing after the recovery."""
ESCALATED_DAY, ESCALATED_SECONDS = 9, 1500
"""Days ago at which an operator was needed, and how long that took."""


@dataclass(frozen=True)
class DemoIncident:
    """An agent that fell silent and was restarted. All times are Unix seconds.

    Attributes:
        silent_at: of the last heartbeat.
        fired_at: of the alert.
        recovered_at: of the proof, the first heartbeat of the new instance.
        escalated: whether it took an operator.
    """

    agent: str
    silent_at: float
    fired_at: float
    recovered_at: float
    escalated: bool = False

    @property
    def called_at(self) -> float:
        """When the driver was called."""
        return self.fired_at + CALL_SECONDS

    @property
    def resolved_at(self) -> float:
        """When the alert ended."""
        return self.recovered_at + SETTLES_SECONDS

    @property
    def states(self) -> tuple[tuple[float, str], ...]:
        """The states of the receiver's action, each with its instant."""
        called = self.called_at
        escalated = ((called + 120, "escalated"),) if self.escalated else ()
        return (
            (self.fired_at, "pending"),
            (called, "running"),
            (called + CALL_LASTS, "succeeded"),
            *escalated,
            (self.recovered_at, "recovered"),
        )


@dataclass(frozen=True)
class DemoMonitoring:
    """The time before the first start, as the monitoring would have seen it.

    Attributes:
        loaded: the settings, and the agents.
        now: Unix seconds.
    """

    loaded: Loaded
    now: float

    @property
    def start(self) -> float:
        """The first instant, a midnight."""
        return self.now - self.now % DAY_SECONDS - DAYS * DAY_SECONDS

    @property
    def end(self) -> float:
        """The last instant, a whole minute."""
        return (self.now - GAP_SECONDS) // 60 * 60

    @property
    def agents(self) -> tuple[str, ...]:
        """The names of the agents that run."""
        return tuple(sorted(name for name, agent in self.loaded.agents.items() if agent.enabled))

    def incidents(self) -> tuple[DemoIncident, ...]:
        """All incidents, oldest first; the same for the same day and agents."""
        found = (each for ago in range(DAYS, -1, -1) for each in self._incidents_of(ago))
        ended = (each for each in found if each.resolved_at < self.now - QUIET_SECONDS)
        return tuple(sorted(ended, key=lambda each: each.fired_at))

    def _incidents_of(self, ago: int) -> Iterator[DemoIncident]:
        if not self.agents:
            return
        day = self.now - self.now % DAY_SECONDS - ago * DAY_SECONDS
        generator = random.Random(f"incidents {day:.0f}")
        number = max(generator.choice(A_DAY), YESTERDAY if ago == 1 else int(ago == ESCALATED_DAY))
        for place in range(number):  # each in its own part of the day, so that none overlap
            part = DAY_SECONDS / number
            silent = float(round(day + part * (place + generator.uniform(0.1, 0.8))))
            fired = silent + self.loaded.settings.thresholds.heartbeat.down_after_seconds + generator.randint(1, 5)
            escalated = ago == ESCALATED_DAY and place == 0
            lasts = CALL_SECONDS + (ESCALATED_SECONDS if escalated else generator.randint(*START_SECONDS))
            yield DemoIncident(generator.choice(self.agents), silent, fired, fired + lasts, escalated)
