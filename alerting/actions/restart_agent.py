"""Action `restart_agent`: the agent's driver restarts its process. Whether it recovered shows in the store."""

from collections.abc import Callable, Mapping

from alerting.actions.remedy import Proof
from alerting.drivers import Driver, RestartRequest
from alerting.drivers.fields import ANY_SERVER
from alerting.drivers.outcome import Cause, Failed, Outcome
from nervesys.settings import AgentConfig
from nervesys.settings.restart_targets import PLACE, target_problem

PROOF = Proof.NEW_INSTANCE


def driver_name(config: AgentConfig) -> str:
    """The driver that the agent's file in the brain names."""
    return config.restart.driver


def unreachable(drivers: Mapping[str, Driver], config: AgentConfig, server: str) -> str:
    """Why the agent's driver cannot restart it on its server; empty when it can.

    A driver that reaches other servers only would start a second copy of the agent there.

    Args:
        drivers: those of this receiver, by name.
        config: the agent's, which names its driver.
        server: that the agent last wrote from; empty where it is not known.
    """
    driver, server = drivers.get(config.restart.driver), _server(config, server)
    if driver is None:
        return f"this receiver has no driver {config.restart.driver!r}"
    if ANY_SERVER in driver.servers or server in driver.servers:
        return ""
    return f"driver {config.restart.driver} does not reach server {server or '(unknown)'}"


def attempt(drivers: Mapping[str, Driver], config: AgentConfig, server: str) -> Outcome:
    """One driver call; blocks for as long as the driver allows itself.

    Args:
        drivers: those of this receiver, by name.
        config: the agent's.
        server: that the agent last wrote from; empty where it is not known.
    """
    return call_driver(drivers, config, server, lambda driver, request: driver.restart(request))


def inspect(drivers: Mapping[str, Driver], config: AgentConfig, server: str) -> Outcome:
    """Whether the agent's driver reaches its server and knows its target; nothing is restarted.

    Args:
        drivers: those of this receiver, by name; `unreachable` was asked before.
        config: the agent's.
        server: that the agent last wrote from; empty where it is not known.
    """
    return call_driver(drivers, config, server, lambda driver, request: driver.inspect(request))


def call_driver(
    drivers: Mapping[str, Driver],
    config: AgentConfig,
    server: str,
    call: Callable[[Driver, RestartRequest], Outcome],
) -> Outcome:
    """Call the agent's driver, unless its target is wrong.

    Args:
        drivers: those of this receiver, by name; `unreachable` was asked before.
        config: the agent's.
        server: that the agent last wrote from; empty where it is not known.
        call: the method of the driver.
    """
    request = _make_request(config, server)
    return request if isinstance(request, Failed) else call(drivers[config.restart.driver], request)


def _server(config: AgentConfig, last: str) -> str:
    """The server to restart an agent on: the one that the brain pins, for an agent may claim any other."""
    return config.server or last


def _make_request(config: AgentConfig, server: str) -> RestartRequest | Failed:
    """The request to the agent's driver, or why its target is wrong."""
    target = config.restart.target.replace(PLACE, config.name)
    if problem := target_problem(config.restart.driver, target):
        return Failed(Cause.BAD_TARGET, problem)
    return RestartRequest(config.name, _server(config, server), target)
