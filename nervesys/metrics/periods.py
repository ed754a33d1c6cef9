"""The update periods of metric families, in seconds."""

from collections.abc import Mapping

from nervesys.contract.times import DAY_SECONDS
from nervesys.metrics.family import Period
from nervesys.settings import Loaded
from nervesys.settings.agents import BufferSettings

Periods = Mapping[Period, float]
"""Seconds, by period."""
WINDOW_PERIODS = 4
"""A range selector spans at least this many periods; `rate` over less is mostly zero."""


def periods(loaded: Loaded) -> dict[Period, float]:
    """The periods of a fleet, in seconds; SHIP is that of the slowest agent."""
    settings = loaded.settings
    buffers = [agent.buffer for agent in loaded.agents.values()] or [BufferSettings()]
    return {
        Period.SCRAPE: settings.monitoring.prometheus.scrape_interval_seconds,
        Period.HEARTBEAT: settings.thresholds.heartbeat.interval_seconds,
        Period.SHIP: max(buffer.flush_interval_minutes * 60 for buffer in buffers),
        Period.DAILY: DAY_SECONDS,
    }
