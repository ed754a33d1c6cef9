"""Action `start_agent`: the agent's driver starts a process that was stopped. Whether it works shows in the store."""

from collections.abc import Mapping

from alerting.actions.remedy import Proof
from alerting.actions.restart_agent import driver_name, make_request, unreachable
from alerting.drivers import Driver
from alerting.drivers.outcome import Failed, Outcome
from nervesys.settings import AgentConfig

__all__ = ["PROOF", "attempt", "driver_name", "unreachable"]

PROOF = Proof.NEW_INSTANCE


def attempt(drivers: Mapping[str, Driver], config: AgentConfig, server: str) -> Outcome:
    """One driver call; blocks for as long as the driver allows itself.

    Args:
        drivers: those of this receiver, by name; `unreachable` was asked before.
        config: the agent's.
        server: that the agent last wrote from; empty where it is not known.
    """
    request = make_request(config, server)
    return request if isinstance(request, Failed) else drivers[config.restart.driver].start(request)
