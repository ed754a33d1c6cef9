"""Action `stop_agent`: the agent's driver stops its process, because a budget is spent. It stays stopped."""

from collections.abc import Mapping

from alerting.actions.remedy import Proof
from alerting.actions.restart_agent import call_driver, driver_name, unreachable
from alerting.drivers import Driver
from alerting.drivers.outcome import Outcome
from nervesys.settings import AgentConfig

__all__ = ["PROOF", "attempt", "driver_name", "unreachable"]

PROOF = Proof.STOPPED


def attempt(drivers: Mapping[str, Driver], config: AgentConfig, server: str) -> Outcome:
    """One driver call; the arguments are those of `restart_agent.attempt`."""
    return call_driver(drivers, config, server, lambda driver, request: driver.stop(request))
