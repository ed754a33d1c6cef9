"""Update periods follow the settings."""

from dataclasses import replace

from nervesys.metrics import Period
from nervesys.metrics.periods import periods
from nervesys.settings import AgentConfig, load


def test_shipping_takes_as_long_as_the_slowest_agent() -> None:
    slow = AgentConfig.model_validate({"name": "slow", "buffer": {"flush_interval_minutes": 30}})
    quick = AgentConfig.model_validate({"name": "quick", "buffer": {"flush_interval_minutes": 1}})
    loaded = replace(load(), agents={"slow": slow, "quick": quick})
    found = periods(loaded)
    assert found[Period.SHIP] == 1800
    assert found[Period.HEARTBEAT] == loaded.settings.thresholds.heartbeat.interval_seconds
    assert set(found) == set(Period)
