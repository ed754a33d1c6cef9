"""How many seconds lie between two changes of a family's data."""

from collections.abc import Mapping

from nervesys.metrics.family import Period
from nervesys.settings import Loaded
from nervesys.settings.agents import Buffer

Periods = Mapping[Period, float]
"""Seconds, by period."""
WINDOW_PERIODS = 4
"""A window spans at least so many periods; a shorter one is a comb of zeros."""
DAY_SECONDS = 86400.0


def periods(loaded: Loaded) -> dict[Period, float]:
    """The periods of a fleet, in seconds; that of shipping is the slowest agent's."""
    settings = loaded.settings
    buffers = [agent.buffer for agent in loaded.agents.values()] or [Buffer()]
    return {
        Period.SCRAPE: settings.monitoring.prometheus.scrape_interval_seconds,
        Period.HEARTBEAT: settings.thresholds.heartbeat.interval_seconds,
        Period.SHIP: max(buffer.flush_interval_minutes * 60 for buffer in buffers),
        Period.DAILY: DAY_SECONDS,
    }
